"""The shape of what is said of a CPE: what it told of itself, what it was asked for, what came of that."""

from typing import Any

from ztpd.api.shown import Shown


class ReadingShown(Shown):
    """One thing that a test showed, with its unit."""

    name: str
    value: float | int | str
    unit: str


class TaskShown(Shown):
    """What a CPE was asked for, and what it came to.

    ``state`` is ``due`` (not told yet), ``given`` (the CPE does it), ``done``, ``failed`` (``fault`` says why) or
    ``cancelled``; ``fault`` of one that is not over is what the CPE answered last, and it is tried again. ``rows`` are
    the hops of a route, or Wi-Fi neighbours; ``values`` the parameters that were read, of which ``cut`` says that there
    were too many to be kept.
    """

    id: int
    device: int
    kind: str
    state: str
    arguments: dict[str, Any]
    job: str | None
    actor: str
    tries: int
    created_at: str
    given_at: str | None
    ended_at: str | None
    expires_at: str | None
    readings: list[ReadingShown]
    rows: list[list[ReadingShown]]
    values: dict[str, str]
    cut: bool
    fault: str


class CpeFaultShown(Shown):
    """Why a CPE did not do what it was asked, until the cause is gone; it is tried again at ``retry_at``."""

    cause: str
    work: str
    kind: str
    code: int | None
    message: str
    times: int
    first_at: str
    last_at: str
    retry_at: str


class UpgradeShown(Shown):
    """The last upgrade of a CPE's firmware.

    ``state`` is ``offered`` (it may not know yet), ``given`` (it downloads), ``transferred`` (it restarts),
    ``confirmed``, ``failed`` (``fault`` says why; tried again at ``retry_at``) or ``lapsed`` (it never answered).
    """

    campaign: str
    version: str
    from_version: str
    state: str
    fault: str
    failures: int
    retry_at: str | None
    offered_at: str
    given_at: str | None
    transferred_at: str | None
    ended_at: str | None


class DifferenceShown(Shown):
    """What is otherwise on a CPE than its service wants: ``said`` is what people call the intent."""

    intent: str
    said: str
    wanted: str
    found: str


class DriftShown(Shown):
    """How a CPE was found otherwise than its service wants.

    ``state`` is ``restoring``, ``restored`` (and not looked at since) or ``reported``; ``times`` is how often in a row
    it was put right. ``fault`` is why it could not be, or could not be looked at.
    """

    state: str
    found_at: str
    differences: list[DifferenceShown]
    times: int
    restored_at: str | None
    restore_at: str | None
    fault: str


class CpeShown(Shown):
    """What a device tells of itself over TR-069, what it is to do, and why it did not.

    ``ip`` is where its last session came from. At ``look_at`` or later it is looked at whether it is as its service
    wants; null for one that no job configured.
    """

    manufacturer: str
    oui: str
    product_class: str
    serial: str
    root: str
    software_version: str
    hardware_version: str
    ip: str
    informed_at: str
    look_at: str | None
    open_tasks: list[TaskShown]
    faults: list[CpeFaultShown]
    upgrade: UpgradeShown | None
    drift: DriftShown | None
