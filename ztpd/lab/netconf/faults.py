"""What may be made to go wrong, and when: decided per RPC, counted from the moment a fault is set."""

from dataclasses import dataclass, field

from ztpd.lab.cuts import Cuts


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rpc-error that a refused RPC is answered with."""

    tag: str = "operation-failed"
    message: str = "refused by the operator of the lab"


@dataclass(slots=True)
class Faults(Cuts):
    """The faults that wait to happen; each counts down the RPCs it is about, and happens once but for ``hang``.

    ``hang_after`` RPCs are still answered, later ones never; ``cut_at`` is the RPC at which its connection breaks.
    ``barred_serials`` stay: an edit that configures one of them is refused, as by an OLT without a licence for it.
    """

    hang_after: int | None = None
    barred_serials: set[str] = field(default_factory=set)
    refusals: dict[str, tuple[int, Refusal]] = field(default_factory=dict)

    def hangs(self) -> bool:
        """Whether the RPC that just came is never answered."""
        if self.hang_after is None:
            return False
        self.hang_after -= 1
        return self.hang_after < 0

    def refuse(self, operation: str, nth: int, refusal: Refusal) -> None:
        """Refuse the n-th RPC of this name from now on (1 is the next)."""
        self.refusals[operation] = (nth, refusal)

    def refusal_of(self, operation: str) -> Refusal | None:
        """How the RPC that just came is refused, if it is."""
        waiting = self.refusals.get(operation)
        if waiting is None:
            return None
        nth, refusal = waiting
        if nth > 1:
            self.refusals[operation] = (nth - 1, refusal)
            return None
        del self.refusals[operation]
        return refusal
