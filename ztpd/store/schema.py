"""Bringing a database to the schema that this version needs."""

from ztpd.store.engine import WRITER_LOCK, Connection, Engine, StoreUnavailable
from ztpd.store.migrations import HEAD


class SchemaTooNew(Exception):
    """The database was written by a newer ztpd; carries both revisions."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"the database has schema {found}, this ztpd knows {HEAD}: install the newer ztpd again")


def revision(engine: Engine) -> str | None:
    """The schema the database has, None when it is empty; raises ``StoreUnavailable``."""
    try:
        connection = engine.connect()
    except engine.errors as error:
        raise StoreUnavailable(f"{engine.place}: {str(error).strip()}") from error
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except Exception as error:  # each engine has its own class for a missing table
        if "alembic_version" not in str(error):
            raise
        return None
    finally:
        connection.close()
    return None if row is None else str(row["version_num"])


def migrate(engine: Engine) -> bool:
    """Run the migrations that are due; False when none was. Raises ``SchemaTooNew`` and ``StoreUnavailable``.

    All of them run in one transaction: a crash leaves the old schema.
    """
    found = revision(engine)
    if found == HEAD:
        return False
    if found is not None and found > HEAD:
        raise SchemaTooNew(found)
    _upgrade(engine)
    return True


def _upgrade(engine: Engine, to: str = "head") -> None:
    import sqlalchemy as sa  # Alembic and SQLAlchemy cost 0.3 s and 25 MB: only when a migration is due
    from alembic import command
    from alembic.config import Config

    from ztpd.store import migrations

    config = Config(attributes={})
    config.set_main_option("script_location", next(iter(migrations.__path__)))
    scheme = "sqlite" if engine.dialect == "sqlite" else "postgresql+psycopg"
    database = sa.create_engine(f"{scheme}://", poolclass=sa.NullPool, creator=lambda: _plain(engine))
    try:
        with database.connect() as connection:
            # SQLite's driver begins nothing by itself here, and would end it before each CREATE TABLE if it did.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect == "sqlite" else WRITER_LOCK)
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
    except sa.exc.DBAPIError as error:
        raise StoreUnavailable(f"{engine.place}: {str(error.orig).strip()}") from error
    finally:
        database.dispose()


def _plain(engine: Engine) -> Connection:
    """A connection whose rows are tuples and whose transactions SQLAlchemy may end."""
    connection = engine.connect()
    if engine.dialect == "sqlite":
        connection.row_factory = None
    else:
        from psycopg.rows import tuple_row

        connection.row_factory = tuple_row
        connection.autocommit = False
    return connection
