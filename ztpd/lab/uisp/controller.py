"""The state of the lab UISP, and what it answers."""

import json
import uuid
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from ztpd.lab.rest.control import Station
from ztpd.lab.rest.server import Answered, Asked
from ztpd.lab.uisp.bodies import Authorize, CreateSite, TrafficShaping, UpdateSite

BASE = "/nms/api/v2.1"
_ERRORS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_NOT_SHAPED = {
    "enabled": False,
    "propagation": "gateway",
    "downloadSpeed": None,
    "downloadBurstSize": None,
    "uploadSpeed": None,
    "uploadBurstSize": None,
    "aggregation": 1,
}
Found = dict[str, Any]


class Refused(Exception):
    """What UISP says no to."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Controller:
    """One UISP with a tower of access points and a stock of radios that were registered and not yet let in.

    ``restarts`` counts the restarts of each device.
    """

    def __init__(self, access_points: tuple[str, ...], stock: tuple[str, ...], token: str) -> None:
        self.access_points = access_points
        self.stock = stock
        self._token = token
        self.reset()

    def reset(self) -> None:
        """As it comes."""
        self.restarts: dict[str, int] = {}
        self._made = 0
        self.air: dict[str, tuple[str, int]] = {}
        self.sites: dict[str, Found] = {}
        self.devices: dict[str, Found] = {}
        self.gateways = [{"id": self._new_id(), "qosEnabled": True, "suspend": True}]
        self.tower = self._add_site(CreateSite(name="Tower 1"))["id"]
        for n, name in enumerate(self.access_points):
            self._add_device(f"f4:92:bf:00:00:{n:02x}", name, "ap")
        for mac in self.stock:
            self._add_device(mac, f"radio {mac}", "station")

    def restart(self) -> None:
        """Come back with what its database had: every change, as it was made."""
        saved = json.dumps([self.sites, self.devices, self.gateways])
        self.sites, self.devices, self.gateways = json.loads(saved)

    def configuration(self) -> bytes:
        """The client sites and who is assigned to them, by name instead of by id."""
        names: dict[str | None, str] = {site_id: site["identification"]["name"] for site_id, site in self.sites.items()}
        sites = []
        for site in self.sites.values():
            known = site["identification"]
            parent = names.get((known["parent"] or {}).get("id"))
            sites.append([known["name"], parent, known["suspended"], site["description"]["note"], site["qos"]])
        devices = [
            [device["identification"]["mac"], device["identification"]["authorized"], names.get(_site_of(device))]
            for device in self.devices.values()
        ]
        return b"\n".join(
            json.dumps(row, sort_keys=True).encode() for row in sorted([*sites, *devices], key=json.dumps)
        )

    def plug(self, mac: str, access_point: str, signal_dbm: int) -> None:
        """Let a radio connect to an access point."""
        self.air[mac] = (self._device_named(access_point)["identification"]["id"], signal_dbm)

    def unplug(self, mac: str) -> None:
        """Let it go."""
        self.air.pop(mac, None)

    def connected(self) -> list[Station]:
        """Who is connected where, and how loud."""
        names = {device_id: device["identification"]["name"] for device_id, device in self.devices.items()}
        return [Station(mac=mac, port=names[at], signal_dbm=signal) for mac, (at, signal) in self.air.items()]

    def lets_in(self, asked: Asked) -> bool:
        """Whether the token is right."""
        return asked.headers.get("x-auth-token") == self._token

    def writes(self, asked: Asked) -> bool:
        """Whether it changes the configuration: restarting a device does not."""
        return not asked.path.endswith("/restart")

    def concerned(self, asked: Asked) -> str:
        """The sites and devices that path and body name, and the devices of those sites."""
        named = f"{asked.path} {json.dumps(asked.body)}"
        sites = {site_id: site for site_id, site in self.sites.items() if site_id in named}
        devices = [each for key, each in self.devices.items() if key in named or _site_of(each) in sites]
        return json.dumps([list(sites.values()), devices])

    def error(self, status: int, detail: str) -> Answered:
        """Definition ``Error``."""
        name = _ERRORS.get(status, "Service Unavailable")
        return Answered(status, {"statusCode": status, "error": name, "message": detail or name})

    def answer(self, asked: Asked) -> Answered:
        """Do what is asked."""
        try:
            body = self._do(asked, tuple(asked.path.removeprefix(BASE).strip("/").split("/")))
        except Refused as refused:
            return self.error(refused.status, str(refused))
        except ValidationError as error:
            return self.error(400, f"{error.error_count()} values are not as specified")
        return Answered(200, body)

    def _do(self, asked: Asked, path: tuple[str, ...]) -> Any:
        match asked.method, path:
            case "GET", ("nms", "version"):
                return {"version": "2.4.155", "deployment": "lab", "build": "lab", "time": "2024-01-01T00:00:00Z"}
            case "GET", ("gateways",):
                return self.gateways
            case "GET", ("devices",):
                return list(self.devices.values())
            case "GET", ("devices", "airmaxes", device, "stations"):
                return self._stations(self._find(self.devices, device))
            case "GET", ("sites",):
                kind = asked.query.get("type")
                return [site for site in self.sites.values() if kind in (None, site["identification"]["type"])]
            case "POST", ("devices", "authorize"):
                return self._authorize(Authorize.model_validate(asked.body))
            case "POST", ("devices", device, action):
                return self._act(self._find(self.devices, device), action)
            case "POST", ("sites",):
                return self._add_site(CreateSite.model_validate(asked.body))
            case method, ("sites", site, *rest):
                return self._on_site(method, self._find(self.sites, site), tuple(rest), asked.body)
        raise Refused(404, "Not Found")

    def _on_site(self, method: str, site: Found, rest: tuple[str, ...], body: Any) -> Any:
        actions: dict[tuple[str, tuple[str, ...]], Callable[[], Any]] = {
            ("GET", ()): lambda: site,
            ("PUT", ()): lambda: self._update(site, UpdateSite.model_validate(body)),
            ("DELETE", ()): lambda: self._delete(site),
            ("GET", ("qos",)): lambda: site["qos"],
            ("PUT", ("qos",)): lambda: self._shape(site, TrafficShaping.model_validate(body)),
            ("POST", ("suspend",)): lambda: self._suspend(site, suspended=True),
            ("POST", ("unsuspend",)): lambda: self._suspend(site, suspended=False),
        }
        if (method, rest) not in actions:
            raise Refused(404, "Not Found")
        return actions[method, rest]()

    def _stations(self, access_point: Found) -> list[Found]:
        here = access_point["identification"]["id"]
        by_mac = {each["identification"]["mac"]: each["identification"] for each in self.devices.values()}
        # The address on the air is that of the radio interface, which is not the device's own.
        return [
            {"connected": True, "mac": f"f6{mac[2:]}", "deviceIdentification": by_mac[mac], "rxSignal": signal}
            for mac, (at, signal) in self.air.items()
            if at == here
        ]

    def _authorize(self, body: Authorize) -> Found:
        site = self._find(self.sites, body.siteId)
        for device in [self._find(self.devices, each) for each in body.deviceIds]:
            known = site["identification"]
            device["identification"].update(
                authorized=True, site={"id": known["id"], "name": known["name"], "type": known["type"]}
            )
        return {"result": True, "message": "Devices authorized"}

    def _act(self, device: Found, action: str) -> Found:
        if action == "unassign":
            device["identification"].update(authorized=False, site=None)
        elif action == "restart":
            mac = device["identification"]["mac"]
            self.restarts[mac] = self.restarts.get(mac, 0) + 1
        else:
            raise Refused(404, "Not Found")
        return {"result": True, "message": "OK"}

    def _add_site(self, body: CreateSite) -> Found:
        site_id = self._new_id()
        parent = None if body.parentSiteId is None else self._find(self.sites, body.parentSiteId)["identification"]
        site = {
            "id": site_id,
            "identification": {
                "id": site_id,
                "type": "site" if body.type == "site" else "endpoint",
                "name": body.name,
                "status": "inactive",
                "suspended": False,
                "parent": None if parent is None else {"id": parent["id"], "name": parent["name"]},
            },
            "description": {"note": body.note, "address": body.address},
            "qos": dict(_NOT_SHAPED),
            "ucrm": None,
        }
        self.sites[site_id] = site
        return site

    def _update(self, site: Found, body: UpdateSite) -> Found:
        known, wanted = site["identification"], body.identification
        if wanted.get("id") != known["id"] or not wanted.get("name"):
            raise Refused(400, "identification does not fit the site")
        parent = (wanted.get("parent") or {}).get("id")
        above = None if parent is None else self._find(self.sites, parent)["identification"]
        known.update(name=wanted["name"], parent=None if above is None else {"id": parent, "name": above["name"]})
        site["description"] = dict(body.description)
        return site

    def _delete(self, site: Found) -> Found:
        if any(_site_of(device) == site["id"] for device in self.devices.values()):
            raise Refused(400, "Site is not empty")
        del self.sites[site["id"]]
        return {"result": True, "message": "Site deleted"}

    @staticmethod
    def _shape(site: Found, body: TrafficShaping) -> Found:
        site["qos"] = body.model_dump()
        return site["qos"]  # type: ignore[no-any-return]

    @staticmethod
    def _suspend(site: Found, *, suspended: bool) -> Found:
        site["identification"]["suspended"] = suspended
        return site

    def _add_device(self, mac: str, name: str, role: str) -> None:
        device_id = self._new_id()
        is_ap = role == "ap"
        tower = self.sites[self.tower]["identification"]
        self.devices[device_id] = {
            "identification": {
                "id": device_id,
                "mac": mac,
                "name": name,
                "role": role,
                "type": "airMax",
                "authorized": is_ap,
                "site": {"id": tower["id"], "name": tower["name"], "type": "site"} if is_ap else None,
            },
            "attributes": {},
        }

    def _device_named(self, name: str) -> Found:
        return next(each for each in self.devices.values() if each["identification"]["name"] == name)

    @staticmethod
    def _find(where: dict[str, Found], key: str) -> Found:
        if key not in where:
            raise Refused(404, "Not Found")
        return where[key]

    def _new_id(self) -> str:
        self._made += 1
        return str(uuid.UUID(int=self._made))


def _site_of(device: Found) -> str | None:
    return (device["identification"]["site"] or {}).get("id")
