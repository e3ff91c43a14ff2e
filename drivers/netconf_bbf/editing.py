"""Objects of a configuration and the edits of an ``<edit-config>`` (RFC 6241 §7.2) that make, change or remove them."""

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.netconf_bbf import xml
from drivers.netconf_bbf.configuration import Kind
from drivers.netconf_bbf.dialects import Notifiable
from drivers.netconf_bbf.xml import Element, element, identity, q, text_at

_OPERATION = q(xml.NETCONF, "operation")


@dataclass(frozen=True, slots=True)
class Object:
    """One entry of one list; ``shared`` when other ONUs may use it too."""

    kind: Kind
    key: str
    entry: Element
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry and the operation on it (``create``, ``replace``, ``merge``, ``remove``; RFC 6241 §7.2)."""

    kind: Kind
    entry: Element
    operation: str


def removal(kind: Kind, key: str) -> Edit:
    """Remove one entry; no error when it is gone already (RFC 6241 §7.2, ``remove``)."""
    return Edit(kind, _keyed(kind, key), "remove")


def admin(v_ani: str, enabled: bool) -> Edit:
    """Let a v-ANI carry traffic or stop it, everything else as it is."""
    return merged(Kind.INTERFACE, v_ani, element(xml.INTERFACES, "enabled", "true" if enabled else "false"))


def merged(kind: Kind, key: str, *content: Element) -> Edit:
    """Change parts of one entry, everything else as it is."""
    entry = _keyed(kind, key)
    entry.extend(content)
    return Edit(kind, entry, "merge")


def replaced(part: Element) -> Element:
    """A part of an entry that takes the place of what is there, instead of being joined with it."""
    part.set(_OPERATION, "replace")
    return part


def leaving_forwarder(forwarder: str) -> Edit:
    """An edit of a forwarder that stays, to take ports out of it with ``remove_port``."""
    entry = _keyed(Kind.FORWARDER, forwarder)
    entry.append(element(xml.FORWARDING, "ports"))
    return Edit(Kind.FORWARDER, entry, "merge")


def remove_port(forwarder: Edit, port: str) -> None:
    """Have an edit of a forwarder take a port out of it."""
    leaving = element(xml.FORWARDING, "port", element(xml.FORWARDING, "name", port))
    leaving.set(_OPERATION, "remove")
    _ports(forwarder.entry).append(leaving)


def add_ports(forwarder: Edit, entry: Element) -> None:
    """Have an edit of a forwarder make the ports of another entry for the same forwarder too."""
    known = port_names(forwarder)
    for port in list(_ports(entry)):
        if text_at(port, q(xml.FORWARDING, "name")) not in known:
            _ports(forwarder.entry).append(port)


def port_names(forwarder: Edit) -> set[str | None]:
    """The ports that an edit of a forwarder makes or takes away."""
    return {text_at(port, q(xml.FORWARDING, "name")) for port in _ports(forwarder.entry)}


def _ports(forwarder: Element) -> Element:
    ports = forwarder.find(q(xml.FORWARDING, "ports"))
    if ports is None:
        raise AssertionError("a forwarder is always edited with its ports")
    return ports


def notifications_on(port: str, notifiable: Notifiable) -> Edit:
    """Let a channel termination announce every ONU that comes or goes."""
    states = [
        identity(notifiable.namespace, notifiable.tag, "bbf-xpon-onu-types", state) for state in notifiable.states
    ]
    entry = _keyed(Kind.INTERFACE, port)
    entry.append(element(xml.XPON, "channel-termination", *states))
    return Edit(Kind.INTERFACE, entry, "merge")


def config(edits: Iterable[Edit]) -> Element:
    """The ``<config>`` of an ``<edit-config>`` with all the edits, each list's entries under one container."""
    root = element(xml.NETCONF, "config")
    for edit in edits:
        parent = root
        for container in edit.kind.containers:
            found = parent.find(container)
            if found is None:
                namespace, _, tag = container[1:].partition("}")
                found = element(namespace, tag)
                parent.append(found)
            parent = found
        if edit.operation != "merge":
            edit.entry.set(_OPERATION, edit.operation)
        parent.append(edit.entry)
    return root


def _keyed(kind: Kind, key: str) -> Element:
    namespace, _, tag = kind.entry[1:].partition("}")
    key_namespace, _, key_tag = kind.key[1:].partition("}")
    return element(namespace, tag, element(key_namespace, key_tag, key))
