"""Every kind of element as a daemon's test plays it: how it is configured, ordered on, plugged into and looked at."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from tests.contract.cli_harness import PLATFORMS
from tests.integration.edge_network import GARDEN, GATEWAY, PORT, SERVER, SUBSCRIBER, EdgeNetwork, edge_network
from tests.integration.namespaces import NoNamespace
from ztpd.discovery.handing_over import hand_over
from ztpd.domain.sighting import Sighting, Source
from ztpd.lab.cli_olt.lab import LabCliOlt, LabCliOltSettings, lab_cli_olt
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt
from ztpd.lab.routeros import LabRouter, lab_router
from ztpd.lab.stage import Stage
from ztpd.lab.switch import LabSwitch, LabSwitchSettings, lab_switch
from ztpd.lab.uisp import LabUisp, lab_uisp
from ztpd.lab.uisp.lab import STOCK

NAME = "element-1"
SERIAL = "HWTC1A2B3C4D"
MAC = "4c:5e:0c:00:00:01"
SECRET = "ztpd-s3cret-word"

OPTICS = "[optics]\nonu_rx_dbm = {minimum = -27.0, maximum = -8.0}\nolt_rx_dbm = {minimum = -29.0, maximum = -8.0}\n"
RADIO = "[radio]\nsignal_dbm = {minimum = -75.0, maximum = -30.0}\n"
LINK = "[link]\nminimum_mbps = 100\n"
PER_SUBSCRIBER = (
    '[vlan]\ns_vlan = 201\nc_vlan = "$c_vlan"\n[parameters]\nc_vlan = {type = "integer", minimum = 2, maximum = 4094}\n'
)
ONE_TAG = "[vlan]\ns_vlan = 201\n"
ADDRESS = '[wan]\naddress = "$address"\n[parameters]\naddress = {}\n'
RATES = ("downstream_bps", "upstream_bps")
BOTH = ("assured_upstream_bps", "priority")
PPPOE = (
    '[wan]\naddress = "$address"\nppp_user = "$ppp_user"\nppp_password = "$ppp_password"\n'
    "[parameters]\naddress = {}\nppp_user = {}\nppp_password = {secret = true}\n"
)


class Behind(Protocol):
    """What a daemon's element is, seen from behind: the plug, and what it has configured."""

    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        """Plug the ordered device in where it belongs, and let it be heard."""
        ...

    def configuration(self) -> bytes:
        """What is configured, comparable byte for byte."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of element: what is ordered on it, and what of it the element is known not to show or do.

    ``needs`` is the part of a profile that its technology asks for. ``reboots`` says whether devices restart from
    there, ``unshown`` what a person has to answer for whatever is ordered, ``blind`` what he has to where a service is
    assured bandwidth and has a priority.
    """

    technology: str
    port: str
    needs: str
    behind: Callable[[], AbstractAsyncContextManager[Behind]]
    device: Mapping[str, str] = field(default_factory=lambda: {"role": "cpe", "mac": MAC})
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reboots: bool = False
    unshown: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    circuit_id: str | None = None

    def profile(self, name: str, mbps: int, more: str = "", speed: str = "") -> str:
        """A profile of this technology, symmetric at ``mbps``; ``speed`` and ``more`` are lines of TOML."""
        return (
            f'name = "{name}"\nversion = 1\ntechnologies = ["{self.technology}"]\nprice_per_month = 9.0\n'
            f"[speed]\ndownstream_mbps = {mbps}\nupstream_mbps = {mbps // 2}\n{speed}"
            f"[completion]\nrequired = false\n{self.needs}{more}"
        )

    def order(self, profile: str) -> dict[str, Any]:
        """An install of the service ``SVC-1``."""
        return {
            "kind": "install",
            "service": "SVC-1",
            "account": "ACC-1",
            "location": "LOC-1",
            "profile": profile,
            "parameters": dict(self.parameters),
            "devices": [dict(self.device)],
        }


@dataclass
class BehindOlt:
    """An OLT that speaks TR-385."""

    lab: LabOlt
    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        self.lab.plug(SERIAL, "1/1/2")

    def configuration(self) -> bytes:
        return self.lab.running_config()


@asynccontextmanager
async def bbf() -> AsyncIterator[Behind]:
    async with lab_olt(LabOltSettings(password=SECRET)) as lab:
        section = {
            "driver": "netconf-bbf",
            "host": "127.0.0.1",
            "port": lab.netconf_port,
            "username": "ztpd",
            "password_file": "secrets/element.password",
            "host_key": lab.host_public_key,
            "uplink": "uplink-1",
        }
        yield BehindOlt(lab, section)


@dataclass
class BehindCommandLine:
    """An OLT with a command line."""

    lab: LabCliOlt
    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        self.lab.plug(SERIAL, self.lab.shelf.ports[1])

    def configuration(self) -> bytes:
        return self.lab.shelf.configuration()


def command_line(platform: str) -> Callable[[], AbstractAsyncContextManager[Behind]]:
    """An OLT of a platform."""

    @asynccontextmanager
    async def behind() -> AsyncIterator[Behind]:
        about = PLATFORMS[platform]
        async with lab_cli_olt(LabCliOltSettings(vendor=platform, legacy=about.legacy, password=SECRET)) as lab:
            section = {
                "driver": "cli",
                "platform": platform,
                "host": "127.0.0.1",
                "port": lab.server.ssh_port,
                "username": "ztpd",
                "password_file": "secrets/element.password",
                "host_key": lab.server.host_public_key,
                "values": dict(about.values),
                "legacy_algorithms": about.legacy,
            }
            if about.enable_password is not None:
                section["enable_password_file"] = "secrets/enable.password"
            yield BehindCommandLine(lab, section)

    return behind


@dataclass
class BehindSwitch:
    """A switch that is configured by NETCONF and lists its LLDP neighbours."""

    lab: LabSwitch
    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        self.lab.plug("Ethernet2", MAC, system_name="router-1")

    def configuration(self) -> bytes:
        return self.lab.running_config()


def switch(**settings: Any) -> Callable[[], AbstractAsyncContextManager[Behind]]:
    """A switch with some settings of its own."""

    @asynccontextmanager
    async def behind() -> AsyncIterator[Behind]:
        async with lab_switch(LabSwitchSettings(ports=4, password=SECRET, **settings)) as lab:
            section = {
                "driver": "netconf-switch",
                "host": "127.0.0.1",
                "port": lab.listening.netconf_port,
                "username": "ztpd",
                "password_file": "secrets/element.password",
                "host_key": lab.listening.host_public_key,
                "uplinks": ["Ethernet4"],
            }
            yield BehindSwitch(lab, section)

    return behind


@dataclass
class BehindRouter:
    """A RouterOS router; with ``user`` the subscriber dials in."""

    lab: LabRouter
    section: dict[str, Any]
    user: str | None

    async def plug(self, scene: Stage) -> None:
        self.connect(MAC, "wlan2")

    def connect(self, mac: str, port: str) -> None:
        """Let a router register on a radio."""
        self.lab.router.plug(mac, port, user=self.user)

    def configuration(self) -> bytes:
        return self.lab.router.configuration()


def router(user: str | None = None) -> Callable[[], AbstractAsyncContextManager[Behind]]:
    """A RouterOS router."""

    @asynccontextmanager
    async def behind() -> AsyncIterator[Behind]:
        async with lab_router() as lab:
            section = {
                "driver": "routeros",
                "url": lab.server.url,
                "username": "ztpd",
                "password_file": "secrets/lab.password",
                "certificate_sha256": lab.server.certificate.sha256,
            }
            yield BehindRouter(lab, section, user)

    return behind


@dataclass
class BehindUisp:
    """A UISP with two access points."""

    lab: LabUisp
    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        self.connect(STOCK[0], "Tower 1 South")

    def connect(self, mac: str, port: str) -> None:
        """Let a radio of the stock connect to an access point."""
        self.lab.controller.plug(mac, port, -61)

    def configuration(self) -> bytes:
        return self.lab.controller.configuration()


@asynccontextmanager
async def uisp() -> AsyncIterator[Behind]:
    async with lab_uisp() as lab:
        section = {
            "driver": "uisp",
            "url": lab.server.url,
            "token_file": "secrets/lab.password",
            "certificate_sha256": lab.server.certificate.sha256,
        }
        yield BehindUisp(lab, section)


@dataclass
class BehindEdge:
    """A kernel whose subscriber asks a DHCP server for an address through a relay."""

    network: EdgeNetwork
    section: dict[str, Any]

    async def plug(self, scene: Stage) -> None:
        heard = Sighting(
            Source.DHCP, datetime.now(UTC), mac=MAC, circuit_id=b"edge acc0".hex(), details={"message": "DISCOVER"}
        )
        await hand_over(scene.folder / "intake.sock", [heard])

    def reached(self) -> set[str]:
        """What the subscriber reaches now."""
        tried = {"internet": self.network.reaches(SERVER), "garden": self.network.reaches(GARDEN)}
        return {what for what, reached in tried.items() if reached}

    def configuration(self) -> bytes:
        def told(*command: str) -> bytes:
            words = ["ip", "netns", "exec", self.network.edge, *command]
            return subprocess.run(words, check=True, capture_output=True, timeout=10).stdout

        links = json.loads(told("ip", "-j", "-d", "link"))
        named = sorted((link["ifname"], link.get("ifalias", ""), link.get("group", "")) for link in links)
        return json.dumps(named).encode() + told("ip", "route", "show", "proto", "213") + told("nft", "list", "ruleset")


@asynccontextmanager
async def edge() -> AsyncIterator[Behind]:
    if shutil.which("nft") is None or shutil.which("sysctl") is None:
        pytest.skip("needs nftables and procps")
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(edge_network())
        except NoNamespace as problem:
            pytest.skip(str(problem))
        section = {
            "driver": "linux-edge",
            "access_interfaces": ["acc0"],
            "state_file": "edge.json",
            "garden": [f"{GARDEN}/32"],
            "portal": [GARDEN, PORT],
            "gateway": GATEWAY,
            "netns": network.edge,
        }
        yield BehindEdge(network, section)


def _olt(platform: str, port: str, *blind: str) -> Kind:
    return Kind(
        "pon",
        port,
        OPTICS + PER_SUBSCRIBER,
        command_line(platform),
        {"role": "ont", "serial": SERIAL},
        {"c_vlan": 301},
        reboots=True,
        blind=blind,
    )


KINDS: Mapping[str, Kind] = {
    "netconf-bbf": Kind(
        "pon",
        "1/1/2",
        OPTICS + PER_SUBSCRIBER,
        bbf,
        {"role": "ont", "serial": SERIAL},
        {"c_vlan": 301},
    ),
    "huawei-smartax": _olt("huawei-smartax", "0/1/1", "assured_upstream_bps"),
    "zte-c300": _olt("zte-c300", "gpon-olt_1/1/2", "priority"),
    "zte-c600": _olt("zte-c600", "gpon_olt-1/1/2", "priority"),
    "nokia-isam": _olt("nokia-isam", "1/1/1/2"),
    "v-sol": _olt("v-sol", "GPON0/2"),
    "calix-axos": _olt("calix-axos", "1/1/xp2", "assured_upstream_bps"),
    "switch": Kind("ethernet", "Ethernet2", LINK + ONE_TAG, switch(), blind=BOTH),
    "switch-ietf": Kind(
        "ethernet",
        "Ethernet2",
        LINK + ONE_TAG,
        switch(models="ietf", writable="running"),
        unshown=RATES,
        blind=("assured_upstream_bps", *RATES),
    ),
    "routeros": Kind("wireless", "wlan2", RADIO, router(), blind=("priority",)),
    "routeros-pppoe": Kind(
        "wireless",
        "wlan2",
        RADIO + PPPOE,
        router("harbour12"),
        parameters={"address": "10.20.0.12", "ppp_user": "harbour12", "ppp_password": SECRET},
        blind=("priority",),
    ),
    "uisp": Kind("wireless", "Tower 1 South", RADIO, uisp, {"role": "cpe", "mac": STOCK[0]}, reboots=True, blind=BOTH),
    "linux-edge": Kind(
        "ethernet",
        "acc0",
        LINK + ADDRESS,
        edge,
        parameters={"address": SUBSCRIBER},
        blind=BOTH,
        circuit_id="edge acc0",
    ),
}
"""Every kind that is played, by name."""
