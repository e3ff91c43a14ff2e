"""Commands with their facts filled in: each value is held against its pattern, and refused, never escaped."""

import re
from collections.abc import Mapping

from drivers.cli.platform import Platform

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LONGEST = 1024


class NotAllowed(ValueError):
    """A value may not go into a command: ``fact`` and ``value``."""

    def __init__(self, fact: str, value: str | None) -> None:
        self.fact = fact
        self.value = value
        if value is None:
            super().__init__(f"{fact} is not known, and the command needs it")
        else:
            super().__init__(f"{fact} {value[:80]!r} has characters that this platform does not take")


def command(platform: Platform, template: str, values: Mapping[str, str]) -> str:
    """The command as it is typed; raises ``NotAllowed``."""
    made = _PLACEHOLDER.sub(lambda match: _allowed(platform, match[1], values.get(match[1])), template)
    if len(made) > _LONGEST:
        raise NotAllowed("command", made)
    return made


def _allowed(platform: Platform, fact: str, value: str | None) -> str:
    pattern = platform.fields.get(fact)
    if pattern is None or value is None:
        raise NotAllowed(fact, value)
    if not (value.isascii() and value.isprintable() and pattern.fullmatch(value)):
        raise NotAllowed(fact, value)
    return value
