"""Announcements over MQTT: heard from a broker, decoded, kept as hints, acknowledged once they are committed.

Messages of QoS 1 come at least once. One that is not acknowledged, because the daemon was killed before its sighting
was committed, comes again when the node is back within ``SESSION_S`` (or goes to another node, if the broker does
that); after that it is lost, and so is what the broker has no room for. What is refused, retained, finds no room here
(``dropped``) or cannot be committed (``lost``) is counted and acknowledged: it would fail again. A message of QoS 0 is
lost in each of these cases. All of it is hints: the elements' lists are read anyway.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

import structlog
from aiomqtt import Message

from ztpd.discovery.inbox import Inbox
from ztpd.discovery.mqtt_announcement import AnnouncementError, decode
from ztpd.discovery.mqtt_broker import BrokerError, BrokerSettings, connected
from ztpd.domain.sighting import Sighting
from ztpd.logs import Trouble

log = structlog.get_logger()

LONGEST_PAUSE_S = 60.0
"""How long until a broker that keeps away is tried again, at most; one that stayed as long is well again."""


@dataclass(slots=True)
class _Taken:
    """A message that is not done with yet: its packet id and QoS."""

    mid: int
    qos: int
    done: bool = False


class _Ledger:
    """What one connection brought and is not acknowledged; acknowledged in order of arrival (MQTT 5 §4.6).

    Bounded by the broker, which sends no more than ``RECEIVE_MAXIMUM`` beyond what is acknowledged.
    """

    def __init__(self) -> None:
        self.acknowledge: Callable[[int, int], None] = lambda mid, qos: None
        self._open: deque[_Taken] = deque()

    def enter(self, message: Message) -> _Taken:
        """Take note of a message, if it is one to acknowledge."""
        taken = _Taken(message.mid, message.qos)
        if taken.qos:
            self._open.append(taken)
        return taken

    def close(self, taken: _Taken) -> None:
        """A message is done with; acknowledge it and those behind it that are, unless an earlier one is open."""
        taken.done = True
        while self._open and self._open[0].done:
            first = self._open.popleft()
            self.acknowledge(first.mid, first.qos)


class _Retained(Exception):
    """The message was published to be kept by the broker."""


class MqttSource:
    """Hears one broker; ``inbox`` is its own, so that a flood here drops nothing of another source.

    ``keep`` returns once a sighting is durable. ``report`` is told of each message once: ``kept``, ``lost`` (could not
    be committed), ``dropped`` (no room), ``refused`` (no announcement) or ``retained``. The first pause after a failure
    is ``reconnect_s``, doubled each time up to ``LONGEST_PAUSE_S``, and jittered by up to half of itself. ``now`` gives
    aware UTC.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        keep: Callable[[Sighting], Awaitable[object]],
        report: Callable[[str], None],
        now: Callable[[], datetime],
        random: Random,
        reconnect_s: float,
        room: int = 4096,
    ) -> None:
        self.inbox = Inbox(keep, room, self._ended)
        self._settings = settings
        self._report = report
        self._now = now
        self._random = random
        self._reconnect_s = reconnect_s
        self._waiting: deque[tuple[_Ledger, _Taken]] = deque()  # as the inbox has them, in its order
        self._refusals = Trouble()

    async def run(self) -> None:
        """Listen until cancelled; a broker that cannot be reached or ends the connection is tried again for ever."""
        trouble, failures = Trouble(), 0
        elapsed = asyncio.get_running_loop().time
        while True:
            began = elapsed()
            try:
                await self._hear(failures)
            except BrokerError as error:
                if elapsed() - began > LONGEST_PAUSE_S:
                    trouble.over()
                    failures = 0
                if trouble.is_news(str(error)):
                    log.warning("mqtt announcements are not heard", reason=str(error), times=trouble.times)
            await asyncio.sleep(self._pause_s(failures))
            failures += 1

    async def _hear(self, failures: int) -> None:
        ledger = _Ledger()
        async with connected(self._settings, lambda message: self._take(ledger, message)) as broker:
            ledger.acknowledge = broker.acknowledge
            await broker.listen(self._settings.subscription)
            log.info("mqtt announcements are heard", broker=str(self._settings), tries=failures)
            await broker.until_lost()

    def _pause_s(self, failures: int) -> float:
        longest = min(LONGEST_PAUSE_S, self._reconnect_s * 2.0 ** min(failures, 16))
        return longest * (1 - self._random.random() / 2)

    def _take(self, ledger: _Ledger, message: Message) -> None:
        """Decode a message and hand its sighting on; what is none of them is counted and done with."""
        taken = ledger.enter(message)
        try:
            sighting = self._sighting(message)
        except (AnnouncementError, _Retained) as error:
            self._refuse("retained" if isinstance(error, _Retained) else "refused", error)
            ledger.close(taken)
            return
        self._waiting.append((ledger, taken))
        self.inbox.accept(sighting)

    def _sighting(self, message: Message) -> Sighting:
        topic = message.topic.value
        if message.retain:
            raise _Retained(f"announcement on {topic[:80]!r} has the retain flag: published so, it is old news to come")
        payload = message.payload if isinstance(message.payload, bytes) else b""
        return decode(topic, payload, self._now(), self._settings.prefix)

    def _refuse(self, outcome: str, why: Exception) -> None:
        self._report(outcome)
        if self._refusals.is_news(str(why)):
            log.warning("announcement refused", reason=str(why), times=self._refusals.times)

    def _ended(self, sighting: Sighting, outcome: str) -> None:
        """The inbox is done with a sighting: the first it has, or the last if there was no room for it."""
        ledger, taken = self._waiting.pop() if outcome == "dropped" else self._waiting.popleft()
        ledger.close(taken)
        self._report(outcome)
