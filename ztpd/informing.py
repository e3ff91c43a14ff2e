"""What the ACS asks and tells the core: each is one intention of the store."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from ztpd.acs.contract import Core, Heard
from ztpd.acs.messages import Notice
from ztpd.acs.sighting import facts_of, sighting_of
from ztpd.domain.cpe import CpeOutcome, CpeWork, KnownCpe, Proof
from ztpd.store import cpes
from ztpd.store.cpes import HeardCpe
from ztpd.store.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Informing:
    """The core as the ACS sees it; ``sighted`` counts sightings by source and outcome, ``counted`` sessions.

    ``same_place``: a CPE that lost its secret is let in again where a trusted lease says that it is itself.
    """

    store: Store
    now: Callable[[], datetime]
    sighted: Callable[[str, str], None]
    counted: Callable[[str], None]
    same_place: bool = False

    def core(self) -> Core:
        """What ``AcsServer`` is given."""
        return Core(self.heard, self.done, self.told, self.resumed)

    async def heard(self, heard: Heard) -> CpeWork | None:
        """Commit that a CPE informed; what it must do first."""
        sighting = sighting_of(heard.inform, heard.peer_ip, self.now(), trusted=heard.proof is not Proof.NONE)
        facts, token = facts_of(heard.inform), _hash(heard.token)
        told = HeardCpe(facts, heard.proof, token, heard.doubt, heard.detail, self.same_place)
        work = await self.store.commit(cpes.hear_inform, sighting, told)
        self.sighted("cwmp", "kept")
        self.counted("informed" if heard.doubt is None else heard.doubt.value)
        return work

    async def done(self, work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
        """Commit what became of a CPE's work; what it must do next."""
        following = await self.store.commit(cpes.record_outcome, work, outcome)
        self.counted("configured" if outcome.ok else "faulted")
        return following

    async def told(self, token: str, notice: Notice) -> None:
        """Take note of what a CPE told of itself: nothing waits for it, for transfers are not begun from here yet."""
        log.info("cpe_told", method=notice.method, key=notice.command_key, fault=notice.fault_code)

    async def resumed(self, token: str) -> KnownCpe | None:
        """Whose session a token of an earlier run stands for."""
        return await self.store.commit(cpes.resume, _hash(token))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
