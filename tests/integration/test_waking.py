"""The loop that asks CPEs to inform: bounded, undisturbed by what goes wrong; and a job that waits for no Inform."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pon.serial import to_hex
from tests.integration.cpe_endpoint import OK, Answer, Endpoint, endpoint, guarded, hang
from tests.integration.stage import theatre
from ztpd.acs.connection_caller import Caller
from ztpd.acs.connection_request import Secret
from ztpd.domain.cpe import CpeFacts, Proof
from ztpd.domain.cpe_tasks import Reboot
from ztpd.domain.sighting import Sighting, Source
from ztpd.domain.waking import CpeToWake
from ztpd.lab.cpe import BOOT, BOOTSTRAP, CpeSettings, LabCpe
from ztpd.lab.operator import until
from ztpd.lab.play import ADDRESS, DEVICES, LOCATION, ORDER, OUI, PORT, SERIAL
from ztpd.store import cpe_asking, cpes
from ztpd.store.cpes import HeardCpe
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import Transaction
from ztpd.waking import Secrets, Waking, WakingLimits

WOKEN = "6 CONNECTION REQUEST"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    ids = itertools.count()
    context = Context(lambda: datetime.now(UTC), {}, lambda event: (), lambda: f"event-{next(ids)}")
    async with open_store(f"sqlite:///{tmp_path}/ztpd.db", context) as opened:
        yield opened


def informed(tx: Transaction, serial: str, ip: str, url: str) -> None:
    """A CPE has informed, and somebody asks it to restart."""
    facts = CpeFacts("Acme", OUI, "ONT", serial, root="Device.", connection_request_url=url)
    heard = Sighting(Source.CWMP, tx.now, oui=OUI, cwmp_serial=serial, ip=ip)
    cpes.hear_inform(tx, heard, HeardCpe(facts, Proof.BOOTSTRAP, serial))
    row = tx.one("cpe_of_session", session=serial, since="")
    assert row is not None
    cpe_asking.ask(tx, row["device"], Reboot(), "office")


@asynccontextmanager
async def at_work(
    store: Store, limits: WakingLimits, elapsed: Callable[[], float], secrets: Secrets = lambda cpe: None
) -> AsyncIterator[None]:
    caller = Caller((ip_network("127.0.0.0/8"),), 20.0, lambda data, to: None, lambda user: None, store.context.now)
    loop = Waking(store, caller, secrets, limits, elapsed)
    running = asyncio.create_task(loop.run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def said(store: Store) -> dict[str, str]:
    """What is told of each CPE's last request."""
    devices = await store.read(lambda reader: reader.devices(0, 100, None))
    told = {device["names"][0]["value"]: device["waking"] for device in devices}
    return {name: waking["said"] for name, waking in told.items() if waking is not None}


def gated(gate: asyncio.Semaphore) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        await gate.acquire()
        writer.write(OK)
        await writer.drain()

    return answer


async def asked(cpe: Endpoint, times: int) -> None:
    while len(cpe.heads) < times:
        cpe.asked.clear()
        await asyncio.wait_for(cpe.asked.wait(), 20)


async def test_no_more_are_asked_at_a_time_than_may_be(store: Store) -> None:
    gate = asyncio.Semaphore(0)
    async with endpoint(gated(gate)) as cpe:
        for number in range(5):
            await store.commit(informed, f"S{number}", f"10.0.0.{number}", cpe.url)
        async with at_work(store, WakingLimits(concurrency=2), lambda: 0.0):
            await asked(cpe, 2)
            assert len(await said(store)) == 2, "the others are not even claimed"
            for times in (3, 4, 5):
                gate.release()
                await asked(cpe, times)
                assert len(await said(store)) == times
            gate.release()
            gate.release()
            await until(lambda: said(store), lambda told: set(told.values()) == {"asked to inform: HTTP 200"}, "all")


async def test_no_more_are_begun_in_a_second_than_may_be(store: Store) -> None:
    now = [100.0]
    gate = asyncio.Semaphore(100)
    async with endpoint(gated(gate)) as cpe:
        for number in range(4):
            await store.commit(informed, f"S{number}", f"10.0.0.{number}", cpe.url)
        async with at_work(store, WakingLimits(per_second=3), lambda: now[0]):
            await until(
                lambda: said(store), lambda told: list(told.values()).count("asked to inform: HTTP 200") == 3, "3"
            )
            assert len(await said(store)) == 3
            now[0] += 1.5
            await asked(cpe, 4)


async def test_a_nudge_hastens_what_a_poll_would_find(store: Store) -> None:
    async with endpoint(gated(asyncio.Semaphore(9))) as cpe, at_work(store, WakingLimits(poll_s=3600), lambda: 0.0):
        await until(lambda: asyncio.sleep(0, store.nudges.listeners("cpe-tasks")), bool, "the loop")
        await store.commit(informed, "S1", "10.0.0.1", cpe.url)
        await asked(cpe, 1)


async def test_one_that_hangs_and_a_flaw_of_ours_hold_up_no_other(store: Store) -> None:
    def secrets(cpe: CpeToWake) -> Secret | None:
        if cpe.facts.serial == "S1":
            raise ValueError("a sentinel")
        return Secret("cr-user", "cr-sentinel")

    async with endpoint(hang) as silent, endpoint(guarded("cr-user", "cr-sentinel")) as cpe:
        await store.commit(informed, "S0", "10.0.0.1", silent.url)
        await store.commit(informed, "S1", "10.0.0.2", cpe.url)
        await store.commit(informed, "S2", "10.0.0.3", cpe.url)
        async with at_work(store, WakingLimits(), lambda: 0.0, secrets):
            told = await until(lambda: said(store), lambda told: _done(told) == 2, "two of three")
    assert told == {
        "00259E-S0": "being asked",
        "00259E-S1": "could not be asked: unforeseen ValueError, see the log",
        "00259E-S2": "asked to inform: HTTP 200",
    }


def _done(told: dict[str, str]) -> int:
    return sum(text != "being asked" for text in told.values())


async def test_a_job_does_not_wait_for_the_next_inform_of_its_cpe() -> None:
    """The CPE informed when it was switched on; its next Inform by itself is a day away."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with theatre(Path(folder)) as everything:
            scene, cast = everything.scene, everything.cast
            (Path(folder) / "cr.password").touch(0o600)
            (Path(folder) / "cr.password").write_text("cr-sentinel")
            daemon = await scene.start_daemon(
                ZTPD_ACS__CONNECTION_REQUESTS__NETWORKS='["127.0.0.0/8"]',
                ZTPD_ACS__CONNECTION_REQUESTS__USERNAME="cr-user",
                ZTPD_ACS__CONNECTION_REQUESTS__PASSWORD_FILE=f"{folder}/cr.password",
            )
            await scene.until_ready(daemon)
            await cast.office.call("PUT", "/v1/locations/LOC-1", LOCATION)
            await cast.office.call("PUT", "/v1/jobs/J-1", {**ORDER, "devices": DEVICES})
            async with endpoint(guarded("cr-user", "cr-sentinel")) as asks:
                cpe = _cpe(scene.acs, scene.secret("acs.password").read_text(), asks.url)
                assert await cpe.inform([BOOTSTRAP, BOOT]) == []
                everything.olt.plug(SERIAL, PORT)
                while len(asks.heads) < 2:  # the challenge, and the answer to it
                    asks.asked.clear()
                    await asyncio.wait_for(asks.asked.wait(), 30)
                assert (await cast.office.get("/v1/jobs/J-1"))["network_confirmed_at"] is not None

                assert (await cpe.inform([WOKEN]))[-2:] == ["SetParameterValues", "GetParameterValues"]
                assert (await cast.office.get("/v1/jobs/J-1"))["state"] == "awaiting-completion"
                waking = await until(lambda: _waking(cast.office), lambda found: found["informed_at"], "the device")
            assert (waking["why"], waking["tries"], waking["said"]) == ("job J-1", 1, "asked to inform: HTTP 200")
            assert "cr-sentinel" not in daemon.log.read_text()
            metrics = await _metrics(scene.api, scene.secret("office.token").read_text())
            assert 'ztpd_connection_requests_total{outcome="asked"} 1.0' in metrics


def _cpe(acs: str, password: str, url: str) -> LabCpe:
    told = {"Device.ManagementServer.ConnectionRequestURL": url}
    return LabCpe(CpeSettings(acs, "cpe", password, to_hex(SERIAL), oui=OUI, source_ip=ADDRESS, parameters=told))


async def _waking(office: Any) -> Any:
    devices = (await office.get("/v1/devices"))["items"]
    return next(device["waking"] for device in devices if device["waking"] is not None)


async def _metrics(api: str, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{api}/metrics") as answer:
        return await answer.text()
