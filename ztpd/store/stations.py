"""What access points and routers list of subscribers' devices: those that jobs wait for are heard."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from drivers.access import PresentDevice
from pon.onu import Presence
from ztpd.domain.identity import Kind
from ztpd.domain.sighting import Sighting, Source
from ztpd.store.sightings import record_sighting
from ztpd.store.transaction import Transaction

log = structlog.get_logger()


def record_stations(
    tx: Transaction, element: str, listed: Sequence[PresentDevice], read_at: datetime, limit: int
) -> int:
    """Hear those of an element's devices, known by MAC, that a job waits for, at most ``limit``; how many.

    All others are left: such an element lists every customer of its own, whom ztpd need not know.
    """
    awaited = {row["value"] for row in tx.all("awaited_names", kind=Kind.MAC)}
    heard = [each for each in listed if each.device in awaited and each.presence is not Presence.ABSENT][:limit]
    for each in heard:
        sighting = Sighting(
            Source.STATION,
            read_at,
            element=element,
            port=each.port,
            mac=each.device,
            details={"state": each.raw_state} if each.raw_state else {},
        )
        kept = tx.apart(lambda sighting=sighting: record_sighting(tx, sighting))  # type: ignore[misc]
        if isinstance(kept, Exception):
            log.error("a device cannot be kept", element=element, name=each.device, exc_info=kept)
    return len(heard)
