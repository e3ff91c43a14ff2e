"""How the API answers while every device in service announces itself again, as after a restart of an OLT.

Real processes: the daemon on SQLite, an OLT with ten thousand ONUs, its announcements over NETCONF within ten seconds.
The limit is the same load of API calls without the storm, in the same run. A storm that writes to the element, sends
an event or loses a sighting is an error, not a figure.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from drivers.access import Levels, PresentDevice
from pon.onu import Presence
from tests.integration.store.world import observed
from ztpd.config import load_profiles
from ztpd.daemon import event_ids
from ztpd.domain.model import AllocatedDevice, JobBody, LocationBody
from ztpd.domain.profile import CompletionRules
from ztpd.lab.operator import Caller, until
from ztpd.lab.stage import Stage, stage, start_olt
from ztpd.store import attempts, orders, sightings
from ztpd.store.attempts import Lease, Work
from ztpd.store.store import Context, Store, open_store

MEASURES = ("announce_storm_api_p99_ms",)

ONUS = 10_000
STORM_S = 10.0
CALM_S = 5.0
CALLS_A_SECOND = 30
SETTLED_S = 60.0
_LEASE = Lease("bench", timedelta(minutes=10))


def run() -> dict[str, Any]:
    """The 99th percentile of all calls in one storm."""
    value, limit = asyncio.run(_measure())
    ratio = value / limit
    return {
        "announce_storm_api_p99_ms": {
            "value": value,
            "unit": "ms",
            "better": "lower",
            "limit": limit,
            "ratio": ratio,
        }
    }


async def _measure() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with stage(Path(folder), Path("config")) as scene:
            olt = await start_olt(scene)
            async with (
                Caller(f"http://127.0.0.1:{olt.facts['control']}") as hand,
                Caller(scene.api, scene.secret("office.token").read_text()) as office,
            ):
                _, crowd = await hand.call("POST", "/crowd", {"onus": ONUS})
                last_event = await _put_in_service(scene, crowd["onus"])
                await scene.until_ready(await scene.start_daemon(ZTPD_DISCOVERY__POLL_S="3600"))
                await until(lambda: hand.get("/counters"), _is_listened_to, "a subscription", SETTLED_S)
                await asyncio.sleep(CALM_S)  # the list that is read at the start is recorded by then
                calm = await _called_for(office, CALM_S)
                took = await _storm(scene, hand, office)
                if (await office.get(f"/v1/events?after={last_event}"))["items"]:
                    raise AssertionError("the storm sent events")
                return _p99(took), _p99(calm)


async def _storm(scene: Stage, hand: Caller, office: Caller) -> list[float]:
    """Milliseconds of each call while every ONU is announced once; raises unless each is kept and nothing written."""
    writes, kept = (await hand.get("/counters"))["writes"], await _kept(scene)
    took, (status, _) = await asyncio.gather(
        _called_for(office, STORM_S), _post_slowly(f"{hand.origin}/storm", {"seconds": STORM_S - 1})
    )
    if status != 200:
        raise AssertionError(f"the storm was answered {status}")
    await until(lambda: _kept(scene), lambda now: now >= kept + ONUS, "every announcement kept", SETTLED_S)
    if (await hand.get("/counters"))["writes"] != writes:
        raise AssertionError("the storm wrote to the element")
    return took


async def _post_slowly(url: str, body: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, await answer.text()


async def _called_for(office: Caller, seconds: float) -> list[float]:
    """Milliseconds of each of a steady load of calls: a job, a page of devices, a place that is written."""
    took: list[float] = []
    clock = time.perf_counter
    began = clock()
    while (now := clock()) - began < seconds:
        kind, number = len(took) % 3, len(took)
        if kind == 0:
            status, _ = await office.call("GET", f"/v1/jobs/J-{number}")
        elif kind == 1:
            status, _ = await office.call("GET", "/v1/devices?limit=50")
        else:
            status, _ = await office.call("PUT", f"/v1/locations/NEW-{number}", {"address": f"{number} {now} Street"})
        if status not in {200, 201}:
            raise AssertionError(f"a call was answered {status}")
        took.append((clock() - now) * 1000)
        await asyncio.sleep(max(0.0, began + len(took) / CALLS_A_SECOND - clock()))
    return took


def _is_listened_to(counters: Any) -> bool:
    return bool(counters["rpcs"].get("create-subscription", 0)) and counters["rpcs"].get("get", 0) > 1


async def _kept(scene: Stage) -> int:
    """How many sightings of PONs the daemon kept so far."""
    headers = {"Authorization": f"Bearer {scene.secret('office.token').read_text()}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{scene.api}/metrics") as answer:
        counters = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if not line.startswith("#"))
    return int(float(counters.get('ztpd_sightings_total{outcome="kept",source="pon"}', 0)))


async def _put_in_service(scene: Stage, onus: list[dict[str, Any]]) -> int:
    """Give every ONU an active service, as the daemon would have one by one; the id of the last event."""
    profiles = load_profiles(Path("config/profiles"))
    # Without a report to wait for: what is measured comes long after the installation.
    asks_nothing = {
        name: profile.model_copy(update={"completion": CompletionRules(required=False)})
        for name, profile in profiles.items()
    }
    context = Context(lambda: datetime.now(UTC), asks_nothing, lambda type_: (), event_ids())
    async with open_store(scene.environment["ZTPD_STORE__URL"], context) as store:
        await asyncio.gather(*(_order(store, number, onu) for number, onu in enumerate(onus)))
        while works := await store.commit(attempts.claim_jobs, "olt-1", _LEASE, 256):
            await asyncio.gather(*(_confirm(store, work) for work in works))
        events = await store.read(lambda reader: reader.events(0, 100 * len(onus)))
    return int(events[-1]["id"])


async def _order(store: Store, number: int, onu: dict[str, Any]) -> None:
    access = {"technology": "pon", "element": "olt-1", "port": onu["port"]}
    place = LocationBody.model_validate({"address": f"{number} Main Street", "access": access})
    body = JobBody(
        kind="install",
        service=f"S-{number}",
        account="A",
        location=f"L-{number}",
        profile="residential-1g",
        parameters={"c_vlan": 301, "wifi_ssid": "s", "wifi_passphrase": "12345678"},
        devices=(AllocatedDevice(role="ont", serial=onu["serial"]),),
    )
    present = PresentDevice(onu["port"], onu["serial"], Presence.UNKNOWN, onu["state"])
    await store.commit(orders.put_location, f"L-{number}", place)
    await store.commit(orders.put_job, f"J-{number}", body)
    await store.commit(sightings.record_announcement, "olt-1", present, datetime.now(UTC))


async def _confirm(store: Store, work: Work) -> None:
    await store.commit(attempts.record_applied, work, _LEASE, ["onu"])
    await store.commit(attempts.confirm_network, work, _LEASE, observed(work.wanted), Levels(-19.0, -21.0))


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]
