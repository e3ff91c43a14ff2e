"""NETCONF operations that change the configuration of an element (RFC 6241 §7.2, §7.3, §7.5, §8.3, §8.4, §8.6)."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from lxml import etree

from ztpd.lab.netconf.datastores import Datastores
from ztpd.lab.netconf.faults import Faults
from ztpd.lab.netconf.operations import ClientSession, Operations, done, filtered, text_of
from ztpd.lab.netconf.rpc_error import NETCONF, RpcError

Element = etree._Element
T = TypeVar("T")
Cancel = Callable[[], None]
Schedule = Callable[[float, Callable[[], None]], Cancel]

_DEFAULT_CONFIRM_SECONDS = 600


class Editable(Protocol[T]):
    """An element that can be configured; ``T`` is how it keeps a configuration."""

    faults: Faults
    writable: str
    """The datastore that may be edited: ``candidate`` or ``running``."""

    @property
    def datastores(self) -> Datastores[T]:
        """Its configuration."""
        ...

    def data(self) -> list[Element]:
        """The top-level elements of configuration and state, as ``<get>`` reads them; not to be changed."""
        ...

    def check_edit(self, config: Element) -> None:
        """Raise ``RpcError`` for an edit that this element refuses, whatever its tree."""
        ...


class EditOperations(Operations, Generic[T]):
    """The operations of one element over its sessions; ``schedule`` calls back after seconds and can be cancelled."""

    def __init__(self, device: Editable[T], schedule: Schedule) -> None:
        super().__init__(device)
        self._element = device
        self._schedule = schedule
        self._cancel_timeout: Cancel | None = None

    def release(self, session: ClientSession) -> None:
        """Give back all that a session held."""
        self._element.datastores.end_session(session.id)
        self._settle()

    def selected(self, configuration: T, operation: Element) -> Element:
        """The ``<data>`` of what an operation's filter selects of a configuration."""
        raise NotImplementedError

    def _get_config(self, session: ClientSession, operation: Element) -> Element:
        return self.selected(self._element.datastores.read(datastore(operation, "source")), operation)

    def _edit_config(self, session: ClientSession, operation: Element) -> Element:
        target = datastore(operation, "target")
        if target != self._element.writable:
            raise RpcError("operation-not-supported", f"{target} cannot be edited", error_type="protocol")
        config = child_of(operation, "config")
        self._element.check_edit(config)
        default_operation = text_of(operation, "default-operation") or "merge"
        if target == "running":
            self._element.datastores.edit_running(config, default_operation, session.id)
        else:
            self._element.datastores.edit_candidate(config, default_operation, session.id)
        return done()

    def _copy_config(self, session: ClientSession, operation: Element) -> Element:
        if (datastore(operation, "source"), datastore(operation, "target")) != ("running", "startup"):
            raise RpcError("operation-not-supported", "only running can be copied, to startup", error_type="protocol")
        self._element.datastores.read("startup")
        self._element.datastores.save(session.id)
        return done()

    def _validate(self, session: ClientSession, operation: Element) -> Element:
        self._element.datastores.check(datastore(operation, "source"))
        return done()

    def _commit(self, session: ClientSession, operation: Element) -> Element:
        datastores = self._element.datastores
        self._check_confirming(session, text_of(operation, "persist-id"))
        if operation.find(f"{{{NETCONF}}}confirmed") is None:
            datastores.commit(session.id)
            self._settle()
            return done()
        wait_seconds = _seconds(text_of(operation, "confirm-timeout"))
        datastores.commit_confirmed(session.id, text_of(operation, "persist"))
        self._stop_timeout()
        self._cancel_timeout = self._schedule(wait_seconds, datastores.roll_back)
        return done()

    def _cancel_commit(self, session: ClientSession, operation: Element) -> Element:
        if self._element.datastores.unconfirmed is None:
            raise RpcError("operation-failed", "no confirmed commit is waiting", error_type="protocol")
        self._check_confirming(session, text_of(operation, "persist-id"))
        self._element.datastores.roll_back()
        self._settle()
        return done()

    def _discard_changes(self, session: ClientSession, operation: Element) -> Element:
        self._element.datastores.discard(session.id)
        return done()

    def _lock(self, session: ClientSession, operation: Element) -> Element:
        self._element.datastores.lock(datastore(operation, "target"), session.id)
        return done()

    def _unlock(self, session: ClientSession, operation: Element) -> Element:
        self._element.datastores.unlock(datastore(operation, "target"), session.id)
        return done()

    def _check_confirming(self, session: ClientSession, persist_id: str | None) -> None:
        waiting = self._element.datastores.unconfirmed
        if waiting is None:
            return
        if waiting.persist != persist_id or (waiting.persist is None and waiting.session != session.id):
            raise RpcError("invalid-value", "another confirmed commit is waiting", error_type="protocol")

    def _settle(self) -> None:
        if self._element.datastores.unconfirmed is None:
            self._stop_timeout()

    def _stop_timeout(self) -> None:
        if self._cancel_timeout is not None:
            self._cancel_timeout()
            self._cancel_timeout = None


EDITING = {
    **Operations.performers,
    f"{{{NETCONF}}}get-config": EditOperations._get_config,
    f"{{{NETCONF}}}edit-config": EditOperations._edit_config,
    f"{{{NETCONF}}}lock": EditOperations._lock,
    f"{{{NETCONF}}}unlock": EditOperations._unlock,
}
CANDIDATE = {
    **EDITING,
    f"{{{NETCONF}}}validate": EditOperations._validate,
    f"{{{NETCONF}}}commit": EditOperations._commit,
    f"{{{NETCONF}}}cancel-commit": EditOperations._cancel_commit,
    f"{{{NETCONF}}}discard-changes": EditOperations._discard_changes,
}


class _OneTree(EditOperations[Element]):
    """Those of an element that keeps a configuration as one tree."""

    def selected(self, configuration: Element, operation: Element) -> Element:
        return filtered(configuration, operation)


class CandidateOperations(_OneTree):
    """The operations of an element that is configured by its candidate."""

    performers = CANDIDATE


class RunningOperations(_OneTree):
    """The operations of an element whose running configuration is edited, and saved for its next start."""

    performers = {**EDITING, f"{{{NETCONF}}}copy-config": EditOperations._copy_config}  # noqa: RUF012


def datastore(operation: Element, role: str) -> str:
    """The datastore that an operation names in a role: ``source`` or ``target``."""
    named = next(child_of(operation, role).iterchildren(etree.Element), None)
    return "" if named is None else etree.QName(named.tag).localname


def child_of(operation: Element, tag: str) -> Element:
    """A parameter of an operation; raises ``RpcError`` where it is missing."""
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
