"""Whether it lives, whether it is ready, and what it counts."""

import sqlite3
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.api.world import START, World
from ztpd.api.app import ROUTES
from ztpd.store.times import to_text


def samples(exposition: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(exposition.decode())
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for one in families for each in one.samples}


async def test_the_process_lives_and_tells_its_time(world: World) -> None:
    assert (await world.get("/healthz")).json == {"status": "ok", "now": to_text(START)}


async def test_it_is_ready_when_every_part_is(world: World) -> None:
    reply = await world.get("/readyz")
    assert (reply.status, reply.json) == (200, {"status": "ready", "parts": world.parts})


async def test_a_part_that_is_not_ready_is_named(world: World) -> None:
    world.parts["element olt-1"] = "does not answer"
    reply = await world.get("/readyz")
    assert reply.status == 503
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json["errors"] == [{"field": "element olt-1", "problem": "does not answer"}]
    assert (await world.get("/healthz")).status == 200


async def test_metrics_count_requests_by_route_and_never_by_path(world: World) -> None:
    await world.order()
    await world.get("/v1/jobs/J-1")
    await world.get("/v1/jobs/NONE")
    await world.get("/made/up/by/a/scanner")
    await world.send("PROPFIND", "/v1/jobs")
    reply = await world.get("/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    shown = samples(reply.body)
    requests = "ztpd_http_requests_total"
    assert shown[requests, (("method", "GET"), ("route", "/v1/jobs/{id}"), ("status", "200"))] == 1
    assert shown[requests, (("method", "GET"), ("route", "/v1/jobs/{id}"), ("status", "404"))] == 1
    assert shown[requests, (("method", "GET"), ("route", "unmatched"), ("status", "404"))] == 1
    assert shown[requests, (("method", "other"), ("route", "unmatched"), ("status", "405"))] == 1
    assert shown["ztpd_http_request_seconds_count", (("route", "/v1/jobs/{id}"),)] == 3
    routes = {dict(labels)["route"] for name, labels in shown if name.startswith("ztpd_http")}
    assert routes <= {row.path for row in ROUTES} | {"unmatched"}


async def test_metrics_show_what_is_stored_on_either_engine(stored_world: World) -> None:
    await stored_world.order()
    shown = samples((await stored_world.get("/metrics")).body)
    assert shown["ztpd_jobs", (("state", "ready"),)] == 1
    assert shown["ztpd_jobs", (("state", "failed"),)] == 0
    assert shown["ztpd_deliveries", (("endpoint", "dispatch"), ("state", "pending"))] == 2


async def test_metrics_are_answered_without_the_database(world: World, tmp_path: Path) -> None:
    await world.get("/metrics")
    blocker = sqlite3.connect(tmp_path / "ztpd.db", isolation_level=None)
    blocker.execute("DROP TABLE delivery")
    blocker.close()
    reply = await world.get("/metrics")
    assert reply.status == 200
    shown = samples(reply.body)
    assert not [name for name, _ in shown if name == "ztpd_jobs"]
    assert [name for name, _ in shown if name == "ztpd_http_requests_total"]
