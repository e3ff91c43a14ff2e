"""The daemon: its parts are opened, bound and started in order, and stop in the reverse one."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

import structlog

from billing_hooks.lane import Seams
from drivers.base import Driver
from ztpd import parts
from ztpd.acs.contract import Core
from ztpd.acs.server import AcsServer
from ztpd.api.app import make_app
from ztpd.api.contract import READY, ApiContext, Element
from ztpd.api.server import serve
from ztpd.config import Configuration
from ztpd.discovery.direct import at_own_interface
from ztpd.discovery.inbox import Inbox
from ztpd.domain.sighting import Sighting
from ztpd.ears import Ears
from ztpd.filing import Filing
from ztpd.informing import Informing
from ztpd.listeners import Listeners
from ztpd.listening import bind
from ztpd.metrics import Metrics
from ztpd.nudging import nudging
from ztpd.provisioning.adoption import Adopter
from ztpd.provisioning.by_hand import ByHand
from ztpd.provisioning.provisioner import Provisioner
from ztpd.provisioning.shadow import ShadowLane
from ztpd.sending import Sending
from ztpd.services import Service, running, until_or_ended
from ztpd.store import attempts, cpe_handover, orders, sightings
from ztpd.store.attempts import Lease
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import no_management
from ztpd.waking import waking

log = structlog.get_logger()

STOP_GRACE_S = 3.2
"""How long one service may take to stop: the sender drains its posts and records their answers in it."""


def utc_now() -> datetime:
    """The moment, aware."""
    return datetime.now(UTC)


def event_ids() -> Callable[[], str]:
    """A source of ids that no other event has, on any node.

    Unique, not secret: seeded by the system once, for asking it each time costs a tenth of a transition. Each daemon
    makes its own, so that processes forked from one do not repeat each other.
    """
    draw = Random(secrets.randbits(256))  # noqa: S311
    return lambda: f"evt_{draw.getrandbits(96):024x}"


@dataclass(frozen=True, slots=True)
class Tell:
    """What the daemon calls: ``ready`` when every socket is bound, ``stopping`` when it begins to end, however."""

    ready: Callable[[], None]
    stopping: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the parts share once the store is open."""

    configuration: Configuration
    store: Store
    lease: Lease
    drivers: dict[str, Driver]
    elements: dict[str, Element]
    metrics: Metrics
    random: Random
    pass_point: Callable[[str], None]
    readiness: dict[str, str] = field(default_factory=lambda: {"services": "starting"})
    asked: dict[str, asyncio.Event] = field(default_factory=dict)
    """By element: set to have its list read now."""
    changed: dict[str, asyncio.Event] = field(default_factory=dict)
    """By element: set when something was heard of it, to have decisions on it looked at."""
    own_interfaces: dict[str, str] = field(default_factory=dict)
    """The element that subscribers end at, by interface of this machine."""

    @property
    def origin(self) -> str:
        """What events name as their source (CloudEvents ``source``)."""
        return f"ztpd/{self.configuration.settings.node.name}"

    async def keep(self, sighting: Sighting) -> object:
        """Commit a sighting."""
        return await self.store.commit(sightings.record_sighting, at_own_interface(sighting, self.own_interfaces))

    def sending(self) -> Sending:
        """Delivers what the store keeps."""
        seams = Seams(now=utc_now, rng=self.random, crash_point=self.pass_point)
        return Sending(
            self.store, parts.endpoints(self.configuration), self.lease.owner, self.origin, self.metrics, seams
        )

    def provisioner(self) -> Provisioner:
        """Works on claimed jobs."""
        return Provisioner(
            store=self.store,
            drivers={name: driver for name, driver in self.drivers.items() if self.elements[name].mode == "active"},
            lease=self.lease,
            now=utc_now,
            elapsed=time.monotonic,
            random=self.random,
            pace=parts.pace(self.configuration),
            policy=parts.retry_policy(self.configuration),
            vouched=parts.vouched(self.configuration),
            per_minute=parts.per_minute(self.configuration),
            pass_point=self.pass_point,
            report=self._attempt_ended,
            report_away=self._element_away,
        )

    def _element_away(self, element: str, away: bool) -> None:
        self.metrics.element_away.labels(element).set(away)

    def shadow_lanes(self) -> list[ShadowLane]:
        """Decides on the elements that another tool configures, and writes nothing."""
        section, pace = self.configuration.settings.discovery, parts.pace(self.configuration)

        def up_to(seconds: float) -> float:
            return seconds * (1 - self.random.random() / 2)

        return [
            ShadowLane(
                name,
                driver,
                self.store,
                pace,
                partial(up_to, section.poll_s),
                partial(up_to, section.reconnect_s),
                self.changed[name],
            )
            for name, driver in self.drivers.items()
            if self.elements[name].mode == "shadow"
        ]

    def adopter(self) -> Adopter:
        """Takes over what others configured."""
        return Adopter(self.store, self.drivers, self._serves)

    def _serves(self, element: str) -> frozenset[str]:
        return self.elements[element].technologies if element in self.elements else frozenset()

    def _attempt_ended(self, element: str, outcome: str, seconds: float) -> None:
        self.metrics.attempts.labels(element, outcome).inc()
        self.metrics.attempt_seconds.labels(element).observe(seconds)

    def __post_init__(self) -> None:
        self.own_interfaces.update(parts.own_interfaces(self.configuration))
        for element, shown in list(self.elements.items()):
            self._element_up(element, False)
            self.metrics.element_mode.labels(element, shown.mode).set(1)
            self.asked[element] = asyncio.Event()
            self.changed[element] = asyncio.Event()

    def nudge(self, element: str) -> None:
        """Have an element's list read soon: something hinted that it changed. Unknown elements have none."""
        if element in self.asked:
            self.asked[element].set()

    def _element_up(self, element: str, up: bool) -> None:
        self.elements[element] = replace(self.elements[element], up=up)
        self.metrics.element_up.labels(element).set(up)

    def hint_ended(self, source: str, outcome: str) -> None:
        """Count what became of a hint."""
        self.metrics.hints.labels(source, outcome).inc()

    def _sighted(self, source: str, outcome: str, count: int = 1) -> None:
        self.metrics.sightings.labels(source, outcome).inc(count)

    def listeners(self) -> Listeners:
        """What hears the elements."""
        return Listeners(
            self.store,
            self.configuration.settings.discovery,
            utc_now,
            self.random,
            self.asked,
            self._sighted,
            self._has_ports,
            self._element_up,
            lambda element: self.changed[element].set(),
        )

    def _has_ports(self, element: str, ports: frozenset[str]) -> None:
        self.elements[element] = replace(self.elements[element], ports=ports)

    def core(self) -> Core:
        """What the ACS asks and tells."""
        acs, files = self.configuration.settings.acs, parts.files(self.configuration)
        same_place = acs is not None and acs.rebootstrap == "same-place"
        url = "" if files is None else files.url
        return Informing(self.store, utc_now, self._sighted, self._session, same_place, url).core()

    def filing(self) -> Filing | None:
        """Files to and from CPEs; None when there are none."""
        settings = parts.files(self.configuration)
        return None if settings is None else Filing(self.store, settings, self._filed)

    def waking_ended(self, reached: str) -> None:
        """Count how far a connection request got."""
        self.metrics.connection_requests.labels(reached).inc()

    def _filed(self, outcome: str) -> None:
        self.metrics.cpe_files.labels(outcome).inc()

    def _session(self, outcome: str) -> None:
        self.metrics.acs_sessions.labels(outcome).inc()

    def working(self, inbox: Inbox) -> list[Service]:
        """What acts, in the order it starts."""
        filing = self.filing()
        return [
            Service("sender", self.sending().run),
            Service("provisioner", self.provisioner().run),
            Service("shadow", partial(_together, [lane.run for lane in self.shadow_lanes()])),
            *(() if filing is None else (Service("files", filing.run),)),
            Service("inbox", inbox.run),
            Service("elements", partial(_together, list(self._listening(self.listeners())))),
        ]

    def _listening(self, listeners: Listeners) -> Iterator[Callable[[], Coroutine[Any, Any, None]]]:
        """What hears each element, by what it can tell."""
        neighbours = parts.listing_neighbours(self.drivers)
        for name, driver in self.drivers.items():
            served = self.elements[name].technologies
            if "pon" in served:
                yield listeners.pon(driver).run
            elif name in neighbours:
                yield listeners.neighbours(neighbours[name]).run
            elif "wireless" in served:
                yield listeners.stations(driver).run
            else:
                yield listeners.presence(driver).run

    def sighting_ended(self, sighting: Sighting, outcome: str) -> None:
        """Count what became of a sighting."""
        self._sighted(sighting.source.value, outcome)

    def ears(self) -> Ears:
        """What hears devices without asking an element."""
        return Ears(self.configuration, self.keep, self._sighted, self.nudge, utc_now, self.random)


async def _together(runs: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Run all until cancelled, and stop all at the same time: one that is slow to stop holds up no other."""
    async with asyncio.TaskGroup() as group:
        for run_one in runs:
            group.create_task(run_one())
        await asyncio.Event().wait()


async def run(
    configuration: Configuration,
    stop: asyncio.Event,
    tell: Tell,
    pass_point: Callable[[str], None] = lambda point: None,
) -> None:
    """Run the daemon until ``stop`` is set or a service ends.

    Raises ``ConfigError``, ``StoreUnavailable``, ``SchemaTooNew``, ``CannotListen`` and ``ServiceEnded``.
    """
    parts.require(configuration)
    routes = parts.routes(parts.endpoints(configuration))
    claims = configuration.settings.discovery.registration_ids == "claimed-once"
    own, handover = parts.device_secrets(configuration), parts.handover(configuration)
    management = no_management if own is None else own.management
    profiles = parts.stocked_profiles(configuration)
    context = Context(utc_now, profiles, routes, event_ids(), claims, management, handover)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(configuration.settings.store.url, context, pass_point))
        calls = parts.call_home(configuration)
        daemon = Daemon(
            configuration,
            store,
            parts.lease(configuration),
            parts.drivers(configuration, calls),
            _elements(configuration),
            Metrics(),
            # Jitter only; nothing secret is drawn from it.
            Random(),  # noqa: S311
            pass_point,
        )
        await _recover(daemon)
        section = configuration.settings.call_home
        if calls is not None and section is not None:
            await bind("call_home", section.host, section.port, calls.start())
            stack.push_async_callback(calls.stop)
        stack.push_async_callback(_part, list(daemon.drivers.values()))
        acs = await _serve(daemon, stack)
        nudged_by = await stack.enter_async_context(nudging(configuration, daemon.nudge, daemon.hint_ended))
        woken_by = await stack.enter_async_context(
            waking(configuration, store, utc_now, lambda cpe: acs is not None and acs.talks(cpe), daemon.waking_ended)
        )
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        inbox = Inbox(daemon.keep, report=daemon.sighting_ended)
        ears = daemon.ears()
        hearing = ears.on_sockets(inbox)
        services = [
            *daemon.working(inbox),
            *ears.over_mqtt(),
            *(service for service, _ in hearing),
            *nudged_by,
            *woken_by,
        ]
        await stack.enter_async_context(running(services, ended, STOP_GRACE_S))
        for _, bound in hearing:
            await until_or_ended(bound, ended)
        daemon.readiness["services"] = READY
        tell.ready()
        try:
            await until_or_ended(stop, ended)
        finally:
            tell.stopping()


def _elements(configuration: Configuration) -> dict[str, Element]:
    """Every element as the API knows it, its ports not yet where it has to be asked for them."""
    remarks, ports = parts.remarks(configuration), parts.access_interfaces(configuration)
    return {
        each.name: Element(
            parts.TECHNOLOGIES[each.driver],
            ports.get(each.name),
            vlans_behind=each.name in ports,
            mode=each.mode,
            remark=remarks.get(each.name, ""),
            driver=each.driver,
        )
        for each in configuration.settings.elements
    }


async def _recover(daemon: Daemon) -> None:
    """Take up what an earlier run of this node left behind, and what new profiles make possible."""
    await daemon.store.commit(attempts.release_claims, daemon.lease.owner)
    await daemon.store.commit(sightings.keep_elements, daemon.elements.keys())
    await daemon.store.commit(orders.settle_held)
    await daemon.store.commit(cpe_handover.wait_anew)
    await daemon.adopter().restore()


async def _part(elements: Iterable[Driver]) -> None:
    """End every element's session at the same time."""
    await asyncio.gather(*(element.close() for element in elements))


async def _serve(daemon: Daemon, stack: AsyncExitStack) -> AcsServer | None:
    """Bind the API and the ACS, and return that; raises ``CannotListen``."""
    configuration = daemon.configuration
    app = make_app(
        ApiContext(
            store=daemon.store,
            now=utc_now,
            tokens=tuple(parts.tokens(configuration)),
            elements=daemon.elements,
            endpoints=frozenset(endpoint.name for endpoint in configuration.settings.endpoints),
            origin=daemon.origin,
            readiness=lambda: daemon.readiness,
            metrics=daemon.metrics,
            hands=ByHand(daemon.store, daemon.drivers),
            adopter=daemon.adopter(),
            hosts=frozenset(configuration.settings.api.hosts),
            files=parts.files(configuration),
        )
    )
    api = configuration.settings.api
    await bind("api", api.host, api.port, stack.enter_async_context(serve(app, api.host, api.port)))
    acs = parts.acs(configuration)
    if acs is None:
        return None
    filing = daemon.filing()
    files = None if filing is None else await filing.server()
    server = AcsServer(acs, daemon.core(), files=files)
    await bind("acs", acs.host, acs.port, stack.enter_async_context(server))
    for number, listener in enumerate(acs.listeners):
        await bind(f"acs.listeners.{number}", listener.host, listener.port, server.listen(listener))
    return server
