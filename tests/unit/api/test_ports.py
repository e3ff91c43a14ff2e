"""Which ports an element has, as a location may name them."""

import pytest

from ztpd.api.contract import Element
from ztpd.api.locations import access_problems
from ztpd.domain.model import Access

SWITCH = Element(frozenset({"ethernet"}), frozenset({"Ethernet1", "Ethernet2"}))
EDGE = Element(frozenset({"ethernet"}), frozenset({"eth1", "eth2.100"}), vlans_behind=True)


@pytest.mark.parametrize(
    ("element", "port", "is_one"),
    [
        (SWITCH, "Ethernet1", True),
        (SWITCH, "Ethernet3", False),
        (SWITCH, "Ethernet1.201", False),
        (EDGE, "eth1", True),
        (EDGE, "eth1.201", True),
        (EDGE, "eth1.201.4094", True),
        (EDGE, "eth2.100", True),
        (EDGE, "eth2.100.201.301", True),
        (EDGE, "eth2", False),
        (EDGE, "eth2.101", False),
        (EDGE, "eth12", False),
        (EDGE, "eth1.0", False),
        (EDGE, "eth1.4095", False),
        (EDGE, "eth1.201.301.1", False),
        (EDGE, "eth1.201.", False),
        (EDGE, "eth1.201\n", False),
        (Element(frozenset({"ethernet"})), "whatever", True),
    ],
)
def test_a_port_is_one_of_the_element_s(element: Element, port: str, is_one: bool) -> None:
    assert element.has(port) is is_one


def test_what_may_stand_behind_an_interface_is_said() -> None:
    access = Access(technology="ethernet", element="edge-1", port="eth3.201")
    [problem] = access_problems(access, {"edge-1": EDGE})
    assert problem["field"] == "access.port"
    assert problem["remedy"] == "it has eth1, eth2.100, alone or with one or two VLAN ids behind (eth1.201.301)"
