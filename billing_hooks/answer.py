"""What came back for one POST, and how a stranger's bytes are made safe to store and print. Pure."""

from dataclasses import dataclass

_LINE_SEPARATORS = range(0x2028, 0x202A)
_BIDI_CONTROLS = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES |= {code: f"\\u{code:04x}" for code in (*_LINE_SEPARATORS, *_BIDI_CONTROLS)}


@dataclass(frozen=True, slots=True)
class Answer:
    """Either ``status`` with what came with it, or ``error``: why no answer came, in words without secrets.

    ``retry_after`` is the header as received; ``text`` the beginning of the body, printable.
    """

    status: int | None = None
    retry_after: str | None = None
    text: str = ""
    error: str | None = None


def printable(body: bytes) -> str:
    """The bytes as text: UTF-8 where it is, everything that moves a cursor or turns text around as an escape."""
    return body.decode("utf-8", "backslashreplace").translate(_ESCAPES)
