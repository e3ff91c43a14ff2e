"""Kill -9 at every commit boundary: whatever point it hits, the installation ends the same, billed once."""

import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.forked import ForkedDaemon
from tests.integration.stage import theatre
from ztpd.crash import POINTS
from ztpd.lab.operator import Caller, until
from ztpd.lab.play import STEPS, Installation
from ztpd.lab.stage import Stage


@asynccontextmanager
async def _kept_running(scene: Stage, point: str) -> AsyncIterator[list[ForkedDaemon]]:
    """The daemon, armed once, started again without the point whenever it was killed; the list has every run."""
    runs = [ForkedDaemon.start(scene, ZTPD_CRASH_POINT=point)]

    async def keep() -> None:
        while True:
            await runs[-1].ended()
            runs.append(ForkedDaemon.start(scene))

    keeper = asyncio.create_task(keep())
    try:
        yield runs
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await runs[-1].stop()


async def _play_through(store_url: str, folder: Path, point: str) -> None:
    async with theatre(folder, store_url) as everything, _kept_running(everything.scene, point) as runs:
        try:
            # What is plugged in before somebody listens is found in the list, and its announcement never passes.
            await until(everything.listeners, bool, "the OLT is listened to")
            for _, step in STEPS:
                await step(everything.cast)
            assert [run.exit_code for run in runs] == [-signal.SIGKILL, None]
            await _same_end(everything.cast)
        except Exception as error:
            error.add_note((folder / "ztpd.log").read_text()[-3000:])
            raise


async def _same_end(cast: Installation) -> None:
    """What must be true however often the daemon was killed on the way."""
    job = await cast.office.get("/v1/jobs/J-1")
    service = await cast.office.get("/v1/services/SVC-1")
    assert (job["state"], job["visit"], job["failures"]) == ("completed", 2, [])
    assert service["state"] == "active"
    events = (await cast.office.get("/v1/events?after=0&limit=500"))["items"]
    types = Counter(event["type"] for event in events)
    assert types["service.activated"] == 1
    assert types["job.completed"] == 1
    assert [event["sequence"] for event in events] == sorted(event["sequence"] for event in events)
    for name, pattern in ((cast.dispatch, ("job.", "completion.")), (cast.billing, ("service.",))):
        wanted = [event["id"] for event in events if event["type"].startswith(pattern)]
        await _all_delivered(name, wanted)


async def _all_delivered(receiver: Caller, wanted: list[str]) -> None:
    seen = await until(
        lambda: receiver.get("/received"),
        lambda seen: set(wanted) <= {each["id"] for each in seen["received"]},
        "every event at its receiver",
    )
    first = list(dict.fromkeys(each["id"] for each in seen["received"]))
    assert first == wanted, "each event once by id, in the order of the service"
    assert all(each["verified"] for each in seen["received"])


@pytest.fixture
def play_folder() -> Iterator[Path]:
    """A folder with a short path: the name of a UNIX socket must fit 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_any_commit_boundary_ends_in_one_activation(
    point: str, store_url: str, play_folder: Path
) -> None:
    await _play_through(store_url, play_folder, point)
