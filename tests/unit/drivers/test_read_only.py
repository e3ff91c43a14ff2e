"""The guard before a driver: what reads passes, what writes never gets through."""

import inspect
from typing import Any
from unittest.mock import AsyncMock, create_autospec

import pytest

from drivers.base import Driver
from drivers.errors import Rejected
from drivers.read_only import ReadOnly

WRITES: dict[str, tuple[Any, ...]] = {
    "apply": ([],),
    "set_admin": ([], True),
    "remove": ([],),
    "reboot": ("X",),
    "save": (),
}
READS: dict[str, tuple[Any, ...]] = {
    "capabilities": (),
    "ports": (),
    "list_discovered": (),
    "list_provisioned": (),
    "read": ([],),
    "plan": ([],),
    "measure": ([],),
    "watch": (print, print),
    "close": (),
}


def test_every_verb_of_the_protocol_is_known_here_to_read_or_to_write() -> None:
    verbs = {name for name, _ in inspect.getmembers(Driver, inspect.isfunction) if not name.startswith("_")}
    assert verbs == WRITES.keys() | READS.keys() | {"adopt"}


@pytest.mark.parametrize("verb", sorted(WRITES))
async def test_a_write_is_rejected_before_the_driver_hears_of_it(verb: str) -> None:
    driver = create_autospec(Driver, instance=True)
    driver.name = "olt-1"
    with pytest.raises(Rejected, match="its mode is shadow"):
        await getattr(ReadOnly(driver, "its mode is shadow"), verb)(*WRITES[verb])
    assert driver.mock_calls == []


@pytest.mark.parametrize("verb", sorted(READS))
async def test_a_read_is_passed_on_with_what_comes_back(verb: str) -> None:
    driver = create_autospec(Driver, instance=True)
    driver.name = "olt-1"
    passed: AsyncMock = getattr(driver, verb)
    guarded = ReadOnly(driver, "its mode is observe")
    answer = await getattr(guarded, verb)(*READS[verb])
    passed.assert_awaited_once_with(*READS[verb])
    assert answer is (None if verb in {"watch", "close"} else passed.return_value)


def test_adopting_writes_nothing_and_is_passed_on() -> None:
    driver = create_autospec(Driver, instance=True)
    driver.name = "olt-1"
    ReadOnly(driver, "").adopt(["X"])
    driver.adopt.assert_called_once_with(["X"])
