"""Real clients, relays and servers in network namespaces: what ``ztpd capture`` makes of what they say.

udhcpc → dhcrelay → dhcpoptinj (option 82 as an OLT writes it) → Kea, with the capture where the relay's frames arrive.
"""

import asyncio
import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.integration.capturing import Core, capture_stage, core_of, logged, until_logged
from tests.integration.namespaces import LIMIT_SECONDS, NoNamespace, inside, ip, namespace
from ztpd.domain.sighting import Sighting
from ztpd.lab.operator import until
from ztpd.lab.stage import Process

_LIMIT_SECONDS = 60
CIRCUIT_ID = b"OLT-9 xpon 0/1/0/4:16.3.70"
REMOTE_ID = b"HWTC1A2B3C4D"
OPTION_82 = bytes((82, 1, len(CIRCUIT_ID))) + CIRCUIT_ID + bytes((2, len(REMOTE_ID))) + REMOTE_ID
CLIENT_MAC = "02:00:5e:30:00:01"
EXCHANGES = 1_000

PACKAGES = {
    "busybox": "busybox",
    "dhcrelay": "isc-dhcp-relay",
    "dhcpoptinj": "dhcpoptinj",
    "iptables": "iptables",
    "kea-dhcp4": "kea-dhcp4-server",
    "perfdhcp": "kea-admin",
}


def need(*programs: str) -> None:
    missing = [f"{each} (apt install {PACKAGES[each]})" for each in programs if shutil.which(each) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


@dataclass(frozen=True)
class Network:
    """Three namespaces in a row, named for who lives there."""

    client: str
    relay: str
    server: str


@pytest.fixture
def network() -> Iterator[Network]:
    """client ``c0`` — ``r0`` relay ``r1`` — ``s0`` server, the latter two with addresses and routes."""
    try:
        with ExitStack() as stack:
            made = Network(*(stack.enter_context(namespace()) for _ in range(3)))
            _wire(made)
            yield made
    except NoNamespace as problem:
        pytest.skip(str(problem))


def _wire(made: Network) -> None:
    for near, far, there, beyond in (("c0", "r0", made.client, made.relay), ("r1", "s0", made.relay, made.server)):
        ip("-n", there, "link", "add", near, "type", "veth", "peer", "name", far, "netns", beyond)
    ip("-n", made.client, "link", "set", "c0", "address", CLIENT_MAC)
    for there, interface, addresses in (
        (made.client, "c0", ()),
        (made.relay, "r0", ("10.90.0.1/16",)),
        (made.relay, "r1", ("10.91.0.1/24",)),
        (made.server, "s0", ("10.91.0.2/24",)),
    ):
        for address in addresses:
            ip("-n", there, "addr", "add", address, "dev", interface)
        ip("-n", there, "link", "set", interface, "up")
    ip("-n", made.server, "route", "add", "10.90.0.0/16", "via", "10.91.0.1")


@contextmanager
def program(there: str, log: Path, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a namespace that runs until the block ends."""
    with inside(there), log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def until_said(log: Path, words: str) -> None:
    await until(lambda: asyncio.sleep(0, log.read_text(errors="replace")), lambda text: words in text, words)


@asynccontextmanager
async def kea(there: str, folder: Path) -> AsyncIterator[Path]:
    """Kea on ``s0``; its file of leases."""
    leases = folder / "leases.csv"
    configuration = {
        "interfaces-config": {"interfaces": ["s0"], "dhcp-socket-type": "udp"},
        "lease-database": {"type": "memfile", "persist": True, "name": str(leases), "lfc-interval": 0},
        "valid-lifetime": 600,
        "subnet4": [
            {
                "subnet": "10.90.0.0/16",
                "pools": [{"pool": "10.90.1.0 - 10.90.99.255"}],
                "relay": {"ip-addresses": ["10.90.0.1", "10.91.0.1"]},
            }
        ],
        "loggers": [{"name": "kea-dhcp4", "output_options": [{"output": "stdout"}], "severity": "INFO"}],
    }
    file, log = folder / "kea.json", folder / "kea.log"
    file.write_text(json.dumps({"Dhcp4": configuration}))
    places = {"KEA_PIDFILE_DIR": str(folder), "KEA_LOCKFILE_DIR": str(folder)}
    with program(there, log, "kea-dhcp4", "-c", str(file), **places):
        await until_said(log, "DHCP4_STARTED")
        yield leases


@asynccontextmanager
async def hearing(there: str) -> AsyncIterator[tuple[Core, Process]]:
    """``ztpd capture`` on ``s0`` in a namespace, with a core that takes what it hands over."""
    async with capture_stage("s0") as scene, core_of(scene) as core:
        with inside(there):
            process = await scene.start_capture()
        await until_logged(process, "ready")
        yield core, process


async def said(core: Core) -> dict[str, Sighting]:
    """The sightings by their type of message."""
    return {sighting.details["message-type"]: sighting for sighting in core.taken}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


async def udhcpc(there: str, folder: Path) -> str:
    """Ask for a lease once; what the client said of it."""
    with inside(there):
        client = await asyncio.create_subprocess_exec(
            *("busybox", "udhcpc", "-i", "c0", "-f", "-q", "-n", "-t", "10", "-T", "2", "-s", "/bin/true"),
            *("-x", "hostname:cpe-1", "-V", "dslforum.org"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    output, _ = await asyncio.wait_for(client.communicate(), _LIMIT_SECONDS)
    assert client.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.root
async def test_a_real_client_behind_a_relay_is_heard_with_its_place_and_address(network: Network, folder: Path) -> None:
    need("busybox", "dhcrelay", "dhcpoptinj", "iptables", "kea-dhcp4")
    rule = ("iptables", "-t", "mangle", "-A", "OUTPUT", "-o", "r1", "-p", "udp", "--dport", "67", "-j", "NFQUEUE")
    with inside(network.relay):
        queued = subprocess.run([*rule, "--queue-num", "7"], capture_output=True, text=True, timeout=LIMIT_SECONDS)
    if queued.returncode:
        pytest.skip(f"no NFQUEUE here: {queued.stderr.strip()}")
    relay = ("dhcrelay", "-4", "-d", "-id", "r0", "-iu", "r1", "--no-pid", "10.91.0.2")
    inject = ("dhcpoptinj", "-f", "-c", "-q", "7", "-o", OPTION_82.hex())
    async with kea(network.server, folder) as leases, hearing(network.server) as (core, _):
        with (
            program(network.relay, folder / "inject.log", *inject) as injecting,
            program(network.relay, folder / "relay.log", *relay),
        ):
            await until_said(folder / "relay.log", "Sending on")
            if injecting.poll() is not None:
                pytest.skip(f"dhcpoptinj does not run here: {(folder / 'inject.log').read_text()}")
            told = await udhcpc(network.client, folder)
            heard = await until(partial(said, core), lambda heard: {"DISCOVER", "REQUEST"} <= set(heard), "both")

    address = re.search(r"lease of (\S+) obtained", told)
    assert address is not None, told
    assert address[1] in leases.read_text()
    for sighting in heard.values():
        assert sighting.mac == CLIENT_MAC
        assert sighting.circuit_id == CIRCUIT_ID.hex()
        assert (sighting.element, sighting.port) == ("OLT-9", "0/1/4")
        assert sighting.serial == "HWTC1A2B3C4D"
        assert sighting.trusted
        assert sighting.details["giaddr"] == "10.90.0.1"
        assert sighting.details["vendor-class"] == "dslforum.org"
    assert heard["REQUEST"].ip == address[1]


def _leased(leases: Path) -> set[str]:
    with leases.open() as file:
        return {row["hwaddr"] for row in csv.DictReader(file)}


@pytest.mark.root
async def test_every_client_that_kea_served_under_load_was_heard(network: Network, folder: Path) -> None:
    need("kea-dhcp4", "perfdhcp")
    load = ("perfdhcp", "-4", "-r", "300", "-R", str(EXCHANGES), "-n", str(EXCHANGES), "-p", "15", "-W", "1000000")
    async with kea(network.server, folder) as leases, hearing(network.server) as (core, process):
        with inside(network.relay):
            client = await asyncio.create_subprocess_exec(
                *load, "-l", "10.91.0.1", "10.91.0.2", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
        output, _ = await asyncio.wait_for(client.communicate(), _LIMIT_SECONDS)
        served = _leased(leases)
        assert len(served) > EXCHANGES // 4, output.decode()
        await until(core.known, lambda known: served <= known, "every client that was served")
        await process.stop()
        heard = next(line for line in reversed(logged(process)) if line["event"] == "heard")

    assert (heard["kernel_drops"], heard["queue_drops"], heard["malformed"]) == (0, 0, 0)
