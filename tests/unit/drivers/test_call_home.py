"""Elements that connect to us: each is known by its key and handed to its own session; all others are sent away."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import asyncssh
import pytest

from drivers.errors import Unreachable
from drivers.netconf.call_home import HANDSHAKES, KEPT, CallHome
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt


@pytest.fixture
async def listener() -> AsyncIterator[CallHome]:
    made = CallHome("127.0.0.1", 0)
    await made.start()
    yield made
    await made.stop()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("call-home_")] == []


def settings_of(name: str, host_key: str, host: str = "") -> NetconfBbfSettings:
    return NetconfBbfSettings(
        name=name,
        host=host,
        username="ztpd",
        password="ztpd",
        host_key=host_key,
        uplink="uplink-1",
        connect_timeout_s=5.0,
    )


def some_key() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()


def calling(listener: CallHome, ports: int = 1, calls: int = 1) -> contextlib.AbstractAsyncContextManager[LabOlt]:
    return lab_olt(LabOltSettings(ports=ports, call_home=("127.0.0.1", listener.port), calls=calls))


@contextlib.asynccontextmanager
async def driven(listener: CallHome, settings: NetconfBbfSettings) -> AsyncIterator[NetconfBbfDriver]:
    driver = NetconfBbfDriver(settings, listener.expect(settings))
    try:
        yield driver
    finally:
        await driver.close()


async def happens(what: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 # another party, which gives no signal
            await asyncio.sleep(0.01)


async def test_two_elements_at_one_address_are_told_apart_by_their_keys(listener: CallHome) -> None:
    async with (
        calling(listener, ports=1) as small,
        calling(listener, ports=3) as large,
        driven(listener, settings_of("large", large.host_public_key)) as of_large,
        driven(listener, settings_of("small", small.host_public_key)) as of_small,
    ):
        assert await of_small.ports() == {"1/1/1"}
        assert await of_large.ports() == {"1/1/1", "1/1/2", "1/1/3"}


async def test_an_element_that_calls_again_is_reached_again(listener: CallHome) -> None:
    async with calling(listener) as lab, driven(listener, settings_of("olt", lab.host_public_key)) as driver:
        await driver.ports()
        lab.end_sessions()
        with pytest.raises(Unreachable, match="session lost"):
            await driver.ports()

        assert await driver.ports() == {"1/1/1"}


async def test_who_shows_a_key_that_nobody_has_is_sent_away_and_the_element_told_of(listener: CallHome) -> None:
    settings = settings_of("olt", some_key(), host="127.0.0.0/8")
    async with driven(listener, settings) as driver, calling(listener) as lab:
        await happens(lambda: listener.refused["unknown-key"])

        with pytest.raises(Unreachable, match="host key changed"):
            await driver.ports()
        assert lab.sessions == 0


async def test_who_calls_from_elsewhere_is_not_even_asked(listener: CallHome) -> None:
    async with calling(listener) as lab:
        settings = settings_of("olt", lab.host_public_key, host="192.0.2.0/24")
        async with driven(listener, replace(settings, connect_timeout_s=0.2)) as driver:
            await happens(lambda: listener.refused["unknown-address"])

            with pytest.raises(Unreachable, match=r"no session with a call from 192\.0\.2\.0/24 within 0\.2 s"):
                await driver.ports()


async def test_who_speaks_no_ssh_is_sent_away(listener: CallHome) -> None:
    listener.expect(settings_of("olt", some_key()))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 20)

    await happens(lambda: listener.refused["no-ssh"])

    writer.close()
    assert isinstance(reader, asyncio.StreamReader)


async def test_callers_that_say_nothing_are_bounded(listener: CallHome) -> None:
    listener.expect(settings_of("olt", some_key()))
    silent = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(HANDSHAKES + 3)]

    await happens(lambda: listener.refused["busy"] == 3)

    for _, writer in silent:
        writer.close()


async def test_connections_that_nobody_takes_are_bounded(listener: CallHome) -> None:
    async with calling(listener, calls=KEPT + 2) as lab:
        called = listener.expect(settings_of("olt", lab.host_public_key))
        first = await called.line()
        assert first.transport is not None
        first.transport.close()

        await happens(lambda: len(called._waiting) == KEPT)
