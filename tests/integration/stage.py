"""The play with the daemon as a process and every peer in the test's own loop: real sockets, quick to set up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pon.serial import to_hex
from tests.conftest import ROOT
from ztpd.config import read_toml
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.handing_over import IntakeBroken, IntakeUnavailable, hand_over
from ztpd.discovery.replay import replay
from ztpd.lab import dhcp
from ztpd.lab.cpe import CpeSettings
from ztpd.lab.cpe import run as run_cpe
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt
from ztpd.lab.operator import Caller
from ztpd.lab.play import ADDRESS, CIRCUIT_ID, MAC, OUI, SERIAL, Installation
from ztpd.lab.receiver import ReceiverSettings, lab_receiver
from ztpd.lab.stage import Stage, stage


@dataclass(slots=True)
class LoopHome:
    """A home in the test's loop."""

    scene: Stage
    cpe: asyncio.Task[None] | None = None

    async def ask_for_address(self) -> None:
        """As a capture that is replayed into the daemon; not over the loopback, which every test at work shares."""
        client = dhcp.LabClient(mac=MAC, circuit_id=CIRCUIT_ID.encode(), giaddr="127.0.0.1")
        messages = [dhcp.discover(client), dhcp.request(client, ADDRESS, "127.0.0.1")]
        capture = self.scene.folder / "dhcp.pcap"
        frames = [dhcp.frame(message, source="127.0.0.1", destination="127.0.0.1") for message in messages]
        dhcp.write_pcap(capture, ((1.0, frame) for frame in frames))
        table = CircuitIdTable.from_toml(read_toml(self.scene.config.parent / "circuit-ids.toml"))
        heard = [frame.sighting for frame in replay(capture, table, lambda message: True)]
        # A daemon that was killed just now takes none: the play asks again.
        with contextlib.suppress(IntakeUnavailable, IntakeBroken):
            await hand_over(self.scene.folder / "intake.sock", [sighting for sighting in heard if sighting is not None])

    async def boot_cpe(self) -> None:
        """Start the CPE, once."""
        if self.cpe is None:
            password = self.scene.secret("acs.password").read_text()
            settings = CpeSettings(
                self.scene.acs, "cpe", password, to_hex(SERIAL), oui=OUI, source_ip=ADDRESS, time_factor=0.02
            )
            self.cpe = asyncio.create_task(run_cpe(settings))

    async def leave(self) -> None:
        """Switch the CPE off."""
        if self.cpe is not None:
            self.cpe.cancel()
            await asyncio.gather(self.cpe, return_exceptions=True)


@dataclass(slots=True)
class Theatre:
    """A stage with its cast; the daemon is not started yet."""

    scene: Stage
    cast: Installation
    olt: LabOlt
    home: LoopHome = field(repr=False)

    async def listeners(self) -> int:
        """How many subscribers the OLT has."""
        return self.olt.subscribers


@asynccontextmanager
async def theatre(folder: Path, store_url: str | None = None, *, captures: bool = False) -> AsyncIterator[Theatre]:
    """Set the stage in an empty folder and start every peer; callers wait while the daemon is away."""
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(stage(folder, ROOT / "config", store_url))
        if captures:
            scene.hear_loopback()
        olt = await stack.enter_async_context(
            lab_olt(
                LabOltSettings(
                    netconf_port=scene.ports["netconf"],
                    password=scene.secret("olt-1.password").read_text(),
                )
            )
        )
        scene.trust_olt(olt.host_public_key)
        told = {
            name: await stack.enter_async_context(
                lab_receiver(ReceiverSettings((scene.secret(f"{name}.whsec").read_text(),), port=scene.ports[name]))
            )
            for name in ("dispatch", "billing")
        }
        home = LoopHome(scene)
        stack.push_async_callback(home.leave)
        cast = Installation(
            office=await stack.enter_async_context(
                Caller(scene.api, scene.secret("office.token").read_text(), patient=True)
            ),
            field_app=await stack.enter_async_context(
                Caller(scene.api, scene.secret("field-app.token").read_text(), patient=True)
            ),
            olt=await stack.enter_async_context(Caller(f"http://127.0.0.1:{olt.control_port}")),
            dispatch=await stack.enter_async_context(Caller(told["dispatch"].url.rsplit("/", 1)[0])),
            billing=await stack.enter_async_context(Caller(told["billing"].url.rsplit("/", 1)[0])),
            home=home,
        )
        yield Theatre(scene, cast, olt, home)
