"""An ACS on a real socket that is thrown whatever comes to hand: it answers, harms nobody else, and serves on."""

import asyncio
import contextlib
import gzip
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.test_acs import PASSWORD, SECRET, SETTINGS, Registry
from tests.integration.test_acs_interoperability import DONE, asked_and_done, begun
from tests.integration.wire import Wire, connected, digest
from tests.property.test_acs_sessions import mutated
from tests.unit.acs.envelopes import envelope, inform, parameter_list
from ztpd.acs.server import AcsServer

STORMS = 12
POSTS = 40
EXPECTED = {200, 204, 400, 401, 408, 411, 413, 415, 503}
BODIES = (
    inform({"Device.A": "x"}, serial="EVIL"),
    DONE,
    b"",
    envelope("<cwmp:TransferComplete><CommandKey>k</CommandKey></cwmp:TransferComplete>"),
    envelope("<cwmp:GetRPCMethods/>"),
    envelope("<cwmp:X_Hello/>"),
    envelope("<soap:Fault><faultcode>Client</faultcode><detail><cwmp:Fault/></detail></soap:Fault>"),
    envelope(f"<cwmp:GetParameterValuesResponse>{parameter_list({'Device.A': 'x'})}</cwmp:GetParameterValuesResponse>"),
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    b"<a>" * 3000,
    gzip.compress(b" " * 2_000_000),
)
COOKIES = ("session=" + "0" * 32, "session=", 'session="x"; a=b', "session=" + "f" * 4000, "=;,=", "\xff")
HEADERS = (
    "Content-Encoding: gzip",
    "Content-Encoding: deflate",
    "Content-Encoding: br",
    "Content-Type: text/xml; charset=utf-7",
    "Content-Type: multipart/form-data",
    "Authorization: Digest nonsense",
    "Authorization: Basic ////",
    "Expect: 100-continue",
    "X: " + "y" * 5000,
)


def body_of(draw: random.Random) -> bytes:
    """A body that is whole, damaged or noise."""
    if draw.random() < 0.2:
        return draw.randbytes(draw.choice((1, 30, 3000)))
    body = draw.choice(BODIES)
    return body if draw.random() < 0.3 else mutated(body, draw.getrandbits(32))


async def framed(acs: AcsServer, draw: random.Random, evil_cookie: list[str]) -> None:
    """One POST that is framed as HTTP: it is always answered, and never with a failure of the ACS."""
    async with connected(acs) as wire:
        lines = [draw.choice(HEADERS) for _ in range(draw.choice((0, 0, 1, 2)))]
        if evil_cookie and draw.random() < 0.5:
            lines.append(f"Cookie: {evil_cookie[-1]}")
        elif draw.random() < 0.3:
            lines.append(f"Cookie: {draw.choice(COOKIES)}")
        if draw.random() < 0.5:
            lines = [line for line in lines if not line.startswith(("Authorization", "Expect"))]
            lines.append(await authorization(wire))
        if any(line.startswith("Expect") for line in lines):
            return await unframed(acs, draw, lines)
        answer = await wire.post(body_of(draw), lines)
    assert answer.status in EXPECTED, answer
    assert b"Traceback" not in answer.body
    if answer.all("set-cookie"):
        evil_cookie.append(answer.cookie)
    return None


async def authorization(wire: Wire) -> str:
    """The CPE's secret is known to whoever has taken a CPE apart."""
    challenged = await wire.post(b"")
    return digest(challenged.all("www-authenticate")[0], "cpe", PASSWORD, wire.path)


async def unframed(acs: AcsServer, draw: random.Random, lines: list[str]) -> None:
    """Bytes that are HTTP in part or not at all: an answer or the end of the connection, and then no more of it."""
    length = draw.choice(("Content-Length: -1", "Content-Length: 5, 7", "Transfer-Encoding: gzip, x", "\x00", "a"))
    head = "\r\n".join(["POST /acs HTTP/1.1", "Host: acs", "Connection: close", *lines, length]).encode("latin-1")
    data = mutated(head + b"\r\n\r\n" + body_of(draw)[:2000], draw.getrandbits(32))
    async with connected(acs) as wire:
        wire.writer.write(data)
        wire.writer.write_eof()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                said = await wire.reader.read()
            assert b"Traceback" not in said
            assert b" 500 " not in said.partition(b"\r\n")[0]


async def storm(seed: int) -> None:
    """A session that is open before the storm is done in its midst, and another one after it."""
    draw = random.Random(seed)
    core = Registry()
    for serial in ("S1", "S2", "EVIL"):
        core.give(serial, {"management.password": SECRET})
    async with AcsServer(SETTINGS, core.core()) as acs, connected(acs, "127.0.0.9") as honest:
        cookie = f"Cookie: {(await begun(honest)).cookie}"
        evil_cookie: list[str] = []
        for number in range(POSTS):
            await (framed(acs, draw, evil_cookie) if draw.random() < 0.8 else unframed(acs, draw, []))
            if number == POSTS // 2:
                await asked_and_done(honest, cookie)
        assert core.outcome("S1").ok
        async with connected(acs) as wire:
            answer = await begun(wire, inform(serial="S2"))
            await asked_and_done(wire, f"Cookie: {answer.cookie}")
        assert core.outcome("S2").ok
        assert (acs.counts["broken"], acs.counts["core-failed"]) == (0, 0)


@settings(max_examples=STORMS)
@given(st.integers(0, 2**32))
def test_whatever_is_thrown_at_it_the_acs_answers_harms_no_other_session_and_serves_on(seed: int) -> None:
    asyncio.run(storm(seed))
