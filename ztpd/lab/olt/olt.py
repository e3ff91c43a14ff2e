"""The OLT itself: configuration, fibres, and what it announces; no sockets, and time only as it is given."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from lxml import etree

from pon.serial import normalise
from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.rpc_error import NETCONF, RpcError
from ztpd.lab.netconf.schema import INTERFACES, V_ANI, path_of
from ztpd.lab.olt import fibre
from ztpd.lab.olt.datastores import Datastores
from ztpd.lab.olt.dialect import I3, Dialect
from ztpd.lab.olt.fibre import Change, Place, PluggedOnu, Sight
from ztpd.lab.olt.plant import factory_configuration, port_names, v_anis
from ztpd.lab.olt.state_data import StateData, notification
from ztpd.lab.olt.tree import Tree, tree_of

Element = etree._Element
Announce = Callable[[Element], None]

_WRITES = ("edit-config", "commit")


class NoSuchPort(ValueError):
    """The lab has no port of that name."""


class NoSuchOnu(ValueError):
    """No ONU of that serial is plugged in there."""


class Olt:
    """An OLT with its plant. ``announce`` is called for every notification; ``now`` gives aware UTC.

    ``library`` is what ``<get>`` reads of its modules.
    """

    writable = "candidate"

    def __init__(
        self,
        ports: int,
        announce: Announce,
        now: Callable[[], datetime],
        dialect: Dialect = I3,
        library: tuple[Element, ...] = (),
    ) -> None:
        self.dialect = dialect
        self.faults = Faults()
        self.rpcs: Counter[str] = Counter()
        self._ports = port_names(ports)
        self._announce = announce
        self._now = now
        self._library = tree_of(_config(library))
        self._state = StateData(now())
        self._plugged: dict[Place, PluggedOnu] = {}
        self._seen: dict[Place, Sight] = {}
        self._detected: dict[Place, datetime] = {}
        self.datastores = Datastores(factory_configuration(ports), self._look)

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of the channel terminations."""
        return self._ports

    @property
    def writes(self) -> int:
        """How many RPCs changed or tried to change the configuration."""
        return sum(self.rpcs[name] for name in _WRITES)

    @property
    def configured_onus(self) -> int:
        """How many v-ANIs run."""
        return len(v_anis(self.datastores.running))

    def plug(self, *onus: PluggedOnu) -> None:
        """Put ONUs on their ports' fibres, all at once; raises ``NoSuchPort`` or ``SerialError``."""
        for onu in onus:
            if onu.port not in self._ports:
                raise NoSuchPort(f"no port {onu.port!r}; there are {', '.join(self._ports)}")
        named = [replace(onu, serial=normalise(onu.serial)) for onu in onus]
        self._plugged |= {(onu.port, onu.serial): onu for onu in named}
        self._look()

    def announce_again(self, sight: Sight) -> None:
        """Announce an ONU as it is seen though nothing changed, as OLTs do after a restart of their management."""
        change = Change(sight.onu.port, sight.onu.serial, sight.state, sight.v_ani, sight.onu.registration_id)
        if fibre.is_notifiable(change, self.datastores.running, self.dialect):
            self._announce(notification(change, self._now(), self.dialect))

    def unplug(self, serial: str, port: str | None = None) -> None:
        """Take an ONU off one port, or off every port it is on; raises ``NoSuchOnu``."""
        for place in self._places(serial, port):
            del self._plugged[place]
        self._look()

    def set_light(self, serial: str, onu_rx_dbm: float, olt_rx_dbm: float, port: str | None = None) -> None:
        """Change the light at both ends; raises ``NoSuchOnu``."""
        for place in self._places(serial, port):
            self._plugged[place] = replace(self._plugged[place], onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=olt_rx_dbm)
        self._look()

    def clone(self, serial: str, port: str) -> None:
        """Plug a second ONU with the same serial into another port; raises ``NoSuchOnu`` or ``NoSuchPort``."""
        original = self._plugged[self._places(serial, None)[0]]
        self.plug(replace(original, port=port))

    def sights(self) -> list[Sight]:
        """The ONUs that the OLT sees now."""
        return list(self._seen.values())

    def plugged(self) -> list[PluggedOnu]:
        """The ONUs on the fibres, seen or dark."""
        return list(self._plugged.values())

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self.faults = Faults()

    def restart(self) -> None:
        """Start again with what was committed; every ONU is seen anew."""
        self.datastores.restart()
        self._seen, self._detected = {}, {}
        self._look()

    def reset(self) -> None:
        """As it comes: nothing plugged in, nothing configured, no faults, counters at zero."""
        self._plugged.clear()
        self.clear_faults()
        self.rpcs.clear()
        self.datastores.start_over(factory_configuration(len(self._ports)))
        self._look()

    def data(self) -> list[Element]:
        """The top-level elements of configuration and state, as ``<get>`` reads them: copies."""
        return [top for tree in self.trees() for top in tree.element()]

    def trees(self) -> list[Tree]:
        """Configuration, state and library, as ``<get>`` reads them."""
        state = self._state.tree(self.datastores.running, self._seen, self._detected, self.dialect)
        return [self.datastores.running, state, self._library]

    def check_edit(self, config: Element) -> None:
        """Refuse an edit of what the OLT has no modules for, or of an ONU that is barred."""
        self._check_modules(config)
        self._check_barred(config)

    def _check_barred(self, config: Element) -> None:
        """Refuse what configures a barred ONU, by its serial or by the name of its v-ANI."""
        barred = self.faults.barred_serials
        known = fibre.expected(self.datastores.running).values()
        named = {v_ani.name: v_ani.serial for v_ani in known if v_ani.serial in barred}
        for leaf in config.iter(f"{{{V_ANI}}}expected-serial-number", f"{{{INTERFACES}}}name") if barred else ():
            text = (leaf.text or "").strip()
            serial = text if text in barred else named.get(text)
            if serial is not None:
                raise RpcError("operation-failed", f"no licence for ONU {serial}", path=path_of(leaf))

    def _check_modules(self, config: Element) -> None:
        """Refuse data of the modules that only the other issue of TR-385 has (RFC 6241 appendix A)."""
        for node in config.iter(etree.Element):
            name = etree.QName(node.tag)
            if name.namespace in self.dialect.others:
                info = (("bad-element", name.localname), ("bad-namespace", name.namespace))
                message = f"there is no module {name.namespace} here"
                raise RpcError("unknown-namespace", message, path=path_of(node), info=info)

    def _look(self) -> None:
        """Compare what is seen now with what was, and announce what the ports are configured to announce."""
        at = self._now()
        config = self.datastores.running
        before, self._seen = self._seen, fibre.sights(self._plugged, config, self.dialect)
        self._detected = {place: self._detected.get(place, at) for place in self._seen}
        for change in fibre.changes(before, self._seen, config):
            if fibre.is_notifiable(change, config, self.dialect):
                self._announce(notification(change, at, self.dialect))

    def _places(self, serial: str, port: str | None) -> list[Place]:
        wanted = normalise(serial)
        found = [place for place in self._plugged if place[1] == wanted and port in (None, place[0])]
        if not found:
            where = "anywhere" if port is None else f"on {port}"
            raise NoSuchOnu(f"no ONU {wanted} is plugged in {where}")
        return found


def _config(tops: Iterable[Element]) -> Element:
    config = etree.Element(f"{{{NETCONF}}}config")
    config.extend(tops)
    return config
