"""Files to and from CPEs, on the listener of the ACS: one-time URLs ``/files/TOKEN/NAME``, no names that are paths.

A thin shell: what a token stands for, and the files themselves, are behind ``Files``. Reads and writes of the disk go
to threads; memory for a transfer is one piece.
"""

import asyncio
import contextlib
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

import structlog
from aiohttp import hdrs, web

from ztpd.acs import ranges

log = structlog.get_logger()

PREFIX = "/files/"
_PATH = re.compile(r"/files/([A-Za-z0-9_-]{16,64})/([^/?#]{1,200})")
_PIECE = 64 * 1024


class NotTaken(Exception):
    """A file from a CPE is not kept: the HTTP status and a sentence for the CPE's log."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class Source(Protocol):
    """An open file that a CPE fetches."""

    @property
    def name(self) -> str:
        """How its URL must end."""
        ...

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    @property
    def sha256(self) -> str:
        """In hex."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Some bytes; blocks."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Sink(Protocol):
    """An open file that a CPE sends."""

    @property
    def limit(self) -> int:
        """In bytes."""
        ...

    def write(self, data: bytes) -> None:
        """Append; blocks."""
        ...

    def close(self) -> None:
        """Drop what was not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Files:
    """What the file server is handed. ``fetch`` and ``take`` answer None for a token that stands for no such thing.

    Both are told the token and the address that uses it. ``keep`` makes what was written durable and tells the core;
    ``refused`` is told why that was not to be. What cannot be written is an ``OSError``.
    """

    fetch: Callable[[str, str], Awaitable[Source | None]]
    take: Callable[[str, str], Awaitable[Sink | None]]
    keep: Callable[[Sink], Awaitable[None]]
    refused: Callable[[Sink, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How many transfers at a time, in all and for one token; how long without progress; the least bytes a second."""

    total: int = 256
    per_token: int = 4
    stall_seconds: float = 30.0
    least_rate: int = 2048


class FileServer:
    """Answers requests for files; ``counts`` says what became of them, and so is ``report`` told."""

    def __init__(
        self, files: Files, limits: FileLimits | None = None, report: Callable[[str], None] = lambda outcome: None
    ) -> None:
        self._files = files
        self._report = report
        self._limits = limits or FileLimits()
        self._under_way: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def serves(self, path: str) -> bool:
        """Whether the path is one of ours."""
        return path.startswith(PREFIX)

    async def answer(self, request: web.BaseRequest, peer: str) -> web.StreamResponse:
        """Serve one request for a file, from this address, whatever becomes of it."""
        match = _PATH.fullmatch(request.raw_path)
        if match is None:
            return self._refuse(request, 404, "there is no such file")
        token, name = match.group(1), unquote(match.group(2))
        with self._slot(token) as free:
            if not free:
                response = self._refuse(request, 503, "as many files are on their way as may be")
                response.headers[hdrs.RETRY_AFTER] = "30"
                return response
            match request.method:
                case "GET" | "HEAD":
                    return await self._send(request, peer, token, name)
                case "PUT" | "POST":
                    return await self._receive(request, peer, token)
        response = self._refuse(request, 405, "files are fetched by GET and sent by PUT")
        response.headers[hdrs.ALLOW] = "GET, HEAD, PUT, POST"
        return response

    @contextlib.contextmanager
    def _slot(self, token: str) -> Iterator[bool]:
        limits = self._limits
        if self._under_way.total() >= limits.total or self._under_way[token] >= limits.per_token:
            yield False
            return
        self._under_way[token] += 1
        try:
            yield True
        finally:
            self._under_way[token] -= 1
            if not self._under_way[token]:
                del self._under_way[token]

    async def _send(self, request: web.BaseRequest, peer: str, token: str, name: str) -> web.StreamResponse:
        source = await self._files.fetch(token, peer)
        if source is None:
            return self._refuse(request, 404, "there is no such file, or it is not for you, or not any more")
        with contextlib.closing(source):
            if name != source.name:
                return self._refuse(request, 404, "there is no such file")
            return await self._send_part(request, source)

    async def _send_part(self, request: web.BaseRequest, source: Source) -> web.StreamResponse:
        etag, head = ranges.etag_of(source.sha256), request.method == hdrs.METH_HEAD
        asked = None if head else request.headers.get(hdrs.RANGE)
        part = ranges.part_wanted(source.size, etag, asked, request.headers.get(hdrs.IF_RANGE))
        if part is None:
            refusal = self._refuse(request, 416, f"the file has {source.size} bytes")
            refusal.headers[hdrs.CONTENT_RANGE] = f"bytes */{source.size}"
            return refusal
        digest = ranges.digest_of(source.sha256)
        headers = {hdrs.ETAG: etag, hdrs.ACCEPT_RANGES: "bytes", hdrs.CACHE_CONTROL: "no-store", "Repr-Digest": digest}
        if part.partial:
            headers[hdrs.CONTENT_RANGE] = part.content_range
        elif not head:  # what is sent is the whole file; a part's digest would be another (RFC 9530 §2)
            headers["Content-Digest"] = digest
        response = web.StreamResponse(status=206 if part.partial else 200, headers=headers)
        response.content_type, response.content_length = "application/octet-stream", part.length
        await response.prepare(request)
        if not head:
            await self._stream(request, response, source, part)
        return response

    async def _stream(
        self, request: web.BaseRequest, response: web.StreamResponse, source: Source, part: ranges.Part
    ) -> None:
        try:
            async with self._deadline(part.length):
                for offset in range(part.first, part.end, _PIECE):
                    data = await asyncio.to_thread(source.read, offset, min(_PIECE, part.end - offset))
                    if not data:
                        raise OSError("the file became shorter")
                    async with asyncio.timeout(self._limits.stall_seconds):
                        await response.write(data)
                async with asyncio.timeout(self._limits.stall_seconds):
                    await response.write_eof()
        except (TimeoutError, OSError) as error:
            # What was promised by Content-Length cannot be kept: only the end of the connection says so.
            slow = isinstance(error, TimeoutError)
            self._note(request, "slow" if slow else "broken", str(error))
            if request.transport is not None:
                request.transport.abort()
            return
        self._count("sent")

    def _deadline(self, length: int) -> asyncio.Timeout:
        return asyncio.timeout(self._limits.stall_seconds + length / self._limits.least_rate)

    async def _receive(self, request: web.BaseRequest, peer: str, token: str) -> web.StreamResponse:
        try:
            sink = await self._files.take(token, peer)
        except OSError as error:
            full = _not_kept(error)
            return self._refuse(request, full.status, full.reason)
        if sink is None:
            return self._refuse(request, 404, "no file is awaited here, or not from you, or not any more")
        with contextlib.closing(sink):
            try:
                await self._take_in(request, sink)
                await self._kept(sink)
            except NotTaken as error:
                await self._files.refused(sink, error.reason)
                return self._refuse(request, error.status, error.reason)
        self._count("received")
        return web.Response(status=201)

    async def _kept(self, sink: Sink) -> None:
        try:
            await self._files.keep(sink)
        except OSError as error:
            raise _not_kept(error) from None

    async def _take_in(self, request: web.BaseRequest, sink: Sink) -> None:
        """Write the body as it comes; what is in it is nobody's business here. Raises ``NotTaken``."""
        too_large = NotTaken(413, f"a file may have {sink.limit} bytes")
        if (request.content_length or 0) > sink.limit:
            raise too_large
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # aiohttp takes what was counted here for the begin of the answer
        size = 0
        try:
            async with self._deadline(sink.limit):
                async for data in self._pieces(request):
                    size += len(data)
                    if size > sink.limit:
                        raise too_large
                    await _write(sink, data)
        except TimeoutError:
            raise NotTaken(408, "the file came too slowly") from None
        except (web.RequestPayloadError, ConnectionError):
            raise NotTaken(400, "the file broke off") from None
        if size == 0:
            raise NotTaken(400, "the file is empty")

    async def _pieces(self, request: web.BaseRequest) -> AsyncIterator[bytes]:
        while True:
            async with asyncio.timeout(self._limits.stall_seconds):
                data = await request.content.read(_PIECE)
            if not data:
                return
            yield data

    def _refuse(self, request: web.BaseRequest, status: int, reason: str) -> web.Response:
        self._note(request, str(status), reason)
        response = web.Response(status=status, text=f"{reason}\n")
        if not request.content.is_eof():
            response.force_close()
        return response

    def _note(self, request: web.BaseRequest, outcome: str, reason: str) -> None:
        """The path is not logged: its token is a secret."""
        self._count(outcome)
        log.info("acs_file", peer=request.remote, outcome=outcome, reason=reason)

    def _count(self, outcome: str) -> None:
        self.counts[f"files-{outcome}"] += 1
        self._report(outcome)


async def _write(sink: Sink, data: bytes) -> None:
    try:
        await asyncio.to_thread(sink.write, data)
    except OSError as error:
        raise _not_kept(error) from None


def _not_kept(error: OSError) -> NotTaken:
    """The disk does not take it: full, over a quota, read-only (RFC 4918 §11.5)."""
    reason = os.strerror(error.errno) if error.errno is not None else type(error).__name__
    log.error("acs_upload_not_kept", problem=reason, remedy="Make room in the folder of [acs.files] uploads.")
    return NotTaken(507, f"the file cannot be kept: {reason}")
