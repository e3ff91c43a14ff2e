"""What whoever lists neighbours promises (``drivers.base.ListsNeighbours``), held against a real server for each."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from drivers.base import ListsNeighbours
from drivers.errors import Busy, Rejected, Unreachable
from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings
from tests.contract.driving import driver_threads
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch
from ztpd.lab.switch.settings import Models

MAC, OTHER_MAC = "00:25:9e:1a:2b:3c", "00:25:9e:1a:2b:4d"


@dataclass
class Harness:
    """One lab element that lists neighbours, and how it is reached."""

    lab: LabSwitch
    host_key: str

    def lister(self, **others: Any) -> ListsNeighbours:
        settings = {"password": "ztpd", "host_key": self.host_key, "rpc_timeout_s": 5.0, **others}
        port = self.lab.listening.netconf_port
        reached: dict[str, Any] = {"name": "sw-1", "host": "127.0.0.1", "port": port, "username": "ztpd"}
        return NetconfSwitchDriver(NetconfSwitchSettings(**reached, **settings))


@contextlib.asynccontextmanager
async def switch(models: Models, *, lldp: bool = True) -> AsyncIterator[Harness]:
    async with lab_switch(LabSwitchSettings(ports=2, lldp=lldp, models=models)) as lab:
        yield Harness(lab, lab.listening.host_public_key)


HARNESSES: dict[str, Callable[..., AbstractAsyncContextManager[Harness]]] = {
    "netconf-switch-openconfig": partial(switch, "openconfig"),
    "netconf-switch-ietf": partial(switch, "ietf"),
}


@pytest.fixture(params=HARNESSES)
async def element(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    async with HARNESSES[request.param]() as harness:
        yield harness


@pytest.fixture
async def lister(element: Harness) -> AsyncIterator[ListsNeighbours]:
    made = element.lister()
    yield made
    await made.close()


async def test_it_knows_the_access_ports_and_nothing_else(lister: ListsNeighbours) -> None:
    assert await lister.ports() == {"Ethernet1", "Ethernet2"}


async def test_who_is_plugged_in_is_listed_and_who_left_is_not(lister: ListsNeighbours, element: Harness) -> None:
    assert await lister.list_neighbours() == []
    element.lab.plug("Ethernet1", MAC, system_name="router-1", capabilities=("ROUTER", "WLAN_ACCESS_POINT"))
    element.lab.plug("Ethernet2", "ap", chassis_id_type="LOCAL", port_id=OTHER_MAC, port_id_type="MAC_ADDRESS")
    first, second = await lister.list_neighbours()
    assert (first.port, first.chassis_mac, first.port_mac, first.system_name) == ("Ethernet1", MAC, None, "router-1")
    assert first.capabilities == ("ROUTER", "WLAN_ACCESS_POINT")
    assert (second.port, second.chassis_mac, second.port_mac) == ("Ethernet2", None, OTHER_MAC)

    element.lab.unplug("Ethernet1")
    assert [each.port for each in await lister.list_neighbours()] == ["Ethernet2"]


async def test_nothing_but_reading_is_done(lister: ListsNeighbours, element: Harness) -> None:
    await lister.ports()
    await lister.list_neighbours()
    assert set(element.lab.switch.rpcs) <= {"get", "get-config"}


async def test_an_element_that_does_not_answer_is_unreachable_and_answers_again(element: Harness) -> None:
    lister = element.lister(rpc_timeout_s=0.3)
    element.lab.switch.faults.hang_after = 0
    with pytest.raises(Unreachable, match=r"sw-1: get: no answer within 0\.3 s"):
        await lister.list_neighbours()
    element.lab.switch.clear_faults()
    assert await lister.list_neighbours() == []
    await lister.close()
    assert driver_threads() == []


async def test_a_session_that_broke_is_opened_again(lister: ListsNeighbours, element: Harness) -> None:
    await lister.ports()
    element.lab.end_sessions()
    with pytest.raises(Unreachable):
        await lister.list_neighbours()
    assert await lister.list_neighbours() == []


@pytest.mark.parametrize(("tag", "kind"), [("in-use", Busy), ("resource-denied", Busy), ("access-denied", Rejected)])
async def test_a_refusal_says_by_its_class_whether_to_try_again(
    lister: ListsNeighbours, element: Harness, tag: str, kind: type[Exception]
) -> None:
    await lister.list_neighbours()
    element.lab.switch.faults.refuse("get", 1, Refusal(tag, "not now"))
    with pytest.raises(kind, match=f"{tag}: not now"):
        await lister.list_neighbours()
    assert await lister.list_neighbours() == []


async def test_another_host_key_is_never_spoken_to(element: Harness) -> None:
    lister = element.lister()
    await element.lab.change_host_key()
    with pytest.raises(Unreachable, match="host key changed"):
        await lister.list_neighbours()
    await lister.close()
    assert element.lab.switch.rpcs.total() == 0


async def test_a_wrong_password_is_rejected(element: Harness) -> None:
    lister = element.lister(password="wrong")
    with pytest.raises(Rejected, match="authentication refused"):
        await lister.list_neighbours()
    await lister.close()


@pytest.mark.parametrize("kind", HARNESSES)
async def test_an_element_that_has_no_lldp_is_not_taken_for_one_without_neighbours(kind: str) -> None:
    async with HARNESSES[kind](lldp=False) as element:
        lister = element.lister()
        element.lab.plug("Ethernet1", MAC)
        with pytest.raises(Rejected, match=r"-lldp is not in its hello or YANG library, .*; enable it"):
            await lister.list_neighbours()
        assert await lister.ports() == {"Ethernet1", "Ethernet2"}, "the session goes on"
        await lister.close()


async def test_entries_that_cannot_be_read_are_counted_and_told_of_once(element: Harness) -> None:
    lister = element.lister()
    assert isinstance(lister, NetconfSwitchDriver)
    element.lab.plug("Ethernet1", "no address")
    element.lab.plug("Ethernet2", MAC)
    for _ in range(3):
        assert [each.port for each in await lister.list_neighbours()] == ["Ethernet2"]
    await lister.close()
    assert lister.malformed_entries == 3
