"""What a CPE says, as values (TR-069 Amendment 6, Annex A.3 and A.4)."""

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
class GetParameterNamesResponse:
    """Whether each path can be written, objects with their dot (A.3.2.3)."""

    names: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class ParameterAttributes:
    """How a CPE tells that a parameter changed (A.3.2.4): ``notification`` 0 not, 1 with an Inform, 2 by one.

    ``access`` lists who else may write it (``Subscriber``); None leaves that as it is.
    """

    path: str
    notification: int = 0
    access: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GetParameterAttributesResponse:
    """The attributes of each path (A.3.2.5)."""

    attributes: tuple[ParameterAttributes, ...]


@dataclass(frozen=True, slots=True)
class AddObjectResponse:
    """The number of the new instance, and whether it is there already (0) or after a reboot (1) (A.3.2.6)."""

    instance: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class DeleteObjectResponse:
    """The object is gone (0), or will be after a reboot (1) (A.3.2.7)."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class TransferResponse:
    """A Download or Upload is done (``status`` 0) or under way (1): then TransferComplete comes (A.3.2.8, A.4.1.5)."""

    method: str
    status: int = 0
    started_at: str = ""
    completed_at: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A response that says nothing but that the request of this method was taken (``Reboot``, ``ScheduleInform`` …)."""

    method: str


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

    ``method`` is one of ``soap.NOTICES``: TransferComplete, AutonomousTransferComplete, DUStateChangeComplete,
    AutonomousDUStateChangeComplete, RequestDownload or Kicked (A.3.3 and A.4.2). ``facts`` are its other arguments by
    name, as text (``StartTime``, ``FileType``, ``TransferURL``, ``Next`` …); those within structs by their path, with
    the number of the struct in its array (``Results.1.UUID``, ``FileTypeArg.2.Value``).
    """

    method: str
    command_key: str = ""
    fault_code: int = 0
    fault_message: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A method this ACS does not have; it is answered with fault 8000."""

    name: str


Response = (
    GetParameterValuesResponse
    | SetParameterValuesResponse
    | GetParameterNamesResponse
    | GetParameterAttributesResponse
    | AddObjectResponse
    | DeleteObjectResponse
    | TransferResponse
    | Acknowledged
)
"""What answers a request of the ACS, beside ``Fault`` and ``GetRPCMethodsResponse``."""


@dataclass(frozen=True, slots=True)
class GetRPCMethodsResponse:
    """The methods a CPE may call here (A.3.1.1)."""

    methods: tuple[str, ...]


Answer = Response | GetRPCMethodsResponse | Fault
"""What a CPE answers a request with."""

FromCpe = Inform | Empty | Answer | GetRPCMethods | Notice | Unknown


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message with what its answer needs: the CPE's CWMP namespace and the ID to echo, None when it sent none.

    ``versions`` are the CWMP versions that the CPE offers (SupportedCWMPVersions, §3.7.4; ``1.4``), usually none.
    """

    message: FromCpe
    namespace: str | None = None
    id: str | None = None
    versions: tuple[str, ...] = ()
