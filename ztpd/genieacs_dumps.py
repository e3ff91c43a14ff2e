"""Devices as GenieACS keeps them: bytes of a dump become documents, documents become devices. Pure.

The shapes are those of GenieACS 1.2 and 1.3 (``lib/nbi.ts``, ``lib/cwmp/db.ts``, ``lib/util.ts``): the answer to
``GET /devices/`` is a JSON array with one document a line; ``mongoexport`` writes one document a line, or an array with
``--jsonArray``, and wraps dates and numbers (MongoDB Extended JSON v2); people pretty-print both.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

import orjson
from pydantic import ValidationError

from ztpd.domain.imports import MAX_MACS, ImportedDevice, mac_of_one_device

MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""Bytes of one device: MongoDB keeps no larger document."""

SOURCE: Final = "genieacs"
_MAX_INSTANCES: Final = 32
_MAX_CREDENTIAL: Final = 256
_SHOWN: Final = 80
_OUI: Final = re.compile(r"[0-9A-Fa-f]{6}")

# A string is one token, unless it holds a line break, which JSON does not allow: then its quote stands alone.
# A brace at the start of a line begins a document whatever went before, so one that is cut off harms only itself.
_TOKEN: Final = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|\n\{|[\[\]{}"]')


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one document of a dump, or what is wrong with them; ``number`` counts them from 1."""

    number: int
    data: bytes = b""
    problem: str = ""


class Splitter:
    """Tells the documents of a dump apart, in memory for one of them, whatever its layout."""

    def __init__(self, longest: int = MAX_DOCUMENT) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._at = 0  # where the next token is looked for
        self._begun: int | None = None  # where the document begins, once there is one
        self._depth = 0  # of braces and brackets within the document
        self._lists = 0  # brackets that were opened around documents and not closed
        self._too_long = False
        self._number = 0

    @property
    def count(self) -> int:
        """How many documents were begun."""
        return self._number

    def feed(self, chunk: bytes) -> Iterator[Document]:
        """The documents that end within what was fed so far."""
        self._buffer += chunk
        yield from self._scan(last=False)
        self._forget()

    def end(self) -> Iterator[Document]:
        """What is left when nothing more comes; the last document, or the list around all of them, may be cut off."""
        yield from self._scan(last=True)
        if self._begun is not None:
            yield self._broken("is cut off, and the dump with it")
        elif self._lists:
            yield Document(self._number + 1, problem="is missing: the dump has no end, so it was cut off")

    def _scan(self, *, last: bool) -> Iterator[Document]:
        while (token := _TOKEN.search(self._buffer, self._at)) is not None:
            mark = token.group()
            if mark == b'"' and not last and self._may_go_on(token.start()):
                self._at = token.start()
                return
            # A string that is longer than a document may be is none, in whatever pieces it came.
            self._at = token.end() if len(mark) <= self._longest + 1 else token.start() + 1
            if mark == b"\n{" and self._begun is not None:
                yield self._broken("is cut off")
            found = self._take(mark, token.end())
            if found is not None:
                yield found
        # A line break may be the begin of a token.
        self._at = max(self._at, len(self._buffer) - 1)

    def _may_go_on(self, quote: int) -> bool:
        """Whether the rest of a string may still come; one without an end is not waited for."""
        return len(self._buffer) - quote <= self._longest and self._buffer.find(b"\n", quote) < 0

    def _take(self, mark: bytes, end: int) -> Document | None:
        if self._begun is None:
            if mark.endswith(b"{"):
                self._begun, self._depth = end - 1, 1
                self._number += 1
                return self._line()
            if mark in b"[]":
                self._lists = max(0, self._lists + (1 if mark == b"[" else -1))
            return None
        if mark in b"{[":
            self._depth += 1
        elif mark in b"}]":
            self._depth -= 1
            if self._depth == 0:
                return self._whole(end)
        return None

    def _line(self) -> Document | None:
        """The document, when all of it stands on one line: most do, and need not be looked through mark by mark."""
        assert self._begun is not None
        end = self._buffer.find(b"\n", self._begun, self._begun + self._longest)
        line = bytes(self._buffer[self._begun : end]).rstrip(b" \t\r,") if end > 0 else b""
        if not line.endswith(b"}"):
            return None
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        self._at = self._begun + len(line)
        return self._whole(self._at)

    def _whole(self, end: int) -> Document:
        assert self._begun is not None
        if self._too_long or end - self._begun > self._longest:
            return self._broken(f"is longer than {self._longest} bytes")
        data = bytes(self._buffer[self._begun : end])
        self._begun = None
        return Document(self._number, data)

    def _broken(self, problem: str) -> Document:
        self._begun, self._too_long = None, False
        return Document(self._number, problem=problem)

    def _forget(self) -> None:
        """Let go of what was read; of a document that is too long only its end is waited for."""
        if self._begun is not None and self._at - self._begun > self._longest:
            self._too_long = True
        kept = self._at if self._begun is None or self._too_long else self._begun
        del self._buffer[:kept]
        self._at -= kept
        if self._begun is not None:
            self._begun = 0


class BadDocument(Exception):
    """A document is no device that can be imported; the text says why, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str = "leave it out, or correct it in GenieACS") -> None:
        self.remedy = remedy
        super().__init__(problem)


def device_of(data: bytes) -> ImportedDevice:
    """The device that a document describes; raises ``BadDocument``, which repeats no value of a parameter."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadDocument(f"is no JSON: {error}", "export it again") from None
    if not isinstance(document, dict):
        raise BadDocument("is no JSON object", "export it again")
    tree = _tree_of(document)
    try:
        return ImportedDevice.model_validate(
            {
                "source": SOURCE,
                **_identity_of(document),
                "macs": _macs_of(tree),
                "software_version": _cleaned(_text(tree, "DeviceInfo.SoftwareVersion")),
                "hardware_version": _cleaned(_text(tree, "DeviceInfo.HardwareVersion")),
                "connection_request": _connection_request_of(tree),
                "registered_at": _moment(document.get("_registered")),
                "informed_at": _moment(document.get("_lastInform")),
                "tags": _tags_of(document),
            }
        )
    except ValidationError as error:
        raise BadDocument("; ".join(map(_said, error.errors(include_url=False)[:5]))) from None


def _said(error: Any) -> str:
    field = ".".join(map(str, error["loc"]))
    return f"{field}: {str(error['msg']).removeprefix('Value error, ')}"


def known_by(data: bytes) -> str:
    """What people would look for a broken document by, as far as it can be told."""
    found = re.search(rb'"_id"\s*:\s*"([\x20-\x7e]{1,200}?)"', data[:4096] + data[-4096:])
    return "" if found is None else found[1].decode()


def _identity_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Who the device is: ``_deviceId`` says it in parts; without that, ``_id`` does (escaped, joined by ``-``)."""
    id_, parts = document.get("_id"), document.get("_deviceId")
    if isinstance(parts, dict):
        oui, product_class, serial = (_plain(parts.get(key)) for key in ("_OUI", "_ProductClass", "_SerialNumber"))
        _agree(id_, "-".join(filter(None, (oui, product_class, serial))))
        return _named(oui, product_class, serial, _plain(parts.get("_Manufacturer")))
    if not isinstance(id_, str):
        raise BadDocument("has neither _id nor _deviceId", "export whole devices: leave out `projection`")
    match [unquote(part) for part in id_.split("-")]:
        case [oui, serial]:
            return _named(oui, "", serial)
        case [oui, product_class, serial]:
            return _named(oui, product_class, serial)
    raise BadDocument(f"_id {id_[:_SHOWN]!r} is not OUI-ProductClass-SerialNumber", "export it with its _deviceId")


def _agree(id_: object, whole: str) -> None:
    """A document whose two names for its device differ was edited by hand: it may be neither."""
    if isinstance(id_, str) and unquote(id_) != whole:
        raise BadDocument(f"_id {id_[:_SHOWN]!r} and _deviceId {whole[:_SHOWN]!r} are two devices")


def _named(oui: str, product_class: str, serial: str, manufacturer: str = "") -> dict[str, str]:
    if not _OUI.fullmatch(oui):  # scanners leave such "devices" in an ACS that accepts everybody
        raise BadDocument(f"{oui[:_SHOWN]!r} is no OUI of six hexadecimal digits", "leave it out: it is no CPE")
    if not serial:
        raise BadDocument("has no serial number", "leave it out: it cannot be told from others")
    cleaned = {"product_class": _cleaned(product_class), "manufacturer": _cleaned(manufacturer)}
    return {"oui": oui, "serial": serial, **cleaned}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _cleaned(text: str) -> str:
    """What only people read, on one line and not longer than the standard allows."""
    printed = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printed.split())[:64]


def _tree_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Below the root of the device's data model; empty when the dump has no parameters."""
    for root in ("InternetGatewayDevice", "Device"):
        if isinstance(document.get(root), dict):
            found: Mapping[str, Any] = document[root]
            return found
    return {}


def _node(tree: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    node: Any = tree
    for step in path.split("."):
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def _text(tree: Mapping[str, Any], path: str) -> str:
    return _plain(_node(tree, path).get("_value"))


def _instances(tree: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """The instances of a multi-instance object, in the order of their numbers."""
    found = _node(tree, path)
    numbers = sorted((name for name in found if name.isascii() and name.isdigit() and len(name) < 10), key=int)
    return [found[name] for name in numbers[:_MAX_INSTANCES] if isinstance(found[name], dict)]


def _macs_of(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses on the side of the network, which DHCP shows there; of what is no address nothing is taken.

    TR-098: of each WANIPConnection and WANPPPConnection. TR-181: of each Ethernet interface that is ``Upstream``, and
    of each Ethernet link above one.
    """
    found: list[str] = []
    for device in _instances(tree, "WANDevice"):
        for connection in _instances(device, "WANConnectionDevice"):
            for kind in ("WANIPConnection", "WANPPPConnection"):
                found += [_text(each, "MACAddress") for each in _instances(connection, kind)]
    upstream = set()
    for number, each in _numbered(tree, "Ethernet.Interface"):
        if _node(each, "Upstream").get("_value") in (True, "true", "1", 1):
            upstream.add(f"Device.Ethernet.Interface.{number}")
            found.append(_text(each, "MACAddress"))
    for _, each in _numbered(tree, "Ethernet.Link"):
        below = {path.strip().removesuffix(".") for path in _text(each, "LowerLayers").split(",")}
        if below & upstream:
            found.append(_text(each, "MACAddress"))
    return tuple(dict.fromkeys(mac for mac in map(_mac, found) if mac))[:MAX_MACS]


def _numbered(tree: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = _node(tree, path)
    known = {id(each): name for name, each in found.items()}
    return [(known[id(each)], each) for each in _instances(tree, path)]


def _mac(text: str) -> str:
    """The canonical address of one device, or nothing: many devices fill in zeros or ones."""
    try:
        return mac_of_one_device(text)
    except ValueError:
        return ""


def _connection_request_of(tree: Mapping[str, Any]) -> dict[str, str]:
    """Where and with what it is asked to inform; a user or a password alone, as devices hide passwords, is nothing."""
    url, username, password = (
        _text(tree, f"ManagementServer.ConnectionRequest{name}") for name in ("URL", "Username", "Password")
    )
    usable = username and password and max(len(username), len(password)) <= _MAX_CREDENTIAL
    known = {"username": username, "password": password} if usable else {}
    return {"url": url if len(url) <= _MAX_CREDENTIAL and url.isprintable() else "", **known}


def _tags_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    tags = document.get("_tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadDocument("_tags is no list of texts")
    return tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))


def _moment(value: object) -> datetime | None:
    """A date as JSON or MongoDB's Extended JSON spells it; None for what is none, for nothing depends on it."""
    if isinstance(value, dict):
        value = value.get("$date", value.get("$numberLong"))
        if isinstance(value, dict):
            value = value.get("$numberLong")
        if isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value[:20])
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
