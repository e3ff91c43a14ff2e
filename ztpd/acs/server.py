"""The ACS on HTTP: a thin shell that feeds POSTs to sessions and does what they say."""

import asyncio
import secrets
import time
import traceback
from asyncio import timeout
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import structlog
from aiohttp import web
from multidict import CIMultiDict

from ztpd.acs import session, soap
from ztpd.acs.admission import Admission
from ztpd.acs.authentication import Judged
from ztpd.acs.body import BodyError, read_body
from ztpd.acs.connections import BoundedServer
from ztpd.acs.contract import Core, Heard
from ztpd.acs.digest import Verdict
from ztpd.acs.errors import SoapError
from ztpd.acs.file_server import FileServer
from ztpd.acs.identity import Identity, Shown, judge
from ztpd.acs.listening import listen, url_of
from ztpd.acs.messages import Envelope, Inform
from ztpd.acs.models import shipped
from ztpd.acs.origin import Origin
from ztpd.acs.session_table import COOKIE, OpenSession, SessionTable, TableFull, tokens_in
from ztpd.acs.settings import AcsSettings, Listener
from ztpd.acs.turned import Turned, later
from ztpd.domain.cpe import CpeFacts, Doubt, Proof

__all__ = ["AcsServer", "AcsSettings"]

log = structlog.get_logger()

T = TypeVar("T")

# A CPE's first POST has no nonce yet, a later one may have an old one: nothing to tell people about.
_HANDSHAKE = frozenset({f"authorization-{verdict.value}" for verdict in (Verdict.ABSENT, Verdict.STALE)})


class AcsServer:
    """The ACS, serving while it is entered: ``async with AcsServer(settings, core) as acs``.

    ``monotonic`` is in seconds.
    """

    def __init__(
        self,
        settings: AcsSettings,
        core: Core,
        *,
        files: FileServer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._files = files
        self._core = core
        self._models = shipped() if settings.models is None else settings.models
        self._admission = Admission(settings, monotonic)
        self._sessions = SessionTable(
            settings.max_sessions, settings.session_ttl, monotonic, lambda: secrets.token_hex(16)
        )
        self._counts: Counter[str] = Counter()
        self._listening: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        settings = self._settings
        self._server = BoundedServer(self._handle, settings.connections, settings.proxies.trusts)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=1.5)
        await self._runner.setup()
        try:
            await self.listen(Listener(settings.host, settings.port))
        except BaseException:
            await self._runner.cleanup()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._listening:
            server.close()
        await self._runner.cleanup()

    async def listen(self, listener: Listener) -> str:
        """Serve at another address too; its URL. Raises ``OSError`` when it cannot be bound."""
        listening = await listen(self._server, listener, self._settings.connections.header_seconds)
        self._listening.append(listening)
        return url_of(listening, self._settings.path, tls=listener.tls is not None)

    @property
    def url(self) -> str:
        """The URL of the first address, which is plain HTTP."""
        return url_of(self._listening[0], self._settings.path, tls=False)

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
        return self._counts + Counter(shell) + (Counter() if self._files is None else self._files.counts)

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
            if self._files is not None and self._files.serves(request.path):
                return await self._files.answer(request, self._admission.origin(request).address)
            return await self._answer(request)
        except BodyError as error:
            turned = Turned(error.status, error.reason, "body")
        except Turned as error:
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
        found = self._found(request, cookies)
        heard = _decoded(body) if found is not None else None
        if found is not None and not _informs(heard):
            assert heard is not None
            return await self._answer_in_turn(found, heard)
        origin = self._admission.origin(request)
        shown = await self._authenticate(request, origin, body)
        heard = heard or _decoded(body)
        if isinstance(heard, Envelope) and isinstance(heard.message, Inform):
            identity = judge(shown, heard.message.device)
            return await self._answer_inform(request, heard, heard.message, origin, identity)
        opened = await self._resumed(cookies, origin, shown) or self._stranger()
        return await self._answer_in_turn(opened, heard)

    def _found(self, request: web.BaseRequest, cookies: list[str]) -> OpenSession | None:
        """The session that a POST belongs to by its cookie, or by its connection where it shows none."""
        kept = self._server.kept_alive
        if tokens_in(cookies):
            found = self._sessions.find(cookies)
            if found is not None:
                kept.showed(request.protocol, found.device[:3], found.token)
            return found
        token = kept.token(request.protocol)
        return self._sessions.find([f"{COOKIE}={token}"]) if token and self._admission.is_direct(request) else None

    def _check_request_line(self, request: web.BaseRequest) -> None:
        if request.path != self._settings.path:
            raise Turned(404, f"CPEs are served at {self._settings.path}", "path")
        if request.method != "POST":
            raise Turned(405, "a CPE speaks by POST", "method", CIMultiDict(Allow="POST"))

    async def _authenticate(self, request: web.BaseRequest, origin: Origin, body: bytes) -> Shown:
        """What the sender proves; raises the 401 that asks for it, and hears those who will not."""
        judged = self._admission.judge(request, origin)
        shown = self._admission.shown(judged, origin, body)
        if shown is not None:
            return shown
        if self._admission.is_worth_hearing(judged, origin, body):
            await self._hear_unproven(_decoded(body), judged, origin)
        headers: CIMultiDict[str] = CIMultiDict()
        for challenge in self._admission.challenges(judged, origin):
            headers.add("WWW-Authenticate", challenge)
        raise Turned(401, "authenticate as a CPE of this ACS", f"authorization-{judged.verdict.value}", headers)

    async def _hear_unproven(self, heard: session.Input, judged: Judged, origin: Origin) -> None:
        """Tell the core of an Inform that proves nothing; what becomes of that is no matter of its sender."""
        if not _informs(heard):
            return
        assert isinstance(heard, Envelope)
        assert isinstance(heard.message, Inform)
        told = Heard(heard.message, origin.address, Proof.NONE, "", Doubt.UNPROVEN, judged.detail)
        self._counts["unproven"] += 1
        with suppress(Turned):
            await self._within_deadline(self._core.heard(told), origin.address)

    async def _answer_inform(
        self, request: web.BaseRequest, heard: Envelope, inform: Inform, origin: Origin, identity: Identity
    ) -> web.Response:
        if not self._admission.may_inform(origin):
            raise self._later("too many Informs from this address", "informs-too-many")
        try:
            opened = self._sessions.open(inform.device, session.Session(self._models), origin.address, identity)
        except TableFull:
            raise self._later("too many sessions", "sessions-full") from None
        self._server.kept_alive.informed(request.protocol, opened.device[:3])
        self._counts["informed" if identity.doubt is None else identity.doubt.value] += 1
        try:
            response = await self._answer_in_turn(opened, heard)
        except Turned:
            self._sessions.close(opened)
            raise
        response.headers["Set-Cookie"] = f"{COOKIE}={opened.token}; Path=/"
        return response

    async def _resumed(self, cookies: list[str], origin: Origin, shown: Shown) -> OpenSession | None:
        """The session that a cookie names which an earlier run of the daemon, or another node, gave out.

        Its CPE proves itself again, as well as it did at its Inform: a cookie alone lets nobody go on.
        """
        for token in tokens_in(cookies):
            if self._sessions.is_over(token):
                continue
            known = await self._within_deadline(self._core.resumed(token), origin.address)
            proof = Proof.NONE if known is None else judge(shown, known.facts).proof
            if known is None or proof not in (Proof.DEVICE, Proof.CERTIFICATE, known.proof):
                continue
            goes_on = session.resumed(self._models, known.facts, known.work)
            try:
                adopted = self._sessions.adopt(token, known.facts, goes_on, origin.address, proof)
            except TableFull:
                raise self._later("too many sessions", "sessions-full") from None
            if adopted is not None:
                self._counts["resumed"] += adopted.session is goes_on
                return adopted
        return None

    def _stranger(self) -> OpenSession:
        """A session that nobody keeps, for what comes outside of one."""
        return OpenSession("", ("", "", "", 0), "", Identity(Proof.NONE), session.Session(self._models), 0.0)

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
            raise Turned(400, action.reason, "refused")
        return web.Response(status=204)

    async def _ask_core(self, question: session.Question, opened: OpenSession) -> session.Input:
        """What the core says to the question; raises the 503 that keeps the session where it is."""
        match question:
            case session.Consult(inform):
                identity = opened.identity
                heard = Heard(inform, opened.peer_ip, identity.proof, opened.token, identity.doubt, identity.detail)
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

    def _later(self, reason: str, counted: str) -> Turned:
        return later(self._settings.retry_after, reason, counted)

    def _turn_away(self, request: web.BaseRequest, turned: Turned) -> web.Response:
        self._counts[turned.counted] += 1
        note = log.debug if turned.counted in _HANDSHAKE else log.info
        note("acs_turned_away", peer=request.remote, status=turned.status, reason=turned.reason)
        response = web.Response(status=turned.status, text=f"{turned.reason}\n", headers=turned.headers)
        if not request.content.is_eof():
            response.force_close()
        return response


def _informs(heard: session.Input | None) -> bool:
    return isinstance(heard, Envelope) and isinstance(heard.message, Inform)


def _decoded(body: bytes) -> Envelope | session.Unreadable:
    try:
        return soap.decode(body)
    except SoapError as error:
        return session.Unreadable(error)
