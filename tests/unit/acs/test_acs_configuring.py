"""What a CPE is asked so that it becomes what the intents say: nothing twice, nothing that is not needed."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.acs.devices import SSID_ROW, Cut, Device, tr181
from ztpd.acs.messages import Fault
from ztpd.acs.models import with_own
from ztpd.acs.requests import AddObject, GetParameterValues, Request, SetParameterValues
from ztpd.domain.cpe import Difference, FaultKind
from ztpd.domain.cpe_tasks import Configure, Inspect
from ztpd.domain.profile import Value

WIFI: dict[str, Value] = {
    "wifi.2ghz.ssid": "Home",
    "wifi.5ghz.ssid": "Home 5",
    "wifi.5ghz.passphrase": "correct horse",
    "wifi.5ghz.channel": 44,
}
SWAPPED = {"radio_2ghz": 2, "radio_5ghz": 1, "ssid_2ghz": 1, "ssid_5ghz": 2, "ap_5ghz": 1}
ONCE = ["SetParameterValues", "GetParameterValues"]


def mapping(number: int, port: int) -> dict[str, Value]:
    """A port mapping."""
    name = f"nat.port_mapping.{number}"
    return {
        f"{name}.protocol": "tcp",
        f"{name}.external_port": port,
        f"{name}.internal_port": port,
        f"{name}.client": "192.168.1.10",
        f"{name}.enable": True,
    }


def test_an_unknown_model_is_found_out_by_the_tables_that_are_needed_and_is_known_then() -> None:
    device = tr181(("5GHz", "2.4GHz"))
    outcome = device.configure(WIFI)

    assert outcome.ok
    assert outcome.instances == SWAPPED
    assert device.methods[-2:] == ONCE
    read = [
        path for request in device.asked[:-2] for path in getattr(request, "paths", (getattr(request, "path", ""),))
    ]
    assert all(
        path.startswith(("Device.WiFi.Radio.", "Device.WiFi.SSID.", "Device.WiFi.AccessPoint.")) for path in read
    )
    assert device.tree["Device.WiFi.SSID.2.SSID"] == "Home 5"  # the one on the first radio, which is of 5 GHz
    assert device.tree["Device.WiFi.AccessPoint.1.Security.KeyPassphrase"] == "correct horse"

    again = device.configure(WIFI, outcome.instances)
    assert (device.methods, again.ok, again.instances) == (ONCE, True, None)


def test_what_was_not_needed_before_is_found_without_finding_the_rest_again() -> None:
    device = tr181(("5GHz", "2.4GHz"))
    outcome = device.configure({**WIFI, "wan.pppoe.enable": True}, SWAPPED)
    assert device.methods == ["GetParameterValues", *ONCE]
    assert outcome.instances == {**SWAPPED, "ppp": 1}


def test_a_model_that_a_file_vouches_for_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    own = """
        name = "tr181"
        [[override]]
        manufacturer = "acme*"
        numbers = { radio_2ghz = 2, radio_5ghz = 1, ssid_2ghz = 1, ssid_5ghz = 2, ap_5ghz = 1 }
    """
    monkeypatch.setattr("tests.unit.acs.devices.MODELS", with_own([("own.toml", own)]))
    device = tr181(("5GHz", "2.4GHz"))
    assert device.configure(WIFI).ok
    assert device.methods == ONCE


def test_numbers_that_are_wrong_are_found_anew_once_and_replaced() -> None:
    device = tr181(("5GHz", "2.4GHz"))
    stale = {"radio_2ghz": 7, "radio_5ghz": 8, "ssid_2ghz": 7, "ssid_5ghz": 8, "ap_5ghz": 8, "ppp": 9}
    outcome = device.configure(WIFI, stale)
    assert outcome.ok
    assert outcome.instances == SWAPPED
    assert device.methods.count("SetParameterValues") == 2


def test_a_path_that_no_finding_helps_is_told_once() -> None:
    device = tr181(("5GHz", "2.4GHz"))
    del device.tree["Device.WiFi.Radio.1.Channel"]
    outcome = device.configure(WIFI, SWAPPED)
    assert outcome.fault is not None
    assert outcome.fault.words == "9005 The device has no such setting for Wi-Fi channel (5 GHz)"
    assert device.methods.count("SetParameterValues") == 1


def test_a_radio_that_is_not_there_is_told_and_no_other_taken_for_it() -> None:
    device = tr181()
    before = dict(device.tree)
    outcome = device.configure({"wifi.6ghz.ssid": "Home"})
    assert outcome.fault is not None
    assert outcome.fault.words == "wifi.6ghz.ssid: the device has no Wi-Fi network (6 GHz)"
    assert outcome.fault.kind is FaultKind.UNKNOWN_INTENT
    assert device.tree == before


@pytest.mark.parametrize("code", [9002, 9003, 9004, 9000])
def test_a_table_that_cannot_be_read_whole_is_read_row_by_row(code: int) -> None:
    device = tr181(("5GHz", "2.4GHz"))

    def refuses(request: Request) -> Fault | None:
        whole = isinstance(request, GetParameterValues) and request.paths[0].endswith(".")
        return Fault(code, "") if whole else None

    device.refuses = refuses
    outcome = device.configure(WIFI)
    assert outcome.ok
    assert outcome.instances == SWAPPED


def with_quirks(quirks: str, monkeypatch: pytest.MonkeyPatch) -> Device:
    own = f'name = "tr181"\n[[override]]\nmanufacturer = "acme*"\nquirks = {{ {quirks} }}\n'
    monkeypatch.setattr("tests.unit.acs.devices.MODELS", with_own([("own.toml", own)]))
    return tr181()


def test_a_device_that_takes_few_at_once_gets_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    device = with_quirks("read_batch = 2, set_batch = 3", monkeypatch)
    assert device.configure(WIFI).ok
    assert max(len(request.values) for request in device.asked if isinstance(request, SetParameterValues)) == 3
    assert max(len(request.paths) for request in device.asked if isinstance(request, GetParameterValues)) == 2


def test_booleans_and_times_are_sent_as_the_device_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    device = with_quirks('true = "TRUE", false = "FALSE", time = "%Y-%m-%d %H:%M:%S"', monkeypatch)
    time = "Device.ManagementServer.PeriodicInformTime"
    device.tree |= {"Device.Time.Enable": "FALSE", "Device.ManagementServer.PeriodicInformEnable": "TRUE", time: ""}
    outcome = device.configure(
        {
            "time.enable": True,
            "management.periodic_inform": False,
            "management.periodic_inform_time": "2026-01-02T03:04:05Z",
        }
    )
    assert outcome.ok, outcome.fault
    assert device.tree["Device.Time.Enable"] == "TRUE"
    assert device.tree["Device.ManagementServer.PeriodicInformEnable"] == "FALSE"
    assert device.tree[time] == "2026-01-02 03:04:05"


def test_a_device_that_must_not_be_searched_is_taken_by_the_usual_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    device = with_quirks("discover = false", monkeypatch)
    device.configure({"wifi.5ghz.channel": 44})
    assert device.methods == ONCE
    assert device.tree["Device.WiFi.Radio.2.Channel"] == "44"


class TestObjects:
    def test_missing_ones_are_made_and_doing_it_twice_adds_nothing(self) -> None:
        device = tr181()
        wanted = {**mapping(1, 80), **mapping(2, 443)}
        assert device.configure(wanted).ok
        assert device.rows("Device.NAT.PortMapping.") == {1, 2}
        before = dict(device.tree)
        outcome = device.configure(wanted)
        assert outcome.ok
        assert outcome.instances is None  # others of the model have not this row
        assert device.tree == before

    def test_those_of_the_customer_are_left_alone(self) -> None:
        device = tr181()
        table = "Device.NAT.PortMapping.1."
        device.tree |= {
            f"{table}{name}": text for name, text in {"Enable": "1", "Alias": "", "ExternalPort": "22"}.items()
        }
        assert device.configure(mapping(1, 80)).ok
        assert device.tree[f"{table}ExternalPort"] == "22"
        assert device.configure({"nat.port_mapping.count": 0}).ok
        assert device.rows("Device.NAT.PortMapping.") == {1}

    def test_those_that_are_not_wanted_any_more_are_deleted(self) -> None:
        device = tr181()
        device.configure({**mapping(1, 80), **mapping(2, 443)})
        assert device.configure(mapping(2, 443)).ok
        assert device.rows("Device.NAT.PortMapping.") == {2}
        assert device.tree["Device.NAT.PortMapping.2.ExternalPort"] == "443"

    def test_a_number_alone_makes_rows_and_takes_them_away(self) -> None:
        device = tr181()
        for count in (3, 1, 0):
            assert device.configure({"nat.port_mapping.count": count}).ok
            assert len(device.rows("Device.NAT.PortMapping.")) == count

    def test_a_number_and_rows_by_name_make_as_many_as_the_number(self) -> None:
        device = tr181()
        assert device.configure({**mapping(2, 443), "nat.port_mapping.count": 2}).ok
        marks = {device.tree[f"Device.NAT.PortMapping.{row}.Alias"] for row in device.rows("Device.NAT.PortMapping.")}
        assert marks == {"ztpd-port_mapping1", "ztpd-port_mapping2"}

    @pytest.mark.parametrize("count", [0, 33, -1])
    def test_a_number_that_contradicts_or_is_too_large_is_refused(self, count: int) -> None:
        device = tr181()
        fault = device.configure({**mapping(2, 443), "nat.port_mapping.count": count}).fault
        assert fault is not None
        assert (fault.kind, fault.parameter) == (FaultKind.INVALID_VALUE, "nat.port_mapping.count")
        assert device.asked == []

    def test_none_is_made_on_a_device_that_must_not_be_searched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        device = with_quirks("discover = false", monkeypatch)
        fault = device.configure(mapping(1, 80)).fault
        assert fault is not None
        assert fault.words == "nat.port_mapping.1.protocol: the device has no port mapping"
        assert device.asked == []

    def test_a_session_cut_anywhere_leaves_nothing_doubled(self) -> None:
        wanted = {**mapping(1, 80), **mapping(2, 443)}
        whole = tr181()
        whole.configure(wanted)
        for cut_at in range(len(whole.asked)):
            device = tr181()
            with pytest.raises(Cut):
                device.do(Configure(values=wanted), cut_at=cut_at)
            assert device.configure(wanted).ok
            assert device.tree == whole.tree

    def test_a_guest_network_is_made_with_its_access_point_on_the_right_radio(self) -> None:
        device = tr181(("5GHz", "2.4GHz"))
        guests: dict[str, Value] = {
            "wifi.guest.ssid": "Café",
            "wifi.guest.passphrase": "guests-only",
            "wifi.guest.enable": True,
        }
        assert device.configure(guests).ok
        assert device.tree["Device.WiFi.SSID.3.LowerLayers"] == "Device.WiFi.Radio.2."
        assert device.tree["Device.WiFi.SSID.3.SSID"] == "Café"
        assert device.tree["Device.WiFi.AccessPoint.3.SSIDReference"] == "Device.WiFi.SSID.3."
        assert device.tree["Device.WiFi.AccessPoint.3.Security.KeyPassphrase"] == "guests-only"
        before = dict(device.tree)
        assert device.configure(guests).ok
        assert device.tree == before

    def test_a_guest_network_of_the_factory_is_used_and_known_again_by_any_name(self) -> None:
        device = tr181()
        ours = {"LowerLayers": "Device.WiFi.Radio.1", "SSID": "Acme Guest", "Enable": "0", "Alias": "cpe-3"}
        device.tree |= {f"Device.WiFi.SSID.3.{name}": text for name, text in ours.items()}
        assert device.configure({"wifi.guest.ssid": "Café"}).ok
        assert device.configure({"wifi.guest.ssid": "Bistro"}).ok
        assert device.rows("Device.WiFi.SSID.") == {1, 2, 3}
        assert device.tree["Device.WiFi.SSID.3.SSID"] == "Bistro"

    @pytest.mark.parametrize("blank", [False, True])
    def test_a_guest_network_is_not_begun_where_its_radio_is_missing(self, blank: bool) -> None:
        device = tr181(("5GHz",))
        if blank:
            device.tree |= {f"Device.WiFi.SSID.9.{name}": text for name, text in SSID_ROW.items()}
        before = dict(device.tree)
        fault = device.configure({"wifi.guest.ssid": "Café"}).fault
        assert fault is not None
        assert fault.words == "wifi.guest.ssid: the device has no guest Wi-Fi"
        assert device.tree == before

    def test_a_device_that_lets_none_be_made_is_told_of(self) -> None:
        device = tr181()
        device.refuses = lambda request: Fault(9004, "Table full") if isinstance(request, AddObject) else None
        outcome = device.configure(mapping(1, 80))
        assert outcome.fault is not None
        assert (
            outcome.fault.words == "9004 The device has no room for this for port mapping (the device says: Table full)"
        )

    @given(st.lists(st.sets(st.integers(1, 5), max_size=4), min_size=1, max_size=5))
    def test_whatever_was_before_there_are_as_many_as_are_wanted(self, steps: list[set[int]]) -> None:
        device = tr181()
        for wanted in steps:
            values: dict[str, Value] = {"nat.port_mapping.count": len(wanted)}
            for number in wanted:
                values |= mapping(number, 1000 + number)
            assert device.configure(values).ok
            ports = {
                device.tree[f"Device.NAT.PortMapping.{row}.ExternalPort"]
                for row in device.rows("Device.NAT.PortMapping.")
            }
            assert ports == {str(1000 + number) for number in wanted}


class TestLogin:
    VALUES: Mapping[str, Value] = {"wan.pppoe.username": "u@isp", "wan.pppoe.password": "sentinel-1"}
    NUMBERS: Mapping[str, int] = {"ppp": 1}

    def test_that_works_at_once_is_good(self) -> None:
        device = tr181(**{"Device.PPP.Interface.1.ConnectionStatus": "Connected"})
        outcome = device.configure(self.VALUES, self.NUMBERS)
        assert (outcome.ok, outcome.pending) == (True, False)
        assert device.methods == ONCE

    def test_that_does_not_work_yet_is_looked_at_again_without_being_told_again(self) -> None:
        device = tr181(**{"Device.PPP.Interface.1.LastConnectionError": "ERROR_AUTHENTICATION_FAILURE"})
        first = device.configure(self.VALUES, self.NUMBERS)
        assert first.fault is not None
        assert (first.ok, first.pending, first.fault.kind) == (
            False,
            True,
            FaultKind.UNSETTLED,
        )  # the error is of before
        assert device.methods == [*ONCE, "ScheduleInform"]

        device.tree["Device.PPP.Interface.1.LastConnectionError"] = "ERROR_NONE"
        device.tree["Device.PPP.Interface.1.ConnectionStatus"] = "Authenticating"
        again = device.configure(self.VALUES, self.NUMBERS, told=True)
        assert again.fault is not None
        assert again.fault.words == "PPPoE login does not work yet: Authenticating, ERROR_NONE"
        assert device.methods == ["GetParameterValues"]

        device.tree["Device.PPP.Interface.1.ConnectionStatus"] = "Connected"
        assert device.configure(self.VALUES, self.NUMBERS, told=True).ok

    def test_that_is_refused_fails_in_words_for_a_technician(self) -> None:
        device = tr181(**{"Device.PPP.Interface.1.LastConnectionError": "ERROR_AUTHENTICATION_FAILURE"})
        device.configure(self.VALUES, self.NUMBERS)
        outcome = device.configure(self.VALUES, self.NUMBERS, told=True)
        assert outcome.fault is not None
        assert (outcome.pending, outcome.fault.kind) == (False, FaultKind.REFUSED)
        assert outcome.fault.words == "PPPoE login: the network refuses the user name or the password"
        assert "sentinel" not in repr(outcome)

    def test_a_device_that_lost_what_it_was_told_is_told_again(self) -> None:
        device = tr181()
        device.configure(self.VALUES, self.NUMBERS)
        device.tree["Device.PPP.Interface.1.Username"] = ""
        device.configure(self.VALUES, self.NUMBERS, told=True)
        assert device.methods == ["GetParameterValues", *ONCE, "ScheduleInform"]

    def test_a_device_that_shows_no_status_is_taken_at_its_word(self) -> None:
        device = tr181()
        for name in ("ConnectionStatus", "LastConnectionError"):
            del device.tree[f"Device.PPP.Interface.1.{name}"]
        assert device.configure(self.VALUES, self.NUMBERS).ok
        assert device.methods == [*ONCE, "GetParameterValues"]


class TestInspection:
    def test_shows_what_differs_in_one_read_and_changes_nothing(self) -> None:
        device = tr181()
        values: dict[str, Value] = {"wifi.5ghz.ssid": "Home", "wifi.5ghz.channel": 1, "wifi.5ghz.passphrase": "secret"}
        numbers = {"radio_5ghz": 2, "ssid_5ghz": 1, "ap_5ghz": 2}
        before = dict(device.tree)
        outcome = device.do(Inspect(values=values), numbers)
        assert outcome.ok
        assert outcome.differences == (Difference("wifi.5ghz.ssid", "Wi-Fi name (5 GHz)", "Home", "factory 5GHz"),)
        assert device.methods == ["GetParameterValues"]
        assert device.tree == before

    def test_shows_what_is_not_there_at_all(self) -> None:
        device = tr181()
        outcome = device.do(Inspect(values=mapping(1, 80)))
        assert {each.found for each in outcome.differences} == {"missing"}
        assert device.rows("Device.NAT.PortMapping.") == set()

    def test_shows_a_login_that_the_network_refuses_by_now(self) -> None:
        device = tr181(**{"Device.PPP.Interface.1.LastConnectionError": "ERROR_AUTHENTICATION_FAILURE"})
        device.configure(TestLogin.VALUES, TestLogin.NUMBERS)
        outcome = device.do(Inspect(values=dict(TestLogin.VALUES)), TestLogin.NUMBERS)
        assert outcome.ok
        refused = "PPPoE login: the network refuses the user name or the password"
        assert outcome.differences == (Difference("wan.pppoe.password", "PPPoE password", "works", refused),)

    def test_shows_nothing_where_all_is_as_wanted(self) -> None:
        device = tr181()
        device.configure(WIFI)
        assert device.do(Inspect(values=WIFI)).differences == ()
