"""What `ztpd check`, `ztpd status` and the API say of an element that does not do what it is asked."""

import asyncio
import json
import re
import socket
import tempfile
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.conftest import ROOT
from tests.integration.commands import ztpd
from tests.integration.elements import KINDS, NAME
from tests.integration.one_element import live
from ztpd.lab.operator import until
from ztpd.lab.stage import stage

OVER_SSH = ("netconf-bbf", "huawei-smartax", "switch")
OVER_HTTP = ("routeros", "uisp")
CREDENTIALS = "Correct the user and its password, key or token here, or on the element."
LINK = "Check that it is on, its address and port, and what is in between."


def another_key() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


async def said(name: str, **section: Any) -> tuple[int, str]:
    """What is said of an element whose table is wrong in these keys, and how the check ends."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with stage(Path(folder), ROOT / "config") as scene, KINDS[name].behind() as behind:
            for file, text in (("element", "ztpd-s3cret-word"), ("lab", "ztpd"), ("wrong", "wrong-w0rd")):
                scene.secret(f"{file}.password").touch(0o600)
                scene.secret(f"{file}.password").write_text(text)
            element = {"name": NAME, **behind.section, **section}
            scene.environment["ZTPD_ELEMENTS"] = json.dumps([element])
            ran = await ztpd(scene, "check", COLUMNS="500")
            assert "wrong-w0rd" not in ran.output
            told = re.search(rf"^down +element {NAME} +(.+?) *$", ran.output, re.MULTILINE)
            assert told is not None, ran.output
            return ran.code, told.group(1)


@pytest.mark.parametrize("name", [*OVER_SSH, *OVER_HTTP])
async def test_a_wrong_password_is_said_with_the_user_and_what_to_do_about(name: str) -> None:
    secret = "token_file" if name == "uisp" else "password_file"
    code, words = await said(name, **{secret: "secrets/wrong.password"})
    assert code == 1
    assert "authentication refused for user ztpd" in words
    assert words.endswith(CREDENTIALS)


@pytest.mark.parametrize("name", OVER_SSH)
async def test_another_host_key_is_said_before_anything_is_sent_to(name: str) -> None:
    code, words = await said(name, host_key=another_key())
    assert code == 1
    assert "host key changed" in words
    assert words.endswith("nothing was sent. If the change is meant, configure the new key.")


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_another_certificate_is_said_before_anything_is_sent_to(name: str) -> None:
    code, words = await said(name, certificate_sha256="00" * 32)
    assert code == 1
    assert "the element shows another certificate than the one that is configured" in words
    assert words.endswith("nothing was sent. If the change is meant, configure the new one.")


@pytest.mark.parametrize("name", [*OVER_SSH, *OVER_HTTP])
async def test_an_address_at_which_nobody_listens_is_named_for(name: str) -> None:
    with socket.socket() as keeper:
        keeper.bind(("127.0.0.1", 0))
        port = keeper.getsockname()[1]
        where = {"url": f"https://127.0.0.1:{port}"} if name in OVER_HTTP else {"port": port}
        code, words = await said(name, **where)
    assert code == 1
    assert f"{port}" in words
    assert words.endswith(LINK)


async def test_an_element_of_another_platform_shows_no_port() -> None:
    code, words = await said("huawei-smartax", platform="zte-c300", values={"onu_type": "ALL"})
    assert (code, words.partition(".")[0]) == (1, "answers, but shows no port")


async def test_an_interface_that_the_server_lacks_is_named() -> None:
    code, words = await said("linux-edge", access_interfaces=["acc0", "acc7"])
    assert (code, words.partition(".")[0]) == (1, "there is no interface acc7")


async def test_a_namespace_that_the_server_lacks_is_named() -> None:
    code, words = await said("linux-edge", netns="nosuch")
    assert code == 1
    assert "/run/netns/nosuch" in words


@pytest.mark.parametrize("name", ["huawei-smartax", "switch", "routeros"])
async def test_a_daemon_stays_ready_and_says_which_element_is_away(name: str) -> None:
    secret = "secrets/enable.password"
    async with live(KINDS[name], password_file=secret) as here:

        def complaints() -> list[Any]:
            log = [json.loads(line) for line in here.daemon.log.read_text().splitlines()]
            return [line["reason"] for line in log if line["event"] == "element does not answer"]

        [told] = await until(lambda: asyncio.sleep(0, complaints()), bool, "a complaint")
        assert "authentication refused for user ztpd" in told
        assert re.search(rf"{NAME} +DOWN: `ztpd check` says why", (await ztpd(here.scene, "status")).output)
        assert (await here.get(f"/v1/elements/{NAME}"))["up"] is False
        assert (await here.get("/readyz"))["status"] == "ready"
