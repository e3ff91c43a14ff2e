"""What every intention works with: the statements, the moment, and the only way to write an event."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import orjson

from ztpd.domain import lifecycle
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.failures import Failure
from ztpd.domain.handover import NO_HANDOVER, HandoverTerms
from ztpd.domain.identity import Name
from ztpd.domain.lifecycle import JobEvent
from ztpd.domain.profile import Profile, Value
from ztpd.store.engine import Connection
from ztpd.store.rows import Job, failures_to_text
from ztpd.store.times import to_text

T = TypeVar("T")
Row = Mapping[str, Any]
Routes = Callable[[str], tuple[str, ...]]
"""The endpoints that want an event of this type."""

Management = Callable[[CpeFacts], Mapping[str, Value]]
"""The intents that give a CPE secrets of its own, by what is known of it."""


def no_management(facts: CpeFacts) -> Mapping[str, Value]:
    """Give none."""
    return {}


DEVICE_LINE = "device/"
"""What the events of a device without a service are ordered by begins so; no service's id can hold a ``/``."""


class Refused(Exception):
    """The request contradicts what is stored; ``problem`` says how, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


class Unknown(Exception):
    """There is no such thing; carries its kind and id."""

    def __init__(self, kind: str, id_: str) -> None:
        self.kind = kind
        self.id = id_
        super().__init__(f"there is no {kind} {id_}")


class Superseded(Exception):
    """The job went on without this attempt (it was held, or another holder took it): its outcome counts no more."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job} went on without this attempt")


@dataclass(slots=True)
class Transaction:
    """One intention's view of the database, at one moment, between two savepoints."""

    connection: Connection
    queries: Any
    now: datetime
    profiles: Mapping[str, Profile]
    routes: Routes
    new_id: Callable[[], str]
    touched: set[str] = field(default_factory=set)
    claims_registration_ids: bool = False
    """Whether a registration id may bind the first ONU that shows it in its place."""
    management: Management = no_management
    """What gives a CPE secrets of its own; nothing where ztpd gives none."""
    handover: HandoverTerms = NO_HANDOVER
    """The passwords of other ACSes, and when a CPE counts as gone to one."""
    now_text: str = field(init=False)
    """The moment as the database keeps it."""

    def __post_init__(self) -> None:
        self.now_text = to_text(self.now)

    def one(self, statement: str, /, **parameters: Any) -> Row | None:
        """The only row of a statement, or None."""
        row: Row | None = self._execute(statement, parameters).fetchone()
        return row

    def all(self, statement: str, /, **parameters: Any) -> list[Row]:
        """Every row of a statement."""
        rows: list[Row] = self._execute(statement, parameters).fetchall()
        return rows

    def run(self, statement: str, /, **parameters: Any) -> None:
        """A statement that answers no row."""
        self._execute(statement, parameters)

    def _execute(self, statement: str, parameters: Row) -> Any:
        # The text by its name, run directly: aiosql's own call costs as much again as a small statement.
        return self.connection.execute(getattr(self.queries, statement).sql, parameters)

    def apart(self, work: Callable[[], T], *, dry_run: bool = False) -> T | Exception:
        """Do one of many things so that it fails alone: what it returns, or the error after all it did is undone.

        A dry run is undone too: it says what would come of it.
        """
        self.connection.execute("SAVEPOINT apart")
        try:
            result = work()
        except Exception as error:
            self.connection.execute("ROLLBACK TO SAVEPOINT apart")
            self.connection.execute("RELEASE SAVEPOINT apart")
            return error
        if dry_run:
            self.connection.execute("ROLLBACK TO SAVEPOINT apart")
        self.connection.execute("RELEASE SAVEPOINT apart")
        return result

    def device_named(self, name: Name) -> int | None:
        """The device that has this name, or None."""
        row = self.one("device_with_name", kind=name.kind, value=name.value)
        return None if row is None else int(row["device"])

    def job(self, id_: str) -> Job:
        """The job; raises ``Unknown``."""
        row = self.one("get_job", id=id_)
        if row is None:
            raise Unknown("job", id_)
        return Job(row)

    def move_job(
        self,
        job: Job,
        event: JobEvent,
        *,
        failures: Iterable[Failure] = (),
        due_at: datetime | None = None,
        **facts: Any,
    ) -> Job:
        """Advance a job by its table and write the event; raises ``TransitionRefused``.

        ``facts`` go into the event. The job's lease ends here; a holder that goes on takes it again.
        """
        state = lifecycle.advance(lifecycle.JOB, job.state, event)
        found = tuple(failures)
        due = None if due_at is None else to_text(due_at)
        change: Row = {"state": state.value, "failures": failures_to_text(found), "due_at": due}
        self.run("move_job", id=job.id, now=self.now_text, **change)
        left_behind: Row = {"owner": None, "lease_until": None, "updated_at": self.now_text}
        # What the row is now is known: reading it back would be one more answer to wait for.
        moved = Job({**dict(job.row), **change, **left_behind})
        self.touched.add("jobs")
        self.tell(moved, f"job.{state}", previous=job.state.value, because=event.value, **facts)
        return moved

    def tell(self, job: Job, type_: str, **facts: Any) -> None:
        """Write an event and its deliveries; they become visible when the transaction commits."""
        self._write_event(
            type_,
            job.service,
            job.id,
            {
                "job": job.id,
                "service": job.service,
                "account": job.body.account,
                "location": job.body.location,
                "visit": job.visit,
                "state": job.state.value,
                "technician": job.body.technician,
                "failures": [failure.describe() for failure in job.failures],
                **facts,
            },
        )

    def tell_of_device(self, device: Row, type_: str, **facts: Any) -> None:
        """Write an event that is about a device, in the order of its service or, where it has none, of its own."""
        names = self.all("names_of_device", device=device["id"])
        data = {
            "device": device["id"],
            "names": [{"kind": name["kind"], "value": name["value"]} for name in names],
            "service": device["service"],
            **facts,
        }
        self._write_event(type_, device["service"] or f"{DEVICE_LINE}{device['id']}", "", data)

    def tell_of_service(self, service: str, type_: str, **facts: Any) -> None:
        """Write an event that is about a service and belongs to no job."""
        self._write_event(type_, service, "", {"service": service, **facts})

    def _write_event(self, type_: str, line: str, job: str, data: dict[str, Any]) -> None:
        """``line`` is what the event is ordered by: a service, or a device that has none."""
        self.run(
            "add_event",
            event_id=self.new_id(),
            type=type_,
            service=line,
            job=job,
            data=_event_text(data),
            now=self.now_text,
        )
        deliveries = [{"endpoint": endpoint, "service": line, "now": self.now_text} for endpoint in self.routes(type_)]
        if deliveries:
            self.queries.add_deliveries(self.connection, deliveries)
            self.touched.add("deliveries")
        self.touched.add("events")


EVENT_BYTES = 16_000
"""How long an event's data may be: its envelope must stay under the 20 kB of Standard Webhooks."""

_TEXT_CHARACTERS, _LIST_ITEMS = 300, 10


def _event_text(data: dict[str, Any]) -> str:
    """The data as JSON; what is too long to be sent is shortened, and says so."""
    text = orjson.dumps(data)
    return (text if len(text) <= EVENT_BYTES else orjson.dumps(_shortened(data))).decode()


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _TEXT_CHARACTERS:
            return f"{value[:_TEXT_CHARACTERS]}… ({len(value)} characters)"
        case list() if len(value) > _LIST_ITEMS:
            return [*map(_shortened, value[:_LIST_ITEMS]), f"… ({len(value)} items)"]
        case list():
            return [_shortened(each) for each in value]
        case dict():
            return {name: _shortened(each) for name, each in value.items()}
    return value
