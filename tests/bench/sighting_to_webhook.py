"""From a committed sighting to the webhook at its receiver, on an idle system, without any device's time.

The limit is a bare signed POST to the same receiver in the same run.
"""

import asyncio
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from billing_hooks.signature import Secret, signed_headers
from ztpd import parts
from ztpd.config import load
from ztpd.crash import CrashPoints
from ztpd.daemon import Daemon, event_ids, utc_now
from ztpd.domain.model import JobBody, LocationBody
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.receiver import Receiver, ReceiverSettings, lab_receiver
from ztpd.lab.stage import stage
from ztpd.metrics import Metrics
from ztpd.store import orders, sightings
from ztpd.store.store import Context, Store, open_store

MEASURES = ("sighting_to_webhook_ms",)

SAMPLES = 150
WARM_UP = 20
_LOCATION = {"address": "A", "access": {"technology": "pon", "element": "olt-1", "port": "1/1/1"}}


def run() -> dict[str, Any]:
    """The median over many sightings, each of another job."""
    value, limit = asyncio.run(_measure())
    return {
        "sighting_to_webhook_ms": {
            "value": value,
            "unit": "ms",
            "better": "lower",
            "limit": limit,
            "ratio": value / limit,
        }
    }


async def _measure() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="ztpd-") as folder:
        async with stage(Path(folder), Path("config")) as scene:
            os.environ.update(scene.environment)
            secret = scene.secret("dispatch.whsec").read_text()
            async with lab_receiver(ReceiverSettings((secret,), port=scene.ports["dispatch"])) as receiver:
                took = await _sightings(load(scene.config), receiver)
                bare = await _bare_posts(receiver, Secret(secret))
    return statistics.median(took[WARM_UP:]), statistics.median(bare[WARM_UP:])


async def _sightings(configuration: Any, receiver: Receiver) -> list[float]:
    endpoints = parts.endpoints(configuration)
    only_seen = parts.routes([endpoint for endpoint in endpoints if endpoint.name == "dispatch"])
    context = Context(
        utc_now,
        configuration.profiles,
        lambda type_: only_seen(type_) if type_ == "job.discovered" else (),
        event_ids(),
    )
    async with open_store(configuration.settings.store.url, context) as store:
        daemon = Daemon(configuration, store, parts.lease(configuration), {}, {}, Metrics(), Random(1), CrashPoints())
        sender = asyncio.create_task(daemon.sending().run())
        await _order(store)
        took = [await _one(store, receiver, number) for number in range(SAMPLES)]
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    return took


async def _order(store: Store) -> None:
    parameters: dict[str, str | int | bool] = {"c_vlan": 301, "wifi_ssid": "s", "wifi_passphrase": "12345678"}
    await store.commit(orders.put_location, "L", LocationBody.model_validate(_LOCATION))
    for number in range(SAMPLES):
        body = JobBody.model_validate(
            {
                "kind": "install",
                "service": f"S-{number}",
                "account": "A",
                "location": "L",
                "profile": "residential-1g",
                "parameters": parameters,
                "devices": [{"role": "ont", "serial": _serial(number)}],
            }
        )
        await store.commit(orders.put_job, f"J-{number}", body)


def _serial(number: int) -> str:
    return f"ZTPD{number:08X}"


async def _one(store: Store, receiver: Receiver, number: int) -> float:
    sighting = Sighting(Source.PON, datetime.now(UTC), element="olt-1", port="1/1/1", serial=_serial(number))
    await store.commit(sightings.record_sighting, sighting)
    committed = time.perf_counter()
    await receiver.until(lambda receiver: receiver.total > number)
    took_ms = (time.perf_counter() - committed) * 1000
    await asyncio.sleep(0.01)  # back to idle
    return took_ms


async def _bare_posts(receiver: Receiver, secret: Secret) -> list[float]:
    body = receiver.received[-1].body
    took = []
    async with aiohttp.ClientSession() as session:
        for number in range(SAMPLES):
            started = time.perf_counter()
            headers = signed_headers([secret], f"evt_bare{number}", datetime.now(UTC), body)
            headers["Content-Type"] = "application/cloudevents+json"
            await (await session.post(receiver.url, data=body, headers=headers)).read()
            took.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.01)
    return took
