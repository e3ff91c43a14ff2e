"""``ztpd explain``: what a circuit-id says, by the table of patterns and by the locations of the running daemon."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from ztpd import asking, parts
from ztpd.asking import DaemonSilent, table_of
from ztpd.config import ConfigError, Configuration
from ztpd.discovery.circuit_id import printable
from ztpd.discovery.claims import claimed_serial
from ztpd.domain.model import circuit_id_octets

SHOWN_LOCATIONS = 10


class NoOctets(Exception):
    """What was given is neither text nor hex of at most 255 bytes."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what}: {problem}. Give text, or 0x and hex")


@dataclass(frozen=True, slots=True)
class Locations:
    """Places that are meant in one way, the first ten; ``more`` says whether there are others."""

    shown: list[dict[str, Any]]
    more: bool = False

    @property
    def ports(self) -> set[tuple[str, str] | None]:
        """The element and port of each, None where a place has no access yet."""
        accesses = (place["access"] for place in self.shown)
        return {None if access is None else (access["element"], access["port"]) for access in accesses}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a circuit-id. ``*_hex`` are its bytes, ``pattern`` the row that fits with what it says.

    The locations are those that bear the circuit-id itself and those on the pattern's port, None where they were not
    asked for or the daemon did not answer (``silence`` says why). ``verdict`` says how the two go together.
    """

    circuit_id: str
    circuit_id_hex: str
    remote_id: str | None
    remote_id_hex: str | None
    pattern: str | None
    groups: dict[str, str]
    element: str | None
    element_configured: bool | None
    port: str | None
    serial: str | None
    by_circuit_id: Locations | None
    by_port: Locations | None
    verdict: str
    silence: str | None

    @property
    def known(self) -> bool:
        """Whether a pattern fits or a location bears it."""
        return self.pattern is not None or bool(self.by_circuit_id and self.by_circuit_id.shown)


async def explain(configuration: Configuration, circuit_id: str, remote_id: str | None) -> Explanation:
    """Hold the ids against the configuration's table and ask its daemon; raises ``NoOctets`` and ``ConfigError``."""
    raw = _octets("circuit-id", circuit_id)
    raw_remote = None if remote_id is None else _octets("remote-id", remote_id)
    match = parts.circuit_ids(configuration).explain(raw)
    element, port = (None, None) if match is None else (match.element, match.port)
    by_circuit_id = by_port = silence = None
    try:
        by_circuit_id, by_port = await _locations(configuration, raw, element, port)
    except (DaemonSilent, ConfigError) as error:
        silence = str(error)
    return Explanation(
        circuit_id=printable(raw),
        circuit_id_hex=raw.hex(),
        remote_id=None if raw_remote is None else printable(raw_remote),
        remote_id_hex=None if raw_remote is None else raw_remote.hex(),
        pattern=None if match is None else match.pattern,
        groups={} if match is None else dict(match.groups),
        element=element,
        element_configured=None if element is None else element in parts.technologies(configuration),
        port=port,
        serial=claimed_serial(match, raw_remote),
        by_circuit_id=by_circuit_id,
        by_port=by_port,
        verdict="" if by_circuit_id is None else verdict(element, port, by_circuit_id, by_port),
        silence=silence,
    )


def _octets(what: str, text: str) -> bytes:
    try:
        return circuit_id_octets(text)
    except UnicodeEncodeError:
        raise NoOctets(what, "is no UTF-8") from None
    except ValueError as error:
        raise NoOctets(what, str(error).removeprefix("circuit_id ")) from None


async def _locations(
    configuration: Configuration, raw: bytes, element: str | None, port: str | None
) -> tuple[Locations, Locations | None]:
    """The places that bear the circuit-id, and those on the port where there is one."""
    queries = [{"circuit_id": f"0x{raw.hex()}"}]
    if element is not None and port is not None:
        queries.append({"element": element, "port": port})
    paths = [f"/v1/locations?{urlencode(query | {'limit': str(SHOWN_LOCATIONS)})}" for query in queries]
    answers = await asking.answers(configuration, paths)
    try:
        pages = [json.loads(answer) for answer in answers]
        found = [Locations(page["items"], page["next"] is not None) for page in pages]
    except (ValueError, LookupError, TypeError) as error:
        raise asking.no_ztpd(configuration) from error
    return found[0], found[1] if len(found) > 1 else None


def verdict(element: str | None, port: str | None, by_circuit_id: Locations, by_port: Locations | None) -> str:
    """How the pattern's port and the locations that bear the circuit-id go together, and which of them counts."""
    ports = by_circuit_id.ports
    if element is None:
        return _without_element(ports)
    if port is None:
        return "the pattern names an element and no port of it: no place counts"
    if not ports:
        on_port = "no location lies on it" if not (by_port and by_port.shown) else "what lies on it is meant"
        return f"no location bears this circuit-id: the pattern's port counts, and {on_port}"
    if ports == {(element, port)}:
        return "both agree"
    return "they contradict each other: the pattern's port counts, correct the locations or the pattern"


def _without_element(ports: set[tuple[str, str] | None]) -> str:
    if not ports:
        return "neither does a pattern name an element nor a location bear this circuit-id: no place is known"
    if len(ports) == 1 and None not in ports:
        return "the location's port counts"
    return "the locations that bear it are not all on one port: no place counts"


def show(found: Explanation, *, as_json: bool) -> None:
    """Print it: JSON for programs, a table for people."""
    console = Console()
    if as_json:
        console.print_json(json.dumps(asdict(found)))
        return
    console.print(table_of("said", _said(found)))
    console.print(table_of("explained", _explained(found)))
    console.print(table_of("locations", _meant(found)))


def _said(found: Explanation) -> Iterator[tuple[str, str]]:
    yield "circuit-id", f"{found.circuit_id}\n0x{found.circuit_id_hex}"
    if found.remote_id is not None:
        yield "remote-id", f"{found.remote_id}\n0x{found.remote_id_hex}"


def _explained(found: Explanation) -> Iterator[tuple[str, str]]:
    yield "pattern", found.pattern or "none fits"
    yield from found.groups.items()
    if found.element is not None:
        yield "element", found.element if found.element_configured else f"{found.element}, which is not configured"
    if found.port is not None:
        yield "element's port", found.port
    if found.serial is not None:
        yield "PON serial", found.serial


def _meant(found: Explanation) -> Iterator[tuple[str, str]]:
    if found.by_circuit_id is None:
        yield "not known", found.silence or ""
        return
    yield "by circuit-id", _in_lines(found.by_circuit_id)
    if found.by_port is not None:
        yield "by port", _in_lines(found.by_port)
    yield "together", found.verdict


def _in_lines(locations: Locations) -> str:
    lines: Sequence[str] = [_in_a_line(place) for place in locations.shown]
    return "\n".join([*lines, *(["and more: GET /v1/locations"] if locations.more else [])]) or "none"


def _in_a_line(place: dict[str, Any]) -> str:
    access = place["access"]
    where = "without access" if access is None else f"on {access['element']} {access['port']}"
    return f"{place['id']} {where}, {place['address']}"
