"""Devices as GenieACS would dump them, written for the tests after the shapes of its sources."""

import json
from collections.abc import Callable, Mapping
from typing import Any

PASSWORD = "cr-S3NT1NEL"
"""The connection-request password of every device made here; it must never be shown."""

TIME = "2026-02-03T04:05:06.789Z"


def leaf(value: object, type_: str = "xsd:string", *, writable: bool = False) -> dict[str, Any]:
    return {"_value": value, "_type": type_, "_writable": writable, "_timestamp": TIME}


def tr098(serial: str = "S1", *, tags: list[str] | None = None, mac: str = "20:2B:C1:E0:06:65") -> dict[str, Any]:
    """An InternetGatewayDevice with the parameters that an import looks at, and one that it does not."""
    connection = {"1": {"MACAddress": leaf(mac), "ExternalIPAddress": leaf("192.0.2.10")}, "_object": True}
    return {
        "_id": f"202BC1-BM632w-{serial}",
        "_registered": "2025-01-02T03:04:05.678Z",
        "_lastInform": TIME,
        "_tags": ["residential", "north"] if tags is None else tags,
        "_timestamp": TIME,
        "_deviceId": {
            "_Manufacturer": "Huawei",
            "_OUI": "202BC1",
            "_ProductClass": "BM632w",
            "_SerialNumber": serial,
        },
        "InternetGatewayDevice": {
            "_object": True,
            "DeviceInfo": {"SoftwareVersion": leaf("V100R001"), "HardwareVersion": leaf("A1")},
            "ManagementServer": _management("http://192.0.2.10:7547/cr"),
            "WANDevice": {"1": {"WANConnectionDevice": {"2": {"WANIPConnection": connection}}}},
            "LANDevice": {"1": {"LANEthernetInterfaceConfig": {"1": {"MACAddress": leaf("20:2B:C1:00:00:01")}}}},
        },
    }


def tr181(serial: str = "T-1") -> dict[str, Any]:
    """A Device:2 whose serial number has a dash, which its ``_id`` escapes."""
    interface = {
        "1": {"MACAddress": leaf("00:1d:0f:00:00:01"), "Upstream": leaf(False, "xsd:boolean")},
        "2": {"MACAddress": leaf("00:1d:0f:00:00:02"), "Upstream": leaf(True, "xsd:boolean")},
    }
    link = {
        "1": {"MACAddress": leaf("00:1d:0f:00:00:03"), "LowerLayers": leaf("Device.Ethernet.Interface.2.")},
        "2": {"MACAddress": leaf("00:1d:0f:00:00:04"), "LowerLayers": leaf("Device.Bridging.Bridge.1.Port.1")},
    }
    return {
        "_id": f"001D0F-XZ000-{serial.replace('-', '%2D')}",
        "_lastInform": TIME,
        "_deviceId": {
            "_Manufacturer": "TP-Link",
            "_OUI": "001D0F",
            "_ProductClass": "XZ000",
            "_SerialNumber": serial,
        },
        "Device": {
            "DeviceInfo": {"SoftwareVersion": leaf("1.2.3")},
            "ManagementServer": _management("http://192.0.2.11:7547/cr"),
            "Ethernet": {"Interface": interface, "Link": link},
        },
    }


def _management(url: str) -> dict[str, Any]:
    return {
        "ConnectionRequestURL": leaf(url),
        "ConnectionRequestUsername": leaf("cr-user", writable=True),
        "ConnectionRequestPassword": leaf(PASSWORD, writable=True),
    }


def from_nbi(*devices: Mapping[str, Any]) -> bytes:
    """The answer to GET /devices/: an array, one document a line."""
    return b"[\n" + b",\n".join(json.dumps(each, separators=(",", ":")).encode() for each in devices) + b"\n]"


def _extended(value: Any) -> Any:
    """A value with its dates as MongoDB's Extended JSON has them."""
    if isinstance(value, dict):
        return {key: _extended(each) for key, each in value.items()}
    return {"$date": value} if isinstance(value, str) and value.endswith("Z") else value


def from_mongoexport(*devices: Mapping[str, Any], array: bool = False) -> bytes:
    """What ``mongoexport`` writes: one document a line, or all on one line as an array."""
    texts = [json.dumps(_extended(each), separators=(",", ":")).encode() for each in devices]
    return b"[" + b",".join(texts) + b"]\n" if array else b"".join(text + b"\n" for text in texts)


def pretty(*devices: Mapping[str, Any], array: bool = True) -> bytes:
    """What ``jq .`` or ``jq .[]`` makes of it."""
    if array:
        return json.dumps(devices, indent=2).encode()
    return b"\n".join(json.dumps(each, indent=2).encode() for each in devices)


LAYOUTS: dict[str, Callable[..., bytes]] = {
    "nbi": from_nbi,
    "mongoexport": from_mongoexport,
    "mongoexport --jsonArray": lambda *devices: from_mongoexport(*devices, array=True),
    "jq .": pretty,
    "jq .[]": lambda *devices: pretty(*devices, array=False),
    "curl -i": lambda *devices: b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + from_nbi(*devices),
}
