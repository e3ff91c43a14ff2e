"""Data-model files: an operator's own over those that ship, and what is said of one that is wrong."""

import re
from pathlib import Path

import pytest

from ztpd.acs.datamodel import Check, settings_of, wishes_for
from ztpd.acs.lexical import Literals
from ztpd.acs.messages import DeviceId
from ztpd.acs.model_files import ModelError, parse_model
from ztpd.acs.models import with_own

HEAD = 'name = "m"\nroot = "Device."\n'
DOCUMENT = Path(__file__).parents[3] / "docs" / "acs.md"


def test_the_example_in_the_documents_is_one() -> None:
    (example,) = re.findall(r"```toml\n(# data-models/acme\.toml\n.*?)```", DOCUMENT.read_text(), re.S)
    model = next(model for model in with_own([("acme.toml", example)]) if model.name == "tr098")
    acme, other = DeviceId("ACME Ltd", "00259E", "ONT-6G", "S"), DeviceId("ACME Ltd", "00259E", "ONT-7", "S")
    assert model.of(acme).numbers() == {"wlan_2ghz": 1, "wlan_5ghz": 3}
    assert model.of(acme).quirks.read_batch == 10
    assert model.of(acme).quirks.literals == Literals("1", "0")
    (wish,) = wishes_for(model.of(acme), acme, {"wan.vlan": 7})
    (setting,) = settings_of([wish], dict.fromkeys(wish.names, 2))
    assert setting.path == "InternetGatewayDevice.WANDevice.2.WANConnectionDevice.2.X_ACME_VLAN"
    assert model.of(other).target("wan.vlan") is None
    assert model.of(other).target("wifi.2ghz.ssid") is not None, "the rest is as it ships"


def test_an_own_file_outweighs_those_that_ship() -> None:
    own = 'name = "tr098"\n[[override]]\nmanufacturer = "huawei*"\n[override.intents]\n'
    own += '"wan.vlan" = { said = "VLAN of the WAN", paths = ["InternetGatewayDevice.X_OURS"] }\n'
    model = next(model for model in with_own([("own.toml", own)]) if model.name == "tr098")
    target = model.of(DeviceId("Huawei", "00259E", "HG8145V5", "S")).target("wan.vlan")
    assert target is not None
    assert target.paths == ("InternetGatewayDevice.X_OURS",)


def test_a_row_of_repeat_stands_wherever_its_name_does() -> None:
    text = HEAD + '[repeat.band]\n2 = { said = "two", number = 1 }\n5 = { said = "five", number = 4 }\n'
    text += '[instances."r_<band>"]\ntable = "Device.R."\nsaid = "radio <band.said>"\nnumber = "<band.number>"\n'
    text += '[intents]\n"w.<band>.x" = { said = "x of <band.said>", paths = ["Device.R.{r_<band>}.X"] }\n'
    model = parse_model(text, "m.toml")
    assert [(name, target.paths, target.said) for name, target in model.targets.items()] == [
        ("w.2.x", ("Device.R.{r_2}.X",), "x of two"),
        ("w.5.x", ("Device.R.{r_5}.X",), "x of five"),
    ]
    assert model.instances["r_5"].number == 4


def test_a_check_is_read_whole() -> None:
    text = HEAD + '[checks.up]\nsaid = "login"\nstatus = "Device.S"\nsettled = "Up"\nerror = "Device.E"\n'
    text += 'failed = { BAD = "it is bad" }\n'
    assert parse_model(text, "m.toml").checks == {
        "up": Check("login", "Device.S", "Up", "Device.E", {"BAD": "it is bad"})
    }


INTENT = '[intents]\n"a" = { paths = ["Device.X.{x}.Y"] }\n'
INSTANCE = '[instances.x]\ntable = "Device.X."\n'
OVERRIDE = '[[override]]\nmanufacturer = "x*"\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (INTENT, "a.paths"),
        ('[instances.x]\ntable = "Device.X"\n', "instances.x.table"),
        ('[instances.x]\ntable = "Device.X.{x}.Y."\n', "instances.x"),
        (INSTANCE + 'number = "1"\n', "instances.x.number"),
        (INSTANCE + "where = [1]\n", "instances.x.where"),
        (INSTANCE + "colour = 1\n", "instances.x.colour"),
        ('[intents]\n"a" = { paths = ["Device.X"], check = "none" }\n', "a.check"),
        ('[intents]\n"a" = { count = "none*" }\n', "a.count"),
        ('[intents]\n"a" = { paths = ["Device.X"], values = { on = ["1", "2"] } }\n', "a.values.on"),
        ('[intents]\n"a" = { paths = ["Device.X"], hidden = "yes" }\n', "a.hidden"),
        ('[intents]\n"a" = 1\n', "a"),
        ('[checks.c]\nsaid = "c"\nstatus = "Device.{none}.S"\nsettled = "Up"\n', "checks.c"),
        ('[checks.c]\nsaid = "c"\nstatus = "Device.S"\n', "checks.c.settled"),
        (OVERRIDE + "numbers = { x = 0 }\n", "override.numbers.x"),
        (OVERRIDE + "numbers = { x = 1 }\n", "instances.x"),
        (OVERRIDE + "quirks = { read_batch = 0 }\n", "override.quirks.read_batch"),
        (OVERRIDE + 'quirks = { discover = "no" }\n', "override.quirks.discover"),
        (OVERRIDE + "quirks = { speed = 1 }\n", "override.quirks.speed"),
        ("[[override]]\nmanufacturer = 1\n", "manufacturer"),
        ('override = "x"\n', "override"),
        ("[repeat]\nband = 1\n", "repeat.band"),
    ],
)
def test_a_wrong_file_is_told_with_its_key(text: str, key: str) -> None:
    with pytest.raises(ModelError) as wrong:
        parse_model(HEAD + text, "m.toml")
    assert (wrong.value.file, wrong.value.key) == ("m.toml", key)
