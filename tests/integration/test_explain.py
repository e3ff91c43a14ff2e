"""A circuit-id before a running daemon: what it means there, and what becomes of a hook's event that bears it."""

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.conftest import ROOT
from tests.integration.commands import ztpd, ztpd_process
from tests.integration.stage import Theatre, theatre
from ztpd.lab.stage import Stage, stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = "olt-1 xpon 1/1/0/3:1.1.301"
ELSEWHERE = "olt-1 xpon 1/1/0/4:1.1.301"
UNKNOWN = "0xfeed00ff"
PLACES = {
    "LOC-1": {"address": "12 Harbour Street", "port": "1/1/3", "circuit_id": HERE},
    "LOC-2": {"address": "14 Harbour Street", "port": "1/1/3", "circuit_id": ELSEWHERE},
    "LOC-3": {"address": "16 Harbour Street", "port": "1/1/1", "circuit_id": UNKNOWN},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live() -> AsyncIterator[Theatre]:
    """A daemon that knows three places."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder)) as everything:
            await everything.scene.until_ready(await everything.scene.start_daemon())
            for id_, place in PLACES.items():
                access = {"technology": "pon", "element": "olt-1", "port": place["port"]}
                body = {"address": place["address"], "access": access, "circuit_id": place["circuit_id"]}
                status, _ = await everything.cast.office.call("PUT", f"/v1/locations/{id_}", body)
                assert status == 201
            yield everything


@pytest_asyncio.fixture(loop_scope="module")
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A configuration whose daemon does not run."""
    async with stage(tmp_path, ROOT / "config") as made:
        yield made


def flat(text: str) -> str:
    """A table's text, however its lines are broken."""
    return " ".join(text.split())


async def explained(live: Theatre, *arguments: str, code: int = 0) -> Any:
    ran = await ztpd(live.scene, "explain", *arguments, "--json")
    assert (ran.code, ran.errors) == (code, "")
    return json.loads(ran.output)


def ids(locations: Any) -> list[str]:
    return [place["id"] for place in locations["shown"]]


async def test_pattern_groups_port_and_location_are_shown(live: Theatre) -> None:
    ran = await ztpd(live.scene, "explain", HERE, "--remote-id", "HWTC1A2B3C4D")
    assert (ran.code, ran.errors) == (0, "")
    assert all(len(line) <= 80 for line in ran.output.splitlines())
    said = flat(ran.output)
    for each in (
        f"circuit-id {HERE} 0x{HERE.encode().hex()}",
        "pattern gpon-xpon node olt-1 frame 1 slot 1 subslot 0 port 3 onu 1 cvlan 301",
        "element olt-1 element's port 1/1/3 PON serial HWTC1A2B3C4D",
        "by circuit-id LOC-1 on olt-1 1/1/3, 12 Harbour Street",
        "by port LOC-1 on olt-1 1/1/3, 12 Harbour Street LOC-2 on olt-1 1/1/3, 14 Harbour Street",
        "together both agree",
    ):
        assert each in said, said


async def test_hex_says_the_same_as_text(live: Theatre) -> None:
    assert await explained(live, f"0x{HERE.encode().hex()}") == await explained(live, HERE)


async def test_a_location_that_contradicts_the_pattern_is_told(live: Theatre) -> None:
    found = await explained(live, ELSEWHERE)
    assert (found["element"], found["port"]) == ("olt-1", "1/1/4")
    assert (ids(found["by_circuit_id"]), ids(found["by_port"])) == (["LOC-2"], [])
    assert found["verdict"].startswith("they contradict each other: the pattern's port counts")


async def test_a_location_alone_explains_what_no_pattern_fits(live: Theatre) -> None:
    found = await explained(live, UNKNOWN)
    assert (found["pattern"], found["circuit_id"]) == (None, r"\xfe\xed\x00\xff")
    assert (ids(found["by_circuit_id"]), found["by_port"]) == (["LOC-3"], None)
    assert found["verdict"] == "the location's port counts"


async def test_an_element_that_is_not_configured_is_told(live: Theatre) -> None:
    ran = await ztpd(live.scene, "explain", "olt-9 xpon 1/1/0/3:1.1.301")
    assert "element olt-9, which is not configured" in flat(ran.output)


async def test_what_nothing_knows_is_shown_as_it_is_and_ends_with_1(live: Theatre) -> None:
    ran = await ztpd(live.scene, "explain", "0x1b5b33316d")
    assert (ran.code, ran.errors) == (1, "")
    said = flat(ran.output)
    assert r"circuit-id \x1b[31m 0x1b5b33316d" in said
    assert "pattern none fits" in said
    assert "no place is known" in said


async def test_more_locations_than_are_shown_are_told(live: Theatre) -> None:
    for number in range(11):
        access = {"technology": "pon", "element": "olt-1", "port": "1/1/2"}
        body = {"address": f"Quay {number} [red]", "access": access}
        await live.cast.office.call("PUT", f"/v1/locations/QUAY-{number:02}", body)
    ran = await ztpd(live.scene, "explain", "olt-1 xpon 1/1/0/2:1.1.301")
    said = flat(ran.output)
    assert "QUAY-09 on olt-1 1/1/2, Quay 9 [red] and more: GET /v1/locations" in said
    assert "QUAY-10" not in said


async def test_without_a_daemon_the_pattern_is_shown_and_the_silence_told(scene: Stage) -> None:
    ran = await ztpd(scene, "explain", HERE)
    assert (ran.code, ran.errors) == (0, "")
    said = flat(ran.output)
    assert "pattern gpon-xpon" in said
    assert "locations not known no daemon answers at http://127.0.0.1" in said
    assert (await ztpd(scene, "explain", UNKNOWN)).code == 1


async def test_another_server_on_the_port_is_told(scene: Stage) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.json_response({"items": []})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", scene.ports["api"]).start()
    try:
        ran = await ztpd(scene, "explain", HERE)
    finally:
        await runner.cleanup()
    assert ran.code == 0
    assert "is no ztpd. Correct api.host and api.port" in flat(ran.output)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("0xfee",), "circuit-id: begins with 0x but what follows is not hex"),
        (("x" * 256,), "circuit-id: is longer than the 255 bytes"),
        ((HERE, "--remote-id", "0xz"), "remote-id: begins with 0x"),
    ],
)
async def test_what_cannot_be_an_id_is_a_wrong_call(scene: Stage, arguments: tuple[str, ...], problem: str) -> None:
    ran = await ztpd(scene, "explain", *arguments)
    assert (ran.code, ran.output) == (2, "")
    assert ran.errors.startswith(f"ztpd: {problem}")


@pytest.mark.parametrize(("giaddr", "trusted"), [("127.0.0.9", True), ("10.99.0.9", False)], ids=["listed", "other"])
async def test_a_hook_s_event_is_placed_by_the_daemon(live: Theatre, giaddr: str, trusted: bool) -> None:
    mac = "02:00:5e:10:00:01" if trusted else "02:00:5e:10:00:02"
    event = {
        "QUERY4_TYPE": "DHCPREQUEST",
        "QUERY4_HWADDR": mac,
        "QUERY4_HWADDR_TYPE": "1",
        "QUERY4_GIADDR": giaddr,
        "QUERY4_REMOTE_ADDR": giaddr,
        "QUERY4_OPTION_82": f"0x01{len(HERE):02x}{HERE.encode().hex()}",
        "LEASES4_AT0_ADDRESS": "10.77.0.50",
    }
    door = live.scene.environment["ZTPD_DISCOVERY__INTAKE"]
    arguments = ("hook", "kea", "--strict", "--timeout", "19", "--socket", door, "leases4_committed")
    ran = await ztpd_process(live.scene, *arguments, **event)
    assert (ran.code, ran.output, ran.errors) == (0, "", "")
    items = (await live.cast.office.get("/v1/sightings?limit=500"))["items"]
    [kept] = [each for each in items if each["body"].get("mac") == mac]
    assert (kept["element"], kept["port"], kept["body"]["trusted"]) == ("olt-1", "1/1/3", trusted)
    assert kept["body"]["details"]["circuit-id-pattern"] == "gpon-xpon"
