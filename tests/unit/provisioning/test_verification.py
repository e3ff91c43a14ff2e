"""Verification: what confirms a device, what fails it at once, and what time may mend."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import pytest

from drivers.access import Levels, ObservedAccess, WantedAccess
from drivers.base import Driver
from pon.onu import Presence
from tests.accesses import as_wanted
from ztpd.domain.failures import Code
from ztpd.domain.kinds import Act
from ztpd.domain.profile import Profile
from ztpd.provisioning.verification import Confirmed, look
from ztpd.store.attempts import Work

WANTED = WantedAccess("SVC-1", "1/1/1", "HWTC1A2B3C4D", 201, 301, 1_000_000_000, 500_000_000, 50_000_000)
WORKING = as_wanted(WANTED)
RANGING = replace(WORKING, presence=Presence.ABSENT)
GOOD, DIM, DARK_ABOVE = Levels(-20.0, -22.0), Levels(-29.5, -22.0), Levels(None, -35.0)
UNKNOWN = Levels(None, -22.0)


@dataclass
class Element:
    """What an element answers about each device."""

    accesses: dict[str, ObservedAccess]
    levels: dict[str, Levels]

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        return {device: self.accesses[device] for device in devices if device in self.accesses}

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        assert set(devices) <= self.accesses.keys(), "only what is configured is measured"
        return {device: self.levels[device] for device in devices}


@pytest.fixture
def work(residential: Profile) -> Work:
    return Work("J-1", 1, 1, "olt-1", Act.PROVISION, WANTED, residential, residential.limits("pon"))


async def verdict(work: Work, access: ObservedAccess | None, levels: Levels) -> tuple[Code, bool] | None:
    """What is short and whether it may settle, or None when the device is confirmed."""
    accesses = {} if access is None else {access.device: access}
    element = Element(accesses, {WANTED.device: levels})
    [found] = await look(cast(Driver, element), [work])
    if isinstance(found, Confirmed):
        assert found == Confirmed(access or WORKING, levels)
        return None
    return found.failure.code, found.may_settle


async def test_a_device_that_works_with_good_levels_is_confirmed(work: Work) -> None:
    assert await verdict(work, WORKING, GOOD) is None


@pytest.mark.parametrize(
    ("access", "levels", "code"),
    [
        (WORKING, DIM, Code.LOW_LIGHT),
        (WORKING, DARK_ABOVE, Code.LOW_LIGHT),
        (None, GOOD, Code.WRONG_TIER),
        (replace(WORKING, c_vlan=302), GOOD, Code.WRONG_TIER),
        (replace(WORKING, complete=False), GOOD, Code.WRONG_TIER),
        (replace(WORKING, enabled=False), GOOD, Code.WRONG_TIER),
        (replace(WORKING, port="1/1/2"), GOOD, Code.WRONG_TIER),
        (replace(WORKING, presence=Presence.MISPLACED), GOOD, Code.WRONG_PORT),
    ],
)
async def test_what_time_does_not_mend_is_final(
    work: Work, access: ObservedAccess | None, levels: Levels, code: Code
) -> None:
    assert await verdict(work, access, levels) == (code, False)


@pytest.mark.parametrize(
    ("access", "levels", "code"),
    [
        (RANGING, GOOD, Code.NOT_SEEN),
        (replace(WORKING, presence=Presence.IN_ERROR), GOOD, Code.NOT_SEEN),
        (WORKING, UNKNOWN, Code.LOW_LIGHT),
        (WORKING, Levels(), Code.LOW_LIGHT),
    ],
)
async def test_what_time_may_mend_may_settle_and_is_never_confirmed(
    work: Work, access: ObservedAccess, levels: Levels, code: Code
) -> None:
    assert await verdict(work, access, levels) == (code, True)


async def test_work_without_limits_asks_nothing_of_the_light(work: Work) -> None:
    unlimited = replace(work, limits={})
    assert await verdict(unlimited, WORKING, Levels()) is None


async def test_each_of_many_has_its_own_verdict_in_order(work: Work) -> None:
    others = [replace(work, wanted=replace(WANTED, device=f"HWTC0000000{n}")) for n in range(4)]
    works = [others[0], work, *others[1:]]
    accesses = {each.wanted.device: replace(WORKING, device=each.wanted.device) for each in works[:3]}
    levels = dict.fromkeys(accesses, GOOD) | {WANTED.device: DIM}

    found = await look(cast(Driver, Element(accesses, levels)), works)

    assert [isinstance(each, Confirmed) for each in found] == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("act", "access", "left"),
    [
        (Act.SUSPEND, replace(WORKING, enabled=False, presence=Presence.ABSENT), None),
        (Act.SUSPEND, replace(WORKING, enabled=False, upstream_bps=1), None),
        (Act.SUSPEND, WORKING, (Code.WRONG_TIER, False)),
        (Act.RESUME, WORKING, None),
        (Act.RESUME, replace(WORKING, enabled=False), (Code.WRONG_TIER, False)),
        (Act.RESUME, RANGING, (Code.NOT_SEEN, True)),
        (Act.REMOVE, None, None),
        (Act.REMOVE, WORKING, (Code.WRONG_TIER, True)),
    ],
)
async def test_each_act_is_held_to_what_it_should_have_come_to(
    work: Work, act: Act, access: ObservedAccess | None, left: tuple[Code, bool] | None
) -> None:
    done = replace(work, act=act, wanted=replace(WANTED, enabled=act is Act.RESUME))
    element = Element({} if access is None else {access.device: access}, {WANTED.device: GOOD})

    [found] = await look(cast(Driver, element), [done])

    assert (None if isinstance(found, Confirmed) else (found.failure.code, found.may_settle)) == left


async def test_one_that_is_suspended_is_not_measured(work: Work) -> None:
    stopped = replace(work, wanted=replace(WANTED, enabled=False))
    element = Element({WANTED.device: replace(WORKING, enabled=False, presence=Presence.ABSENT)}, {})

    assert isinstance((await look(cast(Driver, element), [stopped]))[0], Confirmed)


async def test_what_the_element_cannot_show_is_never_confirmed_unless_a_person_vouches_for_it(work: Work) -> None:
    silent = replace(WORKING, downstream_bps=None, unmodelled=frozenset({"downstream_bps", "address"}))

    assert await verdict(work, silent, GOOD) == (Code.NOT_VERIFIABLE, False)
    assert await verdict(replace(work, vouched=frozenset({"downstream_bps"})), silent, GOOD) is None


async def test_a_level_that_cannot_be_read_passes_only_where_a_person_vouches_for_it(work: Work) -> None:
    vouched = replace(work, vouched=frozenset({"onu_rx_dbm"}))

    assert await verdict(vouched, WORKING, UNKNOWN) is None
    assert await verdict(vouched, WORKING, DIM) == (Code.LOW_LIGHT, False)
