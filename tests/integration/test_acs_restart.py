"""The daemon is restarted while CPEs talk to its ACS: each goes on where it was, over a store that outlives it."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from lxml import etree

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.integration.store.world import CPE, HEX, LEASE, OLT, ONT, PORT, SERIAL, location, order
from tests.unit.acs.envelopes import envelope, inform, parameter_list
from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsServer, AcsSettings
from ztpd.config import load_profiles
from ztpd.informing import Informing
from ztpd.store import attempts, orders, sightings
from ztpd.store.store import Context, Store, open_store

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SETTINGS = AcsSettings(Credentials("ztpd", "cpe", "secret"), port=0)
SET = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def daemon(
    file: Path, clock: Clock, ids: "itertools.count[int]", port: int
) -> AsyncIterator[tuple[AcsServer, Store]]:
    """What the daemon has of the ACS, on the port that an earlier run had."""
    (profile,) = load_profiles(Path("config/profiles")).values()
    # What every device has in the same place: nothing is to be found out before.
    profile = profile.model_copy(update={"cpe": {"management.periodic_inform_interval": 3600}})
    context = Context(clock, {profile.name: profile}, lambda event_type: (), lambda: f"evt_{next(ids)}")
    async with open_store(f"sqlite:///{file}", context) as store:
        informing = Informing(store, clock, lambda source, outcome: None, lambda outcome: None)
        settings = AcsSettings(SETTINGS.credentials, port=port)
        async with AcsServer(settings, informing.core()) as acs:
            yield acs, store


async def at_work(store: Store) -> None:
    """A job whose attempt has begun: its CPE is to be configured."""
    await store.commit(orders.put_location, "LOC-1", location())
    await store.commit(orders.put_job, "J-1", order(ONT, CPE))
    onu = PresentDevice(PORT, SERIAL, Presence.UNKNOWN, "present")
    await store.commit(sightings.record_announcement, OLT, onu, START)
    (work,) = await store.commit(attempts.claim_jobs, OLT, LEASE, 10)
    assert work.job == "J-1"


@asynccontextmanager
async def cpe() -> AsyncIterator[aiohttp.ClientSession]:
    """A CPE that opens a connection for every POST, and keeps the cookie."""
    digest = aiohttp.DigestAuthMiddleware("cpe", "secret")
    connector = aiohttp.TCPConnector(force_close=True)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(middlewares=(digest,), cookie_jar=jar, connector=connector) as http:
        yield http


async def post(http: aiohttp.ClientSession, acs: AcsServer, body: bytes) -> tuple[int, bytes]:
    async with http.post(acs.url, data=body) as response:
        return response.status, await response.read()


def port_of(acs: AcsServer) -> int:
    return int(acs.url.rsplit(":", 1)[1].partition("/")[0])


def as_set(asked: bytes) -> bytes:
    """The answer to GetParameterValues of a CPE that has set what SetParameterValues asked."""
    structs = etree.fromstring(asked).findall(".//ParameterValueStruct")
    return shows({each.findtext("Name") or "": each.findtext("Value") or "" for each in structs})


def shows(values: dict[str, str]) -> bytes:
    """The answer to GetParameterValues of a CPE that has these."""
    return envelope(f"<cwmp:GetParameterValuesResponse>{parameter_list(values)}</cwmp:GetParameterValuesResponse>")


async def test_a_session_goes_on_after_a_restart_without_another_inform(tmp_path: Path) -> None:
    clock, ids = Clock(), itertools.count()
    async with cpe() as http:
        async with daemon(tmp_path / "z.db", clock, ids, 0) as (acs, store):
            port = port_of(acs)
            await at_work(store)
            assert (await post(http, acs, inform(serial=HEX)))[0] == 200
            status, asked = await post(http, acs, b"")
            assert (status, b"SetParameterValues" in asked) == (200, True)
        async with daemon(tmp_path / "z.db", clock, ids, port) as (acs, store):
            status, again = await post(http, acs, SET)
            assert (status, b"SetParameterValues" in again) == (200, True), "what it did is not known: it does it again"
            status, asked = await post(http, acs, SET)
            assert b"GetParameterValues" in asked
            assert (await post(http, acs, as_set(again)))[0] == 204
            assert acs.counts["resumed"] == 1
            row = await store.read(lambda reader: reader.job("J-1"))
            assert row is not None
            assert row["cpe_confirmed_at"] is not None


@pytest.mark.parametrize("said", [b"", SET])
async def test_a_cpe_that_has_done_everything_is_let_go_after_a_restart(tmp_path: Path, said: bytes) -> None:
    clock, ids = Clock(), itertools.count()
    async with cpe() as http:
        async with daemon(tmp_path / "z.db", clock, ids, 0) as (acs, _):
            port = port_of(acs)
            assert (await post(http, acs, inform(serial=HEX)))[0] == 200
        async with daemon(tmp_path / "z.db", clock, ids, port) as (acs, _):
            assert (await post(http, acs, said))[0] == 204


async def test_a_session_of_long_ago_does_not_go_on(tmp_path: Path) -> None:
    clock, ids = Clock(), itertools.count()
    async with cpe() as http:
        async with daemon(tmp_path / "z.db", clock, ids, 0) as (acs, _):
            port = port_of(acs)
            await post(http, acs, inform(serial=HEX))
        clock.now += timedelta(minutes=3)
        async with daemon(tmp_path / "z.db", clock, ids, port) as (acs, _):
            status, reason = await post(http, acs, b"")
            assert (status, b"Inform" in reason) == (400, True)


async def test_a_cookie_alone_lets_nobody_go_on(tmp_path: Path) -> None:
    clock, ids = Clock(), itertools.count()
    async with cpe() as http:
        async with daemon(tmp_path / "z.db", clock, ids, 0) as (acs, _):
            port = port_of(acs)
            await post(http, acs, inform(serial=HEX))
            (cookie,) = http.cookie_jar
        async with daemon(tmp_path / "z.db", clock, ids, port) as (acs, _):
            headers = {"Cookie": f"{cookie.key}={cookie.value}"}
            async with aiohttp.ClientSession(headers=headers) as thief, thief.post(acs.url, data=b"") as response:
                assert response.status == 401
