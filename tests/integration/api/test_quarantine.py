"""Quarantine over HTTP: what is listed and why, a device given to a job, one that nobody wants to hear of."""

import re
from typing import Any

import pytest

from tests.integration.api.world import JOB, LOCATION, ONT, START, World
from ztpd.api.tokens import Scope
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import sightings

MISTYPED = {"role": "ont", "serial": "HWTC1A2B3C4E"}


async def hear(world: World, serial: str = ONT["serial"], port: str = "1/1/3") -> int:
    """An ONU is announced; the id of its device."""
    heard = Sighting(Source.PON, START, element="olt-1", port=port, serial=serial)
    return (await world.store.commit(sightings.record_sighting, heard)).device


async def quarantined(world: World, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await world.get(f"/v1/quarantine{query}")).json["items"]
    return items


async def counted(world: World) -> dict[str, int]:
    """How many devices the metrics show, by reason."""
    exposed = (await world.get("/metrics")).body.decode()
    return {reason: int(float(count)) for reason, count in re.findall(r'ztpd_quarantined{reason="(.+)"} (.+)', exposed)}


async def audit(world: World) -> list[tuple[str, str, str]]:
    items = (await world.get("/v1/audit")).json["items"]
    return [(item["actor"], item["action"], item["subject"]) for item in items]


async def test_a_device_whose_serial_was_mistyped_names_the_job_it_is_for(world: World) -> None:
    await world.order(devices=[MISTYPED])
    device = await hear(world)
    [held] = await quarantined(world)
    assert (held["id"], held["reason"]) == (device, "unknown")
    assert held["why"] == "No open job or service expects this device."
    assert held["nearest"] == [{"job": "J-1", "because": "expects HWTC1A2B3C4E, 1 character off"}]
    [heard] = held["heard"]
    assert (heard["source"], heard["element"], heard["port"]) == ("pon", "olt-1", "1/1/3")


async def test_a_device_that_is_given_to_its_job_goes_on_at_once(world: World) -> None:
    await world.order(devices=[MISTYPED])
    device = await hear(world)
    reply = await world.send("POST", f"/v1/quarantine/{device}/allocate", {"job": "J-1"}, scope=Scope.DISPATCH)
    assert (reply.status, reply.json["state"]) == (200, "discovered")
    assert [each["serial"] for each in reply.json["devices"]] == [ONT["serial"]]
    assert [each["state"] for each in (await world.get("/v1/devices")).json["items"]] == ["quarantined", "seen"]
    assert await audit(world) == [("dispatch", "device.allocate", f"device/{device}")]
    [entry] = (await world.get(f"/v1/audit?subject=device/{device}")).json["items"]
    assert entry["detail"] == {"job": "J-1", "role": "ont", "serial": ONT["serial"]}


async def test_the_order_may_be_put_again_after_a_device_was_given_to_its_job(world: World) -> None:
    order = {**JOB, "devices": []}
    await world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    await world.send("PUT", "/v1/jobs/J-1", order)
    device = await hear(world)
    await world.send("POST", f"/v1/quarantine/{device}/allocate", {"job": "J-1"})
    again = await world.send("PUT", "/v1/jobs/J-1", order)
    assert (again.status, again.json["state"]) == (200, "discovered")
    assert [each["serial"] for each in again.json["devices"]] == [ONT["serial"]]


async def test_a_device_on_another_port_holds_the_job_that_it_is_given_to(world: World) -> None:
    await world.order(devices=[])
    device = await hear(world, port="1/1/1")
    reply = await world.send("POST", f"/v1/quarantine/{device}/allocate", {"job": "J-1"})
    assert reply.json["state"] == "held"
    assert [failure["code"] for failure in reply.json["failures"]] == ["wrong-port"]
    [held] = await quarantined(world)
    assert held["detail"] == "heard on olt-1 1/1/1, expected on olt-1 1/1/3"
    assert held["why"].startswith("The device was heard on another port")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"job": "J-9"}, 404, "there is no job J-9"),
        ({"job": "J-1", "role": "cpe"}, 409, "has no name that fits an cpe"),
        ({"job": "J-1", "role": "tv"}, 422, "role"),
        ({"jobs": "J-1"}, 422, "jobs"),
    ],
)
async def test_what_cannot_be_allocated_is_told_and_changes_nothing(
    world: World, body: dict[str, str], status: int, said: str
) -> None:
    await world.order(devices=[MISTYPED])
    device = await hear(world)
    before = (await world.get("/v1/jobs/J-1")).json
    reply = await world.send("POST", f"/v1/quarantine/{device}/allocate", body)
    assert reply.status == status
    assert said in reply.body.decode()
    assert (await world.get("/v1/jobs/J-1")).json == before
    assert await audit(world) == []


async def test_a_job_that_is_under_way_takes_no_other_device(world: World) -> None:
    await world.order()
    await world.hear_ont()
    await world.start_attempt()
    device = await hear(world, "ALCL00000001")
    reply = await world.send("POST", f"/v1/quarantine/{device}/allocate", {"job": "J-1"})
    assert reply.status == 409
    assert "cannot be amended" in reply.json["detail"]


async def test_only_what_is_quarantined_can_be_allocated_or_ignored(world: World) -> None:
    await world.order()
    await world.hear_ont()
    [device] = [each["id"] for each in (await world.get("/v1/devices")).json["items"] if each["state"] == "seen"]
    for action, body in (("allocate", {"job": "J-1"}), ("ignore", {"reason": "mine"})):
        reply = await world.send("POST", f"/v1/quarantine/{device}/{action}", body)
        assert (reply.status, f"device {device} is seen" in reply.json["detail"]) == (409, True)
        assert (await world.send("POST", f"/v1/quarantine/999/{action}", body)).status == 404


async def test_an_ignored_device_is_listed_on_demand_until_it_is_held_for_another_reason(world: World) -> None:
    device = await hear(world)
    body = {"reason": "the lab's own"}
    assert await counted(world) == {"unknown": 1}
    for _ in range(2):
        reply = await world.send("POST", f"/v1/quarantine/{device}/ignore", body)
        assert reply.json["ignored_at"] is not None
    assert (await quarantined(world), await counted(world)) == ([], {})
    assert [held["id"] for held in await quarantined(world, "?ignored=true")] == [device]
    assert await audit(world) == [("admin", "device.ignore", f"device/{device}")] * 2
    await hear(world, port="1/1/1")
    [held] = await quarantined(world)
    assert (held["reason"], held["ignored_at"]) == ("duplicate-serial", None)


async def test_events_of_a_device_without_a_service_are_listed_as_they_are_delivered(world: World) -> None:
    device = await hear(world)
    await hear(world, port="1/1/1")
    [event] = (await world.get("/v1/events")).json["items"]
    assert (event["type"], event["subject"]) == ("device.quarantined", f"device/{device}")
    [delivery] = await world.claim("dispatch")
    assert f'"subject":"device/{device}"'.encode() in delivery.body
    assert b'"service":"' not in delivery.body
