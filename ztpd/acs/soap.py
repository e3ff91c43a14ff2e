"""CWMP messages in SOAP 1.1: a CPE's bytes into messages. ``soap_writing`` is the other way.

Pure. Taken is what devices in the field send: any prefix, no Header, wrong array counts, no xsi:type, missing or
repeated elements. Source: TR-069 Amendment 6, §3.5 and Annex A; cwmp-1-0.xsd to cwmp-1-4.xsd.
"""

from collections.abc import Callable

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
    if document.root.name != "Envelope":
        raise NotCwmp("the root is not a SOAP Envelope", document.root.name[:_MAX_TEXT])
    soap_body = document.root.child("Body")
    if soap_body is None:
        raise NotCwmp("no Body", "Envelope")
    message = _message(soap_body.children[0]) if soap_body.children else Empty()
    namespace = document.cwmp_namespace if document.cwmp_namespace in NAMESPACES else None
    header = document.root.child("Header") or xml.Element("Header")
    return Envelope(message, namespace, _header_id(header), _versions(header))


def _header_id(header: xml.Element) -> str | None:
    element = header.child("ID")
    return element.text if element is not None and len(element.text) <= _MAX_ID else None


def _versions(header: xml.Element) -> tuple[str, ...]:
    """Those of the CWMP versions offered that are spoken here."""
    offered = [version.strip() for version in header.text_of("SupportedCWMPVersions").split(",")]
    return tuple(version for version in VERSIONS if version in offered)


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
    values = {_path(struct, "Name"): struct.text_of("Value") for struct in _structs(element)}
    values.pop("", None)
    return values


def _structs(element: xml.Element) -> list[xml.Element]:
    array = element.child("ParameterList")
    return array.children if array is not None else []


def _path(struct: xml.Element, name: str) -> str:
    return "".join(struct.text_of(name).split())  # some devices break lines within a name


def _values_read(element: xml.Element) -> GetParameterValuesResponse:
    return GetParameterValuesResponse(_parameters(element))


def _values_set(element: xml.Element) -> SetParameterValuesResponse:
    return SetParameterValuesResponse(_integer(element.text_of("Status")))


def _names(element: xml.Element) -> GetParameterNamesResponse:
    names = {_path(struct, "Name"): _boolean(struct.text_of("Writable")) for struct in _structs(element)}
    return GetParameterNamesResponse({name: writable for name, writable in names.items() if name})


def _attributes(element: xml.Element) -> GetParameterAttributesResponse:
    return GetParameterAttributesResponse(
        tuple(
            ParameterAttributes(path, _integer(struct.text_of("Notification")), _access(struct))
            for struct in _structs(element)
            if (path := _path(struct, "Name"))
        )
    )


def _access(struct: xml.Element) -> tuple[str, ...] | None:
    array = struct.child("AccessList")
    return None if array is None else tuple(child.text.strip()[:_MAX_TEXT] for child in array.children)


def _object_added(element: xml.Element) -> AddObjectResponse:
    return AddObjectResponse(_integer(element.text_of("InstanceNumber")), _integer(element.text_of("Status")))


def _object_deleted(element: xml.Element) -> DeleteObjectResponse:
    return DeleteObjectResponse(_integer(element.text_of("Status")))


def _transfer(element: xml.Element) -> TransferResponse:
    return TransferResponse(
        method=element.name.removesuffix("Response"),
        status=_integer(element.text_of("Status")),
        started_at=element.text_of("StartTime")[:_MAX_TEXT],
        completed_at=element.text_of("CompleteTime")[:_MAX_TEXT],
    )


def _acknowledged(element: xml.Element) -> Acknowledged:
    return Acknowledged(element.name.removesuffix("Response"))


def _methods(element: xml.Element) -> GetRPCMethodsResponse:
    array = element.child("MethodList")
    listed = (child.text.strip()[:_MAX_TEXT] for child in (array.children if array is not None else ()))
    return GetRPCMethodsResponse(tuple(method for method in listed if method))


def _fault(element: xml.Element) -> Fault:
    """A SOAP Fault; the CWMP one is in its detail, or missing, or in its place (A.5)."""
    detail = element.child("detail") or element
    cwmp = detail.child("Fault") or detail
    message = cwmp.text_of("FaultString") or element.text_of("faultstring")
    refused = tuple(
        SetParameterValuesFault(
            parameter=_path(child, "ParameterName")[:_MAX_TEXT],
            code=_integer(child.text_of("FaultCode")),
            message=child.text_of("FaultString")[:_MAX_TEXT],
        )
        for child in cwmp.children
        if child.name == "SetParameterValuesFault"
    )
    return Fault(_integer(cwmp.text_of("FaultCode")), message[:_MAX_TEXT], refused[:_MAX_FAULTS])


def _notice(element: xml.Element) -> Notice:
    fault = next((fault for fault in _faults_told(element) if _integer(fault.text_of("FaultCode"))), None)
    return Notice(
        method=element.name,
        command_key=element.text_of("CommandKey")[:_MAX_TEXT],
        fault_code=_integer(fault.text_of("FaultCode")) if fault is not None else 0,
        fault_message=fault.text_of("FaultString")[:_MAX_TEXT] if fault is not None else "",
        facts=_facts(element),
    )


def _faults_told(element: xml.Element) -> list[xml.Element]:
    """The FaultStruct of a transfer, or the Fault of each Results of a change of software modules."""
    results = (child for child in element.children if child.name == "Results")
    return [fault for fault in (element.child("FaultStruct"), *(result.child("Fault") for result in results)) if fault]


def _facts(notice: xml.Element) -> dict[str, str]:
    """Every text by its path: what repeats (Results, the structs of an array) by its number, counted from 1."""
    facts: dict[str, str] = {}
    results = 0
    for child in notice.children:
        if child.name == "Results":
            results += 1
            _keep(facts, f"Results.{results}", child)
        elif child.children and child.name != "FaultStruct":
            for number, struct in enumerate(child.children, start=1):
                _keep(facts, f"{child.name[:_MAX_TEXT]}.{number}", struct)
        elif child.name not in ("CommandKey", "FaultStruct"):
            _keep(facts, child.name, child)
    return facts


def _keep(facts: dict[str, str], path: str, element: xml.Element) -> None:
    """Keep what the element holds under its path, until there is enough."""
    if len(facts) >= _MAX_FACTS or len(path) > _MAX_TEXT:
        return
    if not element.children:
        facts[path] = element.text.strip()[:_MAX_FACT]
    for child in element.children:
        _keep(facts, f"{path}.{child.name[:_MAX_TEXT]}", child)


def _integer(text: str) -> int:
    """The number, or 0 for what is none: no decision hangs on a number that a device cannot spell."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


def _boolean(text: str) -> bool:
    return text.lower() in ("1", "true")


_READERS: dict[str, Callable[[xml.Element], FromCpe]] = {
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
