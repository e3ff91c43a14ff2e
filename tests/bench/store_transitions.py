"""Durable transitions a second: many callers on asyncio, one writer, each transition read, written, told to two.

The limit is what bare sqlite3 does with the same statements in groups of the same size, at synchronous=FULL.
"""

import asyncio
import itertools
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosql
import uvloop

from tests import postgresql
from ztpd.config import load_profiles
from ztpd.daemon import event_ids
from ztpd.domain.lifecycle import JobEvent
from ztpd.domain.model import JobBody
from ztpd.store import orders
from ztpd.store.engine import SQL_FOLDER, SQLITE_PRAGMAS
from ztpd.store.store import Context, Store, open_store
from ztpd.store.transaction import Transaction

MEASURES = ("store_transitions", "store_transitions_pg")

JOBS = 512
ROUNDS = 5
SECONDS = 1.5
ENDPOINTS = ("dispatch", "billing")
_PROFILES = Path("config/profiles")
_STATEMENTS = aiosql.from_path(SQL_FOLDER, "sqlite3")


def run() -> dict[str, Any]:
    """Both engines; PostgreSQL only where it can be started."""
    with tempfile.TemporaryDirectory(prefix="ztpd-bench-") as folder:
        ours = uvloop.run(_rate(f"sqlite:///{folder}/ours.db"))
        bare = _bare_rate(f"{folder}/bare.db")
    results = {"store_transitions": _figure(ours, bare)}
    if postgresql.why_unavailable() is None:
        with postgresql.server() as server, postgresql.database(server, "bench") as url:
            results["store_transitions_pg"] = _figure(uvloop.run(_rate(url)), None)
    return results


def _figure(value: float, limit: float | None) -> dict[str, Any]:
    ratio = None if limit is None else value / limit
    return {"value": value, "unit": "1/s", "better": "higher", "limit": limit, "ratio": ratio}


async def _rate(url: str) -> float:
    async with _ordered(url) as store:
        return statistics.median([await _round(store) for _ in range(ROUNDS)])


async def _ordered_only(url: str) -> None:
    async with _ordered(url):
        return


@asynccontextmanager
async def _ordered(url: str) -> AsyncIterator[Store]:
    """A store with every job ordered, so that both sides move the same rows."""
    context = Context(lambda: datetime.now(UTC), load_profiles(_PROFILES), lambda type_: ENDPOINTS, event_ids())
    async with open_store(url, context) as store:
        await asyncio.gather(*(_order(store, number) for number in range(JOBS)))
        yield store


async def _order(store: Store, number: int) -> None:
    body = JobBody(kind="install", service=f"S-{number}", account="A", location=f"L-{number}", profile="residential-1g")
    await store.commit(orders.put_job, f"J-{number}", body)
    await store.commit(_move, f"J-{number}", JobEvent.LEGS_COMPLETE)


def _move(tx: Transaction, job: str, event: JobEvent) -> None:
    tx.move_job(tx.job(job), event)


async def _round(store: Store) -> float:
    """Transitions a second: every job goes to failed and back to ready, all at once, for a while."""
    started = time.perf_counter()

    async def cycle(number: int) -> int:
        moves = 0
        while time.perf_counter() - started < SECONDS:
            await store.commit(_move, f"J-{number}", JobEvent.WINDOW_CLOSED)
            await store.commit(_move, f"J-{number}", JobEvent.RETRY_ASKED)
            moves += 2
        return moves

    moves = await asyncio.gather(*map(cycle, range(JOBS)))
    return sum(moves) / (time.perf_counter() - started)


def _bare_rate(path: str) -> float:
    asyncio.run(_ordered_only(f"sqlite:///{path}"))
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    numbers = itertools.count()
    rates = []
    for _ in range(ROUNDS):
        started, moves = time.perf_counter(), 0
        while time.perf_counter() - started < SECONDS:
            connection.execute("BEGIN IMMEDIATE")
            for number in range(JOBS):
                _bare_move(connection, number, str(next(numbers)))
            connection.execute("COMMIT")
            moves += JOBS
        rates.append(moves / (time.perf_counter() - started))
    connection.close()
    return statistics.median(rates)


def _bare_move(connection: sqlite3.Connection, number: int, event_id: str) -> None:
    job, service, now = f"J-{number}", f"S-{number}", "2026-01-01T00:00:00.000000Z"
    connection.execute("SELECT * FROM job WHERE id = ?", (job,)).fetchone()
    connection.execute(
        _STATEMENTS.move_job.sql, {"id": job, "state": "failed", "failures": "[]", "due_at": None, "now": now}
    )
    data = json.dumps({"job": job, "service": service, "state": "failed"})
    event = {"event_id": event_id, "type": "job.failed", "service": service, "job": job, "data": data, "now": now}
    connection.execute(_STATEMENTS.add_event.sql, event)
    deliveries = [{"endpoint": endpoint, "service": service, "now": now} for endpoint in ENDPOINTS]
    connection.executemany(_STATEMENTS.add_deliveries.sql, deliveries)
