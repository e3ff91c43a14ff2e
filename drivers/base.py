"""The protocols that drivers speak; ``tests/contract`` holds each driver to its own.

``Driver`` is for elements that ztpd configures, ``ListsNeighbours`` for those that are only asked who is plugged in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import ElementError
from pon.onu import Difference, ObservedOnu, Optics, PresentOnu, WantedOnu

Heard = Callable[[PresentOnu], None]
"""Called for each announcement, on the event loop. A hint: ``list_discovered`` is the truth."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an element can do through its driver, asked once a session is up."""

    technologies: frozenset[str]
    announces: bool
    confirmed_commit: bool
    measures_optics: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What one device says of itself by LLDP on one port of an element; all but ``port`` is the device's own claim.

    ``port`` is the element's own name of it. ``chassis_id_type`` and ``port_id_type`` are subtypes of IEEE 802.1AB in
    OpenConfig's words (``MAC_ADDRESS``, ``INTERFACE_NAME`` …), empty where the element tells none; ``chassis_mac`` and
    ``port_mac`` are the ids as ``aa:bb:cc:dd:ee:ff`` where they are MAC addresses. Texts are printable, of at most 255
    characters. ``capabilities`` are the enabled ones (``ROUTER``, ``MAC_BRIDGE`` …).
    """

    port: str
    chassis_id: str
    chassis_id_type: str
    port_id: str
    port_id_type: str
    chassis_mac: str | None = None
    port_mac: str | None = None
    system_name: str | None = None
    system_description: str | None = None
    management_address: str | None = None
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What must change on one element for one service; no ``changes`` means the element is right already."""

    wanted: WantedOnu
    changes: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one plan: ``changed`` tells whether anything was written, ``error`` why it was not."""

    plan: Plan
    changed: bool
    error: ElementError | None = None


class Driver(Protocol):
    """One element. Every coroutine raises ``Unreachable``, ``Busy`` or ``Rejected`` (``drivers.errors``).

    Calls are serialised per element by the driver itself; each may be cancelled, and what a cancelled or failed
    write did is unknown until ``read``. Only objects that ztpd made or adopted are touched.
    """

    name: str

    async def capabilities(self) -> Capabilities:
        """What this element can do; opens the session when there is none."""
        ...

    async def ports(self) -> frozenset[str]:
        """The element's own names of the access ports it has."""
        ...

    async def watch(self, heard: Heard, listening: Callable[[], None]) -> None:
        """Call ``heard`` for every announcement until cancelled; raises ``Unreachable`` when the session ends.

        ``listening`` is called once, when no later announcement can be missed: a list read from then on is complete.
        """
        ...

    async def list_discovered(self) -> list[PresentOnu]:
        """Every ONU present on any port, configured or not: the truth that announcements only hint at."""
        ...

    async def list_provisioned(self) -> list[ObservedOnu]:
        """Every ONU that is configured, by ztpd or by anybody else."""
        ...

    async def read(self, serial: str) -> ObservedOnu | None:
        """The configuration and state of one ONU, or None when it is not configured."""
        ...

    async def plan(self, wanted: WantedOnu) -> Plan:
        """Read, and say what must change. Raises ``Conflict`` if the serial is configured on another port."""
        ...

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true, in one commit where the element can; one outcome per plan, in order.

        A plan the element refuses fails alone. A plan without changes writes nothing. ``Unreachable`` and ``Busy``
        are raised for the whole batch.
        """
        ...

    async def measure(self, serial: str) -> Optics:
        """Light levels in both directions now; what cannot be read is None."""
        ...

    async def remove(self, serial: str) -> bool:
        """Take away everything made for the serial; False when there was nothing."""
        ...

    async def close(self) -> None:
        """End the session; the driver may be used again."""
        ...


class ListsNeighbours(Protocol):
    """One element that lists who is plugged into it. Raises and serialises as ``Driver`` does; nothing is written."""

    name: str

    async def ports(self) -> frozenset[str]:
        """The element's own names of the access ports it has."""
        ...

    async def list_neighbours(self) -> list[Neighbour]:
        """Every neighbour that the element hears by LLDP on any port now."""
        ...

    async def close(self) -> None:
        """End the session; it opens again when used again."""
        ...
