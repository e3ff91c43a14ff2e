"""Who comes in at the ACS, over real sockets: by a secret of its own, a certificate, a proxy's word, or by nothing."""

import asyncio
import base64
import contextlib
import itertools
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lxml import etree

from drivers.access import PresentDevice
from pon.onu import Presence
from tests.certificates import Authority, Pair
from tests.integration.store.world import CPE, HEX, LEASE, OLT, ONT, OUI, PORT, SERIAL, location, order
from tests.integration.wire import connected, digest
from tests.unit.acs.envelopes import envelope, inform, parameter_list
from ztpd.acs.contract import Core, Heard
from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.acs.digest import Credentials
from ztpd.acs.messages import DeviceId
from ztpd.acs.origin import Proxies
from ztpd.acs.server import AcsServer
from ztpd.acs.settings import AcsSettings, Listener, Rate
from ztpd.acs.tls import TlsSettings, server_context
from ztpd.config import load_profiles
from ztpd.domain.cpe import CpeFacts, CpeOutcome, CpeWork, Doubt, KnownCpe, Proof
from ztpd.domain.cpe_tasks import Reboot
from ztpd.informing import Informing
from ztpd.lab.cpe import BOOT, BOOTSTRAP, CpeSettings, LabCpe, SessionFailed
from ztpd.store import attempts, cpe_asking, orders, sightings
from ztpd.store.store import Context, Store, open_store

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SHARED = "bootstrap-sentinel"
SECRETS = DeviceSecrets(b"key-sentinel" * 3)
SETTINGS = AcsSettings(Credentials("ztpd", "cpe", SHARED), port=0, secrets=SECRETS)
SET = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")


@dataclass
class Keeper:
    """A core that keeps what it hears and has no work."""

    heard_of: list[Heard] = field(default_factory=list)
    known: dict[str, KnownCpe] = field(default_factory=dict)
    waiting: asyncio.Event | None = None
    asked: int = 0
    both: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def heard(self, heard: Heard) -> CpeWork | None:
        self.heard_of.append(heard)
        return None

    async def done(self, work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
        return None

    async def told(self, token: str, notice: object) -> None:
        """Nothing to keep."""

    async def resumed(self, token: str) -> KnownCpe | None:
        async with self.both:
            self.asked += 1
            self.both.notify_all()
        if self.waiting is not None:
            await self.waiting.wait()
        return self.known.get(token)

    def core(self) -> Core:
        return Core(self.heard, self.done, self.told, self.resumed)

    @property
    def said(self) -> list[tuple[str, Proof, Doubt | None]]:
        """Serial, proof and doubt of each Inform."""
        return [(each.inform.device.serial, each.proof, each.doubt) for each in self.heard_of]


@pytest.fixture
def core() -> Keeper:
    return Keeper()


def own(serial: str) -> tuple[str, str]:
    """User and password of a CPE as ``inform`` makes them."""
    values = SECRETS.management(DeviceId("Acme", OUI, "ONT", serial))
    return str(values["management.username"]), str(values["management.password"])


@asynccontextmanager
async def client(user: tuple[str, str] | None = ("cpe", SHARED), **how: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A CPE's HTTP client that answers digests and keeps cookies."""
    middlewares = () if user is None else (aiohttp.DigestAuthMiddleware(*user),)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(middlewares=middlewares, cookie_jar=jar, **how) as http:
        yield http


async def post(http: aiohttp.ClientSession, url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    async with http.post(url, data=body, headers=headers) as response:
        return response.status, await response.read()


class TestProof:
    @pytest.mark.parametrize("serial", ["S1", "S-1.2"])
    async def test_a_cpe_with_its_own_secret_is_known_by_it(self, core: Keeper, serial: str) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client(own(serial)) as http:
            assert (await post(http, acs.url, inform(serial=serial)))[0] == 200
        assert core.said == [(serial, Proof.DEVICE, None)]

    async def test_a_cpe_that_says_it_is_another_is_heard_and_no_more(self, core: Keeper) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client(own("S1")) as http:
            assert (await post(http, acs.url, inform(serial="S2")))[0] == 200
            assert (await post(http, acs.url, b""))[0] == 204
            assert acs.counts["identity-mismatch"] == 1
        assert core.said == [("S2", Proof.NONE, Doubt.MISMATCH)]
        assert "S1" in core.heard_of[0].detail

    async def test_a_claim_ends_nobodys_session(self, core: Keeper) -> None:
        async with (
            AcsServer(SETTINGS, core.core()) as acs,
            client(own("S1")) as honest,
            client(own("S2")) as liar,
            client() as guest,
        ):
            await post(honest, acs.url, inform(serial="S1"))
            await post(liar, acs.url, inform(serial="S1"))
            await post(guest, acs.url, inform(serial="S1"))  # the shared secret is weaker than its own
            assert (await post(honest, acs.url, b""))[0] == 204

    async def test_a_cpe_that_starts_anew_with_a_better_proof_ends_its_older_session(self, core: Keeper) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client() as before, client(own("S1")) as after:
            await post(before, acs.url, inform(serial="S1"))
            await post(after, acs.url, inform(serial="S1"))
            assert acs.sessions_open == 1
            assert (await post(before, acs.url, b""))[0] == 400

    async def test_who_leaves_the_challenge_unanswered_is_heard_the_second_time(self, core: Keeper) -> None:
        """For every honest CPE's first POST shows nothing."""
        async with AcsServer(SETTINGS, core.core()) as acs, client(None) as http, client() as honest:
            for _ in range(2):
                assert (await post(http, acs.url, inform(serial="S1")))[0] == 401
                assert (await post(honest, acs.url, inform(serial="S2")))[0] == 200
        assert core.said == [
            ("S2", Proof.BOOTSTRAP, None),
            ("S1", Proof.NONE, Doubt.UNPROVEN),
            ("S2", Proof.BOOTSTRAP, None),
        ]

    async def test_a_flood_of_forged_informs_is_heard_no_oftener_than_its_bound(self, core: Keeper) -> None:
        settings = replace(SETTINGS, unproven=Rate(0.001, 4.0), unproven_in_all=Rate(0.001, 6.0))
        wrong = base64.b64encode(b"cpe:guess").decode()
        async with AcsServer(settings, core.core()) as acs, client(None) as http:
            for number in range(40):
                headers = {"Authorization": f"Basic {wrong}"}
                assert (await post(http, acs.url, inform(serial=f"S{number}"), **headers))[0] == 401
            assert len(core.heard_of) == 4
            source = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
            async with client(None, connector=source) as other:
                for number in range(40):
                    await post(other, acs.url, inform(serial=f"T{number}"), Authorization=f"Basic {wrong}")
        assert len(core.heard_of) == 6
        assert acs.counts["unproven"] == 6

    async def test_garbage_without_proof_is_not_heard(self, core: Keeper) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client(("cpe", "guess")) as http:
            for body in (b"", b"<SerialNumber>S1</SerialNumber>", SET):
                assert (await post(http, acs.url, body))[0] == 401
        assert core.heard_of == []

    async def test_no_secret_is_shown(self, core: Keeper) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client(("cpe", "guess-sentinel")) as http:
            await post(http, acs.url, inform())
        assert "sentinel" not in repr((core.heard_of, SETTINGS, SETTINGS.accounts))


class TestRates:
    async def test_one_address_begins_so_many_sessions_and_others_are_served(self, core: Keeper) -> None:
        settings = replace(SETTINGS, informs=Rate(0.001, 3.0))
        async with AcsServer(settings, core.core()) as acs, client() as http:
            answers = [(await post(http, acs.url, inform(serial=f"S{number}")))[0] for number in range(5)]
            assert answers == [200, 200, 200, 503, 503]
            async with http.post(acs.url, data=inform(serial="S9")) as response:
                assert settings.retry_after <= int(response.headers["Retry-After"]) <= 2 * settings.retry_after
            source = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
            async with client(connector=source) as other:
                assert (await post(other, acs.url, inform(serial="S8")))[0] == 200
            assert acs.counts["informs-too-many"] == 3

    async def test_behind_a_proxy_each_cpe_is_its_own_address(self, core: Keeper) -> None:
        settings = replace(SETTINGS, informs=Rate(0.001, 1.0), proxies=Proxies((ip_network("127.0.0.1/32"),)))
        async with AcsServer(settings, core.core()) as acs, client() as http:
            answers = [
                (await post(http, acs.url, inform(serial=f"S{ip}"), **{"X-Forwarded-For": f"192.0.2.{ip}"}))[0]
                for ip in (1, 2, 1)
            ]
        assert answers == [200, 200, 503]
        assert [heard.peer_ip for heard in core.heard_of] == ["192.0.2.1", "192.0.2.2"]

    async def test_a_proxy_may_have_more_connections_than_a_cpe(self, core: Keeper) -> None:
        limits = replace(SETTINGS.connections, per_address=2)
        settings = replace(SETTINGS, connections=limits, proxies=Proxies((ip_network("127.0.0.1/32"),)))
        async with AcsServer(settings, core.core()) as acs, contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                wire = await stack.enter_async_context(connected(acs))
                assert (await wire.post(b"")).status == 401
            for _ in range(2):
                await stack.enter_async_context(connected(acs, "127.0.0.9"))
            crowded = await stack.enter_async_context(connected(acs, "127.0.0.9"))
            assert await crowded.at_end()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_pair(authority: Authority) -> Pair:
    return authority.issue("acs")


@pytest.fixture(scope="module")
def cpe_pair(authority: Authority) -> Pair:
    return authority.issue(f"{OUI}-S1")


Tls = Callable[..., Listener]


@pytest.fixture
def tls(authority: Authority, server_pair: Pair) -> Tls:
    """A TLS listener on a free port."""

    def make(**how: Any) -> Listener:
        ca = authority.file if how.get("client_certificates", "no") != "no" else None
        settings = TlsSettings(server_pair.certificate, server_pair.key, ca, **how)
        return Listener("127.0.0.1", 0, server_context(settings))

    return make


class TestTls:
    async def test_both_listeners_serve_the_same_sessions(self, core: Keeper, tls: Tls, authority: Authority) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client() as http:
            url = await acs.listen(tls())
            async with http.post(url, data=inform(serial="S1"), ssl=authority.client()) as response:
                assert response.status == 200
                cookie = response.headers["Set-Cookie"].partition(";")[0]
            assert (await post(http, acs.url, b"", Cookie=cookie))[0] == 204

    async def test_a_password_as_it_is_passes_over_tls_only(self, core: Keeper, tls: Tls, authority: Authority) -> None:
        user = aiohttp.encode_basic_auth("cpe", SHARED)
        async with AcsServer(SETTINGS, core.core()) as acs, client(None) as http:
            url = await acs.listen(tls())
            async with http.post(url, data=b"", ssl=authority.client()) as response:
                assert [each.split()[0] for each in response.headers.getall("WWW-Authenticate")] == ["Digest", "Basic"]
            async with http.post(acs.url, data=b"") as response:
                assert [each.split()[0] for each in response.headers.getall("WWW-Authenticate")] == ["Digest"]
            headers = {"Authorization": user}
            async with http.post(url, data=inform(serial="S1"), headers=headers, ssl=authority.client()) as response:
                assert response.status == 200
            assert (await post(http, acs.url, inform(serial="S1"), **headers))[0] == 401
        assert [(heard.proof, heard.doubt) for heard in core.heard_of] == [
            (Proof.BOOTSTRAP, None),
            (Proof.NONE, Doubt.UNPROVEN),
        ]
        assert SHARED not in core.heard_of[1].detail

    async def test_an_operator_may_take_it_without(self, core: Keeper) -> None:
        settings = replace(SETTINGS, basic_without_tls=True)
        async with AcsServer(settings, core.core()) as acs, client(None) as http:
            async with http.post(acs.url, data=b"") as response:
                assert [each.split()[0] for each in response.headers.getall("WWW-Authenticate")] == ["Digest", "Basic"]
            for user, status in ((own("S1"), 200), (("cpe", SHARED), 200), (("cpe", "guess"), 401)):
                headers = {"Authorization": aiohttp.encode_basic_auth(*user)}
                assert (await post(http, acs.url, inform(serial="S1"), **headers))[0] == status
        assert [heard.proof for heard in core.heard_of] == [Proof.DEVICE, Proof.BOOTSTRAP, Proof.NONE]

    @pytest.mark.parametrize("demanded", ["optional", "required"])
    async def test_a_certificate_proves_its_own_device_without_a_password(
        self, core: Keeper, tls: Tls, authority: Authority, cpe_pair: Pair, demanded: str
    ) -> None:
        async with AcsServer(SETTINGS, core.core()) as acs, client(None) as http:
            url = await acs.listen(tls(client_certificates=demanded))
            for serial in ("S1", "S2"):
                async with http.post(url, data=inform(serial=serial), ssl=authority.client(cpe_pair)) as response:
                    assert response.status == 200
        assert core.said == [("S1", Proof.CERTIFICATE, None), ("S2", Proof.NONE, Doubt.MISMATCH)]

    async def test_without_a_certificate_a_password_is_asked_for_or_nothing_is_said(
        self, core: Keeper, tls: Tls, authority: Authority, tmp_path: Path
    ) -> None:
        forged = Authority(tmp_path, "somebody else")
        async with AcsServer(SETTINGS, core.core()) as acs, client() as http:
            optional = await acs.listen(tls(client_certificates="optional"))
            required = await acs.listen(tls(client_certificates="required"))
            async with http.post(optional, data=inform(serial="S1"), ssl=authority.client()) as response:
                assert response.status == 200
            for own_tls in (authority.client(), authority.client(forged.issue(f"{OUI}-S1"))):
                with pytest.raises(aiohttp.ClientError):
                    async with http.post(required, data=inform(serial="S1"), ssl=own_tls):
                        pass
            async with client() as other:
                assert (await post(other, acs.url, inform(serial="S2")))[0] == 200  # and serves on
        assert [serial for serial, _, _ in core.said] == ["S1", "S2"]

    async def test_a_handshake_that_never_ends_is_cut_off(self, core: Keeper, tls: Tls) -> None:
        limits = replace(SETTINGS.connections, header_seconds=0.2)
        async with AcsServer(replace(SETTINGS, connections=limits), core.core()) as acs:
            port = int((await acs.listen(tls())).rsplit(":", 1)[1].partition("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(10):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()

    @pytest.mark.parametrize(("minimum", "taken"), [("1.2", False), ("1.1", True), ("1.0", True)])
    async def test_old_tls_is_for_listeners_that_ask_for_it(
        self, core: Keeper, tls: Tls, authority: Authority, minimum: str, taken: bool
    ) -> None:
        old = authority.client()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = ssl.TLSVersion.TLSv1_1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        if not ssl.HAS_TLSv1_1:
            pytest.skip("this OpenSSL was built without TLS 1.1")
        async with AcsServer(SETTINGS, core.core()) as acs, client() as http:
            url = await acs.listen(tls(minimum=minimum))
            trial = http.post(url, data=inform(serial="S1"), ssl=old)
            if taken:
                async with trial as response:
                    assert response.status == 200
            else:
                with pytest.raises(aiohttp.ClientError):
                    async with trial:
                        pass


class TestProxy:
    """127.0.0.1 is a proxy that ends TLS; 127.0.0.9 is a CPE that writes the same headers."""

    PROXIES = Proxies((ip_network("127.0.0.1/32"),), certificate_header="X-SSL-DN", certificate_format="dn")
    HEADERS: Mapping[str, str] = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-SSL-DN": f"CN={OUI}-S1",
    }

    async def test_its_word_counts(self, core: Keeper) -> None:
        async with AcsServer(replace(SETTINGS, proxies=self.PROXIES), core.core()) as acs, client(None) as http:
            assert (await post(http, acs.url, inform(serial="S1"), **self.HEADERS))[0] == 200
            assert (await post(http, acs.url, inform(serial="S2"), **self.HEADERS))[0] == 200
            basic = {**self.HEADERS, "X-SSL-DN": "", "Authorization": aiohttp.encode_basic_auth(*own("S3"))}
            assert (await post(http, acs.url, inform(serial="S3"), **basic))[0] == 200
        assert core.said == [
            ("S1", Proof.CERTIFICATE, None),
            ("S2", Proof.NONE, Doubt.MISMATCH),
            ("S3", Proof.DEVICE, None),
        ]
        assert {heard.peer_ip for heard in core.heard_of} == {"192.0.2.7"}

    async def test_the_word_of_anybody_else_does_not(self, core: Keeper) -> None:
        source = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
        async with (
            AcsServer(replace(SETTINGS, proxies=self.PROXIES), core.core()) as acs,
            client(connector=source) as http,
        ):
            assert (await post(http, acs.url, inform(serial="S1"), **self.HEADERS))[0] == 200
        assert core.said == [("S1", Proof.BOOTSTRAP, None)]
        assert core.heard_of[0].peer_ip == "127.0.0.9"


class TestGoingOn:
    """Sessions that an earlier run of the daemon began."""

    TOKEN = "ab" * 16

    @pytest.fixture
    def known(self, core: Keeper) -> Callable[[Proof], None]:
        def keep(proof: Proof) -> None:
            core.known[self.TOKEN] = KnownCpe(CpeFacts("Acme", OUI, "ONT", "S1"), None, proof)

        return keep

    @pytest.mark.parametrize(
        ("before", "user", "status"),
        [
            (Proof.BOOTSTRAP, ("cpe", SHARED), 204),
            (Proof.BOOTSTRAP, own("S1"), 204),  # it has just been given that
            (Proof.DEVICE, own("S1"), 204),
            (Proof.DEVICE, ("cpe", SHARED), 400),
            (Proof.CERTIFICATE, ("cpe", SHARED), 400),
            (Proof.BOOTSTRAP, own("S2"), 400),
            (Proof.DEVICE, own("S2"), 400),
            (Proof.BOOTSTRAP, ("cpe", "guess"), 401),
        ],
    )
    async def test_it_proves_itself_again_as_well_as_it_did(
        self, core: Keeper, known: Callable[[Proof], None], before: Proof, user: tuple[str, str], status: int
    ) -> None:
        known(before)
        async with AcsServer(SETTINGS, core.core()) as acs, client(user) as http:
            assert (await post(http, acs.url, b"", Cookie=f"session={self.TOKEN}"))[0] == status
            assert acs.counts["resumed"] == (status == 204)

    async def test_two_posts_at_once_go_on_with_one_session(self, core: Keeper, known: Callable[[Proof], None]) -> None:
        known(Proof.DEVICE)
        core.waiting = asyncio.Event()
        headers = {"Cookie": f"session={self.TOKEN}"}
        ask = envelope("<cwmp:GetRPCMethods/>")
        async with AcsServer(SETTINGS, core.core()) as acs, client(own("S1")) as one, client(own("S1")) as other:
            posts = [asyncio.create_task(post(http, acs.url, ask, **headers)) for http in (one, other)]
            async with core.both:
                await core.both.wait_for(lambda: core.asked == 2)
            core.waiting.set()
            assert [status for status, _ in await asyncio.gather(*posts)] == [200, 200]
            assert (acs.sessions_open, acs.counts["resumed"], acs.counts["sessions-lost"]) == (1, 1, 0)

    async def test_a_new_session_is_not_ended_by_the_old_ones_cookie(
        self, core: Keeper, known: Callable[[Proof], None]
    ) -> None:
        known(Proof.DEVICE)
        async with AcsServer(SETTINGS, core.core()) as acs, client(own("S1")) as fresh, client(own("S1")) as late:
            await post(fresh, acs.url, inform(serial="S1"))
            assert (await post(late, acs.url, b"", Cookie=f"session={self.TOKEN}"))[0] == 400
            assert (await post(fresh, acs.url, b""))[0] == 204

    async def test_a_session_that_is_over_does_not_go_on(self, core: Keeper, known: Callable[[Proof], None]) -> None:
        known(Proof.DEVICE)
        async with AcsServer(SETTINGS, core.core()) as acs, client(own("S1")) as http:
            headers = {"Cookie": f"session={self.TOKEN}"}
            assert (await post(http, acs.url, b"", **headers))[0] == 204
            asked = core.asked
            assert (await post(http, acs.url, b"", **headers))[0] == 400
            assert core.asked == asked, "nor is the database asked for it"

    async def test_a_full_table_says_when_to_come_back(self, core: Keeper, known: Callable[[Proof], None]) -> None:
        known(Proof.DEVICE)
        settings = replace(SETTINGS, max_sessions=1)
        async with AcsServer(settings, core.core()) as acs, client() as other, client(own("S1")) as http:
            await post(other, acs.url, inform(serial="S2"))
            assert (await post(http, acs.url, b"", Cookie=f"session={self.TOKEN}"))[0] == 503


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Run:
    """One run of the daemon's ACS over a store that outlives it; ``broken`` stops before outcomes are kept."""

    acs: AcsServer
    store: Store
    broken: list[bool]

    async def secret(self) -> tuple[str, str]:
        """How far the job's CPE is with a secret, and how it was proven last."""
        rows = await self.store.read(lambda reader: reader.devices(0, 10, None))
        identity = next(row["identity"] for row in rows if row["identity"] is not None)
        return identity["secret"], identity["proof"]

    async def confirmed(self) -> bool:
        row = await self.store.read(lambda reader: reader.job("J-1"))
        assert row is not None
        return row["cpe_confirmed_at"] is not None


@dataclass
class Site:
    """Where the daemon runs, again and again on the same port and database."""

    file: Path
    clock: Clock = field(default_factory=Clock)
    ids: "itertools.count[int]" = field(default_factory=itertools.count)
    port: int = 0

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Run]:
        (profile,) = load_profiles(Path("config/profiles")).values()
        # What every device has in the same place: nothing is to be found out before.
        profiles = {profile.name: profile.model_copy(update={"cpe": {"management.periodic_inform_interval": 3600}})}
        new_id = lambda: f"evt_{next(self.ids)}"  # noqa: E731
        context = Context(self.clock, profiles, lambda event: (), new_id, management=SECRETS.management)
        broken: list[bool] = []
        async with open_store(f"sqlite:///{self.file}", context) as store:
            core = Informing(store, self.clock, lambda source, outcome: None, lambda outcome: None).core()

            async def done(work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
                if broken:
                    raise RuntimeError("killed before the commit")
                return await core.done(work, outcome)

            async with AcsServer(replace(SETTINGS, port=self.port), replace(core, done=done)) as acs:
                self.port = int(acs.url.rsplit(":", 1)[1].partition("/")[0])
                yield Run(acs, store, broken)
        self.clock.now += timedelta(seconds=1)

    def cpe(self, acs: AcsServer, **how: Any) -> LabCpe:
        values = {"acs_url": acs.url, "username": "cpe", "password": SHARED, "serial": HEX, "oui": OUI, **how}
        return LabCpe(CpeSettings(**values, product_class="ONT"))


def as_set(asked: bytes) -> bytes:
    """The answer to GetParameterValues of a CPE that has set what SetParameterValues asked."""
    structs = etree.fromstring(asked).findall(".//ParameterValueStruct")
    values = {each.findtext("Name") or "": each.findtext("Value") or "" for each in structs}
    return envelope(f"<cwmp:GetParameterValuesResponse>{parameter_list(values)}</cwmp:GetParameterValuesResponse>")


async def at_work(store: Store) -> None:
    """A job whose attempt has begun: its CPE is to be configured."""
    await store.commit(orders.put_location, "LOC-1", location())
    await store.commit(orders.put_job, "J-1", order(ONT, CPE))
    onu = PresentDevice(PORT, SERIAL, Presence.UNKNOWN, "present")
    await store.commit(sightings.record_announcement, OLT, onu, START)
    await store.commit(attempts.claim_jobs, OLT, LEASE, 10)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "z.db")


class TestFirstContact:
    async def test_the_secret_is_replaced_within_the_session_that_configures(self, site: Site) -> None:
        async with site.run() as run:
            await at_work(run.store)
            cpe = site.cpe(run.acs)
            assert await cpe.inform([BOOTSTRAP, BOOT]) == ["SetParameterValues", "GetParameterValues"]
            assert await run.confirmed()
            assert await run.secret() == ("given", "bootstrap")
            site.clock.now += timedelta(seconds=1)
            assert (
                cpe.values["Device.ManagementServer.Username"],
                cpe.values["Device.ManagementServer.Password"],
            ) == own(HEX)
            assert await cpe.inform([BOOT]) == []
            assert await run.secret() == ("proven", "device")
            assert "given" not in str(await run.store.read(lambda reader: reader.job("J-1")))

    async def test_afterwards_the_shared_secret_configures_nobody(self, site: Site) -> None:
        async with site.run() as run:
            await at_work(run.store)
            cpe = site.cpe(run.acs)
            await cpe.inform([BOOT])
            site.clock.now += timedelta(seconds=1)
            await cpe.inform([BOOT])
            await run.store.commit(cpe_asking.ask, 1, Reboot(), "x")
            assert await site.cpe(run.acs).inform([BOOT]) == []
            assert await run.secret() == ("proven", "device")
            heard = await run.store.read(lambda reader: reader.sightings(0, 50, None, unmatched=False))
            assert any(row["verdict"].startswith(Doubt.SPENT) for row in heard)

    async def test_a_kill_between_the_cpe_and_the_commit_locks_nobody_out(self, site: Site) -> None:
        async with site.run() as run:
            await at_work(run.store)
            cpe = site.cpe(run.acs)
            run.broken.append(True)
            with pytest.raises(SessionFailed, match="503"):
                await cpe.inform([BOOT])
            assert cpe.values["Device.ManagementServer.Password"] == own(HEX)[1]
        async with site.run() as run:
            assert await run.secret() == ("", "bootstrap"), "nobody knows yet that it has taken it"
            assert await cpe.inform([BOOT]) == ["SetParameterValues", "GetParameterValues"]
            assert await run.confirmed()
            assert await run.secret() == ("proven", "device")

    async def test_a_cpe_that_lost_it_again_before_it_showed_it_is_given_it_again(self, site: Site) -> None:
        async with site.run() as run:
            await at_work(run.store)
            await site.cpe(run.acs).inform([BOOT])
            site.clock.now += timedelta(seconds=1)
            fresh = site.cpe(run.acs)
            await fresh.inform([BOOT])
            heard = await run.store.read(lambda reader: reader.sightings(0, 50, None, unmatched=False))
            assert not any(row["verdict"].startswith(Doubt.SPENT) for row in heard)

    async def test_a_restart_in_mid_session_leaves_the_cpe_with_either_secret(self, site: Site) -> None:
        """The CPE has set its new user and password when the daemon stops, and answers the new challenge with them."""
        async with site.run() as run:
            await at_work(run.store)
            async with client() as http:
                await post(http, run.acs.url, inform(serial=HEX))
                status, asked = await post(http, run.acs.url, b"")
                assert (status, own(HEX)[1].encode() in asked) == (200, True)
                (cookie,) = http.cookie_jar
        async with site.run() as run, client(own(HEX)) as http:
            headers = {"Cookie": f"{cookie.key}={cookie.value}"}
            status, again = await post(http, run.acs.url, SET, **headers)
            assert (status, b"SetParameterValues" in again) == (200, True)
            assert run.acs.counts["resumed"] == 1
            status, asked = await post(http, run.acs.url, SET, **headers)
            assert (status, b"GetParameterValues" in asked, own(HEX)[1].encode() in asked) == (200, True, False)
            assert (await post(http, run.acs.url, as_set(again), **headers))[0] == 204
            assert await run.confirmed()
            assert await run.secret() == ("given", "bootstrap"), "only an Inform shows it"


async def test_digest_by_hand_on_one_connection(core: Keeper) -> None:
    """A CPE that answers with the user name in another case of its OUI, and without qop."""
    user, password = own("S1")
    async with AcsServer(SETTINGS, core.core()) as acs, connected(acs) as wire:
        challenge = (await wire.post(inform(serial="S1"))).all("www-authenticate")[0]
        line = digest(challenge, user.lower().replace("ont-s1", "ONT-S1"), password, wire.path, qop=False)
        assert (await wire.post(inform(serial="S1"), [line])).status == 200
    assert core.said == [("S1", Proof.DEVICE, None)]
