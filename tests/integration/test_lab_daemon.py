"""The daemon as a process, and a CPE behind NAT that has nothing but what the daemon gives it: woken over UDP alone."""

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pon.serial import to_hex
from tests.integration.stage import theatre
from ztpd.lab.cpe import CpeSettings, LabCpe, Reach
from ztpd.lab.operator import until
from ztpd.lab.play import DEVICES, LOCATION, ORDER, OUI, PORT, SERIAL


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


def equip(config: Path, stun_port: int) -> None:
    """The example configuration with a STUN server, secrets of the CPEs' own, and a profile that tells of it."""
    key = config.parent / "secrets" / "devices.key"
    key.touch(mode=0o600)
    key.write_text("key-sentinel-" * 3)
    text = config.read_text().replace("# device_key_file", "device_key_file")
    text = text.replace("secrets/acs-devices.key", "secrets/devices.key")
    config.write_text(text.replace("\n[discovery]\n", f"\n[acs.stun]\nport = {stun_port}\n\n[discovery]\n"))
    profile = config.parent / "profiles" / "residential-1g.toml"
    stun = (
        f'"management.stun.enable" = true\n"management.stun.port" = {stun_port}\n"management.stun.shortest_period" = 5'
    )
    profile.write_text(profile.read_text().replace("\n[cpe]\n", f"\n[cpe]\n{stun}\n"))


def free_udp_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_a_job_gives_a_cpe_behind_nat_all_that_it_takes_to_be_woken(folder: Path) -> None:
    async with theatre(folder) as everything:
        scene, office = everything.scene, everything.cast.office
        equip(scene.config, free_udp_port())
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        await office.call("PUT", "/v1/locations/LOC-1", LOCATION)
        await office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
        everything.olt.plug(SERIAL, PORT)
        await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["network_confirmed_at"], "the network's word")

        password = scene.secret("acs.password").read_text()
        settings = CpeSettings(scene.acs, "cpe", password, to_hex(SERIAL), oui=OUI, reach=Reach.NAT, time_factor=0.05)
        cpe = LabCpe(settings)
        running = asyncio.create_task(cpe.run())
        try:
            await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["cpe_confirmed_at"], "the CPE's word")

            async def device() -> dict[str, object]:
                items = (await office.get("/v1/devices"))["items"]
                return next(each for each in items if each["identity"])

            async def mapped() -> bool:
                return cpe.state.text("ManagementServer.NATDetected") == "1"

            await until(mapped, bool, "its binding")
            cpe.wake("2 PERIODIC")  # it shows the secret that it was given
            await until(
                device, lambda found: found["identity"] == {**found["identity"], "secret": "proven"}, "the proof"
            )

            id_ = (await device())["id"]
            _, asked = await office.call("POST", f"/v1/devices/{id_}/reboot")
            task = await until(
                lambda: office.get(f"/v1/devices/{id_}/tasks/{asked['id']}"),
                lambda task: task["state"] == "done",
                "the restart",
            )
            assert task["fault"] == ""
            waking = (await until(device, lambda found: found["waking"]["said"] != "being asked", "the word"))["waking"]
            assert waking["said"].startswith("asked over UDP at its STUN binding; over HTTP not called: 192.168.1.10")
            assert cpe.asked >= 1
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
