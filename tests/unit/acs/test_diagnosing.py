"""What a CPE is asked for a test, in one session and in a later one; every answer it may give."""

from typing import Any

import pytest

from ztpd.acs import procedures
from ztpd.acs.diagnostics import shipped
from ztpd.acs.messages import (
    Answer,
    DeviceId,
    Fault,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    SetParameterValuesFault,
    SetParameterValuesResponse,
)
from ztpd.acs.models import shipped as shipped_models
from ztpd.acs.procedures import Context
from ztpd.acs.procedures.diagnosing import MAX_ROWS, WORDS
from ztpd.acs.requests import GetParameterNames, GetParameterValues, Request, SetParameterValues
from ztpd.domain.cpe import Cause, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Collect, Diagnose, Task
from ztpd.domain.diagnostics import KINDS, CpeTest

PING = CpeTest(test="ping", host="192.0.2.1")
DOWNLOAD = CpeTest(test="download", url="http://speed.example.net/100M")
NEIGHBOURS = CpeTest(test="wifi-neighbours")
OPTICS = CpeTest(test="optics")
WIFI = "Device.WiFi.NeighboringWiFiDiagnostic."
LOAD = "Device.IP.Diagnostics.DownloadDiagnostics."


class Played:
    """A procedure against a CPE that gives these answers."""

    def __init__(
        self, task: Task, *answers: Answer, root: str = "Device.", maker: str = "Acme", key: str | None = "J-1"
    ) -> None:
        shown = {f"{root}DeviceInfo.SoftwareVersion": "1"}
        if key is not None:
            shown[f"{root}ManagementServer.ParameterKey"] = key
        context = Context(DeviceId(maker, "00259E", "ONT", "S1"), shown, shipped_models(), "asked-17")
        procedure = procedures.begin(CpeWork(1, Cause.ASKED, "17", task), context)
        self.requests: list[Request] = []
        left: list[Any] = [None, *answers]
        try:
            while True:
                self.requests.append(procedure.send(left.pop(0)))
        except StopIteration as end:
            self.outcome: CpeOutcome = end.value
        assert not left, "every answer was asked for"

    @property
    def set(self) -> dict[str, str]:
        (found,) = [request for request in self.requests if isinstance(request, SetParameterValues)]
        return {value.path: value.text for value in found.values}

    @property
    def fault(self) -> tuple[FaultKind, str]:
        assert self.outcome.fault is not None
        return self.outcome.fault.kind, self.outcome.fault.words


def values(object_: str, **shown: str) -> GetParameterValuesResponse:
    return GetParameterValuesResponse({object_ + name.replace("__", "."): text for name, text in shown.items()})


KEPT = SetParameterValuesResponse(0)


def test_a_ping_is_begun_with_its_arguments_in_one_request() -> None:
    played = Played(Diagnose(test=PING), values("Device.IP.Diagnostics.IPPing.", DiagnosticsState="None"), KEPT)
    assert played.set == {
        "Device.IP.Diagnostics.IPPing.Host": "192.0.2.1",
        "Device.IP.Diagnostics.IPPing.NumberOfRepetitions": "5",
        "Device.IP.Diagnostics.IPPing.Timeout": "2000",
        "Device.IP.Diagnostics.IPPing.DataBlockSize": "56",
        "Device.IP.Diagnostics.IPPing.DiagnosticsState": "Requested",
    }
    assert (played.outcome.ok, played.outcome.pending) == (True, True)


def test_each_model_calls_the_tests_by_its_own_names() -> None:
    root = "InternetGatewayDevice."
    played = Played(Diagnose(test=PING), values(f"{root}IPPingDiagnostics.", DiagnosticsState="None"), KEPT, root=root)
    assert played.set[f"{root}IPPingDiagnostics.DiagnosticsState"] == "Requested"


def test_what_an_earlier_test_left_behind_is_set_back() -> None:
    before = values(LOAD, DiagnosticsState="Complete", TimeBasedTestDuration="10", NumberOfConnections="1", DSCP="46")
    played = Played(Diagnose(test=DOWNLOAD), before, KEPT)
    assert (played.set[f"{LOAD}TimeBasedTestDuration"], played.set[f"{LOAD}DSCP"]) == ("0", "0")
    assert f"{LOAD}NumberOfConnections" not in played.set


def test_what_a_cpe_does_not_have_is_not_set_unless_it_was_asked_for() -> None:
    played = Played(Diagnose(test=DOWNLOAD), values(LOAD, DiagnosticsState="None"), KEPT)
    assert set(played.set) == {f"{LOAD}DownloadURL", f"{LOAD}DiagnosticsState"}
    four = DOWNLOAD.model_copy(update={"connections": 4, "ip_version": 6})
    asked = Played(Diagnose(test=four), values(LOAD, DiagnosticsState="None"), KEPT)
    assert (asked.set[f"{LOAD}NumberOfConnections"], asked.set[f"{LOAD}ProtocolVersion"]) == ("4", "IPv6")


def test_a_test_leaves_the_key_of_the_configuration_alone() -> None:
    played = Played(Diagnose(test=DOWNLOAD), values(LOAD, DiagnosticsState="None"), KEPT)
    assert [request.parameter_key for request in played.requests if isinstance(request, SetParameterValues)] == ["J-1"]


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Fault(9005, "Invalid parameter name"), FaultKind.UNABLE, "it has no such test"),
        (
            Fault(9003, "Invalid arguments", (SetParameterValuesFault(f"{LOAD}NumberOfConnections", 9005, "no"),)),
            FaultKind.UNABLE,
            "it has no connections (NumberOfConnections) that can be set",
        ),
        (
            Fault(9003, "Invalid arguments", (SetParameterValuesFault(f"{LOAD}DownloadURL", 9007, "bad URL"),)),
            FaultKind.CPE,
            "9007 bad URL for url (DownloadURL)",
        ),
        (Fault(9002, "Internal error"), FaultKind.CPE, "9002 Internal error"),
    ],
)
def test_a_cpe_that_refuses_says_why_in_plain_words(fault: Fault, kind: FaultKind, said: str) -> None:
    played = Played(Diagnose(test=DOWNLOAD), values(LOAD, DiagnosticsState="None"), fault)
    found, words = played.fault
    assert (found, said in words) == (kind, True), words
    assert Played(Diagnose(test=DOWNLOAD), Fault(9005, "no")).fault[0] is FaultKind.UNABLE


def test_a_result_is_read_with_one_request() -> None:
    read = values(
        LOAD,
        DiagnosticsState="Completed",
        BOMTime="2026-03-01T08:00:00.0Z",
        EOMTime="2026-03-01T08:00:08.0Z",
        TestBytesReceived="100000000",
    )
    played = Played(Collect(test=DOWNLOAD), read)
    assert played.requests == [GetParameterValues((LOAD,))]
    assert played.outcome.report is not None
    assert str(played.outcome.report.reading("speed_mbps")) == "100 Mbit/s"


def test_a_route_is_read_hop_by_hop_in_order() -> None:
    object_ = "Device.IP.Diagnostics.TraceRoute."
    hops = {f"RouteHops__{number}__Host": f"hop-{number}" for number in (10, 9, 1)}
    played = Played(
        Collect(test=CpeTest(test="traceroute", host="example.net")),
        values(object_, DiagnosticsState="Complete", ResponseTime="14", **hops),
    )
    assert played.outcome.report is not None
    assert [row[0].value for row in played.outcome.report.rows] == ["hop-1", "hop-9", "hop-10"]


def test_a_time_based_upload_is_not_measured_by_the_file_it_does_not_send() -> None:
    object_ = "Device.IP.Diagnostics.UploadDiagnostics."
    read = values(
        object_,
        DiagnosticsState="Complete",
        BOMTime="2026-03-01T08:00:00.0Z",
        EOMTime="2026-03-01T08:00:08.0Z",
        TestFileLength="100000000",
    )
    timed = Played(Collect(test=CpeTest(test="upload", url="http://speed.example.net/up", duration_s=8)), read)
    assert timed.fault[0] is FaultKind.TEST
    sized = Played(
        Collect(test=CpeTest(test="upload", url="http://speed.example.net/up", size_bytes=100_000_000)), read
    )
    assert sized.outcome.ok


@pytest.mark.parametrize("state", ["Requested"])
def test_a_test_that_goes_on_is_looked_at_again(state: str) -> None:
    outcome = Played(Collect(test=DOWNLOAD), values(LOAD, DiagnosticsState=state)).outcome
    assert (outcome.ok, outcome.pending) == (True, True)


@pytest.mark.parametrize("state", ["None", "", "Canceled"])
def test_a_test_that_the_cpe_forgot_was_interrupted(state: str) -> None:
    assert Played(Collect(test=DOWNLOAD), values(LOAD, DiagnosticsState=state)).fault[0] is FaultKind.INTERRUPTED
    assert Played(Collect(test=DOWNLOAD), values(LOAD)).fault[0] is FaultKind.INTERRUPTED


@pytest.mark.parametrize("state", sorted(WORDS))
def test_every_error_of_the_standards_is_told_in_words(state: str) -> None:
    kind, words = Played(Collect(test=DOWNLOAD), values(LOAD, DiagnosticsState=state)).fault
    assert (kind, words) == (FaultKind.TEST, WORDS[state])
    assert "Error" not in words


def test_an_error_of_a_vendors_own_is_told_as_it_is() -> None:
    kind, words = Played(Collect(test=DOWNLOAD), values(LOAD, DiagnosticsState="Error_\x1bModem" + "x" * 999)).fault
    assert kind is FaultKind.TEST
    assert ("\\x1bModem" in words, "\x1b" in words, len(words) < 100) == (True, False, True)


def test_neighbours_are_counted_and_a_bounded_number_of_them_is_read() -> None:
    names = {f"{WIFI}Result.{number}.": False for number in range(1, 201)}
    read = {f"{WIFI}Result.{number}.SSID": f"net {number}" for number in range(1, MAX_ROWS + 1)}
    played = Played(
        Collect(test=NEIGHBOURS),
        values(WIFI, DiagnosticsState="Complete"),
        GetParameterNamesResponse(names),
        GetParameterValuesResponse(read),
    )
    assert played.requests[0] == GetParameterValues((f"{WIFI}DiagnosticsState",))
    assert played.requests[1] == GetParameterNames(f"{WIFI}Result.")
    assert isinstance(played.requests[2], GetParameterValues)
    assert len(played.requests[2].paths) == MAX_ROWS
    report = played.outcome.report
    assert report is not None
    assert (str(report.reading("neighbours")), len(report.rows)) == ("200", MAX_ROWS)


def test_what_no_instance_has_for_a_number_is_no_neighbour() -> None:
    names = {f"{WIFI}Result.{'9' * 5000}.": False}
    played = Played(
        Collect(test=NEIGHBOURS), values(WIFI, DiagnosticsState="Complete"), GetParameterNamesResponse(names)
    )
    report = played.outcome.report
    assert report is not None
    assert str(report.reading("neighbours")) == "0"


def test_neighbours_of_the_last_scan_are_read_at_once() -> None:
    task = Diagnose(test=CpeTest(test="wifi-neighbours", scan=False))
    played = Played(task, GetParameterNamesResponse({}))
    assert (played.outcome.ok, played.outcome.pending) == (True, False)
    begun = Played(Diagnose(test=NEIGHBOURS), values(WIFI, DiagnosticsState="None"), KEPT)
    assert begun.set == {f"{WIFI}DiagnosticsState": "Requested"}


def test_the_line_of_an_ont_is_the_interface_that_points_upstream() -> None:
    read = values(
        "Device.Optical.Interface.",
        **{"1__Upstream": "false", "1__OpticalSignalLevel": "-3000"},
        **{"2__Upstream": "true", "2__OpticalSignalLevel": "-21500", "2__TransmitOpticalLevel": "2300"},
    )
    report = Played(Diagnose(test=OPTICS), read).outcome.report
    assert report is not None
    assert [str(reading) for reading in report.readings] == ["-21.5 dBm", "2.3 dBm"]


def test_vendors_own_places_are_looked_at_for_their_makes_only() -> None:
    root = "InternetGatewayDevice."
    huawei, common = f"{root}WANDevice.1.X_GponInterafceConfig.", f"{root}WANDevice.1.X_CT-COM_GponInterfaceConfig."
    played = Played(
        Diagnose(test=OPTICS), values(huawei, RXPower="-19", TXPower="2"), root=root, maker="Huawei Technologies"
    )
    assert played.requests == [GetParameterValues((huawei,))]
    other = Played(Diagnose(test=OPTICS), Fault(9005, ""), values(common, RXPower="100"), root=root, maker="ZTE")
    assert [request.paths for request in other.requests if isinstance(request, GetParameterValues)] == [
        (f"{root}WANDevice.1.X_ZTE-COM_WANPONInterfaceConfig.",),
        (common,),
    ]
    assert other.outcome.report is not None
    assert str(other.outcome.report.reading("rx_power_dbm")) == "-20 dBm"


def test_an_ont_without_a_known_place_is_unable() -> None:
    places = [place for place in shipped()["Device."].optics if not place.manufacturer]
    played = Played(Diagnose(test=OPTICS), *(Fault(9005, "Invalid parameter name") for _ in places))
    assert played.fault[0] is FaultKind.UNABLE


def test_a_model_without_the_test_is_asked_nothing() -> None:
    played = Played(Diagnose(test=NEIGHBOURS), root="InternetGatewayDevice.")
    assert (played.requests, played.fault[0]) == ([], FaultKind.UNABLE)
    unknown = Played(Diagnose(test=PING), root="Vendor.")
    assert (unknown.requests, unknown.fault[0]) == ([], FaultKind.UNABLE)


@pytest.mark.parametrize("root", sorted(shipped()))
def test_every_place_fits_the_test_it_is_for(root: str) -> None:
    places = shipped()[root]
    for name, place in places.tests.items():
        assert place.object.startswith(root)
        assert set(place.arguments) <= KINDS[name].takes
        assert set(KINDS[name].needs) <= set(place.arguments)
    for optical in places.optics:
        assert set(optical.results) <= set(KINDS["optics"].shows)
