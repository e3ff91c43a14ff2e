"""Every kind of element under the real daemon: installed, changed, suspended, resumed, measured and taken away."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.integration.commands import ztpd
from tests.integration.elements import KINDS, MAC, NAME, SECRET, BehindEdge, BehindRouter, BehindUisp
from tests.integration.one_element import is_up, live
from ztpd.discovery.handing_over import hand_over
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.operator import until
from ztpd.lab.uisp.lab import STOCK

MBIT = 1_000_000


@pytest.mark.parametrize("name", KINDS)
async def test_a_service_lives_its_life_on(name: str) -> None:
    kind = KINDS[name]
    async with live(kind, vouched=list(kind.unshown)) as here:
        await is_up(here)
        [wrong] = await here.refused_location(f"{kind.port}9")
        assert (wrong["field"], wrong["problem"]) == ("access.port", f"is not a port of element {NAME}")
        assert kind.port in wrong["remedy"]
        shown = await here.get(f"/v1/elements/{NAME}")
        assert (shown["driver"], shown["up"], shown["mode"]) == (here.behind.section["driver"], True, "active")
        assert shown["technologies"] == [kind.technology]
        assert kind.port in shown["ports"]
        ran = await ztpd(here.scene, "check")
        assert ran.code == 0, ran.output
        assert re.search(rf"ok +element {NAME} +answers, \d+ ports? *\n", ran.output), ran.output
        before = here.behind.configuration()
        await here.install("slow")
        job = await here.job("J-1", "completed")
        assert await here.types() == ["service.activated"]
        assert b"SVC-1" in here.behind.configuration()
        assert (job["attempt"], job["failures"]) == (1, [])
        configured = await here.configured()
        expected = {"service": "SVC-1", "port": kind.port, "enabled": True, "complete": True, "presence": "intended"}
        assert {each: configured[each] for each in expected} == expected
        shows_rates = "downstream_bps" not in kind.unshown
        if shows_rates:
            assert (configured["downstream_bps"], configured["upstream_bps"]) == (20 * MBIT, 10 * MBIT)

        await here.done("J-2", "change", profile="fast")
        if shows_rates:
            configured = await here.configured()
            assert (configured["downstream_bps"], configured["upstream_bps"]) == (40 * MBIT, 20 * MBIT)

        working = here.behind.configuration()
        await here.done("J-3", "suspend")
        assert (await here.configured())["enabled"] is False
        assert here.behind.configuration() != working
        assert (await here.get("/v1/services/SVC-1"))["state"] == "suspended"

        await here.done("J-4", "resume")
        assert (await here.configured())["enabled"] is True
        assert here.behind.configuration() == working

        status, answer = await here.call("POST", "/v1/services/SVC-1/reboot")
        if kind.reboots:
            assert status == 202, answer
        else:
            assert status == 409
            assert answer["detail"].startswith(f"{NAME}, reboot: ")

        await here.done("J-5", "terminate")
        assert b"SVC-1" not in here.behind.configuration()
        assert here.behind.configuration() == before
        told = ["service.activated", "service.changed", "service.suspended", "service.resumed", "service.terminated"]
        assert await here.types() == told

        log = here.daemon.log.read_text()
        assert '"level":"error"' not in log.replace(" ", "")
        assert SECRET not in log


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.blind])
async def test_what_an_element_cannot_show_waits_for_somebody_who_answers_for_it_on(name: str) -> None:
    kind = KINDS[name]
    async with live(kind) as here:
        await is_up(here)
        await here.install("demanding")
        job = await here.job("J-1", "failed")
        [failure] = job["failures"]
        assert failure["code"] == "not-verifiable"
        assert failure["detail"] == f"the element does not show: {', '.join(kind.blind)}"
        assert "POST /v1/jobs/{id}/vouch" in failure["operator"]
        assert await here.types() == []

        reason = {"names": list(kind.blind), "reason": "measured by hand at the customer's"}
        status, answer = await here.call("POST", "/v1/jobs/J-1/vouch", reason)
        assert status == 200, answer
        await here.job("J-1", "completed")
        assert await here.types() == ["service.activated"]
        audit = (await here.get("/v1/audit"))["items"]
        assert [each["action"] for each in audit] == ["job.vouch"]


@pytest.mark.parametrize("name", ["huawei-smartax", "linux-edge"])
async def test_what_the_operator_answers_for_on_an_element_needs_no_word_for_each_job_on(name: str) -> None:
    kind = KINDS[name]
    async with live(kind, vouched=list(kind.blind)) as here:
        await is_up(here)
        await here.install("demanding")
        job = await here.job("J-1", "completed")
        assert (job["attempt"], await here.types()) == (1, ["service.activated"])


WIRELESS = {"routeros": ("4c:5e:0c:00:00:02", "4c:5e:0c:00:00:03", "wlan1"), "uisp": (*STOCK[1:3], "Tower 1 North")}
"""The second customer's radio, the one that takes the place of the first's, and the other port."""


@pytest.mark.parametrize("name", WIRELESS)
async def test_customers_share_an_access_point_and_swap_and_move_on(name: str) -> None:
    other, spare, elsewhere = WIRELESS[name]
    async with live(KINDS[name]) as here:
        assert isinstance(here.behind, BehindRouter | BehindUisp)
        await is_up(here)
        await here.install("slow")
        await here.job("J-1", "completed")

        await here.put_location("LOC-2", here.kind.port)
        second = {**here.kind.order("fast"), "service": "SVC-2", "location": "LOC-2"}
        status, job = await here.call("PUT", "/v1/jobs/J-2", {**second, "devices": [{"role": "cpe", "mac": other}]})
        assert (status, job["state"]) == (201, "ready")
        here.behind.connect(other, here.kind.port)
        await here.job("J-2", "completed")

        await here.order("J-3", "swap", devices=[{"role": "cpe", "mac": spare}])
        here.behind.connect(spare, here.kind.port)
        await here.job("J-3", "completed")
        configured = await here.configured()
        assert (configured["device"], configured["downstream_bps"]) == (spare, 20 * MBIT)

        await here.put_location("LOC-3", elsewhere)
        await here.order("J-4", "move", location="LOC-3")
        here.behind.connect(spare, elsewhere)
        await here.job("J-4", "completed")
        configured = await here.configured()
        assert (configured["device"], configured["port"]) == (spare, elsewhere)
        assert b"SVC-2" in here.behind.configuration(), "the neighbour's is as it was"


async def test_a_suspended_line_at_an_edge_server_reaches_only_the_garden() -> None:
    async with live(KINDS["linux-edge"]) as here:
        assert isinstance(here.behind, BehindEdge)
        await is_up(here)
        await here.install("slow")
        await here.job("J-1", "completed")
        assert here.behind.reached() == {"internet", "garden"}
        await here.done("J-2", "suspend")
        assert here.behind.reached() == {"garden"}
        await here.done("J-3", "resume")
        assert here.behind.reached() == {"internet", "garden"}


async def test_a_client_at_the_server_s_own_interface_is_placed_by_its_vlans() -> None:
    kind = replace(KINDS["linux-edge"], port="nosuch0", circuit_id=None)
    async with live(kind, access_interfaces=["nosuch0"], netns=None) as here:
        await here.put_location("LOC-1", "nosuch0.301")
        await here.call("PUT", "/v1/jobs/J-1", kind.order("slow"))
        details = {"interface": "nosuch0", "vlans": "301"}
        heard = Sighting(Source.DHCP, datetime.now(UTC), mac=MAC, trusted=False, details=details)
        await hand_over(here.scene.folder / "intake.sock", [heard])
        await until(
            lambda: here.get("/v1/sightings"),
            lambda found: [each["verdict"] for each in found["items"]] == ["matches job J-1"],
            "the client in its place",
        )
