"""The wire to an element over SSH: a shell on a terminal, after the element has shown the key that is configured."""

import asyncio

import asyncssh

from drivers.cli.settings import CliSettings
from drivers.cli.wire import ConnectFailed, Reason, Wire, in_words
from drivers.errors import HostKeysUnreadable

_WIDTH, _HEIGHT = 511, 512
_KEX = "+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"
_CIPHERS = "+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc"
_MACS = "+hmac-sha1,hmac-md5"
_SIGNATURES = "+ssh-rsa"


async def connect(settings: CliSettings) -> Wire:
    """Log in and open a shell; raises ``ConnectFailed`` and ``HostKeysUnreadable``."""
    accepted = known_hosts(settings)
    try:
        connection = await asyncssh.connect(
            settings.host,
            settings.port or 22,
            username=settings.username,
            password=settings.password,
            client_keys=[str(settings.key_file)] if settings.key_file is not None else None,
            known_hosts=accepted,
            agent_path=None,
            config=[],
            keepalive_interval=settings.keepalive_s,
            login_timeout=settings.connect_timeout_s,
            kex_algs=_KEX if settings.legacy_algorithms else (),
            encryption_algs=_CIPHERS if settings.legacy_algorithms else (),
            mac_algs=_MACS if settings.legacy_algorithms else (),
            signature_algs=_SIGNATURES if settings.legacy_algorithms else (),
        )
    except asyncssh.HostKeyNotVerifiable:
        raise ConnectFailed(
            Reason.IDENTITY,
            "host key changed: the element shows none of the keys that are configured for it; nothing was sent. "
            "If the change is meant, configure the new key",
        ) from None
    except asyncssh.PermissionDenied as error:
        raise ConnectFailed(Reason.CREDENTIALS, error.reason) from error
    except (asyncssh.Error, OSError) as error:
        said = f"{settings.host} port {settings.port or 22}: {in_words(error)}"
        raise ConnectFailed(Reason.UNREACHABLE, said) from error
    try:
        process = await connection.create_process(term_type="vt100", term_size=(_WIDTH, _HEIGHT), encoding=None)
    except (asyncssh.Error, OSError) as error:
        connection.abort()
        raise ConnectFailed(Reason.FULL, str(error) or type(error).__name__) from error
    except BaseException:
        connection.abort()
        raise
    return _SshWire(connection, process)


class _SshWire:
    """``wire.Wire`` over one shell."""

    typed_login = False

    def __init__(self, connection: asyncssh.SSHClientConnection, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._connection = connection
        self._process = process

    async def read(self) -> bytes:
        try:
            return await self._process.stdout.read(65536)
        except (asyncssh.Error, OSError):
            return b""

    def write(self, data: bytes) -> None:
        try:
            self._process.stdin.write(data)
        except (asyncssh.Error, OSError):
            return

    def abort(self) -> None:
        self._connection.abort()

    async def close(self) -> None:
        self._process.close()
        self._connection.close()
        try:
            async with asyncio.timeout(2):
                await self._connection.wait_closed()
        finally:
            self._connection.abort()


def known_hosts(settings: CliSettings) -> tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
    """The keys that are accepted: those given, no others, and never the user's own known_hosts."""
    if settings.host_key is not None:
        try:
            return [asyncssh.import_public_key(settings.host_key)], [], []
        except (asyncssh.KeyImportError, ValueError):
            raise HostKeysUnreadable("host_key is no OpenSSH public key line (ssh-ed25519 AAAA…)") from None
    path = settings.known_hosts_file
    try:
        known = asyncssh.read_known_hosts(str(path))
    except OSError as error:
        raise HostKeysUnreadable(f"known_hosts_file {path}: {error.strerror}") from error
    except ValueError as error:
        raise HostKeysUnreadable(f"known_hosts_file {path}: {error}") from error
    keys, *_ = known.match(settings.host, settings.host, settings.port or 22)
    if not keys:
        raise HostKeysUnreadable(f"known_hosts_file {path} has no key for {settings.host} port {settings.port or 22}")
    return list(keys), [], []
