"""How often a CPE that must do something is asked to inform, and which one. Pure."""

from dataclasses import dataclass, field
from datetime import timedelta

from ztpd.domain.cpe import CpeFacts


@dataclass(frozen=True, slots=True)
class WakingPace:
    """Pauses in seconds after requests for one piece of work: ``first_s``, then twice as long up to ``longest_s``."""

    first_s: float = 5.0
    longest_s: float = 300.0

    def pause(self, tries: int) -> timedelta:
        """How long after request number ``tries`` (1 is the first) the next one may follow."""
        return timedelta(seconds=min(self.longest_s, self.first_s * 2.0 ** min(tries - 1, 30)))


@dataclass(frozen=True, slots=True)
class CpeToWake:
    """A CPE that is to be asked to inform: ``ip`` is what it informed from last, ``tries`` counts this request too.

    ``why`` names the work (``job J-1``), ``secret`` how far it is with a secret of its own (column of ``cpe``),
    ``imported`` is the user and password by which another ACS asked it, where they were imported from there.
    """

    device: int
    facts: CpeFacts
    ip: str
    secret: str
    why: str
    tries: int
    imported: tuple[str, str] | None = field(default=None, repr=False)
