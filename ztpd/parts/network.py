"""The elements: what drives each of them, or only reads it, and how it is reached."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from drivers.base import Driver, ListsNeighbours
from drivers.netconf.host_keys import HostKeysUnreadable, pinned
from drivers.netconf.settings import NetconfSettings
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from drivers.netconf_openconfig import NetconfOpenconfigReader
from drivers.read_only import ReadOnly
from ztpd.config import Configuration, all_of
from ztpd.settings import ElementSection, Mode

T = TypeVar("T")
SettingsT = TypeVar("SettingsT", bound=NetconfSettings)

TECHNOLOGIES = {"netconf-bbf": frozenset({"pon"}), "netconf-openconfig": frozenset({"ethernet"})}
"""What each driver serves, known before its element answers."""

ONLY_LISTENED_TO = "only listened to: jobs there are discovered and not provisioned"
"""What holds for an element that has no driver beyond the reading of its neighbours, or whose mode is observe."""

SHADOWED = "in shadow: what would be done is decided and compared, nothing is written"
"""What holds for an element whose mode is shadow."""

_WITHOUT_DRIVER = frozenset({"netconf-openconfig"})
_SWITCH_REPLY_BYTES = 32 * 1024 * 1024


def drivers(configuration: Configuration) -> dict[str, Driver]:
    """A driver for each element, none of them connected yet."""

    def make(key: str, section: ElementSection) -> Driver:
        others = {"uplink": section.uplink, "read_only": section.mode != "active"}
        return _guarded(section, NetconfBbfDriver(_reached(configuration, key, section, NetconfBbfSettings, **others)))

    return {driver.name: driver for driver in _made(configuration, "netconf-bbf", make)}


def listened_to(configuration: Configuration) -> dict[str, ListsNeighbours]:
    """A reader for each element that is asked for its neighbours and never configured, none of them connected yet."""

    def make(key: str, section: ElementSection) -> ListsNeighbours:
        limits = {"max_reply_bytes": _SWITCH_REPLY_BYTES}
        return NetconfOpenconfigReader(_reached(configuration, key, section, NetconfSettings, **limits))

    return {lister.name: lister for lister in _made(configuration, "netconf-openconfig", make)}


def elements(configuration: Configuration) -> dict[str, Driver | ListsNeighbours]:
    """Every element, with the problems of all of them at once."""
    makers: list[Callable[[], Mapping[str, Driver | ListsNeighbours]]] = [
        partial(drivers, configuration),
        partial(listened_to, configuration),
    ]
    return {name: element for made in all_of(makers) for name, element in made.items()}


def _made(configuration: Configuration, driver: str, make: Callable[[str, ElementSection], T]) -> list[T]:
    """What is made of each section with this driver."""
    sections = enumerate(configuration.settings.elements)
    return all_of([partial(make, f"elements.{n}", section) for n, section in sections if section.driver == driver])


def _reached(
    configuration: Configuration, key: str, section: ElementSection, kind: type[SettingsT], **others: Any
) -> SettingsT:
    """How an element is reached, and what else its driver needs."""
    password, key_file, known_hosts = section.password_file, section.key_file, section.known_hosts_file
    try:
        settings = kind(
            name=section.name,
            host=section.host,
            port=section.port,
            username=section.username,
            password=None if password is None else configuration.secret(f"{key}.password_file", password),
            key_file=None if key_file is None else configuration.private_file(f"{key}.key_file", key_file),
            host_key=section.host_key,
            known_hosts_file=None if known_hosts is None else configuration.path(known_hosts),
            connect_timeout_s=section.connect_timeout_s,
            rpc_timeout_s=section.rpc_timeout_s,
            **others,
        )
        pinned(settings)
    except HostKeysUnreadable as error:
        where = "host_key" if known_hosts is None else "known_hosts_file"
        remedy = f"Ask the element for its key and compare it: ssh-keyscan -p {section.port} {section.host}"
        raise configuration.problem(f"{key}.{where}", str(error), remedy) from None
    except ValueError as error:
        raise configuration.problem(key, str(error), "Correct the element.") from None
    return settings


def _guarded(section: ElementSection, driver: Driver) -> Driver:
    """The driver, unable to write where the element is not ours to configure."""
    return driver if section.mode == "active" else ReadOnly(driver, f"its mode is {section.mode}")


def modes(configuration: Configuration) -> dict[str, Mode]:
    """What may be done on each element; one that has no driver to configure it is observed."""
    return {
        element.name: "observe" if element.driver in _WITHOUT_DRIVER else element.mode
        for element in configuration.settings.elements
    }


def remarks(configuration: Configuration) -> dict[str, str]:
    """What an operator must know of each element that is not configured, in words."""
    said = {"observe": ONLY_LISTENED_TO, "shadow": SHADOWED}
    return {name: said[mode] for name, mode in modes(configuration).items() if mode in said}


def names_listened_to(configuration: Configuration) -> list[str]:
    """The elements on which nothing is provisioned, without their secrets being read."""
    return [name for name, mode in modes(configuration).items() if mode == "observe"]


def technologies(configuration: Configuration) -> dict[str, frozenset[str]]:
    """What each element serves."""
    return {element.name: TECHNOLOGIES[element.driver] for element in configuration.settings.elements}
