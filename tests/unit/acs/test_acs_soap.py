"""What the ACS reads from devices as they are, what it refuses, and what it writes."""

import resource
from pathlib import Path

import pytest
from lxml import etree

from tests.unit.acs.envelopes import device_id, envelope, inform, parameter_list
from ztpd.acs import soap, soap_writing, xml
from ztpd.acs.errors import ForbiddenXml, MalformedXml, NotCwmp, SoapError, TooComplex
from ztpd.acs.messages import (
    Acknowledged,
    AddObjectResponse,
    DeleteObjectResponse,
    Empty,
    Event,
    Fault,
    FromCpe,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    Notice,
    ParameterAttributes,
    SetParameterValuesFault,
    SetParameterValuesResponse,
    TransferResponse,
    Unknown,
)
from ztpd.acs.requests import (
    GetParameterValues,
    InformResponse,
    NoticeResponse,
    ParameterValue,
    SetParameterValues,
)


def read(body: bytes) -> FromCpe:
    return soap.decode(body).message


def read_inform(body: bytes) -> Inform:
    message = read(body)
    assert isinstance(message, Inform)
    return message


def values_of(inner: str, **how: str) -> dict[str, str]:
    body = envelope(f"<cwmp:GetParameterValuesResponse>{inner}</cwmp:GetParameterValuesResponse>", **how)
    message = read(body)
    assert isinstance(message, GetParameterValuesResponse)
    return dict(message.parameters)


class TestInform:
    def test_tells_who_informs_why_and_with_what(self) -> None:
        heard = soap.decode(inform({"Device.DeviceInfo.SoftwareVersion": "1.0", "Device.X": "a &amp; b"}))

        assert isinstance(heard.message, Inform)
        assert heard.message.device.serial == "48575443E204802C"
        assert heard.message.device.oui == "00259E"
        assert heard.message.events == (Event("1 BOOT"),)
        assert heard.message.parameters == {"Device.DeviceInfo.SoftwareVersion": "1.0", "Device.X": "a & b"}
        assert heard.message.current_time == "1970-01-01T00:00:01Z"
        assert (heard.namespace, heard.id) == ("urn:dslforum-org:cwmp-1-0", "7")

    @pytest.mark.parametrize("minor", range(5))
    def test_namespace_is_the_cpes(self, minor: int) -> None:
        namespace = f"urn:dslforum-org:cwmp-1-{minor}"
        assert soap.decode(inform(namespace=namespace)).namespace == namespace

    def test_namespace_from_the_future_is_answered_in_the_oldest(self) -> None:
        assert soap.decode(inform(namespace="urn:dslforum-org:cwmp-1-9")).namespace is None

    def test_needs_nothing_but_a_serial_number(self) -> None:
        body = envelope("<cwmp:Inform><DeviceId><SerialNumber>S1</SerialNumber></DeviceId></cwmp:Inform>", header="")
        heard = soap.decode(body)

        assert heard.id is None
        assert heard.message == Inform(heard.message.device)  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("inner", "where"),
        [
            ("", "Inform"),
            ("<DeviceId><OUI>00259E</OUI></DeviceId>", "Inform/DeviceId"),
            (device_id(serial="S" * 257), "Inform/DeviceId/SerialNumber"),
        ],
    )
    def test_without_an_identity_is_refused_and_says_where(self, inner: str, where: str) -> None:
        with pytest.raises(NotCwmp) as refused:
            read(envelope(f"<cwmp:Inform>{inner}</cwmp:Inform>"))
        assert refused.value.where == where

    def test_keeps_every_event_code_even_of_one_struct_and_unknown_ones(self) -> None:
        event = (
            "<Event><EventStruct><EventCode>1 BOOT</EventCode><EventCode>X CT-COM BIND</EventCode></EventStruct>"
            "<EventStruct><EventCode>0 BOOTSTRAP</EventCode><CommandKey>key</CommandKey></EventStruct></Event>"
        )
        heard = read_inform(envelope(f"<cwmp:Inform>{device_id()}{event}</cwmp:Inform>"))
        assert heard.events == (Event("1 BOOT"), Event("X CT-COM BIND"), Event("0 BOOTSTRAP", "key"))

    @pytest.mark.parametrize(("text", "count"), [("05", 5), ("", 0), ("many", 0), ("-1", 0), ("9" * 5000, 0), ("²", 0)])
    def test_retry_count_that_is_no_number_counts_as_none(self, text: str, count: int) -> None:
        body = envelope(f"<cwmp:Inform>{device_id()}<RetryCount>{text}</RetryCount></cwmp:Inform>")
        assert read_inform(body).retry_count == count


class TestLeniency:
    """Each is a fault that devices in the field have."""

    def test_default_namespaces_instead_of_prefixes(self) -> None:
        body = (
            b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header>'
            b'<ID xmlns="urn:dslforum-org:cwmp-1-2">9</ID></Header><Body><Inform xmlns="urn:dslforum-org:cwmp-1-2">'
            b"<DeviceId><SerialNumber>S1</SerialNumber></DeviceId></Inform></Body></Envelope>"
        )
        heard = soap.decode(body)
        assert (heard.namespace, heard.id) == ("urn:dslforum-org:cwmp-1-2", "9")
        assert isinstance(heard.message, Inform)

    def test_prefixes_that_are_never_declared(self) -> None:
        body = b"<s:Envelope><s:Body><c:GetRPCMethods/></s:Body></s:Envelope>"
        assert read(body) == GetRPCMethods()

    @pytest.mark.parametrize("count", ["[0010]", "0", "", "x", "-1"])
    def test_array_count_that_is_wrong(self, count: str) -> None:
        assert values_of(parameter_list({"Device.A": "1", "Device.B": "2"}, count)) == {
            "Device.A": "1",
            "Device.B": "2",
        }

    @pytest.mark.parametrize(
        "struct",
        [
            "<Name>Device.A</Name><Value>1</Value>",
            "<Name>Device.A</Name><Value xsi:type='xsd:string'>1</Value>",
            '<Name>Device.A</Name><Value x:type="string">1</Value>',
            "<Name>Dev\nice.\n A</Name><Value>\n   1\n</Value>",
            "<Name>Device.A</Name><Value><![CDATA[1]]></Value>",
            "<Name>Device.A</Name><Value>0</Value></ParameterValueStruct><ParameterValueStruct>"
            "<Name>Device.A</Name><Value>1</Value>",
        ],
    )
    def test_parameter_written_oddly(self, struct: str) -> None:
        inner = f"<ParameterList><ParameterValueStruct>{struct}</ParameterValueStruct></ParameterList>"
        assert values_of(inner) == {"Device.A": "1"}

    @pytest.mark.parametrize(
        ("sent", "meant"),
        [
            ("a & b", "a & b"),
            ("a&b;c&amp;d&#65;", "a&b;c&dA"),
            ("http://x/?a=1&b=2", "http://x/?a=1&b=2"),
            ("&nbsp;&#x1F;&#0;&#xFFFFFF;", "&nbsp;"),
            ("a\x00\x1bb", "ab"),
            ("&<![CDATA[a&amp;b]]>", "&a&amp;b"),
        ],
    )
    def test_ampersands_and_control_characters_unescaped(self, sent: str, meant: str) -> None:
        assert values_of(parameter_list({"Device.A": sent})) == {"Device.A": meant}

    @pytest.mark.parametrize(
        ("declared", "codec"),
        [("ISO-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("GB2312", "gb2312"), ("UTF-8", "utf-8")],
    )
    def test_charset_that_is_declared(self, declared: str, codec: str) -> None:
        text = "\u4e2d\u6587" if codec == "gb2312" else "é"
        declaration = f'<?xml version="1.0" encoding="{declared}"?>'
        inner = parameter_list({"Device.A": text})
        body = envelope(
            f"<cwmp:GetParameterValuesResponse>{inner}</cwmp:GetParameterValuesResponse>", declaration=declaration
        )
        assert read(body.decode().encode(codec)) == GetParameterValuesResponse({"Device.A": text})

    @pytest.mark.parametrize("declared", ["utf8", "bogus", "UTF-16", "UTF-7", "idna"])
    def test_charset_that_is_none_is_read_as_utf8(self, declared: str) -> None:
        declaration = f'<?xml version="1.0" encoding="{declared}"?>'
        assert values_of(parameter_list({"Device.A": "é"}), declaration=declaration) == {"Device.A": "é"}

    def test_bytes_that_are_not_the_declared_charset(self) -> None:
        assert read_inform(inform({"Device.A": "é"}).decode().encode("latin-1")).parameters == {"Device.A": "é"}

    @pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
    def test_byte_order_marks_and_wide_charsets(self, codec: str) -> None:
        body = inform({"Device.A": "é"}).decode().replace('encoding="UTF-8"', "").encode(codec)
        assert read_inform(body).parameters == {"Device.A": "é"}

    def test_blanks_before_the_declaration_and_nuls_after_the_end(self) -> None:
        assert read_inform(b"\r\n  " + inform() + b"\0\0\0").device.oui == "00259E"

    @pytest.mark.parametrize("body", [b"", b"\r\n", b" "])
    def test_body_of_blanks_is_an_empty_post(self, body: bytes) -> None:
        assert read(body) == Empty()

    def test_hold_requests_and_other_headers_are_let_pass(self) -> None:
        header = "<soap:Header><cwmp:HoldRequests>1</cwmp:HoldRequests><x>1</x><cwmp:ID>a&lt;b</cwmp:ID></soap:Header>"
        assert soap.decode(envelope("<cwmp:GetRPCMethods/>", header=header)).id == "a<b"


class TestOtherMessages:
    @pytest.mark.parametrize(
        ("inner", "status"), [("<Status>1</Status>", 1), ("<Status>0</Status>", 0), ("", 0), ("<Status/>", 0)]
    )
    def test_status_of_a_set(self, inner: str, status: int) -> None:
        body = envelope(f"<cwmp:SetParameterValuesResponse>{inner}</cwmp:SetParameterValuesResponse>")
        assert read(body) == SetParameterValuesResponse(status)

    def test_fault_tells_which_parameters_were_refused(self) -> None:
        body = envelope(
            "<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
            "<FaultCode>9003</FaultCode><FaultString>Invalid arguments</FaultString>"
            "<SetParameterValuesFault><ParameterName>Device.A</ParameterName><FaultCode>9007</FaultCode>"
            "<FaultString>Invalid value</FaultString></SetParameterValuesFault></cwmp:Fault></detail></soap:Fault>"
        )
        refused = (SetParameterValuesFault("Device.A", 9007, "Invalid value"),)
        assert read(body) == Fault(9003, "Invalid arguments", refused)

    def test_fault_without_detail_keeps_its_text(self) -> None:
        body = envelope("<soap:Fault><faultcode>Client</faultcode><faultstring>no way</faultstring></soap:Fault>")
        assert read(body) == Fault(0, "no way")

    @pytest.mark.parametrize("method", soap.NOTICES)
    def test_notices_are_told_apart(self, method: str) -> None:
        fault = "<FaultStruct><FaultCode>9010</FaultCode><FaultString>f</FaultString></FaultStruct>"
        inner = f"<CommandKey>k</CommandKey>{fault}"
        assert read(envelope(f"<cwmp:{method}>{inner}</cwmp:{method}>")) == Notice(method, "k", 9010, "f", {})

    @pytest.mark.parametrize(
        ("method", "inner", "facts"),
        [
            (
                "AutonomousTransferComplete",
                "<AnnounceURL/><TransferURL>http://x/f?a=1&amp;b</TransferURL><IsDownload>1</IsDownload>"
                "<FileType>1 Firmware Upgrade Image</FileType>",
                {"AnnounceURL": "", "TransferURL": "http://x/f?a=1&b", "IsDownload": "1"}
                | {"FileType": "1 Firmware Upgrade Image"},
            ),
            (
                "RequestDownload",
                "<FileType>1 Firmware Upgrade Image</FileType><FileTypeArg><ArgStruct><Name>Version</Name>"
                "<Value>2</Value></ArgStruct><ArgStruct><Name>X</Name><Value>3</Value></ArgStruct></FileTypeArg>",
                {"FileType": "1 Firmware Upgrade Image", "FileTypeArg.1.Name": "Version", "FileTypeArg.1.Value": "2"}
                | {"FileTypeArg.2.Name": "X", "FileTypeArg.2.Value": "3"},
            ),
            (
                "Kicked",
                "<Command>c</Command><Referer>r</Referer><Arg>a</Arg><Next>http://x/</Next>",
                {"Command": "c", "Referer": "r", "Arg": "a", "Next": "http://x/"},
            ),
        ],
    )
    def test_notices_keep_their_arguments_by_name(self, method: str, inner: str, facts: dict[str, str]) -> None:
        assert read(envelope(f"<cwmp:{method}>{inner}</cwmp:{method}>")) == Notice(method, facts=facts)

    @pytest.mark.parametrize("method", ["DUStateChangeComplete", "AutonomousDUStateChangeComplete"])
    def test_each_result_of_a_module_change_is_kept_and_the_first_that_failed_is_the_fault(self, method: str) -> None:
        results = "".join(
            f"<Results><UUID>{uuid}</UUID><Fault><FaultCode>{code}</FaultCode><FaultString>{text}</FaultString></Fault>"
            "</Results>"
            for uuid, code, text in (("u1", 0, ""), ("u2", 9022, "bad UUID"), ("u3", 9027, "full"))
        )
        heard = read(envelope(f"<cwmp:{method}>{results}<CommandKey>k</CommandKey></cwmp:{method}>"))
        assert isinstance(heard, Notice)
        assert (heard.command_key, heard.fault_code, heard.fault_message) == ("k", 9022, "bad UUID")
        assert heard.facts["Results.1.UUID"] == "u1"
        assert heard.facts["Results.3.Fault.FaultCode"] == "9027"

    def test_notices_are_kept_within_bounds(self) -> None:
        many = "".join(f"<F{number}>x</F{number}>" for number in range(5000))
        heard = read(envelope(f"<cwmp:Kicked><Next>{'n' * 5000}</Next>{many}</cwmp:Kicked>"))
        assert isinstance(heard, Notice)
        assert (len(heard.facts), len(heard.facts["Next"])) == (128, 1024)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (
                "<cwmp:GetParameterNamesResponse><ParameterList><ParameterInfoStruct><Name>Device.A.</Name>"
                "<Writable>true</Writable></ParameterInfoStruct><ParameterInfoStruct><Name>Device.B</Name>"
                "<Writable>0</Writable></ParameterInfoStruct></ParameterList></cwmp:GetParameterNamesResponse>",
                GetParameterNamesResponse({"Device.A.": True, "Device.B": False}),
            ),
            (
                "<cwmp:GetParameterAttributesResponse><ParameterList><ParameterAttributeStruct><Name>Device.A</Name>"
                "<Notification>2</Notification><AccessList><string>Subscriber</string></AccessList>"
                "</ParameterAttributeStruct></ParameterList></cwmp:GetParameterAttributesResponse>",
                GetParameterAttributesResponse((ParameterAttributes("Device.A", 2, ("Subscriber",)),)),
            ),
            (
                "<cwmp:AddObjectResponse><InstanceNumber>3</InstanceNumber><Status>1</Status></cwmp:AddObjectResponse>",
                AddObjectResponse(3, 1),
            ),
            ("<cwmp:DeleteObjectResponse><Status>1</Status></cwmp:DeleteObjectResponse>", DeleteObjectResponse(1)),
            (
                "<cwmp:DownloadResponse><Status>1</Status><StartTime>0001-01-01T00:00:00Z</StartTime>"
                "<CompleteTime>never</CompleteTime></cwmp:DownloadResponse>",
                TransferResponse("Download", 1, "0001-01-01T00:00:00Z", "never"),
            ),
            ("<cwmp:UploadResponse/>", TransferResponse("Upload")),
            (
                "<cwmp:GetRPCMethodsResponse><MethodList><string>Reboot</string><string/></MethodList>"
                "</cwmp:GetRPCMethodsResponse>",
                GetRPCMethodsResponse(("Reboot",)),
            ),
            *(
                (f"<cwmp:{method}Response/>", Acknowledged(method))
                for method in ("SetParameterAttributes", "Reboot", "FactoryReset", "ScheduleInform")
            ),
            *(
                (f"<cwmp:{method}Response/>", Acknowledged(method))
                for method in ("ScheduleDownload", "ChangeDUState", "CancelTransfer")
            ),
        ],
    )
    def test_answers_are_read(self, body: str, message: FromCpe) -> None:
        assert read(envelope(body)) == message

    def test_unknown_method_keeps_its_name(self) -> None:
        assert read(envelope("<cwmp:X_Vendor/>")) == Unknown("X_Vendor")


class TestRefusals:
    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
            '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/evil.dtd">',
            "<!DOCTYPE x>",
        ],
    )
    @pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
    def test_any_doctype_is_refused_by_name(self, doctype: str, codec: str) -> None:
        text = f"{doctype}<soap:Envelope><soap:Body><cwmp:Inform>&c;&secret;</cwmp:Inform></soap:Body></soap:Envelope>"
        with pytest.raises(ForbiddenXml, match="DOCTYPE"):
            soap.decode(text.encode(codec))

    def test_a_doctype_hidden_in_another_charset_is_no_doctype(self) -> None:
        body = b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>'
        with pytest.raises(SoapError):
            soap.decode(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"<a>" * 5000 + b"</a>" * 5000,
            b"<a " + b" ".join(b'a%d="1"' % number for number in range(8000)) + b"/>",
            b"<a>" + b"<b/>" * 40_000 + b"</a>",
            b"<a>" + b"x" * xml.MAX_BYTES + b"</a>",
        ],
        ids=["deep", "attributes", "elements", "long"],
    )
    def test_documents_beyond_a_bound(self, body: bytes) -> None:
        with pytest.raises(TooComplex):
            soap.decode(body)

    @pytest.mark.parametrize("body", [b"hello", b"{}", b"\xff\xfe\xfd", b"<a", inform()[:-40], b"<a></b>", b"\0"])
    def test_what_is_no_xml_says_where(self, body: bytes) -> None:
        with pytest.raises(MalformedXml) as refused:
            soap.decode(body)
        assert refused.value.where

    @pytest.mark.parametrize("body", [b"<html><body/></html>", b"<Envelope/>", b"<Body/>", b"<:/>", b"<a:/>"])
    def test_xml_that_is_no_soap_says_where(self, body: bytes) -> None:
        with pytest.raises(NotCwmp) as refused:
            soap.decode(body)
        assert refused.value.where

    def test_many_unclosed_cdata_sections_cost_no_more_than_their_length(self) -> None:
        with pytest.raises(SoapError):  # quadratic repair would take minutes here
            soap.decode(b"<a>&" + b"<![CDATA[" * 25_000)


class TestWriting:
    def test_answers_in_the_cpes_namespace_with_its_id_escaped(self) -> None:
        root = etree.fromstring(soap_writing.encode(InformResponse(), "urn:dslforum-org:cwmp-1-2", '<&"\r'))

        assert root.findtext(".//{urn:dslforum-org:cwmp-1-2}ID") == '<&"\r'
        assert root.findtext(".//{urn:dslforum-org:cwmp-1-2}InformResponse/MaxEnvelopes") == "1"

    def test_has_no_header_for_a_cpe_without_ids(self) -> None:
        assert b"Header" not in soap_writing.encode(InformResponse(), soap.DEFAULT_NAMESPACE, None)

    def test_set_carries_types_values_and_key(self) -> None:
        values = (ParameterValue("Device.A", "x<&>\r\n", "string"), ParameterValue("Device.B", "7", "unsignedInt"))
        root = etree.fromstring(soap_writing.encode(SetParameterValues(values, "JOB"), soap.DEFAULT_NAMESPACE, "1"))

        assert [element.text for element in root.iter("Name")] == ["Device.A", "Device.B"]
        assert [element.text for element in root.iter("Value")] == ["x<&>\r\n", "7"]
        kinds = [element.get("{http://www.w3.org/2001/XMLSchema-instance}type") for element in root.iter("Value")]
        assert kinds == ["xsd:string", "xsd:unsignedInt"]
        assert root.findtext(".//ParameterKey") == "JOB"
        assert b"ParameterValueStruct[2]" in etree.tostring(root)

    def test_get_lists_paths(self) -> None:
        root = etree.fromstring(
            soap_writing.encode(GetParameterValues(("Device.A", "Device.B")), soap.DEFAULT_NAMESPACE, "1")
        )
        assert [element.text for element in root.iter("string")] == ["Device.A", "Device.B"]

    def test_fault_methods_and_acknowledgement(self) -> None:
        fault = etree.fromstring(soap_writing.encode(Fault(8000, "no <X>"), soap.DEFAULT_NAMESPACE, "1"))
        methods = etree.fromstring(soap_writing.encode(GetRPCMethodsResponse(("Inform",)), soap.DEFAULT_NAMESPACE, "1"))
        done = soap_writing.encode(NoticeResponse("TransferComplete"), soap.DEFAULT_NAMESPACE, "1")

        assert (fault.findtext(".//FaultCode"), fault.findtext(".//FaultString")) == ("8000", "no <X>")
        assert [element.text for element in methods.iter("string")] == ["Inform"]
        assert b"<cwmp:TransferCompleteResponse>" in done


class TestCaptures:
    def test_informs_of_a_small_cell(self, data_folder: Path) -> None:
        heard = read_inform((data_folder / "cwmp/airvana-BootInformTest.xml").read_bytes())
        assert heard.device.serial == "0005B9519091"
        assert heard.events == (Event("1 BOOT"), Event("4 VALUE CHANGE"))
        assert len(heard.parameters) == 12

    def test_inform_of_a_router_with_padded_counts_and_a_1970_clock(self, data_folder: Path) -> None:
        heard = soap.decode((data_folder / "cwmp/thomson-st780-inform.xml").read_bytes())
        assert isinstance(heard.message, Inform)
        assert heard.id == "0_THOM_TR69_ID"
        assert heard.message.retry_count == 5
        assert heard.message.parameters["InternetGatewayDevice.DeviceSummary"].startswith("InternetGatewayDevice:1.1")

    def test_every_capture_is_a_message(self, data_folder: Path) -> None:
        messages = {path.name: read(path.read_bytes()) for path in (data_folder / "cwmp").glob("*.xml")}
        times = dict.fromkeys(("StartTime", "CompleteTime"), "2019-07-08T18:15:43.032Z")
        assert messages["airvana-TransferCompleteTest.xml"] == Notice("TransferComplete", "0005B9AAAA22", facts=times)
        assert messages["airvana-SPAOpResultTest.xml"] == Acknowledged("SetParameterAttributes")
        assert sum(isinstance(message, Inform) for message in messages.values()) == 6


def test_made_up_names_leave_nothing_behind() -> None:
    """A stream of new element names must not grow the process: see ``ztpd.acs.xml``."""

    def document(number: int) -> bytes:
        return b"<a>" + b"".join(b"<n%d_%d%s/>" % (number, item, b"x" * 60) for item in range(3000)) + b"</a>"

    for number in range(5):
        xml.parse(document(number))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(5, 80):
        xml.parse(document(number))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 8_000
