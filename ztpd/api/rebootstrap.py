"""A CPE that lost its own secret, as by a reset to factory settings: let in again by hand; audited."""

from typing import Annotated, Final

from pydantic import Field

from ztpd.api.answers import DeviceShown
from ztpd.api.inputs import ByRowId
from ztpd.api.routing import Answer, Call, Nothing, Route, route
from ztpd.api.tokens import Scope
from ztpd.domain.model import Strict
from ztpd.store import cpe_secrets


class RebootstrapBody(Strict):
    """Why the CPE may come with the secret that all new CPEs share."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


async def rebootstrap(call: Call[ByRowId, Nothing, RebootstrapBody]) -> Answer:
    """Let a CPE come with the bootstrap secret again, until it has shown one of its own."""
    store = call.context.store
    await store.commit(cpe_secrets.allow_bootstrap, call.path.id, call.body.reason, call.caller)
    return Answer(await store.read(lambda reader: reader.device(call.path.id)))


ROUTES: Final[tuple[Route, ...]] = (
    route("POST", "/v1/devices/{id}/rebootstrap", rebootstrap, frozenset({Scope.DISPATCH}), DeviceShown),
)
