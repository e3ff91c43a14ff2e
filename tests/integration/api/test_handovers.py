"""Handing a device over, over HTTP: who may, what is refused and why, and what is shown of it."""

from typing import Any

import pytest

from tests.integration.api.world import SENTINEL, World
from ztpd.api.tokens import Scope
from ztpd.domain.cpe import CpeOutcome
from ztpd.store import cpes

BODY = {"url": "https://acs.example.net:7547/", "username": "cpe", "secret": "other"}


async def known(world: World) -> int:
    """The number of a CPE that has informed and has nothing to do."""
    assert await world.inform("first") is None
    (device,) = (await world.get("/v1/devices")).json["items"]
    assert device["handover"] is None
    return int(device["id"])


async def test_it_is_asked_for_told_and_shown_without_the_password(stored_world: World) -> None:
    world = stored_world
    path = f"/v1/devices/{await known(world)}"
    asked = await world.send("POST", f"{path}/handover", BODY)
    assert asked.status == 202, asked.body
    assert (asked.json["kind"], asked.json["state"], asked.json["arguments"]) == ("hand-over", "due", BODY)
    again = await world.send("POST", f"{path}/handover", BODY)
    assert again.json["id"] == asked.json["id"]

    work = await world.inform("second")
    assert work is not None
    interval = {"Device.ManagementServer.PeriodicInformInterval": "300"}
    await world.store.commit(cpes.record_outcome, work, CpeOutcome(ok=True, applied=interval))
    shown = await world.get(path)
    handover: dict[str, Any] = shown.json["handover"]
    assert {name: handover[name] for name in ("state", "url", "username", "secret", "actor", "interval_s")} == {
        **BODY,
        "state": "accepted",
        "actor": "admin",
        "interval_s": 300,
    }
    refused = await world.send("POST", f"{path}/reboot")
    assert (refused.status, "was handed over" in refused.json["detail"]) == (409, True)
    pages = [shown, await world.get("/v1/audit"), await world.get(f"{path}/tasks"), await world.get("/v1/events")]
    assert not any(SENTINEL.encode() in page.body for page in pages)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "acs.example.net"}, "url"),
        ({"url": f"http://cpe:{SENTINEL}@acs.example.net/"}, "url"),
        ({"username": ""}, "username"),
        ({"secret": "../other"}, "secret"),
        ({"password": SENTINEL}, "password"),
    ],
)
async def test_what_is_wrong_is_named(world: World, changes: dict[str, str], field: str) -> None:
    reply = await world.send("POST", "/v1/devices/1/handover", {**BODY, **changes})
    assert reply.status == 422
    assert [each["field"] for each in reply.json["errors"]] == [field]
    assert SENTINEL.encode() not in reply.body


async def test_a_secret_that_is_not_configured_is_refused_with_what_to_do(world: World) -> None:
    reply = await world.send("POST", f"/v1/devices/{await known(world)}/handover", {**BODY, "secret": "none"})
    assert (reply.status, reply.json["detail"]) == (409, "there is no secret none for handing over")
    assert "[acs.handover.secrets] none = FILE" in reply.json["remedy"]


async def test_only_an_admin_hands_devices_over(world: World) -> None:
    for scope in (Scope.READ, Scope.DISPATCH, Scope.FIELD, Scope.BILLING):
        assert (await world.send("POST", "/v1/devices/1/handover", BODY, scope=scope)).status == 403
    assert (await world.send("POST", "/v1/devices/1/handover", BODY)).status == 404
