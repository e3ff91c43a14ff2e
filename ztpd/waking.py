"""The loop that asks CPEs to inform when there is something that they must do: in time, not too often, not all at once.

The database tells which ones; a nudge only hastens, and a poll repairs a lost one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from ztpd import parts
from ztpd.acs.connection_caller import Caller, Reached, Told, Whom
from ztpd.acs.connection_request import Secret
from ztpd.acs.stun import Endpoint
from ztpd.acs.stun_server import StunServer, outgoing, stun_server
from ztpd.config import Configuration
from ztpd.domain.cpe import CpeFacts
from ztpd.domain.waking import CpeToWake, WakingPace
from ztpd.listening import bind
from ztpd.logs import Trouble
from ztpd.provisioning.seams import tell, wait
from ztpd.services import Service
from ztpd.store import cpe_waking
from ztpd.store.cpe_waking import Asking
from ztpd.store.store import Store

log = structlog.get_logger()

Secrets = Callable[[CpeToWake], Secret | None]
"""The user and password that a CPE was given for connection requests, None when it was given none."""


@dataclass(frozen=True, slots=True)
class WakingLimits:
    """At most ``per_second`` requests begin in a second and ``concurrency`` are under way; ``poll_s`` is the poll."""

    pace: WakingPace = field(default_factory=WakingPace)
    per_second: int = 50
    concurrency: int = 64
    poll_s: float = 1.0


@dataclass(slots=True)
class Waking:
    """Asks CPEs to inform while it runs.

    ``talks`` tells whether a CPE is in a session now, ``report`` is told how far each request got, ``elapsed`` is a
    monotonic clock in seconds.
    """

    store: Store
    caller: Caller
    secrets: Secrets
    limits: WakingLimits
    elapsed: Callable[[], float]
    talks: Callable[[CpeFacts], bool] = lambda facts: False
    report: Callable[[str], None] = lambda reached: None
    _in_hand: int = 0
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: list[float] = field(default_factory=list)
    _trouble: Trouble = field(default_factory=Trouble)

    async def run(self) -> None:
        """Ask until cancelled."""
        with self.store.nudges.listening(cpe_waking.TOPIC) as nudge:
            async with asyncio.TaskGroup() as group:
                while True:
                    nudge.clear()
                    room = self._room()
                    claimed = await self._claim(room) if room else []
                    for asking in claimed:
                        self._in_hand += 1
                        self._begun.append(self.elapsed())
                        group.create_task(self._ask(asking))
                    if room and len(claimed) < room:
                        await wait(nudge, self.limits.poll_s)
                    else:  # there may be more
                        await self._until_room()

    def _room(self) -> int:
        """How many requests may begin now."""
        since = self.elapsed() - 1.0
        self._begun = [at for at in self._begun if at > since]
        return max(0, min(self.limits.concurrency - self._in_hand, self.limits.per_second - len(self._begun)))

    async def _until_room(self) -> None:
        """Wait until another request may begin: one ended, or its second is over."""
        while not self._room():
            self._free.clear()
            used_up = len(self._begun) >= self.limits.per_second
            pause = self._begun[0] + 1.0 - self.elapsed() if used_up else self.limits.poll_s
            await wait(self._free, max(0.01, pause))

    async def _claim(self, room: int) -> list[Asking]:
        try:
            claimed = await self.store.commit(cpe_waking.claim_cpes_to_wake, self.limits.pace, room, self.talks)
        except Exception as error:
            tell(self._trouble, "nobody is asked to inform", error)
            return []
        self._trouble.over()
        return claimed

    async def _ask(self, asking: Asking) -> None:
        """Make one request and keep what became of it; whatever goes wrong, the next one follows in its time."""
        try:
            told = await self._call(asking.cpe)
            self.report(told.reached.value)
            await self.store.commit(cpe_waking.tell_wakings, [(asking, told.said)])
        except Exception as error:
            tell(self._trouble, "it is not known what became of a connection request", error)
        finally:
            self._in_hand -= 1
            self._free.set()

    async def _call(self, cpe: CpeToWake) -> Told:
        whom = Whom(cpe.facts.connection_request_url, cpe.facts.udp_address, cpe.ip)
        try:
            told = await self.caller.ask(whom, self.secrets(cpe))
        except Exception as error:  # a flaw of ours, which must not end the loop for every other CPE
            tell(self._trouble, "a connection request failed", error)
            told = Told(Reached.SILENT, f"could not be asked: unforeseen {type(error).__name__}, see the log")
        log.debug("cpe asked to inform", device=cpe.device, why=cpe.why, tries=cpe.tries, said=told.said)
        return told


@asynccontextmanager
async def waking(
    configuration: Configuration,
    store: Store,
    now: Callable[[], datetime],
    talks: Callable[[CpeFacts], bool],
    report: Callable[[str], None],
) -> AsyncIterator[list[Service]]:
    """The service that asks CPEs to inform, none where they are not asked, and the STUN server, bound; see ``Waking``.

    Raises ``CannotListen``.
    """
    wanted, settings = parts.connection_requests(configuration), parts.stun(configuration)
    async with AsyncExitStack() as stack:
        server: StunServer | None = None
        if settings is not None:
            password_of = (lambda user: None) if wanted is None else wanted.stun_password_of
            opening = stack.enter_async_context(stun_server(settings, password_of))
            server, _ = await bind("acs.stun", settings.host, settings.port, opening)
        if wanted is None:
            yield []
            return
        if server is None:
            send, binding = await stack.enter_async_context(outgoing()), _no_binding
        else:
            send, binding = server.send, server.bindings.of
        caller = Caller(wanted.networks, wanted.timeout_s, send, binding, now)
        pace = WakingPace(wanted.first_pause_s, wanted.longest_pause_s)
        limits = WakingLimits(pace, wanted.per_second, wanted.concurrency)
        loop = Waking(store, caller, wanted.secret_of, limits, time.monotonic, talks, report)
        yield [Service("waking", loop.run)]


def _no_binding(user: str) -> Endpoint | None:
    return None
