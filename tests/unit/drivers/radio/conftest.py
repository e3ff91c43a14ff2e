"""The lab router and the lab UISP, with a driver each."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.harness import RADIO
from tests.contract.routeros_harness import RouterosHarness
from tests.contract.uisp_harness import UispHarness
from ztpd.lab.routeros import lab_router
from ztpd.lab.uisp import lab_uisp


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


@pytest.fixture
async def uisp() -> AsyncIterator[UispHarness]:
    async with lab_uisp() as lab:
        yield UispHarness(lab, RADIO)
