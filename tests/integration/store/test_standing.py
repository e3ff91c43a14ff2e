"""What cannot both be true quarantines the device and is told once; what merely moved is told as a move."""

import json
from typing import Any

from tests.integration.store.world import OLT, ONT, OTHER_PORT, OTHER_SERIAL, PORT, SERIAL, World, location
from ztpd.store import completion, orders

MAC = "00:11:22:33:44:55"
CIRCUIT, STRAY = b"olt-1 xpon 1/1/3:7".hex(), b"olt-2 xpon 1/1/9:1".hex()


def told(here: World) -> list[dict[str, Any]]:
    """Events about devices, each with its type and line."""
    rows = here.rows("SELECT * FROM event WHERE type LIKE 'device.%' ORDER BY id")
    return [{"type": row["type"], "line": row["service"], **json.loads(row["data"])} for row in rows]


def types(here: World) -> list[str]:
    return [event["type"] for event in told(here)]


def in_service(here: World) -> None:
    """An installed ONT whose service is active."""
    here.confirmed()
    here.do(completion.accept_completion, "J-1", here.report())


def two_olts(here: World) -> None:
    """Places behind two OLTs of ours, each with its circuit-id."""
    here.do(orders.put_location, "LOC-1", location(circuit_id=f"0x{CIRCUIT}"))
    here.do(orders.put_location, "LOC-2", location("olt-2", "1/1/9", circuit_id=f"0x{STRAY}"))


def test_a_serial_in_service_that_is_alive_twice_is_quarantined_and_told_until_one_is_gone(here: World) -> None:
    in_service(here)
    here.announce(OTHER_PORT)
    assert (here.device()["state"], here.device()["reason"]) == ("quarantined", "duplicate-serial")
    assert here.device()["detail"] == f"alive on {OLT} {PORT} and on {OLT} {OTHER_PORT}"
    for _ in range(2):
        here.list_onus((SERIAL, PORT), (SERIAL, OTHER_PORT))
    assert types(here) == ["device.quarantined"], "once"
    (event,) = told(here)
    assert (event["line"], event["code"], event["service"]) == ("SVC-1", "duplicate-serial", "SVC-1")
    assert {"kind": "pon", "value": SERIAL} in event["names"]
    here.announce(OTHER_PORT, gone=True)
    assert (here.device()["state"], here.device()["reason"]) == ("bound", "")
    assert types(here) == ["device.quarantined", "device.cleared"], "it did not move"


def test_an_unknown_serial_that_is_alive_twice_is_told_in_a_line_of_its_own(here: World) -> None:
    here.announce(serial=OTHER_SERIAL)
    here.announce(OTHER_PORT, serial=OTHER_SERIAL)
    assert here.device(OTHER_SERIAL)["reason"] == "duplicate-serial"
    (event,) = told(here)
    assert (event["line"], event["service"]) == (f"device/{event['device']}", None)
    here.announce(serial=OTHER_SERIAL, gone=True)
    assert (here.device(OTHER_SERIAL)["state"], here.device(OTHER_SERIAL)["reason"]) == ("quarantined", "unknown")


def test_an_expected_device_whose_clone_is_gone_is_expected_again(here: World) -> None:
    here.ready(ONT)
    here.announce()
    here.announce(element="olt-2")
    assert here.device()["reason"] == "duplicate-serial"
    here.announce(gone=True)
    assert here.codes() == ["wrong-port"], "what is left is on the wrong element"
    here.announce(element="olt-2", gone=True)
    here.announce()
    assert here.device()["state"] == "seen"


def test_a_device_in_service_whose_old_place_is_dark_has_moved(here: World) -> None:
    in_service(here)
    here.announce(gone=True)
    here.announce(OTHER_PORT)
    assert here.device()["state"] == "bound"
    (event,) = told(here)
    assert (event["type"], event["previous"], event["place"]) == (
        "device.moved",
        f"{OLT} {PORT}",
        f"{OLT} {OTHER_PORT}",
    )
    here.list_onus((SERIAL, OTHER_PORT))
    assert len(told(here)) == 1


def test_a_move_whose_new_place_is_heard_first_ends_as_a_move(here: World) -> None:
    in_service(here)
    here.announce(OTHER_PORT)
    here.announce(gone=True)
    assert types(here) == ["device.quarantined", "device.cleared", "device.moved"]
    assert (here.device()["state"], here.device()["port"]) == ("bound", OTHER_PORT)


def test_an_onu_that_restarts_in_its_place_is_no_news(here: World) -> None:
    in_service(here)
    here.announce(gone=True)
    here.announce()
    assert told(here) == []


def test_a_mac_behind_another_olt_while_its_ont_is_alive_is_quarantined_and_told(here: World) -> None:
    two_olts(here)
    here.ready(ONT)
    here.do(orders.put_location, "LOC-1", location(circuit_id=f"0x{CIRCUIT}"))
    here.announce()
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=CIRCUIT)
    assert told(here) == []
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=STRAY)
    assert (here.device()["state"], here.device()["reason"]) == ("quarantined", "duplicate-mac")
    assert here.device()["detail"] == "alive behind olt-1 and behind olt-2"
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=STRAY)
    assert types(here) == ["device.quarantined"]
    here.later(hours=2)
    here.dhcp(MAC, circuit_id=CIRCUIT)
    assert types(here) == ["device.quarantined", "device.cleared"], "nothing was heard there for an hour"
    assert here.device()["state"] == "expected"


def test_a_client_of_dhcp_that_moved_is_no_clone_and_one_that_is_heard_in_turns_is(here: World) -> None:
    two_olts(here)
    here.dhcp(MAC, circuit_id=CIRCUIT)
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=STRAY)
    assert told(here) == []
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=CIRCUIT)
    assert types(here) == ["device.quarantined"]


def test_neither_a_stranger_s_word_nor_an_unknown_element_contradicts(here: World) -> None:
    two_olts(here)
    here.ready(ONT)
    here.do(orders.put_location, "LOC-1", location(circuit_id=f"0x{CIRCUIT}"))
    here.announce()
    here.dhcp(MAC, circuit_id=CIRCUIT)
    here.later(minutes=1)
    here.dhcp(MAC, circuit_id=STRAY, trusted=False)
    here.dhcp(MAC, element="a name in a circuit-id", port="7")
    assert told(here) == []
    assert here.device()["reason"] == ""
