"""Identity: which names mean one device, and which never do."""

from dataclasses import replace

import pytest

from tests.unit.domain.orders import CPE, HEX, MAC, NOW, ONT, OUI, SERIAL
from ztpd.domain.identity import Kind, Name, names_of_allocation, names_of_sighting, resolve
from ztpd.domain.model import AllocatedDevice
from ztpd.domain.sighting import Sighting, Source

PON_A, PON_B = Name(Kind.PON, SERIAL), Name(Kind.PON, "ALCL00000001")
CWMP_A, CWMP_B = Name(Kind.CWMP, f"{OUI}-{HEX}"), Name(Kind.CWMP, f"{OUI}-ROUTER-1")
MAC_A, MAC_B = Name(Kind.MAC, MAC), Name(Kind.MAC, "00:11:22:33:44:66")


def test_a_cwmp_serial_that_is_the_hex_of_a_pon_serial_is_both_names() -> None:
    inform = Sighting(Source.CWMP, NOW, oui=OUI.lower(), cwmp_serial=HEX.lower())
    assert PON_A in names_of_sighting(inform)
    assert names_of_allocation(CPE) == {CWMP_A, PON_A}
    assert names_of_allocation(ONT) == {PON_A}


@pytest.mark.parametrize("printed", ["HWTC1A2B3C4D", "HWTC:1A2B3C4D", "hwtc1a2b3c4d", HEX, f"{HEX} (HWTC-1A2B3C4D)"])
def test_every_spelling_of_an_allocated_pon_serial_is_the_same_name(printed: str) -> None:
    assert names_of_allocation(AllocatedDevice(role="ont", serial=printed)) == {PON_A}


def test_an_ordinary_cwmp_serial_is_no_pon_serial() -> None:
    assert names_of_sighting(Sighting(Source.CWMP, NOW, oui=OUI, cwmp_serial="ROUTER-1")) == {CWMP_B}
    assert names_of_sighting(Sighting(Source.CWMP, NOW, cwmp_serial="ROUTER-1")) == frozenset()


def test_a_pon_serial_that_was_heard_outweighs_the_one_a_cwmp_serial_spells() -> None:
    heard = Sighting(Source.MQTT, NOW, serial="ALCL00000001", oui=OUI, cwmp_serial=HEX)
    assert names_of_sighting(heard) == {PON_B, CWMP_A}


def test_a_place_and_an_address_are_no_names() -> None:
    heard = Sighting(Source.DHCP, NOW, element="olt-1", port="1/1/3", circuit_id="6162", remote_id="63", ip="10.0.0.5")
    assert names_of_sighting(heard) == frozenset()
    assert names_of_sighting(replace(heard, mac=MAC)) == {MAC_A}


def test_new_names_mean_a_new_device() -> None:
    assert resolve({PON_A}, {}).device is None


def test_devices_that_one_sighting_names_together_are_joined_into_the_one_with_the_strongest_name() -> None:
    known = {1: frozenset({MAC_A}), 2: frozenset({CWMP_A}), 3: frozenset({PON_A})}
    found = resolve({MAC_A, CWMP_A, PON_A}, known)
    assert (found.device, set(found.joined), found.contradiction) == (3, {1, 2}, ())


def test_two_pon_serials_behind_one_mac_contradict_each_other() -> None:
    known = {1: frozenset({PON_A, MAC_A}), 2: frozenset({PON_B})}
    found = resolve({PON_B, MAC_A}, known)
    assert (found.device, found.joined, found.contradiction) == (2, (), (1,))


def test_an_unknown_serial_behind_a_known_mac_is_a_new_device() -> None:
    found = resolve({PON_B, MAC_A}, {1: frozenset({PON_A, MAC_A})})
    assert (found.device, found.contradiction) == (None, (1,))


def test_a_device_may_have_several_macs() -> None:
    assert resolve({PON_A, MAC_B}, {1: frozenset({PON_A, MAC_A})}).device == 1
    assert resolve({MAC_A}, {1: frozenset({PON_A, MAC_A, MAC_B})}).device == 1


def test_a_tie_joins_what_no_name_speaks_against() -> None:
    assert resolve({CWMP_B}, {1: frozenset({MAC_A})}, tied=[1]).device == 1
    assert resolve({MAC_A}, {1: frozenset({PON_A, MAC_B})}, tied=[1]).device is None, "it has a MAC address of its own"
    assert resolve({MAC_A}, {1: frozenset({PON_A, MAC_A, MAC_B})}, tied=[1]).device == 1


def test_a_tie_alone_is_no_contradiction_worth_telling() -> None:
    assert resolve({CWMP_B}, {1: frozenset({CWMP_A})}, tied=[1]) == resolve({CWMP_B}, {})


def test_devices_bound_to_different_services_are_never_joined() -> None:
    known = {1: frozenset({CWMP_B}), 2: frozenset({MAC_A})}
    services = {1: "SVC-1", 2: "SVC-2"}
    found = resolve({CWMP_B, MAC_A}, known, services=services)
    assert (found.device, found.joined, found.contradiction) == (1, (), (2,))
    assert resolve({CWMP_B, MAC_A}, known, services={1: "SVC-1"}).joined == (2,)
    assert resolve({CWMP_B}, known, tied=[2], services=services).joined == ()
