"""Configurations to read and to write into: the lab OLT's plant, and what edits make of it."""

from collections.abc import Mapping

from lxml import etree

from drivers.access import WantedAccess, differences
from drivers.netconf_bbf import adoption, changes, editing, names, payloads, xml
from drivers.netconf_bbf.allocation import Exhausted, Numbers, held_numbers
from drivers.netconf_bbf.changes import Addition
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.editing import Edit
from drivers.netconf_bbf.inventory import Inventory, inventory_of
from drivers.netconf_bbf.ledger import Ledger
from drivers.netconf_bbf.plant import Port
from drivers.netconf_bbf.reading import observed_onu
from ztpd.lab.olt.edit import edited
from ztpd.lab.olt.plant import factory_configuration

UPLINK = "uplink-1"
WANTED = WantedAccess(
    "SVC-1", "1/1/1", "HWTC1A2B3C4D", 201, 301, 1_000_000_000, 500_000_000, 50_000_000, description="job=J-1"
)


def bare() -> etree._Element:
    """A plant with two ports and no ONU."""
    return factory_configuration(2)


def with_edits(tree: etree._Element, edits: list[Edit]) -> etree._Element:
    """What a server makes of the edits, after they went through text."""
    return edited(tree, xml.parse(etree.tostring(editing.config(edits))))


def provisioned(tree: etree._Element, *wanted: WantedAccess) -> etree._Element:
    """The tree with ONUs added as the driver does it, in one batch."""
    return with_edits(tree, edits_for(inventory(tree), *wanted))


def made_by_another(tree: etree._Element, wanted: WantedAccess) -> etree._Element:
    """The tree with every name in which a service is recognised replaced by one that says nothing."""
    own = names.of_onu(wanted.device)
    network = names.network_sub_interface(UPLINK, wanted.s_vlan, wanted.c_vlan)
    renamed = {
        own.v_ani: "subscriber-17",
        own.ani: "subscriber-17-ani",
        own.onu_v_enet: "subscriber-17-onu",
        own.olt_v_enet: "subscriber-17-lan",
        own.user_sub_interface: "subscriber-17-vlan",
        own.tcont: "t17",
        own.gemports[0]: "g17",
        own.gemports[1]: "g17-voice",
        network: "north-301",
        names.forwarder(wanted.service, UPLINK, wanted.s_vlan, wanted.c_vlan): "bridge-301",
        names.user_port(wanted.service): "south",
        names.NETWORK_PORT: "north",
        names.upstream_profile(wanted.upstream_bps, wanted.assured_upstream_bps): "gold-up",
        names.downstream_shaper(wanted.downstream_bps): "gold-down",
    }
    for leaf in tree.iter():
        if leaf.text in renamed:
            leaf.text = renamed[leaf.text]
    return tree


def inventory(tree: etree._Element) -> Inventory:
    """The tree as the driver works it out."""
    return inventory_of(index(tree), UPLINK)


def edits_for(known: Inventory, *wanted: WantedAccess, adopted: frozenset[str] = frozenset()) -> list[Edit]:
    """The edits that the driver makes for a batch."""
    batch = changes.Batch(known, adopted)
    ports = {onu.device: batch.take_place(onu) for onu in wanted}
    foreign = {onu.device for onu in wanted if known.foreign_v_ani(onu.device) is not None}
    held = {serial: held_numbers(known.configuration, serial) for serial in ports}
    needing = [(serial, port) for serial, port in ports.items() if held[serial] is None and serial not in foreign]
    numbers = held | Ledger(known.configuration).propose(needing)
    return changes.edits_to_provision(known, [_addition(known, onu, ports[onu.device], numbers) for onu in wanted])


def _addition(
    known: Inventory, wanted: WantedAccess, port: Port, numbers: Mapping[str, Numbers | Exhausted | None]
) -> Addition:
    if known.foreign_v_ani(wanted.device) is not None:
        return adoption.addition_for(known, wanted, differences(wanted, observed_onu(known, wanted.device)))
    held = numbers[wanted.device]
    assert isinstance(held, Numbers)
    return Addition(wanted.device, payloads.service_objects(wanted, held, port, UPLINK))


def canonical(tree: etree._Element) -> bytes:
    """A tree as bytes that can be compared."""
    return etree.tostring(tree, method="c14n")
