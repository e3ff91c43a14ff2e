"""One receiver of events as the operator configured it, checked once so that nothing later needs to. Pure."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

from billing_hooks.address import Network
from billing_hooks.errors import InvalidEndpoint
from billing_hooks.signature import Secret

_BOUNDS: dict[str, tuple[float, float]] = {
    "timeout_s": (0.01, 60),
    "concurrency": (1, 256),
    "max_response": (0, 65_536),
    "retry_scale": (0.0001, 10),
}
_MOST_SECRETS = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events go and how; raises ``InvalidEndpoint`` naming the setting.

    ``secrets`` all sign each attempt (the new one first during rotation); ``events`` are shell patterns over event
    types, case-sensitive; ``timeout_s`` is for the whole exchange; ``max_response`` is how many bytes of an answer
    are kept; ``retry_scale`` multiplies the retry schedule; ``allow`` are the only networks to send to, see
    ``address.refusal`` for what holds without. The URL may hold a token and is not shown: log ``origin``.
    """

    name: str
    url: str = field(repr=False)
    secrets: tuple[Secret, ...]
    events: tuple[str, ...] = ("*",)
    timeout_s: float = 15.0
    concurrency: int = 8
    max_response: int = 2048
    retry_scale: float = 1.0
    allow: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidEndpoint(self.name, "name", "must not be empty")
        self._check_url()
        if not 1 <= len(self.secrets) <= _MOST_SECRETS:
            raise InvalidEndpoint(self.name, "secrets", f"needs 1 to {_MOST_SECRETS}, has {len(self.secrets)}")
        if not self.events or not all(self.events):
            raise InvalidEndpoint(self.name, "events", "needs at least one pattern, '*' for every event")
        for setting, (least, most) in _BOUNDS.items():
            value = getattr(self, setting)
            if not least <= value <= most:
                raise InvalidEndpoint(self.name, setting, f"is {value}, must be from {least:g} to {most:g}")

    def wants(self, event_type: str) -> bool:
        """Whether events of this type are sent here."""
        return any(fnmatchcase(event_type, pattern) for pattern in self.events)

    @property
    def host(self) -> str:
        """The URL's host, lower-case, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the URL: what of it may be shown."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def _check_url(self) -> None:
        try:
            why = _url_fault(urlsplit(self.url))
        except ValueError:
            why = "is no URL"
        if why is not None:
            raise InvalidEndpoint(self.name, "url", f"{why}; expected https://host[:port]/path")


def _url_fault(parts: SplitResult) -> str | None:
    if parts.scheme not in {"http", "https"}:
        return "must begin with https:// or http://"
    if not parts.hostname:
        return "has no host"
    if "@" in parts.netloc:
        return "must hold no user name or password; the signature authenticates"
    if parts.fragment:
        return "must have no fragment"
    if parts.port == 0:
        return "has port 0"
    return None
