"""One driver and its lab element for each harness."""

from collections.abc import AsyncIterator

import pytest

from drivers.access import WantedAccess
from drivers.base import Driver
from tests.contract.harness import ElementHarness
from tests.contract.harnesses import HARNESSES


@pytest.fixture(params=HARNESSES)
async def element(request: pytest.FixtureRequest) -> AsyncIterator[ElementHarness]:
    async with HARNESSES[request.param]() as harness:
        yield harness


@pytest.fixture
async def driver(element: ElementHarness) -> AsyncIterator[Driver]:
    made = element.driver()
    yield made
    await made.close()


@pytest.fixture
def wanted(element: ElementHarness) -> WantedAccess:
    return element.wanted(0)


@pytest.fixture
def other(element: ElementHarness) -> WantedAccess:
    return element.wanted(1)
