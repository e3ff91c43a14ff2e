"""The numbers in use on an OLT as they were last read, kept between writes so that they need not all be read again.

It is a hint, never the truth: what it proposes is looked up on the OLT, under the lock, before it is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from drivers.netconf_bbf import names, xml
from drivers.netconf_bbf.allocation import Exhausted, Numbers, Used, allocate
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.names import OnuNames
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.xml import Element, integer_at, q, text_at

Holder = tuple[str, str]
"""What kind of number an object holds (``onu-id``, ``alloc-id``, ``gemport-id``), and the object's name."""


@dataclass(frozen=True, slots=True)
class Held:
    """A number that an object holds, and the channel partition on which nobody else may."""

    partition: str
    number: int


class Ledger:
    """Who holds which number."""

    def __init__(self, configuration: Configuration) -> None:
        self._held = dict(held_in(configuration))

    def propose(self, wanted: Iterable[tuple[str, Port]]) -> dict[str, Numbers | Exhausted]:
        """Numbers for ONUs that have none, by serial: the lowest free on each one's partition."""
        used = self._used()
        given: dict[str, Numbers | Exhausted] = {}
        for serial, port in wanted:
            try:
                given[serial] = allocate(used.setdefault(port.channel_partition, Used()), port)
            except Exhausted as error:
                given[serial] = error
        return given

    def knows(self, configuration: Configuration) -> bool:
        """Whether every number in a configuration is held as it is known here: nobody else has given any meanwhile."""
        return all(
            holder in self._held and self._held[holder].number == number for holder, number in numbers_in(configuration)
        )

    def holds_any_of(self, serials: Iterable[str]) -> bool:
        """Whether an ONU is known here that was just seen to have no numbers: somebody else has taken it away."""
        return any(("onu-id", names.of_onu(serial).v_ani) in self._held for serial in serials)

    def note(self, own: OnuNames, numbers: Numbers, partition: str) -> None:
        """An ONU was given numbers."""
        self._held[("onu-id", own.v_ani)] = Held(partition, numbers.onu_id)
        self._held[("alloc-id", own.tcont)] = Held(partition, numbers.alloc_id)
        for name, number in zip(own.gemports, numbers.gemport_ids, strict=True):
            self._held[("gemport-id", name)] = Held(partition, number)

    def forget(self, own: OnuNames) -> None:
        """An ONU was taken away."""
        for holder in (
            ("onu-id", own.v_ani),
            ("alloc-id", own.tcont),
            *(("gemport-id", name) for name in own.gemports),
        ):
            self._held.pop(holder, None)

    def _used(self) -> dict[str, Used]:
        used: dict[str, Used] = {}
        for (kind, _), held in self._held.items():
            used.setdefault(held.partition, Used()).of_kind(kind).add(held.number)
        return used


def numbers_in(configuration: Configuration) -> Iterator[tuple[Holder, int]]:
    """Every number in a configuration and its holder; one that is none cannot be collided with, and is left out."""
    for name, v_ani in configuration.interface_part(xml.V_ANI, "v-ani"):
        yield from _number("onu-id", name, v_ani, xml.V_ANI)
    for name, tcont in configuration.entries[Kind.TCONT].items():
        yield from _number("alloc-id", name, tcont, xml.GEM_TCONT)
    for name, gemport in configuration.entries[Kind.GEMPORT].items():
        yield from _number("gemport-id", name, gemport, xml.GEM_TCONT)


def held_in(configuration: Configuration) -> Iterator[tuple[Holder, Held]]:
    """Every number in a configuration with its holder and partition; what lies on no partition is left out."""
    partitions = _partitions(configuration)
    lower = {
        "alloc-id": (Kind.TCONT, q(xml.GEM_TCONT, "interface-reference")),
        "gemport-id": (Kind.GEMPORT, q(xml.GEM_TCONT, "interface")),
    }
    for (kind, name), number in numbers_in(configuration):
        under: str | None = name
        if kind in lower:
            entries, leaf = lower[kind]
            under = text_at(configuration.find(entries, name), leaf)
        partition = partitions.get(under or "")
        if partition is not None:
            yield (kind, name), Held(partition, number)


def _partitions(configuration: Configuration) -> Mapping[str, str]:
    """The channel partition of each v-ANI and of each v-ENET on one."""
    found: dict[str, str] = {}
    for name, v_ani in configuration.interface_part(xml.V_ANI, "v-ani"):
        partition = text_at(v_ani, q(xml.V_ANI, "channel-partition"))
        if partition is not None:
            found[name] = partition
    for name, v_enet in configuration.interface_part(xml.V_ANI, "olt-v-enet"):
        partition = found.get(text_at(v_enet, q(xml.V_ANI, "lower-layer-interface")) or "")
        if partition is not None:
            found[name] = partition
    return found


def _number(kind: str, name: str, entry: Element, namespace: str) -> Iterator[tuple[Holder, int]]:
    try:
        number = integer_at(entry, q(namespace, kind))
    except ValueError:
        return
    if number is not None:
        yield (kind, name), number
