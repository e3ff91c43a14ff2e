"""What a CPE does after a session because the ACS asked for it: restart, transfer, change software, inform later."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from ztpd.lab.cpe import testing, transfers
from ztpd.lab.cpe.faults import CwmpFault
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

Wait = Callable[[float], Awaitable[None]]
"""Waits this many of the CPE's own seconds."""


async def carry_out(state: CpeState, todo: Todo, wait: Wait) -> None:
    """Do one of ``CpeState.todo``; what is to be told of it is in the state afterwards."""
    await wait(todo.delay_seconds)
    await _ERRANDS[todo.method](state, todo, wait)


async def _reboot(state: CpeState, todo: Todo, wait: Wait) -> None:
    await wait(state.settings.boot_seconds)
    state.restarted("Reboot", todo.key)


async def _factory_reset(state: CpeState, todo: Todo, wait: Wait) -> None:
    await wait(state.settings.boot_seconds)
    state.reset_to_factory()


async def _schedule_inform(state: CpeState, todo: Todo, wait: Wait) -> None:
    state.tell(SCHEDULED)
    state.tell("M ScheduleInform", todo.key)


async def _change_acs(state: CpeState, todo: Todo, wait: Wait) -> None:
    """The first session with another ACS is a bootstrap (TR-069 Amendment 6, §3.7.1.5)."""
    state.tell(BOOTSTRAP)


async def _download(state: CpeState, todo: Todo, wait: Wait) -> None:
    started = now()
    try:
        fetched = await transfers.download(todo, state.settings.source_ip)
        version = transfers.version_of(state, todo, fetched)
    except CwmpFault as fault:
        _tell_transfer(state, todo, started, fault)
        return
    if version is not None:
        await wait(state.settings.boot_seconds)
        state.upgrade(version)
        state.restarted()
    _tell_transfer(state, todo, started, None)


async def _upload(state: CpeState, todo: Todo, wait: Wait) -> None:
    started = now()
    try:
        await transfers.upload(state, todo, state.settings.source_ip)
    except CwmpFault as fault:
        _tell_transfer(state, todo, started, fault)
    else:
        _tell_transfer(state, todo, started, None)


def _tell_transfer(state: CpeState, todo: Todo, started: str, fault: CwmpFault | None) -> None:
    state.tell(TRANSFER_COMPLETE)
    state.tell(f"M {todo.method}", todo.key)
    became = fault_struct(0, "") if fault is None else fault_struct(fault.code, fault.message)
    times = simple({"StartTime": started, "CompleteTime": now()})
    state.calls.append(Call("TransferComplete", simple({"CommandKey": todo.key}) + became + times))


async def _change_du_state(state: CpeState, todo: Todo, wait: Wait) -> None:
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


_ERRANDS: dict[str, Callable[[CpeState, Todo, Wait], Awaitable[None]]] = {
    "Reboot": _reboot,
    "FactoryReset": _factory_reset,
    "ScheduleInform": _schedule_inform,
    "ChangeAcs": _change_acs,
    "Download": _download,
    "ScheduleDownload": _download,
    "Upload": _upload,
    "ChangeDUState": _change_du_state,
    "Diagnostics": testing.diagnose,
}
