"""The daemon as a process with a key file and a TLS listener: what its configuration says is what CPEs meet."""

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from pon.serial import to_hex
from tests.certificates import Authority
from tests.integration.commands import ztpd, ztpd_process
from tests.integration.stage import Theatre, theatre
from tests.unit.acs.envelopes import inform
from ztpd.lab.cpe import BOOT, CpeSettings, LabCpe
from ztpd.lab.operator import until
from ztpd.lab.play import DEVICES, LOCATION, ORDER, OUI, PORT, SERIAL

KEY = "key-sentinel-" * 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as made:
        yield Path(made)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that the system gives to nobody else: who asks for this very one with SO_REUSEADDR gets it."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])


def equipped(everything: Theatre, port: int) -> Authority:
    """The example configuration with a key for secrets of CPEs and a listener that takes their certificates."""
    scene = everything.scene
    authority = Authority(scene.folder)
    pair = authority.issue("acs")
    scene.secret("devices.key").touch(mode=0o600)
    scene.secret("devices.key").write_text(KEY)
    listener = f"""
[[acs.listeners]]
port = {port}
certificate_file = "{pair.certificate}"
key_file = "{pair.key}"
client_ca_file = "{authority.file}"
client_certificates = "optional"

[discovery]
"""
    text = scene.config.read_text().replace("# device_key_file", "device_key_file")
    text = text.replace("secrets/acs-devices.key", "secrets/devices.key").replace("\n[discovery]\n", listener)
    scene.config.write_text(text)
    return authority


async def test_a_cpe_ends_its_first_job_with_a_secret_of_its_own(folder: Path, free_port: int) -> None:
    async with theatre(folder) as everything:
        scene, office = everything.scene, everything.cast.office
        authority = equipped(everything, free_port)
        checked = await ztpd(scene, "check", "--offline")
        assert f"{free_port} (TLS); each CPE is given a secret of its own" in " ".join(checked.output.split())
        daemon = await scene.start_daemon()
        await scene.until_ready(daemon)
        await office.call("PUT", "/v1/locations/LOC-1", LOCATION)
        await office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
        everything.olt.plug(SERIAL, PORT)
        await until(lambda: office.get("/v1/jobs/J-1"), lambda job: job["network_confirmed_at"], "the network's word")

        password = scene.secret("acs.password").read_text()
        settings = CpeSettings(scene.acs, "cpe", password, to_hex(SERIAL), oui=OUI)
        cpe = LabCpe(settings)
        await cpe.inform([BOOT])
        assert (await office.get("/v1/jobs/J-1"))["cpe_confirmed_at"]
        given = cpe.values["Device.ManagementServer.Password"]
        assert given != password
        await cpe.inform([BOOT])
        await LabCpe(settings).inform([BOOT])  # with the bootstrap secret again
        [device] = [each for each in (await office.get("/v1/devices"))["items"] if each["identity"]]
        assert (device["identity"]["proof"], device["identity"]["secret"]) == ("device", "proven")
        verdicts = [each["verdict"] for each in (await office.get("/v1/sightings?limit=100"))["items"]]
        assert any(verdict.startswith("bootstrap-spent") for verdict in verdicts)

        tls = authority.client(authority.issue("00259E-S9"))
        url = f"https://127.0.0.1:{free_port}/acs"
        async with aiohttp.ClientSession() as http, http.post(url, data=inform(serial="S9"), ssl=tls) as response:
            assert response.status == 200
        proofs = [each["identity"]["proof"] for each in (await office.get("/v1/devices"))["items"] if each["identity"]]
        assert sorted(proofs) == ["certificate", "device"]
        everywhere = daemon.log.read_text() + json.dumps(await office.get("/v1/events?limit=500"))
        assert given not in everywhere
        assert KEY not in everywhere


async def test_a_listener_whose_port_is_taken_is_named_with_its_key(folder: Path) -> None:
    async with theatre(folder) as everything:
        with socket.create_server(("127.0.0.1", 0)) as keeper:
            port = keeper.getsockname()[1]
            equipped(everything, port)
            ran = await ztpd_process(everything.scene, "run")
    assert ran.code == 1
    said = " ".join((ran.output + ran.errors).split())
    assert f"acs.listeners.0 cannot listen on 127.0.0.1 port {port}: Address already in use" in said
