"""The ACS on HTTP: a thin shell that feeds POSTs to sessions and does what they say."""

import secrets
import time
import traceback
from asyncio import timeout
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import structlog
from aiohttp import web
from multidict import CIMultiDict

from ztpd.acs import session, soap
from ztpd.acs.authentication import Authenticator
from ztpd.acs.body import BodyError, read_body
from ztpd.acs.connections import BoundedServer, ConnectionLimits
from ztpd.acs.contract import Core, Heard
from ztpd.acs.datamodel import Model
from ztpd.acs.digest import Credentials, Verdict
from ztpd.acs.errors import SoapError
from ztpd.acs.messages import Envelope, Inform
from ztpd.acs.models import shipped
from ztpd.acs.session_table import COOKIE, OpenSession, SessionTable, TableFull, tokens_in
from ztpd.domain.cpe import CpeFacts, Proof

log = structlog.get_logger()

T = TypeVar("T")

# A CPE's first POST has no nonce yet, a later one may have an old one: nothing to tell people about.
_HANDSHAKE = frozenset({f"authorization-{verdict.value}" for verdict in (Verdict.ABSENT, Verdict.STALE)})


@dataclass(frozen=True, slots=True)
class AcsSettings:
    """Where the ACS listens, whom it accepts, and its bounds; times in seconds, sizes in bytes.

    ``retry_after`` is the least a CPE is told to wait when it cannot be served; up to as much again is added at
    random, so that those turned away do not come back together.
    """

    credentials: Credentials
    host: str = "127.0.0.1"
    port: int = 7547
    path: str = "/acs"
    max_body: int = 256 * 1024
    max_sessions: int = 4096
    session_ttl: float = 120.0
    body_deadline: float = 15.0
    core_deadline: float = 30.0
    nonce_lifetime: float = 300.0
    retry_after: int = 30
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)


class _Turned(Exception):
    """A POST gets no CWMP answer: the HTTP status, a sentence, headers, and what it is counted as."""

    def __init__(self, status: int, reason: str, counted: str, headers: CIMultiDict[str] | None = None) -> None:
        self.status = status
        self.reason = reason
        self.counted = counted
        self.headers = headers
        super().__init__(reason)


class AcsServer:
    """The ACS, serving while it is entered: ``async with AcsServer(settings, core) as acs``.

    ``models`` are those that ship unless given; ``monotonic`` is in seconds.
    """

    def __init__(
        self,
        settings: AcsSettings,
        core: Core,
        models: tuple[Model, ...] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._core = core
        self._models = shipped() if models is None else models
        self._authenticator = Authenticator(settings.credentials, monotonic, settings.nonce_lifetime)
        self._sessions = SessionTable(
            settings.max_sessions, settings.session_ttl, monotonic, lambda: secrets.token_hex(16)
        )
        self._counts: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._server = BoundedServer(self._handle, self._settings.connections)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=1.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port, backlog=1024)
        await site.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The URL that CPEs are given."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self._settings.path}"

    @property
    def counts(self) -> Counter[str]:
        """How often what happened since the start: ``informed``, ``configured``, ``faulted``, and all that was refused.

        ``connections-…`` are of TCP connections over a cap or silent too long, ``sessions-lost`` of sessions that a
        CPE opened and never finished; every other key is a reason why a POST was turned away.
        """
        shell = {
            "connections-refused": self._server.refused,
            "connections-silent": self._server.silent,
            "sessions-lost": self._sessions.lost,
        }
        return self._counts + Counter(shell)

    @property
    def sessions_open(self) -> int:
        """How many sessions are going on."""
        return len(self._sessions)

    def talks(self, facts: CpeFacts) -> bool:
        """Whether the CPE is in a session now."""
        return self._sessions.holds(facts.oui, facts.product_class, facts.serial)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever becomes of it: no exception reaches the CPE."""
        if request.protocol is not None:
            self._server.has_spoken(request.protocol)
        try:
            return await self._answer(request)
        except BodyError as error:
            turned = _Turned(error.status, error.reason, "body")
        except _Turned as error:
            turned = error
        except Exception as error:
            # As text, without local variables: a renderer that shows those would show secrets.
            log.error("acs_broken", peer=request.remote, trace="".join(traceback.format_exception(error)))
            turned = self._later("the ACS failed", "broken")
        return self._turn_away(request, turned)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self._check_request_line(request)
        body = await read_body(request, self._settings.max_body, self._settings.body_deadline)
        cookies = request.headers.getall("Cookie", [])
        found = self._sessions.find(cookies)
        heard = _decoded(body) if found is not None else None
        if found is None or (isinstance(heard, Envelope) and isinstance(heard.message, Inform)):
            proof = self._authenticate(request)
            heard = heard or _decoded(body)
            if isinstance(heard, Envelope) and isinstance(heard.message, Inform):
                return await self._answer_inform(heard, heard.message, request.remote or "", proof)
        assert heard is not None
        opened = found or await self._resumed(cookies, request.remote or "") or self._stranger()
        return await self._answer_in_turn(opened, heard)

    def _check_request_line(self, request: web.BaseRequest) -> None:
        if request.path != self._settings.path:
            raise _Turned(404, f"CPEs are served at {self._settings.path}", "path")
        if request.method != "POST":
            raise _Turned(405, "a CPE speaks by POST", "method", CIMultiDict(Allow="POST"))

    def _authenticate(self, request: web.BaseRequest) -> Proof:
        """How the sender proves itself; raises the 401 that asks for a digest."""
        verdict = self._authenticator.judge(request.headers.get("Authorization"), request.method, request.raw_path)
        if verdict is Verdict.ACCEPTED:
            return Proof.BOOTSTRAP
        headers: CIMultiDict[str] = CIMultiDict()
        for challenge in self._authenticator.challenges(stale=verdict is Verdict.STALE):
            headers.add("WWW-Authenticate", challenge)
        raise _Turned(401, "authenticate as a CPE of this ACS", f"authorization-{verdict.value}", headers)

    async def _answer_inform(self, heard: Envelope, inform: Inform, peer_ip: str, proof: Proof) -> web.Response:
        try:
            opened = self._sessions.open(inform.device, session.Session(self._models), peer_ip, proof)
        except TableFull:
            raise self._later("too many sessions", "sessions-full") from None
        self._counts["informed"] += 1
        try:
            response = await self._answer_in_turn(opened, heard)
        except _Turned:
            self._sessions.close(opened)
            raise
        response.headers["Set-Cookie"] = f"{COOKIE}={opened.token}; Path=/"
        return response

    async def _resumed(self, cookies: list[str], peer_ip: str) -> OpenSession | None:
        """The session that a cookie names which an earlier run of the daemon, or another node, gave out."""
        for token in tokens_in(cookies):
            known = await self._within_deadline(self._core.resumed(token), peer_ip)
            if known is not None:
                goes_on = session.resumed(self._models, known.facts, known.work)
                self._counts["resumed"] += 1
                try:
                    return self._sessions.adopt(token, known.facts, goes_on, peer_ip)
                except TableFull:
                    raise self._later("too many sessions", "sessions-full") from None
        return None

    def _stranger(self) -> OpenSession:
        """A session that nobody keeps, for what comes outside of one."""
        return OpenSession("", ("", "", ""), "", Proof.NONE, session.Session(self._models), 0.0)

    async def _answer_in_turn(self, opened: OpenSession, heard: session.Input) -> web.Response:
        """Step the session until it has an answer; what the core could not take is asked again at the next POST."""
        async with opened.turn:
            opened.session, action = session.step(opened.session, heard)
            while isinstance(action, session.Question):
                answer = await self._ask_core(action, opened)
                opened.session, action = session.step(opened.session, answer)
            return self._response(opened, action)

    def _response(self, opened: OpenSession, action: session.Reply) -> web.Response:
        if isinstance(action, session.Respond):
            return web.Response(body=action.body, content_type="text/xml", charset="utf-8")
        self._sessions.close(opened)
        if isinstance(action, session.Refuse):
            raise _Turned(400, action.reason, "refused")
        return web.Response(status=204)

    async def _ask_core(self, question: session.Question, opened: OpenSession) -> session.Input:
        """What the core says to the question; raises the 503 that keeps the session where it is."""
        match question:
            case session.Consult(inform):
                heard = Heard(inform, opened.peer_ip, opened.proof, opened.token)
                return session.WorkGiven(await self._within_deadline(self._core.heard(heard), opened.peer_ip))
            case session.Tell(notice):
                await self._within_deadline(self._core.told(opened.token, notice), opened.peer_ip)
                return session.Told()
            case session.Record(work, outcome):
                following = await self._within_deadline(self._core.done(work, outcome), opened.peer_ip)
                self._counts["configured" if outcome.ok else "faulted"] += 1
                return session.Recorded(following)

    async def _within_deadline(self, asked: Awaitable[T], peer_ip: str) -> T:
        """The core's answer; raises a 503 when it fails or takes too long."""
        try:
            async with timeout(self._settings.core_deadline):
                return await asked
        except Exception as error:
            log.error("acs_core_failed", peer=peer_ip, trace="".join(traceback.format_exception(error)))
            raise self._later("the provisioning core cannot take this now", "core-failed") from None

    def _later(self, reason: str, counted: str) -> _Turned:
        least = self._settings.retry_after
        seconds = least + secrets.randbelow(least + 1)
        return _Turned(503, reason, counted, CIMultiDict({"Retry-After": str(seconds)}))

    def _turn_away(self, request: web.BaseRequest, turned: _Turned) -> web.Response:
        self._counts[turned.counted] += 1
        note = log.debug if turned.counted in _HANDSHAKE else log.info
        note("acs_turned_away", peer=request.remote, status=turned.status, reason=turned.reason)
        response = web.Response(status=turned.status, text=f"{turned.reason}\n", headers=turned.headers)
        if not request.content.is_eof():
            response.force_close()
        return response


def _decoded(body: bytes) -> Envelope | session.Unreadable:
    try:
        return soap.decode(body)
    except SoapError as error:
        return session.Unreadable(error)
