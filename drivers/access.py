"""What a service needs of an element and what the element shows, whatever the technology, and the difference.

The device is named as the element knows it: an ONU by its canonical PON serial (``pon.serial``), a subscriber of a
radio by the MAC address of his router (``aa:bb:cc:dd:ee:ff``), a switch port by its own name, for it knows no device.
"""

from dataclasses import dataclass, field, fields

from pon.onu import Presence


@dataclass(frozen=True, slots=True)
class WantedAccess:
    """What one service needs on one element; the same value always asks for the same configuration.

    ``service`` names the objects made for it (letters, digits, ``.``, ``_``, ``-``, ``:``); ``port`` is the element's
    own name of the channel termination, switch port or access point; ``device`` is as above. ``s_vlan`` is 0 where
    the service has no VLAN of its own. Rates are in bit/s;
    ``priority`` is the IEEE 802.1p code point of the service's frames. ``enabled`` is False for a suspended service:
    its configuration is there and carries nothing. ``address`` is the IPv4 address or prefix that the service has of
    its own, ``ppp_user`` and ``ppp_password`` what its router dials in with, where the profile gives them.
    """

    service: str
    port: str
    device: str
    s_vlan: int
    c_vlan: int | None
    downstream_bps: int
    upstream_bps: int
    assured_upstream_bps: int = 0
    fixed_upstream_bps: int = 0
    priority: int = 0
    enabled: bool = True
    address: str | None = None
    ppp_user: str | None = None
    ppp_password: str | None = field(default=None, repr=False)
    description: str = ""


@dataclass(frozen=True, slots=True)
class PresentDevice:
    """One device that an element sees or has just lost on one of its ports.

    ``raw_state`` is the element's own word for ``presence``; ``registration_id`` is hex as reported by an ONU.
    """

    port: str
    device: str
    presence: Presence
    raw_state: str = ""
    onu_id: int | None = None
    registration_id: str | None = None


@dataclass(frozen=True, slots=True)
class ObservedAccess:
    """What is configured for one device, as read back from its element, with the numbers the driver allocated.

    Fields that share a name with ``WantedAccess`` mean the same; None is a part that is missing or cannot be read.
    ``unmodelled`` are the properties that this element has no word for: they are neither written nor compared, and
    whether they hold is unknown.
    """

    device: str
    port: str | None
    service: str | None
    s_vlan: int | None
    c_vlan: int | None
    downstream_bps: int | None
    upstream_bps: int | None
    assured_upstream_bps: int | None = None
    fixed_upstream_bps: int | None = None
    priority: int | None = None
    address: str | None = None
    ppp_user: str | None = None
    enabled: bool = True
    onu_id: int | None = None
    presence: Presence = Presence.ABSENT
    complete: bool = True  # every object that makes up the service is there
    unmodelled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Levels:
    """What an element measures of one device now: None is unknown, and unknown is never good enough.

    ``onu_rx_dbm`` is the light that an ONU receives from the OLT, ``olt_rx_dbm`` what the OLT receives from the ONU;
    ``signal_dbm`` what an access point receives from a radio; ``link_bps`` the negotiated speed of a port.
    """

    onu_rx_dbm: float | None = None
    olt_rx_dbm: float | None = None
    signal_dbm: float | None = None
    link_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that is not as it is wanted."""

    name: str
    observed: object
    wanted: object

    def __str__(self) -> str:
        return f"{self.name}: {self.observed!r} → {self.wanted!r}"


# A description is for people, a password cannot be read back.
_NOT_COMPARED = frozenset({"device", "description", "ppp_password"})
COMPARED = tuple(each.name for each in fields(WantedAccess) if each.name not in _NOT_COMPARED)
"""The properties in which an element is held to what is wanted."""


def differences(wanted: WantedAccess, observed: ObservedAccess | None) -> tuple[Difference, ...]:
    """What must change so that what is observed becomes what is wanted; empty when nothing must.

    What the element does not model (``observed.unmodelled``) is left out.
    """
    if observed is None:
        return (Difference("device", None, wanted.device),)
    found = [
        Difference(name, getattr(observed, name), getattr(wanted, name))
        for name in COMPARED
        if name not in observed.unmodelled and getattr(observed, name) != getattr(wanted, name)
    ]
    if not observed.complete:
        found.append(Difference("complete", False, True))
    return tuple(found)
