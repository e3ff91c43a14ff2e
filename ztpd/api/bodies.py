"""The body of a request, within bounds of size and time, whatever it is compressed with."""

import asyncio
import zlib
from collections.abc import Mapping

from aiohttp import web

from ztpd.api.problems import Malformed, TooLarge, TooSlow, UnsupportedMedia

_WINDOW_BITS: Mapping[str, int] = {
    "gzip": 16 + zlib.MAX_WBITS,
    "x-gzip": 16 + zlib.MAX_WBITS,
    "deflate": zlib.MAX_WBITS,
}
"""Content codings (RFC 9110 §8.4.1) and the container that zlib must expect of each."""


async def read_json_body(
    request: web.Request, limit: int, deadline_s: float, media_type: str = "application/json"
) -> bytes:
    """The whole body of JSON, or of lines of it, inflated; at most ``limit`` bytes before and after.

    Raises ``UnsupportedMedia``, ``TooLarge``, ``TooSlow`` and ``Malformed``.
    """
    if request.content_type != media_type or (request.charset or "utf-8").lower() != "utf-8":
        what = "JSON" if media_type == "application/json" else "lines of JSON"
        raise UnsupportedMedia(f"the body must be {what} in UTF-8", f"send Content-Type: {media_type}")
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(deadline_s):
            received = await _receive(request, limit)
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {deadline_s:g} seconds", "send it again") from None
    except (web.RequestPayloadError, ConnectionError):
        raise Malformed("the body broke off or is framed wrongly", "send it again") from None
    return inflate(received, request.headers.get("Content-Encoding", ""), limit)


async def _receive(request: web.Request, limit: int) -> bytes:
    chunks = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def inflate(data: bytes, coding: str, limit: int) -> bytes:
    """The data without its content coding, at most ``limit`` bytes.

    Raises ``UnsupportedMedia``, ``TooLarge`` and ``Malformed`` (broken off, or with something behind its end).
    """
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return data
    if coding not in _WINDOW_BITS:
        raise UnsupportedMedia("this content coding is not taken", "send the body as it is, or with gzip or deflate")
    inflater = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error:
        raise Malformed(f"the body is not {coding}", "correct Content-Encoding") from None
    if len(inflated) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise Malformed(f"the {coding} body is not whole", "send it again")
    return inflated


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {limit} bytes", "split the request")
