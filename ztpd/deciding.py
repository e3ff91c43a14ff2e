"""``ztpd decisions``: what the running daemon would have done on an element in shadow, and what became of it."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ztpd import asking
from ztpd.config import Configuration

PAGE = 500


async def decisions(configuration: Configuration, element: str, verdict: str | None) -> list[dict[str, Any]]:
    """Every decision, oldest first; raises ``DaemonSilent`` and ``ConfigError``."""
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        query = {"limit": str(PAGE), "after": after, **({} if verdict is None else {"verdict": verdict})}
        path = f"/v1/elements/{quote(element, safe='')}/decisions?{urlencode(query)}"
        (text,) = await asking.answers(configuration, [path])
        try:
            page = json.loads(text)
            found += page["items"]
            after = page["next"]
        except (ValueError, LookupError, TypeError) as error:
            raise asking.no_ztpd(configuration) from error
    return found


def show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print them: JSON for programs, a table for people."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(found))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("service", "device", "verdict", "since"):
        table.add_column(name, overflow="fold")
    table.add_column("how", overflow="fold", ratio=1)
    for each in found:
        # As Text: what elements say may hold brackets, which are markup elsewhere.
        cells = (each["service"], each["device"], each["verdict"], each["verdict_since"][:19], _how(each))
        table.add_row(*map(Text, cells))
    console.print(table if found else "nothing was decided here")


def _how(each: dict[str, Any]) -> str:
    """How the element differs; where nobody acted, what would have been done or why not."""
    said = list(each["differences"])
    if each["unread"]:
        said.append(f"not to be read: {', '.join(each['unread'])}")
    if each["refusal"]:
        said.append(f"would be refused: {each['refusal']}")
    return "\n".join(said)
