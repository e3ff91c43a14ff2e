"""The CPE itself: its sessions with the ACS, its retries, and what it is asked to do wrong."""

import asyncio
import enum
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from ztpd.lab.cpe.soap import (
    CwmpFault,
    Request,
    fault_envelope,
    inform_envelope,
    methods_response,
    names_response,
    read_request,
    set_response,
    values_response,
)
from ztpd.lab.cpe.tree import Parameter, tree_of

BOOTSTRAP, BOOT, PERIODIC = "0 BOOTSTRAP", "1 BOOT", "2 PERIODIC"
_METHODS = ("GetRPCMethods", "GetParameterNames", "GetParameterValues", "SetParameterValues")
_HANG_SECONDS = 3600.0
_MAX_REQUESTS = 100  # of one session: an ACS that never ends one is at fault


class Root(enum.StrEnum):
    """The root object of the data model."""

    TR181 = "Device."
    TR098 = "InternetGatewayDevice."


class CookieStyle(enum.Enum):
    """How the session's cookie is sent back."""

    PLAIN = enum.auto()
    LOWERCASE = enum.auto()  # header name, cookie name and value
    UPPERCASE = enum.auto()
    QUOTED = enum.auto()  # RFC 2109: $Version first, value in quotes, commas between


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What the CPE does wrong, switched on one by one.

    ``reject`` answers setting these paths with a fault of that code. ``forget`` accepts these paths and keeps the
    old values. ``hang_at`` names the request after which it falls silent; ``reboot_at`` the one after which it starts
    a new session with a BOOT Inform, once. ``drop_tcp`` opens a connection for every POST.
    """

    reject: Mapping[str, int] = field(default_factory=dict)
    forget: frozenset[str] = frozenset()
    hang_at: str | None = None
    reboot_at: str | None = None
    drop_tcp: bool = False
    cookies: CookieStyle = CookieStyle.PLAIN


@dataclass(frozen=True, slots=True)
class CpeSettings:
    """One CPE: who it is, where its ACS is, and what it does wrong.

    ``source_ip`` is the address it calls from (any of 127.0.0.0/8). ``parameters`` are added to the tree, or
    replace values in it. ``time_factor`` stretches the periodic interval and the retry schedule: 0.01 is a hundred
    times faster than life.
    """

    acs_url: str
    username: str
    password: str = field(repr=False)
    serial: str
    oui: str = "00259E"
    manufacturer: str = "ztpd lab"
    product_class: str = "LAB-ONT"
    root: Root = Root.TR181
    source_ip: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    time_factor: float = 1.0
    post_timeout_seconds: float = 30.0


class SessionFailed(Exception):
    """The ACS did not let the session come to its end; the CPE will retry (§3.2.1.1)."""


class LabCpe:
    """One CPE; ``values`` is its tree as text by path, hidden values included."""

    def __init__(self, settings: CpeSettings) -> None:
        self.settings = settings
        self._tree = tree_of(settings.root.value, settings.parameters)
        self._set(f"{settings.root}ManagementServer.URL", settings.acs_url)
        self._rebooted = False
        self.retry_count = 0

    @property
    def values(self) -> dict[str, str]:
        """Every parameter as it really is."""
        return {path: parameter.value for path, parameter in self._tree.items()}

    async def inform(self, events: Sequence[str]) -> list[str]:
        """One session: Inform, then serve the ACS until it has nothing more.

        Returns the names of the requests served, in order. Raises ``SessionFailed`` and aiohttp's errors.
        """
        digest = aiohttp.DigestAuthMiddleware(self.settings.username, self.settings.password)
        source = (self.settings.source_ip, 0) if self.settings.source_ip else None
        connector = aiohttp.TCPConnector(local_addr=source, force_close=self.settings.misbehaviour.drop_tcp)
        async with aiohttp.ClientSession(
            connector=connector,
            middlewares=(digest,),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.settings.post_timeout_seconds),
        ) as http:
            return await self._session(http, list(events))

    async def _session(self, http: aiohttp.ClientSession, events: list[str]) -> list[str]:
        conversation = _Conversation(http, self._text("ManagementServer.URL"), self.settings.misbehaviour)
        await conversation.post(self._inform_body(events))
        served: list[str] = []
        answer = await conversation.post("")
        while answer:
            request = read_request(answer)
            served.append(request.method)
            if len(served) > _MAX_REQUESTS:
                raise SessionFailed(f"the ACS sent more than {_MAX_REQUESTS} requests in one session")
            if self.settings.misbehaviour.hang_at == request.method:
                await asyncio.sleep(_HANG_SECONDS)
            if self.settings.misbehaviour.reboot_at == request.method and not self._rebooted:
                self._rebooted = True
                return served + await self._session(http, [BOOT])
            answer = await conversation.post(self._serve(request))
        return served

    def _inform_body(self, events: list[str]) -> str:
        settings = self.settings
        shown = (
            "DeviceInfo.HardwareVersion",
            "DeviceInfo.SoftwareVersion",
            "DeviceInfo.ProvisioningCode",
            "ManagementServer.ConnectionRequestURL",
            "ManagementServer.ParameterKey",
        )
        parameters = {f"{settings.root}{name}": self._text(name) for name in shown} | dict(settings.parameters)
        return inform_envelope(
            (settings.manufacturer, settings.oui, settings.product_class, settings.serial),
            events,
            parameters,
            self.retry_count,
        )

    def _serve(self, request: Request) -> str:
        """The answer to one request of the ACS: a response or a fault."""
        try:
            match request.method:
                case "GetRPCMethods":
                    return methods_response(request, _METHODS)
                case "GetParameterNames":
                    return names_response(request, self._names(request))
                case "GetParameterValues":
                    return values_response(request, self._read(request.paths))
                case "SetParameterValues":
                    self._write(request)
                    return set_response(request)
                case _:
                    raise CwmpFault(9000, "Method not supported")
        except CwmpFault as fault:
            return fault_envelope(request, fault)

    def _names(self, request: Request) -> dict[str, bool]:
        """Writability by path below the path asked for; with NextLevel only its children (A.3.2.3)."""
        below = request.paths[0]
        names: dict[str, bool] = {}
        for path, parameter in self._below(below).items():
            head, dot, _ = path.removeprefix(below).partition(".")
            name = f"{below}{head}{dot}" if request.next_level else path
            names[name] = parameter.writable and not name.endswith(".")
        return names

    def _read(self, paths: Sequence[str]) -> dict[str, str]:
        """Values of the paths asked for; hidden ones are empty (TR-106 §3.2)."""
        found = {path: parameter for asked in paths for path, parameter in self._below(asked).items()}
        return {path: "" if parameter.hidden else parameter.value for path, parameter in found.items()}

    def _below(self, asked: str) -> dict[str, Parameter]:
        if asked in self._tree:
            return {asked: self._tree[asked]}
        if asked and not asked.endswith("."):
            raise CwmpFault(9005, "Invalid parameter name")
        found = {path: parameter for path, parameter in self._tree.items() if path.startswith(asked)}
        if not found:
            raise CwmpFault(9005, "Invalid parameter name")
        return found

    def _write(self, request: Request) -> None:
        """Set all values or none (A.3.2.1)."""
        faults = [
            (path, *problem)
            for path, (text, _) in request.values.items()
            if (problem := self._problem(path, text)) is not None
        ]
        if faults:
            raise CwmpFault(9003, "Invalid arguments", tuple(faults))
        for path, (text, _) in request.values.items():
            if path not in self.settings.misbehaviour.forget:
                self._set(path, text)
        self._set(f"{self.settings.root}ManagementServer.ParameterKey", request.parameter_key)

    def _problem(self, path: str, text: str) -> tuple[int, str] | None:
        wilful = self.settings.misbehaviour.reject.get(path)
        if wilful is not None:
            return wilful, "Refused by this device"
        parameter = self._tree.get(path)
        if parameter is None:
            return 9005, "Invalid parameter name"
        if not parameter.writable:
            return 9008, "Attempt to set a non-writable parameter"
        return None if parameter.accepts(text) else (9007, "Invalid parameter value")

    def _set(self, path: str, text: str) -> None:
        self._tree[path] = self._tree[path].holding(text)

    def _text(self, name: str) -> str:
        return self._tree[f"{self.settings.root}{name}"].value

    @property
    def periodic_interval_seconds(self) -> float:
        """How long until the next periodic Inform, in the time this CPE lives in."""
        return float(self._text("ManagementServer.PeriodicInformInterval")) * self.settings.time_factor


class _Conversation:
    """The POSTs of one session: they share a cookie, not necessarily a connection."""

    def __init__(self, http: aiohttp.ClientSession, url: str, misbehaviour: Misbehaviour) -> None:
        self._http = http
        self._url = url
        self._style = misbehaviour.cookies
        self._cookie: dict[str, str] = {}

    async def post(self, body: str) -> bytes:
        """The ACS's next envelope, empty when it has none; raises ``SessionFailed`` for any other answer."""
        headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": "", **self._cookie}
        async with self._http.post(self._url, data=body.encode(), headers=headers) as response:
            answer = await response.read()
            if response.status not in (200, 204):
                raise SessionFailed(f"HTTP {response.status}: {answer[:200].decode('utf-8', 'replace').strip()}")
            if "Set-Cookie" in response.headers:
                self._cookie = self._as_sent(response.headers["Set-Cookie"].partition(";")[0])
            return answer

    def _as_sent(self, cookie: str) -> dict[str, str]:
        name, _, value = cookie.partition("=")
        match self._style:
            case CookieStyle.LOWERCASE:
                return {"cookie": cookie.lower()}
            case CookieStyle.UPPERCASE:
                return {"COOKIE": cookie.upper()}
            case CookieStyle.QUOTED:
                return {"Cookie": f'$Version="1", {name}="{value}", $Path="/"'}
            case CookieStyle.PLAIN:
                return {"Cookie": cookie}


def retry_interval(attempt: int, draw: random.Random) -> float:
    """Seconds until retry number ``attempt`` (1 is the first): 5 to 10, doubling to 2560 to 5120 (§3.2.1.1)."""
    least = 5 * 2 ** min(attempt - 1, 9)
    return draw.uniform(least, 2 * least)


async def run(settings: CpeSettings, draw: random.Random | None = None) -> None:
    """A CPE that is switched on: informs at boot, then periodically, retrying what fails, until cancelled."""
    cpe = LabCpe(settings)
    draw = draw or random.Random(settings.serial)  # noqa: S311 spreads retries, guards nothing
    events = [BOOTSTRAP, BOOT]
    while True:
        try:
            await cpe.inform(events)
        except (SessionFailed, aiohttp.ClientError, TimeoutError, OSError):
            cpe.retry_count += 1
            await asyncio.sleep(retry_interval(cpe.retry_count, draw) * settings.time_factor)
            continue
        cpe.retry_count = 0
        events = [PERIODIC]
        await asyncio.sleep(cpe.periodic_interval_seconds)
