"""Asks one CPE to inform, over HTTP where it can be reached and over UDP where it is behind NAT: a thin shell.

That it was asked says little: what counts is that it informs.
"""

import asyncio
import contextlib
import enum
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from yarl import URL

from ztpd.acs.connection_request import (
    HttpPlace,
    Network,
    NotCallable,
    Secret,
    UdpPlace,
    datagram,
    http_place,
    refusal,
    udp_place,
)
from ztpd.acs.digest_client import NoAnswer, authorization
from ztpd.acs.listening import authority
from ztpd.acs.stun import Endpoint

_BODY, _BODY_S = 4096, 0.5
"""What is read of a 401, and for how long, so that its connection can be used again: some CPEs tie the nonce to it."""

_COPIES, _COPY_PAUSE_S = 3, 0.3
_IDS = 2**31 - 1


class Reached(enum.Enum):
    """How far a request got; the value is what it is counted as."""

    ASKED = "asked"  # the CPE took it, or it was sent where nobody answers (UDP)
    BUSY = "busy"  # it is in a session, or was asked too often (503)
    REFUSED = "refused"  # it answered otherwise, or asks for what we do not give
    SILENT = "silent"  # it does not answer
    NOT_CALLED = "not-called"  # it told no place where it may be called


@dataclass(frozen=True, slots=True)
class Told:
    """How far a request got, and what of it is shown to an operator: no secret, no word that the CPE chose."""

    reached: Reached
    said: str


@dataclass(frozen=True, slots=True)
class Whom:
    """A CPE to ask: what it told of itself, and the address that it informed from."""

    url: str
    udp_address: str
    informed_from: str


Send = Callable[[bytes, Endpoint], None]
"""Sends one datagram from the port that CPEs behind NAT know; raises ``OSError``."""


class Caller:
    """Asks CPEs to inform, in ``timeout_s`` each; at addresses in ``networks`` or that they inform from themselves.

    ``send`` sends datagrams; ``binding`` tells the binding that a user has proven by STUN.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        timeout_s: float,
        send: Send,
        binding: Callable[[str], Endpoint | None],
        now: Callable[[], datetime],
    ) -> None:
        self._networks = tuple(networks)
        self._timeout_s = timeout_s
        self._send = send
        self._binding = binding
        self._now = now
        self._tls = _any_certificate()

    async def ask(self, whom: Whom, secret: Secret | None) -> Told:
        """Ask once, by each way until one is heard; never raises for what the network or the CPE does."""
        by_http = await self._by_http(whom, secret)
        if by_http.reached not in {Reached.SILENT, Reached.NOT_CALLED}:
            return by_http
        by_udp = await self._by_udp(whom, secret)
        if by_udp is None:
            return by_http
        return Told(by_udp.reached if by_udp.reached is Reached.ASKED else by_http.reached, _both(by_http, by_udp))

    async def _by_http(self, whom: Whom, secret: Secret | None) -> Told:
        try:
            place = http_place(whom.url)
            why = refusal(place.address, whom.informed_from, self._networks)
        except NotCallable as error:
            return Told(Reached.NOT_CALLED, f"not called: {error.reason}")
        if why is not None:
            return Told(Reached.NOT_CALLED, f"not called: {why}")
        try:
            async with asyncio.timeout(self._timeout_s), self._session() as session:
                return await self._get(session, place, secret)
        except NoAnswer as error:
            return Told(Reached.REFUSED, error.reason)
        except TimeoutError:
            return Told(Reached.SILENT, f"does not answer: timed out after {self._timeout_s:g} s")
        except aiohttp.ClientConnectorError as error:
            return Told(Reached.SILENT, f"cannot be connected to: {_in_words(error.os_error)}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Told(Reached.SILENT, f"gives no valid answer ({type(error).__name__})")

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client of this request alone: nothing that one CPE says can reach another."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "ztpd", "Accept-Encoding": "identity"},
            auto_decompress=False,
        ) as session:
            yield session

    async def _get(self, session: aiohttp.ClientSession, place: HttpPlace, secret: Secret | None) -> Told:
        status, challenges = await _once(session, place, {})
        if status == 401 and secret is None:
            return Told(Reached.REFUSED, "asks for a user and a password, and it was given none by us")
        if status == 401 and secret is not None:
            proof = authorization(challenges, secret, place.target, secrets.token_hex(8))
            status, _ = await _once(session, place, {"Authorization": proof})
        return _judge(status)

    async def _by_udp(self, whom: Whom, secret: Secret | None) -> Told | None:
        """Ask by datagram; None when it has told no way and proven none."""
        bound = None if secret is None else self._binding(secret.username)
        if secret is None or (bound is None and not whom.udp_address):
            return None
        try:
            place = self._told_udp_place(whom) if bound is None else udp_place(authority(*bound))
            await self._send_copies(place, secret)
        except NotCallable as error:
            return Told(Reached.NOT_CALLED, f"over UDP not called: {error.reason}")
        except OSError as error:
            return Told(Reached.SILENT, f"over UDP not sent: {_in_words(error)}")
        way = "the address that it told" if bound is None else "its STUN binding"
        return Told(Reached.ASKED, f"asked over UDP at {way}")

    def _told_udp_place(self, whom: Whom) -> UdpPlace:
        place = udp_place(whom.udp_address)
        why = refusal(place.address, whom.informed_from, self._networks)
        if why is not None:
            raise NotCallable(why)
        return place

    async def _send_copies(self, place: UdpPlace, secret: Secret) -> None:
        """The same datagram a few times, for some are lost; the CPE takes copies for one (Annex G.2.2.3)."""
        now = int(self._now().timestamp())
        request = datagram(place, secret, now, 1 + secrets.randbelow(_IDS), secrets.token_hex(8))
        for copy in range(_COPIES):
            if copy:
                await asyncio.sleep(_COPY_PAUSE_S)
            self._send(request, (str(place.address), place.port))


async def _once(session: aiohttp.ClientSession, place: HttpPlace, headers: dict[str, str]) -> tuple[int, list[str]]:
    """One GET: the status, and how to authenticate. Redirects lead nowhere."""
    url = URL(place.url, encoded=True)
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        if response.status == 401 and (response.content_length or 0) <= _BODY:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_BODY_S):
                    await response.content.read(_BODY)
        return response.status, response.headers.getall("WWW-Authenticate", [])


def _judge(status: int) -> Told:
    if 200 <= status < 300:
        return Told(Reached.ASKED, f"asked to inform: HTTP {status}")
    match status:
        case 503:
            return Told(Reached.BUSY, "busy: HTTP 503")
        case 401 | 403:
            return Told(Reached.REFUSED, f"refuses the user and password that we have for it: HTTP {status}")
        case _:
            return Told(Reached.REFUSED, f"answers HTTP {status} instead of 200")


def _in_words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else "no way there"


def _both(by_http: Told, by_udp: Told) -> str:
    return f"{by_udp.said}; over HTTP {by_http.said}"


def _any_certificate() -> ssl.SSLContext:
    """TLS without asking who is there: CPEs sign their own certificates, and a digest shows them no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
