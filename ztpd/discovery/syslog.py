"""Syslog as elements write it: one line into its parts (RFC 3164, RFC 5424), one TCP stream into lines (RFC 6587).

Pure, and tolerant: elements put years, zones and counters where the RFCs have none. What a line says is a hint and no
more, so what cannot be told apart stays in its text.
"""

import re
from dataclasses import dataclass

LONGEST_LINE = 2048
"""How many bytes of a line are read: the least that RFC 5424 §6.1 asks a receiver to take. The rest is cut off."""

LONGEST_DROPPED = 64 * 1024
"""How many bytes may follow a line that is too long before its end."""

_USER_NOTICE = 13  # what a line without PRI counts as (RFC 3164 §4.3.3)
_HIGHEST_PRI = 191

_PRI = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"1 \S++ (\S++) (\S++) \S++ \S++ (?:-|(?:\[[^\]\"]*+(?:\"(?:[^\"\\]|\\.)*+\"[^\]\"]*+)*+\])++)(?: |$)"
)
_COUNTED_BEFORE = re.compile(r"\d{1,10}: ")
_STAMP = re.compile(
    r"[*.]?(?:"
    r"[A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[+-]\d{2}:?\d{2})?"
    r"|\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}[\d.:+Z-]{0,16}"
    r")(?: [A-Z]{3,4}(?=:))?(:?) "
)
_HOST = re.compile(r"([^\s:\[\]%]{1,255}+) (?=\S)")
_TAG = re.compile(r"([^\s:\[\]]{1,48}+)(?:\[[^\]\s]{0,48}+\])?:")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_END_OF_LINE = re.compile(b"[\n\0]")
_COUNT = re.compile(rb"([1-9]\d{0,4}) <")
_COUNT_BEGUN = re.compile(rb"[1-9]\d{0,4}(?: )?")


class LineRefused(ValueError):
    """A line that is no syslog message; the text says why, in words of a small fixed set."""


class StreamBroken(ValueError):
    """A TCP stream in which no further line can be found; the text says why."""


@dataclass(frozen=True, slots=True)
class SyslogMessage:
    """One message; ``text`` is what it says, ``said`` all that follows the host name: tags and structured data too."""

    facility: int
    severity: int
    hostname: str | None
    app: str | None
    text: str
    said: str


def parse(line: bytes) -> SyslogMessage:
    """The message in a datagram or line, its control characters as spaces; raises ``LineRefused``."""
    if not line.strip(b"\r\n\0 "):
        raise LineRefused("empty")
    # A cut may fall inside a character.
    decoded = line[:LONGEST_LINE].decode("utf-8", "replace")
    text = _CONTROL.sub(" ", decoded).strip(" ")
    found = _PRI.match(text)
    if found is None:
        if "\ufffd" in decoded or any(each not in "\t\r\n\0" for each in "".join(_CONTROL.findall(decoded))):
            raise LineRefused("neither a priority nor text")
        return _rfc3164(_USER_NOTICE, text)
    priority = int(found[1])
    if priority > _HIGHEST_PRI:
        raise LineRefused("priority over 191")
    rest = text[found.end() :]
    return _rfc5424(priority, rest) or _rfc3164(priority, rest.lstrip(" "))


def _rfc5424(priority: int, rest: str) -> SyslogMessage | None:
    """The message if it is of RFC 5424 §6."""
    header = _RFC5424.match(rest)
    if header is None:
        return None
    hostname, app = (None if value == "-" else value for value in header.groups())
    return SyslogMessage(
        facility=priority >> 3,
        severity=priority & 7,
        hostname=hostname,
        app=app,
        text=rest[header.end() :].removeprefix("\ufeff"),
        said=rest[header.start(2) :],
    )


def _rfc3164(priority: int, rest: str) -> SyslogMessage:
    """The message of RFC 3164 §4.1 as far as it has that form; a counter and a year are passed over."""
    counter = _COUNTED_BEFORE.match(rest)
    at = counter.end() if counter else 0
    hostname = None
    stamp = _STAMP.match(rest, at)
    if stamp is not None:
        at = stamp.end()
        # A colon behind the time is Cisco's way: no host name follows.
        host = None if stamp[1] else _HOST.match(rest, at)
        if host is not None:
            hostname, at = host[1], host.end()
    said = rest[at:]
    tag = _TAG.match(said)
    text = said if tag is None else said[tag.end() :].lstrip(" ")
    return SyslogMessage(priority >> 3, priority & 7, hostname, None if tag is None else tag[1], text, said)


class Lines:
    """Lines out of the bytes of one TCP stream, in whatever pieces they come (RFC 6587 §3.4).

    A line is counted (``LENGTH SP <PRI>…``) or ended by a newline or NUL; each line may be either. At most
    ``LONGEST_LINE`` bytes of a line are kept and given.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._to_skip = 0
        self._dropped: int | None = None

    @property
    def inside(self) -> bool:
        """Whether a line has begun that has not ended."""
        return bool(self._buffer or self._to_skip) or self._dropped is not None

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete; raises ``StreamBroken`` for one that never ends."""
        self._buffer += data
        lines = []
        while self._skip():
            line = self._next()
            if line is None:
                break
            lines.append(line)
        return lines

    def end(self) -> list[bytes]:
        """What is left when the stream ends: a last line may lack its newline."""
        left, whole = bytes(self._buffer), not self._to_skip and self._dropped is None
        self._buffer.clear()
        return [left] if left and whole and _COUNT.match(left) is None else []

    def _skip(self) -> bool:
        """Pass over what was cut off and what stands between lines; whether there are bytes behind it."""
        if self._dropped is not None:
            end = _END_OF_LINE.search(self._buffer)
            self._dropped += end.end() if end else len(self._buffer)
            if self._dropped > LONGEST_DROPPED:
                raise StreamBroken("a line that does not end")
            del self._buffer[: end.end() if end else None]
            if end is None:
                return False
            self._dropped = None
        skipped = min(self._to_skip, len(self._buffer))
        self._to_skip -= skipped
        del self._buffer[:skipped]
        if not self._to_skip:
            del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n\0 "))]
        return bool(self._buffer)

    def _next(self) -> bytes | None:
        count = _COUNT.match(self._buffer)
        if count is not None:
            return self._counted(count.end() - 1, int(count[1]))
        if _COUNT_BEGUN.fullmatch(self._buffer):
            return None
        end = _END_OF_LINE.search(self._buffer, 0, LONGEST_LINE + 1)
        if end is not None:
            return self._take(end.start(), end.end())
        if len(self._buffer) <= LONGEST_LINE:
            return None
        self._dropped = 0
        return self._take(LONGEST_LINE, LONGEST_LINE)

    def _counted(self, start: int, length: int) -> bytes | None:
        kept = min(length, LONGEST_LINE)
        if len(self._buffer) < start + kept:
            return None
        del self._buffer[:start]
        self._to_skip = length - kept
        return self._take(kept, kept)

    def _take(self, length: int, used: int) -> bytes:
        line = bytes(self._buffer[:length])
        del self._buffer[:used]
        return line
