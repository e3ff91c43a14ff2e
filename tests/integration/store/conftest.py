"""The fixtures of the store's tests: each engine is migrated once for the whole run, and empty for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgresql
from tests.integration.store.world import World, world
from ztpd.domain.profile import Profile
from ztpd.store import schema
from ztpd.store.engine import open_engine

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database file with the newest schema, to be copied."""
    file = tmp_path_factory.mktemp("store") / "empty.db"
    engine = open_engine(f"sqlite:///{file}")
    schema.migrate(engine)
    connection = engine.connect()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> Iterator[str]:
    """A database with the newest schema, to be emptied."""
    with postgresql.database(postgresql_url, "store") as url:
        schema.migrate(open_engine(url))
        yield url


@pytest.fixture
def migrated_sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """An empty SQLite database with the newest schema."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'ztpd.db')}"


@pytest.fixture(params=ENGINES)
def migrated_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the newest schema: each test runs once on each engine."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("migrated_sqlite_url"))
    url: str = request.getfixturevalue("migrated_postgresql")
    _empty(url)
    return url


def _empty(url: str) -> None:
    connection = open_engine(url).connect()
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    connection.execute("BEGIN")
    for table in (row["tablename"] for row in tables):
        if table != "alembic_version":
            connection.execute(f"DELETE FROM {table}")
    connection.execute("COMMIT")
    connection.close()


@pytest.fixture
def here(migrated_url: str, residential: Profile) -> Iterator[World]:
    """An operator on an empty database, once on each engine."""
    with world(migrated_url, residential) as found:
        yield found
