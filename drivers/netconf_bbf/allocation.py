"""Numbers on a PON: ONU-ids, Alloc-IDs and GEM port-ids that are free, lowest first."""

import itertools
from dataclasses import dataclass, field

from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.xml import integer_at, q


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

    def of_kind(self, kind: str) -> set[int]:
        """Those of a kind: ``onu-id``, ``alloc-id`` or ``gemport-id``."""
        return {"onu-id": self.onu_ids, "alloc-id": self.alloc_ids, "gemport-id": self.gemport_ids}[kind]


def allocate(used: Used, port: Port) -> Numbers:
    """Numbers for one ONU, the lowest that are free, marked as used; raises ``Exhausted`` and marks none then."""
    ranges = ranges_of(port.pon_type)
    partition = port.channel_partition
    numbers = Numbers(
        _free(used.onu_ids, ranges.onu_ids, 1, "ONU-id", partition)[0],
        _free(used.alloc_ids, ranges.alloc_ids, 1, "Alloc-ID", partition)[0],
        _free(used.gemport_ids, ranges.gemport_ids, len(names.TRAFFIC_CLASSES), "GEM port-id", partition),
    )
    used.onu_ids.add(numbers.onu_id)
    used.alloc_ids.add(numbers.alloc_id)
    used.gemport_ids.update(numbers.gemport_ids)
    return numbers


def held_numbers(configuration: Configuration, serial: str) -> Numbers | None:
    """The numbers that our own objects for a serial hold, or None when any is missing."""
    own = names.of_onu(serial)
    v_ani = configuration.find(Kind.INTERFACE, own.v_ani)
    onu_id = integer_at(v_ani, q(xml.V_ANI, "v-ani"), q(xml.V_ANI, "onu-id"))
    alloc_id = integer_at(configuration.find(Kind.TCONT, own.tcont), q(xml.GEM_TCONT, "alloc-id"))
    gemport_ids = tuple(
        number
        for name in own.gemports
        if (number := integer_at(configuration.find(Kind.GEMPORT, name), q(xml.GEM_TCONT, "gemport-id"))) is not None
    )
    if onu_id is None or alloc_id is None or len(gemport_ids) != len(own.gemports):
        return None
    return Numbers(onu_id, alloc_id, gemport_ids)


def _free(taken: set[int], candidates: range, count: int, what: str, partition: str) -> tuple[int, ...]:
    free = tuple(itertools.islice((number for number in candidates if number not in taken), count))
    if len(free) < count:
        raise Exhausted(what, partition)
    return free
