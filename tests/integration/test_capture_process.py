"""``ztpd capture`` on real interfaces, with a core that goes and comes: what devices say arrives, once."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.capturing import (
    LIMIT_SECONDS,
    core_of,
    counts,
    discovers,
    logged,
    mac,
    ready_capture,
    until_logged,
)
from tests.integration.namespaces import add_pair, ip
from tests.unit.discovery import frames
from ztpd.discovery.hearing import hear
from ztpd.discovery.lanes import LANE_SIGHTINGS
from ztpd.lab import dhcp as lab
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Process, Stage

_NET_RAW = 1 << 13  # linux/capability.h


async def send_spread(numbers: range) -> None:
    """Send a DISCOVER of each number, a few at a time."""
    for first in range(0, len(numbers), 8):
        lab.send_frames("far", discovers(numbers[first : first + 8]))
        await asyncio.sleep(0.002)


async def repeat(numbers: range) -> None:
    """Send the same devices again and again, as they do until they are served."""
    while True:
        await send_spread(numbers)


async def knows(capture_scene: Stage, caller: Caller) -> set[str]:
    """The MAC addresses of all devices that the daemon knows."""
    found: set[str] = set()
    page: dict[str, Any] = {"next": 0}
    while page.get("next") is not None:
        page = await caller.get(f"/v1/devices?limit=500&after={page['next']}")
        if not page["items"]:
            break
        found |= set(re.findall(r"02:00:5e:20:[0-9a-f]{2}:[0-9a-f]{2}", json.dumps(page["items"])))
    return found


@asynccontextmanager
async def office(capture_scene: Stage) -> AsyncIterator[Caller]:
    token = capture_scene.secret("office.token").read_text()
    async with Caller(capture_scene.api, token, patient=True) as caller:
        yield caller


@pytest.mark.root
async def test_the_daemon_is_told_of_untagged_tagged_and_double_tagged_devices(
    namespace: str, capture_scene: Stage
) -> None:
    process = await ready_capture(capture_scene)
    daemon = await capture_scene.start_daemon()
    await capture_scene.until_ready(daemon)
    for number, vlans in enumerate(((), (100,), (200, 100)), start=1):
        client = lab.LabClient(mac(number), frames.CIRCUIT_ID, frames.REMOTE_ID)
        lab.send_frames("far", [lab.frame(lab.discover(client), vlans=vlans)])
    async with office(capture_scene) as caller:
        page = await until(lambda: caller.get("/v1/sightings?limit=50"), lambda seen: len(seen["items"]) == 3, "all")

    bodies = [each["body"] for each in page["items"]]
    heard = {each["mac"]: each["details"].get("vlans") for each in bodies}
    assert heard == {mac(1): None, mac(2): "100", mac(3): "200.100"}
    await daemon.stop()
    assert not [line for line in logged(daemon) if "dhcp" in line["event"]], "the daemon hears none itself"
    await process.stop()


@pytest.mark.root
async def test_a_repeat_is_dropped_and_counted(namespace: str, capture_scene: Stage) -> None:
    async with core_of(capture_scene) as core:
        process = await ready_capture(capture_scene)
        lab.send_frames("far", [*discovers([1, 1, 1, 2]), frames.relayed(hlen=99)])
        await until(core.known, lambda known: known == {mac(1), mac(2)}, "both")
        told = await until(partial(counts, process), lambda told: told.get("frames") == 5, "the counts")
        handed = await until(partial(counts, process, "handed over"), lambda told: told["accepted"] == 2, "both")

    assert len(core.taken) == 2
    assert (told["sightings"], told["repeats"], told["malformed"], told["queue_drops"]) == (2, 2, 1, 0)
    assert (handed["refused"], handed["waiting"]) == (0, 0)


@pytest.mark.root
async def test_an_interface_that_was_deleted_is_heard_when_it_is_there_again(
    namespace: str, capture_scene: Stage
) -> None:
    async with core_of(capture_scene) as core:
        process = await ready_capture(capture_scene)
        ip("-n", namespace, "link", "del", "near")
        await until_logged(process, "dhcp is not heard")
        add_pair(namespace, "near", "far")
        await until_logged(process, "dhcp-is-heard", times=2)
        lab.send_frames("far", discovers([7]))
        await until(core.known, lambda known: known == {mac(7)}, "the device")


@pytest.mark.root
async def test_the_kernel_is_believed_when_it_says_that_an_interface_is_up(namespace: str) -> None:
    """Without it the interface would be tried again in an hour."""
    heard: list[bytes] = []
    tried = asyncio.Event()
    ip("-n", namespace, "link", "del", "near")
    task = asyncio.create_task(hear("near", lambda frame, tags: heard.append(frame), tried=tried, retry_s=3_600))
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await tried.wait()
        for _ in range(2):
            add_pair(namespace, "near", "far")
            heard.clear()
            sending = asyncio.create_task(repeat(range(1)))
            await until(lambda: asyncio.sleep(0, len(heard)), lambda seen: seen > 0, "a frame")
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            ip("-n", namespace, "link", "del", "near")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.root
async def test_the_core_is_killed_and_comes_again_and_every_device_is_known(
    namespace: str, capture_scene: Stage
) -> None:
    devices = range(1_000)
    process = await ready_capture(capture_scene)
    daemon = await capture_scene.start_daemon()
    await capture_scene.until_ready(daemon)
    sending = asyncio.create_task(send_spread(devices))
    async with office(capture_scene) as caller:
        await until(partial(knows, capture_scene, caller), lambda known: len(known) > 100, "the first devices")
    daemon.process.kill()
    await daemon.process.wait()
    again = await capture_scene.start_daemon()
    await capture_scene.until_ready(again)
    await sending
    told = await until(partial(counts, process), lambda told: told.get("frames") == len(devices), "the counts")
    handed = await until(
        partial(counts, process, "handed over"), lambda told: told["waiting"] == 0, "all handed over", timeout_s=90
    )
    async with office(capture_scene) as caller:
        assert len(await knows(capture_scene, caller)) == len(devices)
    assert (told["queue_drops"], told["kernel_drops"]) == (0, 0)
    assert handed["accepted"] == len(devices)
    assert handed["breaks"] > 0, "the core was away while frames came"


def has_heard(frames: int, told: dict[str, Any]) -> bool:
    return bool(told.get("frames", 0) >= frames)


def resident_kib(process: Process) -> int:
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


@pytest.mark.root
async def test_a_flood_without_a_core_is_bounded_and_a_device_that_was_dropped_gets_through(
    namespace: str, capture_scene: Stage
) -> None:
    process = await ready_capture(capture_scene)
    flood = range(LANE_SIGHTINGS + 4_000)
    for first in range(0, len(flood), 100):
        lab.send_frames("far", discovers(flood[first : first + 100]))
        await until(partial(counts, process), partial(has_heard, min(first + 100, len(flood))), "the flood")
    told = await counts(process)
    assert told["kernel_drops"] == 0
    assert told["queue_drops"] == len(flood) - LANE_SIGHTINGS
    assert resident_kib(process) < 60_000

    async with core_of(capture_scene) as core:
        await until(core.known, lambda known: len(known) == LANE_SIGHTINGS, "what waited")
        assert mac(flood[-1]) not in await core.known()
        lab.send_frames("far", discovers([flood[0], flood[-1]]))
        await until(core.known, lambda known: mac(flood[-1]) in known, "the one that was dropped")
        assert len(core.taken) == LANE_SIGHTINGS + 1, "the other is a repeat"


def effective(process: Process) -> int:
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"CapEff:\s+([0-9a-f]+)", status)
    assert found is not None
    return int(found[1], 16)


@pytest.fixture
def setpriv() -> tuple[str, ...]:
    """A command that takes every capability away but those named behind it."""
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv (apt install util-linux)")
    command = ("setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if tried.returncode:
        pytest.skip(f"capabilities cannot be taken away here: {tried.stderr.strip()}")
    return command


@pytest.mark.root
async def test_cap_net_raw_alone_is_enough(namespace: str, capture_scene: Stage, setpriv: tuple[str, ...]) -> None:
    async with core_of(capture_scene) as core:
        process = await ready_capture(capture_scene, *setpriv[:-1], "--bounding-set=-all,+net_raw")
        lab.send_frames("far", discovers([1]))
        await until(core.known, lambda known: known == {mac(1)}, "the device")
        assert effective(process) == _NET_RAW


@pytest.mark.root
async def test_without_cap_net_raw_it_ends_and_says_what_to_do(
    namespace: str, capture_scene: Stage, setpriv: tuple[str, ...]
) -> None:
    process = await capture_scene.start_capture(*setpriv)
    async with asyncio.timeout(LIMIT_SECONDS):
        code = await process.process.wait()

    assert code == 1
    assert "a packet socket is not permitted; needs CAP_NET_RAW: start it by a unit" in process.log.read_text()
