"""The control API: the hand that plugs, unplugs and breaks."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import asyncssh
import pytest

from tests.unit.lab_olt.client import ADD_GOLD, client, is_ok, tag_of_error
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt

SERIAL = "HWTC1A2B3C4D"
SUBSCRIBE = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'


@pytest.fixture
async def lab() -> AsyncIterator[LabOlt]:
    async with lab_olt(LabOltSettings(ports=2)) as made:
        yield made


@pytest.fixture
async def hand(lab: LabOlt) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{lab.control_port}") as session:
        yield session


async def onus(hand: aiohttp.ClientSession) -> list[tuple[str, str, str]]:
    async with hand.get("/state") as response:
        return [(onu["serial"], onu["port"], onu["state"]) for onu in (await response.json())["onus"]]


async def test_onus_come_shine_double_and_go(hand: aiohttp.ClientSession) -> None:
    unknown = "onu-present-and-no-v-ani-known-and-o5-failed-no-onu-id"
    await hand.post("/onus", json={"serial": "HWTC:1a2b3c4d", "port": "1/1/1"})
    assert await onus(hand) == [(SERIAL, "1/1/1", unknown)]

    await hand.patch(f"/onus/{SERIAL}", json={"onu_rx_dbm": -40, "olt_rx_dbm": -41})
    assert await onus(hand) == [(SERIAL, "1/1/1", "dark")]

    await hand.patch(f"/onus/{SERIAL}", json={"onu_rx_dbm": -20, "olt_rx_dbm": -21})
    await hand.post(f"/onus/{SERIAL}/clone", json={"port": "1/1/2"})
    assert await onus(hand) == [(SERIAL, "1/1/1", unknown), (SERIAL, "1/1/2", unknown)]

    await hand.delete(f"/onus/{SERIAL}", params={"port": "1/1/1"})
    assert await onus(hand) == [(SERIAL, "1/1/2", unknown)]

    await hand.post("/reset")
    assert await onus(hand) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/onus", '{"serial": "nonsense", "port": "1/1/1"}', 400, "no PON serial"),
        ("POST", "/onus", '{"serial": "HWTC00000001", "port": "9/9/9"}', 400, "no port '9/9/9'"),
        ("POST", "/onus", '{"serial": "HWTC00000001", "prot": "1/1/1"}', 400, "prot"),
        ("POST", "/onus", "{", 400, "Invalid JSON"),
        ("DELETE", "/onus/HWTC00000001", "", 404, "no ONU HWTC00000001"),
        ("PATCH", "/onus/HWTC00000001", '{"onu_rx_dbm": -1, "olt_rx_dbm": -1}', 404, "no ONU HWTC00000001"),
        ("POST", "/faults/cut", '{"moment": "never"}', 400, "moment"),
    ],
)
async def test_what_cannot_be_done_is_said(
    hand: aiohttp.ClientSession, method: str, path: str, body: str, status: int, said: str
) -> None:
    async with hand.request(method, path, data=body) as response:
        assert response.status == status
        assert said in await response.text()


async def test_rpcs_and_writes_are_counted(lab: LabOlt, hand: aiohttp.ClientSession) -> None:
    async with client(lab) as session:
        await session.rpc("<get/>")
        await session.rpc("<commit/>")

    async with hand.get("/counters") as response:
        assert await response.json() == {"rpcs": {"get": 1, "commit": 1}, "writes": 1}
    async with hand.get("/config") as response:
        assert "uplink-1" in await response.text()


async def test_an_rpc_is_refused_the_nth_time_and_once(lab: LabOlt, hand: aiohttp.ClientSession) -> None:
    await hand.post("/faults/refuse", json={"operation": "commit", "nth": 2, "tag": "resource-denied"})
    async with client(lab) as session:
        replies = [tag_of_error(await session.rpc("<commit/>")) for _ in range(3)]

    assert replies == [None, "resource-denied", None]


async def test_a_lock_can_be_held_and_given_back(lab: LabOlt, hand: aiohttp.ClientSession) -> None:
    lock = "<lock><target><candidate/></target></lock>"
    async with client(lab) as session:
        await hand.post("/faults/lock")
        assert tag_of_error(await session.rpc(lock)) == "lock-denied"
        async with hand.post("/faults/lock") as twice:
            assert twice.status == 400
        await hand.delete("/faults/lock")
        assert is_ok(await session.rpc(lock))


@pytest.mark.parametrize(("moment", "left"), [("before", b""), ("after", b"gold")])
async def test_a_connection_is_cut_at_the_nth_rpc_with_or_without_its_effect(
    lab: LabOlt, hand: aiohttp.ClientSession, moment: str, left: bytes
) -> None:
    await hand.post("/faults/cut", json={"at": 2, "moment": moment})
    committed = None
    with contextlib.suppress(EOFError, OSError, asyncssh.Error):
        async with client(lab) as session:
            assert is_ok(await session.rpc(ADD_GOLD))
            committed = await session.rpc("<commit/>")

    assert committed is None
    assert (b"gold" in lab.running_config()) == (left != b"")


async def test_a_hanging_olt_answers_again_when_the_fault_is_cleared(lab: LabOlt, hand: aiohttp.ClientSession) -> None:
    await hand.post("/faults/hang", json={"after": 1})
    async with client(lab) as session:
        assert is_ok(await session.rpc("<discard-changes/>"))
        with pytest.raises(TimeoutError):
            await session.rpc("<discard-changes/>", timeout_s=0.1)
        await hand.delete("/faults")
        assert is_ok(await session.rpc("<discard-changes/>"))


async def test_the_host_key_changes_on_demand(lab: LabOlt, hand: aiohttp.ClientSession) -> None:
    before = lab.host_public_key
    async with hand.post("/faults/host-key") as response:
        shown = (await response.json())["host_public_key"]

    assert shown == lab.host_public_key != before


async def test_a_crowd_is_plugged_in_at_once_and_a_storm_announces_each_again() -> None:
    settings = LabOltSettings(ports=2, dialect="i1")  # issue 1 announces unasked
    async with (
        lab_olt(settings) as lab,
        aiohttp.ClientSession(f"http://127.0.0.1:{lab.control_port}") as hand,
        client(lab) as listening,
    ):
        await hand.post("/crowd", json={"onus": 5})
        assert [(serial, port) for serial, port, _ in await onus(hand)] == [
            (f"ZTPD{number:08X}", f"1/1/{number % 2 + 1}") for number in range(5)
        ]
        assert is_ok(await listening.rpc(SUBSCRIBE))
        async with hand.post("/storm", json={"seconds": 0.01}) as response:
            assert await response.json() == {"announced": 5}
        heard = [await listening.receive() for _ in range(5)]
    assert [each.findtext(".//{*}detected-serial-number") for each in heard] == [
        f"ZTPD{number:08X}" for number in range(5)
    ]
