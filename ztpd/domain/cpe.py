"""What is known of a CPE that informs, what it is asked to do, and what became of it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ztpd.domain.cpe_tasks import MASK as MASK
from ztpd.domain.cpe_tasks import Task
from ztpd.domain.diagnostics import Report

_KEY_LENGTH = 32


class Proof(enum.StrEnum):
    """How the sender of an Inform proved that it is who it says; the value is what operators see."""

    NONE = "none"
    BOOTSTRAP = "bootstrap"  # it knows the secret that all new devices share
    DEVICE = "device"  # it knows the secret that it alone was given
    CERTIFICATE = "certificate"  # its client certificate names it


class Doubt(enum.StrEnum):
    """Why nothing is done with the sender of an Inform; the value is what operators see as a reason."""

    UNPROVEN = "unproven"  # it showed no secret, or a wrong one
    MISMATCH = "identity-mismatch"  # what it proved is another device than it says it is
    SPENT = "bootstrap-spent"  # it has shown a secret of its own before, and now only the one that all share

    @property
    def words(self) -> str:
        """The doubt as operators read it, with what they can do."""
        return _DOUBTS[self]


_DOUBTS = {
    Doubt.UNPROVEN: (
        "It says that it is this device and did not prove it. Give the CPE the bootstrap user and password, or its own."
    ),
    Doubt.MISMATCH: (
        "It proved to be another device than it says it is. Correct its user name or certificate, or find who forges."
    ),
    Doubt.SPENT: (
        "It has a secret of its own and came with the bootstrap secret. If it was reset to factory settings, allow it: "
        "POST /v1/devices/{id}/rebootstrap."
    ),
}


@dataclass(frozen=True, slots=True)
class CpeFacts:
    """What an Inform tells of its CPE, as text and as claimed; what it did not tell is empty.

    ``root`` is the root object of its data model with the dot. ``parameters`` are all that the Inform carried, by full
    path. ``udp_address`` is ``host:port`` as the CPE learnt it by STUN (TR-069 Annex G).
    """

    manufacturer: str
    oui: str
    product_class: str
    serial: str
    root: str = ""
    software_version: str = ""
    hardware_version: str = ""
    parameter_key: str = ""
    connection_request_url: str = ""
    udp_address: str = ""
    events: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


class Cause(enum.StrEnum):
    """Why a CPE is asked to do something; the value is what operators see beside a fault."""

    JOB = "job"  # a job configures it
    SECRET = "own-secret"  # noqa: S105 it is given a secret of its own
    ASKED = "asked"  # somebody asked for it: ``cpe_task``
    FIRMWARE = "firmware"  # it runs another version than its profile wants
    DRIFT = "drift"  # it may not be any more what its service wants


_SPOKEN = {
    Cause.JOB: "job",
    Cause.SECRET: "own secret of device",
    Cause.ASKED: "task",
    Cause.FIRMWARE: "upgrade",
    Cause.DRIFT: "drift of device",
}


def spoken(cause: Cause, id_: str) -> str:
    """A CPE's work as people call it: ``job J-1``; a task's turn (``17.2``) is nothing to them."""
    return f"{_SPOKEN[cause]} {id_.partition('.')[0] if cause is Cause.ASKED else id_}"


def key_of(cause: Cause, id_: str) -> str:
    """What a CPE is told a piece of work is called: at most 32 characters (TR-069 A.3.2.1, A.3.2.8)."""
    return (id_ if cause is Cause.JOB else f"{cause}-{id_}")[:_KEY_LENGTH]


@dataclass(frozen=True, slots=True)
class CpeWork:
    """One thing that one CPE is to do: ``id`` is the job's for ``Cause.JOB`` and the task's else.

    The same work may be given again, for example after a session broke off: doing it twice changes nothing more.
    ``instances`` are the instance numbers that were found on this model before, by name (``radio5``).
    """

    device: int
    cause: Cause
    id: str
    task: Task
    instances: Mapping[str, int] | None = None

    @property
    def key(self) -> str:
        """What the CPE shows again as ParameterKey or CommandKey."""
        return key_of(self.cause, self.id)


@dataclass(frozen=True, slots=True)
class KnownCpe:
    """A CPE whose session was opened by an earlier run of the daemon or by another node, and what it must do now.

    ``proof`` is how it proved itself then.
    """

    facts: CpeFacts
    work: CpeWork | None
    proof: Proof = Proof.BOOTSTRAP


class FaultKind(enum.Enum):
    """Who or what stopped the work: decides what can be done about it."""

    CPE = "cpe"  # the CPE answered with a CWMP fault; ``code`` is its code
    MISMATCH = "mismatch"  # the CPE accepted a value and reads back another
    UNKNOWN_INTENT = "unknown-intent"  # no data file says what the intent is called on this device
    INVALID_VALUE = "invalid-value"  # the value does not fit the parameter's type
    UNKNOWN_MODEL = "unknown-model"  # the Inform shows neither a TR-181 nor a TR-098 root
    UNABLE = "unable"  # the CPE has no such function
    TEST = "test"  # a test was done and did not succeed
    INTERRUPTED = "interrupted"  # what was under way is lost, such as by a restart
    UNSETTLED = "unsettled"  # the CPE took everything and does not show yet that it works
    REFUSED = "refused"  # the CPE took everything and the network refused what it was given, such as a login
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

    @property
    def words(self) -> str:
        """The fault as people read it: ``9007 Invalid value for Wi-Fi channel (5 GHz)``."""
        return " ".join(str(part) for part in (self.code, self.message) if part)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as wanted on a CPE: the intent, what people call it, both values; hidden ones never are among them.

    Where the CPE has no such thing, ``found`` says that it is missing.
    """

    intent: str
    said: str
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class CpeOutcome:
    """What became of the work: ``applied`` maps paths or names of results to text, hidden ones to ``MASK``.

    ``pending`` says that the CPE has taken it and does it later (Status 1, such as by a reboot; a download; a test).
    ``instances`` are the instance numbers found on the way, worth keeping for the next CPE of the same model;
    ``report`` is what a test showed, ``differences`` what an inspection found.
    """

    ok: bool
    applied: Mapping[str, str] = field(default_factory=dict)
    fault: CpeFault | None = None
    pending: bool = False
    instances: Mapping[str, int] | None = None
    report: Report | None = None
    differences: tuple[Difference, ...] = ()
