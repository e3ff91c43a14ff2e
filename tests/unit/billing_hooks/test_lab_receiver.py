"""The lab's receiver as a peer on a socket: what it accepts, refuses, counts, and how it misbehaves on demand."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from billing_hooks.envelope import CONTENT_TYPE, cloud_event
from billing_hooks.signature import Secret, signed_headers
from ztpd.lab.receiver import Behaviour, Receiver, ReceiverSettings, lab_receiver, run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STRANGER = "whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI="


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    settings = ReceiverSettings(secrets=(SECRET,), keep=5, ndjson=tmp_path / "received.ndjson")
    async with lab_receiver(settings) as receiver:
        yield receiver


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def event(event_id: str = "evt_1") -> bytes:
    return cloud_event(
        event_id=event_id,
        event_type="service.activated",
        source="/ztpd",
        subject="SVC-1",
        time=datetime.now(UTC),
        service="SVC-1",
        sequence=1,
        correlation=None,
        data={},
    )


def signed(body: bytes, event_id: str = "evt_1", secret: str = SECRET, age_s: float = 0) -> dict[str, str]:
    at = datetime.fromtimestamp(time.time() - age_s, UTC)
    return {"Content-Type": CONTENT_TYPE, **signed_headers([Secret(secret)], event_id, at, body)}


async def post(client: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> int:
    async with client.post(url, data=body, headers=headers, allow_redirects=False) as response:
        return response.status


async def listed(client: aiohttp.ClientSession, receiver: Receiver) -> dict[str, Any]:
    async with client.get(receiver.url.replace("/hooks", "/received")) as response:
        listing: dict[str, Any] = await response.json()
        return listing


async def test_a_signed_event_is_accepted_and_listed(
    client: aiohttp.ClientSession, receiver: Receiver, tmp_path: Path
) -> None:
    body = event()
    before = time.time() * 1000
    assert await post(client, receiver.url, body, signed(body)) == 204
    (entry,) = (await listed(client, receiver))["received"]
    received_at = entry.pop("received_at")
    assert before - 1 <= received_at <= time.time() * 1000
    assert entry == {
        "id": "evt_1",
        "type": "service.activated",
        "service": "SVC-1",
        "sequence": "00000000000000000001",
        "verified": True,
        "duplicate": False,
        "status": 204,
        "problems": [],
    }
    (line,) = (tmp_path / "received.ndjson").read_text().splitlines()
    assert json.loads(line)["id"] == "evt_1"


async def test_an_accepted_id_that_comes_again_is_a_duplicate(
    client: aiohttp.ClientSession, receiver: Receiver
) -> None:
    body = event()
    receiver.behave(Behaviour(do="answer", status=500, times=1))
    statuses = [await post(client, receiver.url, body, signed(body)) for _ in range(3)]
    assert statuses == [500, 204, 204]
    assert [receipt.duplicate for receipt in receiver.received] == [False, False, True]
    assert receiver.duplicates == 1
    assert len(receiver.accepted) == 1


@pytest.mark.parametrize("age_s", [-310, 310])
async def test_a_timestamp_out_of_tolerance_is_refused(
    client: aiohttp.ClientSession, receiver: Receiver, age_s: float
) -> None:
    body = event()
    assert await post(client, receiver.url, body, signed(body, age_s=age_s)) == 401
    assert not receiver.received[0].verified


async def test_a_strangers_signature_and_none_are_refused(client: aiohttp.ClientSession, receiver: Receiver) -> None:
    body = event()
    stranger = signed(body, secret=STRANGER)
    assert await post(client, receiver.url, body, stranger) == 401
    assert await post(client, receiver.url, body, stranger | {"webhook-signature": "v1,%%% nonsense é"}) == 401
    assert await post(client, receiver.url, body, {"Content-Type": CONTENT_TYPE}) == 401
    assert await post(client, receiver.url, body + b" ", signed(body)) == 401
    assert receiver.accepted == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff", "the body is not UTF-8, or webhook-timestamp no time"),
        (b"{", "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b'{"specversion":"0.3","id":"evt_1","source":"/","type":"t"}', "specversion is not 1.0"),
        (b'{"specversion":"1.0","id":"evt_1","type":"t"}', "source is missing or empty"),
        (b'{"specversion":"1.0","id":"evt_2","source":"/","type":"t"}', "id is not the webhook-id"),
        (
            b'{"specversion":"1.0","id":"evt_1","source":"/","type":"t","my_Name":1}',
            "attribute name 'my_Name' is not lower-case alphanumeric",
        ),
    ],
)
async def test_what_is_no_cloudevent_is_refused_with_the_reason(
    client: aiohttp.ClientSession, receiver: Receiver, body: bytes, problem: str
) -> None:
    headers = signed(b"{}") if body == b"\xff" else signed(body)
    assert await post(client, receiver.url, body, headers) == (401 if body == b"\xff" else 400)
    assert problem in receiver.received[0].problems


async def test_it_remembers_only_as_much_as_it_was_told(client: aiohttp.ClientSession, receiver: Receiver) -> None:
    for number in range(8):
        body = event(f"evt_{number}")
        await post(client, receiver.url, body, signed(body, f"evt_{number}"))
    listing = await listed(client, receiver)
    assert [entry["id"] for entry in listing["received"]] == [f"evt_{number}" for number in range(3, 8)]
    assert listing["total"] == 8


async def test_behaviour_is_set_over_http_and_lasts_as_long_as_told(
    client: aiohttp.ClientSession, receiver: Receiver
) -> None:
    control = receiver.url.replace("/hooks", "/behaviour")
    throttle = {"do": "answer", "status": 429, "headers": {"Retry-After": "9"}, "times": 2}
    async with client.post(control, json=throttle) as response:
        assert response.status == 204
    body = event()
    async with client.post(receiver.url, data=body, headers=signed(body)) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "9")
    assert [await post(client, receiver.url, body, signed(body)) for _ in range(2)] == [429, 204]


async def test_an_unknown_behaviour_is_refused_by_field(client: aiohttp.ClientSession, receiver: Receiver) -> None:
    async with client.post(receiver.url.replace("/hooks", "/behaviour"), json={"do": "explode"}) as response:
        assert response.status == 400
        assert (await response.json())[0]["loc"] == ["do"]


async def test_close_hang_and_drip_give_no_whole_answer(client: aiohttp.ClientSession, receiver: Receiver) -> None:
    body = event()
    receiver.behave(Behaviour(do="close", times=1))
    with pytest.raises(aiohttp.ClientError):
        await post(client, receiver.url, body, signed(body))
    for patience in ("hang", "drip"):
        receiver.behave(Behaviour.model_validate({"do": patience, "times": 1}))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(client, receiver.url, body, signed(body))
    assert [receipt.status for receipt in receiver.received] == [None] * 3


async def test_run_tells_its_url_and_stops_while_someone_hangs(client: aiohttp.ClientSession) -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run(ReceiverSettings(secrets=(SECRET,)), ready.set_result))
    url = await ready
    async with client.get(url.replace("/hooks", "/healthz")) as response:
        assert response.status == 200
    control = url.replace("/hooks", "/behaviour")
    async with client.post(control, json={"do": "hang"}):
        pass
    hanging = asyncio.create_task(post(client, url, b"{}", {}))
    listing = url.replace("/hooks", "/received")
    received = 0
    while not received:
        async with client.get(listing) as response:
            received = (await response.json())["total"]
    task.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientError):
            await hanging
