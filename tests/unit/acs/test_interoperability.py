"""What devices in the field do to CWMP, row by row: one test a row, from the bytes that come in to those that go out.

The rows that are of bytes and of sessions are here, those of HTTP (compression, charsets, chunks, cookies, connections,
authentication, capacity) in ``tests/integration/test_acs.py`` and ``test_acs_restart.py``.
"""

import pytest
from lxml import etree

from tests.unit.acs.envelopes import EVENT, device_id, envelope, inform, parameter_list
from tests.unit.acs.test_acs_session import SECRET, SSID, Talk
from ztpd.acs import soap
from ztpd.acs.messages import Event, GetParameterValuesResponse, Inform, Notice
from ztpd.acs.session import Consult, End, Record, Respond, Session, Tell, Told, step
from ztpd.domain.profile import Value

CWMP = "urn:dslforum-org:cwmp-1-0"
HOME: dict[str, Value] = {"wifi.2ghz.ssid": "Home"}


def informed(body: bytes) -> tuple[Inform, etree._Element]:
    """What is understood of an Inform, and the answer to it."""
    _, asked = step(Session(()), soap.decode(body))
    assert isinstance(asked, Consult)
    return asked.inform, etree.fromstring(Talk(body=body).sent())


def answered_as_inform(body: bytes) -> Inform:
    """The Inform, which is answered as one that is in order."""
    heard, answer = informed(body)
    assert answer.findtext(".//{*}InformResponse/MaxEnvelopes") == "1"
    return heard


def inform_of(inner: str) -> bytes:
    return envelope(f"<cwmp:Inform>{device_id()}{inner}</cwmp:Inform>")


def read_back(values: str) -> dict[str, str]:
    body = envelope(f"<cwmp:GetParameterValuesResponse>{values}</cwmp:GetParameterValuesResponse>")
    message = soap.decode(body).message
    assert isinstance(message, GetParameterValuesResponse)
    return dict(message.parameters)


def configured(set_answer: bytes) -> Talk:
    """A session in which this answers SetParameterValues, and the value reads back."""
    talk = Talk(HOME)
    talk.feed(soap.decode(b""))
    talk.feed(soap.decode(set_answer))
    talk.feed(
        soap.decode(
            envelope(
                f"<cwmp:GetParameterValuesResponse>{parameter_list({SSID: 'Home'})}</cwmp:GetParameterValuesResponse>"
            )
        )
    )
    return talk


@pytest.mark.parametrize("minor", range(5))
def test_namespaces_cwmp_1_0_to_1_4_are_answered_in_kind(minor: int) -> None:
    namespace = f"urn:dslforum-org:cwmp-1-{minor}"
    _, answer = informed(inform(namespace=namespace))
    assert answer.find(f".//{{{namespace}}}InformResponse") is not None
    assert answer.find(f".//{{{namespace}}}ID") is not None


@pytest.mark.parametrize(
    ("soap_prefix", "cwmp_prefix"),
    [("SOAP-ENV", "cwmp"), ("s", "c"), ("soapenv", "ns1"), ("cwmp", "soap"), ("soap-env", "dslforum.1")],
)
def test_any_prefix_will_do(soap_prefix: str, cwmp_prefix: str) -> None:
    text = inform().decode().replace("soap:", "\0").replace("xmlns:soap=", "\1")
    text = text.replace("xmlns:cwmp=", f"xmlns:{cwmp_prefix}=").replace("cwmp:", f"{cwmp_prefix}:")
    text = text.replace("\1", f"xmlns:{soap_prefix}=").replace("\0", f"{soap_prefix}:")
    assert answered_as_inform(text.encode()).device.oui == "00259E"


def test_a_default_namespace_will_do_in_the_place_of_a_prefix() -> None:
    body = (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header>'
        '<ID xmlns="urn:dslforum-org:cwmp-1-1">3</ID></Header><Body>'
        '<Inform xmlns="urn:dslforum-org:cwmp-1-1"><DeviceId><SerialNumber>S1</SerialNumber></DeviceId>'
        "</Inform></Body></Envelope>"
    )
    heard, answer = informed(body.encode())
    assert heard.device.serial == "S1"
    assert answer.findtext(".//{urn:dslforum-org:cwmp-1-1}ID") == "3"


def test_the_soap_header_may_be_absent() -> None:
    _, answer = informed(envelope(f"<cwmp:Inform>{device_id()}{EVENT}</cwmp:Inform>", header=""))
    assert answer.find("{*}Header") is None
    assert answer.find(".//{*}InformResponse") is not None


def test_the_id_may_be_absent() -> None:
    header = "<soap:Header><cwmp:NoMoreRequests>0</cwmp:NoMoreRequests></soap:Header>"
    _, answer = informed(envelope(f"<cwmp:Inform>{device_id()}</cwmp:Inform>", header=header))
    assert answer.find(".//{*}ID") is None


def test_an_id_is_echoed_escaped() -> None:
    header = "<soap:Header><cwmp:ID>&lt;/cwmp:ID&gt;&amp;&quot;é</cwmp:ID></soap:Header>"
    _, answer = informed(envelope(f"<cwmp:Inform>{device_id()}</cwmp:Inform>", header=header))
    assert answer.findtext(".//{*}ID") == '</cwmp:ID>&"é'


def test_the_event_may_be_absent() -> None:
    assert answered_as_inform(inform_of("<RetryCount>0</RetryCount>")).events == ()


def test_the_parameter_list_may_be_absent() -> None:
    assert answered_as_inform(inform_of(EVENT)).parameters == {}


def test_the_retry_count_may_be_absent() -> None:
    assert answered_as_inform(inform_of(EVENT)).retry_count == 0


def test_the_status_may_be_absent() -> None:
    talk = configured(envelope("<cwmp:SetParameterValuesResponse/>"))
    assert talk.outcome().ok
    assert not talk.outcome().pending


@pytest.mark.parametrize("count", ["0", "1", "99", "-1", "", "x"])
def test_array_counts_may_be_wrong(count: str) -> None:
    assert read_back(parameter_list({"Device.A": "1", "Device.B": "2"}, count)) == {"Device.A": "1", "Device.B": "2"}


def test_array_counts_may_be_padded_and_wrong() -> None:
    eleven = {f"Device.A{number}": str(number) for number in range(11)}
    assert read_back(parameter_list(eleven, "0010")) == eleven


def test_xsi_type_may_be_absent() -> None:
    struct = "<ParameterValueStruct><Name>Device.A</Name><Value>1</Value></ParameterValueStruct>"
    assert read_back(f"<ParameterList>{struct}</ParameterList>") == {"Device.A": "1"}


def test_xsi_type_may_have_another_prefix() -> None:
    struct = '<ParameterValueStruct><Name>Device.A</Name><Value q:type="z:int">1</Value></ParameterValueStruct>'
    assert read_back(f"<ParameterList>{struct}</ParameterList>") == {"Device.A": "1"}


def test_booleans_may_be_words_or_digits_of_any_case() -> None:
    struct = "".join(
        f"<ParameterInfoStruct><Name>{text}</Name><Writable>{text}</Writable></ParameterInfoStruct>"
        for text in ("TRUE", "true", "True", "1", "FALSE", "false", "0")
    )
    body = f"<cwmp:GetParameterNamesResponse><ParameterList>{struct}</ParameterList></cwmp:GetParameterNamesResponse>"
    names = getattr(soap.decode(envelope(body)).message, "names")  # noqa: B009  # of a union, the one that has it
    assert [name for name, writable in names.items() if writable] == ["TRUE", "true", "True", "1"]


def test_bad_integers_are_kept_as_text_where_they_are_values_and_count_as_none_where_they_are_not() -> None:
    heard = answered_as_inform(inform_of(f"<RetryCount>1e3</RetryCount>{parameter_list({'Device.A': '12 dBm'})}"))
    assert (heard.retry_count, heard.parameters) == (0, {"Device.A": "12 dBm"})


@pytest.mark.parametrize("date", ["2026-02-30T25:61:00", "Thu Jan  1 00:00:00 1970", "0001-01-01T00:00:00Z", ""])
def test_bad_dates_are_kept_as_text(date: str) -> None:
    assert answered_as_inform(inform_of(f"<CurrentTime>{date}</CurrentTime>")).current_time == date


def test_ampersands_may_be_unescaped() -> None:
    heard = answered_as_inform(inform({"Device.A": "http://x/?a=1&b=2&amp;c", "Device.B": "Tom & Jerry"}))
    assert heard.parameters == {"Device.A": "http://x/?a=1&b=2&c", "Device.B": "Tom & Jerry"}


def test_stray_control_characters_are_dropped() -> None:
    assert answered_as_inform(inform({"Device.A": "a\x00\x01\x1f\x0bb"})).parameters == {"Device.A": "ab"}


def test_cdata_is_text() -> None:
    heard = answered_as_inform(inform({"Device.A": "<![CDATA[<b>&amp;</b>]]>"}))
    assert heard.parameters == {"Device.A": "<b>&amp;</b>"}


def test_a_name_may_be_broken_by_newlines() -> None:
    assert read_back(parameter_list({"\n  Device.WiFi.\n  SSID.1.SSID\n": "Home"})) == {SSID: "Home"}


def test_attributes_may_be_in_single_quotes() -> None:
    body = inform(namespace="urn:dslforum-org:cwmp-1-2").decode().replace('"', "'")
    _, answer = informed(body.encode())
    assert answer.find(".//{urn:dslforum-org:cwmp-1-2}InformResponse") is not None


def test_of_duplicate_parameters_the_last_counts() -> None:
    struct = "<ParameterValueStruct><Name>Device.A</Name><Value>{}</Value></ParameterValueStruct>"
    assert read_back(f"<ParameterList>{struct.format(1)}{struct.format(2)}</ParameterList>") == {"Device.A": "2"}


def test_a_clock_that_stands_at_1970_decides_nothing() -> None:
    assert answered_as_inform(inform()).current_time.startswith("1970-")


def test_unknown_event_codes_are_kept() -> None:
    event = "<Event><EventStruct><EventCode>X CT-COM BIND</EventCode><CommandKey/></EventStruct></Event>"
    assert answered_as_inform(inform_of(event)).events == (Event("X CT-COM BIND"),)


def test_a_bootstrap_may_carry_a_command_key() -> None:
    event = "<Event><EventStruct><EventCode>0 BOOTSTRAP</EventCode><CommandKey>k</CommandKey></EventStruct></Event>"
    assert answered_as_inform(inform_of(event)).events == (Event("0 BOOTSTRAP", "k"),)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("<faultcode>Client</faultcode><faultstring>no way</faultstring>", "no way"),
        ("<faultcode>Client</faultcode><faultstring>no way</faultstring><detail/>", "no way"),
        ("", "the CPE gave no reason"),
    ],
)
def test_a_fault_may_have_no_detail(fault: str, words: str) -> None:
    talk = Talk({"wan.pppoe.password": SECRET})
    talk.feed(soap.decode(b""))
    talk.feed(soap.decode(envelope(f"<soap:Fault>{fault}</soap:Fault>")))
    assert (talk.fault().code, talk.fault().message) == (None, words)


@pytest.mark.parametrize("method", soap.NOTICES)
def test_what_a_cpe_tells_of_itself_is_told_on_and_acknowledged(method: str) -> None:
    """AutonomousTransferComplete and RequestDownload above all, which other ACSes have no answer to."""
    talk = Talk()
    told = talk.feed(
        soap.decode(envelope(f"<cwmp:{method}><FileType>1 Firmware Upgrade Image</FileType></cwmp:{method}>"))
    )
    assert told == Tell(Notice(method, facts={"FileType": "1 Firmware Upgrade Image"}))
    talk.feed(Told())
    assert etree.fromstring(talk.sent()).find(f".//{{{CWMP}}}{method}Response") is not None
    assert talk.feed(soap.decode(b"")) == End()


@pytest.mark.parametrize("text", ["1", "0", "true", "FALSE", ""])
def test_hold_requests_in_a_cpes_header_changes_nothing(text: str) -> None:
    """The header is the ACS's to send (TR-069 §3.5); a CPE that sends it is served as one that does not."""
    hold = f'<cwmp:HoldRequests soap:mustUnderstand="1">{text}</cwmp:HoldRequests></soap:Header>'.encode()
    talk = Talk(HOME, inform().replace(b"</soap:Header>", hold))
    assert isinstance(talk.action, Respond)
    talk.feed(soap.decode(b""))
    assert b"SetParameterValues" in talk.sent()
    answer = envelope("<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>")
    talk.feed(soap.decode(answer.replace(b"</soap:Header>", hold)))
    assert b"GetParameterValues" in talk.sent()
    assert b"HoldRequests" not in talk.sent()


def test_get_rpc_methods_is_answered_with_all_that_there_are() -> None:
    talk = Talk()
    talk.feed(soap.decode(envelope("<cwmp:GetRPCMethods/>")))
    methods = [element.text for element in etree.fromstring(talk.sent()).iter("string")]
    assert methods == ["Inform", "GetRPCMethods", *soap.NOTICES]


def test_an_unknown_method_is_answered_with_fault_8000_that_the_cpe_can_read() -> None:
    talk = Talk(HOME)
    talk.feed(soap.decode(envelope("<cwmp:X_Vendor_Hello/>")))
    answer = etree.fromstring(talk.sent())
    assert answer.findtext(".//{*}ID") == "7"
    fault = answer.find("{*}Body/{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    assert fault is not None
    assert (fault.findtext("faultcode"), fault.findtext("faultstring")) == ("Server", "CWMP fault")
    assert fault.findtext(f"detail/{{{CWMP}}}Fault/FaultCode") == "8000"
    talk.feed(soap.decode(b""))  # and the session goes on
    assert b"SetParameterValues" in talk.sent()


def test_a_session_of_all_of_this_at_once_is_done() -> None:
    assert isinstance(
        configured(b"\0<Envelope><Body><SetParameterValuesResponse/></Body></Envelope>\r\n\0").action, Record
    )
