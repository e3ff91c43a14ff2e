"""To which other ACSes CPEs are handed over with which passwords, and when one counts as gone."""

from functools import partial
from pathlib import Path

from ztpd.config import Configuration, all_of
from ztpd.domain.handover import HandoverTerms

_LONGEST = 256
"""Characters of a password (TR-181 ManagementServer.Password)."""


def handover(configuration: Configuration) -> HandoverTerms:
    """The passwords by name, and the terms. Raises ``ConfigError`` for every file that cannot be one."""
    acs = configuration.settings.acs
    if acs is None:
        return HandoverTerms()
    section = acs.handover
    passwords = all_of([partial(_password, configuration, name, file) for name, file in section.secrets.items()])
    return HandoverTerms(dict(zip(section.secrets, passwords, strict=True)), section.intervals, section.interval_s)


def _password(configuration: Configuration, name: str, file: Path) -> str:
    key = f"acs.handover.secrets.{name}"
    text = configuration.secret(key, file)
    if len(text) > _LONGEST or not text.isprintable():
        problem = f"{configuration.path(file)} is no password of at most {_LONGEST} printable characters"
        raise configuration.problem(key, problem, "Write the password alone into it, on one line.")
    return text
