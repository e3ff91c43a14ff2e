"""Traps and syslog by the programs that send them: the list is read for those of an element, and for nobody else's."""

import asyncio
import contextlib
import shutil
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from structlog.testing import capture_logs

from drivers.base import Heard
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import DEADLINE_S, SERIAL, Element, Network, at_work, happens, until
from tests.integration.provisioning.test_listener import Kept, listener, present
from tests.unit.discovery import snmp
from ztpd.discovery.datagrams import bound
from ztpd.discovery.hints import Hints, Senders
from ztpd.discovery.line_patterns import DEFAULTS, LinePatterns
from ztpd.discovery.syslog_server import CONNECTIONS_EACH, SyslogServer
from ztpd.discovery.traps import TrapSettings, TrapUser, receive_traps
from ztpd.discovery.turns import ROOM

ENGINE_ID = "8000000001020304"
HUAWEI = "1.3.6.1.4.1.2011.6.128"
PLAIN = TrapUser("plain", "sha256", "password-1")
SECRET = TrapUser("secret", "sha", "password-1", "aes128", "password-2")
STRICT = TrapUser("strict", "sha512", "password-1", "aes256", "password-2", frozenset([bytes.fromhex(ENGINE_ID)]))
SETTINGS = TrapSettings(("public-1", "public-2"), (PLAIN, SECRET, STRICT))
STRANGER = "127.77.0.1"

needs_snmptrap = pytest.mark.skipif(shutil.which("snmptrap") is None, reason="no snmptrap: apt install snmp")
needs_logger = pytest.mark.skipif(shutil.which("logger") is None, reason="no logger: apt install bsdutils")


class Silent(NetconfBbfDriver):
    """An element that announces nothing."""

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        await asyncio.Event().wait()


@dataclass
class Scene:
    """A silent OLT whose list was read once, and the ports on which hints of it are heard."""

    net: Network
    olt: Element
    kept: Kept
    ports: dict[str, int]
    counted: Counter[str] = field(default_factory=Counter)

    async def is_found(self) -> None:
        """An ONU that was plugged in since is found."""
        await until(lambda: present(self.net), lambda onus: set(onus) == {SERIAL}, f"it is found: {self.counted}")

    async def ends(self, outcome: str, times: int = 1) -> None:
        await happens(lambda: self.counted[outcome] >= times, f"{times} are {outcome}: {self.counted}")

    async def has_counted(self, number: int) -> None:
        await happens(lambda: self.counted.total() >= number, f"{number} are counted: {self.counted}")

    async def trap(self, *arguments: str, oid: str = HUAWEI, expect: int = 0) -> None:
        to = f"127.0.0.1:{self.ports['snmp']}"
        what = ["", oid, "127.0.0.1", "6", "5", ""] if "-v1" in arguments else ["", oid]
        await runs("snmptrap", *arguments, to, *(what[1:] if "-v1" in arguments else what), expect=expect)

    async def log(self, *arguments: str, port: str = "udp") -> None:
        await runs("logger", "--server", "127.0.0.1", "--port", str(self.ports[port]), f"--{port}", *arguments)

    def send(self, datagram: bytes, to: str = "snmp", source: str = "127.0.0.1") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            sender.sendto(datagram, ("127.0.0.1", self.ports[to]))


async def runs(*command: str, expect: int = 0) -> None:
    """Run a sender to its end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    assert process.returncode == expect, errors


@asynccontextmanager
async def scene_of(
    net: Network, settings: TrapSettings = SETTINGS, element_at: str = "127.0.0.1", **limits: float
) -> AsyncIterator[Scene]:
    olt, kept = await net.olt(), Kept(net)
    worker = listener(net, await net.driver(olt, Silent), kept)
    udp, tcp, snmp_ = [
        await bound(kind, "127.0.0.1", 0) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    ]
    ports = {name: sock.getsockname()[1] for name, sock in (("udp", udp), ("tcp", tcp), ("snmp", snmp_))}
    scene = Scene(net, olt, kept, ports)

    def nudge(element: str) -> None:
        assert element == "olt-1"
        worker.asked.set()

    senders = Senders({"olt-1": [element_at]})
    hints = Hints("test", senders, nudge, lambda source, outcome: scene.counted.update([outcome]))
    server = SyslogServer(LinePatterns(DEFAULTS), hints, **limits)
    traps = partial(receive_traps, snmp_, settings, hints)
    with udp, tcp, snmp_:
        async with at_work(worker.run), at_work(partial(server.run, udp, tcp)), at_work(traps):
            await happens(lambda: kept.listed, "the list is read at first")
            yield scene
    assert olt.writes == 0, "whatever was sent, nothing is written"


V3 = ("-v3", "-e", f"0x{ENGINE_ID}")
AS_PLAIN = ("-u", "plain", "-l", "authNoPriv", "-a", "SHA-256", "-A", "password-1")
AS_SECRET = ("-u", "secret", "-l", "authPriv", "-a", "SHA", "-A", "password-1", "-x", "AES", "-X", "password-2")
AS_STRICT = ("-u", "strict", "-l", "authPriv", "-a", "SHA-512", "-A", "password-1", "-x", "AES-256", "-X", "password-2")
INFORM = ("-Ci", "-r", "5", "-t", "3")


@needs_snmptrap
@pytest.mark.parametrize(
    "arguments",
    [
        ("-v1", "-c", "public-1"),
        ("-v2c", "-c", "public-1"),
        ("-v2c", "-c", "public-2", *INFORM),
        (*V3, *AS_PLAIN),
        (*V3, *AS_SECRET),
        (*V3, *AS_STRICT),
        ("-v3", *AS_PLAIN, *INFORM),
        ("-v3", *AS_SECRET, *INFORM),
    ],
    ids=["v1", "v2c", "v2c inform", "v3 auth", "v3 priv", "v3 engine", "v3 auth inform", "v3 priv inform"],
)
async def test_a_trap_has_the_list_read_and_an_inform_is_answered(net: Network, arguments: tuple[str, ...]) -> None:
    async with scene_of(net) as scene:
        scene.olt.plug()
        await scene.trap(*arguments)
        await scene.is_found()
        assert scene.counted["nudged"] >= 1
        assert scene.counted.keys() <= {"nudged", "no-match"}


@needs_snmptrap
@pytest.mark.parametrize(
    ("arguments", "expect"),
    [
        (("-v1", "-c", "private"), 0),
        (("-v2c", "-c", "private"), 0),
        (("-v2c", "-c", "private", "-Ci", "-r", "0", "-t", "0.2"), 1),
        ((*V3, *AS_PLAIN[:-1], "password-9"), 0),
        ((*V3, *AS_SECRET[:-1], "password-9"), 0),
        ((*V3, "-u", "secret", *AS_PLAIN[2:]), 0),
        ((*V3, "-u", "secret", "-l", "noAuthNoPriv"), 0),
        ((*V3, "-u", "nobody", "-l", "noAuthNoPriv"), 0),
        (("-v3", "-e", "0x80000000aabbccdd", *AS_STRICT), 0),
        (("-v3", "-Ci", "-r", "0", "-t", "1", *AS_PLAIN[:-1], "password-9"), 1),
    ],
    ids=[
        "community v1",
        "community",
        "community inform",
        "password",
        "key",
        "not encrypted",
        "not authenticated",
        "user",
        "engine",
        "password inform",
    ],
)
async def test_a_trap_that_is_not_authentic_is_counted_and_changes_nothing(
    net: Network, arguments: tuple[str, ...], expect: int
) -> None:
    async with scene_of(net) as scene:
        scene.olt.plug()
        with capture_logs() as lines:
            await scene.trap(*arguments, expect=expect)
            await scene.ends("refused")
        assert not scene.counted["nudged"]
        assert len(scene.kept.listed) == 1
        assert [line["event"] for line in lines] == ["hint not followed"]
        assert not any(secret in str(lines) for secret in ("password-", "public-", "private"))


async def test_messages_that_the_library_alone_would_believe_are_refused(net: Network) -> None:
    forged = [
        snmp.user_message(bytes.fromhex(ENGINE_ID), b"", 0b001),
        snmp.user_message(bytes.fromhex(ENGINE_ID), b"plain", 0b000),
        snmp.user_message(bytes.fromhex("8000000000ff"), b"plain", 0b000),
        snmp.user_message(bytes.fromhex("8000000000ff"), b"plain", 0b001),
        snmp.user_message(b"", b"", 0b001),
        snmp.user_message(b"", b"plain", 0b000),
    ]
    async with scene_of(net) as scene:
        for message in forged:
            scene.send(message)
        await scene.has_counted(len(forged))
        assert scene.counted == {"refused": 4, "malformed": 1, "no-match": 1}
        scene.send(snmp.community_message(1, b"public-1"))
        await scene.ends("nudged")


async def test_a_trap_of_another_kind_is_passed_over(net: Network) -> None:
    settings = TrapSettings(("public-1",), (), ((1, 3, 6, 1, 4, 1, 2011), (1, 3, 6, 1, 6, 3, 1, 1, 5, 4)))
    async with scene_of(net, settings) as scene:
        scene.send(snmp.community_message(1, b"public-1"))
        await scene.ends("nudged")
    settings = TrapSettings(("public-1",), (), ((1, 3, 6, 1, 4, 1, 2011),))
    async with scene_of(net, settings) as scene:
        scene.send(snmp.community_message(1, b"public-1"))
        await scene.ends("no-match")
        assert not scene.counted["nudged"]


async def test_garbage_on_every_port_is_counted_and_harms_nothing(net: Network) -> None:
    garbage = [
        b"",
        b"\0",
        b"\x30\x84\xff\xff\xff\xff",
        snmp.community_message(1, b"public-1", b""),
        snmp.community_message(1, b"public-1", snmp.pdu(snmp.GET)),
        snmp.community_message(1, b"public-1", snmp.pdu(name=b"\x2b\x06\x01")),
        snmp.community_message(1, b"public-1", snmp.pdu(name=b"\xff" * 200)),
        snmp.community_message(0, b"public-1"),
        snmp.community_message(1, b"public-1", snmp.field(0xA7, b"\x30\x80" * 1000)),
        snmp.field(0x30, bytes(9000)),
    ]
    async with scene_of(net) as scene:
        with capture_logs() as lines:
            for datagram in garbage:
                scene.send(datagram)
            await scene.ends("malformed", len(garbage))
            scene.send(b"\xff\0\x01", to="udp")
            scene.send(b"<999>x", to="udp")
            scene.send(b"", to="udp")
            await scene.ends("malformed", len(garbage) + 3)
        assert {line["event"] for line in lines} == {"hint not followed"}
        assert scene.counted.keys() == {"malformed"}
        scene.send(snmp.community_message(1, b"public-1"))
        await scene.ends("nudged")


@needs_logger
@pytest.mark.parametrize(
    ("port", "arguments"),
    [
        ("udp", ("--rfc3164",)),
        ("udp", ("--rfc5424",)),
        ("udp", ("--rfc5424=notq,notime,nohost",)),
        ("tcp", ("--rfc3164",)),
        ("tcp", ("--rfc5424",)),
        ("tcp", ("--rfc3164", "--octet-count")),
        ("tcp", ("--rfc5424", "--octet-count")),
    ],
    ids=" ".join,
)
async def test_a_line_of_syslog_that_fits_has_the_list_read(
    net: Network, port: str, arguments: tuple[str, ...]
) -> None:
    async with scene_of(net) as scene:
        scene.olt.plug()
        await scene.log(*arguments, "fan 1 turns", port=port)
        await scene.ends("no-match")
        assert len(scene.kept.listed) == 1
        await scene.log(*arguments, "--tag", "pon", "ONT 0/1/3:5 auto find", port=port)
        await scene.is_found()
        assert scene.counted == {"no-match": 1, "nudged": 1}


async def test_what_strangers_send_is_counted_and_told_of_once(net: Network) -> None:
    async with scene_of(net, element_at=STRANGER) as scene:
        with capture_logs() as lines:
            for _ in range(5):
                scene.send(snmp.community_message(1, b"public-1"))
                scene.send(b"<13>autofind", to="udp")
            await scene.ends("unknown-source", 10)
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.ports["tcp"])
            assert await reader.read() == b"", "the connection is closed at once"
            writer.close()
            await scene.ends("unknown-source", 11)
        assert scene.counted == {"unknown-source": 11}
        assert [line["event"] for line in lines] == ["hint from an unknown source"]
        scene.send(b"<13>autofind", to="udp", source=STRANGER)
        await scene.ends("nudged")


@pytest.mark.parametrize("to", ["snmp", "udp"])
async def test_a_flood_of_a_stranger_holds_up_nothing(net: Network, to: str) -> None:
    steps = 0

    async def other() -> None:
        nonlocal steps
        while True:
            await asyncio.sleep(0)
            steps += 1

    async with scene_of(net) as scene, at_work(other):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((STRANGER, 0))
            for burst in range(200):
                before = steps
                for _ in range(100):
                    sender.sendto(b"<13>autofind", ("127.0.0.1", scene.ports[to]))
                await scene.ends("unknown-source", 100 * (burst + 1))
                assert steps > before
        assert scene.counted == {"unknown-source": 20_000}
        assert len(scene.kept.listed) == 1


@pytest.mark.parametrize(
    ("to", "datagram"),
    [("udp", b"<13>autofind"), ("snmp", snmp.community_message(1, b"public-1"))],
    ids=["udp", "snmp"],
)
async def test_a_flood_of_an_element_loses_its_own_and_its_newest_is_read(
    net: Network, to: str, datagram: bytes
) -> None:
    async with scene_of(net) as scene:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, capture_logs() as lines:
            sender.bind(("127.0.0.1", 0))
            for burst in range(50):
                for _ in range(100):
                    sender.sendto(datagram, ("127.0.0.1", scene.ports[to]))
                await scene.has_counted(100 * (burst + 1) - ROOM)
            scene.olt.plug()
            sender.sendto(datagram, ("127.0.0.1", scene.ports[to]))
            await scene.is_found()
            await scene.has_counted(5001)
        # How many had no room depends on how fast the machine reads; tests/unit/discovery/test_hints.py fills the room.
        assert scene.counted["nudged"] + scene.counted["refused"] == 5001
        assert len(scene.kept.listed) < scene.counted["nudged"], "many nudges are one reading"
        assert len([line for line in lines if line["event"] == "hint not followed"]) <= 2


async def test_slow_and_endless_connections_harm_only_themselves(net: Network) -> None:
    async with scene_of(net, inside_s=0.3) as scene:
        tcp = scene.ports["tcp"]
        slow, slow_writer = await asyncio.open_connection("127.0.0.1", tcp)
        slow_writer.write(b"<13>auto")
        endless, endless_writer = await asyncio.open_connection("127.0.0.1", tcp)

        async def pour() -> None:
            with contextlib.suppress(OSError):
                while True:
                    endless_writer.write(b"x" * 4096)
                    await endless_writer.drain()

        pouring = asyncio.create_task(pour())
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                assert await endless.read() == b""
            with contextlib.suppress(ConnectionError):
                assert await slow.read() == b""
            await pouring
        assert scene.counted["malformed"] == 1
        assert not scene.counted["nudged"]
        _, honest = await asyncio.open_connection("127.0.0.1", tcp)
        honest.write(b"<13>autofind\n")
        await scene.ends("nudged")
        for writer in (slow_writer, endless_writer, honest):
            writer.close()


async def test_an_address_has_few_connections_and_the_newest_counts(net: Network) -> None:
    async with scene_of(net) as scene:
        opened = []
        for number in range(CONNECTIONS_EACH + 1):
            opened.append(await asyncio.open_connection("127.0.0.1", scene.ports["tcp"]))
            opened[-1][1].write(b"<13>fan 1 turns\n")
            await scene.ends("no-match", number + 1)
        async with asyncio.timeout(DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                assert await opened[0][0].read() == b"", "the oldest is ended"
        for _, writer in opened[1:]:
            writer.write(b"<13>autofind\n")
        await scene.ends("nudged", CONNECTIONS_EACH)
        assert scene.counted["refused"] == 1
        for _, writer in opened:
            writer.close()


async def test_when_it_ends_nothing_is_left_of_it(net: Network) -> None:
    before = asyncio.all_tasks()
    async with scene_of(net) as scene:
        scene.send(snmp.community_message(1, b"public-1"))
        _, writer = await asyncio.open_connection("127.0.0.1", scene.ports["tcp"])
        writer.write(b"<13>autofind\n")
        await scene.ends("nudged", 2)
    writer.close()
    own = [task for task in asyncio.all_tasks() - before if "discovery" in str(task.get_coro())]
    assert own == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", scene.ports["snmp"]))
