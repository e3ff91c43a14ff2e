"""Bad input to the running daemon, from every side: it is refused with a reason, and harms nothing but itself.

One daemon hears all of it; after each the daemon lives and an honest job completes.
"""

import asyncio
import json
import os
import re
import socket
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from pon.serial import to_hex
from tests.integration.commands import ztpd
from tests.integration.honest import PASSPHRASE, PORT, Live, Work
from tests.integration.stage import theatre
from ztpd.lab import dhcp
from ztpd.lab.cpe import CpeSettings, LabCpe
from ztpd.lab.cpe.soap import inform_envelope
from ztpd.lab.operator import until
from ztpd.lab.stage import may_capture

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK = {
    "ZTPD_DISCOVERY__POLL_S": "0.5",
    "ZTPD_DISCOVERY__RECONNECT_S": "0.2",
    "ZTPD_PROVISIONING__RETRY_FIRST_S": "0.2",
    "ZTPD_PROVISIONING__RETRY_LONGEST_S": "0.5",
    "ZTPD_LOG__LEVEL": "debug",
}
"""What waits in life, waits less here; and everything that can be logged is."""

OVERSIZE = 300 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live() -> AsyncIterator[Live]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder), captures=may_capture()) as everything:
            scene = everything.scene
            scene.config.write_text(scene.config.read_text().replace("rpc_timeout_s = 15", "rpc_timeout_s = 1"))
            scene.environment |= QUICK
            daemon = await scene.start_daemon()
            await scene.until_ready(daemon)
            yield Live(everything, daemon)


@pytest_asyncio.fixture(loop_scope="module")
async def work(live: Live) -> AsyncIterator[Work]:
    """An honest job that is ordered before the bad input comes and must be completed after it, by the same daemon."""
    honest = Work(live, next(live.numbers))
    await element_is(live, "up")
    await honest.order()
    yield honest
    await honest.complete()
    assert live.daemon.running
    assert live.errors() == []


async def element_is(live: Live, state: str) -> None:
    await until(
        lambda: ztpd(live.everything.scene, "status"),
        lambda ran: re.search(rf"olt-1 +{state}", ran.output) is not None,
        f"the OLT {state}",
    )


class TestApi:
    async def test_a_wrong_body_is_answered_item_by_item(self, live: Live, work: Work) -> None:
        access = {"technology": "pon", "element": "olt-1", "port": PORT}
        place = {"address": "1 A Street", "access": access}
        wrong: list[tuple[str, Any, str]] = [
            ("locations/X", {**place, "colour": "red"}, "colour"),
            ("locations/X", {**place, "serviceable": "perhaps"}, "serviceable"),
            ("locations/X", {**place, "access": {**access, "element": "olt-9"}}, "access.element"),
            ("locations/X", {**place, "access": {**access, "port": "9/9/9"}}, "access.port"),
            ("jobs/X", {"kind": "install", "service": "S", "account": "A", "profile": "p"}, "location"),
            ("jobs/X", {"kind": "demolish", "service": "S", "account": "A", "location": "L", "profile": "p"}, "kind"),
            ("jobs/X", {"parameters": {"wifi_passphrase": [PASSPHRASE]}}, "parameters.wifi_passphrase"),
        ]
        for path, body, named in wrong:
            status, answer = await live.call("PUT", f"/v1/{path}", body)
            assert status == 422
            assert named in {item["field"] for item in answer["errors"]}
        assert (await live.call("GET", "/v1/locations/X"))[0] == 404
        assert (await live.call("GET", "/v1/jobs/X"))[0] == 404
        await work.plug()

    async def test_what_is_no_json_or_too_much_of_it_is_refused(self, live: Live, work: Work) -> None:
        token = live.everything.scene.secret("office.token").read_text()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(live.everything.scene.api, headers=headers) as session:
            for body, expected in ((b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b" " * OVERSIZE, 413)):
                async with session.put("/v1/locations/X", data=body) as answer:
                    assert answer.status == expected
                    assert answer.content_type == "application/problem+json"
        await work.plug()

    async def test_a_wrong_token_is_refused_and_not_repeated(self, live: Live, work: Work) -> None:
        async with aiohttp.ClientSession(live.everything.scene.api) as session:
            for given in ("Bearer sentinel-guess", "Basic c2VudGluZWw=", "Bearer ", ""):
                async with session.get("/v1/jobs", headers={"Authorization": given} if given else {}) as answer:
                    assert answer.status == 401
                    assert "sentinel-guess" not in await answer.text()
        assert "sentinel-guess" not in live.daemon.log.read_text()
        status, _ = await live.everything.cast.field_app.call("PUT", "/v1/jobs/X", {})
        assert status == 403
        await work.plug()


class TestAcs:
    @staticmethod
    def doctype(entities: str, text: str) -> bytes:
        envelope = inform_envelope(("lab", "00259E", "X", "EVIL"), ["1 BOOT"], {"Device.A": "ENTITY"}, 0)
        return f"<!DOCTYPE x [{entities}]>{envelope.partition('?>')[2] or envelope}".replace("ENTITY", text).encode()

    async def test_xml_with_a_doctype_entities_or_without_end_is_refused(self, live: Live, work: Work) -> None:
        bodies = [
            self.doctype("", "x"),
            self.doctype('<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">', "&b;"),
            self.doctype('<!ENTITY file SYSTEM "file:///etc/passwd">', "&file;"),
            b"<" * 1000,
            b"\xff\xfe\x00",
        ]
        scene = live.everything.scene
        password = scene.secret("acs.password").read_text()
        digest = aiohttp.DigestAuthMiddleware("cpe", password)
        async with aiohttp.ClientSession(middlewares=(digest,)) as session:
            for body in bodies:
                async with session.post(scene.acs, data=body) as answer:
                    assert answer.status == 400, body
                    assert "root:" not in await answer.text()
            async with session.post(scene.acs, data=b"<a>" + b" " * OVERSIZE) as answer:
                assert answer.status == 413
        assert "EVIL" not in json.dumps(await live.get("/v1/devices?limit=500"))
        await work.plug()

    async def test_a_cpe_with_a_wrong_password_is_heard_and_no_more(self, live: Live, work: Work) -> None:
        digest = aiohttp.DigestAuthMiddleware("cpe", "guess")
        inform = inform_envelope(("lab", "00259E", "X", "STRANGER"), ["1 BOOT"], {}, 0)
        async with (
            aiohttp.ClientSession(middlewares=(digest,)) as session,
            session.post(live.everything.scene.acs, data=inform) as answer,
        ):
            assert answer.status == 401
        heard = [each for each in (await live.get("/v1/devices?limit=500"))["items"] if "STRANGER" in json.dumps(each)]
        assert [(each["state"], each["reason"], each["identity"]) for each in heard] == [
            ("quarantined", "unproven", None)
        ]
        await work.plug()


class TestDhcp:
    @pytest.mark.skipif(not may_capture(), reason="capturing on the loopback needs root")
    async def test_malformed_frames_are_told_and_the_next_good_one_is_heard(self, live: Live, work: Work) -> None:
        client = dhcp.LabClient(mac="00:25:9e:00:00:77", circuit_id=b"line-77", giaddr="127.0.0.1")
        good = dhcp.discover(client)
        cut_option = good[:240] + b"\x52\xff\x01"
        dhcp.send_udp([b"", b"\x00" * 10, good[:100], good[:236] + b"XXXX", cut_option, os.urandom(300), good])
        await until(
            lambda: live.get("/v1/devices?limit=500"),
            lambda devices: "00:25:9e:00:00:77" in json.dumps(devices),
            "the good frame behind the bad ones",
        )
        assert "dhcp-frame-malformed" in live.daemon.log.read_text()
        await work.plug()

    async def test_a_helper_that_talks_nonsense_is_refused(self, live: Live, work: Work) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as helper:
            await loop.sock_connect(helper, str(live.everything.scene.folder / "intake.sock"))
            await loop.sock_recv(helper, 65536)
            header = b'{"version":1,"kind":"sightings"}\n'
            for message in (b"nonsense", header + b'{"source":"dhcp"}', header + b'{"serial":"x"}\n\xff'):
                await loop.sock_sendall(helper, message)
                answer = json.loads(await loop.sock_recv(helper, 65536))
                assert answer["accepted"] == 0
                assert answer["refused"]
        await work.plug()


class TestElement:
    async def test_an_olt_that_refuses_fails_the_job_with_its_words_and_a_retry_goes_on(
        self, live: Live, work: Work
    ) -> None:
        live.everything.olt.olt.faults.barred_serials.add(work.serial)
        await work.plug()
        job = await work.until_state("failed")
        assert [failure["code"] for failure in job["failures"]] == ["element-rejected"]
        assert job["failures"][0]["detail"]
        assert work.job in (await ztpd(live.everything.scene, "status")).output
        live.everything.olt.olt.clear_faults()
        assert (await live.call("POST", f"/v1/jobs/{work.job}/retry"))[0] == 200

    async def test_an_olt_that_hangs_is_down_and_its_job_waits(self, live: Live, work: Work) -> None:
        live.everything.olt.olt.faults.hang_after = 0
        await work.plug()
        await element_is(live, "DOWN")
        job = await live.get(f"/v1/jobs/{work.job}")
        assert job["state"] in {"ready", "discovered", "applying"}
        live.everything.olt.olt.clear_faults()
        await element_is(live, "up")

    async def test_an_olt_with_another_host_key_is_told_nothing_until_the_key_is_accepted(
        self, live: Live, work: Work
    ) -> None:
        everything = live.everything
        await everything.olt.change_host_key()
        everything.olt.end_sessions()
        await element_is(live, "DOWN")
        rpcs = everything.olt.olt.rpcs.total()
        await work.plug()
        checked = await ztpd(everything.scene, "check")
        assert checked.code == 1
        assert "hostkeychanged" in "".join(checked.output.split())
        assert everything.olt.olt.rpcs.total() == rpcs
        assert (await live.get(f"/v1/jobs/{work.job}"))["state"] == "ready"
        everything.scene.trust_olt(everything.olt.host_public_key)

    async def test_an_onu_on_the_wrong_port_holds_the_job_until_it_is_moved(self, live: Live, work: Work) -> None:
        async with nothing_written(live):
            await work.plug("1/1/2")
            job = await work.until_state("held")
            assert [failure["code"] for failure in job["failures"]] == ["wrong-port"]
        live.everything.olt.unplug(work.serial)
        await work.plug()

    async def test_a_cloned_onu_holds_the_job_until_one_is_gone(self, live: Live, work: Work) -> None:
        async with nothing_written(live):
            await work.plug("1/1/4")
            await work.until_state("held")
            live.everything.olt.olt.clone(work.serial, PORT)
            await until(
                lambda: live.get(f"/v1/jobs/{work.job}"),
                lambda job: [failure["code"] for failure in job["failures"]] == ["duplicate-serial"],
                "the clone",
            )
        live.everything.olt.unplug(work.serial, "1/1/4")

    async def test_an_unknown_onu_is_listed_and_never_provisioned(self, live: Live, work: Work) -> None:
        async with nothing_written(live):
            live.everything.olt.plug("HWTCDEADBEEF", "1/1/3")
            await until(
                lambda: live.get("/v1/sightings?unmatched=true&limit=500"),
                lambda found: "HWTCDEADBEEF" in json.dumps(found),
                "the stranger in the list",
            )
            devices = (await live.get("/v1/devices?state=quarantined&limit=500"))["items"]
            assert "HWTCDEADBEEF" in json.dumps(devices)
        await work.plug()
        await work.until_state("awaiting-completion")
        assert "HWTCDEADBEEF" not in live.everything.olt.running_config().decode()


@asynccontextmanager
async def nothing_written(live: Live) -> AsyncIterator[None]:
    """The configuration of the OLT is the same at the end of the block."""
    before = live.everything.olt.running_config()
    yield
    assert live.everything.olt.running_config() == before


async def test_no_secret_is_found_anywhere_but_where_it_must_be(live: Live, work: Work) -> None:
    """After an installation with its CPE, an order that is refused its passphrase, and callers who guess."""
    scene = live.everything.scene
    await install_with_cpe(live, work)
    refused = {**work.body, "service": "SVC-LONG", "parameters": {"wifi_passphrase": PASSPHRASE * 4}}
    await live.call("PUT", "/v1/jobs/J-LONG", refused)
    for path in (*LISTS, f"/v1/jobs/{work.job}", f"/v1/jobs/{work.job}/trace", f"/v1/services/SVC-{work.number}"):
        assert (await live.call("GET", path))[0] == 200, path
    commands = [await ztpd(scene, *words) for words in (("status",), ("status", "--json"), ("check",))]
    cast = live.everything.cast
    places = {
        "log": live.daemon.log.read_text(),
        "answers": "\n".join(live.answers),
        "commands": "\n".join(ran.output + ran.errors for ran in commands),
        "receivers": json.dumps([await receiver.get("/received") for receiver in (cast.dispatch, cast.billing)]),
        **_tables(scene.folder / "ztpd.db"),
    }
    files = [scene.secret(name) for name in os.listdir(scene.config.parent / "secrets") if name != "known_hosts"]
    secrets = {PASSPHRASE, *(file.read_text() for file in files)}
    assert len(secrets) == 7
    assert "job.cpe-configured" in places["answers"]
    found = {(place, secret[:8]) for place, text in places.items() for secret in secrets if secret in text}
    # The order, and what the service stands on, from which later work takes what it leaves as it is.
    assert found == {("table job", PASSPHRASE[:8]), ("table service", PASSPHRASE[:8])}


LISTS = (
    "/v1/locations?limit=500",
    "/v1/jobs?limit=500",
    "/v1/devices?limit=500",
    "/v1/sightings?limit=500",
    "/v1/events?after=0&limit=500",
    "/v1/deliveries?limit=500",
    "/readyz",
    "/openapi.json",
)


async def install_with_cpe(live: Live, work: Work) -> None:
    """A CPE is allocated too; it informs and is given the passphrase."""
    devices = [*work.body["devices"], {"role": "cpe", "oui": "00259E", "serial": to_hex(work.serial)}]
    assert (await live.call("PUT", f"/v1/jobs/{work.job}", {**work.body, "devices": devices}))[0] == 200
    await work.plug()
    await work.until_state("verifying")
    scene = live.everything.scene
    cpe = LabCpe(CpeSettings(scene.acs, "cpe", scene.secret("acs.password").read_text(), to_hex(work.serial)))
    await until(
        lambda: cpe.inform(["1 BOOT"]), lambda served: "SetParameterValues" in served, "the settings of the CPE"
    )
    assert PASSPHRASE in cpe.values.values()


def _tables(file: Path) -> dict[str, str]:
    """The content of every table as text."""
    with closing(sqlite3.connect(file)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {f"table {name}": repr(database.execute(f"SELECT * FROM {name}").fetchall()) for name in names}
