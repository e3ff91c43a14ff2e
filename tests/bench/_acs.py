"""What the benchmarks of the ACS share: the daemon in a process of its own, its limit in another, CPEs in more.

The daemon is ``ztpd run`` as installed, its database SQLite at synchronous=FULL on the disk, with nothing configured
but the ACS: no elements to poll, no endpoints to deliver to.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.access import Levels, PresentDevice
from pon.onu import Presence
from tests.accesses import as_wanted
from tests.bench import _cpes
from tests.bench._cpes import OUI, Done, Plan
from ztpd.acs import soap
from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.acs.messages import Inform
from ztpd.acs.sighting import facts_of, sighting_of
from ztpd.config import load_profiles
from ztpd.daemon import event_ids, utc_now
from ztpd.domain.cpe import Proof
from ztpd.domain.model import JobBody, LocationBody
from ztpd.lab.stage import Process, Stage, stage
from ztpd.store import attempts, cpes, orders, sightings
from ztpd.store.attempts import Lease, Work
from ztpd.store.cpes import HeardCpe
from ztpd.store.store import Context, Store, open_store

LIMIT_S = 180.0
NONCE = "0" * 60
_KEY = "k" * 44

# Eight parameters of a TR-181 device, each of which can be read back.
_PROFILE = """
name = "bench"
version = 1
technologies = ["pon"]
[speed]
downstream_mbps = 1000
upstream_mbps = 500
[vlan]
s_vlan = 201
[optics]
onu_rx_dbm = { minimum = -27.0, maximum = -8.0 }
olt_rx_dbm = { minimum = -29.0, maximum = -8.0 }
[parameters]
ssid = {}
user = {}
[cpe]
"wan.vlan" = 7
"wan.pppoe.username" = "$user"
"wifi.2ghz.ssid" = "$ssid"
"wifi.5ghz.ssid" = "$ssid"
"wifi.2ghz.channel" = 6
"wifi.5ghz.channel" = 44
"management.periodic_inform" = true
"management.periodic_inform_interval" = 3600
[completion]
required = false
"""
_LEASE = Lease("edge-1", timedelta(seconds=60))
_TOGETHER = 2048
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """Something that CPEs inform: its process, where it listens, and how a CPE proves itself there."""

    pid: int
    port: int
    password: str = ""
    key: str | None = None
    nonce: str | None = None

    def plan(self, *, new: bool = False, event: str = "2 PERIODIC", **how: Any) -> Plan:
        """A plan for CPEs of this server; ``new`` ones know the password that all share, others their own."""
        key, event = (None, "0 BOOTSTRAP") if new else (self.key, event)
        return Plan("127.0.0.1", self.port, event=event, password=self.password, key=key, nonce=self.nonce, **how)

    @property
    def cpu_s(self) -> float:
        """The processor time of all its threads, as the kernel accounts it."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def resident_mb(self, what: str = "VmRSS") -> float:
        """What it has in memory, or had at most (``VmHWM``)."""
        found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        if found is None:
            raise RuntimeError(f"no {what} in the process's status")
        return int(found[1]) * 1024 / 1e6


@dataclass(frozen=True)
class Measured:
    """What a plan did, and what the server spent on it."""

    done: Done
    cpu_s: float

    @property
    def cpu_ms(self) -> float:
        """The server's processor time for a session."""
        return self.cpu_s / self.done.ended * 1000

    @property
    def rate(self) -> float:
        """Sessions a second."""
        return self.done.ended / self.done.elapsed_s

    @property
    def posts(self) -> float:
        """POSTs of a session, without those that were only challenged."""
        return (self.done.posts - self.done.answers.get("401", 0)) / self.done.ended

    def __str__(self) -> str:
        """One round in a line, for whoever watches the benchmark."""
        done = self.done
        return (
            f"{self.cpu_ms:.3f} ms, {self.rate:,.0f}/s, server {self.cpu_s / done.elapsed_s:.0%} and clients "
            f"{done.cpu_s / done.elapsed_s:.0%} of a processor, answers {done.answers}, again {done.again}"
        )

    def check(self) -> "Measured":
        """Itself; raises when a session was lost, for then nothing was measured."""
        if self.done.lost or not self.done.ended:
            raise RuntimeError(f"sessions were lost: {self.done.lost}; the answers were {self.done.answers}")
        return self


class Clients:
    """One process of CPEs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, server: Server, plan: Plan) -> Measured:
        """Let the CPEs inform as planned; what that cost the server."""
        before = server.cpu_s
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(plan)).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), LIMIT_S)
        return Measured(Done(**json.loads(line)), server.cpu_s - before)


@asynccontextmanager
async def running(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A module of this package as a process, which ends when its input does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.bench.{module}", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,  # one line tells of every session
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def clients() -> AsyncIterator[Clients]:
    """CPEs in a process of their own."""
    async with running("_cpes") as process:
        yield Clients(process)


@asynccontextmanager
async def limit(*arguments: str) -> AsyncIterator[Server]:
    """The bare handler in a process of its own."""
    async with running("_bare_acs", *arguments) as process:
        assert process.stdout is not None
        yield Server(process.pid, int(await process.stdout.readline()), nonce=NONCE)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Stage]:
    """A stage on which nothing but the ACS is configured."""
    async with stage(folder, Path("config")) as made:
        text = made.config.read_text()
        text = re.sub(r"(?ms)^\[\[(elements|endpoints)\]\].*?(?=^\[|\Z)", "", text)
        made.config.write_text(text.replace("# device_key_file", "device_key_file"))
        key = made.secret("acs-devices.key")
        key.touch(mode=0o600)
        key.write_text(_KEY)
        (made.config.parent / "profiles" / "bench.toml").write_text(_PROFILE)
        yield made


async def started(made: Stage) -> Server:
    """The daemon, ready."""
    daemon: Process = await made.start_daemon()
    await made.until_ready(daemon)
    return Server(daemon.process.pid, made.ports["acs"], made.secret("acs.password").read_text(), _KEY)


@asynccontextmanager
async def _store(made: Stage) -> AsyncIterator[Store]:
    profiles = load_profiles(made.config.parent / "profiles")
    secrets = DeviceSecrets(_KEY.encode())
    context = Context(utc_now, profiles, lambda type_: (), event_ids(), management=secrets.management)
    async with open_store(made.environment["ZTPD_STORE__URL"], context) as store:
        yield store


async def expect(made: Stage, number: int) -> None:
    """Order so many services, CPE 0 and on, and confirm each on the network: what is left is that its CPE informs."""
    async with _store(made) as store:
        await asyncio.gather(*(_order(store, each) for each in range(number)))
        while claimed := await store.commit(attempts.claim_jobs, "olt-1", _LEASE, 256):
            await asyncio.gather(*(_confirm(store, work) for work in claimed))


async def _order(store: Store, number: int) -> None:
    ont = {"role": "ont", "serial": _cpes.serial(number)}
    cpe = {"role": "cpe", "oui": OUI, "serial": _cpes.cwmp_serial(number)}
    port = f"1/{1 + number // 1024}/{1 + number // 64 % 16}"
    place = {"address": f"{number} High Street", "access": {"technology": "pon", "element": "olt-1", "port": port}}
    body = {
        "kind": "install",
        "service": f"S-{number}",
        "account": f"A-{number}",
        "location": f"L-{number}",
        "profile": "bench",
        "parameters": {"ssid": f"home-{number}", "user": f"user-{number}@example.net"},
        "devices": [ont, cpe],
    }
    await store.commit(orders.put_location, f"L-{number}", LocationBody.model_validate(place))
    await store.commit(orders.put_job, f"J-{number}", JobBody.model_validate(body))
    present = PresentDevice(port, _cpes.serial(number), Presence.UNKNOWN, "present")
    await store.commit(sightings.record_announcement, "olt-1", present, datetime.now(UTC))


async def _confirm(store: Store, work: Work) -> None:
    await store.commit(attempts.record_applied, work, _LEASE, ["onu"])
    shown = as_wanted(work.wanted, Presence.INTENDED)
    await store.commit(attempts.confirm_network, work, _LEASE, shown, Levels(-20.0, -22.0))


async def know(made: Stage, numbers: range) -> None:
    """Have these CPEs known by an Inform of theirs."""
    async with _store(made) as store:
        for start in range(0, len(numbers), _TOGETHER):
            await asyncio.gather(*(_inform(store, number) for number in numbers[start : start + _TOGETHER]))


async def _inform(store: Store, number: int) -> None:
    heard = soap.decode(_cpes.inform(number)).message
    assert isinstance(heard, Inform)
    facts = facts_of(heard)
    told = HeardCpe(facts, Proof.DEVICE, f"{number:064x}")
    await store.commit(cpes.hear_inform, sighting_of(facts, _cpes.address(number), utc_now()), told)


def figure(
    value: float, unit: str, limit: float | None = None, better: str = "lower", ratio: float | None = None
) -> dict[str, Any]:
    """A figure as the report keeps it; ``ratio`` is to the limit of the same run."""
    ratio = value / limit if limit is not None and ratio is None else ratio
    return {"value": value, "unit": unit, "better": better, "limit": limit, "ratio": ratio}
