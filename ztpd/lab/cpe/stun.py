"""STUN as a CPE speaks it to learn the address that its NAT shows, and to keep it (RFC 3489; TR-069 Annex G). Pure."""

import hmac
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Endpoint = tuple[str, int]
"""An address and a port."""

_REQUEST, _RESPONSE, _ERROR = 0x0001, 0x0101, 0x0111
_MAPPED_ADDRESS, _USERNAME, _MESSAGE_INTEGRITY, _ERROR_CODE = 0x0001, 0x0006, 0x0008, 0x0009
_CONNECTION_REQUEST_BINDING, _BINDING_CHANGE = 0xC001, 0xC002  # TR-069 Annex G.2.1.2
_BINDING_TEXT = b"dslforum.org/TR-111 "
_HEADER, _INTEGRITY_SIZE = 20, 24


@dataclass(frozen=True, slots=True)
class Mapped:
    """The address that the server has seen."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Refused:
    """The server wants something else: 401 wants a signature."""

    code: int


Answer = Mapped | Refused


def binding_request(transaction: bytes, username: str = "", password: str = "", *, changed: bool = False) -> bytes:
    """A Binding Request for connection requests, signed where there is a password; ``transaction`` is 16 bytes.

    ``changed`` says that the binding is another than before (BINDING-CHANGE).
    """
    attributes = [(_CONNECTION_REQUEST_BINDING, _BINDING_TEXT)]
    if changed:
        attributes.append((_BINDING_CHANGE, b""))
    if username:
        name = username.encode()
        attributes.append((_USERNAME, name + bytes(-len(name) % 4)))  # RFC 3489 §11.2.6: a multiple of four
    body = b"".join(struct.pack("!HH", kind, len(value)) + value for kind, value in attributes)
    if not password:
        return struct.pack("!HH", _REQUEST, len(body)) + transaction + body
    signed = struct.pack("!HH", _REQUEST, len(body) + _INTEGRITY_SIZE) + transaction + body
    mac = hmac.digest(password.encode(), signed + bytes(-len(signed) % 64), "sha1")  # RFC 3489 §11.2.8
    return signed + struct.pack("!HH", _MESSAGE_INTEGRITY, len(mac)) + mac


def read_answer(data: bytes) -> tuple[bytes, Answer] | None:
    """The transaction that a datagram answers and what it says; None for anything else."""
    if len(data) < _HEADER:
        return None
    kind, length = struct.unpack_from("!HH", data)
    if kind not in (_RESPONSE, _ERROR) or length != len(data) - _HEADER:
        return None
    attributes = _attributes(data)
    transaction = data[4:_HEADER]
    if kind == _ERROR:
        value = attributes.get(_ERROR_CODE, b"")
        return transaction, Refused(value[2] * 100 + value[3] if len(value) >= 4 else 0)
    endpoint = _endpoint(attributes.get(_MAPPED_ADDRESS, b""))
    return None if endpoint is None else (transaction, Mapped(endpoint))


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = _HEADER
    while len(data) - at >= 4:
        kind, size = struct.unpack_from("!HH", data, at)
        found.setdefault(kind, data[at + 4 : at + 4 + size])
        at += 4 + size + -size % 4
    return found


def _endpoint(value: bytes) -> Endpoint | None:
    """Family, port and address (RFC 3489 §11.2.1)."""
    if len(value) == 8 and value[1] == 1:
        return str(IPv4Address(value[4:])), int.from_bytes(value[2:4], "big")
    if len(value) == 20 and value[1] == 2:
        return str(IPv6Address(value[4:])), int.from_bytes(value[2:4], "big")
    return None
