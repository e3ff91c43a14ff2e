"""A daemon beside another tool: it hears, decides and takes over, and the OLT counts no write of its own."""

import json
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree

from drivers.access import WantedAccess
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from tests.integration.commands import Ran, ztpd
from tests.integration.stage import Theatre, theatre
from ztpd.lab.operator import until
from ztpd.lab.play import DEVICES, LOCATION, ORDER, PORT, SERIAL

WANTED = WantedAccess(
    service="CRM-77",
    port=PORT,
    device=SERIAL,
    s_vlan=201,
    c_vlan=301,
    downstream_bps=1_000_000_000,
    upstream_bps=500_000_000,
    assured_upstream_bps=50_000_000,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


@dataclass
class Beside:
    """A daemon whose OLT another tool configures."""

    everything: Theatre
    tool: NetconfBbfDriver
    writes: int = 0

    @property
    def written_by_us(self) -> int:
        """What the OLT counts beyond the other tool's writes."""
        return self.everything.olt.olt.writes - self.writes

    async def made_by_the_tool(self, *wanted: WantedAccess) -> None:
        """Configure as the other tool does; those writes are its own."""
        before = self.everything.olt.olt.writes
        outcomes = await self.tool.apply(await self.tool.plan(wanted))
        assert [outcome.error for outcome in outcomes] == [None] * len(wanted)
        self.writes += self.everything.olt.olt.writes - before

    async def get(self, path: str) -> Any:
        return await self.everything.cast.office.get(path)

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.everything.cast.office.call(method, path, body)

    async def ztpd(self, *arguments: str) -> Ran:
        return await ztpd(self.everything.scene, *arguments)

    async def order_and_plug(self) -> None:
        assert (await self.call("PUT", "/v1/locations/LOC-1", LOCATION))[0] in {200, 201}
        assert (await self.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES}))[0] == 201
        self.everything.olt.plug(SERIAL, PORT)
        await until(lambda: self.get("/v1/jobs/J-1"), lambda job: job["state"] == "discovered", "the job due")

    async def decision(self, verdict: str) -> Any:
        found = await until(
            lambda: self.get("/v1/elements/olt-1/decisions"),
            lambda answer: [each["verdict"] for each in answer["items"]] == [verdict],
            f"one decision that is {verdict}",
        )
        return found["items"][0]


@asynccontextmanager
async def beside(folder: Path, mode: str) -> AsyncIterator[Beside]:
    async with theatre(folder) as everything:
        scene = everything.scene
        text = scene.config.read_text()
        scene.config.write_text(text.replace('driver = "netconf-bbf"', f'driver = "netconf-bbf"\nmode = "{mode}"'))
        scene.environment |= {"ZTPD_DISCOVERY__POLL_S": "0.2", "ZTPD_DISCOVERY__RECONNECT_S": "0.2"}
        tool = NetconfBbfDriver(
            NetconfBbfSettings(
                name="tool",
                host="127.0.0.1",
                port=everything.olt.netconf_port,
                username="ztpd",
                password=scene.secret("olt-1.password").read_text(),
                host_key=everything.olt.host_public_key,
                uplink="uplink-1",
            )
        )
        try:
            await scene.until_ready(await scene.start_daemon())
            yield Beside(everything, tool)
        finally:
            await tool.close()


async def test_observed_an_olt_is_heard_and_listed_and_nothing_else(folder: Path) -> None:
    async with beside(folder, "observe") as here:
        await here.order_and_plug()
        assert (await here.get("/v1/elements/olt-1"))["mode"] == "observe"
        ran = await here.ztpd("status")
        assert re.search(r"olt-1 +up; only listened to", ran.output)
        assert json.loads((await here.ztpd("status", "--json")).output)["listened_to"] == ["olt-1"]
        ran = await here.ztpd("check")
        assert re.search(r"ok +element olt-1 +answers, 4 ports; only listened to", ran.output), ran.output
        async with aiohttp.ClientSession() as session:
            token = here.everything.scene.secret("office.token").read_text()
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{here.everything.scene.api}/metrics", headers=headers) as answer:
                assert 'ztpd_element_mode{element="olt-1",mode="observe"} 1.0' in await answer.text()
        assert (await here.get("/v1/elements/olt-1/decisions"))["items"] == []
        job = await here.get("/v1/jobs/J-1")
        assert (job["state"], job["attempt"], job["failures"]) == ("discovered", 0, [])
        assert here.everything.olt.olt.rpcs["get"] > 0
        assert here.written_by_us == 0


async def test_in_shadow_an_install_that_another_tool_does_as_we_would_is_agreed(folder: Path) -> None:
    async with beside(folder, "shadow") as here:
        await here.order_and_plug()
        decided = await here.decision("pending")
        assert (decided["service"], decided["device"], decided["refusal"]) == ("SVC-1", SERIAL, None)
        assert decided["changes"] == [f"device: None → {SERIAL!r}"]
        assert here.written_by_us == 0
        await here.made_by_the_tool(_as_decided(decided, service="CRM-77"))
        agreed = await here.decision("agreed")
        assert (agreed["differences"], agreed["unread"]) == ([], [])
        verdicts = [each["verdict"] for each in agreed["verdicts"]]
        assert (verdicts[0], verdicts[-1]) == ("pending", "agreed")
        ran = await here.ztpd("decisions", "olt-1")
        assert re.search(rf"SVC-1 +{SERIAL} +agreed", ran.output), ran.output
        ran = await here.ztpd("status")
        assert "in shadow" in ran.output
        assert re.search(r"olt-1 +1 agreed", ran.output), ran.output
        job = await here.get("/v1/jobs/J-1")
        assert (job["state"], job["attempt"]) == ("discovered", 0)
        assert here.written_by_us == 0


async def test_in_shadow_an_install_that_is_done_otherwise_differs_and_it_is_said_how(folder: Path) -> None:
    async with beside(folder, "shadow") as here:
        await here.order_and_plug()
        wanted = _as_decided(await here.decision("pending"))
        await here.made_by_the_tool(replace(wanted, s_vlan=999, downstream_bps=100_000_000))
        differed = await here.decision("differed")
        assert f"s_vlan: 999 → {wanted.s_vlan}" in differed["differences"]
        assert f"downstream_bps: 100000000 → {wanted.downstream_bps}" in differed["differences"]
        ran = await here.ztpd("decisions", "olt-1", "--verdict", "differed")
        assert "s_vlan: 999" in ran.output
        ran = await here.ztpd("decisions", "olt-1", "--verdict", "agreed")
        assert "nothing was decided" in ran.output
        assert (await here.ztpd("decisions", "none")).code == 1
        assert here.written_by_us == 0


async def test_in_shadow_what_could_not_be_done_is_decided_on_as_refused(folder: Path) -> None:
    async with beside(folder, "shadow") as here:
        await here.made_by_the_tool(replace(WANTED, port="1/1/1"))
        await here.order_and_plug()
        decided = await until(
            lambda: here.get("/v1/elements/olt-1/decisions"), lambda answer: answer["items"], "a decision"
        )
        assert decided["items"][0]["refusal"]
        differed = await here.decision("differed")
        assert f"port: '1/1/1' → {PORT!r}" in differed["differences"]
        assert here.written_by_us == 0


def _as_decided(decided: Any, **others: Any) -> WantedAccess:
    return WantedAccess(**{**decided["wanted"], **others})


def _onu(number: int) -> WantedAccess:
    serial, port = f"ALCL{number:08X}", f"1/1/{number % 4 + 1}"
    return replace(WANTED, service=f"OLD-{number}", device=serial, port=port, c_vlan=300 + number)


def _renamed(everything: Theatre, *numbers: int) -> None:
    """Have these ONUs' objects bear names that only the other tool understands."""
    text = etree.tostring(everything.olt.olt.datastores.config).decode()
    for number in numbers:
        for kind in ("vani", "ani", "venet", "onuvenet", "tcont", "gem"):
            text = text.replace(f">{kind}-ALCL{number:08X}", f">{kind}.customer{number}")
    everything.olt.olt.datastores.start_over(etree.fromstring(text))


def _row(number: int, **others: str) -> str:
    fields = {
        "service": f"SVC-{number}",
        "account": f"ACC-{number}",
        "location": f"LOC-{number}",
        "profile": "residential-1g",
        "serial": f"ALCL:{number:08x}",
        "port": f"1/1/{number % 4 + 1}",
        "address": f"{number} High Street",
        "parameters.c_vlan": str(300 + number),
        "parameters.wifi_ssid": "home",
        "parameters.wifi_passphrase": "correct horse battery",
        **others,
    }
    return ",".join(fields.values())


HEADER = (
    "service,account,location,profile,serial,port,address,"
    "parameters.c_vlan,parameters.wifi_ssid,parameters.wifi_passphrase"
)


@pytest.mark.parametrize("mode", ["observe", "shadow", "active"])
async def test_twenty_onus_that_others_made_become_ours_without_a_write(folder: Path, mode: str) -> None:
    async with beside(folder, mode) as here:
        everything = here.everything
        await until(everything.listeners, lambda count: count > 0, "a daemon that listens")
        await here.made_by_the_tool(*(_onu(number) for number in range(1, 21)))
        await here.tool.set_admin(["ALCL00000002"], enabled=False)
        _renamed(everything, 3, 4)
        services = folder / "services.csv"
        rows = [_row(number) for number in range(1, 16)]
        rows += [_row(16, port="1/1/4"), _row(99), _row(17, address=""), _row(18), _row(19, serial="ALCL:00000012")]
        services.write_text("\n".join([HEADER, *rows, ""]))
        writes, config = everything.olt.olt.writes, everything.olt.running_config()

        asked, report = folder / "asked.ndjson", folder / "report.ndjson"
        ran = await here.ztpd("adopt", "olt-1", "--services", str(services), "--output", str(asked), "--dry-run")
        assert ran.code == 1
        assert "dry run: nothing is changed" in ran.output
        assert (await here.get("/v1/services"))["items"] == []
        ran = await here.ztpd("adopt", "olt-1", "--services", str(services), "--output", str(report))
        assert ran.code == 1, ran.output
        assert asked.read_text() == report.read_text()

        found = [json.loads(line) for line in report.read_text().splitlines()]
        by_line = {each["line"]: each for each in found if each["line"]}
        taken = {line for line, each in by_line.items() if each["outcome"].startswith("adopted")}
        assert taken == set(range(2, 17)), ran.output
        assert [by_line[line]["outcome"] for line in range(17, 22)] == [
            "refused",
            "not-on-element",
            "refused",
            "ambiguous",
            "ambiguous",
        ]
        assert "port 1/1/1, the list says 1/1/4" in by_line[17]["problem"]
        assert "location LOC-17 is not known" in by_line[19]["problem"]
        unlisted = {each["device"] for each in found if not each["line"]}
        assert unlisted == {"ALCL00000013", "ALCL00000014"}
        states = {each["id"]: each["state"] for each in (await here.get("/v1/services"))["items"]}
        assert states == {f"SVC-{n}": "suspended" if n == 2 else "active" for n in range(1, 16)}
        events = [each["type"] for each in (await here.get("/v1/events?after=0&limit=500"))["items"]]
        assert events.count("service.adopted") == 15
        audit = (await here.get("/v1/audit?limit=500"))["items"]
        assert [each["actor"] for each in audit if each["action"] == "service.adopt"] == ["office"] * 15

        again = await here.ztpd("adopt", "olt-1", "--services", str(services))
        assert re.search(r"already-ours +15", again.output), again.output
        assert (await here.get("/v1/events?after=0&limit=500"))["next"] == str(len(events))
        assert len((await here.get("/v1/audit?limit=500"))["items"]) == len(audit)
        assert (everything.olt.olt.writes, everything.olt.running_config()) == (writes, config)


async def test_a_list_with_wrong_lines_is_told_by_line_and_nothing_is_sent(folder: Path) -> None:
    async with beside(folder, "observe") as here:
        services = folder / "services.csv"
        services.write_text("\n".join([HEADER, _row(1), _row(2, serial="12"), ""]))
        ran = await here.ztpd("adopt", "olt-1", "--services", str(services))
        assert ran.code == 2
        assert f"ztpd: {services}: line 3: serial: '12' is no PON serial" in ran.errors
        services.write_text("\n".join([HEADER, _row(1), ""]))
        ran = await here.ztpd("adopt", "none", "--services", str(services))
        assert (ran.code, ran.errors) == (1, "ztpd: there is no element none\n")
