"""The body of a POST, within bounds of size and time, whatever it is compressed with."""

import asyncio
import zlib

from aiohttp import HttpVersion11, web


class BodyError(Exception):
    """The body was not taken: the HTTP status and a sentence for the sender."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


async def read_body(request: web.BaseRequest, limit: int, deadline_seconds: float) -> bytes:
    """The whole body, inflated; at most ``limit`` bytes before and after. Raises ``BodyError`` 400, 408, 413, 415."""
    if (request.content_length or 0) > limit:
        raise BodyError(413, f"a body of {request.content_length} bytes is over the limit of {limit}")
    try:
        if request.content.is_eof():  # all of it came with the header, as it nearly always does
            received = request.content.read_nowait()
            if len(received) > limit:
                raise _too_long(limit)
        else:
            async with asyncio.timeout(deadline_seconds):
                await _invite(request)
                received = await _received(request, limit)
    except TimeoutError:
        raise BodyError(408, f"the body did not arrive within {deadline_seconds:g} seconds") from None
    except web.RequestPayloadError:
        raise BodyError(400, "the body broke off or is framed wrongly") from None
    return inflate(received, request.headers.get("Content-Encoding", ""), limit)


async def _invite(request: web.BaseRequest) -> None:
    """Some CPEs send no body before they are told to go on (RFC 9110 §10.1.1; curl does so with long ones)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer that follows


async def _received(request: web.BaseRequest, limit: int) -> bytes:
    chunks = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise _too_long(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_long(limit: int) -> BodyError:
    return BodyError(413, f"the body is over the limit of {limit} bytes")


def inflate(data: bytes, coding: str, limit: int) -> bytes:
    """The data without its content coding (gzip, deflate with or without zlib's frame). Raises ``BodyError``."""
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return data
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise BodyError(415, "Content-Encoding must be gzip, deflate or identity")
    try:
        return _inflate(data, zlib.MAX_WBITS | 32, limit)
    except zlib.error:
        try:
            return _inflate(data, -zlib.MAX_WBITS, limit)
        except zlib.error:
            raise BodyError(400, f"the body is not {coding}") from None


def _inflate(data: bytes, window_bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window_bits)
    inflated = inflater.decompress(data, limit + 1)
    if len(inflated) > limit:
        raise BodyError(413, f"the inflated body is over the limit of {limit} bytes")
    if not inflater.eof:
        raise BodyError(400, "the compressed body breaks off")
    return inflated
