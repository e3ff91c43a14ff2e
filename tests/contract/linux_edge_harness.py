"""The driver for a Linux edge server against a real kernel: a network namespace with eight cables.

Faults are put between driver and kernel at the driver's own seam (``drivers.linux_edge.kernel``). Where the kernel has
no 802.1Q, a macvlan stands in for each VLAN link and the seam remembers its tag: everything else is the kernel's.
"""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from drivers.access import WantedAccess
from drivers.base import Driver
from drivers.errors import Rejected, Unreachable
from drivers.linux_edge import LinuxEdgeDriver, LinuxEdgeSettings
from drivers.linux_edge.kernel import Kernel, Notices
from drivers.linux_edge.names import GROUP
from drivers.linux_edge.netlink import open_kernel
from drivers.linux_edge.values import AddVlan, Change, DeleteLink, Firewall, Link, Traffic
from tests.contract.harness import RPC_TIMEOUT_S, Traits
from tests.integration.namespaces import LIMIT_SECONDS, NoNamespace, add_pair, ip, namespace

T = TypeVar("T")
CABLES = 8
_ELEMENT = "edge-1"


@dataclass
class Faults:
    """What goes wrong between driver and kernel, and what passed."""

    requests: int = 0
    writes: int = 0
    cut_at: int | None = None
    cut_after: bool = False
    refusals: int = 0
    barred: set[str] = field(default_factory=set)
    answering: threading.Event = field(default_factory=threading.Event)
    tags: dict[str, AddVlan] = field(default_factory=dict)
    stands_in: bool = False
    ended: set[asyncio.Event] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.answering.set()


class FaultyKernel:
    """A kernel that is cut, hangs or refuses as it is told."""

    def __init__(self, inner: Kernel, faults: Faults, netns: str) -> None:
        self._inner = inner
        self._faults = faults
        self._netns = netns

    def links(self, names: Iterable[str] | None = None) -> list[Link]:
        return self._passing(lambda: self._tagged(self._inner.links(names)))

    def traffic(self, links: Sequence[Link]) -> dict[str, Traffic]:
        return self._passing(lambda: self._inner.traffic(links))

    def firewall(self) -> Firewall | None:
        return self._passing(self._inner.firewall)

    def do(self, change: Change) -> None:
        self._faults.writes += 1
        self._passing(lambda: self._do(change), lambda: self._refusal(change))

    def link_bps(self, name: str) -> int | None:
        return self._passing(lambda: self._inner.link_bps(name))

    def notices(self) -> Notices:
        return self._passing(lambda: FaultyNotices(self._inner.notices(), self._faults))

    def close(self) -> None:
        self._inner.close()

    def _passing(self, call: Callable[[], T], refusal: Callable[[], Rejected | None] = lambda: None) -> T:
        faults = self._faults
        faults.requests += 1
        faults.answering.wait()
        cut = faults.cut_at is not None and faults.cut_at <= 1
        faults.cut_at = None if cut or faults.cut_at is None else faults.cut_at - 1
        if cut and not faults.cut_after:
            raise Unreachable(_ELEMENT, "request", "cut before its effect")
        refused = refusal()
        if refused is not None:
            raise refused
        done = call()
        if cut:
            raise Unreachable(_ELEMENT, "request", "cut after its effect")
        return done

    def _refusal(self, change: Change) -> Rejected | None:
        named = {getattr(change, "link", ""), *re.findall(r'"([^"]+)"', getattr(change, "ruleset", ""))}
        for device in self._faults.barred:
            own = {link.name for link in self._inner.links() if link.alias.endswith(f" port={device}")}
            if named & own or any(name.startswith(f"{device}.") for name in named):
                return Rejected(_ELEMENT, str(change), f"nothing may be made on {device}")
        if self._faults.refusals:
            self._faults.refusals -= 1
            return Rejected(_ELEMENT, str(change), "refused once")
        return None

    def _do(self, change: Change) -> None:
        if isinstance(change, AddVlan) and self._faults.stands_in:
            add_vlan(self._netns, self._faults, change, GROUP)
            return
        if isinstance(change, DeleteLink):
            self._faults.tags.pop(change.link, None)
        self._inner.do(change)

    def _tagged(self, links: list[Link]) -> list[Link]:
        """Links with the tags that their stand-ins have, as a kernel with 802.1Q shows them."""
        if not self._faults.stands_in:
            return links
        indices = {link.name: link.index for link in self._inner.links()}
        return [self._with_tag(link, indices) for link in links]

    def _with_tag(self, link: Link, indices: dict[str, int]) -> Link:
        tag = self._faults.tags.get(link.name)
        if tag is None:
            return link
        return replace(link, kind="vlan", parent=indices[tag.parent], protocol=tag.protocol, vlan=tag.vlan)


class FaultyNotices:
    """Word from the kernel that may break off."""

    def __init__(self, inner: Notices, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults
        self._ended = asyncio.Event()
        faults.ended.add(self._ended)

    async def next(self) -> None:
        waiting = {asyncio.ensure_future(each) for each in (self._inner.next(), self._ended.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if self._ended.is_set():
            raise Unreachable(_ELEMENT, "notification", "the kernel says no more")

    def close(self) -> None:
        self._faults.ended.discard(self._ended)
        self._inner.close()


class LinuxEdgeHarness:
    """An edge server with eight cables, one service on each."""

    traits = Traits(
        moves=False,
        batches=False,
        shares_ports=False,
        light=False,
        locks=False,
        logs_in=False,
        shows_identity=False,
        reads_others=False,
    )

    def __init__(self, netns: str, folder: Path) -> None:
        self._netns = netns
        self._state_file = folder / "edge.json"
        self._interfaces = tuple(f"acc{n}" for n in range(CABLES))
        self._faults = Faults(stands_in=not has_vlans(netns))
        self.ports = (self._interfaces[0], self._interfaces[1])

    def wanted(self, nth: int) -> WantedAccess:
        port = self._interfaces[nth]
        return WantedAccess(
            service=f"SVC-{nth}",
            port=port,
            device=port,
            s_vlan=201,
            c_vlan=301 + nth,
            downstream_bps=1_000_000_000,
            upstream_bps=500_000_000,
            address=f"192.0.2.{nth + 10}",
        )

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        return replace(wanted, port=port, device=port)

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        settings = LinuxEdgeSettings(
            name=_ELEMENT,
            access_interfaces=self._interfaces,
            state_file=self._state_file,
            garden=("198.51.100.10",),
            netns=self._netns,
            request_timeout_s=rpc_timeout_s,
        )
        return LinuxEdgeDriver(settings, self._open)

    def plug(self, device: str, port: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        ip("-n", self._netns, "link", "set", f"cpe-{port}", "up")

    def unplug(self, device: str) -> None:
        ip("-n", self._netns, "link", "set", f"cpe-{device}", "down")

    def configuration(self) -> bytes:
        return configuration_of(self._netns)

    def writes(self) -> int:
        return self._faults.writes

    def requests(self) -> int:
        return self._faults.requests

    def reset(self) -> None:
        self.recover()
        self._lose_everything()
        batch(self._netns, (f"link set cpe-{interface} down" for interface in self._interfaces))
        self._state_file.unlink(missing_ok=True)

    async def restart(self) -> None:
        self._lose_everything()
        self.cut_at_request(1, after_its_effect=False)  # whoever had the old kernel's word has it no more

    def _lose_everything(self) -> None:
        """Leave of the kernel's configuration what a start leaves: the interfaces."""
        self._faults.tags.clear()
        links = [link["ifname"] for link in reversed(shown(self._netns, "link"))]
        made = (link for link in links if link not in ("lo", *self._interfaces) and not link.startswith("cpe-"))
        batch(self._netns, (f"link del {link}" for link in made))
        printed("ip", "netns", "exec", self._netns, "nft", "flush", "ruleset")

    def configure_by_another(self, wanted: WantedAccess) -> WantedAccess:
        outer, link = f"{wanted.port}-nni", f"{wanted.port}-smith"
        self._add_vlan(AddVlan(outer, wanted.port, "802.1ad", wanted.s_vlan), group=0)
        self._add_vlan(AddVlan(link, outer, "802.1Q", wanted.c_vlan or 0), group=0)
        made = [f"link set {link} alias Smith", f"link set {outer} up", f"link set {link} up"]
        batch(self._netns, [*made, f"route add {wanted.address}/32 dev {link}", f"link add {wanted.port}-x type ifb"])
        printed("tc", "-n", self._netns, "qdisc", "add", "dev", link, "root", "pfifo", "limit", "100")
        port = f"{wanted.port}.{wanted.s_vlan}.{wanted.c_vlan}"
        return replace(wanted, port=port, device=port)

    def _add_vlan(self, vlan: AddVlan, group: int) -> None:
        add_vlan(self._netns, self._faults, vlan, group)

    def subscribed(self) -> bool:
        return bool(self._faults.ended)

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        self._faults.cut_at, self._faults.cut_after = nth, after_its_effect

    def hang(self) -> None:
        self._faults.answering.clear()

    def recover(self) -> None:
        self._faults.cut_at, self._faults.refusals = None, 0
        self._faults.barred.clear()
        self._faults.answering.set()

    def refuse_next_write(self) -> None:
        self._faults.refusals = 1

    def bar(self, device: str) -> None:
        self._faults.barred.add(device)

    def lock(self) -> None:
        raise NotImplementedError("nobody can hold a kernel")

    def unlock(self) -> None:
        raise NotImplementedError("nobody can hold a kernel")

    def end_sessions(self) -> None:
        for each in self._faults.ended:
            each.set()

    async def change_host_key(self) -> None:
        raise NotImplementedError("a kernel shows no identity")

    def _open(self, settings: LinuxEdgeSettings) -> Kernel:
        return FaultyKernel(open_kernel(settings), self._faults, self._netns)


def add_vlan(netns: str, faults: Faults, vlan: AddVlan, group: int) -> None:
    """Make a VLAN link, or what stands in for one."""
    place = ["link", vlan.parent, "name", vlan.link, "group", str(group), "type"]
    if faults.stands_in:
        ip("-n", netns, "link", "add", *place, "macvlan")
        faults.tags[vlan.link] = vlan
    else:
        ip("-n", netns, "link", "add", *place, "vlan", "proto", vlan.protocol, "id", str(vlan.vlan))


def printed(*command: str, typed: str = "") -> str:
    """What a tool prints when it is typed something; raises ``CalledProcessError``."""
    done = subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_SECONDS, text=True, input=typed)
    return done.stdout


def batch(netns: str, lines: Iterable[str]) -> None:
    """Have ip(8) do many things in one process, which is most of what they cost."""
    printed("ip", "-n", netns, "-batch", "-", typed="".join(f"{line}\n" for line in lines))


def shown(netns: str, *arguments: str) -> list[dict[str, Any]]:
    """What ip(8) prints in a namespace."""
    found: list[dict[str, Any]] = json.loads(printed("ip", "-n", netns, "-j", *arguments) or "[]")
    return found


def has_vlans(netns: str) -> bool:
    """Whether the kernel has 802.1Q."""
    try:
        ip("-n", netns, "link", "add", "link", "acc0", "name", "probe", "type", "vlan", "id", "2")
    except subprocess.CalledProcessError:
        return False
    ip("-n", netns, "link", "del", "probe")
    return True


def configuration_of(netns: str) -> bytes:
    """Links, queues, routes and firewall as the system's own tools show them, without what differs by itself."""
    links = [each for each in shown(netns, "-d", "link") if not each["ifname"].startswith("cpe-")]
    told: list[object] = []
    for link in sorted(links, key=lambda each: each["ifname"]):
        name, kind = link["ifname"], link.get("linkinfo", {})
        told.append([name, link.get("ifalias"), link["group"], "UP" in link["flags"], kind.get("info_kind")])
        told.append([link.get("link"), kind.get("info_data", {}).get("id"), kind.get("info_data", {}).get("protocol")])
    told.append(queues_of(netns, sorted(each["ifname"] for each in links if each["ifname"] != "lo")))
    told += sorted([each["dst"], each.get("dev")] for each in shown(netns, "route"))
    told.append(printed("ip", "netns", "exec", netns, "nft", "-s", "list", "ruleset"))
    return json.dumps(told).encode()


def queues_of(netns: str, links: Iterable[str]) -> list[str]:
    """Queues, htb classes and redirections of each link, in that order, each link named by its queues."""
    asked = "".join(f"qdisc show dev {link}\nclass show dev {link}\nfilter show dev {link} ingress\n" for link in links)
    told = printed("tc", "-n", netns, "-force", "-batch", "-", typed=asked).splitlines()
    kept = [line.strip() for line in told if line.startswith(("qdisc", "class htb")) or "Redirect" in line]
    return [re.sub(r"^(qdisc \w+) [0-9a-f]+:", r"\1", line) for line in kept]


@contextlib.asynccontextmanager
async def linux_edge() -> AsyncIterator[LinuxEdgeHarness]:
    """A namespace with its cables; skips where none can be made."""
    if shutil.which("nft") is None or shutil.which("tc") is None:
        pytest.skip("needs nftables and iproute2")
    try:
        with namespace() as netns, tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
            for n in range(CABLES):
                add_pair(netns, f"acc{n}", f"cpe-acc{n}")
                ip("-n", netns, "link", "set", f"cpe-acc{n}", "down")
            yield LinuxEdgeHarness(netns, Path(folder))
    except NoNamespace as problem:
        pytest.skip(str(problem))
