"""Announcements through a real broker: what is heard, what comes again, what is refused, and why nothing is heard."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiomqtt
import pytest
from structlog.testing import capture_logs

from tests.mosquitto import HOST, Authority, Mosquitto, mosquitto, password_file, why_unavailable
from ztpd.discovery.inbox import Inbox
from ztpd.discovery.mqtt import MqttSource
from ztpd.discovery.mqtt_broker import (
    KEEPALIVE_S,
    RECEIVE_MAXIMUM,
    BrokerError,
    BrokerRefused,
    BrokerSettings,
    BrokerUnreachable,
    BrokerUntrusted,
    connected,
    tls_context,
)
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.operator import until
from ztpd.store import sightings
from ztpd.store.store import Context, open_store

pytestmark = pytest.mark.skipif(why_unavailable() is not None, reason=why_unavailable() or "")

TOPIC = "ztpd/v1/sightings/olt-1"
HEARD = "mqtt announcements are heard"
NOT_HEARD = "mqtt announcements are not heard"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def settings_for(broker: Mosquitto, **others: Any) -> BrokerSettings:
    return BrokerSettings(**{"host": HOST, "port": broker.port, "client_id": "ztpd-test", **others})


@dataclass
class Ear:
    """A source at work, and what came of it."""

    kept: list[Sighting] = field(default_factory=list)
    began: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    logs: list[MutableMapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    async def keep(self, sighting: Sighting) -> None:
        self.began += 1
        await self.gate.wait()
        if sighting.mac == "66:66:66:66:66:66":
            raise RuntimeError("no room")
        self.kept.append(sighting)

    def report(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def told(self, event: str) -> list[str]:
        """The reasons of what was logged so."""
        return [str(line.get("reason")) for line in self.logs if line["event"] == event]

    @property
    def macs(self) -> list[str | None]:
        return [sighting.mac for sighting in self.kept]

    async def until(self, happened: Callable[["Ear"], bool], what: str, timeout_s: float = 20.0) -> None:
        await until(lambda: asyncio.sleep(0, self), happened, what, timeout_s)


@asynccontextmanager
async def hearing(settings: BrokerSettings, room: int = 4096, ear: Ear | None = None) -> AsyncIterator[Ear]:
    """A source, once it is subscribed."""
    ear = Ear() if ear is None else ear
    source = MqttSource(settings, ear.keep, ear.report, lambda: datetime.now(UTC), Random(1), 0.05, room)
    with capture_logs() as ear.logs:
        ear.tasks = [asyncio.create_task(source.inbox.run()), asyncio.create_task(source.run())]
        try:
            await ear.until(lambda ear: bool(ear.told(HEARD)), "the subscription")
            yield ear
        finally:
            ear.gate.set()
            for task in reversed(ear.tasks):  # as the daemon does: the source, then its inbox
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def adapter(settings: BrokerSettings) -> AsyncIterator[aiomqtt.Client]:
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        identifier="adapter",
        protocol=aiomqtt.ProtocolVersion.V5,
        username=settings.username,
        password=settings.password,
        tls_context=settings.tls,
        max_inflight_messages=1000,
    )
    client.pending_calls_threshold = 1 << 20
    async with client:
        yield client


def mac(number: int) -> str:
    return f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"


async def publish(settings: BrokerSettings, *macs: str, topic: str = TOPIC, qos: int = 1, retain: bool = False) -> None:
    async with adapter(settings) as client:
        for each in macs:
            await client.publish(topic, json.dumps({"mac": each, "port": "1/1/3"}), qos, retain)


async def publish_at_once(settings: BrokerSettings, macs: Sequence[str]) -> None:
    """Messages of QoS 0 as fast as a socket takes them (packets as in MQTT 5 §3.1, §3.3, §3.14)."""

    def packet(kind: int, body: bytes) -> bytes:
        assert len(body) < 128
        return bytes((kind, len(body))) + body

    topic = len(TOPIC).to_bytes(2, "big") + TOPIC.encode()
    payloads = (json.dumps({"mac": each}).encode() for each in macs)
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    writer.write(packet(0x10, b"\0\4MQTT\5\2\0\x3c\0\0\5flood"))
    writer.writelines(packet(0x30, topic + b"\0" + payload) for payload in payloads)
    writer.write(packet(0xE0, b""))
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_an_announcement_reaches_the_store(broker: Mosquitto, tmp_path: Path, residential: Profile) -> None:
    context = Context(lambda: datetime.now(UTC), {residential.name: residential}, lambda event: (), lambda: "event")
    async with open_store(f"sqlite:///{tmp_path}/ztpd.db", context) as store:
        ear = Ear()

        async def keep(sighting: Sighting) -> None:
            await store.commit(sightings.record_sighting, sighting)
            ear.kept.append(sighting)

        ear.keep = keep  # type: ignore[method-assign]
        async with hearing(settings_for(broker), ear=ear):
            async with adapter(settings_for(broker)) as client:
                await client.publish(TOPIC, '{"serial": "HWTC:1A2B3C4D", "port": "1/1/3"}', 1)
            await ear.until(lambda ear: ear.outcomes["kept"] == 1, "the sighting")
        (row,) = await store.read(lambda reader: reader.sightings(0, 10, None, unmatched=True))
    assert (row["source"], row["element"], row["port"], row["times"]) == ("mqtt", "olt-1", "1/1/3", 1)
    assert row["body"]["serial"] == "HWTC1A2B3C4D"
    assert row["body"]["trusted"] is False


async def test_it_hears_again_after_the_broker_was_killed(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    async with hearing(settings) as ear:
        await publish(settings, mac(1))
        await ear.until(lambda ear: len(ear.kept) == 1, "the first")
        broker.kill()
        await ear.until(lambda ear: len(ear.told(NOT_HEARD)) >= 2, "trouble told")
        broker.start()
        await ear.until(lambda ear: len(ear.told(HEARD)) == 2, "hearing again")
        await publish(settings, mac(2))
        await ear.until(lambda ear: len(ear.kept) == 2, "the second")
    assert ear.macs == [mac(1), mac(2)]
    reasons = " ".join(ear.told(NOT_HEARD))
    assert "the connection ended" in reasons
    assert "Connection refused; check that the broker runs" in reasons


async def test_what_is_published_while_it_is_away_for_a_moment_is_heard_later(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    async with hearing(settings):
        pass
    await publish(settings, mac(1), mac(2))
    async with hearing(settings) as ear:
        await ear.until(lambda ear: len(ear.kept) == 2, "what came meanwhile")
    assert ear.macs == [mac(1), mac(2)]


async def test_what_was_not_committed_when_it_was_killed_comes_again(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    async with hearing(settings) as killed:
        await publish(settings, mac(1))
        await killed.until(lambda ear: len(ear.kept) == 1, "the one that is committed")
        killed.gate.clear()
        await publish(settings, mac(2), mac(3))
        await killed.until(lambda ear: ear.began > 1, "one that is being committed")
        killed.tasks[1].cancel()
        await asyncio.gather(killed.tasks[1], return_exceptions=True)
        async with hearing(settings) as restarted:
            await restarted.until(lambda ear: len(ear.kept) == 2, "the others once more")
        killed.gate.set()
    assert restarted.macs == [mac(2), mac(3)], "what was committed does not come again"


async def test_two_nodes_share_the_messages(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    sent = [mac(number) for number in range(40)]
    async with hearing(settings) as one, hearing(replace(settings, client_id="ztpd-other")) as other:
        await publish(settings, *sent)
        await one.until(lambda ear: len(ear.kept) + len(other.kept) >= len(sent), "all of them")
    assert sorted([*one.macs, *other.macs], key=str) == sorted(sent)
    assert one.kept
    assert other.kept


async def test_what_is_no_announcement_is_refused_and_counted_and_the_others_go_on(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    async with hearing(settings) as ear:
        await publish(settings, mac(1))
        async with adapter(settings) as client:
            for payload in (b"", b"\xff", b'{"mac": "x"}', b'{"mac": "020000000001", "colour": "red"}', b" " * 20_000):
                await client.publish(TOPIC, payload, 1)
            await client.publish("ztpd/v1/sightings/no name", '{"mac": "020000000001"}', 1)
        await publish(settings, mac(2), retain=True)
        await publish(settings, "66:66:66:66:66:66", mac(3))
        await ear.until(lambda ear: ear.outcomes.total() == 10, "all to be counted")
    assert ear.outcomes == {"kept": 2, "refused": 6, "retained": 1, "lost": 1}
    assert ear.macs == [mac(1), mac(3)]
    reasons = ear.told("announcement refused")
    assert any("colour: is not a field of an announcement" in reason for reason in reasons)
    assert any("has the retain flag" in reason for reason in reasons)


async def test_what_the_broker_retained_is_not_heard(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    await publish(settings, mac(1), retain=True)
    async with hearing(settings) as ear:
        await publish(settings, mac(2), topic="ztpd/v1/sightings/olt-2")
        await ear.until(lambda ear: len(ear.kept) == 1, "the new one")
    assert ear.outcomes == {"kept": 1}


async def test_the_broker_holds_back_what_there_is_no_room_for(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    sent = [mac(number) for number in range(1_000)]
    async with hearing(settings, room=300) as ear:
        ear.gate.clear()
        async with adapter(settings) as client:
            payloads = [json.dumps({"mac": each}) for each in sent]
            await asyncio.gather(*(client.publish(TOPIC, payload, 1, timeout=60) for payload in payloads))
            # Nothing holds this one back: with it, everything else that was sent to us is here.
            await client.publish(TOPIC, "no announcement", 0)
            await ear.until(lambda ear: ear.outcomes["refused"] == 1, "the last")
        began, outcomes = ear.began, dict(ear.outcomes)
        ear.gate.set()
        await ear.until(lambda ear: len(ear.kept) == len(sent), "all of them", 60)
    assert outcomes == {"refused": 1}
    assert began <= RECEIVE_MAXIMUM
    assert ear.macs == sent
    assert ear.outcomes == {"kept": len(sent), "refused": 1}


async def test_a_flood_drops_its_own_and_delays_no_other_source(broker: Mosquitto) -> None:
    flood, room = 20_000, 500
    settings = settings_for(broker)
    others: list[str] = []
    other = Inbox(lambda sighting: asyncio.sleep(0), report=lambda sighting, outcome: others.append(outcome))
    serving = asyncio.create_task(other.run())
    async with hearing(settings, room) as ear:
        ear.gate.clear()
        flooding = asyncio.create_task(publish_at_once(settings, [mac(number) for number in range(flood)]))
        await ear.until(lambda ear: ear.outcomes["dropped"] > 0, "the first to be dropped")
        other.accept(Sighting(Source.DHCP, datetime.now(UTC), mac=mac(1)))
        await ear.until(lambda ear: others == ["kept"], "another source")
        await flooding
        assert ear.began <= 256
        await ear.until(lambda ear: ear.outcomes["dropped"] >= flood - room - 256, "the flood to end", 60)
        ear.gate.set()
        await ear.until(lambda ear: ear.outcomes.total() == flood, "all to be counted", 60)
        await publish(settings, mac(7))
        await ear.until(lambda ear: ear.outcomes.total() == flood + 1, "one after the flood")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert set(ear.outcomes) == {"kept", "dropped"}
    assert len(ear.kept) == ear.outcomes["kept"] <= room + 256 + 1
    assert ear.macs[-1] == mac(7)


class TestSecured:
    """Brokers that want to know who comes, and let the client know who they are."""

    async def test_a_password_lets_in_and_a_wrong_one_is_told(self, tmp_path: Path) -> None:
        passwords = password_file(tmp_path, "ztpd", "right")
        with mosquitto(tmp_path / "broker", "allow_anonymous false", f"password_file {passwords}") as broker:
            settings = settings_for(broker, username="ztpd", password="right")
            async with hearing(settings) as ear:
                await publish(settings, mac(1))
                await ear.until(lambda ear: len(ear.kept) == 1, "the announcement")
            for wrong in (replace(settings, password="sentinel"), replace(settings, username=None, password=None)):
                said = await refusal(wrong, BrokerRefused)
                assert "Not authorized; check username, password_file" in said
                assert "sentinel" not in said + repr(wrong)

    async def test_tls_is_verified_both_ways(self, tmp_path: Path) -> None:
        authority, stranger = Authority(tmp_path / "ca"), Authority(tmp_path / "stranger", "stranger")
        server, client = authority.issue("server", addresses=(HOST,)), authority.issue("edge-1")
        lines = (
            f"cafile {authority.certificate}",
            f"certfile {server.certificate}",
            f"keyfile {server.key}",
            "require_certificate true",
            "use_identity_as_username true",
        )
        with mosquitto(tmp_path / "broker", *lines) as broker:
            tls = tls_context(authority.certificate, client.certificate, client.key)
            settings = settings_for(broker, tls=tls, answer_s=2.0)
            async with hearing(settings) as ear:
                await publish(settings, mac(1))
                await ear.until(lambda ear: len(ear.kept) == 1, "the announcement")
            assert str(settings) == f"mqtts://{HOST}:{broker.port}"

            unknown_ca = replace(settings, tls=tls_context(stranger.certificate, client.certificate, client.key))
            assert "self-signed certificate in certificate chain; check ca_file" in await refusal(
                unknown_ca, BrokerUntrusted
            )
            no_certificate = replace(settings, tls=tls_context(authority.certificate, None, None))
            await refusal(no_certificate, BrokerError)
            foreign = stranger.issue("foreign")
            foreign_certificate = tls_context(authority.certificate, foreign.certificate, foreign.key)
            await refusal(replace(settings, tls=foreign_certificate), BrokerError)
            await refusal(replace(settings, tls=None), BrokerUnreachable)

    async def test_a_certificate_for_another_host_is_not_trusted(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path / "ca")
        server = authority.issue("server", addresses=("192.0.2.1",))
        lines = ("allow_anonymous true", f"certfile {server.certificate}", f"keyfile {server.key}")
        with mosquitto(tmp_path / "broker", *lines) as broker:
            settings = settings_for(broker, tls=tls_context(authority.certificate, None, None))
            assert "IP address mismatch" in await refusal(settings, BrokerUntrusted)

    async def test_tls_with_a_port_that_speaks_none_is_told(self, broker: Mosquitto) -> None:
        settings = settings_for(broker, tls=tls_context(None, None, None))
        await refusal(settings, BrokerError)


async def refusal(settings: BrokerSettings, expected: type[BrokerError]) -> str:
    """What a connection that must not come about says."""
    with pytest.raises(expected) as caught:
        async with connected(settings, lambda message: None, 0):
            raise AssertionError("connected")
    assert str(caught.value).startswith(str(settings))
    return str(caught.value)


async def test_nobody_at_the_port_is_told() -> None:
    with socket.socket() as keeper:
        keeper.bind((HOST, 0))
        settings = BrokerSettings(HOST, keeper.getsockname()[1], "ztpd-test")
        assert "Connection refused; check that the broker runs" in await refusal(settings, BrokerUnreachable)


async def test_a_peer_that_never_answers_is_told_and_left() -> None:
    with socket.create_server((HOST, 0)) as silent:
        settings = BrokerSettings(HOST, silent.getsockname()[1], "ztpd-test", answer_s=0.2)
        assert "no answer in time" in await refusal(settings, BrokerUnreachable)


@pytest.mark.parametrize("host", ["nosuch.invalid", "x" * 70 + ".example"])
async def test_a_name_that_is_not_known_is_told(host: str) -> None:
    await refusal(BrokerSettings(host, 1883, "ztpd-test"), BrokerUnreachable)


async def test_a_stop_while_the_broker_does_not_answer_leaves_nothing_behind() -> None:
    with socket.create_server((HOST, 0)) as silent:
        settings = BrokerSettings(HOST, silent.getsockname()[1], "ztpd-test")
        source = MqttSource(settings, Ear().keep, lambda outcome: None, lambda: datetime.now(UTC), Random(1), 0.05)
        task = asyncio.create_task(source.run())
        loop = asyncio.get_running_loop()
        silent.setblocking(False)
        peer, _ = await asyncio.wait_for(loop.sock_accept(silent), 20)
        with peer:
            assert await asyncio.wait_for(loop.sock_recv(peer, 1), 20) == b"\x10", "a CONNECT"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # Left to itself, the connection would stay until a ping is not answered.
            async with asyncio.timeout(KEEPALIVE_S / 2):
                while await loop.sock_recv(peer, 4096):
                    pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_second_client_of_the_same_name_is_told(broker: Mosquitto) -> None:
    settings = settings_for(broker)
    async with hearing(settings) as ear, connected(settings, lambda message: None):
        await ear.until(lambda ear: bool(ear.told(NOT_HEARD)), "the first one's loss")
    assert "the connection ended" in ear.told(NOT_HEARD)[0]
    assert "each node needs a client_id of its own" in ear.told(NOT_HEARD)[0]
