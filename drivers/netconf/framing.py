"""NETCONF messages out of a byte stream: end-of-message framing and chunked framing (RFC 6242 §4.2, §4.3).

ncclient's own parser decodes all that it holds again for every chunk, which costs seconds for a reply of megabytes.
"""

import re

END_OF_MESSAGE = b"]]>]]>"
END_OF_CHUNKS = b"\n##\n"
_CHUNK_HEADER = re.compile(rb"\n#([1-9][0-9]{0,9})\n")
_UNFINISHED_HEADER = re.compile(rb"(\n(#([1-9][0-9]{0,9}|#)?)?)?")
_LONGEST_HEADER = len(b"\n#4294967295\n")


class MalformedFraming(ValueError):
    """The bytes are no NETCONF framing, or a message is larger than is allowed: the session cannot go on."""


class Deframer:
    """Bytes in, messages out, however the bytes were cut; each byte is looked at once.

    Begins with end-of-message framing; chunks are expected from ``use_chunks`` on (after the hellos, RFC 6242 §4.1).
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._limit = max_message_bytes
        self._buffer = bytearray()
        self._chunks: list[bytes] = []
        self._chunks_bytes = 0
        self._missing = 0  # bytes of the chunk under way that are not there yet
        self._chunked = False
        self._searched = 0

    def use_chunks(self) -> None:
        """From the next message on, expect chunks."""
        self._chunked = True
        self._searched = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes from the stream; raises ``MalformedFraming`` when a message becomes too large."""
        self._buffer += data
        if self._chunks_bytes + len(self._buffer) > self._limit + _LONGEST_HEADER:
            raise MalformedFraming(f"a message of more than {self._limit} bytes")

    def next_message(self) -> bytes | None:
        """The next whole message, or None until more bytes come; raises ``MalformedFraming``."""
        return self._next_chunked() if self._chunked else self._next_marked()

    def _next_marked(self) -> bytes | None:
        end = self._buffer.find(END_OF_MESSAGE, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(END_OF_MESSAGE) + 1)
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        self._searched = 0
        return message

    def _next_chunked(self) -> bytes | None:
        while True:
            if not self._missing and not self._begin_chunk():
                return None
            if not self._missing:
                return self._finish()
            if len(self._buffer) < self._missing:
                return None
            self._chunks.append(bytes(self._buffer[: self._missing]))
            self._chunks_bytes += self._missing
            del self._buffer[: self._missing]
            self._missing = 0

    def _begin_chunk(self) -> bool:
        """Take a header, or the end of chunks (then nothing is missing); False when it is not there whole yet."""
        header = _CHUNK_HEADER.match(self._buffer)
        if header is not None:
            self._missing = int(header[1])
            del self._buffer[: header.end()]
            if self._chunks_bytes + self._missing > self._limit:
                raise MalformedFraming(f"a message of more than {self._limit} bytes")
            return True
        if self._buffer.startswith(END_OF_CHUNKS):
            del self._buffer[: len(END_OF_CHUNKS)]
            return True
        start = bytes(self._buffer[:_LONGEST_HEADER])
        if _UNFINISHED_HEADER.fullmatch(start) is None:
            raise MalformedFraming(f"no chunk header: {start!r}")
        return False

    def _finish(self) -> bytes:
        if not self._chunks:
            raise MalformedFraming("a message without chunks")
        message = b"".join(self._chunks)
        self._chunks = []
        self._chunks_bytes = 0
        return message
