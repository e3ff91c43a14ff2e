"""LLDP on access ports: what a switch lists finds its job, contradicts it, or is forgotten; and believes no more."""

from typing import Any

import pytest

from drivers.base import Neighbour
from tests.integration.store.world import World, order
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, LocationBody
from ztpd.store import attempts, orders, sightings
from ztpd.store.sightings import Difference

SWITCH, OTHER_SWITCH, PORT, OTHER_PORT = "sw-1", "sw-2", "Ethernet1", "Ethernet2"
MAC, PORT_MAC, STRANGER = "00:25:9e:1a:2b:3c", "00:25:9e:00:00:99", "02:00:00:00:00:01"
CPE = AllocatedDevice(role="cpe", mac=MAC)


def neighbour(port: str = PORT, chassis_mac: str | None = MAC, **others: Any) -> Neighbour:
    told = {"chassis_id": chassis_mac or "router", "chassis_id_type": "MAC_ADDRESS" if chassis_mac else "LOCAL"}
    return Neighbour(
        **{"port": port, **told, "chassis_mac": chassis_mac, "port_id": "eth0", "port_id_type": "LOCAL", **others}
    )


def list_neighbours(here: World, *listed: Neighbour, element: str = SWITCH) -> list[Difference]:
    return here.do(sightings.record_neighbours, element, listed, here.now)


def placed(here: World, port: str = PORT, element: str = SWITCH) -> None:
    access = Access(technology="ethernet", element=element, port=port)
    here.do(orders.put_location, "LOC-1", LocationBody(address="1 High Street", access=access))


def served(here: World) -> None:
    """A place on a switch's port, and a profile that is made for it."""
    name, profile = next(iter(here.profiles.items()))
    here.profiles[name] = profile.model_copy(update={"technologies": ("ethernet",)})
    placed(here)


def ready(here: World, *devices: AllocatedDevice) -> None:
    """A place on a switch's port, and an order with every leg."""
    served(here)
    here.do(orders.put_job, "J-1", order(*(devices or (CPE,))))
    assert here.job().state is JobState.READY


def presence(here: World) -> list[tuple[str, str, str]]:
    """Who is believed to be present: address, element and port."""
    rows = here.rows(
        "SELECT n.value, p.element, p.port FROM presence p JOIN device_name n ON n.device = p.device ORDER BY 1, 2, 3"
    )
    return [(row["value"], row["element"], row["port"]) for row in rows]


def test_a_cpe_on_its_port_makes_its_job_discovered(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(system_name="router-1", system_description="OpenWrt", capabilities=("ROUTER",)))
    assert here.job().state is JobState.DISCOVERED
    device = here.device(MAC)
    assert (device["state"], device["element"], device["port"]) == ("seen", SWITCH, PORT)
    (told,) = here.reader.sightings(0, 10, None, unmatched=False)
    assert (told["source"], told["verdict"], told["body"]["trusted"]) == ("lldp", "matches job J-1", True)
    assert told["body"]["details"] == {
        "state": "router-1, OpenWrt",
        "chassis-id": MAC,
        "port-id": "eth0",
        "capabilities": "ROUTER",
    }


def test_the_same_list_again_is_no_news(here: World) -> None:
    ready(here)
    assert len(list_neighbours(here, neighbour(), neighbour(OTHER_PORT, STRANGER))) == 2
    written = here.written()
    assert list_neighbours(here, neighbour(), neighbour(OTHER_PORT, STRANGER)) == []
    assert here.written() == written


def test_what_a_neighbour_says_otherwise_is_news(here: World) -> None:
    list_neighbours(here, neighbour(system_name="router-1"))
    assert list_neighbours(here, neighbour(system_name="router-2")) == [Difference(True, MAC, PORT)]
    assert here.device(MAC)["raw_state"] == "router-2"


def test_a_cpe_on_another_port_holds_its_job_until_it_is_patched_right(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(OTHER_PORT))
    assert (here.job().state, here.codes()) == (JobState.HELD, ["wrong-port"])
    assert here.job().failures[0].detail == f"heard on {SWITCH} {OTHER_PORT}, expected on {SWITCH} {PORT}"
    assert (here.device(MAC)["state"], here.device(MAC)["reason"]) == ("quarantined", "wrong-port")
    told = here.events()
    list_neighbours(here, neighbour(OTHER_PORT))
    assert here.events() == told, "hearing the same again tells nobody anything"
    list_neighbours(here, neighbour(PORT))
    assert (here.job().state, here.device(MAC)["state"]) == (JobState.DISCOVERED, "seen")
    assert presence(here) == [(MAC, SWITCH, PORT)]


def test_a_cpe_on_another_port_goes_on_when_the_location_is_corrected(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(OTHER_PORT))
    placed(here, OTHER_PORT)
    assert (here.job().state, here.device(MAC)["state"]) == (JobState.DISCOVERED, "seen")


def test_a_cpe_that_is_there_already_is_found_by_its_order(here: World) -> None:
    list_neighbours(here, neighbour())
    assert here.device(MAC)["reason"] == "unknown"
    served(here)
    here.do(orders.put_job, "J-1", order(CPE))
    assert (here.job().state, here.device(MAC)["state"]) == (JobState.DISCOVERED, "seen")


def test_who_is_not_listed_any_more_has_left(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(), neighbour(OTHER_PORT, STRANGER))
    assert list_neighbours(here, neighbour()) == [Difference(False, STRANGER, OTHER_PORT)]
    assert presence(here) == [(MAC, SWITCH, PORT)]
    here.later(seconds=1)
    list_neighbours(here)
    assert presence(here) == []
    assert here.device(MAC)["presence"] == "absent"
    told = here.reader.sightings(0, 10, None, unmatched=False)
    assert [sighting["body"]["presence"] for sighting in told] == ["present", "present", "absent", "absent"]


def test_a_list_that_is_older_than_what_is_believed_undoes_nothing(here: World) -> None:
    read_at = here.now
    here.later(seconds=5)
    list_neighbours(here, neighbour())
    assert here.do(sightings.record_neighbours, SWITCH, [], read_at) == []
    assert presence(here) == [(MAC, SWITCH, PORT)]


def test_a_job_that_fell_back_hears_its_device_again_at_every_list(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(OTHER_PORT))
    assert list_neighbours(here, neighbour(OTHER_PORT)) == [Difference(True, MAC, OTHER_PORT)]
    (told,) = here.reader.sightings(0, 10, None, unmatched=False)
    assert told["times"] == 2, "counted, not written anew"


@pytest.mark.parametrize("allocated", [MAC, PORT_MAC])
def test_a_neighbour_with_two_addresses_is_known_by_the_one_that_was_ordered(here: World, allocated: str) -> None:
    both = neighbour(port_mac=PORT_MAC)
    list_neighbours(here, both)
    assert presence(here) == [(PORT_MAC, SWITCH, PORT)], "the port's, as long as nobody knows either"
    ready_for = AllocatedDevice(role="cpe", mac=allocated)
    served(here)
    here.do(orders.put_job, "J-1", order(ready_for))
    here.later(seconds=1)
    list_neighbours(here, both)
    assert here.job().state is JobState.DISCOVERED
    assert presence(here) == [(allocated, SWITCH, PORT)]
    assert list_neighbours(here, both) == []
    assert len(here.rows("SELECT * FROM device WHERE state <> 'retired'")) == (1 if allocated == PORT_MAC else 2)


def test_two_addresses_of_one_neighbour_make_no_device_of_two(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(OTHER_PORT, chassis_mac=MAC, port_mac=STRANGER))
    assert [
        name["value"] for name in here.rows(f"SELECT value FROM device_name WHERE device = {here.device(MAC)['id']}")
    ] == [MAC]
    assert here.codes() == ["wrong-port"], "it says that it is the CPE, and is on another port"


def test_a_neighbour_without_an_address_is_passed_over(here: World) -> None:
    assert list_neighbours(here, neighbour(chassis_mac=None)) == []
    assert here.rows("SELECT * FROM device") == []


def test_an_expected_cpe_on_two_ports_is_a_clone_until_one_is_gone(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour(PORT))
    list_neighbours(here, neighbour(PORT), neighbour(OTHER_PORT))
    assert (here.job().state, here.codes()) == (JobState.HELD, ["duplicate-mac"])
    assert here.device(MAC)["reason"] == "duplicate-mac"
    told = here.rows("SELECT type FROM event")
    for _ in range(2):
        list_neighbours(here, neighbour(OTHER_PORT), neighbour(PORT))
    assert here.rows("SELECT type FROM event") == told
    here.later(seconds=1)
    list_neighbours(here, neighbour(PORT))
    assert (here.job().state, here.device(MAC)["state"]) == (JobState.DISCOVERED, "seen")


def test_switches_that_see_each_other_on_many_ports_contradict_nothing(here: World) -> None:
    for element in (SWITCH, OTHER_SWITCH):
        list_neighbours(here, neighbour(PORT, STRANGER), neighbour(OTHER_PORT, STRANGER), element=element)
    assert here.device(STRANGER)["reason"] == "unknown"
    assert here.rows("SELECT * FROM event") == []
    assert len(presence(here)) == 4


def test_nobody_is_present_on_an_element_that_is_watched_no_more(here: World) -> None:
    list_neighbours(here, neighbour())
    here.later(seconds=1)
    assert here.do(sightings.keep_elements, {"olt-1"}) == [SWITCH]
    assert presence(here) == []


def test_a_long_list_is_recorded_a_few_at_a_time(here: World) -> None:
    macs = [f"02:00:00:00:00:{number:02x}" for number in range(8)]
    list_neighbours(here, *(neighbour(f"Ethernet{n}", mac) for n, mac in enumerate(macs[4:])))
    here.later(seconds=1)
    listed = [neighbour(f"Ethernet{n}", mac) for n, mac in enumerate(macs[:4])]
    last, recorded = None, []
    while found := here.do(sightings.record_neighbours, SWITCH, listed, here.now, after=last, limit=3):
        recorded += found
        last = found[-1]
    assert [(each.name, each.present) for each in recorded] == [
        *((mac, False) for mac in macs[4:]),
        *((mac, True) for mac in macs[:4]),
    ]
    assert [mac for mac, _, _ in presence(here)] == macs[:4]


def test_nobody_claims_a_job_on_an_element_that_is_only_listened_to(here: World) -> None:
    ready(here)
    list_neighbours(here, neighbour())
    here.do(attempts.close_overdue, 64)
    here.later(hours=72)
    here.do(attempts.close_overdue, 64)
    assert here.job().state is JobState.DISCOVERED
