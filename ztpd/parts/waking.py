"""How CPEs are asked to inform: by what secrets, where and how often; and where the STUN server listens."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ztpd.acs.connection_request import Secret
from ztpd.acs.device_secrets import DeviceSecrets
from ztpd.acs.stun_server import StunSettings
from ztpd.acs_settings import AcsSection
from ztpd.config import Configuration
from ztpd.domain.waking import CpeToWake
from ztpd.parts.acs import device_secrets
from ztpd.sections import Network


@dataclass(frozen=True, slots=True)
class ConnectionRequests:
    """``secret_of`` tells what a CPE was given for connection requests; ``stun_password_of`` a STUN user's password.

    Both answer None where it was given none. A user that several CPEs share must have no STUN password: a binding is
    found by its user.
    """

    networks: tuple[Network, ...]
    timeout_s: float
    first_pause_s: float
    longest_pause_s: float
    per_second: int
    concurrency: int
    secret_of: Callable[[CpeToWake], Secret | None] = field(repr=False)
    stun_password_of: Callable[[str], str | None] = field(repr=False)


def connection_requests(configuration: Configuration) -> ConnectionRequests | None:
    """How CPEs are asked to inform; None when they are not. Raises ``ConfigError``."""
    acs = configuration.settings.acs
    if acs is None or not acs.connection_requests.enabled:
        return None
    section = acs.connection_requests
    shared, own = _shared(configuration, acs), device_secrets(configuration)
    return ConnectionRequests(
        networks=section.networks,
        timeout_s=section.timeout_s,
        first_pause_s=section.first_pause_s,
        longest_pause_s=section.longest_pause_s,
        per_second=section.per_second,
        concurrency=section.concurrency,
        secret_of=lambda cpe: _own(own, cpe) or _imported(cpe) or shared,
        stun_password_of=lambda user: None if own is None else own.stun_password(user),
    )


def _own(secrets: DeviceSecrets | None, cpe: CpeToWake) -> Secret | None:
    """What a CPE was given for itself; one that has not taken it, or not shown that it did, has none."""
    if secrets is None or cpe.secret not in {"given", "proven"}:
        return None
    found = secrets.connection_request(cpe.facts)
    return None if found is None else Secret(*found)


def _imported(cpe: CpeToWake) -> Secret | None:
    """What another ACS gave a CPE that was not given anything here yet."""
    return None if cpe.imported is None else Secret(*cpe.imported)


def _shared(configuration: Configuration, acs: AcsSection) -> Secret | None:
    section = acs.connection_requests
    if section.username is None or section.password_file is None:
        return None
    key = "acs.connection_requests.password_file"
    return Secret(section.username, configuration.secret(key, section.password_file))


def stun(configuration: Configuration) -> StunSettings | None:
    """Where the STUN server listens; None when there is none."""
    acs = configuration.settings.acs
    if acs is None or acs.stun is None:
        return None
    section = acs.stun
    return StunSettings(
        host=section.host,
        port=section.port,
        max_bindings=section.max_bindings,
        binding_ttl_s=section.binding_ttl_s,
        per_address_per_s=section.per_address_per_s,
    )
