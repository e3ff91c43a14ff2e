"""The shape of every answer: a field that is not here is never sent.

Plain types, no rules: what is stored was checked when it came in, and a rule that became stricter since must not
make it unreadable.
"""

from typing import Any

from pydantic import Field

from ztpd.api.coexistence_answers import HandoverShown, ImportShown
from ztpd.api.cpe_answers import CpeShown
from ztpd.api.shown import PageOf as PageOf
from ztpd.api.shown import Shown as Shown


class AccessShown(Shown):
    """The element and port that serve a location."""

    technology: str
    element: str
    port: str


class LocationShown(Shown):
    """A serviceable place."""

    id: str
    address: str
    serviceable: bool
    reason: str
    access: AccessShown | None
    circuit_id: str | None


class FailureShown(Shown):
    """Why a job is held or failed: a stable code, what was found, and a sentence for each reader."""

    code: str
    detail: str
    technician: str
    operator: str


class AllocatedShown(Shown):
    """A device set aside for a job."""

    role: str
    serial: str | None
    oui: str | None
    mac: str | None


class WindowShown(Shown):
    """When a visit may take place."""

    start: str
    end: str


class JobShown(Shown):
    """One piece of work on one service, and where it stands; secret parameters are ``***``."""

    id: str
    state: str
    failures: list[FailureShown]
    visit: int
    attempt: int
    kind: str
    service: str
    account: str
    location: str
    profile: str
    parameters: dict[str, str | int | bool]
    devices: list[AllocatedShown]
    window: WindowShown | None
    technician: str | None
    network_confirmed_at: str | None
    cpe_confirmed_at: str | None
    created_at: str
    updated_at: str


class NameShown(Shown):
    """One name of a device and who told it first."""

    kind: str
    value: str
    source: str
    first_seen_at: str


class WakingShown(Shown):
    """The last time a CPE was asked to inform: for what, the how manieth time for that, and what became of it.

    ``informed_at`` is null as long as it has not informed since; it is asked again at ``next_at`` if there is need.
    """

    why: str
    tries: int
    asked_at: str
    next_at: str
    said: str
    informed_at: str | None


class IdentityShown(Shown):
    """How a CPE proved itself last (``bootstrap``, ``device``, ``certificate``), and when.

    ``secret`` is how far it is with a secret of its own: empty, ``given``, ``proven``, or ``refused`` by the CPE.
    """

    proof: str
    secret: str
    informed_at: str


class DeviceShown(Shown):
    """A device with every name it has, and where it was heard last; ``cpe`` is null when it has never informed."""

    id: int
    state: str
    reason: str
    detail: str
    ignored_at: str | None
    service: str | None
    element: str | None
    port: str | None
    presence: str
    raw_state: str
    ip: str | None
    circuit_id: str | None
    first_seen_at: str
    last_seen_at: str
    names: list[NameShown]
    waking: WakingShown | None
    identity: IdentityShown | None
    cpe: CpeShown | None
    tags: list[str] = Field(default_factory=list)
    imported: ImportShown | None = None
    handover: HandoverShown | None = None


class VisitShown(Shown):
    """One trip of a technician."""

    number: int
    technician: str | None
    window_start: str | None
    window_end: str | None
    opened_at: str
    closed_at: str | None
    outcome: str | None


class LevelsShown(Shown):
    """What the element measured last; null is unknown."""

    onu_rx_dbm: float | None
    olt_rx_dbm: float | None
    signal_dbm: float | None = None
    link_bps: int | None = None


class JobInContextShown(JobShown):
    """A job with what the network knows of it."""

    access: AccessShown | None
    heard_devices: list[DeviceShown]
    levels: LevelsShown | None
    visits: list[VisitShown]


class TraceEntryShown(Shown):
    """One thing that happened to a job: an event, a sighting or a delivery."""

    at: str
    kind: str
    what: str
    data: dict[str, Any]


class TraceShown(Shown):
    """Everything that happened to a job, in the order of time."""

    items: list[TraceEntryShown]


class EvidenceShown(Shown):
    """One record of what was installed or measured."""

    id: int
    service: str
    job: str
    visit: int
    kind: str
    body: dict[str, Any]
    author: str | None
    captured_at: str
    received_at: str


class EvidenceListShown(Shown):
    """All evidence of a job, oldest first."""

    items: list[EvidenceShown]


class ServiceShown(Shown):
    """What one customer has at one location."""

    id: str
    account: str
    location: str
    profile: str
    state: str
    confirmed_at: str | None
    activated_at: str | None
    created_at: str
    updated_at: str


class ConfiguredShown(Shown):
    """What an element has configured for one device; ``unmodelled`` names what it has no word for."""

    device: str
    port: str | None
    service: str | None
    s_vlan: int | None
    c_vlan: int | None
    downstream_bps: int | None
    upstream_bps: int | None
    assured_upstream_bps: int | None
    fixed_upstream_bps: int | None
    priority: int | None
    address: str | None
    ppp_user: str | None
    enabled: bool
    onu_id: int | None
    presence: str
    complete: bool
    unmodelled: list[str]


class MeasuredShown(Shown):
    """What an element says of a service at one moment; ``configured`` is null where it has nothing for it."""

    service: str
    measured_at: str
    configured: ConfiguredShown | None
    levels: LevelsShown


class HeardShown(Shown):
    """What one source said of a device, heard ``times`` times."""

    source: str
    element: str | None
    port: str | None
    body: dict[str, Any]
    verdict: str
    heard_at: str
    last_heard_at: str
    times: int


class SightingShown(HeardShown):
    """One observation of a device by one source."""

    id: int
    device: int
    device_state: str
    job: str | None


class NearShown(Shown):
    """A job that a quarantined device may belong to, and why."""

    job: str
    because: str


class QuarantinedShown(DeviceShown):
    """A device that nothing is done with: why, what was heard of it last, and which jobs it may belong to."""

    why: str
    heard: list[HeardShown]
    nearest: list[NearShown]


class AuditShown(Shown):
    """What somebody did by hand: the caller's token, the action and what it was done to."""

    id: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class ElementShown(Shown):
    """A configured element: whether it answers, what ztpd may do there, and its ports where they are known."""

    name: str
    driver: str
    up: bool
    mode: str
    remark: str
    technologies: list[str]
    ports: list[str] | None


class ElementsShown(Shown):
    """Every configured element, by name."""

    items: list[ElementShown]


class VerdictShown(Shown):
    """What became of a decision, from a moment on."""

    verdict: str
    differences: list[str]
    unread: list[str]
    at: str


class DecisionShown(Shown):
    """What would have been done for one job, or why it would have been refused; and what became of it.

    ``differences`` is how the element differs from what was wanted, ``unread`` what of it cannot be read.
    ``closed_at`` is when the job went on, and with it the comparison ended.
    """

    id: int
    element: str
    job: str
    kind: str
    service: str
    device: str
    wanted: dict[str, Any] | None
    changes: list[str]
    refusal: str | None
    decided_at: str
    verdict: str
    differences: list[str]
    unread: list[str]
    verdict_since: str
    closed_at: str | None
    verdicts: list[VerdictShown]


class HealthShown(Shown):
    """The process answers; ``now`` is its clock."""

    status: str
    now: str


class ReadinessShown(Shown):
    """Every part of the daemon works."""

    status: str
    parts: dict[str, str]


class ProblemItemShown(Shown):
    """One thing that is wrong with a request."""

    field: str
    problem: str
    value: str | int | float | bool | None = None
    remedy: str | None = None


class ProblemShown(Shown):
    """Why a request is not answered as asked (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    remedy: str | None = None
    errors: list[ProblemItemShown] = Field(default_factory=list)
