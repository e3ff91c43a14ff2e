"""Small trees, written short: prefixes of the modules are declared for every text."""

from lxml import etree

from ztpd.lab.netconf import schema
from ztpd.lab.netconf.rpc_error import NETCONF

_PREFIXES = {
    "nc": NETCONF,
    "if": schema.INTERFACES,
    "gem": schema.GEM_TCONT,
    "vani": schema.V_ANI,
    "xpon": schema.XPON,
    "onus": schema.ONU_STATE,
    "ot": schema.ONU_TYPES,
    "lt": schema.LINK_TABLE,
    "fwd": schema.FORWARDING,
}


def tree(text: str, root: str = "nc:config") -> etree._Element:
    """``<root>text</root>`` with every prefix declared."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _PREFIXES.items())
    return etree.fromstring(f"<{root} {declared}>{text}</{root}>", etree.XMLParser(remove_blank_text=True))


def plain(element: etree._Element) -> object:
    """A tree as nested tuples of tags and texts, without prefixes and order of siblings."""
    if len(element) == 0:
        return etree.QName(element.tag).localname, (element.text or "").strip()
    return etree.QName(element.tag).localname, tuple(sorted((plain(child) for child in element), key=repr))
