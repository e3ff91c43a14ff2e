"""Who may call what: every route of the table, without a token, with the wrong scope, and through another host."""

import re

import pytest

from tests.integration.api.world import World, token_of
from ztpd.api.app import ROUTES
from ztpd.api.routing import Route
from ztpd.api.tokens import Scope

GUARDED = [row for row in ROUTES if row.scopes]
PUBLIC = [row for row in ROUTES if not row.scopes]


def named(row: Route) -> str:
    return f"{row.method} {row.path}"


def filled(path: str) -> str:
    return re.sub(r"\{[a-z]+\}", "1", path)


def test_only_health_and_the_description_are_public() -> None:
    assert {row.path for row in PUBLIC} == {"/healthz", "/readyz", "/openapi.json"}


async def test_every_route_refuses_whoever_has_no_token(world: World) -> None:
    for row in GUARDED:
        reply = await world.send(row.method, filled(row.path), scope=None)
        assert reply.status == 401, named(row)
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="ztpd"'
        assert reply.headers["Content-Type"] == "application/problem+json"


async def test_every_route_refuses_an_unknown_token(world: World) -> None:
    for row in GUARDED:
        reply = await world.send(row.method, filled(row.path), headers={"Authorization": "Bearer guessed"})
        assert reply.status == 401, named(row)
        assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]


async def test_every_route_refuses_every_scope_but_its_own(world: World) -> None:
    for row in GUARDED:
        for scope in Scope:
            reply = await world.send(row.method, filled(row.path), scope=scope)
            if scope is Scope.ADMIN or scope in row.scopes:
                assert reply.status not in {401, 403}, named(row)
            else:
                assert reply.status == 403, (named(row), scope)
                assert all(missing in reply.json["detail"] for missing in row.scopes)
                assert "insufficient_scope" in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/v1/jobs", {"read"}),
        ("GET", "/v1/events", {"read", "billing"}),
        ("GET", "/metrics", {"read"}),
        ("PUT", "/v1/locations/{id}", {"dispatch"}),
        ("PUT", "/v1/jobs/{id}", {"dispatch"}),
        ("PUT", "/v1/jobs/{id}/visits/{number}", {"dispatch"}),
        ("POST", "/v1/jobs/{id}/retry", {"dispatch"}),
        ("POST", "/v1/jobs/{id}/completion", {"field"}),
        ("POST", "/v1/endpoints/{name}/enable", {"admin"}),
    ],
)
def test_a_route_is_for_whom_it_was_made(method: str, path: str, scopes: set[str]) -> None:
    [row] = [row for row in ROUTES if (row.method, row.path) == (method, path)]
    assert row.scopes == scopes


async def test_a_public_route_needs_no_token(world: World) -> None:
    for row in PUBLIC:
        assert (await world.send(row.method, row.path, scope=None)).status == 200, named(row)


async def test_a_refused_write_writes_nothing(world: World) -> None:
    await world.send("PUT", "/v1/locations/LOC-1", {"address": "x"}, scope=Scope.READ)
    assert (await world.get("/v1/locations")).json["items"] == []


async def test_a_head_is_guarded_like_its_get(world: World) -> None:
    assert (await world.send("HEAD", "/v1/jobs", scope=None)).status == 401
    assert (await world.send("HEAD", "/v1/jobs", scope=Scope.READ)).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:80", "ztpd.example.net:443"])
async def test_a_known_host_is_answered(world: World, host: str) -> None:
    assert (await world.send("GET", "/v1/jobs", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:8080", "a@localhost", "", "::1"],
)
async def test_another_host_is_not_answered(world: World, host: str) -> None:
    for path in ("/v1/jobs", "/healthz", "/openapi.json", "/nowhere"):
        reply = await world.send("GET", path, headers={"Host": host})
        assert reply.status == 421
        assert reply.headers["Content-Type"] == "application/problem+json"


async def test_a_request_without_a_host_or_with_two_is_not_answered(world: World) -> None:
    authorization = f"Authorization: Bearer {token_of(Scope.ADMIN)}\r\nConnection: close\r\n\r\n".encode()
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        answer = await world.converse(b"GET /v1/jobs HTTP/1.1\r\n" + hosts + authorization)
        assert answer.split()[1] in {b"421", b"400"}
