"""The lab router, as subscribers by DHCP and by PPPoE find it."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.harness import RADIO
from tests.contract.routeros_harness import RouterosHarness
from ztpd.lab.routeros import lab_router


@pytest.fixture
async def dhcp() -> AsyncIterator[RouterosHarness]:
    async with lab_router() as lab:
        yield RouterosHarness(lab, RADIO, ppp=False)


@pytest.fixture
async def ppp() -> AsyncIterator[RouterosHarness]:
    async with lab_router() as lab:
        yield RouterosHarness(lab, RADIO, ppp=True)


@pytest.fixture(params=["dhcp", "ppp"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[RouterosHarness]:
    async with lab_router() as lab:
        yield RouterosHarness(lab, RADIO, ppp=request.param == "ppp")
