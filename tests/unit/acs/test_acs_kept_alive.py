"""Which session a POST without a cookie belongs to, by its connection."""

from ipaddress import ip_network

import pytest

from ztpd.acs.kept_alive import KeptAlive
from ztpd.acs.origin import Proxies, is_direct

ONE, OTHER = ("00259E", "ONT", "S1"), ("00259E", "ONT", "S2")


@pytest.fixture
def kept() -> KeptAlive:
    kept = KeptAlive()
    kept.began("connection")
    return kept


def test_a_connection_carries_a_session_once_its_cookie_was_shown(kept: KeptAlive) -> None:
    assert kept.token("connection") == ""
    kept.informed("connection", ONE)
    assert kept.token("connection") == ""
    kept.showed("connection", ONE, "first")
    assert kept.token("connection") == "first"


def test_a_new_session_of_the_device_shows_its_own(kept: KeptAlive) -> None:
    kept.showed("connection", ONE, "first")
    kept.informed("connection", ONE)
    assert kept.token("connection") == ""
    kept.showed("connection", ONE, "second")
    assert kept.token("connection") == "second"


def test_nothing_goes_by_a_connection_that_two_devices_were_heard_over(kept: KeptAlive) -> None:
    kept.showed("connection", ONE, "first")
    kept.informed("connection", OTHER)
    assert kept.token("connection") == ""
    kept.showed("connection", OTHER, "second")
    kept.showed("connection", ONE, "first")
    assert kept.token("connection") == ""


def test_nothing_is_kept_of_a_connection_that_has_ended(kept: KeptAlive) -> None:
    kept.forget("connection")
    kept.showed("connection", ONE, "late")  # its answer took longer than it lasted
    kept.forget("never")
    assert (kept.token("connection"), len(kept)) == ("", 0)


@pytest.mark.parametrize(
    ("address", "headers", "direct"),
    [
        ("192.0.2.1", {}, True),
        ("10.0.0.10", {}, False),  # a proxy of ours, however little it says
        ("192.0.2.1", {"Via": ["1.1 cache"]}, False),
        ("192.0.2.1", {"X-Forwarded-For": ["192.0.2.9"]}, False),
        ("192.0.2.1", {"Forwarded": ["for=192.0.2.9"]}, False),
        ("192.0.2.1", {"X-Real-IP": ["192.0.2.9"]}, False),
    ],
)
def test_a_proxy_is_known_by_its_address_or_its_headers(
    address: str, headers: dict[str, list[str]], direct: bool
) -> None:
    proxies = Proxies((ip_network("10.0.0.10/32"),))
    assert is_direct(address, lambda name: headers.get(name, []), proxies) is direct
