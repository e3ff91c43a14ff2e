"""From the configuration to the capture process, which takes this one's place."""

import os
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from ztpd import parts
from ztpd.capture.plan import Plan
from ztpd.config import Configuration, read_toml
from ztpd.discovery.capture import CaptureNotPermitted


def plan_of(configuration: Configuration, interfaces: Sequence[str] = ()) -> Plan:
    """What the configuration has captured, on other ``interfaces`` where some are named; raises ``ConfigError``."""
    section = configuration.settings.discovery
    if section.dhcp.capture == "inside" and not interfaces:
        remedy = 'Write capture = "process" and restart the daemon.'
        raise configuration.problem("discovery.dhcp.capture", "is inside: the daemon hears for itself", remedy)
    parts.circuit_ids(configuration)
    heard = tuple(dict.fromkeys(interfaces or section.dhcp.interfaces))
    if not heard:
        remedy = "Name some there, or give --interface."
        raise configuration.problem("discovery.dhcp.interfaces", "names no interface", remedy)
    if section.intake is None:
        remedy = "Name a socket there and restart the daemon."
        raise configuration.problem("discovery.intake", "is not set, so nobody takes what is heard", remedy)
    return Plan(
        interfaces=heard,
        trusted_interfaces=section.dhcp.trusted_interfaces,
        trusted_relays=tuple(map(str, section.dhcp.trusted_relays)),
        repeat_window_s=section.dhcp.repeat_window_s,
        circuit_ids=read_toml(configuration.path(section.circuit_ids)),
        intake=str(configuration.path(section.intake).absolute()),
        log_level=configuration.settings.log.level,
        log_format=configuration.settings.log.format,
    )


def start(plan: Plan) -> NoReturn:
    """Become the capture process; raises ``CaptureNotPermitted`` where it could hear nothing."""
    _require_permission(plan.interfaces[0])
    descriptor = os.memfd_create("ztpd-capture", 0)  # stays open across exec
    with os.fdopen(descriptor, "wb", closefd=False) as memory:
        memory.write(plan.dumped())
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "ztpd.capture", str(descriptor)])  # noqa: S606


def _require_permission(interface: str) -> None:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        raise CaptureNotPermitted(interface, "a packet socket is not permitted") from None
