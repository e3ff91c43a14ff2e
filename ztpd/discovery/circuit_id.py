"""What a circuit-id says of a place, by a table of patterns that the operator edits.

Pure. The raw bytes stay the key (RFC 3046 §3.1 leaves their inside to the relay); the table only explains them. Rows
are tried in order, the first that fits wins, and what no row knows stays unexplained.
"""

import re
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

GROUPS = frozenset({"node", "rack", "frame", "slot", "subslot", "port", "onu", "svlan", "cvlan", "mac", "serial"})
LONGEST = 255  # a sub-option's length is one byte
_CACHED = 16_384
_MOST_ROWS = 256
_LONGEST_PATTERN = 1_000
_WIDTHS = frozenset("12345678")
_KEYS = frozenset({"name", "example", "pattern", "binary", "element", "port"})

Groups = dict[str, str]
Reader = Callable[[bytes], Groups | None]


class CircuitIdTableError(ValueError):
    """The table cannot be used: ``row`` (its name or number) and ``key`` say where, ``remedy`` what to do."""

    def __init__(self, row: str, key: str, problem: str, remedy: str) -> None:
        self.row = row
        self.key = key
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"circuit-id pattern {row}, {key}: {problem}; {remedy}")


@dataclass(frozen=True, slots=True)
class CircuitIdMatch:
    """Which row explained a circuit-id, and the place it means as far as the row's templates say."""

    pattern: str
    groups: Mapping[str, str]
    element: str | None
    port: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    read: Reader
    element: str | None
    port: str | None


class CircuitIdTable:
    """The patterns in order, with the latest 16,384 answers remembered."""

    def __init__(self, rows: tuple[_Row, ...]) -> None:
        self._rows = rows
        self._remembered = lru_cache(maxsize=_CACHED)(self._first_match)

    @classmethod
    def from_toml(cls, mapping: Mapping[str, object]) -> "CircuitIdTable":
        """The table in a parsed TOML document: an array ``pattern`` of rows. Raises ``CircuitIdTableError``.

        A row has ``name``, ``example``, either ``pattern`` or ``binary``, and may have ``element`` and ``port``.
        ``pattern`` is a regular expression over the whole circuit-id, one character a byte, with named groups from
        ``GROUPS``. ``binary`` is a list of fixed bytes in hex (``"00 04"``) and of ``"group:bytes"``, a big-endian
        number (``mac`` and ``serial``: their bytes). ``element`` and ``port`` are templates over the row's groups
        (``"{frame}/{slot}/{port}"``). ``example`` is a circuit-id that the row must fit, in hex for ``binary``.
        """
        unknown = sorted(set(mapping) - {"pattern"})
        if unknown:
            raise CircuitIdTableError("table", unknown[0], "is not known", "write every row as [[pattern]]")
        rows = mapping.get("pattern", [])
        if not isinstance(rows, list) or len(rows) > _MOST_ROWS:
            problem = f"is no list of at most {_MOST_ROWS} rows"
            raise CircuitIdTableError("table", "pattern", problem, "write each row as [[pattern]]")
        built: dict[str, _Row] = {}
        for number, raw in enumerate(rows, start=1):
            row = _build_row(number, raw)
            if row.name in built:
                raise CircuitIdTableError(row.name, "name", "is used twice", "give each row its own name")
            built[row.name] = row
        return cls(tuple(built.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The rows' names, in the order they are tried."""
        return tuple(row.name for row in self._rows)

    def explain(self, raw: bytes) -> CircuitIdMatch | None:
        """What the first fitting row says, or None when none fits or the circuit-id is over 255 bytes.

        The bound also bounds the work a pattern can make.
        """
        return self._remembered(raw) if len(raw) <= LONGEST else None

    def _first_match(self, raw: bytes) -> CircuitIdMatch | None:
        for row in self._rows:
            groups = row.read(raw)
            if groups is not None:
                return CircuitIdMatch(row.name, groups, _fill(row.element, groups), _fill(row.port, groups))
        return None


def printable(octets: bytes) -> str:
    """Bytes from the wire as a terminal may show them: ASCII, everything else escaped."""
    text = octets.decode("latin-1")
    return "".join(each if each.isascii() and each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def _fill(template: str | None, groups: Groups) -> str | None:
    """The template's text, or None if there is none or a group it needs took no part in the match."""
    if template is None or not all(name in groups for name in _template_groups(template)):
        return None
    return template.format_map(groups)


def _template_groups(template: str) -> Iterator[str]:
    for _, name, _, _ in string.Formatter().parse(template):
        if name is not None:
            yield name


def _build_row(number: int, raw: object) -> _Row:
    label = f"number {number}"
    if not isinstance(raw, dict):
        raise CircuitIdTableError(label, "pattern", "is no table", "write the row as [[pattern]]")
    name = _text(label, raw, "name")
    unknown = sorted(set(raw) - _KEYS)
    if unknown:
        raise CircuitIdTableError(name, unknown[0], "is not known", f"use {', '.join(sorted(_KEYS))}")
    if ("pattern" in raw) == ("binary" in raw):
        problem = "stands beside binary" if "pattern" in raw else "is missing, and so is binary"
        raise CircuitIdTableError(name, "pattern", problem, "give exactly one of the two")
    example = _text(name, raw, "example")
    if "pattern" in raw:
        read, groups = _text_reader(name, _text(name, raw, "pattern"))
        sample = _bytes_of(name, "example", example, lambda text: text.encode("latin-1"), "one byte a character")
    else:
        read, groups = _binary_reader(name, raw["binary"])
        sample = _bytes_of(name, "example", example, bytes.fromhex, "hex digits")
    if read(sample) is None:
        raise CircuitIdTableError(name, "example", f"{example!r} does not fit its own row", "correct one of the two")
    return _Row(name, read, _template(name, raw, "element", groups), _template(name, raw, "port", groups))


def _text(row: str, raw: Mapping[str, object], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise CircuitIdTableError(row, key, "is missing or no text", f'write {key} = "..."')
    return value


def _bytes_of(row: str, key: str, text: str, convert: Callable[[str], bytes], form: str) -> bytes:
    try:
        return convert(text)
    except ValueError:
        raise CircuitIdTableError(row, key, f"{text!r} cannot be read as bytes", f"write {form}") from None


def _template(row: str, raw: Mapping[str, object], key: str, groups: frozenset[str]) -> str | None:
    if key not in raw:
        return None
    template = _text(row, raw, key)
    remedy = f"use plain groups of the row: {', '.join(f'{{{name}}}' for name in sorted(groups))}"
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as problem:
        raise CircuitIdTableError(row, key, str(problem), remedy) from None
    for _, name, format_spec, conversion in parsed:
        if name is not None and (name not in groups or format_spec or conversion):
            raise CircuitIdTableError(row, key, f"{{{name}}} is no group of the row", remedy)
    return template


_ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{)")


def _text_reader(row: str, pattern: str) -> tuple[Reader, frozenset[str]]:
    if len(pattern) > _LONGEST_PATTERN:
        raise CircuitIdTableError(row, "pattern", f"is over {_LONGEST_PATTERN} characters", "split it into rows")
    # Repeating a group is how a regular expression comes to take exponential time.
    if _REPEATED_GROUP.search(_ESCAPE_OR_CLASS.sub("_", pattern)):
        raise CircuitIdTableError(row, "pattern", "repeats a group", r"write the parts out, or a class: [\d/]+")
    try:
        compiled = re.compile(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as problem:
        raise CircuitIdTableError(row, "pattern", str(problem), "correct the regular expression") from None
    groups = frozenset(compiled.groupindex)
    _refuse_unknown_groups(row, "pattern", groups)

    def read(raw: bytes) -> Groups | None:
        match = compiled.fullmatch(raw.decode("latin-1"))
        if match is None:
            return None
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        # Groups become names of elements and ports and end in logs: nobody smuggles control characters in.
        return found if all(value.isprintable() for value in found.values()) else None

    return read, groups


@dataclass(frozen=True, slots=True)
class _Field:
    """A part of a binary circuit-id: fixed bytes, or a group of a width."""

    width: int
    fixed: bytes | None = None
    group: str | None = None


def _binary_reader(row: str, layout: object) -> tuple[Reader, frozenset[str]]:
    if not isinstance(layout, list) or not layout or not all(isinstance(part, str) for part in layout):
        raise CircuitIdTableError(row, "binary", "is no list of texts", 'write ["00 04", "svlan:2", "port:1"]')
    fields = tuple(_parse_field(row, part) for part in layout)
    length = sum(each.width for each in fields)
    names = [each.group for each in fields if each.group is not None]
    _refuse_unknown_groups(row, "binary", names)
    if len(names) != len(set(names)):
        raise CircuitIdTableError(row, "binary", "has a group twice", "name each group once")

    def read(raw: bytes) -> Groups | None:
        if len(raw) != length:
            return None
        groups: Groups = {}
        at = 0
        for each in fields:
            part = raw[at : at + each.width]
            at += each.width
            if each.group is not None:
                groups[each.group] = _shown(each.group, part)
            elif part != each.fixed:
                return None
        return groups

    return read, frozenset(names)


def _parse_field(row: str, part: str) -> _Field:
    group, colon, width = part.partition(":")
    if not colon:
        fixed = _bytes_of(row, "binary", part, bytes.fromhex, 'fixed bytes in hex ("00 04") or "group:bytes"')
        return _Field(len(fixed), fixed=fixed)
    if width not in _WIDTHS:
        raise CircuitIdTableError(row, "binary", f"{part!r} has no width of 1 to 8 bytes", 'write "group:bytes"')
    return _Field(int(width), group=group)


def _shown(group: str, part: bytes) -> str:
    if group == "mac":
        return part.hex(":")
    if group == "serial":
        return part.hex().upper()
    return str(int.from_bytes(part, "big"))


def _refuse_unknown_groups(row: str, key: str, names: frozenset[str] | list[str]) -> None:
    unknown = sorted(set(names) - GROUPS)
    if unknown:
        raise CircuitIdTableError(row, key, f"group {unknown[0]!r} is not known", f"use {', '.join(sorted(GROUPS))}")
