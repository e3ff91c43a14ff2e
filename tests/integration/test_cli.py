"""The command line as an operator meets it: what it prints, on 80 columns, and how it ends."""

import asyncio
import json
import re
import socket
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from typer.testing import CliRunner

import ztpd as package
from tests.conftest import ROOT
from tests.integration.commands import Ran, ztpd, ztpd_process
from tests.integration.stage import Theatre, theatre
from tests.unit.discovery import frames6
from ztpd.cli import app
from ztpd.lab import dhcp
from ztpd.lab.operator import until
from ztpd.lab.play import ADDRESS, CIRCUIT_ID, MAC, PORT
from ztpd.lab.stage import Stage, stage
from ztpd.store.migrations import HEAD

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live() -> AsyncIterator[Theatre]:
    """A daemon with its peers, for all tests that do not end it."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder)) as everything:
            await everything.scene.until_ready(await everything.scene.start_daemon())
            yield everything


@pytest_asyncio.fixture(loop_scope="module")
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    """A configuration whose peers do not run."""
    async with stage(tmp_path, ROOT / "config") as made:
        made.trust_olt("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
        yield made


@contextmanager
def taken_port() -> Iterator[int]:
    """A port of the loopback that somebody listens on and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def assert_plain(ran: Ran, code: int, *said: str) -> None:
    """It ended with the code and said it on standard error, each line marked, without a traceback."""
    assert ran.code == code, ran
    assert "Traceback" not in ran.output + ran.errors
    lines = [line for line in ran.errors.splitlines() if not line.startswith("{")]
    assert lines
    assert all(line.startswith("ztpd: ") for line in lines), ran.errors
    for each in said:
        assert each in ran.errors


def assert_told(said: str, output: str) -> None:
    """The table's cell says so, wherever its lines are broken."""
    assert "".join(said.split()) in "".join(output.split()), output


def assert_narrow(text: str) -> None:
    assert all(len(line) <= 80 for line in text.splitlines()), text


class TestHelp:
    @pytest.mark.parametrize(
        "command",
        [
            *(
                "",
                "run",
                "check",
                "status",
                "device",
                "firmware",
                "explain",
                "replay",
                "hook",
                "hook kea",
                "hook dnsmasq",
                "adopt",
                "decisions",
                "import",
                "import genieacs",
            ),
            *("lab", "lab olt", "lab cpe", "lab dhcp", "lab receiver", "lab demo"),
        ],
    )
    async def test_every_command_and_option_is_explained_on_80_columns(self, command: str) -> None:
        result = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80"}, prog_name="ztpd")
        assert result.exit_code == 0
        assert_narrow(result.output)
        # An option without a text would end at its type.
        assert not re.search(r"<\w+> *│$", result.output, re.MULTILINE), result.output

    async def test_the_version_is_shown(self) -> None:
        result = CliRunner().invoke(app, ["--version"])
        assert (result.exit_code, result.output) == (0, f"ztpd {package.__version__}\n")

    async def test_a_file_that_is_not_there_is_a_wrong_call(self) -> None:
        for arguments in (["replay", "none.pcap"], ["lab", "receiver", "--secret-file", "none"]):
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 2
            assert "does not exist" in result.output


class TestRunThatCannotStart:
    async def test_every_wrong_key_is_said_at_once(self, scene: Stage) -> None:
        scene.config.write_text(scene.config.read_text() + "\n[provisionig]\n[log2]\n")
        ran = await ztpd(scene, "run", ZTPD_API__PORT="many")
        assert_plain(
            ran,
            2,
            f"{scene.config}: provisionig: is not a key that ztpd knows. Did you mean provisioning?",
            f"{scene.config}: log2: is not a key",
            "environment: ZTPD_API__PORT: ",
        )

    async def test_every_wrong_secret_is_said_before_the_database_is_touched(self, scene: Stage) -> None:
        scene.secret("office.token").chmod(0o644)
        scene.secret("billing.whsec").write_text("x")
        ran = await ztpd_process(scene, "run")
        assert_plain(ran, 2, "office.token is open to everybody", "billing.whsec does not start with 'whsec_'")
        assert not (scene.folder / "ztpd.db").exists()

    async def test_a_file_that_is_missing_is_named(self, scene: Stage) -> None:
        ran = await ztpd(scene, "run", "--config", "/nowhere/ztpd.toml")
        assert_plain(ran, 2, "/nowhere/ztpd.toml: cannot be read: No such file or directory")

    async def test_an_unknown_crash_point_is_refused(self, scene: Stage) -> None:
        assert_plain(await ztpd(scene, "run", ZTPD_CRASH_POINT="99"), 2, "ZTPD_CRASH_POINT=99: expected 1 to")

    async def test_a_port_that_is_taken_is_named_with_its_key(self, scene: Stage) -> None:
        with taken_port() as port:

            async def run(section: str) -> Ran:
                overrides = {
                    f"ZTPD_{section.upper()}__PORT": str(port),
                    "ZTPD_STORE__URL": f"sqlite:///{scene.folder}/{section}.db",
                }
                return await ztpd_process(scene, "run", **overrides)

            for section, ran in zip(("api", "acs"), await asyncio.gather(run("api"), run("acs")), strict=True):
                problem = f"{section} cannot listen on 127.0.0.1 port {port}: Address already in use"
                assert_plain(ran, 1, problem, f"change {section}.host and {section}.port")

    @pytest.mark.parametrize(
        ("key", "kind"), [("syslog.udp_port", socket.SOCK_DGRAM), ("snmp.port", socket.SOCK_DGRAM)], ids=["udp", "snmp"]
    )
    async def test_a_port_for_hints_that_is_taken_is_named_with_its_key(
        self, scene: Stage, key: str, kind: socket.SocketKind
    ) -> None:
        community = scene.secret("communities")
        community.touch(0o600)
        community.write_text("public")
        section, _, port_key = key.partition(".")
        extra = 'communities_file = "secrets/communities"' if section == "snmp" else ""
        with socket.socket(socket.AF_INET, kind) as keeper:
            keeper.bind(("127.0.0.1", 0))
            port = keeper.getsockname()[1]
            scene.config.write_text(f"{scene.config.read_text()}\n[discovery.{section}]\n{port_key} = {port}\n{extra}")
            ran = await ztpd_process(scene, "run")
        problem = f"discovery.{section} cannot listen on 127.0.0.1 port {port}: Address already in use"
        assert_plain(ran, 1, problem, f"change discovery.{section}.host and discovery.{key}")

    async def test_a_second_daemon_on_the_same_socket_ends_and_the_first_goes_on(
        self, live: Theatre, scene: Stage
    ) -> None:
        door = live.scene.environment["ZTPD_DISCOVERY__INTAKE"]
        ran = await ztpd_process(scene, "run", ZTPD_DISCOVERY__INTAKE=door)
        assert ran.code == 1
        assert ran.errors.splitlines()[-1].startswith("ztpd: intake ended: IntakeInUse: ")
        assert "another process listens there; stop the other process" in ran.errors
        assert (await ztpd(live.scene, "status")).code == 0

    async def test_a_postgresql_that_does_not_answer_is_named(self, scene: Stage) -> None:
        url = "postgresql://ztpd:hunter2@127.0.0.1:1/ztpd"
        ran = await ztpd_process(scene, "run", ZTPD_STORE__URL=url)
        assert_plain(ran, 1, "127.0.0.1", "refused")
        assert "hunter2" not in ran.errors

    async def test_a_database_of_a_newer_ztpd_is_left_alone(self, scene: Stage) -> None:
        file = scene.folder / "ztpd.db"
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.close()
        assert_plain(await ztpd_process(scene, "run"), 2, "the database has schema 9999", "install the newer ztpd")
        checked = await ztpd(scene, "check", ZTPD_ELEMENTS="[]")
        assert checked.code == 2
        assert_told("the database has schema 9999", checked.output)

    async def test_a_database_file_that_cannot_be_made_is_named(self, scene: Stage) -> None:
        ran = await ztpd_process(scene, "run", ZTPD_STORE__URL="sqlite:////nowhere/ztpd.db")
        assert_plain(ran, 1, "/nowhere/ztpd.db: unable to open database file")


class TestCheck:
    async def test_a_good_configuration_is_all_ok_with_the_elements_ports(self, live: Theatre) -> None:
        ran = await ztpd(live.scene, "check")
        assert (ran.code, ran.errors) == (0, "")
        assert "wrong" not in ran.output
        assert re.search(r"ok +element olt-1 +answers, 4 ports", ran.output)
        assert_told(f"ztpd.db, schema {HEAD}", ran.output)
        assert_narrow(ran.output)

    async def test_an_element_that_does_not_answer_is_down_and_no_fault_of_the_files(self, scene: Stage) -> None:
        ran = await ztpd(scene, "check")
        assert ran.code == 1
        assert re.search(r"down +element olt-1 +olt-1: connect: 127.0.0.1 port", ran.output)

    async def test_an_interface_that_is_to_be_heard_is_looked_for(self, scene: Stage) -> None:
        ran = await ztpd(scene, "check", ZTPD_ELEMENTS="[]", ZTPD_DISCOVERY__DHCP__INTERFACES='["lo", "nowhere0"]')
        assert ran.code == 1
        assert re.search(r"ok +interface lo +up", ran.output)
        assert re.search(r"down +interface nowhere0 +there is none", ran.output)
        assert_told("or correct discovery.dhcp.interfaces", ran.output)
        offline = await ztpd(scene, "check", "--offline", ZTPD_DISCOVERY__DHCP__INTERFACES='["nowhere0"]')
        assert (offline.code, "nowhere0" in offline.output) == (0, False)

    async def test_offline_reaches_nothing(self, scene: Stage) -> None:
        ran = await ztpd(scene, "check", "--offline", ZTPD_STORE__URL="postgresql://127.0.0.1:1/ztpd")
        assert (ran.code, ran.errors) == (0, "")
        assert "element olt-1" not in ran.output

    async def test_a_database_that_does_not_exist_is_not_made(self, scene: Stage) -> None:
        ran = await ztpd(scene, "check", ZTPD_ELEMENTS="[]")
        assert ran.code == 0
        assert_told("does not exist yet", ran.output)
        assert not (scene.folder / "ztpd.db").exists()

    async def test_a_folder_without_the_database_must_be_writable(self, scene: Stage) -> None:
        ran = await ztpd(scene, "check", ZTPD_ELEMENTS="[]", ZTPD_STORE__URL="sqlite:////nowhere/ztpd.db")
        assert ran.code == 2
        assert_told("Create /nowhere, writable for the daemon's user", ran.output)

    async def test_what_is_wrong_is_told_with_its_remedy_and_ends_with_2(self, scene: Stage) -> None:
        scene.secret("acs.password").write_text("")
        (scene.config.parent / "profiles/half.toml").write_text("name = 'half'\n[sped]\n")
        ran = await ztpd(scene, "check", "--offline")
        assert ran.code == 2
        assert_told("acs.password is empty. Write the secret into it.", ran.output)
        assert_told("half.toml: sped: is not a key that ztpd knows. Did you mean speed?", ran.output)
        assert re.search(r"wrong +firmware +see profiles", ran.output)  # told once, whoever else needs it
        assert re.search(r"ok +tokens +field-app, office", ran.output)
        assert_narrow(ran.output)

    async def test_brackets_in_what_was_found_are_shown(self, scene: Stage) -> None:
        scene.config.write_text(scene.config.read_text().replace("secrets/known_hosts", "secrets/none[red]"))
        assert_told("none[red]", (await ztpd(scene, "check", "--offline")).output)


class TestDevice:
    @pytest_asyncio.fixture(loop_scope="module")
    async def informed(self, live: Theatre) -> str:
        """The number of a CPE that has informed."""
        await live.home.boot_cpe()

        async def devices() -> list[dict[str, Any]]:
            _, page = await live.cast.office.call("GET", "/v1/devices")
            return [device for device in page["items"] if device["cpe"] is not None]

        (device,) = await until(devices, lambda found: bool(found), "the CPE has informed")
        return str(device["id"])

    async def test_what_a_device_told_of_itself_is_shown(self, live: Theatre, informed: str) -> None:
        ran = await ztpd(live.scene, "device", informed)
        assert (ran.code, ran.errors) == (0, "")
        assert re.search(r"model +ztpd lab LAB-ONT", ran.output)
        assert re.search(r"data model +Device\.", ran.output)
        assert_narrow(ran.output)
        shown = json.loads((await ztpd(live.scene, "device", informed, "--json")).output)
        assert shown["cpe"]["product_class"] == "LAB-ONT"

    async def test_a_task_is_asked_for_listed_and_cancelled(self, live: Theatre, informed: str) -> None:
        asked = await ztpd(live.scene, "device", informed, "diagnose", "ping", "--host", "192.0.2.1", "--no-wait")
        assert (asked.code, asked.errors) == (0, "")
        (number,) = re.findall(r"task (\d+): diagnose ping", asked.output)
        listed = await ztpd(live.scene, "device", informed, "tasks")
        assert_told("diagnose ping host=192.0.2.1, asked by office", listed.output)
        cancelled = await ztpd(live.scene, "device", informed, "cancel", number)
        assert_told("cancelled: cancelled by office", cancelled.output)
        again = await ztpd(live.scene, "device", informed, "cancel", number, "--json")
        assert json.loads(again.output)["state"] == "cancelled"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("diagnose",), "diagnose takes one test"),
            (("diagnose", "ping"), "host: ping needs one"),
            (("diagnose", "ping", "--host", "a b"), "host: is no name or address of a host"),
            (("diagnose", "ping", "--url", "http://x/", "--host", "x"), "url: ping takes"),
            (("reboot", "now"), "reboot takes no more words"),
            (("reboot", "--host", "x"), "reboot takes no --host"),
            (("read",), "read takes one or more paths"),
            (("handover", "--url", "http://x/"), "handover takes --url and --username"),
            (("handover", "--host", "x", "--url", "http://x/", "--username", "u", "--secret", "s"), "no more"),
            (("cancel", "first"), "cancel takes the number"),
            (("upload",), "configuration or log"),
            (("upload", "everything"), "configuration or log"),
            (("upload", "log", "--url", "http://x/"), "upload takes no --url"),
            (("download", "file.bin"), "download takes a file"),
            (("show", "all"), "show takes no more words"),
        ],
    )
    async def test_a_call_that_makes_no_sense_ends_with_2(
        self, scene: Stage, words: tuple[str, ...], said: str
    ) -> None:
        assert_plain(await ztpd(scene, "device", "1", *words), 2, said)

    async def test_what_the_daemon_refuses_is_told_with_its_remedy(self, live: Theatre, informed: str) -> None:
        assert_plain(await ztpd(live.scene, "device", "9999", "reboot"), 1, "there is no device 9999")
        bad = await ztpd(live.scene, "device", informed, "read", "Device.")
        assert_plain(bad, 1, "paths", "correct what is listed")
        assert_plain(await ztpd(live.scene, "device", informed, "cancel", "9999"), 1, "there is no task 9999")

    async def test_without_files_none_is_asked_for(self, live: Theatre, informed: str) -> None:
        assert_plain(await ztpd(live.scene, "device", informed, "upload", "log"), 1, "this daemon has no files")
        assert (await ztpd(live.scene, "firmware")).output == "no profile wants any firmware\n"

    async def test_a_daemon_that_does_not_run_is_said(self, scene: Stage) -> None:
        for command in (("device", "1"), ("firmware",)):
            assert_plain(await ztpd(scene, *command), 1, "no daemon answers at", "Start it: ztpd run")


class TestStatus:
    async def test_elements_jobs_and_deliveries_are_shown(self, live: Theatre) -> None:
        await until(lambda: ztpd(live.scene, "status"), lambda ran: "olt-1" in ran.output and " up" in ran.output, "up")
        ran = await ztpd(live.scene, "status")
        assert (ran.code, ran.errors) == (0, "")
        assert ran.output.startswith("elements")
        assert re.search(r"olt-1 +up", ran.output)
        assert_narrow(ran.output)

    async def test_held_jobs_are_shown_with_what_to_do_and_their_text_as_it_is(self, live: Theatre) -> None:
        order = {"kind": "install", "service": "S-9", "account": "A", "location": "L-9", "profile": "residential-1g"}
        status, _ = await live.cast.office.call("PUT", "/v1/jobs/J-9", order)
        assert status == 201
        ran = await ztpd(live.scene, "status")
        assert_told("J-9 held since", ran.output)
        assert_told("address-unknown: location L-9 is not known", ran.output)
        assert_told("Add the location with PUT /v1/locations/{id}", ran.output)
        assert_narrow(ran.output)

    async def test_quarantine_is_counted_by_reason(self, live: Theatre) -> None:
        await live.cast.olt.call("POST", "/onus", {"serial": "ALCL00000009", "port": "1/1/1"})
        await until(
            lambda: ztpd(live.scene, "status"),
            lambda ran: re.search(r"quarantine\s+unknown +[1-9]", ran.output) is not None,
            "the unknown ONU in quarantine",
        )

    async def test_json_is_for_programs(self, live: Theatre) -> None:
        ran = await ztpd(live.scene, "status", "--json")
        found = json.loads(ran.output)
        new = {"shadowed", "decisions"}
        assert set(found) == {"elements", "jobs", "quarantined", "deliveries", "waiting", "listened_to", *new}
        assert (found["elements"], found["listened_to"]) == ({"olt-1": True}, [])

    async def test_a_daemon_that_does_not_run_is_said(self, scene: Stage) -> None:
        ran = await ztpd(scene, "status")
        assert_plain(ran, 1, f"no daemon answers at http://127.0.0.1:{scene.ports['api']}", "Start it: ztpd run")

    async def test_a_token_that_the_daemon_does_not_know_is_said(self, live: Theatre) -> None:
        file = live.scene.secret("wrong.token")
        file.touch(0o600)
        file.write_text("guess")
        token = {"name": "x", "scopes": ["read"], "token_file": "secrets/wrong.token"}
        ran = await ztpd(live.scene, "status", ZTPD_API__TOKENS=json.dumps([token]))
        assert_plain(ran, 1, "does not know the token", "Restart it")
        assert "guess" not in ran.errors

    async def test_a_configuration_without_a_reading_token_is_said(self, scene: Stage) -> None:
        ran = await ztpd(scene, "status", ZTPD_API__TOKENS="[]")
        assert_plain(ran, 2, "api.tokens: none has the scope read")

    @pytest.mark.parametrize("text", ["hello", '{"items": {}}'])
    async def test_another_server_on_the_port_is_said(self, scene: Stage, text: str) -> None:
        async def answer(request: web.BaseRequest) -> web.Response:
            return web.Response(text=text)

        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", scene.ports["api"]).start()
        try:
            assert_plain(await ztpd(scene, "status"), 1, "is no ztpd. Correct api.host and api.port")
        finally:
            await runner.cleanup()


class TestReplay:
    @staticmethod
    def write(file: Path, *frames: bytes) -> Path:
        dhcp.write_pcap(file, ((time.time() + n, frame) for n, frame in enumerate(frames)))
        return file

    @pytest.fixture
    def heard(self) -> list[bytes]:
        client = dhcp.LabClient(mac=MAC, circuit_id=CIRCUIT_ID.encode(), giaddr="127.0.0.1")
        messages = [dhcp.discover(client), dhcp.request(client, ADDRESS, "127.0.0.1")]
        return [dhcp.frame(message, source="127.0.0.1", destination="127.0.0.1") for message in messages]

    @staticmethod
    async def sightings(live: Theatre) -> list[Any]:
        answer = await live.cast.office.get("/v1/sightings?limit=500")
        return [each for each in answer["items"] if each["source"] == "dhcp"]

    async def test_a_capture_is_kept_by_the_daemon(self, live: Theatre, tmp_path: Path, heard: list[bytes]) -> None:
        before = len(await self.sightings(live))
        ran = await ztpd(live.scene, "replay", str(self.write(tmp_path / "a.pcap", *heard)))
        assert (ran.code, ran.errors) == (0, "")
        assert ran.output == "2 frames, 0 refused, 2 sightings, 2 kept by the daemon\n"
        kept = await self.sightings(live)
        assert len(kept) == before + 2
        assert (kept[-1]["element"], kept[-1]["port"]) == ("olt-1", PORT)

    async def test_dhcpv6_is_kept_by_the_daemon(self, live: Theatre, tmp_path: Path) -> None:
        leased = frames6.ia_na(("2001:db8::17", 600))
        file = self.write(tmp_path / "a.pcap", frames6.relayed(), frames6.replied(leased))
        ran = await ztpd(live.scene, "replay", str(file))
        assert (ran.code, ran.errors) == (0, "")
        assert ran.output == "2 frames, 0 refused, 2 sightings, 2 kept by the daemon\n"
        kept = [each["body"] for each in await self.sightings(live)]
        assert [each.get("ip") for each in kept[-2:]] == [None, "2001:db8::17"]
        assert {(each["mac"], each["circuit_id"], each["trusted"]) for each in kept[-2:]} == {
            (frames6.MAC, frames6.INTERFACE_ID.hex(), False)
        }

    async def test_a_recorded_dhcpv6_exchange_is_shown(self, scene: Stage, data_folder: Path) -> None:
        ran = await ztpd(scene, "replay", "--dry-run", str(data_folder / "dhcp/relayed-solicit-option18.pcap"))
        assert ran.code == 0
        assert "SOLICIT mac 02:00:5e:10:00:01 ip - at ? ? [\\x01\\x00\\x00\\x00] untrusted" in ran.output
        assert ran.output.endswith("2 frames, 0 refused, 2 sightings\n")

    async def test_frames_that_cannot_be_read_are_named_and_counted(
        self, live: Theatre, tmp_path: Path, heard: list[bytes]
    ) -> None:
        cut_short = heard[0][:-60]
        ran = await ztpd(live.scene, "replay", str(self.write(tmp_path / "a.pcap", heard[0], cut_short, heard[1])))
        assert ran.code == 0
        assert "frame 2 refused: " in ran.errors
        assert ran.output == "3 frames, 1 refused, 2 sightings, 2 kept by the daemon\n"

    async def test_what_came_before_a_damaged_place_is_kept(self, live: Theatre, tmp_path: Path) -> None:
        client = dhcp.LabClient(mac="00:25:9e:00:00:02", circuit_id=b"x", giaddr="127.0.0.1")
        frame = dhcp.frame(dhcp.discover(client), source="127.0.0.1", destination="127.0.0.1")
        file = self.write(tmp_path / "a.pcap", frame, frame)
        file.write_bytes(file.read_bytes()[:-40])
        before = len(await self.sightings(live))
        ran = await ztpd(live.scene, "replay", str(file))
        assert ran.code == 2
        assert "1 frames, 0 refused, 1 sightings, 1 kept by the daemon" in ran.output
        assert f"ztpd: {file}: " in ran.errors
        assert "Traceback" not in ran.errors
        assert len(await self.sightings(live)) == before + 1

    async def test_a_file_that_is_no_capture_is_refused(self, live: Theatre, tmp_path: Path) -> None:
        (tmp_path / "a.pcap").write_text("a letter to a friend")
        ran = await ztpd(live.scene, "replay", str(tmp_path / "a.pcap"))
        assert_plain(ran, 2, "a.pcap", "tcpdump")

    async def test_a_dry_run_shows_and_hands_nothing_over(
        self, scene: Stage, tmp_path: Path, heard: list[bytes]
    ) -> None:
        client = dhcp.LabClient(mac=MAC, circuit_id=b"\x1b[31mred", giaddr="127.0.0.1")
        hostile = dhcp.frame(dhcp.discover(client), source="127.0.0.1", destination="127.0.0.1")
        ran = await ztpd(scene, "replay", "--dry-run", str(self.write(tmp_path / "a.pcap", *heard, hostile)))
        assert ran.code == 0
        assert f"DISCOVER mac {MAC} ip - at olt-1 {PORT} [{CIRCUIT_ID}] trusted" in ran.output
        assert "[\\x1b[31mred]" in ran.output
        assert "\x1b" not in ran.output
        assert ran.output.endswith("3 frames, 0 refused, 3 sightings\n")

    async def test_without_a_daemon_it_says_so(self, scene: Stage, tmp_path: Path, heard: list[bytes]) -> None:
        ran = await ztpd(scene, "replay", str(self.write(tmp_path / "a.pcap", *heard)))
        assert_plain(ran, 1, "intake.sock", "start `ztpd run`")
