"""A small access network: lab OLTs that can be cut off, their drivers, a store, and a clock the test moves."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, TypeVar

from drivers.access import PresentDevice
from drivers.base import Driver
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from pon.onu import Presence
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, JobBody, LocationBody
from ztpd.domain.profile import Profile
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt
from ztpd.lab.olt.lab import GOOD_ONU_RX_DBM
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.policy import RetryPolicy
from ztpd.provisioning.provisioner import Provisioner
from ztpd.store import attempts, orders, sightings
from ztpd.store.attempts import Lease
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import Transaction

T = TypeVar("T")

PORT, OTHER_PORT = "1/1/1", "1/1/2"
SERIAL = "HWTC1A2B3C4D"
CPE = AllocatedDevice(role="cpe", oui="00259E", serial="485754431A2B3C4D")
LEASE = Lease("node-1", timedelta(seconds=60))
SHORT = Pace(
    poll_s=0.05,
    verify_timeout_s=0.3,
    verify_poll_s=0.02,
    store_pause_s=0.05,
    probe_first_s=0.02,
    probe_longest_s=0.2,
)
PATIENT = replace(SHORT, verify_timeout_s=30.0)
QUICK = RetryPolicy(attempts=20, first_s=0.05, longest_s=0.4)
DEADLINE_S = 20.0


@dataclass(slots=True)
class Clock:
    """Wall-clock time: it goes on by itself, and further when the test says so."""

    began: float = field(default_factory=monotonic)
    stopped: float | None = None
    skipped: timedelta = timedelta()

    def __call__(self) -> datetime:
        passed = (monotonic() if self.stopped is None else self.stopped) - self.began
        return datetime(2026, 3, 1, 8, 0, tzinfo=UTC) + timedelta(seconds=passed) + self.skipped

    def stop(self) -> None:
        """From now on time passes only by ``skip``."""
        self.stopped = monotonic()

    def skip(self, **time: float) -> None:
        self.skipped += timedelta(**time)


async def until(look: Callable[[], Awaitable[T]], is_so: Callable[[T], bool], what: str) -> T:
    """Look again until it is so; fails after a while, with what was seen last."""
    found = await look()
    deadline = monotonic() + DEADLINE_S
    while not is_so(found):
        assert monotonic() < deadline, f"{what}: {found}"
        await asyncio.sleep(0.01)
        found = await look()
    return found


async def happens(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so."""

    async def look() -> bool:
        return bool(is_so())

    await until(look, bool, what)


@dataclass(slots=True)
class Element:
    """One OLT, which may be switched off and on again at the same address with the same host key."""

    name: str
    settings: LabOltSettings
    lab: LabOlt
    power: AsyncExitStack

    @property
    def writes(self) -> int:
        return self.lab.olt.writes

    @property
    def rpcs(self) -> Mapping[str, int]:
        return self.lab.olt.rpcs

    def plug(self, number: int = 1, port: str = PORT, onu_rx_dbm: float = GOOD_ONU_RX_DBM) -> None:
        self.lab.plug(serial_of(number), port, onu_rx_dbm=onu_rx_dbm)

    async def switch_off(self) -> None:
        await self.power.aclose()

    async def switch_on(self) -> None:
        """As it comes: what was configured and plugged in is forgotten."""
        self.lab = await self.power.enter_async_context(lab_olt(self.settings))

    def reached_by(self, **settings: Any) -> NetconfBbfSettings:
        """What a driver needs to reach it, patient unless said otherwise."""
        given = {"port": self.settings.netconf_port, "rpc_timeout_s": 10.0, "commit_timeout_s": 10.0, **settings}
        return NetconfBbfSettings(
            name=self.name,
            host="127.0.0.1",
            username="ztpd",
            password="ztpd",
            host_key=self.lab.host_public_key,
            uplink="uplink-1",
            **given,
        )


def serial_of(number: int) -> str:
    """The serial of the n-th customer's ONT."""
    return SERIAL if number == 1 else f"ALCL{number:08X}"


@dataclass(slots=True)
class Network:
    """Everything of one operator."""

    store: Store
    clock: Clock
    folder: Path
    power: AsyncExitStack
    olts: dict[str, Element] = field(default_factory=dict)

    async def olt(self, name: str = "olt-1", **settings: Any) -> Element:
        """Another OLT, switched on."""
        key_file = self.folder / f"{name}.key"
        power = await self.power.enter_async_context(AsyncExitStack())
        lab = await power.enter_async_context(lab_olt(LabOltSettings(ports=2, host_key_file=key_file, **settings)))
        again = LabOltSettings(ports=2, host_key_file=key_file, netconf_port=lab.netconf_port, **settings)
        self.olts[name] = Element(name, again, lab, power)
        return self.olts[name]

    async def driver(
        self, element: Element, kind: type[NetconfBbfDriver] = NetconfBbfDriver, **settings: Any
    ) -> NetconfBbfDriver:
        """A driver for the element, closed at the end."""
        made = kind(element.reached_by(**settings))
        self.power.push_async_callback(made.close)
        return made

    def provisioner(self, *drivers: Driver, lease: Lease = LEASE, pace: Pace = SHORT, **others: Any) -> Provisioner:
        named = {driver.name: driver for driver in drivers}
        given = {"policy": QUICK, "random": Random(1), **others}
        return Provisioner(self.store, named, lease, self.clock, monotonic, pace=pace, **given)

    async def order(self, number: int = 1, element: str = "olt-1", port: str = PORT, **others: Any) -> str:
        """An installation for the n-th customer: ``SVC-n`` at ``LOC-n`` by job ``J-n``."""
        access = Access(technology="pon", element=element, port=port)
        await self.store.commit(orders.put_location, f"LOC-{number}", LocationBody(address="here", access=access))
        body = {
            "kind": "install",
            "service": f"SVC-{number}",
            "account": "ACC-1",
            "location": f"LOC-{number}",
            "profile": "residential-1g",
            "parameters": {"c_vlan": 300 + number, "wifi_ssid": "home", "wifi_passphrase": "correct horse"},
            "devices": [AllocatedDevice(role="ont", serial=serial_of(number))],
            **others,
        }
        await self.store.commit(orders.put_job, f"J-{number}", JobBody.model_validate(body))
        return f"J-{number}"

    async def announce(self, number: int = 1, element: str = "olt-1", port: str = PORT) -> None:
        """The element announces the n-th customer's ONT."""
        onu = PresentDevice(port, serial_of(number), Presence.UNKNOWN, "present")
        await self.store.commit(sightings.record_announcement, element, onu, self.clock())

    async def gone(self, number: int = 1, element: str = "olt-1", port: str = PORT) -> None:
        """The element tells that the n-th customer's ONT went away."""
        onu = PresentDevice(port, serial_of(number), Presence.ABSENT, "gone")
        await self.store.commit(sightings.record_announcement, element, onu, self.clock())

    async def due(self, *numbers: int, element: str = "olt-1", **others: Any) -> None:
        """Orders whose device was just heard where it should be."""
        for number in numbers:
            await self.order(number, element, **others)
            await self.announce(number, element)

    async def job(self, id_: str = "J-1") -> dict[str, Any]:
        found = await self.store.read(lambda reader: reader.job(id_))
        assert found is not None
        return found

    async def reaches(self, state: JobState, id_: str = "J-1") -> dict[str, Any]:
        """The job, once it is in a state."""
        return await until(lambda: self.job(id_), lambda job: job["state"] == state, f"{id_} should be {state}")

    async def confirmed(self, *numbers: int) -> None:
        """The network of these jobs works, and evidence is owed."""
        for number in numbers:
            await self.reaches(JobState.AWAITING_COMPLETION, f"J-{number}")

    async def lease_left(self, job: str = "J-1") -> timedelta:
        """How long the job's lease holds from now on."""
        until_text = await self.store.commit(_lease_until, job)
        return datetime.fromisoformat(until_text) - self.clock()

    async def codes(self, id_: str = "J-1") -> list[str]:
        return [failure["code"] for failure in (await self.job(id_))["failures"]]

    async def events(self, type_: str, job: str = "J-1") -> list[dict[str, Any]]:
        """What the events of one type say of a job, oldest first."""
        rows = await self.store.read(lambda reader: reader.events(0, 10_000))
        return [json.loads(row["data"]) for row in rows if (row["type"], row["job"]) == (type_, job)]

    async def put_off(self, code: str, job: str = "J-1") -> list[dict[str, Any]]:
        """The events that say that the job was put off for this reason."""
        return [
            event
            for event in await self.events("job.discovered", job)
            if code in [failure["code"] for failure in event["failures"]]
        ]

    async def evidence(self, job: str = "J-1") -> list[str]:
        return [each["kind"] for each in await self.store.read(lambda reader: reader.evidence(job))]

    async def confirmed_once(self, job: str = "J-1") -> bool:
        told = await self.events("job.network-confirmed", job)
        return (len(told), await self.evidence(job)) == (1, ["network"])

    async def start_anew(self, owner: str = LEASE.owner) -> None:
        """What a node does first: it lets go of what it held before."""
        await self.store.commit(attempts.release_claims, owner)


def _lease_until(tx: Transaction, job: str) -> str:
    return str(tx.job(job).row["lease_until"])


@asynccontextmanager
async def network(url: str, folder: Path, profile: Profile) -> AsyncIterator[Network]:
    """A network without elements on a database."""
    clock, ids = Clock(), itertools.count()
    context = Context(clock, {profile.name: profile}, lambda event_type: (), lambda: f"evt_{next(ids)}")
    async with open_store(url, context) as store, AsyncExitStack() as power:
        yield Network(store, clock, folder, power)


@asynccontextmanager
async def at_work(service: Callable[[], Awaitable[None]]) -> AsyncIterator[asyncio.Task[None]]:
    """Run a service while the block does; it may end before only if the test cancelled it."""

    async def run() -> None:
        await service()

    task = asyncio.create_task(run())
    try:
        yield task
        assert task.cancelling() or not task.done(), "the service ended by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
