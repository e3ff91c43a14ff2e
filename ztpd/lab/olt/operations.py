"""NETCONF operations on the OLT: one ``<rpc>`` in, one ``<rpc-reply>`` out (RFC 6241 §7, RFC 5277 §2.1)."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from ztpd.lab.olt.datastores import Unconfirmed
from ztpd.lab.olt.olt import Olt
from ztpd.lab.olt.rpc_error import NETCONF, RpcError
from ztpd.lab.olt.schema import V_ANI, path_of
from ztpd.lab.olt.subtree import select

Element = etree._Element

NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
BASE_11 = "urn:ietf:params:netconf:base:1.1"
CAPABILITIES = (
    "urn:ietf:params:netconf:base:1.0",
    BASE_11,
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
    "urn:ietf:params:netconf:capability:rollback-on-error:1.0",
    "urn:ietf:params:netconf:capability:validate:1.0",
    "urn:ietf:params:netconf:capability:validate:1.1",
    "urn:ietf:params:netconf:capability:notification:1.0",
    "urn:ietf:params:netconf:capability:interleave:1.0",
)
_DEFAULT_CONFIRM_SECONDS = 600

Cancel = Callable[[], None]
Schedule = Callable[[float, Callable[[], None]], Cancel]


@dataclass(slots=True)
class ClientSession:
    """What the server knows of one client; ``end`` cuts its connection."""

    id: int
    end: Callable[[], None]
    subscribed: bool = False
    closing: bool = False


@dataclass(slots=True)
class Operations:
    """The operations of one OLT over all its sessions; ``schedule`` calls back after seconds and can be cancelled."""

    olt: Olt
    schedule: Schedule
    sessions: dict[int, ClientSession] = field(default_factory=dict)
    _cancel_timeout: Cancel | None = None

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
        if self.sessions.pop(session.id, None) is None:
            return
        self.olt.datastores.end_session(session.id)
        self._settle()

    def _perform(self, session: ClientSession, rpc: Element) -> Element:
        operation = operation_of(rpc)
        if "message-id" not in rpc.attrib:
            info = (("bad-attribute", "message-id"), ("bad-element", "rpc"))
            raise RpcError("missing-attribute", "message-id is mandatory", error_type="rpc", info=info)
        name = operation_name(rpc)
        refusal = self.olt.faults.refusal_of(name)
        if refusal is not None:
            raise RpcError(refusal.tag, refusal.message)
        perform = _OPERATIONS.get(operation.tag)
        if perform is None:
            raise RpcError("operation-not-supported", f"no operation {name}", error_type="protocol")
        return perform(self, session, operation)

    def _get(self, session: ClientSession, operation: Element) -> Element:
        return _filtered(self.olt.data(), operation)

    def _get_config(self, session: ClientSession, operation: Element) -> Element:
        return _filtered(self.olt.datastores.read(_datastore(operation, "source")), operation)

    def _edit_config(self, session: ClientSession, operation: Element) -> Element:
        if _datastore(operation, "target") != "candidate":
            raise RpcError("operation-not-supported", "only the candidate can be edited", error_type="protocol")
        config = _child(operation, "config")
        self._check_modules(config)
        self._check_barred(config)
        default_operation = _text(operation, "default-operation") or "merge"
        self.olt.datastores.edit_candidate(config, default_operation, session.id)
        return _ok()

    def _validate(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.check(_datastore(operation, "source"))
        return _ok()

    def _commit(self, session: ClientSession, operation: Element) -> Element:
        datastores = self.olt.datastores
        self._check_confirming(session, _text(operation, "persist-id"))
        if operation.find(f"{{{NETCONF}}}confirmed") is None:
            datastores.commit(session.id)
            self._settle()
            return _ok()
        seconds = _seconds(_text(operation, "confirm-timeout"))
        datastores.commit_confirmed(session.id, _text(operation, "persist"))
        self._stop_timeout()
        self._cancel_timeout = self.schedule(seconds, datastores.roll_back)
        return _ok()

    def _cancel_commit(self, session: ClientSession, operation: Element) -> Element:
        if self.olt.datastores.unconfirmed is None:
            raise RpcError("operation-failed", "no confirmed commit is waiting", error_type="protocol")
        self._check_confirming(session, _text(operation, "persist-id"))
        self.olt.datastores.roll_back()
        self._settle()
        return _ok()

    def _discard_changes(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.discard(session.id)
        return _ok()

    def _lock(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.lock(_datastore(operation, "target"), session.id)
        return _ok()

    def _unlock(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.unlock(_datastore(operation, "target"), session.id)
        return _ok()

    def _close_session(self, session: ClientSession, operation: Element) -> Element:
        session.closing = True
        return _ok()

    def _kill_session(self, session: ClientSession, operation: Element) -> Element:
        text = _text(operation, "session-id") or ""
        victim = self.sessions.get(int(text)) if text.isdigit() else None
        if victim is None or victim is session:
            raise RpcError("invalid-value", f"no other session {text!r}", error_type="protocol")
        self.end_session(victim)
        victim.end()
        return _ok()

    def _create_subscription(self, session: ClientSession, operation: Element) -> Element:
        stream = operation.findtext(f"{{{NOTIFICATION}}}stream") or "NETCONF"
        if stream != "NETCONF":
            raise RpcError("invalid-value", f"no stream {stream!r}")
        if session.subscribed:
            raise RpcError("operation-failed", "the session is subscribed already")
        session.subscribed = True
        return _ok()

    def _check_barred(self, config: Element) -> None:
        for leaf in config.iter(f"{{{V_ANI}}}expected-serial-number"):
            if leaf.text in self.olt.faults.barred_serials:
                raise RpcError("operation-failed", f"no licence for ONU {leaf.text}", path=path_of(leaf))

    def _check_modules(self, config: Element) -> None:
        """Refuse data of the modules that only the other issue of TR-385 has (RFC 6241 appendix A)."""
        for node in config.iter(etree.Element):
            name = etree.QName(node.tag)
            if name.namespace in self.olt.dialect.others:
                info = (("bad-element", name.localname), ("bad-namespace", name.namespace))
                message = f"there is no module {name.namespace} here"
                raise RpcError("unknown-namespace", message, path=path_of(node), info=info)

    def _check_confirming(self, session: ClientSession, persist_id: str | None) -> None:
        waiting: Unconfirmed | None = self.olt.datastores.unconfirmed
        if waiting is None:
            return
        if waiting.persist != persist_id or (waiting.persist is None and waiting.session != session.id):
            raise RpcError("invalid-value", "another confirmed commit is waiting", error_type="protocol")

    def _settle(self) -> None:
        if self.olt.datastores.unconfirmed is None:
            self._stop_timeout()

    def _stop_timeout(self) -> None:
        if self._cancel_timeout is not None:
            self._cancel_timeout()
            self._cancel_timeout = None


_OPERATIONS: dict[str, Callable[[Operations, ClientSession, Element], Element]] = {
    f"{{{NETCONF}}}get": Operations._get,
    f"{{{NETCONF}}}get-config": Operations._get_config,
    f"{{{NETCONF}}}edit-config": Operations._edit_config,
    f"{{{NETCONF}}}validate": Operations._validate,
    f"{{{NETCONF}}}commit": Operations._commit,
    f"{{{NETCONF}}}cancel-commit": Operations._cancel_commit,
    f"{{{NETCONF}}}discard-changes": Operations._discard_changes,
    f"{{{NETCONF}}}lock": Operations._lock,
    f"{{{NETCONF}}}unlock": Operations._unlock,
    f"{{{NETCONF}}}close-session": Operations._close_session,
    f"{{{NETCONF}}}kill-session": Operations._kill_session,
    f"{{{NOTIFICATION}}}create-subscription": Operations._create_subscription,
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


def _ok() -> Element:
    return etree.Element(f"{{{NETCONF}}}ok")


def _filtered(tops: Iterable[Element], operation: Element) -> Element:
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


def _datastore(operation: Element, role: str) -> str:
    named = next(_child(operation, role).iterchildren(etree.Element), None)
    return "" if named is None else etree.QName(named.tag).localname


def _child(operation: Element, tag: str) -> Element:
    found = operation.find(f"{{{NETCONF}}}{tag}")
    if found is None:
        info = (("bad-element", tag),)
        raise RpcError("missing-element", f"{tag} is missing", error_type="protocol", info=info)
    return found


def _text(operation: Element, tag: str) -> str | None:
    return (operation.findtext(f"{{{NETCONF}}}{tag}") or "").strip() or None


def _seconds(text: str | None) -> float:
    if text is None:
        return _DEFAULT_CONFIRM_SECONDS
    if not text.isdigit() or int(text) == 0:
        raise RpcError("invalid-value", f"confirm-timeout {text!r} is no number of seconds", error_type="protocol")
    return int(text)
