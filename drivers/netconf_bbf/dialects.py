"""The dialects in which TR-385 tells of ONUs, as data, and which of them an element speaks.

i3 is module ``bbf-xpon-onu-state`` (2020-10-13 to 2024-04-23, issues 2 and 3; BroadbandForum/yang): a notification
nested in the channel termination, sent for the states that are configured there. i1 is ``bbf-xpon-onu-states`` with
``bbf-xponvani-onu-states`` (both 2019-02-25, issue 1): a top-level notification, sent for every change. The Forum's
own repository does not have the two of i1; they are described after BroadbandForum/obbaa-polt-simulator
(``third_party/yang-models/BBF/TR-385/3.0``), and what OLTs make of them after BroadbandForum/obbaa
(``docs/architecture/voltmf``) and balapi/netconf-polt (``bcmolt_netconf_notifications.c``).

Nokia Lightspan: each line termination is a NETCONF server of its own beside those of the NT and the IHUB, on TCP port
833 (rgnets.com, manual, "Nokia PON/MF Systems"), and third-party code reads ``bbf-xpon-onu-states`` from it: i1. So an
LT is one element of this driver with ``port = 833`` and whatever interface leads to the backplane as ``uplink``. Left
to whoever runs it: the IHUB's side of each VLAN. Its port is 832 in one place of that manual and 940 in another, and no
public source has its modules. Nothing here has been tried on a Lightspan.

Calix AXOS speaks NETCONF, but none of these modules: ONTs are ``/config/system/ont`` in namespace
``http://www.calix.com/ns/exa/base`` with ``gpon-interface-base``, edited on the running datastore, and
``/status/system/discovered-onts`` lists those that nobody has provisioned. Public code shows requests for single models
and revisions; the modules themselves, what they default and what a refused edit leaves behind are not public. It is not
written to by NETCONF therefore; its command line is a platform of ``drivers.cli``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.netconf.modules import Module
from drivers.netconf_bbf import xml
from drivers.netconf_bbf.xml import Element, element, q
from pon.onu import Presence

_INTERFACE_STATE = (q(xml.INTERFACES, "interfaces-state"), q(xml.INTERFACES, "interface"))
_CHANNEL_TERMINATION = (*_INTERFACE_STATE, q(xml.XPON, "channel-termination"))
_INTERFACE_NAME = q(xml.INTERFACES, "name")
_PRESENT = "onus-present-on-local-channel-termination"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a message has its entries about ONUs, and where, seen from an entry, the name of its port is."""

    entries: str
    port: str


@dataclass(frozen=True, slots=True)
class Notifiable:
    """The leaf-list of a channel termination that lets it announce, and the states that stand for all others."""

    namespace: str
    tag: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one issue of TR-385 names what an OLT says of ONUs; tags and paths are qualified.

    ``state`` is an entry's leaf, ``v_ani_state`` that of a v-ANI. ``meanings`` holds of each state what it means to
    us; a state that is not in it means what the longest name it is derived from means. ``hex_registration_ids`` is
    whether registration IDs are written in hex. ``notifiable`` is None where ports announce unasked.
    """

    issue: str
    module: str
    namespace: str
    listed: Where
    announced: Where
    state: str
    v_ani_state: str
    meanings: Mapping[str, Presence]
    hex_registration_ids: bool
    notifiable: Notifiable | None

    def leaf(self, name: str) -> str:
        """The qualified tag of a leaf of an entry."""
        return q(self.namespace, name)

    @property
    def present(self) -> Element:
        """The container of the ONUs on one channel termination, empty: as it stands in a filter."""
        return element(self.namespace, _PRESENT)


_MEANINGS = {
    "onu-not-present": Presence.ABSENT,
    # Alone it says nothing of a v-ANI: nobody is known to claim the ONU.
    "onu-present": Presence.UNKNOWN,
    "onu-present-and": Presence.IN_ERROR,
    "onu-present-and-no-v-ani-known": Presence.UNKNOWN,
    "onu-present-and-on-intended-channel-termination": Presence.INTENDED,
    "onu-present-and-discovery-tune-failed": Presence.MISPLACED,
    "onu-present-and-in-wavelength-discovery": Presence.MISPLACED,
    "onu-present-and-v-ani-known-but-intended-ct-unknown": Presence.MISPLACED,
}


def _listed(namespace: str) -> Where:
    return Where("/".join((*_CHANNEL_TERMINATION, q(namespace, _PRESENT), q(namespace, "onu"))), _above(3))


def _above(levels: int) -> str:
    """The name of the interface that an entry is nested in."""
    return "/".join((*[".."] * levels, _INTERFACE_NAME))


I3 = Dialect(
    issue="i3",
    module="bbf-xpon-onu-state",
    namespace=xml.ONU_STATE,
    listed=_listed(xml.ONU_STATE),
    announced=Where("/".join((*_CHANNEL_TERMINATION, q(xml.ONU_STATE, "onu-presence-state-change"))), _above(2)),
    state=q(xml.ONU_STATE, "onu-presence-state"),
    v_ani_state=q(xml.V_ANI, "onu-presence-state"),
    meanings=_MEANINGS,
    hex_registration_ids=True,
    notifiable=Notifiable(xml.ONU_STATE, "notifiable-onu-presence-states", ("onu-present", "onu-not-present")),
)

I1 = Dialect(
    issue="i1",
    module="bbf-xpon-onu-states",
    namespace=xml.ONU_STATES,
    listed=_listed(xml.ONU_STATES),
    announced=Where(q(xml.ONU_STATES, "onu-state-change"), q(xml.ONU_STATES, "channel-termination-ref")),
    state=q(xml.ONU_STATES, "onu-state"),
    v_ani_state=q(xml.V_ANI_ONU_STATES, "onu-state"),
    # OB-BAA's table has OLTs of issue 1 say states of issue 2 too.
    meanings=_MEANINGS
    | {
        "onu-present-and-unexpected": Presence.UNKNOWN,
        "onu-present-and-in-discovery": Presence.MISPLACED,
        "onu-present-and-discovery-tune-fail": Presence.MISPLACED,
    },
    hex_registration_ids=False,
    notifiable=None,
)

DIALECTS = (I3, I1)
"""The one that is taken of several comes first."""

BY_MODULE = {Module(dialect.module, dialect.namespace): dialect for dialect in DIALECTS}
"""The dialects by the module that tells them, in the same order."""
