"""``ztpd adopt``: a list of services is sent to the running daemon, and what it does with each is shown."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ztpd import asking, parts
from ztpd.config import Configuration
from ztpd.domain.adoption import TAKEN_OVER
from ztpd.service_lists import Row, read_list

SHOWN_ROWS = 100
_SILENCE_S = 900.0
"""How long the daemon may take to read an element before its first line."""

_DONE = frozenset(outcome.value for outcome in TAKEN_OVER)


class AdoptionFailed(Exception):
    """The daemon refuses, or its answer breaks off; what it had taken over by then stays so."""


@dataclass(slots=True)
class Report:
    """What became of each service, in the daemon's words, with the line of the file in the place of its number."""

    element: str
    dry_run: bool
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many there are of each outcome."""
        return Counter(each["outcome"] for each in self.findings)

    @property
    def is_whole(self) -> bool:
        """Whether every listed service is ours now."""
        return all(each["outcome"] in _DONE for each in self.findings if each["line"])


async def adopt(
    configuration: Configuration, element: str, services: Path, output: Path | None, *, dry_run: bool
) -> Report:
    """Send the list and follow what is done; every line of the report also goes to ``output``.

    Raises ``BadList``, ``DaemonSilent``, ``AdoptionFailed``, ``ConfigError`` and ``OSError``.
    """
    rows = read_list(services, parts.profiles(configuration))
    report = Report(element, dry_run)
    lines = {number: row.line for number, row in enumerate(rows, start=1)}
    with _Output(output) as written, _progress() as progress:
        task = progress.add_task(f"reading {element}", total=len(rows))
        async for each in _sent(configuration, element, rows, dry_run=dry_run):
            each["line"] = lines.get(each["line"], 0)
            report.findings.append(each)
            written.line(each)
            progress.update(task, description="taking over", advance=1 if each["line"] else 0)
    return report


class _Output:
    """The report's file, if there is to be one: opened before anything is asked, for it may not be writable."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("w", encoding="utf-8")

    def __enter__(self) -> "_Output":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def line(self, finding: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(finding, ensure_ascii=False) + "\n")


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


async def _sent(
    configuration: Configuration, element: str, rows: Sequence[Row], *, dry_run: bool
) -> AsyncIterator[dict[str, Any]]:
    """The findings as the daemon tells them, until its summary."""
    origin = asking.origin_of(configuration.settings.api)
    headers = {
        "Authorization": f"Bearer {asking.token_for(configuration, 'dispatch')}",
        "Content-Type": "application/x-ndjson",
    }
    body = b"\n".join(row.service.model_dump_json(exclude_none=True).encode() for row in rows)
    path = f"/v1/elements/{quote(element, safe='')}/adopt?dry_run={str(dry_run).lower()}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=asking.PATIENCE_S, sock_read=_SILENCE_S)
    try:
        async with (
            aiohttp.ClientSession(origin, headers=headers, timeout=timeout) as session,
            session.post(path, data=body) as answer,
        ):
            if answer.status != 200:
                raise AdoptionFailed(asking.refusal(answer.status, await answer.text()))
            async for line in answer.content:
                told = json.loads(line)
                if "summary" in told:
                    return
                if "error" in told:
                    raise AdoptionFailed(f"{told['error']}. Import again: what was taken over stays")
                yield told
    except (aiohttp.ClientError, TimeoutError) as error:
        raise asking.no_daemon(configuration, error, _SILENCE_S) from error
    except ValueError as error:
        raise asking.no_ztpd(configuration) from error
    raise AdoptionFailed("the daemon's answer broke off. Import again: what was taken over stays")


def show(report: Report) -> None:
    """Print the counts, and what needs somebody or differs."""
    console = Console()
    if report.dry_run:
        console.print("dry run: nothing is changed")
    counts = ((outcome, str(count)) for outcome, count in sorted(report.counts.items()))
    console.print(asking.table_of(report.element, counts))
    told = [each for each in report.findings if each["problem"] or each["differences"] or each["unread"]]
    if told:
        console.print(_table(told[:SHOWN_ROWS]))
    if len(told) > SHOWN_ROWS:
        console.print(f"and {len(told) - SHOWN_ROWS} more: --output FILE has every line")


def _table(findings: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("line", "service", "device", "outcome"):
        table.add_column(name, no_wrap=name == "line", overflow="fold")
    table.add_column("what", overflow="fold", ratio=1)
    for each in findings:
        # As Text: what lists and elements say may hold brackets, which are markup elsewhere.
        cells = (str(each["line"] or ""), each["service"] or "", each["device"] or "", each["outcome"], _what(each))
        table.add_row(*map(Text, cells))
    return table


def _what(finding: dict[str, Any]) -> str:
    said = list(finding["differences"])
    if finding["unread"]:
        said.append(f"not to be read: {', '.join(finding['unread'])}")
    if finding["problem"]:
        said.append(f"{finding['problem']}; {finding['remedy']}" if finding["remedy"] else finding["problem"])
    return "\n".join(said)
