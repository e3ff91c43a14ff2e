"""The asyncio front of one NETCONF session: blocking calls run one after another in a thread of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from ncclient.manager import Manager
from ncclient.operations import RPCReply
from ncclient.transport import SessionListener

from drivers.errors import ElementError, Rejected, Unreachable
from drivers.netconf import modules, xml
from drivers.netconf.connection import Connection
from drivers.netconf.modules import Module
from drivers.netconf.settings import NetconfSettings
from drivers.netconf.sources import Dialled, Line, Source
from drivers.netconf.xml import Element, q

T = TypeVar("T")

_FAREWELL_S = 1.0


class NetconfSession:
    """One session to one element, opened when first needed and dropped at the first doubt.

    After a time-out, a cancellation or a broken connection the session is gone and the next call opens a new one;
    what the element did meanwhile is unknown. One call at a time: the driver serialises. Without a
    ``source`` the element is dialled.
    """

    def __init__(self, settings: NetconfSettings, source: Source | None = None) -> None:
        self._settings = settings
        self._source = Dialled(settings) if source is None else source
        self._executor: ThreadPoolExecutor | None = None
        self.opened = 0
        """How many sessions there were: the one that is open, or was last, by its number."""
        self._connection: Connection | None = None
        self._opening: socket.socket | None = None

    async def capabilities(self) -> frozenset[str]:
        """The capability URIs of the element's hello; opens the session when there is none."""
        return (await self._open()).capabilities

    async def module(self, known: Sequence[Module], without: str) -> Module:
        """The first known module that the element implements, asked once per session, always with the same modules.

        The hello says it or, where it lists none of them, the YANG library. Raises ``Rejected`` when it has none;
        ``without`` says what that means, in a clause.
        """
        connection = await self._open()
        if connection.module is None:
            told = modules.told_by_hello(connection.capabilities, known)
            connection.module = told or await self._module_of_library(connection.capabilities, known, without)
        return connection.module

    async def request(
        self, operation: str, send: Callable[[Manager], RPCReply], timeout_s: float | None = None
    ) -> Element:
        """Send one RPC and return its ``<rpc-reply>``; ``timeout_s`` defaults to the element's RPC time-out.

        Raises ``Unreachable``, ``Busy`` or ``Rejected``.
        """
        limit = self._settings.rpc_timeout_s if timeout_s is None else timeout_s
        connection = await self._open()
        try:
            return await self._in_thread(lambda: connection.request(operation, send, limit))
        except Unreachable:
            await self.drop()
            raise

    async def get(self, subtree: list[Element]) -> Element:
        """The ``<data>`` of what a subtree filter selects of configuration and state (RFC 6241 §7.7)."""
        return self._data("get", await self.request("get", lambda manager: manager.get(filter=subtree)))

    async def get_config(self, subtree: list[Element]) -> Element:
        """The ``<data>`` of what a subtree filter selects of the running configuration (RFC 6241 §7.1)."""

        def send(manager: Manager) -> RPCReply:
            return manager.get_config(source="running", filter=subtree)

        return self._data("get-config", await self.request("get-config", send))

    async def listen(self, listener: SessionListener) -> None:
        """Have incoming messages and the end of the session told to a listener, in a thread that is not ours."""
        (await self._open()).listen(listener)

    @property
    def is_open(self) -> bool:
        """Whether there is a session that nothing is known to be wrong with."""
        return self._connection is not None

    async def drop(self) -> None:
        """End the session without a word to the element, and wait for its threads."""
        closing = self._discard()
        if closing is not None:
            await asyncio.wait({asyncio.wrap_future(closing)})

    async def close(self) -> None:
        """End the session and its thread; it opens again when used again."""
        if self._connection is not None:
            with contextlib.suppress(ElementError):
                await self.request("close-session", lambda manager: manager.close_session(), _FAREWELL_S)
        await self.drop()
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)

    def _data(self, operation: str, reply: Element) -> Element:
        data = reply.find(q(xml.NETCONF, "data"))
        if data is None:
            raise Rejected(self._settings.name, operation, "the reply has no <data>")
        return data

    async def _module_of_library(self, capabilities: frozenset[str], known: Sequence[Module], without: str) -> Module:
        refusal = ""
        try:
            reply = await self.request("get", lambda manager: manager.get(filter=modules.library(capabilities, known)))
            told = modules.told_by_library(reply, known)
        except Rejected as refused:
            told, refusal = None, f" (the library was refused: {refused.answer})"
        if told is None:
            names, several = " nor ".join(module.name for module in known), len(known) > 1
            answer = (
                f"{f'neither {names} is' if several else f'{names} is not'} in its hello or YANG library{refusal}, so "
                f"{without}; enable {'one of the modules' if several else 'it'} on the element, or drive it by another "
                "driver"
            )
            raise Rejected(self._settings.name, "hello", answer)
        return told

    async def _open(self) -> Connection:
        if self._connection is not None:
            return self._connection
        settings = self._settings
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                return await self._connected()
        except TimeoutError as error:
            answer = f"no session with {self._source.where} within {settings.connect_timeout_s:g} s"
            raise Unreachable(settings.name, "connect", answer) from error
        finally:
            self._opening = None

    async def _connected(self) -> Connection:
        while True:
            line = await self._source.line()
            self._opening = line.sock
            try:
                return await self._in_thread(partial(self._connect, line))
            except Unreachable:
                if line.transport is None:
                    raise
                # What was opened by the element waited for us, and may have ended unnoticed: there is another soon.

    def _connect(self, line: Line) -> Connection:
        # Set here and not by the awaiting task, which may have been cancelled by now: who is set can be dropped.
        self._connection = Connection(self._settings, line)
        self.opened += 1
        return self._connection

    async def _in_thread(self, call: Callable[[], T]) -> T:
        waiting = asyncio.wrap_future(self._submit(call))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread is woken by cutting what it waits for; only then may the next call have it.
            self._discard()
            await asyncio.wait({waiting})
            if not waiting.cancelled():
                waiting.exception()
            await self.drop()
            raise

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"netconf-{self._settings.name}")
        return self._executor.submit(call)

    def _discard(self) -> Future[None] | None:
        """Cut the session and have its remains cleared away behind whatever the thread is doing."""
        if self._opening is not None:
            with contextlib.suppress(OSError):
                self._opening.shutdown(socket.SHUT_RDWR)
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        connection.abort()
        return self._submit(connection.close)
