"""Files that a lab CPE fetches and sends: how firmware comes to run, and how transfers end otherwise."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.lab_cpe.scripted_acs import request, scripted_acs
from tests.unit.lab_cpe.test_methods import SETTINGS, ask, image, key, transfer
from ztpd.lab.cpe.device import LabCpe
from ztpd.lab.cpe.requests import Challenges
from ztpd.lab.cpe.settings import CpeSettings, DownloadEnd, Misbehaviour
from ztpd.lab.cpe.state import BOOT

IMAGE = b"2.0.1\nimage"
USER, PASSWORD = "file-user", "file-sentinel"


@dataclass
class FileServer:
    """``/image.bin``, ``/slow.bin`` that ends when ``gate`` opens, and PUT anywhere; what is below ``/digest/`` and
    ``/basic/`` is behind a password.
    """

    url: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    fetched: list[str] = field(default_factory=list)
    failures: int = 0
    _challenges: Challenges = field(default_factory=Challenges)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.fetched.append(request.path)
        challenge = self._challenge(request)
        if challenge:
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if request.method == "PUT":
            return web.Response(status=201 if await request.read() else 400)
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        if request.path == "/slow.bin":
            return await self._slowly(request)
        if request.path.startswith("/raw-"):
            return web.Response(body=b"\x7fELF\0\x01\n")
        return web.Response(body=IMAGE) if request.path.endswith("image.bin") else web.Response(status=404)

    async def _slowly(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(IMAGE)
        self.begun.set()
        await self.gate.wait()
        return response

    def _challenge(self, request: web.Request) -> str:
        shown = request.headers.get("Authorization", "")
        if request.path.startswith("/digest/"):
            proven = self._challenges.proves(shown, request.method, USER, PASSWORD)
            return "" if proven else self._challenges.ask()
        if request.path.startswith("/basic/"):
            wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            return "" if shown == wanted else 'Basic realm="files"'
        return ""


@pytest.fixture
async def files() -> AsyncIterator[FileServer]:
    server = FileServer()
    app = web.Application()
    app.router.add_route("*", "/{name:.*}", server.answer)
    async with TestServer(app) as serving:
        server.url = str(serving.make_url("/"))
        yield server
        server.gate.set()


def told(cpe: LabCpe) -> list[str]:
    """The fault code of each TransferComplete that is to be sent."""
    return [call.body.partition("<FaultCode>")[2].partition("<")[0] for call in cpe.state.calls]


def version(cpe: LabCpe) -> str:
    return cpe.state.text("DeviceInfo.SoftwareVersion")


@pytest.mark.parametrize(
    ("name", "runs"), [("image.bin", "2.0.1"), ("raw-ont-4.7.2.bin", "4.7.2"), ("raw-ont.bin", "1.0.0")]
)
async def test_the_version_is_in_the_file_or_else_in_its_name(files: FileServer, name: str, runs: str) -> None:
    cpe = LabCpe(SETTINGS)
    ask(cpe.state, "Download", image(files.url + name))
    await cpe.settle()
    assert (version(cpe), told(cpe)) == (runs, ["9018" if runs == "1.0.0" else "0"])


@pytest.mark.parametrize(
    ("wrong", "runs", "tells", "boots"),
    [
        (Misbehaviour(download_fault=9010), "1.0.0", ["9010"], False),
        (Misbehaviour(download_end=DownloadEnd.UNCHANGED), "1.0.0", ["0"], True),
        (Misbehaviour(download_end=DownloadEnd.UNTOLD), "2.0.1", [], True),
        (Misbehaviour(download_end=DownloadEnd.NEVER), "1.0.0", [], False),
    ],
    ids=["refused", "unchanged", "untold", "never"],
)
async def test_firmware_may_come_to_other_ends(
    files: FileServer, wrong: Misbehaviour, runs: str, tells: list[str], boots: bool
) -> None:
    cpe = LabCpe(replace(SETTINGS, misbehaviour=wrong))
    ask(cpe.state, "Download", image(f"{files.url}image.bin"))
    await cpe.settle()
    assert files.fetched == ["/image.bin"]
    assert (version(cpe), told(cpe), (BOOT, "") in cpe.state.events) == (runs, tells, boots)


@pytest.mark.parametrize("way", ["digest", "basic"])
@pytest.mark.parametrize(("password", "fault"), [(PASSWORD, "0"), ("guess", "9012"), ("", "9012")])
async def test_a_file_server_may_ask_for_a_password(files: FileServer, way: str, password: str, fault: str) -> None:
    for method, kind in (("Download", "3 Vendor Configuration File"), ("Upload", "1 Vendor Configuration File")):
        cpe = LabCpe(SETTINGS)
        user = f"<Username>{USER}</Username><Password>{password}</Password>" if password else "<Username/><Password/>"
        arguments = transfer(f"{files.url}{way}/image.bin", kind).replace("<Username/><Password/>", user)
        ask(cpe.state, method, arguments)
        await cpe.settle()
        assert told(cpe) == [fault]


def window(start: int, end: int, mode: str = "1 At Any Time", retries: int = 0) -> str:
    return (
        f"<TimeWindowStruct><WindowStart>{start}</WindowStart><WindowEnd>{end}</WindowEnd>"
        f"<WindowMode>{mode}</WindowMode><UserMessage/><MaxRetries>{retries}</MaxRetries></TimeWindowStruct>"
    )


def scheduled(url: str, *windows: str) -> str:
    return (
        f"{key('k-4')}<FileType>1 Firmware Upgrade Image</FileType><URL>{url}</URL><Username/><Password/>"
        f"<FileSize>0</FileSize><TargetFileName/><TimeWindowList>{''.join(windows)}</TimeWindowList>"
    )


@pytest.mark.parametrize(
    ("failures", "windows", "tries", "tells"),
    [
        (0, [window(0, 600)], 1, ["0"]),
        (1, [window(0, 600, retries=2)], 2, ["0"]),
        (3, [window(0, 600, retries=2), window(900, 1200)], 4, ["0"]),
        (9, [window(0, 600, retries=2), window(900, 1200)], 4, ["9020"]),
        (9, [window(0, 100, retries=5)], 2, ["9020"]),  # the window ends before the third try, which is after 120 s
        (0, [window(0, 600, "4 Confirmation Needed"), window(900, 1200)], 1, ["0"]),
        (0, [window(0, 600, "4 Confirmation Needed")], 0, ["9020"]),
    ],
    ids=["first", "again", "second-window", "never", "window-too-short", "nobody-agrees", "nobody-ever-agrees"],
)
async def test_a_scheduled_download_is_tried_in_its_windows(
    files: FileServer, failures: int, windows: list[str], tries: int, tells: list[str]
) -> None:
    files.failures = failures
    cpe = LabCpe(SETTINGS)
    assert "ScheduleDownloadResponse" in ask(
        cpe.state, "ScheduleDownload", scheduled(f"{files.url}image.bin", *windows)
    )
    await cpe.settle()
    assert (len(files.fetched), told(cpe)) == (tries, tells)
    assert (version(cpe) == "2.0.1") == (tells == ["0"])
    assert ("M ScheduleDownload", "k-4") in cpe.state.events


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [window(10, 10)],
        [window(0, 100), window(50, 200)],
        [window(0, 1), window(2, 3), window(4, 5)],
        [window(0, 100, "9 Never")],
        [window(0, 100, retries=-2)],
    ],
    ids=["none", "empty", "overlap", "three", "mode", "retries"],
)
def test_windows_that_are_none_are_refused(windows: list[str]) -> None:
    said = ask(LabCpe(SETTINGS).state, "ScheduleDownload", scheduled("http://127.0.0.1/x", *windows))
    assert "<FaultCode>9003</FaultCode>" in said


class PausedCpe(LabCpe):
    """One for whom no time passes until the gate is opened; a boot takes none."""

    def __init__(self, settings: CpeSettings) -> None:
        super().__init__(settings)
        self.gate = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        if seconds > 0:
            await self.gate.wait()


@asynccontextmanager
async def switched_on(acs_url: str, kind: type[LabCpe] = LabCpe, **how: float) -> AsyncIterator[LabCpe]:
    cpe = kind(CpeSettings(acs_url, "cpe", "secret", "S1", **how))  # type: ignore[arg-type]
    running = asyncio.create_task(cpe.run())
    try:
        yield cpe
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_transfer_that_waits_is_cancelled_and_never_begins(files: FileServer) -> None:
    delayed = image(f"{files.url}image.bin").replace("<DelaySeconds>0", "<DelaySeconds>20")
    other = transfer(f"{files.url}other", "1 Vendor Configuration File").replace("k-3", "k-9")
    other = other.replace("<DelaySeconds>0", "<DelaySeconds>20")
    both = (request("Download", delayed), request("Upload", other))
    async with scripted_acs(*both) as acs, switched_on(acs.url, PausedCpe) as cpe:
        assert isinstance(cpe, PausedCpe)
        await acs.heard("UploadResponse")
        acs.requests.append(request("CancelTransfer", key("k-3")))
        cpe.wake("6 CONNECTION REQUEST")
        await acs.heard("CancelTransferResponse")
        cpe.gate.set()
        await acs.heard("TransferComplete")
        assert (files.fetched, version(cpe), cpe.state.todo) == (["/other"], "1.0.0", [])


async def test_a_transfer_that_is_under_way_cannot_be_cancelled_and_ends_with_a_restart(files: FileServer) -> None:
    async with (
        scripted_acs(request("Download", image(f"{files.url}slow.bin"))) as acs,
        switched_on(acs.url, time_factor=0.001) as cpe,
    ):
        await asyncio.wait_for(files.begun.wait(), 20)
        acs.requests += [request("CancelTransfer", key("k-3")), request("Reboot", key("r-1"))]
        cpe.wake("6 CONNECTION REQUEST")
        assert "<FaultCode>9021</FaultCode>" in await acs.heard("Fault")
        await acs.heard("RebootResponse")
        events = await acs.informed()
        while ("7 TRANSFER COMPLETE", "") not in events:
            events = await acs.informed()
        assert "<FaultCode>9017</FaultCode>" in await acs.heard("TransferComplete")
        assert version(cpe) == "1.0.0"


async def test_a_transfer_that_waits_outlives_a_restart(files: FileServer) -> None:
    delayed = image(f"{files.url}image.bin").replace("<DelaySeconds>0", "<DelaySeconds>60")
    both = (request("Download", delayed), request("Reboot", key("r-1")))
    async with scripted_acs(*both) as acs, switched_on(acs.url, PausedCpe, boot_seconds=0) as cpe:
        assert isinstance(cpe, PausedCpe)
        await acs.informed()
        assert await acs.informed() == [("1 BOOT", ""), ("M Reboot", "r-1")]
        cpe.gate.set()
        assert "<FaultCode>0</FaultCode>" in await acs.heard("TransferComplete")
        assert version(cpe) == "2.0.1"


async def test_a_factory_reset_forgets_transfers(files: FileServer) -> None:
    delayed = image(f"{files.url}image.bin").replace("<DelaySeconds>0", "<DelaySeconds>60")
    slow = image(f"{files.url}slow.bin").replace("k-3", "k-5")
    async with (
        scripted_acs(request("Download", delayed), request("Download", slow)) as acs,
        switched_on(acs.url, time_factor=0.001) as cpe,
    ):
        await asyncio.wait_for(files.begun.wait(), 20)
        acs.requests.append(request("FactoryReset"))
        cpe.wake("6 CONNECTION REQUEST")
        await acs.heard("FactoryResetResponse")
        assert await acs.informed() == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
        await acs.heard("")
        assert (cpe.state.todo, cpe.state.calls) == ([], [])


async def test_an_image_runs_only_after_the_session_and_the_restart(files: FileServer) -> None:
    async with (
        scripted_acs(request("Download", image(f"{files.url}image.bin"))) as acs,
        switched_on(acs.url, time_factor=0.01, boot_seconds=10) as cpe,
    ):
        await acs.informed()
        assert await acs.informed() == [("1 BOOT", ""), ("7 TRANSFER COMPLETE", ""), ("M Download", "k-3")]
        await acs.heard("TransferComplete")
        assert (version(cpe), cpe.power.is_set()) == ("2.0.1", True)
