"""Which waiting jobs a device in quarantine may belong to: by its own serial mistyped, or by the port it is on."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ztpd.domain.sighting import Place

MISTYPED = 2
"""How many characters of a serial may differ: one typed wrong, or two exchanged."""

SHOWN = 5
"""How many jobs are named at most for one device."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for its device: the canonical PON serial that it expects, if any, and where."""

    job: str
    serial: str | None
    place: Place | None


@dataclass(frozen=True, slots=True)
class Near:
    """A job that a device may belong to, and why."""

    job: str
    because: str


class WaitingJobs:
    """The jobs that wait, found by a serial or a place without looking at each of them."""

    def __init__(self, jobs: Iterable[Waiting]) -> None:
        self._by_place: dict[Place, list[Waiting]] = defaultdict(list)
        self._by_part: dict[tuple[int, str], list[Waiting]] = defaultdict(list)
        for job in jobs:
            if job.place is not None:
                self._by_place[job.place].append(job)
            for part in _parts(job.serial) if job.serial is not None else ():
                self._by_part[part].append(job)

    def near(self, serial: str | None, place: Place | None) -> list[Near]:
        """The jobs that expect a serial like this one, the most alike first, then those that wait on the port."""
        found: dict[str, Near] = {}
        for differing, job in sorted(self._alike(serial), key=lambda each: (each[0], each[1].job)):
            found.setdefault(job.job, Near(job.job, _in_words(serial, differing, job)))
        for job in self._by_place.get(place, ()) if place is not None else ():
            expected = "no serial" if job.serial is None else job.serial
            found.setdefault(job.job, Near(job.job, f"waits on {place} for {expected}"))
        return list(found.values())[:SHOWN]

    def _alike(self, serial: str | None) -> Iterator[tuple[int, Waiting]]:
        """Jobs that share a part of the serial and differ from it in few characters, with how many."""
        for part in _parts(serial) if serial is not None else ():
            for job in self._by_part.get(part, ()):
                differing = _differing(serial or "", job.serial or "")
                if differing <= MISTYPED:
                    yield differing, job


def _parts(serial: str) -> Sequence[tuple[int, str]]:
    """Three parts of the vendor's own digits: serials that differ in two characters agree in one of them."""
    return [(start, serial[start:end]) for start, end in ((4, 7), (7, 10), (10, 12))]


def _differing(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _in_words(serial: str | None, differing: int, job: Waiting) -> str:
    if differing == 0:
        return f"expects {serial}" + (f" on {job.place}" if job.place is not None else "")
    characters = "character" if differing == 1 else "characters"
    return f"expects {job.serial}, {differing} {characters} off"
