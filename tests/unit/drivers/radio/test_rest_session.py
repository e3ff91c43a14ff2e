"""The session to a JSON API: whom it trusts, what it sends once, and what each failure becomes."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import Busy, Rejected, Unreachable
from drivers.rest.session import RestSession
from drivers.rest.settings import RestSettings
from ztpd.lab.cuts import Moment
from ztpd.lab.rest.certificate import self_signed
from ztpd.lab.rest.server import Answered, Asked, RestServer

SECRET = "tok-3n"


class Echo:
    """An element that answers what it is told to."""

    def __init__(self) -> None:
        self.answered = Answered(200, {"ok": True})
        self.asked: list[Asked] = []

    def lets_in(self, asked: Asked) -> bool:
        return asked.headers.get("x-key") == SECRET

    def writes(self, asked: Asked) -> bool:
        return True

    def concerned(self, asked: Asked) -> str:
        return ""

    def error(self, status: int, detail: str) -> Answered:
        return Answered(status, {"message": detail})

    def answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        return self.answered


@dataclasses.dataclass
class Place:
    """A server and how to reach it."""

    element: Echo
    server: RestServer
    opened: list[RestSession]

    def session(self, key: str = SECRET, **others: Any) -> RestSession:
        trust = (
            {} if {"ca_file", "plain_http"} & set(others) else {"certificate_sha256": self.server.certificate.sha256}
        )
        settings = RestSettings(name="el-1", url=self.server.url, **{"rpc_timeout_s": 5.0, **trust, **others})
        made = RestSession(settings, {"x-key": key}, "user ztpd", lambda answer: answer.get("message"))
        self.opened.append(made)
        return made


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    element = Echo()
    server = RestServer(element)
    made = Place(element, server, [])
    await server.start()
    yield made
    for session in made.opened:
        await session.close()
    await server.stop()


async def test_the_pinned_certificate_is_trusted_with_or_without_colons(place: Place) -> None:
    pinned = place.server.certificate.sha256.upper()
    colons = ":".join(pinned[n : n + 2] for n in range(0, 64, 2))
    assert await place.session(certificate_sha256=colons).request("GET", "/x") == {"ok": True}


async def test_a_certificate_of_a_configured_authority_is_trusted(place: Place, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(place.server.certificate.pem)
    assert await place.session(ca_file=authority).request("GET", "/x") == {"ok": True}


async def test_another_certificate_gets_nothing(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(self_signed().pem)
    for session in (place.session(certificate_sha256="ab" * 32), place.session(ca_file=other)):
        with pytest.raises(Unreachable, match="host key changed"):
            await session.request("GET", "/x")
    assert place.server.requests == 0


async def test_an_authority_that_cannot_be_read_is_said(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"ca_file .*missing\.pem cannot be used"):
        await place.session(ca_file=tmp_path / "missing.pem").request("GET", "/x")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"url": "http://127.0.0.1"}, "plain_http"),
        ({"url": "https://127.0.0.1"}, "certificate_sha256 or a ca_file"),
        ({"url": "https://127.0.0.1", "certificate_sha256": "abc"}, "no SHA-256"),
        ({"url": "https://u:p@127.0.0.1"}, "more than scheme"),
        ({"url": "https://127.0.0.1/rest"}, "no https"),
        ({"url": "ftp://127.0.0.1"}, "no https"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(others: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RestSettings(name="el-1", **others)


async def test_plain_http_works_where_it_is_allowed() -> None:
    server = RestServer(Echo(), tls=False)
    await server.start()
    session = RestSession(
        RestSettings(name="el-1", url=server.url, plain_http=True), {"x-key": SECRET}, "user ztpd", lambda _: None
    )
    assert await session.request("GET", "/x") == {"ok": True}
    await session.close()
    await server.stop()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("moment", list(Moment))
async def test_a_request_without_an_answer_is_sent_once_and_unknown(place: Place, method: str, moment: Moment) -> None:
    session = place.session()
    await session.request("GET", "/warm")
    place.server.faults.cut_at, place.server.faults.cut_moment = 1, moment
    with pytest.raises(Unreachable, match="session lost"):
        await session.request(method, "/x")
    assert place.server.requests == 2
    assert len(place.element.asked) == (2 if moment is Moment.AFTER else 1)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_element_says_when_to_come_again(place: Place, status: int) -> None:
    place.server.faults.busy_status, place.server.faults.retry_after_s = status, 7
    with pytest.raises(Busy, match="try again after 7"):
        await place.session().request("PUT", "/x")
    assert place.element.asked == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (403, Rejected),
        (404, Rejected),
        (301, Rejected),
        (501, Rejected),
        (500, Unreachable),
        (502, Unreachable),
        (504, Unreachable),
    ],
)
async def test_a_refusal_is_told_apart_from_a_failure(place: Place, status: int, kind: type[Exception]) -> None:
    place.element.answered = Answered(status, {"message": "no\nway"}, {"Location": "/other"})
    with pytest.raises(kind, match="GET /x: no way") as caught:
        await place.session().request("GET", "/x")
    assert getattr(caught.value, "tag", None) == str(status)
    assert len(place.element.asked) == 1


async def test_wrong_credentials_are_named_but_never_shown(place: Place) -> None:
    with pytest.raises(Rejected, match="authentication refused for user ztpd") as caught:
        await place.session(key="wr0ng-key").request("GET", "/x")
    assert "wr0ng-key" not in repr(caught.value) + str(caught.value)


async def test_what_an_element_repeats_of_a_secret_is_taken_out(place: Place) -> None:
    place.element.answered = Answered(400, {"message": "bad password hunter2"})
    with pytest.raises(Rejected) as caught:
        await place.session().request("PUT", "/x", body={"password": "hunter2"}, secrets=["hunter2"])
    assert caught.value.answer == "bad password …"


async def test_an_endless_answer_is_given_up(place: Place) -> None:
    place.element.answered = Answered(200, ["x" * 5_000])
    with pytest.raises(Unreachable, match="more than 1000 bytes"):
        await place.session(max_body_bytes=1_000).request("GET", "/x")


@pytest.mark.parametrize("path", ["", "x", "/a b", "/a?b=c", "/a#b", "/a%2e", "/{site}", "/ä", "/a\r\nHost: b"])
async def test_a_path_that_is_none_is_never_sent(place: Place, path: str) -> None:
    with pytest.raises(Rejected, match="not a path"):
        await place.session().request("GET", path)
    assert place.server.requests == 0
