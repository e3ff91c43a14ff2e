"""Bad requests: each gets a problem that says what, where and why, and none gets a traceback."""

import gzip
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlencode

import orjson
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.world import JOB, LOCATION, SENTINEL, Reply, World, running_api
from ztpd.api.answers import ProblemShown
from ztpd.api.app import ROUTES
from ztpd.domain.profile import Profile

LIMIT = 256 * 1024


def problem_in(reply: Reply) -> ProblemShown:
    """The problem of a reply, checked against its description (RFC 9457 §3.1)."""
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = ProblemShown.model_validate(reply.json)
    assert problem.status == reply.status
    assert problem.type == "about:blank"
    assert problem.title
    assert problem.detail
    return problem


async def test_an_unknown_route_is_a_problem(world: World) -> None:
    reply = await world.send("GET", "/v2/jobs", scope=None)
    assert (reply.status, problem_in(reply).instance) == (404, "/v2/jobs")


async def test_another_method_is_a_problem_that_names_the_right_ones(world: World) -> None:
    reply = await world.send("DELETE", "/v1/jobs/J-1")
    assert reply.status == 405
    assert set(reply.headers["Allow"].split(",")) == {"GET", "HEAD", "PUT"}
    problem_in(reply)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"address": "x", "address": "y"}',
        b'{"address": NaN}',
        b'{"address": Infinity}',
        b"\xff\xfe",
        b'{"address": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 40_000,
    ],
)
async def test_a_body_that_is_no_json_is_refused(world: World, body: bytes) -> None:
    reply = await world.send("PUT", "/v1/locations/LOC-1", data=body)
    assert reply.status == 400
    assert "not acceptable JSON" in problem_in(reply).detail


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json; charset=utf-16", ""])
async def test_a_body_of_another_type_is_refused(world: World, content_type: str) -> None:
    reply = await world.send("PUT", "/v1/locations/LOC-1", LOCATION, headers={"Content-Type": content_type})
    assert reply.status == 415
    problem_in(reply)


async def test_a_compressed_body_is_read(world: World) -> None:
    data = gzip.compress(orjson.dumps(LOCATION))
    reply = await world.send("PUT", "/v1/locations/LOC-1", data=data, headers={"Content-Encoding": "gzip"})
    assert reply.status == 201


@pytest.mark.parametrize("coding", ["br", "gzip, gzip"])
async def test_an_unknown_content_coding_is_refused(world: World, coding: str) -> None:
    reply = await world.send("PUT", "/v1/locations/LOC-1", LOCATION, headers={"Content-Encoding": coding})
    assert reply.status == 415
    problem_in(reply)


async def test_a_body_is_capped_as_sent_announced_and_inflated(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 1024 + 1):
            yield b" " * 1024

    async with world.session.put(
        f"{world.address.url}/v1/locations/LOC-1",
        data=chunks(),
        headers={"Authorization": "Bearer token-for-admin", "Content-Type": "application/json"},
    ) as response:
        assert response.status == 413
    bomb = await world.send(
        "PUT", "/v1/locations/LOC-1", data=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}
    )
    assert (bomb.status, problem_in(bomb).detail) == (413, f"the body is over the limit of {LIMIT} bytes")
    announced = await world.converse(
        b"PUT /v1/locations/L HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token-for-admin\r\n"
        b"Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    )
    assert announced.startswith(b"HTTP/1.1 413 ")


async def test_a_body_at_the_limit_is_read(world: World) -> None:
    data = orjson.dumps(LOCATION)
    assert (await world.send("PUT", "/v1/locations/L", data=data + b" " * (LIMIT - len(data)))).status == 201
    assert (await world.send("PUT", "/v1/locations/L", data=data + b" " * (LIMIT - len(data) + 1))).status == 413


async def test_invalid_items_are_listed_by_field(world: World) -> None:
    devices = [{"role": "ont", "serial": "not a serial"}, {"role": "cpe", "mac": "zz"}]
    reply = await world.send("PUT", "/v1/jobs/J-1", {**JOB, "kind": "instal", "devices": devices})
    assert reply.status == 422
    fields = [item.field for item in problem_in(reply).errors]
    assert fields[0] == "kind"
    assert any(field.startswith("devices.0") for field in fields)
    assert "devices.1.mac" in fields


@pytest.mark.parametrize("id_", ["-x", "a b", "a%20b", "x" * 65, "%00", "%F0%9F%92%A9", "a%0Ab"])
async def test_an_id_that_is_no_identifier_is_refused(world: World, id_: str) -> None:
    for method, path in (("GET", "/v1/jobs/"), ("PUT", "/v1/locations/")):
        reply = await world.send(method, path + id_, LOCATION if method == "PUT" else None)
        assert reply.status == 422
        assert [item.field for item in problem_in(reply).errors] == ["id"]


@pytest.mark.parametrize(
    "query", ["limit=501", "limit=x", "state=lost", "after=a%20b", "sort=id", "limit=1&limit=2", "service=%00"]
)
async def test_a_wrong_query_is_refused(world: World, query: str) -> None:
    reply = await world.get(f"/v1/jobs?{query}")
    assert reply.status == 422
    assert [item.field for item in problem_in(reply).errors] == [query.partition("=")[0]]


async def test_an_invalid_order_repeats_no_secret(world: World) -> None:
    for body in ({**JOB, "wifi_passphrase": SENTINEL}, {**JOB, "parameters": {"x": [SENTINEL]}}, [SENTINEL]):
        reply = await world.send("PUT", "/v1/jobs/J-1", body)
        assert reply.status == 422
        assert SENTINEL.encode() not in reply.body
    broken = await world.send("PUT", "/v1/jobs/J-1", data=b'{"parameters": {"wifi_passphrase": "' + SENTINEL.encode())
    assert broken.status == 400
    assert SENTINEL.encode() not in broken.body


async def test_what_is_no_http_is_a_problem_too(world: World) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nBad Header\r\n\r\n"):
        answer = await world.converse(data)
        assert answer.split()[1] == b"400"
        assert b"application/problem+json" in answer
        assert b"Traceback" not in answer
    shown = world.metrics.exposition().decode()
    assert 'ztpd_http_requests_total{method="other",route="unmatched",status="400"} 3.0' in shown


async def test_a_database_that_cannot_be_used_is_a_503_that_says_when_to_come_back(
    world: World, tmp_path: Path
) -> None:
    await world.get("/v1/jobs")
    blocker = sqlite3.connect(tmp_path / "ztpd.db", isolation_level=None)
    try:
        blocker.execute("DROP TABLE job")
    finally:
        blocker.close()
    reply = await world.get("/v1/jobs")
    assert reply.status == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert str(tmp_path) not in problem_in(reply).detail


async def test_an_unexpected_error_answers_an_id_that_is_in_the_log(tmp_path: Path, residential: Profile) -> None:
    async with running_api(f"sqlite:///{tmp_path}/ztpd.db", residential) as world:
        # A row that no version of ztpd writes: whatever reads it fails in a way that nobody foresaw.
        intruder = sqlite3.connect(tmp_path / "ztpd.db", isolation_level=None)
        intruder.execute("INSERT INTO location (id, body, updated_at) VALUES ('L', '[]', '')")
        intruder.close()
        with structlog.testing.capture_logs() as logs:
            reply = await world.get("/v1/locations/L")
    assert reply.status == 500
    error_id = problem_in(reply).detail.rpartition(" ")[2]
    assert b"Traceback" not in reply.body
    assert [entry for entry in logs if error_id in entry.get("detail", "") and "Traceback" in entry["trace"]]


METHODS_AND_PATHS = sorted({(row.method, row.path) for row in ROUTES})
SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(data=st.data())
async def test_no_request_breaks_it(world: World, data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(METHODS_AND_PATHS))
    for name in ("{id}", "{number}", "{name}"):
        path = path.replace(name, quote(data.draw(SEGMENT), safe=""))
    query = data.draw(st.dictionaries(st.sampled_from(["after", "limit", "state", "device", "x"]), SEGMENT, max_size=2))
    body = data.draw(st.none() | st.binary(max_size=40) | st.sampled_from([orjson.dumps(JOB), orjson.dumps(LOCATION)]))
    reply = await world.send(method, f"{path}?{urlencode(query)}", data=body)
    assert reply.status < 500
