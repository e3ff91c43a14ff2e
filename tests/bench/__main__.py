"""``make bench``: every figure against a raw limit or a peer in the same run, as a table and ``build/bench.json``.

A benchmark is a module here with ``run()``, which answers a map from name to value, unit, better, limit and ratio.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import tests.bench

REPORT = Path("build/bench.json")


def modules() -> dict[str, tuple[str, ...]]:
    """Each module with the names of the figures it measures (its ``MEASURES``)."""
    names = [each.name for each in pkgutil.iter_modules(tests.bench.__path__) if not each.name.startswith("_")]
    return {name: importlib.import_module(f"tests.bench.{name}").MEASURES for name in names}


def measure(only: str | None) -> dict[str, Any]:
    """Run what measures the wanted figure, or everything."""
    found: dict[str, Any] = {}
    for name, figures in modules().items():
        if only is None or only in figures:
            print(f"measuring {', '.join(figures)} …", file=sys.stderr)
            found |= importlib.import_module(f"tests.bench.{name}").run()
    return found


def show(results: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "value", "unit", "better", "limit", "ratio"):
        table.add_column(heading, justify="left" if heading in {"figure", "unit", "better"} else "right")
    for name, result in results.items():
        limit, ratio = result.get("limit"), result.get("ratio")
        table.add_row(
            name,
            f"{result['value']:,.2f}",
            result["unit"],
            result["better"],
            "" if limit is None else f"{limit:,.2f}",
            "" if ratio is None else f"{ratio:.2f}",
        )
    Console().print(table)


def main() -> int:
    """Measure, show, and write the report; what was not measured this time stays in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one figure, by name")
    only = parser.parse_args().only
    known = {figure for figures in modules().values() for figure in figures}
    if only is not None and only not in known:
        parser.error(f"no figure {only}; known are: {', '.join(sorted(known))}")
    results = measure(only)
    show(results)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    REPORT.write_text(json.dumps({**before, **results}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
