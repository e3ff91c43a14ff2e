"""What a CPE answers to each request of the ACS (TR-069 Amendment 6, A.3.2 and A.4.1). Pure: what takes time or a
network is left in ``CpeState.todo`` for after the session.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from ztpd.lab.cpe.faults import CwmpFault
from ztpd.lab.cpe.soap import (
    Attributes,
    Request,
    Typed,
    attributes_response,
    fault_envelope,
    methods_response,
    names_response,
    response,
    values_response,
)
from ztpd.lab.cpe.state import TRANSFERS, CpeState, Todo
from ztpd.lab.cpe.subscriptions import follow
from ztpd.lab.cpe.testing import REQUESTED
from ztpd.lab.cpe.windows import windows_of

_NO_TIME = "0001-01-01T00:00:00Z"
_FILE_TYPES = {
    "Download": ("1", "2", "3", "4", "5", "6", "X "),
    "Upload": ("1", "2", "3", "4", "X "),
}
_SCHEMES = ("http", "https")


def serve(state: CpeState, request: Request) -> str:
    """The answer to one request: a response or a fault."""
    try:
        wrong = state.settings.misbehaviour
        method = METHODS.get(request.method)
        if method is None or request.method in wrong.unsupported:
            raise CwmpFault(9000, "Method not supported")
        if request.method in wrong.refuses:
            raise CwmpFault(wrong.refuses[request.method], "Refused by this device")
        return method(state, request)
    except CwmpFault as fault:
        state.faults[fault.code] += 1
        return fault_envelope(request, fault)


def walks_all(state: CpeState, request: Request) -> bool:
    """Whether all of the tree is asked for."""
    names = request.method == "GetParameterNames" and not request.next_level
    return (names or request.method == "GetParameterValues") and any(path in ("", state.root) for path in request.paths)


def _methods(state: CpeState, request: Request) -> str:
    lacks = state.settings.misbehaviour.unsupported
    return methods_response(request, [method for method in METHODS if method not in lacks])


def _names(state: CpeState, request: Request) -> str:
    asked = request.paths[0] if request.paths else ""
    return names_response(request, state.tree.names(asked, next_level=request.next_level))


def _read(state: CpeState, request: Request) -> str:
    """Values of the paths asked for; hidden ones are empty (TR-106 §3.2)."""
    most = state.settings.misbehaviour.most_names
    if most and len(request.paths) > most:
        raise CwmpFault(9004, "Resources exceeded")
    found = [path for asked in request.paths for path in state.tree.below(asked)]
    return values_response(request, {path: _shown(state, path) for path in found})


def _shown(state: CpeState, path: str) -> Typed:
    parameter = state.tree.parameter(path)
    return "" if parameter.hidden else state.tree.text(path), parameter.type


def _write(state: CpeState, request: Request) -> str:
    """Set all values or none (A.3.2.1)."""
    faults = [
        (path, *problem)
        for path, typed in request.values.items()
        if (problem := _problem(state, path, typed)) is not None
    ]
    if faults:
        raise CwmpFault(9003, "Invalid arguments", tuple(faults))
    acs = state.text("ManagementServer.URL")
    for path, (text, _) in request.values.items():
        if path not in state.settings.misbehaviour.forget:
            state.tree.give(path, text)
            _has_been_set(state, path, text)
    _keep_key(state, request)
    follow(state)
    if state.text("ManagementServer.URL") != acs:
        state.todo.append(Todo("ChangeAcs"))
    return response(request, "<Status>0</Status>")


def _keep_key(state: CpeState, request: Request) -> None:
    if not state.settings.misbehaviour.loses_key:
        state.put("ManagementServer.ParameterKey", request.parameter_key)


def _has_been_set(state: CpeState, path: str, text: str) -> None:
    """A test begins once the session is over (TR-143 §4.3)."""
    object_, _, name = path.rpartition(".")
    if name == "DiagnosticsState" and text == REQUESTED:
        state.todo.append(Todo("Diagnostics", {"Path": f"{object_}."}))


def _problem(state: CpeState, path: str, typed: Typed) -> tuple[int, str] | None:
    wilful = state.settings.misbehaviour.reject.get(path)
    if wilful is not None:
        return wilful, "Refused by this device"
    if path not in state.tree:
        return 9005, "Invalid parameter name"
    parameter = state.tree.parameter(path)
    if not parameter.writable:
        return 9008, "Attempt to set a non-writable parameter"
    return None if parameter.accepts(typed[0]) else (9007, "Invalid parameter value")


def _read_attributes(state: CpeState, request: Request) -> str:
    paths = [path for asked in request.paths for path in state.tree.below(asked)]
    unset = Attributes("", 0, ("Subscriber",))
    found = []
    for path in paths:
        attributes = state.attributes.get(path, unset)
        access = unset.access if attributes.access is None else attributes.access
        found.append(Attributes(path, attributes.notification, access))
    return attributes_response(request, found)


def _write_attributes(state: CpeState, request: Request) -> str:
    """All or none (A.3.2.4)."""
    wanted: list[tuple[str, Attributes]] = []
    for attributes in request.attributes:
        if attributes.notification not in (None, 0, 1, 2):
            raise CwmpFault(9003, "Invalid arguments")
        wanted += [(path, attributes) for path in state.tree.below(attributes.path)]
    for path, attributes in wanted:
        before = state.attributes.get(path, Attributes(path))
        state.attributes[path] = Attributes(
            path,
            before.notification if attributes.notification is None else attributes.notification,
            before.access if attributes.access is None else attributes.access,
        )
    return response(request)


def _add_object(state: CpeState, request: Request) -> str:
    number = state.tree.add(request.argument("ObjectName"))
    _keep_key(state, request)
    return response(request, f"<InstanceNumber>{number}</InstanceNumber><Status>0</Status>")


def _delete_object(state: CpeState, request: Request) -> str:
    state.tree.delete(request.argument("ObjectName"))
    _keep_key(state, request)
    return response(request, "<Status>0</Status>")


def _later(state: CpeState, request: Request, delay_seconds: float = 0.0) -> None:
    state.todo.append(Todo(request.method, request.arguments, request.structs, delay_seconds))


def _restart(state: CpeState, request: Request) -> str:
    _later(state, request)
    return response(request)


def _schedule_inform(state: CpeState, request: Request) -> str:
    delay = request.number("DelaySeconds")
    if delay == 0:
        raise CwmpFault(9003, "Invalid arguments")
    _later(state, request, delay)
    return response(request)


def _transfer(state: CpeState, request: Request) -> str:
    """Status 1: it is done after the session, and TransferComplete tells what came of it (A.3.2.8, A.4.1.5)."""
    _check_file(request)
    _later(state, request, request.number("DelaySeconds"))
    times = f"<StartTime>{_NO_TIME}</StartTime><CompleteTime>{_NO_TIME}</CompleteTime>"
    return response(request, f"<Status>1</Status>{times}")


def _check_file(request: Request) -> None:
    kind = "Upload" if request.method == "Upload" else "Download"
    if not request.argument("FileType").startswith(_FILE_TYPES[kind]):
        raise CwmpFault(9003, "Invalid arguments")
    url = urlsplit(request.argument("URL"))
    if url.scheme not in _SCHEMES:
        raise CwmpFault(9013, "Unsupported protocol for file transfer")
    if url.username is not None or not url.hostname:  # A.3.2.8: no credentials within the URL
        raise CwmpFault(9003, "Invalid arguments")


def _schedule_download(state: CpeState, request: Request) -> str:
    """One or two windows that do not overlap (A.4.1.8)."""
    _check_file(request)
    windows = windows_of(request.structs)
    if not 1 <= len(windows) <= 2 or any(window.end <= window.start for window in windows):
        raise CwmpFault(9003, "Invalid arguments")
    if len(windows) == 2 and windows[1].start < windows[0].end:
        raise CwmpFault(9003, "Invalid arguments")
    _later(state, request)
    return response(request)


def _cancel_transfer(state: CpeState, request: Request) -> str:
    """Forget transfers that have not begun; a key that is not known is no fault (A.4.1.9)."""
    key = request.argument("CommandKey")
    named = [todo for todo in state.todo if todo.method in TRANSFERS and todo.key == key]
    if any(todo.under_way for todo in named):
        raise CwmpFault(9021, "Cancelation of file transfer not permitted in current transfer state")
    state.todo = [todo for todo in state.todo if todo not in named]
    return response(request)


def _change_du_state(state: CpeState, request: Request) -> str:
    if not request.structs:
        raise CwmpFault(9003, "Invalid arguments")
    _later(state, request)
    return response(request)


METHODS: dict[str, Callable[[CpeState, Request], str]] = {
    "GetRPCMethods": _methods,
    "SetParameterValues": _write,
    "GetParameterValues": _read,
    "GetParameterNames": _names,
    "SetParameterAttributes": _write_attributes,
    "GetParameterAttributes": _read_attributes,
    "AddObject": _add_object,
    "DeleteObject": _delete_object,
    "Reboot": _restart,
    "FactoryReset": _restart,
    "Download": _transfer,
    "Upload": _transfer,
    "ScheduleInform": _schedule_inform,
    "ScheduleDownload": _schedule_download,
    "ChangeDUState": _change_du_state,
    "CancelTransfer": _cancel_transfer,
}
"""What this CPE can be asked."""
