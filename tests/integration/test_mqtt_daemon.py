"""MQTT in the daemon and in ``ztpd check``: a hint has the element asked and changes nothing by itself."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from operator import lt
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from tests.conftest import ROOT
from tests.integration.commands import ztpd
from tests.integration.stage import Theatre, theatre
from tests.mosquitto import HOST, Mosquitto, mosquitto, password_file, why_unavailable
from ztpd.lab.operator import until
from ztpd.lab.play import DEVICES, LOCATION, ORDER, PORT, SERIAL
from ztpd.lab.stage import Stage, stage

pytestmark = pytest.mark.skipif(why_unavailable() is not None, reason=why_unavailable() or "")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


@asynccontextmanager
async def hearing_daemon(folder: Path, broker: Mosquitto) -> AsyncIterator[Theatre]:
    """The daemon with its peers and a broker; it reads no list unless something asks for it."""
    async with theatre(folder) as everything:
        daemon = await everything.scene.start_daemon(
            ZTPD_DISCOVERY__MQTT__URL=f"mqtt://{HOST}:{broker.port}", ZTPD_DISCOVERY__POLL_S="3600"
        )
        await everything.scene.until_ready(daemon)
        await until(
            lambda: asyncio.to_thread(daemon.log.read_text),
            lambda text: "announcements are heard" in text,
            "the broker",
        )
        yield everything


async def announce(broker: Mosquitto, element: str = "olt-1", **said: Any) -> None:
    async with aiomqtt.Client(HOST, broker.port, protocol=aiomqtt.ProtocolVersion.V5) as adapter:
        await adapter.publish(f"ztpd/v1/sightings/{element}", json.dumps(said), 1)


async def test_a_forged_announcement_has_the_olt_asked_and_changes_nothing_on_it(folder: Path) -> None:
    with mosquitto(folder / "broker") as broker:
        async with hearing_daemon(folder, broker) as everything:
            office, olt = everything.cast.office, everything.olt.olt
            await office.call("PUT", "/v1/locations/LOC-1", LOCATION)
            await office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
            await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["state"] == "ready", "the job")
            # Before it subscribes, the driver has the ports announce.
            await until(everything.listeners, bool, "the subscription to the OLT")
            writes = olt.writes
            for presence in ("present", "absent") * 3:
                read = olt.rpcs.total()
                await announce(broker, serial=SERIAL, port=PORT, presence=presence)
                await until(lambda: asyncio.sleep(0, olt.rpcs.total()), partial(lt, read), "a reading")
            await announce(broker, "radio-9", mac="02:00:5e:10:00:09", port="sector-1")
            heard = await until(
                lambda: office.get("/v1/sightings"), lambda found: len(found["items"]) >= 3, "the sightings"
            )
            assert {each["source"] for each in heard["items"]} == {"mqtt"}
            assert (await office.get("/v1/jobs/J-1"))["state"] == "ready"
            assert (olt.writes, olt.configured_onus) == (writes, 0)

            everything.olt.plug(SERIAL, PORT)
            await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["network_confirmed_at"], "what is there")


async def test_what_became_of_announcements_is_among_the_metrics(folder: Path) -> None:
    with mosquitto(folder / "broker") as broker:
        async with hearing_daemon(folder, broker) as everything:
            await announce(broker, mac="02:00:5e:10:00:09")
            await announce(broker, mac="nonsense")
            token = everything.scene.secret("office.token").read_text()

            async def metrics() -> str:
                reader, writer = await asyncio.open_connection(HOST, everything.scene.ports["api"])
                head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
                writer.write(f"GET /metrics HTTP/1.1\r\n{head}".encode())
                answer = (await reader.read()).decode()
                writer.close()
                return answer

            for outcome in ("kept", "refused"):
                line = f'ztpd_sightings_total{{outcome="{outcome}",source="mqtt"}} 1.0'
                await until(metrics, partial(said_in, line), line)


def said_in(line: str, text: str) -> bool:
    return line in text


@asynccontextmanager
async def checked(folder: Path, url: str, *lines: str) -> AsyncIterator[tuple[Stage, str]]:
    """A configuration with that broker, and what ``ztpd check`` prints of it."""
    async with stage(folder, ROOT / "config") as scene:
        scene.trust_olt("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
        table = "\n".join(["[discovery.mqtt]", f'url = "{url}"', *lines, "", "[provisioning]"])
        scene.config.write_text(scene.config.read_text().replace("[provisioning]", table))
        ran = await ztpd(scene, "check", ZTPD_ELEMENTS="[]")
        yield scene, f"{ran.code} " + " ".join(ran.output.split())


async def test_check_says_that_the_broker_answers_and_what_plain_text_means(folder: Path) -> None:
    with mosquitto(folder / "broker") as broker:
        async with checked(folder, f"mqtt://{HOST}:{broker.port}") as (_, said):
            assert said.startswith("0 ")
            assert f"ok mqtt mqtt://{HOST}:{broker.port}" in said
            assert "ok mqtt broker answers; without TLS: anybody on the way reads and forges" in said


async def test_check_says_that_the_broker_refuses_us(folder: Path) -> None:
    passwords = password_file(folder, "ztpd", "right")
    (folder / "mqtt.password").touch(mode=0o600)
    (folder / "mqtt.password").write_text("sentinel")
    lines = ('username = "ztpd"', f'password_file = "{folder}/mqtt.password"')
    with mosquitto(folder / "broker", "allow_anonymous false", f"password_file {passwords}") as broker:
        async with checked(folder, f"mqtt://{HOST}:{broker.port}", *lines) as (_, said):
            assert said.startswith("1 ")
            assert "the connection is refused: Not authorized; check username, password_file" in said
            assert "sentinel" not in said


async def test_check_says_that_nobody_answers(folder: Path) -> None:
    with mosquitto(folder / "broker") as broker:
        broker.kill()
        async with checked(folder, f"mqtt://{HOST}:{broker.port}") as (_, said):
            assert said.startswith("1 ")
            assert "down mqtt broker" in said
            assert "Connection refused; check that the broker runs" in said


async def test_check_offline_reads_the_files_and_asks_nobody(folder: Path) -> None:
    lines = ('ca_file = "none.pem"',)
    async with checked(folder, "mqtts://nosuch.invalid", *lines) as (scene, said):
        assert said.startswith("2 ")
        assert "discovery.mqtt.ca_file" in said
        assert "none.pem cannot be read" in said
        scene.config.write_text(scene.config.read_text().replace(lines[0], ""))
        offline = await ztpd(scene, "check", "--offline", ZTPD_ELEMENTS="[]")
        assert offline.code == 0
        assert "mqtts://nosuch.invalid:8883" in offline.output
