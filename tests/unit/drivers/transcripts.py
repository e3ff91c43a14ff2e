"""The recorded dialogues of ``tests/transcripts``, as its README describes them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "transcripts"

_MARKS = str.maketrans({"␛": "\x1b", "␈": "\b", "␍": "\r"})


@dataclass(slots=True)
class Exchange:
    """One command with what came back: pieces of text, and the keys that are pressed between them."""

    platform: str
    where: str
    command: str
    confirm: bool
    raw: str = ""
    expected: list[str] = field(default_factory=list)

    @property
    def pieces(self) -> list[str]:
        """What is printed, cut where keys are pressed."""
        return _parts(self.raw)[0::2]

    @property
    def keys(self) -> list[str]:
        """The keys that are pressed behind each piece but the last."""
        return _parts(self.raw)[1::2]

    @property
    def refusal(self) -> str | None:
        """How it is refused, if it is."""
        return next((line.split()[1] for line in self.expected if line.startswith("refused ")), None)

    @property
    def told(self) -> list[dict[str, str]]:
        """The facts of each row."""
        lines = [line for line in self.expected if "=" in line]
        return [dict(pair.split("=", 1) for pair in shlex.split(line)) for line in lines]

    @property
    def found(self) -> list[tuple[str, str]]:
        """The ONUs of an autofind list, by port and serial."""
        lines = [line.split() for line in self.expected if line.startswith("autofind ")]
        return [(words[1], words[2]) for words in lines]


def exchanges() -> Iterator[Exchange]:
    """Every exchange of every platform."""
    for path in sorted(FOLDER.glob("*/*.txt")):
        current: Exchange | None = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("=== "):
                if current is not None:
                    yield _done(current)
                command, confirm = re.fullmatch(r"=== (.*?)( \(confirm\))?", line).groups()  # type: ignore[union-attr]
                current = Exchange(path.parent.name, f"{path.name}:{number}", command, confirm is not None)
            elif line.startswith("+++ ") and current is not None:
                current.expected.append(line.removeprefix("+++ "))
            elif current is not None:
                current.raw += line + "\r\n"
        if current is not None:
            yield _done(current)


def _done(exchange: Exchange) -> Exchange:
    exchange.raw = exchange.raw.translate(_MARKS).removesuffix("\r\n")
    return exchange


def _parts(raw: str) -> list[str]:
    parts = raw.split("⏎")
    for place in range(1, len(parts), 2):
        parts[place] = parts[place].replace("\r\n", "\n")
    return parts
