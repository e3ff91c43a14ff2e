"""An Inform as a sighting and as facts: the names by which the CPE calls itself, where it was heard, what it told.

Pure.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from pon import serial
from ztpd.acs.messages import Inform
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.sighting import Sighting, Source

_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")
_NO_STATION = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"})
_SUBSCRIBER_SIDE = re.compile(r"\.(?:LANDevice|LANEthernetInterfaceConfig|Hosts|WiFi|Bridging|WLANConfiguration)\.")
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]")
_ROOTS = ("Device.", "InternetGatewayDevice.")
_LENGTH, _URL_LENGTH = 128, 256
_DETAILS = ("manufacturer", "product_class", "software_version", "hardware_version")


def facts_of(inform: Inform) -> CpeFacts:
    """What the Inform tells of its CPE; ``root`` is that of the first parameter below a root that is known."""
    device, parameters = inform.device, inform.parameters
    root = _root(parameters)
    return CpeFacts(
        manufacturer=device.manufacturer,
        oui=device.oui,
        product_class=device.product_class,
        serial=device.serial,
        root=root,
        software_version=parameters.get(f"{root}DeviceInfo.SoftwareVersion", "")[:_LENGTH],
        hardware_version=parameters.get(f"{root}DeviceInfo.HardwareVersion", "")[:_LENGTH],
        parameter_key=parameters.get(f"{root}ManagementServer.ParameterKey", "")[:_LENGTH],
        connection_request_url=parameters.get(f"{root}ManagementServer.ConnectionRequestURL", "")[:_URL_LENGTH],
        udp_address=parameters.get(f"{root}ManagementServer.UDPConnectionRequestAddress", "")[:_LENGTH],
        events=tuple(event.code for event in inform.events),
        parameters=parameters,
    )


def _root(parameters: Mapping[str, str]) -> str:
    for path in parameters:
        if path.startswith(_ROOTS):
            return path[: path.index(".") + 1]
    return ""


def sighting_of(facts: CpeFacts, peer_ip: str, heard_at: datetime, *, trusted: bool = True) -> Sighting:
    """The sighting of a CPE that informed these facts from this address; ``heard_at`` is aware UTC.

    ``trusted`` is whether the CPE has proven who it is.

    The PON serial is taken from a CWMP serial that is its hex (``48575443E204802C``). The MAC is the first that a
    parameter outside the subscriber's side carries. All of it is what the device claims.
    """
    details = {name: getattr(facts, name) for name in _DETAILS} | {"events": ", ".join(facts.events)[:256]}
    return Sighting(
        source=Source.CWMP,
        heard_at=heard_at,
        serial=serial.from_hex(facts.serial),
        oui=_NOT_HEX.sub("", facts.oui).upper() or None,
        cwmp_serial=facts.serial,
        mac=_uplink_mac(facts.parameters),
        ip=peer_ip,
        trusted=trusted,
        details={name: text for name, text in details.items() if text},
    )


def _uplink_mac(parameters: Mapping[str, str]) -> str | None:
    for path, text in parameters.items():
        if path.endswith(".MACAddress") and not _SUBSCRIBER_SIDE.search(path) and _MAC.fullmatch(text):
            mac = text.lower().replace("-", ":")
            if mac not in _NO_STATION:
                return mac
    return None
