"""The people and systems around ztpd in a play: what they ask over HTTP, and what they see."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

Answer = tuple[int, Any]
Happened = Callable[[Any], bool]

POLL_S = 0.02


class NotSeen(Exception):
    """What the play waits for did not come in time; carries what was there instead."""


@dataclass(slots=True)
class Caller:
    """Somebody who calls HTTP APIs; ``patient`` asks again while nobody answers, as a queue before an API does."""

    origin: str
    token: str | None = None
    patient: bool = False
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        timeout = aiohttp.ClientTimeout(total=10)
        self._session = aiohttp.ClientSession(self.origin, headers=headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        """The status and the JSON of the answer."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return await self._call_once(method, path, body)
            except aiohttp.ClientConnectionError:
                if not self.patient or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(POLL_S)

    async def _call_once(self, method: str, path: str, body: Any) -> Answer:
        if self._session is None:
            raise RuntimeError("enter the caller first")
        async with self._session.request(method, path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> Any:
        """The JSON of a GET."""
        return (await self.call("GET", path))[1]


async def until(look: Callable[[], Awaitable[Any]], happened: Happened, what: str, timeout_s: float = 20.0) -> Any:
    """Look again and again until it happened; what was seen then. Raises ``NotSeen``."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = await look()
        if happened(seen):
            return seen
        if time.monotonic() > deadline:
            raise NotSeen(f"{what} did not happen in {timeout_s:g} s; seen last: {seen}")
        await asyncio.sleep(POLL_S)
