"""What delivers the events that the store keeps."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from billing_hooks.contract import Attempt, Delivery, Outbox
from billing_hooks.endpoint import Endpoint
from billing_hooks.lane import Seams
from billing_hooks.sender import Sender
from ztpd.metrics import Metrics
from ztpd.store import deliveries
from ztpd.store.attempts import Lease
from ztpd.store.store import Store


class Sending:
    """Deliveries to all endpoints, claimed as ``owner``; ``origin`` is what events name as their source.

    Raises ``InvalidEndpoint`` when two endpoints have one name.
    """

    def __init__(
        self, store: Store, endpoints: Sequence[Endpoint], owner: str, origin: str, metrics: Metrics, seams: Seams
    ) -> None:
        self._store = store
        self._origin = origin
        self._metrics = metrics
        longest_s = max((endpoint.timeout_s for endpoint in endpoints), default=0.0)
        self._lease = Lease(owner, timedelta(seconds=2 * longest_s + 30))
        self._sender = Sender(endpoints, Outbox(self._claim, self._record), seams)

    async def run(self) -> None:
        """Deliver until cancelled, woken by every commit that wrote a delivery."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sender.run())
            with self._store.nudges.listening("deliveries") as nudge:
                while True:
                    await nudge.wait()
                    nudge.clear()
                    self._sender.nudge()

    async def _claim(self, endpoint: str, limit: int) -> list[Delivery]:
        return await self._store.commit(deliveries.claim_deliveries, endpoint, self._lease, self._origin, limit)

    async def _record(self, endpoint: str, made: Sequence[Attempt]) -> None:
        await self._store.commit(deliveries.record_attempts, endpoint, made)
        for attempt in made:
            self._metrics.delivery_attempts.labels(endpoint, attempt.verdict.value).inc()
            self._metrics.delivery_seconds.labels(endpoint).observe(attempt.latency_ms / 1000)
