"""Who has what on an element: the word for what is another's, and what services of one batch give each other."""

from drivers.access import WantedAccess


class Occupied(Exception):
    """It would overwrite what is not ours, or the device or service is elsewhere; a driver makes ``Conflict`` of it."""


class Places:
    """What the services of one batch have been given: no other of them gets it."""

    def __init__(self) -> None:
        self._takers: dict[str, str] = {}

    def take(self, wanted: WantedAccess, *places: str) -> None:
        """Give all of the places to a service, or none: raises ``Occupied`` when another has one of them."""
        for place in places:
            if place in self._takers:
                raise Occupied(f"{place} is wanted twice: by {self._takers[place]} too")
        self._takers.update((place, f"{wanted.service} on {wanted.device}") for place in places)
