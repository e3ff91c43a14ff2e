"""An ACS for tests of the lab CPE: it asks what a test has put down, and keeps what the CPE says."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass
class ScriptedAcs:
    """``requests`` are sent in the session that is next, one after the other.

    With ``guard`` each POST must show a digest, of whomever: ``users`` are those that were shown.
    """

    requests: list[str] = field(default_factory=list)
    guard: bool = False
    url: str = ""
    users: set[str] = field(default_factory=set)
    said: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)
    """Each message of the CPE: its method and its whole text; an empty POST is ``("", "")``."""

    async def heard(self, method: str) -> str:
        """The text of the next message of this method; those before it are passed over."""
        while True:
            found, text = await asyncio.wait_for(self.said.get(), 20)
            if found == method:
                return text

    async def informed(self) -> list[tuple[str, str]]:
        """The events of the next Inform, with their command keys."""
        events = etree.fromstring((await self.heard("Inform")).encode()).iter("EventStruct")
        return [(event.findtext("EventCode") or "", event.findtext("CommandKey") or "") for event in events]

    async def answer(self, request: web.Request) -> web.Response:
        """One POST."""
        text = await request.text()
        shown = re.search(r'username="([^"]*)"', request.headers.get("Authorization", ""))
        if shown is not None:
            self.users.add(shown[1])
        elif self.guard:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Digest realm="acs", nonce="n", qop="auth"'})
        if not text:
            self.said.put_nowait(("", ""))
            return self._next()
        message = etree.fromstring(text.encode()).find(f"{{{_SOAP}}}Body/*")
        assert message is not None
        method = etree.QName(message).localname
        self.said.put_nowait((method, text))
        if method.endswith("Response") or method == "Fault":
            return self._next()
        return web.Response(text=_envelope(f"<c:{method}Response/>"))

    def _next(self) -> web.Response:
        return web.Response(text=_envelope(self.requests.pop(0))) if self.requests else web.Response(status=204)


def _envelope(body: str) -> str:
    return (
        f'<s:Envelope xmlns:s="{_SOAP}" xmlns:c="urn:dslforum-org:cwmp-1-2"><s:Header><c:ID>1</c:ID></s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def request(method: str, arguments: str = "") -> str:
    """A request as ``ScriptedAcs.requests`` has them."""
    return f"<c:{method}>{arguments}</c:{method}>"


@asynccontextmanager
async def scripted_acs(*requests: str, guard: bool = False) -> AsyncIterator[ScriptedAcs]:
    """The ACS on loopback, with what it asks in the first session."""
    acs = ScriptedAcs(list(requests), guard)
    app = web.Application()
    app.router.add_post("/", acs.answer)
    async with TestServer(app) as server:
        acs.url = str(server.make_url("/"))
        yield acs
