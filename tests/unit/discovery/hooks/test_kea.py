"""Events of Kea as version 2.2 tells them, and what a Kea that says something else gets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ztpd.discovery.hooks.event import TellsNothing, Unreadable
from ztpd.discovery.hooks.kea import sighting
from ztpd.domain.sighting import Sighting, Source

HEARD_AT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
MAC = "4e:03:7b:1b:88:48"

QUERY4 = {
    "QUERY4_TYPE": "DHCPREQUEST",
    "QUERY4_CIADDR": "0.0.0.0",
    "QUERY4_GIADDR": "10.77.0.9",
    "QUERY4_REMOTE_ADDR": "10.77.0.8",
    "QUERY4_HWADDR": MAC,
    "QUERY4_HWADDR_TYPE": "1",
    "QUERY4_OPTION_82": "0x0104FEED3D0002044142433D0603585959",
    "QUERY4_OPTION_82_SUB_OPTION_1": "0xFEED3D00",
    "QUERY4_OPTION_82_SUB_OPTION_2": "0x4142433D",
}
COMMITTED4 = QUERY4 | {
    "LEASES4_SIZE": "1",
    "LEASES4_AT0_ADDRESS": "10.77.0.50",
    "LEASES4_AT0_HOSTNAME": "cpe1",
    "LEASES4_AT0_HWADDR": MAC,
    "DELETED_LEASES4_SIZE": "0",
}
LEASE4 = {"LEASE4_ADDRESS": "10.77.0.50", "LEASE4_HWADDR": MAC, "LEASE4_HWADDR_TYPE": "1", "LEASE4_HOSTNAME": "cpe1"}
DUID = "00:03:00:01:4e:03:7b:1b:88:48"
QUERY6 = {
    "QUERY6_TYPE": "REQUEST",
    "QUERY6_REMOTE_ADDR": "fe80::4c03:7bff:fe1b:8848",
    "QUERY6_REMOTE_HWADDR": "",
    "QUERY6_REMOTE_HWADDR_TYPE": "",
    "QUERY6_CLIENT_ID": DUID,
}
COMMITTED6 = QUERY6 | {
    "LEASES6_SIZE": "2",
    "LEASES6_AT0_ADDRESS": "2001:db8:f00d::",
    "LEASES6_AT0_TYPE": "IA_PD",
    "LEASES6_AT0_PREFIX_LEN": "56",
    "LEASES6_AT0_HWADDR": MAC,
    "LEASES6_AT0_HWADDR_TYPE": "1",
    "LEASES6_AT1_ADDRESS": "2001:db8::5",
    "LEASES6_AT1_TYPE": "IA_NA",
    "LEASES6_AT1_PREFIX_LEN": "128",
}


def read(event: str, environment: dict[str, str]) -> Sighting:
    return sighting(event, {name: value.encode() for name, value in environment.items()}, HEARD_AT)


def test_a_committed_lease_says_who_where_and_which_address() -> None:
    assert read("leases4_committed", COMMITTED4) == Sighting(
        source=Source.DHCP,
        heard_at=HEARD_AT,
        mac=MAC,
        ip="10.77.0.50",
        circuit_id="feed3d00",
        remote_id="4142433d",
        trusted=False,
        details={
            "message-type": "ACK",
            "heard-by": "kea",
            "hostname": "cpe1",
            "subscriber-id": "XYY",
            "giaddr": "10.77.0.9",
            "source-ip": "10.77.0.8",
        },
    )


@pytest.mark.parametrize(
    ("event", "environment", "expected"),
    [
        # A lease that Kea finds still good enough is not committed again: the client's message stands.
        (
            "leases4_committed",
            QUERY4 | {"QUERY4_CIADDR": "10.77.0.50", "LEASES4_SIZE": "0"},
            {"presence": "present", "ip": "10.77.0.50", "circuit_id": "feed3d00"},
        ),
        (
            "leases4_committed",
            QUERY4 | {"QUERY4_TYPE": "DHCPRELEASE", "QUERY4_CIADDR": "10.77.0.50", "LEASES4_SIZE": "0"},
            {"presence": "absent", "ip": "10.77.0.50"},
        ),
        (
            "lease4_release",
            QUERY4 | LEASE4 | {"QUERY4_TYPE": "DHCPRELEASE", "QUERY4_CIADDR": "10.77.0.50"},
            {"presence": "absent", "ip": "10.77.0.50"},
        ),
        (
            "lease4_decline",
            QUERY4 | LEASE4 | {"QUERY4_TYPE": "DHCPDECLINE"},
            {"presence": "present", "ip": None, "circuit_id": "feed3d00"},
        ),
        (
            "leases4_committed",
            COMMITTED4 | {"QUERY4_TYPE": "DHCPDECLINE"},
            {"presence": "present", "ip": None},
        ),
        ("leases4_committed", QUERY4 | {"QUERY4_TYPE": "DHCPINFORM"}, {"presence": "present", "ip": None}),
        (
            "lease4_expire",
            LEASE4 | {"REMOVE_LEASE": "true"},
            {"presence": "absent", "ip": "10.77.0.50", "circuit_id": None, "trusted": False},
        ),
        ("leases6_committed", COMMITTED6, {"presence": "present", "mac": MAC, "ip": "2001:db8::5", "trusted": False}),
        (
            "leases6_committed",
            QUERY6 | {"QUERY6_TYPE": "RELEASE", "LEASES6_SIZE": "0"},
            {"presence": "absent", "mac": MAC, "ip": None},
        ),
        (
            "lease6_release",
            QUERY6 | {"QUERY6_TYPE": "RELEASE", "LEASE6_ADDRESS": "2001:db8::5", "LEASE6_TYPE": "IA_NA"},
            {"presence": "absent", "ip": "2001:db8::5"},
        ),
        (
            "lease6_decline",
            QUERY6 | {"QUERY6_TYPE": "DECLINE", "LEASE6_ADDRESS": "2001:db8::5", "LEASE6_TYPE": "IA_NA"},
            {"presence": "present", "ip": None},
        ),
        (
            "lease6_expire",
            {"LEASE6_ADDRESS": "2001:db8::5", "LEASE6_TYPE": "IA_NA", "LEASE6_HWADDR": "", "LEASE6_DUID": DUID},
            {"presence": "absent", "mac": MAC, "ip": "2001:db8::5"},
        ),
        (
            "lease6_expire",
            {"LEASE6_ADDRESS": "2001:db8::5", "LEASE6_DUID": "00:01:00:01:2a:00:00:00:4e:03:7b:1b:88:48"},
            {"mac": MAC},
        ),
    ],
)
def test_every_event_says_whether_the_device_is_there(
    event: str, environment: dict[str, str], expected: dict[str, Any]
) -> None:
    found = read(event, environment)

    assert {name: getattr(found, name) for name in expected} == expected


def test_what_dhcpv6_tells_beside_is_kept_for_people() -> None:
    assert read("leases6_committed", COMMITTED6).details == {
        "message-type": "REQUEST",
        "heard-by": "kea",
        "duid": "000300014e037b1b8848",
        "delegated-prefix": "2001:db8:f00d::/56",
        "source-ip": "fe80::4c03:7bff:fe1b:8848",
    }


def test_a_lease_that_ran_out_is_no_word_of_the_client() -> None:
    assert read("lease4_expire", LEASE4).details["message-type"] == "lease4_expire"


def test_a_sub_option_that_comes_twice_is_told() -> None:
    found = read("leases4_committed", COMMITTED4 | {"QUERY4_OPTION_82": "0x010161010162"})

    assert (found.circuit_id, found.details["repeated-sub-options"]) == ("62", "1")


def test_a_circuit_id_of_255_bytes_is_whole() -> None:
    found = read("leases4_committed", COMMITTED4 | {"QUERY4_OPTION_82": f"0x01FF{'AA' * 255}"})

    assert found.circuit_id == "aa" * 255


@pytest.mark.parametrize(
    ("event", "environment", "reason"),
    [
        ("lease4_renew", COMMITTED4, "lease4_renew is told again"),
        ("lease6_rebind", QUERY6, "lease6_rebind is told again"),
        ("lease4_recover", LEASE4, "about an address"),
        ("leases4_committed", QUERY4 | {"QUERY4_TYPE": "DHCPOFFER"}, "OFFER says nothing of a device"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR": ""}, "no Ethernet MAC"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR_TYPE": "32"}, "no Ethernet MAC"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR": "00:00:00:00:00:00"}, "no Ethernet MAC"),
        ("leases6_committed", QUERY6 | {"QUERY6_TYPE": "INFORMATION_REQUEST"}, "says nothing of a device"),
        ("leases6_committed", QUERY6 | {"QUERY6_CLIENT_ID": "00:04:" + "ab:" * 15 + "cd"}, "no Ethernet MAC"),
    ],
)
def test_an_event_that_tells_nothing_new_says_why(event: str, environment: dict[str, str], reason: str) -> None:
    with pytest.raises(TellsNothing, match=reason):
        read(event, environment)


@pytest.mark.parametrize(
    ("event", "environment", "reason"),
    [
        ("lease4_\x1b[31m", {}, r"'lease4_\\x1b\[31m' is no event of Kea"),
        ("leases4_committed", {}, "QUERY4_TYPE is no DHCP message: ''"),
        ("leases4_committed", QUERY4 | {"QUERY4_TYPE": "BOOTREQUEST"}, "QUERY4_TYPE is no DHCP message"),
        ("leases4_committed", COMMITTED4 | {"LEASES4_AT0_ADDRESS": "10.77.0.256"}, "no IPv4 address"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_GIADDR": "relay"}, "'relay' is no IPv4 address"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR": "4e:03:7b"}, "no Ethernet MAC"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR": "xx"}, "QUERY4_HWADDR is no hex"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR": "aa:" * 16 + "aa"}, "over 16 bytes"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_HWADDR_TYPE": "ether"}, "is no number"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_OPTION_82": "0x0109AB"}, "sub-option 1 of option 82 runs over"),
        ("leases4_committed", COMMITTED4 | {"QUERY4_OPTION_82": "0xABC"}, "QUERY4_OPTION_82 is no hex"),
        ("lease6_expire", {"LEASE6_ADDRESS": "here", "LEASE6_DUID": DUID}, "'here' is no IPv6 address"),
    ],
)
def test_an_event_that_cannot_be_read_says_what_is_wrong(event: str, environment: dict[str, str], reason: str) -> None:
    with pytest.raises((Unreadable, TellsNothing), match=reason):
        read(event, environment)
