"""NETCONF operations on the OLT beside those of every element: filters over entries, and subscriptions."""

from collections.abc import Sequence

from lxml import etree

from ztpd.lab.netconf.editing import CANDIDATE, EditOperations, Schedule
from ztpd.lab.netconf.operations import BASE_10, BASE_11, ClientSession, done, filtered
from ztpd.lab.netconf.rpc_error import NETCONF, RpcError
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


class OltOperations(EditOperations[Tree]):
    """The operations of one OLT over all its sessions."""

    def __init__(self, olt: Olt, schedule: Schedule) -> None:
        super().__init__(olt, schedule)
        self._olt = olt

    def selected(self, configuration: Tree, operation: Element) -> Element:
        """The ``<data>`` of what an operation's filter selects of a configuration."""
        return _selected([configuration], operation)

    def _get(self, session: ClientSession, operation: Element) -> Element:
        return _selected(self._olt.trees(), operation)

    def _create_subscription(self, session: ClientSession, operation: Element) -> Element:
        stream = operation.findtext(f"{{{NOTIFICATION}}}stream") or "NETCONF"
        if stream != "NETCONF":
            raise RpcError("invalid-value", f"no stream {stream!r}")
        if session.subscribed:
            raise RpcError("operation-failed", "the session is subscribed already")
        session.subscribed = True
        return done()


OltOperations.performers = {
    **CANDIDATE,
    f"{{{NETCONF}}}get": OltOperations._get,
    f"{{{NOTIFICATION}}}create-subscription": OltOperations._create_subscription,
}


def _selected(trees: Sequence[Tree], operation: Element) -> Element:
    """The ``<data>`` of a reply: what the operation's filter selects of trees, or all when it has none."""
    subtree = operation.find(f"{{{NETCONF}}}filter")
    if subtree is None or subtree.get("type", "subtree") != "subtree":
        return filtered((top for tree in trees for top in tree.element()), operation)
    data = etree.Element(f"{{{NETCONF}}}data")
    data.extend(selected(trees, subtree))
    return data
