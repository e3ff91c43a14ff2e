"""Verification: what confirms an ONU, what fails it at once, and what time may mend."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, repeat
from typing import cast

import pytest

from drivers.base import Driver
from pon.onu import ObservedOnu, Optics, Presence, WantedOnu
from ztpd.domain.failures import Code
from ztpd.domain.profile import Profile
from ztpd.provisioning.verification import Confirmed, verify
from ztpd.store.attempts import Work

WANTED = WantedOnu("SVC-1", "1/1/1", "HWTC1A2B3C4D", 201, 301, 1_000_000_000, 500_000_000, 50_000_000)
WORKING = ObservedOnu(
    serial=WANTED.serial,
    port=WANTED.port,
    service=WANTED.service,
    s_vlan=WANTED.s_vlan,
    c_vlan=WANTED.c_vlan,
    downstream_bps=None,
    upstream_bps=WANTED.upstream_bps,
    assured_upstream_bps=WANTED.assured_upstream_bps,
    enabled=True,
    presence=Presence.INTENDED,
)
RANGING = replace(WORKING, presence=Presence.ABSENT)
GOOD, DIM, DARK_ABOVE = Optics(-20.0, -22.0), Optics(-29.5, -22.0), Optics(None, -35.0)
UNKNOWN = Optics(None, -22.0)


@dataclass
class Element:
    """What an element answers, look by look; the last answer stays."""

    onus: Iterator[ObservedOnu | None]
    lights: Iterator[Optics]
    looks: int = 0

    async def read(self, serial: str) -> ObservedOnu | None:
        assert serial == WANTED.serial
        self.looks += 1
        return next(self.onus)

    async def measure(self, serial: str) -> Optics:
        assert serial == WANTED.serial
        return next(self.lights)


def element(*onus: ObservedOnu | None, light: tuple[Optics, ...] = (GOOD,)) -> Element:
    return Element(chain(onus, repeat(onus[-1])), chain(light, repeat(light[-1])))


@pytest.fixture
def work(residential: Profile) -> Work:
    return Work("J-1", 1, 1, "olt-1", WANTED, residential, {})


async def look_at(answers: Element, work: Work, looks: int = 10) -> Confirmed | Code:
    """The verdict within so many looks, on a clock that ticks once a look."""
    clock = count()
    found = await verify(cast(Driver, answers), work, looks, 0.0, lambda: float(next(clock)))
    return found if isinstance(found, Confirmed) else found.code


async def test_an_onu_that_works_with_good_light_is_confirmed_at_the_first_look(work: Work) -> None:
    answers = element(WORKING)
    assert await look_at(answers, work) == Confirmed(WORKING, GOOD)
    assert answers.looks == 1


async def test_an_onu_and_its_light_may_take_their_time(work: Work) -> None:
    answers = element(RANGING, RANGING, WORKING, light=(Optics(None, None), UNKNOWN, GOOD))
    assert await look_at(answers, work) == Confirmed(WORKING, GOOD)
    assert answers.looks == 5


@pytest.mark.parametrize(
    ("onu", "light", "code"),
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
async def test_what_time_does_not_mend_fails_at_the_first_look(
    work: Work, onu: ObservedOnu | None, light: Optics, code: Code
) -> None:
    answers = element(onu, light=(light,))
    assert await look_at(answers, work) is code
    assert answers.looks == 1


@pytest.mark.parametrize(
    ("onu", "light", "code"),
    [
        (RANGING, GOOD, Code.NOT_SEEN),
        (replace(WORKING, presence=Presence.IN_ERROR), GOOD, Code.NOT_SEEN),
        (WORKING, UNKNOWN, Code.LOW_LIGHT),
        (WORKING, Optics(None, None), Code.LOW_LIGHT),
    ],
)
async def test_what_time_may_mend_fails_when_the_time_is_over_and_is_never_confirmed(
    work: Work, onu: ObservedOnu, light: Optics, code: Code
) -> None:
    answers = element(onu, light=(light,))
    assert await look_at(answers, work, looks=7) is code
    assert answers.looks == 7


async def test_a_profile_without_limits_asks_nothing_of_the_light(work: Work) -> None:
    unlimited = replace(work, profile=work.profile.model_copy(update={"optics": None}))
    assert await look_at(element(WORKING, light=(Optics(None, None),)), unlimited) == Confirmed(
        WORKING, Optics(None, None)
    )
