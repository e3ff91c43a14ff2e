"""The elements: what drives each of them, how it is reached, and what may be done there.

Drivers are imported when an element needs them: what an operator does not have costs no memory.
"""

import ssl
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from drivers.base import Driver, ListsNeighbours
from drivers.errors import HostKeysUnreadable
from drivers.read_only import ReadOnly
from ztpd.config import Configuration, all_of
from ztpd.element_settings import (
    AnyElement,
    BbfSection,
    CliSection,
    EdgeSection,
    Mode,
    OverHttp,
    OverSsh,
    RouterosSection,
    SwitchSection,
    UispSection,
)

if TYPE_CHECKING:
    from drivers.netconf.call_home import CallHome

TECHNOLOGIES: Mapping[str, frozenset[str]] = {
    "netconf-bbf": frozenset({"pon"}),
    "cli": frozenset({"pon"}),
    "netconf-switch": frozenset({"ethernet"}),
    "linux-edge": frozenset({"ethernet"}),
    "routeros": frozenset({"wireless"}),
    "uisp": frozenset({"wireless"}),
}
"""What each driver serves, known before its element answers."""

OBSERVED = "only listened to: jobs there are discovered and not provisioned"
"""What holds for an element whose mode is observe."""

SHADOWED = "in shadow: what would be done is decided and compared, nothing is written"
"""What holds for an element whose mode is shadow."""

_ASK_FOR_CERTIFICATE = (
    "Ask the element for its certificate's fingerprint and compare it: openssl s_client -connect HOST:PORT </dev/null "
    "| openssl x509 -noout -fingerprint -sha256"
)

_SWITCH_REPLY_BYTES = 32 * 1024 * 1024


def drivers(configuration: Configuration, calls: "CallHome | None" = None) -> dict[str, Driver]:
    """A driver for each element, none of them connected yet, with the problems of all of them at once.

    One whose element is not active cannot write. Elements that call home are awaited by ``calls``.
    """
    sections = enumerate(configuration.settings.elements)
    calls = calls or call_home(configuration)
    made = all_of([partial(_made, configuration, f"elements.{n}", section, calls) for n, section in sections])
    return {driver.name: driver for driver in made}


def call_home(configuration: Configuration) -> "CallHome | None":
    """What elements that call home connect to, not listening yet; None where none is to."""
    section = configuration.settings.call_home
    if section is None:
        return None
    from drivers.netconf.call_home import CallHome

    return CallHome(section.host, section.port)


def names_calling_home(configuration: Configuration) -> list[str]:
    """The elements that connect to us, which nobody can dial."""
    return [
        element.name
        for element in configuration.settings.elements
        if isinstance(element, BbfSection) and element.calls_home
    ]


def listing_neighbours(made: Mapping[str, Driver]) -> dict[str, ListsNeighbours]:
    """Those of the drivers that can be asked who is plugged in."""
    bare = {name: driver.bare if isinstance(driver, ReadOnly) else driver for name, driver in made.items()}
    return {name: cast(ListsNeighbours, driver) for name, driver in bare.items() if hasattr(driver, "list_neighbours")}


def _made(configuration: Configuration, key: str, section: AnyElement, calls: "CallHome | None") -> Driver:
    if isinstance(section, BbfSection):
        driver = _bbf(configuration, key, section, calls)
    else:
        driver = _MAKERS[type(section)](configuration, key, section)
    return driver if section.mode == "active" else ReadOnly(driver, f"its mode is {section.mode}")


def _bbf(configuration: Configuration, key: str, section: BbfSection, calls: "CallHome | None") -> Driver:
    from drivers.netconf.host_keys import pinned
    from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings

    own = section.model_dump(include={"port", "uplink", "rpc_timeout_s"}) | {"read_only": section.mode != "active"}
    settings = _over_ssh(configuration, key, section, NetconfBbfSettings, pinned, **own)
    if not section.calls_home:
        return NetconfBbfDriver(settings)
    if calls is None:
        remedy = "Add the table [call_home], which says where it connects to."
        raise configuration.problem(f"{key}.calls_home", "nothing listens for elements that call home", remedy)
    return NetconfBbfDriver(settings, calls.expect(settings))


def _switch(configuration: Configuration, key: str, section: SwitchSection) -> Driver:
    from drivers.netconf.host_keys import pinned
    from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings

    own = section.model_dump(include={"free_vlan", "free_enabled", "rates", "models", "rpc_timeout_s", "port"})
    own |= {"uplinks": frozenset(section.uplinks), "max_reply_bytes": _SWITCH_REPLY_BYTES}
    return NetconfSwitchDriver(_over_ssh(configuration, key, section, NetconfSwitchSettings, pinned, **own))


def _cli(configuration: Configuration, key: str, section: CliSection) -> Driver:
    from drivers.cli import CliDriver, CliSettings, PlatformError
    from drivers.cli.transport_ssh import known_hosts

    enable = section.enable_password_file
    own = section.model_dump(
        include={
            "platform",
            "port",
            "transport",
            "legacy_algorithms",
            "values",
            "sessions",
            "command_timeout_s",
            "save_timeout_s",
            "keepalive_s",
        }
    )
    own["enable_password"] = None if enable is None else configuration.secret(f"{key}.enable_password_file", enable)
    settings = _over_ssh(configuration, key, section, CliSettings, known_hosts, **own)
    try:
        return CliDriver(settings)
    except PlatformError as error:
        raise configuration.problem(f"{key}.platform", str(error), "Correct the platform.") from None
    except ValueError as error:
        raise configuration.problem(f"{key}.values", str(error), "docs/elements.md tells what each is.") from None


def _edge(configuration: Configuration, key: str, section: EdgeSection) -> Driver:
    from drivers.linux_edge import LinuxEdgeDriver, LinuxEdgeSettings

    own = section.model_dump(include={"access_interfaces", "portal", "netns", "s_vlan_protocol"})
    state_file = configuration.path(section.state_file)
    if not state_file.parent.is_dir():
        remedy = "Create it, writable for the daemon's user, or name another."
        raise configuration.problem(f"{key}.state_file", f"there is no folder {state_file.parent}", remedy)
    try:
        settings = LinuxEdgeSettings(
            name=section.name,
            state_file=state_file,
            garden=tuple(map(str, section.garden)),
            gateway=None if section.gateway is None else str(section.gateway),
            read_only=section.mode != "active",
            **own,
        )
    except ValueError as error:
        raise configuration.problem(key, str(error), "Correct the element.") from None
    return LinuxEdgeDriver(settings)


def _routeros(configuration: Configuration, key: str, section: RouterosSection) -> Driver:
    from drivers.routeros import RouterosDriver, RouterosSettings

    own = section.model_dump(
        include={"username", "suspended_list", "circuit_ids", "ppp_profile", "ppp_service", "silent_after_s"}
    )
    own["password"] = configuration.secret(f"{key}.password_file", section.password_file)
    return RouterosDriver(_over_http(configuration, key, section, RouterosSettings, **own))


def _uisp(configuration: Configuration, key: str, section: UispSection) -> Driver:
    from drivers.uisp import UispDriver, UispSettings

    own = section.model_dump(include={"account", "propagation"})
    own["token"] = configuration.secret(f"{key}.token_file", section.token_file)
    return UispDriver(_over_http(configuration, key, section, UispSettings, **own))


_MAKERS: Mapping[type[AnyElement], Callable[[Configuration, str, Any], Driver]] = {
    SwitchSection: _switch,
    CliSection: _cli,
    EdgeSection: _edge,
    RouterosSection: _routeros,
    UispSection: _uisp,
}


def _over_ssh(
    configuration: Configuration,
    key: str,
    section: OverSsh,
    kind: Callable[..., Any],
    check: Callable[[Any], object],
    **own: Any,
) -> Any:
    """How an element is reached over SSH, and what else its driver needs; ``check`` refuses host keys that are none."""
    password, key_file, known_hosts = section.password_file, section.key_file, section.known_hosts_file
    port = "" if own.get("port") is None else f"-p {own['port']} "
    ask_for_key = f"Ask the element for its key and compare it: ssh-keyscan {port}{section.host}"
    try:
        settings = kind(
            name=section.name,
            host=section.host,
            username=section.username,
            password=None if password is None else configuration.secret(f"{key}.password_file", password),
            key_file=None if key_file is None else configuration.private_file(f"{key}.key_file", key_file),
            host_key=section.host_key,
            known_hosts_file=None if known_hosts is None else configuration.path(known_hosts),
            connect_timeout_s=section.connect_timeout_s,
            **own,
        )
        check(settings)
    except HostKeysUnreadable as error:
        where = "host_key" if known_hosts is None else "known_hosts_file"
        raise configuration.problem(f"{key}.{where}", str(error), ask_for_key) from None
    except ValueError as error:
        has_none = section.host_key is None and known_hosts is None and own.get("transport") != "telnet"
        remedy = ask_for_key if has_none else "Correct the element."
        raise configuration.problem(key, str(error), remedy) from None
    return settings


def _over_http(configuration: Configuration, key: str, section: OverHttp, kind: Callable[..., Any], **own: Any) -> Any:
    """How an element's JSON API is reached, and what else its driver needs."""
    if section.ca_file is not None:
        _check_ca_file(configuration, f"{key}.ca_file", configuration.path(section.ca_file))
    try:
        return kind(
            name=section.name,
            url=section.url,
            certificate_sha256=section.certificate_sha256,
            ca_file=None if section.ca_file is None else configuration.path(section.ca_file),
            plain_http=section.plain_http,
            connect_timeout_s=section.connect_timeout_s,
            rpc_timeout_s=section.rpc_timeout_s,
            **own,
        )
    except ValueError as error:
        trusts_none = section.certificate_sha256 is None and section.ca_file is None
        remedy = f"{_ASK_FOR_CERTIFICATE}." if trusts_none else "Correct the element."
        raise configuration.problem(key, str(error), remedy) from None


def _check_ca_file(configuration: Configuration, key: str, file: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(file))
    except OSError as error:  # ssl.SSLError is one
        why = "has no certificates in PEM" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        remedy = "Put the certificates of the authority there, in PEM."
        raise configuration.problem(key, f"{file} {why}", remedy) from None


def modes(configuration: Configuration) -> dict[str, Mode]:
    """What may be done on each element."""
    return {element.name: element.mode for element in configuration.settings.elements}


def remarks(configuration: Configuration) -> dict[str, str]:
    """What an operator must know of each element that is not configured, in words."""
    said = {"observe": OBSERVED, "shadow": SHADOWED}
    return {name: said[mode] for name, mode in modes(configuration).items() if mode in said}


def names_listened_to(configuration: Configuration) -> list[str]:
    """The elements on which nothing is provisioned, without their secrets being read."""
    return [name for name, mode in modes(configuration).items() if mode == "observe"]


def technologies(configuration: Configuration) -> dict[str, frozenset[str]]:
    """What each element serves."""
    return {element.name: TECHNOLOGIES[element.driver] for element in configuration.settings.elements}


def access_interfaces(configuration: Configuration) -> dict[str, frozenset[str]]:
    """The interfaces of the elements that are a kernel, which is all that a location's port has to begin with."""
    elements = configuration.settings.elements
    return {each.name: frozenset(each.access_interfaces) for each in elements if isinstance(each, EdgeSection)}


def own_interfaces(configuration: Configuration) -> dict[str, str]:
    """The element that subscribers end at, by interface of the namespace that the daemon runs in."""
    sections = [each for each in configuration.settings.elements if isinstance(each, EdgeSection)]
    return {interface: each.name for each in sections if each.netns is None for interface in each.access_interfaces}


def vouched(configuration: Configuration) -> dict[str, frozenset[str]]:
    """What the operator answers for on each element because it cannot show it."""
    return {element.name: frozenset(element.vouched) for element in configuration.settings.elements}


def per_minute(configuration: Configuration) -> dict[str, float]:
    """How many devices a minute are written at most to those elements that have a limit."""
    elements = configuration.settings.elements
    return {element.name: element.per_minute for element in elements if element.per_minute is not None}
