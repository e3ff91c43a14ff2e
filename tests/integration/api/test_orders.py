"""Places and jobs through the API: described, ordered, amended, visited, tried again, reported; on both engines."""

import pytest

from tests.integration.api.world import CPE, JOB, LOCATION, ONT, REPORT, World


async def test_a_location_is_new_once_and_kept_as_it_was_sent(stored_world: World) -> None:
    first = await stored_world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    again = await stored_world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    read = await stored_world.get("/v1/locations/LOC-1")
    assert (first.status, again.status, read.status) == (201, 200, 200)
    assert first.json == again.json == read.json == {"id": "LOC-1", "reason": "", **LOCATION}


async def test_a_location_may_be_described_anew(world: World) -> None:
    await world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    reply = await world.send("PUT", "/v1/locations/LOC-1", {"address": "Main Street 1b"})
    assert reply.status == 200
    assert (await world.get("/v1/locations/LOC-1")).json["address"] == "Main Street 1b"


@pytest.mark.parametrize(
    ("change", "field", "value", "remedy"),
    [
        ({"element": "olt-9"}, "access.element", "olt-9", "configured are olt-1, switch-1"),
        ({"technology": "ethernet"}, "access.technology", "ethernet", "it serves pon"),
        ({"port": "9/9/9"}, "access.port", "9/9/9", "it has 1/1/1, 1/1/3"),
    ],
)
async def test_an_access_that_the_configuration_contradicts_is_refused_by_name(
    world: World, change: dict[str, str], field: str, value: str, remedy: str
) -> None:
    reply = await world.send("PUT", "/v1/locations/LOC-1", {**LOCATION, "access": {**LOCATION["access"], **change}})
    assert reply.status == 422
    [item] = reply.json["errors"]
    assert (item["field"], item["value"], item["remedy"]) == (field, value, remedy)
    assert (await world.get("/v1/locations/LOC-1")).status == 404


async def test_any_port_is_taken_where_the_ports_of_an_element_are_not_known(world: World) -> None:
    access = {"technology": "ethernet", "element": "switch-1", "port": "ge-0/0/47"}
    assert (await world.send("PUT", "/v1/locations/LOC-1", {"address": "x", "access": access})).status == 201


async def test_a_job_says_which_leg_is_missing_and_goes_on_once_it_is_there(stored_world: World) -> None:
    held = await stored_world.send("PUT", "/v1/jobs/J-1", {**JOB, "devices": []})
    assert held.status == 201
    assert held.json["state"] == "held"
    assert {each["code"] for each in held.json["failures"]} == {"address-unknown", "device-missing"}
    await stored_world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    ready = await stored_world.send("PUT", "/v1/jobs/J-1", JOB)
    assert (ready.status, ready.json["state"], ready.json["failures"]) == (200, "ready", [])
    assert ready.json["access"] == LOCATION["access"]


async def test_the_same_order_again_changes_nothing(stored_world: World) -> None:
    first = await stored_world.order()
    events = (await stored_world.get("/v1/events")).json
    again = await stored_world.send("PUT", "/v1/jobs/J-1", JOB)
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert (await stored_world.get("/v1/events")).json == events


@pytest.mark.parametrize("change", [{"service": "SVC-2"}, {"account": "ACC-2"}, {"location": "LOC-2"}])
async def test_another_meaning_under_the_same_id_is_refused(world: World, change: dict[str, str]) -> None:
    before = (await world.order()).json
    reply = await world.send("PUT", "/v1/jobs/J-1", {**JOB, **change})
    assert reply.status == 409
    assert "another kind, service, account, location or profile" in reply.json["detail"]
    assert reply.json["remedy"] == "use a new job id for other work"
    assert (await world.get("/v1/jobs/J-1")).json == before


async def test_a_job_shows_what_the_network_knows_of_it(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    job = (await stored_world.get("/v1/jobs/J-1")).json
    assert job["state"] == "awaiting-completion"
    assert job["levels"] == {"onu_rx_dbm": -20.0, "olt_rx_dbm": -22.0, "signal_dbm": None, "link_bps": None}
    assert [visit["number"] for visit in job["visits"]] == [1]
    heard = {name["value"] for device in job["heard_devices"] for name in device["names"]}
    assert {"HWTC1A2B3C4D", "00259E-485754431A2B3C4D"} <= heard


async def test_a_report_before_the_network_is_up_is_refused(world: World) -> None:
    await world.order()
    reply = await world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    assert reply.status == 409
    assert reply.json["detail"] == "job J-1 is ready: the network has not confirmed the service"
    assert "awaiting-completion" in reply.json["remedy"]


async def test_a_report_that_lacks_evidence_is_refused_item_by_item(world: World) -> None:
    await world.order()
    await world.bring_up()
    report = {**REPORT, "devices": [ONT], "measurements": REPORT["measurements"][:1], "photos": []}
    reply = await world.send("POST", "/v1/jobs/J-1/completion", report)
    assert reply.status == 422
    assert reply.headers["Content-Type"] == "application/problem+json"
    fields = {item["field"] for item in reply.json["errors"]}
    assert fields == {"devices.cpe", "measurements.download_speed", "photos"}
    assert all(item["problem"] and item["remedy"] for item in reply.json["errors"])
    assert (await world.get("/v1/jobs/J-1")).json["state"] == "awaiting-completion"


async def test_an_accepted_report_completes_the_job_and_activates_the_service_once(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    first = await stored_world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    again = await stored_world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    assert (first.status, again.status) == (200, 200)
    assert first.json["state"] == "completed"
    assert (await stored_world.get("/v1/services/SVC-1")).json["state"] == "active"
    events = (await stored_world.get("/v1/events?limit=500")).json["items"]
    assert [event["type"] for event in events].count("service.activated") == 1


async def test_another_report_for_a_completed_job_is_refused(world: World) -> None:
    await world.order()
    await world.bring_up()
    await world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    reply = await world.send("POST", "/v1/jobs/J-1/completion", {**REPORT, "technician": "T-1"})
    assert reply.status == 409


async def test_the_next_visit_of_a_failed_job_is_opened_once(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.hear_ont()
    await stored_world.fail_attempt()
    opened = await stored_world.send("PUT", "/v1/jobs/J-1/visits/2", {"technician": "T-2"})
    again = await stored_world.send("PUT", "/v1/jobs/J-1/visits/2", {"technician": "T-2"})
    assert (opened.status, again.status) == (201, 200)
    assert (opened.json["state"], opened.json["visit"], opened.json["technician"]) == ("ready", 2, "T-2")
    assert again.json == opened.json


async def test_a_visit_out_of_turn_is_refused(world: World) -> None:
    await world.order()
    skipped = await world.send("PUT", "/v1/jobs/J-1/visits/3", {})
    assert (skipped.status, skipped.json["remedy"]) == (409, "open visit 2")
    not_needed = await world.send("PUT", "/v1/jobs/J-1/visits/2", {})
    assert (not_needed.status, not_needed.json["detail"]) == (409, "visit-opened is not possible in state ready")


async def test_a_failed_job_is_tried_again_when_asked(world: World) -> None:
    await world.order()
    await world.hear_ont()
    await world.fail_attempt()
    assert (await world.get("/v1/jobs/J-1")).json["state"] == "failed"
    reply = await world.send("POST", "/v1/jobs/J-1/retry")
    assert (reply.status, reply.json["state"]) == (200, "discovered")


async def test_a_job_that_did_not_fail_is_not_tried_again(world: World) -> None:
    await world.order()
    reply = await world.send("POST", "/v1/jobs/J-1/retry")
    assert (reply.status, reply.json["detail"]) == (409, "retry-asked is not possible in state ready")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/locations/NONE", None),
        ("GET", "/v1/jobs/NONE", None),
        ("GET", "/v1/jobs/NONE/trace", None),
        ("GET", "/v1/jobs/NONE/evidence", None),
        ("POST", "/v1/jobs/NONE/completion", REPORT),
        ("PUT", "/v1/jobs/NONE/visits/2", {}),
        ("POST", "/v1/jobs/NONE/retry", None),
        ("GET", "/v1/services/NONE", None),
        ("GET", "/v1/devices/4711", None),
        ("POST", "/v1/endpoints/NONE/enable", None),
    ],
)
async def test_what_is_not_there_is_said_to_be_so(world: World, method: str, path: str, body: object) -> None:
    reply = await world.send(method, path, body)
    assert reply.status == 404
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json["detail"].startswith("there is no ")


async def test_a_mask_is_not_taken_for_the_secret_it_stands_for(world: World) -> None:
    shown = (await world.order()).json
    reply = await world.send("PUT", "/v1/jobs/J-1", {**JOB, "parameters": shown["parameters"]})
    assert reply.status == 422
    assert [item["field"] for item in reply.json["errors"]] == ["parameters.wifi_passphrase"]


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\x1b[31m", "\ufffe", "\U0001f4a1", "'; DROP TABLE job; --"])
async def test_no_character_breaks_an_engine(stored_world: World, text: str) -> None:
    access = {**LOCATION["access"], "technology": "ethernet", "element": "switch-1", "port": text}
    bodies = [{**LOCATION, "address": text}, {**LOCATION, "circuit_id": text}, {**LOCATION, "access": access}]
    for number, body in enumerate(bodies):
        reply = await stored_world.send("PUT", f"/v1/locations/L-{number}", body)
        assert reply.status in {201, 422}
        if reply.status == 201:
            assert (await stored_world.get(f"/v1/locations/L-{number}")).json == {
                "id": f"L-{number}",
                "reason": "",
                **body,
            }
    for number, device in enumerate(({**CPE, "serial": text}, {**ONT, "serial": text}, {**CPE, "mac": text})):
        job = {**JOB, "service": f"S-{number}", "devices": [device]}
        assert (await stored_world.send("PUT", f"/v1/jobs/J-{number}", job)).status in {201, 422}
