"""Campaigns and files over HTTP: who may, what is refused and why, what is audited, what a device sent."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.world import CPE, START, World, running_api
from ztpd.api.tokens import Scope
from ztpd.domain.cpe import CpeFacts, Proof
from ztpd.domain.firmware import FirmwareRule
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import cpes, transfers
from ztpd.store.cpes import HeardCpe
from ztpd.store.files import FileSettings
from ztpd.store.transaction import Transaction
from ztpd.store.transfer_grants import Grant

RULE = FirmwareRule(name="hg", version="V2", url="http://files.example/hg.bin", stop_after=1)


@pytest.fixture
def folders(tmp_path: Path) -> FileSettings:
    settings = FileSettings(tmp_path / "files", tmp_path / "uploads", "http://acs.example:7547")
    settings.folder.mkdir()
    settings.uploads.mkdir()
    (settings.folder / "config.bin").write_bytes(b"a configuration")
    return settings


@pytest.fixture
async def world(tmp_path: Path, residential: Profile, folders: FileSettings) -> AsyncIterator[World]:
    wanted = residential.model_copy(update={"firmware": (RULE,)})
    async with running_api(f"sqlite:///{tmp_path}/ztpd.db", wanted, files=folders) as running:
        yield running


@pytest.fixture
async def bare(tmp_path: Path, residential: Profile) -> AsyncIterator[World]:
    """A daemon without files."""
    async with running_api(f"sqlite:///{tmp_path}/bare.db", residential) as running:
        yield running


async def informed(world: World) -> int:
    """A CPE has informed; its device."""
    sighting = Sighting(Source.CWMP, START, oui=CPE["oui"], cwmp_serial=CPE["serial"], ip="10.0.0.5")
    facts = CpeFacts("Acme", CPE["oui"], "ONT", CPE["serial"], root="Device.", software_version="V1")
    await world.store.commit(cpes.hear_inform, sighting, HeardCpe(facts, Proof.DEVICE, "session"))
    (device,) = (await world.get("/v1/devices")).json["items"]
    return int(device["id"])


def stop(tx: Transaction) -> None:
    tx.run("stop_firmware", name="hg", version="V2", reason="1 CPEs failed", now=tx.now_text)


async def test_campaigns_are_listed_and_a_stopped_one_is_resumed_by_an_admin(world: World) -> None:
    (campaign,) = (await world.get("/v1/firmware")).json["items"]
    assert (campaign["name"], campaign["version"], campaign["source"]) == ("hg", "V2", RULE.url)
    assert campaign["stopped_at"] is None
    assert (await world.send("POST", "/v1/firmware/hg/resume")).status == 409
    await world.store.commit(stop)
    assert (await world.get("/v1/firmware")).json["items"][0]["reason"] == "1 CPEs failed"
    assert (await world.send("POST", "/v1/firmware/hg/stop")).status == 409
    assert (await world.send("POST", "/v1/firmware/hg/resume", scope=Scope.DISPATCH)).status == 403
    reply = await world.send("POST", "/v1/firmware/hg/resume")
    assert (reply.status, reply.json["stopped_at"]) == (200, None)
    assert (await world.send("POST", "/v1/firmware/other/resume")).status == 404
    (entry,) = (await world.get("/v1/audit?subject=firmware/hg")).json["items"]
    assert (entry["action"], entry["detail"]) == ("firmware.resume", {"version": "V2", "stopped_for": "1 CPEs failed"})


async def test_a_campaign_is_stopped_by_an_admin_who_is_named(world: World) -> None:
    assert (await world.send("POST", "/v1/firmware/hg/stop", scope=Scope.DISPATCH)).status == 403
    assert (await world.send("POST", "/v1/firmware/other/stop")).status == 404
    reply = await world.send("POST", "/v1/firmware/hg/stop")
    assert (reply.status, reply.json["reason"]) == (200, "stopped by admin")
    assert reply.json["stopped_at"] is not None


async def test_without_files_nothing_of_ours_is_fetched_and_nothing_sent(bare: World) -> None:
    device = await informed(bare)
    ours = {"file_type": "3 Vendor Configuration File", "file": "config.bin"}
    for path, body in (("download", ours), ("upload", {"what": "log"})):
        reply = await bare.send("POST", f"/v1/devices/{device}/{path}", body)
        assert (reply.status, "[acs.files]" in reply.json["remedy"]) == (409, True)


async def test_a_download_is_of_a_file_of_ours_or_of_any_url_and_audited(world: World) -> None:
    device = await informed(world)
    path = f"/v1/devices/{device}/download"
    url = {"file_type": "3 Vendor Configuration File", "url": "https://files.example/c.bin"}
    asked = await world.send("POST", path, url)
    assert (asked.status, asked.json["kind"], asked.json["state"]) == (202, "download", "due")
    ours = {"file_type": "3 Vendor Configuration File", "file": "config.bin"}
    assert (await world.send("POST", path, ours)).status == 202
    assert (await world.send("POST", path, {**ours, "file": "other.bin"})).status == 409
    assert (await world.send("POST", path, url, scope=Scope.FIELD)).status == 403
    assert (await world.send("POST", "/v1/devices/4711/download", url)).status == 404
    entries = (await world.get(f"/v1/audit?subject=device/{device}")).json["items"]
    digest = hashlib.sha256(b"a configuration").hexdigest()
    assert [entry["action"] for entry in entries] == ["device.download"] * 2
    assert entries[1]["detail"]["sha256"] == digest


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "http://a.example/f", "file": "config.bin"},
        {"url": "ftp://user:pass@a.example/f"},
        {"url": "javascript:alert(1)"},
        {"file": "../../etc/passwd"},
        {"url": "http://a.example/f", "timeout_s": 1},
        {"url": "http://a.example/f", "file_type": "1\r\nX"},
    ],
)
async def test_what_cannot_be_downloaded_is_refused(world: World, wrong: dict[str, Any]) -> None:
    device = await informed(world)
    reply = await world.send(
        "POST", f"/v1/devices/{device}/download", {"file_type": "1 Firmware Upgrade Image", **wrong}
    )
    assert reply.status == 422
    assert b"user:pass" not in reply.body


async def test_what_a_device_sent_is_listed_and_fetched_by_an_admin_only(world: World, folders: FileSettings) -> None:
    device = await informed(world)
    path = f"/v1/devices/{device}/upload"
    assert (await world.send("POST", path, {"what": "everything"})).status == 422
    task = (await world.send("POST", path, {"what": "log"})).json["id"]
    (folders.uploads / "1-1-log").write_bytes(b"\x00<script>")
    await world.store.commit(transfers.received, Grant(device, f"asked-{task}", True, "1-1-log", 0, ""), 9, "ab")
    (upload,) = (await world.get(f"/v1/devices/{device}/uploads")).json["items"]
    assert (upload["task"], upload["what"], upload["size"]) == (task, "log", 9)
    content = f"/v1/devices/{device}/uploads/{upload['id']}"
    reply = await world.get(content)
    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (
        200,
        b"\x00<script>",
        "application/octet-stream",
    )
    assert (await world.send("GET", content, scope=Scope.READ)).status == 403
    assert (await world.get(f"/v1/devices/{device + 1}/uploads/{upload['id']}")).status == 404
    (folders.uploads / "1-1-log").unlink()
    assert (await world.get(content)).status == 404
