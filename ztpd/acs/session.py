"""One CWMP session as a table of states: what the CPE or the core says goes in, what to do next comes out.

Pure: no I/O, no clock. The flow (TR-069 Amendment 6, §3.7): Inform; the core is asked; InformResponse; the CPE's
empty POST; SetParameterValues once; GetParameterValues once for what can be read back; the outcome is recorded; end.
Nothing but ``TABLE`` decides what may follow what.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ztpd.acs import soap, verification
from ztpd.acs.contract import CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.acs.datamodel import IntentError, Model, Setting, settings_for
from ztpd.acs.errors import SoapError
from ztpd.acs.messages import (
    Empty,
    Envelope,
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    InformResponse,
    Notice,
    NoticeResponse,
    SetParameterValues,
    SetParameterValuesResponse,
    ToCpe,
    Unknown,
)

MAX_RESENDS = 2
METHOD_NOT_SUPPORTED = 8000
_PARAMETER_KEY_LENGTH = 32  # ParameterKey is string(32), A.3.2.1


class State(enum.Enum):
    """Where a session stands."""

    NEW = "new"
    CONSULTING = "consulting"  # the core is asked what the CPE must become
    LISTENING = "listening"  # the Inform is answered; the CPE may ask, or pass the word by an empty POST
    SETTING = "setting"  # SetParameterValues is out
    VERIFYING = "verifying"  # GetParameterValues is out
    REPORTING = "reporting"  # the core is told the outcome
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WorkGiven:
    """The core's answer to ``Consult``; None when there is nothing to do."""

    work: CpeWork | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The core has committed what ``Record`` told it."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The CPE sent a body that is no CWMP message."""

    error: SoapError


Input = Envelope | WorkGiven | Recorded | Unreadable


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the core what this CPE must become, and feed ``WorkGiven``."""

    inform: Inform


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer the CPE's POST with this body and await its next."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Tell the core what became of its work, and feed ``Recorded`` once that is committed."""

    work: CpeWork
    outcome: CpeOutcome


@dataclass(frozen=True, slots=True)
class End:
    """Answer with nothing: the session is over and all is well with it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer that the POST cannot be taken, and why: the session is over, the CPE will start another."""

    reason: str


Reply = Respond | End | Refuse
Action = Consult | Record | Reply


@dataclass(frozen=True, slots=True)
class Session:
    """One session's memory; ``outstanding`` is the request the CPE owes an answer to, as it was sent."""

    models: tuple[Model, ...] = field(repr=False)
    state: State = State.NEW
    namespace: str = soap.DEFAULT_NAMESPACE
    message_id: str | None = None
    inform: Inform | None = field(default=None, repr=False)
    work: CpeWork | None = None
    settings: tuple[Setting, ...] = ()
    status: int = 0
    outstanding: bytes = field(default=b"", repr=False)
    resends: int = 0
    farewell: End | Refuse = End()


Step = tuple[Session, Action]


def step(session: Session, heard: Input) -> Step:
    """What a session becomes and what to do, after one input; never raises for what a CPE sends."""
    if isinstance(heard, Envelope):
        message: object = heard.message
        namespace = heard.namespace or session.namespace
        session = replace(session, namespace=namespace, message_id=heard.id)
    else:
        message = heard
    return TABLE.get((session.state, type(message)), _out_of_turn)(session, message)


def _inform(session: Session, inform: Inform) -> Step:
    """A CPE that informs starts anew, whatever went before: it rebooted, or lost our answer."""
    opened = Session(session.models, State.CONSULTING, session.namespace, session.message_id, inform)
    return opened, Consult(inform)


def _work_given(session: Session, given: WorkGiven) -> Step:
    listening = replace(session, state=State.LISTENING, work=given.work)
    return _answer(listening, InformResponse())


def _begin_work(session: Session, _: Empty) -> Step:
    if session.work is None or session.inform is None:
        return _end(session, End())
    try:
        settings = settings_for(session.models, session.inform.device, session.inform.parameters, session.work.values)
    except IntentError as error:
        return _report(session, verification.unsuited(error))
    if not settings:
        return _report(session, CpeOutcome(ok=True))
    values = tuple(setting.as_parameter() for setting in settings)
    key = session.work.job[:_PARAMETER_KEY_LENGTH]
    setting_ = replace(session, state=State.SETTING, settings=settings)
    return _request(setting_, SetParameterValues(values, key), "1")


def _verify(session: Session, response: SetParameterValuesResponse) -> Step:
    session = replace(session, status=response.status)
    paths = verification.readable_paths(session.settings)
    if not paths:
        return _report(session, verification.outcome(session.settings, {}, session.status))
    return _request(replace(session, state=State.VERIFYING), GetParameterValues(paths), "2")


def _compare(session: Session, response: GetParameterValuesResponse) -> Step:
    return _report(session, verification.outcome(session.settings, response.parameters, session.status))


def _failed(session: Session, fault: Fault) -> Step:
    return _report(session, verification.refused(session.settings, fault))


def _resend(session: Session, message: object) -> Step:
    """The CPE repeats itself: our request was lost with its connection, so send it again, but not for ever."""
    if session.resends >= MAX_RESENDS:
        return _out_of_turn(session, message)
    return replace(session, resends=session.resends + 1), Respond(session.outstanding)


def _acknowledge(session: Session, notice: Notice) -> Step:
    return _answer(session, NoticeResponse(notice.method))


def _list_methods(session: Session, _: GetRPCMethods) -> Step:
    return _answer(session, GetRPCMethodsResponse(soap.ACS_METHODS))


def _not_supported(session: Session, unknown: Unknown) -> Step:
    return _answer(session, Fault(METHOD_NOT_SUPPORTED, f"Method not supported: {unknown.name}"))


def _unreadable(session: Session, heard: Unreadable) -> Step:
    return _break_off(session, str(heard.error))


def _out_of_turn(session: Session, message: object) -> Step:
    name = type(message).__name__
    if session.state in (State.NEW, State.ENDED):
        return _end(session, Refuse(f"{name} outside a session: start one with an Inform"))
    return _break_off(session, f"{name} is out of turn while {session.state.value}")


def _recorded(session: Session, _: Recorded) -> Step:
    return _end(session, session.farewell)


def _break_off(session: Session, reason: str) -> Step:
    """The CPE does not speak CWMP: refuse; work that was begun has failed, for it would fail so every time."""
    if session.state not in (State.SETTING, State.VERIFYING):
        return _end(session, Refuse(reason))
    fault = CpeFault(None, reason, kind=FaultKind.PROTOCOL)
    return _report(replace(session, farewell=Refuse(reason)), CpeOutcome(ok=False, fault=fault))


def _report(session: Session, outcome: CpeOutcome) -> Step:
    if session.work is None:
        return _end(session, session.farewell)
    return replace(session, state=State.REPORTING), Record(session.work, outcome)


def _answer(session: Session, message: ToCpe) -> Step:
    return session, Respond(soap.encode(message, session.namespace, session.message_id))


def _request(session: Session, message: ToCpe, message_id: str) -> Step:
    body = soap.encode(message, session.namespace, message_id)
    return replace(session, outstanding=body, resends=0), Respond(body)


def _end(session: Session, farewell: End | Refuse) -> Step:
    return replace(session, state=State.ENDED, work=None, settings=(), outstanding=b""), farewell


_TALKING = (State.LISTENING, State.SETTING, State.VERIFYING)

TABLE: dict[tuple[State, type], Callable[[Session, Any], Step]] = {
    **{(state, Inform): _inform for state in State},
    (State.CONSULTING, WorkGiven): _work_given,
    (State.LISTENING, Empty): _begin_work,
    (State.SETTING, SetParameterValuesResponse): _verify,
    (State.SETTING, Fault): _failed,
    (State.SETTING, Empty): _resend,
    (State.VERIFYING, GetParameterValuesResponse): _compare,
    (State.VERIFYING, Fault): _failed,
    (State.VERIFYING, SetParameterValuesResponse): _resend,
    (State.REPORTING, Recorded): _recorded,
    **{(state, Notice): _acknowledge for state in _TALKING},
    **{(state, GetRPCMethods): _list_methods for state in _TALKING},
    **{(state, Unknown): _not_supported for state in _TALKING},
    **{(state, Unreadable): _unreadable for state in State},
}
