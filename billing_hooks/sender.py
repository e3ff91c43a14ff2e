"""Every endpoint's lane, side by side: a slow or dead endpoint holds up no other."""

import asyncio
from collections.abc import Sequence

from billing_hooks.contract import Outbox
from billing_hooks.endpoint import Endpoint
from billing_hooks.errors import InvalidEndpoint
from billing_hooks.lane import Lane, Pace, Seams


class Sender:
    """Delivers to all endpoints; raises ``InvalidEndpoint`` when two have one name."""

    def __init__(self, endpoints: Sequence[Endpoint], outbox: Outbox, seams: Seams, pace: Pace | None = None) -> None:
        self._lanes: dict[str, Lane] = {}
        for endpoint in endpoints:
            if endpoint.name in self._lanes:
                raise InvalidEndpoint(endpoint.name, "name", "is used by two endpoints; give each its own")
            self._lanes[endpoint.name] = Lane(endpoint, outbox, seams, pace or Pace())

    def nudge(self) -> None:
        """Deliveries were committed: every lane claims now. Call it on the event loop; losing one costs a poll."""
        for lane in self._lanes.values():
            lane.nudge()

    async def run(self) -> None:
        """Deliver until cancelled, then drain all lanes at once; see ``Lane.run``. A lane that fails ends all."""
        async with asyncio.TaskGroup() as lanes:
            for name, lane in self._lanes.items():
                lanes.create_task(lane.run(), name=f"lane {name}")
            # A sender without endpoints is a service like any other: it runs until cancelled.
            await asyncio.Event().wait()
