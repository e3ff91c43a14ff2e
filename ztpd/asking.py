"""``ztpd status``: what the running daemon says of itself, asked over its own API."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ztpd import parts
from ztpd.config import Configuration
from ztpd.settings import ApiSection, Scope

PATIENCE_S = 5.0
SHOWN_JOBS = 20

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- asked for, not bound


class DaemonSilent(Exception):
    """The daemon does not answer, or refuses; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon at one moment; ``waiting`` are the first jobs that failed or are held.

    ``quarantined`` counts devices by reason, without those that somebody silenced.
    ``listened_to`` are the elements on which nothing is provisioned, ``shadowed`` those where it is decided only;
    ``decisions`` counts what became of that, by element and verdict.
    """

    elements: dict[str, bool]
    jobs: dict[str, int]
    quarantined: dict[str, int]
    deliveries: dict[str, dict[str, int]]
    waiting: list[dict[str, Any]]
    listened_to: list[str]
    shadowed: list[str]
    decisions: dict[str, dict[str, int]]

    @property
    def untold(self) -> int:
        """How many jobs failed or are held beyond those in ``waiting``."""
        return self.jobs.get("failed", 0) + self.jobs.get("held", 0) - len(self.waiting)


async def status(configuration: Configuration) -> Status:
    """Ask the daemon of this configuration; raises ``DaemonSilent`` and ``ConfigError``."""
    lists = [f"/v1/jobs?state={state}&limit={SHOWN_JOBS}" for state in ("failed", "held")]
    metrics, *pages = await answers(configuration, ["/metrics", *lists])
    try:
        waiting = [job for each in pages for job in json.loads(each)["items"]]
        return _status(metrics, waiting, parts.modes(configuration))
    except (ValueError, LookupError) as error:
        raise no_ztpd(configuration) from error


async def answers(configuration: Configuration, paths: Sequence[str]) -> list[str]:
    """What the daemon of this configuration answers to each path, in order; raises as ``status`` does."""
    origin = origin_of(configuration.settings.api)
    headers = {"Authorization": f"Bearer {token_for(configuration, 'read')}"}
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with aiohttp.ClientSession(origin, headers=headers, timeout=timeout) as session:
            return [await _get(session, path) for path in paths]
    except (aiohttp.ClientError, TimeoutError) as error:
        raise no_daemon(configuration, error, PATIENCE_S) from error
    except ValueError as error:  # bytes that are no text
        raise no_ztpd(configuration) from error


def no_daemon(configuration: Configuration, error: Exception, patience_s: float) -> DaemonSilent:
    """Nobody answers a call, or not within so many seconds."""
    why = str(error) or f"no answer in {patience_s:g} s"
    return DaemonSilent(f"no daemon answers at {origin_of(configuration.settings.api)}: {why}. Start it: ztpd run")


def no_ztpd(configuration: Configuration) -> DaemonSilent:
    """Something answers, and not as the daemon would."""
    origin = origin_of(configuration.settings.api)
    return DaemonSilent(f"what answers at {origin} is no ztpd. Correct api.host and api.port")


def origin_of(api: ApiSection) -> str:
    """Where the daemon's API answers on this machine."""
    host = _EVERY_ADDRESS.get(api.host, api.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{api.port}"


def token_for(configuration: Configuration, scope: Scope) -> str:
    """The text of a token that has the scope; raises ``ConfigError``."""
    for index, section in enumerate(configuration.settings.api.tokens):
        if {scope, "admin"} & set(section.scopes):
            return configuration.secret(f"api.tokens.{index}.token_file", section.token_file)
    what = {"read": "reading", "dispatch": "dispatch"}.get(scope, scope)
    raise configuration.problem("api.tokens", f"none has the scope {scope}", f"Add a token for {what}.")


async def _get(session: aiohttp.ClientSession, path: str) -> str:
    async with session.get(path) as answer:
        text = await answer.text()
        if answer.status == 401:
            remedy = "Restart it, if the token was changed since it started, or name its own configuration"
            raise DaemonSilent(f"the daemon does not know the token of this configuration. {remedy}")
        if answer.status != 200:
            raise DaemonSilent(f"the daemon refuses {path} with {answer.status}: {text[:200]}")
        return text


def refusal(status: int, text: str) -> str:
    """What a problem (RFC 9457) says, line by line."""
    try:
        problem = json.loads(text)
        said = [str(problem["detail"])]
        if problem.get("remedy"):
            said[0] += f"; {problem['remedy']}"
        return "\n".join([*said, *(f"{each['field']}: {each['problem']}" for each in problem.get("errors", ()))])
    except (ValueError, LookupError, TypeError):
        return f"the daemon refuses with {status}: {text[:200]}"


def _status(metrics: str, waiting: list[dict[str, Any]], modes: Mapping[str, str]) -> Status:
    elements: dict[str, bool] = {}
    jobs: dict[str, int] = {}
    quarantined: dict[str, int] = {}
    deliveries: dict[str, dict[str, int]] = {}
    decisions: dict[str, dict[str, int]] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == "ztpd_element_up":
                elements[labels["element"]] = sample.value > 0
            elif sample.name == "ztpd_jobs":
                jobs[labels["state"]] = int(sample.value)
            elif sample.name == "ztpd_quarantined":
                quarantined[labels["reason"]] = int(sample.value)
            elif sample.name == "ztpd_deliveries":
                deliveries.setdefault(labels["endpoint"], {})[labels["state"]] = int(sample.value)
            elif sample.name == "ztpd_shadow_decisions":
                decisions.setdefault(labels["element"], {})[labels["verdict"]] = int(sample.value)
    listened_to, shadowed = ([name for name, is_ in modes.items() if is_ == mode] for mode in ("observe", "shadow"))
    return Status(elements, jobs, quarantined, deliveries, waiting, listened_to, shadowed, decisions)


def show(found: Status, *, as_json: bool) -> None:
    """Print it: JSON for programs, tables for people."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(asdict(found)))
        return
    elements = (
        (name, "DOWN: `ztpd check` says why" if not up else _up(found, name))
        for name, up in sorted(found.elements.items())
    )
    console.print(table_of("elements", elements))
    if found.shadowed:
        said = ((name, _counted(found.decisions.get(name, {}))) for name in found.shadowed)
        console.print(table_of("decided in shadow", said))
    console.print(table_of("jobs", ((state, str(count)) for state, count in found.jobs.items() if count)))
    console.print(table_of("quarantine", ((reason, str(count)) for reason, count in found.quarantined.items())))
    endpoints = ((name, _counted(states)) for name, states in sorted(found.deliveries.items()))
    console.print(table_of("deliveries", endpoints))
    console.print(table_of("waiting for somebody", ((job["id"], _reason(job)) for job in found.waiting)))
    if found.untold > 0:
        console.print(f"and {found.untold} more: GET /v1/jobs?state=failed, or held")


def _up(found: Status, name: str) -> str:
    if name in found.listened_to:
        return f"up; {parts.OBSERVED}"
    return f"up; {parts.SHADOWED}" if name in found.shadowed else "up"


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"


def _reason(job: dict[str, Any]) -> str:
    failures = (
        f"{each['code']}{': ' if each['detail'] else ''}{each['detail']}. {each['operator']}"
        for each in job["failures"]
    )
    return "\n".join((f"{job['state']} since {job['updated_at']}", *failures))


def table_of(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    """Names and what is said of them, for a terminal."""
    table = Table(box=None, show_header=False, pad_edge=False, title=title, title_justify="left", title_style="bold")
    table.add_column(no_wrap=True, min_width=16)
    table.add_column(overflow="fold")
    for name, said in list(rows) or [("none", "")]:
        # As Text: what elements and orders say may hold brackets, which are markup elsewhere.
        table.add_row(Text(f"  {_harmless(name)}"), Text(_harmless(said)))
    return table


def _harmless(text: str) -> str:
    """Text without what a terminal obeys: CPEs and elements say what they like."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
