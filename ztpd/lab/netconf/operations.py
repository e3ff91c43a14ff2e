"""NETCONF operations that every lab element has: one ``<rpc>`` in, one ``<rpc-reply>`` out (RFC 6241 §7)."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from lxml import etree

from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.rpc_error import NETCONF, RpcError
from ztpd.lab.netconf.subtree import select

Element = etree._Element

BASE_10 = "urn:ietf:params:netconf:base:1.0"
BASE_11 = "urn:ietf:params:netconf:base:1.1"


@dataclass(slots=True)
class ClientSession:
    """What the server knows of one client; ``end`` cuts its connection."""

    id: int
    end: Callable[[], None]
    subscribed: bool = False
    closing: bool = False


class Readable(Protocol):
    """An element that can be read."""

    faults: Faults

    def data(self) -> list[Element]:
        """The top-level elements of configuration and state, as ``<get>`` reads them; not to be changed."""
        ...


class Operations:
    """The operations of one element over all its sessions: it can be read, and sessions end."""

    performers: ClassVar[Mapping[str, Callable[[Any, ClientSession, Element], Element]]]
    """By qualified tag, what performs an operation for a session."""

    def __init__(self, device: Readable) -> None:
        self.sessions: dict[int, ClientSession] = {}
        self._device = device

    def answer(self, session: ClientSession, rpc: Element) -> Element:
        """The ``<rpc-reply>``: ``<ok/>``, data or errors, with the attributes of the request (RFC 6241 §4.2)."""
        reply = etree.Element(f"{{{NETCONF}}}rpc-reply")
        reply.attrib.update(rpc.attrib)
        try:
            reply.append(self._perform(session, rpc))
        except RpcError as error:
            reply.append(error.to_element())
        return reply

    def end_session(self, session: ClientSession) -> None:
        """The session is over, however it ended: give back all that it held."""
        if self.sessions.pop(session.id, None) is not None:
            self.release(session)

    def release(self, session: ClientSession) -> None:
        """Give back what a session that is over held: nothing, where nothing can be held."""

    def _perform(self, session: ClientSession, rpc: Element) -> Element:
        operation = operation_of(rpc)
        if "message-id" not in rpc.attrib:
            info = (("bad-attribute", "message-id"), ("bad-element", "rpc"))
            raise RpcError("missing-attribute", "message-id is mandatory", error_type="rpc", info=info)
        name = operation_name(rpc)
        refusal = self._device.faults.refusal_of(name)
        if refusal is not None:
            raise RpcError(refusal.tag, refusal.message)
        perform = self.performers.get(operation.tag)
        if perform is None:
            raise RpcError("operation-not-supported", f"no operation {name}", error_type="protocol")
        return perform(self, session, operation)

    def _get(self, session: ClientSession, operation: Element) -> Element:
        return filtered(self._device.data(), operation)

    def _close_session(self, session: ClientSession, operation: Element) -> Element:
        session.closing = True
        return done()

    def _kill_session(self, session: ClientSession, operation: Element) -> Element:
        text = text_of(operation, "session-id") or ""
        victim = self.sessions.get(int(text)) if text.isdigit() else None
        if victim is None or victim is session:
            raise RpcError("invalid-value", f"no other session {text!r}", error_type="protocol")
        self.end_session(victim)
        victim.end()
        return done()


Operations.performers = {
    f"{{{NETCONF}}}get": Operations._get,
    f"{{{NETCONF}}}close-session": Operations._close_session,
    f"{{{NETCONF}}}kill-session": Operations._kill_session,
}


def operation_of(rpc: Element) -> Element:
    """The element inside an ``<rpc>``; raises ``RpcError`` when there is none."""
    found = next(rpc.iterchildren(etree.Element), None)
    if found is None:
        info = (("bad-element", "rpc"),)
        raise RpcError("missing-element", "the rpc has no operation", error_type="rpc", info=info)
    return found


def operation_name(rpc: Element) -> str:
    """The operation's local name, empty when there is none."""
    found = next(rpc.iterchildren(etree.Element), None)
    return "" if found is None else etree.QName(found.tag).localname


def done() -> Element:
    """The answer to what has none: ``<ok/>``."""
    return etree.Element(f"{{{NETCONF}}}ok")


def filtered(tops: Iterable[Element], operation: Element) -> Element:
    """The ``<data>`` of a reply: copies of what the operation's filter selects, or of all when it has none."""
    data = etree.Element(f"{{{NETCONF}}}data")
    subtree = operation.find(f"{{{NETCONF}}}filter")
    if subtree is None:
        data.extend(deepcopy(top) for top in tops)
        return data
    if subtree.get("type", "subtree") != "subtree":
        raise RpcError("operation-not-supported", "only subtree filters are known", error_type="protocol")
    data.extend(select(tops, subtree))
    return data


def text_of(operation: Element, tag: str) -> str | None:
    """The text of an operation's parameter, or None where it has none."""
    return (operation.findtext(f"{{{NETCONF}}}{tag}") or "").strip() or None
