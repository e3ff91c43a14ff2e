"""A CPE becomes what the intents say: one SetParameterValues, one GetParameterValues of what can be read back."""

from ztpd.acs import verification
from ztpd.acs.datamodel import IntentError, settings_for
from ztpd.acs.messages import Fault, GetParameterValuesResponse, SetParameterValuesResponse
from ztpd.acs.procedures.protocol import Context, Procedure
from ztpd.acs.requests import GetParameterValues, SetParameterValues
from ztpd.domain.cpe import CpeOutcome
from ztpd.domain.cpe_tasks import Configure


def configure(task: Configure, context: Context) -> Procedure:
    """Set all values at once, then read back those that can be."""
    try:
        settings = settings_for(context.models, context.device, context.parameters, task.values)
    except IntentError as error:
        return verification.unsuited(error)
    if not settings:
        return CpeOutcome(ok=True)
    answer = yield SetParameterValues(tuple(setting.as_parameter() for setting in settings), context.key)
    if isinstance(answer, Fault):
        return verification.refused(settings, answer)
    assert isinstance(answer, SetParameterValuesResponse)
    paths = verification.readable_paths(settings)
    if not paths:
        return verification.outcome(settings, {}, answer.status)
    read = yield GetParameterValues(paths)
    if isinstance(read, Fault):
        return verification.refused(settings, read)
    assert isinstance(read, GetParameterValuesResponse)
    return verification.outcome(settings, read.parameters, answer.status)
