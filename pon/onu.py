"""An ONU as it is wanted and as it is observed, and the difference between the two."""

import enum
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class WantedOnu:
    """What one service needs of one ONU on one OLT; the same value always asks for the same configuration.

    ``service`` names the objects made for it (letters, digits, ``.``, ``_``, ``-``); ``port`` is the OLT's own
    name of the channel termination; ``serial`` is canonical (``pon.serial``). Rates are in bit/s.
    """

    service: str
    port: str
    serial: str
    s_vlan: int
    c_vlan: int | None
    downstream_bps: int
    upstream_bps: int
    assured_upstream_bps: int = 0
    description: str = ""


class Presence(enum.StrEnum):
    """Where an ONU stands on a channel termination (TR-385 ``onu-presence-state``, grouped by what it means to us)."""

    UNKNOWN = "unknown"  # present, no configuration claims it
    INTENDED = "intended"  # present and working where its configuration says
    MISPLACED = "misplaced"  # present, configured for another channel termination
    IN_ERROR = "in-error"  # present, configured, not coming up (O7, emergency stopped …)
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class PresentOnu:
    """One ONU that an OLT sees or has just lost on one of its ports.

    ``raw_state`` is the element's own word for ``presence``; ``registration_id`` is hex as reported.
    """

    port: str
    serial: str
    presence: Presence
    raw_state: str = ""
    onu_id: int | None = None
    registration_id: str | None = None


@dataclass(frozen=True, slots=True)
class ObservedOnu:
    """An ONU's configuration as read back from an OLT, with the numbers the driver allocated.

    Fields that share a name with ``WantedOnu`` mean the same; None is a part that is missing or cannot be read.
    """

    serial: str
    port: str | None
    service: str | None
    s_vlan: int | None
    c_vlan: int | None
    downstream_bps: int | None
    upstream_bps: int | None
    assured_upstream_bps: int | None
    enabled: bool
    onu_id: int | None = None
    presence: Presence = Presence.ABSENT
    complete: bool = True  # every object that makes up the service is there


@dataclass(frozen=True, slots=True)
class Optics:
    """Light levels in dBm: None is unknown, and unknown is never good enough.

    ``onu_rx_dbm`` is what the ONU receives from the OLT; ``olt_rx_dbm`` what the OLT receives from the ONU.
    """

    onu_rx_dbm: float | None
    olt_rx_dbm: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as it is wanted."""

    name: str
    observed: object
    wanted: object

    def __str__(self) -> str:
        return f"{self.name}: {self.observed!r} → {self.wanted!r}"


_COMPARED = tuple(
    field.name for field in fields(WantedOnu) if field.name not in {"serial", "description", "downstream_bps"}
)


def differences(wanted: WantedOnu, observed: ObservedOnu | None) -> tuple[Difference, ...]:
    """What must change so that the observed ONU becomes the wanted one; empty when nothing must.

    ``downstream_bps`` is compared only where the element models it (``observed.downstream_bps`` is not None).
    """
    if observed is None:
        return (Difference("onu", None, wanted.serial),)
    found = [
        Difference(name, getattr(observed, name), getattr(wanted, name))
        for name in _COMPARED
        if getattr(observed, name) != getattr(wanted, name)
    ]
    if observed.downstream_bps is not None and observed.downstream_bps != wanted.downstream_bps:
        found.append(Difference("downstream_bps", observed.downstream_bps, wanted.downstream_bps))
    if not observed.enabled:
        found.append(Difference("enabled", False, True))
    if not observed.complete:
        found.append(Difference("complete", False, True))
    return tuple(found)
