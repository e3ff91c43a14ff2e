"""Ports, and the names of what an edge server has for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.linux_edge import names
from drivers.linux_edge.names import Attachment

INTERFACES = ("eth1", "eth1.7", "enp65s0f1np1")
VLANS = st.integers(1, names.MAX_VLAN)
SERVICES = st.text("abcXYZ019._:-", min_size=1, max_size=64)


@pytest.mark.parametrize(
    ("port", "s_vlan", "c_vlan", "attachment"),
    [
        ("eth1", 0, None, Attachment("eth1", 0)),
        ("eth1", 201, None, Attachment("eth1", 201)),
        ("eth1", 201, 301, Attachment("eth1", 201, 301)),
        ("eth1.201", 201, None, Attachment("eth1", 201)),
        ("eth1.201", 201, 301, Attachment("eth1", 201, 301)),
        ("eth1.201.301", 201, 301, Attachment("eth1", 201, 301)),
        ("eth1.7", 201, None, Attachment("eth1.7", 201)),
        ("eth1.7.201", 201, 5, Attachment("eth1.7", 201, 5)),
    ],
)
def test_a_port_fixes_what_it_spells(port: str, s_vlan: int, c_vlan: int | None, attachment: Attachment) -> None:
    assert names.attachment_of(port, s_vlan, c_vlan, INTERFACES) == attachment


@pytest.mark.parametrize(
    ("port", "s_vlan", "c_vlan", "said"),
    [
        ("eth2", 201, None, "no port eth2"),
        ("eth10", 201, None, "no port eth10"),
        ("eth1.", 201, None, "no port"),
        ("eth1.0201", 201, None, "no port"),
        ("eth1.201.301.4", 201, 301, "no port"),
        ("eth1;reboot", 201, None, "no port"),
        ("eth1.201", 202, None, "other VLANs"),
        ("eth1.201.301", 201, None, "other VLANs"),
        ("eth1.201.301", 201, 302, "other VLANs"),
        ("eth1", 0, 301, "untagged"),
        ("eth1", 4095, None, "VLAN ids"),
        ("eth1", -1, None, "VLAN ids"),
        ("eth1", 201, 0, "VLAN ids"),
    ],
)
def test_a_port_that_is_not_so_is_refused(port: str, s_vlan: int, c_vlan: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        names.attachment_of(port, s_vlan, c_vlan, INTERFACES)


@pytest.mark.parametrize("service", ["", "a b", "a\nb", "x" * 65, "ä", "a=b"])
def test_a_service_that_could_say_more_is_refused(service: str) -> None:
    with pytest.raises(ValueError, match="service"):
        names.alias(service, "eth1")


@given(st.sampled_from(INTERFACES), VLANS, st.none() | VLANS)
def test_a_name_fits_a_kernel_and_is_an_attachment_s_own(interface: str, s_vlan: int, c_vlan: int | None) -> None:
    attachment = Attachment(interface, s_vlan, c_vlan)
    other = Attachment(interface, s_vlan % names.MAX_VLAN + 1, c_vlan)
    made = [names.link_name(attachment), names.outer_name(interface, s_vlan)]
    made.append(names.upstream_name(made[0]))

    assert all(names.is_interface(name) for name in made)
    assert len({*made, names.link_name(other), names.outer_name(interface, other.s_vlan)}) == 5


@given(SERVICES, st.sampled_from(["eth1", "eth1.201", "enp65s0f1np1.4094.4094"]))
def test_a_mark_is_read_as_it_was_written(service: str, port: str) -> None:
    mark = names.alias(service, port)

    assert names.parse_alias(mark) == (service, port)
    assert len(mark) < 255


@given(st.text())
def test_any_other_alias_is_no_mark(text: str) -> None:
    assert names.parse_alias(text) is None or text.startswith("ztpd svc=")
