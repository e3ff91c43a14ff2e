"""Intentions of the ACS: a CPE informed, did what it was asked, told something of itself, or goes on with a session."""

from dataclasses import dataclass
from datetime import timedelta

from ztpd.domain.cpe import Cause, CpeFacts, CpeOutcome, CpeWork, Doubt, KnownCpe, Proof
from ztpd.domain.sighting import Sighting
from ztpd.store import cpe_doubts, cpe_drift, cpe_firmware, cpe_handover, cpe_secrets, cpe_work, sightings
from ztpd.store.rows import KEPT_FACTS, facts_of_cpe
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

SESSION_LIFE = timedelta(seconds=120)
"""How long after its Inform a session may go on that another run of the daemon began."""


@dataclass(frozen=True, slots=True)
class HeardCpe:
    """Who informed, how that was proven, and the hash of the token that its session goes by.

    ``doubt`` is why nothing is proven, ``detail`` what was shown instead. ``same_place`` lets a CPE that lost its own
    secret come back by the one that all share, from where it is known to be.
    """

    facts: CpeFacts
    proof: Proof
    session: str
    doubt: Doubt | None = None
    detail: str = ""
    same_place: bool = False


def hear_inform(tx: Transaction, sighting: Sighting, heard: HeardCpe) -> CpeWork | None:
    """Keep the sighting of an Inform and what it tells; what the CPE must do first, or None.

    One that has not proven who it is is asked nothing, whatever a job expects of who it says it is.
    """
    doubt = heard.doubt
    if doubt is None and heard.proof is Proof.NONE:
        doubt = Doubt.UNPROVEN
    if doubt is None:
        doubt = cpe_secrets.doubt_of(tx, sighting, heard.proof, same_place=heard.same_place)
    if doubt is not None:
        cpe_doubts.hear(tx, sighting, doubt, heard.detail)
        return None
    recorded = sightings.record_sighting(tx, sighting)
    cpe = cpe_drift.heard(tx, keep(tx, recorded.device, sighting.ip or "", heard), heard.facts)
    cpe_handover.heard(tx, cpe)
    cpe_firmware.heard(tx, cpe, heard.facts)
    return cpe_work.give_work(tx, cpe, heard.facts, (Cause.JOB,) if recorded.job is None else ())


def keep(tx: Transaction, device: int, ip: str, heard: HeardCpe) -> Row:
    """Keep what an Inform tells of its CPE; the row as it is now."""
    told = {name: getattr(heard.facts, name) for name in KEPT_FACTS}
    told |= {"ip": ip, "proof": heard.proof, "session": heard.session}
    secret = "proven" if heard.proof is Proof.DEVICE else ""
    row = tx.one("put_cpe", device=device, secret=secret, now=tx.now_text, **told)
    assert row is not None
    return row


def record_outcome(tx: Transaction, work: CpeWork, outcome: CpeOutcome) -> CpeWork | None:
    """Keep what became of a CPE's work; what it must do next, or None."""
    cpe = tx.one("get_cpe", device=work.device)
    followed, put_off = cpe is not None and cpe_secrets.follow(tx, work, outcome, cpe), False
    # A CPE that takes no secret of its own does the rest of its job without.
    if not (followed and not outcome.ok and work.cause is Cause.JOB):
        put_off = not cpe_work.ended(tx, work, outcome, cpe)
    if followed or put_off or work.cause is Cause.DRIFT:  # its row tells of each
        cpe = tx.one("get_cpe", device=work.device)
    if cpe is None:  # it proved to be another device meanwhile; its next Inform begins anew
        return None
    following = cpe_work.next_work(tx, cpe, facts_of_cpe(cpe))
    done = (work.cause, work.id, work.task)
    if following is None or (following.cause, following.id, following.task) == done:
        return None
    return cpe_work.give(tx, cpe, following)


def resume(tx: Transaction, session: str) -> KnownCpe | None:
    """Whose session the hash of a token stands for, and what that CPE must do; None when nobody's, or too old."""
    cpe = tx.one("cpe_of_session", session=session, since=to_text(tx.now - SESSION_LIFE))
    if cpe is None:
        return None
    facts = facts_of_cpe(cpe)
    return KnownCpe(facts, cpe_work.give_work(tx, cpe, facts), Proof(cpe["proof"]))
