"""A fleet of lab CPEs against the real ACS: bounded, counted, restarted, and stopped like any other process."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from tests.integration.test_acs import PASSWORD, SETTINGS, Registry
from tests.unit.lab_cpe.scripted_acs import scripted_acs
from ztpd.acs.server import AcsServer
from ztpd.cli import app
from ztpd.lab.cpe import CpeSettings, Reach
from ztpd.lab.cpe.fleet import Figures, Fleet, FleetSettings, TooMany, serials
from ztpd.lab.cpe.quirks import quirks
from ztpd.lab.operator import until

COUNT = 24


@pytest.fixture
def core() -> Registry:
    return Registry()


@pytest.fixture
async def acs(core: Registry) -> AsyncIterator[AcsServer]:
    async with AcsServer(SETTINGS, core.core()) as server:
        yield server


def fleet(url: str, count: int = COUNT, how: dict[str, Any] | None = None, **settings: Any) -> Fleet:
    first = replace(CpeSettings(url, "cpe", PASSWORD, "LAB"), **(how or {}))
    return Fleet(FleetSettings(first, count, **settings))


async def figures(fleet: Fleet) -> Figures:
    return fleet.figures()


async def all_heard(core: Registry, count: int) -> list[str]:
    """The serial numbers of those heard, once they are as many."""

    async def heard() -> int:
        return len(core.informs)

    await until(heard, lambda number: number >= count, "the Informs")
    return [inform.device.serial for inform, _ in core.informs]


class Living:
    """A fleet that lives while the block runs, and its figures afterwards."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.stop = asyncio.Event()
        self.told: list[Figures] = []

    async def __aenter__(self) -> "Living":
        self.running = asyncio.create_task(self.fleet.run(self.stop, self.told.append))
        return self

    async def __aexit__(self, *error: object) -> None:
        self.stop.set()
        self.figures = await asyncio.wait_for(self.running, 20)


def test_serial_numbers_are_the_same_each_time() -> None:
    assert serials("LAB", 1) == ["LAB"]
    assert serials("LAB", 3) == ["LAB000001", "LAB000002", "LAB000003"]


async def test_everyone_informs_once_and_is_counted(acs: AcsServer, core: Registry) -> None:
    async with Living(fleet(acs.url)) as living:
        heard = await all_heard(core, COUNT)
        await until(lambda: figures(living.fleet), lambda seen: seen.informed == COUNT, "all")
    assert sorted(heard) == serials("LAB", COUNT)
    told = living.figures
    assert (told.cpes, told.informed, told.sessions, told.under_way, told.reboots) == (COUNT, COUNT, COUNT, 0, 0)
    assert 0 < told.p50_seconds <= told.p99_seconds
    assert (told.failures, told.faults) == ({}, {})
    assert living.told[-1].sessions == COUNT


async def test_no_more_sessions_are_under_way_than_may_be(acs: AcsServer, core: Registry) -> None:
    for serial in serials("LAB", COUNT):
        core.give(serial, {"wan.vlan": 100})
    core.gate = asyncio.Event()

    async def open_sessions() -> int:
        return acs.sessions_open

    async with Living(fleet(acs.url, concurrency=3)) as living:
        await until(open_sessions, lambda number: number == 3, "three sessions")
        assert (living.fleet.figures().under_way, len(core.informs)) == (3, 3)
        core.gate.set()
        await all_heard(core, COUNT)
        await until(lambda: figures(living.fleet), lambda seen: seen.informed == COUNT, "all")


async def test_they_restart_now_and_then(acs: AcsServer, core: Registry) -> None:
    async with Living(fleet(acs.url, 2, {"boot_seconds": 0.0}, reboot_every_seconds=0.05)) as living:
        await until(lambda: figures(living.fleet), lambda seen: seen.reboots >= 4, "restarts")
        await all_heard(core, 6)
    codes = [[event.code for event in inform.events] for inform, _ in core.informs]
    assert codes.count(["1 BOOT"]) >= 4


async def test_sessions_that_fail_are_counted_by_what_went_wrong(acs: AcsServer) -> None:
    async with Living(fleet(acs.url, 3, {"password": "guess"})) as living:
        await until(lambda: figures(living.fleet), lambda seen: seen.failures.total() == 3, "the failures")
    assert living.figures.failures == {"HTTP 401": 3}
    assert living.figures.informed == 0


async def test_what_cpes_refuse_is_counted_by_its_code(acs: AcsServer, core: Registry) -> None:
    for serial in serials("LAB", 2):
        core.give(serial, {"wan.vlan": 4095})
    async with Living(fleet(acs.url, 2)) as living:
        await until(lambda: figures(living.fleet), lambda seen: seen.informed == 2, "both")
    assert living.figures.faults == {9003: 2}


async def test_an_acs_that_talks_nonsense_ends_no_cpe() -> None:
    async with scripted_acs("<<<") as scripted, Living(fleet(scripted.url, 1, {"time_factor": 0.001})) as living:
        await until(lambda: figures(living.fleet), lambda seen: seen.sessions == 1, "a session after the nonsense")
    assert living.figures.failures == {"the ACS sent what is no envelope": 1}


async def test_an_address_of_another_machine_ends_the_fleet_with_its_error(acs: AcsServer) -> None:
    away = fleet(acs.url, 2, {"reach": Reach.NAT, "source_ip": "192.0.2.7"})
    with pytest.raises(OSError, match="assign"):
        await asyncio.wait_for(away.run(asyncio.Event()), 20)


async def test_each_can_be_woken_at_its_own_place(acs: AcsServer, core: Registry) -> None:
    async with Living(fleet(acs.url, 3)) as living:
        await until(lambda: figures(living.fleet), lambda seen: seen.informed == 3, "all")
        name = "Device.ManagementServer.ConnectionRequestURL"
        urls = {inform.parameters[name] for inform, _ in core.informs}
        assert len(urls) == 3
        async with aiohttp.ClientSession() as http:
            for url in urls:
                async with http.get(url) as answer:
                    assert answer.status == 200
        await all_heard(core, 6)
    assert living.figures.asked == 3
    woken = [inform.device.serial for inform, _ in core.informs if inform.events[0].code == "6 CONNECTION REQUEST"]
    assert sorted(woken) == serials("LAB", 3)


async def test_users_may_have_the_serial_number_in_them() -> None:
    cpes = fleet("http://127.0.0.1:1/", 2, {"username": "{oui}-{serial}"}).cpes
    assert [cpe.settings.username for cpe in cpes] == ["00259E-LAB000001", "00259E-LAB000002"]


async def test_more_than_the_system_allows_is_said_beforehand() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system has no limit of open files")
    crowd = fleet("http://127.0.0.1:1/", 1, {"reach": Reach.NAT}, concurrency=hard)
    with pytest.raises(TooMany, match="raise the limit"):
        await crowd.run(asyncio.Event())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_process_says_what_they_did_when_it_is_stopped(
    acs: AcsServer, core: Registry, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    arguments = ["--url", acs.url, "--password-file", f"{tmp_path}/password", "--count", "5", "--quirk", "no-id"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ztpd", "lab", "cpe", *arguments, "--model", "tr098", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ},
    )
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    assert ready == {"ready": "cpe", "serial": "LAB000001", "count": 5}
    await all_heard(core, 5)
    process.send_signal(number)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, errors) == (0, b"")
    said = json.loads(output)
    assert (said["cpes"], said["failures"], said["reboots"]) == (5, {}, 0)
    names = {name.partition(".")[0] for inform, _ in core.informs for name in inform.parameters}
    assert names == {"InternetGatewayDevice"}


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["lab", "cpe", *arguments], env={"COLUMNS": "200"}, prog_name="ztpd")
    return result.exit_code, result.output


def test_every_quirk_is_listed() -> None:
    code, output = invoke("--list-quirks")
    assert code == 0
    listed = [line.split()[0] for line in output.splitlines()]
    assert listed == list(quirks())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quirk", "nonsense"], "there is no quirk 'nonsense'; --list-quirks shows them"),
        (["--quirk", "gzip", "--quirk", "deflate"], "no device can have both gzip and deflate"),
        (["--stun", ":x"], "must be a host, or host:port"),
        (["--accounts", "{folder}/accounts"], "[pppoe] must be users with their passwords as text"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "accounts").write_text("pppoe = 5")
    given = [each.replace("{folder}", str(tmp_path)) for each in arguments]
    code, output = invoke("--url", "http://127.0.0.1:1/", "--password-file", str(tmp_path / "password"), *given)
    assert (code, said in output) == (2, True), output


async def test_a_summary_is_for_people(acs: AcsServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    arguments = ["--url", acs.url, "--password-file", f"{tmp_path}/password", "--count", "2", "--seconds", "0.5"]
    code, output = await asyncio.to_thread(invoke_in_process, *arguments)
    assert code == 0
    assert "of 2 CPEs informed in" in output
    assert "restarts: 0; connection requests followed: 0" in output


def invoke_in_process(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "ztpd", "lab", "cpe", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ran.returncode, ran.stdout
