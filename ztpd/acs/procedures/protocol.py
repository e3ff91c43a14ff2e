"""What every procedure is given and what it is."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from ztpd.acs import fault_words
from ztpd.acs.datamodel import Model
from ztpd.acs.messages import Answer, DeviceId, Fault
from ztpd.acs.requests import NOT_SENT, Request
from ztpd.domain.cpe import CpeFault, CpeOutcome, FaultKind

Procedure = Generator[Request, Answer, CpeOutcome]
"""Yields requests, is sent their answers, returns the outcome."""


@dataclass(frozen=True, slots=True)
class Context:
    """The CPE that a procedure speaks to: who it is, what its Inform showed, the data models, the work's key.

    ``instances`` are the instance numbers that were found on this model before; None when none were.
    """

    device: DeviceId
    parameters: Mapping[str, str] = field(repr=False)
    models: tuple[Model, ...] = field(repr=False)
    key: str
    instances: Mapping[str, int] | None = None


def outcome_of_fault(fault: Fault) -> CpeOutcome:
    """The outcome of a fault that names no parameter of ours."""
    ours = fault.message.startswith(NOT_SENT)
    message = fault.message if ours else fault_words.told(fault.code, fault.message)
    return CpeOutcome(ok=False, fault=CpeFault(fault.code or None, message))


def out_of_place(what: str) -> CpeOutcome:
    """The outcome of an answer that has not what it must have."""
    return CpeOutcome(ok=False, fault=CpeFault(None, what, kind=FaultKind.PROTOCOL))
