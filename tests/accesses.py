"""An access as an element shows it that did everything it was told."""

from dataclasses import asdict

from drivers.access import ObservedAccess, WantedAccess
from pon.onu import Presence


def as_wanted(wanted: WantedAccess, presence: Presence = Presence.INTENDED) -> ObservedAccess:
    """Everything as it is wanted, and at work."""
    told = {name: value for name, value in asdict(wanted).items() if name not in {"description", "ppp_password"}}
    return ObservedAccess(**told, presence=presence)
