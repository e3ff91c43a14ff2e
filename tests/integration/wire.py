"""A CPE's side of HTTP by hand: every byte of a POST is the test's own."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from ztpd.acs.server import AcsServer

SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back; header names are in lower case, of repeated ones all are kept."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of that header."""
        return [value for key, value in self.headers if key == name]

    @property
    def cookie(self) -> str:
        """``name=value`` of the cookie that was set."""
        return self.all("set-cookie")[0].partition(";")[0]


@dataclass
class Wire:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    path: str

    async def post(self, body: bytes, headers: Iterable[str] = (), *, version: str = "1.1") -> Answer:
        """Send a POST with its length; the headers are lines."""
        return await self.send(body, (*headers, f"Content-Length: {len(body)}"), version=version)

    async def send(self, body: bytes, headers: Iterable[str], *, version: str = "1.1") -> Answer:
        """Send a POST as it is."""
        head = [f"POST {self.path} HTTP/{version}", "Host: acs", 'SOAPAction: ""', *headers]
        self.writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        async with asyncio.timeout(SECONDS):
            return await self._answer()

    async def at_end(self) -> bool:
        """Whether the other side closes the connection; waits until it does."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read() == b""

    async def _answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = (line.partition(":") for line in head[1:] if line)
        headers = tuple((name.lower(), value.strip()) for name, _, value in lines)
        length = int(dict(headers).get("content-length", "0"))
        return Answer(int(head[0].split()[1]), headers, await self.reader.readexactly(length))


@asynccontextmanager
async def connected(acs: AcsServer, source_ip: str = "127.0.0.1") -> AsyncIterator[Wire]:
    """A connection to the ACS."""
    url = urlsplit(acs.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=(source_ip, 0))
    try:
        yield Wire(reader, writer, url.path)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def digest(challenge: str, username: str, password: str, path: str, *, named: bool = True, qop: bool = True) -> str:
    """The Authorization line that answers a challenge with MD5, which is named or not."""
    fields = dict(re.findall(r'(realm|nonce)="([^"]*)"', challenge))
    secret = _md5(f"{username}:{fields['realm']}:{password}")
    asked = _md5(f"POST:{path}")
    middle = ":00000001:c0ffee:auth" if qop else ""
    response = _md5(f"{secret}:{fields['nonce']}{middle}:{asked}")
    parts = [f'username="{username}"', f'realm="{fields["realm"]}"', f'nonce="{fields["nonce"]}"', f'uri="{path}"']
    parts += [f'response="{response}"', *(["algorithm=MD5"] if named else [])]
    parts += ['qop=auth, nc=00000001, cnonce="c0ffee"'] if qop else []
    return f"Authorization: Digest {', '.join(parts)}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
