"""What is asked of the store: one thing, a page of things, the trace of a job. Nothing here writes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ztpd.domain.cpe import Doubt
from ztpd.domain.failures import Code, Failure
from ztpd.domain.identity import Kind
from ztpd.domain.model import JobBody
from ztpd.domain.nearness import Waiting, WaitingJobs
from ztpd.domain.planning import device_key
from ztpd.domain.sighting import Place
from ztpd.store.engine import Connection
from ztpd.store.reading_coexistence import shown_coexistence
from ztpd.store.reading_cpes import shown_cpe, shown_task
from ztpd.store.rows import Job, location_of

Row = Mapping[str, Any]
Shown = dict[str, Any]


@dataclass(slots=True)
class Reader:
    """Queries over one connection, each answering plain values that are ready to be shown."""

    connection: Connection
    queries: Any

    def one(self, statement: str, /, **parameters: Any) -> Row | None:
        """The only row of a statement, or None."""
        row: Row | None = getattr(self.queries, statement)(self.connection, **parameters)
        return row

    def all(self, statement: str, /, **parameters: Any) -> list[Row]:
        """Every row of a statement."""
        return list(getattr(self.queries, statement)(self.connection, **parameters))

    def location(self, id_: str) -> Shown | None:
        """One place, or None."""
        row = self.one("get_location", id=id_)
        return None if row is None else {"id": row["id"], **json.loads(row["body"])}

    def locations(
        self,
        after: str,
        limit: int,
        circuit_id: str | None = None,
        element: str | None = None,
        port: str | None = None,
    ) -> list[Shown]:
        """A page of places by id; ``circuit_id`` is hex of its raw bytes."""
        rows = self.all("list_locations", after=after, limit=limit, circuit_id=circuit_id, element=element, port=port)
        return [{"id": row["id"], **json.loads(row["body"])} for row in rows]

    def service(self, id_: str) -> Shown | None:
        """One service, or None."""
        row = self.one("get_service", id=id_)
        return None if row is None else dict(row)

    def whereabouts(self, service: str) -> tuple[str, str] | None:
        """The element that serves a service and the name by which it knows its device; None while it is not there."""
        row = self.one("standing_of_service", id=service)
        standing = None if row is None or row["standing"] is None else JobBody.model_validate_json(row["standing"])
        place = None if standing is None else self.one("get_location", id=standing.location)
        access = None if place is None else location_of(place).access
        if standing is None or access is None:
            return None
        return access.element, device_key(standing, access)

    def services(self, after: str, limit: int, state: str | None) -> list[Shown]:
        """A page of services by id."""
        return [dict(row) for row in self.all("list_services", after=after, limit=limit, state=state)]

    def job(self, id_: str) -> Shown | None:
        """One job with its network context: place, devices as heard, visits, last light levels; None if unknown."""
        row = self.one("get_job", id=id_)
        if row is None:
            return None
        job = Job(row)
        network = self.one("last_evidence", job=id_, kind="network")
        return {
            **_shown_job(job),
            "access": (self.location(job.body.location) or {}).get("access"),
            "heard_devices": [self._device(device) for device in self.all("devices_of_job", job=id_)],
            "levels": json.loads(network["body"])["levels"] if network is not None else None,
            "visits": [dict(visit) for visit in self.all("list_visits", job=id_)],
        }

    def jobs(self, after: str, limit: int, state: str | None, service: str | None) -> list[Shown]:
        """A page of jobs by id."""
        rows = self.all("list_jobs", after=after, limit=limit, state=state, service=service)
        return [_shown_job(Job(row)) for row in rows]

    def job_counts(self) -> dict[str, int]:
        """How many jobs stand in each state."""
        return {row["state"]: row["jobs"] for row in self.all("count_jobs")}

    def device(self, id_: int) -> Shown | None:
        """One device with every name it has, or None."""
        row = self.one("get_device", id=id_)
        return None if row is None else self._device(row)

    def devices(self, after: int, limit: int, state: str | None, tag: str | None = None) -> list[Shown]:
        """A page of devices by id."""
        if tag is not None:
            rows = self.all("devices_with_tag", tag=tag, after=after, limit=limit, state=state)
        else:
            rows = self.all("list_devices", after=after, limit=limit, state=state)
        return [self._device(row) for row in rows]

    def _device(self, row: Row) -> Shown:
        names = [dict(name) for name in self.all("names_of_device", device=row["id"])]
        waking, cpe = self.one("cpe_waking", device=row["id"]), self.one("get_cpe", device=row["id"])
        return {
            **dict(row),
            "names": names,
            "waking": None if waking is None else dict(waking),
            "identity": None if cpe is None else {name: cpe[name] for name in ("proof", "secret", "informed_at")},
            "cpe": None if cpe is None else shown_cpe(cpe, self.all),
            **shown_coexistence(row["id"], self.all, self.one),
        }

    def cpe_tasks(self, device: int, after: int, limit: int) -> list[Shown]:
        """A page of what a CPE was asked for, oldest first."""
        return [shown_task(row) for row in self.all("cpe_tasks", device=device, after=after, limit=limit)]

    def cpe_task(self, device: int, id_: int) -> Shown | None:
        """One task of a device, or None."""
        row = self.one("get_cpe_task", id=id_)
        return None if row is None or row["device"] != device else shown_task(row)

    def quarantine(self, after: int, limit: int, *, ignored: bool) -> list[Shown]:
        """A page of quarantined devices, each with its last sightings and the jobs it may belong to."""
        rows = self.all("list_quarantine", after=after, limit=limit, ignored=int(ignored))
        waiting = WaitingJobs(map(_waiting, self.all("waiting_jobs") if rows else []))
        return [self._quarantined(row, waiting) for row in rows]

    def _quarantined(self, row: Row, waiting: WaitingJobs) -> Shown:
        device = self._device(row)
        serial = next((name["value"] for name in device["names"] if name["kind"] == Kind.PON), None)
        place = None if row["element"] is None or row["port"] is None else Place(row["element"], row["port"])
        heard = self.all("last_sightings", device=row["id"], limit=_HEARD)
        return {
            **device,
            "why": _why_quarantined(row),
            "heard": [_shown_body(each) for each in heard],
            "nearest": [asdict(near) for near in waiting.near(serial, place)],
        }

    def quarantine_counts(self) -> dict[str, int]:
        """How many devices are in quarantine for each reason, without those that somebody silenced."""
        return {row["reason"]: row["devices"] for row in self.all("count_quarantine")}

    def audit(self, after: int, limit: int, subject: str | None) -> list[Shown]:
        """A page of what was done by hand, oldest first."""
        rows = self.all("list_audit", after=after, limit=limit, subject=subject)
        return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]

    def sightings(self, after: int, limit: int, device: int | None, *, unmatched: bool) -> list[Shown]:
        """A page of sightings by id; ``unmatched`` leaves only those that belong to no job."""
        rows = self.all("list_sightings", after=after, limit=limit, device=device, unmatched=int(unmatched))
        return [_shown_body(row) for row in rows]

    def events(self, after: int, limit: int) -> list[Row]:
        """The rows of the events behind a cursor, oldest first."""
        return self.all("events_after", after=after, limit=limit)

    def evidence(self, job: str) -> list[Shown]:
        """All evidence of a job, oldest first."""
        return [_shown_body(row) for row in self.all("evidence_of_job", job=job)]

    def deliveries(self, after: int, limit: int, endpoint: str | None, state: str | None) -> list[Shown]:
        """A page of deliveries by id, each with its attempts."""
        rows = self.all("list_deliveries", after=after, limit=limit, endpoint=endpoint, state=state)
        return [
            {**dict(row), "tries": [dict(each) for each in self.all("attempts_of_delivery", delivery=row["id"])]}
            for row in rows
        ]

    def decisions(self, element: str, after: int, limit: int, verdict: str | None) -> list[Shown]:
        """A page of what was decided for an element that another tool configures, with every verdict so far."""
        rows = self.all("list_decisions", element=element, after=after, verdict=verdict, limit=limit)
        return [
            {**_shown_decision(row), "verdicts": [_shown_verdict(v) for v in self._verdicts(row["id"])]} for row in rows
        ]

    def _verdicts(self, decision: int) -> list[Row]:
        return self.all("verdicts_of_decision", decision=decision)

    def decision_counts(self) -> list[Shown]:
        """How many jobs stand with each verdict, by element; of a job the last decision counts."""
        return [dict(row) for row in self.all("count_decisions")]

    def adopted(self) -> list[Shown]:
        """Every device that was taken over, with its element and service."""
        return [dict(row) for row in self.all("list_adopted")]

    def delivery_counts(self) -> list[Shown]:
        """How many deliveries stand in each state, by endpoint."""
        return [dict(row) for row in self.all("count_deliveries")]

    def disabled_endpoints(self) -> list[Shown]:
        """Endpoints that asked for no more, with the reason."""
        return [dict(row) for row in self.all("disabled_endpoints")]

    def trace(self, id_: str) -> list[Shown] | None:
        """Everything that happened to a job, in the order of time; None if there is no such job."""
        if self.one("get_job", id=id_) is None:
            return None
        entries = [
            *(_trace_of_event(row) for row in self.all("events_of_job", job=id_)),
            *(_trace_of_sighting(row) for row in self.all("sightings_of_job", job=id_)),
            *(_trace_of_attempt(row) for row in self.all("attempts_of_job", job=id_)),
        ]
        return sorted(entries, key=lambda entry: str(entry["at"]))


_HEARD = 5
"""How many sightings are shown of a quarantined device."""


def _why_quarantined(row: Row) -> str:
    """Why a device is held, in words for the operator."""
    if row["reason"] in set(Code):
        return Failure(Code(row["reason"])).operator
    if row["reason"] in set(Doubt):
        return Doubt(row["reason"]).words
    return "No open job or service expects this device."


def _waiting(row: Row) -> Waiting:
    place = None if row["element"] is None or row["port"] is None else Place(row["element"], row["port"])
    return Waiting(row["job"], row["serial"], place)


def _shown_job(job: Job) -> Shown:
    row = job.row
    return {
        "id": job.id,
        "state": job.state.value,
        "failures": [failure.describe() for failure in job.failures],
        "visit": job.visit,
        "attempt": job.attempt,
        **job.body.model_dump(mode="json"),
        "network_confirmed_at": row["network_confirmed_at"],
        "cpe_confirmed_at": row["cpe_confirmed_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def _shown_body(row: Row) -> Shown:
    return {**dict(row), "body": json.loads(row["body"])}


def _shown_decision(row: Row) -> Shown:
    return {**dict(row), **{name: json.loads(row[name]) for name in ("wanted", "changes", "differences", "unread")}}


def _shown_verdict(row: Row) -> Shown:
    return {**dict(row), **{name: json.loads(row[name]) for name in ("differences", "unread")}}


def _trace_of_event(row: Row) -> Shown:
    return {"at": row["at"], "kind": "event", "what": row["type"], "data": json.loads(row["data"])}


def _trace_of_sighting(row: Row) -> Shown:
    data = {**json.loads(row["body"]), "verdict": row["verdict"], "times": row["times"]}
    return {"at": row["heard_at"], "kind": "sighting", "what": f"heard by {row['source']}", "data": data}


def _trace_of_attempt(row: Row) -> Shown:
    what = f"{row['type']} to {row['endpoint']}: {row['verdict']}"
    return {"at": row["at"], "kind": "delivery", "what": what, "data": dict(row)}
