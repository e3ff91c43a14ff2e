"""Certificates of a test's own: an authority, a server, CPEs."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both in PEM, the key open to its owner alone."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "CPE authority") -> None:
        self._folder = folder
        self._name = name
        self._key = rsa.generate_private_key(65537, 2048)
        self.file = folder / f"{name}.pem"
        own = self._sign(name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, common_name: str) -> Pair:
        """A certificate for 127.0.0.1 and for a CPE of this name."""
        key = rsa.generate_private_key(65537, 2048)
        made = self._sign(common_name, key, x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]))
        pair = Pair(self._folder / f"{common_name}.crt", self._folder / f"{common_name}.key")
        pair.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return pair

    def client(self, pair: Pair | None = None) -> ssl.SSLContext:
        """TLS of a CPE that trusts this authority, with a certificate of its own or without."""
        context = ssl.create_default_context(cafile=str(self.file))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def _sign(self, common_name: str, key: rsa.RSAPrivateKey, extension: x509.ExtensionType) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(named(common_name)).issuer_name(named(self._name))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)
        return builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())
