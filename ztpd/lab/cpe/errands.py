"""What a CPE does after a session because the ACS asked for it: restart, transfer, change software, inform later."""

import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from ztpd.lab.cpe import testing, transfers
from ztpd.lab.cpe.faults import CwmpFault
from ztpd.lab.cpe.settings import DownloadEnd
from ztpd.lab.cpe.soap import fault_struct, simple
from ztpd.lab.cpe.state import (
    BOOTSTRAP,
    DU_STATE_CHANGE_COMPLETE,
    SCHEDULED,
    TRANSFER_COMPLETE,
    Call,
    CpeState,
    Todo,
)
from ztpd.lab.cpe.windows import windows_of

_RETRY_SECONDS = 60


class Device(Protocol):
    """The CPE itself, as far as an errand needs it."""

    async def wait(self, seconds: float) -> None:
        """Wait this many of the CPE's own seconds."""

    async def restart(self, why: Todo) -> None:
        """Be off and on again once no session is under way; other transfers that are under way break off."""


async def carry_out(state: CpeState, todo: Todo, device: Device) -> None:
    """Do one of ``CpeState.todo`` unless it is cancelled while it waits; what is to be told is in the state then."""
    await device.wait(todo.delay_seconds)
    if todo not in state.todo:
        return
    await _ERRANDS[todo.method](state, todo, device)
    if todo in state.todo and not todo.under_way:
        state.todo.remove(todo)


def broken_off(state: CpeState, todo: Todo) -> None:
    """A restart ended a transfer that was under way."""
    why = (
        (9011, "Upload failure") if todo.method == "Upload" else (9017, "Download failure: unable to complete download")
    )
    state.todo.remove(todo)
    _tell_transfer(state, todo, now(), CwmpFault(*why))


async def _reboot(state: CpeState, todo: Todo, device: Device) -> None:
    await device.restart(todo)
    state.restarted("Reboot", todo.key)


async def _factory_reset(state: CpeState, todo: Todo, device: Device) -> None:
    await device.restart(todo)
    state.reset_to_factory()


async def _schedule_inform(state: CpeState, todo: Todo, device: Device) -> None:
    state.tell(SCHEDULED)
    state.tell("M ScheduleInform", todo.key)


async def _change_acs(state: CpeState, todo: Todo, device: Device) -> None:
    """The first session with another ACS is a bootstrap (TR-069 Amendment 6, §3.7.1.5)."""
    state.tell(BOOTSTRAP)


async def _diagnose(state: CpeState, todo: Todo, device: Device) -> None:
    await testing.diagnose(state, todo, device.wait)


async def _download(state: CpeState, todo: Todo, device: Device) -> None:
    started = now()
    try:
        version = await _fetch(state, todo)
    except CwmpFault as fault:
        todo.under_way = False
        _tell_transfer(state, todo, started, fault)
    else:
        await _install(state, todo, device, started, version)


async def _scheduled_download(state: CpeState, todo: Todo, device: Device) -> None:
    """Try in each window as often as it says, until it works (A.4.1.8)."""
    started, passed = now(), 0
    for window in windows_of(todo.structs):
        await device.wait(max(0, window.start - passed))
        passed = max(passed, window.start)
        for _ in range(0 if window.needs_consent else 1 + window.retries):
            if todo not in state.todo:  # cancelled in the meantime
                return
            with contextlib.suppress(CwmpFault):
                version = await _fetch(state, todo)
                await _install(state, todo, device, started, version)
                return
            todo.under_way = False
            passed += _RETRY_SECONDS
            if passed >= window.end:
                break
            await device.wait(_RETRY_SECONDS)
    late = CwmpFault(9020, "Download failure: unable to complete download within specified time windows")
    if todo in state.todo:
        _tell_transfer(state, todo, started, late)


async def _fetch(state: CpeState, todo: Todo) -> str | None:
    """The version that the file brings, None where it brings none; raises ``CwmpFault``."""
    todo.under_way = True
    fetched = await transfers.download(todo, state.settings.source_ip)
    if state.settings.misbehaviour.download_fault:
        raise CwmpFault(state.settings.misbehaviour.download_fault, "Download failure")
    return transfers.version_of(state, todo, fetched)


async def _install(state: CpeState, todo: Todo, device: Device, started: str, version: str | None) -> None:
    """Firmware runs after a restart; what becomes of it otherwise is a misbehaviour."""
    end = state.settings.misbehaviour.download_end
    if end is DownloadEnd.NEVER:  # stays under way
        return
    if version is not None:
        await device.restart(todo)
        if end is not DownloadEnd.UNCHANGED:
            state.upgrade(version)
        state.restarted()
    todo.under_way = False
    if end is not DownloadEnd.UNTOLD:
        _tell_transfer(state, todo, started, None)


async def _upload(state: CpeState, todo: Todo, device: Device) -> None:
    started = now()
    todo.under_way = True
    try:
        await transfers.upload(state, todo, state.settings.source_ip)
    except CwmpFault as fault:
        _tell_transfer(state, todo, started, fault)
    else:
        _tell_transfer(state, todo, started, None)
    todo.under_way = False


def _tell_transfer(state: CpeState, todo: Todo, started: str, fault: CwmpFault | None) -> None:
    state.tell(TRANSFER_COMPLETE)
    state.tell(f"M {todo.method}", todo.key)
    became = fault_struct(0, "") if fault is None else fault_struct(fault.code, fault.message)
    times = simple({"StartTime": started, "CompleteTime": now()})
    state.calls.append(Call("TransferComplete", simple({"CommandKey": todo.key}) + became + times))


async def _change_du_state(state: CpeState, todo: Todo, device: Device) -> None:
    """Every operation succeeds that names a URL or a UUID (A.4.1.10, A.4.2.1)."""
    results = [_du_result(struct) for struct in todo.structs]
    state.tell(DU_STATE_CHANGE_COMPLETE)
    state.tell("M ChangeDUState", todo.key)
    listed = f'<Results soap-enc:arrayType="cwmp:OpResultStruct[{len(results)}]">{"".join(results)}</Results>'
    state.calls.append(Call("DUStateChangeComplete", listed + simple({"CommandKey": todo.key})))


_DU_STATES = {"InstallOpStruct": "Installed", "UpdateOpStruct": "Installed", "UninstallOpStruct": "Uninstalled"}


def _du_result(said: Mapping[str, str]) -> str:
    works = bool(said.get("URL", "").strip() or said.get("UUID", "").strip())
    unit = said.get("UUID", "").strip() or str(uuid.uuid5(uuid.NAMESPACE_URL, said.get("URL", "")))
    facts = {
        "UUID": unit,
        "DeploymentUnitRef": "Device.SoftwareModules.DeploymentUnit.1." if works else "",
        "Version": said.get("Version", "").strip() or "1",
        "CurrentState": _DU_STATES.get(said.get("", ""), "Failed") if works else "Failed",
        "Resolved": "1" if works else "0",
        "ExecutionUnitRefList": "",
        "StartTime": now(),
        "CompleteTime": now(),
    }
    fault = "<Fault>{}</Fault>".format(
        simple({"FaultCode": "0", "FaultString": ""} if works else {"FaultCode": "9003", "FaultString": "No URL"})
    )
    return f"<OpResultStruct>{simple(facts)}{fault}</OpResultStruct>"


def now() -> str:
    """The CPE's clock, as CWMP writes times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_ERRANDS: dict[str, Callable[[CpeState, Todo, Device], Awaitable[None]]] = {
    "Reboot": _reboot,
    "FactoryReset": _factory_reset,
    "ScheduleInform": _schedule_inform,
    "ChangeAcs": _change_acs,
    "Download": _download,
    "ScheduleDownload": _scheduled_download,
    "Upload": _upload,
    "ChangeDUState": _change_du_state,
    "Diagnostics": _diagnose,
}
