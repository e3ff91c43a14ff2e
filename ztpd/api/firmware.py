"""Firmware campaigns and how they stand; files that a device is to fetch or send; what devices sent."""

import asyncio
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from ztpd.api.cpe_answers import TaskShown
from ztpd.api.cpes import ask, require_device
from ztpd.api.inputs import ByName, ByRowId, PageByRowId, RowId
from ztpd.api.paging import one_more, page
from ztpd.api.routing import Answer, Call, Nothing, Route, Text, route
from ztpd.api.shown import PageOf, Shown
from ztpd.api.tokens import Scope
from ztpd.domain.cpe_tasks import Download, Seconds, Upload
from ztpd.domain.firmware import FileName, Url
from ztpd.domain.model import Strict
from ztpd.store import files, firmware_campaigns, transfer_reading
from ztpd.store.files import FileProblem, FileSettings
from ztpd.store.transaction import Refused, Unknown


class ByUpload(Strict):
    """The path of one file that a device sent."""

    id: RowId
    upload: RowId


class DownloadBody(Strict):
    """What a device is to fetch: a ``file`` of the folder of ``[acs.files]``, or any ``url``.

    ``file_type`` is as TR-069 A.3.2.8 has it: ``1 Firmware Upgrade Image``, ``3 Vendor Configuration File`` ….
    ``succeeds_on_timeout`` is for models that never tell that they are through.
    """

    file_type: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[ -~]+$")]
    file: FileName | None = None
    url: Url | None = None
    target_file_name: Annotated[str, Field(max_length=256, pattern=r"^[ -~]*$")] = ""
    timeout_s: Seconds = 3600.0
    succeeds_on_timeout: bool = False

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("give file or url, one of them")
        return self


class UploadBody(Strict):
    """What a device is to send."""

    what: Literal["configuration", "log"]


class VersionShown(Shown):
    """How many CPEs run a version."""

    version: str
    cpes: int


class UnderWayShown(Shown):
    """A CPE that is being upgraded, and until when it is waited for."""

    device: int
    from_version: str
    version: str
    state: str
    offered_at: str
    due_at: str


class FailedShown(Shown):
    """A CPE whose last upgrades failed, why, and when it is tried again."""

    device: int
    from_version: str
    fault: str
    failures: int
    failed_at: str
    retry_at: str | None


class CampaignShown(Shown):
    """One firmware rule of the profiles: of ``cpes`` in active services ``as_wanted`` run its version.

    ``upgrades`` counts how the last upgrade of each CPE stands. ``stopped_at`` is when too many had failed, or
    somebody stopped it: nothing more is upgraded until somebody resumes it.
    """

    name: str
    version: str
    source: str
    cpes: int
    as_wanted: int
    running: list[VersionShown]
    upgrades: dict[str, int]
    under_way: list[UnderWayShown]
    failed: list[FailedShown]
    at_once: int
    stop_after: int
    stopped_at: str | None
    reason: str


class CampaignsShown(Shown):
    """Every campaign, by name."""

    items: list[CampaignShown]


class UploadShown(Shown):
    """A file that a device sent; what is in it is nobody's business here."""

    id: int
    device: int
    task: int
    what: str
    size: int
    sha256: str
    received_at: str


async def list_firmware(call: Call[Nothing, Nothing, Nothing]) -> Answer:
    """Which firmware profiles want, how many CPEs run it, which are being upgraded, and what failed."""
    return Answer({"items": await _campaigns(call)})


async def resume_firmware(call: Call[ByName, Nothing, Nothing]) -> Answer:
    """Have a stopped campaign go on; CPEs that failed before count no more."""
    await call.context.store.commit(firmware_campaigns.resume, call.path.name, call.caller)
    return await _campaign(call)


async def stop_firmware(call: Call[ByName, Nothing, Nothing]) -> Answer:
    """Begin no more upgrades of a campaign until it is resumed; those under way go on."""
    await call.context.store.commit(firmware_campaigns.stop, call.path.name, call.caller)
    return await _campaign(call)


async def _campaign(call: Call[ByName, Nothing, Nothing]) -> Answer:
    return Answer(next(each for each in await _campaigns(call) if each["name"] == call.path.name))


async def _campaigns(call: Call[Any, Any, Any]) -> list[dict[str, Any]]:
    store = call.context.store
    return await store.read(lambda reader: transfer_reading.campaigns(reader, store.context.profiles))


async def download_to_device(call: Call[ByRowId, Nothing, DownloadBody]) -> Answer:
    """Have a device fetch a file and apply it when it informs next."""
    body = call.body
    size, sha256 = (0, "") if body.file is None else await _measured(_files(call), body.file)
    task = Download(
        file_type=body.file_type,
        file=body.file,
        url=body.url or "",
        size=size,
        sha256=sha256,
        target_file_name=body.target_file_name,
        timeout_s=body.timeout_s,
        succeeds_on_timeout=body.succeeds_on_timeout,
    )
    return await ask(call, task)


async def _measured(settings: FileSettings, file: str) -> tuple[int, str]:
    try:
        return await asyncio.to_thread(files.measure, settings.folder, file)
    except FileProblem:
        raise Refused(f"{file} is no file of [acs.files] folder", "put it there, or give a url") from None


async def upload_from_device(call: Call[ByRowId, Nothing, UploadBody]) -> Answer:
    """Have a device send its configuration or its log when it informs next."""
    _files(call)
    return await ask(call, Upload(what=call.body.what))


async def list_uploads(call: Call[ByRowId, PageByRowId, Nothing]) -> Answer:
    """Files that a device sent, oldest first."""
    query, device = call.query, call.path.id
    await require_device(call)
    rows = await call.context.store.read(
        lambda reader: transfer_reading.uploads(reader, device, query.after, one_more(query.limit))
    )
    return page(rows, query.limit)


async def get_upload(call: Call[ByUpload, Nothing, Nothing]) -> Text:
    """One file that a device sent, as it came."""
    settings, path = _files(call), call.path
    row = await call.context.store.read(lambda reader: transfer_reading.upload(reader, path.id, path.upload))
    if row is None:
        raise Unknown("upload", str(path.upload))
    try:
        body = await asyncio.to_thread(files.contents, settings.uploads, row["file"])
    except FileProblem:
        raise Unknown("file of upload", str(path.upload)) from None
    return Text(body, BINARY)


def _files(call: Call[Any, Any, Any]) -> FileSettings:
    if call.context.files is None:
        raise Refused("this daemon has no files", "add [acs.files] to its configuration")
    return call.context.files


BINARY: Final = "application/octet-stream"
READ, ADMIN = frozenset({Scope.READ}), frozenset({Scope.ADMIN})
ROUTES: Final[tuple[Route, ...]] = (
    route("GET", "/v1/firmware", list_firmware, READ, CampaignsShown),
    route("POST", "/v1/firmware/{name}/stop", stop_firmware, ADMIN, CampaignShown),
    route("POST", "/v1/firmware/{name}/resume", resume_firmware, ADMIN, CampaignShown),
    route("POST", "/v1/devices/{id}/download", download_to_device, ADMIN, TaskShown, (202,)),
    route("POST", "/v1/devices/{id}/upload", upload_from_device, ADMIN, TaskShown, (202,)),
    route("GET", "/v1/devices/{id}/uploads", list_uploads, ADMIN, PageOf[UploadShown]),
    route("GET", "/v1/devices/{id}/uploads/{upload}", get_upload, ADMIN, BINARY),
)
