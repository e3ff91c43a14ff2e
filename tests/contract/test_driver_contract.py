"""What every driver promises (``drivers.base.Driver``), held against a real server for each."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from drivers.base import Driver, Plan
from drivers.errors import Busy, Conflict, Rejected, Unreachable
from pon.onu import Difference, Optics, Presence, PresentOnu, WantedOnu
from tests.contract.harness import HARNESSES, ElementHarness

SERIAL, OTHER_SERIAL = "HWTC1A2B3C4D", "ALCL0000CAFE"
GOOD_LIGHT = (-18.5, -20.3)


@pytest.fixture(params=HARNESSES)
async def element(request: pytest.FixtureRequest) -> AsyncIterator[ElementHarness]:
    async with HARNESSES[request.param]() as harness:
        yield harness


@pytest.fixture
async def driver(element: ElementHarness) -> AsyncIterator[Driver]:
    made = element.driver()
    yield made
    await made.close()


@pytest.fixture
def wanted(element: ElementHarness) -> WantedOnu:
    return WantedOnu(
        service="SVC-1",
        port=element.ports[0],
        serial=SERIAL,
        s_vlan=201,
        c_vlan=301,
        downstream_bps=1_000_000_000,
        upstream_bps=500_000_000,
        assured_upstream_bps=50_000_000,
        description="job=J-1",
    )


@pytest.fixture
def other(wanted: WantedOnu) -> WantedOnu:
    return replace(wanted, service="SVC-2", serial=OTHER_SERIAL, c_vlan=302)


def driver_threads() -> list[threading.Thread]:
    """The threads that are neither pytest's nor the loop's own and go on; an ending one may take paramiko's 15 s."""
    others = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.name.startswith("asyncio_")
    ]
    for thread in others:
        thread.join(20.0)
    return [thread for thread in others if thread.is_alive()]


async def make_so(driver: Driver, *wanted: WantedOnu) -> None:
    outcomes = await driver.apply([await driver.plan(onu) for onu in wanted])
    assert [outcome.error for outcome in outcomes] == [None] * len(wanted)


async def apply_when_free(driver: Driver, plans: list[Plan]) -> None:
    """Apply as a retrying caller does: an element may hold a lost session's lock until it has noticed the loss."""
    for _ in range(100):
        try:
            outcomes = await driver.apply(plans)
        except Busy:
            await asyncio.sleep(0.01)
            continue
        assert [outcome.error for outcome in outcomes] == [None] * len(plans)
        return
    pytest.fail("the element stayed busy")


class Ears:
    """Somebody who listens to a driver's announcements."""

    def __init__(self, driver: Driver, element: ElementHarness) -> None:
        self.heard: asyncio.Queue[PresentOnu] = asyncio.Queue()
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

    async def next(self) -> PresentOnu:
        async with asyncio.timeout(10):
            return await self.heard.get()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


# --- what is there -------------------------------------------------------------------------------------------------


async def test_it_says_what_the_element_can_do(driver: Driver, element: ElementHarness) -> None:
    capabilities = await driver.capabilities()

    assert "pon" in capabilities.technologies
    assert capabilities.announces
    assert set(element.ports) <= await driver.ports()


async def test_an_onu_that_comes_and_goes_is_heard(driver: Driver, element: ElementHarness) -> None:
    ears = Ears(driver, element)
    await ears.listening()

    element.plug(SERIAL, element.ports[1], *GOOD_LIGHT)
    came = await ears.next()
    element.unplug(SERIAL)
    went = await ears.next()
    await ears.stop()

    assert (came.serial, came.port, came.presence) == (SERIAL, element.ports[1], Presence.UNKNOWN)
    assert (went.serial, went.port, went.presence) == (SERIAL, element.ports[1], Presence.ABSENT)


async def test_watching_ends_as_unreachable_when_the_session_breaks(driver: Driver, element: ElementHarness) -> None:
    ears = Ears(driver, element)
    await ears.listening()

    element.end_sessions()

    with pytest.raises(Unreachable):
        await asyncio.wait_for(ears.task, 5)


async def test_what_is_listed_is_the_truth_without_any_announcement(driver: Driver, element: ElementHarness) -> None:
    element.plug(SERIAL, element.ports[0], *GOOD_LIGHT)
    element.plug(OTHER_SERIAL, element.ports[1], *GOOD_LIGHT)
    element.unplug(OTHER_SERIAL)

    discovered = await driver.list_discovered()

    assert [(onu.serial, onu.port, onu.presence) for onu in discovered] == [
        (SERIAL, element.ports[0], Presence.UNKNOWN)
    ]


async def test_a_configured_onu_is_on_its_port_or_misplaced(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    await make_so(driver, wanted)
    absent = await driver.read(SERIAL)
    element.plug(SERIAL, element.ports[0], *GOOD_LIGHT)
    right = await driver.list_discovered()
    element.unplug(SERIAL)
    element.plug(SERIAL, element.ports[1], *GOOD_LIGHT)
    wrong = await driver.list_discovered()
    misplaced = await driver.read(SERIAL)

    assert absent is not None
    assert absent.presence is Presence.ABSENT
    assert [(onu.port, onu.presence) for onu in right] == [(element.ports[0], Presence.INTENDED)]
    assert [(onu.port, onu.presence) for onu in wrong] == [(element.ports[1], Presence.MISPLACED)]
    assert misplaced is not None
    assert (misplaced.port, misplaced.presence) == (element.ports[0], Presence.MISPLACED)


# --- provisioning --------------------------------------------------------------------------------------------------


async def test_what_is_read_back_is_what_was_wanted(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    element.plug(SERIAL, element.ports[0], *GOOD_LIGHT)
    assert await driver.read(SERIAL) is None

    await make_so(driver, wanted)
    observed = await driver.read(SERIAL)

    assert observed is not None
    assert (observed.service, observed.port) == (wanted.service, wanted.port)
    assert (observed.s_vlan, observed.c_vlan) == (wanted.s_vlan, wanted.c_vlan)
    assert (observed.upstream_bps, observed.assured_upstream_bps) == (500_000_000, 50_000_000)
    assert observed.downstream_bps in (None, wanted.downstream_bps)
    assert observed.presence is Presence.INTENDED
    assert observed.enabled
    assert observed.complete
    assert observed.onu_id is not None
    assert await driver.list_provisioned() == [observed]


async def test_applying_twice_changes_once(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    plan = await driver.plan(wanted)
    first = await driver.apply([plan])
    configuration, writes = element.configuration(), element.writes()

    stale = await driver.apply([plan])
    fresh = await driver.apply([await driver.plan(wanted)])

    assert [outcome.changed for outcome in (*first, *stale, *fresh)] == [True, False, False]
    assert element.writes() == writes
    assert element.configuration() == configuration


async def test_a_plan_says_what_differs_and_applying_it_changes_only_that(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    await make_so(driver, wanted)
    before = await driver.read(SERIAL)
    faster = replace(wanted, upstream_bps=900_000_000)

    plan = await driver.plan(faster)
    await driver.apply([plan])
    after = await driver.read(SERIAL)

    assert plan.changes == (Difference("upstream_bps", 500_000_000, 900_000_000),)
    assert before is not None
    assert after == replace(before, upstream_bps=900_000_000)


async def test_changing_back_and_forth_ends_in_the_same_configuration(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    await make_so(driver, wanted)
    configuration = element.configuration()

    for change in (
        replace(wanted, upstream_bps=10_000_000, assured_upstream_bps=10_000_000),
        replace(wanted, s_vlan=77),
        replace(wanted, c_vlan=None),
        replace(wanted, service="SVC-9"),
        replace(wanted, service="SVC-9", c_vlan=None),
    ):
        await make_so(driver, change)
        assert (await driver.plan(change)).changes == ()
        await make_so(driver, wanted)
        assert sorted(element.configuration().split(b"<")) == sorted(configuration.split(b"<"))


async def test_a_batch_is_made_in_one_go_with_numbers_of_their_own(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    batch = [replace(wanted, service=f"S-{n}", serial=f"TEST0000000{n}", c_vlan=400 + n) for n in range(8)]

    await make_so(driver, *batch)
    provisioned = await driver.list_provisioned()

    assert {onu.serial for onu in provisioned} == {onu.serial for onu in batch}
    assert len({onu.onu_id for onu in provisioned}) == len(batch)
    assert all(onu.complete for onu in provisioned)


async def test_services_may_share_an_s_vlan(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    first, second = (replace(wanted, service=f"S-{n}", serial=f"TEST0000000{n}", c_vlan=None) for n in (1, 2))
    await make_so(driver, first)
    alone = element.configuration()

    await make_so(driver, second)
    both = [await driver.plan(first), await driver.plan(second)]
    await driver.remove(second.serial)

    assert [plan.changes for plan in both] == [(), ()]
    assert element.configuration() == alone


async def test_what_is_configured_elsewhere_is_a_conflict(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    await make_so(driver, wanted)
    configuration = element.configuration()

    with pytest.raises(Conflict, match=element.ports[0]):
        await driver.plan(replace(wanted, port=element.ports[1]))
    moved = Plan(replace(wanted, port=element.ports[1]), (Difference("port", wanted.port, element.ports[1]),))
    [outcome] = await driver.apply([moved])

    assert isinstance(outcome.error, Conflict)
    assert not outcome.changed
    assert element.configuration() == configuration


async def test_a_port_that_is_not_there_is_rejected(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    with pytest.raises(Rejected, match="9/9/9"):
        await driver.plan(replace(wanted, port="9/9/9"))


async def test_a_refused_plan_fails_alone(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, other: WantedOnu
) -> None:
    third = replace(wanted, service="SVC-3", serial="ZTEG00000003", c_vlan=None)
    plans = [await driver.plan(onu) for onu in (wanted, other, third)]
    element.bar(OTHER_SERIAL)

    outcomes = await driver.apply(plans)

    assert [outcome.plan for outcome in outcomes] == plans
    assert [outcome.changed for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, Rejected)
    assert OTHER_SERIAL in outcomes[1].error.answer
    assert {onu.serial for onu in await driver.list_provisioned()} == {SERIAL, third.serial}


async def test_two_of_a_batch_that_want_the_same_do_not_both_get_it(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    same_vlan = replace(wanted, service="SVC-2", serial=OTHER_SERIAL)
    same_service = replace(wanted, serial="ZTEG00000003", c_vlan=303)
    plans = [await driver.plan(onu) for onu in (wanted, same_vlan, same_service)]

    outcomes = await driver.apply(plans)

    assert [outcome.changed for outcome in outcomes] == [True, False, False]
    assert all(isinstance(outcome.error, Conflict) for outcome in outcomes[1:])
    assert [(onu.serial, onu.complete) for onu in await driver.list_provisioned()] == [(SERIAL, True)]


async def test_a_batch_refused_once_is_made_one_by_one(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, other: WantedOnu
) -> None:
    plans = [await driver.plan(onu) for onu in (wanted, other)]
    element.refuse_next_write()

    outcomes = await driver.apply(plans)

    assert [(outcome.changed, outcome.error) for outcome in outcomes] == [(True, None), (True, None)]


async def test_a_refused_change_leaves_everything_as_it_was(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    await make_so(driver, wanted)
    configuration = element.configuration()
    plan = await driver.plan(replace(wanted, upstream_bps=1_000_000_000))
    element.refuse_next_write()

    [outcome] = await driver.apply([plan])
    element.refuse_next_write()
    with pytest.raises(Rejected):
        await driver.remove(SERIAL)

    assert isinstance(outcome.error, Rejected)
    assert element.configuration() == configuration


async def test_removing_leaves_nothing_behind_and_others_alone(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, other: WantedOnu
) -> None:
    bare = element.configuration()
    await make_so(driver, other)
    with_other = element.configuration()
    await make_so(driver, wanted)

    removed = await driver.remove(SERIAL)
    again = await driver.remove(SERIAL)

    assert (removed, again) == (True, False)
    assert element.configuration() == with_other
    assert await driver.read(SERIAL) is None
    await driver.remove(OTHER_SERIAL)
    assert element.configuration() == bare


# --- light ---------------------------------------------------------------------------------------------------------


async def test_light_is_measured_both_ways(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    element.plug(SERIAL, element.ports[0], -27.9, -29.1)
    await make_so(driver, wanted)

    assert await driver.measure(SERIAL) == Optics(onu_rx_dbm=-27.9, olt_rx_dbm=-29.1)


async def test_light_that_cannot_be_read_is_unknown(driver: Driver, element: ElementHarness, wanted: WantedOnu) -> None:
    await make_so(driver, wanted)

    assert await driver.measure(SERIAL) == Optics(None, None)


async def test_an_onu_that_does_not_work_yet_says_nothing_of_its_own_side(
    driver: Driver, element: ElementHarness
) -> None:
    element.plug(SERIAL, element.ports[0], -20.0, -21.5)

    assert await driver.measure(SERIAL) == Optics(onu_rx_dbm=None, olt_rx_dbm=-21.5)


# --- faults --------------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_said_clearly(element: ElementHarness) -> None:
    driver = element.driver(password="wrong")

    with pytest.raises((Rejected, Unreachable), match=r"authentication refused for user ztpd"):
        await driver.capabilities()
    await driver.close()


async def test_a_changed_host_key_stops_everything_before_anything_is_sent(
    element: ElementHarness, wanted: WantedOnu
) -> None:
    driver = element.driver()
    plan = await driver.plan(wanted)
    await element.change_host_key()
    requests = element.requests()

    for attempt in (driver.list_discovered(), driver.apply([plan]), driver.watch(print, print)):
        with pytest.raises(Unreachable, match=r"host key changed|session"):
            await attempt
    with pytest.raises(Unreachable, match="host key changed"):
        await driver.read(SERIAL)
    await driver.close()

    assert element.requests() == requests


@pytest.mark.parametrize("after_its_effect", [False, True], ids=["before", "after"])
async def test_an_apply_cut_anywhere_ends_right_when_it_is_applied_again(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, after_its_effect: bool
) -> None:
    plan = await driver.plan(wanted)
    await make_so(driver, wanted)
    right = element.configuration()
    cuts = 0
    for nth in range(1, 40):
        element.reset()
        element.cut_at_request(nth, after_its_effect=after_its_effect)
        try:
            await driver.apply([plan])
        except Unreachable:
            cuts += 1
        else:
            break
        await apply_when_free(driver, [plan])
        assert element.configuration() == right, f"cut at request {nth}"

    assert cuts >= 4, "an apply reads, locks, writes and commits"
    assert element.configuration() == right


async def test_an_element_that_hangs_is_unreachable_within_the_time_out(
    element: ElementHarness, wanted: WantedOnu
) -> None:
    driver = element.driver(rpc_timeout_s=0.3)
    plan = await driver.plan(wanted)
    element.hang()

    async with asyncio.timeout(3):
        with pytest.raises(Unreachable, match=r"0\.3 s"):
            await driver.apply([plan])
    element.recover()
    await apply_when_free(driver, [plan])
    await driver.close()


async def test_a_locked_element_is_busy_and_nothing_is_written(
    driver: Driver, element: ElementHarness, wanted: WantedOnu
) -> None:
    plan = await driver.plan(wanted)
    element.lock()
    writes = element.writes()

    with pytest.raises(Busy):
        await driver.apply([plan])
    with pytest.raises(Busy):
        await driver.remove(SERIAL)
    assert element.writes() == writes

    element.unlock()
    await make_so(driver, wanted)


async def test_a_cancelled_call_ends_at_once_and_the_driver_goes_on(element: ElementHarness, wanted: WantedOnu) -> None:
    driver = element.driver(rpc_timeout_s=30)
    await driver.capabilities()
    requests = element.requests()
    element.hang()
    reading = asyncio.create_task(driver.read(SERIAL))
    async with asyncio.timeout(5):
        while element.requests() == requests:  # noqa: ASYNC110 # the element is another party: it gives no signal
            await asyncio.sleep(0.005)

    reading.cancel()
    async with asyncio.timeout(2):
        await asyncio.wait({reading})
        element.recover()
        assert await driver.read(SERIAL) is None
        await driver.close()

    assert reading.cancelled()
    assert driver_threads() == []


@pytest.mark.parametrize("milliseconds", [1, 10, 25, 40, 60, 80])
async def test_an_apply_cancelled_at_any_moment_ends_right_when_it_is_applied_again(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, milliseconds: int
) -> None:
    plan = await driver.plan(wanted)
    await make_so(driver, wanted)
    right = element.configuration()
    element.reset()

    applying = asyncio.create_task(driver.apply([plan]))
    await asyncio.sleep(milliseconds / 1000)
    applying.cancel()
    await asyncio.wait({applying}, timeout=5)
    await apply_when_free(driver, [plan])

    assert applying.done()
    assert element.configuration() == right


async def test_closing_leaves_no_thread_and_the_driver_opens_again(driver: Driver, element: ElementHarness) -> None:
    ears = Ears(driver, element)
    await ears.listening()
    await ears.stop()

    async with asyncio.timeout(2):
        await driver.close()
    assert driver_threads() == []

    assert await driver.list_discovered() == []


async def test_calls_at_the_same_time_do_not_disturb_each_other(
    driver: Driver, element: ElementHarness, wanted: WantedOnu, other: WantedOnu
) -> None:
    element.plug(SERIAL, element.ports[0], *GOOD_LIGHT)

    plans = await asyncio.gather(driver.plan(wanted), driver.plan(other))
    first, second, discovered = await asyncio.gather(
        driver.apply([plans[0]]), driver.apply([plans[1]]), driver.list_discovered()
    )

    assert [outcome.changed for outcome in (*first, *second)] == [True, True]
    assert [onu.serial for onu in discovered] == [SERIAL]
    assert {onu.serial for onu in await driver.list_provisioned()} == {SERIAL, OTHER_SERIAL}
