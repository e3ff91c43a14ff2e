"""What acts and answers: the database, the API, the endpoints, and the pace of all of it."""

import hashlib
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path

from billing_hooks.endpoint import Endpoint
from billing_hooks.errors import InvalidEndpoint, InvalidSecret
from billing_hooks.signature import Secret
from ztpd.api.tokens import Token
from ztpd.config import Configuration, all_of
from ztpd.domain.profile import Profile
from ztpd.provisioning.pace import Pace
from ztpd.provisioning.policy import RetryPolicy
from ztpd.settings import EndpointSection, TokenSection
from ztpd.store.attempts import Lease
from ztpd.store.engine import Engine, open_engine
from ztpd.store.transaction import Routes


def engine(configuration: Configuration) -> Engine:
    """The database, not connected yet."""
    url = configuration.settings.store.url
    try:
        found = open_engine(url)
        if found.dialect == "postgresql":
            _check_conninfo(url)
    except ValueError as error:
        raise configuration.problem("store.url", str(error), "Correct the URL.") from None
    return found


def _check_conninfo(url: str) -> None:
    """Raise ``ValueError`` where PostgreSQL's own client would refuse the URL, only later and in another class."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ValueError(str(error).strip()) from None


def profiles(configuration: Configuration) -> dict[str, Profile]:
    """Every profile by its name."""
    return configuration.profiles


def endpoints(configuration: Configuration) -> list[Endpoint]:
    """Every endpoint with its secrets."""
    sections = configuration.settings.endpoints
    return all_of([partial(_endpoint, configuration, f"endpoints.{n}", section) for n, section in enumerate(sections)])


def _endpoint(configuration: Configuration, key: str, section: EndpointSection) -> Endpoint:
    files = section.secret_files
    secrets = all_of([partial(_secret, configuration, f"{key}.secret_files.{n}", file) for n, file in enumerate(files)])
    try:
        return Endpoint(
            name=section.name,
            url=section.url,
            secrets=tuple(secrets),
            events=section.events,
            timeout_s=section.timeout_s,
            concurrency=section.concurrency,
            retry_scale=section.retry_scale,
            allow=section.allow,
        )
    except InvalidEndpoint as error:
        raise configuration.problem(f"{key}.{error.setting}", error.why, "Correct the value.") from None


def _secret(configuration: Configuration, key: str, file: Path) -> Secret:
    try:
        return Secret(configuration.secret(key, file))
    except InvalidSecret as error:
        path = configuration.path(file)
        remedy = f"Make one: echo whsec_$(openssl rand -base64 32) > {path}"
        raise configuration.problem(key, f"{path} {error.why}", remedy) from None


def routes(targets: list[Endpoint]) -> Routes:
    """Which endpoints want an event of a type."""

    @lru_cache(maxsize=256)
    def wanting(event_type: str) -> tuple[str, ...]:
        return tuple(endpoint.name for endpoint in targets if endpoint.wants(event_type))

    return wanting


def tokens(configuration: Configuration) -> list[Token]:
    """Who may call the API, by the hash of the token."""
    sections = configuration.settings.api.tokens
    return all_of([partial(_token, configuration, f"api.tokens.{n}", section) for n, section in enumerate(sections)])


def _token(configuration: Configuration, key: str, section: TokenSection) -> Token:
    text = configuration.secret(f"{key}.token_file", section.token_file)
    return Token(name=section.name, scopes=frozenset(section.scopes), sha256=hashlib.sha256(text.encode()).hexdigest())


def lease(configuration: Configuration) -> Lease:
    """Whose name claims bear, and how long they hold."""
    settings = configuration.settings
    return Lease(settings.node.name, timedelta(seconds=settings.provisioning.lease_s))


def pace(configuration: Configuration) -> Pace:
    """How fast the provisioner works."""
    section = configuration.settings.provisioning
    return Pace(verify_timeout_s=section.verify_timeout_s, verify_poll_s=section.verify_poll_s)


def retry_policy(configuration: Configuration) -> RetryPolicy:
    """How attempts are repeated."""
    section = configuration.settings.provisioning
    return RetryPolicy(section.attempts, section.retry_first_s, section.retry_longest_s)
