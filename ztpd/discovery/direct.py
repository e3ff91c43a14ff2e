"""DHCP that comes straight from a client, with no relay to say where he is: the interface and its VLANs say it.

Pure. Whoever captures tells the interface; which interfaces subscribers end at, and so which port of which element a
frame came in at, only the core knows.
"""

from collections.abc import Mapping
from dataclasses import replace

from ztpd.domain.sighting import INTERFACE, Sighting, Source

_RELAYED = frozenset({"giaddr", "link-address"})
_PRIORITY_TAG = "0"  # IEEE 802.1Q §9.6: no VLAN


def came_in_at(sighting: Sighting, interface: str) -> Sighting:
    """The sighting with the interface among its details, unless a relay stood between."""
    if sighting.circuit_id is not None or sighting.remote_id is not None or _RELAYED & sighting.details.keys():
        return sighting
    return replace(sighting, details=sighting.details | {INTERFACE: interface})


def at_own_interface(sighting: Sighting, elements: Mapping[str, str]) -> Sighting:
    """The sighting with its place if it came in at an interface of an element of ours (``elements``, by interface).

    The port is the interface with the VLAN ids of the frame behind it (``eth1.201.301``). That is believed: what VLAN a
    frame is in, the switch before us says.
    """
    interface = sighting.details.get(INTERFACE, "")
    if sighting.source is not Source.DHCP or sighting.element is not None or interface not in elements:
        return sighting
    vlans = [each for each in sighting.details.get("vlans", "").split(".") if each not in ("", _PRIORITY_TAG)]
    return replace(sighting, element=elements[interface], port=".".join((interface, *vlans)), trusted=True)
