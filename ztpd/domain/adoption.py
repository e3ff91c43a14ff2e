"""What is provisioned on an element, held against a list of services: who is whose, and what fits nothing.

Whether a pair may be taken over is another question (``ztpd.domain.takeover``).
"""

import enum
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from drivers.access import Difference, ObservedAccess
from pon import serial as pon_serial
from ztpd.domain.model import Identifier, Printed, Strict, Text, normalise_mac


class ListedService(Strict):
    """One service as another system lists it, with what it is known by on its element.

    An ONT by its PON serial, a subscriber of a radio by his MAC address, a line of a switch by its port alone.
    ``address`` describes the location where it is not known yet. ``state`` is what the list believes; the element
    tells what is so.
    """

    service: Identifier
    account: Identifier
    location: Identifier
    profile: Identifier
    parameters: Annotated[dict[Identifier, Text | int | bool], Field(max_length=64)] = Field(default_factory=dict)
    serial: Annotated[Printed, AfterValidator(pon_serial.normalise)] | None = None
    mac: Annotated[str, AfterValidator(normalise_mac)] | None = None
    port: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    state: Literal["active", "suspended"] | None = None
    address: Annotated[str, Field(min_length=1, max_length=300)] | None = None

    @model_validator(mode="after")
    def _names_a_device(self) -> Self:
        if self.serial is None and self.mac is None and self.port is None:
            raise ValueError("give a serial, a mac or a port")
        return self

    @property
    def known_by(self) -> str:
        """The strongest name it has on its element."""
        return self.serial or self.mac or self.port or ""

    def is_shown_by(self, observed: ObservedAccess) -> bool:
        """Whether what is provisioned is this service's: by serial or MAC, or by port where ports are all there is."""
        if observed.device == observed.port:
            return self.port == observed.port
        return observed.device in {self.serial, self.mac}


class Outcome(enum.StrEnum):
    """What became of one listed service, or of one provisioned device that nobody listed."""

    ADOPTED = "adopted"
    ADOPTED_DIFFERENT = "adopted-with-differences"
    OURS = "already-ours"
    UNLISTED = "not-in-list"
    ABSENT = "not-on-element"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"


NEWLY_OURS = frozenset({Outcome.ADOPTED, Outcome.ADOPTED_DIFFERENT})
TAKEN_OVER = NEWLY_OURS | {Outcome.OURS}
"""What leaves nothing to do for a listed service."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``line`` counts the listed services from 1, 0 is what the element alone shows."""

    outcome: Outcome
    line: int = 0
    service: str | None = None
    device: str | None = None
    port: str | None = None
    differences: tuple[Difference, ...] = ()
    unread: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""

    def describe(self) -> dict[str, Any]:
        """The line as it is reported."""
        return {
            "line": self.line,
            "outcome": self.outcome.value,
            "service": self.service,
            "device": self.device,
            "port": self.port,
            "differences": [str(each) for each in self.differences],
            "unread": list(self.unread),
            "problem": self.problem,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A listed service and what is provisioned for it."""

    line: int
    listed: ListedService
    observed: ObservedAccess


@dataclass(frozen=True, slots=True)
class Paired:
    """The pairs, what cannot be paired, and what is on the element and on no line of the list."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]
    unlisted: tuple[ObservedAccess, ...]


def pair(listed: Sequence[ListedService], provisioned: Iterable[ObservedAccess]) -> Paired:
    """Find for each listed service the one provisioned device that is its; every line and device ends up once.

    A device that two lines name, or a service on two lines, or a device that the element shows twice is nobody's.
    """
    shown: dict[str, list[ObservedAccess]] = {}
    for each in provisioned:
        shown.setdefault(each.device, []).append(each)
    services = Counter(each.service for each in listed)
    candidates = [_shown_for(each, shown) for each in listed]
    claims = Counter(device for found in candidates for device in {each.device for each in found})
    names = Counter(each.known_by for each in listed)
    pairs: list[Pair] = []
    findings: list[Finding] = []
    for line, (service, found) in enumerate(zip(listed, candidates, strict=True), start=1):
        doubt = _doubt(service, found, services, claims, names)
        if doubt is None and found:
            pairs.append(Pair(line, service, found[0]))
            continue
        outcome, problem, remedy = doubt or _absent(service)
        findings.append(_of_line(outcome, line, service, problem, remedy))
    claimed = set(claims)
    unlisted = [each for device, found in sorted(shown.items()) if device not in claimed for each in found]
    return Paired(tuple(pairs), tuple(findings), tuple(unlisted))


def _shown_for(listed: ListedService, shown: dict[str, list[ObservedAccess]]) -> list[ObservedAccess]:
    names = dict.fromkeys(name for name in (listed.serial, listed.mac, listed.port) if name is not None)
    return [each for name in names for each in shown.get(name, ()) if listed.is_shown_by(each)]


Doubt = tuple[Outcome, str, str]


def _doubt(
    listed: ListedService,
    found: Sequence[ObservedAccess],
    services: Counter[str],
    claims: Counter[str],
    names: Counter[str],
) -> Doubt | None:
    """Why a line is nobody's, or None."""
    if services[listed.service] > 1:
        return Outcome.AMBIGUOUS, f"service {listed.service} is on {services[listed.service]} lines", "leave one"
    lines = max([names[listed.known_by], *(claims[each.device] for each in found)])
    if lines > 1:
        return Outcome.AMBIGUOUS, f"{lines} lines name {listed.known_by}", "leave the one that is right"
    if len(found) > 1:
        places = ", ".join(f"{each.device} on {each.port or 'no port'}" for each in found)
        return Outcome.AMBIGUOUS, f"the element shows it more than once: {places}", "remove what is stale there"
    if found and None not in (listed.port, found[0].port) and listed.port != found[0].port:
        problem = f"is provisioned on port {found[0].port}, the list says {listed.port}"
        return Outcome.REFUSED, problem, "correct the port in the list, or move the device"
    return None


def _absent(listed: ListedService) -> Doubt:
    problem = f"nothing is provisioned for {listed.known_by}"
    return Outcome.ABSENT, problem, "correct the list, or order an install"


def _of_line(outcome: Outcome, line: int, listed: ListedService, problem: str, remedy: str) -> Finding:
    return Finding(outcome, line, listed.service, listed.known_by, listed.port, problem=problem, remedy=remedy)


def unlisted(observed: ObservedAccess, service: str | None) -> Finding:
    """What is said of a device that no line names; ``service`` is the one of ours that has it, if any."""
    if service is not None:
        return Finding(Outcome.OURS, 0, service, observed.device, observed.port)
    named = f" for {observed.service}" if observed.service else ""
    return Finding(
        Outcome.UNLISTED,
        0,
        None,
        observed.device,
        observed.port,
        problem=f"is provisioned{named}, and no line names it",
        remedy="add it to the list, or remove it on the element",
    )
