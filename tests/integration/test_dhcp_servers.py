"""Kea and dnsmasq calling the hook: real servers and a real client, in network namespaces that the tests make."""

import asyncio
import contextlib
import glob
import json
import os
import shutil
import signal
import sys
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.namespaces import NoNamespace, ip, namespace
from tests.integration.test_hooks import Core, served
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.placing import placed
from ztpd.discovery.trust import relays
from ztpd.domain.sighting import Presence, Sighting
from ztpd.lab import dhcp

pytestmark = pytest.mark.root

_LIMIT_SECONDS = 20
CIRCUIT_ID = b"olt-1 xpon 1/1/0/3:1.1.301"
REMOTE_ID = b"HWTC1A2B3C4D"
SERVER_IP, RELAY_IP, FIRST_IP, LAST_IP = "10.77.0.1", "10.77.0.2", "10.77.0.50", "10.77.0.60"
SHIPPED = CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))


@dataclass(frozen=True, slots=True)
class Street:
    """A server's namespace with ``near`` (10.77.0.1) and a client's with ``far`` (10.77.0.2), on one wire."""

    server: str
    client: str
    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "intake.sock"

    def script(self, tool: str) -> Path:
        """The wrapper a server is given; servers clear the environment or hand their own on."""
        path = self.folder / "hook"
        hook = f"exec {sys.executable} -m ztpd hook {tool} --strict --timeout 19 --socket {self.socket}"
        errors = self.folder / "hook.errors"
        path.write_text(f'#!/bin/sh\nexport PYTHONPATH={ROOT}\n{hook} "$@" 2>>{errors}\n')
        path.chmod(0o755)
        return path

    @property
    def complaints(self) -> str:
        errors = self.folder / "hook.errors"
        return errors.read_text() if errors.exists() else ""


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    if shutil.which("busybox") is None:
        pytest.skip("no busybox for its udhcpc (apt install busybox)")
    try:
        with namespace() as server, namespace() as client:
            ip("-n", server, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", client)
            for name, interface, address in ((server, "near", SERVER_IP), (client, "far", RELAY_IP)):
                ip("-n", name, "addr", "add", f"{address}/24", "dev", interface)
                ip("-n", name, "link", "set", interface, "up")
            yield Street(server, client, tmp_path)
    except NoNamespace as problem:
        pytest.skip(str(problem))


@asynccontextmanager
async def running(
    namespace: str, *command: str, log: Path, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process in a namespace, ended with the test."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *("ip", "netns", "exec", namespace, *command),
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _LIMIT_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def kea(street: Street) -> AsyncIterator[None]:
    libraries = glob.glob("/usr/lib/*/kea/hooks/libdhcp_run_script.so")
    if shutil.which("kea-dhcp4") is None or not libraries:
        pytest.skip("no Kea with its run_script hook (apt install kea-dhcp4-server)")
    hook = {"library": libraries[0], "parameters": {"name": str(street.script("kea")), "sync": False}}
    configuration = {
        "interfaces-config": {"interfaces": ["near"]},
        "lease-database": {"type": "memfile", "persist": False},
        "valid-lifetime": 600,
        "hooks-libraries": [hook],
        "subnet4": [{"id": 1, "subnet": "10.77.0.0/24", "pools": [{"pool": f"{FIRST_IP} - {LAST_IP}"}]}],
        "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}],
    }
    file = street.folder / "kea.json"
    file.write_text(json.dumps({"Dhcp4": configuration}))
    folders = {f"KEA_{name}": str(street.folder) for name in ("PIDFILE_DIR", "LOCKFILE_DIR", "HOOK_SCRIPTS_PATH")}
    log = street.folder / "server.log"
    async with running(street.server, "kea-dhcp4", "-c", str(file), log=log, environment=folders):
        yield


@asynccontextmanager
async def dnsmasq(street: Street) -> AsyncIterator[None]:
    if shutil.which("dnsmasq") is None:
        pytest.skip("no dnsmasq (apt install dnsmasq-base)")
    command = (
        *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--no-ping"),
        *("--interface=near", "--bind-interfaces", f"--dhcp-range={FIRST_IP},{LAST_IP},600"),
        *(f"--dhcp-script={street.script('dnsmasq')}", "--log-facility=-"),
        *(f"--dhcp-leasefile={street.folder}/leases", f"--pid-file={street.folder}/dnsmasq.pid"),
    )
    async with running(street.server, *command, log=street.folder / "server.log"):
        yield


Server = Callable[[Street], "contextlib.AbstractAsyncContextManager[None]"]


@asynccontextmanager
async def udhcpc(street: Street) -> AsyncIterator[asyncio.subprocess.Process]:
    """A client that asks until it is served and takes the address; option 82 goes with what it says."""
    script = street.folder / "udhcpc.script"
    script.write_text('#!/bin/sh\n[ "$1" != bound ] || ip addr replace $ip/24 dev $interface\n')
    script.chmod(0o755)
    agent = b"".join(bytes((code, len(value))) + value for code, value in ((1, CIRCUIT_ID), (2, REMOTE_ID)))
    command = (
        *("busybox", "udhcpc", "-f", "-i", "far", "-s", str(script), "-t", "60", "-T", "1"),
        *("-x", f"0x52:{agent.hex()}", "-x", "hostname:cpe1"),
    )
    async with running(street.client, *command, log=street.folder / "client.log") as process:
        yield process


async def heard(street: Street, core: Core, presence: Presence) -> Sighting:
    """The first sighting that says so; what the processes logged is shown where none comes."""
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            while True:
                for sighting in core.taken:
                    if sighting.presence is presence:
                        return sighting
                await asyncio.sleep(0.05)
    except TimeoutError:
        logs = (f"{each.name}: {each.read_text()}" for each in street.folder.glob("*.log"))
        pytest.fail("\n".join((street.complaints, *logs)))


@pytest.mark.parametrize("server", [kea, dnsmasq])
async def test_a_client_is_heard_when_it_comes_and_when_it_goes(street: Street, server: Server) -> None:
    core = Core()
    async with served(street.socket, core), server(street), udhcpc(street) as client:
        came = await heard(street, core, Presence.PRESENT)
        client.send_signal(signal.SIGUSR2)  # it gives its address up
        left = await heard(street, core, Presence.ABSENT)

    assert (came.circuit_id, came.remote_id) == (CIRCUIT_ID.hex(), REMOTE_ID.hex())
    assert came.details["hostname"] == "cpe1"
    assert came.ip in {f"10.77.0.{number}" for number in range(50, 61)}
    assert (left.mac, left.ip) == (came.mac, came.ip)
    assert street.complaints == ""
    # A client's own option 82 is a claim, even where the relays of the street are listed.
    assert not placed(came, SHIPPED, relays([ip_network("10.77.0.2/32")])).trusted


_SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay:
    relay.bind((sys.argv[1], 67))
    relay.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[2], 67))
"""


@pytest.mark.parametrize("server", [kea, dnsmasq])
async def test_what_a_listed_relay_passes_on_is_believed(street: Street, server: Server) -> None:
    core = Core()
    home = dhcp.LabClient("02:00:5e:10:00:01", CIRCUIT_ID, REMOTE_ID, giaddr=RELAY_IP)
    message = dhcp.request(home, FIRST_IP, SERVER_IP).hex()

    async def repeat() -> None:
        """As a client does until it is served."""
        while True:
            sending = (sys.executable, "-c", _SEND, RELAY_IP, SERVER_IP, message)
            async with running(street.client, *sending, log=street.folder / "relay.log") as process:
                await process.wait()
            await asyncio.sleep(0.5)

    async with served(street.socket, core), server(street):
        repeating = asyncio.create_task(repeat())
        try:
            raw = await heard(street, core, Presence.PRESENT)
        finally:
            repeating.cancel()
            await asyncio.gather(repeating, return_exceptions=True)

    believed = placed(raw, SHIPPED, relays([ip_network("10.77.0.2/32")]))
    assert (believed.trusted, believed.element, believed.port) == (True, "olt-1", "1/1/3")
    assert (believed.mac, believed.ip, believed.serial) == (home.mac, FIRST_IP, "HWTC1A2B3C4D")
    assert not placed(raw, SHIPPED, relays([ip_network("10.78.0.0/16")])).trusted
