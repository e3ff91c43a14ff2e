"""CWMP's SOAP as a CPE reads and writes it (TR-069 Amendment 6, Annex A). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from lxml import etree

from ztpd.lab.cpe.faults import CwmpFault

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_CWMP = "urn:dslforum-org:cwmp-1-2"
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)

Typed = tuple[str, str]
"""A value's text and its type without prefix."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What SetParameterAttributes says of one path; None leaves that as it is (A.3.2.4)."""

    path: str
    notification: int | None = None
    access: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the ACS: ``values`` maps paths to text and type; what the method does not have is empty.

    ``arguments`` are its simple arguments by name; ``structs`` those of each struct of a list, such as
    TimeWindowStruct, with the struct's kind as ``""``.
    """

    method: str
    id: str
    paths: tuple[str, ...] = ()
    next_level: bool = False
    values: Mapping[str, Typed] = field(default_factory=dict, repr=False)
    parameter_key: str = ""
    attributes: tuple[Attributes, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    structs: tuple[Mapping[str, str], ...] = field(default=(), repr=False)

    def argument(self, name: str) -> str:
        """A simple argument, without outer blanks; empty when it is absent."""
        return self.arguments.get(name, "").strip()

    def number(self, name: str) -> int:
        """A simple argument that is a whole number; raises ``CwmpFault`` 9003."""
        text = self.argument(name) or "0"
        if not text.isascii() or not text.isdigit():
            raise CwmpFault(9003, "Invalid arguments")
        return int(text)


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
        next_level=_is_true(message.findtext("NextLevel")),
        values={struct.findtext("Name") or "": _typed_text(struct.find("Value")) for struct in structs},
        parameter_key=message.findtext("ParameterKey") or "",
        attributes=tuple(map(_attributes, message.findall("ParameterList/SetParameterAttributesStruct"))),
        arguments={_name(child): child.text or "" for child in message if len(child) == 0},
        structs=tuple(
            {"": _name(struct), **{_name(each): each.text or "" for each in struct if len(each) == 0}}
            for child in message
            for struct in child
            if len(struct) > 0
        ),
    )


def method_of(body: bytes) -> str:
    """The name of the message in an envelope of the ACS."""
    message = etree.fromstring(body, _PARSER).find(f"{{{_SOAP}}}Body/*")
    return "" if message is None else _name(message)


def _name(element: "etree._Element") -> str:
    return etree.QName(element).localname


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in {"1", "true"}


def _attributes(struct: "etree._Element") -> Attributes:
    notifies = _is_true(struct.findtext("NotificationChange"))
    grants = _is_true(struct.findtext("AccessListChange"))
    return Attributes(
        path=struct.findtext("Name") or "",
        notification=int(struct.findtext("Notification") or "0") if notifies else None,
        access=tuple(each.text or "" for each in struct.findall("AccessList/string")) if grants else None,
    )


def _typed_text(value: "etree._Element | None") -> Typed:
    if value is None:
        return "", "string"
    xsi_type = value.get("{http://www.w3.org/2001/XMLSchema-instance}type") or "string"
    return value.text or "", str(xsi_type).rpartition(":")[2]


def inform_envelope(
    device: tuple[str, str, str, str],
    events: Sequence[str | tuple[str, str]],
    parameters: Mapping[str, str],
    retry_count: int,
    current_time: str = "1970-01-01T00:01:09Z",
) -> str:
    """An Inform; ``device`` is manufacturer, OUI, product class, serial number; an event may bring its command key."""
    manufacturer, oui, product_class, serial = (escape(text) for text in device)
    keyed = [event if isinstance(event, tuple) else (event, "") for event in events]
    structs = "".join(
        f"<EventStruct><EventCode>{escape(code)}</EventCode><CommandKey>{escape(key)}</CommandKey></EventStruct>"
        for code, key in keyed
    )
    return envelope(
        "1",
        f"<cwmp:Inform><DeviceId><Manufacturer>{manufacturer}</Manufacturer><OUI>{oui}</OUI>"
        f"<ProductClass>{product_class}</ProductClass><SerialNumber>{serial}</SerialNumber></DeviceId>"
        f'<Event soap-enc:arrayType="cwmp:EventStruct[{len(events)}]">{structs}</Event>'
        f"<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>{current_time}</CurrentTime>"
        f"<RetryCount>{retry_count}</RetryCount>"
        f"{value_list({path: (text, 'string') for path, text in parameters.items()})}</cwmp:Inform>",
    )


def response(request: Request, body: str = "") -> str:
    """The response to a request, with this as its content."""
    return envelope(request.id, f"<cwmp:{request.method}Response>{body}</cwmp:{request.method}Response>")


def methods_response(request: Request, methods: Sequence[str]) -> str:
    """The methods this CPE has."""
    return response(request, string_list("MethodList", methods))


def names_response(request: Request, names: Mapping[str, bool]) -> str:
    """Paths and whether they can be written."""
    listed = "".join(
        f"<ParameterInfoStruct><Name>{escape(name)}</Name><Writable>{int(writable)}</Writable></ParameterInfoStruct>"
        for name, writable in names.items()
    )
    return response(request, _array("ParameterList", "cwmp:ParameterInfoStruct", len(names), listed))


def values_response(request: Request, values: Mapping[str, Typed]) -> str:
    """Values by path."""
    return response(request, value_list(values))


def attributes_response(request: Request, attributes: Iterable[Attributes]) -> str:
    """The attributes of each path (A.3.2.5)."""
    structs = [
        f"<ParameterAttributeStruct><Name>{escape(each.path)}</Name><Notification>{each.notification or 0}"
        f"</Notification>{string_list('AccessList', each.access or ())}</ParameterAttributeStruct>"
        for each in attributes
    ]
    return response(request, _array("ParameterList", "cwmp:ParameterAttributeStruct", len(structs), "".join(structs)))


def fault_envelope(request: Request, refused: CwmpFault) -> str:
    """A CWMP fault, with one SetParameterValuesFault for each parameter refused (A.5)."""
    parameters = "".join(
        f"<SetParameterValuesFault><ParameterName>{escape(path)}</ParameterName><FaultCode>{code}</FaultCode>"
        f"<FaultString>{escape(text)}</FaultString></SetParameterValuesFault>"
        for path, code, text in refused.parameters
    )
    return envelope(
        request.id,
        "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
        f"<FaultCode>{refused.code}</FaultCode><FaultString>{escape(refused.message)}</FaultString>{parameters}"
        "</cwmp:Fault></detail></soap-env:Fault>",
    )


def fault_struct(code: int, message: str) -> str:
    """What became of a transfer: 0 and nothing, or why not (A.3.3.2)."""
    return f"<FaultStruct><FaultCode>{code}</FaultCode><FaultString>{escape(message)}</FaultString></FaultStruct>"


def call(method: str, body: str = "") -> str:
    """A request of the CPE itself."""
    return envelope("1", f"<cwmp:{method}>{body}</cwmp:{method}>")


def simple(arguments: Mapping[str, str]) -> str:
    """Simple arguments, an element each."""
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())


def string_list(name: str, strings: Sequence[str]) -> str:
    """An array of strings."""
    listed = "".join(f"<string>{escape(text)}</string>" for text in strings)
    return _array(name, "xsd:string", len(strings), listed)


def value_list(values: Mapping[str, Typed]) -> str:
    """A ParameterList of values."""
    structs = "".join(
        f"<ParameterValueStruct><Name>{escape(path)}</Name>"
        f'<Value xsi:type="xsd:{kind}">{escape(text)}</Value></ParameterValueStruct>'
        for path, (text, kind) in values.items()
    )
    return _array("ParameterList", "cwmp:ParameterValueStruct", len(values), structs)


def _array(name: str, kind: str, count: int, listed: str) -> str:
    return f'<{name} soap-enc:arrayType="{kind}[{count}]">{listed}</{name}>'


def envelope(message_id: str, body: str) -> str:
    """An envelope with this ID."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap-env:Envelope xmlns:soap-env="{_SOAP}"'
        ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cwmp="{_CWMP}"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">{escape(message_id)}</cwmp:ID>'
        f"</soap-env:Header><soap-env:Body>{body}</soap-env:Body></soap-env:Envelope>"
    )
