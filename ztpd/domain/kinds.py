"""What each kind of job does to its service, as a table; the lifecycle of the job itself is one for all.

A kind that awaits a device is discovered when that is heard in its place; any other is due as soon as it is ready.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from ztpd.domain.lifecycle import ServiceEvent, ServiceState


class Act(enum.StrEnum):
    """What an element is asked to do for a job."""

    PROVISION = "provision"  # be as the profile says, on the port of the location, with the devices of the job
    SUSPEND = "suspend"  # keep the configuration, carry nothing
    RESUME = "resume"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    ``on`` are the states that its service must be in. ``awaits_device``: a device has to be plugged in first.
    ``visited``: a technician owes evidence. ``becomes`` is what happens to the service, ``tells`` the event that says
    so; None where nothing does. ``needs`` are the fields that an order of this kind must give.
    """

    act: Act
    on: frozenset[ServiceState]
    awaits_device: bool = False
    visited: bool = False
    becomes: ServiceEvent | None = None
    tells: str | None = None
    needs: tuple[str, ...] = ()


_NEW = frozenset({ServiceState.RESERVED})
_LIVING = frozenset({ServiceState.ACTIVE, ServiceState.SUSPENDED})

KINDS: Mapping[str, Kind] = {
    "install": Kind(
        Act.PROVISION,
        _NEW,
        awaits_device=True,
        visited=True,
        becomes=ServiceEvent.ACTIVATED,
        tells="service.activated",
        needs=("location", "profile"),
    ),
    "change": Kind(Act.PROVISION, _LIVING, tells="service.changed", needs=("profile",)),
    "swap": Kind(Act.PROVISION, _LIVING, awaits_device=True, visited=True, tells="service.changed", needs=("devices",)),
    "move": Kind(
        Act.PROVISION, _LIVING, awaits_device=True, visited=True, tells="service.changed", needs=("location",)
    ),
    "repair": Kind(Act.PROVISION, _LIVING),
    "suspend": Kind(
        Act.SUSPEND,
        frozenset({ServiceState.ACTIVE}),
        becomes=ServiceEvent.SUSPENDED,
        tells="service.suspended",
    ),
    "resume": Kind(
        Act.RESUME, frozenset({ServiceState.SUSPENDED}), becomes=ServiceEvent.RESUMED, tells="service.resumed"
    ),
    "terminate": Kind(Act.REMOVE, _LIVING, becomes=ServiceEvent.TERMINATED, tells="service.terminated"),
}
"""Every kind by its name in an order."""
