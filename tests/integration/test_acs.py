"""The ACS on a loopback socket: lab CPEs that behave, lab CPEs that do not, and raw bytes that mean harm."""

import asyncio
import contextlib
import gzip
import json
import random
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.acs.envelopes import envelope, inform
from ztpd.acs.connections import ConnectionLimits
from ztpd.acs.contract import Core, Heard
from ztpd.acs.digest import Algorithm, Credentials
from ztpd.acs.messages import Inform, Notice
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.domain.cpe import MASK, Cause, CpeOutcome, CpeWork, Doubt, FaultKind, KnownCpe, Proof
from ztpd.domain.cpe_tasks import Configure
from ztpd.domain.profile import Value
from ztpd.lab import cpe as lab
from ztpd.lab.cpe import BOOT, BOOTSTRAP, CookieStyle, CpeSettings, LabCpe, Misbehaviour, Root, SessionFailed

PASSWORD = "acs-sentinel"
SECRET = "pppoe-sentinel"
SETTINGS = AcsSettings(Credentials("ztpd", "cpe", PASSWORD), port=0)
VLAN = "Device.Ethernet.VLANTermination.1.VLANID"
SSID = "Device.WiFi.SSID.1.SSID"
PPP_PASSWORD = "Device.PPP.Interface.1.Password"
VALUES: dict[str, Value] = {"wan.vlan": 100, "wan.pppoe.password": SECRET, "wifi.2ghz.ssid": "Café & <Co>"}
ROWS = ("wan_link", "wan_vlan", "radio_2ghz", "ssid_2ghz", "wan_device", "ppp_device", "ppp", "wlan_2ghz")
KNOWN_MODEL = dict.fromkeys(ROWS, 1)
DIALLED = {
    Root.TR181: "Device.PPP.Interface.1.ConnectionStatus",
    Root.TR098: "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.ConnectionStatus",
}


@dataclass
class Registry:
    """A core that keeps what it is told, with work by CWMP serial."""

    work: dict[str, CpeWork] = field(default_factory=dict)
    informs: list[tuple[Inform, str]] = field(default_factory=list)
    heard_of: list[Heard] = field(default_factory=list)
    outcomes: dict[str, list[CpeOutcome]] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    known: dict[str, KnownCpe] = field(default_factory=dict)
    failing: bool = False
    gate: asyncio.Event | None = None
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Queue[Inform] = field(default_factory=asyncio.Queue)

    async def heard(self, heard: Heard) -> CpeWork | None:
        inform, peer_ip = heard.inform, heard.peer_ip
        self.asked.put_nowait(inform)
        if self.failing:
            raise RuntimeError("the database is away")
        self.informs.append((inform, peer_ip))
        self.heard_of.append(heard)
        return None if heard.proof is Proof.NONE else self.work.get(inform.device.serial)

    async def done(self, work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
        if self.failing:
            raise RuntimeError("the database is away")
        if self.gate is not None:
            self.waiting.set()
            await self.gate.wait()
        self.outcomes.setdefault(work.id, []).append(outcome)
        return None

    async def told(self, token: str, notice: Notice) -> None:
        if self.failing:
            raise RuntimeError("the database is away")
        self.notices.append(notice)

    async def resumed(self, token: str) -> KnownCpe | None:
        return self.known.get(token)

    def core(self) -> Core:
        return Core(self.heard, self.done, self.told, self.resumed)

    def give(self, serial: str, values: dict[str, Value] | None = None) -> None:
        task = Configure(values=VALUES if values is None else values)
        self.work[serial] = CpeWork(1, Cause.JOB, f"JOB-{serial}", task, KNOWN_MODEL)

    def outcome(self, serial: str) -> CpeOutcome:
        (outcome,) = self.outcomes[f"JOB-{serial}"]
        return outcome


class Clock:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def core() -> Registry:
    return Registry()


Serve = Callable[[AcsSettings], AbstractAsyncContextManager[AcsServer]]


@pytest.fixture
def serve(core: Registry) -> Serve:
    @asynccontextmanager
    async def serving(settings: AcsSettings) -> AsyncIterator[AcsServer]:
        async with AcsServer(settings, core.core()) as acs:
            yield acs

    return serving


@pytest.fixture
async def acs(serve: Serve) -> AsyncIterator[AcsServer]:
    async with serve(SETTINGS) as server:
        yield server


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that is logged, as text."""
    lines: list[str] = []

    def keep(_: object, __: str, event: structlog.typing.EventDict) -> str:
        lines.append(json.dumps(event, default=repr))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    yield lines
    structlog.configure(**before)


def dialled(root: Root) -> dict[str, str]:
    """What shows that the PPPoE password was right."""
    return {DIALLED[root]: "Connected", DIALLED[root].replace("ConnectionStatus", "LastConnectionError"): "ERROR_NONE"}


def cpe_of(acs: AcsServer, serial: str = "S1", **how: object) -> LabCpe:
    settings = CpeSettings(acs_url=acs.url, username="cpe", password=PASSWORD, serial=serial)
    settings = replace(settings, **how)  # type: ignore[arg-type]
    return LabCpe(replace(settings, parameters={DIALLED[settings.root]: "Connected", **settings.parameters}))


async def raw(acs: AcsServer, data: bytes, *, seconds: float = 10.0) -> bytes:
    """What the ACS answers to these bytes before it closes the connection."""
    url = urlsplit(acs.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def raw_cpe(acs: AcsServer, password: str = PASSWORD) -> AsyncIterator["RawCpe"]:
    """POSTs of a test's own bytes, with digest and cookies done by aiohttp."""
    digest = aiohttp.DigestAuthMiddleware("cpe", password)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(middlewares=(digest,), cookie_jar=jar) as http:
        yield RawCpe(acs, http)


@dataclass
class RawCpe:
    acs: AcsServer
    http: aiohttp.ClientSession

    async def post(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        async with self.http.post(self.acs.url, data=body, headers=headers) as response:
            return response.status, await response.read()


class TestConfiguring:
    @pytest.mark.parametrize("misbehaviour", [Misbehaviour(), Misbehaviour(drop_tcp=True)], ids=["kept", "dropped"])
    @pytest.mark.parametrize(
        ("root", "manufacturer", "paths"),
        [
            (Root.TR181, "Acme", (VLAN, PPP_PASSWORD, SSID)),
            (
                Root.TR098,
                "Huawei Technologies Co., Ltd",
                (
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.X_HW_VLAN",
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Password",
                    "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID",
                ),
            ),
        ],
        ids=["tr181", "tr098"],
    )
    async def test_one_set_and_one_get_make_the_device_what_it_must_be(
        self,
        acs: AcsServer,
        core: Registry,
        root: Root,
        manufacturer: str,
        paths: tuple[str, ...],
        misbehaviour: Misbehaviour,
    ) -> None:
        core.give("S1")
        cpe = cpe_of(acs, root=root, manufacturer=manufacturer, misbehaviour=misbehaviour)

        assert await cpe.inform([BOOTSTRAP, BOOT]) == ["SetParameterValues", "GetParameterValues"]
        assert [cpe.values[path] for path in paths] == ["100", SECRET, "Café & <Co>"]
        assert core.outcome("S1") == CpeOutcome(
            ok=True,
            applied={**dict(zip(paths, ["100", MASK, "Café & <Co>"], strict=True)), **dialled(root)},
        )
        assert acs.sessions_open == 0

    async def test_the_core_hears_who_informs_and_from_where(self, acs: AcsServer, core: Registry) -> None:
        assert await cpe_of(acs, "S7", source_ip="127.0.0.77").inform([BOOT]) == []
        ((heard, peer_ip),) = core.informs
        assert (heard.device.serial, [event.code for event in heard.events], peer_ip) == ("S7", [BOOT], "127.0.0.77")

    async def test_the_session_ends_only_after_the_outcome_is_committed(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1")
        core.gate = asyncio.Event()
        session = asyncio.create_task(cpe_of(acs).inform([BOOT]))
        await core.waiting.wait()
        assert not session.done()
        core.gate.set()
        await session
        assert core.outcome("S1").ok

    @pytest.mark.parametrize("style", [style for style in CookieStyle if style is not CookieStyle.NONE])
    async def test_cookies_are_taken_as_devices_send_them(
        self, acs: AcsServer, core: Registry, style: CookieStyle
    ) -> None:
        core.give("S1")
        once = style is CookieStyle.ONCE  # goes by its connection
        await cpe_of(acs, misbehaviour=Misbehaviour(cookies=style, drop_tcp=not once)).inform([BOOT])
        assert core.outcome("S1").ok

    async def test_a_connection_stands_for_a_cookie_from_session_to_session(
        self, acs: AcsServer, core: Registry
    ) -> None:
        core.give("S1")
        cpe = cpe_of(acs, misbehaviour=Misbehaviour(cookies=CookieStyle.ONCE))
        for _ in range(2):
            await cpe.inform([BOOT])
        assert [outcome.ok for outcome in core.outcomes["JOB-S1"]] == [True, True]

    async def test_devices_that_talk_at_once_are_never_mixed(self, acs: AcsServer, core: Registry) -> None:
        serials = [f"S{number}" for number in range(12)]
        for number, serial in enumerate(serials):
            core.give(serial, {"wifi.2ghz.ssid": f"home of {serial}", "wan.vlan": 100 + number})
        cpes = [
            cpe_of(acs, serial, misbehaviour=Misbehaviour(drop_tcp=bool(number % 2)))
            for number, serial in enumerate(serials)
        ]
        await asyncio.gather(*(cpe.inform([BOOT]) for cpe in cpes))

        assert [cpe.values[SSID] for cpe in cpes] == [f"home of {serial}" for serial in serials]
        assert all(core.outcome(serial).applied[SSID] == f"home of {serial}" for serial in serials)

    async def test_two_devices_on_one_connection_are_told_apart_by_their_cookies(
        self, acs: AcsServer, core: Registry
    ) -> None:
        """A proxy may send both over one connection."""
        for serial in ("S1", "S2"):
            core.give(serial, {"wifi.2ghz.ssid": serial})
        digest = aiohttp.DigestAuthMiddleware("cpe", PASSWORD)
        connector = aiohttp.TCPConnector(limit=1)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, middlewares=(digest,), cookie_jar=jar) as http:
            cookies = {}
            for serial in ("S1", "S2"):
                async with http.post(acs.url, data=inform(serial=serial)) as response:
                    cookies[serial] = response.headers["Set-Cookie"].partition(";")[0]
            for serial in ("S2", "S1"):
                async with http.post(acs.url, data=b"", headers={"Cookie": cookies[serial]}) as response:
                    assert f">{serial}</Value>".encode() in await response.read()


class TestFaults:
    async def test_a_refused_value_is_told_with_code_path_and_intent(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1", {"wan.vlan": 4095, "wifi.2ghz.ssid": "Home"})
        cpe = cpe_of(acs)
        assert await cpe.inform([BOOT]) == ["SetParameterValues"]

        fault = core.outcome("S1").fault
        assert fault is not None
        assert (fault.code, fault.parameter, fault.kind) == (9007, VLAN, FaultKind.CPE)
        assert fault.message == "Invalid value for VLAN of the WAN"
        assert cpe.values[SSID] == "factory"  # all or nothing

    async def test_a_value_that_does_not_stick_is_a_mismatch(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1")
        await cpe_of(acs, misbehaviour=Misbehaviour(forget=frozenset({SSID}))).inform([BOOT])

        outcome = core.outcome("S1")
        assert outcome.fault is not None
        assert (outcome.ok, outcome.fault.kind, outcome.fault.parameter) == (False, FaultKind.MISMATCH, SSID)
        assert outcome.applied[VLAN] == "100"

    async def test_an_intent_without_a_path_is_told_by_its_name(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1", {"wan.warp": 9})
        assert await cpe_of(acs).inform([BOOT]) == []
        fault = core.outcome("S1").fault
        assert fault is not None
        assert (fault.kind, fault.parameter) == (FaultKind.UNKNOWN_INTENT, "wan.warp")

    async def test_a_reboot_in_mid_session_starts_the_work_again(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1")
        served = await cpe_of(acs, misbehaviour=Misbehaviour(reboot_at="GetParameterValues")).inform([BOOT])
        assert served == ["SetParameterValues", "GetParameterValues"] * 2
        assert core.outcome("S1").ok
        assert acs.sessions_open == 0

    async def test_a_device_that_falls_silent_leaves_no_outcome_and_can_come_back(
        self, acs: AcsServer, core: Registry
    ) -> None:
        core.give("S1")
        cpe = cpe_of(acs, misbehaviour=Misbehaviour(hang_at="SetParameterValues"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await cpe.inform([BOOT])
        assert core.outcomes == {}
        await cpe_of(acs).inform([BOOT])
        assert core.outcome("S1").ok

    async def test_a_core_that_fails_is_503_and_nothing_is_lost(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1")
        core.failing = True
        async with raw_cpe(acs) as cpe, cpe.http.post(acs.url, data=inform(serial="S1")) as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) >= SETTINGS.retry_after
            assert b"database" not in await response.read()
        assert acs.sessions_open == 0

        core.failing = False
        await cpe_of(acs).inform([BOOT])
        assert core.outcome("S1").ok

    async def test_an_outcome_that_cannot_be_committed_may_be_told_again(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1", {"management.password": SECRET})
        done = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")
        async with raw_cpe(acs) as cpe:
            assert (await cpe.post(inform(serial="S1")))[0] == 200
            assert (await cpe.post(b""))[0] == 200
            core.failing = True
            assert (await cpe.post(done))[0] == 503
            core.failing = False
            assert (await cpe.post(done))[0] == 204
        assert core.outcome("S1").ok

    async def test_a_core_that_hangs_is_given_up(self, serve: Serve, core: Registry) -> None:
        core.give("S1", {"management.password": SECRET})
        core.gate = asyncio.Event()
        async with serve(replace(SETTINGS, core_deadline=0.05)) as acs:
            with pytest.raises(SessionFailed, match="503"):
                await cpe_of(acs).inform([BOOT])


class TestSessions:
    async def test_a_lost_answer_is_sent_again_over_a_new_connection(self, acs: AcsServer, core: Registry) -> None:
        core.give("S1")
        async with raw_cpe(acs) as cpe:
            await cpe.post(inform(serial="S1"))
            first = await cpe.post(b"")
            assert b"SetParameterValues" in first[1]
            assert await cpe.post(b"", Connection="close") == first

    async def test_an_answer_sent_twice_at_once_is_recorded_once(self, acs: AcsServer, core: Registry) -> None:
        """A device that lost its connection repeats itself while the first POST is still being worked on."""
        core.give("S1", {"management.password": SECRET})
        done = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")
        async with raw_cpe(acs) as cpe:
            await cpe.post(inform(serial="S1"))
            await cpe.post(b"")
            core.gate = asyncio.Event()
            first = asyncio.create_task(cpe.post(done))
            await core.waiting.wait()
            second = asyncio.create_task(cpe.post(done))
            await cpe_of(acs, "S2").inform([BOOT])  # by its end the second POST has long arrived
            core.gate.set()
            assert [(await first)[0], (await second)[0]] == [204, 400]
        assert core.outcome("S1").ok

    async def test_a_full_table_turns_away_until_a_session_ends(self, serve: Serve) -> None:
        async with serve(replace(SETTINGS, max_sessions=1)) as acs, raw_cpe(acs) as first:
            assert (await first.post(inform(serial="S1")))[0] == 200
            async with raw_cpe(acs) as second:
                async with second.http.post(acs.url, data=inform(serial="S2")) as response:
                    assert response.status == 503
                    assert int(response.headers["Retry-After"]) >= SETTINGS.retry_after
                assert (await first.post(b""))[0] == 204
                assert (await second.post(inform(serial="S2")))[0] == 200
            assert acs.counts["sessions-full"] == 1

    async def test_garbage_in_mid_session_fails_the_work_and_ends_the_session(
        self, acs: AcsServer, core: Registry
    ) -> None:
        core.give("S1")
        async with raw_cpe(acs) as cpe:
            await cpe.post(inform(serial="S1"))
            await cpe.post(b"")
            status, reason = await cpe.post(b"<soap:Envelope")
            assert (status, b"line 1" in reason) == (400, True)
        fault = core.outcome("S1").fault
        assert fault is not None
        assert fault.kind is FaultKind.PROTOCOL

    async def test_a_session_nobody_finished_gives_way(self, core: Registry) -> None:
        clock = Clock()
        settings = replace(SETTINGS, max_sessions=1)
        async with (
            AcsServer(settings, core.core(), monotonic=clock) as acs,
            raw_cpe(acs) as silent,
            raw_cpe(acs) as other,
        ):
            await silent.post(inform(serial="S1"))
            clock.now += settings.session_ttl + 1
            assert (await other.post(inform(serial="S2")))[0] == 200
            status, reason = await silent.post(b"")
            assert (status, b"Inform" in reason) == (400, True)
            assert acs.counts["sessions-lost"] == 1

    async def test_recorded_informs_open_sessions(self, acs: AcsServer, core: Registry, data_folder: Path) -> None:
        for capture in sorted((data_folder / "cwmp").glob("*nform*.xml")):
            async with raw_cpe(acs) as cpe:
                status, answer = await cpe.post(capture.read_bytes())
                assert (status, b"InformResponse" in answer) == (200, True), capture.name
                assert (await cpe.post(b""))[0] == 204
        assert {heard.device.manufacturer for heard, _ in core.informs} == {"Airvana", "", "THOMSON"}


class TestAuthentication:
    @pytest.mark.parametrize("algorithms", [(Algorithm.MD5,), (Algorithm.SHA256,), tuple(Algorithm)])
    async def test_a_device_with_the_secret_is_let_in(self, serve: Serve, algorithms: tuple[Algorithm, ...]) -> None:
        credentials = replace(SETTINGS.credentials, offered=algorithms)
        async with serve(replace(SETTINGS, credentials=credentials)) as acs:
            assert await cpe_of(acs).inform([BOOT]) == []

    async def test_a_device_without_it_is_heard_and_not_let_in(self, acs: AcsServer, core: Registry) -> None:
        with pytest.raises(SessionFailed, match="401"):
            await cpe_of(acs, password="guess").inform([BOOT])
        with pytest.raises(SessionFailed, match="401"):
            await cpe_of(acs, username="root").inform([BOOT])
        async with aiohttp.ClientSession() as http, http.post(acs.url, data=inform()) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith('Digest realm="ztpd"')
        assert [(each.inform.device.serial, each.proof, each.doubt, each.token) for each in core.heard_of] == [
            ("S1", Proof.NONE, Doubt.UNPROVEN, "")
        ] * 2
        assert [each.detail for each in core.heard_of] == [
            "its password is not that of user 'cpe'",
            "nobody has its user name 'root'",
        ]
        assert acs.sessions_open == 0
        assert acs.counts["authorization-refused"] == 2

    async def test_a_recorded_header_opens_no_second_session(self, acs: AcsServer, core: Registry) -> None:
        async with raw_cpe(acs) as cpe, cpe.http.post(acs.url, data=inform()) as response:
            recorded = response.request_info.headers["Authorization"]
        async with (
            aiohttp.ClientSession(headers={"Authorization": recorded}) as http,
            http.post(acs.url, data=inform()) as response,
        ):
            assert response.status == 401
            assert "stale=true" in response.headers["WWW-Authenticate"]
        assert len(core.informs) == 1

    async def test_an_old_nonce_is_answered_with_a_new_one(self, core: Registry) -> None:
        clock = Clock()
        async with AcsServer(SETTINGS, core.core(), monotonic=clock) as acs:
            async with raw_cpe(acs) as cpe:
                await cpe.post(inform())
                clock.now += SETTINGS.nonce_lifetime + 1
                assert (await cpe.post(inform()))[0] == 200
            assert acs.counts["authorization-stale"] == 1
        assert len(core.informs) == 2

    async def test_a_cookie_does_not_let_another_device_in(self, acs: AcsServer, core: Registry) -> None:
        async with raw_cpe(acs) as cpe:
            await cpe.post(inform(serial="S1"))
            (cookie,) = cpe.http.cookie_jar
        async with (
            aiohttp.ClientSession(headers={"Cookie": f"{cookie.key}={cookie.value}"}) as http,
            http.post(acs.url, data=inform(serial="S2")) as response,
        ):
            assert response.status == 401
        assert len(core.informs) == 1


def lolz() -> bytes:
    entities = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><x>&l9;</x>'.encode()


class TestHarm:
    @pytest.mark.parametrize(
        ("body", "word"),
        [
            (lolz(), "DOCTYPE"),
            (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "DOCTYPE"),
            (b"<!DOCTYPE html><html/>", "DOCTYPE"),
            (b"<a>" * 5000 + b"</a>" * 5000, "deeper"),
            (b"<a " + b" ".join(b'a%d=""' % number for number in range(8000)) + b"/>", "attributes"),
            (b"hello", "line 1"),
            (b"<html/>", "Envelope"),
            (envelope("<cwmp:GetRPCMethods/>"), "Inform"),
            (b"", "Inform"),
        ],
        ids=["laughs", "xxe", "doctype", "deep", "attributes", "text", "html", "no-inform", "empty"],
    )
    async def test_a_body_that_is_no_inform_is_refused_with_a_sentence(
        self, acs: AcsServer, core: Registry, body: bytes, word: str
    ) -> None:
        async with raw_cpe(acs) as cpe:
            status, reason = await cpe.post(body)
        assert (status, word in reason.decode()) == (400, True), reason
        assert b"Traceback" not in reason
        assert core.informs == []
        assert await cpe_of(acs).inform([BOOT]) == []  # and serves on

    @pytest.mark.parametrize(("coding", "squeeze"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
    async def test_compressed_bodies_are_taken_and_bombs_are_not(
        self, acs: AcsServer, coding: str, squeeze: Callable[[bytes], bytes]
    ) -> None:
        async with raw_cpe(acs) as cpe:
            headers = {"Content-Encoding": coding}
            assert (await cpe.post(squeeze(inform()), **headers))[0] == 200
            assert (await cpe.post(squeeze(b" " * 50_000_000), **headers))[0] == 413
            assert (await cpe.post(b"not squeezed", **headers))[0] == 400
            assert (await cpe.post(inform(), **{"Content-Encoding": "br"}))[0] == 415

    async def test_chunked_bodies_are_taken_up_to_the_bound(self, acs: AcsServer) -> None:
        async def pieces(body: bytes) -> AsyncIterator[bytes]:
            for position in range(0, len(body), 8192):
                yield body[position : position + 8192]

        async with raw_cpe(acs) as cpe:
            assert (await cpe.post(inform()))[0] == 200  # the digest's nonce for those below, which cannot be resent
            async with cpe.http.post(acs.url, data=pieces(inform())) as response:
                assert response.status == 200
        head = b"POST /acs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await raw(acs, head + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 10)
        assert answer.startswith(b"HTTP/1.1 413")

    async def test_a_length_of_100_mb_is_refused_before_a_byte_of_it_is_read(self, acs: AcsServer) -> None:
        head = b"POST /acs HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        assert (await raw(acs, head)).startswith(b"HTTP/1.1 413")

    async def test_slow_bodies_and_slow_headers_are_cut_off(self, serve: Serve) -> None:
        limits = ConnectionLimits(header_seconds=0.2, idle_seconds=0.2)
        async with serve(replace(SETTINGS, body_deadline=0.2, connections=limits)) as acs:
            head = b"POST /acs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
            assert (await raw(acs, head + b"<")).startswith(b"HTTP/1.1 408")
            assert await raw(acs, b"POST /acs HT") == b""
            assert await raw(acs, b"") == b""
            assert acs.counts["connections-silent"] == 2

    async def test_connections_are_capped_by_address_and_others_are_served(self, serve: Serve) -> None:
        async with serve(replace(SETTINGS, connections=ConnectionLimits(per_address=3))) as acs:
            url = urlsplit(acs.url)
            held = [await asyncio.open_connection(url.hostname, url.port) for _ in range(3)]
            assert await raw(acs, b"POST /acs HTTP/1.1\r\n") == b""
            assert acs.counts["connections-refused"] == 1
            assert await cpe_of(acs, source_ip="127.0.0.9").inform([BOOT]) == []
            for _, writer in held:
                writer.close()
                await writer.wait_closed()

    async def test_connections_are_capped_in_all_until_one_ends(self, serve: Serve) -> None:
        async with serve(replace(SETTINGS, connections=ConnectionLimits(total=2))) as acs:
            url = urlsplit(acs.url)
            first, second = [
                await asyncio.open_connection(url.hostname, url.port, local_addr=(f"127.0.0.{each}", 0))
                for each in (11, 12)
            ]
            assert await raw(acs, b"POST /acs HTTP/1.1\r\n") == b""
            assert acs.counts["connections-refused"] == 1
            first[1].close()
            await first[1].wait_closed()
            async with asyncio.timeout(10):
                while not await raw(acs, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                    pass  # the server has yet to hear of the end
            second[1].close()
            await second[1].wait_closed()

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "/acs", 405), ("PUT", "/acs", 405), ("HEAD", "/acs", 405), ("POST", "/", 404), ("GET", "/x", 404)],
    )
    async def test_other_methods_and_paths_are_refused(
        self, acs: AcsServer, method: str, path: str, status: int
    ) -> None:
        url = acs.url.removesuffix("/acs") + path
        async with aiohttp.ClientSession() as http, http.request(method, url) as response:
            assert response.status == status
            assert response.headers.get("Allow") == ("POST" if status == 405 else None)

    async def test_what_is_no_http_is_refused_and_the_next_is_served(self, acs: AcsServer) -> None:
        answer = await raw(acs, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
        assert b"Traceback" not in answer
        assert await cpe_of(acs).inform([BOOT]) == []


async def test_no_secret_is_ever_logged(acs: AcsServer, core: Registry, logged: list[str]) -> None:
    core.give("S1")
    await cpe_of(acs).inform([BOOT])
    await cpe_of(acs, misbehaviour=Misbehaviour(reject={PPP_PASSWORD: 9007})).inform([BOOT])
    core.failing = True
    for password in (PASSWORD, "guess"):
        with pytest.raises(SessionFailed):
            await cpe_of(acs, password=password).inform([BOOT])

    assert any("acs_core_failed" in line for line in logged)
    assert not [line for line in logged if "sentinel" in line]
    assert "sentinel" not in repr((core.outcomes, core.work, SETTINGS))


@asynccontextmanager
async def switched_on(settings: CpeSettings) -> AsyncIterator[None]:
    running = asyncio.create_task(lab.run(settings))
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def scripted_acs(requests: list[str], answers: list[str]) -> AsyncIterator[str]:
    """An ACS that sends these requests one after the other and keeps the answers."""
    waiting = [
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0">'
        f"<s:Header><c:ID>{number}</c:ID></s:Header><s:Body>{request}</s:Body></s:Envelope>"
        for number, request in enumerate(requests)
    ]

    async def answer(request: web.Request) -> web.Response:
        answers.append(await request.text())
        if len(answers) == 1:
            return web.Response(text="<InformResponse/>")
        return web.Response(text=waiting.pop(0)) if waiting else web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


class TestLabCpe:
    """What the lab CPE promises to those who test with it."""

    async def test_it_informs_at_boot_and_then_periodically_on_the_interval_it_was_given(
        self, acs: AcsServer, core: Registry
    ) -> None:
        core.give("S1", {"management.periodic_inform_interval": 5})
        async with switched_on(CpeSettings(acs.url, "cpe", PASSWORD, "S1", time_factor=0.01)):
            heard = [await core.asked.get() for _ in range(3)]
        assert [[event.code for event in inform.events] for inform in heard] == [
            ["0 BOOTSTRAP", "1 BOOT"],
            ["2 PERIODIC"],
            ["2 PERIODIC"],
        ]

    async def test_it_retries_what_failed_and_says_how_often(self, acs: AcsServer, core: Registry) -> None:
        core.failing = True
        async with switched_on(CpeSettings(acs.url, "cpe", PASSWORD, "S1", time_factor=0.001)):
            heard = [await core.asked.get() for _ in range(2)]
            core.failing = False
            heard.append(await core.asked.get())
        assert [inform.retry_count for inform in heard] == [0, 1, 2]
        assert {tuple(event.code for event in inform.events) for inform in heard} == {("0 BOOTSTRAP", "1 BOOT")}

    def test_its_retries_spread_as_the_standard_says(self) -> None:
        draw = random.Random(1)
        for attempt, (least, most) in enumerate([(5, 10), (10, 20), (20, 40)], start=1):
            assert least <= lab.retry_interval(attempt, draw) <= most
        assert 2560 <= lab.retry_interval(50, draw) <= 5120

    @pytest.mark.parametrize(
        ("request_", "said"),
        [
            ("<c:GetRPCMethods/>", "<string>SetParameterValues</string>"),
            (
                "<c:GetParameterNames><ParameterPath>Device.WiFi.</ParameterPath><NextLevel>1</NextLevel>"
                "</c:GetParameterNames>",
                "<Name>Device.WiFi.Radio.</Name><Writable>0</Writable>",
            ),
            (
                f"<c:GetParameterValues><ParameterNames><string>{PPP_PASSWORD}</string></ParameterNames>"
                "</c:GetParameterValues>",
                f'<Name>{PPP_PASSWORD}</Name><Value xsi:type="xsd:string"></Value>',
            ),
            (
                "<c:GetParameterValues><ParameterNames><string>Device.Nothing</string></ParameterNames>"
                "</c:GetParameterValues>",
                "<FaultCode>9005</FaultCode>",
            ),
            (
                "<c:SetParameterValues><ParameterList><ParameterValueStruct><Name>Device.Nothing</Name><Value>1</Value>"
                "</ParameterValueStruct></ParameterList></c:SetParameterValues>",
                "<FaultCode>9003</FaultCode>",
            ),
            ("<c:Nonsense/>", "<FaultCode>9000</FaultCode>"),
        ],
    )
    async def test_it_answers_as_the_standard_says(self, request_: str, said: str) -> None:
        answers: list[str] = []
        async with scripted_acs([request_], answers) as url:
            await LabCpe(CpeSettings(url, "cpe", PASSWORD, "S1")).inform([BOOT])
        assert said in answers[-1]
        assert '<cwmp:ID soap-env:mustUnderstand="1">0</cwmp:ID>' in answers[-1]
