"""What the switch driver writes, in each family of modules: valid under the real ones, and no more than it should."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.netconf_switch.names import NotRepresentable
from drivers.netconf_switch.port import Change, Free, Port
from tests.unit.drivers import yang
from tests.unit.drivers.switches import Bench, bridge, openconfig, provider, wanted

BENCHES = {"openconfig": openconfig, "bridge": bridge, "provider": provider}
MODULES = {
    "openconfig": (
        "yang-openconfig",
        (
            "openconfig-vlan-types",
            "openconfig-types",
            "openconfig-qos-types",
            "iana-if-type",
            "openconfig-interfaces",
            "openconfig-if-ethernet",
            "openconfig-vlan",
            "openconfig-qos",
        ),
    ),
    "bridge": ("yang-ieee", ("ieee802-dot1q-types", "iana-if-type", "ietf-interfaces", "ieee802-dot1q-bridge")),
}
MODULES["provider"] = (MODULES["bridge"][0], (*MODULES["bridge"][1], "ieee802-dot1q-pb"))
BRIDGE = "urn:ieee:std:802.1Q:yang:ieee802-dot1q-bridge"
QOS = "http://openconfig.net/yang/qos"


@pytest.fixture(params=BENCHES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(kind: str) -> Bench:
    return BENCHES[kind]()


def test_what_is_configured_is_valid_under_the_real_modules(
    kind: str, bench: Bench, data_folder: Path, tmp_path: Path
) -> None:
    folder, names = MODULES[kind]
    yang.check_in(data_folder, folder, names, bench.running, tmp_path)
    c_vlan = 301 if kind == "provider" else None

    bench.serve(wanted(c_vlan=c_vlan), wanted("Ethernet2", enabled=False, s_vlan=77, upstream_bps=2_500_000_000))
    yang.check_in(data_folder, folder, names, bench.running, tmp_path)

    bench.serve(wanted(s_vlan=78))
    bench.free("Ethernet2")
    yang.check_in(data_folder, folder, names, bench.running, tmp_path)


def test_ports_of_a_batch_come_and_go_together_and_leave_nothing(bench: Bench) -> None:
    bare = bench.text()

    bench.serve(*(wanted(f"Ethernet{n}", s_vlan=88) for n in range(1, 4)))
    configured = bench.ports()
    bench.free("Ethernet1", "Ethernet3")
    left = bench.ports()
    bench.free("Ethernet2")

    assert [configured[f"Ethernet{n}"].complete for n in range(1, 4)] == [True] * 3
    assert [left[f"Ethernet{n}"].configured for n in range(1, 4)] == [False, True, False]
    assert (left["Ethernet2"].s_vlan, left["Ethernet2"].complete) == (88, True)
    assert bench.text() == bare


@pytest.mark.parametrize("make", BENCHES.values(), ids=BENCHES)
def test_a_free_port_is_in_the_free_vlan_and_as_open_as_is_said(make: Callable[..., Bench]) -> None:
    bench = make(free=Free(99, False))
    bench.serve(wanted())
    bench.free("Ethernet1")
    [first, second] = [bench.ports()[port] for port in ("Ethernet1", "Ethernet2")]

    assert (first.s_vlan, first.enabled, first.description, first.configured) == (99, False, None, False)
    assert (second.enabled, second.configured) == (True, False)

    bench.serve(wanted())
    assert (bench.ports()["Ethernet1"].s_vlan, bench.ports()["Ethernet1"].complete) == (201, True)


def test_opening_and_shutting_touches_nothing_else(bench: Bench) -> None:
    bench.serve(wanted())
    before = bench.text()

    bench.change(Change(admin={"Ethernet1": False}))
    shut = bench.text()
    bench.change(Change(admin={"Ethernet1": True}))

    assert shut != before
    assert shut.replace(b"enabled>false", b"enabled>true") == before == bench.text()


def test_a_policy_of_a_rate_polices_what_comes_and_shapes_what_goes() -> None:
    bench = openconfig()
    bench.serve(wanted(upstream_bps=20_000_000, downstream_bps=1_000_000_000))

    path = f"{{{QOS}}}qos/{{{QOS}}}scheduler-policies/{{{QOS}}}scheduler-policy"
    told = {
        policy.findtext(f"{{{QOS}}}name"): [
            (policy.findtext(f".//{{{QOS}}}{leaf}")) for leaf in ("cir", "bc", "queuing-behavior", "drop")
        ]
        for policy in bench.running.iterfind(path)
    }

    assert told == {
        "ztpd-up-Ethernet1": ["20000000", "100000", "POLICE", "true"],
        "ztpd-down-Ethernet1": ["1000000000", "1250000", "SHAPE", None],
    }


def test_what_others_set_on_the_qos_of_a_port_stays() -> None:
    bench = openconfig()
    queues = "<output><queues><queue>1</queue></queues></output>"
    bench.edit(
        f'<qos xmlns="{QOS}"><interfaces><interface><interface-id>Ethernet1</interface-id><config>'
        f"<interface-id>Ethernet1</interface-id></config>{queues}</interface></interfaces></qos>"
    )
    bench.serve(wanted())
    bench.free("Ethernet1")

    assert b"queues" in bench.text()
    assert b"scheduler-policy" not in bench.text()
    assert not bench.ports()["Ethernet1"].configured


def test_the_vlan_of_the_operators_trunk_stays_when_its_last_service_leaves() -> None:
    bench = bridge()
    before = bench.text()
    bench.serve(wanted(s_vlan=201))
    assert bench.ports()["Ethernet1"].complete
    bench.free("Ethernet1")

    assert b">201<" in before
    assert bench.text() == before


@pytest.mark.parametrize(
    ("vids", "sent", "configured", "kept"),
    [
        ("200-300", "untagged", True, True),
        ("1-9,201", "untagged", False, True),
        ("1-9", "untagged", False, False),
        ("201", "tagged", True, True),
    ],
)
def test_a_port_is_left_in_the_entry_that_has_its_vlan_and_taken_out_of_others(
    vids: str, sent: str, configured: bool, kept: bool
) -> None:
    bench = bridge()
    entry = (
        f"<vlan-registration-entry><database-id>0</database-id><vids>{vids}</vids><port-map><port-ref>1</port-ref>"
        f"<static-vlan-registration-entries><vlan-transmitted>{sent}</vlan-transmitted>"
        "</static-vlan-registration-entries></port-map></vlan-registration-entry>"
    )
    bench.edit(
        f'<bridges xmlns="{BRIDGE}"><bridge><name>bridge</name><component><name>c-vlan</name><filtering-database>'
        f"{entry}</filtering-database></component></bridge></bridges>"
    )
    assert bench.ports()["Ethernet1"].configured is configured
    bench.serve(wanted(s_vlan=201))

    assert bench.ports()["Ethernet1"].complete
    assert (vids.encode() in bench.text()) is kept
    assert bench.text().count(b"<dot1q:port-ref>1<") + bench.text().count(b"<port-ref>1<") == 1


@pytest.mark.parametrize(
    ("bench", "port", "others", "said"),
    [
        (openconfig(), Port("Ethernet1"), {"c_vlan": 5}, "c_vlan 5 cannot be said in openconfig-vlan"),
        (openconfig(), Port("Ethernet1"), {"upstream_bps": 0}, "a rate of 0 bit/s is none"),
        (bridge(), Port("Ethernet1"), {"c_vlan": 5}, "needs Ethernet1 to be a customer edge port"),
        (provider(), Port("Ethernet1", double_tags=True), {"priority": 8}, "priority 8 is no IEEE 802.1p code point"),
        (provider(), Port("Ethernet1", unfit="Ethernet1 is in no bridge"), {}, "is in no bridge"),
    ],
)
def test_what_cannot_be_said_is_refused(bench: Bench, port: Port, others: dict[str, Any], said: str) -> None:
    with pytest.raises(NotRepresentable, match=said):
        bench.dialect.check(wanted(**others), port)


def test_without_a_model_for_rates_none_is_written_and_none_is_compared() -> None:
    bench = openconfig(rates=False)
    bench.dialect.check(wanted(upstream_bps=0), Port("Ethernet1"))
    bench.serve(wanted())

    assert {"downstream_bps", "upstream_bps"} <= bench.dialect.unmodelled
    assert b"qos" not in bench.text()
    assert bench.ports()["Ethernet1"].complete


def test_two_tags_are_told_from_one_on_a_customer_edge_port() -> None:
    bench = provider()
    bench.serve(wanted(c_vlan=1), wanted("Ethernet2", c_vlan=None), wanted("Ethernet3", c_vlan=301, priority=5))
    ports = bench.ports()

    assert [(ports[f"Ethernet{n}"].s_vlan, ports[f"Ethernet{n}"].c_vlan) for n in (1, 2, 3)] == [
        (201, 1),
        (201, None),
        (201, 301),
    ]
    assert [ports[f"Ethernet{n}"].priority for n in (1, 2, 3)] == [0, 0, 5]
