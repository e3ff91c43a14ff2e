"""Hearing DHCP on an interface for as long as the process lives, whatever becomes of the interface."""

import asyncio
from collections.abc import Callable

import structlog

from ztpd.discovery import links
from ztpd.discovery.capture import CaptureCounts, CaptureError, Deliver, capture
from ztpd.discovery.dhcp import Repeats
from ztpd.domain.sighting import Sighting

RETRY_S = 5.0
"""How long until an interface that cannot be heard is tried again, if the kernel does not say earlier that it is up."""

log = structlog.get_logger()


async def hear(
    interface: str,
    deliver: Deliver,
    *,
    tried: asyncio.Event,
    counts: CaptureCounts | None = None,
    retry_s: float = RETRY_S,
) -> None:
    """Hand every DHCP frame of one interface to ``deliver`` for ever, as ``capture`` does.

    An interface that is missing or went away is heard again as soon as it is up; that it is not is told when it is
    news. ``tried`` is set once it is heard, or was found not to be. ``counts`` go on over all of it.
    """
    told = ""
    with links.watching(interface) as up:
        while True:
            tried.clear()
            up.clear()
            try:
                await capture(interface, deliver, counts=counts, listening=tried)
            except (CaptureError, OSError) as error:
                was_heard = tried.is_set()
                if was_heard or str(error) != told:
                    log.warning("dhcp is not heard", interface=interface, reason=str(error))
                told = str(error)
            tried.set()
            await _set_within(up, retry_s)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def or_forgotten(offer: Callable[[Sighting], bool], repeats: Repeats) -> Callable[[Sighting], None]:
    """Offer each sighting; one there is no room for is no repeat when the device says it again.

    For the ``accept`` of a ``DhcpEar`` with the same ``repeats``.
    """

    def accept(sighting: Sighting) -> None:
        if not offer(sighting):
            repeats.forget_latest()

    return accept
