"""What hangs on the fibres, and what the OLT makes of it under a given configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pon.serial import normalise
from ztpd.lab.netconf.schema import INTERFACES, V_ANI, XPON
from ztpd.lab.olt.dialect import INTENDED, Dialect
from ztpd.lab.olt.plant import channel_pairs, interface_named, v_anis
from ztpd.lab.olt.tree import Entry, Tree

DARK_BELOW_DBM = -32.0
"""A receiver gets nothing at all below this; XGS-PON's own sensitivity is some dB higher (G.9807.1 annex B)."""

STOPPED = "onu-present-and-emergency-stopped"
GONE_WITH_V_ANI = "onu-not-present-with-v-ani"
GONE = "onu-not-present-without-v-ani"


@dataclass(frozen=True, slots=True)
class PluggedOnu:
    """One ONU on one port's fibre, and the light at both ends in dBm."""

    serial: str
    port: str
    onu_rx_dbm: float
    olt_rx_dbm: float
    registration_id: str | None = None

    @property
    def is_dark(self) -> bool:
        """Whether either end receives too little to know of the other."""
        return min(self.onu_rx_dbm, self.olt_rx_dbm) < DARK_BELOW_DBM


@dataclass(frozen=True, slots=True)
class VAni:
    """What a v-ANI says of the ONU it expects."""

    name: str
    serial: str
    channel_pair: str
    onu_id: int | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """An ONU as the OLT sees it on a port."""

    onu: PluggedOnu
    state: str
    v_ani: VAni | None


@dataclass(frozen=True, slots=True)
class Change:
    """An ONU entered a presence state on a port."""

    port: str
    serial: str
    state: str
    v_ani: VAni | None
    registration_id: str | None


Place = tuple[str, str]
"""Port and serial."""


def expected(tree: Tree) -> dict[str, VAni]:
    """The v-ANIs by the serial that they expect."""
    known: Iterator[VAni | None] = (entry.facts(_v_ani) for entry in v_anis(tree))
    return {v_ani.serial: v_ani for v_ani in known if v_ani is not None}


def _v_ani(entry: Entry) -> VAni | None:
    part = entry.element.find(f"{{{V_ANI}}}v-ani")
    serial = None if part is None else part.findtext(f"{{{V_ANI}}}expected-serial-number")
    if part is None or serial is None:
        return None
    onu_id = part.findtext(f"{{{V_ANI}}}onu-id")
    return VAni(
        name=entry.element.findtext(f"{{{INTERFACES}}}name") or "",
        serial=normalise(serial),
        channel_pair=part.findtext(f"{{{V_ANI}}}preferred-channel-pair") or "",
        onu_id=None if onu_id is None else int(onu_id),
        enabled=entry.element.findtext(f"{{{INTERFACES}}}enabled") != "false",
    )


def sights(plugged: Mapping[Place, PluggedOnu], config: Tree, dialect: Dialect) -> dict[Place, Sight]:
    """Every ONU the OLT sees; of clones, the one on the port that the configuration means works."""
    pairs = channel_pairs(config)
    known = expected(config)
    seen: dict[Place, Sight] = {}
    for place, onu in plugged.items():
        if onu.is_dark or onu.port not in pairs:
            continue
        v_ani = known.get(onu.serial)
        seen[place] = Sight(onu, _state(v_ani, pairs[onu.port], dialect), v_ani)
    return seen


def changes(before: Mapping[Place, Sight], after: Mapping[Place, Sight], config: Tree) -> Iterator[Change]:
    """What happened between two looks, departures first."""
    known = expected(config)
    for place, sight in before.items():
        if place not in after:
            v_ani = known.get(sight.onu.serial)
            gone = GONE if v_ani is None else GONE_WITH_V_ANI
            yield Change(*place, gone, v_ani, sight.onu.registration_id)
    for place, sight in after.items():
        if place not in before or before[place].state != sight.state:
            yield Change(*place, sight.state, sight.v_ani, sight.onu.registration_id)


def is_notifiable(change: Change, config: Tree, dialect: Dialect) -> bool:
    """Whether the port announces this state: unasked, or configured so for it or one that it is derived from."""
    if dialect.notifiable is None:
        return True
    port = interface_named(config, change.port)
    path = f"{{{XPON}}}channel-termination/{dialect.notifiable}"
    named = () if port is None else port.iterfind(path)
    bases = [(found.text or "").rpartition(":")[2] for found in named]
    return any(change.state == base or change.state.startswith(f"{base}-") for base in bases)


def _state(v_ani: VAni | None, channel_pair: str, dialect: Dialect) -> str:
    if v_ani is None:
        return dialect.unknown
    if not v_ani.enabled:
        return STOPPED
    return INTENDED if v_ani.channel_pair == channel_pair else dialect.elsewhere
