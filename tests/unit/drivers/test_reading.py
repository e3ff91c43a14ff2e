"""A configuration read back: whose it is, whether all of it is there, and what could not be read."""

from dataclasses import replace

import pytest
from lxml import etree

from drivers.access import ObservedAccess, WantedAccess, differences
from drivers.netconf_bbf import reading
from drivers.netconf_bbf.configuration import Kind, index
from drivers.netconf_bbf.dialects import I3
from drivers.netconf_bbf.plant import plant_of, silent_ports
from drivers.netconf_bbf.xml import MalformedXml, parse
from tests.unit.drivers.plants import WANTED, bare, inventory, made_by_another, provisioned

SHARED = replace(WANTED, c_vlan=None)
Element = etree._Element


def observed(tree: Element) -> ObservedAccess:
    onu = reading.observed_onu(inventory(tree), WANTED.device)
    assert onu is not None
    return onu


def entries(tree: Element) -> list[tuple[Kind, str, Element]]:
    """Every entry of every list that the bare plant does not have."""
    before = index(bare())
    return [
        (kind, key, entry)
        for kind, found in index(tree).entries.items()
        for key, entry in found.items()
        if key not in before.entries[kind]
    ]


@pytest.mark.parametrize(("wanted", "count"), [(WANTED, 14), (SHARED, 15)], ids=["1:1", "N:1"])
def test_without_any_one_of_its_objects_a_service_is_not_complete(wanted: WantedAccess, count: int) -> None:
    parts = [(kind, key) for kind, key, _ in entries(provisioned(bare(), wanted))]
    assert len(parts) == count

    for kind, key in parts:
        tree = provisioned(bare(), wanted)
        [entry] = [entry for found, name, entry in entries(tree) if (found, name) == (kind, key)]
        parent = entry.getparent()
        assert parent is not None
        parent.remove(entry)
        onu = reading.observed_onu(inventory(tree), WANTED.device)
        if key == f"vani-{WANTED.device}":
            assert onu is None
        else:
            assert onu is not None
            assert not onu.complete, f"{kind} {key}"


@pytest.mark.parametrize("wanted", [WANTED, SHARED], ids=["1:1", "N:1"])
@pytest.mark.parametrize(
    "leaf",
    [
        "to-interface",
        "interface-reference",
        "tcont-ref",
        "sub-interface",
        "traffic-descriptor-profile-ref",
        "shaper-name",
    ],
)
def test_a_reference_that_leads_elsewhere_is_not_complete_or_differs(wanted: WantedAccess, leaf: str) -> None:
    tree = provisioned(bare(), wanted)
    for found in list(tree.iter(f"{{*}}{leaf}"))[-1:]:
        found.text = "elsewhere"
    onu = observed(tree)

    assert not onu.complete or onu.upstream_bps is None


def test_a_disabled_onu_is_read_so() -> None:
    tree = provisioned(bare(), WANTED)
    next(tree.iter("{*}enabled")).text = "false"

    assert not observed(tree).enabled
    assert observed(tree).complete


def test_what_another_made_is_read_by_what_refers_to_what() -> None:
    onu = observed(made_by_another(provisioned(bare(), WANTED), WANTED))

    assert differences(WANTED, onu) == ()
    assert (onu.port, onu.onu_id, onu.service, onu.complete) == ("1/1/1", 1, None, True)
    assert "service" in onu.unmodelled


@pytest.mark.parametrize("missing", ["olt-v-enet", "tcont", "gemport", "sub-interface"])
def test_what_another_made_is_not_complete_without_a_part(missing: str) -> None:
    tree = made_by_another(provisioned(bare(), WANTED), WANTED)
    for leaf in list(tree.iter(f"{{*}}{missing}")):
        parent = leaf.getparent()
        assert parent is not None
        parent.remove(leaf)

    assert not observed(tree).complete


def test_a_malformed_v_ani_is_named_and_harms_only_itself() -> None:
    other = replace(WANTED, service="SVC-2", device="ALCL0000CAFE", c_vlan=302)
    third = replace(WANTED, service="SVC-3", device="ZTEG00000003", c_vlan=303)
    tree = provisioned(bare(), WANTED, other, third)
    serials = list(tree.iter("{*}expected-serial-number"))
    serials[0].text = "broken"
    list(tree.iter("{*}onu-id"))[1].text = "broken"

    found, malformed = reading.observed_onus(inventory(tree))

    assert [onu.device for onu in found] == ["ZTEG00000003"]
    assert sorted(entry.where for entry in malformed) == ["v-ani of ALCL0000CAFE", f"v-ani vani-{WANTED.device}"]


def test_an_entry_without_key_is_named() -> None:
    tree = bare()
    interfaces = tree[0]
    etree.SubElement(interfaces, f"{{{etree.QName(interfaces.tag).namespace}}}interface")

    assert [str(entry) for entry in index(tree).malformed] == ["interface: an entry has no key"]
    assert set(plant_of(index(tree)).ports) == {"1/1/1", "1/1/2"}


def test_the_plant_is_read_from_the_channel_terminations() -> None:
    port = plant_of(index(bare())).ports["1/1/2"]

    assert (port.channel_pair, port.channel_partition, port.pon_type) == ("cpair-1/1/2", "cpart-1/1/2", "xgs")
    assert plant_of(index(bare())).port_of_pair("cpair-1/1/2") == "1/1/2"
    assert plant_of(index(bare())).port_of_pair(None) is None
    assert I3.notifiable is not None
    assert silent_ports(index(bare()), I3.notifiable) == ("1/1/1", "1/1/2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a",
        "<a>\x00</a>",
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a>" * 5000 + "</a>" * 5000,
    ],
    ids=["empty", "cut", "control", "doctype", "entity", "external", "deep"],
)
def test_xml_that_is_none_or_is_dangerous_is_a_named_error(text: str) -> None:
    with pytest.raises(MalformedXml):
        parse(text)
