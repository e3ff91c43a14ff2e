"""Honest work beside which a test does something bad: a job on PON that must be completed in spite of it."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.integration.stage import Theatre
from ztpd.lab.operator import until
from ztpd.lab.stage import Process

PASSPHRASE = "sentinel-of-the-wifi"
PORT = "1/1/1"


@dataclass(slots=True)
class Live:
    """The daemon with its peers, and everything the API ever answered."""

    everything: Theatre
    daemon: Process
    answers: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, answer = await self.everything.cast.office.call(method, path, body)
        self.answers.append(json.dumps(answer))
        return status, answer

    async def get(self, path: str) -> Any:
        return (await self.call("GET", path))[1]

    def errors(self) -> list[dict[str, Any]]:
        """What the daemon logged as an error."""
        lines = [json.loads(line) for line in self.daemon.log.read_text().splitlines()]
        return [line for line in lines if line["level"] in {"error", "critical"}]


@dataclass(frozen=True, slots=True)
class Work:
    """An honest job: one place on PON, one ONU."""

    live: Live
    number: int

    @property
    def serial(self) -> str:
        return f"HWTC{self.number:08X}"

    @property
    def job(self) -> str:
        return f"J-{self.number}"

    async def order(self) -> None:
        place = {
            "address": f"{self.number} Harbour Street",
            "access": {"technology": "pon", "element": "olt-1", "port": PORT},
            "circuit_id": f"line-{self.number}",
        }
        assert (await self.live.call("PUT", f"/v1/locations/LOC-{self.number}", place))[0] == 201
        assert (await self.live.call("PUT", f"/v1/jobs/{self.job}", self.body))[0] == 201

    @property
    def body(self) -> dict[str, Any]:
        return {
            "kind": "install",
            "service": f"SVC-{self.number}",
            "account": "ACC-1",
            "location": f"LOC-{self.number}",
            "profile": "residential-1g",
            "parameters": {"c_vlan": 300 + self.number, "wifi_ssid": "net", "wifi_passphrase": PASSPHRASE},
            "devices": [{"role": "ont", "serial": self.serial}],
        }

    async def plug(self, port: str = PORT) -> None:
        self.live.everything.olt.plug(self.serial, port)

    async def until_state(self, *states: str) -> Any:
        return await until(
            lambda: self.live.get(f"/v1/jobs/{self.job}"), lambda job: job["state"] in states, f"{self.job} {states}"
        )

    async def complete(self) -> None:
        """Report what is due; the job is completed and the service billed."""
        job = await self.until_state("awaiting-completion")
        report = {
            "technician": "T-1",
            "completed_at": (await self.live.get("/healthz"))["now"],
            "devices": [{"role": each["role"], "serial": each["serial"]} for each in job["devices"]],
            "measurements": [
                {"name": "onu_rx_power", "value": -18.6, "unit": "dBm"},
                {"name": "download_speed", "value": 941.0, "unit": "Mbit/s"},
            ],
            "photos": [{"name": "ont.jpg", "sha256": "0" * 64}],
        }
        status, answer = await self.live.everything.cast.field_app.call(
            "POST", f"/v1/jobs/{self.job}/completion", report
        )
        assert status == 200, answer
        await self.until_state("completed")
