"""Forged announcements over MQTT: whatever they claim, no job moves, no device joins, leaves or goes anywhere."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.store.world import (
    CPE,
    HEX,
    LEASE,
    OLT,
    ONT,
    OTHER_PORT,
    OTHER_SERIAL,
    OUI,
    PORT,
    SERIAL,
    World,
    location,
    order,
    told,
)
from ztpd.discovery.mqtt_announcement import decode
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice
from ztpd.domain.sighting import Presence, Sighting, Source
from ztpd.store import attempts, cpes, orders, sightings

MAC, STRANGER = "00:11:22:33:44:55", "00:11:22:33:44:66"
CIRCUIT = "olt-1 xpon 1/1/3:7"
ROUTER = AllocatedDevice(role="cpe", mac=MAC)


def hint(here: World, element: str = OLT, **said: Any) -> sightings.Recorded:
    """Publish an announcement, as anybody may who reaches the broker."""
    forged = decode(f"ztpd/v1/sightings/{element}", json.dumps(said).encode(), here.now)
    return here.do(sightings.record_sighting, forged)


def held_for_the_wrong_port(here: World) -> None:
    here.ready(ONT, ROUTER)
    here.announce(OTHER_PORT)


def held_for_a_clone(here: World) -> None:
    here.ready(ONT, ROUTER)
    here.announce()
    here.announce(OTHER_PORT)


def held_for_its_profile(here: World) -> None:
    here.do(orders.put_location, "LOC-1", location())
    here.do(orders.put_job, "J-1", order(ONT, ROUTER, profile="none"))


def failed_on_site(here: World) -> None:
    here.do(attempts.fail_attempt, here.at_work(ONT, ROUTER), LEASE, Failure(Code.LOW_LIGHT, "dark"), None)
    here.announce(gone=True)


def discovered(here: World) -> None:
    here.ready(ONT, ROUTER)
    here.announce()


def on_an_ethernet_port(here: World) -> None:
    access = Access(technology="ethernet", element=OLT, port=PORT)
    here.do(orders.put_location, "LOC-1", location().model_copy(update={"access": access}))
    here.do(orders.put_job, "J-1", order(ONT, ROUTER))


SITUATIONS: list[tuple[Callable[[World], Any], JobState]] = [
    (lambda here: here.ready(ONT, ROUTER), JobState.READY),
    (held_for_the_wrong_port, JobState.HELD),
    (held_for_a_clone, JobState.HELD),
    (held_for_its_profile, JobState.HELD),
    (discovered, JobState.DISCOVERED),
    (lambda here: here.at_work(ONT, ROUTER), JobState.APPLYING),
    (lambda here: here.confirm(here.at_work(ONT)), JobState.AWAITING_COMPLETION),
    (failed_on_site, JobState.FAILED),
    (on_an_ethernet_port, JobState.HELD),
]

FORGED = st.fixed_dictionaries(
    {"mac": st.sampled_from([MAC, STRANGER, "020000000001"])},
    optional={
        "serial": st.sampled_from([SERIAL, OTHER_SERIAL, "hwtc:1a2b3c4d", "ZTEG00000001"]),
        "presence": st.sampled_from(["present", "absent"]),
        "port": st.sampled_from([PORT, OTHER_PORT, "9/9/9"]),
        "ip": st.sampled_from(["10.0.0.5", "10.0.0.6"]),
        "circuit_id": st.sampled_from([CIRCUIT, "elsewhere"]),
        "heard_at": st.sampled_from(["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]),
        "details": st.just({"state": "present"}),
    },
)
NAMED = FORGED | FORGED.map(lambda said: {**said, "oui": OUI, "cwmp_serial": HEX}) | st.just({"serial": SERIAL})
ELEMENTS = st.sampled_from([OLT, "olt-2", "radio-9"])


def believed(here: World, devices: set[int]) -> dict[str, list[dict[str, Any]]]:
    """Everything but the sightings themselves and when a device was last heard of; of devices, those known before."""
    written = here.written() | {"presence": here.rows("SELECT * FROM presence ORDER BY device, element, port")}
    known = here.rows("SELECT * FROM device ORDER BY id")
    written["device"] = [{**row, "last_seen_at": ""} for row in known if row["id"] in devices]
    written["device_name"] = [row for row in written["device_name"] if row["device"] in devices]
    return written


@pytest.mark.parametrize(("situation", "state"), SITUATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_forged_announcement_changes_what_is_believed(
    here: World, situation: Callable[[World], Any], state: JobState, data: st.DataObject
) -> None:
    if not here.rows("SELECT id FROM job"):
        here.dhcp(MAC, circuit_id=CIRCUIT.encode().hex())
        situation(here)
    assert here.job().state is state
    devices = {row["id"] for row in here.rows("SELECT id FROM device")}
    before = believed(here, devices)
    for said in data.draw(st.lists(NAMED, min_size=1, max_size=3)):
        hint(here, data.draw(ELEMENTS), **said)
    assert believed(here, devices) == before


def test_a_hint_is_kept_with_the_job_it_concerns_and_says_why_it_moves_nothing(here: World) -> None:
    on_an_ethernet_port(here)
    recorded = hint(here, mac=MAC, port=PORT)
    assert (recorded.job, recorded.verdict) == ("J-1", "the source is not trusted to say where the device is")
    (kept,) = here.reader.sightings(0, 10, None, unmatched=False)
    assert (kept["source"], kept["element"], kept["port"]) == ("mqtt", OLT, PORT)


def test_the_element_that_confirms_a_hint_moves_the_job(here: World) -> None:
    here.ready()
    hint(here, serial=SERIAL, port=PORT)
    assert here.job().state is JobState.READY
    here.list_onus((SERIAL, PORT))
    assert here.job().state is JobState.DISCOVERED


def test_names_published_together_give_no_stranger_the_settings_of_a_job(here: World) -> None:
    here.confirm(here.at_work(ONT, ROUTER))
    hint(here, mac=MAC, oui="AAAAAA", cwmp_serial="STRANGER")
    inform = Sighting(Source.CWMP, here.now, oui="AAAAAA", cwmp_serial="STRANGER", ip="10.9.9.9")
    assert here.do(cpes.hear_inform, inform, told("STRANGER")) is None


def test_an_address_that_was_published_ties_no_stranger_to_a_job(here: World) -> None:
    here.confirm(here.at_work(ONT, ROUTER))
    hint(here, mac=MAC, ip="10.9.9.9")
    inform = Sighting(Source.CWMP, here.now, oui="AAAAAA", cwmp_serial="STRANGER", ip="10.9.9.9")
    assert here.do(cpes.hear_inform, inform, told("STRANGER")) is None
    here.dhcp(MAC, ip="10.0.0.7")
    assert here.inform(serial="ROUTER-1", ip="10.0.0.7") is not None, "the lease does"


def test_a_published_address_is_taken_from_nobody(here: World) -> None:
    here.dhcp(MAC, ip="10.0.0.7")
    hint(here, mac=STRANGER, ip="10.0.0.7")
    assert here.device(MAC)["ip"] == "10.0.0.7"
    assert here.device(STRANGER)["ip"] is None


def test_a_published_absence_ends_no_presence(here: World) -> None:
    here.ready(ONT, CPE)
    here.announce()
    hint(here, serial=SERIAL, port=PORT, presence=Presence.ABSENT)
    assert here.device()["presence"] == "present"
    assert here.job().state is JobState.DISCOVERED
