"""The UDP side of a CPE: it hears connection requests, and keeps the binding they come by (TR-069 Annex G)."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ztpd.lab.cpe import stun
from ztpd.lab.cpe.ports import Port
from ztpd.lab.cpe.requests import Stamp, is_new, stamp_of
from ztpd.lab.cpe.state import CpeState
from ztpd.lab.cpe.stun import Endpoint, Mapped, Refused

_RETRANSMISSIONS_S = (0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 1.6, 1.6)  # RFC 3489 §9.3
_UNAUTHORIZED = 401
_LEAST_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class StunSettings:
    """What the ACS has set of STUN, and where the server is; ``period_s`` is in the CPE's own seconds."""

    server: Endpoint
    username: str
    password: str = field(repr=False)
    period_s: float


def stun_settings(state: CpeState) -> StunSettings | None:
    """What is set now; None while STUN is off. Without a server's address it is the ACS's host (TR-181)."""
    name = "ManagementServer.STUN"
    if state.text(f"{name}Enable").lower() not in ("1", "true"):
        return None
    host = state.text(f"{name}ServerAddress") or urlsplit(state.text("ManagementServer.URL")).hostname or ""
    least = float(state.text(f"{name}MinimumKeepAlivePeriod") or 30)
    most = float(state.text(f"{name}MaximumKeepAlivePeriod") or -1)
    return StunSettings(
        server=(host, int(state.text(f"{name}ServerPort") or 3478)),
        username=state.text(f"{name}Username"),
        password=state.text(f"{name}Password"),
        period_s=least if most < 0 else min(least, most),
    )


class UdpSide:
    """Hears UDP connection requests at ``port`` and keeps its binding while STUN is on.

    ``asked`` is called for each new request that is signed; ``sets`` gives a parameter (by its name below the root) a
    value; ``changed`` is set when what STUN uses may have changed.
    """

    def __init__(
        self,
        state: CpeState,
        port: Port,
        asked: Callable[[], object],
        sets: Callable[[str, str], None],
        changed: asyncio.Event,
    ) -> None:
        self._state = state
        self._port = port
        self._asked = asked
        self._sets = sets
        self._changed = changed
        self._last = Stamp()
        self._known: Mapped | None = None
        self._waiting: dict[bytes, asyncio.Future[stun.Answer]] = {}

    async def open(self) -> None:
        """Listen; raises ``OSError`` when there is no port to be had."""
        await self._port.open(self._hear)

    async def keep(self) -> None:
        """Keep the binding until cancelled, and close the port."""
        try:
            while True:
                self._changed.clear()
                settings = stun_settings(self._state)
                if settings is None:
                    self._show(self._port.local, mapped=False)
                    await self._changed.wait()
                    continue
                await self._keep(settings)
                pause = max(settings.period_s * self._state.settings.time_factor, _LEAST_PAUSE_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._until_other_than(settings)
        finally:
            self._port.close()

    async def _until_other_than(self, settings: StunSettings) -> None:
        while True:
            await self._changed.wait()
            if stun_settings(self._state) != settings:
                return
            self._changed.clear()

    async def _keep(self, settings: StunSettings) -> None:
        """Ask for the binding, which keeps it; tell the server when it is another one (G.2.1.2)."""
        found = await self._ask(settings)
        if not isinstance(found, Mapped):
            return
        if found != self._known:
            self._known = found
            await self._ask(settings, changed=True)
        self._show(found.endpoint, mapped=found.endpoint != self._port.local)

    async def _ask(self, settings: StunSettings, *, changed: bool = False) -> stun.Answer | None:
        answer = await self._exchange(settings, "", changed=changed)
        if answer == Refused(_UNAUTHORIZED) and settings.password:
            return await self._exchange(settings, settings.password, changed=changed)
        return answer

    async def _exchange(self, settings: StunSettings, password: str, *, changed: bool) -> stun.Answer | None:
        """One request, sent again until it is answered; None when it never is."""
        transaction = secrets.token_bytes(16)
        request = stun.binding_request(transaction, settings.username, password, changed=changed)
        answered = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = answered
        try:
            server = await _resolved(settings.server)
            for pause in _RETRANSMISSIONS_S:
                self._port.send(request, server)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        return await asyncio.shield(answered)
        except OSError:
            return None
        finally:
            answered.cancel()
            del self._waiting[transaction]
        return None

    def _hear(self, data: bytes, source: Endpoint) -> None:
        answer = stun.read_answer(data)
        if answer is not None:
            waiting = self._waiting.get(answer[0])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer[1])
            return
        username = self._state.text("ManagementServer.ConnectionRequestUsername")
        password = self._state.text("ManagementServer.ConnectionRequestPassword")
        stamp = stamp_of(data, username, password)
        if stamp is not None and is_new(stamp, self._last):
            self._last = stamp
            self._asked()

    def _show(self, endpoint: Endpoint, *, mapped: bool) -> None:
        """Where it can be asked now, told as the ACS wanted changes to be told (G.2.1.3)."""
        told = f"{endpoint[0]}:{endpoint[1]}"
        self._sets("ManagementServer.NATDetected", str(int(mapped)))
        self._sets("ManagementServer.UDPConnectionRequestAddress", told)


async def _resolved(server: Endpoint) -> Endpoint:
    found = await asyncio.get_running_loop().getaddrinfo(*server, type=2, family=2)
    host, port = found[0][4][:2]
    return str(host), int(port)
