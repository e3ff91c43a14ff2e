"""What intents are called on devices, and what is refused before a device sees it."""

import pytest

from ztpd.acs.datamodel import (
    InvalidValue,
    Setting,
    UnknownIntent,
    UnknownModel,
    settings_for,
)
from ztpd.acs.messages import DeviceId
from ztpd.acs.model_files import ModelError, parse_model
from ztpd.acs.models import shipped
from ztpd.domain.profile import Value

MODELS = shipped()
ACME = DeviceId("Acme", "00259E", "ONT", "S1")
TR181 = {"Device.DeviceInfo.SoftwareVersion": "1"}
TR098 = {"InternetGatewayDevice.DeviceSummary": "1"}
VLAN = '[intents]\n"wan.vlan" = { paths = ["Device.V"], type = "unsignedInt" }\n'
HEAD = 'name = "m"\nroot = "Device."\n'


def settings(values: dict[str, Value], *, device: DeviceId = ACME, parameters: dict[str, str]) -> tuple[Setting, ...]:
    return settings_for(MODELS, device, parameters, values)


def test_the_root_of_the_inform_decides_the_model() -> None:
    ssid: dict[str, Value] = {"wifi.5ghz.ssid": "Home"}
    assert settings(ssid, parameters=TR181)[0].path == "Device.WiFi.SSID.2.SSID"
    assert settings(ssid, parameters=TR098)[0].path == "InternetGatewayDevice.LANDevice.1.WLANConfiguration.5.SSID"


def test_a_device_of_no_known_root_is_told() -> None:
    with pytest.raises(UnknownModel, match=r"InternetGatewayDevice\. or Device\."):
        settings({"wan.vlan": 1}, parameters={"Deviceless.X": "1"})


@pytest.mark.parametrize("parameters", [TR181, TR098], ids=["tr181", "tr098"])
def test_a_cpe_behind_nat_can_be_told_its_stun_server(parameters: dict[str, str]) -> None:
    values: dict[str, Value] = {"management.stun.enable": True, "management.stun.longest_period": -1}
    found = {setting.path.partition(".")[2]: setting.text for setting in settings(values, parameters=parameters)}
    assert found == {"ManagementServer.STUNEnable": "true", "ManagementServer.STUNMaximumKeepAlivePeriod": "-1"}


def test_one_intent_may_go_to_several_paths() -> None:
    paths = [setting.path for setting in settings({"wifi.passphrase": "12345678"}, parameters=TR181)]
    assert paths == [f"Device.WiFi.AccessPoint.{radio}.Security.KeyPassphrase" for radio in (1, 2)]


@pytest.mark.parametrize(
    ("manufacturer", "ending"),
    [("Huawei Technologies Co., Ltd", "X_HW_VLAN"), ("HUAWEI", "X_HW_VLAN"), ("ZTE", "X_ZTE-COM_VLANID")],
)
def test_a_vendors_own_name_overrides(manufacturer: str, ending: str) -> None:
    device = DeviceId(manufacturer, "00259E", "HG8145", "S1")
    assert settings({"wan.vlan": 7}, device=device, parameters=TR098)[0].path.endswith(ending)


def test_an_intent_without_a_path_is_named() -> None:
    with pytest.raises(UnknownIntent) as refused:
        settings({"wan.vlan": 7}, parameters=TR098)  # TR-098 has no WAN VLAN, and Acme none of its own
    assert refused.value.intent == "wan.vlan"
    assert "Acme ONT" in str(refused.value)


@pytest.mark.parametrize("root", ["Device.", "InternetGatewayDevice."])
def test_every_password_is_hidden(root: str) -> None:
    model = next(model for model in MODELS if model.root == root)
    hidden = {intent for intent, target in model.targets.items() if target.hidden}
    assert hidden == {intent for intent in model.targets if intent.endswith(("password", "passphrase"))}


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), ("true", "true"), ("1", "1"), (1, "1")])
def test_booleans_in_their_lexical_form(value: Value, text: str) -> None:
    assert settings({"wifi.2ghz.enable": value}, parameters=TR181)[0].text == text


@pytest.mark.parametrize(
    ("intent", "value"),
    [
        ("wan.vlan", "ten"),
        ("wan.vlan", -1),
        ("wan.vlan", True),
        ("wan.vlan", "²"),
        ("wifi.2ghz.enable", "on"),
        ("wifi.2ghz.enable", 2),
        ("wifi.2ghz.ssid", True),
        ("wifi.2ghz.ssid", "a\x00b"),
        ("wan.pppoe.password", "sentinel\x1b"),
    ],
)
def test_a_value_of_another_type_is_refused_without_showing_it(intent: str, value: Value) -> None:
    with pytest.raises(InvalidValue) as refused:
        settings({intent: value}, parameters=TR181)
    assert refused.value.intent == intent
    assert "sentinel" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "text", "read", "agrees"),
    [
        ("boolean", "true", "TRUE", True),
        ("boolean", "true", "1", True),
        ("boolean", "false", "0", True),
        ("boolean", "false", "true", False),
        ("boolean", "false", "", False),
        ("unsignedInt", "42", " 042 ", True),
        ("unsignedInt", "42", "43", False),
        ("unsignedInt", "42", "forty-two", False),
        ("unsignedInt", "42", "9" * 5000, False),
        ("string", "Home", "Home", True),
        ("string", "Home", "home", False),
    ],
)
def test_values_agree_as_their_type(kind: str, text: str, read: str, agrees: bool) -> None:
    assert Setting("i", "p", kind, text).agrees(read) is agrees


@pytest.mark.parametrize(
    ("manufacturer", "product_class", "path"),
    [("ACME", "ONT1", "Device.B"), ("acme", "switch", "Device.A"), ("other", "ONT1", "Device.V")],
)
def test_later_overrides_win_and_every_key_must_match(manufacturer: str, product_class: str, path: str) -> None:
    override = '[[override]]\nmanufacturer = "acme*"\n{}intents = {{ "wan.vlan" = {{ paths = ["{}"] }} }}\n'
    later = override.format('product_class = "ont*"\n', "Device.B")
    model = parse_model(HEAD + VLAN + override.format("", "Device.A") + later, "m.toml")

    target = model.of(DeviceId(manufacturer, "00259E", product_class, "S")).target("wan.vlan")
    assert target is not None
    assert target.paths == (path,)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name =", "TOML"),
        ('name = "m"\nroot = "Device"\n', "root"),
        ('root = "Device."\n', "name"),
        (HEAD + "colour = 1\n", "colour"),
        (HEAD + '[intents]\n"a" = { paths = [] }\n', "a.paths"),
        (HEAD + '[intents]\n"a" = { paths = ["Other.X"] }\n', "a.paths"),
        (HEAD + '[intents]\n"a" = { paths = ["Device.X"], type = "float" }\n', "a.type"),
        (HEAD + '[intents]\n"a" = { path = "Device.X" }\n', "a.path"),
        (HEAD + "[[override]]\nintents = {}\n", "override"),
        (HEAD + '[[override]]\nvendor = "x"\n', "vendor"),
    ],
)
def test_a_wrong_file_names_its_key(text: str, key: str) -> None:
    with pytest.raises(ModelError) as wrong:
        parse_model(text, "m.toml")
    assert (wrong.value.file.split()[0], wrong.value.key) == ("m.toml", key)
