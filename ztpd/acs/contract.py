"""What the ACS and the core say to each other: a device was heard, what it must become, what became of it."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ztpd.acs.messages import Inform

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class CpeWork:
    """What one CPE must become for one job: intents (``wifi.2ghz.ssid``) to values.

    The same work may be given again, for example after a session broke off: setting it twice changes nothing.
    """

    job: str
    values: Mapping[str, Value] = field(repr=False)


class FaultKind(enum.Enum):
    """Who or what stopped the work: decides what can be done about it."""

    CPE = "cpe"  # the CPE answered with a CWMP fault; ``code`` is its code
    MISMATCH = "mismatch"  # the CPE accepted a value and reads back another
    UNKNOWN_INTENT = "unknown-intent"  # no data file says what the intent is called on this device
    INVALID_VALUE = "invalid-value"  # the value does not fit the parameter's type
    UNKNOWN_MODEL = "unknown-model"  # the Inform shows neither a TR-181 nor a TR-098 root
    PROTOCOL = "protocol"  # the CPE answered out of turn or with what cannot be read


@dataclass(frozen=True, slots=True)
class CpeFault:
    """Why a CPE did not become what it must: ``code`` is CWMP's own (9001…), None when the ACS is the judge.

    ``parameter`` is the path the CPE named, or the intent when no path is known. No secret is in any of the texts.
    """

    code: int | None
    message: str
    parameter: str | None = None
    kind: FaultKind = FaultKind.CPE


@dataclass(frozen=True, slots=True)
class CpeOutcome:
    """What became of the work: ``applied`` maps paths to the values read back, hidden ones to ``MASK``.

    ``pending`` says that the CPE has committed the values and applies them later (Status 1, such as by a reboot).
    """

    ok: bool
    applied: Mapping[str, str] = field(default_factory=dict)
    fault: CpeFault | None = None
    pending: bool = False


MASK = "********"


@dataclass(frozen=True, slots=True)
class Core:
    """What the ACS needs of the daemon's core; when either raises, the CPE is told to come back later (503).

    ``heard(inform, peer_ip)`` commits that the device was heard and answers what it must become (None: nothing).
    ``configured(work, outcome)`` commits what became of the work; the CPE's session ends only after it returned.
    """

    heard: Callable[[Inform, str], Awaitable[CpeWork | None]]
    configured: Callable[[CpeWork, CpeOutcome], Awaitable[None]]
