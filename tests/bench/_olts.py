"""Lab OLTs that take their time, each a process of its own, and a daemon whose orders for them are in its store."""

import asyncio
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.access import PresentDevice
from pon.onu import Presence
from ztpd.config import load_profiles
from ztpd.daemon import event_ids
from ztpd.domain.model import AllocatedDevice, JobBody, LocationBody
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Process, Stage, stage, start_receivers
from ztpd.store import orders, sightings
from ztpd.store.store import Context, Store, open_store

COMMIT_S, COMMIT_S_PER_ONU = 0.1, 0.005
"""What every commit of a lab OLT takes, and what each ONU in it takes besides."""

BATCH = 64
"""How many ONUs the daemon puts into one commit."""

PORTS = 16
STARTED_S = 60.0

# Residential fibre as in the example, without what is told to the CPE: what is measured ends at the OLT.
_PROFILE = """
name = "fibre"
version = 1
technologies = ["pon"]
[speed]
downstream_mbps = 1000
upstream_mbps = 500
assured_upstream_mbps = 50
[vlan]
s_vlan = 201
c_vlan = "$c_vlan"
[optics]
onu_rx_dbm = { minimum = -27.0, maximum = -8.0 }
olt_rx_dbm = { minimum = -29.0, maximum = -8.0 }
[parameters]
c_vlan = { type = "integer", minimum = 2, maximum = 4094 }
[completion]
required = true
measurements = [{ name = "onu_rx_power", unit = "dBm", minimum = -27.0, maximum = -8.0, network = "onu_rx_dbm" }]
"""
VERIFIED = "awaiting-completion"
"""The state of a job whose network works: the technician's report is still owed."""

_STATES = "SELECT state, count(*) FROM job WHERE id > ? AND id < ? GROUP BY state"
_ELEMENT = """
[[elements]]
name = "{name}"
driver = "netconf-bbf"
host = "127.0.0.1"
port = {port}
username = "ztpd"
password_file = "secrets/olt-1.password"
host_key = "{host_key}"
uplink = "uplink-1"
connect_timeout_s = {patience_s}
rpc_timeout_s = {patience_s}
"""
_EXAMPLES_ELEMENT = re.compile(r'(?ms)^\[\[elements\]\]\nname = "olt-1"\n.*?\n\n')


def own_time_s(onus: int) -> float:
    """What an OLT itself takes for so many ONUs in commits of a batch each."""
    return -(-onus // BATCH) * COMMIT_S + onus * COMMIT_S_PER_ONU


@dataclass(slots=True)
class Olt:
    """One lab OLT: its name in the configuration, its process and the hand at its fibres."""

    name: str
    process: Process
    hand: Caller

    async def plug(self, first: int, onus: int) -> None:
        """Plug in so many ONUs, numbered from ``first`` on."""
        await _done(self.hand, "/crowd", {"first": first, "onus": onus})

    async def reset(self) -> None:
        """As it comes: nothing plugged in, nothing configured."""
        await _done(self.hand, "/reset", {})

    async def until_listened_to(self) -> None:
        """Return once the daemon has subscribed, and read the list that it reads then."""

        def listened_to(counters: Any) -> bool:
            return bool(counters["rpcs"].get("create-subscription")) and counters["rpcs"].get("get", 0) > 1

        await until(lambda: self.hand.get("/counters"), listened_to, f"{self.name} subscribed to", STARTED_S)


async def _done(hand: Caller, path: str, body: Any) -> None:
    status, answer = await hand.call("POST", path, body)
    if status != 200:
        raise AssertionError(f"{path} was answered {status}: {answer}")


@asynccontextmanager
async def olts_stage(count: int, patience_s: float = 30.0) -> AsyncIterator[tuple[Stage, list[Olt]]]:
    """A stage of receivers and so many OLTs that the daemon will drive; it is not started, and its store is empty."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ztpd-")))
        scene = await stack.enter_async_context(stage(folder, Path("config")))
        processes = await asyncio.gather(*(_start_olt(scene, f"olt-{n + 1}") for n in range(count)))
        _configure(scene, processes, patience_s)
        await start_receivers(scene)
        hands = [Caller(f"http://127.0.0.1:{process.facts['control']}") for process in processes]
        for hand in hands:
            await stack.enter_async_context(hand)
        yield scene, [Olt(process.name, process, hand) for process, hand in zip(processes, hands, strict=True)]


async def _start_olt(scene: Stage, name: str) -> Process:
    options = {
        "--port": "0",
        "--control": "0",
        "--ports": str(PORTS),
        "--password-file": str(scene.secret("olt-1.password")),
        "--host-key": str(scene.folder / f"{name}-host-key"),
        "--commit-seconds": str(COMMIT_S),
        "--commit-seconds-per-onu": str(COMMIT_S_PER_ONU),
    }
    return await scene.start_peer(name, "olt", *(word for option in options.items() for word in option))


def _configure(scene: Stage, olts: Sequence[Process], patience_s: float) -> None:
    """Put the OLTs in the place of the example's one, and the profile beside its own."""
    elements = [
        _ELEMENT.format(name=olt.name, port=olt.facts["netconf"], host_key=olt.facts["host_key"], patience_s=patience_s)
        for olt in olts
    ]
    text, replaced = _EXAMPLES_ELEMENT.subn(lambda found: "".join(elements), scene.config.read_text())
    if replaced != 1:
        raise AssertionError("the example has no element olt-1")
    scene.config.write_text(text)
    (scene.config.parent / "profiles" / "fibre.toml").write_text(_PROFILE)


async def order(scene: Stage, olts: Sequence[Olt], onus: int, *, heard_at: Olt | None = None) -> None:
    """Put an installation for each of so many ONUs at each OLT into the store; the daemon must not be running.

    Those at one OLT may have been heard already: the daemon begins with them as soon as it runs.
    """
    profiles = load_profiles(scene.config.parent / "profiles")
    context = Context(lambda: datetime.now(UTC), profiles, lambda type_: (), event_ids())
    async with open_store(scene.environment["ZTPD_STORE__URL"], context) as store:
        for n, olt in enumerate(olts):
            numbers = range(n * onus, (n + 1) * onus)
            await asyncio.gather(*(_order_one(store, olt.name, number) for number in numbers))
            if olt is heard_at:
                await asyncio.gather(*(_hear_one(store, olt.name, number) for number in numbers))


async def _hear_one(store: Store, element: str, number: int) -> None:
    onu = PresentDevice(_port(number), _serial(number), Presence.UNKNOWN)
    await store.commit(sightings.record_announcement, element, onu, datetime.now(UTC))


def _serial(number: int) -> str:
    return f"ZTPD{number:08X}"


def _port(number: int) -> str:
    return f"1/1/{number % PORTS + 1}"


async def _order_one(store: Store, element: str, number: int) -> None:
    name = f"{element}-{number}"
    place = {
        "address": f"{number} Main Street",
        "access": {"technology": "pon", "element": element, "port": _port(number)},
    }
    body = JobBody(
        kind="install",
        service=f"S-{name}",
        account="A",
        location=f"L-{name}",
        profile="fibre",
        parameters={"c_vlan": 2 + number % 4000},
        devices=(AllocatedDevice(role="ont", serial=_serial(number)),),
    )
    await store.commit(orders.put_location, f"L-{name}", LocationBody.model_validate(place))
    await store.commit(orders.put_job, f"J-{name}", body)


async def until_verified(scene: Stage, olts: Sequence[Olt], onus: int, within_s: float) -> None:
    """Return once every job at these OLTs is verified on its network; raises if one fails or time runs out."""

    async def states() -> dict[str, int]:
        return job_states(scene, olts)

    def over(found: dict[str, int]) -> bool:
        if found.get("failed") or found.get("held"):
            raise AssertionError(f"not every job ended well: {found}")
        return found.get(VERIFIED, 0) == onus * len(olts)

    await until(states, over, "every installation", within_s)


def job_states(scene: Stage, olts: Sequence[Olt]) -> Counter[str]:
    """How many jobs at these OLTs are in each state."""
    found: Counter[str] = Counter()
    database = scene.environment["ZTPD_STORE__URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        for olt in olts:
            # A range of the key, so that it costs the daemon nothing however often it is asked.
            span = (f"J-{olt.name}-", f"J-{olt.name}.")
            found.update(dict(reader.execute(_STATES, span).fetchall()))
    return found
