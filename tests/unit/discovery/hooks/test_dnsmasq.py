"""Calls of dnsmasq's dhcp-script as version 2.90 makes them, and what another program's get."""

from datetime import UTC, datetime

import pytest

from ztpd.discovery.hooks.dnsmasq import sighting
from ztpd.discovery.hooks.event import TellsNothing, Unreadable
from ztpd.domain.sighting import Presence, Sighting, Source

HEARD_AT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
MAC = "4e:03:7b:1b:88:48"
DUID = "00:03:00:01:4e:03:7b:1b:88:48"
RELAYED = {
    "DNSMASQ_CLIENT_ID": b"01:4e:03:7b:1b:88:48",
    "DNSMASQ_CIRCUIT_ID": b"olt-1 xpon 1/1/0/3:1.1.301\xfe\n",
    "DNSMASQ_REMOTE_ID": b"HWTC1A2B3C4D",
    "DNSMASQ_SUBSCRIBER_ID": b"XYY",
    "DNSMASQ_RELAY_ADDRESS": b"10.77.0.9",
    "DNSMASQ_SUPPLIED_HOSTNAME": b"cpe1",
    "DNSMASQ_VENDOR_CLASS": b"vcA\xff",
    "DNSMASQ_TAGS": b"s0 homes",
    "DNSMASQ_INTERFACE": b"s0",
}


def read(arguments: list[str], environment: dict[str, bytes] | None = None) -> Sighting:
    return sighting(arguments, RELAYED if environment is None else environment, HEARD_AT)


def test_a_new_lease_says_who_where_and_which_address() -> None:
    assert read(["add", MAC, "10.77.0.50", "cpe1"]) == Sighting(
        source=Source.DHCP,
        heard_at=HEARD_AT,
        mac=MAC,
        ip="10.77.0.50",
        circuit_id=b"olt-1 xpon 1/1/0/3:1.1.301\xfe\n".hex(),
        remote_id=b"HWTC1A2B3C4D".hex(),
        trusted=False,
        details={
            "message-type": "ACK",
            "heard-by": "dnsmasq",
            "client-id": "014e037b1b8848",
            "hostname": "cpe1",
            "vendor-class": "766341ff",
            "subscriber-id": "XYY",
            "giaddr": "10.77.0.9",
            "tags": "s0 homes",
        },
    )


def test_a_renewal_is_a_device_that_is_there() -> None:
    found = read(["old", MAC, "10.77.0.50"], {"DNSMASQ_DATA_MISSING": b"1", "DNSMASQ_INTERFACE": b"s0"})

    assert (found.presence, found.ip, found.circuit_id) == (Presence.PRESENT, "10.77.0.50", None)


def test_a_lease_that_is_gone_is_a_device_that_left() -> None:
    found = read(["del", MAC, "10.77.0.50", "cpe1"], {"DNSMASQ_DATA_MISSING": b"1"})

    assert (found.presence, found.ip) == (Presence.ABSENT, "10.77.0.50")
    assert found.details == {"message-type": "del", "heard-by": "dnsmasq", "hostname": "cpe1"}


def test_dhcpv6_names_the_device_by_its_mac_or_its_duid() -> None:
    by_duid = read(["add", DUID, "2001:db8::5", "cpe1"], {"DNSMASQ_RELAY_ADDRESS": b"2001:db8::1"})
    by_mac = read(["add", "00:04:" + "ab:" * 15 + "cd", "2001:db8::5"], {"DNSMASQ_MAC": MAC.encode()})
    gone = read(["del", DUID, "2001:db8::5"], {})

    assert [each.mac for each in (by_duid, by_mac, gone)] == [MAC] * 3
    assert [each.ip for each in (by_duid, by_mac, gone)] == ["2001:db8::5"] * 3
    assert [each.presence for each in (by_duid, by_mac, gone)] == ["present", "present", "absent"]
    assert by_duid.details == {
        "message-type": "add",
        "heard-by": "dnsmasq",
        "duid": "000300014e037b1b8848",
        "hostname": "cpe1",
        "relay-address": "2001:db8::1",
    }


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["old", MAC, "10.77.0.50"], {"DNSMASQ_DATA_MISSING": b"1"}, "reads its leases anew"),
        (["init"], {}, "init is not about a lease"),
        (["tftp", "1000", "10.77.0.50", "/boot"], {}, "tftp is not about a lease"),
        (["arp-add", MAC, "10.77.0.50"], {}, "arp-add is not about a lease"),
        (["relay-snoop", "eth0", "2001:db8::1"], {}, "relay-snoop is not about a lease"),
        (["add", f"06-{MAC}", "10.77.0.50"], {}, "no Ethernet MAC"),
        (["add", "00:04:" + "ab:" * 15 + "cd", "2001:db8::5"], {}, "no Ethernet MAC"),
    ],
)
def test_a_call_that_tells_nothing_of_a_device_says_why(
    arguments: list[str], environment: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(TellsNothing, match=reason):
        read(arguments, environment)


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        ([], {}, "'' is no action of dnsmasq"),
        (["\x1badd"], {}, r"'\\x1badd' is no action of dnsmasq"),
        (["add", MAC], {}, "add needs a MAC address or DUID and an address"),
        (["add", "me", "10.77.0.50"], {}, "the MAC address is no hex: 'me'"),
        (["add", MAC, "ten"], {}, "'ten' is no IPv4 address"),
        (["add", DUID, "::zz"], {}, "'::zz' is no IPv6 address"),
        (["add", MAC, "10.77.0.50"], {"DNSMASQ_CLIENT_ID": b"xx"}, "DNSMASQ_CLIENT_ID is no hex"),
        (["add", MAC, "10.77.0.50"], {"DNSMASQ_CIRCUIT_ID": b"a" * 256}, "over 255 bytes"),
        (["add", MAC, "10.77.0.50"], {"DNSMASQ_RELAY_ADDRESS": b"\xff"}, "is no IPv4 address"),
    ],
)
def test_a_call_that_cannot_be_read_says_what_is_wrong(
    arguments: list[str], environment: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(arguments, environment)
