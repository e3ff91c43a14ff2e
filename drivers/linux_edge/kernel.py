"""The seam between the driver and a kernel: few requests, each of which does one thing or raises."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from drivers.linux_edge.settings import LinuxEdgeSettings
from drivers.linux_edge.values import Change, Firewall, Link, Traffic


class Notices(Protocol):
    """Word from the kernel that links changed. Belongs to the event loop."""

    async def next(self) -> None:
        """Wait until something changed; raises ``Unreachable`` when there will be no more word."""
        ...

    def close(self) -> None:
        """Hear no more."""
        ...


class Kernel(Protocol):
    """One kernel's network. Every method blocks, belongs to one thread, and raises ``drivers.errors``."""

    def links(self, names: Iterable[str] | None = None) -> list[Link]:
        """All links, or those of some names that there are."""
        ...

    def traffic(self, links: Sequence[Link]) -> dict[str, Traffic]:
        """How some links handle traffic, by their names."""
        ...

    def firewall(self) -> Firewall | None:
        """Our table, None if there is none."""
        ...

    def do(self, change: Change) -> None:
        """Make one change; what is gone already needs no deleting."""
        ...

    def link_bps(self, name: str) -> int | None:
        """The negotiated speed of an interface in bit/s, None if it has none."""
        ...

    def notices(self) -> Notices:
        """Hear of changes from now on."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


Opener = Callable[[LinuxEdgeSettings], Kernel]
"""Opens a kernel in the calling thread, which it may move to another namespace; raises as ``Kernel`` does."""
