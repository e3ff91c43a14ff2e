"""Intentions of the loop that asks CPEs to inform: which ones, and what became of it.

A request is kept before it is made: after a kill the next one follows in its time, and no two nodes make one at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from ztpd.domain.cpe import CpeFacts, spoken
from ztpd.domain.waking import CpeToWake, WakingPace
from ztpd.store import cpe_work, firmware_campaigns, imports
from ztpd.store.rows import facts_of_cpe
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

TOPIC = "cpe-tasks"
"""What nudges the loop: something was added that a CPE must do (``Transaction.touched``)."""

LOOK_AGAIN, AFTER_SESSION = timedelta(seconds=5), timedelta(seconds=1)
"""When a CPE is looked at again that seemed to have something to do and has not, or not yet; or was in a session."""

_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that is to be made, and when it was decided on."""

    cpe: CpeToWake
    asked_at: str


def claim_cpes_to_wake(
    tx: Transaction, pace: WakingPace, limit: int, talks: Callable[[CpeFacts], bool] = lambda facts: False
) -> list[Asking]:
    """CPEs that have something to do and may be asked to inform, at most ``limit``; keeps that they are asked now.

    ``talks`` tells whether a CPE is in a session now: it will be told there.
    """
    claimed: list[Asking] = []
    for row in _candidates(tx, max(limit, _LOOKED_AT)):
        if len(claimed) == limit:
            break
        if talks(facts_of_cpe(row)):
            _put_off(tx, row, AFTER_SESSION)
            continue
        asking = tx.apart(lambda row=row: _claim(tx, row, pace))  # type: ignore[misc]
        if isinstance(asking, Asking):
            claimed.append(asking)
        else:  # nothing to do, or a record that cannot be read: out of the way of the others
            _put_off(tx, row, LOOK_AGAIN)
    return claimed


def _candidates(tx: Transaction, limit: int) -> Iterable[Row]:
    """Each once: a CPE of a campaign may have something else to do too."""
    rows = (*tx.all("cpes_to_wake", now=tx.now_text, limit=limit), *firmware_campaigns.cpes_to_wake(tx))
    return {row["device"]: row for row in rows}.values()


def _put_off(tx: Transaction, row: Row, pause: timedelta) -> None:
    tx.run("put_off_cpe_waking", device=row["device"], next_at=to_text(tx.now + pause))


def _claim(tx: Transaction, row: Row, pace: WakingPace) -> Asking | None:
    facts = facts_of_cpe(row)
    work = cpe_work.next_work(tx, row, facts)
    if work is None:
        return None
    before, why = tx.one("cpe_waking", device=row["device"]), spoken(work.cause, work.id)
    tries = 1 + (before["tries"] if before is not None and before["why"] == why else 0)
    imported = imports.credentials_of(tx, row["device"])
    cpe = CpeToWake(row["device"], facts, row["ip"], row["secret"], why, tries, imported)
    next_at = to_text(tx.now + pace.pause(tries))
    tx.run(
        "put_cpe_waking",
        device=cpe.device,
        why=why,
        tries=tries,
        asked_at=tx.now_text,
        next_at=next_at,
        said="being asked",
    )
    return Asking(cpe, tx.now_text)


def tell_wakings(tx: Transaction, told: list[tuple[Asking, str]]) -> None:
    """Keep what became of requests."""
    for asking, said in told:
        tx.run("tell_cpe_waking", device=asking.cpe.device, asked_at=asking.asked_at, said=said)
