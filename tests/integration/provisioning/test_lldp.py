"""The LLDP listener: who a switch lists is known soon, whatever became of the switch meanwhile."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from drivers.base import ListsNeighbours, Neighbour
from drivers.netconf_switch import NetconfSwitchDriver, NetconfSwitchSettings
from tests.integration.provisioning.network import Network, at_work, happens, network, until
from ztpd.discovery.following import Pace
from ztpd.discovery.listing import ListListener
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import Access, AllocatedDevice, JobBody, LocationBody
from ztpd.domain.profile import Profile
from ztpd.lab.netconf.faults import Refusal
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch
from ztpd.store import orders, sightings

PORT, OTHER_PORT = "Ethernet1", "Ethernet2"
MAC, STRANGER = "00:25:9e:1a:2b:3c", "02:00:00:00:00:01"
NEVER_S, SOON_S = 3600.0, 0.05


@dataclass
class Scene:
    """A switch that may be switched off and on, its reader, and what a listener hands to the store."""

    net: Network
    settings: LabSwitchSettings
    lab: LabSwitch
    power: AsyncExitStack
    lister: ListsNeighbours
    listed: list[list[str]] = field(default_factory=list)
    up: list[bool] = field(default_factory=list)
    ports: frozenset[str] = frozenset()
    refuses: int = 0

    async def keep(self, element: str, listed: Sequence[Neighbour], read_at: datetime) -> None:
        if self.refuses:
            self.refuses -= 1
            raise RuntimeError("no room")
        await self.net.store.commit(sightings.record_neighbours, element, listed, read_at)
        self.listed.append([neighbour.port for neighbour in listed])

    def has_ports(self, element: str, ports: frozenset[str]) -> None:
        self.ports = ports

    def listener(self, poll_s: float = SOON_S) -> ListListener[Neighbour]:
        pace = Pace(Random(7), poll_s, SOON_S, SOON_S)
        return ListListener(
            self.lister,
            self.lister.list_neighbours,
            self.keep,
            self.has_ports,
            self.net.clock,
            pace,
            lambda element, up: self.up.append(up),
        )

    async def switch_off(self) -> None:
        await self.power.aclose()

    async def switch_on(self) -> None:
        """As it comes: what was plugged in is forgotten."""
        again = replace(self.settings, netconf_port=self.lab.listening.netconf_port)
        self.lab = await self.power.enter_async_context(lab_switch(again))

    async def order(self) -> None:
        """An installation of a CPE by its MAC address on the first port."""
        access = Access(technology="ethernet", element="sw-1", port=PORT)
        await self.net.store.commit(orders.put_location, "LOC-1", LocationBody(address="here", access=access))
        body = {
            "kind": "install",
            "service": "SVC-1",
            "account": "ACC-1",
            "location": "LOC-1",
            "profile": "residential-1g",
            "parameters": {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "correct horse"},
            "devices": [AllocatedDevice(role="cpe", mac=MAC)],
        }
        await self.net.store.commit(orders.put_job, "J-1", JobBody.model_validate(body))

    async def present(self) -> dict[str, str]:
        """The port of every device that is believed to be present, by its address."""
        devices = await self.net.store.read(lambda reader: reader.devices(0, 100, None))
        return {
            name["value"]: device["port"]
            for device in devices
            for name in device["names"]
            if device["presence"] == "present"
        }

    async def becomes(self, present: dict[str, str], what: str) -> None:
        await until(self.present, lambda found: found == present, what)


@asynccontextmanager
async def scene_on(url: str, folder: Path, profile: Profile, **reader: Any) -> AsyncIterator[Scene]:
    ethernet = profile.model_copy(update={"technologies": ("ethernet",)})
    settings = LabSwitchSettings(ports=2, host_key_file=folder / "switch.key")
    async with network(url, folder, ethernet) as net, AsyncExitStack() as power:
        lab = await power.enter_async_context(lab_switch(settings))
        reached = {"password": "ztpd", "host_key": lab.listening.host_public_key, "rpc_timeout_s": 10.0, **reader}
        port = lab.listening.netconf_port
        lister = NetconfSwitchDriver(
            NetconfSwitchSettings(name="sw-1", host="127.0.0.1", port=port, username="ztpd", **reached)
        )
        try:
            yield Scene(net, settings, lab, power, lister)
        finally:
            await lister.close()


@pytest.fixture
async def scene(tmp_path: Path, residential: Profile) -> AsyncIterator[Scene]:
    async with scene_on(f"sqlite:///{tmp_path}/ztpd.db", tmp_path, residential) as made:
        yield made


@pytest.fixture
async def scene_on_each(store_url: str, tmp_path: Path, residential: Profile) -> AsyncIterator[Scene]:
    """The scene, once on each engine."""
    async with scene_on(store_url, tmp_path, residential) as made:
        yield made


async def test_a_cpe_that_is_plugged_in_makes_its_job_discovered_and_is_missed_when_it_leaves(
    scene_on_each: Scene,
) -> None:
    scene = scene_on_each
    await scene.order()
    async with at_work(scene.listener().run), at_work(scene.net.provisioner().run):
        await happens(lambda: scene.listed, "the list is read")
        scene.lab.plug(PORT, MAC, system_name="router-1", capabilities=("ROUTER",))
        await scene.net.reaches(JobState.DISCOVERED)
        scene.lab.unplug(PORT)
        await scene.becomes({}, "it is gone")
    assert scene.ports == {PORT, OTHER_PORT}
    assert (await scene.net.job())["state"] == "discovered", "nobody works on it"
    assert set(scene.lab.switch.rpcs) <= {"get", "get-config"}, "whatever was found, nothing is written"


async def test_a_cpe_on_the_wrong_port_holds_its_job_until_it_is_patched_right(scene_on_each: Scene) -> None:
    scene = scene_on_each
    await scene.order()
    scene.lab.plug(OTHER_PORT, MAC)
    async with at_work(scene.listener().run):
        await scene.net.reaches(JobState.HELD)
        assert await scene.net.codes() == ["wrong-port"]
        scene.lab.unplug(OTHER_PORT)
        scene.lab.plug(PORT, MAC)
        await scene.net.reaches(JobState.DISCOVERED)
        await scene.becomes({MAC: PORT}, "it moved")


async def test_a_hint_has_the_list_read_at_once(scene: Scene) -> None:
    worker = scene.listener(NEVER_S)
    async with at_work(worker.run):
        await happens(lambda: scene.listed, "the list is read at first")
        scene.lab.plug(PORT, MAC)
        worker.asked.set()
        await scene.becomes({MAC: PORT}, "it is found")
        await happens(lambda: len(scene.listed) == 2, "it is read once more, and no oftener")


async def test_nothing_is_known_of_a_switch_that_is_away_and_all_is_read_when_it_is_back(scene: Scene) -> None:
    scene.lab.plug(PORT, MAC)
    with capture_logs() as lines:
        async with at_work(scene.listener().run):
            await scene.becomes({MAC: PORT}, "it is heard")
            await scene.switch_off()
            await happens(lambda: scene.up[-1] is False, "it is told as down")
            assert await scene.present() == {MAC: PORT}, "nobody says that it left"
            await scene.switch_on()
            scene.lab.plug(OTHER_PORT, STRANGER)
            await scene.becomes({STRANGER: OTHER_PORT}, "found anew")
            await happens(lambda: scene.up[-1], "it is told as up")
    assert "element answers again" in {line["event"] for line in lines}


async def test_a_switch_that_hangs_is_tried_again(tmp_path: Path, residential: Profile) -> None:
    async with scene_on(f"sqlite:///{tmp_path}/ztpd.db", tmp_path, residential, rpc_timeout_s=0.3) as scene:
        scene.lab.switch.faults.hang_after = 0
        async with at_work(scene.listener().run):
            await happens(lambda: len(scene.up) >= 2, "it is tried again")
            assert not any(scene.up)
            scene.lab.switch.clear_faults()
            scene.lab.plug(PORT, MAC)
            await scene.becomes({MAC: PORT}, "it is heard")


async def test_a_switch_with_another_host_key_is_never_spoken_to_and_the_log_stays_short(scene: Scene) -> None:
    await scene.lab.change_host_key()
    scene.lab.plug(PORT, MAC)
    with capture_logs() as lines:
        async with at_work(scene.listener().run):
            await happens(lambda: len(scene.up) >= 8, "it is tried again and again")
    assert not any(scene.up)
    assert (scene.lab.switch.rpcs.total(), scene.listed) == (0, [])
    said = [line["times"] for line in lines if line["event"] == "element does not answer"]
    assert said[:3] == [1, 2, 4]
    assert all("host key changed" in line["reason"] for line in lines)


async def test_a_refused_list_is_not_an_empty_one(scene: Scene) -> None:
    scene.lab.plug(PORT, MAC)
    async with at_work(scene.listener().run):
        await scene.becomes({MAC: PORT}, "it is heard")
        tries = len(scene.up)
        scene.lab.switch.faults.refuse("get", 2, Refusal("access-denied", "no rights"))
        await happens(lambda: False in scene.up[tries:], "it is refused")
        await happens(lambda: scene.up[-1], "it is tried again")
    told = await scene.net.store.read(lambda reader: reader.sightings(0, 100, None, unmatched=False))
    assert {sighting["body"]["presence"] for sighting in told} == {"present"}


async def test_a_list_that_could_not_be_kept_is_read_again_soon(scene: Scene) -> None:
    scene.lab.plug(PORT, MAC)
    scene.refuses = 2
    async with at_work(scene.listener(NEVER_S).run):
        await scene.becomes({MAC: PORT}, "it is kept")
