"""A sighting there was no room for is no repeat when the device says it again."""

from datetime import UTC, datetime

from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import DhcpEar, Repeats
from ztpd.discovery.hearing import or_forgotten
from ztpd.discovery.inbox import Inbox
from ztpd.domain.sighting import Sighting, Source


class Queue:
    """Room for so many."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.offered: list[str | None] = []

    def offer(self, sighting: Sighting) -> bool:
        self.offered.append(sighting.mac)
        self.room -= 1
        return self.room >= 0


def ear(queue: Queue) -> DhcpEar:
    repeats = Repeats(30, lambda: 0.0)
    table = CircuitIdTable.from_toml({})
    accept = or_forgotten(queue.offer, repeats)
    return DhcpEar(table, lambda message: True, repeats, lambda: datetime(2026, 1, 1, tzinfo=UTC), accept)


def discover(number: int, kind: int = frames.DISCOVER) -> bytes:
    bootp = frames.bootp(frames.options(kind), chaddr=bytes((2, 0, 0x5E, 0x10, 0, number)))
    return frames.ethernet(frames.ipv4(frames.udp(bootp)))


def test_what_there_was_no_room_for_is_offered_again_and_what_there_was_is_not() -> None:
    queue = Queue(room=1)
    heard = ear(queue)
    for number in (1, 2, 1, 2):
        heard.hear(discover(number))

    assert queue.offered == ["02:00:5e:10:00:01", "02:00:5e:10:00:02", "02:00:5e:10:00:02"]


def test_only_the_message_there_was_no_room_for_is_forgotten() -> None:
    queue = Queue(room=1)
    heard = ear(queue)
    for kind in (frames.DISCOVER, frames.REQUEST, frames.DISCOVER, frames.REQUEST):
        heard.hear(discover(1, kind))

    assert len(queue.offered) == 3, "the REQUEST is offered twice, the DISCOVER once"


def test_an_inbox_says_whether_there_was_room() -> None:
    async def keep(sighting: Sighting) -> None:
        return

    outcomes: list[str] = []
    inbox = Inbox(keep, room=1, report=lambda sighting, outcome: outcomes.append(outcome))
    made = Sighting(Source.DHCP, datetime(2026, 1, 1, tzinfo=UTC))

    assert [inbox.offer(made), inbox.offer(made)] == [True, False]
    assert (inbox.dropped, outcomes) == (1, ["dropped"])


def test_forgetting_what_was_never_heard_does_nothing() -> None:
    repeats = Repeats(30, lambda: 0.0)
    repeats.forget_latest()

    assert (repeats.dropped, repeats.forgotten) == (0, 0)
