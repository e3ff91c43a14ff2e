"""What the edge driver changes: all of it, nothing else, and right again wherever it was stopped."""

from dataclasses import replace
from itertools import pairwise

import pytest

from drivers.access import WantedAccess, differences
from drivers.linux_edge import changes, firewall, names, reading
from drivers.linux_edge.values import AddVlan, Link, SetAlias, SetFirewall, SetRate, SetUp
from drivers.places import Occupied
from pon.onu import Presence
from tests.unit.drivers.edges import SETTINGS, WANTED, ValueKernel

UNTAGGED = replace(WANTED, s_vlan=0, c_vlan=None)
TAGGED = replace(WANTED, c_vlan=None)
SUSPENDED = replace(WANTED, enabled=False)
SHAPES = [WANTED, TAGGED, UNTAGGED, SUSPENDED, replace(UNTAGGED, enabled=False), replace(WANTED, address=None)]
WITH_GATEWAY = replace(SETTINGS, gateway="203.0.113.1")


def make(kernel: ValueKernel, wanted: WantedAccess, *adopted: str) -> None:
    kernel.do(changes.changes_for(wanted, kernel.snapshot, SETTINGS, adopted))


def is_so(kernel: ValueKernel, wanted: WantedAccess) -> bool:
    observed = reading.observed(kernel.snapshot, wanted.device, SETTINGS)
    nothing_left = changes.changes_for(wanted, kernel.snapshot, SETTINGS, ()) == []
    return observed is not None and differences(wanted, observed) == () and nothing_left


@pytest.mark.parametrize("wanted", SHAPES)
def test_what_was_made_is_read_back_and_needs_nothing_more(wanted: WantedAccess) -> None:
    kernel = ValueKernel()
    make(kernel, wanted)
    observed = reading.observed(kernel.snapshot, wanted.device, SETTINGS)

    assert is_so(kernel, wanted)
    assert observed is not None
    assert observed.presence is Presence.INTENDED


@pytest.mark.parametrize("wanted", SHAPES)
def test_a_removed_service_leaves_the_kernel_as_it_was(wanted: WantedAccess) -> None:
    kernel, bare = ValueKernel(), ValueKernel()
    make(kernel, wanted)
    kernel.do(changes.changes_to_remove(wanted.device, kernel.snapshot, SETTINGS, ()))

    assert kernel.links == bare.links
    assert kernel.firewall is None
    assert all(not any(vars_of) for vars_of in map(_set_in, kernel.traffic.values()))
    assert changes.changes_to_remove(wanted.device, kernel.snapshot, SETTINGS, ()) == []


def _set_in(traffic: object) -> list[object]:
    return [getattr(traffic, name) for name in ("root", "rate_bps", "ingress", "redirect", "routes", "addresses")]


@pytest.mark.parametrize("second", SHAPES)
@pytest.mark.parametrize("first", SHAPES)
def test_a_change_stopped_anywhere_ends_right_when_it_is_made_again(first: WantedAccess, second: WantedAccess) -> None:
    for steps in range(_length(second, first) + 1):
        kernel = ValueKernel()
        make(kernel, first)
        kernel.do(changes.changes_for(second, kernel.snapshot, SETTINGS, ())[:steps])
        make(kernel, second)

        assert is_so(kernel, second), f"stopped after {steps}"
        ours = [link for link in kernel.links.values() if link.group == names.GROUP]
        assert len(ours) == (1 if second.s_vlan == 0 else 2 if second.c_vlan is None else 3)


@pytest.mark.parametrize("wanted", SHAPES)
def test_a_removal_stopped_anywhere_ends_with_nothing_when_it_is_made_again(wanted: WantedAccess) -> None:
    for steps in range(12):
        kernel = ValueKernel()
        make(kernel, wanted)
        kernel.do(changes.changes_to_remove(wanted.device, kernel.snapshot, SETTINGS, ())[:steps])
        kernel.do(changes.changes_to_remove(wanted.device, kernel.snapshot, SETTINGS, ()))

        assert kernel.links == ValueKernel().links
        assert kernel.firewall is None


@pytest.mark.parametrize("then", SHAPES)
@pytest.mark.parametrize("wanted", SHAPES)
def test_a_service_that_was_only_begun_is_taken_away_or_gives_way(wanted: WantedAccess, then: WantedAccess) -> None:
    for steps in range(_length(wanted) + 1):
        kernel = ValueKernel()
        kernel.do(changes.changes_for(wanted, kernel.snapshot, SETTINGS, ())[:steps])
        given_way = ValueKernel()
        given_way.do(changes.changes_for(wanted, given_way.snapshot, SETTINGS, ())[:steps])
        kernel.do(changes.changes_to_remove(wanted.device, kernel.snapshot, SETTINGS, ()))
        make(given_way, then)

        assert kernel.links == ValueKernel().links
        assert is_so(given_way, then)


def _length(wanted: WantedAccess, *before: WantedAccess) -> int:
    kernel = ValueKernel()
    for each in before:
        make(kernel, each)
    return len(changes.changes_for(wanted, kernel.snapshot, SETTINGS, ()))


def test_a_new_rate_is_one_change() -> None:
    kernel = ValueKernel()
    make(kernel, WANTED)

    planned = changes.changes_for(replace(WANTED, downstream_bps=8_000), kernel.snapshot, SETTINGS, ())

    assert planned == [SetRate("eth1.201.301", 8_000)]


def test_a_suspended_service_is_walled_in_and_shaped_before_its_link_comes_up() -> None:
    planned = changes.changes_for(SUSPENDED, ValueKernel().snapshot, SETTINGS, ())
    kinds = [type(each) for each in planned]

    assert planned[-2] == SetUp("eth1.201.301", True)
    assert SetFirewall in kinds[:-2]
    assert kinds.count(SetRate) == 2
    assert all(isinstance(mark, SetAlias) for made, mark in pairwise(planned) if isinstance(made, AddVlan))


def test_a_gateway_is_on_every_link() -> None:
    kernel = ValueKernel()
    kernel.do(changes.changes_for(WANTED, kernel.snapshot, WITH_GATEWAY, ()))

    without = reading.observed(kernel.snapshot, WANTED.device, replace(WITH_GATEWAY, gateway="203.0.113.9"))

    assert kernel.traffic["eth1.201.301"].addresses == {"203.0.113.1"}
    assert without is not None
    assert not without.complete


def test_an_s_vlan_is_shared_and_goes_with_its_last_service() -> None:
    first, second = (
        replace(WANTED, service=f"S-{n}", port=f"eth1.201.{n}", device=f"eth1.201.{n}", c_vlan=n, address=None)
        for n in (301, 302)
    )
    kernel = ValueKernel()
    make(kernel, first)
    alone = dict(kernel.links)
    make(kernel, second)
    assert is_so(kernel, first)
    assert is_so(kernel, second)

    kernel.do(changes.changes_to_remove(second.device, kernel.snapshot, SETTINGS, ()))

    assert kernel.links == alone


OTHERS = Link(0, "eth1.201.301", "vlan", 0, "802.1Q", 301, alias="by hand")


def with_foreign_vlan() -> ValueKernel:
    kernel = ValueKernel()
    kernel.add(Link(0, "outer", "vlan", kernel.links["eth1"].index, "802.1ad", 201, up=True))
    kernel.add(replace(OTHERS, name="customer", parent=kernel.links["outer"].index, up=True))
    return kernel


def test_a_vlan_that_others_made_is_listed_and_a_conflict_until_adopted() -> None:
    kernel = with_foreign_vlan()
    untouched = kernel.links["outer"]
    found = reading.service_links(kernel.snapshot, SETTINGS)

    with pytest.raises(Occupied, match=r"customer.*not made by ztpd"):
        make(kernel, WANTED)
    with pytest.raises(Occupied):
        changes.changes_to_remove("eth1.201.301", kernel.snapshot, SETTINGS, ())
    with pytest.raises(Occupied):
        changes.link_to_set_admin("eth1.201.301", kernel.snapshot, SETTINGS, ())
    adopted = replace(WANTED, port="eth1.201.301", device="eth1.201.301")
    make(kernel, adopted, "eth1.201.301")

    assert {device: link.name for device, link in found.items()} == {"eth1.201.301": "customer"}
    assert is_so(kernel, adopted)
    assert kernel.links["outer"] == untouched, "what only carries it is not ours"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (WANTED, replace(WANTED, service="S-2", port="eth1.201", device="eth1.201"), "is service SVC-1"),
        (WANTED, replace(WANTED, port="eth2", device="eth2"), "SVC-1 is on port eth1"),
        (UNTAGGED, replace(WANTED, service="S-2", port="eth1.201", device="eth1.201"), "untagged service"),
        (replace(WANTED, port="eth1.201", device="eth1.201"), replace(UNTAGGED, service="S-2"), "has VLANs"),
    ],
)
def test_two_services_do_not_get_the_same(first: WantedAccess, second: WantedAccess, said: str) -> None:
    kernel = ValueKernel()
    make(kernel, first)

    with pytest.raises(Occupied, match=said):
        make(kernel, second)
    assert is_so(kernel, first)


def test_a_name_that_another_link_has_is_a_conflict() -> None:
    kernel = ValueKernel("eth1", "eth1.201.301")

    with pytest.raises(Occupied, match=r"interface eth1\.201\.301"):
        make(kernel, WANTED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "eth2"},
        {"port": "eth9", "device": "eth9"},
        {"downstream_bps": 0},
        {"upstream_bps": 1_000_001},
        {"downstream_bps": 10**15},
        {"address": "192.0.2.10/24"},
        {"address": "2001:db8::1"},
        {"address": "192.0.2.1; reboot"},
        {"service": "a\nb"},
        {"c_vlan": 5000},
    ],
)
def test_a_value_that_is_not_allowed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make(ValueKernel(), replace(WANTED, **wrong))  # type: ignore[arg-type]


def test_suspension_touches_one_set_and_nothing_else() -> None:
    kernel = ValueKernel()
    make(kernel, WANTED)
    link = changes.link_to_set_admin(WANTED.device, kernel.snapshot, SETTINGS, ())
    planned = changes.changes_to_set_admin([link], False, kernel.snapshot, SETTINGS)
    kernel.do(planned)

    assert [type(each) for each in planned] == [SetFirewall]
    assert is_so(kernel, SUSPENDED)
    assert kernel.firewall is not None
    assert kernel.firewall.rules == firewall.digest(SETTINGS)
