"""Elements over the API: what may be done there, what was decided, and taking over, line by line."""

from collections.abc import Callable
from typing import Any
from unittest.mock import create_autospec

import orjson
import pytest

from drivers.access import ObservedAccess
from drivers.base import Driver
from drivers.errors import Busy, ElementError, Rejected, Unreachable
from tests.integration.api.world import LOCATION, World
from ztpd.api.tokens import Scope

LISTED: dict[str, Any] = {
    "service": "SVC-1",
    "account": "ACC-1",
    "location": "LOC-1",
    "profile": "residential-1g",
    "parameters": {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "correct horse"},
    "serial": "HWTC1A2B3C4D",
}
SHOWN = ObservedAccess("HWTC1A2B3C4D", "1/1/3", None, 201, 301, None, None)
NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)


def provisions(world: World, *shown: ObservedAccess, error: ElementError | None = None) -> Any:
    driver = create_autospec(Driver, instance=True)
    driver.name = "olt-1"
    driver.list_provisioned.return_value = list(shown)
    driver.list_provisioned.side_effect = error
    world.drivers["olt-1"] = driver
    return driver


async def adopt(world: World, data: bytes, query: str = "", element: str = "olt-1", **others: Any) -> Any:
    return await world.send("POST", f"/v1/elements/{element}/adopt{query}", data=data, headers=NDJSON, **others)


async def test_every_element_is_listed_with_what_may_be_done_there(world: World) -> None:
    found = (await world.get("/v1/elements")).json["items"]
    assert [(each["name"], each["mode"], each["technologies"]) for each in found] == [
        ("olt-1", "active", ["pon"]),
        ("switch-1", "active", ["ethernet"]),
    ]
    assert (await world.get("/v1/elements/olt-1")).json["ports"] == ["1/1/1", "1/1/3"]
    for path in ("/v1/elements/none", "/v1/elements/none/decisions"):
        assert (await world.get(path)).status == 404
    assert (await world.get("/v1/elements/olt-1/decisions?verdict=perhaps")).status == 422


async def test_lines_are_answered_by_lines_and_a_summary_and_the_driver_hears_of_it(world: World) -> None:
    driver = provisions(world, SHOWN, ObservedAccess("ALCL00000009", "1/1/1", None, None, None, None, None))
    await world.send("PUT", "/v1/locations/LOC-1", LOCATION)
    asked = await adopt(world, lines(LISTED), "?dry_run=true")
    driver.adopt.assert_not_called()
    reply = await adopt(world, lines(LISTED, b"", {**LISTED, "service": "SVC-2", "serial": "ALCL00000001"}))
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert reply.headers["Server"] == "ztpd"
    *found, summary = map(orjson.loads, reply.body.splitlines())
    assert [(each["line"], each["outcome"]) for each in found] == [
        (2, "not-on-element"),
        (1, "adopted"),
        (0, "not-in-list"),
    ]
    counts = {"adopted": 1, "not-on-element": 1, "not-in-list": 1}
    assert summary == {"summary": {"element": "olt-1", "dry_run": False, "listed": 2, "counts": counts}}
    driver.adopt.assert_called_once_with(["HWTC1A2B3C4D"])
    assert orjson.loads(asked.body.splitlines()[0])["outcome"] == "adopted"
    assert (await world.get("/v1/services/SVC-1")).json["state"] == "active"
    assert (await world.get("/v1/audit?subject=service/SVC-1")).json["items"][0]["actor"] == "admin"
    assert b"correct horse" not in reply.body


@pytest.mark.parametrize(
    ("kind", "status"), [(Unreachable, 504), (Busy, 503), (Rejected, 409)], ids=["unreachable", "busy", "rejected"]
)
async def test_an_element_that_cannot_be_read_is_told_with_its_answer(
    world: World, kind: Callable[..., ElementError], status: int
) -> None:
    provisions(world, error=kind("olt-1", "get-config", "no session"))
    reply = await adopt(world, lines(LISTED))
    assert reply.status == status
    assert "olt-1, get-config: no session" in reply.json["detail"]


async def test_what_lists_nothing_cannot_be_adopted(world: World) -> None:
    assert (await adopt(world, lines(LISTED), element="switch-1")).status == 409
    assert (await adopt(world, lines(LISTED), element="none")).status == 404


async def test_wrong_lines_are_told_by_number_and_nothing_is_done(world: World) -> None:
    driver = provisions(world, SHOWN)
    wrong = {**LISTED, "serial": "12", "parameters": {"wifi_passphrase": ["S3NT1NEL"]}}
    reply = await adopt(world, lines(LISTED, wrong, {"service": 1}))
    assert reply.status == 422
    fields = [each["field"] for each in reply.json["errors"]]
    assert "line 2: serial" in fields
    assert "line 3: service" in fields
    assert b"S3NT1NEL" not in reply.body
    broken = await adopt(world, lines(LISTED, b"{"))
    assert (broken.status, broken.json["detail"].startswith("line 2: ")) == (400, True)
    driver.list_provisioned.assert_not_called()


async def test_only_lines_are_taken_and_only_from_who_may_order(world: World) -> None:
    provisions(world, SHOWN)
    assert (await world.send("POST", "/v1/elements/olt-1/adopt", LISTED)).status == 415
    assert (await adopt(world, lines(LISTED), scope=Scope.READ)).status == 403
    assert (await adopt(world, lines(LISTED), "?dry_run=true", scope=Scope.DISPATCH)).status == 200


async def test_what_breaks_on_the_way_is_told_in_the_last_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    provisions(world, SHOWN)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("S3NT1NEL")

    monkeypatch.setattr("ztpd.store.adoption.take_over", broken)
    reply = await adopt(world, lines(LISTED, {**LISTED, "service": "SVC-2", "serial": "ALCL00000001"}))
    first, last = map(orjson.loads, reply.body.splitlines())
    assert first["outcome"] == "not-on-element"
    assert last == {"error": "ztpd failed to go on; its log says why"}
