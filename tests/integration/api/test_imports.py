"""Devices that another ACS knows, over HTTP: taken in with their tags, and again without harm; tags by hand."""

import json
from typing import Any

import orjson

from tests.genieacs import PASSWORD, tr098, tr181
from tests.integration.api.world import CPE, START, World
from ztpd.api.tokens import Scope
from ztpd.domain.sighting import Sighting, Source
from ztpd.genieacs_dumps import device_of
from ztpd.store import sightings

MAC = "20:2b:c1:e0:06:65"


def as_line(document: dict[str, Any]) -> bytes:
    return device_of(json.dumps(document).encode()).model_dump_json(exclude_none=True).encode()


async def import_(world: World, *lines: bytes, dry_run: bool = False) -> list[dict[str, Any]]:
    """What is said of each line; the last is the summary."""
    reply = await world.send(
        "POST",
        f"/v1/devices/import?dry_run={str(dry_run).lower()}",
        data=b"\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
        scope=Scope.DISPATCH,
    )
    assert reply.status == 200, reply.body
    assert PASSWORD.encode() not in reply.body
    return [orjson.loads(line) for line in reply.body.splitlines()]


async def devices(world: World, query: str = "") -> list[dict[str, Any]]:
    reply = await world.get(f"/v1/devices{query}")
    assert reply.status == 200, reply.body
    assert PASSWORD.encode() not in reply.body
    items: list[dict[str, Any]] = reply.json["items"]
    return items


async def test_a_device_is_known_with_all_that_the_other_acs_knew(stored_world: World) -> None:
    found = await import_(stored_world, as_line(tr098()), as_line(tr181()))
    assert [each.get("outcome") for each in found] == ["imported", "imported", None]
    assert found[0]["tags"] == ["residential", "north"]
    assert found[2] == {"summary": {"dry_run": False, "listed": 2, "counts": {"imported": 2}}}

    first, second = await devices(stored_world)
    assert (first["state"], first["service"], first["tags"]) == ("expected", None, ["north", "residential"])
    assert {(name["kind"], name["value"], name["source"]) for name in first["names"]} == {
        ("cwmp", "202BC1-S1", "genieacs"),
        ("mac", MAC, "genieacs"),
    }
    imported = first["imported"]
    assert imported.pop("imported_at") == "2026-03-01T12:00:00.000000Z"
    assert imported == {
        "source": "genieacs",
        "manufacturer": "Huawei",
        "oui": "202BC1",
        "product_class": "BM632w",
        "serial": "S1",
        "software_version": "V100R001",
        "hardware_version": "A1",
        "connection_request_url": "http://192.0.2.10:7547/cr",
        "has_credentials": True,
        "registered_at": "2025-01-02T03:04:05.678000Z",
        "informed_at": "2026-02-03T04:05:06.789000Z",
    }
    assert (second["imported"]["registered_at"], second["tags"]) == (None, [])
    assert [each["id"] for each in await devices(stored_world, "?tag=north")] == [first["id"]]
    assert await devices(stored_world, "?tag=north&state=bound") == []
    assert await devices(stored_world, "?tag=south") == []


async def test_the_same_again_changes_nothing(world: World) -> None:
    lines = [as_line(tr098()), as_line(tr181())]
    await import_(world, *lines)
    before, audit = await devices(world), (await world.get("/v1/audit")).json["items"]
    assert [(each["actor"], each["action"]) for each in audit] == [("dispatch", "device.import")] * 2
    assert PASSWORD not in json.dumps(audit)

    assert (await import_(world, *lines))[-1]["summary"]["counts"] == {"unchanged": 2}
    assert await devices(world) == before
    assert (await world.get("/v1/audit")).json["items"] == audit


async def test_a_newer_dump_adds_what_is_new_and_takes_no_tag_away(world: World) -> None:
    await import_(world, as_line(tr098(tags=["north"])))
    [found, _] = await import_(world, as_line(tr098(tags=["vip"])))
    assert (found["outcome"], found["tags"]) == ("updated", ["vip"])
    assert [each["tags"] for each in await devices(world)] == [["north", "vip"]]


async def test_a_dry_run_says_the_same_and_does_nothing(world: World) -> None:
    lines = [as_line(tr098()), as_line(tr181())]
    asked = await import_(world, *lines, dry_run=True)
    assert await devices(world) == []
    assert (await world.get("/v1/audit")).json["items"] == []
    done = await import_(world, *lines)
    assert [each["outcome"] for each in asked[:-1]] == [each["outcome"] for each in done[:-1]]


async def test_what_dhcp_heard_and_what_is_imported_is_one_device(world: World) -> None:
    heard = Sighting(Source.DHCP, START, mac=MAC, ip="10.0.0.5")
    device = (await world.store.commit(sightings.record_sighting, heard)).device
    [found, _] = await import_(world, as_line(tr098()))
    assert (found["outcome"], found["device"]) == ("updated", device)
    [shown] = await devices(world)
    assert {name["value"] for name in shown["names"]} == {"202BC1-S1", MAC}


async def test_an_address_that_is_another_devices_stays_there(world: World) -> None:
    [first, second, _] = await import_(world, as_line(tr098("S1")), as_line(tr098("S2")))
    assert (second["outcome"], second["device"] != first["device"]) == ("imported", True)
    assert second["remark"] == f"its MAC addresses are left out: one is of device {first['device']}"
    assert [len(each["names"]) for each in await devices(world)] == [2, 1]


async def test_an_ordered_cpe_keeps_its_job_and_is_found_by_its_tags(world: World) -> None:
    await world.order()
    document = tr098()
    named = {"_Manufacturer": "Huawei", "_OUI": CPE["oui"], "_ProductClass": "HG", "_SerialNumber": CPE["serial"]}
    document |= {"_id": f"{CPE['oui']}-HG-{CPE['serial']}", "_deviceId": named}
    [found, _] = await import_(world, as_line(document))
    assert found["outcome"] == "updated"
    job = (await world.get("/v1/jobs/J-1")).json
    assert job["state"] == "ready", job
    [shown] = await devices(world, "?tag=vip") or await devices(world, "?tag=north")
    assert shown["id"] == found["device"]


async def test_a_line_that_is_wrong_is_named_and_no_credential_is_repeated(world: World) -> None:
    line = orjson.loads(as_line(tr098()))
    line["connection_request"]["username"] = ""
    line["tags"] = ["a\nb"]
    reply = await world.send(
        "POST",
        "/v1/devices/import",
        data=orjson.dumps(line),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert reply.status == 422
    assert {each["field"] for each in reply.json["errors"]} == {"line 1: connection_request", "line 1: tags.0"}
    assert PASSWORD.encode() not in reply.body


async def test_tags_are_given_by_hand(stored_world: World) -> None:
    [found, _] = await import_(stored_world, as_line(tr098()))
    path = f"/v1/devices/{found['device']}/tags"
    reply = await stored_world.send("PUT", path, {"tags": ["vip", "north", "vip"]}, scope=Scope.DISPATCH)
    assert (reply.status, reply.json["tags"]) == (200, ["north", "vip"])
    again = await stored_world.send("PUT", path, {"tags": ["north", "vip"]}, scope=Scope.DISPATCH)
    assert again.json == reply.json
    audit = (await stored_world.get(f"/v1/audit?subject=device/{found['device']}")).json["items"]
    assert [each["action"] for each in audit] == ["device.import", "device.tags"]

    many = {"tags": [str(number) for number in range(65)]}
    assert (await stored_world.send("PUT", path, many)).status == 422
    assert (await stored_world.send("PUT", "/v1/devices/999/tags", {"tags": []})).status == 404


async def test_more_tags_than_a_device_may_have_are_refused_and_the_others_go_on(world: World) -> None:
    await import_(world, as_line(tr098(tags=[f"a{number}" for number in range(60)])))
    found = await import_(world, as_line(tr098(tags=[f"b{number}" for number in range(5)])), as_line(tr181()))
    assert [each["outcome"] for each in found[:-1]] == ["refused", "imported"]
    assert (found[0]["problem"], found[0]["device"]) == ("it would have 65 tags", None)
    assert [len(each["tags"]) for each in await devices(world)] == [60, 0]


async def test_an_import_is_for_dispatch(world: World) -> None:
    for scope in (Scope.READ, Scope.FIELD, Scope.BILLING):
        reply = await world.send("POST", "/v1/devices/import", data=b"", scope=scope)
        assert reply.status == 403
