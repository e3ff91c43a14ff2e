"""Connections to the two engines, made alike: rows by column name, transactions by hand."""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import aiosql

SQL_FOLDER = Path(__file__).parent / "sql"
BUSY_TIMEOUT_S = 10.0
TCP_TIMEOUT_MS = 30_000

# One writer at a time on either engine: intentions read, decide and write, and order events as they commit. SQLite's
# BEGIN IMMEDIATE says so itself; on PostgreSQL the lock is given back when the transaction ends.
WRITER_LOCK = "SELECT pg_advisory_xact_lock(8391162)"

SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    # A commit that was acknowledged survives the loss of power.
    "synchronous = FULL",
    "foreign_keys = ON",
    "temp_store = MEMORY",
    # The indexes' hot pages of 50,000 services, and fewer interruptions to move the log into the database.
    "cache_size = -32768",
    "wal_autocheckpoint = 8000",
)

Connection = Any
"""``sqlite3.Connection`` or ``psycopg.Connection``: the intentions use what the two have in common."""


class StoreUrlError(ValueError):
    """The store's URL names no engine that ztpd knows."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"store url {url.partition('@')[2] or url!r}: expected sqlite:///absolute/path.db or "
            "postgresql://user@host/database"
        )


class StoreUnavailable(Exception):
    """The database cannot be reached or cannot write now; nothing of the transaction was kept."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One database: how to connect, and which dialect its statements are loaded for."""

    dialect: Literal["sqlite", "postgresql"]
    url: str
    connect: Callable[[], Connection]
    queries: Any
    begin: str
    errors: tuple[type[Exception], ...]
    pipelined: Callable[[Connection], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    """Lets statements whose answers nobody reads go out without waiting for each (PostgreSQL's pipeline mode)."""
    settle: Callable[[Connection], None] = lambda connection: None
    """Waits until everything sent was done, and raises what any of it raised."""

    @property
    def place(self) -> str:
        """Where the data lie, without credentials."""
        parts = urlsplit(self.url)
        return parts.path if self.dialect == "sqlite" else f"{parts.hostname or 'local socket'}{parts.path}"


def open_engine(url: str) -> Engine:
    """The engine behind a URL; raises ``StoreUrlError``. Nothing is connected yet."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        path = unquote(urlsplit(url).path)
        if not path:
            raise StoreUrlError(url)
        queries = aiosql.from_path(SQL_FOLDER, "sqlite3")
        return Engine(
            "sqlite", url, lambda: _connect_sqlite(path), queries, "BEGIN IMMEDIATE", (sqlite3.OperationalError,)
        )
    if scheme in {"postgresql", "postgres"}:
        import psycopg  # the embedded default should not pay for the client of a server

        queries = aiosql.from_path(SQL_FOLDER, "psycopg")
        return Engine(
            "postgresql",
            url,
            lambda: _connect_postgresql(url),
            queries,
            f"BEGIN; {WRITER_LOCK}",
            (psycopg.OperationalError,),
            lambda connection: connection.pipeline(),
            _sync_pipeline,
        )
    raise StoreUrlError(url)


def _connect_sqlite(path: str) -> Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.DatabaseError as error:
        connection.close()
        # A file that is no database is as unusable as one that cannot be opened.
        raise sqlite3.OperationalError(str(error)) from error
    return connection


def _connect_postgresql(url: str) -> Connection:
    import psycopg
    from psycopg.rows import dict_row

    connection = psycopg.connect(
        url, autocommit=True, row_factory=dict_row, connect_timeout=5, tcp_user_timeout=TCP_TIMEOUT_MS
    )
    connection.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S:g}s'")
    # A statement is planned once: a plan made while its table was empty must not go on scanning it when it has grown.
    connection.execute("SET enable_seqscan = off")
    return connection


def _sync_pipeline(connection: Connection) -> None:
    with connection.pipeline() as pipeline:  # the one that is open
        pipeline.sync()


def close_quietly(connection: Connection) -> None:
    """Close a connection that may be broken already."""
    with contextlib.suppress(Exception):
        connection.close()
