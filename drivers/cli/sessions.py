"""The logins that a driver holds at one element: a few, each used by one at a time, opened when they are needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drivers.cli.platform import Dialogue as Script
from drivers.cli.session import CliSession, opened
from drivers.cli.settings import CliSettings


class _Place:
    """Room for one session."""

    def __init__(self) -> None:
        self.session: CliSession | None = None


class Sessions:
    """At most ``settings.sessions`` logins: one is for writing; the others, or that one too if alone, for reading."""

    def __init__(self, settings: CliSettings, script: Script) -> None:
        self._settings = settings
        self._script = script
        places = [_Place() for _ in range(settings.sessions)]
        self._places = places
        self._writers: asyncio.LifoQueue[_Place] = asyncio.LifoQueue()
        self._writers.put_nowait(places[0])
        self._readers = self._writers if len(places) == 1 else asyncio.LifoQueue[_Place]()
        for place in reversed(places[1:]):
            self._readers.put_nowait(place)

    def writing(self) -> contextlib.AbstractAsyncContextManager[CliSession]:
        """The session for writing, when it is free; raises as ``session.opened``."""
        return self._taken(self._writers)

    def reading(self) -> contextlib.AbstractAsyncContextManager[CliSession]:
        """A session for reading, when one is free; raises as ``session.opened``."""
        return self._taken(self._readers)

    async def close(self) -> None:
        """Log out everywhere, each when its command is done."""
        for place in self._places:
            queue = self._writers if place is self._places[0] else self._readers
            held: list[_Place] = []
            try:
                while place not in held:
                    held.append(await queue.get())
                session, place.session = place.session, None
                if session is not None:
                    await session.close()
            finally:
                for each in reversed(held):
                    queue.put_nowait(each)

    @contextlib.asynccontextmanager
    async def _taken(self, queue: "asyncio.LifoQueue[_Place]") -> AsyncIterator[CliSession]:
        place = await queue.get()
        try:
            if place.session is not None and not place.session.is_usable:
                await _drop(place)
            if place.session is None:
                place.session = await opened(self._settings, self._script)
            yield place.session
        finally:
            try:
                if place.session is not None and not place.session.is_usable:
                    await _drop(place)
            finally:
                queue.put_nowait(place)


async def _drop(place: _Place) -> None:
    session, place.session = place.session, None
    if session is not None:
        await session.abort()
