"""Which YANG modules a server implements: its hello says it, or its YANG library."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from drivers.netconf import xml
from drivers.netconf.xml import Element, element, q, text_at

_LIBRARY_1_1 = "urn:ietf:params:netconf:capability:yang-library:1.1"
_LISTED = (
    f"{q(xml.YANG_LIBRARY, 'modules-state')}/{q(xml.YANG_LIBRARY, 'module')}",
    f"{q(xml.YANG_LIBRARY, 'yang-library')}/{q(xml.YANG_LIBRARY, 'module-set')}/{q(xml.YANG_LIBRARY, 'module')}",
)


class Module(NamedTuple):
    """A module that a driver knows."""

    name: str
    namespace: str


def told_by_hello(capabilities: Iterable[str], known: Sequence[Module]) -> Module | None:
    """The first known module that a hello lists (RFC 6020 §5.6.4), or None; servers need not list YANG 1.1 modules."""
    listed = {uri.partition("?")[0] for uri in capabilities}
    return next((module for module in known if module.namespace in listed), None)


def library(capabilities: Iterable[str], known: Sequence[Module]) -> list[Element]:
    """The filter for known modules in the YANG library, of RFC 8525 where offered, else of RFC 7895."""
    modules = [element(xml.YANG_LIBRARY, "module", element(xml.YANG_LIBRARY, "name", module.name)) for module in known]
    if any(uri.startswith(_LIBRARY_1_1) for uri in capabilities):
        return [element(xml.YANG_LIBRARY, "yang-library", element(xml.YANG_LIBRARY, "module-set", *modules))]
    return [element(xml.YANG_LIBRARY, "modules-state", *modules)]


def told_by_library(reply: Element, known: Sequence[Module]) -> Module | None:
    """The first known module that the YANG library in an ``<rpc-reply>`` says is implemented, or None."""
    implemented = {
        text_at(module, q(xml.YANG_LIBRARY, "name"))
        for path in _LISTED
        for module in reply.iterfind(f"{q(xml.NETCONF, 'data')}/{path}")
        # Only RFC 7895 has the leaf: RFC 8525 lists in ``module`` what is implemented and nothing else.
        if text_at(module, q(xml.YANG_LIBRARY, "conformance-type")) != "import"
    }
    return next((module for module in known if module.name in implemented), None)
