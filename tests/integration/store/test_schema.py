"""Migrations: run when due and only then, whole or not at all; a database of a newer ztpd is left alone."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.store.world import routes
from ztpd.store import migrations, schema
from ztpd.store.engine import Engine, StoreUnavailable, StoreUrlError, open_engine
from ztpd.store.migrations import HEAD
from ztpd.store.store import Context, open_store

VERSIONS = Path(next(iter(migrations.__path__))) / "versions"


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def _tables(engine: Engine) -> set[str]:
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    }
    connection = engine.connect()
    found = {row["name"] for row in connection.execute(catalogue[engine.dialect]).fetchall()}
    connection.close()
    return found


def _write(engine: Engine, statement: str) -> None:
    connection = engine.connect()
    connection.execute(statement)
    connection.close()


def test_an_empty_database_is_brought_to_the_newest_schema_once(store_url: str) -> None:
    engine = open_engine(store_url)
    assert schema.revision(engine) is None
    assert schema.migrate(engine) is True
    assert schema.revision(engine) == HEAD
    tables = _tables(engine)
    assert {"job", "service", "device", "event", "delivery"} <= tables
    assert schema.migrate(engine) is False
    assert _tables(engine) == tables


def test_the_newest_revision_is_the_one_the_store_asks_for() -> None:
    newest = max(VERSIONS.glob("v*.py"), key=lambda file: file.name)
    assert newest.name.startswith(f"v{HEAD}_")
    assert f'revision = "{HEAD}"' in newest.read_text()


def test_a_database_of_a_newer_ztpd_is_refused_and_left_alone(store_url: str) -> None:
    engine = open_engine(store_url)
    schema.migrate(engine)
    _write(engine, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(schema.SchemaTooNew) as error:
        schema.migrate(engine)
    assert error.value.found == "9999"
    assert HEAD in str(error.value)
    assert schema.revision(engine) == "9999"


def test_a_process_that_ends_within_a_migration_leaves_the_old_schema(store_url: str) -> None:
    crash = """
import os, sys
from alembic import op
from ztpd.store import schema
from ztpd.store.engine import open_engine

create = op.create_index
def end(name, *arguments, **named):
    create(name, *arguments, **named)
    if name == "delivery_due":
        os._exit(9)
op.create_index = end
schema.migrate(open_engine(sys.argv[1]))
"""
    done = _run(crash, store_url)
    assert done.returncode == 9, done.stderr
    engine = open_engine(store_url)
    assert _tables(engine) == set()
    assert schema.migrate(engine) is True


def test_a_service_that_is_active_already_stands_on_the_job_that_completed_last(store_url: str) -> None:
    engine = open_engine(store_url)
    schema._upgrade(engine, "0002")
    now = "2026-01-01T00:00:00.000000Z"
    for id_, state in (("S-ACTIVE", "active"), ("S-NEW", "reserved")):
        _write(
            engine,
            "INSERT INTO service (id, account, location, profile, state, created_at, updated_at) "
            f"VALUES ('{id_}', 'A', 'L', 'P', '{state}', '{now}', '{now}')",
        )
    for id_, service, state in (("J-1", "S-ACTIVE", "completed"), ("J-2", "S-NEW", "ready")):
        _write(
            engine,
            "INSERT INTO job (id, service, location, profile, body, state, failures, visit, attempt, created_at, "
            f"updated_at) VALUES ('{id_}', '{service}', 'L', 'P', 'order of {id_}', '{state}', '[]', 1, 1, '{now}', "
            f"'{now}')",
        )

    schema.migrate(engine)

    connection = engine.connect()
    services = connection.execute("SELECT id, standing FROM service ORDER BY id").fetchall()
    jobs = connection.execute("SELECT id, vouched, urgency FROM job ORDER BY id").fetchall()
    connection.close()
    assert [(row["id"], row["standing"]) for row in services] == [("S-ACTIVE", "order of J-1"), ("S-NEW", None)]
    assert [(row["vouched"], row["urgency"]) for row in jobs] == [("[]", 0), ("[]", 0)]


def test_two_processes_that_start_at_once_migrate_once(store_url: str) -> None:
    code = "import sys; from ztpd.store import schema; from ztpd.store.engine import open_engine\n"
    code += "schema.migrate(open_engine(sys.argv[1]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, store_url], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outcomes = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0, 0], outcomes
    assert schema.revision(open_engine(store_url)) == HEAD


def test_a_path_with_spaces_and_percent_signs_is_one_database(tmp_path: Path) -> None:
    (tmp_path / "a b%").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path}/a%20b%25/ztpd.db")
    schema.migrate(engine)
    assert schema.migrate(engine) is False
    assert (tmp_path / "a b%" / "ztpd.db").exists()


def test_alembic_is_not_imported_when_nothing_is_due(migrated_url: str) -> None:
    code = """
import asyncio, sys
from datetime import UTC, datetime
from ztpd.store.store import Context, open_store

async def main():
    context = Context(lambda: datetime.now(UTC), {}, lambda type_: (), lambda: "1")
    async with open_store(sys.argv[1], context) as store:
        await store.read(lambda reader: reader.job_counts())
asyncio.run(main())
print(sorted({"alembic", "sqlalchemy"} & set(sys.modules)))
"""
    done = _run(code, migrated_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_embedded_database_does_not_import_the_client_of_a_server(migrated_sqlite_url: str) -> None:
    code = "import sys; from ztpd.store import schema; from ztpd.store.engine import open_engine\n"
    code += "schema.migrate(open_engine(sys.argv[1])); print('psycopg' in sys.modules)"
    assert _run(code, migrated_sqlite_url).stdout.strip() == "False"


@pytest.mark.parametrize("url", ["mysql://user:hunter2@host/db", "sqlite://", "ztpd.db", ""])
def test_a_url_of_no_known_engine_says_what_is_expected_without_its_password(url: str) -> None:
    with pytest.raises(StoreUrlError) as error:
        open_engine(url)
    assert "expected sqlite:///" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/ztpd.db", "postgresql://user:hunter2@127.0.0.1:1/db", "sqlite:///{file}"]
)
def test_a_database_that_cannot_be_opened_is_unavailable_and_named_without_its_password(
    url: str, tmp_path: Path
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear customer, " * 100)
    with pytest.raises(StoreUnavailable) as error:
        schema.migrate(open_engine(url.format(file=file)))
    assert "hunter2" not in str(error.value)
    assert file.read_text().startswith("Dear customer")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_that_may_not_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ztpd.db").touch(mode=0o400)
    with pytest.raises(StoreUnavailable):
        schema.migrate(open_engine(f"sqlite:///{tmp_path}/ztpd.db"))


def test_opening_a_store_brings_an_empty_database_to_the_newest_schema(tmp_path: Path) -> None:
    async def count() -> dict[str, int]:
        context = Context(lambda: datetime.now(UTC), {}, routes, lambda: "event")
        async with open_store(f"sqlite:///{tmp_path}/ztpd.db", context) as store:
            return await store.read(lambda reader: reader.job_counts())

    assert asyncio.run(count()) == {}
