"""Every kind of job on a real element, from the order to what billing hears."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from drivers.access import ObservedAccess
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import DEADLINE_S, OTHER_PORT, PORT, Element, Network, at_work, serial_of
from tests.integration.provisioning.network import until as wait_until
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, JobBody, LocationBody
from ztpd.domain.profile import CompletionRules, Profile, Speed
from ztpd.store import orders
from ztpd.store.transaction import Refused

FAST, SLOW = "residential-1g", "residential-100m"


class Operator:
    """Orders work on one customer's service and looks at what becomes of it."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.count = 0

    async def orders(self, kind: str, **others: Any) -> str:
        """Order work on the first customer's service; the job's id."""
        self.count += 1
        id_ = f"{kind.upper()}-{self.count}"
        body = {"kind": kind, "service": "SVC-1", "account": "ACC-1", **others}
        await self.net.store.commit(orders.put_job, id_, JobBody.model_validate(body))
        return id_

    async def has(self, kind: str, **others: Any) -> str:
        """Order work and wait until it is done."""
        id_ = await self.orders(kind, **others)
        await self.net.reaches(JobState.COMPLETED, id_)
        return id_

    async def service(self) -> dict[str, Any]:
        found = await self.net.store.read(lambda reader: reader.service("SVC-1"))
        assert found is not None
        return found

    async def told(self) -> list[str]:
        """What was said of the service, oldest first."""
        rows = await self.net.store.read(lambda reader: reader.events(0, 10_000))
        return [row["type"] for row in rows if row["type"].startswith("service.")]


async def configured(element: Element, number: int = 1) -> ObservedAccess | None:
    """What the element has for a customer's ONT, seen by a session of its own."""
    driver = NetconfBbfDriver(element.reached_by())
    try:
        return (await driver.read([serial_of(number)])).get(serial_of(number))
    finally:
        await driver.close()


async def everything_on(*elements: Element) -> list[ObservedAccess]:
    """All that is configured on the elements."""
    found: list[ObservedAccess] = []
    for element in elements:
        driver = NetconfBbfDriver(element.reached_by())
        found += await driver.list_provisioned()
        await driver.close()
    return found


@pytest.fixture
async def operator(net: Network, residential: Profile) -> AsyncIterator[Operator]:
    """A customer whose service is active on ``olt-1``, two elements at work."""
    plain = residential.model_copy(
        update={
            "completion": CompletionRules(required=False),
            "cpe": {},
            "parameters": {"c_vlan": residential.parameters["c_vlan"]},
        }
    )
    slow = plain.model_copy(update={"name": SLOW, "speed": Speed(downstream_mbps=100, upstream_mbps=50)})
    cast(dict[str, Profile], net.store.context.profiles).update({FAST: plain, SLOW: slow})
    first, second = await net.olt("olt-1"), await net.olt("olt-2")
    drivers = [await net.driver(first), await net.driver(second)]
    first.plug()
    async with at_work(net.provisioner(*drivers).run):
        await net.due(1, parameters={"c_vlan": 301})
        await net.reaches(JobState.COMPLETED)
        yield Operator(net)


async def test_a_change_of_plan_is_written_confirmed_and_told(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]
    commits = olt.rpcs["edit-config"]

    job = await operator.has("change", profile=SLOW)

    observed = await configured(olt)
    assert observed is not None
    assert (observed.downstream_bps, observed.upstream_bps) == (100_000_000, 50_000_000)
    assert (await operator.service())["profile"] == SLOW
    assert (await operator.service())["state"] == "active"
    [event] = await operator.net.events("service.changed", job)
    assert (event["profile"], event["previous"]["profile"]) == (SLOW, FAST)
    assert olt.rpcs["edit-config"] == commits + 1


async def test_suspending_keeps_the_configuration_and_resuming_brings_it_back(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]
    before = olt.lab.running_config()

    await operator.has("suspend")
    suspended, state = await configured(olt), (await operator.service())["state"]
    await operator.has("resume")

    assert suspended is not None
    assert not suspended.enabled
    assert suspended.complete
    assert state == "suspended"
    assert (await operator.service())["state"] == "active"
    assert olt.lab.running_config() == before
    assert await operator.told() == ["service.activated", "service.suspended", "service.resumed"]


async def test_a_suspended_service_that_is_changed_stays_suspended(operator: Operator) -> None:
    await operator.has("suspend")
    await operator.has("change", profile=SLOW)

    observed = await configured(operator.net.olts["olt-1"])

    assert observed is not None
    assert (observed.enabled, observed.upstream_bps) == (False, 50_000_000)
    assert (await operator.service())["state"] == "suspended"


async def test_a_device_that_is_not_there_can_be_suspended(operator: Operator) -> None:
    operator.net.olts["olt-1"].lab.unplug(serial_of(1))

    await operator.has("suspend")

    assert (await operator.service())["state"] == "suspended"


async def test_terminating_leaves_nothing_on_the_element_and_frees_the_device(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]

    await operator.has("terminate")

    assert await configured(olt) is None
    assert await everything_on(olt) == []
    assert (await operator.service())["state"] == "terminated"
    devices = await operator.net.store.read(lambda reader: reader.devices(0, 10, None))
    assert [(device["state"], device["service"]) for device in devices] == [("quarantined", None)]


async def test_a_swapped_device_takes_the_place_of_the_old_one(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]
    olt.lab.unplug(serial_of(1))
    new = AllocatedDevice(role="ont", serial=serial_of(2))

    job = await operator.orders("swap", devices=[new])
    await operator.net.reaches(JobState.READY, job)
    olt.plug(2)
    await operator.net.announce(2)
    await operator.net.reaches(JobState.COMPLETED, job)

    assert await configured(olt, 1) is None
    observed = await configured(olt, 2)
    assert observed is not None
    assert (observed.service, observed.c_vlan) == ("SVC-1", 301)
    [event] = await operator.net.events("service.changed", job)
    assert [device["serial"] for device in event["devices"]] == [serial_of(2)]


@pytest.mark.parametrize(("element", "port"), [("olt-1", OTHER_PORT), ("olt-2", PORT)])
async def test_a_service_that_moves_leaves_nothing_where_it_was(operator: Operator, element: str, port: str) -> None:
    net = operator.net
    access = Access(technology="pon", element=element, port=port)
    await net.store.commit(orders.put_location, "LOC-9", LocationBody(address="there", access=access))

    job = await operator.orders("move", location="LOC-9")
    net.olts["olt-1"].lab.unplug(serial_of(1))
    await net.gone()
    net.olts[element].plug(port=port)
    await net.announce(element=element, port=port)
    await net.reaches(JobState.COMPLETED, job)

    observed = await configured(net.olts[element])
    assert observed is not None
    assert (observed.port, observed.service) == (port, "SVC-1")
    assert (await operator.service())["location"] == "LOC-9"
    assert len(await everything_on(*net.olts.values())) == 1


async def test_a_move_ends_when_the_element_that_was_left_is_back(operator: Operator) -> None:
    net = operator.net
    access = Access(technology="pon", element="olt-2", port=PORT)
    await net.store.commit(orders.put_location, "LOC-9", LocationBody(address="there", access=access))
    old = net.olts["olt-1"]
    old.lab.olt.faults.hang_after = 0

    job = await operator.orders("move", location="LOC-9")
    await net.gone()
    net.olts["olt-2"].plug()
    await net.announce(element="olt-2")
    async with asyncio.timeout(DEADLINE_S):
        await wait_until(lambda: configured(net.olts["olt-2"]), bool, "it is configured where it is now")
    assert (await net.job(job))["state"] != JobState.COMPLETED
    old.lab.olt.clear_faults()

    await net.reaches(JobState.COMPLETED, job)
    assert await configured(old) is None


async def test_a_repair_puts_right_what_somebody_changed_on_the_element(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]
    by_hand = NetconfBbfDriver(olt.reached_by())
    await by_hand.remove([serial_of(1)])
    await by_hand.close()

    job = await operator.has("repair")

    observed = await configured(olt)
    assert observed is not None
    assert observed.complete
    assert await operator.net.events("service.changed", job) == []


@pytest.mark.parametrize(
    ("kind", "others", "said"),
    [
        ("resume", {}, "is active"),
        ("install", {"location": "LOC-1", "profile": FAST}, "is active already"),
        ("suspend", {"account": "ACC-2"}, "belongs to another account"),
        ("terminate", {"service": "SVC-7"}, "is not known"),
    ],
)
async def test_work_that_the_service_is_not_there_for_is_refused(
    operator: Operator, kind: str, others: dict[str, str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        await operator.orders(kind, **others)


async def test_work_on_one_service_is_done_one_after_the_other(operator: Operator) -> None:
    await operator.orders("swap", devices=[AllocatedDevice(role="ont", serial=serial_of(2))])

    with pytest.raises(Refused, match="still open"):
        await operator.orders("suspend")
