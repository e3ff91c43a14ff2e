"""``drivers.base.Driver`` for one UISP instance and the access points it controls."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess, differences
from drivers.base import Capabilities, Heard, Outcome, Plan
from drivers.errors import Conflict, Rejected
from drivers.places import Occupied, Places
from drivers.rest.marks import NotMarkable
from drivers.rest.session import RestSession
from drivers.uisp import changes, tables
from drivers.uisp.changes import NotPossible, Target, Write
from drivers.uisp.reading import Air, Register, observed
from drivers.uisp.settings import UispSettings
from drivers.uisp.tables import Reader

_GONE = "404"


class UispDriver:
    """One UISP instance over its REST API; a port is an access point by its name, where only one has it.

    ``malformed_entries`` counts the rows that could not be used. UISP has no transaction: a batch is one read and then
    few requests per subscriber, in an order that leaves nobody unshaped (``changes``).
    """

    def __init__(self, settings: UispSettings) -> None:
        self.name = settings.name
        self.malformed_entries = 0
        self._settings = settings
        self._session = self._new_session()
        self._turn = asyncio.Lock()
        self._adopted: set[str] = set()

    async def capabilities(self) -> Capabilities:
        """What UISP can do; asks for what needs the token."""
        async with self._turn:
            await self._session.request("GET", tables.GATEWAYS)
        return Capabilities(
            technologies=frozenset({"wireless"}),
            announces=False,
            confirmed_commit=False,
            measures=frozenset({"signal_dbm"}),
            reboots=True,
            saves=False,
        )

    async def ports(self) -> frozenset[str]:
        """The names of the access points whose stations can be listed."""
        async with self._turn:
            return frozenset((await self._register()).ports)

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Ask again and again whether UISP is there; raises ``Unreachable`` when it is not.

        It announces nothing by this API, so ``heard`` is never called.
        """
        await self._new_session().watch(tables.VERSION, listening)

    async def list_discovered(self) -> list[PresentDevice]:
        """Every station that is connected to an access point."""
        async with self._turn:
            register, air = await self._everything()
        return list(air.present(register))

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Every device that a client site is for, whoever made it."""
        async with self._turn:
            register, air = await self._everything()
        found = (observed(register, register.of(mac), air) for mac in register.macs())
        return [each for each in found if each is not None]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and presence of each device that a client site is for."""
        async with self._turn:
            register, air = await self._everything()
        found = ((mac, observed(register, register.of(mac), air)) for mac in devices)
        return {mac: each for mac, each in found if each is not None}

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read once, and say for each what must change."""
        async with self._turn:
            register = await self._register()
        return [self._plan(register, each) for each in wanted]

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Read once, then make each plan true; a refused request ends that plan alone."""
        outcomes = [Outcome(plan.wanted.device, changed=False, error=plan.refused) for plan in plans]
        pending = [n for n, plan in enumerate(plans) if plan.changes and plan.refused is None]
        if pending:
            async with self._turn:
                register, batch = await self._register(), Places()
                for n in pending:
                    outcomes[n] = await self._apply(register, batch, plans[n].wanted)
        return outcomes

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Suspend or resume the client sites of the devices."""
        async with self._turn:
            register = await self._register()
            return [await self._set_admin(register, mac, enabled) for mac in devices]

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """The signal that an access point receives from each device now; null for one that is not connected."""
        async with self._turn:
            _, air = await self._everything()
        return {mac: Levels(signal_dbm=air.heard.get(mac, ("", None))[1]) for mac in devices}

    async def reboot(self, device: str) -> None:
        """Restart a subscriber's radio; raises ``Rejected`` when UISP does not know it."""
        async with self._turn:
            known = (await self._register()).of(device).device
            if known is None:
                raise Rejected(self.name, "reboot", f"{device} is not known to UISP")
            await self._session.request("POST", f"{tables.DEVICES}/{known.id}/restart")

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the devices, each alone."""
        async with self._turn:
            register = await self._register()
            return [await self._remove(register, mac) for mac in devices]

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat the client sites that these devices are assigned to as ztpd's own."""
        self._adopted.update(devices)

    async def save(self) -> None:
        """Nothing: UISP keeps what is configured."""

    async def close(self) -> None:
        """End the connections; the driver may be used again."""
        async with self._turn:
            await self._session.close()

    def _new_session(self) -> RestSession:
        settings = self._settings
        return RestSession(settings, {"x-auth-token": settings.token}, f"user {settings.account}", _explain)

    async def _register(self) -> Register:
        reader = Reader()
        devices = reader.devices(await self._session.request("GET", tables.DEVICES))
        sites = reader.sites(await self._session.request("GET", tables.SITES, query={"type": "endpoint"}))
        gateways = reader.gateways(await self._session.request("GET", tables.GATEWAYS))
        self.malformed_entries += reader.malformed
        return Register(devices, sites, gateways, frozenset(self._adopted))

    async def _everything(self) -> tuple[Register, Air]:
        register, air, reader = await self._register(), Air(), Reader()
        for name, access_point in sorted(register.ports.items()):
            stations = reader.stations(await self._session.request("GET", access_point.stations_path))
            air.add(register, name, stations)
        self.malformed_entries += reader.malformed
        return register, air

    def _plan(self, register: Register, wanted: WantedAccess) -> Plan:
        try:
            self._target(register, wanted)
        except Rejected as refused:
            return Plan(wanted, (), refused)
        return Plan(wanted, differences(wanted, observed(register, register.of(wanted.device), Air())))

    def _target(self, register: Register, wanted: WantedAccess) -> Target:
        try:
            return changes.target_for(register, register.of(wanted.device), wanted, self._settings)
        except Occupied as error:
            raise Conflict(self.name, "plan", str(error)) from error
        except (NotPossible, NotMarkable) as error:
            raise Rejected(self.name, "plan", str(error)) from error

    async def _apply(self, register: Register, batch: Places, wanted: WantedAccess) -> Outcome:
        try:
            target = self._target(register, wanted)
            batch.take(wanted, f"device {wanted.device}", f"service {wanted.service}")
        except Occupied as error:
            return Outcome(wanted.device, changed=False, error=Conflict(self.name, "apply", str(error)))
        except Rejected as refused:
            return Outcome(wanted.device, changed=False, error=refused)
        return await self._write(wanted.device, changes.writes_for(register.of(wanted.device), target))

    async def _set_admin(self, register: Register, mac: str, enabled: bool) -> Outcome:
        held = register.of(mac)
        try:
            if not held.sites:
                raise NotPossible(f"{mac} is not configured")
            changes.check_ours(held)
            if not enabled:
                changes.check_suspends(register)
        except Occupied as error:
            return Outcome(mac, changed=False, error=Conflict(self.name, "set-admin", str(error)))
        except NotPossible as error:
            return Outcome(mac, changed=False, error=Rejected(self.name, "set-admin", str(error)))
        return await self._write(mac, changes.write_to_admin(held, enabled))

    async def _remove(self, register: Register, mac: str) -> Outcome:
        held = register.of(mac)
        try:
            changes.check_ours(held)
        except Occupied as error:
            return Outcome(mac, changed=False, error=Conflict(self.name, "remove", str(error)))
        return await self._write(mac, changes.writes_to_remove(held))

    async def _write(self, mac: str, writes: Iterable[Write]) -> Outcome:
        """Send the requests one after the other; the first that is refused ends them."""
        changed, site = False, ""
        for planned in writes:
            write = planned.at(site) if site else planned
            try:
                answer = await self._session.request(write.method, write.path, body=write.body)
                if planned.path == tables.SITES:
                    site = self._made_site(answer)
            except Rejected as refused:
                if write.method == "DELETE" and refused.tag == _GONE:
                    continue
                return Outcome(mac, changed, refused)
            changed = True
        return Outcome(mac, changed)

    def _made_site(self, answer: Any) -> str:
        """The id of the site that was made."""
        [*made] = Reader().sites([answer])
        if not made:
            raise Rejected(self.name, f"POST {tables.SITES}", "the answer has no site id to go on with")
        return made[0].id


def _explain(answer: Any) -> str | None:
    """``message`` of an error, or its name (definition "Error" of the specification)."""
    if not isinstance(answer, dict):
        return None
    return next((answer[name] for name in ("message", "error") if isinstance(answer.get(name), str)), None)
