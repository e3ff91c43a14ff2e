"""The Linux edge driver on a real kernel with real traffic: the rate sold, the walled garden, and a restart."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.access import Levels, WantedAccess, differences
from drivers.errors import Conflict, Rejected, Unreachable
from drivers.linux_edge import LinuxEdgeDriver, LinuxEdgeSettings
from drivers.linux_edge.kernel import Kernel, Opener
from drivers.linux_edge.netlink import open_kernel
from tests.integration.edge_network import (
    GARDEN,
    GARDEN6,
    GATEWAY,
    PORT,
    SERVER,
    SERVER6,
    SUBSCRIBER,
    EdgeNetwork,
    edge_network,
    restart_edge,
)
from tests.integration.namespaces import NoNamespace, drop_capabilities, enter, ip

DOWNSTREAM_BPS, UPSTREAM_BPS = 24_000_000, 12_000_000
TRANSFER_BYTES = 5_000_000
FRAME, PAYLOAD = 1514, 1448  # what a rate counts, and what TCP makes of it (Ethernet, IPv4, TCP with timestamps)
UNTAGGED = WantedAccess(
    service="SVC-1",
    port="acc0",
    device="acc0",
    s_vlan=0,
    c_vlan=None,
    downstream_bps=DOWNSTREAM_BPS,
    upstream_bps=UPSTREAM_BPS,
    address=SUBSCRIBER,
)
ATTACHED = {
    "untagged": ("cpe0", UNTAGGED),
    "802.1Q": ("cpe0.301", replace(UNTAGGED, s_vlan=301)),
    "QinQ": ("cpe0.201.301", replace(UNTAGGED, s_vlan=201, c_vlan=301)),
}


@pytest.fixture
def network() -> Iterator[EdgeNetwork]:
    yield from _network("cpe0")


@pytest.fixture(params=ATTACHED)
def attached(request: pytest.FixtureRequest) -> Iterator[tuple[EdgeNetwork, WantedAccess]]:
    link, wanted = ATTACHED[request.param]
    for network in _network(link):
        yield network, wanted


def _network(link: str) -> Iterator[EdgeNetwork]:
    if shutil.which("nft") is None or shutil.which("sysctl") is None:
        pytest.skip("needs nftables and procps")
    try:
        with edge_network(link) as made:
            yield made
    except NoNamespace as problem:
        pytest.skip(str(problem))
    except subprocess.CalledProcessError as problem:
        if b"Unknown device type" not in problem.stderr:
            raise
        pytest.skip("this kernel has no 802.1Q")


@asynccontextmanager
async def driver_of(network: EdgeNetwork, folder: Path, opener: Opener | None = None) -> AsyncIterator[LinuxEdgeDriver]:
    settings = LinuxEdgeSettings(
        name="edge-1",
        access_interfaces=("acc0",),
        state_file=folder / "edge.json",
        garden=(GARDEN, f"{GARDEN6}/128"),
        portal=(GARDEN, PORT),
        gateway=GATEWAY,
        netns=network.edge,
    )
    driver = LinuxEdgeDriver(settings, opener)
    try:
        yield driver
    finally:
        await driver.close()


async def make_so(driver: LinuxEdgeDriver, wanted: WantedAccess) -> None:
    [outcome] = await driver.apply(await driver.plan([wanted]))
    assert outcome.error is None
    assert differences(wanted, (await driver.read([wanted.device]))[wanted.device]) == ()


def ratio(payload_bps: float, profile_bps: int) -> float:
    return payload_bps * FRAME / PAYLOAD / profile_bps


async def test_the_rate_is_the_profile_s_both_ways(attached: tuple[EdgeNetwork, WantedAccess], tmp_path: Path) -> None:
    network, wanted = attached
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, wanted)

        downstream = network.downstream_bps(TRANSFER_BYTES)
        upstream = network.upstream_bps(TRANSFER_BYTES // 2)

        assert ratio(downstream, DOWNSTREAM_BPS) == pytest.approx(1, abs=0.1)
        assert ratio(upstream, UPSTREAM_BPS) == pytest.approx(1, abs=0.1)


async def test_a_changed_rate_holds_at_once(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, UNTAGGED)
        slower = replace(UNTAGGED, downstream_bps=DOWNSTREAM_BPS // 3)
        await make_so(driver, slower)

        assert ratio(network.downstream_bps(TRANSFER_BYTES // 3), slower.downstream_bps) == pytest.approx(1, abs=0.1)


async def test_a_suspended_service_reaches_only_the_garden(
    attached: tuple[EdgeNetwork, WantedAccess], tmp_path: Path
) -> None:
    network, wanted = attached
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, wanted)
        before = _reached(network)

        [suspended] = await driver.set_admin([wanted.device], enabled=False)
        walled, observed = _reached(network), (await driver.read([wanted.device]))[wanted.device]
        [resumed] = await driver.set_admin([wanted.device], enabled=True)
        after = _reached(network)

    everything = {"internet", "garden", "from internet", "from garden", "dns", "another port"}
    assert before == everything
    assert walled == {"garden", "from garden", "dns"}
    assert after == everything
    assert (suspended.changed, resumed.changed) == (True, True)
    assert differences(replace(wanted, enabled=False), observed) == (), "the configuration is there all the while"


def _reached(network: EdgeNetwork) -> set[str]:
    tried = {
        "internet": network.reaches(SERVER),
        "garden": network.reaches(GARDEN),
        "from internet": network.is_reached_by(SERVER),
        "from garden": network.is_reached_by(GARDEN),
        "dns": network.asks_edge(53),
        "another port": network.asks_edge(161),
    }
    return {what for what, reached in tried.items() if reached}


async def test_the_garden_is_walled_in_ipv6_as_well(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, UNTAGGED)
        before = network.reaches(SERVER6), network.reaches(GARDEN6)
        await make_so(driver, replace(UNTAGGED, enabled=False))
        walled = network.reaches(SERVER6), network.reaches(GARDEN6)

    assert before == (True, True)
    assert walled == (False, True)


async def test_a_page_of_a_suspended_service_leads_to_the_portal(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, replace(UNTAGGED, enabled=False))

        assert network.reaches("192.0.2.200", 80), "an address that nobody has is answered by the portal"
        assert not network.reaches("192.0.2.200", PORT)


async def test_a_suspension_outlasts_a_restart_of_the_kernel(network: EdgeNetwork, tmp_path: Path) -> None:
    suspended = replace(UNTAGGED, enabled=False)
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, UNTAGGED)
        await driver.set_admin([UNTAGGED.device], enabled=False)

    restart_edge(network)
    assert network.reaches(SERVER) is False, "nothing is configured, not even its route"
    async with driver_of(network, tmp_path) as driver:
        observed = (await driver.read([UNTAGGED.device]))[UNTAGGED.device]
        reached = network.reaches(SERVER), network.reaches(GARDEN)

    assert differences(suspended, observed) == ()
    assert reached == (False, True)


async def test_what_was_removed_does_not_come_back_with_a_restart(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, UNTAGGED)
        await driver.remove([UNTAGGED.device])

    restart_edge(network)
    async with driver_of(network, tmp_path) as driver:
        assert await driver.list_provisioned() == []


async def test_what_others_made_is_not_touched(network: EdgeNetwork, tmp_path: Path) -> None:
    network.run("nft", "add table inet firewall; add chain inet firewall forward")
    ip("netns", "exec", network.edge, "tc", "qdisc", "add", "dev", "up0", "root", "handle", "1:", "htb", "default", "1")
    before = _shown(network, "nft", "list", "ruleset"), _queues(network)
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, replace(UNTAGGED, enabled=False))
        await driver.remove([UNTAGGED.device])

    assert (_shown(network, "nft", "list", "ruleset"), _queues(network)) == before


async def test_an_interface_that_others_use_is_a_conflict_until_it_is_adopted(
    network: EdgeNetwork, tmp_path: Path
) -> None:
    ip("-n", network.edge, "link", "set", "acc0", "alias", "to the mayor")
    async with driver_of(network, tmp_path) as driver:
        [refused] = await driver.plan([UNTAGGED])
        driver.adopt([UNTAGGED.device])
        await make_so(driver, UNTAGGED)

    assert isinstance(refused.refused, Conflict)
    assert "svc=SVC-1 port=acc0" in _shown(network, "ip", "link", "show", "acc0")


async def test_a_link_tells_its_speed(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        measured = await driver.measure(["acc0", "acc9"])

    assert measured == {"acc0": Levels(link_bps=10_000_000_000), "acc9": Levels()}, "a veth says 10 Gbit/s"


async def test_a_namespace_that_is_made_anew_is_entered_again(network: EdgeNetwork, tmp_path: Path) -> None:
    async with driver_of(network, tmp_path) as driver:
        await make_so(driver, UNTAGGED)
        listening = asyncio.Event()
        watching = asyncio.create_task(driver.watch(lambda present: None, listening.set))
        await asyncio.wait_for(listening.wait(), 10)
        restart_edge(network)

        with pytest.raises(Unreachable, match=network.edge):
            await driver.ports()
        with pytest.raises(Unreachable):
            await asyncio.wait_for(watching, 10)
        assert differences(UNTAGGED, (await driver.read(["acc0"]))["acc0"]) == ()


async def test_a_process_without_the_capability_is_told_which(network: EdgeNetwork, tmp_path: Path) -> None:
    def powerless(settings: LinuxEdgeSettings) -> Kernel:
        enter(network.edge)
        drop_capabilities()
        return open_kernel(replace(settings, netns=None))

    async with driver_of(network, tmp_path, powerless) as driver:
        plans = await driver.plan([UNTAGGED])
        [outcome] = await driver.apply(plans)

    assert isinstance(outcome.error, Rejected)
    assert "CAP_NET_ADMIN" in outcome.error.answer


async def test_a_damaged_state_file_is_said_clearly(network: EdgeNetwork, tmp_path: Path) -> None:
    (tmp_path / "edge.json").write_text('{"version": 2}')
    async with driver_of(network, tmp_path) as driver:
        with pytest.raises(Rejected, match=r"edge\.json.*version 2"):
            await driver.ports()


def _queues(network: EdgeNetwork) -> list[str]:
    shown = _shown(network, "tc", "qdisc", "show").splitlines()
    return [line.partition(" direct_packets_stat")[0] for line in shown]


def _shown(network: EdgeNetwork, *command: str) -> str:
    words = ["ip", "netns", "exec", network.edge, *command]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=10).stdout
