"""Lists printed as one block of keys and values for each ONU."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pon.autofind.platform import Entry, Platform, Reading
from pon.autofind.screen import Line

_RULE = re.compile(r"\s*-{8,}\s*")
_OPENING = frozenset({"port", "serial"})


@dataclass(slots=True)
class _Block:
    line: Line
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks that begin where ``start`` matches (its groups are fields) and hold ``pair`` lines (key, value)."""

    start: re.Pattern[str]
    pair: re.Pattern[str]

    def read(self, platform: Platform, lines: Sequence[Line], printed: Sequence[str]) -> Reading:
        """A block also ends at a rule, and where a key comes again with another value: a lost start joins no two."""
        blocks: list[_Block] = []
        block: _Block | None = None
        for line in lines:
            if _RULE.fullmatch(line.text):
                block = None
                continue
            start = self.start.match(line.text)
            if start is not None:
                block = _Block(line, {name: value for name, value in start.groupdict().items() if value})
                blocks.append(block)
                continue
            name, value = self._pair_in(platform, line.text)
            if not name:
                continue
            if block is None or block.fields.get(name, value) != value:
                if name not in _OPENING:
                    continue
                block = _Block(line)
                blocks.append(block)
            block.fields[name] = value
        return Reading(recognised=bool(blocks), entries=[Entry(block.line, block.fields) for block in blocks])

    def _pair_in(self, platform: Platform, text: str) -> tuple[str, str]:
        pair = self.pair.match(text)
        return ("", "") if pair is None else (platform.field_named(pair[1]), pair[2].strip())
