"""CPE messages written by hand for tests, with every part that the field varies open to variation."""

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(
    body: str,
    *,
    namespace: str = "urn:dslforum-org:cwmp-1-0",
    header: str = '<soap:Header><cwmp:ID soap:mustUnderstand="1">7</cwmp:ID></soap:Header>',
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> bytes:
    """An envelope with the usual prefixes."""
    return (
        f'{declaration}<soap:Envelope xmlns:soap="{SOAP}" xmlns:cwmp="{namespace}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/">{header}<soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()


def device_id(serial: str = "48575443E204802C", oui: str = "00259E", manufacturer: str = "Acme") -> str:
    """A DeviceId."""
    return (
        f"<DeviceId><Manufacturer>{manufacturer}</Manufacturer><OUI>{oui}</OUI>"
        f"<ProductClass>ONT</ProductClass><SerialNumber>{serial}</SerialNumber></DeviceId>"
    )


EVENT = (
    '<Event enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>1 BOOT</EventCode>'
    "<CommandKey></CommandKey></EventStruct></Event>"
)


def parameter_list(values: dict[str, str], count: str = "1") -> str:
    """A ParameterList; the texts are put in as they are, escaped or not."""
    structs = "".join(
        f'<ParameterValueStruct><Name>{name}</Name><Value xsi:type="xsd:string">{text}</Value></ParameterValueStruct>'
        for name, text in values.items()
    )
    return f'<ParameterList enc:arrayType="cwmp:ParameterValueStruct[{count}]">{structs}</ParameterList>'


def inform(
    values: dict[str, str] | None = None,
    *,
    serial: str = "48575443E204802C",
    namespace: str = "urn:dslforum-org:cwmp-1-0",
    manufacturer: str = "Acme",
) -> bytes:
    """A plain Inform of a TR-181 device."""
    parameters = parameter_list(values or {"Device.DeviceInfo.SoftwareVersion": "1.0"})
    return envelope(
        f"<cwmp:Inform>{device_id(serial, manufacturer=manufacturer)}{EVENT}<MaxEnvelopes>1</MaxEnvelopes>"
        f"<CurrentTime>1970-01-01T00:00:01Z</CurrentTime><RetryCount>0</RetryCount>{parameters}</cwmp:Inform>",
        namespace=namespace,
    )
