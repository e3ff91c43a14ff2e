"""CWMP messages in SOAP 1.1: a CPE's bytes into messages, the ACS's messages into bytes.

Pure. Reading takes what devices in the field send (any prefix, no Header, wrong array counts, no xsi:type, missing
or repeated elements); writing is strict. Source: TR-069 Amendment 6, §3.5 and Annex A; cwmp-1-0.xsd to cwmp-1-4.xsd.
"""

from collections.abc import Callable
from xml.sax.saxutils import escape as _escape_markup

from ztpd.acs import xml
from ztpd.acs.errors import NotCwmp
from ztpd.acs.messages import (
    Acknowledged,
    DeviceId,
    Empty,
    Envelope,
    Event,
    Fault,
    FromCpe,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    Notice,
    SetParameterValuesFault,
    SetParameterValuesResponse,
    Unknown,
)
from ztpd.acs.requests import (
    FactoryReset,
    GetParameterValues,
    InformResponse,
    NoticeResponse,
    Reboot,
    SetParameterValues,
    ToCpe,
)

DEFAULT_NAMESPACE = "urn:dslforum-org:cwmp-1-0"
NAMESPACES = frozenset(f"urn:dslforum-org:cwmp-1-{minor}" for minor in range(5))
NOTICES = (
    "TransferComplete",
    "AutonomousTransferComplete",
    "DUStateChangeComplete",
    "AutonomousDUStateChangeComplete",
    "RequestDownload",
)
ACS_METHODS = ("Inform", "GetRPCMethods", *NOTICES)

_MAX_TEXT = 256  # of what is shown or logged; TR-069 allows no identifier and no fault string beyond
_MAX_FAULTS = 64


def decode(body: bytes) -> Envelope:
    """The message in the body of a CPE's POST; an empty body is ``Empty``. Raises ``SoapError``."""
    if not body.strip():
        return Envelope(Empty())
    document = xml.parse(body)
    if document.root.name != "Envelope":
        raise NotCwmp("the root is not a SOAP Envelope", document.root.name[:_MAX_TEXT])
    soap_body = document.root.child("Body")
    if soap_body is None:
        raise NotCwmp("no Body", "Envelope")
    message = _message(soap_body.children[0]) if soap_body.children else Empty()
    namespace = document.cwmp_namespace if document.cwmp_namespace in NAMESPACES else None
    return Envelope(message, namespace, _header_id(document.root))


def _header_id(envelope: xml.Element) -> str | None:
    header = envelope.child("Header")
    element = header.child("ID") if header is not None else None
    return element.text if element is not None else None


def _message(element: xml.Element) -> FromCpe:
    reader = _READERS.get(element.name)
    return reader(element) if reader is not None else Unknown(element.name[:_MAX_TEXT])


def _inform(element: xml.Element) -> Inform:
    return Inform(
        device=_device_id(element),
        events=_events(element),
        parameters=_parameters(element),
        retry_count=_integer(element.text_of("RetryCount")),
        current_time=element.text_of("CurrentTime")[:_MAX_TEXT],
    )


def _device_id(inform: xml.Element) -> DeviceId:
    element = inform.child("DeviceId")
    if element is None:
        raise NotCwmp("no DeviceId", "Inform")
    texts = {name: element.text_of(name) for name in ("Manufacturer", "OUI", "ProductClass", "SerialNumber")}
    if not texts["SerialNumber"]:
        raise NotCwmp("no SerialNumber", "Inform/DeviceId")
    for name, text in texts.items():
        if len(text) > _MAX_TEXT:  # cut off, two devices could become one
            raise NotCwmp(f"longer than {_MAX_TEXT} characters", f"Inform/DeviceId/{name}")
    return DeviceId(texts["Manufacturer"], texts["OUI"], texts["ProductClass"], texts["SerialNumber"])


def _events(inform: xml.Element) -> tuple[Event, ...]:
    """Every EventCode of every EventStruct: some devices put several into one."""
    array = inform.child("Event")
    return tuple(
        Event(code.text.strip()[:_MAX_TEXT], struct.text_of("CommandKey")[:_MAX_TEXT])
        for struct in (array.children if array is not None else ())
        for code in struct.children
        if code.name == "EventCode"
    )


def _parameters(element: xml.Element) -> dict[str, str]:
    array = element.child("ParameterList")
    values: dict[str, str] = {}
    for struct in array.children if array is not None else ():
        name = "".join(struct.text_of("Name").split())  # some devices break lines within a name
        if name:
            values[name] = struct.text_of("Value")
    return values


def _values_read(element: xml.Element) -> GetParameterValuesResponse:
    return GetParameterValuesResponse(_parameters(element))


def _values_set(element: xml.Element) -> SetParameterValuesResponse:
    return SetParameterValuesResponse(_integer(element.text_of("Status")))


def _fault(element: xml.Element) -> Fault:
    """A SOAP Fault; the CWMP one is in its detail, or missing, or in its place (A.5)."""
    detail = element.child("detail") or element
    cwmp = detail.child("Fault") or detail
    message = cwmp.text_of("FaultString") or element.text_of("faultstring")
    refused = tuple(
        SetParameterValuesFault(
            parameter="".join(child.text_of("ParameterName").split())[:_MAX_TEXT],
            code=_integer(child.text_of("FaultCode")),
            message=child.text_of("FaultString")[:_MAX_TEXT],
        )
        for child in cwmp.children
        if child.name == "SetParameterValuesFault"
    )
    return Fault(_integer(cwmp.text_of("FaultCode")), message[:_MAX_TEXT], refused[:_MAX_FAULTS])


def _notice(element: xml.Element) -> Notice:
    fault = element.child("FaultStruct")
    return Notice(
        method=element.name,
        command_key=element.text_of("CommandKey")[:_MAX_TEXT],
        fault_code=_integer(fault.text_of("FaultCode")) if fault is not None else 0,
        fault_message=fault.text_of("FaultString")[:_MAX_TEXT] if fault is not None else "",
    )


def _integer(text: str) -> int:
    """The number, or 0 for what is none: no decision hangs on a number that a device cannot spell."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


_READERS: dict[str, Callable[[xml.Element], FromCpe]] = {
    "Inform": _inform,
    "GetParameterValuesResponse": _values_read,
    "SetParameterValuesResponse": _values_set,
    "RebootResponse": lambda _: Acknowledged("Reboot"),
    "FactoryResetResponse": lambda _: Acknowledged("FactoryReset"),
    "Fault": _fault,
    "GetRPCMethods": lambda _: GetRPCMethods(),
    **dict.fromkeys(NOTICES, _notice),
}


def encode(message: ToCpe, namespace: str, message_id: str | None) -> bytes:
    """The message as an envelope in this CWMP namespace, with this ID in its Header (None: no Header)."""
    header = (
        f'<soap:Header><cwmp:ID soap:mustUnderstand="1">{_escape(message_id)}</cwmp:ID></soap:Header>'
        if message_id is not None
        else ""
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cwmp="{namespace}">{header}<soap:Body>{_written(message)}</soap:Body></soap:Envelope>'
    ).encode()


def _written(message: ToCpe) -> str:
    match message:
        case InformResponse():
            return "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"
        case NoticeResponse(method):
            return f"<cwmp:{method}Response></cwmp:{method}Response>"
        case GetRPCMethodsResponse(methods):
            listed = _strings("MethodList", methods)
            return f"<cwmp:GetRPCMethodsResponse>{listed}</cwmp:GetRPCMethodsResponse>"
        case GetParameterValues(paths):
            return f"<cwmp:GetParameterValues>{_strings('ParameterNames', paths)}</cwmp:GetParameterValues>"
        case SetParameterValues():
            return _set_parameter_values(message)
        case Fault():
            return _acs_fault(message)
        case Reboot(key):
            return f"<cwmp:Reboot><CommandKey>{_escape(key)}</CommandKey></cwmp:Reboot>"
        case FactoryReset():
            return "<cwmp:FactoryReset></cwmp:FactoryReset>"
        case _:
            raise NotImplementedError(type(message).__name__)


def _set_parameter_values(message: SetParameterValues) -> str:
    values = "".join(
        f"<ParameterValueStruct><Name>{_escape(value.path)}</Name>"
        f'<Value xsi:type="xsd:{value.type}">{_escape(value.text)}</Value></ParameterValueStruct>'
        for value in message.values
    )
    return (
        "<cwmp:SetParameterValues>"
        f'<ParameterList enc:arrayType="cwmp:ParameterValueStruct[{len(message.values)}]">{values}</ParameterList>'
        f"<ParameterKey>{_escape(message.parameter_key)}</ParameterKey></cwmp:SetParameterValues>"
    )


def _acs_fault(fault: Fault) -> str:
    return (
        "<soap:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
        f"<FaultCode>{fault.code}</FaultCode><FaultString>{_escape(fault.message)}</FaultString>"
        "</cwmp:Fault></detail></soap:Fault>"
    )


def _strings(name: str, items: tuple[str, ...]) -> str:
    listed = "".join(f"<string>{_escape(item)}</string>" for item in items)
    return f'<{name} enc:arrayType="xsd:string[{len(items)}]">{listed}</{name}>'


def _escape(text: str) -> str:
    return _escape_markup(text, {'"': "&quot;", "\r": "&#13;"})
