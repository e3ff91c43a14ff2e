"""What a CPE is asked, step by step, for each task: pure programs that yield a request and are sent its answer.

A procedure is a generator: it yields a ``Request``, is sent the CPE's ``Answer`` to it (``Fault`` included) and
returns what became of the task. It knows no session, no bytes and no clock. One file for each family of tasks;
``begin`` finds the one for a task.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ztpd.acs.procedures import configuring, diagnosing, operating, parting, transferring
from ztpd.acs.procedures.protocol import Context, Procedure
from ztpd.domain import cpe_tasks
from ztpd.domain.cpe import CpeWork

PROCEDURES: Mapping[type, Callable[[Any, Context], Procedure]] = {
    cpe_tasks.Configure: configuring.configure,
    cpe_tasks.Inspect: configuring.inspect,
    cpe_tasks.Read: operating.read,
    cpe_tasks.Reboot: operating.reboot,
    cpe_tasks.FactoryReset: operating.factory_reset,
    cpe_tasks.Diagnose: diagnosing.diagnose,
    cpe_tasks.Collect: diagnosing.collect,
    cpe_tasks.Download: transferring.download,
    cpe_tasks.Upload: transferring.upload,
    cpe_tasks.Redirect: parting.redirect,
}
"""What does each kind of task."""


def begin(work: CpeWork, context: Context) -> Procedure:
    """The procedure that does this work on the CPE of this context."""
    return PROCEDURES[type(work.task)](work.task, context)


__all__ = ["Context", "Procedure", "begin"]
