"""A self-signed certificate for loopback, made anew each time."""

import datetime
import hashlib
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, both in PEM; ``sha256`` is that of its DER form, in hex."""

    pem: bytes
    key_pem: bytes
    sha256: str

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have a server show it from the next handshake on."""
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(self.pem)
            key.write_bytes(self.key_pem)
            context.load_cert_chain(chain, key)


def kept_in(file: Path) -> Certificate:
    """The certificate in a file, key and all; made if there is none."""
    if not file.exists():
        made = self_signed()
        file.touch(mode=0o600)
        file.write_bytes(made.key_pem + made.pem)
        return made
    text = file.read_bytes()
    der = x509.load_pem_x509_certificate(text).public_bytes(serialization.Encoding.DER)
    key_end = text.index(b"-----BEGIN CERTIFICATE-----")
    return Certificate(text[key_end:], text[:key_end], hashlib.sha256(der).hexdigest())


def self_signed() -> Certificate:
    """A certificate for 127.0.0.1 and localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab element")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFETIME)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    return Certificate(
        made.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        hashlib.sha256(der).hexdigest(),
    )
