"""STUN as CPEs behind NAT speak it to learn and keep the binding by which they can be asked to inform. Pure.

Classic STUN (RFC 3489) with the two attributes that TR-069 Annex G adds; what RFC 5389 changed (the magic cookie, the
text under MESSAGE-INTEGRITY) is understood where a CPE sends it.
"""

import enum
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

Endpoint = tuple[str, int]
"""An address without zone and a port."""

MAX_DATAGRAM = 548
"""What fits a datagram that no network divides (RFC 5389 §7.1, for IPv4); a longer one is no request of a CPE."""

BINDING_REQUEST, BINDING_RESPONSE, BINDING_ERROR = 0x0001, 0x0101, 0x0111
_COOKIE = bytes.fromhex("2112A442")
_INTEGRITY_SIZE = 20
_GAIN = 24
"""By how much an answer may be longer than the request, in bytes: one IPv6 address as an attribute."""


class Kind(enum.IntEnum):
    """Attributes (RFC 3489 §11.2, RFC 5389 §15, TR-069 G.2.1.2 for the two of the connection request)."""

    MAPPED_ADDRESS = 0x0001
    RESPONSE_ADDRESS = 0x0002
    CHANGE_REQUEST = 0x0003
    USERNAME = 0x0006
    PASSWORD = 0x0007
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    REALM = 0x0014
    NONCE = 0x0015
    XOR_MAPPED_ADDRESS = 0x0020
    CONNECTION_REQUEST_BINDING = 0xC001
    BINDING_CHANGE = 0xC002


BINDING_TEXT = b"dslforum.org/TR-111 "
"""The value of CONNECTION-REQUEST-BINDING: says that the binding is the one for connection requests."""

_UNDERSTOOD = frozenset(kind for kind in Kind)


class Malformed(ValueError):
    """The datagram is no STUN request."""


@dataclass(frozen=True, slots=True)
class Request:
    """A Binding Request of ``size`` bytes: ``attributes`` in their order, the first of each kind.

    ``signed`` is what precedes the MAC.
    """

    size: int
    transaction: bytes
    attributes: dict[int, bytes] = field(repr=False)
    unknown: tuple[int, ...] = ()
    signed: bytes = field(default=b"", repr=False)

    @property
    def username(self) -> str:
        """Who the CPE says it is, empty when it does not; padding to a multiple of four is taken off (RFC 3489)."""
        return self.attributes.get(Kind.USERNAME, b"").rstrip(b"\0 ").decode("utf-8", "replace")

    @property
    def for_connection_requests(self) -> bool:
        """Whether the binding is the one that the CPE hears connection requests on."""
        return Kind.CONNECTION_REQUEST_BINDING in self.attributes

    @property
    def has_integrity(self) -> bool:
        """Whether the CPE signed it."""
        return Kind.MESSAGE_INTEGRITY in self.attributes

    @property
    def wants_other_sender(self) -> bool:
        """Whether the answer must come from another address or port than was asked (a test for the kind of NAT)."""
        return any(self.attributes.get(Kind.CHANGE_REQUEST, b""))


def parse(data: bytes) -> Request:
    """The Binding Request in a datagram; raises ``Malformed``."""
    if not 20 <= len(data) <= MAX_DATAGRAM:
        raise Malformed("no STUN header, or too long")
    kind, length = struct.unpack_from("!HH", data)
    if kind != BINDING_REQUEST or length != len(data) - 20:
        raise Malformed("no Binding Request of this length")
    attributes: dict[int, bytes] = {}
    unknown: list[int] = []
    signed = b""
    at = 20
    while at < len(data):
        if len(data) - at < 4:
            raise Malformed("an attribute is cut off")
        kind, size = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) < size:
            raise Malformed("an attribute is longer than the datagram")
        if kind == Kind.MESSAGE_INTEGRITY:
            if size != _INTEGRITY_SIZE:
                raise Malformed("MESSAGE-INTEGRITY is no SHA-1")
            signed = data[:at]
        if not signed or kind == Kind.MESSAGE_INTEGRITY:  # what follows the MAC proves nothing
            attributes.setdefault(kind, value)
            if kind < 0x8000 and kind not in _UNDERSTOOD:
                unknown.append(kind)
        at += 4 + size + -size % 4
    return Request(len(data), data[4:20], attributes, tuple(dict.fromkeys(unknown)), signed)


def is_authentic(request: Request, password: str) -> bool:
    """Whether the request was signed with the password, in any of the ways that CPEs do it.

    RFC 3489 §11.2.8 pads the text with zeros to a multiple of 64, RFC 5389 §15.4 does not; and the length in the
    header counts MESSAGE-INTEGRITY (both, strictly read) or ends before it (many stacks that came from one early
    client). None of them is easier to forge.
    """
    found = request.attributes.get(Kind.MESSAGE_INTEGRITY, b"")
    same = False
    for text in _texts(request.signed):
        same |= hmac.compare_digest(hmac.digest(password.encode(), text, "sha1"), found)
    return same


def _texts(signed: bytes) -> list[bytes]:
    before = len(signed) - 20
    texts = [signed[:2] + struct.pack("!H", length) + signed[4:] for length in (before + 24, before)]
    return texts + [text + bytes(-len(text) % 64) for text in texts]


class Verdict(enum.Enum):
    """What is made of a request; the value is what it is counted as."""

    BOUND = "bound"  # signed with the secret of its user: the binding is believed
    ANSWERED = "answered"  # told its address, and nothing kept
    CHALLENGED = "challenged"  # it must sign first: its binding is new
    REFUSED = "refused"  # signed with another secret, or with something that we do not understand
    DROPPED = "dropped"  # it cannot be answered in the way it wants


@dataclass(frozen=True, slots=True)
class Outcome:
    """``answer`` is empty when nothing is sent; ``to`` is where; ``user`` is whose binding was proven or kept alive."""

    verdict: Verdict
    to: Endpoint
    answer: bytes = b""
    user: str = ""


def respond(
    data: bytes,
    source: Endpoint,
    password_of: Callable[[str], str | None],
    bound_to: Callable[[str], Endpoint | None],
) -> Outcome:
    """What to do with a datagram from an address; raises ``Malformed``.

    ``password_of`` tells the STUN password of a user, None of one that has none from us; ``bound_to`` where a user's
    proven binding is. A user whose secret is known must sign (401, RFC 3489 §8.1; Annex G.2.2.1) unless it only keeps
    alive the binding that it proved before.
    """
    request = parse(data)
    to = _answer_to(request, source)
    if request.wants_other_sender or to is None:
        return Outcome(Verdict.DROPPED, source)
    if request.unknown:
        return Outcome(Verdict.REFUSED, to, _unknown(request))
    user = request.username
    password = password_of(user) if user else None
    if password is None:
        return Outcome(Verdict.ANSWERED, to, _mapped(request, source))
    if request.has_integrity:
        if not is_authentic(request, password):
            return Outcome(Verdict.REFUSED, to, _error(request, 431, "Bad Integrity"))
        keeps = user if request.for_connection_requests else ""
        answer = _signed(_mapped(request, source), password)
        return Outcome(Verdict.BOUND if keeps else Verdict.ANSWERED, to, answer, keeps)
    if not request.for_connection_requests:
        return Outcome(Verdict.ANSWERED, to, _mapped(request, source))
    if bound_to(user) == source:
        return Outcome(Verdict.ANSWERED, to, _mapped(request, source), user)
    return Outcome(Verdict.CHALLENGED, to, _error(request, 401, "Unauthorized"))


def _answer_to(request: Request, source: Endpoint) -> Endpoint | None:
    """Where the answer goes; None for an address that is not the asker's.

    A CPE that measures how long its NAT keeps a binding has it sent to another of its ports (RFC 3489 §10.3). To
    another address it would be a way to have us send to anybody.
    """
    told = request.attributes.get(Kind.RESPONSE_ADDRESS)
    if told is None:
        return source
    wanted = _read_endpoint(told)
    return wanted if wanted is not None and wanted[0] == source[0] and wanted[1] > 0 else None


def _read_endpoint(value: bytes) -> Endpoint | None:
    if len(value) == 8 and value[1] == 1:
        return str(IPv4Address(value[4:])), int.from_bytes(value[2:4], "big")
    if len(value) == 20 and value[1] == 2:
        return str(IPv6Address(value[4:])), int.from_bytes(value[2:4], "big")
    return None


def endpoint_value(endpoint: Endpoint) -> bytes:
    """MAPPED-ADDRESS and its like: family, port, address (RFC 3489 §11.2.1; family 2 is IPv6, RFC 5389 §15.1)."""
    address = ip_address(endpoint[0])
    return struct.pack("!BBH", 0, 1 if address.version == 4 else 2, endpoint[1]) + address.packed


def _mapped(request: Request, source: Endpoint) -> bytes:
    """The address that the request came from, in every form that the CPE may look for as long as that is hardly more
    than it sent; SOURCE-ADDRESS and CHANGED-ADDRESS of RFC 3489 are left out, for no CPE needs them here.
    """
    value = endpoint_value(source)
    plain: tuple[int, bytes] = (Kind.MAPPED_ADDRESS, value)
    if not request.transaction.startswith(_COOKIE):
        return message(BINDING_RESPONSE, request.transaction, [plain])
    mask = _COOKIE[:2] + request.transaction
    hidden = bytes(one ^ other for one, other in zip(value[2:], mask, strict=False))
    forms: list[tuple[int, bytes]] = [(Kind.XOR_MAPPED_ADDRESS, value[:2] + hidden)]
    both = message(BINDING_RESPONSE, request.transaction, [plain, *forms])
    if request.for_connection_requests and len(both) <= request.size + _GAIN:
        return both
    return message(BINDING_RESPONSE, request.transaction, forms)


def _error(request: Request, code: int, reason: str) -> bytes:
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode().ljust(-(-len(reason) // 4) * 4)
    return message(BINDING_ERROR, request.transaction, [(Kind.ERROR_CODE, value)])


def _unknown(request: Request) -> bytes:
    """420 with what was not understood, an even number of them (RFC 3489 §11.2.10), never more than was sent."""
    kinds = request.unknown[:8]
    listed = kinds if len(kinds) % 2 == 0 else (*kinds, kinds[-1])
    code = struct.pack("!HBB", 0, 4, 20)
    names = struct.pack(f"!{len(listed)}H", *listed)
    return message(BINDING_ERROR, request.transaction, [(Kind.ERROR_CODE, code), (Kind.UNKNOWN_ATTRIBUTES, names)])


def message(kind: int, transaction: bytes, attributes: list[tuple[int, bytes]]) -> bytes:
    """A STUN message; values whose length is no multiple of four are padded with zeros behind it."""
    body = b"".join(struct.pack("!HH", each, len(value)) + value + bytes(-len(value) % 4) for each, value in attributes)
    return struct.pack("!HH", kind, len(body)) + transaction + body


def _signed(unsigned: bytes, password: str) -> bytes:
    """With MESSAGE-INTEGRITY, in the way of the RFC that the transaction id shows."""
    counted = unsigned[:2] + struct.pack("!H", len(unsigned) - 20 + 24) + unsigned[4:]
    text = counted if unsigned[4:8] == _COOKIE else counted + bytes(-len(counted) % 64)
    mac = hmac.digest(password.encode(), text, "sha1")
    return counted + struct.pack("!HH", Kind.MESSAGE_INTEGRITY, len(mac)) + mac


def unmapped(source: Endpoint) -> Endpoint:
    """The address as it was on the wire: a socket for both families shows IPv4 inside IPv6, and zones."""
    address = ip_address(source[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), source[1]
