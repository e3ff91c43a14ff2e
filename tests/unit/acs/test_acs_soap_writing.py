"""Every message that the ACS writes, as the schemas of the Broadband Forum have it.

``WRITTEN`` is the structure, taken from cwmp-1-0.xsd to cwmp-1-2.xsd. Where those files are at hand
(``ZTPD_DATA``/cwmp), the same messages are validated against them too.
"""

import io
import re
import typing
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from ztpd.acs import soap
from ztpd.acs.messages import Fault, GetRPCMethods, GetRPCMethodsResponse, ParameterAttributes
from ztpd.acs.requests import (
    AddObject,
    CancelTransfer,
    ChangeDUState,
    DeleteObject,
    Download,
    DuOperation,
    FactoryReset,
    GetParameterAttributes,
    GetParameterNames,
    GetParameterValues,
    InformResponse,
    NoticeResponse,
    ParameterValue,
    Reboot,
    ScheduleDownload,
    ScheduleInform,
    SetParameterAttributes,
    SetParameterValues,
    TimeWindow,
    ToCpe,
    Upload,
    unknown_to,
)
from ztpd.acs.soap_writing import encode

UUID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
FIRMWARE = "1 Firmware Upgrade Image"
URL = "http://files/a?b=1&c"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"

WRITTEN: list[tuple[ToCpe, str]] = [
    (InformResponse(), "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"),
    *(
        (NoticeResponse(method), f"<cwmp:{method}Response></cwmp:{method}Response>")
        for method in soap.NOTICES
        if method != "Kicked"
    ),
    (NoticeResponse("Kicked", URL), f"<cwmp:KickedResponse><NextURL>{escape(URL)}</NextURL></cwmp:KickedResponse>"),
    (
        GetRPCMethodsResponse(("Inform", "Kicked")),
        '<cwmp:GetRPCMethodsResponse><MethodList enc:arrayType="xsd:string[2]"><string>Inform</string>'
        "<string>Kicked</string></MethodList></cwmp:GetRPCMethodsResponse>",
    ),
    (
        Fault(8000, "Method not supported: X"),
        "<soap:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
        "<FaultCode>8000</FaultCode><FaultString>Method not supported: X</FaultString></cwmp:Fault></detail>"
        "</soap:Fault>",
    ),
    (
        Fault(8003, "Invalid arguments"),
        "<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
        "<FaultCode>8003</FaultCode><FaultString>Invalid arguments</FaultString></cwmp:Fault></detail></soap:Fault>",
    ),
    (GetRPCMethods(), "<cwmp:GetRPCMethods></cwmp:GetRPCMethods>"),
    (
        SetParameterValues((ParameterValue("Device.A", "<x>"), ParameterValue("Device.B", "7", "unsignedInt")), "key"),
        '<cwmp:SetParameterValues><ParameterList enc:arrayType="cwmp:ParameterValueStruct[2]">'
        '<ParameterValueStruct><Name>Device.A</Name><Value xsi:type="xsd:string">&lt;x&gt;</Value>'
        '</ParameterValueStruct><ParameterValueStruct><Name>Device.B</Name><Value xsi:type="xsd:unsignedInt">7</Value>'
        "</ParameterValueStruct></ParameterList><ParameterKey>key</ParameterKey></cwmp:SetParameterValues>",
    ),
    (
        SetParameterValues(
            (
                ParameterValue("Device.A", "2026-01-01T00:00:00Z", "dateTime"),
                ParameterValue("Device.B", "AA==", "base64"),
            )
        ),
        '<cwmp:SetParameterValues><ParameterList enc:arrayType="cwmp:ParameterValueStruct[2]">'
        '<ParameterValueStruct><Name>Device.A</Name><Value xsi:type="xsd:dateTime">2026-01-01T00:00:00Z</Value>'
        '</ParameterValueStruct><ParameterValueStruct><Name>Device.B</Name><Value xsi:type="enc:base64">AA==</Value>'
        "</ParameterValueStruct></ParameterList><ParameterKey></ParameterKey></cwmp:SetParameterValues>",
    ),
    (
        GetParameterValues(("Device.A", "Device.B.")),
        '<cwmp:GetParameterValues><ParameterNames enc:arrayType="xsd:string[2]"><string>Device.A</string>'
        "<string>Device.B.</string></ParameterNames></cwmp:GetParameterValues>",
    ),
    (
        GetParameterNames("Device.", next_level=True),
        "<cwmp:GetParameterNames><ParameterPath>Device.</ParameterPath><NextLevel>1</NextLevel>"
        "</cwmp:GetParameterNames>",
    ),
    (
        GetParameterNames("", next_level=False),
        "<cwmp:GetParameterNames><ParameterPath></ParameterPath><NextLevel>0</NextLevel></cwmp:GetParameterNames>",
    ),
    (
        SetParameterAttributes(
            (ParameterAttributes("Device.A", 2), ParameterAttributes("Device.B.", 0, ("Subscriber",)))
        ),
        '<cwmp:SetParameterAttributes><ParameterList enc:arrayType="cwmp:SetParameterAttributesStruct[2]">'
        "<SetParameterAttributesStruct><Name>Device.A</Name><NotificationChange>1</NotificationChange>"
        "<Notification>2</Notification><AccessListChange>0</AccessListChange>"
        '<AccessList enc:arrayType="xsd:string[0]"></AccessList></SetParameterAttributesStruct>'
        "<SetParameterAttributesStruct><Name>Device.B.</Name><NotificationChange>1</NotificationChange>"
        "<Notification>0</Notification><AccessListChange>1</AccessListChange>"
        '<AccessList enc:arrayType="xsd:string[1]"><string>Subscriber</string></AccessList>'
        "</SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>",
    ),
    (
        GetParameterAttributes(("Device.A",)),
        '<cwmp:GetParameterAttributes><ParameterNames enc:arrayType="xsd:string[1]"><string>Device.A</string>'
        "</ParameterNames></cwmp:GetParameterAttributes>",
    ),
    *(
        (
            request("Device.A.", "key"),
            f"<cwmp:{request.__name__}><ObjectName>Device.A.</ObjectName><ParameterKey>key</ParameterKey>"
            f"</cwmp:{request.__name__}>",
        )
        for request in (AddObject, DeleteObject)
    ),
    (Reboot("key"), "<cwmp:Reboot><CommandKey>key</CommandKey></cwmp:Reboot>"),
    (FactoryReset(), "<cwmp:FactoryReset></cwmp:FactoryReset>"),
    (
        Download("key", FIRMWARE, URL, "u", "p", 5, "f.bin", 6, "http://s", "http://f"),
        f"<cwmp:Download><CommandKey>key</CommandKey><FileType>{FIRMWARE}</FileType><URL>{escape(URL)}</URL>"
        "<Username>u</Username><Password>p</Password><FileSize>5</FileSize><TargetFileName>f.bin</TargetFileName>"
        "<DelaySeconds>6</DelaySeconds><SuccessURL>http://s</SuccessURL><FailureURL>http://f</FailureURL>"
        "</cwmp:Download>",
    ),
    (
        Upload("key", "1 Vendor Configuration File", URL, delay_seconds=9),
        f"<cwmp:Upload><CommandKey>key</CommandKey><FileType>1 Vendor Configuration File</FileType>"
        f"<URL>{escape(URL)}</URL><Username></Username><Password></Password><DelaySeconds>9</DelaySeconds>"
        "</cwmp:Upload>",
    ),
    (
        ScheduleInform(60, "key"),
        "<cwmp:ScheduleInform><DelaySeconds>60</DelaySeconds><CommandKey>key</CommandKey></cwmp:ScheduleInform>",
    ),
    (
        ScheduleDownload(
            "key", FIRMWARE, URL, (TimeWindow(0, 60), TimeWindow(90, 99, "4 Confirmation Needed", "Ok?", 3))
        ),
        f"<cwmp:ScheduleDownload><CommandKey>key</CommandKey><FileType>{FIRMWARE}</FileType><URL>{escape(URL)}</URL>"
        "<Username></Username><Password></Password><FileSize>0</FileSize><TargetFileName></TargetFileName>"
        '<TimeWindowList enc:arrayType="cwmp:TimeWindowStruct[2]"><TimeWindowStruct><WindowStart>0</WindowStart>'
        "<WindowEnd>60</WindowEnd><WindowMode>1 At Any Time</WindowMode><UserMessage></UserMessage>"
        "<MaxRetries>-1</MaxRetries></TimeWindowStruct><TimeWindowStruct><WindowStart>90</WindowStart>"
        "<WindowEnd>99</WindowEnd><WindowMode>4 Confirmation Needed</WindowMode><UserMessage>Ok?</UserMessage>"
        "<MaxRetries>3</MaxRetries></TimeWindowStruct></TimeWindowList></cwmp:ScheduleDownload>",
    ),
    (
        ChangeDUState(
            (
                DuOperation("Install", URL, UUID, "u", "p", "Device.SoftwareModules.ExecEnv.1", "ignored"),
                DuOperation("Install", URL),
                DuOperation("Update", URL, UUID, "u", "p", version="2"),
                DuOperation(
                    "Uninstall", uuid=UUID, version="2", execution_environment="Device.SoftwareModules.ExecEnv.1"
                ),
            ),
            "key",
        ),
        f'<cwmp:ChangeDUState><Operations xsi:type="cwmp:InstallOpStruct"><URL>{escape(URL)}</URL><UUID>{UUID}</UUID>'
        "<Username>u</Username><Password>p</Password><ExecutionEnvRef>Device.SoftwareModules.ExecEnv.1"
        '</ExecutionEnvRef></Operations><Operations xsi:type="cwmp:InstallOpStruct">'
        f"<URL>{escape(URL)}</URL></Operations>"
        f'<Operations xsi:type="cwmp:UpdateOpStruct"><UUID>{UUID}</UUID><Version>2</Version><URL>{escape(URL)}</URL>'
        "<Username>u</Username><Password>p</Password></Operations>"
        f'<Operations xsi:type="cwmp:UninstallOpStruct"><UUID>{UUID}</UUID><Version>2</Version>'
        "<ExecutionEnvRef>Device.SoftwareModules.ExecEnv.1</ExecutionEnvRef></Operations>"
        "<CommandKey>key</CommandKey></cwmp:ChangeDUState>",
    ),
    (CancelTransfer("key"), "<cwmp:CancelTransfer><CommandKey>key</CommandKey></cwmp:CancelTransfer>"),
]
NAMES = [f"{number}-{type(message).__name__}" for number, (message, _) in enumerate(WRITTEN)]


@pytest.mark.parametrize(("message", "body"), WRITTEN, ids=NAMES)
def test_a_message_is_written_as_the_schema_has_it(message: ToCpe, body: str) -> None:
    written = encode(message, soap.DEFAULT_NAMESPACE, "7").decode()
    assert written.partition("<soap:Body>")[2] == f"{body}</soap:Body></soap:Envelope>"
    assert '<soap:Header><cwmp:ID soap:mustUnderstand="1">7</cwmp:ID></soap:Header>' in written
    etree.fromstring(written.encode())


def test_every_message_there_is_stands_in_the_table() -> None:
    assert {type(message) for message, _ in WRITTEN} == set(typing.get_args(ToCpe))


def test_a_cpe_that_offers_versions_is_told_which_to_use() -> None:
    root = etree.fromstring(encode(InformResponse("1.4"), soap.NAMESPACES[2], None))
    (used,) = root.iter(f"{{{soap.NAMESPACES[2]}}}UseCWMPVersion")
    assert (used.text, used.get(f"{{{SOAP}}}mustUnderstand")) == ("1.4", "1")


def test_characters_that_xml_cannot_spell_are_left_out() -> None:
    root = etree.fromstring(encode(Reboot("a\x00\x1b\ud800b\tc\ufffe"), soap.DEFAULT_NAMESPACE, None))
    assert root.findtext(".//CommandKey") == "ab\tc"


@pytest.mark.parametrize("message", [message for message, _ in WRITTEN], ids=NAMES)
@pytest.mark.parametrize("minor", range(5))
def test_a_request_is_unknown_to_a_cpe_whose_schema_has_it_not(message: ToCpe, minor: int) -> None:
    new = isinstance(message, ScheduleDownload | CancelTransfer | ChangeDUState)
    fault = unknown_to(soap.NAMESPACES[minor], message)  # type: ignore[arg-type]
    assert (fault is not None) == (new and minor < 2)
    assert fault is None or fault.code == 9000


def test_a_cpe_that_shows_no_namespace_is_asked_everything() -> None:
    assert unknown_to(None, CancelTransfer("key")) is None


# What the schemas import, as far as they use it: SOAP 1.1 itself is not among the Broadband Forum's files.
IMPORTED = {
    SOAP: f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{SOAP}">'
    '<xs:attribute name="mustUnderstand" type="xs:string"/></xs:schema>',
    ENCODING: f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{ENCODING}" '
    f'xmlns:t="{ENCODING}"><xs:attribute name="arrayType" type="xs:string"/><xs:complexType name="Array"><xs:sequence>'
    '<xs:any namespace="##any" minOccurs="0" maxOccurs="unbounded" processContents="lax"/></xs:sequence>'
    '<xs:attribute ref="t:arrayType"/></xs:complexType><xs:simpleType name="base64">'
    '<xs:restriction base="xs:base64Binary"/></xs:simpleType></xs:schema>',
}


class Imported(etree.Resolver):
    """Answers what the schemas import; nothing is fetched."""

    def resolve(self, url: str, public_id: str, context: object) -> object:  # type: ignore[override]  # lxml passes it
        return self.resolve_string(IMPORTED[url], context)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def schemas(data_folder: Path) -> dict[str, etree.XMLSchema]:
    """By CWMP namespace."""
    found = {}
    for namespace in soap.NAMESPACES[:3]:
        path = data_folder / "cwmp" / f"{namespace.rpartition(':')[2]}.xsd"
        if not path.is_file():
            pytest.skip(f"no {path.name} in {path.parent}: it is in BroadbandForum/cwmp-data-models")
        parser = etree.XMLParser(no_network=True)
        parser.resolvers.add(Imported())
        found[namespace] = etree.XMLSchema(etree.parse(io.BytesIO(path.read_bytes()), parser))
    return found


@pytest.mark.parametrize("message", [message for message, _ in WRITTEN], ids=NAMES)
def test_a_message_is_valid_by_the_schemas_that_have_it(schemas: dict[str, etree.XMLSchema], message: ToCpe) -> None:
    valid = 0
    for namespace, schema in schemas.items():
        body = etree.fromstring(encode(message, namespace, "7")).find(f"{{{SOAP}}}Body")
        assert body is not None
        element = body[0].find("detail")[0] if isinstance(message, Fault) else body[0]  # type: ignore[index]
        document = etree.fromstring(etree.tostring(element))
        name = re.sub(r"\{.*\}", "", str(document.tag))
        if schema.validate(document):
            valid += 1
        else:
            assert "No matching global declaration" in str(schema.error_log), (name, namespace, schema.error_log)
    assert valid
