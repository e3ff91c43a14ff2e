"""What the ACS asks and tells the core: each is one intention of the store."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from ztpd.acs.contract import Core, Heard
from ztpd.acs.messages import Notice
from ztpd.acs.sighting import facts_of, sighting_of
from ztpd.domain.cpe import CpeOutcome, CpeWork, KnownCpe, Proof
from ztpd.domain.cpe_tasks import Download, Upload
from ztpd.store import cpes, transfers
from ztpd.store.cpes import HeardCpe
from ztpd.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Informing:
    """The core as the ACS sees it; ``sighted`` counts sightings by source and outcome, ``counted`` sessions.

    ``same_place``: a CPE that lost its secret is let in again where a trusted lease says that it is itself.
    ``files_url`` is how CPEs reach the file server, without a path.
    """

    store: Store
    now: Callable[[], datetime]
    sighted: Callable[[str, str], None]
    counted: Callable[[str], None]
    same_place: bool = False
    files_url: str = ""

    def core(self) -> Core:
        """What ``AcsServer`` is given."""
        return Core(self.heard, self.done, self.told, self.resumed)

    async def heard(self, heard: Heard) -> CpeWork | None:
        """Commit that a CPE informed; what it must do first."""
        facts = facts_of(heard.inform)
        sighting = sighting_of(facts, heard.peer_ip, self.now(), trusted=heard.proof is not Proof.NONE)
        told = HeardCpe(facts, heard.proof, _hash(heard.token), heard.doubt, heard.detail, self.same_place)
        work = await self.store.commit(cpes.hear_inform, sighting, told)
        self.sighted("cwmp", "kept")
        self.counted("informed" if heard.doubt is None else heard.doubt.value)
        return self._addressed(work)

    async def done(self, work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
        """Commit what became of a CPE's work; what it must do next."""
        following = await self.store.commit(cpes.record_outcome, work, outcome)
        self.counted("configured" if outcome.ok else "faulted")
        return self._addressed(following)

    async def told(self, token: str, notice: Notice) -> None:
        """Commit what a CPE told of itself."""
        log.info("cpe_told", method=notice.method, key=notice.command_key, fault=notice.fault_code)
        fault = (notice.fault_code, notice.fault_message)
        await self.store.commit(transfers.record_notice, _hash(token), notice.method, notice.command_key, fault)

    async def resumed(self, token: str) -> KnownCpe | None:
        """Whose session a token of an earlier run stands for."""
        known = await self.store.commit(cpes.resume, _hash(token))
        return None if known is None else replace(known, work=self._addressed(known.work))

    def _addressed(self, work: CpeWork | None) -> CpeWork | None:
        """The work with the whole URL of a file of ours: where we are reached is none of the store's business."""
        if work is None or not isinstance(work.task, Download | Upload) or not work.task.url.startswith("/"):
            return work
        return replace(work, task=work.task.model_copy(update={"url": f"{self.files_url}{work.task.url}"}))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
