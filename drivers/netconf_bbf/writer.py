"""What is written to an OLT: many ONUs in one commit, and each alone when that is refused."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from drivers.access import Difference, ObservedAccess, WantedAccess, differences
from drivers.base import Outcome, Plan
from drivers.errors import Conflict, ElementError, Rejected
from drivers.netconf import transaction
from drivers.netconf.session import NetconfSession
from drivers.netconf.transaction import Write
from drivers.netconf_bbf import adoption, changes, editing, filters, names, payloads, reading
from drivers.netconf_bbf.allocation import Exhausted, Numbers, held_numbers
from drivers.netconf_bbf.changes import Addition, Batch, NoSuchPort
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.editing import Edit
from drivers.netconf_bbf.inventory import Inventory
from drivers.netconf_bbf.ledger import Ledger
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.reader import AT_ONCE, Reader
from drivers.netconf_bbf.settings import NetconfBbfSettings
from drivers.places import Occupied

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Written:
    """A service that is to be written: where, and in what it differs."""

    wanted: WantedAccess
    port: Port
    changes: tuple[Difference, ...]


class Writer:
    """Changes of one OLT.

    The numbers in use are remembered from one write to the next (``ledger``), and forgotten at the first doubt: a lost
    session, a refusal, a number that somebody else has given.
    """

    def __init__(self, settings: NetconfBbfSettings, session: NetconfSession, reader: Reader) -> None:
        self._settings = settings
        self._session = session
        self._reader = reader
        self._ledger: Ledger | None = None
        self._is_read_under_lock = False

    async def apply(self, plans: Sequence[Plan], adopted: frozenset[str]) -> list[Outcome]:
        """Make plans true."""

        async def attempt(write: Write, some: Sequence[Plan]) -> list[Outcome]:
            return await self._apply(write, some, adopted)

        return await self._in_lock(plans, lambda plan: plan.wanted.device, attempt)

    async def set_admin(self, serials: Sequence[str], enabled: bool, adopted: frozenset[str]) -> list[Outcome]:
        """Enable or disable ONUs' v-ANIs."""

        async def attempt(write: Write, some: Sequence[str]) -> list[Outcome]:
            inventory = await self._reader.claims(some)
            outcomes = [self._admin_outcome(inventory, serial, enabled, adopted) for serial in some]
            v_anis = [inventory.names_of(each.device).v_ani for each in outcomes if each.changed]
            await _make(write, [editing.admin(v_ani, enabled) for v_ani in dict.fromkeys(v_anis)])
            return outcomes

        return await self._in_lock(serials, str, attempt)

    async def remove(self, serials: Sequence[str], adopted: frozenset[str]) -> list[Outcome]:
        """Take away everything that was made for ONUs."""

        async def attempt(write: Write, some: Sequence[str]) -> list[Outcome]:
            inventory = (await self._reader.for_removing(some)).inventory
            outcomes = [self._removal_outcome(inventory, serial, adopted) for serial in some]
            going = [each.device for each in outcomes if each.changed]
            await _make(write, changes.edits_to_remove(inventory, going))
            for serial in going:
                self._forget(inventory, serial)
            return outcomes

        return await self._in_lock(serials, str, attempt)

    def check(self, batch: Batch, wanted: WantedAccess) -> _Written:
        """What would be written for one more of a batch; raises ``Conflict`` or ``Rejected``."""
        try:
            port = batch.take_place(wanted)
        except Occupied as error:
            raise Conflict(self._settings.name, "plan", str(error)) from error
        except (NoSuchPort, ValueError) as error:
            raise Rejected(self._settings.name, "plan", str(error)) from error
        found = differences(wanted, self.observed(batch.inventory, wanted.device))
        return _Written(wanted, port, found)

    def observed(self, inventory: Inventory, serial: str) -> ObservedAccess | None:
        """One ONU as it is configured; raises ``Rejected`` when that cannot be read."""
        try:
            return reading.observed_onu(inventory, serial)
        except ValueError as error:
            answer = f"the configuration of {serial} is malformed: {error}"
            raise Rejected(self._settings.name, "read", answer) from error

    async def _in_lock(
        self,
        items: Sequence[T],
        device_of: Callable[[T], str],
        attempt: Callable[[Write, Sequence[T]], Awaitable[list[Outcome]]],
    ) -> list[Outcome]:
        """Attempt all under the candidate's lock, as many at once as one commit takes."""
        self._is_read_under_lock = False
        try:
            async with transaction.locked(self._session, self._settings, candidate_only=True) as write:
                return [
                    outcome
                    for start in range(0, len(items), AT_ONCE)
                    for outcome in await self._halved(write, items[start : start + AT_ONCE], device_of, attempt)
                ]
        except BaseException:
            self._ledger = None
            raise

    async def _halved(
        self,
        write: Write,
        items: Sequence[T],
        device_of: Callable[[T], str],
        attempt: Callable[[Write, Sequence[T]], Awaitable[list[Outcome]]],
    ) -> list[Outcome]:
        """Attempt all together; when that is refused, either half, until each that is refused fails alone."""
        try:
            return await attempt(write, items)
        except Rejected as refused:
            if not self._is_read_under_lock:
                self._ledger = None
            if len(items) == 1:
                return [Outcome(device_of(items[0]), changed=False, error=refused)]
        middle = len(items) // 2
        first = await self._halved(write, items[:middle], device_of, attempt)
        return [*first, *await self._halved(write, items[middle:], device_of, attempt)]

    async def _apply(self, write: Write, plans: Sequence[Plan], adopted: frozenset[str]) -> list[Outcome]:
        """One look at everything and at most one commit; plans that conflict are left out."""
        known = await self._reader.for_writing([plan.wanted for plan in plans])
        batch = Batch(known.inventory, adopted)
        outcomes: list[Outcome] = []
        writing: list[_Written] = []
        for plan in plans:
            outcome, written = self._checked(batch, plan.wanted)
            outcomes.append(outcome)
            if written is not None:
                writing.append(written)
        numbers = await self._numbers(batch.inventory, writing)
        additions: list[Addition] = []
        for number, outcome in enumerate(outcomes):
            written = next((each for each in writing if outcome.changed and each.wanted.device == outcome.device), None)
            if written is None:
                continue
            try:
                additions.append(self._addition(batch, written, numbers))
            except Rejected as error:
                outcomes[number] = replace(outcome, changed=False, error=error)
        if additions:
            await _make(write, changes.edits_to_provision(batch.inventory, additions))
            self._note(writing, numbers)
        return outcomes

    def _checked(self, batch: Batch, wanted: WantedAccess) -> tuple[Outcome, _Written | None]:
        try:
            written = self.check(batch, wanted)
        except Rejected as error:
            return Outcome(wanted.device, changed=False, error=error), None
        changed = bool(written.changes)
        return Outcome(wanted.device, changed=changed), written if changed else None

    def _addition(self, batch: Batch, written: _Written, numbers: dict[str, Numbers | Exhausted]) -> Addition:
        wanted, inventory = written.wanted, batch.inventory
        if inventory.foreign_v_ani(wanted.device) is not None:
            try:
                return adoption.addition_for(inventory, wanted, written.changes)
            except Occupied as error:
                raise Conflict(self._settings.name, "apply", str(error)) from error
        held = numbers[wanted.device]
        if isinstance(held, Exhausted):
            raise Rejected(self._settings.name, "apply", str(held))
        return Addition(wanted.device, payloads.service_objects(wanted, held, written.port, inventory.uplink))

    async def _numbers(self, inventory: Inventory, writing: Sequence[_Written]) -> dict[str, Numbers | Exhausted]:
        """Each ONU's numbers: those that it holds, else free ones, looked up on the element before they are given."""
        found: dict[str, Numbers | Exhausted] = {}
        needing: list[tuple[str, Port]] = []
        for each in writing:
            if inventory.foreign_v_ani(each.wanted.device) is not None:
                continue
            held = held_numbers(inventory.configuration, each.wanted.device)
            if held is None:
                needing.append((each.wanted.device, each.port))
            else:
                found[each.wanted.device] = held
        return found | await self._free_numbers(needing) if needing else found

    async def _free_numbers(self, needing: Sequence[tuple[str, Port]]) -> dict[str, Numbers | Exhausted]:
        if self._ledger is not None and not self._ledger.holds_any_of(serial for serial, _ in needing):
            given = self._ledger.propose(needing)
            if self._is_read_under_lock or await self._is_free(self._ledger, needing, given):
                return given
        self._ledger = Ledger(await self._reader.configuration(filters.numbers()))
        self._is_read_under_lock = True
        return self._ledger.propose(needing)

    async def _is_free(
        self, ledger: Ledger, needing: Iterable[tuple[str, Port]], given: dict[str, Numbers | Exhausted]
    ) -> bool:
        """Whether nobody has given these numbers, or any others that show here, since they were last read."""
        places = [
            (port.channel_partition, numbers)
            for serial, port in needing
            if isinstance(numbers := given[serial], Numbers)
        ]
        if len(places) < len(given):
            return False  # a full PON is only believed when it has just been read
        subtree = filters.holding(
            [(partition, numbers.onu_id) for partition, numbers in places],
            sorted({numbers.alloc_id for _, numbers in places}),
            sorted({gemport_id for _, numbers in places for gemport_id in numbers.gemport_ids}),
        )
        return ledger.knows(index(await self._session.get_config(subtree)))

    def _note(self, writing: Iterable[_Written], numbers: dict[str, Numbers | Exhausted]) -> None:
        for each in writing:
            held = numbers.get(each.wanted.device)
            if self._ledger is not None and isinstance(held, Numbers):
                self._ledger.note(names.of_onu(each.wanted.device), held, each.port.channel_partition)

    def _forget(self, inventory: Inventory, serial: str) -> None:
        if self._ledger is None:
            return
        if inventory.foreign_v_ani(serial) is not None:
            self._ledger = None  # nobody keeps track of what another's names hold
        else:
            self._ledger.forget(names.of_onu(serial))

    def _admin_outcome(self, inventory: Inventory, serial: str, enabled: bool, adopted: frozenset[str]) -> Outcome:
        """What setting an ONU's state comes to: refused, changed, or there already."""
        try:
            changes.check_ours(inventory, serial, adopted)
            observed = self.observed(inventory, serial)
        except Occupied as error:
            return _failed(serial, Conflict(self._settings.name, "set-admin", str(error)))
        except Rejected as refused:
            return _failed(serial, refused)
        if observed is None:
            return _failed(serial, Rejected(self._settings.name, "set-admin", f"serial {serial} is not configured"))
        return Outcome(serial, changed=observed.enabled != enabled)

    def _removal_outcome(self, inventory: Inventory, serial: str, adopted: frozenset[str]) -> Outcome:
        try:
            changes.check_ours(inventory, serial, adopted)
        except Occupied as error:
            return _failed(serial, Conflict(self._settings.name, "remove", str(error)))
        return Outcome(serial, changed=changes.is_there(inventory, serial))


async def _make(write: Write, edits: Sequence[Edit]) -> None:
    if edits:
        await write.make(editing.config(edits))


def _failed(serial: str, error: ElementError) -> Outcome:
    return Outcome(serial, changed=False, error=error)
