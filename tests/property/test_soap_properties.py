"""Any bytes give a message or a SoapError; any conversation gives actions; what is written can be read."""

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.unit.acs.envelopes import envelope, inform, parameter_list
from ztpd.acs import session, soap, soap_writing
from ztpd.acs.errors import MalformedXml, SoapError
from ztpd.acs.messages import (
    DeviceId,
    Empty,
    Envelope,
    Fault,
    GetParameterValuesResponse,
    GetRPCMethods,
    Inform,
    Notice,
    SetParameterValuesFault,
    SetParameterValuesResponse,
    Unknown,
)
from ztpd.acs.models import shipped
from ztpd.acs.requests import ParameterValue, SetParameterValues
from ztpd.domain.cpe import Cause, CpeWork
from ztpd.domain.cpe_tasks import Configure

MODELS = shipped()
# What XML 1.0 can carry; \r comes back as it is only because the writer escapes it.
XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"),
    max_size=30,
)
SAMPLES = (
    inform(),
    envelope(f"<cwmp:GetParameterValuesResponse>{parameter_list({'Device.A': 'x'})}</cwmp:GetParameterValuesResponse>"),
    envelope("<soap:Fault><faultcode>Client</faultcode><detail><cwmp:Fault/></detail></soap:Fault>"),
)


def read_or_refused(body: bytes) -> Envelope | SoapError:
    try:
        return soap.decode(body)
    except SoapError as refused:
        return refused


def must_be_a_message_or_refused(body: bytes) -> None:
    read = read_or_refused(body)
    assert isinstance(read, Envelope) or (read.what and read.where)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    must_be_a_message_or_refused(body)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 8), st.binary(max_size=6)), max_size=6),
)
def test_any_damage_to_an_envelope_is_a_message_or_refused(body: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
    for position, length, replacement in cuts:
        body = body[:position] + replacement + body[position + length :]
    must_be_a_message_or_refused(body)


@given(st.text(alphabet="<>/![]&;#x0'\" =?-aCDATDOCTYPEnvelope:\n\x00", max_size=200))
def test_any_markup_is_a_message_or_refused(text: str) -> None:
    must_be_a_message_or_refused(text.encode())


@given(st.lists(st.tuples(XML_TEXT, XML_TEXT), max_size=5), XML_TEXT, XML_TEXT)
def test_what_is_written_reads_back_as_it_was(pairs: list[tuple[str, str]], key: str, message_id: str) -> None:
    values = tuple(ParameterValue(path, text) for path, text in pairs)
    root = etree.fromstring(soap_writing.encode(SetParameterValues(values, key), soap.DEFAULT_NAMESPACE, message_id))

    assert [element.text or "" for element in root.iter("Name")] == [path for path, _ in pairs]
    assert [element.text or "" for element in root.iter("Value")] == [text for _, text in pairs]
    assert (root.findtext(".//ParameterKey") or "") == key
    assert (root.findtext(".//{*}ID") or "") == message_id


PATHS = st.sampled_from(["Device.WiFi.SSID.1.SSID", "Device.PPP.Interface.1.Password", "Device.X", ""])
VALUES = st.dictionaries(PATHS, st.text(max_size=5), max_size=3)
MESSAGES = st.one_of(
    st.builds(
        Inform,
        device=st.builds(DeviceId, st.text(max_size=3), st.just("00259E"), st.just("ONT"), st.just("S1")),
        parameters=VALUES,
    ),
    st.just(Empty()),
    st.builds(GetParameterValuesResponse, VALUES),
    st.builds(SetParameterValuesResponse, st.integers(0, 2)),
    st.builds(
        Fault,
        st.integers(0, 9999),
        st.text(max_size=5),
        st.lists(st.builds(SetParameterValuesFault, PATHS, st.just(9007), st.text(max_size=3)), max_size=3).map(tuple),
    ),
    st.just(GetRPCMethods()),
    st.builds(Notice, st.sampled_from(soap.NOTICES)),
    st.builds(Unknown, st.text(max_size=5)),
)
WORK = st.none() | st.builds(
    lambda job, values: CpeWork(1, Cause.JOB, job, Configure(values=values)),
    st.text(max_size=40),
    st.dictionaries(
        st.sampled_from(["wifi.2ghz.ssid", "wan.pppoe.password", "wan.vlan", "wan.warp"]),
        st.text(max_size=4) | st.integers() | st.booleans(),
        max_size=3,
    ),
)
INPUTS = st.one_of(
    st.builds(Envelope, MESSAGES, st.sampled_from([None, *sorted(soap.NAMESPACES)]), st.none() | st.text(max_size=3)),
    st.builds(session.WorkGiven, WORK),
    st.builds(session.Recorded, WORK),
    st.just(session.Told()),
    st.just(session.Unreadable(MalformedXml("not well-formed", "line 1"))),
)


@given(st.lists(INPUTS, max_size=12))
def test_any_conversation_gives_actions(inputs: list[session.Input]) -> None:
    current = session.Session(MODELS)
    for heard in inputs:
        current, action = session.step(current, heard)
        assert isinstance(action, session.Action)


@given(WORK, st.lists(MESSAGES, max_size=8))
def test_a_session_records_its_work_at_most_once_and_only_after_an_inform(
    work: CpeWork | None, messages: list[object]
) -> None:
    """The core plays its part at once; between two Informs there is at most one outcome."""
    current = session.Session(MODELS)
    recorded = informed = 0
    for message in messages:
        current, action = session.step(current, Envelope(message))  # type: ignore[arg-type]
        while isinstance(action, session.Question):
            if isinstance(action, session.Consult):
                informed, recorded = 1, 0
                current, action = session.step(current, session.WorkGiven(work))
            elif isinstance(action, session.Tell):
                current, action = session.step(current, session.Told())
            else:
                recorded += 1
                assert action.work is work
                current, action = session.step(current, session.Recorded())
        assert recorded <= informed
