"""CWMP's SOAP as a CPE reads and writes it (TR-069 Amendment 6, Annex A). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_CWMP = "urn:dslforum-org:cwmp-1-2"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


class CwmpFault(Exception):
    """The CPE refuses a request: code, text, and (path, code, text) for each parameter refused."""

    def __init__(self, code: int, message: str, parameters: tuple[tuple[str, int, str], ...] = ()) -> None:
        self.code = code
        self.message = message
        self.parameters = parameters
        super().__init__(f"{code} {message}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the ACS: ``values`` maps paths to text and type; what the method does not have is empty."""

    method: str
    id: str
    paths: tuple[str, ...] = ()
    next_level: bool = False
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    parameter_key: str = ""


def read_request(body: bytes) -> Request:
    """The request in an envelope of the ACS; raises lxml's error for what is no XML, ValueError for what is no SOAP."""
    envelope = etree.fromstring(body, _PARSER)
    message = envelope.find(f"{{{_SOAP}}}Body/*")
    if message is None:
        raise ValueError("the ACS sent an envelope without a message")
    structs = message.findall("ParameterList/ParameterValueStruct")
    paths = [element.text or "" for element in message.findall("ParameterNames/string")]
    path = message.findtext("ParameterPath")
    return Request(
        method=etree.QName(message).localname,
        id=envelope.findtext(f"{{{_SOAP}}}Header/{{*}}ID") or "",
        paths=tuple(paths) if path is None else (path,),
        next_level=(message.findtext("NextLevel") or "").strip().lower() in {"1", "true"},
        values={struct.findtext("Name") or "": _typed_text(struct.find("Value")) for struct in structs},
        parameter_key=message.findtext("ParameterKey") or "",
    )


def _typed_text(value: "etree._Element | None") -> tuple[str, str]:
    if value is None:
        return "", "string"
    xsi_type = value.get("{http://www.w3.org/2001/XMLSchema-instance}type") or "string"
    return value.text or "", str(xsi_type).rpartition(":")[2]


def inform_envelope(
    device: tuple[str, str, str, str], events: Sequence[str], parameters: Mapping[str, str], retry_count: int
) -> str:
    """An Inform; ``device`` is manufacturer, OUI, product class, serial number."""
    manufacturer, oui, product_class, serial = (escape(text) for text in device)
    structs = "".join(
        f"<EventStruct><EventCode>{escape(code)}</EventCode><CommandKey></CommandKey></EventStruct>" for code in events
    )
    return _envelope(
        "1",
        f"<cwmp:Inform><DeviceId><Manufacturer>{manufacturer}</Manufacturer><OUI>{oui}</OUI>"
        f"<ProductClass>{product_class}</ProductClass><SerialNumber>{serial}</SerialNumber></DeviceId>"
        f'<Event soap-enc:arrayType="cwmp:EventStruct[{len(events)}]">{structs}</Event>'
        "<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>1970-01-01T00:01:09Z</CurrentTime>"
        f"<RetryCount>{retry_count}</RetryCount>{_value_list(parameters)}</cwmp:Inform>",
    )


def methods_response(request: Request, methods: Sequence[str]) -> str:
    """The methods this CPE has."""
    listed = "".join(f"<string>{method}</string>" for method in methods)
    body = f'<MethodList soap-enc:arrayType="xsd:string[{len(methods)}]">{listed}</MethodList>'
    return _response(request, body)


def names_response(request: Request, names: Mapping[str, bool]) -> str:
    """Paths and whether they can be written."""
    listed = "".join(
        f"<ParameterInfoStruct><Name>{escape(name)}</Name><Writable>{int(writable)}</Writable></ParameterInfoStruct>"
        for name, writable in names.items()
    )
    kind = f"cwmp:ParameterInfoStruct[{len(names)}]"
    return _response(request, f'<ParameterList soap-enc:arrayType="{kind}">{listed}</ParameterList>')


def values_response(request: Request, values: Mapping[str, str]) -> str:
    """Values by path."""
    return _response(request, _value_list(values))


def set_response(request: Request) -> str:
    """All values are set and applied."""
    return _response(request, "<Status>0</Status>")


def fault_envelope(request: Request, refused: CwmpFault) -> str:
    """A CWMP fault, with one SetParameterValuesFault for each parameter refused (A.5)."""
    parameters = "".join(
        f"<SetParameterValuesFault><ParameterName>{escape(path)}</ParameterName><FaultCode>{code}</FaultCode>"
        f"<FaultString>{escape(text)}</FaultString></SetParameterValuesFault>"
        for path, code, text in refused.parameters
    )
    return _envelope(
        request.id,
        "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
        f"<FaultCode>{refused.code}</FaultCode><FaultString>{escape(refused.message)}</FaultString>{parameters}"
        "</cwmp:Fault></detail></soap-env:Fault>",
    )


def _response(request: Request, body: str) -> str:
    return _envelope(request.id, f"<cwmp:{request.method}Response>{body}</cwmp:{request.method}Response>")


def _value_list(values: Mapping[str, str]) -> str:
    structs = "".join(
        f"<ParameterValueStruct><Name>{escape(path)}</Name>"
        f'<Value xsi:type="xsd:string">{escape(text)}</Value></ParameterValueStruct>'
        for path, text in values.items()
    )
    kind = f"cwmp:ParameterValueStruct[{len(values)}]"
    return f'<ParameterList soap-enc:arrayType="{kind}">{structs}</ParameterList>'


def _envelope(message_id: str, body: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-env="{_SOAP}"'
        ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cwmp="{_CWMP}"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">{escape(message_id)}</cwmp:ID>'
        f"</soap-env:Header><soap-env:Body>{body}</soap-env:Body></soap-env:Envelope>"
    )
