"""A throw-away mosquitto on a loopback port and in a folder of its own, and throw-away certificates for it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
LIMIT_S = 20.0
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


def why_unavailable() -> str | None:
    """Why no mosquitto can be started here, or None when one can."""
    return None if shutil.which("mosquitto", path=_PATH) else "mosquitto is not installed (apt install mosquitto)"


@dataclass
class Mosquitto:
    """One broker; ``lines`` are what its configuration has beside the listener."""

    folder: Path
    port: int
    lines: tuple[str, ...] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it listens."""
        configuration = self.folder / "mosquitto.conf"
        # As root it would become the user mosquitto, who may not read the folder.
        common = (f"listener {self.port} {HOST}", "user root", "persistence false", "max_queued_messages 0")
        configuration.write_text("\n".join((*common, f"log_dest file {self.folder}/mosquitto.log", *self.lines, "")))
        program = shutil.which("mosquitto", path=_PATH)
        assert program is not None
        self.process = subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.01)
        raise TimeoutError("mosquitto does not listen")

    def kill(self) -> None:
        """End it without a word to anybody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """A running broker; its port stays its own for the length of the block."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as keeper:
        # A bound socket that does not listen keeps the port from everybody but who asks for this very one.
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((HOST, 0))
        broker = Mosquitto(folder, int(keeper.getsockname()[1]), lines or ("allow_anonymous true",))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def password_file(folder: Path, user: str, password: str) -> Path:
    """A file of mosquitto's own form with one user."""
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), user, password], check=True, capture_output=True)
    return file


@dataclass(frozen=True)
class Certified:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority that lives as long as its test."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        signed = _unsigned(self._name, self._name, self._key.public_key())
        signed = signed.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, addresses: tuple[str, ...] = ()) -> Certified:
        """A certificate for a server at these addresses, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = _unsigned(_named(name), self._name, key.public_key())
        if addresses:
            alternatives = [x509.IPAddress(ip_address(address)) for address in addresses]
            unsigned = unsigned.add_extension(x509.SubjectAlternativeName(alternatives), False)
        made = Certified(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        signed = unsigned.sign(self._key, hashes.SHA256())
        made.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _unsigned(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
