"""A lane in shadow: it decides when a job is due, looks again, waits for what is away, and never writes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from drivers.access import WantedAccess
from drivers.base import Driver, Plan
from drivers.netconf_bbf import NetconfBbfDriver
from drivers.read_only import ReadOnly
from tests.integration.provisioning.network import SHORT, Network, at_work, serial_of, until
from ztpd.provisioning import shadow
from ztpd.provisioning.shadow import ShadowLane


def lane(net: Network, driver: Driver, poll_s: float = 0.05) -> ShadowLane:
    guarded = ReadOnly(driver, "its mode is shadow")
    return ShadowLane("olt-1", guarded, net.store, SHORT, lambda: poll_s, lambda: 0.05, asyncio.Event())


async def decided(net: Network, is_so: Callable[[list[dict[str, Any]]], bool], what: str) -> list[dict[str, Any]]:
    return await until(lambda: net.store.read(lambda reader: reader.decisions("olt-1", 0, 100, None)), is_so, what)


def verdicts(found: list[dict[str, Any]]) -> list[str]:
    return [each["verdict"] for each in found]


class _Flawed(NetconfBbfDriver):
    """A driver that has not foreseen something about one of its ONUs."""

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        if any(each.device == serial_of(2) for each in wanted):
            raise KeyError("onu-type")
        return await super().plan(wanted)


async def test_a_flaw_in_a_driver_is_the_decision_on_that_job_only(net: Network) -> None:
    olt = await net.olt()
    await net.due(1, 2, 3)
    async with at_work(lane(net, await net.driver(olt, _Flawed)).run):
        found = await decided(net, lambda rows: len(rows) == 3, "three decisions")
    refusals = {each["job"]: each["refusal"] for each in found}
    assert refusals["J-2"] is not None
    assert "unforeseen KeyError" in refusals["J-2"]
    assert (refusals["J-1"], refusals["J-3"]) == (None, None)
    assert olt.writes == 0


async def test_while_the_element_is_away_nothing_is_decided_and_nothing_lost(net: Network) -> None:
    olt = await net.olt()
    driver = await net.driver(olt)
    await olt.switch_off()
    await net.due(1)
    async with at_work(lane(net, driver).run):
        await asyncio.sleep(0)
        assert await decided(net, lambda rows: True, "any") == []
        await olt.switch_on()
        found = await decided(net, lambda rows: len(rows) == 1, "the decision once it is back")
    assert (found[0]["job"], found[0]["refusal"]) == ("J-1", None)
    assert olt.writes == 0


async def test_who_knows_that_something_changed_has_it_looked_at_at_once(net: Network) -> None:
    olt = await net.olt()
    await net.due(1)
    working = lane(net, await net.driver(olt), poll_s=3600.0)
    tool = await net.driver(olt)
    async with at_work(working.run):
        (found,) = await decided(net, lambda rows: len(rows) == 1, "the decision")
        await tool.apply(await tool.plan([WantedAccess(**found["wanted"])]))
        working.changed.set()
        await decided(net, lambda rows: verdicts(rows) == ["agreed"], "that it agrees")


async def test_of_many_the_whole_list_is_read_at_once(net: Network) -> None:
    olt = await net.olt()
    numbers = range(1, shadow.FEW + 3)
    await net.due(*numbers)
    working, tool = lane(net, await net.driver(olt)), await net.driver(olt)
    async with at_work(working.run):
        found = await decided(net, lambda rows: len(rows) == len(numbers), "every decision")
        await tool.apply(await tool.plan([WantedAccess(**each["wanted"]) for each in found]))
        await decided(net, lambda rows: verdicts(rows) == ["agreed"] * len(numbers), "that all agree")


async def test_without_a_writing_lane_nobody_claims_a_job_in_shadow(net: Network) -> None:
    olt = await net.olt()
    other = await net.olt("olt-2")
    other.plug(2)
    await net.due(1)
    await net.due(2, element="olt-2")
    active = net.provisioner(await net.driver(other))
    async with at_work(active.run), at_work(lane(net, await net.driver(olt)).run):
        await net.confirmed(2)
        await decided(net, lambda rows: len(rows) == 1, "the decision")
    job = await net.job("J-1")
    assert (job["state"], job["attempt"]) == ("discovered", 0)
    assert olt.writes == 0
