"""The session to an element: whom it trusts, how long it waits, what it leaves behind."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from ncclient.transport import SessionListener

from drivers.access import PresentDevice
from drivers.errors import HostKeysUnreadable, Rejected, Unreachable
from drivers.netconf.host_keys import pinned
from drivers.netconf.session import NetconfSession
from drivers.netconf.watching import QUEUE_LIMIT, Announcements, SessionEnded
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from tests import threads
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt

NOTIFICATION: tuple[str, object] = ("{urn:ietf:params:xml:ns:netconf:notification:1.0}notification", {})


NO_SERIAL = """<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">
  <interfaces-state xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>1/1/1</name>
  <channel-termination xmlns="urn:bbf:yang:bbf-xpon">
  <onu-presence-state-change xmlns="urn:bbf:yang:bbf-xpon-onu-state"/></channel-termination></interface>
  </interfaces-state></notification>"""


@pytest.fixture
async def lab() -> AsyncIterator[LabOlt]:
    async with lab_olt(LabOltSettings(ports=1)) as made:
        yield made


def settings_for(lab: LabOlt) -> NetconfBbfSettings:
    return NetconfBbfSettings(
        name="olt-1",
        host="127.0.0.1",
        port=lab.netconf_port,
        username="ztpd",
        password="ztpd",
        host_key=lab.host_public_key,
        uplink="uplink-1",
        connect_timeout_s=5.0,
        rpc_timeout_s=5.0,
    )


@contextlib.asynccontextmanager
async def driver_with(settings: NetconfBbfSettings) -> AsyncIterator[NetconfBbfDriver]:
    driver = NetconfBbfDriver(settings)
    try:
        yield driver
    finally:
        await driver.close()


def own_threads() -> list[threading.Thread]:
    return threads.others("asyncio_")


def left_behind() -> list[str]:
    """The threads that go on."""
    return [f"{type(thread).__name__} {thread.name}" for thread in threads.going_on(own_threads())]


def open_sockets() -> int:
    return sum(
        os.readlink(f"/proc/self/fd/{fd}").startswith("socket:") for fd in os.listdir("/proc/self/fd") if _is_open(fd)
    )


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


async def test_an_element_that_frames_by_end_of_message_is_understood() -> None:
    async with lab_olt(LabOltSettings(ports=1, base_11=False)) as old, driver_with(settings_for(old)) as driver:
        old.plug("HWTC1A2B3C4D", "1/1/1")

        assert [onu.device for onu in await driver.list_discovered()] == ["HWTC1A2B3C4D"]


async def test_nobody_listening_is_unreachable(lab: LabOlt) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with driver_with(replace(settings_for(lab), port=unused.getsockname()[1])) as driver:
            with pytest.raises(Unreachable, match="Connection refused"):
                await driver.ports()

    assert left_behind() == []


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-silent\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_peer_that_is_no_netconf_server_is_unreachable_in_time(lab: LabOlt, greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    started = time.monotonic()
    async with server, driver_with(replace(settings_for(lab), port=port, connect_timeout_s=0.3)) as driver:
        with pytest.raises(Unreachable):
            await driver.ports()

    assert time.monotonic() - started < 3
    assert left_behind() == []


async def test_an_element_that_comes_back_is_reached_again(lab: LabOlt) -> None:
    async with driver_with(settings_for(lab)) as driver:
        await driver.ports()
        lab.end_sessions()
        with pytest.raises(Unreachable, match="session lost"):
            await driver.ports()

        assert await driver.ports() == {"1/1/1"}


async def test_what_is_asked_while_a_session_ends_is_told_so_and_does_not_wait(lab: LabOlt) -> None:
    session = NetconfSession(settings_for(lab))
    await session.capabilities()
    connection = session._connection
    assert connection is not None
    ask = connection.request
    told: list[str] = []
    ended = threading.Event()

    class Asks(SessionListener):  # type: ignore[misc] # ncclient has no types
        def callback(self, root: object, raw: str) -> None: ...

        def errback(self, ex: Exception) -> None:
            with pytest.raises(Unreachable) as asked:
                ask("get", lambda manager: manager.get(), 5.0)
            told.append(asked.value.answer)
            ended.set()

    await session.listen(Asks())
    lab.end_sessions()
    await asyncio.to_thread(ended.wait, 30)
    await session.close()

    assert told == ["session lost: Not connected to NETCONF server"]


async def test_failed_connections_leave_nothing_open(lab: LabOlt) -> None:
    wrong = [
        replace(settings_for(lab), password="wrong"),
        replace(settings_for(lab), host_key=asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()),
    ]
    for settings in wrong:
        async with driver_with(settings) as driver:
            for _ in range(3):
                with pytest.raises((Rejected, Unreachable)):
                    await driver.ports()
            before = open_sockets()
            for _ in range(3):
                with pytest.raises((Rejected, Unreachable)):
                    await driver.ports()
            async with asyncio.timeout(10):
                while open_sockets() > before:  # noqa: ASYNC110 # the lab's ends are in this process and close later
                    await asyncio.sleep(0.01)

    assert left_behind() == []


async def test_calls_cancelled_at_any_moment_leave_nothing_behind(lab: LabOlt) -> None:
    async with driver_with(settings_for(lab)) as driver:
        for milliseconds in (0, 1, 5, 20, 50, 80, 95, 105, 120):
            reading = asyncio.create_task(driver.list_provisioned())
            await asyncio.sleep(milliseconds / 1000)
            reading.cancel()
            await asyncio.wait({reading}, timeout=5)
            assert reading.done()

        assert await driver.list_provisioned() == []
    assert left_behind() == []


async def test_a_known_hosts_file_is_as_good_as_a_key(lab: LabOlt, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{lab.netconf_port} {lab.host_public_key}\n")

    async with driver_with(replace(settings_for(lab), host_key=None, known_hosts_file=known_hosts)) as driver:
        assert await driver.ports() == {"1/1/1"}


async def test_a_user_key_is_as_good_as_a_password(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key_file = tmp_path / "user_key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.export_private_key())
    authorized = LabOltSettings(ports=1, authorized_key=key.export_public_key().decode())
    async with (
        lab_olt(authorized) as lab,
        driver_with(replace(settings_for(lab), password=None, key_file=key_file)) as driver,
    ):
        assert await driver.ports() == {"1/1/1"}


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"])
async def test_host_keys_of_any_kind_are_recognised(tmp_path: Path, kind: str) -> None:
    key_file = tmp_path / "host_key"
    key_file.write_bytes(asyncssh.generate_private_key(kind).export_private_key())
    async with (
        lab_olt(LabOltSettings(ports=1, host_key_file=key_file)) as lab,
        driver_with(settings_for(lab)) as driver,
    ):
        assert await driver.ports() == {"1/1/1"}


async def test_a_host_key_of_another_kind_is_a_changed_one(lab: LabOlt) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    async with driver_with(replace(settings_for(lab), host_key=other)) as driver:
        with pytest.raises(Unreachable, match="host key changed"):
            await driver.ports()


@pytest.mark.parametrize("content", [None, "", "otherhost ssh-ed25519 AAAA\n"])
def test_a_known_hosts_file_that_does_not_help_is_named(
    lab_settings: NetconfBbfSettings, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "known_hosts"
    if content is not None:
        path.write_text(content)

    with pytest.raises(HostKeysUnreadable, match="known_hosts"):
        pinned(replace(lab_settings, host_key=None, known_hosts_file=path))


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 not-base64!", "nonsense"])
async def test_a_host_key_that_is_none_is_rejected_and_not_retried(lab: LabOlt, line: str) -> None:
    async with driver_with(replace(settings_for(lab), host_key=line)) as driver:
        with pytest.raises(Rejected, match="host_key"):
            await driver.ports()


@pytest.fixture
def lab_settings() -> NetconfBbfSettings:
    return NetconfBbfSettings(
        name="olt-1",
        host="192.0.2.1",
        username="ztpd",
        password="secret",
        host_key="ssh-ed25519 AAAA",
        uplink="uplink-1",
    )


def test_settings_name_what_is_missing(lab_settings: NetconfBbfSettings) -> None:
    with pytest.raises(ValueError, match="password or a key_file"):
        replace(lab_settings, password=None)
    with pytest.raises(ValueError, match="host_key and known_hosts_file"):
        replace(lab_settings, host_key=None)
    with pytest.raises(ValueError, match="host_key and known_hosts_file"):
        replace(lab_settings, known_hosts_file=Path("x"))
    assert "secret" not in repr(lab_settings)


async def test_an_element_that_sends_without_end_is_given_up(lab: LabOlt) -> None:
    for number in range(200):
        lab.plug(f"HWTC{number:08X}", "1/1/1")

    async with driver_with(replace(settings_for(lab), max_reply_bytes=20_000)) as driver:
        with pytest.raises(Unreachable, match="more than 20000 bytes"):
            await driver.list_discovered()


async def test_what_the_element_does_not_offer_is_rejected_and_the_session_goes_on(lab: LabOlt) -> None:
    session = NetconfSession(settings_for(lab))

    with pytest.raises(Rejected, match=":url"):
        await session.request(
            "edit-config",
            lambda manager: manager.edit_config("ftp://192.0.2.1/x", target="candidate", format="url"),
        )

    assert session.is_open
    await session.close()


async def test_many_threads_are_not_needed_and_sessions_are_reused(lab: LabOlt) -> None:
    async with driver_with(settings_for(lab)) as driver:
        await asyncio.gather(*(driver.ports() for _ in range(10)))

        assert len(own_threads()) == 3, "ours, ncclient's and paramiko's"
        assert lab.sessions == 1


async def test_a_malformed_announcement_is_counted_and_watching_goes_on(lab: LabOlt) -> None:
    async with driver_with(settings_for(lab)) as driver:
        heard: asyncio.Queue[PresentDevice] = asyncio.Queue()
        watching = asyncio.create_task(driver.watch(heard.put_nowait, lambda: None))
        async with asyncio.timeout(5):
            while not lab.subscribers:  # noqa: ASYNC110 # another party, which gives no signal
                await asyncio.sleep(0.005)
        lab.send_notification(NO_SERIAL)
        lab.send_notification(
            "<notification xmlns='urn:ietf:params:xml:ns:netconf:notification:1.0'><alarm/></notification>"
        )
        lab.plug("HWTC1A2B3C4D", "1/1/1")

        assert (await asyncio.wait_for(heard.get(), 5)).device == "HWTC1A2B3C4D"
        assert driver.malformed_entries == 1
        watching.cancel()
        await asyncio.wait({watching})


async def test_announcements_that_nobody_takes_are_bounded_and_counted() -> None:
    announcements = Announcements()
    for number in range(QUEUE_LIMIT + 3):
        announcements.callback(NOTIFICATION, str(number))
    announcements.callback(("{other}message", {}), "not a notification")
    announcements.errback(OSError())
    await asyncio.sleep(0)

    taken = [await announcements.next() for _ in range(QUEUE_LIMIT)]

    assert (taken[0], taken[-1], announcements.lost) == ("0", str(QUEUE_LIMIT - 1), 3)
    with pytest.raises(SessionEnded):
        await announcements.next()
