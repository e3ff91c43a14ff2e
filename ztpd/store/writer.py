"""The one writer: many intentions, one transaction.

Intentions that arrive while a transaction is being committed wait and share the next one, so durability costs one
sync per group and not one per intention. Savepoints stand between a few of them at a time; where one raises, those few
are undone and done again, each behind a savepoint of its own: it is undone alone, and its caller alone hears of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ztpd.store.engine import Connection, Engine, StoreUnavailable, close_quietly

T = TypeVar("T")
Intention = Callable[[Connection], T]
Runner = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a blocking function outside the loop: a thread in life, inline in a simulation."""

MAX_GROUP = 512
FEW = 64
"""How many intentions share a savepoint: each one that SQLite keeps copies every page that changes behind it."""

MAX_TURNS = 8
"""How many turns of the loop a group may gather in."""

MAX_WAITING = 20_000


class StoreOverloaded(StoreUnavailable):
    """More intentions wait than the writer may hold; nothing was written, try again later."""

    def __init__(self) -> None:
        super().__init__(f"{MAX_WAITING} intentions wait for the database already: try again in a moment")


@dataclass(slots=True)
class _Waiting:
    name: str
    intention: Intention[Any]
    answer: asyncio.Future[Any]


@dataclass(slots=True)
class _Result:
    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Writer:
    """Commits intentions in groups over one connection; ``pass_point`` is called around each commit."""

    engine: Engine
    run: Runner
    pass_point: Callable[[str], None] = lambda point: None
    _waiting: list[_Waiting] = field(default_factory=list)
    _committer: asyncio.Task[None] | None = None
    _connection: Connection | None = None
    _closed: bool = False

    async def commit(self, name: str, intention: Intention[T]) -> T:
        """What the intention returns, once it is durable; raises what it raises, or ``StoreUnavailable``."""
        if self._closed:
            raise StoreUnavailable(f"{self.engine.place}: the store is closed")
        if len(self._waiting) >= MAX_WAITING:
            raise StoreOverloaded
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(name, intention, answer))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())
        return await answer

    async def close(self) -> None:
        """Commit what waits, then let go of the database; what comes later is refused."""
        self._closed = True
        if self._committer is not None:
            await asyncio.gather(self._committer, return_exceptions=True)
        if self._connection is not None:
            close_quietly(self._connection)
            self._connection = None

    async def _commit_waiting(self) -> None:
        while self._waiting:
            await self._gather()
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            try:
                results = await self.run(lambda group=group: self._commit_group(group))  # type: ignore[misc]
            except Exception as error:
                results = [_Result(error=error) for _ in group]
            except BaseException:
                for waiting in group:  # nobody knows what became of it: nobody may wait for ever
                    waiting.answer.cancel()
                raise
            for waiting, result in zip(group, results, strict=True):
                _answer(waiting.answer, result)

    async def _gather(self) -> None:
        """Wait as long as each turn of the loop brings more intentions: what comes at once is committed at once.

        An idle system loses one turn by it. A busy one has several times as many in a group, and the loop's thread and
        the writer's take turns with Python's lock instead of fighting for it.
        """
        for _ in range(MAX_TURNS):
            before = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == before:
                return

    def _commit_group(self, group: list[_Waiting]) -> list[_Result]:
        try:
            return self._transaction(group)
        except self.engine.errors as error:
            if self._connection is not None:
                close_quietly(self._connection)
                self._connection = None
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self.engine.place}: {str(error).strip()}")

    def _transaction(self, group: list[_Waiting]) -> list[_Result]:
        if self._connection is None:
            self._connection = self.engine.connect()
        connection = self._connection
        connection.execute(self.engine.begin)
        try:
            with self.engine.pipelined(connection):
                results = self._attempt_each(connection, group)
            self._pass(group, "before-commit")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                connection.execute("ROLLBACK")
            raise
        self._pass(group, "after-commit")
        return results

    def _attempt_each(self, connection: Connection, group: list[_Waiting]) -> list[_Result]:
        few = (group[start : start + FEW] for start in range(0, len(group), FEW))
        return [result for each in few for result in self._attempt(connection, each)]

    def _attempt(self, connection: Connection, few: list[_Waiting]) -> list[_Result]:
        """Run a few intentions behind one savepoint; when one of several raises, each behind its own."""
        connection.execute("SAVEPOINT intentions")
        try:
            results = [_Result(value=waiting.intention(connection)) for waiting in few]
            self.engine.settle(connection)
        except Exception as error:
            with suppress(Exception):
                self.engine.settle(connection)
            # Where the engine itself failed the savepoint is gone too, and the whole group is undone.
            connection.execute("ROLLBACK TO SAVEPOINT intentions")
            if len(few) > 1:
                results = [result for waiting in few for result in self._attempt(connection, [waiting])]
            else:
                results = [_Result(error=self._unavailable(error) if isinstance(error, self.engine.errors) else error)]
        connection.execute("RELEASE SAVEPOINT intentions")
        return results

    def _pass(self, group: list[_Waiting], edge: str) -> None:
        for waiting in group:
            self.pass_point(f"{waiting.name}.{edge}")


def _answer(future: asyncio.Future[Any], result: _Result) -> None:
    if future.done():  # the caller was cancelled; what it asked for is committed all the same
        return
    if result.error is not None:
        future.set_exception(result.error)
    else:
        future.set_result(result.value)
