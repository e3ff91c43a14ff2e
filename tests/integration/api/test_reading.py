"""Lists, filters, traces and evidence; and that no answer shows a secret."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.api.world import JOB, LOCATION, REPORT, SENTINEL, START, World, token_of
from ztpd.api.app import ROUTES
from ztpd.api.tokens import Scope
from ztpd.domain.cpe import CpeOutcome
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import cpes, sightings
from ztpd.store.times import to_text


async def hear_stranger(world: World, number: int) -> None:
    """A device that no job expects is heard on olt-1."""
    heard = Sighting(Source.PON, START, element="olt-1", port="1/1/1", serial=f"ALCL{number:08X}")
    await world.store.commit(sightings.record_sighting, heard)


async def add_locations(world: World, count: int) -> None:
    for number in range(count):
        await world.send("PUT", f"/v1/locations/L-{number:02}", {"address": f"Main Street {number}"})


async def add_jobs(world: World, count: int) -> None:
    for number in range(count):
        await world.send("PUT", f"/v1/jobs/J-{number:02}", {**JOB, "service": f"SVC-{number:02}"})


async def add_devices(world: World, count: int) -> None:
    for number in range(count):
        await hear_stranger(world, number)


async def pages_of(world: World, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """The items of every page, read by following ``next``."""
    answer = (await world.get(f"{path}?limit={limit}")).json
    pages = [answer["items"]]
    while answer["next"] is not None:
        answer = (await world.get(f"{path}?limit={limit}&after={answer['next']}")).json
        pages.append(answer["items"])
    return pages


@pytest.mark.parametrize(
    ("path", "add"),
    [
        ("/v1/locations", add_locations),
        ("/v1/jobs", add_jobs),
        ("/v1/services", add_jobs),
        ("/v1/devices", add_devices),
        ("/v1/sightings", add_devices),
        ("/v1/deliveries", add_jobs),
    ],
)
async def test_the_pages_of_a_list_hold_everything_once(
    world: World, path: str, add: Callable[[World, int], Awaitable[None]]
) -> None:
    await add(world, 6)
    whole = (await world.get(f"{path}?limit=500")).json
    assert whole["next"] is None
    assert len(whole["items"]) >= 6
    for limit in (1, 3, 6, 7):
        pages = await pages_of(world, path, limit)
        assert [item for page in pages for item in page] == whole["items"]
        assert len(pages) == -(-len(whole["items"]) // limit)
        assert all(0 < len(page) <= limit for page in pages)


async def test_jobs_are_filtered_by_state_and_service(stored_world: World) -> None:
    await stored_world.order()
    other = {**JOB, "service": "SVC-2", "location": "LOC-2", "devices": []}
    await stored_world.send("PUT", "/v1/jobs/J-2", other)

    async def ids(query: str) -> list[str]:
        return [job["id"] for job in (await stored_world.get(f"/v1/jobs?{query}")).json["items"]]

    assert await ids("") == ["J-1", "J-2"]
    assert await ids("state=ready") == ["J-1"]
    assert await ids("service=SVC-2") == ["J-2"]
    assert await ids("state=ready&service=SVC-2") == []
    assert [each["id"] for each in (await stored_world.get("/v1/services?state=reserved")).json["items"]] == [
        "SVC-1",
        "SVC-2",
    ]


async def test_locations_are_filtered_by_circuit_id_and_by_port(stored_world: World) -> None:
    places = {
        "LOC-1": LOCATION,
        "LOC-2": {**LOCATION, "circuit_id": "0xFEED00"},
        "LOC-3": {**LOCATION, "circuit_id": None, "access": {**LOCATION["access"], "port": "1/1/1"}},
        "LOC-4": {"address": "Main Street 4", "circuit_id": LOCATION["circuit_id"]},
    }
    for id_, body in places.items():
        assert (await stored_world.send("PUT", f"/v1/locations/{id_}", body)).status == 201

    async def ids(query: str) -> list[str]:
        return [place["id"] for place in (await stored_world.get(f"/v1/locations?{query}")).json["items"]]

    assert await ids("circuit_id=olt-1%20xpon%201/1/3") == ["LOC-1", "LOC-4"]
    assert await ids(f"circuit_id=0x{b'olt-1 xpon 1/1/3'.hex().upper()}") == ["LOC-1", "LOC-4"]
    assert await ids("circuit_id=0xfeed00") == ["LOC-2"]
    assert await ids("circuit_id=feed00") == []
    assert await ids("element=olt-1") == ["LOC-1", "LOC-2", "LOC-3"]
    assert await ids("element=olt-1&port=1/1/3") == ["LOC-1", "LOC-2"]
    assert await ids("element=olt-1&port=1/1/3&circuit_id=0xfeed00") == ["LOC-2"]
    assert await ids("element=olt-2&port=1/1/3") == []
    first = (await stored_world.get("/v1/locations?element=olt-1&limit=2")).json
    assert first["next"] == "LOC-2"
    assert await ids("element=olt-1&limit=2&after=LOC-2") == ["LOC-3"]


@pytest.mark.parametrize(
    ("circuit_id", "problem"), [("0xfee", "what follows is not hex"), ("x" * 256, "longer than the 255 bytes")]
)
async def test_a_circuit_id_that_cannot_be_one_is_refused(world: World, circuit_id: str, problem: str) -> None:
    reply = await world.get(f"/v1/locations?circuit_id={circuit_id}")
    assert reply.status == 422
    [error] = reply.json["errors"]
    assert error["field"] == "circuit_id"
    assert problem in error["problem"]


async def test_unknown_devices_are_in_quarantine_and_their_sightings_unmatched(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.hear_ont()
    await hear_stranger(stored_world, 7)
    [stranger] = (await stored_world.get("/v1/devices?state=quarantined")).json["items"]
    assert [name["value"] for name in stranger["names"]] == ["ALCL00000007"]
    assert (await stored_world.get(f"/v1/devices/{stranger['id']}")).json == stranger
    [unmatched] = (await stored_world.get("/v1/sightings?unmatched=true")).json["items"]
    assert (unmatched["device"], unmatched["job"]) == (stranger["id"], None)
    assert unmatched["verdict"] == "no open job expects this device"
    assert (await stored_world.get(f"/v1/sightings?device={stranger['id']}")).json["items"] == [unmatched]
    assert len((await stored_world.get("/v1/sightings")).json["items"]) == 2


async def test_a_trace_tells_everything_in_the_order_of_time(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    await stored_world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    entries = (await stored_world.get("/v1/jobs/J-1/trace")).json["items"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    events = [entry["what"] for entry in entries if entry["kind"] == "event"]
    assert events[0] == "job.ordered"
    assert events[-1] == "service.activated"
    assert "heard by pon" in [entry["what"] for entry in entries if entry["kind"] == "sighting"]


async def test_evidence_is_listed_as_it_was_given(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    await stored_world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    records = (await stored_world.get("/v1/jobs/J-1/evidence")).json["items"]
    assert [record["kind"] for record in records] == ["network", "cpe", "completion"]
    assert records[-1]["author"] == "T-9"
    assert records[-1]["body"]["measurements"] == REPORT["measurements"]
    assert records[-1]["received_at"] == to_text(START)


async def test_deliveries_are_filtered_and_an_endpoint_is_enabled(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.bring_up()
    await stored_world.send("POST", "/v1/jobs/J-1/completion", REPORT)
    [billing] = (await stored_world.get("/v1/deliveries?endpoint=billing&state=pending")).json["items"]
    assert (billing["type"], billing["state"], billing["tries"]) == ("service.activated", "pending", [])
    assert (await stored_world.get("/v1/deliveries?state=dead")).json["items"] == []
    for _ in range(2):
        reply = await stored_world.send("POST", "/v1/endpoints/billing/enable")
        assert (reply.status, reply.json) == (200, {"name": "billing", "enabled": True})


async def test_a_disabled_endpoint_has_its_deliveries_again_once_enabled(stored_world: World) -> None:
    await stored_world.order()
    await stored_world.disable("dispatch")
    assert await stored_world.claim("dispatch") == []
    await stored_world.send("POST", "/v1/endpoints/dispatch/enable")
    assert await stored_world.claim("dispatch") != []


async def test_no_answer_shows_a_secret(world: World) -> None:
    """A sentinel goes in as a secret, as a misspelt one and under an unknown profile, and is seen nowhere."""
    await world.order()
    too_long = {**JOB["parameters"], "wifi_passphrase": SENTINEL * 4}
    misspelt = {**JOB["parameters"], "wifi_pasphrase": SENTINEL}
    replies = [
        await world.send("PUT", "/v1/jobs/J-2", {**JOB, "service": "SVC-2", "parameters": misspelt}),
        await world.send("PUT", "/v1/jobs/J-3", {**JOB, "service": "SVC-3", "profile": "none"}),
        await world.send("PUT", "/v1/jobs/J-4", {**JOB, "service": "SVC-4", "parameters": too_long}),
    ]
    assert [reply.status for reply in replies] == [201, 201, 201]
    await world.send("PUT", "/v1/jobs/J-1", {**JOB, "technician": "T-9"})
    await world.hear_ont()
    await world.fail_attempt()
    replies.append(await world.send("PUT", "/v1/jobs/J-1/visits/2", {}))
    await world.bring_up()
    replies.append(await world.send("POST", "/v1/jobs/J-1/completion", {**REPORT, "photos": []}))
    replies.append(await world.send("POST", "/v1/jobs/J-1/completion", REPORT))
    await world.inform("first")
    asked = await world.send("POST", "/v1/devices/1/read", {"paths": ["Device.WiFi.AccessPoint."]})
    work = await world.inform("second")
    assert work is not None
    shown_by_cpe = CpeOutcome(ok=True, applied={"Device.WiFi.AccessPoint.1.Security.KeyPassphrase": SENTINEL})
    await world.store.commit(cpes.record_outcome, work, shown_by_cpe)
    for row in ROUTES:
        if row.method != "GET":
            continue
        kind = row.path.split("/")[2] if row.path.startswith("/v1") else ""
        ids = {"jobs": ["J-1", "J-2", "J-3", "J-4"], "devices": ["1"], "services": ["SVC-1"], "locations": ["LOC-1"]}
        for id_ in ids.get(kind, [""]):
            task = str(asked.json["id"])
            reply = await world.get(row.path.replace("{id}", id_).replace("{name}", "olt-1").replace("{task}", task))
            if row.path.endswith("/uploads/{upload}"):  # what a CPE sent is secret as a whole, and for an admin only
                continue
            assert reply.status == 200, row.path
            replies.append(reply)
    shown = b"\n".join(reply.body for reply in replies)
    assert SENTINEL.encode() not in shown
    assert b'"wifi_passphrase":"***"' in shown
    assert b'"wifi_ssid":"home"' in shown
    assert token_of(Scope.ADMIN).encode() not in shown


async def test_answers_are_neither_cached_nor_tell_the_servers_version(world: World) -> None:
    await world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    for path in ("/v1/locations/LOC-1", "/v1/jobs/NONE", "/metrics", "/openapi.json"):
        reply = await world.get(path)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Server"] == "ztpd"
