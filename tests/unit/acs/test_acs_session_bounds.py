"""What an ACS session does where a CPE or the core goes out of turn, and that it goes on for no one without end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from tests.unit.acs.envelopes import inform
from tests.unit.acs.test_acs_session import MODELS, SSID, VALUES, Talk, verifying, work
from ztpd.acs import procedures, session, soap
from ztpd.acs.messages import (
    Acknowledged,
    Empty,
    Envelope,
    Fault,
    FromCpe,
    GetParameterValuesResponse,
    GetRPCMethods,
    Notice,
    Unknown,
)
from ztpd.acs.procedures import Context, Procedure
from ztpd.acs.procedures.protocol import outcome_of_fault
from ztpd.acs.requests import ChangeDUState, DuOperation, GetParameterValues
from ztpd.acs.session import (
    MAX_OWN_REQUESTS,
    MAX_REPEATED_QUESTIONS,
    MAX_REQUESTS,
    Consult,
    End,
    Record,
    Recorded,
    Refuse,
    Respond,
    State,
    Tell,
    Told,
    WorkGiven,
)
from ztpd.domain.cpe import Cause, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Read, Reboot


class Doing(Protocol):
    """Begins a session whose work is done by a procedure of the test's own."""

    def __call__(self, procedure: Callable[[Read, Context], Procedure], body: bytes | None = None) -> Talk: ...


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Doing:
    def begin(procedure: Callable[[Read, Context], Procedure], body: bytes | None = None) -> Talk:
        monkeypatch.setattr(procedures, "PROCEDURES", {Read: procedure})
        talk = Talk({}, body)
        talk.work = CpeWork(1, Cause.ASKED, "1", Read(paths=("Device.",)))
        talk.session = replace(talk.session, work=talk.work)
        talk.say(Empty())
        return talk

    return begin


class TestOutOfTurn:
    def test_a_fault_that_answers_nothing_ends_the_session_without_an_outcome(self) -> None:
        talk = Talk(VALUES)
        assert isinstance(talk.say(Fault(9000, "Method not supported")), Refuse)
        assert talk.session.state is State.ENDED

    @pytest.mark.parametrize("before", [0, 1], ids=["listening", "working"])
    def test_a_notice_that_could_not_be_kept_is_not_acknowledged_to_what_comes_next(self, before: int) -> None:
        talk = Talk({"wifi.2ghz.ssid": "Home"})
        for _ in range(before):
            talk.say(Empty())
        assert isinstance(talk.feed(Envelope(Notice("TransferComplete"))), Tell)  # and the core fails
        assert b"SetParameterValues" in talk_sent(talk, Empty())

    def test_another_notice_is_told_and_acknowledged_as_itself(self) -> None:
        talk = Talk()
        talk.feed(Envelope(Notice("TransferComplete")))
        other = Notice("RequestDownload")
        assert talk.feed(Envelope(other)) == Tell(other)
        talk.feed(Told())
        assert b"RequestDownloadResponse" in talk.sent()

    def test_an_inform_while_an_outcome_is_owed_starts_anew_with_the_work(self) -> None:
        talk = Talk({})
        assert isinstance(talk.say(Empty()), Record)
        assert isinstance(talk.feed(soap.decode(inform())), Consult)
        talk.feed(WorkGiven(work(VALUES)))
        assert b"SetParameterValues" in talk_sent(talk, Empty())

    @pytest.mark.parametrize("message", [Notice("TransferComplete"), GetRPCMethods(), Unknown("X_Hello")])
    def test_a_request_while_an_outcome_is_owed_ends_the_session_once_that_is_kept(self, message: FromCpe) -> None:
        talk = Talk({})
        first = talk.say(Empty())
        assert talk.feed(Envelope(message)) == first
        assert isinstance(talk.feed(Recorded(work(VALUES))), Refuse)

    @pytest.mark.parametrize("working", [True, False])
    def test_a_response_of_no_known_name_is_not_answered_as_if_it_were_a_request(self, working: bool) -> None:
        talk = Talk({"wifi.2ghz.ssid": "Home"})
        if working:
            talk.say(Empty())
            first = talk.sent()
            assert talk_sent(talk, Unknown("SetParamValuesResponse")) == first
        else:
            assert isinstance(talk.say(Unknown("SetParamValuesResponse")), Refuse)

    def test_an_answer_that_shows_the_id_of_an_older_request_is_no_answer_to_the_newer(self, doing: Doing) -> None:
        def twice(task: Read, context: Context) -> Procedure:
            first = yield GetParameterValues(("Device.A",))
            second = yield GetParameterValues(("Device.B",))
            assert isinstance(first, GetParameterValuesResponse)
            assert isinstance(second, GetParameterValuesResponse)
            return CpeOutcome(ok=True, applied={**first.parameters, **second.parameters})

        talk = doing(twice)
        first = Envelope(GetParameterValuesResponse({"Device.A": "1"}), id=soap.decode(talk.sent()).id)
        talk.feed(first)
        second = talk.sent()
        talk.feed(first)  # the CPE repeats itself: its connection broke before it had our answer
        assert talk.sent() == second
        talk.feed(Envelope(GetParameterValuesResponse({"Device.B": "2"}), id=soap.decode(second).id))
        assert talk.outcome().applied == {"Device.A": "1", "Device.B": "2"}

    def test_an_id_of_the_cpes_own_making_is_let_pass(self) -> None:
        talk = verifying({"wifi.2ghz.ssid": "Home"})
        talk.feed(Envelope(GetParameterValuesResponse({SSID: "Home"}), id="4711"))
        assert talk.outcome().ok


def talk_sent(talk: Talk, message: FromCpe) -> bytes:
    """What comes back on the wire."""
    talk.feed(Envelope(message))
    return talk.sent()


class TestVersions:
    def test_a_cpe_that_offers_versions_is_told_the_newest_of_them(self) -> None:
        offered = "<cwmp:SupportedCWMPVersions>1.0, 1.2,1.3,9.9</cwmp:SupportedCWMPVersions></soap:Header>"
        talk = Talk(body=inform().replace(b"</soap:Header>", offered.encode()))
        assert b'<cwmp:UseCWMPVersion soap:mustUnderstand="1">1.3</cwmp:UseCWMPVersion>' in talk.sent()

    def test_a_cpe_that_offers_none_is_told_none(self) -> None:
        assert b"UseCWMPVersion" not in Talk().sent()

    @pytest.mark.parametrize(("minor", "sent"), [(0, False), (1, False), (2, True), (3, True), (4, True)])
    def test_a_method_newer_than_the_cpe_is_refused_in_its_place(self, doing: Doing, minor: int, sent: bool) -> None:
        def change(task: Read, context: Context) -> Procedure:
            answer = yield ChangeDUState((DuOperation("Install", "http://x"),))
            assert isinstance(answer, Fault)
            return outcome_of_fault(answer)

        talk = doing(change, inform(namespace=soap.NAMESPACES[minor]))
        if sent:
            assert b"ChangeDUState" in talk.sent()
            return
        assert talk.fault().code == 9000
        assert (
            talk.fault().message == f"not sent: ChangeDUState is not in {soap.NAMESPACES[minor]}, which the CPE speaks"
        )


class TestBounds:
    def test_a_procedure_that_never_ends_is_ended_with_a_fault(self, doing: Doing) -> None:
        def endless(task: Read, context: Context) -> Procedure:
            while True:
                yield GetParameterValues(("Device.",))

        talk = doing(endless)
        for _ in range(MAX_REQUESTS - 1):
            assert isinstance(talk.say(GetParameterValuesResponse({})), Respond)
        talk.say(GetParameterValuesResponse({}))
        assert (talk.fault().kind, talk.fault().message) == (
            FaultKind.PROTOCOL,
            f"more than {MAX_REQUESTS} requests in one session",
        )
        assert talk.feed(Recorded(CpeWork(1, Cause.ASKED, "2", Reboot()))) == End()  # which the next session does

    def test_a_procedure_that_asks_for_ever_what_the_cpe_has_not_is_ended_too(self, doing: Doing) -> None:
        def stubborn(task: Read, context: Context) -> Procedure:
            while True:
                yield ChangeDUState((DuOperation("Install", "http://x"),))

        assert doing(stubborn).fault().kind is FaultKind.PROTOCOL

    def test_a_task_that_nothing_does_is_the_works_fault_and_not_the_sessions(self) -> None:
        talk = Talk({})
        nobodys = CpeWork(1, Cause.ASKED, "1", Reboot())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(procedures, "PROCEDURES", {})
            talk.session = replace(talk.session, work=nobodys)
            talk.say(Empty())
        assert isinstance(talk.action, Record)
        assert talk.action.outcome.fault is not None
        assert talk.action.outcome.fault.kind is FaultKind.PROTOCOL

    @pytest.mark.parametrize("kind", [LookupError, AssertionError, TypeError, ArithmeticError, RecursionError])
    def test_a_procedure_that_breaks_is_the_works_fault(self, doing: Doing, kind: type[Exception]) -> None:
        def broken(task: Read, context: Context) -> Procedure:
            yield GetParameterValues(("Device.",))
            raise kind(task)

        talk = doing(broken)
        talk.say(GetParameterValuesResponse({}))
        assert talk.fault().message == f"unforeseen {kind.__name__} in a procedure"

    def test_a_session_that_is_parted_from_while_it_reports_takes_no_more(self) -> None:
        talk = Talk({})
        talk.say(Empty())
        assert talk.feed(Recorded()) == End()
        assert talk.session.state is State.ENDED

    @pytest.mark.parametrize("message", [Notice("TransferComplete"), GetRPCMethods(), Unknown("X_Hello")])
    @pytest.mark.parametrize("working", [True, False])
    def test_a_cpe_that_asks_without_end_is_parted_from(self, message: FromCpe, working: bool) -> None:
        talk = Talk(VALUES)
        if working:
            talk.say(Empty())
        for _ in range(MAX_OWN_REQUESTS):
            assert isinstance(talk.say(message), Respond)
        talk.say(message)
        if working:
            assert talk.fault().kind is FaultKind.PROTOCOL
            talk.feed(Recorded())
        assert isinstance(talk.action, Refuse)
        assert "one request too many" in talk.action.reason

    def test_a_core_that_never_keeps_an_outcome_is_not_asked_without_end(self) -> None:
        talk = Talk({})
        first = talk.say(Empty())
        for _ in range(MAX_REPEATED_QUESTIONS):
            assert talk.say(Empty()) == first
        assert isinstance(talk.say(Empty()), Refuse)
        assert talk.session.state is State.ENDED

    def test_a_session_does_so_many_tasks_and_leaves_the_rest_to_the_next(self) -> None:
        talk = Talk({})
        talk.say(Empty())
        for number in range(session.MAX_WORKS - 1):
            talk.feed(Recorded(CpeWork(1, Cause.ASKED, str(number), Reboot())))
            talk.say(Acknowledged("Reboot"))
            assert isinstance(talk.action, Record)
        assert talk.feed(Recorded(CpeWork(1, Cause.ASKED, "one more", Reboot()))) == End()


@pytest.mark.parametrize(
    ("said", "answered"),
    [("http://x/next", b"<NextURL>http://x/next</NextURL>"), ("javascript:alert(1)", b"<NextURL></NextURL>")],
)
def test_a_kicked_is_answered_with_the_page_it_names_and_with_nothing_else(said: str, answered: bytes) -> None:
    talk = Talk()
    talk.say(Notice("Kicked", facts={"Next": said}))
    assert answered in talk.sent()


def test_no_session_remembers_a_namespace_it_was_not_shown() -> None:
    opened, action = session.step(session.Session(MODELS), Envelope(GetRPCMethods()))
    assert (opened.namespace, type(action)) == (None, Refuse)
