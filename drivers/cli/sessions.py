"""The logins that a driver holds at one element: a few, each used by one at a time, opened when they are needed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drivers.cli.platform import Dialogue as Script
from drivers.cli.session import CliSession, opened
from drivers.cli.settings import CliSettings


class Sessions:
    """At most ``settings.sessions`` logins: one is for writing; the others, or that one too if alone, for reading.

    Whoever waits for one gets it in the order in which they came.
    """

    def __init__(self, settings: CliSettings, script: Script) -> None:
        self._writers = _Places(settings, script, 1)
        readers = settings.sessions - 1
        self._readers = _Places(settings, script, readers) if readers else self._writers

    def writing(self) -> contextlib.AbstractAsyncContextManager[CliSession]:
        """The session for writing, when it is free; raises as ``session.opened``."""
        return self._writers.taken()

    def reading(self) -> contextlib.AbstractAsyncContextManager[CliSession]:
        """A session for reading, when one is free; raises as ``session.opened``."""
        return self._readers.taken()

    async def close(self) -> None:
        """Log out everywhere, each when its command is done."""
        await self._readers.close()
        await self._writers.close()


class _Places:
    """Room for a number of sessions of one kind."""

    def __init__(self, settings: CliSettings, script: Script, count: int) -> None:
        self._settings = settings
        self._script = script
        self._count = count
        self._turn = asyncio.Semaphore(count)
        self._idle: list[CliSession] = []

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[CliSession]:
        """A session, opened if there is none; one that came to no good is dropped behind it."""
        async with self._turn:
            session = await self._usable()
            try:
                yield session
            finally:
                if session.is_usable:
                    self._idle.append(session)
                else:
                    await session.abort()

    async def close(self) -> None:
        """Log out of every session, when nobody uses it any more."""
        async with contextlib.AsyncExitStack() as held:
            for _ in range(self._count):
                await held.enter_async_context(self._turn)
            while self._idle:
                await self._idle.pop().close()

    async def _usable(self) -> CliSession:
        while self._idle:
            session = self._idle.pop()
            if session.is_usable:
                return session
            await session.abort()
        return await opened(self._settings, self._script)
