"""A running API for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.api.world import World, running_api
from ztpd.domain.profile import Profile


@pytest.fixture
async def world(tmp_path: Path, residential: Profile) -> AsyncIterator[World]:
    """The API on SQLite: for what does not depend on the engine."""
    async with running_api(f"sqlite:///{tmp_path}/ztpd.db", residential) as running:
        yield running


@pytest.fixture
async def stored_world(store_url: str, residential: Profile) -> AsyncIterator[World]:
    """The API on each of the two engines."""
    async with running_api(store_url, residential) as running:
        yield running
