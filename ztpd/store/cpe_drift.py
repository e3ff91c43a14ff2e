"""Drift: a CPE that is not any more as its service wants is found by later Informs, and put right or told of.

What was found is kept before anything is done about it, and how often it was done after: a kill between the two does it
again, which changes nothing more, and forgets no more than one time in the count.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from ztpd.domain import drift
from ztpd.domain.cpe import Cause, CpeFacts, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Configure, Inspect
from ztpd.domain.drift import DriftRule
from ztpd.domain.identity import names_of_allocation
from ztpd.domain.model import JobBody
from ztpd.domain.planning import wanted_cpe
from ztpd.domain.profile import ParameterProblem, Profile, Value, without_secrets
from ztpd.store import devices
from ztpd.store.times import optional_moment, to_text
from ztpd.store.transaction import Row, Transaction, Unknown

_BOOTED = frozenset({"0 BOOTSTRAP", "1 BOOT"})
MOST_DIFFERENCES = 32
"""How many differences of a CPE are kept and told."""


class Drift(enum.StrEnum):
    """How far it is with a CPE that was found otherwise than wanted; the value is kept and shown."""

    RESTORING = "restoring"  # it differs and is to be put right
    RESTORED = "restored"  # it was put right and not looked at since
    REPORTED = "reported"  # it differs and is left so, or could not be put right or looked at


@dataclass(frozen=True, slots=True)
class Place:
    """What an active service wants of a CPE."""

    body: JobBody
    profile: Profile
    values: Mapping[str, Value]

    @property
    def rule(self) -> DriftRule:
        """What is done when the CPE differs."""
        return self.profile.drift


def configured(tx: Transaction, device: int, job: str) -> None:
    """A job has made a CPE what it is to be: from now on it is looked at."""
    profile = tx.profiles.get(tx.job(job).body.profile)
    every = drift.UNRULED if profile is None else profile.drift.every
    tx.run("put_cpe_configured", device=device, job=job, look_at=to_text(tx.now + every))
    tx.run("drop_cpe_drift", device=device)


def heard(tx: Transaction, cpe: Row, facts: CpeFacts) -> Row:
    """Keep whether a CPE that informs is to be looked at now; its row as it is then.

    One that is not due and did not restart costs nothing.
    """
    due = cpe["look_at"] is not None and cpe["look_at"] <= tx.now_text
    if cpe["look_at"] is None or not (due or _BOOTED & set(facts.events)):
        return cpe
    place = _place(tx, cpe)
    if place is None:
        return _look_in(tx, cpe, drift.UNRULED) if due else cpe
    return _look_in(tx, cpe, timedelta(0)) if not due and place.rule.at_boot else cpe


def _look_in(tx: Transaction, cpe: Row, pause: timedelta) -> Row:
    row = tx.one("look_at_cpe", device=cpe["device"], look_at=to_text(tx.now + pause))
    return cpe if row is None else row


def wanted(tx: Transaction, cpe: Row, facts: CpeFacts) -> CpeWork | None:
    """What a CPE must show or become now because it may have drifted; None when it is not due. Nothing is kept."""
    if cpe["look_at"] is None or cpe["look_at"] > tx.now_text:
        return None
    place = _place(tx, cpe)
    if place is None:
        return None
    device, row = cpe["device"], tx.one("cpe_drift", device=cpe["device"])
    due = row is not None and row["state"] == Drift.RESTORING and row["restore_at"] <= tx.now_text
    if row is not None and due and place.rule.restores(row["times"]):
        return CpeWork(device, Cause.DRIFT, f"{device}.{row['times'] + 1}", Configure(values=dict(place.values)))
    return CpeWork(device, Cause.DRIFT, str(device), Inspect(values=dict(place.values)))


def _place(tx: Transaction, cpe: Row) -> Place | None:
    """The service that a CPE works for and what that wants of it; None where nothing is to be looked at."""
    row = tx.one("drift_place", device=cpe["device"])
    if row is None:
        return None
    body = JobBody.model_validate_json(row["standing"])
    profile, allocated = tx.profiles.get(body.profile), body.device("cpe")
    if profile is None or allocated is None or profile.drift.action == "ignore":
        return None
    if not names_of_allocation(allocated) & devices.names_of(tx, cpe["device"]):
        return None
    try:
        values = wanted_cpe(body, profile)
    except ParameterProblem:  # a service that was taken over, without what only a CPE is told
        return None
    return Place(body, profile, values) if values else None


def as_seen(work: CpeWork, outcome: CpeOutcome) -> CpeOutcome:
    """The outcome as drift judges it: what was told and only has to settle is as wanted."""
    if work.cause is Cause.DRIFT and outcome.fault is not None and outcome.fault.kind is FaultKind.UNSETTLED:
        return replace(outcome, ok=True, fault=None, pending=False)
    return outcome


def masked(tx: Transaction, device: int, text: str) -> str:
    """A text of a CPE without what the profile of its service calls secret."""
    cpe = tx.one("get_cpe", device=device)
    place = None if cpe is None else _place(tx, cpe)
    return text if place is None else without_secrets(place.profile, place.body.parameters, text)


def ended(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> None:
    """Keep what a look or a restoration came to, and tell what is news of it."""
    cpe = tx.one("get_cpe", device=work.device)
    place = None if cpe is None else _place(tx, cpe)
    if cpe is None or place is None:  # a job, or another service, has it now
        return
    seen = _Seen(tx, cpe, place, tx.one("cpe_drift", device=work.device))
    if isinstance(work.task, Configure):
        seen.restored(outcome.fault)
    elif outcome.fault is not None:
        seen.reported([], outcome.fault)
    elif outcome.differences:
        seen.differs(_shown(place, outcome))
    else:
        seen.is_as_wanted()


def _shown(place: Place, outcome: CpeOutcome) -> list[dict[str, str]]:
    """The differences without what the profile calls secret."""
    given = place.body.parameters
    plain = [asdict(each) for each in outcome.differences[:MOST_DIFFERENCES]]
    return [{name: without_secrets(place.profile, given, text) for name, text in each.items()} for each in plain]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of one CPE; ``row`` is what was kept of its drift before."""

    tx: Transaction
    cpe: Row
    place: Place
    row: Row | None

    @property
    def times(self) -> int:
        """How often in a row it was put right."""
        return 0 if self.row is None else int(self.row["times"])

    def is_as_wanted(self) -> None:
        """Nothing differs: what was told of is over."""
        if self.row is not None:
            self.tx.run("drop_cpe_drift", device=self.cpe["device"])
            if self.row["state"] == Drift.REPORTED:
                self._tell("cpe.drift-gone")
        self._look_in(self.place.rule.every)

    def differs(self, found: list[dict[str, str]]) -> None:
        """Something differs: it is put right when it may be, else it is told."""
        if not self.place.rule.restores(self.times):
            self.reported(found, None)
            return
        since = None if self.row is None else optional_moment(self.row["restored_at"])
        restore_at = self.tx.now if since is None else max(self.tx.now, since + drift.pause_after(self.times))
        self._keep(Drift.RESTORING, found, "", self.times, restore_at=to_text(restore_at))
        if self.row is None or self.row["state"] != Drift.RESTORING:
            self._tell("cpe.drifted", action="restore", differences=found, times=self.times)
        self._look_in(restore_at - self.tx.now)

    def reported(self, found: list[dict[str, str]], fault: CpeFault | None, tries: int = 0) -> None:
        """It is left as it is after ``tries`` more to put it right, and told of when that is news."""
        words = "" if fault is None else fault.words
        times = self.times + tries
        if self.row is None or (self.row["state"], self._found, self.row["fault"]) != (Drift.REPORTED, found, words):
            gave_up = self.place.rule.action == "restore" and fault is None
            facts = {"action": "gave-up" if gave_up else "report", "differences": found, "times": times}
            self._tell("cpe.drifted", **facts, **({"fault": words} if words else {}))
        self._keep(Drift.REPORTED, found, words, times)
        self._look_in(self.place.rule.every)

    def restored(self, fault: CpeFault | None) -> None:
        """It was told everything again, and took it or did not."""
        if fault is not None:
            self.reported(self._found, fault, tries=1)
            return
        times = self.times + 1
        self._keep(Drift.RESTORED, self._found, "", times, restored_at=self.tx.now_text)
        self._tell("cpe.restored", differences=self._found, times=times)
        self._look_in(self.place.rule.every)

    @property
    def _found(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = [] if self.row is None else orjson.loads(self.row["found"])
        return found

    def _keep(
        self,
        state: Drift,
        found: Sequence[Mapping[str, str]],
        fault: str,
        times: int,
        *,
        restored_at: str | None = None,
        restore_at: str | None = None,
    ) -> None:
        before = None if self.row is None else self.row["restored_at"]
        self.tx.run(
            "put_cpe_drift",
            device=self.cpe["device"],
            state=state,
            found=orjson.dumps(found).decode(),
            fault=fault,
            found_at=self.tx.now_text,
            times=times,
            restored_at=restored_at or before,
            restore_at=restore_at,
        )

    def _look_in(self, pause: timedelta) -> None:
        _look_in(self.tx, self.cpe, pause)

    def _tell(self, type_: str, **facts: Any) -> None:
        """In the trace of the job that configured the CPE, where people look for what became of it."""
        facts = {"device": self.cpe["device"], "profile": self.place.profile.name, **facts}
        try:
            job = self.tx.job(self.cpe["configured"])
        except Unknown:
            self.tx.tell_of_service(self.place.body.service, type_, **facts)
        else:
            self.tx.tell(job, type_, **facts)
