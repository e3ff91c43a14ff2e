"""Intentions of the shadow lanes: what would be done is kept, and what became of it by another's hands."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import orjson
import structlog

from drivers.access import Difference, WantedAccess
from ztpd.domain.comparing import Judgement, Verdict
from ztpd.domain.kinds import KINDS, Act
from ztpd.domain.lifecycle import JobEvent, JobState
from ztpd.domain.planning import missing_legs, wanted_access
from ztpd.store import attempts, services, settling
from ztpd.store.rows import Job
from ztpd.store.transaction import Row, Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Case:
    """One job to decide on; ``since`` is when it came to its state. Without ``wanted``, ``broken`` says why.

    ``leaving`` is the device on this element in whose place another comes, or which goes to another place.
    """

    job: str
    since: str
    kind: str
    service: str
    wanted: WantedAccess | None
    leaving: str | None = None
    broken: str = ""

    @property
    def act(self) -> Act:
        """What the element would be asked to do."""
        return KINDS[self.kind].act


@dataclass(frozen=True, slots=True)
class Decided:
    """What would have been done: the changes, or why it would have been refused."""

    case: Case
    changes: Sequence[Difference] = ()
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """A decision whose outcome is still looked for; ``before`` are the differences when it was made, as texts."""

    id: int
    kind: str
    wanted: WantedAccess
    before: tuple[str, ...]

    @property
    def act(self) -> Act:
        """What the element would have been asked to do."""
        return KINDS[self.kind].act


def undecided(tx: Transaction, element: str, limit: int) -> list[Case]:
    """The due jobs of an element that are not decided on yet; one that lost a leg meanwhile is held.

    A job is decided on once for each time it becomes due, and stays where it is.
    """
    cases = (_case(tx, Job(row)) for row in tx.all("undecided_jobs", element=element, limit=limit))
    return [case for case in cases if case is not None]


def _case(tx: Transaction, job: Job) -> Case | None:
    found = tx.apart(lambda: _wanted(tx, job))
    if isinstance(found, Exception):
        log.error("a job's record cannot be worked with", job=job.id, exc_info=found)
        broken = f"unforeseen {type(found).__name__}: the log has it"
        return Case(job.id, str(job.row["updated_at"]), "", job.service, None, broken=broken)
    return found


def _wanted(tx: Transaction, job: Job) -> Case | None:
    body, around = job.body, settling.surroundings(tx, job)
    missing = missing_legs(body, around)
    if missing:
        tx.move_job(job, JobEvent.LEGS_MISSING, failures=missing)
        return None
    location, profile = around.location, around.profile
    if location is None or location.access is None or profile is None:
        raise LookupError("a job without a missing leg lacks one")
    leaving = attempts.leaving_of(tx, body, services.standing_of(tx, job.service), location.access)
    here = None if leaving is None or leaving.element != location.access.element else leaving.device
    wanted = wanted_access(body, location, profile, enabled=attempts.carries(tx, job))
    return Case(job.id, str(job.row["updated_at"]), body.kind, job.service, wanted, here)


def keep_decisions(tx: Transaction, element: str, decided: Iterable[Decided]) -> int:
    """Keep what was decided, unless the job went on meanwhile; how many."""
    return sum(_keep(tx, element, each) for each in decided)


def _keep(tx: Transaction, element: str, each: Decided) -> bool:
    case = each.case
    job = tx.one("get_job", id=case.job)
    if job is None or job["state"] != JobState.DISCOVERED or job["updated_at"] != case.since:
        return False
    added = tx.one(
        "add_decision",
        element=element,
        job=case.job,
        job_since=case.since,
        kind=case.kind,
        service=case.service,
        device="" if case.wanted is None else case.wanted.device,
        wanted=_wanted_text(case.wanted),
        changes=_texts(map(str, each.changes)),
        refusal=case.broken or each.refusal,
        verdict=Verdict.PENDING,
        now=tx.now_text,
    )
    if added is not None:
        tx.run(
            "add_verdict", decision=added["id"], verdict=Verdict.PENDING, differences="[]", unread="[]", now=tx.now_text
        )
    return added is not None


def open_decisions(tx: Transaction, element: str, after: int, limit: int) -> list[Open]:
    """Decisions behind ``after`` whose outcome is still looked for; those whose jobs went on are closed first."""
    if after == 0:
        tx.run("close_decisions", element=element, now=tx.now_text)
    rows = tx.all("open_decisions", element=element, after=after, limit=limit)
    return [_open(row) for row in rows if row["wanted"] != "null"]


def _open(row: Row) -> Open:
    wanted = WantedAccess(**orjson.loads(row["wanted"]))
    return Open(int(row["id"]), row["kind"], wanted, tuple(orjson.loads(row["changes"])))


def keep_judgements(tx: Transaction, judged: Iterable[tuple[int, Judgement]]) -> list[int]:
    """Keep what became of decisions, each with the time where it is news; the ids of those."""
    return [id_ for id_, judgement in judged if _judged(tx, id_, judgement)]


def _judged(tx: Transaction, id_: int, judgement: Judgement) -> bool:
    found = {
        "verdict": judgement.verdict.value,
        "differences": _texts(map(str, judgement.differences)),
        "unread": _texts(judgement.unread),
        "now": tx.now_text,
    }
    if tx.one("judge_decision", id=id_, **found) is None:
        return False
    tx.run("add_verdict", decision=id_, **found)
    return True


def _wanted_text(wanted: WantedAccess | None) -> str:
    """What was wanted, without the password: it is compared with nothing."""
    if wanted is None:
        return "null"
    kept = {name: value for name, value in asdict(wanted).items() if name != "ppp_password"}
    return orjson.dumps(kept).decode()


def _texts(texts: Iterable[str]) -> str:
    return orjson.dumps(list(texts)).decode()
