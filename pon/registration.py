"""Registration ids: what an ONU logs in with where its serial is not known beforehand (ITU-T G.984.3 §9.2.4, LOID).

A registration id, a PLOAM password and a LOID are all short byte strings; OLTs report them as hex, padded with zero
bytes (TR-385 ``detected-registration-id``: up to 36 bytes). It is a credential: what is shown is its fingerprint.
"""

import hashlib

LONGEST_BYTES = 36
_FINGERPRINT_DIGITS = 16


class RegistrationError(ValueError):
    """The text is no registration id; it is not quoted, for it is a secret."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the registration id {problem}: expected 1 to {LONGEST_BYTES} bytes, as printable text or as 0x and hex"
        )


def normalise(text: str) -> str:
    """What an operator writes, text or ``0x`` and hex, as hex without padding; raises ``RegistrationError``."""
    if text.startswith("0x"):
        return from_hex(text[2:])
    if not (text.isascii() and text.isprintable()):
        raise RegistrationError("is not printable")
    return from_hex(text.encode("ascii").hex())


def from_hex(text: str) -> str:
    """What an OLT reports, as lower-case hex without the zero bytes behind it; raises ``RegistrationError``."""
    try:
        raw = bytes.fromhex(text).rstrip(b"\x00")
    except ValueError:
        raise RegistrationError("is not hex") from None
    if not 1 <= len(raw) <= LONGEST_BYTES:
        raise RegistrationError("is empty" if not raw else "is too long")
    return raw.hex()


def fingerprint(canonical: str) -> str:
    """A name for the registration id that does not tell it: 16 hex digits of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(canonical)).hexdigest()[:_FINGERPRINT_DIGITS]
