"""What the ACS and the core say to each other: a device was heard, what it must do, what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ztpd.acs.messages import Inform, Notice
from ztpd.domain.cpe import CpeOutcome, CpeWork, Doubt, KnownCpe, Proof


@dataclass(frozen=True, slots=True)
class Heard:
    """One Inform, with the address it came from, how its sender proved itself, and the token of its new session.

    ``doubt`` is why nothing is proven, with ``detail`` for operators; the token is empty where no session began.
    """

    inform: Inform
    peer_ip: str
    proof: Proof
    token: str
    doubt: Doubt | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Core:
    """What the ACS needs of the daemon's core; when any raises, the CPE is told to come back later (503).

    ``heard`` commits that the device was heard and answers what it must do first (None: nothing). ``done`` commits
    what became of that and answers what is next. ``told`` commits a notice (TransferComplete …) of a session's CPE,
    named by its token, before it is acknowledged. ``resumed`` answers whose session a token opened; None when nobody's
    or too long ago.
    """

    heard: Callable[[Heard], Awaitable[CpeWork | None]]
    done: Callable[[CpeWork, CpeOutcome], Awaitable[CpeWork | None]]
    told: Callable[[str, Notice], Awaitable[None]]
    resumed: Callable[[str], Awaitable[KnownCpe | None]]
