"""What the ACS says to a CPE, as values: its answers and its requests (TR-069 Amendment 6, Annex A.3 and A.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ztpd.acs.messages import (
    Acknowledged,
    Fault,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Notice,
    ParameterAttributes,
    TransferResponse,
)


@dataclass(frozen=True, slots=True)
class InformResponse:
    """The ACS has heard an Inform (A.3.3.1); it always takes one envelope at a time.

    ``version`` is the CWMP version to speak (UseCWMPVersion, §3.7.4); None for a CPE that offered none.
    """

    version: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeResponse:
    """The acknowledgement of a ``Notice`` of this method; ``next_url`` is for Kicked alone (A.4.2.1)."""

    method: str
    next_url: str = ""


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


@dataclass(frozen=True, slots=True)
class GetParameterNames:
    """List what is below this path, or only its children (A.3.2.3)."""

    path: str
    next_level: bool = True


@dataclass(frozen=True, slots=True)
class SetParameterAttributes:
    """Set how the CPE tells of these parameters (A.3.2.4)."""

    attributes: tuple[ParameterAttributes, ...]


@dataclass(frozen=True, slots=True)
class GetParameterAttributes:
    """Read how the CPE tells of these paths (A.3.2.5)."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddObject:
    """Make an instance of the object whose path ends in a dot (A.3.2.6)."""

    path: str
    parameter_key: str = ""


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Delete this instance; the path ends in a dot (A.3.2.7)."""

    path: str
    parameter_key: str = ""


@dataclass(frozen=True, slots=True)
class Reboot:
    """Restart; the CPE informs with ``M Reboot`` and the key (A.3.2.9)."""

    command_key: str = ""


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """Forget every setting and restart (A.4.1.6)."""


@dataclass(frozen=True, slots=True)
class Download:
    """Fetch a file and apply it (A.3.2.8): ``file_type`` is ``1 Firmware Upgrade Image`` …, sizes in bytes."""

    command_key: str
    file_type: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    file_size: int = 0
    target_file_name: str = ""
    delay_seconds: int = 0
    success_url: str = ""
    failure_url: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """Send a file (A.4.1.5): ``file_type`` is ``1 Vendor Configuration File``, ``2 Vendor Log File`` …."""

    command_key: str
    file_type: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ScheduleInform:
    """Inform again after so many seconds, with ``M ScheduleInform`` and the key (A.4.1.2)."""

    delay_seconds: int
    command_key: str = ""


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """When a scheduled download may be done (A.4.1.8): seconds from now, and the mode (``1 At Any Time`` …)."""

    start_seconds: int
    end_seconds: int
    mode: str = "1 At Any Time"
    user_message: str = ""
    max_retries: int = -1


@dataclass(frozen=True, slots=True)
class ScheduleDownload:
    """Fetch a file and apply it within one of one or two windows (A.4.1.8)."""

    command_key: str
    file_type: str
    url: str
    windows: tuple[TimeWindow, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    file_size: int = 0
    target_file_name: str = ""


@dataclass(frozen=True, slots=True)
class DuOperation:
    """One change of a software module (A.4.1.10): ``operation`` is Install, Update or Uninstall."""

    operation: Literal["Install", "Update", "Uninstall"]
    url: str = ""
    uuid: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    execution_environment: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ChangeDUState:
    """Install, update or remove software modules; DUStateChangeComplete tells what became of it (A.4.1.10)."""

    operations: tuple[DuOperation, ...]
    command_key: str = ""


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Give up the transfer with this key (A.4.1.9)."""

    command_key: str


Request = (
    GetRPCMethods
    | SetParameterValues
    | GetParameterValues
    | GetParameterNames
    | SetParameterAttributes
    | GetParameterAttributes
    | AddObject
    | DeleteObject
    | Reboot
    | FactoryReset
    | Download
    | Upload
    | ScheduleInform
    | ScheduleDownload
    | ChangeDUState
    | CancelTransfer
)
"""What the ACS may ask of a CPE."""

ToCpe = InformResponse | GetRPCMethodsResponse | NoticeResponse | Fault | Request

_SINCE: Mapping[type, str] = dict.fromkeys(
    (ScheduleDownload, CancelTransfer, ChangeDUState), "urn:dslforum-org:cwmp-1-2"
)
"""The namespace that brought a request, for those that cwmp-1-0.xsd does not have."""

METHOD_UNKNOWN_TO_CPE = 9000
NOT_SENT = "not sent: "
"""What the message of a fault begins with that no CPE said."""


def unknown_to(namespace: str | None, request: Request) -> Fault | None:
    """The fault that stands for the CPE's when its namespace (None: it showed none) is older than the request.

    A CPE names the newest version that it has (TR-069 §3.7.4), so that the request would only be refused.
    """
    if namespace is None or namespace >= _SINCE.get(type(request), ""):
        return None
    reason = f"{NOT_SENT}{type(request).__name__} is not in {namespace}, which the CPE speaks"
    return Fault(METHOD_UNKNOWN_TO_CPE, reason)


def acknowledgement(notice: Notice) -> NoticeResponse:
    """What a notice is answered with; a Kicked by the page that the CPE names for its user's browser, if it is one."""
    url = notice.facts.get("Next", "") if notice.method == "Kicked" else ""
    return NoticeResponse(notice.method, url if url.lower().startswith(("http://", "https://")) else "")


def answers(request: Request, message: object) -> bool:
    """Whether this is the response that the request is owed."""
    if isinstance(message, Acknowledged | TransferResponse):
        return message.method == type(request).__name__
    return type(message).__name__ == f"{type(request).__name__}Response"
