"""One element's JSON API over HTTP: few connections, bounded answers, and every failure by the class it has."""

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp

from drivers.errors import Busy, ElementError, NotLetIn, NotTheElement, Rejected, Unreachable
from drivers.rest.settings import RestSettings

Explain = Callable[[Any], str | None]
"""The element's own words in the JSON of a refusal, or None."""

_PATH = re.compile(r"/[A-Za-z0-9*._~/:-]*")
_CHUNK_BYTES = 64 * 1024
_MAX_ANSWER = 300
_BUSY = (429, 503)
_NOT_IMPLEMENTED = 501
_UNAUTHORISED = 401


class TooLarge(Exception):
    """An answer is larger than it may be."""


class RestSession:
    """The connections to one element; they open when first needed.

    Nothing is sent twice: a write whose answer is missing may have had its effect, and only the driver can tell by
    reading again.
    """

    def __init__(self, settings: RestSettings, credentials: Mapping[str, str], who: str, explain: Explain) -> None:
        """``credentials`` are headers; ``who`` names them in errors (``user ztpd``)."""
        self._settings = settings
        self._credentials = credentials
        self._who = who
        self._explain = explain
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object | None = None,
        secrets: Iterable[str] = (),
    ) -> Any:
        """The decoded JSON of one answer, None when it has no body.

        ``path`` may hold letters, digits and ``*._~/:-`` only. ``secrets`` are taken out of what errors say. Raises
        ``Unreachable``, ``Busy`` or ``Rejected``, whose ``tag`` is the HTTP status.
        """
        operation = f"{method} {path}"
        if _PATH.fullmatch(path) is None:
            raise Rejected(self._settings.name, method, f"not a path: {path!r}")
        try:
            status, retry_after, raw = await self._exchange(method, path, query, body)
        except aiohttp.ServerFingerprintMismatch as error:
            raise self._not_ours(operation) from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._not_ours(operation) from error
        except TimeoutError as error:
            answer = f"no answer within {self._settings.rpc_timeout_s:g} s"
            raise Unreachable(self._settings.name, operation, answer) from error
        except (aiohttp.ClientError, OSError, TooLarge) as error:
            answer = f"session lost: {str(error) or type(error).__name__}"
            raise Unreachable(self._settings.name, operation, answer) from error
        decoded = _decoded(raw)
        if not 200 <= status < 300:
            said = self._said(status, decoded, secrets)
            raise _failure(self._settings.name, operation, status, retry_after, said, self._who)
        if decoded is _NO_JSON:
            raise Unreachable(self._settings.name, operation, "the answer is not JSON")
        return decoded

    async def watch(self, path: str, listening: Callable[[], None]) -> None:
        """Ask for a path again and again until cancelled, and close; ``listening`` is called after the first answer.

        Raises as ``request`` does.
        """
        try:
            await self.request("GET", path)
            listening()
            while True:
                await asyncio.sleep(self._settings.poll_s)
                await self.request("GET", path)
        finally:
            await self.close()

    async def close(self) -> None:
        """End all connections; they open again when needed."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(
        self, method: str, path: str, query: Mapping[str, str] | None, body: object | None
    ) -> tuple[int, str, bytes]:
        session = self._open()
        target = self._settings.url.rstrip("/") + path
        async with session.request(method, target, params=query, json=body, allow_redirects=False) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                raw += chunk
                if len(raw) > self._settings.max_body_bytes:
                    response.close()
                    raise TooLarge(f"an answer of more than {self._settings.max_body_bytes} bytes")
            return response.status, response.headers.get("Retry-After", ""), bytes(raw)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            settings = self._settings
            timeout = aiohttp.ClientTimeout(total=settings.rpc_timeout_s, sock_connect=settings.connect_timeout_s)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=settings.max_connections, ssl=self._trust()),
                headers={"Accept": "application/json", **self._credentials},
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            # aiohttp would send a PUT again after a lost connection, which here may create an object twice; it has no
            # public switch for that.
            self._session._retry_connection = False
        return self._session

    def _trust(self) -> ssl.SSLContext | aiohttp.Fingerprint | bool:
        settings = self._settings
        if settings.fingerprint:
            return aiohttp.Fingerprint(bytes.fromhex(settings.fingerprint))
        if settings.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(settings.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise Rejected(settings.name, "connect", f"ca_file {settings.ca_file} cannot be used: {error}") from error

    def _not_ours(self, operation: str) -> NotTheElement:
        return NotTheElement(
            self._settings.name,
            operation,
            "host key changed: the element shows another certificate than the one that is configured for it; nothing "
            "was sent. If the change is meant, configure the new one",
        )

    def _said(self, status: int, decoded: Any, secrets: Iterable[str]) -> str:
        text = None if decoded is _NO_JSON else self._explain(decoded)
        said = f"HTTP {status}" if text is None else text
        for secret in secrets:
            said = said.replace(secret, "…") if secret else said
        return "".join(char if char.isprintable() else " " for char in said)[:_MAX_ANSWER]


_NO_JSON = object()


def _decoded(raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return _NO_JSON


def _failure(element: str, operation: str, status: int, retry_after: str, said: str, who: str) -> ElementError:
    """The error of an answer outside 2xx. After a failure of the server's own (5xx) what it did is unknown."""
    tag = str(status)
    if status in _BUSY:
        wait = f"; it says to try again after {retry_after[:40]}" if retry_after.isprintable() and retry_after else ""
        return Busy(element, operation, f"{said}{wait}", tag=tag)
    if status == _UNAUTHORISED:
        return NotLetIn(element, operation, f"authentication refused for {who}: {said}", tag=tag)
    if status >= 500 and status != _NOT_IMPLEMENTED:
        return Unreachable(element, operation, said, tag=tag)
    return Rejected(element, operation, said, tag=tag)
