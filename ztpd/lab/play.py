"""One installation from order to bill, as steps that people and systems around ztpd take.

Each step may be taken again: it asks for a state, not for a change, so that a play goes on where a crash cut it.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from pon.serial import to_hex
from ztpd.lab.operator import Answer, Caller, until

SERIAL = "HWTC1A2B3C4D"
OUI = "00259E"
MAC = "00:25:9e:1a:2b:3c"
ADDRESS = "127.82.0.10"
PORT = "1/1/3"
CIRCUIT_ID = "olt-1 xpon 1/1/0/3:1.1.301"

WEAK = {"onu_rx_dbm": -30.5, "olt_rx_dbm": -31.2}
GOOD = {"onu_rx_dbm": -19.4, "olt_rx_dbm": -21.8}

LOCATION = {
    "address": "12 Harbour Street, 2nd floor",
    "serviceable": True,
    "access": {"technology": "pon", "element": "olt-1", "port": PORT},
    "circuit_id": CIRCUIT_ID,
}
ORDER: dict[str, Any] = {
    "kind": "install",
    "service": "SVC-1",
    "account": "ACC-1",
    "location": "LOC-1",
    "profile": "residential-1g",
    "parameters": {"c_vlan": 301, "wifi_ssid": "Harbour 12", "wifi_passphrase": "correct horse battery"},
    "technician": "T-9",
}
DEVICES = [{"role": "ont", "serial": SERIAL}, {"role": "cpe", "oui": OUI, "serial": to_hex(SERIAL)}]
TOLD_AT_DISPATCH = "job.failed"
BILLED = "service.activated"


class Unexpected(Exception):
    """A step was answered otherwise than it should be; carries the answer."""


class Home(Protocol):
    """What stands at the customer's: a CPE behind the ONT."""

    async def ask_for_address(self) -> None:
        """Ask for an address by DHCP, as it arrives through the OLT's relay."""
        ...

    async def boot_cpe(self) -> None:
        """Have the CPE inform its ACS now and periodically, if it does not already."""
        ...


@dataclass(slots=True)
class Installation:
    """Everybody on the stage."""

    office: Caller
    field_app: Caller
    olt: Caller
    dispatch: Caller
    billing: Caller
    home: Home
    began_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    async def order_without_device(self) -> str:
        """The address is described and the work ordered: the job is held, for no device is allocated."""
        await self._accepted(self.office.call("PUT", "/v1/locations/LOC-1", LOCATION))
        await self._accepted(self.office.call("PUT", "/v1/jobs/J-1", ORDER))
        job = await self._job_in("held")
        return _codes(job)

    async def allocate(self) -> str:
        """The device is set aside for the job: it is ready."""
        await self._accepted(self.office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES}))
        await self._job_in("ready", "discovered", "applying", "verifying", "failed")
        return f"ONT {SERIAL} expected on olt-1 {PORT}"

    async def plug_in_weak(self) -> str:
        """The ONT is plugged in behind a dirty connector: too little light arrives."""
        await self.olt.call("POST", "/onus", {"serial": SERIAL, "port": PORT, **WEAK})
        job = await self._job_in("failed", timeout_s=30)
        return f"{_codes(job)}: {job['failures'][0]['detail']}"

    async def dispatch_told(self) -> str:
        """Dispatch is told why, in words for the technician."""
        found = await until(
            self._events, lambda events: _first(events, TOLD_AT_DISPATCH) is not None, "an event of the failure"
        )
        event = _first(found, TOLD_AT_DISPATCH)
        await until(lambda: self.dispatch.get("/received"), _has(TOLD_AT_DISPATCH), "the failure at dispatch")
        return str(event["data"]["failures"][0]["technician"]) if event is not None else ""

    async def open_return_visit(self) -> str:
        """A second visit of the same job is opened."""
        await self._accepted(self.office.call("PUT", "/v1/jobs/J-1/visits/2", {"technician": "T-4"}))
        job = await self.office.get("/v1/jobs/J-1")
        return f"visit {job['visit']} by {job['technician']}, the job is {job['state']}"

    async def plug_in_mended(self) -> str:
        """The connector is cleaned and the ONT plugged in again: it is provisioned and verified."""
        state = await self.olt.get("/state")
        if not _is_plugged(state, GOOD):
            await self.olt.call("DELETE", f"/onus/{SERIAL}")
            await self.olt.call("POST", "/onus", {"serial": SERIAL, "port": PORT, **GOOD})
        job = await until(
            lambda: self.office.get("/v1/jobs/J-1"), lambda job: job["network_confirmed_at"], "the network's word", 30
        )
        return f"read back, ONT receives {job['levels']['onu_rx_dbm']} dBm"

    async def lease_address(self) -> str:
        """The CPE asks for an address through the OLT's relay: its MAC joins the device."""

        async def ask_and_look() -> Any:
            await self.home.ask_for_address()
            return (await self.office.get("/v1/devices"))["items"]

        devices = await until(ask_and_look, lambda devices: any(map(_has_mac, devices)), "the MAC at the device")
        names = next(device["names"] for device in devices if _has_mac(device))
        return "one device: " + ", ".join(f"{name['kind']} {name['value']}" for name in names)

    async def inform(self) -> str:
        """The CPE informs the ACS and is configured."""
        await self.home.boot_cpe()
        job = await self._job_in("awaiting-completion", "completed", timeout_s=30)
        return f"set and read back; the job is {job['state']}"

    async def report_incomplete(self) -> str:
        """The technician's report lacks a measurement: it is refused at once, item by item."""
        report = {**self._report(), "measurements": []}
        status, answer = await self.field_app.call("POST", "/v1/jobs/J-1/completion", report)
        if status != 422:
            raise Unexpected(f"an incomplete report was answered {status}: {answer}")
        return "; ".join(f"{each['field']} {each['problem']}" for each in answer["errors"])

    async def report_complete(self) -> str:
        """The complete report is accepted: the service is active."""
        await self._accepted(self.field_app.call("POST", "/v1/jobs/J-1/completion", self._report()))
        service = await self.office.get("/v1/services/SVC-1")
        if service["state"] != "active":
            raise Unexpected(f"the service is {service['state']}")
        return "service SVC-1 is active"

    async def billed(self) -> str:
        """Billing hears of it, once, with a signature that verifies."""
        seen = await until(lambda: self.billing.get("/received"), _has(BILLED), "the activation at billing", 30)
        events = [each for each in seen["received"] if each["type"] == BILLED]
        ids = {each["id"] for each in events}
        if len(ids) != 1 or not all(each["verified"] for each in events):
            raise Unexpected(f"billing received {events}")
        return f"{BILLED} {ids.pop()}, signature verified"

    async def _events(self) -> list[dict[str, Any]]:
        return list((await self.office.get("/v1/events?after=0&limit=500"))["items"])

    async def _job_in(self, *states: str, timeout_s: float = 20.0) -> Any:
        return await until(
            lambda: self.office.get("/v1/jobs/J-1"),
            lambda job: job.get("state") in states,
            f"job J-1 in state {' or '.join(states)}",
            timeout_s,
        )

    async def _accepted(self, answer: Awaitable[Answer]) -> Any:
        status, body = await answer
        if status not in {200, 201}:
            raise Unexpected(f"answered {status}: {body}")
        return body

    def _report(self) -> dict[str, Any]:
        """The same report each time it is asked for: completed when the play began."""
        return {
            "technician": "T-4",
            "completed_at": self.began_at,
            "devices": [{"role": each["role"], "serial": each["serial"]} for each in DEVICES],
            "measurements": [
                {"name": "onu_rx_power", "value": -19.6, "unit": "dBm"},
                {"name": "download_speed", "value": 941.0, "unit": "Mbit/s"},
            ],
            "photos": [{"name": "ont.jpg", "sha256": hashlib.sha256(b"a photo of the ONT").hexdigest()}],
            "notes": "connector at the wall outlet cleaned",
        }


Step = tuple[str, Callable[[Installation], Awaitable[str]]]

STEPS: tuple[Step, ...] = (
    ("ordered, held", Installation.order_without_device),
    ("allocated, ready", Installation.allocate),
    ("plugged in, failed", Installation.plug_in_weak),
    ("dispatch told", Installation.dispatch_told),
    ("return visit", Installation.open_return_visit),
    ("provisioned, verified", Installation.plug_in_mended),
    ("DHCP seen", Installation.lease_address),
    ("CPE configured", Installation.inform),
    ("completion refused", Installation.report_incomplete),
    ("completion accepted", Installation.report_complete),
    ("billed", Installation.billed),
)


def _codes(job: Any) -> str:
    return ", ".join(failure["code"] for failure in job["failures"])


def _first(events: list[dict[str, Any]], event_type: str) -> dict[str, Any] | None:
    return next((event for event in events if event["type"] == event_type), None)


def _has(event_type: str) -> Callable[[Any], bool]:
    return lambda seen: any(each["type"] == event_type for each in seen["received"])


def _has_mac(device: Any) -> bool:
    return any(name["value"] == MAC for name in device["names"]) and any(
        name["value"] == SERIAL for name in device["names"]
    )


def _is_plugged(state: Any, light: dict[str, float]) -> bool:
    return any(onu["serial"] == SERIAL and onu["onu_rx_dbm"] == light["onu_rx_dbm"] for onu in state.get("onus", []))
