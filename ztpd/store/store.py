"""The store as the daemon sees it: open, commit an intention, read, be nudged when something changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from ztpd.domain.handover import NO_HANDOVER, HandoverTerms
from ztpd.domain.profile import Profile
from ztpd.store import schema
from ztpd.store.engine import Connection, Engine, StoreUnavailable, close_quietly, open_engine
from ztpd.store.reading import Reader
from ztpd.store.transaction import Management, Routes, Transaction, no_management
from ztpd.store.writer import Runner, Writer

P = ParamSpec("P")
T = TypeVar("T")

READERS = 2


@dataclass(slots=True)
class Nudges:
    """Events by topic that wake a loop early; the database is the truth, so a lost nudge costs only time."""

    _listeners: dict[str, set[asyncio.Event]] = field(default_factory=dict)

    @contextmanager
    def listening(self, topic: str) -> Iterator[asyncio.Event]:
        """An event of the caller's own that is set whenever the topic changed; the caller clears it."""
        event = asyncio.Event()
        self._listeners.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._listeners[topic].discard(event)

    def listeners(self, topic: str) -> int:
        """How many listen to a topic."""
        return len(self._listeners.get(topic, ()))

    def give(self, topics: set[str]) -> None:
        """Wake whoever waits for one of the topics."""
        for topic in topics:
            for event in self._listeners.get(topic, ()):
                event.set()


@dataclass(frozen=True, slots=True)
class Context:
    """What intentions are given beside the database: time, profiles, routes of events, ids."""

    now: Callable[[], datetime]
    profiles: Mapping[str, Profile]
    routes: Routes
    new_id: Callable[[], str]
    claims_registration_ids: bool = False
    management: Management = field(default=no_management, repr=False)
    handover: HandoverTerms = NO_HANDOVER


@dataclass(slots=True)
class Store:
    """One open database."""

    engine: Engine
    context: Context
    writer: Writer
    read_runner: Runner
    nudges: Nudges = field(default_factory=Nudges)
    _readers: list[Connection] = field(default_factory=list)

    async def commit(
        self, intention: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """Run an intention (``ztpd.store.orders.put_job`` …) and return its answer once it is durable.

        Raises what the intention raises, after undoing all it did, or ``StoreUnavailable``.
        """
        touched: set[str] = set()
        name = intention.__name__
        run = partial(self._in_transaction, touched, lambda tx: intention(tx, *arguments, **named))
        answer = await self.writer.commit(name, run)
        self.nudges.give(touched)
        return answer

    def _in_transaction(self, touched: set[str], intention: Callable[[Transaction], T], connection: Connection) -> T:
        context = self.context
        tx = Transaction(
            connection,
            self.engine.queries,
            context.now(),
            context.profiles,
            context.routes,
            context.new_id,
            touched,
            context.claims_registration_ids,
            context.management,
            context.handover,
        )
        return intention(tx)

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question (``lambda reader: reader.job("J-1")``) beside the writer; raises ``StoreUnavailable``."""
        answer: T = await self.read_runner(lambda: self._answer(question))
        return answer

    def _answer(self, question: Callable[[Reader], T]) -> T:
        try:
            connection = self._readers.pop() if self._readers else self.engine.connect()
        except self.engine.errors as error:
            raise StoreUnavailable(f"{self.engine.place}: {str(error).strip()}") from error
        try:
            answer = question(Reader(connection, self.engine.queries))
        except self.engine.errors as error:
            close_quietly(connection)
            raise StoreUnavailable(f"{self.engine.place}: {str(error).strip()}") from error
        except BaseException:
            close_quietly(connection)
            raise
        self._readers.append(connection)
        return answer

    async def close(self) -> None:
        """Commit what waits and let go of the database."""
        await self.writer.close()
        while self._readers:
            close_quietly(self._readers.pop())


def in_threads(pool: ThreadPoolExecutor) -> Runner:
    """A runner that works in the threads of a pool."""

    def run(work: Callable[[], Any]) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(pool, work)

    return run


@asynccontextmanager
async def open_store(
    url: str, context: Context, pass_point: Callable[[str], None] = lambda point: None
) -> AsyncIterator[Store]:
    """Open the database, migrating it when that is due; commits what waits when the block ends.

    Raises ``StoreUrlError``, ``StoreUnavailable`` and ``SchemaTooNew``.
    """
    engine = open_engine(url)
    with (
        ThreadPoolExecutor(1, "store-writer") as write_pool,
        ThreadPoolExecutor(READERS, "store-reader") as read_pool,
    ):
        await in_threads(write_pool)(lambda: schema.migrate(engine))
        store = Store(engine, context, Writer(engine, in_threads(write_pool), pass_point), in_threads(read_pool))
        try:
            yield store
        finally:
            await store.close()
