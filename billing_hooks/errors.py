"""What can be wrong with an event, a secret or an endpoint, by class; each carries what to show and the remedy."""

import errno


class HookError(Exception):
    """Base of every error of this package."""


class InvalidAttribute(HookError, ValueError):
    """A CloudEvents attribute, or ``data``, breaks the specification: the event cannot be put into an envelope."""

    def __init__(self, event_id: str, attribute: str, value: str, rule: str) -> None:
        self.event_id = event_id
        self.attribute = attribute
        self.value = value
        self.rule = rule
        super().__init__(f"event {event_id[:128]!r}: {attribute} is {value[:128]!r}, must be {rule}")


class EnvelopeTooLarge(HookError, ValueError):
    """The envelope has ``size`` bytes, ``limit`` are allowed: large data belong behind a link in the event."""

    def __init__(self, event_id: str, size: int, limit: int) -> None:
        self.event_id = event_id
        self.size = size
        self.limit = limit
        super().__init__(f"event {event_id!r}: envelope of {size} bytes, allowed are {limit}; send a link instead")


class InvalidSecret(HookError, ValueError):
    """A signing secret is unusable; the message never holds any part of it."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            f"webhook secret {why}; expected 'whsec_' and the base64 of 24 to 64 random bytes "
            "(echo whsec_$(openssl rand -base64 32))"
        )


class InvalidEndpoint(HookError, ValueError):
    """A setting of an endpoint is unusable; ``setting`` is its name, ``why`` says what would do."""

    def __init__(self, endpoint: str, setting: str, why: str) -> None:
        self.endpoint = endpoint
        self.setting = setting
        self.why = why
        super().__init__(f"endpoint {endpoint!r}: {setting}: {why}")


class ForbiddenAddress(HookError, PermissionError):
    """The endpoint's host resolved to an address that nothing may be sent to; no connection was attempted."""

    def __init__(self, endpoint: str, address: str, why: str) -> None:
        self.endpoint = endpoint
        self.address = address
        self.why = why
        super().__init__(errno.EACCES, f"endpoint {endpoint!r} must not be sent to {address}: {why}")
