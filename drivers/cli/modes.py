"""The views of a command line: where a session stands, and the way from one view to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.cli.platform import Dialogue


@dataclass(frozen=True, slots=True)
class Place:
    """One view that a session is in: the mode's name, and the command that led there."""

    mode: str
    entered_by: str = ""


Path = tuple[Place, ...]
"""From the view after the login to the one a session stands in."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step: what is typed, and where it leads."""

    command: str
    to: Path


def path_to(script: Dialogue, mode: str, enter: str) -> Path:
    """The path to a mode that is entered with ``enter`` (those above it need nothing to be filled in)."""
    places = [Place(mode, enter)]
    parent = script.modes[mode].parent
    while parent is not None:
        places.append(Place(parent, script.modes[parent].enter))
        parent = script.modes[parent].parent
    return tuple(reversed(places))


def moves(script: Dialogue, here: Path, there: Path) -> list[Move]:
    """The steps that lead from one place to another: up as far as needed, then down."""
    common = _common(here, there)
    up = [Move(script.modes[here[depth - 1].mode].leave, here[: depth - 1]) for depth in range(len(here), common, -1)]
    down = [Move(there[depth].entered_by, there[: depth + 1]) for depth in range(common, len(there))]
    return [*up, *down]


def _common(here: Sequence[Place], there: Sequence[Place]) -> int:
    """How many views the two have in common; the first is always one of them."""
    common = 1
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return common
