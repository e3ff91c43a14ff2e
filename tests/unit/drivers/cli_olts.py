"""The driver for command lines at one of the lab's OLTs."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from drivers.cli import CliDriver, CliSettings
from ztpd.lab.cli_olt.lab import LabCliOlt


def settings_for(lab: LabCliOlt, platform: str, values: Mapping[str, str]) -> CliSettings:
    """How the lab's OLT is reached over SSH; ``values`` are what the platform leaves to the operator."""
    return CliSettings(
        name="olt-1",
        platform=platform,
        host="127.0.0.1",
        port=lab.server.ssh_port,
        username="ztpd",
        password="ztpd",
        host_key=lab.server.host_public_key,
        values=dict(values),
        command_timeout_s=5.0,
        connect_timeout_s=5.0,
    )


@contextlib.asynccontextmanager
async def driver_of(settings: CliSettings) -> AsyncIterator[CliDriver]:
    """A driver that is closed in the end."""
    driver = CliDriver(settings)
    try:
        yield driver
    finally:
        await driver.close()
