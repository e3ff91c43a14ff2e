"""Tests of a CPE: one session begins them, a later one shows what they came to (TR-143 §4, TR-181 IP.Diagnostics).

The CPE tests once the session is over, and informs with ``8 DIAGNOSTICS COMPLETE``; some only finish. Its
DiagnosticsState is the truth either way.
"""

from collections.abc import Generator, Iterable, Mapping
from fnmatch import fnmatchcase

from ztpd.acs.diagnostics import OpticalPlace, Place, Places, shipped
from ztpd.acs.discovery import row_number
from ztpd.acs.measuring import Unmeasured, report_of
from ztpd.acs.messages import Answer, Fault, GetParameterNamesResponse, GetParameterValuesResponse
from ztpd.acs.procedures.protocol import Context, Procedure, outcome_of_fault
from ztpd.acs.requests import GetParameterNames, GetParameterValues, ParameterValue, Request, SetParameterValues
from ztpd.domain.cpe import CpeFault, CpeOutcome, FaultKind
from ztpd.domain.cpe_tasks import Collect, Diagnose
from ztpd.domain.diagnostics import CpeTest

MAX_ROWS = 40
"""How many neighbours or hops are read: what a CPE answers must fit into one message."""

REQUESTED = "Requested"
_FINISHED = frozenset({"complete", "completed"})
_LOST = frozenset({"", "none", "canceled"})

# A.5.1: method not supported, invalid parameter name, attempt to set a parameter that cannot be.
_UNABLE = frozenset({9000, 9005, 9008})

WORDS: Mapping[str, str] = {
    "Error_CannotResolveHostName": "the CPE cannot resolve the name of the host: check its DNS",
    "Error_NoRouteToHost": "the CPE has no route to the host",
    "Error_InitConnectionFailed": "the server took no connection",
    "Error_NoResponse": "the server did not answer",
    "Error_TransferFailed": "the transfer broke off",
    "Error_PasswordRequestFailed": "the server asked for no password",
    "Error_LoginFailed": "the server refused the login",
    "Error_NoTransferMode": "the server refused binary transfer",
    "Error_NoPASV": "the server refused passive mode",
    "Error_NoCWD": "the server refused the folder",
    "Error_NoSTOR": "the server refused the upload",
    "Error_NoTransferComplete": "the server did not confirm the upload",
    "Error_IncorrectSize": "the file was not as large as the server had said",
    "Error_Timeout": "it took longer than the CPE allows",
    "Error_MaxHopCountExceeded": "the host is farther away than the hops allowed",
    "Error_Internal": "the CPE had an internal error",
    "Error_Other": "the CPE gives no reason",
    "Error": "the CPE gives no reason",
}
"""What each DiagnosticsState says that is an error."""


def diagnose(task: Diagnose, context: Context) -> Procedure:
    """Begin the test with its arguments; what is only to be read is read at once."""
    places = _places(context)
    if places is None:
        return _unable("its data model is not known")
    if task.test.test == "optics":
        return (yield from _optics(places, context))
    place = places.tests.get(task.test.test)
    if place is None:
        return _unable(f"{places.root} has no such test")
    if task.test.scan is False:
        return (yield from _results(place, task.test))
    strange = sorted(set(task.test.arguments) - set(place.arguments) - {"scan"})
    if strange:
        return _unable(f"its test takes no {strange[0]}")
    before = yield GetParameterValues((place.state if place.listed else place.object,))
    if isinstance(before, Fault):
        return _refused(before, place)
    assert isinstance(before, GetParameterValuesResponse)
    # The key says what the CPE was configured with, and a test configures nothing.
    key = context.parameters.get(f"{places.root}ManagementServer.ParameterKey", context.key)
    answer = yield SetParameterValues(_settings(place, task.test, before.parameters), key)
    if isinstance(answer, Fault):
        return _refused(answer, place)
    return CpeOutcome(ok=True, pending=True)


def collect(task: Collect, context: Context) -> Procedure:
    """Show the results of a test that was begun, if it is through."""
    places = _places(context)
    place = None if places is None else places.tests.get(task.test.test)
    if place is None:
        return _unable("it was another device when the test began")
    answer = yield GetParameterValues((place.state if place.listed else place.object,))
    if isinstance(answer, Fault):
        return _refused(answer, place)
    assert isinstance(answer, GetParameterValuesResponse)
    state = answer.parameters.get(place.state, "").strip()
    if state == REQUESTED:
        return CpeOutcome(ok=True, pending=True)
    if state.casefold() in _LOST:
        return _failed("the CPE does not know of the test any more: it restarted", FaultKind.INTERRUPTED)
    if state.casefold() not in _FINISHED:
        return _failed(WORDS.get(state, f"the CPE says {state[:64]!a}"), FaultKind.TEST)
    if place.listed:
        return (yield from _results(place, task.test))
    return _shown(place, task.test, answer.parameters)


def _places(context: Context) -> Places | None:
    for root, places in shipped().items():
        if any(path.startswith(root) for path in context.parameters):
            return places
    return None


def _settings(place: Place, test: CpeTest, before: Mapping[str, str]) -> tuple[ParameterValue, ...]:
    """What the test is given, what an earlier one has left behind at its rest, and the word to begin."""
    settings = []
    for name, argument in place.arguments.items():
        path, given = place.object + argument.name, test.arguments.get(name)
        text = argument.rest if given is None else argument.words.get(str(given), str(given))
        if text is not None and (given is not None or before.get(path, text) != text):
            settings.append(ParameterValue(path, text, argument.type))
    return (*settings, ParameterValue(place.state, REQUESTED))


def _results(place: Place, test: CpeTest) -> Generator[Request, Answer, CpeOutcome]:
    """A table that may be long: its rows are listed, and the first of them read."""
    table = f"{place.object}{place.table}"
    listed = yield GetParameterNames(table)
    if isinstance(listed, Fault):
        return _refused(listed, place)
    assert isinstance(listed, GetParameterNamesResponse)
    rows = [path for _, path in sorted(_instances(listed.names, table))]
    if not rows:
        return CpeOutcome(ok=True, report=report_of(test.test, {}, ()))
    answer = yield GetParameterValues(tuple(rows[:MAX_ROWS]))
    if isinstance(answer, Fault):
        return _refused(answer, place)
    assert isinstance(answer, GetParameterValuesResponse)
    return _shown(place, test, answer.parameters, len(rows))


def _instances(paths: Iterable[str], table: str) -> set[tuple[int, str]]:
    """The rows of a table that paths lie in: number and path."""
    numbered = ((row_number(table, path), path[len(table) :].partition(".")[0]) for path in paths)
    return {(number, f"{table}{as_written}.") for number, as_written in numbered if number is not None}


def _shown(place: Place, test: CpeTest, read: Mapping[str, str], counted: int | None = None) -> CpeOutcome:
    values = {key: read[path] for key, name in place.results.items() if (path := place.object + name) in read}
    if test.duration_s is not None:
        values.pop("file_bytes", None)  # what was sent ended with the time, not with the file
    instances = sorted(_instances(read, place.object + place.table)) if place.table else []
    rows = [
        {key: read[path] for key, name in place.columns.items() if (path := row + name) in read}
        for _, row in instances[:MAX_ROWS]
    ]
    try:
        return CpeOutcome(ok=True, report=report_of(test.test, values, rows, counted or len(instances)))
    except Unmeasured as error:
        return _failed(str(error), FaultKind.TEST)


def _optics(places: Places, context: Context) -> Generator[Request, Answer, CpeOutcome]:
    """Read the levels at the first place that this make has."""
    maker = context.device.manufacturer.casefold()
    for place in places.optics:
        if place.manufacturer and not any(fnmatchcase(maker, pattern) for pattern in place.manufacturer):
            continue
        answer = yield GetParameterValues((place.object,))
        if isinstance(answer, Fault) and answer.code not in _UNABLE:
            return outcome_of_fault(answer)
        if isinstance(answer, GetParameterValuesResponse):
            try:
                return CpeOutcome(ok=True, report=report_of("optics", _levels(place, answer.parameters), ()))
            except Unmeasured:
                continue
    return _unable("it shows its optical levels in none of the places that are known of this make")


def _levels(place: OpticalPlace, read: Mapping[str, str]) -> dict[str, str]:
    objects = [place.object]
    if place.upstream is not None:
        rows = [path for _, path in sorted(_instances(read, place.object))]
        objects = sorted(rows, key=lambda row: read.get(row + (place.upstream or ""), "").lower() not in {"1", "true"})
    found: dict[str, str] = {}
    for path in objects[:1]:
        for name, level in place.results.items():
            if path + level.name in read:
                found[f"{name} {level.scale}"] = read[path + level.name]
    return found


def _refused(fault: Fault, place: Place) -> CpeOutcome:
    """A fault is about one argument where the CPE names it, told by the name that it was asked by; else about the test.

    The standards' text of code 9007 is ``Invalid parameter value``.
    """
    for each in fault.parameters:
        if each.code in _UNABLE:
            return _unable(f"it has no {_called(each.parameter, place)} that can be set", each.code)
        if each.parameter:
            said = each.message or fault.message or "refused"
            return CpeOutcome(
                ok=False, fault=CpeFault(each.code or None, f"{said} for {_called(each.parameter, place)}")
            )
    if fault.code in _UNABLE:
        return _unable("it has no such test", fault.code)
    return outcome_of_fault(fault)


def _called(path: str, place: Place) -> str:
    """What people call a parameter of a test, and what the CPE calls it: ``url (DownloadURL)``."""
    name = path.removeprefix(place.object)[:64]
    called = {argument.name: called for called, argument in place.arguments.items()}.get(name, name)
    return name if called == name else f"{called} ({name})"


def _unable(why: str, code: int | None = None) -> CpeOutcome:
    return _failed(f"the CPE cannot do this test: {why}", FaultKind.UNABLE, code)


def _failed(why: str, kind: FaultKind, code: int | None = None) -> CpeOutcome:
    return CpeOutcome(ok=False, fault=CpeFault(code, why, kind=kind))
