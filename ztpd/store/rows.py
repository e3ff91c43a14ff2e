"""Rows of the database as values of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from pydantic import TypeAdapter

from ztpd.domain.cpe import CpeFacts
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import DeviceState, JobState, ServiceState
from ztpd.domain.model import JobBody, LocationBody
from ztpd.domain.sighting import Sighting
from ztpd.store.times import from_text, optional_moment

SIGHTING: TypeAdapter[Sighting] = TypeAdapter(Sighting)

KEPT_FACTS = tuple(field.name for field in fields(CpeFacts) if field.name not in {"events", "parameters"})
"""What is kept of an Inform, each in a column of its name; the rest is of this one Inform alone."""


def facts_of_cpe(row: Mapping[str, Any]) -> CpeFacts:
    """What was last told of a CPE, without what one Inform alone carried."""
    return CpeFacts(**{name: row[name] for name in KEPT_FACTS})


_JOB_STATES = {state.value: state for state in JobState}


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it is stored."""

    row: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The operator's id of the job."""
        return str(self.row["id"])

    @property
    def service(self) -> str:
        """The service it works on."""
        return str(self.row["service"])

    @property
    def state(self) -> JobState:
        """Where it stands."""
        return _JOB_STATES[self.row["state"]]

    @property
    def visit(self) -> int:
        """The number of the current visit, from 1."""
        return int(self.row["visit"])

    @property
    def attempt(self) -> int:
        """The number of attempts so far, over all visits."""
        return int(self.row["attempt"])

    @property
    def body(self) -> JobBody:
        """The order as it stands."""
        return _job_body(self.row["body"])

    @property
    def ordered(self) -> JobBody:
        """The order as it was last put; visits since may have changed ``body``."""
        return self.body if self.row["ordered"] is None else _job_body(self.row["ordered"])

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The legs that are missing, or why it failed."""
        return failures_from_text(self.row["failures"])

    @property
    def created_at(self) -> datetime:
        """When it was ordered."""
        return from_text(self.row["created_at"])

    @property
    def network_confirmed_at(self) -> datetime | None:
        """When the network leg was confirmed on the element, in this visit."""
        return optional_moment(self.row["network_confirmed_at"])

    @property
    def cpe_confirmed_at(self) -> datetime | None:
        """When the CPE had kept what it was told, in this visit."""
        return optional_moment(self.row["cpe_confirmed_at"])


@lru_cache(maxsize=4096)
def _job_body(text: str) -> JobBody:
    """Orders are immutable and each is read at every step of its job: parsing it once saves a third of a step."""
    return JobBody.model_validate_json(text)


def failures_to_text(failures: tuple[Failure, ...]) -> str:
    """Failures as JSON text: code and detail; the sentences are not stored, they belong to the code."""
    if not failures:
        return "[]"
    return orjson.dumps([[failure.code.value, failure.detail] for failure in failures]).decode()


def failures_from_text(text: str) -> tuple[Failure, ...]:
    """What ``failures_to_text`` wrote."""
    if text == "[]":
        return ()
    return tuple(Failure(Code(code), detail) for code, detail in orjson.loads(text))


def location_of(row: Mapping[str, Any]) -> LocationBody:
    """The location in a row."""
    return _location_body(row["body"])


@lru_cache(maxsize=4096)
def _location_body(text: str) -> LocationBody:
    """Immutable too, and looked up at every sighting and every attempt of a job there."""
    return LocationBody.model_validate_json(text)


def device_state_of(row: Mapping[str, Any]) -> DeviceState:
    """The state in a device's row."""
    return DeviceState(row["state"])


def service_state_of(row: Mapping[str, Any]) -> ServiceState:
    """The state in a service's row."""
    return ServiceState(row["state"])
