"""Changing what another configured and ztpd adopted: the least that makes it right, under the names that it has.

Its objects are never replaced as a whole, for another may have said more in them than is known here.
"""

from collections.abc import Sequence

from drivers.access import Difference, WantedAccess
from drivers.netconf_bbf import editing, payloads, xml
from drivers.netconf_bbf.changes import Addition
from drivers.netconf_bbf.configuration import Kind
from drivers.netconf_bbf.editing import Edit, Object
from drivers.netconf_bbf.inventory import Inventory
from drivers.netconf_bbf.names import OnuNames
from drivers.netconf_bbf.xml import element
from drivers.places import Occupied

_UPSTREAM = frozenset({"upstream_bps", "assured_upstream_bps", "fixed_upstream_bps"})
_FORWARDING = frozenset({"service", "s_vlan", "c_vlan"})
_FRAMES = frozenset({"s_vlan", "c_vlan", "priority"})


def addition_for(inventory: Inventory, wanted: WantedAccess, changes: Sequence[Difference]) -> Addition:
    """What makes an adopted ONU right; raises ``Occupied`` where it cannot be told which of its objects is meant."""
    own = inventory.names_of(wanted.device)
    names = {change.name for change in changes}
    if "complete" in names or not all((own.olt_v_enet, own.tcont, own.user_sub_interface)):
        raise Occupied(
            f"serial {wanted.device} is configured as {own.v_ani} with parts missing, or more than one of a kind: it "
            "cannot be told which is meant. Configure it on the element, or remove it and have it made anew"
        )
    objects: list[Object] = []
    edits: list[Edit] = []
    leaves: set[Kind] = set()
    if "enabled" in names:
        edits.append(editing.admin(own.v_ani, wanted.enabled))
    if names & _UPSTREAM:
        objects.append(payloads.upstream_profile(wanted))
        edits.append(_tcont(own, objects[-1]))
        leaves.add(Kind.UPSTREAM_PROFILE)
    if "downstream_bps" in names:
        objects.append(payloads.downstream_shaper(wanted))
        edits.append(_shaped(own, objects[-1]))
        leaves.add(Kind.SHAPER)
    if names & _FRAMES:
        processing = editing.replaced(payloads.frame_processing(wanted))
        edits.append(editing.merged(Kind.INTERFACE, own.user_sub_interface, processing))
    if names & _FORWARDING:
        objects.append(payloads.network_sub_interface(wanted, inventory.uplink))
        objects.extend(payloads.forwarding(wanted, own.user_sub_interface, inventory.uplink))
        leaves |= {Kind.FORWARDER, Kind.DATABASE, Kind.INTERFACE}
    return Addition(wanted.device, objects, edits, frozenset(leaves))


def _tcont(own: OnuNames, profile: Object) -> Edit:
    reference = element(xml.GEM_TCONT, "traffic-descriptor-profile-ref", profile.key)
    return editing.merged(Kind.TCONT, own.tcont, reference)


def _shaped(own: OnuNames, shaper: Object) -> Edit:
    root = element(xml.TRAFFIC_MANAGEMENT, "tm-root", element(xml.SHAPING, "shaper-name", shaper.key))
    return editing.merged(Kind.INTERFACE, own.olt_v_enet, root)
