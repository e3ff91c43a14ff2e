"""The upgrade of a CPE to the version that its profile wants: offered, taken, through, seen; or failed, or given up.

What is offered is kept before the CPE is told: after a kill no second download begins while one may be under way. What
counts in the end is the version that the CPE shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from ztpd.domain import firmware
from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork, key_of
from ztpd.domain.cpe_tasks import Download
from ztpd.domain.firmware import FIRMWARE_IMAGE, UPGRADE, FirmwareRule, Upgrade, UpgradeEvent
from ztpd.domain.lifecycle import JobState
from ztpd.domain.profile import Profile
from ztpd.store import allocations, evidence, firmware_campaigns, transfer_grants, transfer_tasks
from ztpd.store.rows import facts_of_cpe
from ztpd.store.times import optional_moment, to_text
from ztpd.store.transaction import Row, Transaction

log = structlog.get_logger()

_BOOT = "1 BOOT"


@dataclass(frozen=True, slots=True)
class Place:
    """The service that a CPE works for, and its profile; ``installing`` while its job is not closed."""

    service: str
    profile: Profile
    installing: bool


def wanted(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """The upgrade that a CPE is due for now; None when there is none. Nothing is kept: ``give`` does that."""
    found = _due(tx, cpe)
    if found is None:
        return None
    rule, version = found[1], cpe["software_version"]
    row = tx.one("cpe_firmware", device=cpe["device"])
    if row is not None and Upgrade(row["state"]) in firmware.UNDER_WAY:
        return None
    if transfer_tasks.under_way(tx, cpe["device"]):
        return None
    retry_at = None
    if row is not None and (row["campaign"], row["version"]) == (rule.name, rule.version):
        retry_at = optional_moment(row["retry_at"])
    if firmware.hindrance(rule, version, firmware_campaigns.standing(tx, rule, retry_at), tx.now) is not None:
        return None
    attempt = 1 if row is None else row["attempt"] + 1
    task = Download(
        file_type=FIRMWARE_IMAGE,
        file=rule.file,
        url=rule.url or "",
        size=rule.size or 0,
        sha256=rule.sha256 or "",
        timeout_s=rule.timeout_s,
    )
    return CpeWork(cpe["device"], Cause.FIRMWARE, f"{cpe['device']}.{attempt}", task)


def _due(tx: Transaction, cpe: Row) -> tuple[Place, FirmwareRule] | None:
    """What wants another version of a CPE than it runs, and where it works; None when nothing does."""
    if not any(profile.firmware for profile in tx.profiles.values()):
        return None
    place = _place(tx, cpe["device"])
    rule = None if place is None else firmware.rule_for(place.profile.firmware, facts_of_cpe(cpe))
    if place is None or rule is None or cpe["software_version"] == rule.version:
        return None
    return None if place.installing and not rule.during_install else (place, rule)


def _place(tx: Transaction, device: int) -> Place | None:
    row = tx.one("firmware_place", device=device)
    if row is not None:
        profile = tx.profiles.get(row["profile"])
        return None if profile is None else Place(row["service"], profile, installing=False)
    if not any(rule.during_install for profile in tx.profiles.values() for rule in profile.firmware):
        return None
    for role, job in allocations.holder_of(tx, device):
        configured = job.cpe_confirmed_at is not None or job.state is JobState.AWAITING_COMPLETION
        profile = tx.profiles.get(job.body.profile)
        at_work = job.state in {JobState.APPLYING, JobState.VERIFYING, JobState.AWAITING_COMPLETION}
        if role == "cpe" and at_work and configured and profile is not None:
            return Place(job.service, profile, installing=True)
    return None


def give(tx: Transaction, work: CpeWork, cpe: Row) -> None:
    """Keep that a CPE is about to be told to download."""
    found = _due(tx, cpe)
    if found is None:
        raise LookupError(f"device {work.device} is given firmware that nothing wants")
    place, rule = found
    tx.run(
        "offer_firmware",
        device=work.device,
        attempt=int(work.id.rpartition(".")[2]),
        campaign=rule.name,
        version=rule.version,
        from_version=cpe["software_version"],
        service=place.service,
        file=rule.source,
        sha256=rule.sha256 or "",
        timeout_s=rule.timeout_s,
        succeeds_on_timeout=int(rule.succeeds_on_timeout),
        due_at=to_text(tx.now + rule.timeout),
        now=tx.now_text,
    )


def told(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    """Keep what a CPE answered to Download; what it answers to an attempt that is over counts no more."""
    row = _attempt(tx, work.device, work.id)
    if row is None:
        return
    if outcome.fault is not None:
        _happen(tx, row, UpgradeEvent.FAULTED, outcome.fault.words)
        return
    _happen(tx, row, UpgradeEvent.ACCEPTED)
    if not outcome.pending:
        transferred(tx, work.device, work.id)


def transferred(tx: Transaction, device: int, attempt: str, fault: str = "") -> None:
    """A CPE tells that it is through with an attempt, or why not; said again, it changes nothing."""
    row = _attempt(tx, device, attempt)
    if row is None:
        return
    if fault:
        reason = transfer_grants.refusal(tx, device, key(row))
        _happen(tx, row, UpgradeEvent.FAULTED, f"{fault}; {reason}" if reason else fault)
        return
    _happen(tx, row, UpgradeEvent.TRANSFERRED)
    cpe, now = tx.one("get_cpe", device=device), tx.one("cpe_firmware", device=device)
    if cpe is None or now is None:
        return
    # It informs first and tells then (TR-069 §3.7.1.5): a restart before the transfer is told of in the same session.
    if now["booted_at"] is not None and now["booted_at"] == cpe["informed_at"] and cpe["software_version"]:
        _judge(tx, now, cpe["software_version"], restarted=True)


def heard(tx: Transaction, cpe: Row, facts: CpeFacts) -> None:
    """Hold the version that a CPE shows in an Inform against the upgrade that it was given; keep which it needs."""
    _keep_campaign(tx, cpe)
    row = tx.one("cpe_firmware", device=cpe["device"])
    if row is None or row["state"] == Upgrade.CONFIRMED or not facts.software_version:
        return
    restarted = _BOOT in facts.events
    if restarted and row["ended_at"] is None:
        tx.run("boot_firmware", device=cpe["device"], now=cpe["informed_at"])
    _judge(tx, row, facts.software_version, restarted=restarted)


def _keep_campaign(tx: Transaction, cpe: Row) -> None:
    """Which campaign a CPE is behind in: those are asked to inform when it has room for them."""
    found = _due(tx, cpe)
    campaign = "" if found is None else found[1].name
    if campaign != cpe["behind"]:
        tx.run("put_cpe_behind", device=cpe["device"], campaign=campaign)


def _judge(tx: Transaction, row: Row, version: str, *, restarted: bool) -> None:
    if version == row["version"]:
        _happen(tx, row, UpgradeEvent.SHOWN)
    elif restarted:
        why = f"it restarted after the transfer and runs {version}, not {row['version']}"
        _happen(tx, row, UpgradeEvent.WRONG_VERSION, why)


def close_overdue(tx: Transaction, limit: int) -> int:
    """Fail what waited too long, whether its CPE is ever heard again or not; how many."""
    rows = tx.all("overdue_firmware", now=tx.now_text, limit=limit)
    for row in rows:
        closed = tx.apart(lambda row=row: _close(tx, row))  # type: ignore[misc]
        if isinstance(closed, Exception):
            log.error("an upgrade's record cannot be worked with", device=row["device"], exc_info=closed)
            _lapsed(tx, row, f"unforeseen {type(closed).__name__}; the log has it at {tx.now_text}")
    return len(rows)


def _close(tx: Transaction, row: Row) -> None:
    if row["state"] == Upgrade.GIVEN and row["succeeds_on_timeout"]:
        _happen(tx, row, UpgradeEvent.TRANSFERRED)
    else:
        _happen(tx, row, UpgradeEvent.TIMED_OUT, _OVERDUE[Upgrade(row["state"])].format(**dict(row)))


_OVERDUE = {
    Upgrade.OFFERED: "it did not answer, and nothing came of it",
    Upgrade.GIVEN: "no TransferComplete came within {timeout_s:g} s",
    Upgrade.TRANSFERRED: "it did not show version {version} within {timeout_s:g} s after the transfer",
}


def _attempt(tx: Transaction, device: int, attempt: str) -> Row | None:
    """The attempt if it is the device's last one; a device that was joined to another keeps its number."""
    row = tx.one("cpe_firmware", device=device)
    return row if row is not None and str(row["attempt"]) == attempt.rpartition(".")[2] else None


def _happen(tx: Transaction, row: Row, event: UpgradeEvent, fault: str = "") -> None:
    """Advance an upgrade by its table; what the table does not have changes nothing."""
    state = UPGRADE.get((Upgrade(row["state"]), event))
    if state is not None:
        _BECOMES[state](tx, row, fault)


def _given(tx: Transaction, row: Row, _: str) -> None:
    tx.run("give_firmware", device=row["device"], due_at=_until(tx, row), now=tx.now_text)
    _tell(tx, row, "firmware.started")


def _through(tx: Transaction, row: Row, _: str) -> None:
    _began(tx, row)
    tx.run("transfer_firmware", device=row["device"], due_at=_until(tx, row), now=tx.now_text)


def _confirmed(tx: Transaction, row: Row, _: str) -> None:
    _began(tx, row)
    tx.run("confirm_firmware", device=row["device"], now=tx.now_text)
    _over(tx, row)
    times = {name: row[name] for name in ("offered_at", "given_at", "transferred_at")}
    _tell(tx, row, "firmware.confirmed")
    body = {**_facts(row), **times, "confirmed_at": tx.now_text}
    evidence.write_of_service(tx, row["service"], "firmware", body)


def _failed(tx: Transaction, row: Row, fault: str) -> None:
    _began(tx, row)
    failures = row["failures"] + 1
    retry_at = to_text(tx.now + firmware.retry_after(failures))
    tx.run("fail_firmware", device=row["device"], fault=fault, failures=failures, retry_at=retry_at, now=tx.now_text)
    _over(tx, row)
    _tell(tx, row, "firmware.failed", fault=fault, failures=failures, retry_at=retry_at)
    firmware_campaigns.failed(tx, row, fault)


def _lapsed(tx: Transaction, row: Row, fault: str) -> None:
    """Nothing speaks against the firmware: it is not counted, and offered again later."""
    retry_at = to_text(tx.now + firmware.FIRST_RETRY)
    tx.run("lapse_firmware", device=row["device"], fault=fault, retry_at=retry_at, now=tx.now_text)
    _over(tx, row)


_BECOMES: dict[Upgrade, Callable[[Transaction, Row, str], None]] = {
    Upgrade.GIVEN: _given,
    Upgrade.TRANSFERRED: _through,
    Upgrade.CONFIRMED: _confirmed,
    Upgrade.FAILED: _failed,
    Upgrade.LAPSED: _lapsed,
}


def _began(tx: Transaction, row: Row) -> None:
    """Tell that an upgrade began whose beginning a crash kept from us."""
    if row["given_at"] is None:
        _tell(tx, row, "firmware.started")


def _over(tx: Transaction, row: Row) -> None:
    transfer_grants.end(tx, row["device"], key(row))


def key(row: Row) -> str:
    """What the CPE calls the attempt."""
    return key_of(Cause.FIRMWARE, f"{row['device']}.{row['attempt']}")


def _until(tx: Transaction, row: Row) -> str:
    return to_text(tx.now + timedelta(seconds=row["timeout_s"]))


def _facts(row: Row) -> dict[str, Any]:
    names = ("device", "campaign", "attempt", "from_version", "version", "file", "sha256")
    return {name: row[name] for name in names}


def _tell(tx: Transaction, row: Row, type_: str, **facts: Any) -> None:
    tx.tell_of_service(row["service"], type_, **_facts(row), **facts)
