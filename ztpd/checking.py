"""``ztpd check``: what is configured, held against what is there."""

import asyncio
import enum
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drivers.base import Driver, ListsNeighbours
from drivers.errors import Busy, ElementError, NotLetIn, NotTheElement, Unreachable
from ztpd import parts
from ztpd.acs.settings import AcsSettings
from ztpd.config import ConfigError, Configuration
from ztpd.discovery.mqtt_broker import BrokerError, BrokerSettings, connected
from ztpd.discovery.traps import TrapSettings
from ztpd.domain.profile import Profile
from ztpd.store import schema
from ztpd.store.engine import Engine, StoreUnavailable
from ztpd.store.migrations import HEAD

T = TypeVar("T")


_HARD_TO_GUESS = 12
"""Characters of a password that nobody finds by trying: the ACS lets every address try, for many CPEs may share one."""


class Verdict(enum.Enum):
    """What a check came to."""

    OK = "ok"
    WRONG = "wrong"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: ``said`` is what was found, with the remedy where it is not ok."""

    what: str
    verdict: Verdict
    said: str


async def check(configuration: Configuration, *, offline: bool) -> list[Finding]:
    """Check everything that can be checked without changing anything; ``offline`` leaves out what is elsewhere."""
    findings = [
        _made(configuration, "profiles", parts.profiles, _names),
        _made(configuration, "circuit-ids", parts.circuit_ids, lambda table: f"{len(table.names)} patterns"),
        _made(configuration, "tokens", parts.tokens, lambda tokens: _names(each.name for each in tokens)),
        _made(configuration, "acs", parts.acs, _served),
        _made(configuration, "files", parts.files, lambda found: "off" if found is None else str(found.folder)),
        _made(configuration, "firmware", parts.stocked_profiles, _firmware),
        _made(configuration, "intents", parts.intents, lambda used: "off" if used is None else f"{len(used)} used"),
        _made(configuration, "hand-over", parts.handover, lambda terms: _names(terms.secrets)),
        _made(configuration, "endpoints", parts.endpoints, lambda found: _names(each.name for each in found)),
        _made(configuration, "elements", parts.drivers, _names),
        _made(
            configuration,
            "syslog",
            parts.syslog_patterns,
            lambda found: "off" if found is None else f"{len(found)} patterns",
        ),
        _made(configuration, "snmp traps", parts.traps, lambda found: "off" if found is None else _believed(found)),
        _made(configuration, "mqtt", parts.broker, lambda broker: "off" if broker is None else str(broker)),
        _made(configuration, "store url", parts.engine, lambda engine: engine.dialect),
    ]
    if offline or any(finding.verdict is Verdict.WRONG for finding in findings):
        return list(_each_once(findings))
    remarks, interfaces = parts.remarks(configuration), parts.access_interfaces(configuration)
    calling = parts.names_calling_home(configuration)
    answers = await asyncio.gather(
        *(
            _element(each, remarks.get(name), interfaces.get(name, frozenset()))
            for name, each in parts.drivers(configuration).items()
            if name not in calling
        )
    )
    answers += [Finding(f"element {name}", Verdict.OK, "calls home: `ztpd status` says if it has") for name in calling]
    broker = parts.broker(configuration)
    if broker is not None:
        answers.append(await _broker(broker))
    heard = await _interfaces(configuration.settings.discovery.dhcp.interfaces)
    return [*findings, _store(parts.engine(configuration)), *heard, *answers]


def _each_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; what is wrong with a file that several need is told by the first of them."""
    told: dict[str, str] = {}
    for finding in findings:
        if finding.verdict is Verdict.WRONG and finding.said in told:
            yield replace(finding, said=f"see {told[finding.said]}")
        else:
            told.setdefault(finding.said, finding.what)
            yield finding


def _made(
    configuration: Configuration, what: str, make: Callable[[Configuration], T], describe: Callable[[T], str]
) -> Finding:
    try:
        return Finding(what, Verdict.OK, describe(make(configuration)))
    except ConfigError as error:
        told = (str(problem).removeprefix(f"{configuration.file}: ") for problem in error.problems)
        return Finding(what, Verdict.WRONG, "\n".join(told))


def _firmware(profiles: Mapping[str, Profile]) -> str:
    return _names({rule.name for profile in profiles.values() for rule in profile.firmware})


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _believed(traps: TrapSettings) -> str:
    return f"{len(traps.communities)} communities, users: {_names(user.name for user in traps.users)}"


def _store(engine: Engine) -> Finding:
    file = Path("/" + unquote(urlsplit(engine.url).path).lstrip("/"))
    if engine.dialect == "sqlite" and not file.exists():
        # Connecting would make the file, for the user who runs the check.
        return _absent_file(file)
    try:
        found = schema.revision(engine)
    except StoreUnavailable as error:
        return Finding("store", Verdict.DOWN, str(error))
    if found is None:
        return Finding("store", Verdict.OK, f"{engine.dialect} at {engine.place}, empty: the first start fills it")
    if found > HEAD:
        return Finding("store", Verdict.WRONG, str(schema.SchemaTooNew(found)))
    due = "" if found == HEAD else f", a migration to {HEAD} is due at the next start"
    return Finding("store", Verdict.OK, f"{engine.dialect} at {engine.place}, schema {found}{due}")


def _absent_file(file: Path) -> Finding:
    if not os.access(file.parent, os.W_OK | os.X_OK):
        remedy = f"Create {file.parent}, writable for the daemon's user."
        return Finding("store", Verdict.WRONG, f"{file} does not exist and cannot be made. {remedy}")
    return Finding("store", Verdict.OK, f"{file} does not exist yet: the first start makes it")


async def _element(
    driver: Driver | ListsNeighbours, remark: str | None, interfaces: Collection[str] = frozenset()
) -> Finding:
    """Whether an element answers, and has the ``interfaces`` that it must have."""
    what = f"element {driver.name}"
    try:
        ports = await driver.ports()
    except ElementError as error:
        return Finding(what, Verdict.DOWN, f"{error}. {_remedy(error)}".rstrip())
    finally:
        await driver.close()
    missing = ", ".join(sorted(set(interfaces) - ports))
    if missing:
        remedy = "Plug it in, or correct access_interfaces."
        return Finding(what, Verdict.DOWN, f"there is no interface {missing}. {remedy}")
    if not ports:
        remedy = "Check that it is what the driver (and its platform) is for, and what the user may read."
        return Finding(what, Verdict.DOWN, f"answers, but shows no port. {remedy}")
    said = "" if remark is None else f"; {remark}"
    count = "1 port" if len(ports) == 1 else f"{len(ports)} ports"
    return Finding(what, Verdict.OK, f"answers, {count}{said}")


def _remedy(error: ElementError) -> str:
    """What to do about an element that did not do what it was asked."""
    match error:
        case NotLetIn():
            return "Correct the user and its password, key or token here, or on the element."
        case NotTheElement():
            return ""  # said in the error
        case Busy():
            return "Others are at work on it, or logged in: try again, or raise what it allows."
        case Unreachable():
            return "Check that it is on, its address and port, and what is in between."
    return "Correct what it objects to, here or on the element."


async def _interfaces(names: Iterable[str]) -> list[Finding]:
    """Whether the interfaces that DHCP is to be heard on are there and up, as the kernel tells by netlink."""
    wanted = list(names)
    if not wanted:
        return []
    from pyroute2 import AsyncIPRoute

    async with AsyncIPRoute() as kernel:
        links = {link.get_attr("IFLA_IFNAME"): link async for link in await kernel.get_links()}
    return [_interface(name, links.get(name)) for name in wanted]


def _interface(name: str, link: Mapping[str, Any] | None) -> Finding:
    what = f"interface {name}"
    if link is None:
        remedy = "Plug it in, or correct discovery.dhcp.interfaces; it is heard as soon as it is there."
        return Finding(what, Verdict.DOWN, f"there is none. {remedy}")
    if link["state"] != "up":
        return Finding(what, Verdict.DOWN, f"is down; it is heard as soon as it is up: ip link set {name} up")
    return Finding(what, Verdict.OK, "up")


async def _broker(settings: BrokerSettings) -> Finding:
    """Connect and subscribe beside a daemon that may run: under another client id, and outside its share group."""
    try:
        asking = replace(settings, client_id=f"{settings.client_id}-check")
        async with connected(asking, lambda message: None, session_s=0) as broker:
            await broker.listen(f"{settings.prefix}/+")
    except BrokerError as error:
        return Finding("mqtt broker", Verdict.DOWN, str(error))
    safety = "" if settings.tls is not None else "; without TLS: anybody on the way reads and forges"
    return Finding("mqtt broker", Verdict.OK, f"answers{safety}")


_STYLES = {Verdict.OK: "green", Verdict.WRONG: "red", Verdict.DOWN: "yellow"}


def show(findings: Iterable[Finding]) -> None:
    """Print the findings as a table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("checked", no_wrap=True)
    table.add_column("found", overflow="fold")
    for finding in findings:
        verdict = Text(finding.verdict.value, _STYLES[finding.verdict])
        # As Text: what elements say may hold brackets, which are markup elsewhere.
        table.add_row(verdict, Text(finding.what), Text(finding.said))
    Console().print(table)


def _served(acs: AcsSettings | None) -> str:
    """Where CPEs are served, and what they are given to prove themselves with."""
    if acs is None:
        return "off"
    ports = [str(acs.port), *(f"{each.port}{'' if each.tls is None else ' (TLS)'}" for each in acs.listeners)]
    word = "port" if len(ports) == 1 else "ports"
    own = "CPEs keep the bootstrap secret" if acs.secrets is None else "each CPE is given a secret of its own"
    length = len(acs.credentials.password)
    if length < _HARD_TO_GUESS:
        own += f"; their shared password is short, {length} characters: it can be guessed"
    return f"{word} {', '.join(ports)}; {own}"
