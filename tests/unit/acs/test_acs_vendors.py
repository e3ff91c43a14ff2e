"""What is peculiar to makes: connections told apart, networks in other places, and faults in people's words."""

from dataclasses import replace

import pytest

from tests.unit.acs.devices import ACME, Device
from ztpd.acs import fault_words
from ztpd.acs.messages import DeviceId
from ztpd.acs.requests import GetParameterNames, SetParameterValues
from ztpd.domain.profile import Value

HUAWEI = DeviceId("Huawei Technologies Co., Ltd", "00259E", "EG8145", "S1")
WAN = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice."


def tr098() -> Device:
    """An ONT that is managed by its first WAN connection, as Huawei's are."""
    tree = {
        "InternetGatewayDevice.WANDevice.1.WANCommonInterfaceConfig.WANAccessType": "Ethernet",
        f"{WAN}1.WANIPConnection.1.Name": "1_TR069_R_VID_46",
        f"{WAN}1.WANIPConnection.1.X_HW_SERVICELIST": "TR069",
        f"{WAN}1.WANPPPConnectionNumberOfEntries": "0",
        f"{WAN}1.WANIPConnectionNumberOfEntries": "1",
    }
    for number, hertz in ((1, "2.4GHz"), (5, "5GHz")):
        wlan = f"InternetGatewayDevice.LANDevice.1.WLANConfiguration.{number}."
        tree |= {f"{wlan}Channel": "0", f"{wlan}Standard": "n", f"{wlan}X_HW_RFBand": hertz, f"{wlan}SSID": "factory"}
    connection = {"Enable": "0", "Username": "", "Password": "", "X_HW_SERVICELIST": "", "X_HW_VLAN": "0"}
    state = {"ConnectionStatus": "Connected", "LastConnectionError": "ERROR_NONE"}
    counts = {"WANPPPConnectionNumberOfEntries": "0", "WANIPConnectionNumberOfEntries": "0"}
    return Device(tree, {WAN: counts, f"{WAN}2.WANPPPConnection.": connection | state}, identity=HUAWEI)


def test_a_connection_of_its_own_is_made_beside_the_one_for_management() -> None:
    device = tr098()
    values: dict[str, Value] = {"wan.pppoe.username": "u", "wan.pppoe.password": "p" * 8, "wan.vlan": 10}
    outcome = device.configure({**values, "wifi.5ghz.ssid": "Home"})
    assert outcome.ok, outcome.fault
    assert outcome.instances == {"wan_device": 1, "wlan_5ghz": 5}
    assert device.tree[f"{WAN}2.WANPPPConnection.1.Username"] == "u"
    assert device.tree[f"{WAN}2.WANPPPConnection.1.X_HW_SERVICELIST"] == "INTERNET"
    assert device.tree[f"{WAN}1.WANIPConnection.1.X_HW_SERVICELIST"] == "TR069"
    before = dict(device.tree)
    again = device.configure(values, outcome.instances)
    assert again.ok
    assert device.tree == before


def test_the_channel_tells_the_radios_of_tr098_apart() -> None:
    device = replace(tr098(), identity=ACME)
    for number, channel in ((1, "36"), (5, "6")):
        device.tree[f"InternetGatewayDevice.LANDevice.1.WLANConfiguration.{number}.Channel"] = channel
    assert device.configure({"wifi.5ghz.ssid": "Home"}).instances == {"wlan_5ghz": 1}
    device.tree["InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel"] = (
        "0"  # nothing tells: the usual number,
    )
    fault = device.configure({"wifi.5ghz.ssid": "Home"}).fault
    assert fault is not None  # but not where that is of the other band
    assert not any(isinstance(request, SetParameterValues) for request in device.asked)
    assert any(isinstance(request, GetParameterNames) for request in device.asked)


TP_LINK = DeviceId("TP-Link", "5CA6E6", "IGD", "S1")


def test_a_network_of_the_customer_is_never_taken_for_that_of_guests() -> None:
    """TP-Link's second network is that of 5 GHz, where others have guests."""
    tree: dict[str, str] = {}
    for number, band in ((1, "2.4GHz"), (2, "5GHz")):
        wlan = f"InternetGatewayDevice.LANDevice.1.WLANConfiguration.{number}."
        tree |= {f"{wlan}X_TP_Band": band, f"{wlan}SSID": "home", f"{wlan}X_TP_PreSharedKey": "factory"}
    device = Device(tree, identity=TP_LINK, hidden=("X_TP_PreSharedKey",))
    before = dict(device.tree)
    fault = device.configure({"wifi.guest.ssid": "Guests"}).fault
    assert fault is not None
    assert fault.words == "wifi.guest.ssid: the device has no guest Wi-Fi"
    assert device.tree == before
    assert device.configure({"wifi.5ghz.ssid": "Home 5", "wifi.5ghz.passphrase": "secret-5"}).ok
    assert device.tree["InternetGatewayDevice.LANDevice.1.WLANConfiguration.2.SSID"] == "Home 5"
    assert device.tree["InternetGatewayDevice.LANDevice.1.WLANConfiguration.2.X_TP_PreSharedKey"] == "secret-5"


@pytest.mark.parametrize(
    ("code", "said", "about", "told"),
    [
        (9007, "Invalid parameter value", "Wi-Fi channel (5 GHz)", "Invalid value for Wi-Fi channel (5 GHz)"),
        (9007, "CWMP fault", "Wi-Fi channel", "Invalid value for Wi-Fi channel"),
        (9007, "", "Wi-Fi channel", "Invalid value for Wi-Fi channel"),
        (9007, "1 to 13", "Wi-Fi channel", "Invalid value for Wi-Fi channel (the device says: 1 to 13)"),
        (9801, "Fan is off", "", "Fan is off"),
        (9801, "", "", "the CPE gave no reason"),
        (9002, "x" * 1000, "", f"Internal error of the device (the device says: {'x' * 200})"),
        (9002, "a\r\n\tb", "", "Internal error of the device (the device says: a b)"),
    ],
)
def test_faults_are_told_in_words_for_a_technician(code: int, said: str, about: str, told: str) -> None:
    assert fault_words.told(code, said, about) == told
