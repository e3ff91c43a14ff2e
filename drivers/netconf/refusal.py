"""An ``<rpc-error>`` (RFC 6241 §4.3) becomes the class that says what to do about it."""

from drivers.errors import Busy, Conflict, Rejected
from drivers.netconf import xml
from drivers.netconf.xml import Element, q, text_at

_BUSY_TAGS = frozenset({"in-use", "lock-denied", "resource-denied"})
_CONFLICT_TAGS = frozenset({"data-exists"})


def raise_for(reply: Element, element: str, operation: str) -> None:
    """Raise ``Busy``, ``Conflict`` or ``Rejected`` for the first error in a reply; warnings pass.

    An error without severity counts as an error.
    """
    for error in reply.iterfind(q(xml.NETCONF, "rpc-error")):
        if text_at(error, q(xml.NETCONF, "error-severity")) == "warning":
            continue
        tag = text_at(error, q(xml.NETCONF, "error-tag")) or "operation-failed"
        path = text_at(error, q(xml.NETCONF, "error-path"))
        message = text_at(error, q(xml.NETCONF, "error-message")) or "no message"
        holder = text_at(error, q(xml.NETCONF, "error-info"), q(xml.NETCONF, "session-id"))
        answer = f"{tag}: {message}"
        answer += f" (session {holder})" if holder else ""
        answer += f" at {path}" if path else ""
        raise _class_of(tag)(element, operation, answer, tag=tag, path=path)


def _class_of(tag: str) -> type[Busy | Rejected]:
    if tag in _BUSY_TAGS:
        return Busy
    return Conflict if tag in _CONFLICT_TAGS else Rejected
