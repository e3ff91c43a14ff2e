"""A CPE is told to inform another ACS from its next session on.

User and password come before the URL: some CPEs apply one value after the other, and some leave at the URL, in the
middle of the session. The answer may therefore never come; who asked decides by whether the CPE comes back.
"""

from collections.abc import Generator
from dataclasses import replace

from ztpd.acs import fault_words
from ztpd.acs.messages import Answer, Fault, GetParameterValuesResponse, SetParameterValuesResponse
from ztpd.acs.procedures.protocol import Context, Procedure, outcome_of_fault
from ztpd.acs.requests import GetParameterValues, ParameterValue, Reboot, Request, SetParameterValues
from ztpd.domain.cpe import MASK, CpeFault, CpeOutcome, FaultKind
from ztpd.domain.cpe_tasks import Redirect

INTERVAL = "ManagementServer.PeriodicInformInterval"
_ENABLE = "ManagementServer.PeriodicInformEnable"
_ROOTS = ("Device.", "InternetGatewayDevice.")  # both name these parameters alike (TR-181, TR-098)
_SAID = {"URL": "address of the ACS", "Username": "user at the ACS", "Password": "password at the ACS"}
_APPLIED_BY_A_RESTART = 1  # Status of SetParameterValuesResponse (A.3.2.1)


def redirect(task: Redirect, context: Context) -> Procedure:
    """Give it URL, user and password in one request; one that applies them by a restart only is restarted."""
    root = next((root for root in _ROOTS if any(path.startswith(root) for path in context.parameters)), None)
    if root is None:
        fault = CpeFault(None, "its Inform shows neither a TR-181 nor a TR-098 root", kind=FaultKind.UNKNOWN_MODEL)
        return CpeOutcome(ok=False, fault=fault)
    shown = yield from _periodic(root)
    values = (
        ParameterValue(f"{root}ManagementServer.Username", task.username),
        ParameterValue(f"{root}ManagementServer.Password", task.password),
        ParameterValue(f"{root}ManagementServer.URL", task.url),
    )
    # The key says what the CPE was configured with, and this configures nothing.
    key = context.parameters.get(f"{root}ManagementServer.ParameterKey", context.key)
    answer = yield SetParameterValues(values, key)
    if isinstance(answer, Fault):
        return _refused(answer, task.password)
    assert isinstance(answer, SetParameterValuesResponse)
    if answer.status == _APPLIED_BY_A_RESTART:
        yield Reboot(context.key)  # one that will not restarts some day; until then it comes back, which is seen
    told = {value.path: MASK if value.text == task.password else value.text for value in values}
    return CpeOutcome(ok=True, applied={**told, **shown})


def _refused(fault: Fault, password: str) -> CpeOutcome:
    """The outcome of a fault: the first parameter that it names says why. Some CPEs quote what they refuse."""
    first = next(iter(fault.parameters), None)
    if first is None:
        return outcome_of_fault(replace(fault, message=fault.message.replace(password, MASK)))
    code, parameter = first.code or fault.code, first.parameter.replace(password, MASK)
    message = (first.message or fault.message).replace(password, MASK)
    told = fault_words.told(code, message, _SAID.get(parameter.rpartition(".")[2], ""))
    return CpeOutcome(ok=False, fault=CpeFault(code or None, told, parameter))


def _periodic(root: str) -> Generator[Request, Answer, dict[str, str]]:
    """How often it informs by itself; nothing when it does not say, and no interval when it does not."""
    answer = yield GetParameterValues((root + _ENABLE, root + INTERVAL))
    if not isinstance(answer, GetParameterValuesResponse):
        return {}
    enabled = answer.parameters.get(root + _ENABLE, "1").strip().lower() in {"1", "true"}
    interval = answer.parameters.get(root + INTERVAL, "").strip()
    return {root + INTERVAL: interval[:10]} if enabled and interval.isascii() and interval.isdigit() else {}
