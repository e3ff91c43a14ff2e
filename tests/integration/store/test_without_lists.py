"""Access points that many share, and devices that no list tells of: heard by DHCP and silent for half a lease."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.integration.store.world import LEASE, World, order, world
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, LocationBody, VisitBody
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Presence
from ztpd.store import attempts, orders

CIRCUIT = "0x6567"
MACS = ("00:11:22:33:44:55", "00:11:22:33:44:66")


@pytest.fixture
def here(store_url: str, residential: Profile) -> Iterator[World]:
    with world(store_url, residential) as made:
        for technology in ("ethernet", "wireless"):
            made.profiles[technology] = residential.model_copy(
                update={"name": technology, "technologies": (technology,)}
            )
        yield made


def _ordered(here: World, technology: str, nth: int = 0) -> JobState:
    """One of several customers behind the same port."""
    access = Access(technology=technology, element="element-1", port="port 1")
    here.do(orders.put_location, f"LOC-{nth}", LocationBody(address="here", access=access, circuit_id=CIRCUIT))
    router = AllocatedDevice(role="cpe", mac=MACS[nth])
    body = order(router, profile=technology, service=f"SVC-{nth}", place=f"LOC-{nth}")
    here.do(orders.put_job, f"J-{nth}", body)
    return here.job(f"J-{nth}").state


def _failed(here: World) -> None:
    """A job whose device asked for an address and whose attempt came to nothing."""
    _ordered(here, "ethernet")
    here.dhcp(MACS[0], circuit_id=CIRCUIT.removeprefix("0x"))
    (work,) = here.do(attempts.claim_jobs, "element-1", LEASE, 10)
    here.do(attempts.fail_attempt, work, LEASE, Failure(Code.NOT_VERIFIABLE, "priority"), None)
    assert here.job("J-0").state is JobState.FAILED


def test_an_access_point_serves_as_many_as_are_ordered(here: World) -> None:
    assert [_ordered(here, "wireless", nth) for nth in (0, 1)] == [JobState.READY, JobState.READY]


def test_a_retry_goes_on_with_a_device_that_has_its_address_and_says_no_more(here: World) -> None:
    _failed(here)
    here.later(minutes=5)
    assert here.do(orders.ask_retry, "J-0").state is JobState.DISCOVERED


def test_a_retry_waits_for_a_device_that_gave_its_address_back(here: World) -> None:
    _failed(here)
    here.later(minutes=5)
    here.dhcp(MACS[0], circuit_id=CIRCUIT.removeprefix("0x"), presence=Presence.ABSENT)
    assert here.do(orders.ask_retry, "J-0").state is JobState.READY


def test_a_visit_waits_for_the_device_though_it_was_heard_in_the_one_before(here: World) -> None:
    _failed(here)
    here.now += timedelta(days=1)
    assert here.do(orders.open_visit, "J-0", 2, VisitBody()).state is JobState.READY


@pytest.mark.parametrize(
    ("location", "heard", "verdict"),
    [
        ("eth1.201.301", "eth1.201.301", "matches job J-0"),
        ("eth1.201", "eth1.201.301", "matches job J-0"),
        ("eth1", "eth1.201.301", "matches job J-0"),
        ("eth1", "eth1", "matches job J-0"),
        ("eth1.201.301", "eth1.201.302", "wrong-port"),
        ("eth1.201", "eth1", "wrong-port"),
        ("eth1", "eth2.201", "wrong-port"),
    ],
)
def test_a_frame_s_vlans_are_as_much_of_a_place_as_its_location_says(
    here: World, location: str, heard: str, verdict: str
) -> None:
    access = Access(technology="ethernet", element="edge-1", port=location)
    here.do(orders.put_location, "LOC-0", LocationBody(address="here", access=access))
    router = AllocatedDevice(role="cpe", mac=MACS[0])
    here.do(orders.put_job, "J-0", order(router, profile="ethernet", service="SVC-0", place="LOC-0"))
    told = here.dhcp(MACS[0], element="edge-1", port=heard, details={"interface": heard.partition(".")[0]})
    assert told.startswith(verdict)
