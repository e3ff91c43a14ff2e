"""An Inform as a sighting: the names by which the CPE calls itself, and where it was heard.

Pure.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from pon import serial
from ztpd.acs.messages import Inform
from ztpd.domain.sighting import Sighting, Source

_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")
_NO_STATION = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"})
_SUBSCRIBER_SIDE = re.compile(r"\.(?:LANDevice|LANEthernetInterfaceConfig|Hosts|WiFi|Bridging|WLANConfiguration)\.")
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]")


def sighting_of(inform: Inform, peer_ip: str, heard_at: datetime) -> Sighting:
    """The sighting of a CPE that informed from this address; ``heard_at`` is aware UTC.

    The PON serial is taken from a CWMP serial that is its hex (``48575443E204802C``). The MAC is the first that a
    parameter outside the subscriber's side carries. All of it is what the device claims.
    """
    device = inform.device
    return Sighting(
        source=Source.CWMP,
        heard_at=heard_at,
        serial=serial.from_hex(device.serial),
        oui=_NOT_HEX.sub("", device.oui).upper() or None,
        cwmp_serial=device.serial,
        mac=_uplink_mac(inform.parameters),
        ip=peer_ip,
        details={key: text for key, text in _details(inform).items() if text},
    )


def _details(inform: Inform) -> dict[str, str]:
    return {
        "manufacturer": inform.device.manufacturer,
        "product_class": inform.device.product_class,
        "software_version": _first(inform.parameters, ".DeviceInfo.SoftwareVersion"),
        "hardware_version": _first(inform.parameters, ".DeviceInfo.HardwareVersion"),
        "events": ", ".join(event.code for event in inform.events)[:256],
    }


def _first(parameters: Mapping[str, str], ending: str) -> str:
    return next((text[:128] for path, text in parameters.items() if path.endswith(ending)), "")


def _uplink_mac(parameters: Mapping[str, str]) -> str | None:
    for path, text in parameters.items():
        if path.endswith(".MACAddress") and not _SUBSCRIBER_SIDE.search(path) and _MAC.fullmatch(text):
            mac = text.lower().replace("-", ":")
            if mac not in _NO_STATION:
                return mac
    return None
