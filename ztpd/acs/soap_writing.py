"""CWMP messages in SOAP 1.1: the ACS's messages into bytes. ``soap`` is the other way.

Pure. Written is what the schemas say, to the letter: elements in their order, none left out that must be there,
arrays with their type and count. Source: TR-069 Amendment 6, §3.5 and Annex A; cwmp-1-0.xsd, cwmp-1-1.xsd and
cwmp-1-2.xsd, which 1.3 and 1.4 add nothing to but header elements.
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal, assert_never
from xml.sax.saxutils import escape

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
)

_Answer = InformResponse | NoticeResponse | GetRPCMethodsResponse
_OnDataModel = (
    SetParameterValues
    | GetParameterValues
    | GetParameterNames
    | SetParameterAttributes
    | GetParameterAttributes
    | AddObject
    | DeleteObject
)
_Transfer = Download | Upload | ScheduleDownload
_Command = GetRPCMethods | FactoryReset | Reboot | CancelTransfer | ScheduleInform | ChangeDUState | _Transfer

INVALID_ARGUMENTS = 8003  # the one fault of an ACS that is the Client's (TR-069 A.5.2)

_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SOAP_TYPES = {"base64": "enc:base64"}  # every other type of TR-069 A.2.1 is XML Schema's own

# Which of an operation's fields go where, and which of them must be there (cwmp-1-2.xsd: InstallOpStruct …).
_OPERATIONS: dict[Literal["Install", "Update", "Uninstall"], tuple[tuple[str, Callable[[DuOperation], str], bool], ...]]
_OPERATIONS = {
    "Install": (
        ("URL", lambda operation: operation.url, True),
        ("UUID", lambda operation: operation.uuid, False),
        ("Username", lambda operation: operation.username, False),
        ("Password", lambda operation: operation.password, False),
        ("ExecutionEnvRef", lambda operation: operation.execution_environment, False),
    ),
    "Update": (
        ("UUID", lambda operation: operation.uuid, False),
        ("Version", lambda operation: operation.version, False),
        ("URL", lambda operation: operation.url, False),
        ("Username", lambda operation: operation.username, False),
        ("Password", lambda operation: operation.password, False),
    ),
    "Uninstall": (
        ("UUID", lambda operation: operation.uuid, True),
        ("Version", lambda operation: operation.version, False),
        ("ExecutionEnvRef", lambda operation: operation.execution_environment, False),
    ),
}


def encode(message: ToCpe, namespace: str, message_id: str | None) -> bytes:
    """The message as an envelope in this CWMP namespace, with this ID in its Header (None: without one)."""
    header = "" if message_id is None else f'<cwmp:ID soap:mustUnderstand="1">{_text(message_id)}</cwmp:ID>'
    if isinstance(message, InformResponse) and message.version is not None:
        header += f'<cwmp:UseCWMPVersion soap:mustUnderstand="1">{_text(message.version)}</cwmp:UseCWMPVersion>'
    if header:
        header = f"<soap:Header>{header}</soap:Header>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cwmp="{namespace}">{header}<soap:Body>{_written(message)}</soap:Body></soap:Envelope>'
    ).encode()


def _written(message: ToCpe) -> str:
    if isinstance(message, Fault):
        return _fault(message)
    name = f"{message.method}Response" if isinstance(message, NoticeResponse) else type(message).__name__
    if isinstance(message, _Answer):
        arguments = _of_answer(message)
    else:
        arguments = _of_data_model(message) if isinstance(message, _OnDataModel) else _of_command(message)
    return f"<cwmp:{name}>{arguments}</cwmp:{name}>"


def _of_answer(message: _Answer) -> str:
    match message:
        case InformResponse():
            return _element("MaxEnvelopes", 1)
        case NoticeResponse("Kicked", next_url):
            return _element("NextURL", next_url)
        case NoticeResponse():
            return ""
        case GetRPCMethodsResponse(methods):
            return _strings("MethodList", methods)
        case _:
            assert_never(message)


def _of_data_model(message: _OnDataModel) -> str:
    match message:
        case SetParameterValues(values, key):
            return _array("ParameterList", "ParameterValueStruct", map(_value, values)) + _element("ParameterKey", key)
        case GetParameterValues(paths) | GetParameterAttributes(paths):
            return _strings("ParameterNames", paths)
        case GetParameterNames(path, next_level):
            return _element("ParameterPath", path) + _element("NextLevel", next_level)
        case SetParameterAttributes(attributes):
            return _array("ParameterList", "SetParameterAttributesStruct", map(_attribute, attributes))
        case AddObject(path, key) | DeleteObject(path, key):
            return _element("ObjectName", path) + _element("ParameterKey", key)
        case _:
            assert_never(message)


def _of_command(message: _Command) -> str:
    match message:
        case GetRPCMethods() | FactoryReset():
            return ""
        case Reboot(key) | CancelTransfer(key):
            return _element("CommandKey", key)
        case ScheduleInform(seconds, key):
            return _element("DelaySeconds", seconds) + _element("CommandKey", key)
        case Download() | Upload() | ScheduleDownload():
            return _of_transfer(message)
        case ChangeDUState(operations, key):
            return "".join(map(_operation, operations)) + _element("CommandKey", key)
        case _:
            assert_never(message)


def _of_transfer(message: _Transfer) -> str:
    begun = (
        _element("CommandKey", message.command_key)
        + _element("FileType", message.file_type)
        + _element("URL", message.url)
        + _element("Username", message.username)
        + _element("Password", message.password)
    )
    if isinstance(message, Upload):
        return begun + _element("DelaySeconds", message.delay_seconds)
    begun += _element("FileSize", message.file_size) + _element("TargetFileName", message.target_file_name)
    if isinstance(message, ScheduleDownload):
        return begun + _array("TimeWindowList", "TimeWindowStruct", map(_window, message.windows))
    return (
        begun
        + _element("DelaySeconds", message.delay_seconds)
        + _element("SuccessURL", message.success_url)
        + _element("FailureURL", message.failure_url)
    )


def _fault(fault: Fault) -> str:
    """A fault of the ACS, whose faultstring says just that it is one of CWMP (TR-069 §3.5, A.5)."""
    code = "Client" if fault.code == INVALID_ARGUMENTS else "Server"
    told = _element("FaultCode", fault.code) + _element("FaultString", fault.message)
    return (
        f"<soap:Fault><faultcode>{code}</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><cwmp:Fault>{told}</cwmp:Fault></detail></soap:Fault>"
    )


def _value(value: ParameterValue) -> str:
    kind = _SOAP_TYPES.get(value.type) or f"xsd:{value.type}"
    return f'{_element("Name", value.path)}<Value xsi:type="{kind}">{_text(value.text)}</Value>'


def _attribute(attribute: ParameterAttributes) -> str:
    access = attribute.access
    return (
        _element("Name", attribute.path)
        + _element("NotificationChange", True)
        + _element("Notification", attribute.notification)
        + _element("AccessListChange", access is not None)
        + _strings("AccessList", access or ())
    )


def _window(window: TimeWindow) -> str:
    return (
        _element("WindowStart", window.start_seconds)
        + _element("WindowEnd", window.end_seconds)
        + _element("WindowMode", window.mode)
        + _element("UserMessage", window.user_message)
        + _element("MaxRetries", window.max_retries)
    )


def _operation(operation: DuOperation) -> str:
    told = (
        _element(name, text)
        for name, field, needed in _OPERATIONS[operation.operation]
        if (text := field(operation)) or needed
    )
    return f'<Operations xsi:type="cwmp:{operation.operation}OpStruct">{"".join(told)}</Operations>'


def _array(name: str, kind: str, structs: Iterable[str]) -> str:
    listed = [f"<{kind}>{struct}</{kind}>" for struct in structs]
    return f'<{name} enc:arrayType="cwmp:{kind}[{len(listed)}]">{"".join(listed)}</{name}>'


def _strings(name: str, items: tuple[str, ...]) -> str:
    listed = "".join(f"<string>{_text(item)}</string>" for item in items)
    return f'<{name} enc:arrayType="xsd:string[{len(items)}]">{listed}</{name}>'


def _element(name: str, value: str | int | bool) -> str:
    """A simple argument; booleans are digits, which devices that read them with atoi() take too."""
    text = _text(value) if isinstance(value, str) else str(int(value))
    return f"<{name}>{text}</{name}>"


def _text(text: str) -> str:
    """The text as XML, without the characters that XML 1.0 has no way to spell."""
    return escape(_UNSPEAKABLE.sub("", text), {'"': "&quot;", "\r": "&#13;"})
