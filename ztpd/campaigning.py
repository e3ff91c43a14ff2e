"""``ztpd firmware``: how the campaigns of the profiles stand, and stopping and resuming them, over the API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from ztpd.asking import table_of
from ztpd.calling import CallRefused, call
from ztpd.config import Configuration


async def campaigns(configuration: Configuration, name: str | None) -> list[dict[str, Any]]:
    """All campaigns, or the one of this name.

    Raises ``CallRefused`` when there is none, ``DaemonSilent`` and ``ConfigError``.
    """
    found = (await call(configuration, "GET", "/v1/firmware"))["items"]
    chosen = [each for each in found if name in {None, each["name"]}]
    if name is not None and not chosen:
        raise CallRefused(f"there is no firmware {name}\n`ztpd firmware` lists what profiles want")
    return chosen


async def change(configuration: Configuration, name: str, action: str) -> list[dict[str, Any]]:
    """Stop or resume a campaign; raises as ``campaigns`` does."""
    await campaigns(configuration, name)  # a name that is no part of a path goes no further
    return [await call(configuration, "POST", f"/v1/firmware/{name}/{action}", scope="admin")]


def show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print it: JSON for programs, tables for people."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(found))
        return
    if not found:
        console.print("no profile wants any firmware")
    for each in found:
        console.print(table_of(f"{each['name']}: {each['version']}", _said(each)))


def _said(campaign: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "state", f"STOPPED: {campaign['reason']}" if campaign["stopped_at"] else "goes on"
    yield "from", campaign["source"]
    yield "as wanted", f"{campaign['as_wanted']} of {campaign['cpes']} CPEs"
    running = (f"{each['cpes']} run {each['version'] or 'an unknown version'}" for each in campaign["running"])
    yield "versions", ", ".join(running) or "none"
    for each in campaign["under_way"]:
        yield f"device {each['device']}", f"{each['state']} since {each['offered_at']}, from {each['from_version']}"
    for each in campaign["failed"]:
        again = f", again at {each['retry_at']}" if each["retry_at"] else ""
        yield f"device {each['device']}", f"failed {each['failures']} times: {each['fault']}{again}"
