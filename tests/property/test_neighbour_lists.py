"""Whatever a switch lists as neighbours: neighbours that are fit to be kept, or what is wrong, named and counted."""

from dataclasses import astuple
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from drivers.netconf_switch.openconfig_lldp import NEIGHBOURS_A_PORT, mac_of, neighbours_of, ports_of
from tests.unit.drivers.switch_wire import INTERFACES, LLDP, data, lldp, port, whole

Element = etree._Element

said = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=300)
macs = st.from_regex(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}", fullmatch=True)
words = said | macs | st.sampled_from(("MAC_ADDRESS", "INTERFACE_NAME", "true", "t:ROUTER", "ianaift:ethernetCsmacd"))
namespaces = st.sampled_from((LLDP, LLDP, LLDP, INTERFACES, "urn:example"))
PATH = ("lldp", "interfaces", "interface", "neighbors", "neighbor")
BESIDE = ("name", "state", "config", "type", "capabilities", "capability", "enabled", "mgmt-addresses", "mgmt-address")
LEAVES = ("address", "chassis-id", "chassis-id-type", "port-id", "port-id-type", "system-name")
names = st.sampled_from(PATH + BESIDE + LEAVES)


@st.composite
def trees(draw: st.DrawFn) -> Element:
    """Nodes in document order, each at most one level below the last."""
    root = data("")
    path = [root]
    for depth, namespace, name, text in draw(
        st.lists(st.tuples(st.integers(0, 7), namespaces, names, words), max_size=16)
    ):
        del path[depth + 1 :]
        made = etree.SubElement(path[-1], f"{{{namespace}}}{name}")
        made.text = text
        path.append(made)
    return root


@st.composite
def lists(draw: st.DrawFn) -> Element:
    """The neighbours of two ports, whole but for some leaves that hold anything, or are missing or twice."""
    root = lldp(*(port(name, *[whole()] * draw(st.integers(0, 20))) for name in ("Ethernet1", "Ethernet2")))
    for leaf in [found for found in root.iter(etree.Element) if len(found) == 0][: draw(st.integers(0, 60))]:
        match draw(st.sampled_from(("kept", "kept", "kept", "spoiled", "missing", "twice"))):
            case "spoiled":
                leaf.text = draw(words)
            case "missing":
                cast("Element", leaf.getparent()).remove(leaf)
            case "twice":
                leaf.addnext(etree.fromstring(etree.tostring(leaf, with_tail=False)))
    return root


def entries(root: Element) -> int:
    return len(root.findall("/".join(f"{{{LLDP}}}{tag}" for tag in PATH)))


@given(trees() | lists())
def test_any_reply_gives_neighbours_or_counted_malformed(root: Element) -> None:
    found, malformed = neighbours_of(root)
    assert bool(entries(root)) == bool(found or malformed), "no entry is passed over in silence"
    assert len(found) + len(malformed) <= entries(root)
    by_port: dict[str, int] = {}
    for neighbour in found:
        by_port[neighbour.port] = by_port.get(neighbour.port, 0) + 1
        assert neighbour.port
        assert neighbour.chassis_id
        for text in (text for field in astuple(neighbour) for text in (field if isinstance(field, tuple) else [field])):
            assert text is None or (text.isprintable() and len(text) <= 255)
        assert all(mac is None or mac_of(mac) == mac for mac in (neighbour.chassis_mac, neighbour.port_mac))
    assert max(by_port.values(), default=0) <= NEIGHBOURS_A_PORT


@given(trees())
def test_any_reply_gives_ports_that_have_a_name(root: Element) -> None:
    assert all(name.isprintable() and 0 < len(name) <= 255 for name in ports_of(root))


@given(words)
def test_any_text_is_the_address_of_one_device_or_none(text: str) -> None:
    try:
        found = mac_of(text)
    except ValueError:
        return
    assert mac_of(found) == found
    assert int(found[:2], 16) % 2 == 0
