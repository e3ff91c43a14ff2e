"""What is asked of the store about CPEs: what each told of itself, what it is to do, why it did not. Nothing writes.

No secret is among it: paths that hold one were masked when their values came in.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Row = Mapping[str, Any]
Shown = dict[str, Any]
All = Callable[..., list[Row]]

_CPE = (
    "manufacturer",
    "oui",
    "product_class",
    "serial",
    "root",
    "software_version",
    "hardware_version",
    "ip",
    "informed_at",
    "look_at",
)
_TASK = ("id", "device", "kind", "state", "job", "actor", "created_at", "given_at", "ended_at", "expires_at", "fault")


def shown_cpe(row: Row, everything: All) -> Shown:
    """A CPE with what it is to do and its faults; ``everything`` answers a statement by name."""
    device = row["device"]
    return {
        **{name: row[name] for name in _CPE},
        "open_tasks": [shown_task(task) for task in everything("open_cpe_tasks", device=device)],
        "faults": [dict(fault) for fault in everything("cpe_faults", device=device)],
        "upgrade": next((dict(upgrade) for upgrade in everything("last_upgrade", device=device)), None),
        "drift": next((_drift(drift) for drift in everything("cpe_drift", device=device)), None),
    }


def _drift(row: Row) -> Shown:
    shown = {name: row[name] for name in ("state", "found_at", "times", "restored_at", "restore_at", "fault")}
    return {**shown, "differences": orjson.loads(row["found"])}


def shown_task(row: Row) -> Shown:
    """A task with what it came to; by no rule of what a task is, for one may be older than the rule."""
    result = orjson.loads(row["result"])
    return {
        **{name: row[name] for name in _TASK},
        "tries": row["tries"] + 1,
        "arguments": _arguments(row["body"]),
        "readings": result.get("readings", []),
        "rows": result.get("rows", []),
        "values": result.get("values", {}),
        "cut": result.get("cut", False),
    }


def _arguments(body: str) -> Shown:
    """What a task is done with, without what nobody gave and without what it sets, which may be secret."""
    told = orjson.loads(body)
    given = told.get("test", told)
    return {name: value for name, value in given.items() if value not in (None, "") and name not in {"kind", "values"}}
