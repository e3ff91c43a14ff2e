"""What an endpoint may be configured to, which events it wants, and where it may be sent."""

from ipaddress import ip_address, ip_network

import pytest

from billing_hooks.address import refusal
from billing_hooks.endpoint import Endpoint
from billing_hooks.errors import InvalidEndpoint
from billing_hooks.signature import Secret

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def endpoint(**changes: object) -> Endpoint:
    settings: dict[str, object] = {"name": "crm", "url": "https://crm.example/hooks?t=s3cr3t", "secrets": (SECRET,)}
    return Endpoint(**(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("patterns", "wanted", "unwanted"),
    [
        (("*",), ["service.activated", "job.held"], []),
        (("service.*",), ["service.activated"], ["job.held", "Service.activated", "services"]),
        (("job.failed", "service.activated"), ["job.failed", "service.activated"], ["job.held"]),
    ],
)
def test_an_endpoint_wants_what_its_patterns_match(
    patterns: tuple[str, ...], wanted: list[str], unwanted: list[str]
) -> None:
    chosen = endpoint(events=patterns)
    assert all(chosen.wants(event_type) for event_type in wanted)
    assert not any(chosen.wants(event_type) for event_type in unwanted)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("name", ""),
        ("url", "ftp://crm.example/"),
        ("url", "https:///hooks"),
        ("url", "https://user:hunter2@crm.example/"),
        ("url", "https://crm.example/#there"),
        ("url", "https://crm.example:0/"),
        ("url", "https://crm.example:99999/"),
        ("url", "https://[::1/"),
        ("secrets", ()),
        ("secrets", (SECRET,) * 5),
        ("events", ()),
        ("events", ("",)),
        ("timeout_s", 0),
        ("timeout_s", float("nan")),
        ("concurrency", 0),
        ("max_response", -1),
        ("retry_scale", 0),
    ],
)
def test_an_unusable_setting_is_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(InvalidEndpoint) as caught:
        endpoint(**{setting: value})
    assert caught.value.setting == setting
    assert "hunter2" not in str(caught.value)


def test_what_is_shown_of_an_endpoint_holds_no_token() -> None:
    chosen = endpoint()
    assert "s3cr3t" not in repr(chosen)
    assert chosen.origin == "https://crm.example"


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_no_name_leads_where_no_billing_system_is(address: str) -> None:
    assert refusal(ip_address(address), (), "crm.example") is not None


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.7.7", "100.64.0.9", "fd00::5", "203.0.113.9", "2001:db8::1"])
def test_private_and_public_addresses_are_fine(address: str) -> None:
    assert refusal(ip_address(address), (), "crm.example") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_for_a_url_that_says_so(host: str) -> None:
    assert refusal(ip_address("127.0.0.1"), (), host) is None


def test_an_allow_list_alone_decides() -> None:
    allow = (ip_network("10.1.0.0/16"), ip_network("169.254.7.0/24"))
    assert refusal(ip_address("10.1.2.3"), allow, "crm.example") is None
    assert refusal(ip_address("::ffff:10.1.2.3"), allow, "crm.example") is None
    assert refusal(ip_address("169.254.7.1"), allow, "crm.example") is None
    assert refusal(ip_address("10.2.0.1"), allow, "crm.example") is not None
    assert refusal(ip_address("127.0.0.1"), allow, "127.0.0.1") is not None
