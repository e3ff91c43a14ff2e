"""The POSTs of one session with the ACS: they share a cookie, not necessarily a connection."""

import gzip
import re
import zlib

import aiohttp

from ztpd.lab.cpe.settings import CookieStyle, Misbehaviour

_HEADERS = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": ""}


class SessionFailed(Exception):
    """The ACS did not let the session come to its end; the CPE will retry (§3.2.1.1)."""


class Conversation:
    """One session's way to the ACS at ``url``."""

    def __init__(self, http: aiohttp.ClientSession, url: str, misbehaviour: Misbehaviour) -> None:
        self._http = http
        self._url = url
        self._wrong = misbehaviour
        self._cookie: dict[str, str] = {}

    async def post(self, text: str) -> bytes:
        """The ACS's next envelope, empty when it has none; raises ``SessionFailed`` for any other answer."""
        headers = {**_HEADERS, **self._wrong.headers, **self._cookie}
        if self._wrong.cookies is CookieStyle.ONCE and self._cookie:
            self._cookie = {}
        body = self._as_bytes(text)
        if self._wrong.coding and body:
            headers["Content-Encoding"] = self._wrong.coding
        chunked = self._wrong.chunked or None
        async with self._http.post(self._url, data=body, headers=headers, chunked=chunked) as response:
            answer = await response.read()
            if response.status not in (200, 204):
                raise SessionFailed(f"HTTP {response.status}: {answer[:200].decode('utf-8', 'replace').strip()}")
            if "Set-Cookie" in response.headers:
                self._cookie = self._as_sent(response.headers["Set-Cookie"].partition(";")[0])
            return answer

    def _as_bytes(self, text: str) -> bytes:
        for pattern, instead in self._wrong.rewrites:
            text = re.sub(pattern, instead, text, flags=re.DOTALL)
        body = (text or self._wrong.blank).encode(self._wrong.codec)
        match self._wrong.coding if body else "":
            case "gzip":
                return gzip.compress(body)
            case "deflate":
                return zlib.compress(body)
            case _:
                return body

    def _as_sent(self, cookie: str) -> dict[str, str]:
        name, _, value = cookie.partition("=")
        match self._wrong.cookies:
            case CookieStyle.LOWERCASE:
                return {"cookie": cookie.lower()}
            case CookieStyle.UPPERCASE:
                return {"COOKIE": cookie.upper()}
            case CookieStyle.QUOTED:
                return {"Cookie": f'$Version="1", {name}="{value}", $Path="/"'}
            case CookieStyle.PLAIN | CookieStyle.ONCE:
                return {"Cookie": cookie}
            case CookieStyle.NONE:
                return {}
