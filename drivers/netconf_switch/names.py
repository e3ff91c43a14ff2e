"""What ztpd writes into a switch under a name: the description by which a port is ours, and its rate policies.

Nothing is remembered between calls: a port whose description is not written like this is not ours.
"""

import re

from drivers.access import WantedAccess

MAX_DESCRIPTION = 64
"""Characters of a port's description: a switch may keep it as its ifAlias (RFC 8343 §5, RFC 2863 §6)."""

_SERVICE = re.compile(r"[A-Za-z0-9._:-]+")
_OURS = re.compile(rf"ztpd service=({_SERVICE.pattern})(?: .*)?")
_SAID = re.compile(r"[ -~]*")


class NotRepresentable(ValueError):
    """The wanted access cannot be said in this switch's modules; the message says which value and what would do."""


def description_of(wanted: WantedAccess) -> str:
    """The description of a port with a service: what is said for people is left out where it is too long.

    Raises ``NotRepresentable``.
    """
    if not _SERVICE.fullmatch(wanted.service):
        raise NotRepresentable(f"service {wanted.service!r} is not of letters, digits, '.', '_', ':' and '-'")
    if not _SAID.fullmatch(wanted.description):
        raise NotRepresentable(f"description {wanted.description!r} is not of printable ASCII characters")
    ours = f"ztpd service={wanted.service}"
    if len(ours) > MAX_DESCRIPTION:
        raise NotRepresentable(f"service {wanted.service!r} makes a description of over {MAX_DESCRIPTION} characters")
    whole = f"{ours} {wanted.description.strip()}"
    return whole if wanted.description.strip() and len(whole) <= MAX_DESCRIPTION else ours


def service_of(description: str | None) -> str | None:
    """The service that a port's description says it carries, or None when it is not written by ztpd."""
    ours = _OURS.fullmatch(description or "")
    return None if ours is None else ours[1]


def upstream_policy(port: str) -> str:
    """The scheduler policy for what a port receives."""
    return f"ztpd-up-{port}"


def downstream_policy(port: str) -> str:
    """The scheduler policy for what a port sends."""
    return f"ztpd-down-{port}"
