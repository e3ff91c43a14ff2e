"""The tests that a CPE does by itself: transfers really over HTTP (TR-143), the others with figures of a quiet line.

A test begins once the session is over, and a restart forgets it; results are where the device's model has them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp

from ztpd.lab.cpe.state import DIAGNOSTICS_COMPLETE, CpeState, Todo

REQUESTED = "Requested"
_TIMEOUT = aiohttp.ClientTimeout(total=60)
_PIECE = 64 * 1024
_NOBODY = ".invalid"
"""No name ends so that anybody has (RFC 6761 §6.4)."""


async def diagnose(state: CpeState, todo: Todo, wait: Callable[[float], Awaitable[None]]) -> None:
    """Do the test that an object's DiagnosticsState asked for, unless a restart forgot it."""
    object_ = todo.arguments["Path"]
    kind = object_.removesuffix(".").rpartition(".")[2].removesuffix("Diagnostics").removesuffix("Diagnostic")
    await wait(state.settings.test_seconds)
    said = await _TESTS[kind](state, object_)
    if state.tree.get(f"{object_}DiagnosticsState") != REQUESTED:
        return
    state.tree.put(f"{object_}DiagnosticsState", said)
    if not state.settings.misbehaviour.quiet_tests:
        state.tell(DIAGNOSTICS_COMPLETE)


async def _download(state: CpeState, object_: str) -> str:
    received, began = 0, ""
    try:
        async with _http(state) as http, http.get(state.tree.text(f"{object_}DownloadURL")) as response:
            if response.status != 200:
                return "Error_TransferFailed"
            async for piece in response.content.iter_chunked(_PIECE):
                began = began or _now()
                received += len(piece)
    except aiohttp.ClientPayloadError:
        return "Error_TransferFailed"
    except (aiohttp.ClientError, TimeoutError, OSError):
        return "Error_InitConnectionFailed"
    return _transferred(state, object_, began, {"TestBytesReceived": received, "TotalBytesReceived": received})


async def _upload(state: CpeState, object_: str) -> str:
    size, began = int(state.tree.get(f"{object_}TestFileLength", "0")), _now()

    async def pieces() -> AsyncIterator[bytes]:
        for sent in range(0, size, _PIECE):
            yield b"\0" * min(_PIECE, size - sent)

    try:
        async with _http(state) as http, http.put(state.tree.text(f"{object_}UploadURL"), data=pieces()) as response:
            await response.read()
            if response.status >= 300:
                return "Error_NoTransferComplete"
    except (aiohttp.ClientError, TimeoutError, OSError):
        return "Error_InitConnectionFailed"
    return _transferred(state, object_, began, {"TestBytesSent": size, "TotalBytesSent": size})


def _transferred(state: CpeState, object_: str, began: str, counted: dict[str, int]) -> str:
    times = {"ROMTime": began, "BOMTime": began, "EOMTime": _now()}
    for name, value in {**times, **counted}.items():
        state.tree.put(f"{object_}{name}", str(value))
    return "Completed"


async def _ping(state: CpeState, object_: str) -> str:
    if state.tree.text(f"{object_}Host").endswith(_NOBODY):
        return "Error_CannotResolveHostName"
    shown = {
        "SuccessCount": state.tree.text(f"{object_}NumberOfRepetitions"),
        "FailureCount": "0",
        "AverageResponseTime": "12",
        "MinimumResponseTime": "11",
        "MaximumResponseTime": "15",
        "AverageResponseTimeDetailed": "12345",
        "MinimumResponseTimeDetailed": "11000",
        "MaximumResponseTimeDetailed": "15000",
    }
    for name, text in shown.items():
        state.tree.put(object_ + name, text)
    return "Complete"


async def _trace_route(state: CpeState, object_: str) -> str:
    if state.tree.text(f"{object_}Host").endswith(_NOBODY):
        return "Error_CannotResolveHostName"
    state.tree.put(f"{object_}ResponseTime", "14")
    return "Complete"


async def _scan(state: CpeState, object_: str) -> str:
    await asyncio.sleep(0)
    return "Complete"


def _http(state: CpeState) -> aiohttp.ClientSession:
    source = state.settings.source_ip
    connector = aiohttp.TCPConnector(local_addr=(source, 0) if source else None, force_close=True)
    return aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_TESTS: dict[str, Callable[[CpeState, str], Awaitable[str]]] = {
    "Download": _download,
    "Upload": _upload,
    "IPPing": _ping,
    "TraceRoute": _trace_route,
    "NeighboringWiFi": _scan,
}
