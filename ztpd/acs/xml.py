"""Bytes of one XML document into a bare tree, within bounds and without a DTD.

Pure. Namespaces do not matter: devices in the field use any prefix, and some never declare it. The parser is expat,
not lxml: libxml2 keeps every element name it ever met in a dictionary that lxml shares between all parsers of a
thread, so a stream of made-up names grows the process without end (0.3 MB for each 256 KiB body); expat's names end
with the parser, and its handlers enforce the bounds while parsing.

What nearly every CPE sends takes a quicker way, through the tree builder of the standard library, which is in C and
knows no bounds but those that are looked after here. What is in any way unusual takes the careful one.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element as Element  # what a document is made of here
from xml.parsers import expat

from ztpd.acs.errors import ForbiddenXml, MalformedXml, TooComplex

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ATTRIBUTES = 64
MAX_ELEMENTS = 32_768

_QUICK_BYTES = 64 * 1024  # has fewer elements than may be
_QUICK_ATTRIBUTES = 16  # without those that declare namespaces

_CWMP = b"urn:dslforum-org:cwmp-"
_CWMP_NAMESPACE = re.compile(r"urn:dslforum-org:cwmp-1-[0-9]{1,2}")
_DECLARATION = re.compile(rb"\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9._:\-]{1,40})[\"']")
_DECLARATION_TEXT = re.compile(r"<\?xml\b[^>]{0,200}\?>")
_FORBIDDEN_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:(amp|lt|gt|quot|apos);|#(x[0-9A-Fa-f]{1,6}|[0-9]{1,7});)?")

# Charsets that Python decodes to text in linear time; any other name is read as UTF-8, else as Latin-1.
_CODEC = re.compile(
    r"iso8859_(?:[1-9]|1[0135])|(?:cp|windows_)125[0-8]|cp(?:437|850|866|936|949)|latin_?1|koi8_[ru]"
    r"|gb(?:k|2312|18030)|big5(?:hkscs)?|shift_jis|euc_(?:jp|kr)"
)


def own_text(element: Element) -> str:
    """What stands in the element before its first child, without outer blanks."""
    return (element.text or "").strip()


def text_of(element: Element, name: str) -> str:
    """The text of the first child of that name without outer blanks; empty when there is none."""
    return (element.findtext(name) or "").strip()


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document, by local names: its root, and the CWMP namespace that is declared in it, None if none is."""

    root: Element
    cwmp_namespace: str | None


def parse(body: bytes) -> Document:
    """The document that the bytes spell, repaired once where it is not well-formed.

    Repairs what devices in the field get wrong: unescaped ``&``, stray control characters, bytes that are not of
    the declared charset, blanks before the declaration, NULs after the end.
    Raises ``ForbiddenXml``, ``TooComplex`` or ``MalformedXml``.
    """
    if len(body) > MAX_BYTES:
        raise TooComplex(f"{len(body)} bytes are more than {MAX_BYTES}", "document")
    quick = _quickly(body)
    if quick is not None:
        return quick
    try:
        return _parse(_utf8(body))
    except MalformedXml as first:
        repaired = _repaired(body)
        if not repaired:
            raise
        try:
            return _parse(repaired)
        except MalformedXml:
            raise first from None


def _quickly(body: bytes) -> Document | None:
    """The document, where nothing about it is unusual; None where it must be looked at with care.

    Unusual are a DOCTYPE, CDATA, another charset, what is not well-formed, an undeclared prefix, a second version of
    CWMP, and a bound exceeded.
    """
    if len(body) > _QUICK_BYTES or b"<!" in body or body.count(_CWMP) != 1 or _declared_codec(body) is not None:
        return None
    # Nothing of a DOCTYPE comes this far, and with it nothing that could be expanded or fetched.
    parser = ElementTree.XMLParser(encoding="utf-8")  # noqa: S314
    try:
        parser.feed(body)
        root = parser.close()
    except ElementTree.ParseError:
        return None
    if body.count(b"=") > MAX_ATTRIBUTES and any(len(element.keys()) > _QUICK_ATTRIBUTES for element in root.iter()):
        return None
    return _with_local_names(root)


def _with_local_names(root: Element) -> Document | None:
    """The document of a tree whose names have their namespaces (``{urn:…}Inform``); None when it is unusual."""
    namespaces: set[str] = set()
    level: list[Element] = [root]
    for _ in range(MAX_DEPTH):
        below: list[Element] = []
        for element in level:
            name = element.tag
            if name[0] == "{":
                namespace, _, element.tag = name[1:].rpartition("}")
                namespaces.add(namespace)
            below += element
        if not below:
            spoken = [namespace for namespace in namespaces if _CWMP_NAMESPACE.fullmatch(namespace)]
            return Document(root, spoken[0]) if len(spoken) == 1 else None
        level = below
    return None


def _parse(body: bytes) -> Document:
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise MalformedXml(expat.ErrorString(error.code) or "not well-formed", where) from None
    return Document(builder.document[0], builder.cwmp_namespace)


class _Builder:
    """Builds the tree from expat's events and stops the parse at the first bound."""

    __slots__ = ("cwmp_namespace", "document", "elements", "path")

    def __init__(self) -> None:
        self.document = Element("document")
        self.path = [self.document]
        self.elements = 0
        self.cwmp_namespace: str | None = None

    def start(self, name: str, attributes: list[str]) -> None:
        path = self.path
        self.elements += 1
        if len(path) > MAX_DEPTH:
            raise TooComplex(f"elements nest deeper than {MAX_DEPTH}", _clip(name))
        if self.elements > MAX_ELEMENTS:
            raise TooComplex(f"more than {MAX_ELEMENTS} elements", _clip(name))
        if attributes:
            self._look_at(name, attributes)
        element = Element((name.rpartition(":")[2] or name) if ":" in name else name)
        path[-1].append(element)
        path.append(element)

    def end(self, name: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        element = self.path[-1]
        if not len(element):
            element.text = (element.text or "") + data

    def doctype(self, name: str, *_ids: object) -> None:
        raise ForbiddenXml("a DOCTYPE is not accepted; send the message without one", f"DOCTYPE {_clip(name)}")

    def _look_at(self, name: str, attributes: list[str]) -> None:
        """``attributes`` are names and values in turn, as they stand."""
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise TooComplex(f"{len(attributes) // 2} attributes are more than {MAX_ATTRIBUTES}", _clip(name))
        if self.cwmp_namespace is None:
            for key, value in zip(attributes[::2], attributes[1::2], strict=True):
                if key.startswith("xmlns") and _CWMP_NAMESPACE.fullmatch(value):
                    self.cwmp_namespace = value


def _clip(name: str) -> str:
    return name[:64]


def _utf8(body: bytes) -> bytes:
    """The body in UTF-8, when its declaration or byte order mark names another charset; raises ``MalformedXml``."""
    codec = _declared_codec(body)
    if codec is None:
        return body.removeprefix(b"\xef\xbb\xbf")
    try:
        return body.decode(codec).encode()
    except UnicodeError:
        raise MalformedXml(f"bytes that are not {codec}", "document") from None


def _declared_codec(body: bytes) -> str | None:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf_16"
    if body[1:2] == b"\0":
        return "utf_16_le"
    if body[:1] == b"\0":
        return "utf_16_be"
    match = _DECLARATION.match(body[:512])
    if match is None:
        return None
    name = match.group(1).decode("ascii").lower().replace("-", "_").replace("iso_8859", "iso8859")
    return name if _CODEC.fullmatch(name) else None


def _repaired(body: bytes) -> bytes:
    """The same document as UTF-8 with the known faults of devices put right; empty when there is no element in it."""
    text = _decoded(body)
    start, end = text.find("<"), text.rfind(">")
    if start < 0 or end < start:
        return b""
    text = _DECLARATION_TEXT.sub("", text[start : end + 1], count=1)
    return _escaped_outside_cdata(_FORBIDDEN_CHARACTER.sub("", text)).encode()


def _decoded(body: bytes) -> str:
    for codec in (_declared_codec(body), "utf-8"):
        if codec is not None:
            try:
                return body.decode(codec)
            except UnicodeError:
                continue
    return body.decode("latin-1")


def _escaped_outside_cdata(text: str) -> str:
    # Not one regular expression over all: an unclosed CDATA repeated often would make that quadratic.
    pieces = []
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0 and (end := text.find("]]>", start)) >= 0:
        pieces += [_AMPERSAND.sub(_escaped, text[position:start]), text[start : end + 3]]
        position = end + 3
    pieces.append(_AMPERSAND.sub(_escaped, text[position:]))
    return "".join(pieces)


def _escaped(ampersand: re.Match[str]) -> str:
    number = ampersand.group(2)
    if number is None:
        return ampersand.group() if ampersand.group(1) else "&amp;"
    code = int(number[1:], 16) if number[0] == "x" else int(number)
    readable = code <= 0x10FFFF and not _FORBIDDEN_CHARACTER.match(chr(code))
    return ampersand.group() if readable else ""
