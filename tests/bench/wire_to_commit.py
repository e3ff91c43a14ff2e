"""From a frame on the wire to its sighting committed: ``ztpd capture`` and ``ztpd run`` as processes, SQLite.

A device says DISCOVER, the database is looked at until its row is there. The limit is a bare commit of one row at
the same durability on the same disk, in the same run.
"""

import asyncio
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.bench._wire import LIMIT_S, started_capture, wired_stage
from tests.bench.dhcp_decode import relayed_discover
from tests.integration.namespaces import NoNamespace, veth_namespace
from ztpd.store.engine import SQLITE_PRAGMAS

MEASURES = ("wire_to_commit_ms", "wire_to_commit_p99_ms")

SAMPLES, WARM_UP = 400, 40
_LOOK_S = 0.0003
_PAUSE_S = 0.01


def run() -> dict[str, Any]:
    """Median and 99th percentile of many devices, one after the other."""
    try:
        with veth_namespace():
            took, bare = asyncio.run(_measure())
    except NoNamespace as problem:
        print(f"wire_to_commit_ms is not measured: {problem}", file=sys.stderr)
        return {}
    return {
        "wire_to_commit_ms": _figure(statistics.median(took), statistics.median(bare)),
        "wire_to_commit_p99_ms": _figure(_p99(took), _p99(bare)),
    }


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def _figure(value: float, limit: float) -> dict[str, Any]:
    return {"value": value, "unit": "ms", "better": "lower", "limit": limit, "ratio": value / limit}


async def _measure() -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with wired_stage(Path(folder), "near") as scene:
            daemon = await scene.start_daemon()
            await scene.until_ready(daemon)
            await started_capture(scene)
            took = list(_devices(scene.folder / "ztpd.db"))
        bare = list(_bare_commits(Path(folder) / "bare.db"))
    return took[WARM_UP:], bare[WARM_UP:]


def _devices(database: Path) -> Iterator[float]:
    frame, mac = relayed_discover(), bytes.fromhex("02005e100001")
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader,
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as wire,
    ):
        wire.bind(("far", 0))
        for number in range(SAMPLES):
            before = _newest(reader)
            started = time.perf_counter()
            wire.send(frame.replace(mac, bytes((2, 0)) + number.to_bytes(4, "big")))
            while _newest(reader) == before:
                if time.perf_counter() - started > LIMIT_S:
                    raise TimeoutError("the sighting was not committed")
                time.sleep(_LOOK_S)
            yield (time.perf_counter() - started) * 1000
            time.sleep(_PAUSE_S)


def _newest(reader: sqlite3.Connection) -> int:
    found = reader.execute("SELECT max(id) FROM sighting").fetchone()
    return int(found[0] or 0)


def _bare_commits(path: Path) -> Iterator[float]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE sighting (id INTEGER PRIMARY KEY, body TEXT)")
        for number in range(SAMPLES):
            started = time.perf_counter()
            connection.execute("INSERT INTO sighting VALUES (?, ?)", (number, "x" * 500))
            yield (time.perf_counter() - started) * 1000
            time.sleep(_PAUSE_S)
