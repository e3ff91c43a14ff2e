"""One kernel and the file that remembers for it: read, change, keep, and make again what a restart took."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace

import structlog

from drivers.errors import Busy, Rejected
from drivers.linux_edge import changes, firewall, ledger, names, reading, state_file
from drivers.linux_edge.kernel import Notices, Opener
from drivers.linux_edge.ledger import Ledger
from drivers.linux_edge.session import EdgeSession
from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import Change, SetFirewall, Snapshot
from drivers.places import Occupied

_log = structlog.get_logger()


class Edge:
    """The kernel as snapshots, and the ledger on disk. Not safe for calls at the same time."""

    def __init__(self, settings: LinuxEdgeSettings, opener: Opener) -> None:
        self._settings = settings
        self._session = EdgeSession(settings, opener)
        self._ledger = Ledger()
        self._written: str | None = None
        self._settled = False
        self._told: frozenset[str] = frozenset()

    async def read(self, devices: Collection[str] | None) -> Snapshot:
        """The kernel now, with the traffic of the services on some devices, or on all.

        What the ledger has and the kernel has lost is made again first, once a session, or until it can be.
        """
        if not (self._settled and self._session.is_open) and not self._settings.read_only:
            self._settled = False
            self._settled = await self._settle()
        return await self._snapshot(devices)

    async def reread(self, snapshot: Snapshot, steps: Iterable[Change]) -> Snapshot:
        """A snapshot with the links and the table that changes touched read again, without those links' traffic."""
        touched, walled = set(), False
        for step in steps:
            walled = walled or isinstance(step, SetFirewall)
            touched |= {getattr(step, each.name) for each in fields(step) if each.name in ("link", "to")}
        links = {name: link for name, link in snapshot.links.items() if name not in touched}
        kept = {name: each for name, each in snapshot.traffic.items() if name not in touched}
        if touched:
            found = await self._session.ask("get links", lambda kernel: kernel.links(sorted(touched)))
            links |= {link.name: link for link in found}
        table = await self._session.ask("list table", lambda kernel: kernel.firewall()) if walled else snapshot.firewall
        return Snapshot(links, kept, table)

    async def with_traffic(self, snapshot: Snapshot, devices: Collection[str] | None) -> Snapshot:
        """A snapshot with the traffic of the services on some devices, or on all, that it has not."""
        asked = reading.asked_for(snapshot, devices, self._settings)
        links = [snapshot.links[name] for name in asked if name not in snapshot.traffic]
        if not links:
            return snapshot
        traffic = await self._session.ask("get traffic", lambda kernel: kernel.traffic(links))
        return replace(snapshot, traffic={**snapshot.traffic, **traffic})

    async def do(self, steps: Sequence[Change]) -> None:
        """Make changes in order; raises at the first that is refused."""
        for step in steps:
            await self._session.ask(type(step).__name__, lambda kernel, step=step: kernel.do(step))  # type: ignore[misc]

    async def keep(self, snapshot: Snapshot, devices: Iterable[str]) -> None:
        """Have the ledger say of some devices what the kernel shows, and have it on disk; raises ``Busy``."""
        devices = list(devices)
        snapshot = await self.with_traffic(snapshot, devices)
        observed = (reading.observed(snapshot, device, self._settings) for device in devices)
        entries = (ledger.entry_of(each) for each in observed if each is not None)
        whole = [entry for entry in entries if entry is not None]
        self._ledger = ledger.updated(self._ledger, whole, (), self._others_suspended(snapshot))
        await self.flush()

    async def forget(self, snapshot: Snapshot, devices: Iterable[str]) -> None:
        """Have devices out of the ledger before they are out of the kernel, so that no restart brings them back."""
        self._ledger = ledger.updated(self._ledger, (), devices, self._others_suspended(snapshot))
        await self.flush()

    async def flush(self) -> None:
        """Write the ledger if the disk has another; raises ``Busy`` when the disk refuses."""
        text, path = ledger.dump(self._ledger), self._settings.state_file
        if text == self._written or (self._written is None and self._ledger == Ledger()):
            return
        try:
            await asyncio.to_thread(state_file.write, path, text)
        except OSError as error:
            raise Busy(self._settings.name, f"write {path}", f"{error}: a restart would lose what was made") from error
        self._written = text

    async def link_bps(self, interface: str) -> int | None:
        """The negotiated speed of an interface."""
        return await self._session.ask("ethtool", lambda kernel: kernel.link_bps(interface))

    async def notices(self) -> Notices:
        """Hear of changes from now on."""
        return await self._session.notices()

    async def close(self) -> None:
        """Let go of the kernel."""
        await self._session.close()

    async def _snapshot(self, devices: Collection[str] | None) -> Snapshot:
        links = await self._session.ask("get links", lambda kernel: kernel.links())
        table = await self._session.ask("list table", lambda kernel: kernel.firewall())
        return await self.with_traffic(Snapshot({link.name: link for link in links}, firewall=table), devices)

    def _others_suspended(self, snapshot: Snapshot) -> frozenset[str]:
        """The suspended links that no service in the ledger will suspend again."""
        marked = {name for name, link in snapshot.links.items() if names.parse_alias(link.alias) is not None}
        return snapshot.suspended - marked - _suspended_by(self._ledger, self._settings)

    async def _settle(self) -> bool:
        """Bring kernel and ledger together; whether nothing is left to be made again."""
        await self._load()
        snapshot = await self._snapshot(None)
        snapshot = await self._wall_off(snapshot)
        refused: set[str] = set()
        for wanted in self._ledger.services.values():
            observed = reading.observed(snapshot, wanted.device, self._settings)
            if observed is not None and ledger.has_all(observed, wanted):
                continue
            try:
                steps = changes.changes_for(wanted, snapshot, self._settings, ())
                await self.do(steps)
                snapshot = await self.reread(snapshot, steps)
            except (Occupied, ValueError, Rejected) as error:
                refused.add(f"{wanted.device}: {error}")
        try:
            await self.keep(snapshot, sorted(reading.service_links(snapshot, self._settings)))
        except Busy as full:
            refused.add(str(full))
        self._tell(frozenset(refused))
        return not refused

    async def _load(self) -> None:
        path = self._settings.state_file
        try:
            text = await asyncio.to_thread(state_file.read, path)
            self._ledger = Ledger() if text is None else ledger.parse(text)
        except (OSError, ValueError) as error:
            answer = f"{error}; mend it, or move it away if what it holds need not be restored"
            raise Rejected(self._settings.name, f"read {path}", answer) from error
        self._written = text

    async def _wall_off(self, snapshot: Snapshot) -> Snapshot:
        """The table, before any link is up: with the ledger's links when there is none, with today's rules always."""
        lost = snapshot.firewall is None
        names_of = self._ledger.suspended | _suspended_by(self._ledger, self._settings) if lost else snapshot.suspended
        stale = snapshot.firewall is not None and snapshot.firewall.rules != firewall.digest(self._settings)
        if not names_of or not (lost or stale):
            return snapshot
        ruleset = firewall.transaction(None, names_of, (), self._settings)
        steps = [] if ruleset is None else [SetFirewall(ruleset)]
        await self.do(steps)
        return await self.reread(snapshot, steps)

    def _tell(self, refused: frozenset[str]) -> None:
        if refused - self._told:
            _log.warning("not restored", element=self._settings.name, refused=sorted(refused))
        self._told = refused


def _suspended_by(kept: Ledger, settings: LinuxEdgeSettings) -> frozenset[str]:
    """The links of the suspended services in a ledger; a service whose port is no more has none."""
    found = set()
    for wanted in kept.services.values():
        try:
            attachment = names.attachment_of(wanted.port, wanted.s_vlan, wanted.c_vlan, settings.access_interfaces)
        except ValueError:
            continue
        if not wanted.enabled:
            found.add(names.link_name(attachment))
    return frozenset(found)
