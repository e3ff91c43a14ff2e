"""A kernel in a thread of its own: whoever waits can be cancelled, and the kernel is asked one thing at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from drivers.errors import Unreachable
from drivers.linux_edge.kernel import Kernel, Notices, Opener
from drivers.linux_edge.notices import NoticesUntil
from drivers.linux_edge.settings import LinuxEdgeSettings

T = TypeVar("T")


class _Worker:
    """One thread and the kernel that it opened."""

    def __init__(self, settings: LinuxEdgeSettings, opener: Opener) -> None:
        self._settings = settings
        self._opener = opener
        self._kernel: Kernel | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"edge-{settings.name}")
        self.ended = asyncio.Event()

    def submit(self, call: Callable[[Kernel], T]) -> asyncio.Future[T]:
        return asyncio.wrap_future(self._executor.submit(lambda: call(self._opened())))

    def end(self) -> asyncio.Future[None]:
        """Let go of the kernel behind whatever the thread is doing."""
        ending = asyncio.wrap_future(self._executor.submit(self._let_go))
        self._executor.shutdown(wait=False)
        return ending

    def join(self) -> None:
        self._executor.shutdown(wait=True)

    def _opened(self) -> Kernel:
        if self._kernel is None:
            self._kernel = self._opener(self._settings)
        return self._kernel

    def _let_go(self) -> None:
        if self._kernel is not None:
            self._kernel.close()


class EdgeSession:
    """Opens the kernel when it is first asked.

    A request cannot be broken off: one that nobody waits for any more goes on to its end, ahead of the next. Only one
    that outlasts ``request_timeout_s`` is left to a thread that ends with it, and what it did is unknown until read.
    """

    def __init__(self, settings: LinuxEdgeSettings, opener: Opener) -> None:
        self._settings = settings
        self._opener = opener
        self._worker: _Worker | None = None
        self._ending: dict[_Worker, asyncio.Future[None]] = {}

    @property
    def is_open(self) -> bool:
        """Whether nothing is known to be wrong since the kernel was first asked."""
        return self._worker is not None

    async def ask(self, operation: str, call: Callable[[Kernel], T], unclaimed: Callable[[T], None] | None = None) -> T:
        """One request; after ``Unreachable`` the kernel is opened anew by the next.

        ``unclaimed`` is handed an answer that comes when nobody waits for it any more.
        """
        if self._worker is None:
            self._worker = _Worker(self._settings, self._opener)
        worker, limit = self._worker, self._settings.request_timeout_s
        waiting = worker.submit(call)
        waiting.add_done_callback(_heed)
        try:
            async with asyncio.timeout(limit):
                return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            _hand_on(waiting, unclaimed)
            raise
        except TimeoutError:
            _hand_on(waiting, unclaimed)
            self._drop(worker)
            raise Unreachable(self._settings.name, operation, f"no answer within {limit:g} s") from None
        except Unreachable:
            self._drop(worker)
            raise

    async def notices(self) -> Notices:
        """Hear of changes until the kernel is let go."""
        heard = await self.ask("listen", lambda kernel: kernel.notices(), lambda late: late.close())
        ended = asyncio.Event() if self._worker is None else self._worker.ended
        return NoticesUntil(self._settings.name, heard, ended)

    async def close(self) -> None:
        """Let go of the kernel and its thread."""
        if self._worker is not None:
            self._drop(self._worker)
        if self._ending:
            await asyncio.wait(self._ending.values(), timeout=self._settings.request_timeout_s)
        for worker, ending in list(self._ending.items()):
            if ending.done():
                worker.join()
                del self._ending[worker]

    def _drop(self, worker: _Worker) -> None:
        if self._worker is worker:
            self._worker = None
        worker.ended.set()
        if worker not in self._ending:
            self._ending[worker] = ending = worker.end()
            ending.add_done_callback(_heed)


def _hand_on(waiting: asyncio.Future[T], unclaimed: Callable[[T], None] | None) -> None:
    def answered(done: asyncio.Future[T]) -> None:
        if unclaimed is not None and not done.cancelled() and done.exception() is None:
            unclaimed(done.result())

    waiting.add_done_callback(answered)


def _heed(waiting: asyncio.Future[T]) -> None:
    """Take the error of what nobody may wait for any more."""
    if not waiting.cancelled():
        waiting.exception()
