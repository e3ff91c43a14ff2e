"""The edge driver between a kernel that forgets and a disk that may refuse: what is sold stays.

The kernel is one of values (``edges``), which a test stops, restarts and reads; the real one is in
``tests/integration``.
"""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.access import WantedAccess, differences
from drivers.errors import Busy, Conflict, Rejected, Unreachable
from drivers.linux_edge import LinuxEdgeDriver, LinuxEdgeSettings
from drivers.linux_edge.kernel import Notices
from drivers.linux_edge.session import EdgeSession
from drivers.linux_edge.values import Change, Firewall, Link, Traffic
from tests.contract.driving import make_so
from tests.unit.drivers.edges import SETTINGS, WANTED, ValueKernel

SUSPENDED = replace(WANTED, enabled=False)
OTHER = replace(WANTED, service="SVC-2", port="eth2", device="eth2", address=None)


class Machine:
    """A server whose kernel a driver opens; ``stops_after`` is how many changes it makes before it breaks off."""

    def __init__(self, folder: Path) -> None:
        self.kernel = ValueKernel()
        self.settings = replace(SETTINGS, state_file=folder / "edge.json")
        self.stops_after: int | None = None
        self.changes = 0

    def restart(self) -> None:
        self.kernel = ValueKernel()

    def open(self, settings: LinuxEdgeSettings) -> "OpenedKernel":
        return OpenedKernel(self)

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[LinuxEdgeDriver]:
        made = LinuxEdgeDriver(self.settings, self.open)
        try:
            yield made
        finally:
            await made.close()


class OpenedKernel:
    """``drivers.linux_edge.kernel.Kernel`` over a machine's."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def links(self, names: Iterable[str] | None = None) -> list[Link]:
        links = self._machine.kernel.links
        return list(links.values()) if names is None else [links[name] for name in names if name in links]

    def traffic(self, links: Sequence[Link]) -> dict[str, Traffic]:
        return {link.name: self._machine.kernel.traffic.get(link.name, Traffic()) for link in links}

    def firewall(self) -> Firewall | None:
        return self._machine.kernel.firewall

    def do(self, change: Change) -> None:
        if self._machine.stops_after == 0:
            raise Unreachable("edge-1", str(change), "stopped")
        if self._machine.stops_after is not None:
            self._machine.stops_after -= 1
        self._machine.changes += 1
        self._machine.kernel.do([change])

    def link_bps(self, name: str) -> int | None:
        return None

    def notices(self) -> Notices:
        raise NotImplementedError("nobody watches here")

    def close(self) -> None:
        pass


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def is_so(driver: LinuxEdgeDriver, wanted: WantedAccess) -> bool:
    observed = (await driver.read([wanted.device])).get(wanted.device)
    return observed is not None and differences(wanted, observed) == ()


async def test_everything_is_there_again_after_a_restart(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, WANTED, OTHER)
        await driver.set_admin([WANTED.device], enabled=False)
    machine.restart()

    async with machine.driver() as driver:
        assert await is_so(driver, SUSPENDED)
        assert await is_so(driver, OTHER)
        made = machine.changes
        assert len(await driver.list_provisioned()) == 2
        assert machine.changes == made, "it is made again once"


async def test_reading_a_kernel_that_lost_nothing_changes_nothing(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, WANTED)
    made, file = machine.changes, machine.settings.state_file.read_text()

    async with machine.driver() as driver:
        await driver.list_provisioned()
        await driver.list_discovered()

    assert machine.changes == made
    assert machine.settings.state_file.read_text() == file


async def test_a_server_without_services_has_no_state_file(machine: Machine) -> None:
    async with machine.driver() as driver:
        assert await driver.list_provisioned() == []

    assert not machine.settings.state_file.exists()


@pytest.mark.parametrize("steps", range(16))
async def test_a_restoring_that_is_stopped_goes_on_and_never_lets_a_suspended_service_out(
    machine: Machine, steps: int
) -> None:
    async with machine.driver() as driver:
        await make_so(driver, SUSPENDED)
    machine.restart()
    machine.stops_after = steps

    async with machine.driver() as driver:
        try:
            await driver.ports()
        except Unreachable:
            link = machine.kernel.links.get("eth1.201.301")
            walled = machine.kernel.firewall is not None and "eth1.201.301" in machine.kernel.firewall.suspended
            assert link is None or not link.up or walled
        machine.stops_after = None
        assert await is_so(driver, SUSPENDED)


async def test_what_was_made_but_not_yet_written_down_is_written_when_the_driver_is_back(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, WANTED)
    machine.settings.state_file.unlink()

    async with machine.driver() as driver:
        await driver.ports()
    machine.restart()

    async with machine.driver() as driver:
        assert await is_so(driver, WANTED)


async def test_a_service_whose_removal_was_stopped_does_not_come_back_with_a_restart(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, WANTED)
        machine.stops_after = 1
        with pytest.raises(Unreachable):
            await driver.remove([WANTED.device])
    machine.stops_after = None
    machine.restart()

    async with machine.driver() as driver:
        assert await driver.list_provisioned() == []


async def test_a_disk_that_refuses_is_busy_until_it_takes_what_was_made(machine: Machine) -> None:
    blocked = machine.settings.state_file.with_name(".edge.json.new")
    blocked.mkdir()
    async with machine.driver() as driver:
        plans = await driver.plan([WANTED])
        with pytest.raises(Busy, match=r"edge\.json"):
            await driver.apply(plans)
        assert await is_so(driver, WANTED), "the kernel has it"
        with pytest.raises(Busy):
            await driver.save()

        blocked.rmdir()
        [outcome] = await driver.apply(await driver.plan([WANTED]))
        assert (outcome.changed, outcome.error) == (False, None)
    machine.restart()

    async with machine.driver() as driver:
        assert await is_so(driver, WANTED)


async def test_a_service_whose_interface_is_not_there_yet_is_restored_when_it_is(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, SUSPENDED, OTHER)
    machine.kernel = ValueKernel("eth2")

    async with machine.driver() as driver:
        assert await is_so(driver, OTHER), "one that cannot be restored stops no other"
        assert await driver.read([WANTED.device]) == {}
        machine.kernel.add(Link(0, "eth1", up=True, carrier=True))
        assert await is_so(driver, SUSPENDED)


async def test_a_suspended_adopted_link_stays_walled_in_after_a_restart(machine: Machine) -> None:
    def others_make() -> None:
        parent = machine.kernel.links["eth1"].index
        machine.kernel.add(Link(0, "mayor", "vlan", parent, "802.1Q", 7, up=True))

    others_make()
    async with machine.driver() as driver:
        [refused] = await driver.set_admin(["eth1.7"], enabled=False)
        driver.adopt(["eth1.7"])
        [taken] = await driver.set_admin(["eth1.7"], enabled=False)
    machine.restart()
    others_make()

    async with machine.driver() as driver:
        observed = (await driver.read(["eth1.7"]))["eth1.7"]

    assert isinstance(refused.error, Conflict)
    assert taken.changed
    assert not observed.enabled


async def test_two_services_that_trade_places_in_one_batch_both_get_there(machine: Machine) -> None:
    first = replace(WANTED, port="eth1.201.301", device="eth1.201.301", address=None)
    async with machine.driver() as driver:
        await make_so(driver, first)
        freed = replace(OTHER, port="eth1", device="eth1", c_vlan=302)
        await make_so(driver, freed)
        plans = await driver.plan([replace(first, service="SVC-9"), replace(freed, service="SVC-1")])
        assert isinstance(plans[1].refused, Conflict), "SVC-1 is still on the other port"
        outcomes = await driver.apply([plans[0], replace(plans[1], refused=None, changes=plans[0].changes)])

    assert [outcome.error for outcome in outcomes] == [None, None]


async def test_what_is_not_configured_cannot_be_suspended_and_nothing_restarts(machine: Machine) -> None:
    async with machine.driver() as driver:
        [outcome] = await driver.set_admin(["eth1"], enabled=False)
        with pytest.raises(Rejected, match="cannot be restarted"):
            await driver.reboot("eth1")

    assert isinstance(outcome.error, Rejected)
    assert machine.kernel.firewall is None


async def test_changed_settings_of_the_garden_reach_the_kernel(machine: Machine) -> None:
    async with machine.driver() as driver:
        await make_so(driver, SUSPENDED)
    before = machine.kernel.firewall
    machine.settings = replace(machine.settings, garden=("192.0.2.77",))

    async with machine.driver() as driver:
        await driver.ports()

    assert before is not None
    assert machine.kernel.firewall is not None
    assert machine.kernel.firewall.suspended == before.suspended
    assert machine.kernel.firewall.rules != before.rules


async def test_calls_at_the_same_time_take_turns(machine: Machine) -> None:
    async with machine.driver() as driver:
        await asyncio.gather(make_so(driver, WANTED), make_so(driver, OTHER), driver.list_discovered())
        assert await is_so(driver, WANTED)
        assert await is_so(driver, OTHER)


async def test_notices_that_come_too_late_are_closed(machine: Machine) -> None:
    asked, answer, late = asyncio.Event(), threading.Event(), Late()
    loop = asyncio.get_running_loop()

    class Slow(OpenedKernel):
        def notices(self) -> Notices:
            loop.call_soon_threadsafe(asked.set)
            answer.wait(10)
            return late

    session = EdgeSession(machine.settings, lambda settings: Slow(machine))
    asking = asyncio.create_task(session.notices())
    await asked.wait()
    asking.cancel()
    await asyncio.wait({asking})
    answer.set()
    await session.close()

    assert late.closed


class Late:
    closed = False

    async def next(self) -> None:
        raise NotImplementedError("nobody waits")

    def close(self) -> None:
        self.closed = True


def test_importing_the_driver_does_not_import_pyroute2() -> None:
    code = "import sys, drivers.linux_edge; sys.exit('pyroute2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
