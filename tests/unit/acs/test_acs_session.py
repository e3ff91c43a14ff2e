"""What an ACS session does with each thing a CPE may say."""

from dataclasses import replace

import pytest

from tests.unit.acs.envelopes import inform
from ztpd.acs import soap
from ztpd.acs.errors import MalformedXml
from ztpd.acs.messages import (
    Acknowledged,
    Empty,
    Envelope,
    Fault,
    FromCpe,
    GetParameterValuesResponse,
    GetRPCMethods,
    Notice,
    SetParameterValuesFault,
    SetParameterValuesResponse,
    Unknown,
)
from ztpd.acs.models import shipped
from ztpd.acs.session import (
    MAX_RESENDS,
    Action,
    Consult,
    End,
    Input,
    Record,
    Recorded,
    Refuse,
    Respond,
    Session,
    State,
    Tell,
    Told,
    Unreadable,
    WorkGiven,
    resumed,
    step,
)
from ztpd.domain.cpe import MASK, Cause, CpeFacts, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Configure, Diagnose, Reboot
from ztpd.domain.diagnostics import CpeTest
from ztpd.domain.profile import Value

MODELS = shipped()
VLAN = "Device.Ethernet.VLANTermination.1.VLANID"
SSID = "Device.WiFi.SSID.1.SSID"
PASSWORD = "Device.PPP.Interface.1.Password"
STATUS = "Device.PPP.Interface.1.ConnectionStatus"
NUMBERS = {"wan_link": 1, "wan_vlan": 1, "ppp": 1, "radio_2ghz": 1, "ssid_2ghz": 1}
SECRET = "pppoe-sentinel"
VALUES: dict[str, Value] = {"wan.vlan": 100, "wan.pppoe.password": SECRET, "wifi.2ghz.ssid": "Home"}


def work(values: dict[str, Value], job: str = "JOB-1") -> CpeWork:
    return CpeWork(1, Cause.JOB, job, Configure(values=values), NUMBERS)


class Talk:
    """A session and the last thing it did."""

    def __init__(self, values: dict[str, Value] | None = None, body: bytes | None = None) -> None:
        self.work = work(values) if values is not None else None
        self.session = Session(MODELS)
        self.action: Action = End()
        self.feed(soap.decode(body or inform()))
        assert isinstance(self.action, Consult)
        self.feed(WorkGiven(self.work))

    def feed(self, heard: Input) -> Action:
        self.session, self.action = step(self.session, heard)
        return self.action

    def say(self, message: FromCpe) -> Action:
        """What comes back, once the core has heard what the CPE tells of itself."""
        self.feed(Envelope(message, id="5"))
        return self.feed(Told()) if isinstance(self.action, Tell) else self.action

    def sent(self) -> bytes:
        assert isinstance(self.action, Respond)
        return self.action.body

    def outcome(self) -> CpeOutcome:
        assert isinstance(self.action, Record)
        assert self.action.work is self.work
        return self.action.outcome

    def fault(self) -> CpeFault:
        fault = self.outcome().fault
        assert fault is not None
        return fault


def verifying(values: dict[str, Value]) -> Talk:
    talk = Talk(values)
    talk.say(Empty())
    talk.say(SetParameterValuesResponse())
    return talk


def test_a_cpe_without_work_is_answered_and_let_go() -> None:
    talk = Talk()
    assert b"InformResponse" in talk.sent()
    assert talk.say(Empty()) == End()
    assert talk.session.state is State.ENDED


def test_work_takes_one_set_and_one_get_and_ends_once_it_is_recorded() -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    assert b"SetParameterValues" in talk.sent()
    assert all(text in talk.sent() for text in (VLAN.encode(), b">100<", SECRET.encode(), b"<ParameterKey>JOB-1<"))

    talk.say(SetParameterValuesResponse())
    assert b"GetParameterValues" in talk.sent()
    assert SSID.encode() in talk.sent()
    assert PASSWORD.encode() not in talk.sent()  # it would read back empty

    talk.say(GetParameterValuesResponse({VLAN: "0100", SSID: "Home", STATUS: "Connected"}))
    applied = {VLAN: "0100", PASSWORD: MASK, SSID: "Home", STATUS: "Connected"}
    assert talk.outcome() == CpeOutcome(ok=True, applied=applied)
    assert talk.feed(Recorded()) == End()


def test_answers_go_out_in_the_cpes_namespace_and_under_its_id() -> None:
    talk = Talk(body=inform(namespace="urn:dslforum-org:cwmp-1-3"))
    assert b'"urn:dslforum-org:cwmp-1-3"' in talk.sent()
    assert b">7</cwmp:ID>" in talk.sent()


def test_work_of_hidden_values_alone_has_nothing_to_read_back() -> None:
    path = "Device.ManagementServer.Password"
    talk = Talk({"management.password": SECRET})
    talk.say(Empty())
    talk.say(SetParameterValuesResponse())
    assert talk.outcome() == CpeOutcome(ok=True, applied={path: MASK})


def test_work_without_values_is_done_at_once() -> None:
    talk = Talk({})
    talk.say(Empty())
    assert talk.outcome() == CpeOutcome(ok=True)


def test_values_that_wait_for_a_reboot_are_verified_and_told_as_pending() -> None:
    talk = Talk({"wifi.2ghz.ssid": "Home"})
    talk.say(Empty())
    talk.say(SetParameterValuesResponse(status=1))
    talk.say(GetParameterValuesResponse({SSID: "Home"}))
    assert talk.outcome() == CpeOutcome(ok=True, applied={SSID: "Home"}, pending=True)


@pytest.mark.parametrize(
    ("read", "seen"), [({SSID: "Home", VLAN: "1"}, "reads back '1'"), ({SSID: "Home"}, "was not read back")]
)
def test_a_value_that_does_not_read_back_is_a_mismatch(read: dict[str, str], seen: str) -> None:
    talk = verifying(VALUES)
    talk.say(GetParameterValuesResponse(read))

    assert not talk.outcome().ok
    assert talk.fault().kind is FaultKind.MISMATCH
    assert talk.fault().code is None
    assert talk.fault().parameter == VLAN
    assert talk.fault().message == f"VLAN of the WAN: wanted '100', {seen}"


def test_a_refused_parameter_is_told_by_code_path_and_intent() -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    faults = {VLAN: "Invalid parameter value", SSID: "too long"}
    refused = tuple(SetParameterValuesFault(path, 9007, text) for path, text in faults.items())
    talk.say(Fault(9003, "Invalid arguments", refused))

    assert talk.outcome() == CpeOutcome(
        ok=False, fault=CpeFault(9007, "Invalid value for VLAN of the WAN (and 1 more)", VLAN, FaultKind.CPE)
    )
    assert talk.feed(Recorded()) == End()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(9002, "Internal error"), CpeFault(9002, "Internal error of the device")),
        (Fault(0, ""), CpeFault(None, "the CPE gave no reason")),
    ],
)
def test_a_fault_without_parameters_is_told_as_it_is(fault: Fault, told: CpeFault) -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    talk.say(fault)
    assert talk.fault() == told


def test_a_secret_that_the_cpe_quotes_is_masked() -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    quoted = SetParameterValuesFault(PASSWORD, 9007, f"bad value '{SECRET}'")
    talk.say(Fault(9003, SECRET, (quoted,)))
    assert SECRET not in str(talk.fault())
    assert MASK in talk.fault().message


def test_no_repr_shows_a_secret() -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    assert SECRET not in repr((talk.session, talk.action, talk.work))


@pytest.mark.parametrize(
    ("values", "body", "kind", "parameter"),
    [
        ({"wan.warp": 1}, inform(), FaultKind.UNKNOWN_INTENT, "wan.warp"),
        ({"wan.vlan": "ten"}, inform(), FaultKind.INVALID_VALUE, "wan.vlan"),
        ({"wan.vlan": 10}, inform({"Router.X": "1"}), FaultKind.UNKNOWN_MODEL, None),
    ],
)
def test_work_that_has_no_words_on_the_device_is_reported_and_nothing_sent(
    values: dict[str, Value], body: bytes, kind: FaultKind, parameter: str | None
) -> None:
    talk = Talk(values, body)
    talk.say(Empty())
    assert (talk.fault().kind, talk.fault().code, talk.fault().parameter) == (kind, None, parameter)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (Notice("TransferComplete"), b"<cwmp:TransferCompleteResponse>"),
        (Notice("RequestDownload"), b"<cwmp:RequestDownloadResponse>"),
        (GetRPCMethods(), b"<string>TransferComplete</string>"),
        (Unknown("X_Hello"), b"<FaultCode>8000</FaultCode>"),
    ],
)
def test_the_cpes_own_requests_are_answered_before_and_during_the_work(message: FromCpe, answer: bytes) -> None:
    talk = Talk({"wifi.2ghz.ssid": "Home"})
    talk.say(message)
    assert answer in talk.sent()
    assert b">5</cwmp:ID>" in talk.sent()

    talk.say(Empty())
    talk.say(message)
    assert answer in talk.sent()
    talk.say(SetParameterValuesResponse())
    assert b"GetParameterValues" in talk.sent()


def test_a_request_lost_with_its_connection_is_sent_again_but_not_for_ever() -> None:
    talk = Talk({"wifi.2ghz.ssid": "Home"})
    talk.say(Empty())
    first = talk.sent()
    for _ in range(MAX_RESENDS):
        talk.say(Empty())
        assert talk.sent() == first

    talk.say(Empty())
    assert talk.fault().kind is FaultKind.PROTOCOL
    assert isinstance(talk.feed(Recorded()), Refuse)


def test_a_repeated_answer_to_the_set_gets_the_get_again() -> None:
    talk = verifying({"wifi.2ghz.ssid": "Home"})
    first = talk.sent()
    talk.say(SetParameterValuesResponse())
    assert talk.sent() == first
    talk.say(GetParameterValuesResponse({SSID: "Home"}))
    assert talk.outcome().ok


def test_an_inform_supersedes_whatever_was_going_on() -> None:
    talk = verifying({"wifi.2ghz.ssid": "Home"})
    assert isinstance(talk.feed(soap.decode(inform())), Consult)
    talk.feed(WorkGiven(None))
    assert talk.say(Empty()) == End()


@pytest.mark.parametrize("message", [Empty(), SetParameterValuesResponse(), Fault(9001, "no"), GetRPCMethods()])
def test_nothing_but_an_inform_opens_a_session(message: FromCpe) -> None:
    for state in (State.NEW, State.ENDED):
        _, action = step(replace(Session(MODELS), state=state), Envelope(message))
        assert isinstance(action, Refuse)
        assert "Inform" in action.reason


def test_an_answer_nobody_asked_for_ends_the_session_without_an_outcome() -> None:
    talk = Talk(VALUES)
    assert isinstance(talk.say(SetParameterValuesResponse()), Refuse)
    assert talk.session.state is State.ENDED


def test_an_unreadable_answer_is_recorded_as_the_works_failure_and_refused() -> None:
    talk = Talk(VALUES)
    talk.say(Empty())
    talk.feed(Unreadable(MalformedXml("not well-formed", "line 3")))
    assert talk.fault() == CpeFault(None, "line 3: not well-formed", None, FaultKind.PROTOCOL)
    assert talk.feed(Recorded()) == Refuse("line 3: not well-formed")


def test_an_unreadable_body_before_the_work_is_refused_alone() -> None:
    talk = Talk(VALUES)
    assert talk.feed(Unreadable(MalformedXml("not well-formed", "line 3"))) == Refuse("line 3: not well-formed")


def test_parameter_key_fits_its_32_characters() -> None:
    talk = Talk({"wifi.2ghz.ssid": "Home"})
    talk.session = replace(talk.session, work=work({"wifi.2ghz.ssid": "Home"}, "J" * 40))
    talk.say(Empty())
    assert b"<ParameterKey>" + b"J" * 32 + b"<" in talk.sent()


def test_one_task_follows_another_within_a_session() -> None:
    talk = Talk({})
    talk.say(Empty())
    talk.feed(Recorded(CpeWork(1, Cause.ASKED, "7", Reboot())))
    assert b"<CommandKey>asked-7</CommandKey>" in talk.sent()
    talk.say(Acknowledged("Reboot"))
    assert isinstance(talk.action, Record)
    assert talk.action.outcome.ok
    assert talk.feed(Recorded()) == End()


def test_what_the_core_could_not_take_is_asked_again_when_the_cpe_comes_again() -> None:
    talk = Talk({})
    first = talk.say(Empty())
    assert isinstance(first, Record)
    assert talk.say(Empty()) == first

    talk = Talk()
    tell = talk.feed(Envelope(Notice("TransferComplete"), id="5"))
    assert isinstance(tell, Tell)
    assert talk.feed(Envelope(Notice("TransferComplete"), id="6")) == tell
    talk.feed(Told())
    assert b">6</cwmp:ID>" in talk.sent()


@pytest.mark.parametrize("said", [SetParameterValuesResponse(), Empty(), Fault(9002, "Internal error")])
def test_a_session_goes_on_whose_beginning_is_forgotten(said: FromCpe) -> None:
    facts = CpeFacts("Acme", "00259E", "ONT", "S1", root="Device.")
    session, action = step(resumed(MODELS, facts, work({"wifi.2ghz.ssid": "Home"})), Envelope(said))
    assert isinstance(action, Respond)
    assert b"SetParameterValues" in action.body
    assert session.state is State.WORKING


def test_a_test_that_goes_on_in_a_forgotten_session_leaves_the_key_of_the_configuration_alone() -> None:
    facts = CpeFacts("Acme", "00259E", "ONT", "S1", root="Device.", parameter_key="J-1")
    begin = CpeWork(1, Cause.ASKED, "17", Diagnose(test=CpeTest(test="ping", host="192.0.2.1")))
    session, _ = step(resumed(MODELS, facts, begin), Envelope(Empty()))
    read = GetParameterValuesResponse({"Device.IP.Diagnostics.IPPing.DiagnosticsState": "None"})
    _, action = step(session, Envelope(read, id="ztpd-1"))
    assert isinstance(action, Respond)
    assert b"<ParameterKey>J-1</ParameterKey>" in action.body


def test_a_forgotten_session_takes_one_answer_to_what_was_asked_before() -> None:
    facts = CpeFacts("Acme", "00259E", "ONT", "S1", root="Device.")
    session, action = step(resumed(MODELS, facts, None), Envelope(SetParameterValuesResponse()))
    assert (session.state, action) == (State.ENDED, End())
