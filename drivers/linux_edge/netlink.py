"""The running kernel by rtnetlink (pyroute2) and nft(8); blocking, and in whatever namespace its thread is.

pyroute2 is imported when a kernel is opened: it takes 12 MB. nft is run as a program, because pyroute2 0.9.7 cannot
speak to nftables. Sources: rtnetlink(7), tc-htb(8), tc-mirred(8), libnftables-json(5), linux/ethtool.h.
"""

import ctypes
import errno
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from drivers.errors import Busy, Conflict, ElementError, Rejected, Unreachable
from drivers.linux_edge import firewall, names, values
from drivers.linux_edge.changes import QUEUE
from drivers.linux_edge.kernel import Notices
from drivers.linux_edge.notices import NetlinkNotices
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import Change, Firewall, Link, Traffic

_CLONE_NEWNET = 0x40000000
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_ROOT, _INGRESS, _INGRESS_PARENT = 0xFFFFFFFF, 0xFFFF0000, 0xFFFFFFF1
_QUEUE_HANDLE, _CLASS = QUEUE << 16, QUEUE << 16 | 1
_LEAF = (QUEUE + 1) << 16
_ETH_P_ALL = 3
_LINK_SCOPE = 253
_PROTOCOLS = {0x8100: "802.1Q", 0x88A8: "802.1ad"}
_SIOCETHTOOL, _ETHTOOL_GSET, _SPEED_UNKNOWN = 0x8946, 1, 0xFFFFFFFF
_MIN_BURST_BYTES = 16_000
_BURST_S = 0.01


def open_kernel(settings: LinuxEdgeSettings) -> "Netlink":
    """The kernel of the settings' namespace, which the calling thread enters for good."""
    return Netlink(settings)


class Netlink:
    """See ``drivers.linux_edge.kernel.Kernel``."""

    def __init__(self, settings: LinuxEdgeSettings) -> None:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        self._settings = settings
        self._refused: type[Exception] = NetlinkError
        self._place = _namespace(settings)
        self._enter()
        with self._told("open"):
            self._ip = IPRoute()

    def links(self, names: Iterable[str] | None = None) -> list[Link]:
        """All links, or those of some names that there are."""
        self._check_place()
        with self._told("get links"):
            if names is None:
                return [_link(message) for message in self._ip.get_links()]
            return [_link(message) for name in names for message in self._link_message(name)]

    def traffic(self, links: Sequence[Link]) -> dict[str, Traffic]:
        """How some links handle traffic; one dump for all, and one a link for its class and its filter."""
        if not links:
            return {}
        with self._told("get traffic"):
            queues = [(each["index"], each["parent"], each["handle"] >> 16) for each in self._ip.get_qdiscs()]
            roots = {index: handle for index, parent, handle in queues if parent == _ROOT}
            ingress = {index for index, parent, _ in queues if parent == _INGRESS_PARENT}
            routes, addresses = self._routes(), self._addresses()
            return {
                link.name: Traffic(
                    root=roots.get(link.index, 0),
                    rate_bps=self._rate_bps(link.index) if roots.get(link.index) == QUEUE else None,
                    ingress=link.index in ingress,
                    redirect=self._redirect(link.index) if link.index in ingress else None,
                    routes=frozenset(routes.get(link.index, ())),
                    addresses=frozenset(addresses.get(link.index, ())),
                )
                for link in links
            }

    def firewall(self) -> Firewall | None:
        """Our table, None if there is none."""
        operation = f"nft -j list table inet {firewall.TABLE}"
        answer = self._nft(operation, "list", "table", "inet", firewall.TABLE)
        if answer is None:
            return None
        try:
            return firewall.parse(answer)
        except ValueError as error:
            raise Rejected(self._settings.name, operation, str(error)) from error

    def do(self, change: Change) -> None:
        """Make one change; what is gone already needs no deleting."""
        if isinstance(change, values.SetFirewall):
            self._nft("nft -j -f -", "-f", "-", stdin=change.ruleset)
            return
        with self._told(str(change)):
            _DOING[type(change)](self, change)

    def link_bps(self, name: str) -> int | None:
        """The negotiated speed as ethtool(8) tells it (``struct ethtool_cmd``)."""
        request = bytearray(struct.pack("=III32x", _ETHTOOL_GSET, 0, 0))
        buffer = (ctypes.c_char * len(request)).from_buffer(request)
        asking = struct.pack("16sP16x", name.encode(), ctypes.addressof(buffer))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                fcntl.ioctl(sock, _SIOCETHTOOL, asking)
            except OSError:
                return None
        low, high = struct.unpack_from("=H", request, 12)[0], struct.unpack_from("=H", request, 28)[0]
        megabits = high << 16 | low
        return None if megabits in (0, 0xFFFF, _SPEED_UNKNOWN) else megabits * 1_000_000

    def notices(self) -> Notices:
        """Hear of links that change."""
        with self._told("listen"):
            return NetlinkNotices(self._settings.name)

    def close(self) -> None:
        """Close the socket."""
        self._ip.close()

    def _add_vlan(self, change: values.AddVlan) -> None:
        protocol = next(number for number, name in _PROTOCOLS.items() if name == change.protocol)
        vlan = {"vlan_id": change.vlan, "vlan_protocol": protocol}
        parent = self._index(change.parent)
        self._ip.link("add", ifname=change.link, kind="vlan", link=parent, group=names.GROUP, **vlan)

    def _add_ifb(self, change: values.AddIfb) -> None:
        self._ip.link("add", ifname=change.link, kind="ifb", group=names.GROUP)

    def _set_alias(self, change: values.SetAlias) -> None:
        self._ip.link("set", index=self._index(change.link), ifalias=change.alias)

    def _set_up(self, change: values.SetUp) -> None:
        self._ip.link("set", index=self._index(change.link), state="up" if change.up else "down")

    def _delete_link(self, change: values.DeleteLink) -> None:
        self._unless_gone(lambda: self._ip.link("del", index=self._index(change.link)))

    def _set_queue(self, change: values.SetQueue) -> None:
        self._ip.tc("replace", "htb", self._index(change.link), _QUEUE_HANDLE, parent=_ROOT, default=1)

    def _set_rate(self, change: values.SetRate) -> None:
        rate, index = change.bps // 8, self._index(change.link)
        burst, quantum = max(_MIN_BURST_BYTES, int(rate * _BURST_S)), min(60_000, max(1600, rate // 10))
        options = {"rate": rate, "burst": burst, "cburst": burst, "quantum": quantum}
        self._ip.tc("replace-class", "htb", index, _CLASS, parent=_QUEUE_HANDLE, **options)
        # Short queues where the kernel has them; else the class queues as many packets as the link does.
        self._unless({errno.ENOENT, errno.EEXIST}, lambda: self._ip.tc("add", "fq_codel", index, _LEAF, parent=_CLASS))

    def _set_redirect(self, change: values.Redirect) -> None:
        index, to = self._index(change.link), self._index(change.to)
        self._unless_gone(lambda: self._ip.tc("del", "ingress", index, _INGRESS))
        self._ip.tc("add", "ingress", index, _INGRESS)
        action = {"kind": "mirred", "direction": "egress", "action": "redirect", "ifindex": to}
        every = {"prio": 1, "protocol": _ETH_P_ALL, "target": 0, "keys": ["0x0/0x0+0"]}
        self._ip.tc("add-filter", "u32", index, parent=_INGRESS, action=action, **every)

    def _clear_traffic(self, change: values.ClearTraffic) -> None:
        index = self._index(change.link)
        self._unless_gone(lambda: self._ip.tc("del", "ingress", index, _INGRESS))
        self._unless_gone(lambda: self._ip.tc("del", "htb", index, _QUEUE_HANDLE, parent=_ROOT))

    def _add_route(self, change: values.AddRoute) -> None:
        """Another's route to the same place through the same link becomes ours: the link was adopted with it."""
        index = self._index(change.link)
        route = {"dst": change.prefix, "oif": index, "scope": _LINK_SCOPE}
        try:
            self._ip.route("add", proto=names.ROUTE_PROTOCOL, **route)
        except self._refused as error:
            there = any((prefix, out) == (change.prefix, index) for prefix, out, _ in self._every_route())
            if _code(error) != errno.EEXIST or not there:
                raise
            self._ip.route("replace", proto=names.ROUTE_PROTOCOL, **route)

    def _delete_route(self, change: values.DeleteRoute) -> None:
        route = {"dst": change.prefix, "oif": self._index(change.link), "scope": _LINK_SCOPE}
        self._unless_gone(lambda: self._ip.route("del", proto=names.ROUTE_PROTOCOL, **route))

    def _add_address(self, change: values.AddAddress) -> None:
        self._ip.addr("add", index=self._index(change.link), address=change.address, prefixlen=32)

    def _delete_address(self, change: values.DeleteAddress) -> None:
        index = self._index(change.link)
        self._unless_gone(lambda: self._ip.addr("del", index=index, address=change.address, prefixlen=32))

    def _index(self, name: str) -> int:
        found = self._ip.link("get", ifname=name)
        return int(found[0]["index"])

    def _link_message(self, name: str) -> Iterator[Any]:
        try:
            yield from self._ip.link("get", ifname=name)
        except self._refused as error:
            if _code(error) != errno.ENODEV:
                raise

    def _rate_bps(self, index: int) -> int | None:
        for message in self._ip.get_classes(index=index):
            options = message.get_attr("TCA_OPTIONS")
            if message["handle"] == _CLASS and options is not None:
                rate = options.get_attr("TCA_HTB_RATE64") or options.get_attr("TCA_HTB_PARMS")["rate"]
                return int(rate) * 8
        return None

    def _redirect(self, index: int) -> int | None:
        """Where the one filter that takes everything sends it (``TCA_MIRRED_PARMS``)."""
        for message in self._ip.get_filters(index=index, parent=_INGRESS):
            parameters = message.get_nested(
                "TCA_OPTIONS", "TCA_U32_ACT", "TCA_ACT_PRIO_1", "TCA_ACT_OPTIONS", "TCA_MIRRED_PARMS"
            )
            if parameters is not None:
                return int(parameters["ifindex"])
        return None

    def _routes(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for prefix, index, protocol in self._every_route():
            if protocol == names.ROUTE_PROTOCOL:
                found.setdefault(index, set()).add(prefix)
        return found

    def _every_route(self) -> Iterator[tuple[str, int, int]]:
        """Prefix, link and protocol of each route through a link."""
        for message in self._ip.get_routes(family=socket.AF_INET):
            prefix, index = message.get_attr("RTA_DST"), message.get_attr("RTA_OIF")
            if prefix and index:
                yield str(IPv4Network((prefix, message["dst_len"]))), index, message["proto"]

    def _addresses(self) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for message in self._ip.get_addr(family=socket.AF_INET):
            address = message.get_attr("IFA_LOCAL")
            if address:
                found.setdefault(message["index"], set()).add(address)
        return found

    def _nft(self, operation: str, *arguments: str, stdin: str = "") -> str | None:
        """What nft printed; None if it says that there is no such table."""
        element, program = self._settings.name, shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise Rejected(element, operation, "there is no nft(8) here: install the package nftables")
        try:
            ran = subprocess.run(  # noqa: S603 # what we run is our own, in a list
                [program, "-j", *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=self._settings.request_timeout_s,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
            raise Unreachable(element, operation, str(error)) from error
        if ran.returncode == 0:
            return ran.stdout
        answer = ran.stderr.strip()
        if "No such file or directory" in answer and arguments[0] == "list":
            return None
        raise self._failure(operation, answer, _CODES.get(answer.rpartition(": ")[2].splitlines()[0], 0))

    def _unless_gone(self, call: Callable[[], object]) -> None:
        self._unless({errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL, errno.EINVAL}, call)

    def _unless(self, codes: set[int], call: Callable[[], object]) -> None:
        try:
            call()
        except self._refused as error:
            if _code(error) not in codes:
                raise

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Failures as the errors of an element."""
        try:
            yield
        except ElementError:
            raise
        except self._refused as error:
            code = _code(error)
            raise self._failure(operation, os.strerror(code), code) from error
        except OSError as error:
            raise self._failure(operation, str(error), error.errno or 0, otherwise=Unreachable) from error

    def _failure(
        self, operation: str, answer: str, code: int, otherwise: type[ElementError] = Rejected
    ) -> ElementError:
        element = self._settings.name
        if code in (errno.EPERM, errno.EACCES):
            return Rejected(element, operation, f"{answer}: the process lacks CAP_NET_ADMIN")
        if code == errno.EOPNOTSUPP:
            return Rejected(element, operation, f"{answer}: this kernel lacks it (8021q, ifb, sch_htb or cls_u32)")
        if code in (errno.EBUSY, errno.EAGAIN):
            return Busy(element, operation, answer)
        return Conflict(element, operation, answer) if code == errno.EEXIST else otherwise(element, operation, answer)

    def _enter(self) -> None:
        if self._settings.netns is None:
            return
        try:
            descriptor = os.open(_path(self._settings.netns), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unreachable(self._settings.name, "open", f"network namespace: {error}") from error
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
                said = os.strerror(ctypes.get_errno())
                answer = f"entering network namespace {self._settings.netns}: {said} (it takes CAP_SYS_ADMIN)"
                raise Rejected(self._settings.name, "open", answer)
        finally:
            os.close(descriptor)

    def _check_place(self) -> None:
        if _namespace(self._settings) != self._place:
            answer = f"network namespace {self._settings.netns} is gone or another"
            raise Unreachable(self._settings.name, "get links", answer)


_CODES = {os.strerror(code): code for code in (errno.EPERM, errno.EACCES, errno.EBUSY, errno.EEXIST, errno.EOPNOTSUPP)}

_DOING: dict[type[Change], Callable[[Netlink, Any], None]] = {
    values.AddVlan: Netlink._add_vlan,
    values.AddIfb: Netlink._add_ifb,
    values.SetAlias: Netlink._set_alias,
    values.SetUp: Netlink._set_up,
    values.DeleteLink: Netlink._delete_link,
    values.SetQueue: Netlink._set_queue,
    values.SetRate: Netlink._set_rate,
    values.Redirect: Netlink._set_redirect,
    values.ClearTraffic: Netlink._clear_traffic,
    values.AddRoute: Netlink._add_route,
    values.DeleteRoute: Netlink._delete_route,
    values.AddAddress: Netlink._add_address,
    values.DeleteAddress: Netlink._delete_address,
}


def _path(netns: str) -> Path:
    return Path("/run/netns") / netns


def _namespace(settings: LinuxEdgeSettings) -> tuple[int, int] | None:
    if settings.netns is None:
        return None
    try:
        found = _path(settings.netns).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: Exception) -> int:
    return int(getattr(error, "code", 0) or 0)


def _link(message: Any) -> Link:
    kind = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") or ""
    vlan = message.get_nested("IFLA_LINKINFO", "IFLA_INFO_DATA") if kind == "vlan" else None
    state, flags = message.get_attr("IFLA_OPERSTATE"), message["flags"]
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        kind=kind,
        parent=message.get_attr("IFLA_LINK") or 0,
        protocol="" if vlan is None else _PROTOCOLS.get(vlan.get_attr("IFLA_VLAN_PROTOCOL"), ""),
        vlan=0 if vlan is None else vlan.get_attr("IFLA_VLAN_ID"),
        alias=message.get_attr("IFLA_IFALIAS") or "",
        group=message.get_attr("IFLA_GROUP") or 0,
        up=bool(flags & _IFF_UP),
        carrier=state == "UP" or (state == "UNKNOWN" and bool(flags & _IFF_RUNNING)),
    )
