"""The objects of an ONU that another made, found by what refers to what, for their names say nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.configuration import Configuration, Kind
from drivers.netconf_bbf.names import OnuNames
from drivers.netconf_bbf.xml import q, text_at

Found = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class References:
    """By the name of what lies below: v-ENETs and T-CONTs of a v-ANI, sub-interfaces and GEM ports of a v-ENET, and
    what is linked to either."""

    v_enets: Found
    tconts: Found
    sub_interfaces: Found
    gemports: Found
    links: Found

    def of(self, v_ani: str) -> OnuNames:
        """The names of an ONU's objects; empty where there is none, or several and nobody can tell which is meant."""
        v_enet = _only(self.v_enets.get(v_ani, ()))
        return OnuNames(
            v_ani=v_ani,
            ani=_only(self.links.get(v_ani, ())),
            onu_v_enet=_only(self.links.get(v_enet, ())),
            olt_v_enet=v_enet,
            user_sub_interface=_only(self.sub_interfaces.get(v_enet, ())),
            tcont=_only(self.tconts.get(v_ani, ())),
            gemports=self.gemports.get(v_enet, ()),
        )

    def sub_interfaces_of(self, v_ani: str) -> tuple[str, ...]:
        """Every sub-interface on the v-ENETs of a v-ANI."""
        return tuple(name for v_enet in self.v_enets.get(v_ani, ()) for name in self.sub_interfaces.get(v_enet, ()))

    def everything_of(self, v_ani: str) -> list[tuple[Kind, str]]:
        """Every object that is there for an ONU alone, in an order in which none is referred to by a later one."""
        v_enets = self.v_enets.get(v_ani, ())
        lower = (v_ani, *v_enets)
        linked = [link for name in lower for link in self.links.get(name, ())]
        return [
            *((Kind.GEMPORT, name) for v_enet in v_enets for name in self.gemports.get(v_enet, ())),
            *((Kind.TCONT, name) for name in self.tconts.get(v_ani, ())),
            *((Kind.LINK, name) for name in linked),
            *((Kind.INTERFACE, name) for name in self.sub_interfaces_of(v_ani)),
            *((Kind.INTERFACE, name) for name in reversed(linked)),
            *((Kind.INTERFACE, name) for name in v_enets),
            (Kind.INTERFACE, v_ani),
        ]


def references_in(configuration: Configuration) -> References:
    """Who refers to whom in a configuration."""
    interfaces = configuration.entries[Kind.INTERFACE].items()
    return References(
        v_enets=_by_lower(
            (name, text_at(entry, q(xml.V_ANI, "olt-v-enet"), q(xml.V_ANI, "lower-layer-interface")))
            for name, entry in interfaces
        ),
        tconts=_by_lower(
            (name, text_at(entry, q(xml.GEM_TCONT, "interface-reference")))
            for name, entry in configuration.entries[Kind.TCONT].items()
        ),
        sub_interfaces=_by_lower(
            (name, text_at(entry, q(xml.SUB_INTERFACES, "subif-lower-layer"), q(xml.SUB_INTERFACES, "interface")))
            for name, entry in interfaces
        ),
        gemports=_by_lower(
            (name, text_at(entry, q(xml.GEM_TCONT, "interface")))
            for name, entry in configuration.entries[Kind.GEMPORT].items()
        ),
        links=_by_lower(
            (name, text_at(entry, q(xml.LINK_TABLE, "to-interface")))
            for name, entry in configuration.entries[Kind.LINK].items()
        ),
    )


def _by_lower(pairs: Iterable[tuple[str, str | None]]) -> Found:
    found: dict[str, tuple[str, ...]] = {}
    for name, lower in pairs:
        if lower is not None:
            found[lower] = (*found.get(lower, ()), name)
    return found


def _only(found: tuple[str, ...]) -> str:
    return found[0] if len(found) == 1 else ""
