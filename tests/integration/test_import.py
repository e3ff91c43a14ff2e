"""``ztpd import genieacs`` as an operator meets it: a dump is taken in by a daemon at work."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from tests.conftest import ROOT
from tests.genieacs import PASSWORD, from_mongoexport, from_nbi, tr098, tr181
from tests.integration.commands import Ran, ztpd, ztpd_process
from tests.integration.stage import Theatre, theatre
from ztpd.cli import app
from ztpd.importing import BATCH
from ztpd.lab.stage import stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live() -> AsyncIterator[Theatre]:
    """A daemon with its peers."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder)) as everything:
            await everything.scene.until_ready(await everything.scene.start_daemon())
            yield everything


def dump(folder: Path, data: bytes) -> str:
    file = folder / "dump.json"
    file.write_bytes(data)
    return str(file)


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def tagged(live: Theatre, tag: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await live.cast.office.get(f"/v1/devices?limit=500&tag={tag}"))["items"]
    return items


def assert_quiet(ran: Ran) -> None:
    assert "Traceback" not in ran.output + ran.errors
    assert PASSWORD not in ran.output + ran.errors
    assert all(len(line) <= 80 for line in ran.output.splitlines()), ran.output


async def test_every_row_is_taken_in_or_says_why_not(live: Theatre, tmp_path: Path) -> None:
    scanner = {**tr098("S9"), "_id": "DISCOVERYSERVICE-X-1", "_deviceId": None}
    documents = [tr098("A1", tags=["mixed"]), tr181("A-2"), scanner, tr098("A1"), tr098("A3", tags=["mixed"])]
    lines = from_nbi(*documents).split(b"\n")
    lines[2] = lines[2][:100]  # the second is cut off
    file, report = dump(tmp_path, b"\n".join(lines)), tmp_path / "report.ndjson"

    asked = await ztpd(live.scene, "import", "genieacs", file, "--dry-run", "--output", str(report))
    assert_quiet(asked)
    assert asked.code == 1
    assert "dry run: nothing is changed" in asked.output
    assert await tagged(live, "mixed") == []
    said = rows(report)

    ran = await ztpd(live.scene, "import", "genieacs", file, "--output", str(report))
    assert_quiet(ran)
    assert ran.code == 1
    found = sorted(rows(report), key=lambda each: each["line"])
    assert [(each["line"], each["known_by"], each["outcome"], each["problem"]) for each in found] == [
        (1, "202BC1-A1", "imported", ""),
        (2, "", "refused", "is cut off"),
        (3, "DISCOVERYSERVICE-X-1", "refused", "'DISCOVERYSERVICE' is no OUI of six hexadecimal digits"),
        (4, "202BC1-A1", "refused", "is document 1 again"),
        (5, "202BC1-A3", "imported", ""),
    ]
    assert [each["outcome"] for each in sorted(said, key=lambda each: each["line"])] == [
        each["outcome"] for each in found
    ]
    assert "imported" in ran.output
    assert "leave it out: it is no CPE" in " ".join(ran.output.split())
    assert PASSWORD not in report.read_text()
    assert len(await tagged(live, "mixed")) == 2
    for log in live.scene.folder.rglob("*.log"):
        assert PASSWORD not in log.read_text()


async def test_a_dump_of_several_batches_is_taken_in_once(live: Theatre, tmp_path: Path) -> None:
    count = BATCH + 10
    documents = [tr098(f"M{number}", tags=["many"], mac="") for number in range(count)]
    file = dump(tmp_path, from_mongoexport(*documents))
    ran = await ztpd(live.scene, "import", "genieacs", file, "--no-credentials")
    assert_quiet(ran)
    assert (ran.code, ran.output.split()) == (0, ["devices", "imported", str(count)])
    found = await tagged(live, "many")
    assert len(found) == count
    assert not any(each["imported"]["has_credentials"] for each in found)

    again = await ztpd(live.scene, "import", "genieacs", file, "--no-credentials")
    assert (again.code, again.output.split()) == (0, ["devices", "unchanged", str(count)])


async def test_a_dump_may_come_from_a_pipe(live: Theatre) -> None:
    environment = {"ZTPD_CONFIG": str(live.scene.config), **live.scene.environment}
    data = from_nbi(tr098("P1", tags=["piped"], mac=""))
    result = await asyncio.to_thread(CliRunner().invoke, app, ["import", "genieacs", "-"], input=data, env=environment)
    assert (result.exit_code, result.output.split()) == (0, ["devices", "imported", "1"])
    assert len(await tagged(live, "piped")) == 1


async def test_a_file_without_devices_and_one_that_is_not_there_are_wrong_calls(live: Theatre, tmp_path: Path) -> None:
    ran = await ztpd(live.scene, "import", "genieacs", dump(tmp_path, b"[\n\n]"))
    assert ran.code == 2
    assert "has no device. Export them: curl http://HOST:7557/devices/ > dump.json" in ran.errors
    ran = await ztpd(live.scene, "import", "genieacs", str(tmp_path / "none.json"))
    assert ran.code == 2
    assert "does not exist" in ran.errors


async def test_without_a_daemon_it_says_what_to_start(tmp_path: Path) -> None:
    async with stage(tmp_path, ROOT / "config") as scene:
        ran = await ztpd_process(scene, "import", "genieacs", dump(tmp_path, from_nbi(tr098())))
    assert ran.code == 1
    assert "no daemon answers" in ran.errors
    assert "Start it: ztpd run" in ran.errors
