"""A hook as the process that a DHCP server starts: it tells the core, and never holds up or fails who called it."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ztpd.discovery.hooks.client import Call, read_call, send
from ztpd.discovery.hooks.kea import sighting
from ztpd.discovery.intake import CLIENTS, intake
from ztpd.domain.sighting import Presence, Sighting

_LIMIT_SECONDS = 20
MAC = "4e:03:7b:1b:88:48"
COMMITTED = {
    "QUERY4_TYPE": "DHCPREQUEST",
    "QUERY4_HWADDR": MAC,
    "QUERY4_HWADDR_TYPE": "1",
    "QUERY4_GIADDR": "10.77.0.9",
    "QUERY4_OPTION_82": "0x0104FEED3D00",
    "LEASES4_AT0_ADDRESS": "10.77.0.50",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a hook ended: its exit code and what it said on standard error."""

    code: int
    errors: str


async def hook(*arguments: str, environment: dict[str, str] | dict[bytes, bytes] | None = None) -> Ended:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ztpd", "hook", *arguments),
        env={**os.environb, **{os.fsencode(name): os.fsencode(value) for name, value in (environment or {}).items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), _LIMIT_SECONDS)
    assert output == b""
    assert process.returncode is not None
    return Ended(process.returncode, errors.decode())


class Core:
    """Keeps what it is told; holds it back or refuses it when a test says so."""

    def __init__(self) -> None:
        self.taken: list[Sighting] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuses = False

    async def accept(self, sighting: Sighting) -> None:
        await self.open.wait()
        if self.refuses:
            raise ValueError("the store is full")
        self.taken.append(sighting)


@asynccontextmanager
async def served(path: Path, core: Core) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(intake(path, core.accept, listening=ready))
    try:
        await asyncio.wait_for(ready.wait(), _LIMIT_SECONDS)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "intake.sock"


async def test_an_event_of_kea_arrives(path: Path) -> None:
    core = Core()
    async with served(path, core):
        ended = await hook("kea", "--strict", "--socket", str(path), "leases4_committed", environment=COMMITTED)

    assert ended == Ended(0, "")
    [found] = core.taken
    assert (found.mac, found.ip, found.circuit_id, found.trusted) == (MAC, "10.77.0.50", "feed3d00", False)


async def test_a_call_of_dnsmasq_arrives_with_bytes_that_are_no_text(path: Path) -> None:
    core = Core()
    environment = {b"DNSMASQ_CIRCUIT_ID": b"\xfe\xed\n=", b"LANG": b"C"}
    arguments = ("dnsmasq", f"--socket={path}", "--timeout=19", "--strict", "add", MAC, "10.77.0.50", "cpe1")
    async with served(path, core):
        ended = await hook(*arguments, environment=environment)

    assert ended == Ended(0, "")
    assert (core.taken[0].circuit_id, core.taken[0].details["hostname"]) == ("feed0a3d", "cpe1")


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)], ids=["by default", "strict"])
async def test_without_a_core_the_event_is_lost_in_one_line(path: Path, strict: tuple[str, ...], code: int) -> None:
    ended = await hook("kea", *strict, "--socket", str(path), "leases4_committed", environment=COMMITTED)

    said = f"ztpd hook kea: leases4_committed is lost: {path}: No such file or directory; is `ztpd run` running?\n"
    assert ended == Ended(code, said)


@pytest.mark.parametrize(
    ("event", "environment", "reason"),
    [
        ("leases4_committed", {}, "QUERY4_TYPE is no DHCP message"),
        ("lease\n4", {}, "is no event of Kea"),
        ("leases4_committed", COMMITTED | {"QUERY4_OPTION_82": "0xZZ"}, "QUERY4_OPTION_82 is no hex"),
    ],
)
async def test_an_event_that_cannot_be_read_is_said_in_one_line(
    path: Path, event: str, environment: dict[str, str], reason: str
) -> None:
    ended = await hook("kea", "--socket", str(path), event, environment=environment)

    assert ended.code == 0
    assert ended.errors.startswith("ztpd hook kea: lease")
    assert ended.errors.count("\n") == 1
    assert reason in ended.errors


async def test_an_event_that_tells_nothing_is_passed_over_in_silence(path: Path) -> None:
    assert await hook("kea", "--strict", "--socket", str(path), "lease4_renew", environment=COMMITTED) == Ended(0, "")
    assert await hook("dnsmasq", "--strict", "--socket", str(path), "init") == Ended(0, "")


async def test_a_core_that_is_stuck_holds_up_nobody(path: Path) -> None:
    core = Core()
    core.open.clear()
    async with served(path, core):
        ended = await hook("kea", "--timeout", "0.3", "--socket", str(path), "leases4_committed", environment=COMMITTED)
        core.open.set()

    assert ended == Ended(0, f"ztpd hook kea: leases4_committed is lost: {path}: no answer in time\n")


async def test_a_refusal_is_told(path: Path) -> None:
    core = Core()
    core.refuses = True
    async with served(path, core):
        ended = await hook("kea", "--strict", "--socket", str(path), "leases4_committed", environment=COMMITTED)

    assert ended.code == 1
    assert "is lost: refused: not accepted: ValueError: the store is full" in ended.errors


@pytest.mark.parametrize(
    ("said", "problem"),
    [(b"220 welcome", "what answers is no ztpd"), (b"[]", "what answers is no ztpd"), (b"", "what answers is no ztpd")],
)
async def test_another_program_on_the_socket_is_said(path: Path, said: bytes, problem: str) -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)) as listener:
        listener.bind(str(path))
        listener.listen(1)
        running = asyncio.create_task(
            hook("kea", "--timeout", "19", "--socket", str(path), "leases4_committed", environment=COMMITTED)
        )
        client, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(listener), _LIMIT_SECONDS)
        with closing(client):
            if said:
                await asyncio.get_running_loop().sock_sendall(client, said)
        ended = await running

    assert ended == Ended(0, f"ztpd hook kea: leases4_committed is lost: {path}: {problem}\n")


async def test_a_core_with_no_room_is_asked_again(path: Path) -> None:
    core = Core()
    loop = asyncio.get_running_loop()
    async with served(path, core), AsyncExitStack() as stack:
        logged = stack.enter_context(capture_logs())
        others = []
        for _ in range(CLIENTS):
            other = stack.enter_context(
                closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            )
            await loop.sock_connect(other, str(path))
            assert b'"refused":[]' in await loop.sock_recv(other, 1024)
            others.append(other)
        arguments = ("kea", "--strict", "--socket", str(path), "--timeout")
        impatient = await hook(*arguments, "0.2", "leases4_committed", environment=COMMITTED)
        logged.clear()
        patient = asyncio.create_task(hook(*arguments, "19", "leases4_committed", environment=COMMITTED))
        async with asyncio.timeout(_LIMIT_SECONDS):
            while not any(each["event"] == "intake-full" for each in logged):  # noqa: ASYNC110 -- a list has no event
                await asyncio.sleep(0.01)
        others[0].close()
        ended = await patient

    assert (impatient.code, "try again later" in impatient.errors) == (1, True)
    assert ended == Ended(0, "")
    assert [each.presence for each in core.taken] == [Presence.PRESENT]


async def test_of_more_clients_than_there_is_room_for_none_is_lost(path: Path) -> None:
    core = Core()
    number = 2 * CLIENTS
    found = sighting(
        "leases4_committed", {name: value.encode() for name, value in COMMITTED.items()}, datetime.now(UTC)
    )
    with ThreadPoolExecutor(number) as hooks:
        async with served(path, core):
            deadline = time.monotonic() + _LIMIT_SECONDS
            loop = asyncio.get_running_loop()
            sent = (loop.run_in_executor(hooks, send, str(path), found, deadline) for _ in range(number))
            await asyncio.gather(*sent)

    assert core.taken == [found] * number


_HEAVY = """
import sys
from ztpd.entry import main
sys.argv = ["ztpd", "hook", "dnsmasq", "--socket", "/nowhere/intake.sock", "add", "4e:03:7b:1b:88:48", "10.77.0.50"]
try:
    main()
except SystemExit as ended:
    assert ended.code == 0, ended.code
print(*sorted({"asyncio", "typer", "rich", "pydantic", "structlog", "typing_extensions"} & set(sys.modules)))
"""


async def test_a_hook_loads_nothing_that_is_slow_to_load() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HEAVY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), _LIMIT_SECONDS)

    assert output == b"\n", output
    assert b"is lost: /nowhere/intake.sock" in errors


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("kea lease4_expire", Call("kea", ("lease4_expire",))),
        ("dnsmasq --strict add a b", Call("dnsmasq", ("add", "a", "b"), strict=True)),
        ("kea --socket /x --timeout 0.5 e", Call("kea", ("e",), "/x", 0.5)),
        ("kea --socket=/x --timeout=60 e", Call("kea", ("e",), "/x", 60.0)),
        ("kea", None),
        ("kea --help", None),
        ("kea --timeout 0 e", None),
        ("kea --timeout nan e", None),
        ("kea --timeout 61 e", None),
        ("kea --timeout e", None),
        ("kea --strict=1 e", None),
        ("kea --socket= e", None),
        ("dhcpd add", None),
        ("", None),
    ],
)
def test_what_is_no_event_of_a_server_is_left_to_the_whole_command(words: str, call: Call | None) -> None:
    assert read_call(words.split()) == call


async def test_a_wrong_call_is_explained_and_ends_with_2() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ztpd", "hook", "kea", "--timeout", "soon", "lease4_expire"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), _LIMIT_SECONDS)

    assert process.returncode == 2
    assert b"Invalid value for '--timeout'" in errors
