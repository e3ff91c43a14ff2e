"""Reaching an element with a command line, and what the operator has to say for that."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.cli import CliDriver, CliSettings
from drivers.errors import Rejected, Unreachable
from tests.unit.drivers.cli_olts import driver_of, settings_for
from ztpd.lab.cli_olt.lab import LabCliOlt, LabCliOltSettings, lab_cli_olt

VALUES = {"line_profile": "10", "service_profile": "10", "user_vlan": "100"}


@pytest.fixture
async def lab() -> AsyncIterator[LabCliOlt]:
    async with lab_cli_olt() as made:
        yield made


def settings_at(lab: LabCliOlt) -> CliSettings:
    return settings_for(lab, "huawei-smartax", VALUES)


@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
async def test_old_algorithms_are_spoken_only_where_they_are_allowed() -> None:
    async with lab_cli_olt(LabCliOltSettings(legacy=True)) as lab:
        async with driver_of(settings_at(lab)) as strict:
            with pytest.raises(Unreachable):
                await strict.capabilities()
        async with driver_of(replace(settings_at(lab), legacy_algorithms=True)) as lenient:
            assert await lenient.list_provisioned() == []


async def test_a_wrong_password_is_said_clearly_over_telnet(lab: LabCliOlt) -> None:
    settings = replace(
        settings_at(lab), transport="telnet", port=lab.server.telnet_port, host_key=None, password="wrong"
    )
    async with driver_of(settings) as driver:
        with pytest.raises(Rejected, match="authentication refused for user ztpd") as refused:
            await driver.capabilities()

    assert "wrong" not in str(refused.value)


async def test_known_hosts_are_read_from_a_file(lab: LabCliOlt, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"[127.0.0.1]:{lab.server.ssh_port} {lab.server.host_public_key}\n")
    async with driver_of(replace(settings_at(lab), host_key=None, known_hosts_file=file)) as driver:
        assert await driver.list_discovered() == []

    file.write_text("elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0b2tNNvp7V6T3bMbbkNWhhVVw6iWSUl4j2ZwXWBDaI\n")
    async with driver_of(replace(settings_at(lab), host_key=None, known_hosts_file=file)) as driver:
        with pytest.raises(Rejected, match=r"has no key for 127\.0\.0\.1"):
            await driver.list_discovered()


async def test_a_quiet_session_is_kept_alive(lab: LabCliOlt) -> None:
    async with driver_of(replace(settings_at(lab), keepalive_s=0.02)) as driver:
        listening = asyncio.Event()
        watching = asyncio.create_task(driver.watch(lambda _: None, listening.set))
        await listening.wait()
        async with asyncio.timeout(5):
            while lab.server.empty_lines < 5:  # noqa: ASYNC110 # as above
                await asyncio.sleep(0.005)
        assert not watching.done()
        watching.cancel()
        await asyncio.wait({watching})


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "needs a value for line_profile"),
        ({**VALUES, "line_profile": "10 20"}, "line_profile '10 20' is nothing"),
        ({**VALUES, "colour": "blue"}, "has no values colour"),
    ],
)
def test_what_the_operator_has_to_say_is_checked_at_once(values: dict[str, str], why: str) -> None:
    settings = CliSettings(
        name="olt-1", platform="huawei-smartax", host="h", username="u", password="p", host_key="k", values=values
    )
    with pytest.raises(ValueError, match=why):
        CliDriver(settings)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"host_key": None}, "exactly one of host_key and known_hosts_file"),
        ({"password": None}, "a password or a key_file"),
        ({"password": None, "transport": "telnet", "host_key": None}, "telnet needs a password"),
        ({"sessions": 0}, "sessions must be at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, object], why: str) -> None:
    whole: dict[str, object] = {
        "name": "olt-1",
        "platform": "huawei-smartax",
        "host": "h",
        "username": "u",
        "password": "p",
        "host_key": "k",
    }
    with pytest.raises(ValueError, match=why):
        CliSettings(**{**whole, **changed})  # type: ignore[arg-type]
