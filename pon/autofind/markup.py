"""Lists printed as XML: one element for each ONU, with named values in it.

expat, not lxml, for the reasons of any text that a device makes up: its names end with the parser, and its handlers
keep the bounds while parsing. A DOCTYPE is refused; entities of the document's own are thereby unknown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.parsers import expat

from pon.autofind.answer import Unread, shown
from pon.autofind.platform import Entry, Platform, Reading
from pon.autofind.screen import Line

MAX_DEPTH = 32
MAX_ELEMENTS = 200_000
_BEGIN = re.compile(r"<(?:\?xml\b|!DOCTYPE\b|[A-Za-z][\w.:-]{0,60}[\s/>])")
_ENCODING = re.compile(r"<\?xml\b[^<>]{0,200}\?>")


class _Stop(Exception):
    """The document goes over a bound, or holds what is refused."""


@dataclass(frozen=True, slots=True)
class Markup:
    """A document that holds ``entry`` elements; children of these name their value in the attribute ``key``.

    ``about`` is a name (of an element, or in ``key``) that shows the document to be this list although it is empty.
    """

    entry: str
    key: str
    about: str

    def read(self, platform: Platform, lines: Sequence[Line], printed: Sequence[str]) -> Reading:
        """The entries up to the document's end or its first fault, which becomes one that could not be read."""
        reading = Reading()
        text = "\n".join(printed)
        begin = _BEGIN.search(text)
        if begin is None:
            return reading
        above = text.count("\n", 0, begin.start())
        walk = _Walk(self, platform, reading, above)
        document = _ENCODING.sub("", text[begin.start() :], count=1)
        fault = walk.through(document.encode("utf-8", "replace"))
        reading.whole = not fault
        if fault and reading.recognised:
            reading.damaged.append(Unread(above + walk.line, shown(printed[above + walk.line - 1]), fault))
        return reading


class _Walk:
    """One pass of expat over a document."""

    def __init__(self, form: Markup, platform: Platform, reading: Reading, above: int) -> None:
        self.line = 1
        self._form = form
        self._platform = platform
        self._reading = reading
        self._above = above
        self._depth = self._elements = 0
        self._ended = False
        self._fields: dict[str, str] | None = None
        self._field = ""
        self._text: list[str] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._doctype

    def through(self, document: bytes) -> str:
        """Why the document is not whole, or an empty string."""
        try:
            self._parser.Parse(document, True)
        except expat.ExpatError as error:
            if self._ended:  # what follows the root is the next prompt
                return ""
            self.line = error.lineno
            return f"the XML is not whole: {expat.ErrorString(error.code)}"
        except _Stop as stop:
            self.line = self._parser.CurrentLineNumber
            return str(stop)
        return ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise _Stop(f"the XML has more than {MAX_ELEMENTS} elements or is deeper than {MAX_DEPTH}")
        key = attributes.get(self._form.key, "")
        self._reading.recognised |= self._form.about in (name, key)
        self._text.clear()
        if name == self._form.entry:
            self._fields = {}
        self._field = self._platform.field_named(key) if self._fields is not None else ""

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._ended = self._depth == 0
        if self._fields is None:
            return
        if name == self._form.entry:
            # Tables of other things have such elements too: an entry of this one has a port or a serial.
            if self._fields.keys() & {"port", "serial"}:
                number = self._above + self._parser.CurrentLineNumber
                text = " ".join(f"{field}={value}" for field, value in self._fields.items())
                self._reading.entries.append(Entry(Line(number, text), self._fields))
                self._reading.recognised = True
            self._fields = None
        elif self._field:
            self._fields[self._field] = "".join(self._text).strip()
            self._field = ""

    def _doctype(self, name: str, *_ids: object) -> None:
        self._reading.recognised = True
        raise _Stop("a DOCTYPE is not accepted")
