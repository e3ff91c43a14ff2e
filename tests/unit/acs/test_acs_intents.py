"""What can be wanted of a CPE: every intent that ships, on every make that is known; and the page that lists them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs import discovery
from ztpd.acs.datamodel import NAMED, Dialect, Model, Override, Target, settings_of, wishes_for
from ztpd.acs.messages import DeviceId
from ztpd.acs.models import shipped
from ztpd.domain.profile import Value

DOCUMENT = Path(__file__).parents[3] / "docs" / "intents.md"
PAGE = """# Intents

What a profile may want of a CPE under `[cpe]`, and what it is called on devices. Made from the data files in
`ztpd/acs/models` by `make docs`. `{{name}}` stands for the row of a table that is found on each model, `*` in an intent
for any number. `…` stands for `Device.` in TR-181 and `InternetGatewayDevice.` in TR-098. Values that cannot be read
back are marked *hidden*. How an operator adds to this: [The ACS](acs.md#intents).

{intents}

## Vendors' own

What is called otherwise, or is in other rows, on devices whose Inform fits (`|` between alternatives, in any case).

{vendors}
"""

MODELS = shipped()
TR181, TR098 = (next(model for model in MODELS if model.name == name) for name in ("tr181", "tr098"))


def document() -> str:
    """docs/intents.md as the data files have it."""
    names = sorted({intent for model in MODELS for intent in _all(model)}, key=_in_order)
    rows = ["| " + " | ".join(_row(name)) + " |" for name in names]
    head = ["| intent | what it is | value | TR-181 | TR-098 |", "|---|---|---|---|---|"]
    vendors = ["| model | device | intents | rows |", "|---|---|---|---|"]
    vendors += [_vendor(model, each) for model in (TR098, TR181) for each in reversed(model.overrides)]
    return PAGE.format(intents="\n".join([*head, *rows]), vendors="\n".join(vendors))


def _row(name: str) -> tuple[str, ...]:
    return f"`{name}`", _said(name), _value(name), _paths(TR181, name), _paths(TR098, name)


def _all(model: Model) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for override in reversed(model.overrides):
        found |= override.targets
    return {**found, **model.targets}


def _in_order(intent: str) -> tuple[str, ...]:
    return tuple(intent.split("."))


def _target(intent: str) -> Target:
    return _all(TR181).get(intent) or _all(TR098)[intent]


def _said(intent: str) -> str:
    return _target(intent).said


def _value(intent: str) -> str:
    target = _target(intent)
    words = list(dict.fromkeys(word for model in (TR181, TR098) for word in _values(model, intent)))
    shown = " ".join(f"`{word}`" for word in words) if words else target.type
    return f"{shown}, *hidden*" if target.hidden else shown


def _values(model: Model, intent: str) -> list[str]:
    return list(_all(model)[intent].values) if intent in _all(model) else []


def _paths(model: Model, intent: str) -> str:
    if intent not in model.targets:
        return "vendors' own" if intent in _all(model) else ""
    target = model.targets[intent]
    if target.count is not None:
        return "the number of rows of ours"
    return "<br>".join(f"`…{path.removeprefix(model.root)}`" for path in target.paths)


def _vendor(model: Model, override: Override) -> str:
    device = "<br>".join(f"{key} `{patterns}`".replace("|", "\\|") for key, patterns in override.device.items())
    intents = "<br>".join(
        f"`{intent}`: " + ", ".join(f"`…{path.removeprefix(model.root)}`" for path in target.paths)
        for intent, target in override.targets.items()
    )
    rows = "<br>".join(f"`{name}`" for name in override.instances)
    return f"| {model.name} | {device} | {intents} | {rows} |"


def test_the_page_of_intents_is_that_of_the_data_files() -> None:
    assert DOCUMENT.read_text() == document(), "run: python -m tests.unit.acs.test_acs_intents"


def test_every_intent_is_told_in_words_and_the_same_way_everywhere() -> None:
    for model in MODELS:
        for intent, target in _all(model).items():
            assert target.said, intent
            for override in model.overrides:
                if intent in override.targets:
                    assert override.targets[intent].said == _said(intent)
            if intent in _all(TR181) and intent in _all(TR098):
                assert _all(TR181)[intent].said == _all(TR098)[intent].said
                assert _all(TR181)[intent].hidden == _all(TR098)[intent].hidden


def test_secrets_of_vendors_are_hidden_too() -> None:
    for model in MODELS:
        for override in model.overrides:
            for intent, target in override.targets.items():
                assert target.hidden is intent.endswith(("password", "passphrase")), intent


def devices_of(override: Override) -> Iterator[DeviceId]:
    """A device for every alternative of an override."""
    for manufacturer in override.device.get("manufacturer", "any").split("|"):
        for product in override.device.get("product_class", "any").split("|"):
            yield DeviceId(manufacturer.rstrip("*") + " Inc.", "00259E", product.rstrip("*") + "9", "S")


MAKES = [(model, device) for model in MODELS for override in model.overrides for device in devices_of(override)]
MAKES += [(model, DeviceId("Acme", "00259E", "ONT", "S")) for model in MODELS]


def intents_of(dialect: Dialect) -> list[str]:
    return [*dict.fromkeys([*dialect.model.targets, *(name for each in dialect.overrides for name in each.targets)])]


def value_for(target: Target) -> Value:
    if target.values:
        return next(iter(target.values))
    of_types: dict[str, Value] = {"boolean": True, "int": 2, "unsignedInt": 2, "dateTime": "2026-01-02T03:04:05Z"}
    return of_types.get(target.type, "text")


@pytest.mark.parametrize(("model", "device"), MAKES, ids=lambda value: getattr(value, "product_class", None))
def test_each_override_is_for_the_devices_that_it_names(model: Model, device: DeviceId) -> None:
    if device.manufacturer != "Acme":
        assert model.of(device).overrides


@given(st.sampled_from(MAKES), st.data())
def test_whatever_is_wanted_comes_to_paths_below_the_root_and_nothing_else(
    make: tuple[Model, DeviceId], data: st.DataObject
) -> None:
    model, device = make
    dialect = model.of(device)
    wanted = data.draw(st.lists(st.sampled_from(intents_of(dialect)), min_size=1, max_size=8, unique=True))
    number = data.draw(st.integers(1, 32))
    values: dict[str, Value] = {}
    for intent in wanted:
        target = dialect.target(intent)
        assert target is not None
        values[intent.replace("*", str(number))] = value_for(target)
    wishes = wishes_for(dialect, device, values)
    needed = discovery.needed(dialect, wishes)
    ordered = discovery.in_order(dialect, needed, ())
    assert set(needed) <= set(ordered)
    for at, name in enumerate(ordered):  # what an instance is found by comes before it
        assert set(dialect.instance(name).references) <= set(ordered[:at])
    numbers = {name: data.draw(st.integers(1, 99)) for name in ordered}
    settings = settings_of(wishes, numbers)
    assert len(settings) == sum(len(wish.target.paths) for wish in wishes)
    for setting in settings:
        assert setting.path.startswith(model.root)
        assert not NAMED.search(setting.path + setting.text)
        assert "*" not in setting.path
    again = settings_of(wishes_for(dialect, device, values), numbers)
    assert again == settings


@given(*[st.text(max_size=40)] * 3)
def test_no_device_can_name_itself_so_that_its_model_fails(manufacturer: str, oui: str, product_class: str) -> None:
    for model in MODELS:
        dialect = model.of(DeviceId(manufacturer, oui, product_class, "S"))
        assert dialect.target("wifi.2ghz.ssid") is not None
        dialect.numbers()


@given(st.text(max_size=60))
def test_no_name_of_an_intent_does_harm(intent: str) -> None:
    for model in MODELS:
        found = model.of(DeviceId("Acme", "", "", "")).target(intent)
        assert found is None or found.said


if __name__ == "__main__":
    DOCUMENT.write_text(document())
