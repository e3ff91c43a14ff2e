"""What can be asked of a device over TR-069: tests, values, a restart; each is done when the device informs next."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from ztpd.api.cpe_answers import TaskShown
from ztpd.api.inputs import ByRowId, ByTask, PageByRowId
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.shown import PageOf
from ztpd.api.tokens import Scope
from ztpd.domain import cpe_tasks
from ztpd.domain.cpe_tasks import Task
from ztpd.domain.diagnostics import CpeTest, DataPath
from ztpd.domain.model import Strict
from ztpd.store import cpe_asking
from ztpd.store.transaction import Unknown


def _each_once(paths: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(paths)) != len(paths):
        raise ValueError("names a path twice")
    return paths


class ReadBody(Strict):
    """Paths below the root of the device's data model; one that ends in a dot stands for all below it."""

    paths: Annotated[tuple[DataPath, ...], Field(min_length=1, max_length=64), AfterValidator(_each_once)]


async def diagnose_device(call: Call[ByRowId, Nothing, CpeTest]) -> Answer:
    """Have a device test its line: download, upload, ping, traceroute, wifi-neighbours or optics."""
    return await ask(call, cpe_tasks.Diagnose(test=call.body))


async def read_device(call: Call[ByRowId, Nothing, ReadBody]) -> Answer:
    """Have a device show values of its data model; what is named like a secret is masked."""
    return await ask(call, cpe_tasks.Read(paths=call.body.paths))


async def reboot_device(call: Call[ByRowId, Nothing, Nothing]) -> Answer:
    """Have a device restart."""
    return await ask(call, cpe_tasks.Reboot())


async def reset_device(call: Call[ByRowId, Nothing, Nothing]) -> Answer:
    """Have a device forget every setting and restart."""
    return await ask(call, cpe_tasks.FactoryReset())


async def ask(call: Call[ByRowId, Any, Any], task: Task) -> Answer:
    """Have a device do something when it informs next."""
    row = await call.context.store.commit(cpe_asking.ask, call.path.id, task, call.caller)
    return await asked(call, row["id"])


async def asked(call: Call[ByRowId, Any, Any], id_: int) -> Answer:
    """202 with a task, which shows what comes of it."""
    return Answer(await call.context.store.read(lambda reader: reader.cpe_task(call.path.id, id_)), 202)


async def require_device(call: Call[ByRowId, Any, Any]) -> None:
    """Raise ``Unknown`` where there is no such device."""
    if await call.context.store.read(lambda reader: reader.device(call.path.id)) is None:
        raise Unknown("device", str(call.path.id))


async def list_tasks(call: Call[ByRowId, PageByRowId, Nothing]) -> Answer:
    """What a device was asked for, oldest first; of what is over, the last fifty."""
    query, device = call.query, call.path.id
    await require_device(call)
    rows = await call.context.store.read(lambda reader: reader.cpe_tasks(device, query.after, one_more(query.limit)))
    return page(rows, query.limit)


async def get_task(call: Call[ByTask, Nothing, Nothing]) -> Answer:
    """One task of a device, with what it came to."""
    found = await call.context.store.read(lambda reader: reader.cpe_task(call.path.id, call.path.task))
    if found is None:
        raise Unknown("task", str(call.path.task))
    return Answer(found)


async def cancel_task(call: Call[ByTask, Nothing, Nothing]) -> Answer:
    """Give up a task that the device was not told yet."""
    await call.context.store.commit(cpe_asking.cancel, call.path.id, call.path.task, call.caller)
    return await get_task(call)


READ, DISPATCH = frozenset({Scope.READ}), frozenset({Scope.DISPATCH})
FIELD = frozenset({Scope.DISPATCH, Scope.FIELD})
ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/v1/devices/{id}/diagnostics", diagnose_device, FIELD, TaskShown, (202,)),
    route("POST", "/v1/devices/{id}/read", read_device, DISPATCH, TaskShown, (202,)),
    route("POST", "/v1/devices/{id}/reboot", reboot_device, FIELD, TaskShown, (202,)),
    route("POST", "/v1/devices/{id}/factory-reset", reset_device, DISPATCH, TaskShown, (202,)),
    route("GET", "/v1/devices/{id}/tasks", list_tasks, READ, PageOf[TaskShown]),
    route("GET", "/v1/devices/{id}/tasks/{task}", get_task, READ, TaskShown),
    route("POST", "/v1/devices/{id}/tasks/{task}/cancel", cancel_task, DISPATCH, TaskShown),
)
