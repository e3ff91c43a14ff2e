"""`[acs.connection_requests]` and `[acs.stun]`: what is made of them, and what is refused."""

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.conftest import ROOT
from ztpd import parts
from ztpd.acs.connection_request import Secret
from ztpd.config import ConfigError, load
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.waking import CpeToWake
from ztpd.lab.stage import Stage, stage
from ztpd.listening import CannotListen
from ztpd.services import Service
from ztpd.store.store import Context, open_store
from ztpd.waking import waking

CPE = CpeToWake(1, CpeFacts("Acme", "00259E", "ONT", "S1"), "192.0.2.7", "", "job J-1", 1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, ROOT / "config") as made:
        yield made


def configure(scene: Stage, *lines: str) -> None:
    scene.config.write_text("\n".join([scene.config.read_text(), *lines]))


def test_nothing_written_is_the_cpes_own_address_and_no_secret(scene: Stage) -> None:
    wanted = parts.connection_requests(load(scene.config))
    assert wanted is not None
    assert (wanted.networks, wanted.secret_of(CPE), wanted.stun_password_of("acs")) == ((), None, None)
    assert (wanted.timeout_s, wanted.first_pause_s, wanted.longest_pause_s) == (5.0, 5.0, 300.0)
    assert parts.stun(load(scene.config)) is None


def test_what_is_written_is_what_is_made(scene: Stage) -> None:
    scene.secret("cr.password").touch(0o600)
    scene.secret("cr.password").write_text("cr-sentinel\n")
    configure(
        scene,
        "[acs.connection_requests]",
        'networks = ["10.20.0.0/16"]',
        'username = "acs"',
        'password_file = "secrets/cr.password"',
        "[acs.stun]",
        "port = 3479",
    )
    wanted, stun = parts.connection_requests(load(scene.config)), parts.stun(load(scene.config))
    assert wanted is not None
    assert stun is not None
    assert (wanted.networks, wanted.secret_of(CPE)) == ((ip_network("10.20.0.0/16"),), Secret("acs", "cr-sentinel"))
    imported = replace(CPE, imported=("genieacs", "imported-sentinel"))
    assert wanted.secret_of(imported) == Secret("genieacs", "imported-sentinel")
    assert "sentinel" not in repr(wanted) + repr(imported)
    # Several CPEs have this user: none of them may prove a binding by it.
    assert wanted.stun_password_of("acs") is None
    assert (stun.host, stun.port) == ("127.0.0.1", 3479)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['username = "acs"'], "username and password_file are given together"),
        (["first_pause_s = 10", "longest_pause_s = 5"], "longest_pause_s is shorter"),
        (["first_pause_s = 0.1"], "greater than or equal to 1"),
        (['networks = ["10.0.0.1/8"]'], "networks"),
        (['username = "acs"', 'password_file = "secrets/absent"'], "acs.connection_requests.password_file"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(scene: Stage, lines: list[str], problem: str) -> None:
    configure(scene, "[acs.connection_requests]", *lines)
    with pytest.raises(ConfigError) as caught:
        parts.connection_requests(load(scene.config))
    assert problem in str(caught.value)
    assert "acs" in str(caught.value)


async def test_switched_off_nobody_is_asked_and_stun_is_answered_all_the_same(scene: Stage, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        configure(scene, "[acs.connection_requests]", "enabled = false", "[acs.stun]", f"port = {port}")
        async with AsyncExitStack() as stack:
            context = Context(lambda: datetime.now(UTC), {}, lambda event: (), lambda: "event")
            store = await stack.enter_async_context(open_store(f"sqlite:///{tmp_path}/waking.db", context))

            def opened() -> AbstractAsyncContextManager[list[Service]]:
                return waking(load(scene.config), store, context.now, lambda cpe: False, lambda reached: None)

            with pytest.raises(
                CannotListen, match=r"acs\.stun cannot listen on 127\.0\.0\.1 port \d+: Address already"
            ):
                await stack.enter_async_context(opened())
            taken.close()
            assert await stack.enter_async_context(opened()) == []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another, pytest.raises(OSError, match="in use"):
                another.bind(("127.0.0.1", port))
