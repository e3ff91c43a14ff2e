"""What the harnesses of elements with a JSON API share: the faults of their server."""

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.access import WantedAccess
from ztpd.lab.cuts import Moment
from ztpd.lab.rest.server import RestServer

if TYPE_CHECKING:
    from tests.contract.harness import Traits

RPC_TIMEOUT_S = 5.0


class RestHarness:
    """An element behind a ``RestServer``; a held configuration is the server saying 503."""

    def __init__(self, server: RestServer, traits: "Traits", ports: tuple[str, str]) -> None:
        self.server = server
        self.traits = traits
        self.ports = ports
        self.certificate_sha256 = server.certificate.sha256

    def elsewhere(self, wanted: WantedAccess, port: str) -> WantedAccess:
        return replace(wanted, port=port)

    def writes(self) -> int:
        return self.server.writes

    def requests(self) -> int:
        return self.server.requests

    def subscribed(self) -> bool:
        return self.server.sessions > 0

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        self.server.faults.cut_at = nth
        self.server.faults.cut_moment = Moment.AFTER if after_its_effect else Moment.BEFORE

    def hang(self) -> None:
        self.server.hang()

    def recover(self) -> None:
        self.server.clear_faults()

    def refuse_next_write(self) -> None:
        self.server.faults.refusals = 1

    def bar(self, device: str) -> None:
        self.server.faults.barred.add(device)

    def lock(self) -> None:
        self.server.faults.busy_status = 503

    def unlock(self) -> None:
        self.server.clear_faults()

    def crowd(self) -> None:
        self.server.faults.busy_status = 429

    def end_sessions(self) -> None:
        # Where there is only polling, a connection that is gone is missed when the next poll fails.
        self.cut_at_request(1, after_its_effect=False)
        self.server.end_sessions()

    async def change_host_key(self) -> None:
        self.server.change_certificate()
