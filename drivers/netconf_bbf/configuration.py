"""An OLT's configuration, indexed by the lists that matter to a service."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from drivers.netconf.malformed import Malformed
from drivers.netconf_bbf import xml
from drivers.netconf_bbf.xml import Element, q, text_at


class Kind(enum.Enum):
    """A list in the configuration: its containers, its entry's tag and its key (all qualified)."""

    INTERFACE = ((q(xml.INTERFACES, "interfaces"),), q(xml.INTERFACES, "interface"), q(xml.INTERFACES, "name"))
    LINK = (
        (q(xml.LINK_TABLE, "link-table"),),
        q(xml.LINK_TABLE, "link-table"),
        q(xml.LINK_TABLE, "from-interface"),
    )
    UPSTREAM_PROFILE = (
        (q(xml.GEM_TCONT, "xpongemtcont"), q(xml.GEM_TCONT, "traffic-descriptor-profiles")),
        q(xml.GEM_TCONT, "traffic-descriptor-profile"),
        q(xml.GEM_TCONT, "name"),
    )
    TCONT = (
        (q(xml.GEM_TCONT, "xpongemtcont"), q(xml.GEM_TCONT, "tconts")),
        q(xml.GEM_TCONT, "tcont"),
        q(xml.GEM_TCONT, "name"),
    )
    GEMPORT = (
        (q(xml.GEM_TCONT, "xpongemtcont"), q(xml.GEM_TCONT, "gemports")),
        q(xml.GEM_TCONT, "gemport"),
        q(xml.GEM_TCONT, "name"),
    )
    FORWARDER = (
        (q(xml.FORWARDING, "forwarding"), q(xml.FORWARDING, "forwarders")),
        q(xml.FORWARDING, "forwarder"),
        q(xml.FORWARDING, "name"),
    )
    DATABASE = (
        (q(xml.FORWARDING, "forwarding"), q(xml.FORWARDING, "forwarding-databases")),
        q(xml.FORWARDING, "forwarding-database"),
        q(xml.FORWARDING, "name"),
    )
    SHAPER = (
        (q(xml.TRAFFIC_MANAGEMENT, "tm-profiles"),),
        q(xml.SHAPING, "shaper-profile"),
        q(xml.SHAPING, "name"),
    )

    def __init__(self, containers: tuple[str, ...], entry: str, key: str) -> None:
        self.containers = containers
        self.entry = entry
        self.key = key


Key = tuple[Kind, str]
"""One entry of one list."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The entries of each list by key, and the entries that could not be read."""

    entries: Mapping[Kind, Mapping[str, Element]]
    malformed: tuple[Malformed, ...] = ()

    def find(self, kind: Kind, key: str | None) -> Element | None:
        """The entry of that key, or None."""
        return None if key is None else self.entries[kind].get(key)

    def interface_part(self, namespace: str, container: str) -> Iterator[tuple[str, Element]]:
        """The name and the container of every interface that has that container."""
        for name, interface in self.entries[Kind.INTERFACE].items():
            part = interface.find(q(namespace, container))
            if part is not None:
                yield name, part


def index(*data: Element) -> Configuration:
    """Index one or more ``<data>`` or ``<config>`` elements; of two entries with one key, the fuller wins."""
    malformed: list[Malformed] = []
    entries = {kind: _fullest(_keyed(data, kind, malformed)) for kind in Kind}
    return Configuration(entries, tuple(malformed))


def _fullest(found: Iterable[tuple[str, Element]]) -> dict[str, Element]:
    entries: dict[str, Element] = {}
    for key, entry in found:
        known = entries.get(key)
        if known is None or _size(entry) >= _size(known):
            entries[key] = entry
    return entries


def _size(entry: Element) -> int:
    return sum(1 for _ in entry.iter())


def _keyed(data: Iterable[Element], kind: Kind, malformed: list[Malformed]) -> Iterator[tuple[str, Element]]:
    for root in data:
        for entry in root.iterfind("/".join((*kind.containers, kind.entry))):
            key = text_at(entry, kind.key)
            if key is None:
                malformed.append(Malformed(kind.name.lower(), "an entry has no key"))
            else:
                yield key, entry
