"""``ztpd import``: devices of another ACS are sent to the running daemon, and what it does with each is shown."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ztpd import asking
from ztpd.config import Configuration
from ztpd.domain.imports import ConnectionRequest, Imported, ImportedDevice, Outcome
from ztpd.genieacs_dumps import BadDocument, Document, Splitter, device_of, known_by

SHOWN_ROWS = 100
BATCH = 256
"""How many devices are sent at a time."""

_CHUNK = 1024 * 1024
_SILENCE_S = 120.0
_AGAIN = "Import again: what was taken in stays"


class NoDevices(Exception):
    """There is no such file, or it has no device at all; the text says what to do."""


class ImportFailed(Exception):
    """The daemon refuses, or its answer breaks off; what it had taken in by then stays so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported (``-`` is standard input), how, and where the report of every device goes."""

    file: Path
    dry_run: bool = False
    credentials: bool = True
    output: Path | None = None


@dataclass(slots=True)
class Report:
    """What became of the devices; ``told`` are the first that were refused or of which something was left out."""

    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    told: list[dict[str, Any]] = field(default_factory=list)
    untold: int = 0

    def add(self, finding: dict[str, Any]) -> None:
        """Take note of one device."""
        self.counts[finding["outcome"]] += 1
        if not finding["problem"] and not finding["remark"]:
            return
        if len(self.told) < SHOWN_ROWS:
            self.told.append(finding)
        else:
            self.untold += 1

    @property
    def is_whole(self) -> bool:
        """Whether every device of the dump is known now."""
        return not self.counts[Outcome.REFUSED]


async def import_genieacs(configuration: Configuration, wanted: Wanted) -> Report:
    """Read the dump device by device and send them; the same again changes nothing more.

    Raises ``NoDevices``, ``DaemonSilent``, ``ImportFailed``, ``ConfigError`` and ``OSError``.
    """
    report = Report(wanted.dry_run)
    with ExitStack() as stack:
        output = None
        if wanted.output is not None:  # before anything is asked, for it may not be writable
            output = stack.enter_context(wanted.output.open("w", encoding="utf-8"))
        progress = stack.enter_context(_progress())
        shown = progress.add_task("reading", total=None)
        async for finding in _findings(configuration, wanted, stack):
            report.add(finding)
            if output is not None:
                output.write(json.dumps(finding, ensure_ascii=False) + "\n")
            progress.update(shown, description=f"{report.counts.total()} devices")
    if not report.counts:
        raise NoDevices(f"{wanted.file}: has no device. Export them: curl http://HOST:7557/devices/ > dump.json")
    return report


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


async def _findings(configuration: Configuration, wanted: Wanted, stack: ExitStack) -> AsyncIterator[dict[str, Any]]:
    """What becomes of each document: refused here, or in the daemon's words."""
    file = stack.enter_context(_opened(wanted.file))
    batch: list[tuple[int, ImportedDevice]] = []
    async with _session(configuration) as session:
        for read in _read(file, credentials=wanted.credentials):
            if isinstance(read, Imported):
                yield read.describe()
                continue
            batch.append(read)
            if len(batch) == BATCH:
                async for finding in _sent(configuration, session, batch, dry_run=wanted.dry_run):
                    yield finding
                batch.clear()
        if batch:
            async for finding in _sent(configuration, session, batch, dry_run=wanted.dry_run):
                yield finding


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The dump; raises ``NoDevices`` and ``OSError``."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    if not path.exists() or path.is_dir():  # a pipe is as good as a file
        raise NoDevices(f"{path}: does not exist, or is a folder. Name the dump, or - for standard input")
    with path.open("rb") as file:
        yield file


def _read(file: IO[bytes], *, credentials: bool) -> Iterator[Imported | tuple[int, ImportedDevice]]:
    """Each device with its place in the dump, or why it is refused; at most one document is held in memory."""
    first: dict[str, int] = {}
    for document in _documents(file):
        device = _device(document)
        if isinstance(device, Imported):
            yield device
            continue
        before = first.setdefault(device.known_by, document.number)
        if before != document.number:
            yield _refused(document.number, device.known_by, f"is document {before} again", "leave one of them out")
            continue
        if not credentials:
            told = ConnectionRequest(url=device.connection_request.url)
            device = device.model_copy(update={"connection_request": told})
        yield document.number, device


def _documents(file: IO[bytes]) -> Iterator[Document]:
    splitter = Splitter()
    while chunk := file.read(_CHUNK):
        yield from splitter.feed(chunk)
    yield from splitter.end()


def _device(document: Document) -> ImportedDevice | Imported:
    if document.problem:
        return _refused(document.number, "", document.problem, "export it again")
    try:
        return device_of(document.data)
    except BadDocument as error:
        return _refused(document.number, known_by(document.data), str(error), error.remedy)


def _refused(line: int, name: str, problem: str, remedy: str) -> Imported:
    return Imported(Outcome.REFUSED, line, name, problem=problem, remedy=remedy)


def _session(configuration: Configuration) -> aiohttp.ClientSession:
    headers = {
        "Authorization": f"Bearer {asking.token_for(configuration, 'dispatch')}",
        "Content-Type": "application/x-ndjson",
    }
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=asking.PATIENCE_S, sock_read=_SILENCE_S)
    return aiohttp.ClientSession(asking.origin_of(configuration.settings.api), headers=headers, timeout=timeout)


async def _sent(
    configuration: Configuration,
    session: aiohttp.ClientSession,
    batch: Sequence[tuple[int, ImportedDevice]],
    *,
    dry_run: bool,
) -> AsyncIterator[dict[str, Any]]:
    """What the daemon does with a batch, each with its place in the dump."""
    body = b"\n".join(device.model_dump_json(exclude_none=True).encode() for _, device in batch)
    path = f"/v1/devices/import?dry_run={str(dry_run).lower()}"
    try:
        async with session.post(path, data=body) as answer:
            if answer.status != 200:
                raise ImportFailed(asking.refusal(answer.status, await answer.text()))
            async for line in answer.content:
                told = json.loads(line)
                if "summary" in told:
                    return
                if "error" in told:
                    raise ImportFailed(f"{told['error']}. {_AGAIN}")
                yield {**told, "line": batch[told["line"] - 1][0]}
    except (aiohttp.ClientError, TimeoutError) as error:
        raise asking.no_daemon(configuration, error, _SILENCE_S) from error
    except (ValueError, LookupError, TypeError) as error:
        raise asking.no_ztpd(configuration) from error
    raise ImportFailed(f"the daemon's answer broke off. {_AGAIN}")


def show(report: Report) -> None:
    """Print the counts, and what was refused or left out."""
    console = Console()
    if report.dry_run:
        console.print("dry run: nothing is changed")
    counts = ((outcome, str(count)) for outcome, count in sorted(report.counts.items()))
    console.print(asking.table_of("devices", counts))
    if report.told:
        console.print(_table(report.told))
    if report.untold:
        console.print(f"and {report.untold} more: --output FILE has every device")


def _table(findings: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("number", "device", "outcome"):
        table.add_column(name, no_wrap=name == "number", overflow="fold")
    table.add_column("what", overflow="fold", ratio=1)
    for each in findings:
        said = f"{each['problem']}; {each['remedy']}" if each["problem"] else each["remark"]
        # As Text: what a dump says may hold brackets, which are markup elsewhere.
        table.add_row(*map(Text, (str(each["line"]), each["known_by"], each["outcome"], said)))
    return table
