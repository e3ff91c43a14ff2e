"""What somebody asks of one CPE: show values, restart, forget everything."""

from ztpd.acs.messages import Fault, GetParameterValuesResponse
from ztpd.acs.procedures.protocol import Context, Procedure, outcome_of_fault
from ztpd.acs.requests import FactoryReset, GetParameterValues, Reboot
from ztpd.domain import cpe_tasks
from ztpd.domain.cpe import CpeOutcome


def read(task: cpe_tasks.Read, context: Context) -> Procedure:
    """Read the paths."""
    answer = yield GetParameterValues(task.paths)
    if isinstance(answer, Fault):
        return outcome_of_fault(answer)
    assert isinstance(answer, GetParameterValuesResponse)
    return CpeOutcome(ok=True, applied=answer.parameters)


def reboot(task: cpe_tasks.Reboot, context: Context) -> Procedure:
    """Have it restart, which it does when the session is over."""
    answer = yield Reboot(context.key)
    return outcome_of_fault(answer) if isinstance(answer, Fault) else CpeOutcome(ok=True)


def factory_reset(task: cpe_tasks.FactoryReset, context: Context) -> Procedure:
    """Have it forget everything and restart."""
    answer = yield FactoryReset()
    return outcome_of_fault(answer) if isinstance(answer, Fault) else CpeOutcome(ok=True)
