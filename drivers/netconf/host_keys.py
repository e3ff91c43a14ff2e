"""Which SSH host keys an element may show: those given, no others, and never the user's own known_hosts."""

import paramiko  # type: ignore[import-untyped]

from drivers.errors import HostKeysUnreadable
from drivers.netconf.settings import NetconfSettings

# Newer paramiko offers the SHA-2 signatures for RSA keys, under names of their own (RFC 8332 §3).
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class PinnedHostKeys:
    """The part of ``paramiko.HostKeys`` that an ncclient session consults, over a fixed set of keys."""

    def __init__(self, keys: tuple[paramiko.PKey, ...]) -> None:
        self._keys = keys

    def lookup(self, hostname: str) -> dict[str, paramiko.PKey]:
        """The accepted keys by signature algorithm: the session negotiates only these."""
        return {
            algorithm: key for key in self._keys for algorithm in _ALGORITHMS.get(key.get_name(), (key.get_name(),))
        }

    def check(self, hostname: str, key: paramiko.PKey) -> bool:
        """Whether the key that was shown is one of them, byte for byte."""
        return any(key.asbytes() == accepted.asbytes() for accepted in self._keys)


def pinned(settings: NetconfSettings) -> PinnedHostKeys:
    """The keys accepted from this element; raises ``HostKeysUnreadable``."""
    if settings.host_key is not None:
        return PinnedHostKeys((_from_line(settings.host_key),))
    return PinnedHostKeys(_from_file(settings))


def _from_line(line: str) -> paramiko.PKey:
    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"element {line.strip()}")
    except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey, ValueError):
        entry = None
    if entry is None or entry.key is None:
        raise HostKeysUnreadable("host_key is no OpenSSH public key line (ssh-ed25519 AAAA…)")
    return entry.key


def _from_file(settings: NetconfSettings) -> tuple[paramiko.PKey, ...]:
    known = paramiko.HostKeys()
    try:
        known.load(str(settings.known_hosts_file))
    except OSError as error:
        raise HostKeysUnreadable(f"known_hosts_file {settings.known_hosts_file}: {error.strerror}") from error
    except (paramiko.SSHException, paramiko.hostkeys.InvalidHostKey, ValueError) as error:
        raise HostKeysUnreadable(f"known_hosts_file {settings.known_hosts_file}: {error}") from error
    found: list[paramiko.PKey] = []
    for hostname in (settings.host, f"[{settings.host}]:{settings.port}"):
        found.extend((known.lookup(hostname) or {}).values())
    if not found:
        raise HostKeysUnreadable(
            f"known_hosts_file {settings.known_hosts_file} has no key for {settings.host} port {settings.port}"
        )
    return tuple(found)
