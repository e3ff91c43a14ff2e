"""Which bytes of a file a request wants (RFC 9110 §13.1.5 and §14), and digests as headers (RFC 9530). Pure."""

import base64
import re
from dataclasses import dataclass

_RANGE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes ``first`` until before ``end`` of a file of ``size``; ``partial`` when a range was asked for."""

    first: int
    end: int
    size: int
    partial: bool = False

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.end - self.first

    @property
    def content_range(self) -> str:
        """The Content-Range of a 206."""
        return f"bytes {self.first}-{self.end - 1}/{self.size}"


def part_wanted(size: int, etag: str, range_: str | None, if_range: str | None) -> Part | None:
    """The part that a GET wants; None when there is no such part (416).

    Several ranges, another unit and what cannot be read are passed over, as is a range of another version of the file:
    the whole file is sent, which is always right (RFC 9110 §14.2). A date in If-Range never fits: we give none out.
    """
    whole = Part(0, size, size)
    match = _RANGE.fullmatch(range_ or "")
    if match is None or (if_range is not None and if_range.strip() != etag):
        return whole
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        return Part(size - length, size, size, partial=True) if length else None
    if last is not None and int(last) < int(first):
        return whole
    if int(first) >= size:
        return None
    return Part(int(first), size if last is None else min(int(last) + 1, size), size, partial=True)


def etag_of(sha256: str) -> str:
    """A strong validator: the same bytes, the same tag."""
    return f'"{sha256}"'


def digest_of(sha256: str) -> str:
    """The value of Content-Digest and Repr-Digest (RFC 9530 §2 and §3)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
