"""NETCONF operations on the OLT beside those of every element (RFC 6241 §7, RFC 5277 §2.1)."""

from collections.abc import Callable, Sequence

from lxml import etree

from ztpd.lab.netconf.operations import BASE_10, BASE_11, ClientSession, Operations, done, filtered, text_of
from ztpd.lab.netconf.rpc_error import NETCONF, RpcError
from ztpd.lab.netconf.schema import INTERFACES, V_ANI, path_of
from ztpd.lab.olt.datastores import Unconfirmed
from ztpd.lab.olt.fibre import expected
from ztpd.lab.olt.olt import Olt
from ztpd.lab.olt.selection import selected
from ztpd.lab.olt.tree import Tree

Element = etree._Element

NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
CAPABILITIES = (
    BASE_10,
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


class OltOperations(Operations):
    """The operations of one OLT over all its sessions; ``schedule`` calls back after seconds and can be cancelled."""

    def __init__(self, olt: Olt, schedule: Schedule) -> None:
        super().__init__(olt)
        self.olt = olt
        self.schedule = schedule
        self._cancel_timeout: Cancel | None = None

    def release(self, session: ClientSession) -> None:
        """Give back all that a session held."""
        self.olt.datastores.end_session(session.id)
        self._settle()

    def _get_config(self, session: ClientSession, operation: Element) -> Element:
        return _read([self.olt.datastores.read(_datastore(operation, "source"))], operation)

    def _get(self, session: ClientSession, operation: Element) -> Element:
        return _read(self.olt.trees(), operation)

    def _edit_config(self, session: ClientSession, operation: Element) -> Element:
        if _datastore(operation, "target") != "candidate":
            raise RpcError("operation-not-supported", "only the candidate can be edited", error_type="protocol")
        config = _child(operation, "config")
        self._check_modules(config)
        self._check_barred(config)
        default_operation = text_of(operation, "default-operation") or "merge"
        self.olt.datastores.edit_candidate(config, default_operation, session.id)
        return done()

    def _validate(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.check(_datastore(operation, "source"))
        return done()

    def _commit(self, session: ClientSession, operation: Element) -> Element:
        datastores = self.olt.datastores
        self._check_confirming(session, text_of(operation, "persist-id"))
        if operation.find(f"{{{NETCONF}}}confirmed") is None:
            datastores.commit(session.id)
            self._settle()
            return done()
        seconds = _seconds(text_of(operation, "confirm-timeout"))
        datastores.commit_confirmed(session.id, text_of(operation, "persist"))
        self._stop_timeout()
        self._cancel_timeout = self.schedule(seconds, datastores.roll_back)
        return done()

    def _cancel_commit(self, session: ClientSession, operation: Element) -> Element:
        if self.olt.datastores.unconfirmed is None:
            raise RpcError("operation-failed", "no confirmed commit is waiting", error_type="protocol")
        self._check_confirming(session, text_of(operation, "persist-id"))
        self.olt.datastores.roll_back()
        self._settle()
        return done()

    def _discard_changes(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.discard(session.id)
        return done()

    def _lock(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.lock(_datastore(operation, "target"), session.id)
        return done()

    def _unlock(self, session: ClientSession, operation: Element) -> Element:
        self.olt.datastores.unlock(_datastore(operation, "target"), session.id)
        return done()

    def _create_subscription(self, session: ClientSession, operation: Element) -> Element:
        stream = operation.findtext(f"{{{NOTIFICATION}}}stream") or "NETCONF"
        if stream != "NETCONF":
            raise RpcError("invalid-value", f"no stream {stream!r}")
        if session.subscribed:
            raise RpcError("operation-failed", "the session is subscribed already")
        session.subscribed = True
        return done()

    def _check_barred(self, config: Element) -> None:
        """Refuse what configures a barred ONU, by its serial or by the name of its v-ANI."""
        barred = self.olt.faults.barred_serials
        known = expected(self.olt.datastores.running).values()
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
            if name.namespace in self.olt.dialect.others:
                info = (("bad-element", name.localname), ("bad-namespace", name.namespace))
                message = f"there is no module {name.namespace} here"
                raise RpcError("unknown-namespace", message, path=path_of(node), info=info)

    def _check_confirming(self, session: ClientSession, persist_id: str | None) -> None:
        waiting: Unconfirmed[Tree] | None = self.olt.datastores.unconfirmed
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


OltOperations.performers = {
    **Operations.performers,
    f"{{{NETCONF}}}get": OltOperations._get,
    f"{{{NETCONF}}}get-config": OltOperations._get_config,
    f"{{{NETCONF}}}edit-config": OltOperations._edit_config,
    f"{{{NETCONF}}}validate": OltOperations._validate,
    f"{{{NETCONF}}}commit": OltOperations._commit,
    f"{{{NETCONF}}}cancel-commit": OltOperations._cancel_commit,
    f"{{{NETCONF}}}discard-changes": OltOperations._discard_changes,
    f"{{{NETCONF}}}lock": OltOperations._lock,
    f"{{{NETCONF}}}unlock": OltOperations._unlock,
    f"{{{NOTIFICATION}}}create-subscription": OltOperations._create_subscription,
}


def _read(trees: Sequence[Tree], operation: Element) -> Element:
    """The ``<data>`` of a reply: what the operation's filter selects of trees, or all when it has none."""
    subtree = operation.find(f"{{{NETCONF}}}filter")
    if subtree is None or subtree.get("type", "subtree") != "subtree":
        return filtered((top for tree in trees for top in tree.element()), operation)
    data = etree.Element(f"{{{NETCONF}}}data")
    data.extend(selected(trees, subtree))
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


def _seconds(text: str | None) -> float:
    if text is None:
        return _DEFAULT_CONFIRM_SECONDS
    if not text.isdigit() or int(text) == 0:
        raise RpcError("invalid-value", f"confirm-timeout {text!r} is no number of seconds", error_type="protocol")
    return int(text)
