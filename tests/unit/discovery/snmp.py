"""SNMP messages by hand, as no library would make them (RFC 1901 §3, RFC 3412 §6, RFC 3414 §2.4)."""

INTEGER, OCTETS, OID, SEQUENCE = 0x02, 0x04, 0x06, 0x30
GET, TRAP = 0xA0, 0xA7
_TRAP_OID = bytes.fromhex("2b060106030101040100")
_LINK_UP = bytes.fromhex("2b06010603010105" + "04")


def field(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def number(value: int) -> bytes:
    return field(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def pdu(tag: int = TRAP, name: bytes = _TRAP_OID) -> bytes:
    """A notification of linkUp, or something like one."""
    binding = field(SEQUENCE, field(OID, name), field(OID, _LINK_UP))
    return field(tag, number(1), number(0), number(0), field(SEQUENCE, binding))


def community_message(version: int, community: bytes, body: bytes | None = None) -> bytes:
    return field(SEQUENCE, number(version), field(OCTETS, community), pdu() if body is None else body)


def user_message(engine_id: bytes, user: bytes, flags: int, model: int = 3) -> bytes:
    """A notification in clear that claims a user and a level, with a digest of nothing."""
    header = field(SEQUENCE, number(7), number(65507), field(OCTETS, bytes([flags])), number(model))
    usm = field(
        SEQUENCE,
        field(OCTETS, engine_id),
        number(1),
        number(1),
        field(OCTETS, user),
        field(OCTETS, bytes(12)),
        field(OCTETS),
    )
    scoped = field(SEQUENCE, field(OCTETS, engine_id), field(OCTETS), pdu())
    return field(SEQUENCE, number(3), header, field(OCTETS, usm), scoped)
