"""What a CPE and an ACS say to each other, as values (TR-069 Amendment 6, Annex A.3 and A.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceId:
    """Who a CPE says it is (DeviceIdStruct): a claim until it is matched; texts as sent, outer blanks removed."""

    manufacturer: str
    oui: str
    product_class: str
    serial: str


@dataclass(frozen=True, slots=True)
class Event:
    """Why a CPE informs (EventStruct): the code is kept as sent, standard (``1 BOOT``) or not (``X CT-COM BIND``)."""

    code: str
    command_key: str = ""


@dataclass(frozen=True, slots=True)
class Inform:
    """A CPE opens a session (A.3.3.1): ``parameters`` maps full paths to text; of duplicates the last counts.

    ``current_time`` is the CPE's own clock as text: many stand at 1970, so nothing is decided by it.
    """

    device: DeviceId
    events: tuple[Event, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    retry_count: int = 0
    current_time: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """A POST without a body: the CPE has nothing more to ask and awaits the ACS's requests (§3.7.1.4)."""


@dataclass(frozen=True, slots=True)
class GetParameterValuesResponse:
    """Values by full path, as text (A.3.2.2)."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SetParameterValuesResponse:
    """All values are committed (A.3.2.1): ``status`` 0 is applied, 1 is applied later, such as by a reboot."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class SetParameterValuesFault:
    """Why one parameter was refused (A.5.1)."""

    parameter: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A CPE or an ACS refuses a request (A.5): ``code`` is CWMP's (9000… of a CPE, 8000… of an ACS), 0 when absent."""

    code: int
    message: str
    parameters: tuple[SetParameterValuesFault, ...] = ()


@dataclass(frozen=True, slots=True)
class GetRPCMethods:
    """The CPE asks which methods the ACS has (A.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A CPE's method that only wants to be acknowledged by ``<method>Response``; ``fault_code`` 0 is success.

    ``method`` is TransferComplete (A.3.3.2), AutonomousTransferComplete (A.3.3.3), DUStateChangeComplete (A.4.2.1),
    AutonomousDUStateChangeComplete (A.4.2.2) or RequestDownload (A.4.2.1 of Amendment 1).
    """

    method: str
    command_key: str = ""
    fault_code: int = 0
    fault_message: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A method this ACS does not have; it is answered with fault 8000."""

    name: str


FromCpe = (
    Inform | Empty | GetParameterValuesResponse | SetParameterValuesResponse | Fault | GetRPCMethods | Notice | Unknown
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message with what its answer needs: the CPE's CWMP namespace and the ID to echo, None when it sent none."""

    message: FromCpe
    namespace: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class InformResponse:
    """The ACS has heard an Inform (A.3.3.1); it always takes one envelope at a time."""


@dataclass(frozen=True, slots=True)
class GetRPCMethodsResponse:
    """The methods a CPE may call here (A.3.1.1)."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeResponse:
    """The acknowledgement of a ``Notice`` of this method."""

    method: str


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """One value to set: full path, text in XML Schema's lexical form, and type without prefix (``unsignedInt``)."""

    path: str
    text: str = field(repr=False)
    type: str = "string"


@dataclass(frozen=True, slots=True)
class SetParameterValues:
    """Set all of these or none (A.3.2.1); ``parameter_key`` has at most 32 characters."""

    values: tuple[ParameterValue, ...]
    parameter_key: str = ""


@dataclass(frozen=True, slots=True)
class GetParameterValues:
    """Read these paths (A.3.2.2)."""

    paths: tuple[str, ...]


ToCpe = InformResponse | GetRPCMethodsResponse | NoticeResponse | SetParameterValues | GetParameterValues | Fault
