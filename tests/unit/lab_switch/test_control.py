"""The lab switch's control API: the hand that plugs, unplugs and breaks."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch

MAC = "00:25:9e:1a:2b:3c"


@pytest.fixture
async def lab() -> AsyncIterator[LabSwitch]:
    async with lab_switch(LabSwitchSettings(ports=2)) as made:
        yield made


@pytest.fixture
async def hand(lab: LabSwitch) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{lab.control.port}") as session:
        yield session


async def test_neighbours_come_and_go(hand: aiohttp.ClientSession) -> None:
    async with hand.post(
        "/neighbours", json={"port": "Ethernet1", "chassis_id": MAC, "capabilities": ["ROUTER"]}
    ) as told:
        state = await told.json()
    assert state["ports"] == ["Ethernet1", "Ethernet2"]
    assert [(each["port"], each["chassis_id"], each["capabilities"]) for each in state["neighbours"]] == [
        ("Ethernet1", MAC, ["ROUTER"])
    ]
    async with hand.delete("/neighbours/Ethernet1") as told:
        assert (await told.json())["neighbours"] == []
    await hand.post("/neighbours", json={"port": "Ethernet2", "chassis_id": MAC})
    await hand.post("/reset")
    async with hand.get("/state") as told:
        assert (await told.json())["neighbours"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/neighbours", f'{{"port": "Ethernet9", "chassis_id": "{MAC}"}}', 400, "no port 'Ethernet9'"),
        ("POST", "/neighbours", '{"port": "Ethernet1"}', 400, "chassis_id"),
        ("POST", "/neighbours", '{"port": "Ethernet1", "chassis_id": "a\\u0000b"}', 400, "XML"),
        ("DELETE", "/neighbours/Ethernet1", "", 404, "nobody is plugged into Ethernet1"),
        ("POST", "/faults/cut", '{"at": 0}', 400, "greater than or equal to 1"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    hand: aiohttp.ClientSession, method: str, path: str, body: str, status: int, said: str
) -> None:
    async with hand.request(method, path, data=body) as answer:
        assert answer.status == status
        assert said in await answer.text()


async def test_faults_are_set_and_mended(lab: LabSwitch, hand: aiohttp.ClientSession) -> None:
    key = lab.listening.host_public_key
    await hand.post("/faults/hang")
    hanging = lab.switch.faults
    await hand.delete("/faults")
    assert (hanging.hang_after, lab.switch.faults.hang_after) == (0, None)
    async with hand.post("/faults/host-key") as told:
        assert (await told.json())["host_public_key"] == lab.listening.host_public_key != key
    async with hand.get("/counters") as told:
        assert await told.json() == {"rpcs": {}, "writes": 0}


async def test_cables_locks_bars_and_restarts_are_set_by_hand(lab: LabSwitch, hand: aiohttp.ClientSession) -> None:
    async with hand.post("/cables", json={"port": "Ethernet2", "bps": 100_000_000}) as told:
        assert (await told.json())["links"] == {"Ethernet2": 100_000_000}
    await hand.post("/faults/bar", json={"port": "Ethernet1"})
    await hand.post("/faults/lock")
    async with hand.post("/faults/lock") as answer:
        assert (answer.status, "locked" in await answer.text()) == (400, True)
    await hand.delete("/faults/lock")
    await hand.post("/restart")
    async with hand.get("/config") as told:
        assert b"Ethernet1" in await told.read()
    assert lab.switch.faults.barred_serials == {"Ethernet1"}
