"""``ztpd capture`` on real interfaces, with a core that goes and comes: what devices say arrives, once."""

import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.conftest import ROOT
from tests.integration.commands import ztpd_process
from tests.integration.namespaces import NoNamespace, add_pair, ip, veth_namespace
from tests.unit.discovery import frames
from ztpd.discovery.hearing import hear
from ztpd.discovery.intake import intake
from ztpd.discovery.lanes import LANE_SIGHTINGS
from ztpd.domain.sighting import Sighting
from ztpd.lab import dhcp as lab
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Process, Stage, stage

_LIMIT_SECONDS = 20
_NET_RAW = 1 << 13  # linux/capability.h


@pytest.fixture
def namespace() -> Iterator[str]:
    """This thread inside a fresh network namespace that has loopback and the veth pair ``near`` and ``far``."""
    try:
        with veth_namespace() as name:
            yield name
    except NoNamespace as problem:
        pytest.skip(str(problem))


@pytest.fixture
async def scene() -> AsyncIterator[Stage]:
    """A stage whose daemon is not started, in a folder with a path that a UNIX socket can have."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with stage(Path(folder), ROOT / "config") as made:
            made.hear_by_process("near")
            made.trust_olt(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip())
            yield made


class Core:
    """An intake in the test's own loop, in the place of the daemon's."""

    def __init__(self) -> None:
        self.taken: list[Sighting] = []

    async def accept(self, sighting: Sighting) -> None:
        self.taken.append(sighting)

    async def known(self) -> set[str | None]:
        return {sighting.mac for sighting in self.taken}


@asynccontextmanager
async def core_of(scene: Stage) -> AsyncIterator[Core]:
    core, ready = Core(), asyncio.Event()
    task = asyncio.create_task(intake(scene.folder / "intake.sock", core.accept, listening=ready))
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            await ready.wait()
        yield core
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def logged(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.log.read_text().splitlines(keepends=True) if line.endswith("\n")]


async def events(process: Process) -> list[str]:
    return [line["event"] for line in logged(process)]


async def until_logged(process: Process, event: str, times: int = 1) -> None:
    await until(partial(events, process), lambda seen: seen.count(event) >= times, event)


async def ready_capture(scene: Stage, *prefix: str) -> Process:
    process = await scene.start_capture(*prefix)
    await until_logged(process, "ready")
    return process


async def counts(process: Process, about: str = "heard") -> dict[str, Any]:
    """What the process counted so far; it is asked by a signal and says so only when it changed."""
    process.process.send_signal(signal.SIGUSR1)
    told = [line for line in logged(process) if line["event"] == about]
    return told[-1] if told else {}


def mac(number: int) -> str:
    return f"02:00:5e:20:{number >> 8:02x}:{number & 255:02x}"


def discovers(numbers: Sequence[int]) -> list[bytes]:
    agent = frames.relay_agent((1, frames.CIRCUIT_ID), (2, b"remote"))
    tails = (frames.bootp(frames.options(frames.DISCOVER, agent), chaddr=_raw(number)) for number in numbers)
    return [frames.ethernet(frames.ipv4(frames.udp(tail))) for tail in tails]


def _raw(number: int) -> bytes:
    return bytes.fromhex(mac(number).replace(":", ""))


async def send_spread(numbers: range) -> None:
    """Send a DISCOVER of each number, a few at a time."""
    for first in range(0, len(numbers), 8):
        lab.send_frames("far", discovers(numbers[first : first + 8]))
        await asyncio.sleep(0.002)


async def repeat(numbers: range) -> None:
    """Send the same devices again and again, as they do until they are served."""
    while True:
        await send_spread(numbers)


async def knows(scene: Stage, caller: Caller) -> set[str]:
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
async def office(scene: Stage) -> AsyncIterator[Caller]:
    token = scene.secret("office.token").read_text()
    async with Caller(scene.api, token, patient=True) as caller:
        yield caller


@pytest.mark.root
async def test_the_daemon_is_told_of_untagged_tagged_and_double_tagged_devices(namespace: str, scene: Stage) -> None:
    process = await ready_capture(scene)
    daemon = await scene.start_daemon()
    await scene.until_ready(daemon)
    for number, vlans in enumerate(((), (100,), (200, 100)), start=1):
        client = lab.LabClient(mac(number), frames.CIRCUIT_ID, frames.REMOTE_ID)
        lab.send_frames("far", [lab.frame(lab.discover(client), vlans=vlans)])
    async with office(scene) as caller:
        page = await until(lambda: caller.get("/v1/sightings?limit=50"), lambda seen: len(seen["items"]) == 3, "all")

    bodies = [each["body"] for each in page["items"]]
    heard = {each["mac"]: each["details"].get("vlans") for each in bodies}
    assert heard == {mac(1): None, mac(2): "100", mac(3): "200.100"}
    await daemon.stop()
    assert not [line for line in logged(daemon) if "dhcp" in line["event"]], "the daemon hears none itself"
    await process.stop()


@pytest.mark.root
async def test_a_repeat_is_dropped_and_counted(namespace: str, scene: Stage) -> None:
    async with core_of(scene) as core:
        process = await ready_capture(scene)
        lab.send_frames("far", [*discovers([1, 1, 1, 2]), frames.relayed(hlen=99)])
        await until(core.known, lambda known: known == {mac(1), mac(2)}, "both")
        told = await until(partial(counts, process), lambda told: told.get("frames") == 5, "the counts")
        handed = await until(partial(counts, process, "handed over"), lambda told: told["accepted"] == 2, "both")

    assert len(core.taken) == 2
    assert (told["sightings"], told["repeats"], told["malformed"], told["queue_drops"]) == (2, 2, 1, 0)
    assert (handed["refused"], handed["waiting"]) == (0, 0)


@pytest.mark.root
async def test_an_interface_that_was_deleted_is_heard_when_it_is_there_again(namespace: str, scene: Stage) -> None:
    async with core_of(scene) as core:
        process = await ready_capture(scene)
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
        async with asyncio.timeout(_LIMIT_SECONDS):
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
async def test_the_core_is_killed_and_comes_again_and_every_device_is_known(namespace: str, scene: Stage) -> None:
    devices = range(1_500)
    process = await ready_capture(scene)
    daemon = await scene.start_daemon()
    await scene.until_ready(daemon)
    sending = asyncio.create_task(send_spread(devices))
    async with office(scene) as caller:
        await until(partial(knows, scene, caller), lambda known: len(known) > 100, "the first devices")
    daemon.process.kill()
    await daemon.process.wait()
    again = await scene.start_daemon()
    await scene.until_ready(again)
    await sending
    async with office(scene) as caller:
        await until(partial(knows, scene, caller), lambda known: len(known) == len(devices), "every device")

    told = await until(partial(counts, process), lambda told: told.get("frames") == len(devices), "the counts")
    handed = await until(partial(counts, process, "handed over"), lambda told: told["waiting"] == 0, "all handed over")
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
    namespace: str, scene: Stage
) -> None:
    process = await ready_capture(scene)
    flood = range(LANE_SIGHTINGS + 4_000)
    for first in range(0, len(flood), 100):
        lab.send_frames("far", discovers(flood[first : first + 100]))
        await until(partial(counts, process), partial(has_heard, min(first + 100, len(flood))), "the flood")
    told = await counts(process)
    assert told["kernel_drops"] == 0
    assert told["queue_drops"] == len(flood) - LANE_SIGHTINGS
    assert resident_kib(process) < 60_000

    async with core_of(scene) as core:
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
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=_LIMIT_SECONDS)
    if tried.returncode:
        pytest.skip(f"capabilities cannot be taken away here: {tried.stderr.strip()}")
    return command


@pytest.mark.root
async def test_cap_net_raw_alone_is_enough(namespace: str, scene: Stage, setpriv: tuple[str, ...]) -> None:
    async with core_of(scene) as core:
        process = await ready_capture(scene, *setpriv[:-1], "--bounding-set=-all,+net_raw")
        lab.send_frames("far", discovers([1]))
        await until(core.known, lambda known: known == {mac(1)}, "the device")
        assert effective(process) == _NET_RAW


@pytest.mark.root
async def test_without_cap_net_raw_it_ends_and_says_what_to_do(
    namespace: str, scene: Stage, setpriv: tuple[str, ...]
) -> None:
    process = await scene.start_capture(*setpriv)
    async with asyncio.timeout(_LIMIT_SECONDS):
        code = await process.process.wait()

    assert code == 1
    assert "a packet socket is not permitted; needs CAP_NET_RAW: start it by a unit" in process.log.read_text()


@pytest.mark.root
@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_though_the_core_is_away_and_says_what_is_lost(
    namespace: str, scene: Stage, with_signal: signal.Signals
) -> None:
    process = await ready_capture(scene)
    lab.send_frames("far", discovers([1, 2]))
    await until(partial(counts, process), lambda told: told.get("frames") == 2, "both")
    await process.stop(with_signal)

    assert process.process.returncode == 0
    *_, counted, stopped = logged(process)
    assert (counted["event"], counted["waiting"]) == ("handed over", 2)
    assert stopped["event"] == "stopped"
    assert stopped["lost"] == 2


@pytest.mark.root
async def test_what_waits_is_handed_over_before_it_stops(namespace: str, scene: Stage) -> None:
    process = await ready_capture(scene)
    async with core_of(scene) as core:
        lab.send_frames("far", discovers(range(300)))
        await until(core.known, lambda known: len(known) > 0, "the first")
        await process.stop()

    assert process.process.returncode == 0
    assert len(core.taken) == 300
    assert logged(process)[-1]["lost"] == 0


@pytest.mark.root
async def test_the_service_manager_is_told_when_every_interface_was_tried(namespace: str, scene: Stage) -> None:
    scene.hear_by_process("near", "nowhere0")
    address = scene.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(address))
        process = await scene.start_capture(NOTIFY_SOCKET=str(address))
        async with asyncio.timeout(_LIMIT_SECONDS):
            told = await asyncio.get_running_loop().sock_recv(manager, 100)
        assert told == b"READY=1"
        assert {"dhcp-is-heard", "dhcp is not heard"} <= set(await events(process))
        await process.stop()
        assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ZTPD_DISCOVERY__DHCP__INTERFACES": "[]", "ZTPD_DISCOVERY__DHCP__TRUSTED_INTERFACES": "[]"}, "--interface"),
        ({"ZTPD_DISCOVERY__DHCP__CAPTURE": "inside"}, "the daemon hears for itself"),
        ({"ZTPD_DISCOVERY__CIRCUIT_IDS": "nowhere.toml"}, "nowhere.toml: cannot be read"),
    ],
    ids=["no interface", "inside", "no patterns"],
)
async def test_a_configuration_that_it_cannot_work_with_is_named(
    scene: Stage, environment: dict[str, str], words: str
) -> None:
    scene.environment.update(environment)
    ran = await ztpd_process(scene, "capture")

    assert ran.code == 2
    assert words in " ".join(ran.errors.split())


@pytest.mark.parametrize(("capture", "words"), [("process", "intake names no socket"), ("inside", "is not set")])
async def test_without_an_intake_there_is_nobody_to_tell(scene: Stage, capture: str, words: str) -> None:
    del scene.environment["ZTPD_DISCOVERY__INTAKE"]
    scene.config.write_text(re.sub(r"\nintake = .*", "", scene.config.read_text()))
    scene.environment["ZTPD_DISCOVERY__DHCP__CAPTURE"] = capture
    ran = await ztpd_process(scene, "capture", "--interface", "near")

    assert ran.code == 2
    assert words in " ".join(ran.errors.split())


_IMPORTED = """
import sys
try:
    import ztpd.capture.__main__
except IndexError:  # it was given no plan
    print(*sorted(name for name, module in sys.modules.items() if module is not None and "." not in name))
"""


def test_the_process_loads_nothing_of_what_only_the_core_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED], capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=True
    )
    loaded = set(done.stdout.split())

    assert {"asyncio", "orjson", "structlog", "ztpd"} <= loaded
    assert not loaded & {"aiohttp", "pydantic", "pyroute2", "rich", "sqlite3", "ssl", "typer", "uvloop"}


def test_the_unit_is_one_that_systemd_accepts(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "systemd/ztpd-capture.service").read_text()
    assert "ExecStart=/opt/ztpd/.venv/bin/ztpd capture --config /etc/ztpd/ztpd.toml" in unit
    # Verification looks for the program itself, which stands elsewhere here.
    (tmp_path / "ztpd-capture.service").write_text(unit.replace("/opt/ztpd/.venv/bin/ztpd", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "ztpd-capture.service"], cwd=tmp_path, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
