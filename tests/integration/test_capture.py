"""Frames on real interfaces: a veth pair in a network namespace of the test's own, and the loopback interface."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.integration.namespaces import ip
from tests.unit.discovery import frames, frames6
from ztpd.discovery import capture as capturing
from ztpd.discovery import dhcp6_frame
from ztpd.discovery.capture import CaptureCounts, InterfaceLost, InterfaceMissing, capture
from ztpd.discovery.dhcp_frame import decode
from ztpd.lab import dhcp as lab

_LIMIT_SECONDS = 10

Heard = list[tuple[bytes, tuple[int, ...]]]


class Listener:
    """What a running capture has delivered, and a way to wait for more."""

    def __init__(self) -> None:
        self.heard: Heard = []
        self.counts = CaptureCounts()
        self._arrived = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, frame: bytes, tags: tuple[int, ...]) -> None:
        self.heard.append((frame, tags))
        task = asyncio.get_running_loop().create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    async def until(self, number: int) -> Heard:
        async with asyncio.timeout(_LIMIT_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.heard) >= number)
        return self.heard


@asynccontextmanager
async def listening(
    interface: str, deliver: Callable[[bytes, tuple[int, ...]], None] | None = None
) -> AsyncIterator[Listener]:
    listener = Listener()
    ready = asyncio.Event()
    chosen = deliver or listener.deliver
    task = asyncio.create_task(capture(interface, chosen, counts=listener.counts, listening=ready))
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            await ready.wait()
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def client(number: int = 1) -> lab.LabClient:
    return lab.LabClient(f"02:00:5e:10:00:{number:02x}", frames.CIRCUIT_ID, frames.REMOTE_ID)


@pytest.mark.root
@pytest.mark.parametrize(
    ("vlans", "stripped"),
    [((), ()), ((100,), (100,)), ((200, 100), (200,)), ((300, 200, 100), (300,))],
    ids=["untagged", "tagged", "QinQ", "three tags"],
)
async def test_hears_frames_with_their_tags(namespace: str, vlans: tuple[int, ...], stripped: tuple[int, ...]) -> None:
    async with listening("near") as listener:
        lab.send_frames("far", [lab.frame(lab.discover(client()), vlans=vlans)])
        ((frame, tags),) = await listener.until(1)

    message = decode(frame, tags)
    assert tags == stripped
    assert message is not None
    assert message.vlans == vlans
    assert message.mac == "02:00:5e:10:00:01"


@pytest.mark.root
@pytest.mark.parametrize(
    ("vlans", "stripped"),
    [((), ()), ((100,), (100,)), ((200, 100), (200,)), ((300, 200, 100), (300,))],
    ids=["untagged", "tagged", "QinQ", "three tags"],
)
async def test_hears_dhcpv6_with_its_tags(namespace: str, vlans: tuple[int, ...], stripped: tuple[int, ...]) -> None:
    relayed = frames6.relay(frames6.message(), frames6.ids())
    packets = [
        frames6.ipv6(frames6.udp(frames6.message(), source=546)),
        frames6.ipv6(frames6.udp(relayed)),
        frames6.ipv6(frames6.udp(frames6.message(frames6.REPLY), destination=546)),
    ]
    stack = tuple((0x8100, vlan) for vlan in vlans)
    async with listening("near") as listener:
        lab.send_frames("far", [frames6.ethernet(packet, tags=stack) for packet in packets])
        heard = await listener.until(3)

    messages = [dhcp6_frame.decode(frame, tags) for frame, tags in heard]
    assert [tags for _, tags in heard] == [stripped] * 3
    assert [message.message_type.name for message in messages if message] == ["SOLICIT", "SOLICIT", "REPLY"]
    assert [message.vlans for message in messages if message] == [vlans] * 3


@pytest.mark.root
@pytest.mark.parametrize("vlans", [(), (100,), (200, 100)], ids=["untagged", "tagged", "QinQ"])
async def test_a_first_fragment_of_dhcpv6_is_counted_as_malformed(namespace: str, vlans: tuple[int, ...]) -> None:
    stack = tuple((0x8100, vlan) for vlan in vlans)
    whole = frames6.udp(frames6.message(), source=546)
    fragments = [
        frames6.ipv6(frames6.fragment(offset=0, more=True) + whole, next_header=44),
        frames6.ipv6(frames6.fragment(offset=9) + whole, next_header=44),
        frames6.ipv6(whole),
    ]
    heard = asyncio.Event()

    def deliver(frame: bytes, tags: tuple[int, ...]) -> None:
        if dhcp6_frame.decode(frame, tags) is not None:
            heard.set()

    async with listening("near", deliver) as listener:
        lab.send_frames("far", [frames6.ethernet(packet, tags=stack) for packet in fragments])
        async with asyncio.timeout(_LIMIT_SECONDS):
            await heard.wait()

    assert (listener.counts.frames, listener.counts.malformed) == (2, 1)


@pytest.mark.root
async def test_hears_tags_of_every_known_type(namespace: str) -> None:
    packet = frames.ipv4(frames.udp(frames.bootp(frames.options())))
    stacks = [((each, 7), (0x8100, 8)) for each in (0x8100, 0x88A8, 0x9100)]
    async with listening("near") as listener:
        lab.send_frames("far", [frames.ethernet(packet, tags=stack) for stack in stacks])
        heard = await listener.until(3)

    assert [message.vlans for message in map(decode, *zip(*heard, strict=True)) if message] == [(7, 8)] * 3


@pytest.mark.root
async def test_the_kernel_keeps_everything_else_away(namespace: str) -> None:
    dns = frames.udp(b"query", source=5353, destination=53)
    others = [
        frames.ethernet(frames.ipv4(dns)),
        frames.ethernet(frames.ipv4(dns), tags=((0x8100, 5),)),
        frames.ethernet(b"\0" * 28, ethertype=0x0806),
        frames.ethernet(frames.ipv4(frames.udp(b"", source=67), fragment=100)),
        frames.ethernet(frames.ipv4(frames.udp(b"", source=546, destination=547))),
        frames6.ethernet(frames6.ipv6(dns)),
        frames6.ethernet(frames6.ipv6(dns), tags=((0x8100, 5), (0x8100, 6))),
        frames6.ethernet(frames6.ipv6(frames6.udp(b"", source=545, destination=548))),
        frames6.ethernet(frames6.ipv6(frames.udp(b"", source=67))),
    ]
    async with listening("near") as listener:
        lab.send_frames("far", [*others, lab.frame(lab.discover(client()))])
        heard = await listener.until(1)

    assert len(heard) == 1
    assert listener.counts.frames == 1


@pytest.mark.root
async def test_own_output_is_not_heard(namespace: str) -> None:
    async with listening("near") as listener:
        lab.send_frames("near", [lab.frame(lab.discover(client(1)))])
        lab.send_frames("far", [lab.frame(lab.discover(client(2)))])
        ((frame, tags),) = await listener.until(1)

    message = decode(frame, tags)
    assert message is not None
    assert message.mac == "02:00:5e:10:00:02"
    assert listener.counts.own_output == 1


@pytest.mark.root
async def test_each_message_on_the_loopback_interface_is_heard_once(namespace: str) -> None:
    async with listening("lo") as listener:
        sent = lab.send_udp(lab.discover(client(number)) for number in range(1, 6))
        heard = await listener.until(5)

    macs = [message.mac for message in map(decode, *zip(*heard, strict=True)) if message is not None]
    assert sent == 5
    assert macs == [f"02:00:5e:10:00:0{number}" for number in range(1, 6)]
    assert listener.counts.own_output == 5


@pytest.mark.root
async def test_a_burst_longer_than_a_batch_is_heard_whole_and_in_order(namespace: str) -> None:
    async with listening("near") as listener:
        lab.send_frames("far", [lab.frame(lab.discover(client(number))) for number in range(200)])
        heard = await listener.until(200)

    macs = [message.mac for message in map(decode, *zip(*heard, strict=True)) if message is not None]
    assert macs == [f"02:00:5e:10:00:{number:02x}" for number in range(200)]
    assert listener.counts.kernel_drops == 0


@pytest.mark.root
async def test_a_malformed_frame_is_counted_and_the_next_is_heard(namespace: str) -> None:
    heard = asyncio.Event()

    def deliver(frame: bytes, tags: tuple[int, ...]) -> None:
        if decode(frame, tags) is not None:
            heard.set()

    async with listening("near", deliver) as listener:
        lab.send_frames("far", [frames.relayed(hlen=99), frames.relayed()])
        async with asyncio.timeout(_LIMIT_SECONDS):
            await heard.wait()

    assert (listener.counts.frames, listener.counts.malformed) == (2, 1)


@pytest.mark.root
async def test_what_the_receiver_raises_ends_the_capture(namespace: str) -> None:
    def deliver(frame: bytes, tags: tuple[int, ...]) -> None:
        raise OSError("no room for more")

    ready = asyncio.Event()
    task = asyncio.create_task(capture("near", deliver, listening=ready))
    async with asyncio.timeout(_LIMIT_SECONDS):
        await ready.wait()
        lab.send_frames("far", [frames.relayed()])
        with pytest.raises(OSError, match="no room"):
            await task


@pytest.mark.root
@pytest.mark.parametrize("end", [("link", "set", "near", "down"), ("link", "del", "near")], ids=["down", "deleted"])
async def test_an_interface_that_goes_ends_the_capture_by_name(namespace: str, end: tuple[str, ...]) -> None:
    ready = asyncio.Event()
    task = asyncio.create_task(capture("near", lambda frame, tags: None, listening=ready))
    async with asyncio.timeout(_LIMIT_SECONDS):
        await ready.wait()
        ip("-n", namespace, *end)
        with pytest.raises(InterfaceLost) as lost:
            await task

    assert lost.value.interface == "near"


@pytest.mark.root
async def test_an_interface_that_is_down_is_told_at_once(namespace: str) -> None:
    ip("-n", namespace, "link", "set", "near", "down")

    async with asyncio.timeout(_LIMIT_SECONDS):
        with pytest.raises(InterfaceLost, match="bring it up"):
            await capture("near", lambda frame, tags: None)


@pytest.mark.root
async def test_an_interface_that_is_not_there_is_named(namespace: str) -> None:
    with pytest.raises(InterfaceMissing, match=r"capture on nowhere0: no such interface"):
        await capture("nowhere0", lambda frame, tags: None)


@pytest.mark.root
async def test_a_lost_frame_is_counted(namespace: str) -> None:
    """The event loop is held up until the socket's buffer has overflowed."""
    burst = [lab.frame(lab.discover(client()))] * 2_000
    async with listening("near") as listener:
        for _ in range(100):
            lab.send_frames("far", burst)
            if _drops_frames():
                break
        await listener.until(65)  # a batch, and with it the kernel's count, is behind us

    assert listener.counts.kernel_drops > 0


def _drops_frames() -> bool:
    """Whether the namespace's one packet socket has begun to drop, as ss(8) shows its memory."""
    shown = subprocess.run(
        ["ss", "--packet", "--no-header", "-m"], check=True, capture_output=True, text=True, timeout=_LIMIT_SECONDS
    ).stdout
    dropped = re.search(r"\bd(\d+)\)", shown)
    return dropped is not None and int(dropped[1]) > 0


_OPEN_WITHOUT_PRIVILEGE = """
import os
from ztpd.discovery.capture import CaptureNotPermitted, open_socket
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    open_socket("lo")
except CaptureNotPermitted as refused:
    print(refused)
"""


def test_without_the_capability_the_remedy_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_WITHOUT_PRIVILEGE], capture_output=True, text=True, timeout=60, check=False
    )

    assert "needs CAP_NET_RAW: start it by a unit" in done.stdout, done.stderr


def test_the_filter_is_what_tcpdump_compiles() -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("no tcpdump to compare with")
    compiled = subprocess.run(
        ["tcpdump", "-y", "EN10MB", "-dd", capturing.FILTER],
        check=True,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
    ).stdout
    program = [
        tuple(int(number, 0) for number in match.groups())
        for match in re.finditer(r"\{ (\w+), (\d+), (\d+), (\w+) \}", compiled)
    ]

    assert program == list(capturing.PROGRAM)
