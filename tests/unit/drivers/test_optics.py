"""Light levels: what is said is read, what is not said is None."""

import pytest
from lxml import etree

from drivers.netconf_bbf import optics

SERIAL, V_ANI = "HWTC1A2B3C4D", "vani-HWTC1A2B3C4D"
NAMESPACES = (
    'xmlns="urn:ietf:params:xml:ns:yang:ietf-hardware" xmlns:t="urn:bbf:yang:bbf-hardware-transceivers" '
    'xmlns:x="urn:bbf:yang:bbf-hardware-transceivers-xpon"'
)


def hardware(*diagnostics: str) -> etree._Element:
    components = "".join(
        f"<component><name>c{number}</name><t:transceiver-link><t:diagnostics>{content}</t:diagnostics>"
        "</t:transceiver-link></component>"
        for number, content in enumerate(diagnostics)
    )
    return etree.fromstring(f"<data><hardware {NAMESPACES}>{components}</hardware></data>")


def rssi(value: str, serial: str = SERIAL, v_ani: str | None = None) -> str:
    reference = "" if v_ani is None else f"<x:v-ani-ref>{v_ani}</x:v-ani-ref>"
    return (
        f"<x:rssi-onu><x:detected-serial-number>{serial}</x:detected-serial-number>"
        f"<x:rssi>{value}</x:rssi>{reference}</x:rssi-onu>"
    )


def received(value: str) -> str:
    return f"<t:power-dbm><t:receive>{value}</t:receive></t:power-dbm>"


@pytest.mark.parametrize(
    ("entries", "level"),
    [
        ([rssi("-203")], -20.3),
        ([rssi("-203", serial="hwtc1a2b3c4d")], -20.3),
        ([rssi("unknown")], None),
        ([rssi("")], None),
        ([rssi("-9999")], None),
        ([rssi("-203", serial="ALCL0000CAFE")], None),
        ([], None),
        ([rssi("-203"), rssi("-250")], None),
        ([rssi("-203"), rssi("-250", v_ani=V_ANI)], -25.0),
        ([rssi("-203", v_ani="vani-other"), rssi("unknown", v_ani=V_ANI)], None),
    ],
    ids=["said", "case", "unknown", "empty", "absurd", "another", "nothing", "clones", "claimed", "claimed-unknown"],
)
def test_the_olts_side(entries: list[str], level: float | None) -> None:
    assert optics.olt_rx_dbm(optics.received_by_olt(hardware(*entries)).get(SERIAL, ()), V_ANI) == level


@pytest.mark.parametrize(
    ("entries", "level"),
    [
        ([received("-18.5000")], -18.5),
        ([received("undetermined")], None),
        ([""], None),
        ([], None),
        (["", received("-18.5")], -18.5),
        ([received("-18.5"), received("-19")], None),
        ([received("nan")], None),
    ],
    ids=["said", "undetermined", "silent", "nothing", "one-of-two", "two", "nan"],
)
def test_the_onus_side(entries: list[str], level: float | None) -> None:
    assert optics.only_level(optics.components(hardware(*entries))) == level


def test_the_components_behind_a_v_ani() -> None:
    data = etree.fromstring(
        '<data><interfaces-state xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces" '
        'xmlns:r="urn:bbf:yang:bbf-interfaces-remote-hardware-state">'
        f"<interface><name>{V_ANI}</name><r:remote-hardware><r:component>onu-1</r:component></r:remote-hardware>"
        "</interface><interface><name>vani-other</name><r:remote-hardware><r:component>onu-2</r:component>"
        "</r:remote-hardware></interface></interfaces-state></data>"
    )

    assert optics.onu_components(data) == {V_ANI: ["onu-1"], "vani-other": ["onu-2"]}


def test_the_v_ani_that_the_olt_takes_an_onu_for() -> None:
    told = optics.received_by_olt(hardware(rssi("-203"), rssi("-250", v_ani="subscriber-17")))[SERIAL]

    assert optics.v_ani_of(told) == "subscriber-17"
    assert optics.v_ani_of(told[:1]) is None
    assert optics.v_ani_of([*told, (V_ANI, -20.0)]) is None
