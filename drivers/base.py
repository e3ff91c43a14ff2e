"""The protocols that drivers speak; ``tests/contract`` holds each driver to its own.

``Driver`` is for elements that ztpd configures, ``ListsNeighbours`` for those that are only asked who is plugged in.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.access import Difference, Levels, ObservedAccess, PresentDevice, WantedAccess
from drivers.errors import ElementError, Rejected

Heard = Callable[[PresentDevice], None]
"""Called for each announcement, on the event loop. A hint: ``list_discovered`` is the truth."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an element can do through its driver, asked once a session is up.

    ``measures`` names the fields of ``Levels`` that it can tell; ``saves`` whether ``save`` is needed after a write.
    """

    technologies: frozenset[str]
    announces: bool
    confirmed_commit: bool
    measures: frozenset[str]
    reboots: bool
    saves: bool


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
    """What must change on one element for one service; no ``changes`` means the element is right already.

    ``refused`` says why it cannot be made so.
    """

    wanted: WantedAccess
    changes: tuple[Difference, ...]
    refused: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write: ``changed`` tells whether anything was written, ``error`` why it was not."""

    device: str
    changed: bool
    error: ElementError | None = None


class Driver(Protocol):
    """One element. Every coroutine raises ``Unreachable``, ``Busy`` or ``Rejected`` (``drivers.errors``).

    Calls are serialised per element by the driver itself; each may be cancelled, and what a cancelled or failed
    write did is unknown until ``read``. Only objects that ztpd made or adopted are touched. Devices are named as
    ``drivers.access`` says. What writes takes many and fails for each alone; errors that concern the element
    (``Unreachable``, ``Busy``) are raised for the whole batch.
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
        An element that announces nothing (``Capabilities.announces``) is listened to all the same: the session is
        held, so that its end is noticed.
        """
        ...

    async def list_discovered(self) -> list[PresentDevice]:
        """Every device present on any port, configured or not: the truth that announcements only hint at."""
        ...

    async def list_provisioned(self) -> list[ObservedAccess]:
        """Everything that is configured, by ztpd or by anybody else."""
        ...

    async def read(self, devices: Sequence[str]) -> dict[str, ObservedAccess]:
        """The configuration and state of each of the devices that is configured; those that are not are left out."""
        ...

    async def plan(self, wanted: Sequence[WantedAccess]) -> list[Plan]:
        """Read, and say for each what must change, in order.

        A plan that cannot be made says why in ``refused``: ``Conflict`` if the device is configured on another port
        or by another, ``Rejected`` if the element has no such port or the value is not allowed.
        """
        ...

    async def apply(self, plans: Sequence[Plan]) -> list[Outcome]:
        """Make the plans true, in one commit where the element can; one outcome per plan, in order.

        A plan the element refuses fails alone. A plan without changes, or one that was refused, writes nothing.
        """
        ...

    async def set_admin(self, devices: Sequence[str], enabled: bool) -> list[Outcome]:
        """Let the devices carry traffic or stop them, and touch nothing else; it outlasts a restart of the element.

        One outcome per device, in order; one that is not configured, or not by ztpd, is ``Rejected`` or ``Conflict``.
        """
        ...

    async def measure(self, devices: Sequence[str]) -> dict[str, Levels]:
        """What the element measures of each of the devices now; what cannot be read is None."""
        ...

    async def reboot(self, device: str) -> None:
        """Restart the device at the customer; raises ``Rejected`` where the element cannot (``Capabilities``)."""
        ...

    async def remove(self, devices: Sequence[str]) -> list[Outcome]:
        """Take away everything made for the devices, one outcome each, unchanged where there was nothing."""
        ...

    def adopt(self, devices: Iterable[str]) -> None:
        """Treat what is configured for the devices as ztpd's own from now on, whoever made it; nothing is written.

        What is adopted can be enabled and disabled, changed and removed. What is not, and was made by another, is a
        ``Conflict``.
        """
        ...

    async def save(self) -> None:
        """Have the running configuration outlast a restart of the element, where it does not by itself."""
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
