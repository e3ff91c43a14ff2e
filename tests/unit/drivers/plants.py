"""Configurations to read and to write into: the lab OLT's plant, and what edits make of it."""

from lxml import etree

from drivers.access import WantedAccess
from drivers.netconf_bbf import changes, payloads, xml
from drivers.netconf_bbf.configuration import index
from drivers.netconf_bbf.inventory import Inventory, inventory_of
from drivers.netconf_bbf.payloads import Edit
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
    return edited(tree, xml.parse(etree.tostring(payloads.config(edits))))


def provisioned(tree: etree._Element, *wanted: WantedAccess) -> etree._Element:
    """The tree with ONUs added as the driver does it, in one batch."""
    return with_edits(tree, edits_for(inventory(tree), *wanted))


def inventory(tree: etree._Element) -> Inventory:
    """The tree as the driver works it out."""
    return inventory_of(index(tree), UPLINK)


def edits_for(known: Inventory, *wanted: WantedAccess) -> list[Edit]:
    """The edits that the driver makes for a batch."""
    batch = changes.Batch(known)
    return changes.edits_to_provision(known, [(onu.device, changes.objects_for(batch, onu)) for onu in wanted])


def canonical(tree: etree._Element) -> bytes:
    """A tree as bytes that can be compared."""
    return etree.tostring(tree, method="c14n")
