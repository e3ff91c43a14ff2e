"""One job after another on one customer's service, from the same beginning each time, to be disturbed and compared.

A stage holds the elements; a play is one job on them, in a database of its own. What a play ends with is compared with
what the same job ends with undisturbed: the configuration byte for byte, the service, its devices, and what was told.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from drivers.access import COMPARED, Levels, PresentDevice, WantedAccess
from drivers.base import Driver
from drivers.errors import Busy
from drivers.netconf_bbf import NetconfBbfDriver
from pon.onu import Presence as OnuPresence
from tests.contract.bbf_harness import NetconfBbfHarness
from tests.contract.harness import RPC_TIMEOUT_S, ElementHarness
from tests.integration.provisioning.network import LEASE, PATIENT, QUICK, Clock, Network, at_work, until
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, JobBody, LocationBody
from ztpd.domain.planning import wanted_access
from ztpd.domain.profile import OpticalLimits, Parameter, Profile, Range, Speed, Vlan, Wan
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.olt import LabOltSettings, lab_olt
from ztpd.provisioning.policy import RetryPolicy
from ztpd.provisioning.provisioner import Provisioner
from ztpd.store import attempts, orders, sightings
from ztpd.store.store import Context, open_store

PROFILE, OTHER_PROFILE = "as-ordered", "slower"
HOME, NEW_HOME, NEXT_DOOR = "LOC-1", "LOC-2", "LOC-3"
"""Where the service is; a place on another element; a place on another port of the same element."""

ENDS = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.HELD, JobState.CANCELLED})
GOOD_LIGHT = (-18.5, -20.3)
_VOUCHED = frozenset(COMPARED) | frozenset(Levels.__slots__)
_CPE_MAC = "00:25:9e:00:00:0{}"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of play: what is ordered, on what, and what happens in the house meanwhile.

    ``before`` are the orders that make the service what it has to be. ``device`` and ``port`` say what is plugged in
    where, by number, when the job begins; ``on`` is the element of that, by number.
    """

    name: str
    order: Mapping[str, Any]
    before: tuple[Mapping[str, Any], ...] = ()
    device: int = 0
    port: int = 0
    on: int = 0
    lost: bool = False
    """Somebody took away by hand what was configured."""

    @property
    def moves(self) -> bool:
        return (self.device, self.port, self.on) != (0, 0, 0)


_SUSPEND = {"kind": "suspend"}
INSTALL = Kind("install", {"kind": "install", "location": HOME, "profile": PROFILE})
KINDS = {
    each.name: each
    for each in (
        INSTALL,
        Kind("change", {"kind": "change", "profile": OTHER_PROFILE}),
        Kind("suspend", _SUSPEND),
        Kind("resume", {"kind": "resume"}, before=(_SUSPEND,)),
        Kind("change-suspended", {"kind": "change", "profile": OTHER_PROFILE}, before=(_SUSPEND,)),
        Kind("repair", {"kind": "repair"}, lost=True),
        Kind("terminate", {"kind": "terminate"}),
        Kind("swap", {"kind": "swap"}, device=1),
        Kind("move-port", {"kind": "move", "location": NEXT_DOOR}, port=1),
        Kind("move-element", {"kind": "move", "location": NEW_HOME}, on=1),
        Kind("move-suspended", {"kind": "move", "location": NEW_HOME}, before=(_SUSPEND,), on=1),
        Kind("move-and-swap", {"kind": "move", "location": NEW_HOME}, device=1, on=1),
    )
}


@dataclass(frozen=True, slots=True)
class End:
    """What a play came to."""

    state: str
    codes: tuple[str, ...]
    service: Mapping[str, Any]
    devices: tuple[tuple[str, str, str | None], ...]
    told: tuple[str, ...]
    confirmed: int
    evidence: tuple[str, ...]
    completed: int
    configurations: tuple[Any, ...]


class Olt(NetconfBbfHarness):
    """A lab OLT by a name of its own, that can hang at any RPC."""

    def __init__(self, lab: Any, name: str) -> None:
        super().__init__(lab)
        self.name = name

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        made = super().driver(password=password, rpc_timeout_s=rpc_timeout_s)
        assert isinstance(made, NetconfBbfDriver)
        return NetconfBbfDriver(replace(made._settings, name=self.name))

    def hang_at(self, nth: int) -> None:
        """Leave the n-th RPC from now, and all later ones, without an answer."""
        self._lab.olt.faults.hang_after = nth - 1


@asynccontextmanager
async def olt(name: str) -> AsyncIterator[Olt]:
    async with lab_olt(LabOltSettings(ports=2)) as lab:
        yield Olt(lab, name)


@dataclass(slots=True)
class Stage:
    """Elements and what is needed to play on them; ``keepers`` are drivers of the test's own."""

    elements: list[ElementHarness]
    drivers: list[Driver]
    keepers: list[Driver]
    technology: str
    empty: Path
    folder: Path
    clock: Clock = field(default_factory=Clock)
    plays: int = 0
    prepared: dict[str, Path] = field(default_factory=dict)

    @property
    def wanted(self) -> WantedAccess:
        return self.elements[0].wanted(0)

    @property
    def profiles(self) -> dict[str, Profile]:
        wanted = self.wanted
        light = Range(minimum=-30.0, maximum=-8.0)
        c_vlan = Parameter(type="integer", minimum=2, maximum=4094, default=wanted.c_vlan)
        ordered = Profile(
            name=PROFILE,
            version=1,
            technologies=(self.technology,),
            speed=Speed(downstream_mbps=1000, upstream_mbps=500, assured_upstream_mbps=50),
            vlan=Vlan(s_vlan=wanted.s_vlan, c_vlan=wanted.c_vlan and "$c_vlan") if wanted.s_vlan else None,
            parameters={} if wanted.c_vlan is None else {"c_vlan": c_vlan},
            wan=Wan(address=wanted.address, ppp_user=wanted.ppp_user, ppp_password=wanted.ppp_password),
            optics=OpticalLimits(onu_rx_dbm=light, olt_rx_dbm=light) if self.technology == "pon" else None,
            completion={"required": False},
        )
        slower = Speed(downstream_mbps=100, upstream_mbps=50)
        return {PROFILE: ordered, OTHER_PROFILE: ordered.model_copy(update={"name": OTHER_PROFILE, "speed": slower})}

    def device(self, number: int) -> AllocatedDevice:
        if self.technology == "pon":
            return AllocatedDevice(role="ont", serial=self.elements[0].wanted(number).device)
        mac = self.elements[0].wanted(number).device if self.technology == "wireless" else _CPE_MAC.format(number)
        return AllocatedDevice(role="cpe", mac=mac)

    def known_as(self, number: int, port: str) -> str:
        """The element's name of the n-th device."""
        return port if self.technology == "ethernet" else self.elements[0].wanted(number).device

    def place(self, location: str) -> tuple[int, str]:
        """The element, by number, and the port of a location."""
        on = 1 if location == NEW_HOME else 0
        return on, self.elements[on].ports[1 if location == NEXT_DOOR else 0]

    def plug(self, number: int, on: int, port: int) -> None:
        element = self.elements[on]
        element.plug(self.known_as(number, element.ports[port]), element.ports[port], *GOOD_LIGHT)

    def body(self, order: Mapping[str, Any], device: int | None) -> JobBody:
        given = {} if device is None else {"devices": [self.device(device)]}
        return JobBody.model_validate({"service": "SVC-1", "account": "ACC-1", **order, **given})

    @asynccontextmanager
    async def opened(self, begin: Path) -> AsyncIterator[Network]:
        """A copy of a database, opened."""
        self.plays += 1
        file = Path(shutil.copy(begin, self.folder / f"play-{self.plays}.db"))
        ids = iter(f"evt_{self.plays}_{n}" for n in range(10_000))
        context = Context(self.clock, self.profiles, lambda event_type: (), lambda: next(ids))
        async with open_store(f"sqlite:///{file}", context, self._pass_point) as store, AsyncExitStack() as power:
            yield Network(store, self.clock, self.folder, power)
        for left in self.folder.glob(f"{file.name}*"):
            left.unlink()

    pass_point: Callable[[str], None] = lambda point: None

    def _pass_point(self, point: str) -> None:
        self.pass_point(point)

    async def ready(self, kind: Kind) -> Path:
        """A database in which the service is what the kind needs; made once."""
        if kind.name not in self.prepared:
            begin = self.folder / f"{kind.name}.db"
            await self._prepare(kind, begin)
            self.prepared[kind.name] = begin
        return self.prepared[kind.name]

    async def _prepare(self, kind: Kind, begin: Path) -> None:
        for element in self.elements:
            element.reset()
        async with self.opened(self.empty) as net:
            for location in (HOME, NEXT_DOOR, *([NEW_HOME] if len(self.elements) > 1 else [])):
                on, port = self.place(location)
                access = Access(technology=self.technology, element=self.drivers[on].name, port=port)
                await net.store.commit(orders.put_location, location, LocationBody(address="here", access=access))
            if kind is not INSTALL:
                self.plug(0, 0, 0)
                async with at_work(self.provisioner(net).run):
                    for n, order in enumerate([INSTALL.order, *kind.before]):
                        await self.order(net, f"B-{n}", order, 0 if n == 0 else None)
                        await self.heard(net, 0, 0, 0)
                        await net.reaches(JobState.COMPLETED, f"B-{n}")
            # One file holds everything once the last connection is closed.
            file = self.folder / f"play-{self.plays}.db"
            # The file is gone with its block: copied from within it.
            await net.store.close()
            shutil.copy(file, begin)

    def provisioner(self, net: Network, *drivers: Driver, **others: Any) -> Provisioner:
        used = drivers or tuple(self.drivers)
        vouched = {driver.name: _VOUCHED for driver in used}
        given: dict[str, Any] = {"lease": LEASE, "pace": PATIENT, "policy": QUICK, "random": Random(1), **others}
        named = {driver.name: driver for driver in used}
        return Provisioner(net.store, named, now=self.clock, elapsed=monotonic, vouched=vouched, **given)

    async def order(self, net: Network, id_: str, order: Mapping[str, Any], device: int | None) -> None:
        await net.store.commit(orders.put_job, id_, self.body(order, device))

    async def heard(self, net: Network, number: int, on: int, port: int, *, absent: bool = False) -> None:
        """A device is heard where it is now, or gone from there."""
        element, name = self.elements[on], self.drivers[on].name
        if self.technology == "pon":
            presence = OnuPresence.ABSENT if absent else OnuPresence.UNKNOWN
            onu = PresentDevice(element.ports[port], self.known_as(number, ""), presence)
            await net.store.commit(sightings.record_announcement, name, onu, self.clock())
            return
        if absent:
            return
        mac = self.device(number).mac
        heard = Sighting(Source.DHCP, self.clock(), element=name, port=element.ports[port], mac=mac)
        await net.store.commit(sightings.record_sighting, heard)

    async def begin(self, kind: Kind) -> None:
        """The elements as they are when the job of a kind begins."""
        for element in self.elements:
            element.recover()
            element.reset()
        standing = kind is not INSTALL and not kind.lost
        if standing:
            enabled = all(order["kind"] != "suspend" for order in kind.before)
            on, port = self.place(HOME)
            access = Access(technology=self.technology, element=self.drivers[on].name, port=port)
            body = self.body(INSTALL.order, 0)
            location = LocationBody(address="here", access=access)
            wanted = wanted_access(body, location, self.profiles[PROFILE], enabled=enabled)
            await _apply(self.keepers[0], wanted)
        self.plug(kind.device, kind.on, kind.port)

    async def end(self, net: Network, job: str) -> End:
        found = await net.job(job)
        service = await net.store.read(lambda reader: reader.service("SVC-1"))
        rows = await net.store.read(lambda reader: reader.events(0, 10_000))
        told = [(row["type"], row["job"]) for row in rows]
        devices = await net.store.read(lambda reader: reader.devices(0, 100, None))
        assert service is not None
        return End(
            found["state"],
            tuple(failure["code"] for failure in found["failures"]),
            {name: service[name] for name in ("state", "location", "profile")},
            tuple((_named(device), device["state"], device["service"]) for device in devices),
            tuple(type_ for type_, of in told if type_.startswith("service.") and of == job),
            told.count(("job.network-confirmed", job)),
            tuple(await net.evidence(job)),
            told.count(("job.completed", job)),
            tuple(element.configuration() for element in self.elements),
        )

    @asynccontextmanager
    async def played(self, kind: Kind) -> AsyncIterator[Network]:
        """A job of a kind, ordered and due, that nobody works on yet: it is ``J``."""
        begin = await self.ready(kind)
        await self.begin(kind)
        async with self.opened(begin) as net:
            device = 0 if kind is INSTALL else kind.device or None
            await self.order(net, "J", kind.order, device)
            if kind.moves or kind is INSTALL:
                await self.heard(net, 0, 0, 0, absent=True)
                await self.heard(net, kind.device, kind.on, kind.port)
            assert (await net.job("J"))["state"] == JobState.DISCOVERED, await net.job("J")
            yield net

    async def ends(self, net: Network, job: str = "J") -> End:
        """What a job comes to, once it has come to an end."""
        await until(lambda: net.job(job), lambda found: found["state"] in ENDS, f"{job} should end")
        return await self.end(net, job)

    async def undisturbed(self, kind: Kind) -> tuple[End, list[int]]:
        """What a job of a kind comes to, and how many requests it takes of each element."""
        async with self.played(kind) as net:
            for driver in self.drivers:
                await driver.capabilities()
            before = [element.requests() for element in self.elements]
            async with at_work(self.provisioner(net).run):
                end = await self.ends(net)
            requests = [element.requests() - n for element, n in zip(self.elements, before, strict=True)]
        assert (end.state, end.confirmed, end.completed) == (JobState.COMPLETED, 1, 1)
        return end, requests

    async def close(self) -> None:
        for driver in (*self.drivers, *self.keepers):
            await driver.close()


def _named(device: Mapping[str, Any]) -> str:
    return " ".join(sorted(name["value"] for name in device["names"]))


async def _apply(driver: Driver, wanted: WantedAccess) -> None:
    """Configure by hand; an element may hold a lost session's lock until it has noticed the loss."""

    async def applied() -> bool:
        try:
            outcomes = await driver.apply(await driver.plan([wanted]))
        except Busy:
            return False
        assert [outcome.error for outcome in outcomes] == [None]
        return True

    await until(applied, bool, "the beginning is configured")


async def set_up(elements: list[ElementHarness], empty: Path, folder: Path) -> Stage:
    """A stage with these elements, whose drivers have names of their own."""
    drivers, keepers = ([element.driver() for element in elements] for _ in range(2))
    technology = min((await drivers[0].capabilities()).technologies)
    return Stage(elements, drivers, keepers, technology, empty, folder)


async def let_go(net: Network) -> None:
    """What a node does first when it is started anew."""
    await net.store.commit(attempts.release_claims, LEASE.owner)


@dataclass(frozen=True, slots=True)
class OnlyWhenBack(RetryPolicy):
    """What failed because the element did not answer is not tried again by itself, not before tomorrow."""

    def retry_at(self, failure: Failure, attempt: int, now: datetime, random: Random) -> datetime | None:
        if failure.code is Code.ELEMENT_UNREACHABLE:
            return now + timedelta(days=1)
        return QUICK.retry_at(failure, attempt, now, random)
