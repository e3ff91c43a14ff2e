"""``ztpd device``: what is known of one device, and what it is asked to do, over the daemon's own API."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ztpd.asking import table_of
from ztpd.calling import call, fetch
from ztpd.config import Configuration
from ztpd.device_actions import Action
from ztpd.domain.diagnostics import CpeTest
from ztpd.settings import Scope

POLL_S = 1.0

_OF_ADMINS = frozenset({Action.DOWNLOAD, Action.UPLOAD, Action.HANDOVER})

_FILE_TYPES = {
    "1": "1 Firmware Upgrade Image",
    "2": "2 Web Content",
    "3": "3 Vendor Configuration File",
    "4": "4 Tone File",
    "5": "5 Ringer File",
}
"""By their number (TR-069 A.3.2.8)."""


class BadCall(Exception):
    """The command's words do not go together; the text says what to give."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: the device, what is asked of it with which words, a test's arguments, whether to wait for the end."""

    device: int
    action: Action
    words: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    wait: bool = True


async def ask(configuration: Configuration, asked: Asked) -> dict[str, Any]:
    """What the daemon answers; a task that is waited for, when it is over.

    Raises ``BadCall``, ``CallRefused``, ``DaemonSilent`` and ``ConfigError``.
    """
    path = f"/v1/devices/{asked.device}"
    match asked.action:
        case Action.SHOW | Action.TASKS if asked.words:
            raise BadCall(f"{asked.action} takes no more words")
        case Action.SHOW:
            return await call(configuration, "GET", path)
        case Action.TASKS:
            return {"items": await _tasks(configuration, path)}
        case Action.CANCEL:
            return await call(configuration, "POST", f"{path}/tasks/{_number(asked)}/cancel", scope="dispatch")
        case _:
            way = {Action.DIAGNOSE: "diagnostics"}.get(asked.action, asked.action.value)
            scope: Scope = "admin" if asked.action in _OF_ADMINS else "dispatch"
            task = await call(configuration, "POST", f"{path}/{way}", _body(asked), scope)
            return await _end_of(configuration, path, task) if asked.wait else task


async def sent_file(configuration: Configuration, task: Mapping[str, Any]) -> bytes:
    """What a device sent for a task that is done; raises as ``ask`` does."""
    path = f"/v1/devices/{task['device']}/uploads/{task['values']['upload']}"
    return await fetch(configuration, "GET", path, scope="admin")


def save(sent: bytes, output: Path) -> None:
    """Write it to a file that only its owner may read, in the place of what is there; raises ``OSError``."""
    output.unlink(missing_ok=True)
    with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(sent)


def _number(asked: Asked) -> str:
    if len(asked.words) != 1 or not asked.words[0].isdecimal():
        raise BadCall("cancel takes the number of one task: `ztpd device ID tasks` lists them")
    return asked.words[0]


def _body(asked: Asked) -> dict[str, Any] | None:
    given = {name: value for name, value in asked.arguments.items() if value is not None}
    if asked.action is Action.DIAGNOSE:
        if len(asked.words) != 1:
            raise BadCall("diagnose takes one test: download, upload, ping, traceroute, wifi-neighbours or optics")
        try:
            test = CpeTest.model_validate({"test": asked.words[0], **given})
        except ValidationError as error:
            raise BadCall("\n".join(_said(each) for each in error.errors(include_url=False))) from None
        return test.model_dump(mode="json", exclude_none=True)
    if asked.action is Action.HANDOVER:
        return _handover(asked, given)
    if given:
        raise BadCall(f"{asked.action} takes no --{sorted(given)[0].replace('_', '-')}: it belongs to another action")
    if asked.action in _OF_ADMINS:
        return _file_body(asked)
    if asked.action is Action.READ:
        if not asked.words:
            raise BadCall("read takes one or more paths: Device.DeviceInfo. or Device.WiFi.SSID.1.SSID")
        return {"paths": list(asked.words)}
    if asked.words:
        raise BadCall(f"{asked.action} takes no more words")
    return None


def _file_body(asked: Asked) -> dict[str, Any]:
    match asked.action, asked.words:
        case Action.UPLOAD, ("configuration" | "log" as what,):
            return {"what": what}
        case Action.UPLOAD, _:
            raise BadCall("upload takes what the device is to send: configuration or log")
        case _, (source, type_):
            return {"url" if "://" in source else "file": source, "file_type": _FILE_TYPES.get(type_, type_)}
    raise BadCall("download takes a file of [acs.files] or a URL, and its type: 3, or 'X 00D09E Splash'")


_HANDOVER = ("url", "username", "secret")


def _handover(asked: Asked, given: Mapping[str, Any]) -> dict[str, Any]:
    """The other ACS; its password is in a file that the daemon's configuration names."""
    if asked.words or set(given) != set(_HANDOVER):
        raise BadCall(
            "handover takes --url and --username of the other ACS, and as --secret the name of its password in "
            "[acs.handover.secrets]; no more"
        )
    return dict(given)


def _said(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    problem = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {problem}" if where else problem


async def _end_of(configuration: Configuration, path: str, task: dict[str, Any]) -> dict[str, Any]:
    """Look at a task until it is over; who stops the command leaves the task with the daemon."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        shown = progress.add_task("", total=None)
        while task["ended_at"] is None:
            doing = "the device is at it" if task["state"] == "given" else "waiting for the device to inform"
            progress.update(shown, description=f"task {task['id']}: {task['fault'] or doing}")
            await asyncio.sleep(POLL_S)
            task = await call(configuration, "GET", f"{path}/tasks/{task['id']}")
    return task


async def _tasks(configuration: Configuration, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        page = await call(configuration, "GET", f"{path}/tasks?limit=100&after={after}")
        found += page["items"]
        after = page["next"]
    return found


def show(asked: Asked, found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print it: JSON for programs, tables for people."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(found))
    elif asked.action is Action.SHOW:
        _show_device(console, found)
    elif asked.action is Action.TASKS:
        console.print(table_of("tasks", (_in_a_line(task) for task in found["items"])))
    else:
        _show_task(console, found)


def _show_device(console: Console, device: Mapping[str, Any]) -> None:
    names = [(name["kind"], name["value"]) for name in device["names"]]
    place = " ".join(filter(None, (device["element"], device["port"]))) or "nowhere"
    known = [
        ("state", f"{device['state']}{': ' if device['reason'] else ''}{device['reason']}"),
        ("service", device["service"] or "none"),
        ("place", f"{place}, {device['presence']}"),
        ("last seen", device["last_seen_at"]),
    ]
    console.print(table_of(f"device {device['id']}", [*names, *known, *_coexistence(device)]))
    cpe = device["cpe"]
    if cpe is None:
        console.print("it has never informed: nothing can be asked of it over TR-069")
        return
    model = " ".join(filter(None, (cpe["manufacturer"], cpe["product_class"], cpe["hardware_version"])))
    told = [
        ("model", model),
        ("software", cpe["software_version"] or "not told"),
        ("data model", cpe["root"] or "not told"),
        ("last Inform", f"{cpe['informed_at']} from {cpe['ip'] or 'an unknown address'}"),
        ("proven by", device["identity"]["proof"]),
    ]
    if device["waking"] is not None:
        told.append(("asked to inform", f"{device['waking']['asked_at']}: {device['waking']['said']}"))
    if cpe["upgrade"] is not None:
        told.append(("upgrade", _upgrade(cpe["upgrade"])))
    console.print(table_of("over TR-069", told))
    console.print(table_of("to do", (_in_a_line(task) for task in cpe["open_tasks"])))
    console.print(table_of("faults", ((fault["cause"], _fault(fault)) for fault in cpe["faults"])))


def _upgrade(upgrade: Mapping[str, Any]) -> str:
    why = f": {upgrade['fault']}" if upgrade["fault"] else ""
    again = f", again at {upgrade['retry_at']}" if upgrade["retry_at"] else ""
    since = upgrade["ended_at"] or upgrade["offered_at"]
    return f"{upgrade['from_version']} to {upgrade['version']}, {upgrade['state']} at {since}{why}{again}"


def _coexistence(device: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Its tags, what another ACS knew of it, and whether it went to another one."""
    if device["tags"]:
        yield "tags", ", ".join(device["tags"])
    imported, handover = device["imported"], device["handover"]
    if imported is not None:
        yield "imported", f"from {imported['source']} at {imported['imported_at']}"
    if handover is not None:
        waiting = f"counts as gone if silent until {handover['silent_until']}"
        said = handover["said"] or (waiting if handover["state"] in {"told", "accepted"} else "")
        yield "hand-over", f"{handover['state']}: {handover['url']}{f'; {said}' if said else ''}"


def _fault(fault: Mapping[str, Any]) -> str:
    return f"{fault['message']}\n{fault['times']} times, last {fault['last_at']}"


def _in_a_line(task: Mapping[str, Any]) -> tuple[str, str]:
    what = " ".join((task["kind"], *map(str, _flat(task["arguments"]))))
    why = f": {task['fault']}" if task["fault"] else ""
    return str(task["id"]), f"{task['state']}{why}\n{what}, asked by {task['actor']} at {task['created_at']}"


def _flat(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        yield from map(str, value) if isinstance(value, list) else [str(value) if name == "test" else f"{name}={value}"]


def _show_task(console: Console, task: Mapping[str, Any]) -> None:
    said = [("state", f"{task['state']}{': ' if task['fault'] else ''}{task['fault']}")]
    said += [(each["name"], f"{each['value']} {each['unit']}".rstrip()) for each in task["readings"]]
    said += list(task["values"].items())
    said += [("…", "there are more: read a smaller object")] if task["cut"] else []
    console.print(table_of(f"task {task['id']}: {task['kind']} {task['arguments'].get('test', '')}".rstrip(), said))
    if task["rows"]:
        console.print(_rows(task["rows"]))


def _rows(rows: list[list[Mapping[str, Any]]]) -> Table:
    names = list(dict.fromkeys(each["name"] for row in rows for each in row))
    table = Table(box=None, pad_edge=False)
    for name in ("", *names):
        table.add_column(name, overflow="fold")
    for number, row in enumerate(rows, start=1):
        values = {each["name"]: f"{each['value']} {each['unit']}".rstrip() for each in row}
        # As Text: what neighbours call their networks may hold brackets, which are markup elsewhere.
        table.add_row(str(number), *(Text(values.get(name, "")) for name in names))
    return table
