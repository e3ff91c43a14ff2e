"""What hears devices without asking an element: DHCP on the wire, local helpers, and announcements over MQTT."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import Protocol

from ztpd import parts
from ztpd.config import Configuration
from ztpd.discovery.dhcp import DhcpEar, Repeats
from ztpd.discovery.hearing import hear, or_forgotten
from ztpd.discovery.inbox import GROUP, Inbox
from ztpd.discovery.intake import intake
from ztpd.discovery.mqtt import MqttSource
from ztpd.domain.sighting import Sighting, Source
from ztpd.services import Service


class Sighted(Protocol):
    """Counts what became of sightings of a source."""

    def __call__(self, source: str, outcome: str, count: int = 1) -> None: ...


@dataclass(frozen=True, slots=True)
class Ears:
    """What they share: ``keep`` commits a sighting, ``nudge`` has an element's list read soon."""

    configuration: Configuration
    keep: Callable[[Sighting], Awaitable[object]]
    sighted: Sighted
    nudge: Callable[[str], None]
    now: Callable[[], datetime]
    random: Random

    def on_sockets(self, inbox: Inbox) -> list[tuple[Service, asyncio.Event]]:
        """What hears on a socket of this machine, each with an event that is set once it does or has tried."""
        return [*self._captures(inbox), *self._intake()]

    def _captures(self, inbox: Inbox) -> Iterator[tuple[Service, asyncio.Event]]:
        """DHCP on each configured interface, unless ``ztpd capture`` hears it; repeats are dropped over all of them."""
        section = self.configuration.settings.discovery.dhcp
        if section.capture == "process":
            return
        table = parts.circuit_ids(self.configuration)
        repeats = Repeats(section.repeat_window_s, time.monotonic)
        for interface in section.interfaces:
            accept = or_forgotten(inbox.offer, repeats)
            ear = DhcpEar(table, parts.trust(section, interface), repeats, self.now, accept, interface)
            tried = asyncio.Event()
            yield Service(f"dhcp {interface}", partial(hear, interface, ear.hear, tried=tried)), tried

    def _intake(self) -> Iterator[tuple[Service, asyncio.Event]]:
        """The socket for local helpers, if there is to be one."""
        door = self.configuration.settings.discovery.intake
        if door is None:
            return
        listening, room = asyncio.Event(), asyncio.Semaphore(GROUP)
        accept = partial(self._accept_from_helper, parts.placing(self.configuration), room)
        serve_helpers = partial(intake, self.configuration.path(door), accept, listening=listening)
        yield Service("intake", serve_helpers), listening

    def over_mqtt(self) -> Iterator[Service]:
        """What hears hints over the network: announcements over MQTT, if there is a broker to ask."""
        settings = parts.broker(self.configuration)
        if settings is None:
            return
        reconnect_s = self.configuration.settings.discovery.reconnect_s
        count = partial(self.sighted, Source.MQTT.value)
        source = MqttSource(settings, self._keep_hint, count, self.now, self.random, reconnect_s)
        yield Service("mqtt inbox", source.inbox.run)
        yield Service("mqtt", source.run)

    async def _keep_hint(self, sighting: Sighting) -> None:
        """Commit a sighting and ask the element that it names, which alone knows."""
        await self.keep(sighting)
        if sighting.element is not None:
            self.nudge(sighting.element)

    async def _accept_from_helper(
        self, place: Callable[[Sighting], Sighting], room: asyncio.Semaphore, sighting: Sighting
    ) -> None:
        async with room:
            await self.keep(place(sighting))
        self.sighted(sighting.source.value, "kept")
