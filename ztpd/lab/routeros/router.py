"""The state of the lab router, and what it answers: a wrapper of menus, as the console has them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from ztpd.lab.rest.control import Station
from ztpd.lab.rest.server import Answered, Asked
from ztpd.lab.routeros.menus import (
    ACTIVE,
    CONFIGURED,
    LEASES,
    MENUS,
    PPPOE_SERVERS,
    PPPOE_SESSIONS,
    RESOURCE,
    RULES,
    SECRETS,
    SERVERS,
    WIRELESS,
)

Row = dict[str, str]
_MESSAGES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_STATE_ONLY = ("status", "last-seen", "active-mac-address", "active-server", "active-address")


class Refused(Exception):
    """What the router says no to."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        super().__init__(detail)


class Router:
    """One router whose ports each have a radio, a DHCP server and a PPPoE server."""

    def __init__(self, ports: tuple[str, ...], username: str, password: str) -> None:
        self.ports = ports
        self._credentials = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self.tables: dict[str, list[Row]] = {}
        self.plugged: dict[str, tuple[str, str | None]] = {}
        self.reset()

    def reset(self) -> None:
        """As it comes."""
        self.plugged = {}
        self._next_id: dict[str, int] = {}
        self.tables = {menu: [] for menu in MENUS}
        self.insert(RULES[0], {"chain": "forward", "action": "drop", "src-address-list": "ztpd-suspended"})
        for n, port in enumerate(self.ports):
            self.insert(SERVERS, {"name": f"dhcp-{port}", "interface": port, "disabled": "false"})
            self.insert(PPPOE_SERVERS, {"service-name": f"isp-{n}", "interface": port, "disabled": "false"})

    def restart(self) -> None:
        """Lose what is only state and come back with what RouterOS had on its flash: every change, as it was made."""
        kept = json.loads(self._saved())
        plugged = self.plugged
        self.tables = {**{menu: [] for menu in MENUS}, **kept}
        self.plugged = {}
        for device, (port, user) in plugged.items():
            self.plug(device, port, user=user)

    def configuration(self) -> bytes:
        """What is configured, without ids and state, in an order of its own."""
        rows = [
            [menu, *sorted((name, value) for name, value in row.items() if name not in (*_STATE_ONLY, ".id"))]
            for menu in CONFIGURED
            for row in self.tables[menu]
            if row.get("dynamic") != "true"
        ]
        return b"\n".join(json.dumps(row).encode() for row in sorted(rows, key=json.dumps))

    def insert(self, menu: str, row: Mapping[str, str]) -> Row:
        """Add a row with an id of its own."""
        number = self._next_id.get(menu, 0) + 1
        self._next_id[menu] = number
        made = {".id": f"*{number:X}", **row}
        self.tables[menu].append(made)
        return made

    def plug(self, device: str, port: str, *, user: str | None = None, signal_dbm: int = -62) -> None:
        """Let a router register on a radio and ask for an address, or dial in as ``user``."""
        self.unplug(device)
        mac = device.upper()
        self.plugged[device] = (port, user)
        self.insert(WIRELESS, {"mac-address": mac, "interface": port, "signal-strength": f"{signal_dbm}dBm@6Mbps"})
        if user is None:
            self._ask_address(mac, f"dhcp-{port}")
        self._dial()

    def stations(self) -> list[Station]:
        """Who is on a radio, and how loud."""
        heard = {row["mac-address"].lower(): row["signal-strength"] for row in self.tables[WIRELESS]}
        return [
            Station(mac=mac, port=port, signal_dbm=int(heard[mac].partition("dBm")[0]), user=user)
            for mac, (port, user) in self.plugged.items()
        ]

    def unplug(self, device: str) -> None:
        """Let it go away: what it was given dynamically is gone with it."""
        mac = device.upper()
        self.plugged.pop(device, None)
        self._drop(WIRELESS, "mac-address", mac)
        self.tables[LEASES] = [
            row for row in self.tables[LEASES] if row.get("dynamic") != "true" or row["mac-address"] != mac
        ]
        for row in self.tables[LEASES]:
            if row.get("active-mac-address") == mac:
                self._unbind(row)
        for session in [row for row in self.tables[ACTIVE] if row["caller-id"] == mac]:
            self._end_session(session)

    def lets_in(self, asked: Asked) -> bool:
        """Whether the user and the password are right (HTTP basic authentication)."""
        return asked.headers.get("Authorization") == self._credentials

    def writes(self, asked: Asked) -> bool:
        """Whether it changes something: all but reading by POST does."""
        return not (asked.method == "POST" and asked.path.endswith("/print"))

    def concerned(self, asked: Asked) -> str:
        """The row that is changed or removed."""
        menu, _, row_id = asked.path.removeprefix("/rest").rpartition("/")
        rows = [row for row in self.tables.get(menu, ()) if row[".id"] == row_id]
        return json.dumps(rows)

    def error(self, status: int, detail: str) -> Answered:
        """``{"error": 400, "message": "Bad Request", "detail": …}`` (ROS "REST API", section Errors)."""
        body: dict[str, Any] = {"error": status, "message": _MESSAGES.get(status, "Service Unavailable")}
        return Answered(status, {**body, "detail": detail} if detail else body)

    def answer(self, asked: Asked) -> Answered:
        """GET prints, PUT adds, PATCH sets, DELETE removes (ROS "REST API", section HTTP Methods)."""
        try:
            return self._do(asked)
        except Refused as refused:
            return self.error(refused.status, str(refused))

    def _do(self, asked: Asked) -> Answered:
        path = asked.path.removeprefix("/rest")
        if path == RESOURCE and asked.method == "GET":
            return Answered(200, {"board-name": "CHR", "version": "7.16.2 (stable)", "uptime": "1w2d3h4m5s"})
        menu, _, row_id = path.rpartition("/") if path.rpartition("/")[2].startswith("*") else (path, "", "")
        if menu not in MENUS:
            raise Refused(400, "no such command or directory")
        if asked.method == "GET":
            rows = [self._row(menu, row_id)] if row_id else self._selected(menu, asked.query)
            shown = [_shown(row, asked.query.get(".proplist")) for row in rows]
            return Answered(200, shown[0] if row_id else shown)
        if asked.method == "PUT" and not row_id:
            return Answered(201, self._add(menu, _properties(menu, asked.body)))
        if asked.method == "PATCH" and row_id:
            return Answered(200, self._set(menu, self._row(menu, row_id), _properties(menu, asked.body)))
        if asked.method == "DELETE" and row_id:
            self._remove(menu, self._row(menu, row_id))
            return Answered(204)
        raise Refused(400, "no such command")

    def _row(self, menu: str, row_id: str) -> Row:
        found = next((row for row in self.tables[menu] if row[".id"] == row_id), None)
        if found is None:
            raise Refused(404, "no such item")
        return found

    def _selected(self, menu: str, query: Mapping[str, str]) -> list[Row]:
        asked = {name: value for name, value in query.items() if not name.startswith(".")}
        return [row for row in self.tables[menu] if all(row.get(name) == value for name, value in asked.items())]

    def _add(self, menu: str, properties: Row) -> Row:
        rules = MENUS[menu]
        if not rules.takes:
            raise Refused(400, "no such command")
        missing = sorted(rules.needs - properties.keys())
        if missing:
            raise Refused(400, f"missing value(s) of argument(s) {' '.join(missing)}")
        row = {**rules.defaults, **properties}
        self._check_unique(menu, row, None)
        made = self.insert(menu, row)
        self._settle()
        return made

    def _set(self, menu: str, row: Row, properties: Row) -> Row:
        if row.get("dynamic") == "true":
            raise Refused(400, "failure: can not change dynamic item")
        self._check_unique(menu, {**row, **properties}, row)
        row.update(properties)
        self._settle()
        return row

    def _remove(self, menu: str, row: Row) -> None:
        if not MENUS[menu].removes:
            raise Refused(400, "no such command")
        if menu == ACTIVE:
            self._end_session(row)
        else:
            self.tables[menu].remove(row)
        self._settle()

    def _check_unique(self, menu: str, row: Row, itself: Row | None) -> None:
        others = [each for each in self.tables[menu] if each is not itself and each.get("dynamic") != "true"]
        for key in MENUS[menu].unique:
            if any(all(each.get(name) == row.get(name) for name in key) for each in others):
                raise Refused(400, f"failure: already have such {' and '.join(key)}")

    def _settle(self) -> None:
        """What devices do by themselves once the configuration lets them."""
        for device, (port, user) in self.plugged.items():
            if user is None:
                for row in self.tables[LEASES]:
                    if row["mac-address"] == device.upper() and row["server"] == f"dhcp-{port}":
                        self._bind(row, device.upper())
        self._dial()

    def _ask_address(self, mac: str, server: str) -> None:
        own = [row for row in self.tables[LEASES] if row.get("mac-address") == mac and row["server"] == server]
        if not own:
            defaults = MENUS[LEASES].defaults
            given = f"100.64.{len(self.tables[LEASES]) // 250}.{self._next_id.get(LEASES, 0) % 250 + 2}"
            row = {**defaults, "mac-address": mac, "address": given, "server": server, "dynamic": "true"}
            own = [self.insert(LEASES, row)]
        self._bind(own[0], mac)

    @staticmethod
    def _bind(row: Row, mac: str) -> None:
        row.update({"status": "bound", "last-seen": "0s", "active-mac-address": mac, "active-server": row["server"]})

    @staticmethod
    def _unbind(row: Row) -> None:
        row.update({"status": "waiting"})
        row.pop("active-mac-address", None)

    def _dial(self) -> None:
        secrets = {row["name"]: row for row in self.tables[SECRETS] if row["disabled"] == "false"}
        up = {row["caller-id"] for row in self.tables[ACTIVE]}
        for device, (port, user) in self.plugged.items():
            secret = None if user is None else secrets.get(user)
            if user is None or secret is None or device.upper() in up:
                continue
            address = secret.get("remote-address", "")
            self.insert(ACTIVE, {"name": user, "caller-id": device.upper(), "address": address, "service": "pppoe"})
            service = f"isp-{self.ports.index(port)}"
            self.insert(PPPOE_SESSIONS, {"user": user, "service": service, "remote-address": device.upper()})

    def _end_session(self, session: Row) -> None:
        self.tables[ACTIVE].remove(session)
        self._drop(PPPOE_SESSIONS, "user", session["name"])

    def _drop(self, menu: str, name: str, value: str) -> None:
        self.tables[menu] = [row for row in self.tables[menu] if row.get(name) != value]

    def _saved(self) -> str:
        fixed = {menu: self.tables[menu] for menu in (SERVERS, PPPOE_SERVERS, *RULES)}
        kept = {
            menu: [
                {name: value for name, value in row.items() if name not in _STATE_ONLY} | _at_rest(menu)
                for row in self.tables[menu]
                if row.get("dynamic") != "true"
            ]
            for menu in CONFIGURED
        }
        return json.dumps({**fixed, **kept})


def _at_rest(menu: str) -> Row:
    return {"status": "waiting", "last-seen": "never"} if menu == LEASES else {}


def _properties(menu: str, body: Any) -> Row:
    """The properties of a request, all as strings; one that the menu has not is refused."""
    if not isinstance(body, dict):
        raise Refused(400, "expected an object")
    unknown = sorted(set(body) - MENUS[menu].takes)
    if unknown:
        raise Refused(400, f"unknown parameter {unknown[0]}")
    return {name: str(value) for name, value in body.items()}


def _shown(row: Row, properties: str | None) -> Row:
    return row if properties is None else {name: row[name] for name in properties.split(",") if name in row}
