"""Elements that are configured by typing: one engine, and one TOML file for each platform (``platforms/README.md``).

Here belong the dialogue with a command line, what a platform's file may say, and the driver that follows it. What a
vendor's commands are does not: that is in the platforms' files. ``platform``, ``dialogue``, ``screens``, ``modes``,
``facts``, ``commands``, ``planning`` and ``access`` are pure; ``session`` and the transports speak to the element.
"""

from drivers.cli.driver import CliDriver
from drivers.cli.platform import PlatformError, load, names
from drivers.cli.settings import CliSettings

__all__ = ["CliDriver", "CliSettings", "PlatformError", "load", "names"]
