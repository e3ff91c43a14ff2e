"""One CWMP session as a table of states: what the CPE or the core says goes in, what to do next comes out.

No I/O, no clock. The flow (TR-069 Amendment 6, §3.7): Inform; the core is asked; InformResponse; the CPE's empty POST;
then the requests of one task after another (``ztpd.acs.procedures``), each outcome recorded before the next begins;
end. Nothing but ``TABLE`` decides what may follow what.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from ztpd.acs import procedures, soap, soap_writing
from ztpd.acs.datamodel import Model
from ztpd.acs.errors import SoapError
from ztpd.acs.messages import (
    Acknowledged,
    AddObjectResponse,
    DeleteObjectResponse,
    DeviceId,
    Empty,
    Envelope,
    Fault,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    Notice,
    SetParameterValuesResponse,
    TransferResponse,
    Unknown,
)
from ztpd.acs.procedures import Context, Procedure
from ztpd.acs.requests import InformResponse, Request, ToCpe, acknowledgement, answers, unknown_to
from ztpd.domain.cpe import CpeFacts, CpeFault, CpeOutcome, CpeWork, FaultKind

MAX_RESENDS = 2
MAX_WORKS = 32
"""How many tasks one session does; what is left is for the next."""
MAX_REQUESTS = 2048
"""How many requests one session makes of a CPE."""
MAX_OWN_REQUESTS = 64
"""How many requests a CPE makes of the ACS in one session, beside its Inform."""
MAX_REPEATED_QUESTIONS = 16
"""How often the core is asked again, POST after POST, before the CPE has to start another session."""
METHOD_NOT_SUPPORTED = 8000

_ID = "ztpd-"  # of our requests, with their number: a CPE that repeats an old answer shows it


class State(enum.Enum):
    """Where a session stands."""

    NEW = "new"
    CONSULTING = "consulting"  # the core is asked what the CPE must do
    LISTENING = "listening"  # the CPE may ask, or pass the word by an empty POST
    TELLING = "telling"  # the core is told what the CPE said of itself
    WORKING = "working"  # a request is out
    REPORTING = "reporting"  # the core is told the outcome
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WorkGiven:
    """The core's answer to ``Consult``; None when there is nothing to do."""

    work: CpeWork | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The core has committed what ``Record`` told it, and says what is next."""

    work: CpeWork | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The core has committed what ``Tell`` told it."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The CPE sent a body that is no CWMP message."""

    error: SoapError


Input = Envelope | WorkGiven | Recorded | Told | Unreadable


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the core what this CPE must do, and feed ``WorkGiven``."""

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
class Tell:
    """Tell the core what the CPE said of itself, and feed ``Told`` once that is committed."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class End:
    """Answer with nothing: the session is over and all is well with it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer that the POST cannot be taken, and why: the session is over, the CPE will start another."""

    reason: str


Question = Consult | Record | Tell
"""What the core is asked; when it cannot answer, the session stays where it is and the CPE's next POST asks again."""

Reply = Respond | End | Refuse
Action = Question | Reply


@dataclass(frozen=True, slots=True)
class Session:
    """One session's memory; ``outstanding`` is the request the CPE owes an answer to, ``sent`` as it was sent.

    ``namespace``, ``message_id`` and ``versions`` are of what the CPE sent last, the first kept when that has none.
    ``before_telling`` is where the session goes on once the core has been told; ``question`` is what it has not
    answered yet. ``resumed`` says that the CPE may answer requests that an earlier run of the daemon sent.
    ``works``, ``requests`` and ``own_requests`` count what was begun, what the CPE was asked and what it asked.
    """

    models: tuple[Model, ...] = field(repr=False)
    state: State = State.NEW
    namespace: str | None = None
    message_id: str | None = None
    versions: tuple[str, ...] = ()
    device: DeviceId | None = None
    parameters: dict[str, str] = field(default_factory=dict, repr=False)
    work: CpeWork | None = None
    works: int = 0
    requests: int = 0
    own_requests: int = 0
    procedure: Procedure | None = field(default=None, repr=False)
    outstanding: Request | None = None
    sent: bytes = field(default=b"", repr=False)
    resends: int = 0
    question: Question | None = None
    before_telling: State = State.LISTENING
    resumed: bool = False
    farewell: End | Refuse = End()


Step = tuple[Session, Action]

_NAMES = tuple(field.name for field in fields(Session))
_values = attrgetter(*_NAMES)


def replace(session: Session, **changes: Any) -> Session:
    """As the one of ``dataclasses``, at half its cost: every step of every session makes one."""
    return Session(**{**dict(zip(_NAMES, _values(session), strict=True)), **changes})


def step(session: Session, heard: Input) -> Step:
    """What a session becomes and what to do, after one input; never raises for what a CPE sends."""
    if isinstance(heard, Envelope):
        message: object = heard.message
        namespace = heard.namespace or session.namespace
        session = replace(session, namespace=namespace, message_id=heard.id, versions=heard.versions)
    else:
        message = heard
    return _turn(session, message)


def _turn(session: Session, message: object) -> Step:
    return TABLE.get((session.state, type(message)), _out_of_turn)(session, message)


def resumed(models: tuple[Model, ...], facts: CpeFacts, work: CpeWork | None) -> Session:
    """A session whose beginning nobody remembers: whatever the CPE answers to, its work begins anew."""
    device = DeviceId(facts.manufacturer, facts.oui, facts.product_class, facts.serial)
    shown = {
        f"{facts.root}DeviceInfo.SoftwareVersion": facts.software_version,
        f"{facts.root}ManagementServer.ParameterKey": facts.parameter_key,
    }
    return Session(models, State.LISTENING, device=device, parameters=shown, work=work, resumed=True)


def _inform(session: Session, inform: Inform) -> Step:
    """A CPE that informs starts anew, whatever went before: it rebooted, or lost our answer."""
    told = (session.namespace, session.message_id, session.versions, inform.device, dict(inform.parameters))
    return Session(session.models, State.CONSULTING, *told), Consult(inform)


def _work_given(session: Session, given: WorkGiven) -> Step:
    version = session.versions[-1] if session.versions else None
    return _answer(replace(session, state=State.LISTENING, work=given.work), InformResponse(version))


def _begin_work(session: Session, _: object) -> Step:
    spent = session.works >= MAX_WORKS or session.requests >= MAX_REQUESTS  # what is left is for the next session
    if session.work is None or session.device is None or spent:
        return _end(session, End())
    begun = replace(session, works=session.works + 1)
    context = Context(session.device, session.parameters, session.models, session.work.key, session.work.instances)
    try:
        procedure = procedures.begin(session.work, context)
    except Exception as error:  # such as a task of a kind that nothing does
        return _give_up(begun, f"unforeseen {type(error).__name__} at the start of a procedure")
    return _go_on(replace(begun, procedure=procedure), None)


def _go_on(session: Session, answer: Any) -> Step:
    """Send the procedure an answer (None begins it); its next request goes out, or its outcome is recorded."""
    assert session.procedure is not None
    while session.requests < MAX_REQUESTS:
        number = session.requests + 1
        try:
            request = session.procedure.send(answer)
            answer = unknown_to(session.namespace, request)
            body = soap_writing.encode(request, session.namespace or soap.DEFAULT_NAMESPACE, f"{_ID}{number}")
        except StopIteration as end:
            return _report(session, end.value)
        except Exception as error:  # a device that a procedure has not foreseen harms only its own work
            return _give_up(session, f"unforeseen {type(error).__name__} in a procedure")
        session = replace(session, requests=number)
        if answer is None:
            return replace(session, state=State.WORKING, outstanding=request, sent=body, resends=0), Respond(body)
    return _give_up(session, f"more than {MAX_REQUESTS} requests in one session")


def _answered(session: Session, message: Any) -> Step:
    if _is_old(session):
        return _resend(session, message)
    if isinstance(message, Fault) or (session.outstanding is not None and answers(session.outstanding, message)):
        return _go_on(session, message)
    return _resend(session, message)


def _is_old(session: Session) -> bool:
    """Whether what was sent last answers a request before the one that is out; an ID of the CPE's own is none."""
    shown = session.message_id
    return shown is not None and shown.startswith(_ID) and shown != f"{_ID}{session.requests}"


def _passed(session: Session, answer: object) -> Step:
    """An answer to what nobody remembers to have asked: it passes the word, if only once."""
    if not session.resumed:
        return _out_of_turn(session, answer)
    return _begin_work(replace(session, resumed=False), answer)


def _resend(session: Session, message: object) -> Step:
    """The CPE repeats itself: our request was lost with its connection, so send it again, but not for ever."""
    if session.resends >= MAX_RESENDS:
        return _out_of_turn(session, message)
    return replace(session, resends=session.resends + 1), Respond(session.sent)


def _tell(session: Session, notice: Notice) -> Step:
    question = Tell(notice)
    told = replace(session, state=State.TELLING, before_telling=session.state, question=question)
    return _counted(told, question, notice)


def _told(session: Session, _: Told) -> Step:
    assert isinstance(session.question, Tell)
    told = replace(session, state=session.before_telling, question=None)
    return _answer(told, acknowledgement(session.question.notice))


def _not_told(session: Session, message: object) -> Step:
    """The core could not be told, so the CPE was not answered and owes its notice again: it is as if it never came."""
    return _turn(replace(session, state=session.before_telling, question=None), message)


def _list_methods(session: Session, asked: GetRPCMethods) -> Step:
    return _counted(*_answer(session, GetRPCMethodsResponse(soap.ACS_METHODS)), asked)


def _not_supported(session: Session, unknown: Unknown) -> Step:
    if unknown.name.endswith("Response"):  # no request, and no answer to ours
        return (_resend if session.state is State.WORKING else _out_of_turn)(session, unknown)
    return _counted(*_answer(session, Fault(METHOD_NOT_SUPPORTED, f"Method not supported: {unknown.name}")), unknown)


def _unreadable(session: Session, heard: Unreadable) -> Step:
    return _break_off(session, str(heard.error))


def _out_of_turn(session: Session, message: object) -> Step:
    name = type(message).__name__
    if session.state in (State.NEW, State.ENDED):
        return _end(session, Refuse(f"{name} outside a session: start one with an Inform"))
    return _break_off(session, f"{name} is out of turn while {session.state.value}")


def _counted(session: Session, action: Action, asked: object) -> Step:
    """Do what a CPE's own request asks for, unless it has asked too often."""
    if session.own_requests < MAX_OWN_REQUESTS:
        return replace(session, own_requests=session.own_requests + 1), action
    talking = session.before_telling if session.state is State.TELLING else session.state
    reason = f"{type(asked).__name__} is one request too many: {MAX_OWN_REQUESTS} are taken in one session"
    return _break_off(replace(session, state=talking), reason)


def _ask_again(session: Session, _: object) -> Step:
    """The core could not take it when it was asked; the CPE came again."""
    assert session.question is not None
    if session.resends >= MAX_REPEATED_QUESTIONS:
        return _end(session, Refuse("the ACS could not keep what came of it: start again with an Inform"))
    return replace(session, resends=session.resends + 1), session.question


def _ask_again_and_part(session: Session, message: object) -> Step:
    """The same, but the CPE came with a request, which will go without an answer."""
    reason = f"{type(message).__name__} is out of turn while {session.state.value}"
    return _ask_again(replace(session, farewell=Refuse(reason)), message)


def _recorded(session: Session, recorded: Recorded) -> Step:
    if recorded.work is None or isinstance(session.farewell, Refuse):
        return _end(session, session.farewell)
    return _begin_work(replace(session, work=recorded.work, question=None, outstanding=None, sent=b""), None)


def _break_off(session: Session, reason: str) -> Step:
    """The CPE does not speak CWMP: refuse; work that was begun has failed, for it would fail so every time."""
    if session.state is not State.WORKING:
        return _end(session, Refuse(reason))
    return _give_up(replace(session, farewell=Refuse(reason)), reason)


def _give_up(session: Session, reason: str) -> Step:
    return _report(session, CpeOutcome(ok=False, fault=CpeFault(None, reason, kind=FaultKind.PROTOCOL)))


def _report(session: Session, outcome: CpeOutcome) -> Step:
    assert session.work is not None
    question = Record(session.work, outcome)
    return replace(session, state=State.REPORTING, question=question, procedure=None, resends=0), question


def _answer(session: Session, message: ToCpe) -> Step:
    body = soap_writing.encode(message, session.namespace or soap.DEFAULT_NAMESPACE, session.message_id)
    return session, Respond(body)


def _end(session: Session, farewell: End | Refuse) -> Step:
    over = replace(session, state=State.ENDED, work=None, procedure=None, outstanding=None, sent=b"", question=None)
    return over, farewell


_TALKING = (State.LISTENING, State.WORKING)
_ANSWERS = (
    Acknowledged,
    AddObjectResponse,
    DeleteObjectResponse,
    Fault,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethodsResponse,
    SetParameterValuesResponse,
    TransferResponse,
)
_OWN_REQUESTS = (GetRPCMethods, Notice, Unknown)

TABLE: dict[tuple[State, type], Callable[[Session, Any], Step]] = {
    **{(State.REPORTING, kind): _ask_again for kind in (*_ANSWERS, Empty)},
    **{(State.REPORTING, kind): _ask_again_and_part for kind in _OWN_REQUESTS},
    **{(State.TELLING, kind): _not_told for kind in (*_ANSWERS, Empty, *_OWN_REQUESTS)},
    **{(state, Inform): _inform for state in State},
    (State.CONSULTING, WorkGiven): _work_given,
    (State.LISTENING, Empty): _begin_work,
    **{(State.LISTENING, kind): _passed for kind in _ANSWERS},
    **{(State.WORKING, kind): _answered for kind in _ANSWERS},
    (State.WORKING, Empty): _resend,
    (State.TELLING, Told): _told,
    (State.REPORTING, Recorded): _recorded,
    **{(state, Notice): _tell for state in _TALKING},
    **{(state, GetRPCMethods): _list_methods for state in _TALKING},
    **{(state, Unknown): _not_supported for state in _TALKING},
    **{(state, Unreadable): _unreadable for state in State},
}
