"""The OLT's state as a client reads it: interfaces-state and hardware, and the notification of a change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from lxml import etree

from ztpd.lab.netconf.schema import (
    HARDWARE,
    INTERFACES,
    REMOTE_HARDWARE,
    TRANSCEIVERS,
    TRANSCEIVERS_XPON,
    V_ANI,
    XPON,
    identity_of,
)
from ztpd.lab.olt.dialect import INTENDED, Dialect
from ztpd.lab.olt.fibre import Change, Place, Sight, VAni, expected
from ztpd.lab.olt.plant import channel_pairs
from ztpd.lab.olt.tree import Entry, Identity, Path, Tree, entry_of

Element = etree._Element

_NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
_IF_TYPE = "urn:bbf:yang:bbf-xpon-if-type"
_HARDWARE_TYPES = "urn:bbf:yang:bbf-hardware-types"
_HARDWARE_TYPES_XPON = "urn:bbf:yang:bbf-hardware-types-xpon"
_UNDETERMINED_BELOW_DBM = -40.0


_INTERFACES_STATE: Path = (f"{{{INTERFACES}}}interfaces-state",)
_HARDWARE: Path = (f"{{{HARDWARE}}}hardware",)


class StateData:
    """``interfaces-state`` and ``hardware``, made anew only where something is another than before."""

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._tree = Tree({})
        self._of: tuple[object, ...] = ()
        self._made: dict[str, tuple[object, list[Entry]]] = {}
        self._if_indexes: dict[str, int] = {}

    def tree(
        self, config: Tree, seen: Mapping[Place, Sight], detected: Mapping[Place, datetime], dialect: Dialect
    ) -> Tree:
        """The state under a configuration; ``seen`` is another mapping whenever anything in it is."""
        if (config, seen, dialect) == self._of:
            return self._tree
        ports, before, self._made = channel_pairs(config), self._made, {}
        here: dict[str, list[Sight]] = {port: [] for port in ports}
        by_serial: dict[str, list[Sight]] = {}
        for (port, serial), sight in seen.items():
            here[port].append(sight)
            by_serial.setdefault(serial, []).append(sight)
        for port, sights in here.items():
            known = before.get(f"port {port}")
            self._keep(known, f"port {port}", (dialect, *sights), partial(self._port, port, sights, detected, dialect))
        for serial, v_ani in expected(config).items():
            name, mine = f"v-ani {v_ani.name}", by_serial.get(serial, [])
            make = partial(self._v_ani, v_ani, mine, ports, dialect)
            self._keep(before.get(name), name, (dialect, v_ani, *mine), make)
        self._tree = _tree_of_entries(entry for _, entries in self._made.values() for entry in entries)
        self._of = (config, seen, dialect)
        return self._tree

    def _keep(
        self, known: tuple[object, list[Entry]] | None, name: str, what: object, make: Callable[[], Iterable[Entry]]
    ) -> None:
        self._made[name] = known if known is not None and known[0] == what else (what, list(make()))

    def _port(
        self, port: str, here: Sequence[Sight], detected: Mapping[Place, datetime], dialect: Dialect
    ) -> Iterator[Entry]:
        interfaces, hardware = _containers()
        interface = self._interface(interfaces, port, "channel-termination", "up")
        _add_present(interface, here, detected, dialect)
        _add_olt_transceiver(hardware, port, here)
        yield from (entry_of(_INTERFACES_STATE, each) for each in interfaces)
        yield from (entry_of(_HARDWARE, each) for each in hardware)

    def _v_ani(self, v_ani: VAni, seen: Sequence[Sight], ports: Mapping[str, str], dialect: Dialect) -> Iterator[Entry]:
        interfaces, hardware = _containers()
        works = next((sight for sight in seen if sight.state == INTENDED), None)
        interface = self._interface(interfaces, v_ani.name, "v-ani", "up" if works else "down")
        best = min(seen, key=lambda sight: sight.state != INTENDED, default=None)
        _add_v_ani(interface, v_ani, works, best, ports, dialect)
        if works is not None:
            _add_onu_hardware(hardware, works)
        yield from (entry_of(_INTERFACES_STATE, each) for each in interfaces)
        yield from (entry_of(_HARDWARE, each) for each in hardware)

    def _interface(self, interfaces: Element, name: str, kind: str, status: str) -> Element:
        index = self._if_indexes.setdefault(name, len(self._if_indexes) + 1)
        return _interface(interfaces, name, kind, status, index, self._started)


def _containers() -> tuple[Element, Element]:
    """``interfaces-state`` and ``hardware`` with nothing in them, in a root of their own."""
    root = etree.Element("state")
    return (
        etree.SubElement(root, f"{{{INTERFACES}}}interfaces-state", nsmap=_prefixes(INTERFACES)),
        etree.SubElement(root, f"{{{HARDWARE}}}hardware", nsmap=_prefixes(HARDWARE)),
    )


def _tree_of_entries(entries: Iterable[Entry]) -> Tree:
    units: dict[Path, dict[Identity, Entry]] = {_INTERFACES_STATE: {}, _HARDWARE: {}}
    for entry in entries:
        path = _HARDWARE if entry.element.tag == f"{{{HARDWARE}}}component" else _INTERFACES_STATE
        units[path][identity_of(entry.element)] = entry
    return Tree(units)


def notification(change: Change, at: datetime, dialect: Dialect) -> Element:
    """The notification of one change, nested in its port (RFC 7950 §7.16.2) or naming it, as the dialect has it."""
    message = etree.Element(f"{{{_NOTIFICATION}}}notification", nsmap=_prefixes(_NOTIFICATION))
    _leaf(message, _NOTIFICATION, "eventTime", at.isoformat())
    parent = message if dialect.port_leaf else _termination_in(message, change.port)
    event = etree.SubElement(parent, f"{{{dialect.namespace}}}{dialect.change}", nsmap=_prefixes(dialect.namespace))
    _leaf(event, dialect.namespace, "detected-serial-number", change.serial)
    if dialect.port_leaf:
        _leaf(event, dialect.namespace, dialect.port_leaf, change.port)
    _leaf(event, dialect.namespace, dialect.changed_at, at.isoformat())
    _add_onu_state(event, change.state, change.v_ani, change.registration_id, dialect)
    return message


def _termination_in(message: Element, port: str) -> Element:
    interfaces = etree.SubElement(message, f"{{{INTERFACES}}}interfaces-state", nsmap=_prefixes(INTERFACES))
    interface = etree.SubElement(interfaces, f"{{{INTERFACES}}}interface")
    _leaf(interface, INTERFACES, "name", port)
    return etree.SubElement(interface, f"{{{XPON}}}channel-termination", nsmap=_prefixes(XPON))


def _add_present(
    interface: Element, here: Sequence[Sight], detected: Mapping[Place, datetime], dialect: Dialect
) -> None:
    namespace = dialect.namespace
    termination = etree.SubElement(interface, f"{{{XPON}}}channel-termination", nsmap=_prefixes(XPON))
    present = etree.SubElement(
        termination,
        f"{{{namespace}}}onus-present-on-local-channel-termination",
        nsmap=_prefixes(namespace),
    )
    for sight in here:
        entry = etree.SubElement(present, f"{{{namespace}}}onu")
        since = detected[(sight.onu.port, sight.onu.serial)].isoformat()
        _leaf(entry, namespace, "detected-serial-number", sight.onu.serial)
        _add_onu_state(entry, sight.state, sight.v_ani, sight.onu.registration_id, dialect)
        _leaf(entry, namespace, "onu-detected-datetime", since)
        _leaf(entry, namespace, "onu-state-last-change", since)


def _add_onu_state(
    parent: Element, state: str, v_ani: VAni | None, registration_id: str | None, dialect: Dialect
) -> None:
    namespace = dialect.namespace
    _identity(parent, namespace, dialect.state, "bbf-xpon-onu-types", dialect.state_types, state)
    if v_ani is not None and v_ani.onu_id is not None and state == INTENDED:
        _leaf(parent, namespace, "onu-id", str(v_ani.onu_id))
    if registration_id is not None:
        written = registration_id if dialect.hex_registration_ids else _as_text(registration_id)
        _leaf(parent, namespace, "detected-registration-id", written)
    if v_ani is not None:
        _leaf(parent, namespace, "v-ani-ref", v_ani.name)


def _as_text(registration_id: str) -> str:
    """What hex digits spell, without the NULs it is padded with; as it stands when they spell nothing printable."""
    try:
        spelt = bytes.fromhex(registration_id).rstrip(b"\0").decode("ascii")
    except ValueError:
        return registration_id
    return spelt if spelt and spelt.isprintable() else registration_id


def _add_v_ani(
    interface: Element,
    v_ani: VAni,
    working: Sight | None,
    sight: Sight | None,
    ports: Mapping[str, str],
    dialect: Dialect,
) -> None:
    state = etree.SubElement(interface, f"{{{V_ANI}}}v-ani", nsmap=_prefixes(V_ANI))
    if working is not None and v_ani.onu_id is not None:
        _leaf(state, V_ANI, "onu-id", str(v_ani.onu_id))
    word = "onu-not-present-with-v-ani" if sight is None else sight.state
    _identity(state, dialect.v_ani_namespace, dialect.state, "bbf-xpon-onu-types", dialect.state_types, word)
    if sight is not None:
        here = etree.SubElement(state, f"{{{V_ANI}}}onu-present-on-this-olt")
        _leaf(here, V_ANI, "onu-present-on-this-channel-pair", ports[sight.onu.port])
        _leaf(here, V_ANI, "onu-present-on-this-channel-termination", sight.onu.port)
        if dialect.v_ani_has_serial:
            _leaf(here, V_ANI, "detected-serial-number", sight.onu.serial)
    if working is not None:
        remote = etree.SubElement(interface, f"{{{REMOTE_HARDWARE}}}remote-hardware", nsmap=_prefixes(REMOTE_HARDWARE))
        _leaf(remote, REMOTE_HARDWARE, "component", f"onu-{v_ani.serial}")


def _add_olt_transceiver(hardware: Element, port: str, here: Sequence[Sight]) -> None:
    link = _component(hardware, f"link-{port}", _HARDWARE_TYPES_XPON, "transceiver-link-xgs", None)
    diagnostics = _diagnostics(link)
    for sight in here:
        entry = etree.SubElement(diagnostics, f"{{{TRANSCEIVERS_XPON}}}rssi-onu", nsmap=_prefixes(TRANSCEIVERS_XPON))
        _leaf(entry, TRANSCEIVERS_XPON, "detected-serial-number", sight.onu.serial)
        _leaf(entry, TRANSCEIVERS_XPON, "rssi", str(round(sight.onu.olt_rx_dbm * 10)))
        if sight.v_ani is not None and sight.state == INTENDED:
            _leaf(entry, TRANSCEIVERS_XPON, "v-ani-ref", sight.v_ani.name)


def _add_onu_hardware(hardware: Element, sight: Sight) -> None:
    """An ONU's own readings come over OMCI: there are none before it works."""
    name = f"onu-{sight.onu.serial}"
    _component(hardware, name, _HARDWARE_TYPES, "xpon-nt", None)
    _component(hardware, f"{name}-transceiver", _HARDWARE_TYPES, "transceiver", name)
    link = _component(hardware, f"{name}-pon", _HARDWARE_TYPES_XPON, "transceiver-link-xgs", f"{name}-transceiver")
    power = etree.SubElement(_diagnostics(link), f"{{{TRANSCEIVERS}}}power-dbm")
    _leaf(power, TRANSCEIVERS, "transmit", "5.0")
    known = sight.onu.onu_rx_dbm >= _UNDETERMINED_BELOW_DBM
    _leaf(power, TRANSCEIVERS, "receive", f"{sight.onu.onu_rx_dbm:.4f}" if known else "undetermined")


def _diagnostics(component: Element) -> Element:
    link = etree.SubElement(component, f"{{{TRANSCEIVERS}}}transceiver-link", nsmap=_prefixes(TRANSCEIVERS))
    diagnostics = etree.SubElement(link, f"{{{TRANSCEIVERS}}}diagnostics")
    _leaf(diagnostics, TRANSCEIVERS, "tx-bias", "36000")
    return diagnostics


def _component(hardware: Element, name: str, module: str, kind: str, parent: str | None) -> Element:
    component = etree.SubElement(hardware, f"{{{HARDWARE}}}component")
    _leaf(component, HARDWARE, "name", name)
    _identity(component, HARDWARE, "class", module.removeprefix("urn:bbf:yang:"), module, kind)
    if parent is not None:
        _leaf(component, HARDWARE, "parent", parent)
    return component


def _interface(interfaces: Element, name: str, kind: str, status: str, index: int, started: datetime) -> Element:
    interface = etree.SubElement(interfaces, f"{{{INTERFACES}}}interface")
    _leaf(interface, INTERFACES, "name", name)
    _identity(interface, INTERFACES, "type", "bbf-xpon-if-type", _IF_TYPE, kind)
    _leaf(interface, INTERFACES, "admin-status", "up")
    _leaf(interface, INTERFACES, "oper-status", status)
    _leaf(interface, INTERFACES, "if-index", str(index))
    statistics = etree.SubElement(interface, f"{{{INTERFACES}}}statistics")
    _leaf(statistics, INTERFACES, "discontinuity-time", started.isoformat())
    return interface


def _leaf(parent: Element, namespace: str, tag: str, text: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{tag}").text = text


def _identity(parent: Element, namespace: str, tag: str, prefix: str, module: str, name: str) -> None:
    leaf = etree.SubElement(parent, f"{{{namespace}}}{tag}", nsmap={prefix: module})
    leaf.text = f"{prefix}:{name}"


def _prefixes(default: str) -> dict[str, str]:
    # lxml takes None for the default prefix, which its stubs do not know.
    return {None: default}  # type: ignore[dict-item]
