"""What waits to be read, by sender: whoever sends more than its share loses its own, and nobody else's."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

ROOM = 64
SLICE_S = 0.002
REST = 3


class Turns(Generic[T]):
    """Things that wait, at most ``ROOM`` of each sender; senders are served in turn, one thing a turn.

    There must be a bounded number of senders. The newest always finds room: what it hints at is the latest.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}
        self._some = asyncio.Event()
        self._none_left: dict[str, asyncio.Event] = {}

    def put(self, sender: str, thing: T) -> bool:
        """Let a thing wait; False if the sender's oldest was dropped for it."""
        waiting = self._waiting.setdefault(sender, deque(maxlen=ROOM))
        had_room = len(waiting) < ROOM
        waiting.append(thing)
        self._some.set()
        return had_room

    async def take(self) -> tuple[str, T]:
        """The next in turn, once there is one."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        sender = next(iter(self._waiting))
        waiting = self._waiting.pop(sender)
        thing = waiting.popleft()
        if waiting:
            self._waiting[sender] = waiting
        elif sender in self._none_left:
            self._none_left.pop(sender).set()
        return sender, thing

    async def none_left(self, sender: str) -> None:
        """Wait until nothing of the sender waits."""
        if sender in self._waiting:
            await self._none_left.setdefault(sender, asyncio.Event()).wait()

    async def read_each(self, read: Callable[[str, T], None]) -> None:
        """Give each to ``read``, until cancelled, resting ``REST`` times as long as that took.

        So a flood takes at most a quarter of the loop, whatever one reading costs.
        """
        worked_s = 0.0
        while True:
            sender, thing = await self.take()
            began = time.perf_counter()
            read(sender, thing)
            worked_s += time.perf_counter() - began
            rest_s = REST * worked_s if worked_s > SLICE_S else 0.0
            worked_s = 0.0 if rest_s else worked_s
            await asyncio.sleep(rest_s)
