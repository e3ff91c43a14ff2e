"""Whatever a DHCP server says: a sighting that the intake takes, or a reason in one printable line."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ztpd.discovery.hooks import dnsmasq, kea
from ztpd.discovery.hooks.client import as_line
from ztpd.discovery.hooks.event import Environment, NoSighting
from ztpd.discovery.intake import sighting_in
from ztpd.domain.sighting import Sighting

HEARD_AT = datetime(2026, 1, 1, tzinfo=UTC)
MAC = b"4e:03:7b:1b:88:48"
DUID = b"00:03:00:01:4e:03:7b:1b:88:48"

octets = st.binary(max_size=300).map(lambda raw: raw.replace(b"\0", b""))
hexed = st.binary(max_size=260).map(lambda raw: b"0x" + raw.hex().encode())
coloned = st.binary(max_size=20).map(lambda raw: raw.hex(":").encode())
addresses = st.one_of(st.ip_addresses().map(lambda each: str(each).encode()), st.just(b""))
plausible = st.one_of(octets, hexed, coloned, addresses, st.sampled_from([MAC, DUID, b"1", b"IA_PD", b"0.0.0.0"]))

KEA_EVENTS = [
    *(f"lease{version}_{what}" for version in "46" for what in ("renew", "rebind", "expire", "recover", "release")),
    *("leases4_committed", "leases6_committed", "lease4_decline", "lease6_decline"),
]
KEA_TYPES = [
    b"DHCPDISCOVER",
    b"DHCPREQUEST",
    b"DHCPRELEASE",
    b"DHCPNAK",
    b"REQUEST",
    b"RELEASE",
    b"DECLINE",
    b"SOLICIT",
]
KEA_NAMES = [
    f"{prefix}_{name}"
    for prefix in ("QUERY4", "QUERY6", "LEASE4", "LEASE6", "LEASES4_AT0", "LEASES6_AT0", "LEASES6_AT1")
    for name in ("ADDRESS", "HWADDR", "HWADDR_TYPE", "HOSTNAME", "TYPE", "OPTION_82", "GIADDR", "CIADDR")
] + ["QUERY4_REMOTE_ADDR", "QUERY6_REMOTE_ADDR", "QUERY6_CLIENT_ID", "LEASE6_DUID", "LEASES6_AT0_PREFIX_LEN"]
DNSMASQ_NAMES = [
    f"DNSMASQ_{name}"
    for name in (
        *("CIRCUIT_ID", "REMOTE_ID", "SUBSCRIBER_ID", "CLIENT_ID", "VENDOR_CLASS", "RELAY_ADDRESS", "TAGS"),
        *("INTERFACE", "MAC", "SUPPLIED_HOSTNAME", "DATA_MISSING"),
    )
]


SOUND = {
    "QUERY4_HWADDR": MAC,
    "QUERY4_OPTION_82": b"0x0104FEED3D00",
    "LEASES4_AT0_ADDRESS": b"10.77.0.50",
    "LEASE4_HWADDR": MAC,
    "LEASE4_ADDRESS": b"10.77.0.50",
    "QUERY6_CLIENT_ID": DUID,
    "LEASE6_DUID": DUID,
}


def kea_environments() -> st.SearchStrategy[dict[str, bytes]]:
    """What a sighting needs with a few variables spoiled, or anything."""
    types = st.sampled_from(KEA_TYPES).map(lambda kind: {"QUERY4_TYPE": kind, "QUERY6_TYPE": kind})
    spoiled = st.dictionaries(st.sampled_from(KEA_NAMES), plausible, max_size=3)
    anything = st.dictionaries(st.sampled_from(KEA_NAMES), plausible, max_size=8)
    return st.one_of(st.builds(lambda kind, told: SOUND | kind | told, types, spoiled), anything)


def assert_answered(read: Callable[[], Sighting]) -> None:
    reason = ""
    try:
        found = read()
    except NoSighting as refusal:
        reason = refusal.reason
    else:
        assert_taken(found)
        return
    assert reason
    assert reason.isascii()
    assert reason.isprintable()


def assert_taken(found: Sighting) -> None:
    """The intake's own reading of it gives the same sighting."""
    assert sighting_in(as_line(found)) == found
    assert found.mac is not None
    assert not found.trusted
    assert (found.element, found.port, found.serial) == (None, None, None)
    assert all(value.isascii() and value.isprintable() for value in found.details.values())


@given(st.sampled_from(KEA_EVENTS), kea_environments())
def test_any_environment_of_kea_is_answered(event: str, environment: Environment) -> None:
    assert_answered(lambda: kea.sighting(event, environment, HEARD_AT))


@given(st.text(max_size=20))
def test_any_event_of_kea_is_answered(event: str) -> None:
    assert_answered(lambda: kea.sighting(event, SOUND, HEARD_AT))


@given(
    st.sampled_from(["add", "old", "del"]),
    st.sampled_from([(MAC, b"10.77.0.50"), (DUID, b"2001:db8::5"), (b"06-00:11", b"10.77.0.50")]),
    st.one_of(st.none(), addresses),
    st.dictionaries(st.sampled_from(DNSMASQ_NAMES), plausible, max_size=4),
)
def test_any_environment_of_dnsmasq_is_answered(
    action: str, client: tuple[bytes, bytes], address: bytes | None, environment: Environment
) -> None:
    arguments = [action, client[0].decode(), (client[1] if address is None else address).decode()]
    assert_answered(lambda: dnsmasq.sighting(arguments, environment, HEARD_AT))


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(["add", "old", MAC.decode()])), max_size=5))
def test_any_call_of_dnsmasq_is_answered(arguments: Sequence[str]) -> None:
    assert_answered(lambda: dnsmasq.sighting(arguments, {"DNSMASQ_INTERFACE": b"s0"}, HEARD_AT))
