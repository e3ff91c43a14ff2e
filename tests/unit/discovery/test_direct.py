"""Clients that no relay stands before: the interface and the VLANs of their frames say where they are."""

from datetime import UTC, datetime

import pytest

from tests.unit.discovery import frames
from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.dhcp import DhcpEar, Repeats
from ztpd.discovery.direct import at_own_interface, came_in_at
from ztpd.domain.sighting import Sighting, Source

HEARD_AT = datetime(2026, 1, 1, tzinfo=UTC)
OWN = {"eth1": "edge-1", "eth2.100": "edge-2"}


def heard(source: Source = Source.DHCP, **details: str) -> Sighting:
    return Sighting(source, HEARD_AT, mac="00:25:9e:1a:2b:3c", trusted=False, details=details)


@pytest.mark.parametrize(
    ("interface", "vlans", "element", "port"),
    [
        ("eth1", "201.301", "edge-1", "eth1.201.301"),
        ("eth1", "201", "edge-1", "eth1.201"),
        ("eth1", "", "edge-1", "eth1"),
        ("eth1", "0", "edge-1", "eth1"),
        ("eth1", "0.301", "edge-1", "eth1.301"),
        ("eth2.100", "7", "edge-2", "eth2.100.7"),
    ],
)
def test_a_client_at_our_own_interface_is_where_its_vlans_say(
    interface: str, vlans: str, element: str, port: str
) -> None:
    told = came_in_at(heard(vlans=vlans) if vlans else heard(), interface)
    placed = at_own_interface(told, OWN)
    assert (placed.element, placed.port, placed.trusted) == (element, port, True)


@pytest.mark.parametrize(
    "sighting",
    [
        heard(interface="eth9"),
        heard(),
        heard(Source.MQTT, interface="eth1"),
        Sighting(Source.DHCP, HEARD_AT, element="olt-1", port="1/1/3", details={"interface": "eth1"}),
    ],
    ids=["another interface", "no interface", "another source", "a place that is known"],
)
def test_any_other_stays_as_it_is(sighting: Sighting) -> None:
    assert at_own_interface(sighting, OWN) == sighting


@pytest.mark.parametrize("relayed", [{"giaddr": "10.0.0.1"}, {"link-address": "::"}])
def test_what_a_relay_forwards_came_in_at_its_interface_and_not_ours(relayed: dict[str, str]) -> None:
    assert came_in_at(heard(Source.DHCP, **relayed), "eth1") == heard(Source.DHCP, **relayed)
    by_circuit = Sighting(Source.DHCP, HEARD_AT, circuit_id="6567")
    assert came_in_at(by_circuit, "eth1") == by_circuit


def test_an_ear_tells_its_interface_and_the_tags_of_a_frame() -> None:
    taken: list[Sighting] = []
    table = CircuitIdTable.from_toml({})
    ear = DhcpEar(table, lambda each: False, Repeats(10, lambda: 0.0), lambda: HEARD_AT, taken.append, "eth1")
    packet = frames.udp(frames.bootp(frames.options(), giaddr="0.0.0.0"))
    ear.hear(frames.ethernet(frames.ipv4(packet, source="0.0.0.0")), (201, 301))
    [placed] = [at_own_interface(each, OWN) for each in taken]
    assert (placed.element, placed.port) == ("edge-1", "eth1.201.301")
