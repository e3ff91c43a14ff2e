"""The two ways in which a TR-385 OLT tells of its ONUs, and how a client learns which one this OLT has.

i3: ``bbf-xpon-onu-state`` and the rest of issue 3 (2024-04-23). i1: ``bbf-xpon-onu-states`` and
``bbf-xponvani-onu-states`` of issue 1 (2019-02-25), as OB-BAA's pOLT simulator ships them
(BroadbandForum/obbaa-polt-simulator, ``third_party/yang-models/BBF/TR-385/3.0``).
"""

from dataclasses import dataclass
from typing import Literal

from lxml import etree

from ztpd.lab.netconf.schema import (
    INTERFACES,
    MORE_TYPES,
    ONU_STATE,
    ONU_STATES,
    ONU_TYPES,
    V_ANI,
    V_ANI_ONU_STATES,
    XPON,
    YANG_LIBRARY,
)

Element = etree._Element
Issue = Literal["i1", "i3"]
ModulesIn = Literal["hello", "modules-state", "yang-library", "nowhere"]
"""Where a client finds the modules: RFC 6020's hello, the library of RFC 7895 or of RFC 8525, or not at all."""

INTENDED = "onu-present-and-on-intended-channel-termination"

_LIBRARY_REVISIONS = {"modules-state": "2016-06-21", "yang-library": "2019-01-04"}
_CONTENT_ID = "lab"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that a server implements."""

    name: str
    revision: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """The names of one issue: of the notification ``change``, its leaves and its states.

    ``state_types`` is the namespace of the states' identities; ``unknown`` is the state of an ONU that no v-ANI
    expects, ``elsewhere`` of one expected on another port. ``port_leaf`` names the port in a top-level notification,
    None where it is nested in the port. ``notifiable`` is the qualified leaf-list of what a port announces, None where
    it announces everything. ``others`` are namespaces of modules that this OLT has not got, though the other issue has.
    """

    modules: tuple[Module, ...]
    namespace: str
    change: str
    changed_at: str
    port_leaf: str | None
    state: str
    state_types: str
    unknown: str
    elsewhere: str
    v_ani_namespace: str
    v_ani_has_serial: bool
    hex_registration_ids: bool
    notifiable: str | None
    others: frozenset[str]


_INTERFACES = Module("ietf-interfaces", "2018-02-20", INTERFACES)

I3 = Dialect(
    modules=(
        _INTERFACES,
        Module("bbf-xpon", "2024-04-23", XPON),
        Module("bbf-xponvani", "2024-04-23", V_ANI),
        Module("bbf-xpon-onu-types", "2024-04-23", ONU_TYPES),
        Module("bbf-xpon-onu-state", "2024-04-23", ONU_STATE),
    ),
    namespace=ONU_STATE,
    change="onu-presence-state-change",
    changed_at="last-change",
    port_leaf=None,
    state="onu-presence-state",
    state_types=ONU_TYPES,
    unknown="onu-present-and-no-v-ani-known-and-o5-failed-no-onu-id",
    elsewhere="onu-present-and-v-ani-known-and-o5-failed-undefined",
    v_ani_namespace=V_ANI,
    v_ani_has_serial=True,
    hex_registration_ids=True,
    notifiable=f"{{{ONU_STATE}}}notifiable-onu-presence-states",
    others=frozenset({ONU_STATES, V_ANI_ONU_STATES, MORE_TYPES}),
)

I1 = Dialect(
    modules=(
        _INTERFACES,
        Module("bbf-xpon", "2019-02-25", XPON),
        Module("bbf-xponvani", "2019-02-25", V_ANI),
        Module("bbf-xpon-onu-types", "2019-02-25", MORE_TYPES),
        Module("bbf-xpon-onu-states", "2019-02-25", ONU_STATES),
        Module("bbf-xponvani-onu-states", "2019-02-25", V_ANI_ONU_STATES),
    ),
    namespace=ONU_STATES,
    change="onu-state-change",
    changed_at="onu-state-last-change",
    port_leaf="channel-termination-ref",
    state="onu-state",
    state_types=MORE_TYPES,
    unknown="onu-present-and-unexpected",
    # "unexpected" is for an ONU without v-ANI: of one on another port than its v-ANI's, no more can be said.
    elsewhere="onu-present",
    v_ani_namespace=V_ANI_ONU_STATES,
    v_ani_has_serial=False,
    hex_registration_ids=False,
    notifiable=None,
    others=frozenset({ONU_STATE, ONU_TYPES}),
)

DIALECTS: dict[Issue, Dialect] = {"i1": I1, "i3": I3}


def capabilities(dialect: Dialect, modules_in: ModulesIn) -> tuple[str, ...]:
    """What the hello says of the modules: each of them, or that there is a library (RFC 7950 §5.6.4, RFC 8526 §2)."""
    match modules_in:
        case "hello":
            return tuple(
                f"{module.namespace}?module={module.name}&revision={module.revision}" for module in dialect.modules
            )
        case "modules-state":
            revision = _LIBRARY_REVISIONS[modules_in]
            capability = "urn:ietf:params:netconf:capability:yang-library:1.0"
            return (f"{capability}?revision={revision}&module-set-id={_CONTENT_ID}",)
        case "yang-library":
            revision = _LIBRARY_REVISIONS[modules_in]
            capability = "urn:ietf:params:netconf:capability:yang-library:1.1"
            return (f"{capability}?revision={revision}&content-id={_CONTENT_ID}",)
        case "nowhere":
            return ()


def library(dialect: Dialect, modules_in: ModulesIn) -> tuple[Element, ...]:
    """The YANG library as ``<get>`` reads it, where there is one."""
    if modules_in not in _LIBRARY_REVISIONS:
        return ()
    top = etree.Element(f"{{{YANG_LIBRARY}}}{modules_in}")
    parent = top
    if modules_in == "yang-library":
        parent = etree.SubElement(top, f"{{{YANG_LIBRARY}}}module-set")
        _leaf(parent, "name", "all")
    for module in dialect.modules:
        entry = etree.SubElement(parent, f"{{{YANG_LIBRARY}}}module")
        _leaf(entry, "name", module.name)
        _leaf(entry, "revision", module.revision)
        _leaf(entry, "namespace", module.namespace)
        if modules_in == "modules-state":
            _leaf(entry, "conformance-type", "implement")
    return (top,)


def _leaf(parent: Element, tag: str, text: str) -> None:
    etree.SubElement(parent, f"{{{YANG_LIBRARY}}}{tag}").text = text
