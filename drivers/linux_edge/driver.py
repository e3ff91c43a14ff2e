"""``drivers.base.Driver`` for one edge server's kernel."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.errors import Conflict, Rejected
from drivers.linux_edge import changes, reading
from drivers.linux_edge.edge import Edge
from drivers.linux_edge.kernel import Kernel, Opener
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import Change, Snapshot
from drivers.places import Occupied
from pon.onu import Presence


class LinuxEdgeDriver:
    """One kernel. Each service is written for itself, for a kernel has no commit over several.

    A write is in the state file before it is reported, so that ``save`` has nothing left to do but to try again what
    the disk refused. ``opener`` opens the kernel in the driver's own thread; without one it is the running kernel.
    """

    def __init__(self, settings: LinuxEdgeSettings, opener: Opener | None = None) -> None:
        self.name = settings.name
        self._settings = settings
        self._edge = Edge(settings, _running_kernel if opener is None else opener)
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the kernel when it is not open."""
        async with self._turn:
            await self._edge.read(())
        return Capabilities(
            technologies=frozenset({"ethernet"}),
            announces=True,
            confirmed_commit=False,
            measures=frozenset({"link_bps"}),
            reboots=False,
            saves=False,
        )

    async def ports(self) -> frozenset[str]:
        """The access interfaces that there are, and behind them the ports of every service."""
        async with self._turn:
            snapshot = await self._edge.read(())
        there = (each for each in self._settings.access_interfaces if each in snapshot.links)
        return frozenset(there) | frozenset(reading.service_links(snapshot, self._settings))

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Call ``heard`` for every port that comes or goes until cancelled; raises ``Unreachable`` when it cannot."""
        async with self._turn:
            notices = await self._edge.notices()
        try:
            before = {each.port: each for each in await self.list_discovered()}
            listening()
            while True:
                await notices.next()
                now = {each.port: each for each in await self.list_discovered()}
                for port in sorted(before.keys() - now.keys()):
                    heard(replace(before[port], presence=Presence.ABSENT, raw_state="down"))
                for port, present in sorted(now.items()):
                    if before.get(port) != present:
                        heard(present)
                before = now
        finally:
            notices.close()

    async def list_discovered(self) -> list[PresentDevice]:
        """Every port with a carrier: those of services, and access interfaces that no service uses."""
        async with self._turn:
            snapshot = await self._edge.read(())
        return reading.present(snapshot, self._settings)

    async def list_provisioned(self) -> list[ObservedAccess]:
        """The service on every link behind an access interface, whoever made it."""
        async with self._turn:
            snapshot = await self._edge.read(None)
        devices = sorted(reading.service_links(snapshot, self._settings))
        return [each for each in (self._observed(snapshot, device) for device in devices) if each is not None]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The service on each of the ports that has one."""
        async with self._turn:
            snapshot = await self._edge.read(devices)
        found = {device: self._observed(snapshot, device) for device in devices}
        return {device: each for device, each in found.items() if each is not None}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say what must change; refused if the port's VLANs, link or service are another's."""
        async with self._turn:
            snapshot = await self._edge.read([each.device for each in wanted])
        return [self._plan(each, snapshot) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true, one after the other; what others of the batch stood in the way of is tried once more."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        async with self._turn:
            snapshot = await self._edge.read([plan.wanted.device for plan in plans])
            pending = [n for n, plan in enumerate(plans) if plan.changes and plan.refused is None]
            while pending:
                for n in pending:
                    outcomes[n], snapshot = await self._make(plans[n].wanted, snapshot)
                refused = [n for n in pending if outcomes[n].error is not None]
                pending = refused if len(refused) < len(pending) else []
            await self._edge.keep(snapshot, [each.device for each in outcomes if each.error is None])
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Suspend services or end that, in one nftables transaction; where that is refused, each in one of its own."""
        async with self._turn:
            snapshot, links, refused = await self._edge.read(devices), dict[str, str](), dict[str, Rejected]()
            for device in devices:
                try:
                    links[device] = self._link_to_set_admin(device, snapshot)
                except Rejected as error:
                    refused[device] = error
            differing = {device for device, link in links.items() if (link in snapshot.suspended) == enabled}
            snapshot, together = await self._set_admin(links, enabled, snapshot)
            for device, link in links.items() if together is not None else ():
                snapshot, alone = await self._set_admin({device: link}, enabled, snapshot)
                refused |= {} if alone is None else {device: alone}
            await self._edge.keep(snapshot, links)
        return [Outcome(each, each in differing and each not in refused, refused.get(each)) for each in devices]

    async def _set_admin(
        self, links: Mapping[str, str], enabled: bool, snapshot: Snapshot
    ) -> tuple[Snapshot, Rejected | None]:
        """Suspend links or end that in one transaction: how things are then, and what it was refused with."""
        steps = changes.changes_to_set_admin(links.values(), enabled, snapshot, self._settings)
        try:
            await self._edge.do(steps)
        except Rejected as refused:
            return await self._edge.reread(snapshot, steps), refused
        return await self._edge.reread(snapshot, steps), None

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """The speed of the access interface of each port; None where there is no link."""
        async with self._turn:
            return {device: Levels(link_bps=await self._link_bps(device)) for device in devices}

    async def reboot(self, device: str) -> None:
        """Refused: a kernel has no hold on the device at the customer."""
        raise Rejected(self.name, "reboot", f"the device on {device} cannot be restarted from here")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the ports, one outcome each."""
        async with self._turn:
            snapshot, outcomes = await self._edge.read(devices), []
            await self._edge.forget(snapshot, self._removable(devices, snapshot))
            for device in devices:
                outcome, snapshot = await self._remove(device, snapshot)
                outcomes.append(outcome)
            await self._edge.keep(snapshot, [each.device for each in outcomes if each.error is not None])
        return outcomes

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the links on these ports as ztpd's own."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Write the state file if the disk refused it before."""
        async with self._turn:
            await self._edge.flush()

    async def close(self) -> None:
        """Let go of the kernel; the driver may be used again."""
        async with self._turn:
            await self._edge.close()

    def _plan(self, wanted: WantedAccess, snapshot: Snapshot) -> Plan:
        try:
            self._changes(wanted, snapshot)
            return Plan(wanted, differences(changes.canonical(wanted), self._observed(snapshot, wanted.device)))
        except Rejected as refused:
            return Plan(wanted, (), refused)

    async def _make(self, wanted: WantedAccess, snapshot: Snapshot) -> tuple[Outcome, Snapshot]:
        """Make one service as it is wanted; what was made for one that is refused half way is taken away again."""
        device = wanted.device
        snapshot = await self._edge.with_traffic(snapshot, [device])
        new = self._observed(snapshot, device) is None
        try:
            steps = self._changes(wanted, snapshot)
        except Rejected as refused:
            return Outcome(device, changed=False, error=refused), snapshot
        outcome, snapshot = await self._do(device, steps, snapshot)
        if outcome.error is not None and new:
            _, snapshot = await self._remove(device, snapshot)
        return outcome, snapshot

    def _link_to_set_admin(self, device: str, snapshot: Snapshot) -> str:
        try:
            return changes.link_to_set_admin(device, snapshot, self._settings, self._adopted)
        except Occupied as error:
            raise Conflict(self.name, "set-admin", str(error)) from error
        except KeyError:
            raise Rejected(self.name, "set-admin", f"port {device} is not configured") from None

    async def _remove(self, device: str, snapshot: Snapshot) -> tuple[Outcome, Snapshot]:
        snapshot = await self._edge.with_traffic(snapshot, [device])
        try:
            steps = changes.changes_to_remove(device, snapshot, self._settings, self._adopted)
        except Occupied as error:
            return Outcome(device, changed=False, error=Conflict(self.name, "remove", str(error))), snapshot
        return await self._do(device, steps, snapshot)

    async def _do(self, device: str, steps: Sequence[Change], snapshot: Snapshot) -> tuple[Outcome, Snapshot]:
        try:
            await self._edge.do(steps)
        except Rejected as refused:
            return Outcome(device, changed=False, error=refused), await self._edge.reread(snapshot, steps)
        return Outcome(device, changed=bool(steps)), await self._edge.reread(snapshot, steps)

    def _changes(self, wanted: WantedAccess, snapshot: Snapshot) -> list[Change]:
        try:
            return changes.changes_for(wanted, snapshot, self._settings, self._adopted)
        except Occupied as error:
            raise Conflict(self.name, "plan", str(error)) from error
        except ValueError as error:
            raise Rejected(self.name, "plan", str(error)) from error

    def _removable(self, devices: Iterable[str], snapshot: Snapshot) -> list[str]:
        found = reading.service_links(snapshot, self._settings)
        return [each for each in devices if each not in found or each in self._adopted or reading.is_ours(found[each])]

    def _observed(self, snapshot: Snapshot, device: str) -> ObservedAccess | None:
        return reading.observed(snapshot, device, self._settings)

    async def _link_bps(self, device: str) -> int | None:
        interface = reading.interface_of(device, self._settings)
        return None if interface is None else await self._edge.link_bps(interface)


def _running_kernel(settings: LinuxEdgeSettings) -> Kernel:
    from drivers.linux_edge.netlink import open_kernel

    return open_kernel(settings)
