"""What is asked of a device over HTTP, by whom, what it came to, and what is known of a CPE."""

from typing import Any

import pytest

from tests.integration.api.world import SENTINEL, World
from ztpd.api.tokens import Scope
from ztpd.domain.cpe import CpeFault, CpeOutcome, Proof
from ztpd.domain.cpe_tasks import MASK
from ztpd.domain.diagnostics import Reading, Report
from ztpd.store import cpes

PING = {"test": "ping", "host": "192.0.2.1"}


async def known(world: World) -> int:
    """The number of a CPE that has informed and has nothing to do."""
    assert await world.inform("first") is None
    (device,) = (await world.get("/v1/devices")).json["items"]
    return int(device["id"])


async def done(world: World, session: str, outcome: CpeOutcome) -> None:
    work = await world.inform(session)
    assert work is not None
    await world.store.commit(cpes.record_outcome, work, outcome)


async def test_a_test_is_asked_for_and_its_result_shown_with_units(stored_world: World) -> None:
    world = stored_world
    device = await known(world)
    asked = await world.send("POST", f"/v1/devices/{device}/diagnostics", PING, scope=Scope.FIELD)
    task = asked.json
    assert (asked.status, task["state"], task["actor"], task["arguments"]) == (202, "due", "field", PING)
    await done(world, "second", CpeOutcome(ok=True, pending=True))
    assert (await world.get(f"/v1/devices/{device}/tasks/{task['id']}")).json["state"] == "given"
    await done(world, "third", CpeOutcome(ok=True, report=Report((Reading("average_ms", 12.5, "ms"),))))
    shown = (await world.get(f"/v1/devices/{device}/tasks/{task['id']}")).json
    assert (shown["state"], shown["readings"]) == ("done", [{"name": "average_ms", "value": 12.5, "unit": "ms"}])
    listed = (await world.get(f"/v1/devices/{device}/tasks")).json
    assert [each["id"] for each in listed["items"]] == [task["id"]]


async def test_a_device_shows_what_it_told_and_what_it_is_to_do(world: World) -> None:
    device = await known(world)
    await world.send("POST", f"/v1/devices/{device}/reboot", scope=Scope.DISPATCH)
    await done(world, "second", CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error")))
    (shown,) = (await world.get("/v1/devices")).json["items"]
    cpe = shown["cpe"]
    assert {name: cpe[name] for name in ("manufacturer", "product_class", "software_version", "ip")} == {
        "manufacturer": "Acme",
        "product_class": "ONT",
        "software_version": "1.2",
        "ip": "10.0.0.5",
    }
    assert [(task["kind"], task["state"]) for task in cpe["open_tasks"]] == [("reboot", "due")]
    assert [(fault["cause"], fault["message"]) for fault in cpe["faults"]] == [("asked", "9002 Internal error")]
    assert "session" not in cpe
    assert "secret" not in cpe


async def test_a_device_that_never_informed_shows_no_cpe_and_is_asked_nothing(world: World) -> None:
    await world.order()
    devices = (await world.get("/v1/devices")).json["items"]
    assert [device["cpe"] for device in devices] == [None] * len(devices)
    refused = await world.send("POST", f"/v1/devices/{devices[0]['id']}/reboot")
    assert (refused.status, "never informed" in refused.json["detail"]) == (409, True)
    assert "ACS URL" in refused.json["remedy"]
    assert (await world.send("POST", "/v1/devices/99/reboot")).status == 404


async def test_one_that_did_not_prove_who_it_is_counts_as_one_that_never_informed(world: World) -> None:
    await world.inform("first", Proof.NONE)
    (device,) = (await world.get("/v1/devices")).json["items"]
    assert device["cpe"] is None
    assert (await world.send("POST", f"/v1/devices/{device['id']}/factory-reset")).status == 409


async def test_values_are_read_and_secrets_among_them_masked(world: World) -> None:
    device = await known(world)
    paths = ["Device.DeviceInfo.", "Device.WiFi.AccessPoint.1.Security.KeyPassphrase"]
    task = (await world.send("POST", f"/v1/devices/{device}/read", {"paths": paths})).json
    assert task["arguments"] == {"paths": paths}
    await done(world, "second", CpeOutcome(ok=True, applied={"Device.DeviceInfo.UpTime": "7", paths[1]: SENTINEL}))
    shown = await world.get(f"/v1/devices/{device}/tasks/{task['id']}")
    assert shown.json["values"] == {"Device.DeviceInfo.UpTime": "7", paths[1]: MASK}
    assert SENTINEL.encode() not in shown.body


async def test_a_task_is_cancelled_until_the_device_was_told_and_all_is_audited(world: World) -> None:
    device = await known(world)
    task = (await world.send("POST", f"/v1/devices/{device}/factory-reset", scope=Scope.DISPATCH)).json
    path = f"/v1/devices/{device}/tasks/{task['id']}/cancel"
    cancelled = await world.send("POST", path, scope=Scope.DISPATCH)
    assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    audit = (await world.get(f"/v1/audit?subject=device/{device}")).json["items"]
    assert [(each["actor"], each["action"]) for each in audit] == [
        ("dispatch", "device.factory-reset"),
        ("dispatch", "device.cancel"),
    ]
    await world.send("POST", f"/v1/devices/{device}/reboot")
    await done(world, "second", CpeOutcome(ok=True))
    (_, reboot) = (await world.get(f"/v1/devices/{device}/tasks")).json["items"]
    assert (await world.send("POST", f"/v1/devices/{device}/tasks/{reboot['id']}/cancel")).status == 409
    assert (await world.send("POST", f"/v1/devices/{device}/tasks/999/cancel")).status == 404


@pytest.mark.parametrize(
    ("way", "body", "said"),
    [
        ("diagnostics", {"test": "ping"}, "host: ping needs one"),
        ("diagnostics", {"test": "ping", "host": "a b; reboot"}, "no name or address"),
        ("diagnostics", {"test": "ping", "host": "$gateway"}, "only a profile"),
        ("diagnostics", {"test": "ping", "host": "x", "url": "http://x/"}, "url: ping takes"),
        ("diagnostics", {"test": "download", "url": "file:///etc/passwd"}, "http://, https:// or ftp://"),
        ("diagnostics", {"test": "download", "url": "http://user:pw@example.net/"}, "no user and no password"),
        ("diagnostics", {"test": "upload", "url": "http://x.example/"}, "size_bytes or duration_s"),
        ("diagnostics", {"test": "speed"}, "download"),
        ("read", {"paths": []}, "at least 1"),
        ("read", {"paths": ["Device."]}, "pattern"),
        ("read", {"paths": ["Device.A b"]}, "pattern"),
        ("read", {"paths": ["Device.X.</string>"]}, "pattern"),
        ("read", {"paths": ["Device.A", "Device.A"]}, "twice"),
        ("read", {"paths": [f"Device.X{number}" for number in range(65)]}, "at most 64"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_the_reason(
    world: World, way: str, body: dict[str, Any], said: str
) -> None:
    device = await known(world)
    refused = await world.send("POST", f"/v1/devices/{device}/{way}", body)
    assert (refused.status, said in str(refused.json["errors"])) == (422, True), refused.json
    assert (await world.get(f"/v1/devices/{device}/tasks")).json["items"] == []


@pytest.mark.parametrize(
    ("way", "scope", "status"),
    [
        ("reboot", Scope.READ, 403),
        ("reboot", Scope.FIELD, 202),
        ("factory-reset", Scope.FIELD, 403),
        ("factory-reset", Scope.DISPATCH, 202),
        ("reboot", Scope.BILLING, 403),
    ],
)
async def test_each_wish_needs_its_scope(world: World, way: str, scope: Scope, status: int) -> None:
    device = await known(world)
    assert (await world.send("POST", f"/v1/devices/{device}/{way}", scope=scope)).status == status


async def test_what_is_asked_during_a_job_is_in_its_evidence_and_trace(world: World) -> None:
    await world.order()
    await world.bring_up()
    await world.inform("first")
    devices = (await world.get("/v1/devices")).json["items"]
    device = next(each["id"] for each in devices if each["cpe"] is not None)
    await world.send("POST", f"/v1/devices/{device}/diagnostics", {"test": "optics"})
    report = Report((Reading("rx_power_dbm", -20.5, "dBm"),))
    await done(world, "second", CpeOutcome(ok=True, report=report))
    evidence = (await world.get("/v1/jobs/J-1/evidence")).json["items"]
    (found,) = [each["body"] for each in evidence if each["kind"] == "diagnostics"]
    assert found["readings"] == [{"name": "rx_power_dbm", "value": -20.5, "unit": "dBm"}]
    trace = (await world.get("/v1/jobs/J-1/trace")).json["items"]
    assert "job.tested" in [entry["what"] for entry in trace]


async def test_what_a_device_does_not_have_is_not_found(world: World) -> None:
    device = await known(world)
    assert (await world.get(f"/v1/devices/{device}/tasks/1")).status == 404
    assert (await world.get("/v1/devices/99/tasks")).status == 404
