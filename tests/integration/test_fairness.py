"""A flood of one source holds up no other: whoever writes waits for a few groups, not for the flood."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.access import PresentDevice
from drivers.base import Driver
from drivers.netconf_bbf import NetconfBbfDriver, NetconfBbfSettings
from pon.onu import Presence
from tests.integration.store.world import SERIAL, location
from ztpd.discovery.inbox import GROUP, Inbox
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.listeners import Listeners
from ztpd.settings import DiscoverySection
from ztpd.store import orders, sightings
from ztpd.store.store import Context, Store, open_store

ELEMENTS, ONUS = 20, 150


def olt(number: int) -> Driver:
    """A driver that nobody connects."""
    return NetconfBbfDriver(
        NetconfBbfSettings(
            name=f"olt-{number}",
            host="127.0.0.1",
            username="ztpd",
            uplink="uplink-1",
            password="ztpd",
            host_key="ssh-ed25519 AAAA",
        )
    )


class Counted:
    """How many sightings of the flood were kept."""

    def __init__(self) -> None:
        self.kept = 0

    def sighted(self, source: str, outcome: str, count: int = 1) -> None:
        self.kept += count

    async def above(self, number: int) -> None:
        async with asyncio.timeout(30):
            while self.kept <= number:  # noqa: ASYNC110 -- a counter gives no signal
                await asyncio.sleep(0)


async def flood_of_elements(store: Store, counted: Counted) -> None:
    """Every OLT of a region restarts: each announces its ONUs at the same time."""
    drivers = [olt(number) for number in range(ELEMENTS)]
    asked = {driver.name: asyncio.Event() for driver in drivers}
    listeners = Listeners(
        store,
        DiscoverySection(),
        lambda: datetime.now(UTC),
        Random(1),
        asked,
        counted.sighted,
        lambda element, ports: None,
        lambda element, up: None,
    )
    await asyncio.gather(
        *(
            listeners.pon(driver).keep.announcement(
                driver.name, PresentDevice("1/1/1", f"FLOD{which:04X}{number:04X}", Presence.UNKNOWN), datetime.now(UTC)
            )
            for number in range(ONUS)
            for which, driver in enumerate(drivers)
        )
    )


async def flood_of_dhcp(store: Store, counted: Counted) -> None:
    """A capture brings thousands of clients at once."""
    inbox = Inbox(
        lambda sighting: store.commit(sightings.record_sighting, sighting),
        report=lambda sighting, outcome: counted.sighted("dhcp", outcome),
    )
    for number in range(ELEMENTS * ONUS):
        mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        inbox.accept(Sighting(Source.DHCP, datetime.now(UTC), mac=mac))
    await inbox.run()


@pytest.mark.parametrize("flood", [flood_of_elements, flood_of_dhcp])
async def test_an_order_and_another_source_get_through_a_flood(
    tmp_path: Path,
    residential: Profile,
    flood: Callable[[Store, Counted], Coroutine[Any, Any, None]],
) -> None:
    counted = Counted()
    context = Context(lambda: datetime.now(UTC), {residential.name: residential}, lambda type_: (), lambda: "event")
    async with open_store(f"sqlite:///{tmp_path}/ztpd.db", context) as store:
        flooding = asyncio.create_task(flood(store, counted))
        await counted.above(GROUP)
        inform = Sighting(Source.CWMP, datetime.now(UTC), oui="00259E", cwmp_serial=SERIAL)
        for write in (
            store.commit(orders.put_location, "LOC-1", location()),
            store.commit(sightings.record_sighting, inform),
        ):
            before = counted.kept
            await write
            assert counted.kept - before <= 3 * GROUP, "a few groups of the flood at most were kept meanwhile"
        assert counted.kept < ELEMENTS * ONUS / 2, "the flood was going on"
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
