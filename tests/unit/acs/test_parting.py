"""What a CPE is asked when it is handed over, for each thing that it may answer."""

from typing import Any

import pytest

from ztpd.acs.messages import (
    Acknowledged,
    DeviceId,
    Fault,
    GetParameterValuesResponse,
    SetParameterValuesFault,
    SetParameterValuesResponse,
)
from ztpd.acs.procedures import Context, begin
from ztpd.acs.requests import GetParameterValues, ParameterValue, Reboot, Request, SetParameterValues
from ztpd.domain.cpe import MASK, Cause, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_tasks import Redirect

PASSWORD = "other-S3NT1NEL"
URL = "https://acs.example.net:7547/"
TASK = Redirect(url=URL, username="cpe-7", password=PASSWORD)


def play(root: str, *answers: Any) -> tuple[list[Request], CpeOutcome]:
    """The requests made of a CPE that answers so, and the outcome."""
    shown = {f"{root}ManagementServer.ParameterKey": "J-1"} if root else {}
    context = Context(DeviceId("Acme", "00259E", "ONT", "S1"), shown, (), "asked-7")
    procedure = begin(CpeWork(1, Cause.ASKED, "7", TASK), context)
    asked: list[Request] = []
    left = [None, *answers]
    try:
        while True:
            asked.append(procedure.send(left.pop(0)))
    except StopIteration as end:
        assert not left, "every answer was asked for"
        return asked, end.value


def periodic(root: str, enabled: str = "1", interval: str = "300") -> GetParameterValuesResponse:
    names = ("PeriodicInformEnable", "PeriodicInformInterval")
    values = dict(zip(names, (enabled, interval), strict=True))
    return GetParameterValuesResponse({f"{root}ManagementServer.{name}": text for name, text in values.items()})


@pytest.mark.parametrize("root", ["Device.", "InternetGatewayDevice."])
def test_one_request_has_user_password_and_then_the_url(root: str) -> None:
    asked, outcome = play(root, periodic(root), SetParameterValuesResponse(0))
    server = f"{root}ManagementServer."
    assert asked == [
        GetParameterValues((f"{server}PeriodicInformEnable", f"{server}PeriodicInformInterval")),
        SetParameterValues(
            (
                ParameterValue(f"{server}Username", "cpe-7"),
                ParameterValue(f"{server}Password", PASSWORD),
                ParameterValue(f"{server}URL", URL),
            ),
            "J-1",
        ),
    ]
    assert outcome == CpeOutcome(
        ok=True,
        applied={
            f"{server}Username": "cpe-7",
            f"{server}Password": MASK,
            f"{server}URL": URL,
            f"{server}PeriodicInformInterval": "300",
        },
    )


def test_one_that_applies_it_by_a_restart_only_is_restarted() -> None:
    asked, outcome = play("Device.", periodic("Device."), SetParameterValuesResponse(1), Acknowledged("Reboot"))
    assert asked[-1] == Reboot("asked-7")
    assert outcome.ok
    asked, outcome = play("Device.", periodic("Device."), SetParameterValuesResponse(1), Fault(9001, "Request denied"))
    assert outcome.ok, "it has taken the values all the same"


@pytest.mark.parametrize(
    "answer",
    [
        Fault(9005, "Invalid parameter name"),
        GetParameterValuesResponse({}),
        periodic("Device.", enabled="0"),
        periodic("Device.", interval="often"),
        periodic("Device.", interval="²"),
    ],
)
def test_one_that_does_not_say_how_often_it_informs_is_told_all_the_same(answer: Any) -> None:
    asked, outcome = play("Device.", answer, SetParameterValuesResponse(0))
    assert isinstance(asked[-1], SetParameterValues)
    assert "Device.ManagementServer.PeriodicInformInterval" not in outcome.applied


def test_a_fault_is_told_without_the_password_that_it_quotes() -> None:
    fault = Fault(9007, f"Invalid value {PASSWORD}")
    _, outcome = play("Device.", periodic("Device."), fault)
    said = f"Invalid value (the device says: Invalid value {MASK})"
    assert outcome == CpeOutcome(ok=False, fault=CpeFault(9007, said))


def test_a_fault_of_one_parameter_is_told_with_its_path() -> None:
    why = SetParameterValuesFault("Device.ManagementServer.URL", 9008, "Attempt to set a non-writable parameter")
    _, outcome = play("Device.", periodic("Device."), Fault(9003, "Invalid arguments", (why,)))
    assert outcome.fault is not None
    assert outcome.fault.parameter == "Device.ManagementServer.URL"
    assert outcome.fault.words.startswith("9008 ")
    assert outcome.fault.words.endswith(" for address of the ACS")


def test_one_of_no_known_data_model_is_told_nothing() -> None:
    asked, outcome = play("")
    assert asked == []
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.UNKNOWN_MODEL


def test_the_password_is_in_no_text_of_the_task() -> None:
    assert PASSWORD not in f"{TASK!r} {TASK}"
