"""A daemon with one element of any kind, and what is asked of it."""

import json
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.integration.commands import ztpd
from tests.integration.elements import NAME, SECRET, Behind, Kind
from ztpd.lab.cli_olt import vsol
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Process, Stage, stage


@dataclass
class Live:
    """A daemon with one element."""

    scene: Stage
    kind: Kind
    behind: Behind
    office: Caller
    daemon: Process

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.office.call(method, path, body)

    async def get(self, path: str) -> Any:
        return await self.office.get(path)

    async def job(self, id_: str, state: str) -> Any:
        """The job once it is in a state."""
        return await until(
            lambda: self.get(f"/v1/jobs/{id_}"), lambda job: job["state"] == state, f"job {id_} {state}", 30
        )

    async def order(self, id_: str, kind: str, **more: Any) -> None:
        """Order work on the service that is installed."""
        order = {"kind": kind, "service": "SVC-1", "account": "ACC-1", **more}
        status, answer = await self.call("PUT", f"/v1/jobs/{id_}", order)
        assert status == 201, answer

    async def done(self, id_: str, kind: str, **more: Any) -> Any:
        """Order work and see it done."""
        await self.order(id_, kind, **more)
        return await self.job(id_, "completed")

    async def configured(self) -> Any:
        """What the element says, asked by hand, that it has configured for the service."""
        status, answer = await self.call("POST", "/v1/services/SVC-1/measure")
        assert status == 200, answer
        return answer["configured"]

    async def put_location(self, id_: str, port: str) -> None:
        """Describe a place at a port of the element."""
        status, answer = await self._put_location(id_, port)
        assert status == 201, answer

    async def refused_location(self, port: str) -> Any:
        """What is wrong with a place at a port that the element does not have."""
        status, answer = await self._put_location("LOC-X", port)
        assert status == 422, answer
        return answer["errors"]

    async def _put_location(self, id_: str, port: str) -> tuple[int, Any]:
        access = {"technology": self.kind.technology, "element": NAME, "port": port}
        place: dict[str, Any] = {"address": "12 Harbour Street", "access": access}
        if self.kind.circuit_id is not None:
            place["circuit_id"] = self.kind.circuit_id
        return await self.call("PUT", f"/v1/locations/{id_}", place)

    async def install(self, profile: str) -> None:
        """Describe the place, order, and plug the device in."""
        await self.put_location("LOC-1", self.kind.port)
        status, answer = await self.call("PUT", "/v1/jobs/J-1", self.kind.order(profile))
        assert (status, answer["state"], answer["failures"]) == (201, "ready", [])
        await self.behind.plug(self.scene)

    async def types(self) -> list[str]:
        """What was told of the service, in order."""
        events = (await self.get("/v1/events?after=0&limit=500"))["items"]
        return [event["type"] for event in events if event["type"].startswith("service.")]


@asynccontextmanager
async def live(kind: Kind, **section: Any) -> AsyncIterator[Live]:
    """A daemon with one element of a kind, whose table has these keys besides."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with (
            stage(Path(folder), ROOT / "config") as scene,
            kind.behind() as behind,
            Caller(scene.api, scene.secret("office.token").read_text(), patient=True) as office,
        ):
            for name, text in (("element", SECRET), ("lab", "ztpd"), ("enable", vsol.ENABLE_PASSWORD)):
                scene.secret(f"{name}.password").touch(0o600)
                scene.secret(f"{name}.password").write_text(text)
            profiles = scene.config.parent / "profiles"
            (profiles / "slow.toml").write_text(kind.profile("slow", 20))
            (profiles / "fast.toml").write_text(kind.profile("fast", 40))
            demands = {"speed": "assured_upstream_mbps = 5\n", "more": "[quality]\npriority = 5\n"}
            (profiles / "demanding.toml").write_text(kind.profile("demanding", 20, **demands))
            element = {"name": NAME, **behind.section, **section}
            scene.environment |= {
                "ZTPD_ELEMENTS": json.dumps([element]),
                "ZTPD_DISCOVERY__POLL_S": "0.2",
                "ZTPD_PROVISIONING__VERIFY_POLL_S": "0.1",
            }
            daemon = await scene.start_daemon()
            await scene.until_ready(daemon)
            yield Live(scene, kind, behind, office, daemon)


async def is_up(here: Live) -> None:
    """Wait until the daemon says that the element answers."""
    await until(
        lambda: ztpd(here.scene, "status"),
        lambda ran: re.search(rf"{NAME} +up", ran.output) is not None,
        "the element up",
    )
