"""A finished CPE is handed over to another ACS: whoever has that rules the CPE, so it takes an admin's token."""

from typing import Final

from ztpd.api.cpe_answers import TaskShown
from ztpd.api.cpes import asked
from ztpd.api.inputs import ByRowId
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.cpe_tasks import HandOver
from ztpd.domain.handover import AcsUrl, SecretName, Username
from ztpd.domain.model import Strict
from ztpd.store import handing_over


class HandoverBody(Strict):
    """The other ACS; ``secret`` is what ``[acs.handover.secrets]`` calls the file of the CPE's password there."""

    url: AcsUrl
    username: Username
    secret: SecretName


async def hand_over(call: Call[ByRowId, Nothing, HandoverBody]) -> Answer:
    """Have a finished device inform another ACS; ``handover`` of the device shows whether it left."""
    what = HandOver(url=call.body.url, username=call.body.username, secret=call.body.secret)
    task = await call.context.store.commit(handing_over.hand_over, call.path.id, what, call.caller)
    return await asked(call, task["id"])


ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/v1/devices/{id}/handover", hand_over, frozenset({Scope.ADMIN}), TaskShown, (202,)),
)
