"""What devices in the field do to HTTP, row by row, on real sockets with every byte written by hand.

The rows that are of bytes and of sessions are in ``tests/unit/acs/test_interoperability.py``, which also says where
the tests of the rest are.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from tests.integration.test_acs import PASSWORD, SECRET, SETTINGS, Clock, Registry
from tests.integration.wire import Answer, Wire, connected, digest
from tests.unit.acs.envelopes import envelope, inform
from ztpd.acs.server import AcsServer

DONE = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")


@pytest.fixture
def core() -> Registry:
    """S1 has one value to be set that cannot be read back: its work is one request."""
    registry = Registry()
    registry.give("S1", {"management.password": SECRET})
    return registry


@pytest.fixture
async def acs(core: Registry) -> AsyncIterator[AcsServer]:
    async with AcsServer(SETTINGS, core.core()) as server:
        yield server


async def authorized(wire: Wire, *, named: bool = True, qop: bool = True) -> str:
    """The Authorization line that the ACS asks for."""
    # With a cookie of no session: without any it could go on with the one that its connection carries.
    challenged = await wire.post(b"", [f"Cookie: session={'0' * 32}"])
    assert challenged.status == 401
    return digest(challenged.all("www-authenticate")[0], "cpe", PASSWORD, wire.path, named=named, qop=qop)


async def begun(wire: Wire, body: bytes | None = None, headers: tuple[str, ...] = ()) -> Answer:
    """The answer to an Inform that is authenticated."""
    answer = await wire.post(inform(serial="S1") if body is None else body, (await authorized(wire), *headers))
    assert (answer.status, b"InformResponse" in answer.body) == (200, True), answer
    return answer


async def asked_and_done(wire: Wire, cookie: str) -> None:
    """The rest of the session, with this Cookie line."""
    asked = await wire.post(b"", [cookie])
    assert (asked.status, b"SetParameterValues" in asked.body) == (200, True), asked
    assert (await wire.post(DONE, [cookie])).status == 204


@pytest.mark.parametrize(
    "lines",
    [
        ["Cookie: {cookie}"],
        ["Cookie: lang=en, {cookie}, theme=dark"],
        ["Cookie: lang=en;{cookie}"],
        ['Cookie: $Version="1"; {quoted}; $Path="/"'],
        ["Cookie: {quoted}"],
        ["Cookie: lang=en", "Cookie: {cookie}"],
        ["cookie:{cookie}"],
        ["Cookie: session=00000000000000000000000000000000; {cookie}"],
    ],
    ids=["plain", "commas", "no-blank", "rfc2965", "quoted", "two-headers", "lower-case", "older-one-beside"],
)
async def test_cookies_may_be_separated_by_commas_and_be_quoted(
    acs: AcsServer, core: Registry, lines: list[str]
) -> None:
    async with connected(acs) as wire:
        cookie = (await begun(wire)).cookie
        name, _, token = cookie.partition("=")
        shown = "\r\n".join(line.format(cookie=cookie, quoted=f'{name}="{token}"') for line in lines)
        await asked_and_done(wire, shown)
    assert core.outcome("S1").ok


async def test_connection_close_may_be_on_every_post(acs: AcsServer, core: Registry) -> None:
    cookie = ""
    async with connected(acs) as wire:
        line = await authorized(wire)
    for body, status in ((inform(serial="S1"), 200), (b"", 200), (DONE, 204)):
        async with connected(acs) as wire:
            answer = await wire.post(body, ["Connection: close", line if not cookie else f"Cookie: {cookie}"])
            assert answer.status == status
            assert await wire.at_end()
            cookie = cookie or answer.cookie
    assert core.outcome("S1").ok


async def test_http_1_0_is_spoken(acs: AcsServer, core: Registry) -> None:
    async with connected(acs) as wire:
        line = await authorized(wire)
    async with connected(acs) as wire:
        cookie = (await wire.post(inform(serial="S1"), [line], version="1.0")).cookie
        assert await wire.at_end()
    async with connected(acs) as wire:
        assert b"SetParameterValues" in (await wire.post(b"", [f"Cookie: {cookie}"], version="1.0")).body


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_bodies_may_be_chunked(acs: AcsServer, core: Registry, size: int) -> None:
    body = inform(serial="S1")
    pieces = [body[position : position + size] for position in range(0, len(body), size)]
    chunked = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    async with connected(acs) as wire:
        answer = await wire.send(chunked, [await authorized(wire), "Transfer-Encoding: chunked"])
        assert b"InformResponse" in answer.body
        empty = await wire.send(b"0\r\n\r\n", [f"Cookie: {answer.cookie}", "Transfer-Encoding: chunked"])
        assert b"SetParameterValues" in empty.body  # an empty POST, even so


def raw_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


@pytest.mark.parametrize(
    ("coding", "squeeze"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("Deflate", raw_deflate)],
    ids=["gzip", "x-gzip", "deflate", "deflate-without-frame"],
)
async def test_bodies_may_be_gzip_or_deflate(
    acs: AcsServer, core: Registry, coding: str, squeeze: Callable[[bytes], bytes]
) -> None:
    async with connected(acs) as wire:
        answer = await begun(wire, squeeze(inform(serial="S1")), (f"Content-Encoding: {coding}",))
        await wire.post(b"", [f"Cookie: {answer.cookie}"])
        done = await wire.post(squeeze(DONE), [f"Cookie: {answer.cookie}", f"Content-Encoding: {coding}"])
        assert done.status == 204
    assert core.outcome("S1").ok


@pytest.mark.parametrize(
    ("content_type", "declared", "codec", "text"),
    [
        ("text/xml; charset=utf-8", "UTF-8", "utf-8", "é"),
        ('text/xml; charset="UTF-8"', "utf8", "utf-8", "é"),
        ("text/xml; charset=ISO-8859-1", "ISO-8859-1", "latin-1", "é"),
        ("text/xml;charset=gb2312", "GB2312", "gb2312", "中"),
        ("text/xml; charset=bogus", "bogus", "utf-8", "é"),
        ("application/soap+xml", "windows-1252", "cp1252", "é"),
        ("text/xml; charset=utf-8", "UTF-8", "latin-1", "é"),
        ("", "UTF-8", "utf-8", "é"),
    ],
)
async def test_charsets_may_be_odd(
    acs: AcsServer, core: Registry, content_type: str, declared: str, codec: str, text: str
) -> None:
    body = inform({"Device.A": text}, serial="S1").decode().replace("UTF-8", declared).encode(codec)
    async with connected(acs) as wire:
        await begun(wire, body, (f"Content-Type: {content_type}",) if content_type else ())
    ((heard, _),) = core.informs
    assert heard.parameters == {"Device.A": text}


async def test_a_session_may_move_to_another_connection_at_any_post(acs: AcsServer, core: Registry) -> None:
    """The connection before stays open and silent, as behind a NAT that forgot it; nothing waits for its end."""
    async with connected(acs) as first, connected(acs) as second, connected(acs, "127.0.0.9") as third:
        cookie = f"Cookie: {(await begun(first)).cookie}"
        asked = await second.post(b"", [cookie])
        assert b"SetParameterValues" in asked.body
        assert (await third.post(b"", [cookie])).body == asked.body  # it never came: again
        assert (await third.post(DONE, [cookie])).status == 204
    assert core.outcome("S1").ok


@pytest.mark.parametrize("named", [True, False], ids=["named", "not-named"])
@pytest.mark.parametrize("qop", [True, False], ids=["qop", "rfc2069"])
async def test_md5_may_be_named_or_not(acs: AcsServer, core: Registry, named: bool, qop: bool) -> None:
    async with connected(acs) as wire:
        line = await authorized(wire, named=named, qop=qop)
        assert (await wire.post(inform(serial="S1"), [line])).status == 200


async def test_authentication_may_be_sent_again_in_mid_session(acs: AcsServer, core: Registry) -> None:
    """The cookie stands for it: neither a header used up nor a fresh one breaks the session."""
    async with connected(acs) as wire:
        line = await authorized(wire)
        answer = await wire.post(inform(serial="S1"), [line])
        cookie = f"Cookie: {answer.cookie}"
        assert b"SetParameterValues" in (await wire.post(b"", [cookie, line])).body
        assert (await wire.post(DONE, [cookie, "Authorization: Digest nonsense"])).status == 204
    assert core.outcome("S1").ok


async def test_an_inform_in_mid_session_is_asked_for_a_fresh_nonce_and_costs_nothing(core: Registry) -> None:
    clock = Clock()
    async with AcsServer(SETTINGS, core.core(), monotonic=clock) as acs, connected(acs) as wire:
        line = await authorized(wire)
        cookie = f"Cookie: {(await wire.post(inform(serial='S1'), [line])).cookie}"
        stale = await wire.post(inform(serial="S1"), [cookie, line])
        assert (stale.status, "stale=true" in stale.all("www-authenticate")[0]) == (401, True)
        await asked_and_done(wire, cookie)  # the session that was open is open still
    assert core.outcome("S1").ok


@pytest.mark.parametrize("same", [True, False], ids=["same-connection", "new-connection"])
async def test_an_inform_supersedes_a_stale_session_of_its_device(acs: AcsServer, core: Registry, same: bool) -> None:
    async with connected(acs) as old, connected(acs) as new:
        before = f"Cookie: {(await begun(old)).cookie}"
        assert b"SetParameterValues" in (await old.post(b"", [before])).body
        wire = old if same else new
        after = f"Cookie: {(await begun(wire, headers=(before,) if same else ())).cookie}"
        assert after != before
        late = await old.post(DONE, [before])  # of the run before the reboot
        assert (late.status, core.outcomes) == (401, {})
        await asked_and_done(wire, after)
    assert core.outcome("S1").ok
    assert (acs.sessions_open, acs.counts["sessions-lost"]) == (0, 1)


async def test_an_inform_supersedes_a_session_whose_outcome_is_just_being_kept(acs: AcsServer, core: Registry) -> None:
    async with connected(acs) as old, connected(acs) as new:
        before = f"Cookie: {(await begun(old)).cookie}"
        await old.post(b"", [before])
        core.gate = asyncio.Event()
        keeping = asyncio.create_task(old.post(DONE, [before]))
        await core.waiting.wait()
        after = f"Cookie: {(await begun(new)).cookie}"
        core.gate.set()
        assert (await keeping).status == 204
        assert b"SetParameterValues" in (await new.post(b"", [after])).body  # the old one's end has not ended it
    assert core.outcome("S1").ok


@pytest.mark.parametrize("value", ["1", "0"])
async def test_hold_requests_is_let_pass(acs: AcsServer, core: Registry, value: str) -> None:
    hold = f'<cwmp:HoldRequests soap:mustUnderstand="1">{value}</cwmp:HoldRequests></soap:Header>'.encode()
    async with connected(acs) as wire:
        answer = await begun(wire, inform(serial="S1").replace(b"</soap:Header>", hold))
        await asked_and_done(wire, f"Cookie: {answer.cookie}")
    assert core.outcome("S1").ok


async def test_over_capacity_a_cpe_is_told_when_to_come_back_and_not_all_at_once(core: Registry) -> None:
    async with AcsServer(replace(SETTINGS, max_sessions=1), core.core()) as acs, connected(acs) as first:
        cookie = f"Cookie: {(await begun(first)).cookie}"
        waits = set()
        for number in range(20):
            async with connected(acs) as wire:
                full = await wire.post(inform(serial=f"T{number}"), [await authorized(wire)])
                assert full.status == 503
                waits.add(int(full.all("retry-after")[0]))
        assert min(waits) >= SETTINGS.retry_after
        assert max(waits) <= 2 * SETTINGS.retry_after
        assert len(waits) > 1
        await asked_and_done(first, cookie)  # nobody who has a place loses it
        async with connected(acs) as wire:
            await begun(wire, inform(serial="T0"))
    assert core.outcome("S1").ok


async def test_an_unknown_method_gets_its_fault_with_status_200(acs: AcsServer, core: Registry) -> None:
    async with connected(acs) as wire:
        cookie = f"Cookie: {(await begun(wire)).cookie}"
        answer = await wire.post(envelope("<cwmp:X_Hello/>"), [cookie])
        assert (answer.status, b"<FaultCode>8000</FaultCode>" in answer.body) == (200, True)
        assert answer.all("content-type") == ["text/xml; charset=utf-8"]
        await asked_and_done(wire, cookie)


class TestOneCookieAConnection:
    """A device that shows its cookie with the POST after its Inform, and never again on that connection."""

    async def test_it_goes_on(self, acs: AcsServer, core: Registry) -> None:
        async with connected(acs) as wire:
            cookie = (await begun(wire)).cookie
            assert b"SetParameterValues" in (await wire.post(b"", [f"Cookie: {cookie}"])).body
            assert (await wire.post(DONE)).status == 204
        assert core.outcome("S1").ok

    async def test_over_no_other_connection(self, acs: AcsServer, core: Registry) -> None:
        async with connected(acs) as wire, connected(acs) as other:
            cookie = (await begun(wire)).cookie
            await wire.post(b"", [f"Cookie: {cookie}"])
            assert (await other.post(DONE)).status == 401
            assert core.outcomes == {}
            assert (await wire.post(DONE)).status == 204

    async def test_not_without_any(self, acs: AcsServer, core: Registry) -> None:
        """An empty POST could be anybody's behind a proxy that says nothing of itself."""
        async with connected(acs) as wire:
            await begun(wire)
            assert (await wire.post(b"")).status == 401

    async def test_not_through_a_proxy(self, acs: AcsServer, core: Registry) -> None:
        async with connected(acs) as wire:
            cookie = (await begun(wire)).cookie
            await wire.post(b"", [f"Cookie: {cookie}"])
            assert (await wire.post(DONE, ["Via: 1.1 cache"])).status == 401
            assert core.outcomes == {}

    async def test_not_when_two_devices_share_the_connection(self, acs: AcsServer, core: Registry) -> None:
        core.give("S2", {"management.password": SECRET})
        async with connected(acs) as wire:
            for serial in ("S1", "S2"):
                cookie = (await begun(wire, inform(serial=serial))).cookie
                assert b"SetParameterValues" in (await wire.post(b"", [f"Cookie: {cookie}"])).body
            assert (await wire.post(DONE)).status == 401
            assert core.outcomes == {}
