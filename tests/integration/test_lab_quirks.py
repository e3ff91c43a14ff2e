"""Each quirk of the lab CPE against the real ACS: the session ends as the table says, and the work is done."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.integration.test_acs import PASSWORD, SECRET, SETTINGS, SSID, Registry
from tests.unit.lab_cpe.test_methods import ask
from ztpd.acs.server import AcsServer
from ztpd.domain.cpe import CpeOutcome, FaultKind
from ztpd.domain.profile import Value
from ztpd.lab.cpe import BOOT, BOOTSTRAP, CpeSettings, LabCpe, SessionFailed
from ztpd.lab.cpe.quirks import misbehaviour, quirks
from ztpd.lab.cpe.soap import inform_envelope

ENDS = {"well", "refused", "forgets", "unknown", "lost"}
VALUES: dict[str, Value] = {
    "wan.vlan": 100,
    "wan.pppoe.enable": True,
    "wan.pppoe.username": "user@isp.example",
    "wan.pppoe.password": SECRET,
    "wifi.2ghz.ssid": "Café & <Co>",
}
# What a CPE is given that it must refuse, for quirks of its faults.
REFUSED: dict[str, Value] = {"wan.vlan": 4095}


@pytest.fixture
def core() -> Registry:
    registry = Registry()
    registry.give("S1", VALUES)
    return registry


@pytest.fixture
async def acs(core: Registry) -> AsyncIterator[AcsServer]:
    async with AcsServer(SETTINGS, core.core()) as server:
        yield server


def cpe(acs: AcsServer, *names: str, serial: str = "S1") -> LabCpe:
    return LabCpe(CpeSettings(acs.url, "cpe", PASSWORD, serial, misbehaviour=misbehaviour(names)))


def of_end(end: str) -> list[str]:
    return [name for name, quirk in quirks().items() if quirk.ends == end]


def test_each_row_says_what_it_is() -> None:
    for name, quirk in quirks().items():
        assert quirk.does, name
        assert quirk.row, name
        assert quirk.switches, name
        assert quirk.ends in ENDS, name
        assert bool(quirk.why) == (quirk.ends in {"lost", "unknown"}), name
        misbehaviour([name])


@pytest.mark.parametrize("name", of_end("well"))
async def test_a_session_ends_well(acs: AcsServer, core: Registry, name: str) -> None:
    device = cpe(acs, name)
    served = await device.inform([BOOTSTRAP, BOOT])
    outcome = core.outcome("S1")
    assert outcome.ok, outcome
    assert served[-2:] == ["SetParameterValues", "GetParameterValues"]
    assert outcome.applied[SSID] == "Café & <Co>"
    assert acs.sessions_open == 0
    heard, _ = core.informs[-1]
    assert (heard.device.serial, heard.device.oui) == ("S1", "00259E")
    assert device.state.events == []


@pytest.mark.parametrize("name", of_end("refused"))
async def test_a_refusal_is_understood(acs: AcsServer, core: Registry, name: str) -> None:
    core.give("S1", {**VALUES, **(REFUSED if quirks()[name].row == "Fault without detail" else {})})
    await cpe(acs, name).inform([BOOT])
    outcome = core.outcome("S1")
    assert (outcome.ok, acs.sessions_open) == (False, 0)
    assert outcome.fault is not None
    assert (outcome.fault.code, outcome.fault.kind) == (said_by(name), FaultKind.CPE)


def said_by(name: str) -> int | None:
    return {"fault-9002": 9002, "names-few": 9004, "fault-with-text": 9007, "fault-without-detail": None}[name]


@pytest.mark.parametrize("name", of_end("forgets"))
async def test_what_does_not_stick_is_seen(acs: AcsServer, core: Registry, name: str) -> None:
    await cpe(acs, name).inform([BOOT])
    fault = core.outcome("S1").fault
    assert fault is not None
    assert (fault.kind, fault.parameter) == (FaultKind.MISMATCH, SSID)


@pytest.mark.parametrize("name", of_end("unknown"))
async def test_one_of_which_too_little_is_known_is_heard(acs: AcsServer, core: Registry, name: str) -> None:
    await cpe(acs, name).inform([BOOT])
    fault = core.outcome("S1").fault
    assert (len(core.informs), acs.sessions_open) == (1, 0)
    assert fault is not None
    assert fault.kind is FaultKind.UNKNOWN_MODEL


@pytest.mark.parametrize("name", of_end("lost"))
async def test_a_session_that_cannot_be_told_is_refused_and_harms_nobody(
    acs: AcsServer, core: Registry, name: str
) -> None:
    core.give("S2", VALUES)
    with pytest.raises(SessionFailed):
        await cpe(acs, name).inform([BOOT])
    assert core.outcomes == {}
    await cpe(acs, serial="S2").inform([BOOT])
    assert core.outcome("S2") == CpeOutcome(ok=True, applied=core.outcome("S2").applied)


def test_each_pattern_is_of_something_that_the_cpe_sends() -> None:
    """A pattern that never matched would be a quirk that nobody has."""
    device = LabCpe(CpeSettings("http://acs.example/", "cpe", PASSWORD, "S1"))
    sent = [
        inform_envelope(device.state.identity, [BOOTSTRAP], {"Device.DeviceInfo.HardwareVersion": "LAB1"}, 0),
        ask(device.state, "GetParameterValues", "<ParameterNames><string>Device.</string></ParameterNames>"),
        ask(device.state, "SetParameterValues", "<ParameterList/><ParameterKey/>"),
        ask(device.state, "X_Nothing"),
    ]
    for name, quirk in quirks().items():
        texts = sent
        for pattern, instead in quirk.switches.get("rewrites", ()):
            changed = [re.sub(pattern, instead, text, flags=re.DOTALL) for text in texts]
            assert changed != texts, (name, pattern)
            texts = changed


async def test_quirks_that_go_together_are_had_together(acs: AcsServer, core: Registry) -> None:
    names = ("prefixes-odd", "no-id", "types-absent", "connection-close", "soap-action-wrong", "cookie-quoted", "gzip")
    await cpe(acs, *names).inform([BOOT])
    assert core.outcome("S1").ok


def test_quirks_that_no_device_can_have_together_are_refused() -> None:
    with pytest.raises(ValueError, match="no device can have both gzip and deflate"):
        misbehaviour(["gzip", "chunked", "deflate"])
    with pytest.raises(LookupError, match="there is no quirk 'nonsense'"):
        misbehaviour(["nonsense"])
