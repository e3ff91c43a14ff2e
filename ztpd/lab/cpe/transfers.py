"""Files that the ACS has the CPE fetch and send, really over HTTP (TR-069 Amendment 6, A.3.2.8 and A.4.1.5)."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiohttp

from ztpd.lab.cpe.faults import CwmpFault
from ztpd.lab.cpe.state import CpeState, Todo

_MAX_FILE_BYTES = 512 * 1024 * 1024
_FIRST_LINE_BYTES = 256
_FIRMWARE = "1"
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_read=60)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was downloaded: the first bytes of the file and its size."""

    head: bytes
    size: int


async def download(todo: Todo, source_ip: str | None) -> Fetched:
    """Fetch the file; raises ``CwmpFault`` 9010 or one of its kind (A.5.1)."""
    async with _http(todo, source_ip) as http:
        try:
            async with http.get(todo.arguments["URL"].strip()) as response:
                _check(response.status)
                head, size = b"", 0
                async for piece in response.content.iter_chunked(64 * 1024):
                    head = (head + piece)[:_FIRST_LINE_BYTES] if len(head) < _FIRST_LINE_BYTES else head
                    size += len(piece)
                    if size > _MAX_FILE_BYTES:
                        raise CwmpFault(9018, "Download failure: file corrupted")
        except aiohttp.ClientPayloadError:
            raise CwmpFault(9017, "Download failure: unable to complete download") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise CwmpFault(9015, "Download failure: unable to contact file server") from None
    wanted = todo.arguments.get("FileSize", "").strip()
    if wanted.isdigit() and int(wanted) not in (0, size):
        raise CwmpFault(9018, "Download failure: file corrupted")
    return Fetched(head, size)


async def upload(state: CpeState, todo: Todo, source_ip: str | None) -> None:
    """PUT what this file type means; raises ``CwmpFault`` 9011 or one of its kind."""
    async with _http(todo, source_ip) as http:
        try:
            async with http.put(todo.arguments["URL"].strip(), data=_file(state, todo)) as response:
                await response.read()
                _check(response.status, failed=9011)
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise CwmpFault(9011, "Upload failure") from None


def version_of(state: CpeState, todo: Todo, fetched: Fetched) -> str | None:
    """The version that runs after this file; None where it is no firmware. Raises ``CwmpFault`` 9018."""
    if not todo.arguments.get("FileType", "").strip().startswith(_FIRMWARE):
        return None
    name = unquote(urlsplit(todo.arguments["URL"].strip()).path.rpartition("/")[2])
    target = todo.arguments.get("TargetFileName", "").strip()
    for known in (target, name):
        if known in state.settings.firmware:
            return state.settings.firmware[known]
    line = fetched.head.split(b"\n", 1)[0].strip()
    if line and len(line) <= 64 and line.isascii() and line.decode("ascii").isprintable():
        return line.decode("ascii")
    named = _VERSION.search(target) or _VERSION.search(name)
    if named is None:
        raise CwmpFault(9018, "Download failure: file corrupted")
    return named[0]


def _http(todo: Todo, source_ip: str | None) -> aiohttp.ClientSession:
    """Digest or basic, as the server asks; basic is tried only when it asks for that."""
    username = todo.arguments.get("Username", "")
    password = todo.arguments.get("Password", "")
    middlewares = (aiohttp.DigestAuthMiddleware(username, password), _basic(username, password)) if username else ()
    connector = aiohttp.TCPConnector(local_addr=(source_ip, 0) if source_ip else None, force_close=True)
    return aiohttp.ClientSession(connector=connector, middlewares=middlewares, timeout=_TIMEOUT)


def _basic(username: str, password: str) -> aiohttp.ClientMiddlewareType:
    shown = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    async def answer(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        response = await handler(request)
        if response.status != 401 or not response.headers.get("WWW-Authenticate", "").lower().startswith("basic"):
            return response
        response.release()
        request.headers["Authorization"] = shown
        return await handler(request)

    return answer


def _check(status: int, failed: int = 9010) -> None:
    if status in (401, 403):
        raise CwmpFault(9012, "File transfer server authentication failure")
    if status == 404 and failed == 9010:
        raise CwmpFault(9016, "Download failure: unable to access file")
    if not 200 <= status < 300:
        raise CwmpFault(failed, "Download failure" if failed == 9010 else "Upload failure")


def _file(state: CpeState, todo: Todo) -> bytes:
    """A configuration file is the tree without its secrets; a log is a few lines."""
    if todo.arguments.get("FileType", "").strip().startswith(("2", "4")):
        serial, version = state.settings.serial, state.text("DeviceInfo.SoftwareVersion")
        return f"{serial} boot version={version}\n{serial} link up\n".encode()
    shown = [path for path in sorted(state.tree) if not state.tree.parameter(path).hidden]
    return "".join(f"{path}={state.tree.text(path)}\n" for path in shown).encode()
