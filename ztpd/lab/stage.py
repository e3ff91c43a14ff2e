"""A stage for whole plays: a folder with a configuration and secrets, and processes that start and end with it.

Every port is chosen free, every secret made anew, every process ended by its own id.
"""

import asyncio
import base64
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

START_S = 30.0
STOP_S = 10.0

_PORTS = {"api": 8080, "acs": 7547, "netconf": 8830, "dispatch": 9101, "billing": 9102}
"""The ports that the example configuration names; each is replaced by a free one."""


def may_capture() -> bool:
    """Whether a daemon that we start may open a raw socket."""
    return os.geteuid() == 0


class StageError(Exception):
    """A process did not start, or ended when it should not have; carries what it said."""


@dataclass(slots=True)
class Process:
    """One process of the play, and what it said when it was ready."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    async def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> float:
        """End it and return how many seconds that took; killed when it does not end in time."""
        started = time.monotonic()
        if self.running:
            self.process.send_signal(with_signal)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        return time.monotonic() - started


@dataclass(slots=True)
class Stage:
    """The folder and the processes of one play; ``ports`` are those that the configuration names."""

    folder: Path
    config: Path
    ports: dict[str, int]
    environment: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    def secret(self, name: str) -> Path:
        """The file of a secret."""
        return self.config.parent / "secrets" / name

    @property
    def api(self) -> str:
        """The origin of the daemon's API."""
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def acs(self) -> str:
        """The URL that CPEs inform."""
        return f"http://127.0.0.1:{self.ports['acs']}/acs"

    def trust_olt(self, host_key: str) -> None:
        """Write the OLT's host key (an OpenSSH public key line) down where the configuration expects it."""
        _write(self.secret("known_hosts"), f"[127.0.0.1]:{self.ports['netconf']} {host_key}\n")

    def hear_loopback(self) -> None:
        """Have the daemon capture DHCP on the loopback from its next start on."""
        self.environment["ZTPD_DISCOVERY__DHCP__INTERFACES"] = '["lo"]'

    async def start_daemon(self, **environment: str) -> Process:
        """Start ``ztpd run`` without waiting until it is ready."""
        return await self._start("ztpd", "run", "--config", str(self.config), environment=environment)

    def hear_by_process(self, *interfaces: str) -> None:
        """Have ``ztpd capture`` hear DHCP on these, each with relays of ours alone, and the daemon hear none itself."""
        self.environment["ZTPD_DISCOVERY__DHCP__CAPTURE"] = "process"
        self.environment["ZTPD_DISCOVERY__DHCP__INTERFACES"] = json.dumps(interfaces)
        self.environment["ZTPD_DISCOVERY__DHCP__TRUSTED_INTERFACES"] = json.dumps(interfaces)

    async def start_capture(self, *prefix: str, **environment: str) -> Process:
        """Start ``ztpd capture`` by a command that runs another, such as setpriv(1), without waiting for it."""
        arguments = ("capture", "--config", str(self.config))
        return await self._start("capture", *arguments, prefix=prefix, environment=environment)

    async def start_peer(self, name: str, *arguments: str) -> Process:
        """Start ``ztpd lab …`` and wait for its ready line."""
        peer = await self._start(name, "lab", *arguments)
        if peer.process.stdout is None:
            raise StageError(f"{name} has no output")
        try:
            line = await asyncio.wait_for(peer.process.stdout.readline(), START_S)
            peer.facts = json.loads(line)
        except (TimeoutError, ValueError) as error:
            raise StageError(f"{name} did not start: {peer.log.read_text()[-2000:]}") from error
        return peer

    async def run(self, *arguments: str) -> str:
        """Run a command of ztpd to its end and return what it printed; raises ``StageError`` if it failed."""
        command = await self._start("ztpd " + arguments[0], *arguments)
        output, _ = await command.process.communicate()
        if command.process.returncode != 0:
            raise StageError(f"ztpd {' '.join(arguments)}: {command.log.read_text()[-2000:]}")
        return output.decode()

    async def until_ready(self, daemon: Process) -> None:
        """Wait until the daemon answers that it is ready; raises ``StageError`` if it ends instead."""
        deadline = time.monotonic() + START_S
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                if not daemon.running:
                    raise StageError(f"the daemon ended: {daemon.log.read_text()[-3000:]}")
                try:
                    async with session.get(f"{self.api}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)
        raise StageError(f"the daemon was not ready in {START_S:g} s: {daemon.log.read_text()[-3000:]}")

    async def _start(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> Process:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *prefix,
                sys.executable,
                "-m",
                "ztpd",
                *arguments,
                env={**os.environ, **self.environment, **(environment or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        started = Process(name, process, log)
        self.processes.append(started)
        return started

    async def stop_all(self) -> None:
        """End what still runs, the last started first."""
        for process in reversed(self.processes):
            await process.stop()


@asynccontextmanager
async def stage(folder: Path, example: Path, store_url: str | None = None) -> AsyncIterator[Stage]:
    """Set up a stage in an empty folder from the example configuration; its processes end with the block."""
    config = folder / "config"
    shutil.copytree(example, config)
    with ExitStack() as reserved:
        ports = {name: _reserve_port(reserved) for name in _PORTS}
        file = config / "ztpd.toml"
        file.write_text(_with_ports(file.read_text(), ports))
        _make_secrets(config / "secrets")
        environment = {
            "ZTPD_STORE__URL": store_url or f"sqlite:///{folder / 'ztpd.db'}",
            "ZTPD_DISCOVERY__INTAKE": str(folder / "intake.sock"),
        }
        made = Stage(folder, file, ports, environment)
        try:
            yield made
        finally:
            await made.stop_all()


def _reserve_port(reserved: ExitStack) -> int:
    """A port of the loopback that the system gives to nobody else while the stage is set.

    A bound socket that does not listen keeps it; who asks for this very port with SO_REUSEADDR, as servers do, gets it.
    """
    keeper = reserved.enter_context(socket.socket())
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return int(keeper.getsockname()[1])


def _with_ports(text: str, ports: Mapping[str, int]) -> str:
    """The configuration's text with its own ports in the place of the example's."""
    for name, port in _PORTS.items():
        text = text.replace(f"port = {port}\n", f"port = {ports[name]}\n").replace(f":{port}/", f":{ports[name]}/")
    return text


def _make_secrets(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in ("office.token", "field-app.token", "acs.password", "olt-1.password"):
        _write(folder / name, secrets.token_urlsafe(24))
    for name in ("dispatch.whsec", "billing.whsec"):
        _write(folder / name, "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


async def start_olt(scene: Stage) -> Process:
    """Start the lab's OLT and write down its host key where the configuration expects it."""
    olt = await scene.start_peer(
        "olt",
        "olt",
        "--port",
        str(scene.ports["netconf"]),
        "--control",
        "0",
        "--password-file",
        str(scene.secret("olt-1.password")),
        "--host-key",
        str(scene.folder / "olt-host-key"),
    )
    scene.trust_olt(olt.facts["host_key"])
    return olt


async def start_receivers(scene: Stage) -> dict[str, Process]:
    """Start the receivers that stand for dispatch and billing."""
    return {
        name: await scene.start_peer(
            name,
            "receiver",
            "--port",
            str(scene.ports[name]),
            "--secret-file",
            str(scene.secret(f"{name}.whsec")),
        )
        for name in ("dispatch", "billing")
    }
