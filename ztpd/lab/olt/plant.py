"""The OLT as it comes: XGS-PON ports, each with a channel group, partition and pair of its own, and one uplink."""

from lxml import etree

from ztpd.lab.netconf.rpc_error import NETCONF
from ztpd.lab.netconf.schema import INTERFACES, V_ANI, XPON, self_contained
from ztpd.lab.olt.tree import Entry, Path, Tree

Element = etree._Element

UPLINK = "uplink-1"

_PORT = """
<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces" xmlns:xpon="urn:bbf:yang:bbf-xpon"
    xmlns:bbf-xpon-types="urn:bbf:yang:bbf-xpon-types" xmlns:bbf-xpon-if-type="urn:bbf:yang:bbf-xpon-if-type">
  <interface><name>cg-{name}</name><type>bbf-xpon-if-type:channel-group</type>
    <xpon:channel-group><xpon:pon-pools><xpon:pon-pool><xpon:name>pool-{name}</xpon:name>
      <xpon:channel-termination-ref>{name}</xpon:channel-termination-ref>
    </xpon:pon-pool></xpon:pon-pools></xpon:channel-group></interface>
  <interface><name>cpart-{name}</name><type>bbf-xpon-if-type:channel-partition</type>
    <xpon:channel-partition><xpon:channel-group-ref>cg-{name}</xpon:channel-group-ref>
      <xpon:channel-partition-index>0</xpon:channel-partition-index>
      <xpon:authentication-method>serial-number</xpon:authentication-method>
    </xpon:channel-partition></interface>
  <interface><name>cpair-{name}</name><type>bbf-xpon-if-type:channel-pair</type>
    <xpon:channel-pair><xpon:channel-group-ref>cg-{name}</xpon:channel-group-ref>
      <xpon:channel-partition-ref>cpart-{name}</xpon:channel-partition-ref>
      <xpon:channel-pair-type>bbf-xpon-types:xgs</xpon:channel-pair-type>
    </xpon:channel-pair></interface>
  <interface><name>{name}</name><type>bbf-xpon-if-type:channel-termination</type>
    <xpon:channel-termination><xpon:channel-pair-ref>cpair-{name}</xpon:channel-pair-ref>
      <xpon:channel-termination-type>bbf-xpon-types:xgs</xpon:channel-termination-type>
      <xpon:xgs-pon-id>{number}</xpon:xgs-pon-id>
      <xpon:location>bbf-xpon-types:inside-olt</xpon:location>
    </xpon:channel-termination></interface>
</interfaces>
"""
_UPLINK = f"""
<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"
    xmlns:iana-if-type="urn:ietf:params:xml:ns:yang:iana-if-type">
  <interface><name>{UPLINK}</name><type>iana-if-type:ethernetCsmacd</type></interface>
</interfaces>
"""


def port_names(count: int) -> tuple[str, ...]:
    """The names of the channel terminations: ``1/1/1``, ``1/1/2`` …"""
    return tuple(f"1/1/{number}" for number in range(1, count + 1))


def factory_configuration(ports: int) -> Element:
    """The ``<config>`` of an OLT that knows no ONU, and whose ports announce nothing yet."""
    parser = etree.XMLParser(remove_blank_text=True)
    config = etree.Element(f"{{{NETCONF}}}config")
    interfaces = etree.SubElement(config, f"{{{INTERFACES}}}interfaces")
    for number, name in enumerate(port_names(ports), start=1):
        interfaces.extend(self_contained(etree.fromstring(_PORT.format(name=name, number=number), parser)))
    interfaces.extend(self_contained(etree.fromstring(_UPLINK, parser)))
    return config


INTERFACES_PATH: Path = (f"{{{INTERFACES}}}interfaces",)
"""Where a tree has its interfaces."""


def interface_named(tree: Tree, name: str) -> Element | None:
    """One entry of ``/interfaces``."""
    entry = tree.entries(INTERFACES_PATH).get((f"{{{INTERFACES}}}interface", name))
    return None if entry is None else entry.element


def channel_pairs(tree: Tree) -> dict[str, str]:
    """The channel pair of every channel termination."""
    termination = f"{{{XPON}}}channel-termination"
    return {
        name: pairs[0]
        for (_, name), entry in tree.entries(INTERFACES_PATH).items()
        if (pairs := entry.values((termination, f"{{{XPON}}}channel-pair-ref")))
    }


def v_anis(tree: Tree) -> list[Entry]:
    """The interfaces that are v-ANIs."""
    v_ani = f"{{{V_ANI}}}v-ani"
    return [entry for entry in tree.entries(INTERFACES_PATH).values() if v_ani in entry.tags]
