"""A running API with its store, what is sent to it, and how a job is brought up as the daemon would."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from billing_hooks.contract import Attempt, Delivery, Verdict
from drivers.access import Levels, ObservedAccess, WantedAccess
from drivers.base import Driver
from tests.accesses import as_wanted
from ztpd.api.app import make_app
from ztpd.api.contract import ApiContext, Element, Limits
from ztpd.api.server import Address, serve
from ztpd.api.tokens import Scope, Token
from ztpd.domain.cpe import CpeFacts, CpeWork, Proof
from ztpd.domain.failures import Code, Failure
from ztpd.domain.handover import HandoverTerms
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.metrics import Metrics
from ztpd.provisioning.adoption import Adopter
from ztpd.store import attempts, cpes, deliveries, sightings
from ztpd.store.attempts import Lease, Work
from ztpd.store.cpes import HeardCpe
from ztpd.store.files import FileSettings
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import Unknown

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE = Lease("node-1", timedelta(seconds=60))
SENTINEL = "S3NT1NEL-passphrase"

LOCATION: dict[str, Any] = {
    "address": "Main Street 1",
    "serviceable": True,
    "access": {"technology": "pon", "element": "olt-1", "port": "1/1/3"},
    "circuit_id": "olt-1 xpon 1/1/3",
}
ONT = {"role": "ont", "serial": "HWTC1A2B3C4D"}
CPE = {"role": "cpe", "oui": "00259E", "serial": "485754431A2B3C4D"}
JOB: dict[str, Any] = {
    "kind": "install",
    "service": "SVC-1",
    "account": "ACC-1",
    "location": "LOC-1",
    "profile": "residential-1g",
    "parameters": {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": SENTINEL},
    "devices": [ONT, CPE],
}
REPORT: dict[str, Any] = {
    "technician": "T-9",
    "completed_at": "2026-03-01T12:00:00Z",
    "devices": [{"role": "ont", "serial": "HWTC1A2B3C4D"}, {"role": "cpe", "serial": "485754431A2B3C4D"}],
    "measurements": [
        {"name": "onu_rx_power", "value": -20.0, "unit": "dBm"},
        {"name": "download_speed", "value": 900.0, "unit": "Mbit/s"},
    ],
    "photos": [{"name": "outlet", "sha256": "a" * 64}],
}
FACTS = CpeFacts("Acme", CPE["oui"], "ONT", CPE["serial"], root="Device.", software_version="1.2")
OTHER_ACS = HandoverTerms({"other": SENTINEL})
ELEMENTS = {
    "olt-1": Element(frozenset({"pon"}), frozenset({"1/1/1", "1/1/3"})),
    "switch-1": Element(frozenset({"ethernet"})),
}


def token_of(*scopes: Scope) -> str:
    """The text of the token that carries exactly these scopes."""
    return "token-for-" + "-".join(sorted(scopes))


def tokens() -> tuple[Token, ...]:
    """One token a scope."""
    return tuple(
        Token(name=scope, scopes=frozenset({scope}), sha256=hashlib.sha256(token_of(scope).encode()).hexdigest())
        for scope in Scope
    )


class Hands:
    """An element that shows one ONU at work, and remembers what it was asked to restart."""

    def __init__(self) -> None:
        self.rebooted: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def reboot(self, service: str, actor: str) -> None:
        if self.error is not None:
            raise self.error
        if service != "SVC-1":
            raise Unknown("installed service", service)
        self.rebooted.append((service, actor))

    async def measure(self, service: str) -> tuple[ObservedAccess | None, Levels]:
        if self.error is not None:
            raise self.error
        wanted = WantedAccess(service, "1/1/1", "HWTC1A2B3C4D", 201, 301, 10**9, 5 * 10**8)
        return as_wanted(wanted), Levels(-20.0, -22.0)


@dataclass(frozen=True)
class Reply:
    """One answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class World:
    """The API, its store, and a client that may do everything unless told otherwise."""

    store: Store
    address: Address
    metrics: Metrics
    session: aiohttp.ClientSession
    parts: dict[str, str]
    serving: AsyncExitStack
    hands: Hands
    drivers: dict[str, Driver]

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        scope: Scope | None = Scope.ADMIN,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = dict(headers or {})
        if scope is not None:
            sent.setdefault("Authorization", f"Bearer {token_of(scope)}")
        if body is not None:
            data = orjson.dumps(body)
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self.session.request(method, self.address.url + path, data=data, headers=sent) as response:
            return Reply(response.status, response.headers, await response.read())

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path)

    async def converse(self, data: bytes) -> bytes:
        """Send raw bytes on a connection of their own and read until the API closes it."""
        reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        try:
            writer.write(data)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()

    async def order(self, **changes: Any) -> Reply:
        """Describe the place and order the job J-1."""
        await self.send("PUT", "/v1/locations/LOC-1", LOCATION)
        return await self.send("PUT", "/v1/jobs/J-1", {**JOB, **changes})

    async def hear_ont(self) -> None:
        """The ONT of J-1 is announced in its place."""
        heard = Sighting(Source.PON, START, element="olt-1", port="1/1/3", serial="HWTC1A2B3C4D")
        await self.store.commit(sightings.record_sighting, heard)

    async def inform(self, session: str, proof: Proof = Proof.DEVICE) -> CpeWork | None:
        """The CPE of J-1 opens a session; what it must do."""
        heard = Sighting(Source.CWMP, START, oui=CPE["oui"], cwmp_serial=CPE["serial"], ip="10.0.0.5")
        return await self.store.commit(cpes.hear_inform, heard, HeardCpe(FACTS, proof, session))

    async def start_attempt(self) -> Work:
        """The provisioner takes the one job that is due."""
        [work] = await self.store.commit(attempts.claim_jobs, "olt-1", LEASE, 10)
        return work

    async def fail_attempt(self) -> None:
        """An attempt on J-1 ends with too little light."""
        failure = Failure(Code.LOW_LIGHT, "ONT receives -31.0 dBm")
        await self.store.commit(attempts.fail_attempt, await self.start_attempt(), LEASE, failure, None)

    async def bring_up(self) -> None:
        """Network and CPE of J-1 are configured and confirmed: only the report is owed."""
        await self.hear_ont()
        work = await self.start_attempt()
        await self.store.commit(attempts.record_applied, work, LEASE, ["onu"])
        observed = as_wanted(work.wanted)
        await self.store.commit(attempts.confirm_network, work, LEASE, observed, Levels(-20.0, -22.0))
        if work.cpe:
            await self.store.commit(attempts.record_cpe, "J-1", attempts.CpeResult(True, {"Device.WiFi.SSID": "home"}))

    async def claim(self, endpoint: str) -> list[Delivery]:
        """What is due at an endpoint, as the sender takes it."""
        return await self.store.commit(deliveries.claim_deliveries, endpoint, LEASE, "ztpd/node-1", 10)

    async def disable(self, endpoint: str) -> None:
        """The endpoint answers its first delivery with 410 Gone."""
        [first, *_] = await self.claim(endpoint)
        gone = Attempt(first.id, 1, START, 410, 1.0, "410 Gone", "", Verdict.DISABLED, None)
        await self.store.commit(deliveries.record_attempts, endpoint, [gone])

    async def until_waiting(self, count: int) -> None:
        """Until so many long polls listen for an event; nothing tells when a request has come so far."""
        async with asyncio.timeout(5):
            while self.store.nudges.listeners("events") < count:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop serving; the store stays open."""
        await self.serving.aclose()


def routes(type_: str) -> tuple[str, ...]:
    """Who wants which event."""
    return ("billing",) if type_.startswith("service.") else ("dispatch",)


def _serves(element: str) -> frozenset[str]:
    return ELEMENTS[element].technologies if element in ELEMENTS else frozenset()


@asynccontextmanager
async def running_api(
    url: str,
    profile: Profile,
    limits: Limits | None = None,
    port: int = 0,
    socket_path: Path | None = None,
    files: FileSettings | None = None,
) -> AsyncIterator[World]:
    """The API over an empty database at ``url``."""
    hands = Hands()
    metrics, parts = Metrics(), {"store": "ok", "element olt-1": "ok"}
    drivers: dict[str, Driver] = {}
    stored = Context(
        lambda: START, {profile.name: profile}, routes, lambda: f"evt_{uuid.uuid4().hex}", handover=OTHER_ACS
    )
    async with open_store(url, stored) as store:
        context = ApiContext(
            store=store,
            now=lambda: START,
            tokens=tokens(),
            elements=ELEMENTS,
            endpoints=frozenset({"billing", "dispatch"}),
            origin="ztpd/node-1",
            readiness=lambda: parts,
            metrics=metrics,
            hands=hands,
            adopter=Adopter(store, drivers, _serves),
            hosts=frozenset({"ZTPD.example.net"}),
            limits=limits or Limits(),
            files=files,
        )
        app = make_app(context)
        async with AsyncExitStack() as serving, aiohttp.ClientSession() as session:
            address = await serving.enter_async_context(serve(app, port=port, socket_path=socket_path))
            yield World(store, address, metrics, session, parts, serving, hands, drivers)
