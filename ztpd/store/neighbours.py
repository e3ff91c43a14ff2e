"""LLDP neighbours as sightings: by which MAC address one is known, and what of its words is kept."""

from datetime import datetime

from drivers.base import Neighbour
from ztpd.domain.identity import Kind, Name
from ztpd.domain.sighting import Presence, Sighting, Source
from ztpd.store import devices
from ztpd.store.transaction import Transaction


def mac_of(tx: Transaction, neighbour: Neighbour) -> str | None:
    """The address by which a neighbour is known, or None when it names none.

    Of two, the one that a job or a service knows; else its port's. They are never joined: what a device says of itself
    could make it one with another's device, and give it that one's job.
    """
    told = list(dict.fromkeys(mac for mac in (neighbour.port_mac, neighbour.chassis_mac) if mac is not None))
    if len(told) < 2:
        return told[0] if told else None
    return next((mac for mac in told if _is_somebodys(tx, mac)), told[0])


def _is_somebodys(tx: Transaction, mac: str) -> bool:
    device = tx.device_named(Name(Kind.MAC, mac))
    return device is not None and devices.row_of(tx, device)["reason"] != devices.UNKNOWN


def state_of(neighbour: Neighbour) -> str:
    """What a neighbour says that it is: another word of it is news."""
    return ", ".join(filter(None, (neighbour.system_name, neighbour.system_description)))


def sighting_of(element: str, port: str, mac: str, neighbour: Neighbour | None, heard_at: datetime) -> Sighting:
    """The sighting of a neighbour by its address, or that it left; the element's own word, and so trusted."""
    if neighbour is None:
        return Sighting(Source.LLDP, heard_at, Presence.ABSENT, element, port, mac=mac)
    details = {
        "state": state_of(neighbour),
        "chassis-id": neighbour.chassis_id,
        "port-id": neighbour.port_id,
        "management-address": neighbour.management_address,
        "capabilities": ", ".join(neighbour.capabilities),
    }
    told = {name: value for name, value in details.items() if value}
    return Sighting(Source.LLDP, heard_at, Presence.PRESENT, element, port, mac=mac, details=told)
