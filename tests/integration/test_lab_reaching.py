"""A lab CPE that runs is woken by the real loop: over HTTP, and behind NAT by the binding it keeps with STUN.

Nothing between them is replaced: store, ACS, waking loop, STUN server and the CPE's own sockets.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ztpd.acs.connection_caller import Caller
from ztpd.acs.connection_request import Secret, UdpPlace, datagram
from ztpd.acs.contract import Core, Heard
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.acs.stun_server import StunServer, StunSettings, stun_server
from ztpd.domain.cpe import CpeWork
from ztpd.domain.cpe_tasks import Read
from ztpd.informing import Informing
from ztpd.lab.cpe import CpeSettings, LabCpe, Reach
from ztpd.lab.cpe.ports import NatPort, OpenPort
from ztpd.lab.cpe.requests import Stamp, is_new, stamp_of
from ztpd.lab.cpe.soap import Attributes
from ztpd.lab.operator import until
from ztpd.store import cpe_asking
from ztpd.store.store import Context, Store, open_store
from ztpd.waking import Waking, WakingLimits

SECRET = Secret("00259E-S1", "cr-sentinel")
STUN_PASSWORD = "stun-sentinel"
UDP = "Device.ManagementServer.UDPConnectionRequestAddress"
GIVEN = {
    "ConnectionRequestUsername": SECRET.username,
    "ConnectionRequestPassword": SECRET.password,
    "STUNUsername": SECRET.username,
    "STUNPassword": STUN_PASSWORD,
    "STUNServerAddress": "127.0.0.1",
    "STUNMinimumKeepAlivePeriod": "1",
}
"""What the ACS has set on the CPE."""


@dataclass
class World:
    """Everything on loopback; ``events`` are those of each Inform that the ACS heard."""

    store: Store
    cpe: LabCpe
    stun: StunServer
    events: list[list[str]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def informed(self, code: str) -> None:
        """Until an Inform says this event."""
        while not any(code in codes for codes in self.events):
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 20)

    async def device(self) -> dict[str, Any]:
        (device,) = await self.store.read(lambda reader: reader.devices(0, 10, None))
        return device

    async def woken_for_work(self) -> str:
        """Something is asked of the CPE, which it does without being helped; what was said of waking it."""
        id_ = (await self.device())["id"]
        asked = await self.store.commit(cpe_asking.ask, id_, Read(paths=(UDP,)), "office")
        task = await until(
            lambda: self.store.read(lambda reader: reader.cpe_task(id_, asked["id"])),
            lambda task: task["state"] == "done",
            "the task",
        )
        assert task["state"] == "done"
        assert ["6 CONNECTION REQUEST"] in self.events
        device = await until(self.device, lambda device: device["waking"]["said"] != "being asked", "how it was asked")
        return str(device["waking"]["said"])


@asynccontextmanager
async def running(
    folder: Path, given: Mapping[str, str], stun_passwords: Mapping[str, str], **how: Any
) -> AsyncIterator[World]:
    """The world with a CPE that is switched on."""
    ids = itertools.count()
    context = Context(lambda: datetime.now(UTC), {}, lambda event: (), lambda: f"event-{next(ids)}")
    networks = (ip_network("127.0.0.0/8"),)
    async with (
        open_store(f"sqlite:///{folder}/ztpd.db", context) as store,
        stun_server(StunSettings(port=0), stun_passwords.get) as (stun, (_, stun_port)),
    ):
        informing = Informing(store, context.now, lambda *said: None, lambda said: None)
        core = informing.core()

        async def heard(heard: Heard) -> CpeWork | None:
            work = await core.heard(heard)
            world.events.append([event.code for event in heard.inform.events])
            world.heard.set()
            return work

        listening = Core(heard, core.done, core.told, core.resumed)
        async with AcsServer(AcsSettings(Credentials("ztpd", "cpe", "secret"), port=0), listening) as acs:
            cpe = LabCpe(replace(CpeSettings(acs.url, "cpe", "secret", "S1", time_factor=0.1), **how))
            for name, text in {**given, "STUNServerPort": str(stun_port)}.items():
                cpe.state.put(f"ManagementServer.{name}", text)
            world = World(store, cpe, stun)
            caller = Caller(networks, 5.0, stun.send, stun.bindings.of, context.now)
            waking = Waking(store, caller, lambda cpe: SECRET, WakingLimits(), asyncio.get_running_loop().time)
            tasks = [asyncio.create_task(cpe.run()), asyncio.create_task(waking.run())]
            try:
                await world.informed("1 BOOT")
                yield world
            finally:
                for task in tasks:
                    assert not task.done() or task.result() is None
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task


async def test_over_http_by_digest(tmp_path: Path) -> None:
    async with running(tmp_path, GIVEN, {}) as world:
        assert await world.woken_for_work() == "asked to inform: HTTP 200"
        assert world.cpe.asked == 1


async def test_a_cpe_that_has_other_credentials_refuses(tmp_path: Path) -> None:
    async with running(tmp_path, {**GIVEN, "ConnectionRequestPassword": "another"}, {}) as world:
        device = await world.device()
        await world.store.commit(cpe_asking.ask, device["id"], Read(paths=(UDP,)), "office")
        told = await until(world.device, lambda device: "HTTP 401" in str(device["waking"]), "the refusal")
        assert told["waking"]["said"].startswith("refuses the user and password")
        assert world.cpe.asked == 0


async def test_behind_nat_by_its_binding(tmp_path: Path) -> None:
    given = {**GIVEN, "STUNEnable": "1"}
    async with running(tmp_path, given, {SECRET.username: STUN_PASSWORD}, reach=Reach.NAT) as world:
        await until(lambda: binding(world), bool, "the binding")
        said = await world.woken_for_work()
        assert said.startswith("asked over UDP at its STUN binding; over HTTP not called: 192.168.1.10 is neither")
        assert world.cpe.asked == 1, "the copies of one request count once"
        assert world.cpe.values["Device.ManagementServer.NATDetected"] == "1"


async def test_behind_nat_by_the_new_binding_after_the_nat_restarted(tmp_path: Path) -> None:
    given = {**GIVEN, "STUNEnable": "1"}
    async with running(tmp_path, given, {SECRET.username: STUN_PASSWORD}, reach=Reach.NAT) as world:
        before = await until(lambda: binding(world), bool, "the binding")
        assert world.cpe.nat is not None
        await world.cpe.nat.move()
        await until(lambda: binding(world), lambda now: now != before, "the new binding")
        assert (await world.woken_for_work()).startswith("asked over UDP at its STUN binding")


async def test_behind_nat_at_the_address_that_it_told(tmp_path: Path) -> None:
    """The ACS gave it no STUN secret: what it learns from the answers it tells by active notification (G.2.1.3)."""
    given = {name: text for name, text in GIVEN.items() if name not in ("STUNUsername", "STUNPassword")}
    async with running(tmp_path, {**given, "STUNEnable": "0"}, {}, reach=Reach.NAT) as world:
        world.cpe.state.attributes[UDP] = Attributes(UDP, 2, ())
        world.cpe.state.put("ManagementServer.STUNEnable", "1")
        world.cpe.session_over.set()
        await world.informed("4 VALUE CHANGE")
        assert await binding(world) is None
        assert (await world.woken_for_work()).startswith("asked over UDP at the address that it told")


async def test_a_cpe_that_anybody_reaches_keeps_a_binding_too_where_stun_is_on(tmp_path: Path) -> None:
    async with running(tmp_path, {**GIVEN, "STUNEnable": "1"}, {SECRET.username: STUN_PASSWORD}) as world:
        host, port = await until(lambda: binding(world), bool, "the binding")
        shown = await until(lambda: text(world, UDP), lambda shown: shown != "", "its address")
        assert (shown, world.cpe.values["Device.ManagementServer.NATDetected"]) == (f"{host}:{port}", "0")


async def binding(world: World) -> Any:
    return world.stun.bindings.of(SECRET.username)


async def text(world: World, path: str) -> str:
    return world.cpe.values[path]


@asynccontextmanager
async def deaf_cpe(**how: Any) -> AsyncIterator[LabCpe]:
    """A CPE whose ACS takes its first POST and never answers it."""
    accepted = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    acs = await asyncio.start_server(swallow, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{acs.sockets[0].getsockname()[1]}/"
    cpe = LabCpe(CpeSettings(url, "cpe", "secret", "S1", **how))
    task = asyncio.create_task(cpe.run())
    try:
        await asyncio.wait_for(accepted.wait(), 20)
        yield cpe
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        acs.close()
        await acs.wait_closed()


async def get(cpe: LabCpe) -> int:
    url = cpe.values["Device.ManagementServer.ConnectionRequestURL"]
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def test_in_a_session_it_is_busy() -> None:
    async with deaf_cpe() as cpe:
        assert await get(cpe) == 503
        assert cpe.asked == 0


async def test_while_it_is_off_nobody_answers() -> None:
    async with deaf_cpe() as cpe:
        cpe.power.clear()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await get(cpe)


async def test_another_path_is_not_its_own() -> None:
    async with deaf_cpe() as cpe:
        url = cpe.values["Device.ManagementServer.ConnectionRequestURL"]
        async with aiohttp.ClientSession() as http, http.get(f"{url}x") as answer:
            assert answer.status == 404


async def test_a_nat_lets_in_whom_it_was_sent_to_for_a_while_and_nobody_else() -> None:
    now = [0.0]
    port = NatPort("127.0.0.1", ("192.168.1.10", 7547), 60.0, lambda: now[0])
    inside: asyncio.Queue[bytes] = asyncio.Queue()
    outside: asyncio.Queue[bytes] = asyncio.Queue()
    await port.open(lambda data, source: inside.put_nowait(data))
    friend, stranger = OpenPort("127.0.0.1"), OpenPort("127.0.0.1")
    try:
        for one in (friend, stranger):
            await one.open(lambda data, source: outside.put_nowait(data))
        port.send(b"hello", friend.local)
        assert await asyncio.wait_for(outside.get(), 20) == b"hello"
        stranger.send(b"stranger", port.mapped.local)
        friend.send(b"friend", port.mapped.local)
        assert await asyncio.wait_for(inside.get(), 20) == b"friend"
        now[0] = 61.0
        friend.send(b"late", port.mapped.local)
        await until(lambda: kept_out(port), lambda count: count == 2, "both are kept out")
        assert inside.empty()
    finally:
        for each in (port, friend, stranger):
            each.close()


async def kept_out(port: NatPort) -> int:
    return port.kept_out


def test_a_datagram_is_followed_once_and_only_when_it_is_signed() -> None:
    """What the ACS writes is what the CPE reads; a copy and a forgery are told apart."""
    place = UdpPlace(ip_network("127.0.0.1/32")[0], 7547)
    sent = datagram(place, Secret("a user&co", "pass"), 1_700_000_000, 42, "0123456789abcdef")
    stamp = stamp_of(sent, "a user&co", "pass")
    assert stamp == Stamp(1_700_000_000, "42")
    assert not is_new(stamp, stamp)
    assert is_new(Stamp(1_700_000_001, "43"), stamp)
    assert not is_new(Stamp(1_700_000_001, "42"), stamp)
    assert not is_new(Stamp(1_699_999_999, "41"), stamp)
    for wrong in (sent.replace(b"id=42", b"id=43"), sent.replace(b"GET", b"PUT"), b"\xff\xfe", b"GET /?ts=x HTTP/1.1"):
        assert stamp_of(wrong, "a user&co", "pass") is None
    assert stamp_of(sent, "another", "pass") is None
    assert stamp_of(sent, "a user&co", "other") is None
