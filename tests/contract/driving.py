"""What a caller of a driver does again and again."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from drivers.access import ObservedAccess, PresentDevice, WantedAccess
from drivers.base import Driver, Outcome, Plan
from drivers.errors import Busy, Unreachable
from tests import threads
from tests.contract.harness import CanBeFull, ElementHarness, HasOthers, Restarts

GOOD_LIGHT = (-18.5, -20.3)
"""What an ONU receives and what the OLT receives of it, in dBm."""


def driver_threads() -> list[threading.Thread]:
    """The threads that are neither pytest's nor the loop's nor a listener's own and go on."""
    return threads.going_on(threads.others("asyncio_", "call-home"))


def needs(element: ElementHarness, *traits: str) -> None:
    """Skip what the element has not."""
    for trait in traits:
        if not getattr(element.traits, trait):
            pytest.skip(f"the element has not: {trait}")


def restarting(element: ElementHarness) -> Restarts:
    """The element as one that can be restarted, or skip."""
    if not isinstance(element, Restarts):
        pytest.skip("the element cannot be restarted here")
    return element


def with_others(element: ElementHarness) -> HasOthers:
    """The element as one that others configure too, or skip."""
    if not isinstance(element, HasOthers):
        pytest.skip("nobody else configures the element here")
    return element


def with_few_places(element: ElementHarness) -> CanBeFull:
    """The element as one that lets only so many in, or skip."""
    if not isinstance(element, CanBeFull):
        pytest.skip("the element lets any number in")
    return element


async def needs_announcements(driver: Driver) -> None:
    """Skip where the element announces nothing."""
    if not (await driver.capabilities()).announces:
        pytest.skip("the element announces nothing")


async def planned(driver: Driver, wanted: WantedAccess) -> Plan:
    """The plan for one, which must not be refused."""
    [made] = await driver.plan([wanted])
    assert made.refused is None, made.refused
    return made


async def read(driver: Driver, device: str) -> ObservedAccess | None:
    return (await driver.read([device])).get(device)


async def make_so(driver: Driver, *wanted: WantedAccess) -> None:
    outcomes = await driver.apply(await driver.plan(wanted))
    assert [outcome.error for outcome in outcomes] == [None] * len(wanted)


async def open_unless_slow(driver: Driver) -> None:
    """Open the session of a driver that waits for so short a time that a busy machine may not answer in it."""
    for _ in range(5):
        with contextlib.suppress(Unreachable):
            await driver.capabilities()
            return


async def apply_when_free(driver: Driver, plans: Sequence[Plan]) -> None:
    """Apply as a retrying caller does."""
    await when_free(lambda: driver.apply(plans))


async def when_free(write: Callable[[], Awaitable[list[Outcome]]]) -> None:
    """Write as a retrying caller does: an element may hold a lost session's lock until it has noticed the loss."""
    for _ in range(100):
        try:
            outcomes = await write()
        except Busy:
            await asyncio.sleep(0.01)
            continue
        assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
        return
    pytest.fail("the element stayed busy")


async def read_again(driver: Driver, devices: Sequence[str]) -> dict[str, ObservedAccess]:
    """Read as a retrying caller does after sessions broke: whether the driver has noticed yet is open."""
    for _ in range(3):
        with contextlib.suppress(Unreachable):
            return await driver.read(devices)
    pytest.fail("the element stayed unreachable")


def parts(configuration: bytes) -> list[bytes]:
    """A configuration regardless of the order of its entries."""
    return sorted(configuration.split(b"<"))


def told(outcomes: list[Outcome]) -> list[tuple[bool, type[Exception] | None]]:
    """What each outcome says: whether anything was written, and the class of what went wrong."""
    return [(outcome.changed, None if outcome.error is None else type(outcome.error)) for outcome in outcomes]


class Ears:
    """Somebody who listens to a driver's announcements."""

    def __init__(self, driver: Driver, element: ElementHarness) -> None:
        self.heard: asyncio.Queue[PresentDevice] = asyncio.Queue()
        self._listening = asyncio.Event()
        self.task = asyncio.create_task(driver.watch(self.heard.put_nowait, self._listening.set))
        self._element = element

    async def listening(self) -> None:
        said = asyncio.create_task(self._listening.wait())
        await asyncio.wait({said, self.task}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        said.cancel()
        assert not self.task.done(), self.task.exception()
        assert self._listening.is_set()
        assert self._element.subscribed(), "what is said is so"

    async def next(self) -> PresentDevice:
        async with asyncio.timeout(10):
            return await self.heard.get()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})
