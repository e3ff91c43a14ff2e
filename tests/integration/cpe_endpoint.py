"""Connection request endpoints of CPEs for tests: one that behaves as TR-069 §3.2.2 says, and others that do not."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Endpoint:
    """What was asked, and where."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cr"


@asynccontextmanager
async def endpoint(answer: Answer) -> AsyncIterator[Endpoint]:
    """An HTTP server that gives each request's head to ``answer``; connections end with the block."""
    found = Endpoint()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                found.heads.append(head)
                found.asked.set()
                await answer(reader, writer, head)
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for writer in list(writers):
            writer.close()
        await server.wait_closed()
        await asyncio.sleep(0)


def saying(*texts: bytes) -> Answer:
    """Says the texts one request after the other, the last one for ever."""
    left = list(texts)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        text = left.pop(0) if len(left) > 1 else left[0]
        writer.write(text)
        await writer.drain()
        if b"Connection: close" in text or b"Content-Length" not in text:
            writer.close()

    return answer


def guarded(username: str, password: str, *, qop: bool = True, close: bool = False) -> Answer:
    """Asks for a digest by MD5 and answers 200 to the right one only; each nonce is good for its connection alone."""
    nonces: dict[asyncio.StreamWriter, str] = {}

    def md5(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        text = head.decode()
        given = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', text)}
        target = text.split(" ")[1]
        first, second = md5(username, "cpe", password), md5("GET", target)
        middle = (given.get("nc", ""), given.get("cnonce", ""), "auth") if qop else ()
        nonce = nonces.get(writer, "of an earlier connection" if close else "none")
        right = md5(first, nonce, *middle, second)
        if given.get("response") == right and given["username"] == username and given["uri"] == target:
            writer.write(OK)
        else:
            nonces[writer] = "of an earlier connection" if close else f"n{id(writer)}"
            offer = ', qop="auth"' if qop else ""
            ending = "Connection: close\r\n" if close else ""
            writer.write(
                f'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="cpe", nonce="{nonces[writer]}"{offer}'
                f"\r\nContent-Length: 4\r\n{ending}\r\nno\r\n".encode()
            )
            if close:
                writer.close()
        await writer.drain()

    return answer


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """Never answers."""
    await reader.read()
    writer.close()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """Answers 401 with a body that has no end."""
    writer.write(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n')
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_header(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
    """A header that has no end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"x" * 4000 + b"\r\n")
        await writer.drain()
