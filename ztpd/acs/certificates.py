"""Whom a client certificate is for: its subject's common name, however it reaches us. Pure.

That it is genuine is checked before: by our own TLS (``peercert``), or by the proxy that passes it on.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

Format = Literal["rfc9440", "pem", "dn"]
"""How proxies pass a certificate on: Client-Cert (RFC 9440), PEM with %XX (nginx), or the subject alone (RFC 4514)."""

_LONGEST = 16 * 1024


def of_peer(peercert: Mapping[str, Any] | None) -> str | None:
    """The common name in what ``ssl`` tells of a verified peer; None where there is none."""
    subject = (peercert or {}).get("subject", ())
    return next((value for part in subject for key, value in part if key == "commonName"), None)


def of_header(text: str, form: Format) -> str | None:
    """The common name in a proxy's header; None for one that is empty or cannot be read."""
    if not text.strip() or len(text) > _LONGEST:
        return None
    try:
        return _common_name(_subject(text.strip(), form))
    except (ValueError, binascii.Error):
        return None


def _subject(text: str, form: Format) -> x509.Name:
    if form == "dn":
        return x509.Name.from_rfc4514_string(text)
    if form == "pem":
        return x509.load_pem_x509_certificate(unquote(text).encode()).subject
    if not (len(text) > 1 and text[0] == text[-1] == ":"):  # a byte sequence of structured fields (RFC 8941 §3.3.5)
        raise ValueError("no byte sequence")
    return x509.load_der_x509_certificate(base64.b64decode(text[1:-1], validate=True)).subject


def _common_name(subject: x509.Name) -> str | None:
    found = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else None
