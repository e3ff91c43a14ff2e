"""A network on an empty database: SQLite for most, both engines where the engine may matter."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.provisioning.network import Network, network
from tests.integration.provisioning.playing import Stage, olt, set_up
from ztpd.domain.profile import Profile
from ztpd.store import schema
from ztpd.store.engine import open_engine


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema, to be copied."""
    file = tmp_path_factory.mktemp("provisioning") / "empty.db"
    engine = open_engine(f"sqlite:///{file}")
    schema.migrate(engine)
    connection = engine.connect()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


@pytest.fixture
async def net(empty_database: Path, tmp_path: Path, residential: Profile) -> AsyncIterator[Network]:
    """An operator's network on SQLite."""
    file = shutil.copy(empty_database, tmp_path / "ztpd.db")
    async with network(f"sqlite:///{file}", tmp_path, residential) as found:
        yield found


@pytest.fixture
async def net_on_each(store_url: str, tmp_path: Path, residential: Profile) -> AsyncIterator[Network]:
    """An operator's network, once on each engine."""
    async with network(store_url, tmp_path, residential) as found:
        yield found


@pytest.fixture
async def stage(empty_database: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    """Two OLTs that one customer's jobs are played on."""
    async with AsyncExitStack() as power:
        elements = [await power.enter_async_context(olt(name)) for name in ("olt-1", "olt-2")]
        made = await set_up([*elements], empty_database, tmp_path)
        power.push_async_callback(made.close)
        yield made
