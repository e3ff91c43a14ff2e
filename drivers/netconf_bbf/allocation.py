"""Numbers on a PON: ONU-ids, Alloc-IDs and GEM port-ids that are free, lowest first."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.xml import Element, integer_at, q, text_at


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one ONU was given on its PON; one GEM port-id per traffic class."""

    onu_id: int
    alloc_id: int
    gemport_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ranges:
    """The values that may be assigned."""

    onu_ids: range
    alloc_ids: range
    gemport_ids: range


# ONU-id 0 is legal but left out: management systems print it for "none".
_GPON = Ranges(range(1, 128), range(256, 4096), range(256, 4095))
_XGS = Ranges(range(1, 1021), range(1024, 16384), range(1024, 65535))


def ranges_of(pon_type: str) -> Ranges:
    """The assignable numbers of a PON type (G.984.3 §8: Alloc-ID and Port-ID of 12 bits; G.9807.1 §C.6.1.5)."""
    return _GPON if pon_type == "gpon" else _XGS


class Exhausted(Exception):
    """A PON has no free number of a kind left."""

    def __init__(self, what: str, partition: str) -> None:
        self.what = what
        self.partition = partition
        super().__init__(f"no free {what} on {partition}")


@dataclass(slots=True)
class Used:
    """The numbers taken on one channel partition."""

    onu_ids: set[int] = field(default_factory=set)
    alloc_ids: set[int] = field(default_factory=set)
    gemport_ids: set[int] = field(default_factory=set)


def used_numbers(configuration: Configuration) -> dict[str, Used]:
    """The numbers taken on every channel partition, by anybody."""
    partition_of_v_ani: dict[str, str] = {}
    used: dict[str, Used] = {}
    for name, v_ani in configuration.interface_part(xml.V_ANI, "v-ani"):
        partition = text_at(v_ani, q(xml.V_ANI, "channel-partition"))
        if partition is None:
            continue
        partition_of_v_ani[name] = partition
        _note(used.setdefault(partition, Used()).onu_ids, v_ani, q(xml.V_ANI, "onu-id"))
    partition_of_v_enet = {
        name: partition_of_v_ani.get(text_at(v_enet, q(xml.V_ANI, "lower-layer-interface")) or "")
        for name, v_enet in configuration.interface_part(xml.V_ANI, "olt-v-enet")
    }
    for tcont in configuration.entries[Kind.TCONT].values():
        partition = partition_of_v_ani.get(text_at(tcont, q(xml.GEM_TCONT, "interface-reference")) or "")
        if partition is not None:
            _note(used[partition].alloc_ids, tcont, q(xml.GEM_TCONT, "alloc-id"))
    for gemport in configuration.entries[Kind.GEMPORT].values():
        partition = partition_of_v_enet.get(text_at(gemport, q(xml.GEM_TCONT, "interface")) or "")
        if partition is not None:
            _note(used[partition].gemport_ids, gemport, q(xml.GEM_TCONT, "gemport-id"))
    return used


def allocate(used: Used, port: Port, held: Numbers | None) -> Numbers:
    """Numbers for one ONU, marked as used: those it holds already, else the lowest free. Raises ``Exhausted``."""
    if held is not None:
        return held
    ranges = ranges_of(port.pon_type)
    partition = port.channel_partition
    return Numbers(
        _take(used.onu_ids, ranges.onu_ids, "ONU-id", partition),
        _take(used.alloc_ids, ranges.alloc_ids, "Alloc-ID", partition),
        tuple(_take(used.gemport_ids, ranges.gemport_ids, "GEM port-id", partition) for _ in names.TRAFFIC_CLASSES),
    )


def held_numbers(configuration: Configuration, serial: str) -> Numbers | None:
    """The numbers that our own objects for a serial hold, or None when any is missing."""
    own = names.of_onu(serial)
    v_ani = configuration.find(Kind.INTERFACE, own.v_ani)
    onu_id = integer_at(v_ani, q(xml.V_ANI, "v-ani"), q(xml.V_ANI, "onu-id"))
    alloc_id = integer_at(configuration.find(Kind.TCONT, own.tcont), q(xml.GEM_TCONT, "alloc-id"))
    gemport_ids = _known(
        integer_at(configuration.find(Kind.GEMPORT, name), q(xml.GEM_TCONT, "gemport-id")) for name in own.gemports
    )
    if onu_id is None or alloc_id is None or len(gemport_ids) != len(own.gemports):
        return None
    return Numbers(onu_id, alloc_id, gemport_ids)


def _known(values: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(value for value in values if value is not None)


def _note(taken: set[int], entry: Element, tag: str) -> None:
    # A number that is none cannot be collided with; the entry itself is reported where ONUs are read.
    with contextlib.suppress(ValueError):
        taken.update(_known([integer_at(entry, tag)]))


def _take(taken: set[int], candidates: range, what: str, partition: str) -> int:
    free = next((number for number in candidates if number not in taken), None)
    if free is None:
        raise Exhausted(what, partition)
    taken.add(free)
    return free
