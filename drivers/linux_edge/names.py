"""Ports and the names of what is made for them; what bears no name or mark of ours is not ours.

An interface name has at most 15 characters (IFNAMSIZ, netdevice(7)), an alias at most 255 (IFALIASZ, linux/if.h).
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_INTERFACE = 15
GROUP = 31348
"""The link group of every link made here (ip-link(8), ``group``): a mark that a link has from its birth."""

ROUTE_PROTOCOL = 213
"""The protocol number of routes made here; rt_protos of iproute2 names none of that number."""

OUTER_ALIAS = "ztpd s-vlan"
MAX_VLAN = 4094

_INTERFACE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,14}")
_SERVICE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_VLAN = re.compile(r"[1-9][0-9]{0,3}")
_ALIAS = re.compile(r"ztpd svc=([A-Za-z0-9._:-]{1,64}) port=([A-Za-z0-9._-]{1,32})")


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where one subscriber ends: an access interface and the VLANs behind it; ``s_vlan`` 0 is untagged."""

    interface: str
    s_vlan: int
    c_vlan: int | None = None

    def __str__(self) -> str:
        return ".".join(str(part) for part in (self.interface, self.s_vlan or None, self.c_vlan) if part is not None)


def is_interface(name: str) -> bool:
    """Whether a name may be an interface's, of the characters that are safe everywhere."""
    return _INTERFACE.fullmatch(name) is not None


def attachment_of(port: str, s_vlan: int, c_vlan: int | None, interfaces: Iterable[str]) -> Attachment:
    """Where a service on a port ends; raises ``ValueError`` if there is no such port, or it has other VLANs."""
    interface, fixed = _parsed(port, interfaces)
    if s_vlan == 0 and c_vlan is not None:
        raise ValueError("an untagged service (s_vlan 0) has no c_vlan")
    if not 0 <= s_vlan <= MAX_VLAN or (c_vlan is not None and not 0 < c_vlan <= MAX_VLAN):
        raise ValueError(f"VLAN ids are 1 to {MAX_VLAN}, not {s_vlan} and {c_vlan}")
    if fixed != (s_vlan, c_vlan)[: len(fixed)]:
        raise ValueError(f"port {port} has other VLANs than s_vlan {s_vlan}, c_vlan {c_vlan}")
    return Attachment(interface, s_vlan, c_vlan)


def _parsed(port: str, interfaces: Iterable[str]) -> tuple[str, tuple[int, ...]]:
    for interface in sorted(interfaces, key=len, reverse=True):
        if port == interface:
            return interface, ()
        behind = port.removeprefix(f"{interface}.").split(".")
        if port.startswith(f"{interface}.") and len(behind) <= 2 and all(map(_VLAN.fullmatch, behind)):
            return interface, tuple(map(int, behind))
    raise ValueError(f"there is no port {port}: a port is an access interface, or one with VLAN ids (eth1.201.301)")


def link_name(attachment: Attachment) -> str:
    """The sub-interface of an attachment: spelled out where that fits, else a digest of it."""
    if attachment.s_vlan == 0:
        return attachment.interface
    return _fitting(str(attachment), "zt")


def outer_name(interface: str, s_vlan: int) -> str:
    """The link of an S-VLAN that others are in."""
    return _fitting(f"{interface}.s{s_vlan}", "zs")


def upstream_name(link: str) -> str:
    """The ifb that a link's ingress is shaped on."""
    return f"zu{_digest(link)}"


def alias(service: str, port: str) -> str:
    """The mark of a service's link; raises ``ValueError`` when the service has other characters than are allowed."""
    if _SERVICE.fullmatch(service) is None:
        raise ValueError(f"service {service!r} is not of 1 to 64 letters, digits or . _ : -")
    return f"ztpd svc={service} port={port}"


def parse_alias(text: str) -> tuple[str, str] | None:
    """The service and port of a link's alias, or None if it is no service's."""
    found = _ALIAS.fullmatch(text)
    return None if found is None else (found[1], found[2])


def _fitting(name: str, prefix: str) -> str:
    return name if len(name) <= MAX_INTERFACE else prefix + _digest(name)


def _digest(name: str) -> str:
    return hashlib.blake2s(name.encode(), digest_size=6).hexdigest()
