"""Work that is begun with one device or in one place and ended with another, and records that contradict it."""

import asyncio
from collections.abc import Sequence

import pytest

from drivers.access import ObservedAccess
from drivers.errors import Rejected
from drivers.netconf_bbf import NetconfBbfDriver
from tests.integration.provisioning.network import OTHER_PORT, PATIENT, PORT, Network, at_work, serial_of
from tests.integration.provisioning.playing import KINDS, Stage
from tests.integration.provisioning.test_operations import Operator, everything_on, operator
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, LocationBody
from ztpd.store import orders
from ztpd.store.transaction import Transaction

__all__ = ["operator"]


def ont(number: int) -> AllocatedDevice:
    return AllocatedDevice(role="ont", serial=serial_of(number))


def place(element: str = "olt-1", port: str = PORT) -> LocationBody:
    return LocationBody(address="here", access=Access(technology="pon", element=element, port=port))


async def test_a_bad_device_that_is_replaced_within_the_visit_leaves_nothing_behind(net: Network) -> None:
    olt = await net.olt()
    olt.plug(1, onu_rx_dbm=-28.4)
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.reaches(JobState.FAILED)
        olt.lab.unplug(serial_of(1))
        await net.gone()
        await net.store.commit(orders.allocate_device, "J-1", ont(2))
        olt.plug(2)
        await net.announce(2)
        await net.confirmed(1)
    assert [each.device for each in await everything_on(olt)] == [serial_of(2)]


async def test_a_bad_device_that_serves_somebody_else_by_now_is_left_alone(net: Network) -> None:
    olt = await net.olt()
    olt.plug(1, onu_rx_dbm=-28.4)
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.reaches(JobState.FAILED)
        olt.lab.unplug(serial_of(1))
        by_hand = await net.driver(olt)
        await by_hand.remove([serial_of(1)])
        await net.store.commit(orders.allocate_device, "J-1", ont(3))
        await net.gone()
        olt.plug(1)
        await net.due(2, devices=[ont(1)])
        await net.announce(1)
        await net.confirmed(2)
        olt.plug(3)
        await net.announce(3)
        await net.confirmed(1)
    assert {each.device: each.service for each in await everything_on(olt)} == {
        serial_of(1): "SVC-2",
        serial_of(3): "SVC-1",
    }


async def test_a_swap_whose_new_device_is_bad_too_ends_with_the_third(operator: Operator) -> None:
    olt = operator.net.olts["olt-1"]
    olt.lab.unplug(serial_of(1))
    olt.plug(2, onu_rx_dbm=-29.9)
    job = await operator.orders("swap", devices=[ont(2)])
    await operator.net.announce(2)
    await operator.net.reaches(JobState.FAILED, job)
    olt.lab.unplug(serial_of(2))
    await operator.net.gone(2)
    await operator.net.store.commit(orders.allocate_device, job, ont(3))
    olt.plug(3)
    await operator.net.announce(3)
    await operator.net.reaches(JobState.COMPLETED, job)
    assert [each.device for each in await everything_on(olt)] == [serial_of(3)]


@pytest.mark.parametrize(("element", "port"), [("olt-1", OTHER_PORT), ("olt-2", PORT)])
async def test_a_place_that_is_corrected_while_it_is_worked_on_is_worked_on_anew(
    net: Network, element: str, port: str
) -> None:
    olts = [await net.olt("olt-1"), await net.olt("olt-2")]
    await net.due(1)
    async with at_work(net.provisioner(*[await net.driver(olt) for olt in olts], pace=PATIENT).run):
        await net.reaches(JobState.VERIFYING)
        await net.gone()
        await net.store.commit(orders.put_location, "LOC-1", place(element, port))
        net.olts[element].plug(1, port=port)
        await net.announce(1, element, port)
        await net.confirmed(1)
    assert [(each.device, each.port) for each in await everything_on(*olts)] == [(serial_of(1), port)]
    assert await net.confirmed_once()


async def test_what_was_done_in_the_place_as_it_was_does_not_count(stage: Stage) -> None:
    """The address turns out to be on another element, between the write and its outcome."""
    correcting: list[asyncio.Task[bool]] = []
    async with stage.played(KINDS["suspend"]) as net:

        def correct(point: str) -> None:
            access = Access(technology="pon", element="olt-2", port=PORT)
            body = LocationBody(address="here", access=access)
            correcting[:] = correcting or [asyncio.create_task(net.store.commit(orders.put_location, "LOC-1", body))]

        async with at_work(stage.provisioner(net, pass_point=correct).run):
            end = await stage.ends(net)
    assert correcting
    assert (end.state, end.codes, end.service["state"]) == ("failed", ("element-rejected",), "active")


class _Unreadable(NetconfBbfDriver):
    """A driver that has not foreseen something about an ONU that is replaced."""

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        raise KeyError("onu-type")


async def test_a_flaw_in_a_driver_that_shows_when_a_device_is_replaced_harms_that_job_only(net: Network) -> None:
    olt = await net.olt()
    olt.plug(1, onu_rx_dbm=-28.4)
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt)).run):
        await net.reaches(JobState.FAILED)
    olt.lab.unplug(serial_of(1))
    await net.gone()
    await net.store.commit(orders.allocate_device, "J-1", ont(2))
    olt.plug(2)
    await net.announce(2)
    async with at_work(net.provisioner(await net.driver(olt, _Unreadable)).run):
        failed = await net.reaches(JobState.FAILED)
    assert "unforeseen KeyError" in failed["failures"][0]["detail"]


def _suspend_unheard(tx: Transaction) -> None:
    tx.connection.execute("UPDATE service SET state = 'suspended' WHERE id = 'SVC-2'")


async def test_a_job_whose_end_contradicts_its_service_fails_and_is_not_repeated(operator: Operator) -> None:
    net = operator.net
    await net.order(2, parameters={"c_vlan": 302})
    await net.store.commit(_suspend_unheard)
    net.olts["olt-1"].plug(2)
    await net.announce(2)
    failed = await net.reaches(JobState.FAILED, "J-2")
    assert "TransitionRefused" in failed["failures"][0]["detail"]
    assert failed["attempt"] == 1


class _Refusing(NetconfBbfDriver):
    """A driver whose element answers, and refuses to tell of its ports."""

    async def ports(self) -> frozenset[str]:
        raise Rejected(self.name, "get-config", "access-denied")


async def test_an_element_that_answers_with_a_refusal_is_back(net: Network) -> None:
    olt = await net.olt()
    olt.plug()
    olt.lab.olt.faults.cut_at = 3
    await net.due(1)
    async with at_work(net.provisioner(await net.driver(olt, _Refusing)).run):
        await net.confirmed(1)
    assert len(await net.put_off("element-unreachable")) == 1
