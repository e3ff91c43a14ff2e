"""What is read of an OLT for many ONUs at once: a handful of requests however many they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drivers.access import Levels, WantedAccess
from drivers.netconf.session import NetconfSession
from drivers.netconf_bbf import dialects, filters, names, optics, sharing
from drivers.netconf_bbf.configuration import Configuration, index
from drivers.netconf_bbf.dialects import Dialect
from drivers.netconf_bbf.inventory import Inventory, inventory_of
from drivers.netconf_bbf.optics import Component
from drivers.netconf_bbf.reading import vlans_of
from drivers.netconf_bbf.settings import NetconfBbfSettings
from drivers.netconf_bbf.tracing import references_in
from drivers.netconf_bbf.xml import Element

AT_ONCE = 128
"""How many ONUs one request asks for or writes: neither it nor the reply becomes a matter of megabytes."""

_COMPONENT_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Known:
    """What was read; the first document has the state too, where that was asked."""

    documents: tuple[Element, ...]
    inventory: Inventory


class Reader:
    """Questions to one OLT over its session; the driver lets one be asked at a time."""

    def __init__(self, settings: NetconfBbfSettings, session: NetconfSession) -> None:
        self._settings = settings
        self._session = session

    async def dialect(self) -> Dialect:
        """The dialect in which the element tells of ONUs."""
        return await dialect_of(self._session)

    async def configuration(self, subtree: list[Element]) -> Configuration:
        """What a filter selects of the running configuration."""
        return index(await self._session.get_config(subtree))

    async def around(self, serials: Sequence[str], dialect: Dialect | None = None) -> Known:
        """ONUs' configuration with the plant and how they are forwarded; with a dialect their v-ANIs' state too."""
        subtree = filters.of_onus(serials, dialect)
        data = await (self._session.get_config(subtree) if dialect is None else self._session.get(subtree))
        return await self._followed(data, serials)

    async def for_writing(self, wanted: Sequence[WantedAccess]) -> Known:
        """The same for services that are to be written, with whoever has their place, or shares with them."""
        serials = [each.device for each in wanted]
        data = await self._session.get_config(filters.for_writing(wanted, self._settings.uplink))
        return await self._with_sharers(await self._followed(data, serials), serials)

    async def for_removing(self, serials: Sequence[str]) -> Known:
        """The same for ONUs that are to be taken away."""
        return await self._with_sharers(await self.around(serials), serials)

    async def claims(self, serials: Sequence[str]) -> Inventory:
        """The v-ANIs that expect the serials, whole, and nothing else."""
        found = await self._session.get_config(filters.claims(serials))
        v_anis = [name for claimed in self._inventory(found).v_anis.values() for name in claimed]
        if not v_anis:
            return self._inventory(found)
        return self._inventory(await self._session.get_config(filters.joined_by((), v_anis)))

    async def levels(self, serials: Sequence[str]) -> dict[str, Levels]:
        """Light levels of ONUs now, those under our names and those of v-ANIs that another made."""
        v_anis = {serial: names.of_onu(serial).v_ani for serial in serials}
        data = await self._session.get(filters.optics(serials, v_anis.values()))
        parts, at_olt = optics.onu_components(data), optics.received_by_olt(data)
        named = {serial: name for serial in serials if (name := optics.v_ani_of(at_olt.get(serial, ()))) is not None}
        foreign = [name for serial, name in named.items() if name != v_anis[serial]]
        if foreign:
            v_anis |= named
            parts |= optics.onu_components(await self._session.get([filters.remote_hardware(foreign)]))
        at_onu = await self._received_by({serial: parts[v_ani] for serial, v_ani in v_anis.items() if v_ani in parts})
        return {
            serial: Levels(onu_rx_dbm=at_onu.get(serial), olt_rx_dbm=optics.olt_rx_dbm(at_olt.get(serial, ()), v_ani))
            for serial, v_ani in v_anis.items()
        }

    async def _received_by(self, parts: dict[str, list[str]]) -> dict[str, float | None]:
        """What the one transceiver inside each ONU receives, some levels down its component tree."""
        levels: dict[str, float | None] = {}
        owners = {name: serial for serial, components in parts.items() for name in components}
        for _ in range(_COMPONENT_DEPTH):
            if not owners:
                break
            inside: dict[str, list[Component]] = {}
            for component in optics.components(await self._session.get(filters.components_in(owners))):
                owner = owners.get(component.parent or "")
                if owner is not None:
                    inside.setdefault(owner, []).append(component)
            levels |= {
                serial: level for serial, found in inside.items() if (level := optics.only_level(found)) is not None
            }
            owners = {each.name: serial for serial, found in inside.items() if serial not in levels for each in found}
        return levels

    async def _followed(self, data: Element, serials: Sequence[str]) -> Known:
        """What was read, with what another made for the serials and how all are forwarded."""
        known = self._known(data)
        foreign = [
            name
            for serial in serials
            for name in known.inventory.v_anis.get(serial, ())
            if name != names.of_onu(serial).v_ani
        ]
        if foreign:
            known = self._known(*known.documents, *await self._traced(foreign))
        subtree = _forwarding_of(known.inventory, serials)
        return known if subtree is None else await self._and(known, subtree)

    async def _traced(self, v_anis: Sequence[str]) -> list[Element]:
        """The objects that refer to v-ANIs of another's, found from each to the next."""
        documents = [await self._session.get_config(filters.referring(v_anis))]
        v_enets = [name for found in references_in(index(*documents)).v_enets.values() for name in found]
        if v_enets:
            documents.append(await self._session.get_config(filters.above(v_enets)))
        references = references_in(index(*documents))
        sub_interfaces = [name for v_ani in v_anis for name in references.sub_interfaces_of(v_ani)]
        linked = [name for lower in (*v_anis, *v_enets) for name in references.links.get(lower, ())]
        everything = (*v_anis, *v_enets, *sub_interfaces, *linked)
        documents.append(await self._session.get_config(filters.joined_by(sub_interfaces, everything)))
        return documents

    async def _with_sharers(self, known: Known, serials: Sequence[str]) -> Known:
        """What was read, with who else uses what these ONUs use."""
        keys = sharing.used_now(known.inventory, serials)
        forwarders = {member.forwarder for serial in serials for member in sharing.memberships(known.inventory, serial)}
        subtree = filters.sharing(keys, sorted(forwarders))
        if subtree:
            known = await self._and(known, subtree)
        others = sharing.network_sides(known.inventory, serials)
        return await self._and(known, filters.joined_by(others, others)) if others else known

    async def _and(self, known: Known, subtree: list[Element]) -> Known:
        return self._known(*known.documents, await self._session.get_config(subtree))

    def _known(self, *documents: Element) -> Known:
        return Known(documents, self._inventory(*documents))

    def _inventory(self, *documents: Element) -> Inventory:
        return inventory_of(index(*documents), self._settings.uplink)


async def dialect_of(session: NetconfSession) -> Dialect:
    """The dialect in which an element tells of ONUs; raises ``Rejected`` for none."""
    module = await session.module(tuple(dialects.BY_MODULE), "it cannot tell which ONUs are present")
    return dialects.BY_MODULE[module]


def chunks(serials: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at once as one request asks for, each once."""
    once = list(dict.fromkeys(serials))
    return (once[start : start + AT_ONCE] for start in range(0, len(once), AT_ONCE))


def _forwarding_of(inventory: Inventory, serials: Sequence[str]) -> list[Element] | None:
    """The filter for how these ONUs are forwarded, or None when none is."""
    ours: dict[str, list[str]] = {}
    others: set[str] = set()
    networks: set[str] = set()
    for serial in serials:
        for member in sharing.memberships(inventory, serial):
            if names.is_shared_name(member.forwarder):
                ours.setdefault(member.forwarder, []).append(member.port)
            else:
                others.add(member.forwarder)
        vlans = vlans_of(inventory, serial)
        if vlans is not None:
            networks.add(names.network_sub_interface(inventory.uplink, *vlans))
    if not ours and not others:
        return None
    return filters.of_forwarders(ours, sorted(others), sorted(networks))
