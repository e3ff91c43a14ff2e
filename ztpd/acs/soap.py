"""CWMP messages in SOAP 1.1: a CPE's bytes into messages. ``soap_writing`` is the other way.

Pure. Taken is what devices in the field send: any prefix, no Header, wrong array counts, no xsi:type, missing or
repeated elements. Source: TR-069 Amendment 6, §3.5 and Annex A; cwmp-1-0.xsd to cwmp-1-4.xsd.
"""

from collections.abc import Callable, Iterable

from ztpd.acs import xml
from ztpd.acs.errors import NotCwmp
from ztpd.acs.messages import (
    Acknowledged,
    AddObjectResponse,
    DeleteObjectResponse,
    DeviceId,
    Empty,
    Envelope,
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
from ztpd.acs.xml import Element, own_text, text_of

NAMESPACES = tuple(f"urn:dslforum-org:cwmp-1-{minor}" for minor in range(5))
"""By minor version. CWMP 1.3 and 1.4 stay in cwmp-1-2 by their schemas, but devices in the field name their own."""
DEFAULT_NAMESPACE = NAMESPACES[0]
VERSIONS = tuple(f"1.{minor}" for minor in range(5))
"""The CWMP versions that are spoken, oldest first."""
NOTICES = (
    "TransferComplete",
    "AutonomousTransferComplete",
    "DUStateChangeComplete",
    "AutonomousDUStateChangeComplete",
    "RequestDownload",
    "Kicked",
)
"""What a CPE tells of itself; all but Kicked are answered with an empty response (A.3.3, A.4.2)."""
ACS_METHODS = ("Inform", "GetRPCMethods", *NOTICES)

_MAX_TEXT = 256  # of what is shown or logged; TR-069 allows no identifier and no fault string beyond
_MAX_FACT = 1024  # TR-069 allows no URL beyond
_MAX_FACTS = 128
_MAX_FAULTS = 64
_MAX_ID = 1024  # an ID is kept and sent back: a longer one is no device's
_DONE_BY_ANSWERING = (
    "SetParameterAttributes",
    "Reboot",
    "FactoryReset",
    "ScheduleInform",
    "ScheduleDownload",
    "ChangeDUState",
    "CancelTransfer",
)


def decode(body: bytes) -> Envelope:
    """The message in the body of a CPE's POST; an empty body is ``Empty``. Raises ``SoapError``."""
    if not body.strip():
        return Envelope(Empty())
    document = xml.parse(body)
    if document.root.tag != "Envelope":
        raise NotCwmp("the root is not a SOAP Envelope", document.root.tag[:_MAX_TEXT])
    soap_body = document.root.find("Body")
    if soap_body is None:
        raise NotCwmp("no Body", "Envelope")
    message = _message(soap_body[0]) if len(soap_body) else Empty()
    namespace = document.cwmp_namespace if document.cwmp_namespace in NAMESPACES else None
    header = document.root.find("Header")
    if header is None:
        return Envelope(message, namespace)
    return Envelope(message, namespace, _header_id(header), _versions(header))


def _header_id(header: Element) -> str | None:
    element = header.find("ID")
    shown = None if element is None else element.text or ""
    return None if shown is None or len(shown) > _MAX_ID else shown


def _versions(header: Element) -> tuple[str, ...]:
    """Those of the CWMP versions offered that are spoken here."""
    offered = [version.strip() for version in text_of(header, "SupportedCWMPVersions").split(",")]
    return tuple(version for version in VERSIONS if version in offered)


def _message(element: Element) -> FromCpe:
    reader = _READERS.get(element.tag)
    return reader(element) if reader is not None else Unknown(element.tag[:_MAX_TEXT])


def _inform(element: Element) -> Inform:
    return Inform(
        device=_device_id(element),
        events=_events(element),
        parameters=_parameters(element),
        retry_count=_integer(text_of(element, "RetryCount")),
        current_time=text_of(element, "CurrentTime")[:_MAX_TEXT],
    )


def _device_id(inform: Element) -> DeviceId:
    element = inform.find("DeviceId")
    if element is None:
        raise NotCwmp("no DeviceId", "Inform")
    texts = {name: text_of(element, name) for name in ("Manufacturer", "OUI", "ProductClass", "SerialNumber")}
    if not texts["SerialNumber"]:
        raise NotCwmp("no SerialNumber", "Inform/DeviceId")
    for name, text in texts.items():
        if len(text) > _MAX_TEXT:  # cut off, two devices could become one
            raise NotCwmp(f"longer than {_MAX_TEXT} characters", f"Inform/DeviceId/{name}")
    return DeviceId(texts["Manufacturer"], texts["OUI"], texts["ProductClass"], texts["SerialNumber"])


def _events(inform: Element) -> tuple[Event, ...]:
    """Every EventCode of every EventStruct: some devices put several into one."""
    array = inform.find("Event")
    return tuple(
        Event(own_text(code)[:_MAX_TEXT], text_of(struct, "CommandKey")[:_MAX_TEXT])
        for struct in (array if array is not None else ())
        for code in struct
        if code.tag == "EventCode"
    )


def _parameters(element: Element) -> dict[str, str]:
    values = {_path(struct, "Name"): text_of(struct, "Value") for struct in _structs(element)}
    values.pop("", None)
    return values


def _structs(element: Element) -> Iterable[Element]:
    array = element.find("ParameterList")
    return array if array is not None else []


def _path(struct: Element, name: str) -> str:
    return "".join(text_of(struct, name).split())  # some devices break lines within a name


def _values_read(element: Element) -> GetParameterValuesResponse:
    return GetParameterValuesResponse(_parameters(element))


def _values_set(element: Element) -> SetParameterValuesResponse:
    return SetParameterValuesResponse(_integer(text_of(element, "Status")))


def _names(element: Element) -> GetParameterNamesResponse:
    names = {_path(struct, "Name"): _boolean(text_of(struct, "Writable")) for struct in _structs(element)}
    return GetParameterNamesResponse({name: writable for name, writable in names.items() if name})


def _attributes(element: Element) -> GetParameterAttributesResponse:
    return GetParameterAttributesResponse(
        tuple(
            ParameterAttributes(path, _integer(text_of(struct, "Notification")), _access(struct))
            for struct in _structs(element)
            if (path := _path(struct, "Name"))
        )
    )


def _access(struct: Element) -> tuple[str, ...] | None:
    array = struct.find("AccessList")
    return None if array is None else tuple(own_text(child)[:_MAX_TEXT] for child in array)


def _object_added(element: Element) -> AddObjectResponse:
    return AddObjectResponse(_integer(text_of(element, "InstanceNumber")), _integer(text_of(element, "Status")))


def _object_deleted(element: Element) -> DeleteObjectResponse:
    return DeleteObjectResponse(_integer(text_of(element, "Status")))


def _transfer(element: Element) -> TransferResponse:
    return TransferResponse(
        method=element.tag.removesuffix("Response"),
        status=_integer(text_of(element, "Status")),
        started_at=text_of(element, "StartTime")[:_MAX_TEXT],
        completed_at=text_of(element, "CompleteTime")[:_MAX_TEXT],
    )


def _acknowledged(element: Element) -> Acknowledged:
    return Acknowledged(element.tag.removesuffix("Response"))


def _methods(element: Element) -> GetRPCMethodsResponse:
    array = element.find("MethodList")
    listed = (own_text(child)[:_MAX_TEXT] for child in (array if array is not None else ()))
    return GetRPCMethodsResponse(tuple(method for method in listed if method))


def _fault(element: Element) -> Fault:
    """A SOAP Fault; the CWMP one is in its detail, or missing, or in its place (A.5)."""
    detail = _within(element, "detail")
    cwmp = _within(detail, "Fault")
    message = text_of(cwmp, "FaultString") or text_of(element, "faultstring")
    refused = tuple(
        SetParameterValuesFault(
            parameter=_path(child, "ParameterName")[:_MAX_TEXT],
            code=_integer(text_of(child, "FaultCode")),
            message=text_of(child, "FaultString")[:_MAX_TEXT],
        )
        for child in cwmp
        if child.tag == "SetParameterValuesFault"
    )
    return Fault(_integer(text_of(cwmp, "FaultCode")), message[:_MAX_TEXT], refused[:_MAX_FAULTS])


def _within(element: Element, name: str) -> Element:
    """The child of that name, or in its place the element itself."""
    child = element.find(name)
    return element if child is None else child


def _notice(element: Element) -> Notice:
    fault = next((fault for fault in _faults_told(element) if _integer(text_of(fault, "FaultCode"))), None)
    return Notice(
        method=element.tag,
        command_key=text_of(element, "CommandKey")[:_MAX_TEXT],
        fault_code=_integer(text_of(fault, "FaultCode")) if fault is not None else 0,
        fault_message=text_of(fault, "FaultString")[:_MAX_TEXT] if fault is not None else "",
        facts=_facts(element),
    )


def _faults_told(element: Element) -> list[Element]:
    """The FaultStruct of a transfer, or the Fault of each Results of a change of software modules."""
    results = (child for child in element if child.tag == "Results")
    told = (element.find("FaultStruct"), *(result.find("Fault") for result in results))
    return [fault for fault in told if fault is not None]


def _facts(notice: Element) -> dict[str, str]:
    """Every text by its path: what repeats (Results, the structs of an array) by its number, counted from 1."""
    facts: dict[str, str] = {}
    results = 0
    for child in notice:
        if child.tag == "Results":
            results += 1
            _keep(facts, f"Results.{results}", child)
        elif len(child) and child.tag != "FaultStruct":
            for number, struct in enumerate(child, start=1):
                _keep(facts, f"{child.tag[:_MAX_TEXT]}.{number}", struct)
        elif child.tag not in ("CommandKey", "FaultStruct"):
            _keep(facts, child.tag, child)
    return facts


def _keep(facts: dict[str, str], path: str, element: Element) -> None:
    """Keep what the element holds under its path, until there is enough."""
    if len(facts) >= _MAX_FACTS or len(path) > _MAX_TEXT:
        return
    if not len(element):
        facts[path] = own_text(element)[:_MAX_FACT]
    for child in element:
        _keep(facts, f"{path}.{child.tag[:_MAX_TEXT]}", child)


def _integer(text: str) -> int:
    """The number, or 0 for what is none: no decision hangs on a number that a device cannot spell."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


def _boolean(text: str) -> bool:
    return text.lower() in ("1", "true")


_READERS: dict[str, Callable[[Element], FromCpe]] = {
    "Inform": _inform,
    "GetRPCMethods": lambda _: GetRPCMethods(),
    **dict.fromkeys(NOTICES, _notice),
    "Fault": _fault,
    "GetRPCMethodsResponse": _methods,
    "GetParameterValuesResponse": _values_read,
    "SetParameterValuesResponse": _values_set,
    "GetParameterNamesResponse": _names,
    "GetParameterAttributesResponse": _attributes,
    "AddObjectResponse": _object_added,
    "DeleteObjectResponse": _object_deleted,
    "DownloadResponse": _transfer,
    "UploadResponse": _transfer,
    **{f"{method}Response": _acknowledged for method in _DONE_BY_ANSWERING},
}
