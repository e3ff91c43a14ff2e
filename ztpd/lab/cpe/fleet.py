"""Thousands of CPEs in one process: switched on, restarted now and then, and counted."""

import asyncio
import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ztpd.lab.cpe.device import LabCpe
from ztpd.lab.cpe.reaching import ConnectionRequestServer
from ztpd.lab.cpe.register import Register
from ztpd.lab.cpe.settings import CpeSettings, Reach

_DIGITS = 6
_PROGRESS_S = 1.0
_FILES_BESIDES = 64


class TooMany(Exception):
    """This process may not open as many files as the fleet needs; says what to do."""


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """``first`` is what all CPEs have; of several, each serial number is its own and a number of six digits.

    ``concurrency`` bounds sessions under way. They are switched on evenly within ``over_seconds``. Each is restarted
    after ``reboot_every_seconds``, half as long or up to half as long again, where that is not None. Everything that is
    drawn comes from ``seed``. ``seconds`` is how long it all lasts, None for until it is stopped.
    """

    first: CpeSettings
    count: int = 1
    concurrency: int = 64
    over_seconds: float = 0.0
    reboot_every_seconds: float | None = None
    seed: int = 1
    seconds: float | None = None
    listen_host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a fleet has done so far; times in seconds."""

    cpes: int
    informed: int
    seconds: float
    sessions: int
    under_way: int
    p50_seconds: float
    p99_seconds: float
    reboots: int
    asked: int
    failures: Counter[str] = field(default_factory=Counter)
    faults: Counter[int] = field(default_factory=Counter)


def serials(prefix: str, count: int) -> list[str]:
    """The serial numbers of a fleet: the same each time; one CPE alone has the prefix itself."""
    return [prefix] if count == 1 else [f"{prefix}{number:0{_DIGITS}}" for number in range(1, count + 1)]


class Fleet:
    """CPEs that live together; ``figures`` tells at any time what they have done."""

    def __init__(self, settings: FleetSettings) -> None:
        self.settings = settings
        self.register = Register(settings.concurrency)
        self._reboots = 0
        self._broken = asyncio.Event()
        self._error: Exception | None = None
        self._began = time.monotonic()
        self._server = ConnectionRequestServer(settings.listen_host)
        self.cpes = [self._cpe(serial) for serial in serials(settings.first.serial, settings.count)]

    def _cpe(self, serial: str) -> LabCpe:
        first = self.settings.first
        username = first.username.replace("{serial}", serial).replace("{oui}", first.oui)
        return LabCpe(replace(first, serial=serial, username=username), server=self._server, register=self.register)

    def figures(self) -> Figures:
        """What they have done so far."""
        return Figures(
            cpes=len(self.cpes),
            informed=sum(cpe.sessions > 0 for cpe in self.cpes),
            seconds=time.monotonic() - self._began,
            sessions=self.register.sessions,
            under_way=self.register.under_way,
            p50_seconds=self.register.seconds(0.5),
            p99_seconds=self.register.seconds(0.99),
            reboots=self._reboots,
            asked=sum(cpe.asked for cpe in self.cpes),
            failures=self.register.failures,
            faults=self._faults(),
        )

    def _faults(self) -> Counter[int]:
        counted: Counter[int] = Counter()
        for cpe in self.cpes:
            counted.update(cpe.state.faults)
        return counted

    async def run(self, stop: asyncio.Event, progress: Callable[[Figures], None] = lambda figures: None) -> Figures:
        """Live until ``stop`` is set or the time is over; what they have done. Tells ``progress`` every second.

        Raises ``TooMany``, and ``OSError`` when it cannot listen.
        """
        _allow_files(self.settings)
        self._began = time.monotonic()
        async with self._server:
            living = [asyncio.create_task(self._live(number, cpe)) for number, cpe in enumerate(self.cpes)]
            try:
                await self._until_over(stop, progress)
            finally:
                for task in living:
                    task.cancel()
                await asyncio.gather(*living, return_exceptions=True)
        return self.figures()

    async def _until_over(self, stop: asyncio.Event, progress: Callable[[Figures], None]) -> None:
        """Wait; raises what ended a CPE, for none ends by itself."""
        ends = [asyncio.create_task(event.wait()) for event in (stop, self._broken)]
        lasts = self.settings.seconds
        try:
            while not stop.is_set() and (lasts is None or time.monotonic() - self._began < lasts):
                left = _PROGRESS_S if lasts is None else min(_PROGRESS_S, self._began + lasts - time.monotonic())
                await asyncio.wait(ends, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
                if self._error is not None:
                    raise self._error
                progress(self.figures())
        finally:
            for task in ends:
                task.cancel()

    async def _live(self, number: int, cpe: LabCpe) -> None:
        draw = random.Random(f"{self.settings.seed}/{number}")  # noqa: S311 spreads, guards nothing
        await asyncio.sleep(self.settings.over_seconds * number / len(self.cpes))
        restarting = asyncio.create_task(self._restart_now_and_then(cpe, random.Random(draw.random())))  # noqa: S311
        try:
            await cpe.run(draw)
        except Exception as error:
            self._error = error
            self._broken.set()
        finally:
            restarting.cancel()
            await asyncio.gather(restarting, return_exceptions=True)

    async def _restart_now_and_then(self, cpe: LabCpe, draw: random.Random) -> None:
        every = self.settings.reboot_every_seconds
        while every is not None:
            await asyncio.sleep(draw.uniform(0.5, 1.5) * every)
            await cpe.power_cycle()
            self._reboots += 1


def _allow_files(settings: FleetSettings) -> None:
    """Have as many files open as the fleet may need; raises ``TooMany``."""
    ports = settings.count if settings.first.reach is Reach.NAT else 0
    needed = ports + 2 * settings.concurrency + _FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise TooMany(
            f"{settings.count} CPEs with {settings.concurrency} sessions at once need {needed} open files, and this "
            f"process may have {hard}: raise the limit (ulimit -n), or lower --count or --concurrency"
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
