"""TLS as one listener of the ACS speaks it: today's by default, what old CPEs need where it is asked for."""

import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]
ClientCertificates = Literal["no", "optional", "required"]

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_VERIFY = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
# OpenSSL's SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION, which Python gives no name (openssl/ssl.h).
_UNSAFE_LEGACY_RENEGOTIATION = 1 << 18


class TlsProblem(Exception):
    """A setting that cannot be used: which, what is wrong, what to do."""

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        self.setting = setting
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{setting}: {problem}")


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """``ciphers`` are in OpenSSL's words; empty: its own choice, with weak signatures allowed below TLS 1.2."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_certificates: ClientCertificates = "no"
    minimum: TlsVersion = "1.2"
    ciphers: str = ""
    legacy_renegotiation: bool = False


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a listener; raises ``TlsProblem``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _set_versions(context, settings)
    _load_chain(context, settings)
    context.verify_mode = _VERIFY[settings.client_certificates]
    if settings.client_certificates != "no":
        _load_authorities(context, settings)
    if settings.legacy_renegotiation:
        context.options |= _UNSAFE_LEGACY_RENEGOTIATION
    return context


def _set_versions(context: ssl.SSLContext, settings: TlsSettings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that old versions are old is why they are off by default
        context.minimum_version = _VERSIONS[settings.minimum]
    # OpenSSL 3 signs no handshake with SHA-1, as TLS 1.0 and 1.1 do, above security level 0.
    old = settings.minimum in {"1.0", "1.1"}
    ciphers = settings.ciphers or ("DEFAULT@SECLEVEL=0" if old else "")
    if not ciphers:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        raise TlsProblem("ciphers", f"OpenSSL has none of {ciphers!r}", "`openssl ciphers` tells what it has") from None


def _load_chain(context: ssl.SSLContext, settings: TlsSettings) -> None:
    certificate, key = settings.certificate_file, settings.key_file
    for setting, path in (("certificate_file", certificate), ("key_file", key)):
        _require(setting, path)
    try:
        # A password is never asked for at a terminal: an encrypted key is refused.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsProblem("key_file", f"{key} is not the key of {certificate}", "Name the two that match.") from None
        remedy = "Both must be PEM, the certificate first of its chain, the key not encrypted."
        raise TlsProblem("certificate_file", f"{certificate} and {key} cannot be used", remedy) from None


def _load_authorities(context: ssl.SSLContext, settings: TlsSettings) -> None:
    path = settings.client_ca_file
    if path is None:
        remedy = "Name the file of the authority that signs CPEs' certificates."
        raise TlsProblem("client_ca_file", "is missing while client_certificates asks for certificates", remedy)
    _require("client_ca_file", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise TlsProblem("client_ca_file", f"{path} holds no certificate in PEM", "Name another file.") from None


def _require(setting: str, path: Path) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        remedy = "Create it, or name another one."
        raise TlsProblem(setting, f"{path} cannot be read: {error.strerror}", remedy) from None
