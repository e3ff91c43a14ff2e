"""``drivers.base.Driver`` for one RouterOS router."""

import asyncio
import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.errors import Conflict, Rejected
from drivers.places import Occupied
from drivers.rest.marks import NotMarkable
from drivers.rest.session import RestSession
from drivers.routeros import changes, tables
from drivers.routeros.changes import Batch, NotPossible, Target, Write
from drivers.routeros.holdings import Holdings, Register
from drivers.routeros.presence import Presences
from drivers.routeros.reading import observed, port_of
from drivers.routeros.settings import RouterosSettings

_CONFIGURATION = (
    tables.SERVERS,
    tables.PPPOE_SERVERS,
    tables.QUEUES,
    tables.LEASES,
    tables.ENTRIES,
    tables.SECRETS,
    tables.ACTIVE,
)
_RADIO = (tables.WIRELESS, tables.WIFI)
_NO_MENU = frozenset({"400", "404"})
_GONE = "404"


class RouterosDriver:
    """One router over its REST API.

    ``malformed_entries`` counts the rows that could not be used. RouterOS has no transaction: a batch is one read of
    the tables and then few requests per subscriber, in an order that leaves nobody unshaped (``changes``).
    """

    def __init__(self, settings: RouterosSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self._settings = settings
        self._session = self._new_session()
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()
        self._radio: tuple[str, ...] | None = None

    async def capabilities(self) -> Capabilities:
        """What this router can do: it measures signals where it has radios itself."""
        async with self._turn:
            await self._session.request("GET", tables.RESOURCE)
            await self._radio_menus()
        return Capabilities(
            technologies=frozenset({"wireless"}),
            announces=False,
            confirmed_commit=False,
            measures=frozenset({"signal_dbm"} if self._radio else ()),
            reboots=False,
            saves=False,
        )

    async def ports(self) -> frozenset[str]:
        """The interfaces of DHCP and PPPoE servers, and the circuit-ids that are configured behind them."""
        async with self._turn:
            return (await self._register(tables.SERVERS, tables.PPPOE_SERVERS)).ports()

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Ask again and again whether the router is there; raises ``Unreachable`` when it is not.

        It announces nothing over REST, so ``heard`` is never called.
        """
        await self._new_session().watch(tables.RESOURCE, listening)

    async def list_discovered(self) -> list[PresentDevice]:
        """Every device with a bound lease or a PPP session, or registered on a radio of the router."""
        async with self._turn:
            _, presences = await self._everything()
        return presences.present()

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every device that a static lease, a PPP secret of a known caller or a mark of ztpd's is for."""
        async with self._turn:
            register, presences = await self._everything()
        found = (observed(register, register.of(device), presences) for device in register.devices())
        return [each for each in found if each is not None]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and presence of each device that is configured."""
        async with self._turn:
            register, presences = await self._everything()
        found = ((device, observed(register, register.of(device), presences)) for device in devices)
        return {device: each for device, each in found if each is not None}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read the tables once, and say for each what must change."""
        async with self._turn:
            register = await self._register(*_menus_for(wanted))
        presences = Presences(register)
        return [self._plan(register, presences, each) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Read the tables once, then make each plan true; a refused request ends that plan alone."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        pending = [n for n, plan in enumerate(plans) if plan.changes and plan.refused is None]
        if pending:
            async with self._turn:
                menus = _menus_for([plans[n].wanted for n in pending])
                register, batch = await self._register(*menus), Batch()
                for n in pending:
                    outcomes[n] = await self._apply(register, batch, plans[n].wanted)
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Suspend or resume: the address list for a lease, the secret itself for PPP."""
        async with self._turn:
            register = await self._register(*_CONFIGURATION, *(() if enabled else tables.RULES))
            return [await self._set_admin(register, device, enabled) for device in devices]

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """The signal that the router's own radios receive from each device; null where it is on none."""
        async with self._turn:
            register = await self._register(*await self._radio_menus())
        signals = {each.device: each.signal_dbm for each in register.snapshot.registrations}
        return {device: Levels(signal_dbm=signals.get(device)) for device in devices}

    async def reboot(self, device: str) -> None:
        """Refused: a router has no hand in the devices of its subscribers."""
        raise Rejected(self.name, "reboot", f"{device} cannot be restarted from the router that serves it")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the devices, each alone."""
        async with self._turn:
            register = await self._register(*_CONFIGURATION)
            return [await self._remove(register, device) for device in devices]

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the static leases and PPP secrets of these devices as ztpd's own, with their queues and entries."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Nothing: RouterOS keeps what is configured."""

    async def close(self) -> None:
        """End the connections; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    def _new_session(self) -> RestSession:
        settings = self._settings
        token = base64.b64encode(f"{settings.username}:{settings.password}".encode()).decode()
        return RestSession(settings, {"Authorization": f"Basic {token}"}, f"user {settings.username}", _explain)

    async def _everything(self) -> tuple[Register, Presences]:
        menus = (*_CONFIGURATION, tables.PPPOE_SESSIONS, *await self._radio_menus())
        register = await self._register(*menus)
        presences = Presences(register)
        for device in register.devices():
            presences.place(device, port_of(register, register.of(device)))
        return register, presences

    async def _register(self, *menus: str) -> Register:
        read = tables.snapshot(await self._tables(*menus))
        self.malformed_entries += read.malformed
        return Register(read, self._settings, frozenset(self._adopted))

    async def _tables(self, *menus: str) -> dict[str, Any]:
        return {
            menu: await self._session.request("GET", menu, query={".proplist": tables.PROPERTIES[menu]})
            for menu in menus
        }

    async def _radio_menus(self) -> tuple[str, ...]:
        """The registration tables that this router has, found out once: each needs a package of its own."""
        if self._radio is None:
            found = []
            for menu in _RADIO:
                try:
                    await self._tables(menu)
                except Rejected as refused:
                    if refused.tag not in _NO_MENU:
                        raise
                    continue
                found.append(menu)
            self._radio = tuple(found)
        return self._radio

    def _plan(self, register: Register, presences: Presences, wanted: WantedAccess) -> Plan:
        try:
            held = register.of(wanted.device)
            self._target(register, held, wanted)
            return Plan(wanted, differences(wanted, observed(register, held, presences)))
        except Rejected as refused:
            return Plan(wanted, (), refused)

    def _target(self, register: Register, held: Holdings, wanted: WantedAccess) -> Target:
        try:
            return changes.target_for(register, held, wanted)
        except Occupied as error:
            raise Conflict(self.name, "plan", str(error)) from error
        except (NotPossible, NotMarkable) as error:
            raise Rejected(self.name, "plan", str(error)) from error

    async def _apply(self, register: Register, batch: Batch, wanted: WantedAccess) -> Outcome:
        held = register.of(wanted.device)
        try:
            target = self._target(register, held, wanted)
            batch.take(wanted, target.address)
        except Occupied as error:
            return Outcome(wanted.device, changed=False, error=Conflict(self.name, "apply", str(error)))
        except Rejected as refused:
            return Outcome(wanted.device, changed=False, error=refused)
        return await self._write(wanted.device, changes.writes_for(register, held, target))

    async def _set_admin(self, register: Register, device: str, enabled: bool) -> Outcome:
        held = register.of(device)
        if held.empty:
            missing = Rejected(self.name, "set-admin", f"{device} is not configured")
            return Outcome(device, changed=False, error=missing)
        try:
            changes.check_ours(held)
            writes = changes.writes_to_admin(register, held, enabled)
        except Occupied as error:
            return Outcome(device, changed=False, error=Conflict(self.name, "set-admin", str(error)))
        except NotPossible as error:
            return Outcome(device, changed=False, error=Rejected(self.name, "set-admin", str(error)))
        return await self._write(device, writes)

    async def _remove(self, register: Register, device: str) -> Outcome:
        held = register.of(device)
        try:
            changes.check_ours(held)
        except Occupied as error:
            return Outcome(device, changed=False, error=Conflict(self.name, "remove", str(error)))
        return await self._write(device, changes.writes_to_remove(register, held))

    async def _write(self, device: str, writes: Sequence[Write]) -> Outcome:
        """Send the requests one after the other; the first that is refused ends them."""
        changed = False
        for write in writes:
            try:
                await self._session.request(write.method, write.path, body=write.body, secrets=write.secrets)
            except Rejected as refused:
                if write.method == "DELETE" and refused.tag == _GONE:
                    continue
                return Outcome(device, changed, refused)
            changed = True
        return Outcome(device, changed)


def _menus_for(wanted: Sequence[WantedAccess]) -> tuple[str, ...]:
    """The configuration and, where somebody is to be suspended, the rules that would do it."""
    return _CONFIGURATION if all(each.enabled for each in wanted) else (*_CONFIGURATION, *tables.RULES)


def _explain(answer: Any) -> str | None:
    """``detail`` or ``message`` of an error (ROS "REST API", section Errors)."""
    if not isinstance(answer, dict):
        return None
    said = [answer[name] for name in ("message", "detail") if isinstance(answer.get(name), str)]
    return ": ".join(said) or None
