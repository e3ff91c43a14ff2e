"""NETCONF messages on a byte stream: end-of-message framing and chunked framing (RFC 6242 §4.2, §4.3)."""

import re

END_OF_MESSAGE = b"]]>]]>"
END_OF_CHUNKS = b"\n##\n"
_CHUNK_HEADER = re.compile(rb"\n#([1-9][0-9]{0,9})\n")
_LONGEST_HEADER = len(b"\n#4294967295\n")


class FramingError(ValueError):
    """The bytes are no NETCONF framing, or a message is larger than is allowed; the session must end."""


def frame(message: bytes, *, chunk_bytes: int | None) -> bytes:
    """One message as it goes on the wire: chunked when ``chunk_bytes`` is given, else with the end marker behind it."""
    if chunk_bytes is None:
        return message + END_OF_MESSAGE
    chunks = (message[start : start + chunk_bytes] for start in range(0, len(message), chunk_bytes))
    return b"".join(b"\n#%d\n%s" % (len(chunk), chunk) for chunk in chunks) + END_OF_CHUNKS


class Deframer:
    """Bytes in, messages out, however the bytes were cut.

    Begins with end-of-message framing; ``use_chunks`` changes to chunked framing after the hellos (RFC 6242 §4.1).
    """

    def __init__(self, max_message_bytes: int = 64 * 1024 * 1024) -> None:
        self._limit = max_message_bytes
        self._buffer = bytearray()
        self._chunks: list[bytes] = []
        self._message_bytes = 0
        self._chunked = False
        self._searched = 0

    def use_chunks(self) -> None:
        """From the next message on, expect chunks."""
        self._chunked = True
        self._searched = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes from the stream."""
        self._buffer += data

    def next_message(self) -> bytes | None:
        """The next whole message, or None until more bytes come; raises ``FramingError``."""
        return self._next_chunked() if self._chunked else self._next_marked()

    def _next_marked(self) -> bytes | None:
        end = self._buffer.find(END_OF_MESSAGE, self._searched)
        if end < 0:
            self._check_size(len(self._buffer))
            self._searched = max(0, len(self._buffer) - len(END_OF_MESSAGE) + 1)
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        self._searched = 0
        return message

    def _next_chunked(self) -> bytes | None:
        while True:
            if self._buffer.startswith(END_OF_CHUNKS):
                return self._finish()
            header = _CHUNK_HEADER.match(self._buffer)
            if header is None:
                self._check_header()
                return None
            size = int(header[1])
            self._check_size(self._message_bytes + size)
            if len(self._buffer) < header.end() + size:
                return None
            self._chunks.append(bytes(self._buffer[header.end() : header.end() + size]))
            self._message_bytes += size
            del self._buffer[: header.end() + size]

    def _finish(self) -> bytes:
        if not self._chunks:
            raise FramingError("a message without chunks")
        message = b"".join(self._chunks)
        del self._buffer[: len(END_OF_CHUNKS)]
        self._chunks = []
        self._message_bytes = 0
        return message

    def _check_header(self) -> None:
        """Raise unless what is there may still become a chunk header or the end of chunks."""
        start = bytes(self._buffer[:_LONGEST_HEADER])
        unfinished = re.fullmatch(rb"(\n(#([1-9][0-9]{0,9}|#)?)?)?", start)
        if unfinished is None:
            raise FramingError(f"no chunk header: {start!r}")

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise FramingError(f"a message of more than {self._limit} bytes")
