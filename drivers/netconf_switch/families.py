"""Which family of modules a switch is driven by, of those that its hello and its YANG library tell."""

from collections.abc import Iterable

from drivers.netconf import modules
from drivers.netconf.modules import Module
from drivers.netconf.xml import Element
from drivers.netconf_switch import ietf, openconfig
from drivers.netconf_switch.ietf import Ietf
from drivers.netconf_switch.openconfig import OpenConfig
from drivers.netconf_switch.port import Dialect, Free
from drivers.netconf_switch.settings import NetconfSwitchSettings

KNOWN = (
    openconfig.INTERFACES,
    openconfig.VLAN,
    openconfig.QOS,
    openconfig.LLDP,
    ietf.INTERFACES,
    ietf.BRIDGE,
    ietf.PROVIDER_BRIDGE,
    ietf.LLDP,
)
"""The modules that tell what a switch can do."""

_OPENCONFIG = f"{openconfig.INTERFACES.name} with {openconfig.VLAN.name}"
_IETF = f"{ietf.INTERFACES.name} with {ietf.BRIDGE.name}"
_NEEDED = {"openconfig": _OPENCONFIG, "ietf": _IETF, None: f"{_OPENCONFIG}, nor {_IETF}"}


class NoFamily(Exception):
    """The switch has the modules of no family that ports can be configured by."""


def told_by_hello(capabilities: Iterable[str]) -> dict[str, Module]:
    """The known modules that a hello lists, by name."""
    told = frozenset(capabilities)
    return {module.name: module for module in KNOWN if modules.told_by_hello(told, (module,)) is not None}


def told_by_library(reply: Element) -> dict[str, Module]:
    """The known modules that the YANG library in an ``<rpc-reply>`` says are implemented, by name."""
    return {module.name: module for module in KNOWN if modules.told_by_library(reply, (module,)) is not None}


def dialect_of(told: dict[str, Module], settings: NetconfSwitchSettings) -> Dialect:
    """The family that a switch is driven by; raises ``NoFamily``."""
    free = Free(settings.free_vlan, settings.free_enabled)
    if settings.models != "ietf" and openconfig.implemented(told):
        return OpenConfig(rates=settings.rates and openconfig.QOS.name in told, free=free)
    if settings.models != "openconfig" and ietf.implemented(told):
        return Ietf(provider=ietf.PROVIDER_BRIDGE.name in told, free=free)
    has = ", ".join(sorted(told)) or "none that is known"
    raise NoFamily(
        f"its hello and YANG library list neither {_NEEDED[settings.models]} (but {has}), so its ports cannot be "
        "configured; enable them on the switch, or drive it by another driver"
        if settings.models is None
        else f"its hello and YANG library do not list {_NEEDED[settings.models]} (but {has}), so its ports cannot be "
        "configured; enable them on the switch, or take another of models"
    )


def lldp_module(dialect: Dialect) -> Module:
    """The module that tells a dialect's neighbours."""
    return openconfig.LLDP if isinstance(dialect, OpenConfig) else ietf.LLDP
