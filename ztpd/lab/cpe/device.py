"""The CPE itself: its sessions with the ACS, its retries, its periods, and what it does between them."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator, Sequence

import aiohttp
from lxml import etree

from ztpd.lab.cpe import errands
from ztpd.lab.cpe.conversation import Conversation, SessionFailed
from ztpd.lab.cpe.ports import NatPort
from ztpd.lab.cpe.reaching import ConnectionRequestServer, reachable
from ztpd.lab.cpe.register import Register
from ztpd.lab.cpe.rpc import serve, walks_all
from ztpd.lab.cpe.settings import CpeSettings
from ztpd.lab.cpe.soap import Request, call, envelope, inform_envelope, read_request
from ztpd.lab.cpe.state import BOOT, BOOTSTRAP, CONNECTION_REQUEST, PERIODIC, VALUE_CHANGE, CpeState, Event, Todo

_HANG_SECONDS = 3600.0
_MAX_REQUESTS = 100  # of one session: an ACS that never ends one is at fault
_FAILURES = (SessionFailed, aiohttp.ClientError, TimeoutError, OSError)


class LabCpe:
    """One CPE; ``values`` is its tree as text by path, hidden values included.

    ``connector``, ``server`` and ``register`` are shared with other CPEs where given, else each session has a connector
    of its own, and the CPE, while it runs, a server. ``sessions`` and ``failures`` count how sessions ended, ``asked``
    how often it was asked to inform. ``power`` is set while it is switched on.
    """

    def __init__(
        self,
        settings: CpeSettings,
        connector: aiohttp.BaseConnector | None = None,
        server: ConnectionRequestServer | None = None,
        register: Register | None = None,
    ) -> None:
        self.settings = settings
        self.state = CpeState(settings)
        self._connector = connector
        self._server = server
        self._register = register or Register()
        self._rebooted = False
        self.retry_count = 0
        self.sessions = 0
        self.failures = 0
        self.asked = 0
        self.power = asyncio.Event()
        self.power.set()
        self.nat: NatPort | None = None
        self.session_over = asyncio.Event()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._errands: dict[Todo, asyncio.Task[None]] = {}
        self._broken_off: set[Todo] = set()

    @property
    def in_session(self) -> bool:
        """Whether it talks with the ACS."""
        return not self._idle.is_set()

    @property
    def values(self) -> dict[str, str]:
        """Every parameter as it really is."""
        return {path: self.state.tree.text(path) for path in self.state.tree}

    @property
    def periodic_interval_seconds(self) -> float:
        """How long until the next periodic Inform, in the time this CPE lives in."""
        return float(self.state.text("ManagementServer.PeriodicInformInterval")) * self.settings.time_factor

    async def inform(self, events: Sequence[str | Event] = ()) -> list[str]:
        """One session: Inform with these events and those due, then serve the ACS until it has nothing more.

        Returns the names of the requests served, in order. What they ask for afterwards waits for ``settle``. Raises
        ``SessionFailed`` and aiohttp's errors; the events are then still to be told.
        """
        for event in events:
            self.state.tell(*((event, "") if isinstance(event, str) else event))
        while True:
            await self.power.wait()
            async with self._register.turn():
                if self.power.is_set():  # it may have been switched off while others had their turn
                    return await self._inform()

    async def _inform(self) -> list[str]:
        username = self.state.text("ManagementServer.Username")
        digest = aiohttp.DigestAuthMiddleware(username, self.state.text("ManagementServer.Password"))
        with self._session_under_way():
            async with aiohttp.ClientSession(
                connector=self._connector or self._own_connector(),
                connector_owner=self._connector is None,
                middlewares=(digest,),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self.settings.post_timeout_seconds),
                version=aiohttp.HttpVersion10 if self.settings.misbehaviour.http_1_0 else aiohttp.HttpVersion11,
            ) as http:
                return await self._session(http)

    def _own_connector(self) -> aiohttp.TCPConnector:
        source = (self.settings.source_ip, 0) if self.settings.source_ip else None
        return aiohttp.TCPConnector(local_addr=source, force_close=self.settings.misbehaviour.drop_tcp)

    @contextlib.contextmanager
    def _session_under_way(self) -> Iterator[None]:
        self._idle.clear()
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            self.failures += 1
            self._register.failed(error)
            raise
        else:
            self.sessions += 1
            self._register.ended(time.monotonic() - began)
        finally:
            for name, text in self.settings.misbehaviour.drift.items():
                self.device_sets(name, text)
            self._idle.set()
            self.session_over.set()

    async def _session(self, http: aiohttp.ClientSession) -> list[str]:
        conversation = Conversation(http, self.state.text("ManagementServer.URL"), self.settings.misbehaviour)
        told = list(self.state.events)
        await conversation.post(self._inform_body(told))
        self.state.events = [event for event in self.state.events if event not in told]
        for message in self.settings.misbehaviour.calls:
            await conversation.post(envelope("1", message))
        while self.state.calls:
            asked = self.state.calls[0]
            await conversation.post(call(asked.method, asked.body))
            self.state.calls.remove(asked)
        served: list[str] = []
        answer = await conversation.post("")
        while answer:
            request = _understood(answer)
            served.append(request.method)
            if len(served) > _MAX_REQUESTS:
                raise SessionFailed(f"the ACS sent more than {_MAX_REQUESTS} requests in one session")
            if self.settings.misbehaviour.hang_at == request.method:
                await asyncio.sleep(_HANG_SECONDS)
            if self._reboots_at(request):
                self.state.restarted()
                return served + await self._session(http)
            answer = await conversation.post(serve(self.state, request))
        return served

    def _reboots_at(self, request: Request) -> bool:
        """Whether it gives up the session at this request, and starts one anew as after a restart.

        Raises ``SessionFailed`` where it would do so each time.
        """
        wrong = self.settings.misbehaviour
        if wrong.reboot_at == request.method and not self._rebooted:
            self._rebooted = True
            return True
        if wrong.reboot_at_walk and walks_all(self.state, request):
            self.state.restarted()
            raise SessionFailed(f"it restarted at {request.method} of all of its tree")
        return False

    def _inform_body(self, events: list[Event]) -> str:
        state = self.state
        shown = [path for path in state.tree.model.inform if path in state.tree]
        shown += self.settings.parameters
        if (VALUE_CHANGE, "") in events:
            shown += [path for path in state.attributes if state.notification_of(path) > 0 and path in state.tree]
        parameters = {path: state.tree.text(path) for path in shown if not state.tree.parameter(path).hidden}
        return inform_envelope(state.identity, events, parameters, self.retry_count, errands.now())

    async def settle(self) -> None:
        """Do, one after the other, what the ACS has asked for; afterwards the next Inform has what came of it."""
        while waiting := [todo for todo in self.state.todo if not todo.under_way]:
            await errands.carry_out(self.state, waiting[0], self)

    async def wait(self, seconds: float) -> None:
        """Wait this many of its own seconds."""
        if seconds > 0:
            await asyncio.sleep(seconds * self.settings.time_factor)

    async def restart(self, why: Todo | None = None) -> None:
        """Be off for as long as a restart takes, once no session is under way; transfers under way break off.

        What is told of it is the caller's affair.
        """
        await self._idle.wait()
        self.power.clear()
        for todo, task in self._errands.items():
            if todo.under_way and todo is not why:
                self._broken_off.add(todo)
                task.cancel()
        await self.wait(self.settings.boot_seconds)
        self.power.set()

    async def power_cycle(self) -> None:
        """Somebody pulled the plug and put it back."""
        await self.restart()
        self.state.restarted()
        self._woken.set()

    def wake(self, code: str, key: str = "") -> None:
        """Have a CPE that runs inform now, with this event."""
        self.state.tell(code, key)
        self._woken.set()

    def ask_to_inform(self) -> bool:
        """A connection request: followed but in a session, of which it comes too late, and while it is off (§3.2.2)."""
        if self.in_session or not self.power.is_set():
            return False
        self.asked += 1
        self.wake(CONNECTION_REQUEST)
        return True

    def device_sets(self, name: str, text: str) -> None:
        """A value, by its name below the root, changes by itself; an ACS that wants to know at once is told at once."""
        if self.state.device_sets(self.state.root + name, text):
            self._woken.set()

    async def run(self, draw: random.Random | None = None) -> None:
        """Be switched on: inform at boot, then periodically, when there is something to tell and when asked to, until
        cancelled. Raises ``OSError`` when it cannot listen.
        """
        draw = draw or random.Random(self.settings.serial)  # noqa: S311 spreads retries, guards nothing
        self.state.tell(BOOTSTRAP)
        self.state.tell(BOOT)
        async with reachable(self, self._server), asyncio.TaskGroup() as background:
            while True:
                await self._until_informed(draw)
                await self._begin_errands(background)
                await self._until_next()

    async def _until_informed(self, draw: random.Random) -> None:
        while True:
            self._woken.clear()
            try:
                await self.inform()
            except _FAILURES:
                self.retry_count += 1
                await self._pause(retry_interval(self.retry_count, draw) * self.settings.time_factor)
            else:
                self.retry_count = 0
                return

    async def _begin_errands(self, background: asyncio.TaskGroup) -> None:
        """A restart is waited for; what takes long or comes later goes on beside sessions."""
        for todo in [todo for todo in self.state.todo if todo not in self._errands and not todo.under_way]:
            if todo.method in ("Reboot", "FactoryReset"):
                await errands.carry_out(self.state, todo, self)
                self._woken.set()
            else:
                self._errands[todo] = background.create_task(self._errand(todo))

    async def _errand(self, todo: Todo) -> None:
        try:
            await errands.carry_out(self.state, todo, self)
        except asyncio.CancelledError:
            if todo not in self._broken_off:
                raise
            errands.broken_off(self.state, todo)
        finally:
            self._errands.pop(todo, None)
            self._broken_off.discard(todo)
        self._woken.set()

    async def _until_next(self) -> None:
        periodic = self.state.text("ManagementServer.PeriodicInformEnable") in ("1", "true")
        if not await self._pause(self.periodic_interval_seconds if periodic else None):
            self.state.tell(PERIODIC)

    async def _pause(self, seconds: float | None) -> bool:
        """Wait that long, or until something is to be told, and answer whether that is why; None waits for ever."""
        try:
            async with asyncio.timeout(seconds):
                return await self._woken.wait()
        except TimeoutError:
            return False


def _understood(answer: bytes) -> Request:
    """The request in what the ACS said; raises ``SessionFailed`` for anything else."""
    try:
        return read_request(answer)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SessionFailed(f"the ACS sent what is no envelope: {error}") from None


def retry_interval(attempt: int, draw: random.Random) -> float:
    """Seconds until retry number ``attempt`` (1 is the first): 5 to 10, doubling to 2560 to 5120 (§3.2.1.1)."""
    least = 5 * 2 ** min(attempt - 1, 9)
    return draw.uniform(least, 2 * least)


async def run(settings: CpeSettings, draw: random.Random | None = None) -> None:
    """A CPE that is switched on: informs at boot, then periodically, retrying what fails, until cancelled."""
    await LabCpe(settings).run(draw)
