"""CPEs as trees in memory, for tests of procedures: they answer requests as TR-069 A.3.2 asks of a CPE."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ztpd.acs.messages import (
    AddObjectResponse,
    Answer,
    DeleteObjectResponse,
    DeviceId,
    Fault,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    SetParameterValuesFault,
    SetParameterValuesResponse,
)
from ztpd.acs.models import shipped
from ztpd.acs.procedures import Context, Procedure, begin
from ztpd.acs.requests import (
    AddObject,
    DeleteObject,
    GetParameterNames,
    GetParameterValues,
    Request,
    SetParameterValues,
)
from ztpd.domain.cpe import Cause, CpeOutcome, CpeWork
from ztpd.domain.cpe_tasks import Configure, Task
from ztpd.domain.profile import Value

MODELS = shipped()
ACME = DeviceId("Acme", "00259E", "ONT", "S1")


class Cut(Exception):
    """The session broke off before this request."""


@dataclass
class Device:
    """A CPE; ``blank`` are the parameters that a new row of a table has, ``hidden`` what reads back empty."""

    tree: dict[str, str]
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ("Password", "KeyPassphrase")
    identity: DeviceId = ACME
    refuses: Callable[[Request], Fault | None] = lambda request: None
    asked: list[Request] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        return [type(request).__name__ for request in self.asked]

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        refused = self.refuses(request)
        if refused is not None:
            return refused
        match request:
            case GetParameterValues(paths):
                return self._values(paths)
            case GetParameterNames(path, _):
                rows = {below.removeprefix(path).partition(".")[0] for below in self.tree if below.startswith(path)}
                return GetParameterNamesResponse({f"{path}{row}.": True for row in sorted(rows)})
            case SetParameterValues(values, _):
                unknown = [value.path for value in values if value.path not in self.tree]
                if unknown:
                    faults = tuple(SetParameterValuesFault(path, 9005, "Invalid parameter name") for path in unknown)
                    return Fault(9003, "Invalid arguments", faults)
                self.tree |= {value.path: value.text for value in values}
                return SetParameterValuesResponse()
            case AddObject(path, _):
                return self._added(path)
            case DeleteObject(path, _):
                self.tree = {each: text for each, text in self.tree.items() if not each.startswith(path)}
                return DeleteObjectResponse()
        return Fault(9000, "Method not supported")

    def _added(self, table: str) -> Answer:
        if table not in self.tables:
            return Fault(9005, "Invalid parameter name")
        numbers = [int(path.removeprefix(table).partition(".")[0]) for path in self.tree if path.startswith(table)]
        number = max(numbers, default=0) + 1
        self.tree |= {f"{table}{number}.{name}": text for name, text in self.tables[table].items()}
        return AddObjectResponse(number)

    def _values(self, paths: Sequence[str]) -> Answer:
        found: dict[str, str] = {}
        for asked in paths:
            below = {path: text for path, text in self.tree.items() if path == asked or path.startswith(asked)}
            if (not below and asked not in self.tables) or (not asked.endswith(".") and asked not in self.tree):
                return Fault(9005, "Invalid parameter name")
            found |= below
        return GetParameterValuesResponse(
            {path: "" if path.endswith(self.hidden) else text for path, text in found.items()}
        )

    def rows(self, table: str) -> set[int]:
        return {int(path.removeprefix(table).partition(".")[0]) for path in self.tree if path.startswith(table)}

    def do(self, task: Task, instances: Mapping[str, int] | None = None, *, cut_at: int | None = None) -> CpeOutcome:
        """What becomes of a task; ``cut_at`` breaks the session off instead of sending that request."""
        self.asked = []
        work = CpeWork(1, Cause.JOB, "J-1", task)
        procedure: Procedure = begin(work, Context(self.identity, self.tree, MODELS, work.key, instances))
        answer: Answer | None = None
        while True:
            try:
                request = procedure.send(answer)  # type: ignore[arg-type]
            except StopIteration as end:
                outcome: CpeOutcome = end.value
                return outcome
            if len(self.asked) == cut_at:
                procedure.close()
                raise Cut
            answer = self.answer(request)

    def configure(
        self, values: Mapping[str, Value], instances: Mapping[str, int] | None = None, *, told: bool = False
    ) -> CpeOutcome:
        return self.do(Configure(values=dict(values), told=told), instances)


PORT_MAPPING = {
    "Enable": "false",
    "Alias": "",
    "AllInterfaces": "false",
    "Protocol": "",
    "ExternalPort": "0",
    "InternalPort": "0",
    "InternalClient": "",
}
SSID_ROW = {"Enable": "false", "Alias": "", "LowerLayers": "", "SSID": ""}
AP_ROW = {"Enable": "false", "SSIDReference": "", "Security.KeyPassphrase": "", "Security.ModeEnabled": "None"}


def tr181(radios: Sequence[str] = ("2.4GHz", "5GHz"), **others: str) -> Device:
    """A TR-181 router whose radios are numbered as given, each network and access point numbered backwards."""
    tree = {"Device.ManagementServer.PeriodicInformInterval": "86400"}
    count = len(radios)
    for number, hertz in enumerate(radios, 1):
        network = count + 1 - number
        tree |= {
            f"Device.WiFi.Radio.{number}.OperatingFrequencyBand": hertz,
            f"Device.WiFi.Radio.{number}.Channel": "1",
            f"Device.WiFi.SSID.{network}.LowerLayers": f"Device.WiFi.Radio.{number}.",
            f"Device.WiFi.SSID.{network}.SSID": f"factory {hertz}",
            f"Device.WiFi.SSID.{network}.Enable": "1",
            f"Device.WiFi.SSID.{network}.Alias": "",
            f"Device.WiFi.AccessPoint.{number}.SSIDReference": f"Device.WiFi.SSID.{network}",
            f"Device.WiFi.AccessPoint.{number}.Enable": "1",
            f"Device.WiFi.AccessPoint.{number}.Security.KeyPassphrase": "factory-key",
            f"Device.WiFi.AccessPoint.{number}.Security.ModeEnabled": "WPA2-Personal",
        }
    ppp = {"Enable": "1", "Username": "", "Password": "", "LowerLayers": "", "Alias": "", "Name": "ppp0"}
    state = {"ConnectionStatus": "Disconnected", "LastConnectionError": "ERROR_NONE"}
    tree |= {f"Device.PPP.Interface.1.{name}": text for name, text in (ppp | state).items()}
    tables = {
        "Device.NAT.PortMapping.": PORT_MAPPING,
        "Device.WiFi.SSID.": SSID_ROW,
        "Device.WiFi.AccessPoint.": AP_ROW,
        "Device.WiFi.Radio.": {},
    }
    return Device(tree | others, tables)
