"""The lab OLT behaves like one: what it announces, lists, measures, refuses, and gives back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from tests.unit.drivers import yang
from tests.unit.drivers.plants import WANTED, provisioned
from ztpd.lab.netconf import schema
from ztpd.lab.netconf.rpc_error import RpcError
from ztpd.lab.olt.dialect import I1, I3, Dialect
from ztpd.lab.olt.fibre import DARK_BELOW_DBM, PluggedOnu
from ztpd.lab.olt.olt import NoSuchOnu, NoSuchPort, Olt
from ztpd.lab.olt.validation import validate

Element = etree._Element
SERIAL = WANTED.device
STATES = (
    "<{states} xmlns='{onus}' xmlns:ot='{ot}'>ot:onu-present</{states}>"
    "<{states} xmlns='{onus}' xmlns:ot='{ot}'>ot:onu-not-present</{states}>"
).format(states="notifiable-onu-presence-states", onus=schema.ONU_STATE, ot=schema.ONU_TYPES)

INTERFACE_STATE = f"""<x xmlns="{schema.INTERFACES}"><admin-status>up</admin-status><oper-status>up</oper-status>
<if-index>1</if-index><statistics><discontinuity-time>2026-01-01T00:00:00Z</discontinuity-time></statistics></x>"""


class Lab:
    """An OLT whose announcements are kept and whose clock is turned by hand."""

    def __init__(self, dialect: Dialect = I3, *, notifiable: bool = True) -> None:
        self.announced: list[Element] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.olt = Olt(2, self.announced.append, lambda: self.now, dialect)
        if notifiable and dialect is I3:
            self.make_notifiable()

    def make_notifiable(self) -> None:
        running = etree.fromstring(etree.tostring(self.olt.datastores.config))
        for termination in running.iter(f"{{{schema.XPON}}}channel-termination"):
            termination.extend(etree.fromstring(f"<x>{STATES}</x>"))
        self.olt.datastores.start_over(schema.self_contained(running))

    def configure(self) -> None:
        self.olt.datastores.start_over(provisioned(self.olt.datastores.config, WANTED))

    def plug(self, port: str = "1/1/1", onu_rx_dbm: float = -18.5, olt_rx_dbm: float = -20.0) -> None:
        self.olt.plug(PluggedOnu(SERIAL, port, onu_rx_dbm, olt_rx_dbm))

    def take(self) -> list[tuple[str, str]]:
        """Port and state of each announcement since the last look."""
        events = [(port_of(message), state(message)) for message in self.announced]
        self.announced.clear()
        return events

    def listed(self) -> list[tuple[str, str]]:
        present = f"{{{self.olt.dialect.namespace}}}onu"
        return [
            (text(interface, "name"), state(onu))
            for top in self.olt.data()
            for interface in top.iter(f"{{{schema.INTERFACES}}}interface")
            for onu in interface.iter(present)
        ]

    def levels(self, tag: str) -> list[str]:
        return [leaf.text or "" for top in self.olt.data() for leaf in top.iter(f"{{*}}{tag}")]


def text(element: Element, tag: str) -> str:
    return element.findtext(f".//{{*}}{tag}") or ""


def state(element: Element) -> str:
    return (text(element, "onu-presence-state") or text(element, "onu-state")).rpartition(":")[2]


def port_of(message: Element) -> str:
    return text(message, "name") or text(message, "channel-termination-ref")


UNKNOWN = "onu-present-and-no-v-ani-known-and-o5-failed-no-onu-id"
INTENDED = "onu-present-and-on-intended-channel-termination"
ELSEWHERE = "onu-present-and-v-ani-known-and-o5-failed-undefined"


def test_an_onu_is_announced_through_its_whole_life() -> None:
    lab = Lab()

    lab.plug()
    lab.configure()
    lab.olt.unplug(SERIAL)
    lab.plug()
    lab.make_notifiable()

    assert lab.take() == [
        ("1/1/1", UNKNOWN),
        ("1/1/1", INTENDED),
        ("1/1/1", "onu-not-present-with-v-ani"),
        ("1/1/1", INTENDED),
    ]


def test_an_olt_of_issue_1_announces_everything_unasked_and_lists_it() -> None:
    lab = Lab(I1)

    lab.plug()
    unknown = lab.listed()
    lab.configure()
    lab.olt.clone(SERIAL, "1/1/2")
    both = lab.listed()
    lab.olt.unplug(SERIAL)

    assert lab.take() == [
        ("1/1/1", "onu-present-and-unexpected"),
        ("1/1/1", INTENDED),
        ("1/1/2", "onu-present"),
        ("1/1/1", "onu-not-present-with-v-ani"),
        ("1/1/2", "onu-not-present-with-v-ani"),
    ]
    assert unknown == [("1/1/1", "onu-present-and-unexpected")]
    assert both == [("1/1/1", INTENDED), ("1/1/2", "onu-present")]


def test_a_change_of_issue_1_is_a_notification_of_its_own() -> None:
    lab = Lab(I1)
    lab.olt.plug(PluggedOnu(SERIAL, "1/1/2", -18.5, -20.0, registration_id="30313200"))

    [_, change] = lab.announced[0]

    assert change.tag == f"{{{schema.ONU_STATES}}}onu-state-change"
    assert {etree.QName(leaf.tag).localname: leaf.text for leaf in change} == {
        "detected-serial-number": SERIAL,
        "channel-termination-ref": "1/1/2",
        "onu-state-last-change": "2026-01-01T00:00:00+00:00",
        "onu-state": "bbf-xpon-onu-types:onu-present-and-unexpected",
        "detected-registration-id": "012",
    }
    prefixes = [leaf.nsmap for leaf in change.iter(f"{{{schema.ONU_STATES}}}onu-state")]
    assert [nsmap["bbf-xpon-onu-types"] for nsmap in prefixes] == ["urn:bbf:yang:bbf-xpon-more-types"]


def test_a_v_ani_of_issue_1_has_its_state_in_a_module_of_its_own() -> None:
    lab = Lab(I1)
    lab.configure()
    lab.plug("1/1/2")

    [v_ani] = [found for top in lab.olt.data() for found in top.iter(f"{{{schema.V_ANI}}}v-ani")][1:]

    assert text(v_ani, "onu-present-on-this-channel-termination") == "1/1/2"
    assert (v_ani.findtext(f"{{{schema.V_ANI_ONU_STATES}}}onu-state") or "").endswith(":onu-present")
    assert v_ani.find(f"{{{schema.V_ANI}}}onu-presence-state") is None


@pytest.mark.parametrize("written", ["LOID-1", "00", "0a0a", "fffe"])
def test_a_registration_id_that_spells_nothing_is_written_as_it_stands(written: str) -> None:
    lab = Lab(I1)
    lab.olt.plug(PluggedOnu(SERIAL, "1/1/2", -18.5, -20.0, registration_id=written))

    assert lab.levels("detected-registration-id") == [written]


def test_a_port_that_is_not_configured_to_announce_is_silent_but_lists() -> None:
    lab = Lab(notifiable=False)

    lab.plug()

    assert lab.take() == []
    assert lab.listed() == [("1/1/1", UNKNOWN)]


def test_an_onu_that_gets_darker_goes_away_and_comes_back() -> None:
    lab = Lab()
    lab.plug(olt_rx_dbm=DARK_BELOW_DBM - 0.1)
    assert (lab.take(), lab.listed()) == ([], [])

    lab.olt.set_light(SERIAL, -27.0, DARK_BELOW_DBM)
    lab.olt.set_light(SERIAL, DARK_BELOW_DBM - 5, -20.0)

    assert lab.take() == [("1/1/1", UNKNOWN), ("1/1/1", "onu-not-present-without-v-ani")]


def test_a_weak_onu_works_and_shows_its_levels() -> None:
    lab = Lab()
    lab.configure()
    lab.plug(onu_rx_dbm=-29.25, olt_rx_dbm=-30.4)

    assert lab.listed() == [("1/1/1", INTENDED)]
    assert lab.levels("rssi") == ["-304"]
    assert [float(level) for level in lab.levels("receive")] == [-29.25]


def test_an_onu_on_another_port_than_configured_does_not_work() -> None:
    lab = Lab()
    lab.configure()
    lab.plug("1/1/2")

    assert lab.listed() == [("1/1/2", ELSEWHERE)]
    assert lab.levels("receive") == []


def test_a_clone_is_seen_on_both_ports_and_works_on_one() -> None:
    lab = Lab()
    lab.configure()
    lab.plug("1/1/2")
    lab.olt.clone(SERIAL, "1/1/1")

    assert sorted(lab.listed()) == [("1/1/1", INTENDED), ("1/1/2", ELSEWHERE)]
    assert len(lab.levels("rssi")) == 2


def test_when_an_onu_was_detected_stays_when_it_is_looked_at_again() -> None:
    lab = Lab()
    lab.plug()
    lab.now += timedelta(hours=1)
    lab.configure()

    assert lab.levels("onu-detected-datetime") == ["2026-01-01T00:00:00+00:00"]


def test_all_that_is_read_is_valid_under_the_modules(data_folder: Path, tmp_path: Path) -> None:
    lab = Lab()
    lab.configure()
    lab.plug()
    lab.olt.clone(SERIAL, "1/1/2")
    lab.olt.plug(PluggedOnu("ALCL0000CAFE", "1/1/2", -25.0, -26.0, registration_id="3031"))

    data = etree.Element("data")
    data.extend(lab.olt.data())
    for interface in data.iterfind(f"{{{schema.INTERFACES}}}interfaces/{{{schema.INTERFACES}}}interface"):
        # RFC 8343 has every interface's state here too; this server reports it in interfaces-state alone.
        interface.extend(etree.fromstring(INTERFACE_STATE))

    yang.check(data_folder, data, "data", tmp_path)


def test_a_reset_forgets_everything() -> None:
    lab = Lab(notifiable=False)
    before = etree.tostring(lab.olt.datastores.config)
    lab.plug()
    lab.configure()
    lab.olt.rpcs["get"] += 1
    lab.olt.faults.hang_after = 0

    lab.olt.reset()

    assert etree.tostring(lab.olt.datastores.config) == before
    assert (lab.olt.plugged(), lab.olt.sights(), lab.olt.rpcs.total()) == ([], [], 0)
    assert not lab.olt.faults.hangs()


def test_what_is_not_there_is_named() -> None:
    lab = Lab()

    with pytest.raises(NoSuchPort, match="1/1/9"):
        lab.plug("1/1/9")
    with pytest.raises(NoSuchOnu, match=SERIAL):
        lab.olt.unplug(SERIAL)
    lab.plug()
    with pytest.raises(NoSuchOnu, match="1/1/2"):
        lab.olt.unplug(SERIAL, "1/1/2")


@pytest.mark.parametrize(
    ("leaf", "value", "tag", "said"),
    [
        ("channel-partition", "nowhere", "data-missing", "no interface 'nowhere'"),
        ("preferred-channel-pair", "nowhere", "data-missing", "no interface 'nowhere'"),
        ("preferred-channel-pair", "cpair-1/1/2", "operation-failed", "same channel partition"),
        ("lower-layer-interface", "nowhere", "data-missing", "no interface 'nowhere'"),
        ("tcont-ref", "nowhere", "data-missing", "no tcont 'nowhere'"),
        ("traffic-descriptor-profile-ref", "gold", "data-missing", "no traffic-descriptor-profile 'gold'"),
        ("sub-interface", "nowhere", "data-missing", "no interface 'nowhere'"),
        ("shaper-name", "nowhere", "data-missing", "no shaper-profile 'nowhere'"),
        ("to-interface", "nowhere", "data-missing", "no interface 'nowhere'"),
        ("maximum-bandwidth", "1", "operation-failed", "maximum bandwidth"),
    ],
)
def test_a_configuration_that_does_not_hold_together_is_refused(leaf: str, value: str, tag: str, said: str) -> None:
    lab = Lab()
    lab.configure()
    config = lab.olt.datastores.config
    validate(config)
    next(found for found in config.iter(f"{{*}}{leaf}") if len(found) == 0).text = value

    with pytest.raises(RpcError, match=said) as caught:
        validate(config)

    assert caught.value.tag == tag
    assert leaf in (caught.value.path or "") or leaf == "maximum-bandwidth"


@pytest.mark.parametrize("leaf", ["onu-id", "alloc-id", "gemport-id", "expected-serial-number"])
def test_a_number_given_twice_is_refused(leaf: str) -> None:
    lab = Lab()
    other = WANTED.__class__("SVC-2", "1/1/1", "ALCL0000CAFE", 201, 302, 1_000_000, 1_000_000)
    config = provisioned(lab.olt.datastores.config, WANTED, other)
    validate(config)
    leaves = list(config.iter(f"{{*}}{leaf}"))
    leaves[-1].text = leaves[0].text

    with pytest.raises(RpcError, match=f"{leaf} {leaves[0].text} is in use"):
        validate(config)
