"""The ACS: where it listens, whom it accepts."""

from ztpd.acs.digest import Credentials
from ztpd.acs.server import AcsSettings
from ztpd.config import Configuration


def acs(configuration: Configuration) -> AcsSettings | None:
    """Where the ACS listens and whom it accepts; None when there is no ACS."""
    section = configuration.settings.acs
    if section is None:
        return None
    password = configuration.secret("acs.password_file", section.password_file)
    return AcsSettings(
        credentials=Credentials(section.realm, section.username, password),
        host=section.host,
        port=section.port,
        path=section.path,
    )
