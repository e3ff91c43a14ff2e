"""The sockets: bound before use, bounded in time and number, drained at the end."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.integration.api.world import World, running_api
from ztpd.api.contract import Limits
from ztpd.domain.profile import Profile

HURRIED = Limits(header_s=0.3, body_s=0.3, connections=8, drain_s=0.2)


@pytest.fixture
async def hurried(tmp_path: Path, residential: Profile) -> AsyncIterator[World]:
    """An API with little patience."""
    async with running_api(f"sqlite:///{tmp_path}/ztpd.db", residential, HURRIED) as running:
        yield running


async def drip(world: World, head: bytes, drops: bytes, pause_s: float) -> bytes:
    """Send a head at once and the drops one by one until something comes back; all of it until the API closed."""
    reader, writer = await asyncio.open_connection(world.address.host, world.address.port)
    answer = bytearray()

    async def collect() -> None:
        while arrived := await reader.read(65536):
            answer.extend(arrived)

    collecting = asyncio.create_task(collect())
    try:
        writer.write(head)
        for drop in drops:
            # Whoever goes on sending to a peer that closes may lose its answer to a reset.
            if answer or collecting.done():
                break
            writer.write(bytes([drop]))
            await asyncio.wait([collecting], timeout=pause_s)
        async with asyncio.timeout(5):
            await collecting
        return bytes(answer)
    finally:
        writer.close()


async def test_a_silent_connection_is_closed(hurried: World) -> None:
    async with asyncio.timeout(5):
        assert await hurried.converse(b"") == b""


async def test_a_header_that_drips_is_cut_off(hurried: World) -> None:
    async with asyncio.timeout(5):
        assert await drip(hurried, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"x" * 1000, 0.02) == b""


async def test_the_next_header_on_a_connection_may_drip_no_longer(hurried: World) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with asyncio.timeout(5):
        answer = await drip(hurried, whole, b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1000, 0.02)
    assert answer.count(b"HTTP/1.1 200 OK") == 1


async def test_a_body_that_drips_gets_a_408(hurried: World) -> None:
    head = (
        b"PUT /v1/locations/L HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-for-admin\r\n"
        b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    )
    async with asyncio.timeout(5):
        answer = await drip(hurried, head, b"{" + b" " * 1000, 0.02)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


async def test_a_body_that_breaks_off_harms_nobody_else(hurried: World) -> None:
    reader, writer = await asyncio.open_connection(hurried.address.host, hurried.address.port)
    writer.write(
        b"PUT /v1/locations/L HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-for-admin\r\n"
        b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert reader.at_eof() or await reader.read() == b""
    assert (await hurried.get("/healthz")).status == 200
    assert (await hurried.get("/v1/locations")).json["items"] == []


async def test_one_connection_too_many_is_closed_and_the_others_are_served(hurried: World) -> None:
    async with AsyncExitStack() as stack:
        held = []
        for _ in range(HURRIED.connections):
            reader, writer = await asyncio.open_connection(hurried.address.host, hurried.address.port)
            stack.callback(writer.close)
            held.append((reader, writer))
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert await hurried.converse(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        reader, writer = held[0]
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"HTTP/1.1 200 OK\r\n")


async def test_a_body_is_sent_for_whoever_asks_first(world: World) -> None:
    reader, writer = await asyncio.open_connection(world.address.host, world.address.port)
    try:
        writer.write(
            b"PUT /v1/locations/L HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-for-admin\r\n"
            b"Content-Type: application/json\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b'{"address":"x"}')
            assert (await reader.readline()).startswith(b"HTTP/1.1 201 ")
    finally:
        writer.close()


async def test_stopping_answers_who_waits_and_accepts_nobody_new(tmp_path: Path, residential: Profile) -> None:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(running_api(f"sqlite:///{tmp_path}/ztpd.db", residential))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"{world.address.url}/v1/events?wait=30"
        request = session.get(url, headers={"Authorization": "Bearer token-for-read"})
        waiting = asyncio.create_task(request.__aenter__())
        await world.until_waiting(1)
        stopping = asyncio.create_task(world.stop())
        async with asyncio.timeout(5):
            response = await waiting
            assert (response.status, (await response.json())["items"]) == (200, [])
            await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(world.address.host, world.address.port)


async def test_it_serves_on_a_unix_socket_for_owner_and_group(tmp_path: Path, residential: Profile) -> None:
    path = tmp_path / "api.sock"
    url = f"sqlite:///{tmp_path}/ztpd.db"
    for _ in range(2):  # the second time over whatever the first one left
        async with running_api(url, residential, socket_path=path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            connector = aiohttp.UnixConnector(str(path))
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.get("http://localhost/healthz") as response,
            ):
                assert response.status == 200
        assert not path.exists()


async def test_a_port_that_is_taken_is_an_error_at_once(world: World, tmp_path: Path, residential: Profile) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with running_api(f"sqlite:///{tmp_path}/other.db", residential, port=world.address.port):
            pass
