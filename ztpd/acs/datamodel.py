"""What an intent is called on a device: ``wifi.2ghz.ssid`` to paths, types and texts of TR-181 or TR-098.

Pure. The knowledge is in TOML files (``ztpd.acs.models``): a new device is an ``[[override]]`` there, not code here.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ztpd.acs.messages import DeviceId
from ztpd.acs.requests import ParameterValue
from ztpd.domain.profile import Value

_TYPES = frozenset({"string", "int", "unsignedInt", "boolean", "dateTime"})
_DEVICE_KEYS = ("manufacturer", "oui", "product_class")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ModelError(ValueError):
    """A data-model file is wrong: names the file, the key and what is expected."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        self.file = file
        self.key = key
        self.problem = problem
        super().__init__(f"{file}: {key}: {problem}")


class IntentError(Exception):
    """Work cannot be put into a device's words; ``intent`` is the one, or None when it is the device itself."""

    def __init__(self, intent: str | None, problem: str) -> None:
        self.intent = intent
        self.problem = problem
        super().__init__(f"{intent}: {problem}" if intent else problem)


class UnknownIntent(IntentError):
    """No data file says what the intent is called on this device: add it to the model or an override."""


class InvalidValue(IntentError):
    """The value does not fit the parameter's type; the value itself is not shown, it may be a secret."""


class UnknownModel(IntentError):
    """No parameter of the Inform lies below the root object of a known model."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an intent goes: every path gets the value; ``hidden`` ones read back empty and are never shown."""

    paths: tuple[str, ...]
    type: str = "string"
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """Targets of one make: a pattern (``huawei*``, any case) for each key of the DeviceId that must match."""

    device: Mapping[str, str]
    targets: Mapping[str, Target]

    def applies_to(self, device: DeviceId) -> bool:
        """Whether every pattern matches."""
        return all(fnmatchcase(getattr(device, key).casefold(), pattern) for key, pattern in self.device.items())


@dataclass(frozen=True, slots=True)
class Model:
    """One data model: its root object with the dot, its targets by intent, and the overrides, later ones first."""

    name: str
    root: str
    targets: Mapping[str, Target]
    overrides: tuple[Override, ...] = ()

    def target(self, intent: str, device: DeviceId) -> Target | None:
        """Where the intent goes on this device; None when nothing says it."""
        for override in self.overrides:
            if intent in override.targets and override.applies_to(device):
                return override.targets[intent]
        return self.targets.get(intent)


@dataclass(frozen=True, slots=True)
class Setting:
    """One path to set for one intent; ``text`` is in the type's lexical form."""

    intent: str
    path: str
    type: str
    text: str = field(repr=False)
    hidden: bool = False

    def as_parameter(self) -> ParameterValue:
        """What SetParameterValues carries."""
        return ParameterValue(self.path, self.text, self.type)

    def agrees(self, read: str) -> bool:
        """Whether a text read back is the value wanted, compared as its type (``TRUE`` is ``1``, ``042`` is ``42``)."""
        if self.type == "boolean":
            return _BOOLEANS.get(read.strip().lower()) is _BOOLEANS[self.text]
        if self.type in {"int", "unsignedInt"}:
            return _INTEGER.fullmatch(read.strip()) is not None and int(read) == int(self.text)
        return read.strip() == self.text.strip()


def settings_for(
    models: tuple[Model, ...], device: DeviceId, parameters: Mapping[str, str], values: Mapping[str, Value]
) -> tuple[Setting, ...]:
    """The paths and texts that make the device what the values say, in the values' order.

    ``parameters`` are the Inform's, which show the root. Raises ``UnknownModel``, ``UnknownIntent``, ``InvalidValue``.
    """
    model = model_of(models, parameters)
    settings = []
    for intent, value in values.items():
        target = model.target(intent, device)
        if target is None:
            raise UnknownIntent(
                intent, f"no path is known for {device.manufacturer} {device.product_class} in model {model.name}"
            )
        text = _lexical(intent, target.type, value)
        settings += [Setting(intent, path, target.type, text, target.hidden) for path in target.paths]
    return tuple(settings)


def model_of(models: tuple[Model, ...], parameters: Mapping[str, str]) -> Model:
    """The model whose root object the Inform's parameters lie below; raises ``UnknownModel``."""
    for path in parameters:
        for model in models:
            if path.startswith(model.root):
                return model
    roots = " or ".join(model.root for model in models)
    raise UnknownModel(None, f"the Inform has no parameter below {roots}")


def _lexical(intent: str, xsd_type: str, value: Value) -> str:
    """The value in XML Schema's lexical form of the type; raises ``InvalidValue``."""
    text = _text(value)
    fits = {
        "boolean": isinstance(value, bool) or text in _BOOLEANS,
        "unsignedInt": not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) <= 10,
        "int": not isinstance(value, bool) and _INTEGER.fullmatch(text) is not None,
    }.get(xsd_type, not isinstance(value, bool) and _UNPRINTABLE.search(text) is None)
    if not fits:
        raise InvalidValue(intent, f"the value is no {xsd_type}")
    return text


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def parse_model(text: str, file: str) -> Model:
    """The model that a TOML file describes; raises ``ModelError``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(file, "TOML", str(error)) from None
    unknown = set(data) - {"name", "root", "intents", "override"}
    if unknown:
        raise ModelError(file, sorted(unknown)[0], "is not a key of a model; remove it")
    root = _string(data, "root", file)
    if not root.endswith("."):
        raise ModelError(file, "root", "must end with a dot, like Device.")
    overrides = [_override(entry, root, file) for entry in data.get("override", [])]
    return Model(
        name=_string(data, "name", file),
        root=root,
        targets=_targets(data.get("intents", {}), root, f"{file} [intents]"),
        overrides=tuple(reversed(overrides)),
    )


def _override(data: dict[str, Any], root: str, file: str) -> Override:
    device = {key: data[key].casefold() for key in _DEVICE_KEYS if isinstance(data.get(key), str)}
    unknown = set(data) - set(device) - {"intents"}
    if unknown or not device:
        key = sorted(unknown)[0] if unknown else "override"
        raise ModelError(file, key, f"an override has texts for some of {', '.join(_DEVICE_KEYS)}, and intents")
    return Override(device, _targets(data.get("intents", {}), root, f"{file} [override.intents]"))


def _targets(data: dict[str, Any], root: str, file: str) -> dict[str, Target]:
    return {intent: _target(intent, entry, root, file) for intent, entry in data.items()}


def _target(intent: str, data: dict[str, Any], root: str, file: str) -> Target:
    unknown = set(data) - {"paths", "type", "hidden"}
    if unknown:
        raise ModelError(file, f"{intent}.{sorted(unknown)[0]}", "is not a key of an intent; remove it")
    paths = data.get("paths")
    if not paths or not all(isinstance(path, str) and path.startswith(root) for path in paths):
        raise ModelError(file, f"{intent}.paths", f"must list one or more paths below {root}")
    xsd_type = data.get("type", "string")
    if xsd_type not in _TYPES:
        raise ModelError(file, f"{intent}.type", f"must be one of {', '.join(sorted(_TYPES))}")
    return Target(tuple(paths), xsd_type, bool(data.get("hidden", False)))


def _string(data: dict[str, Any], key: str, file: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise ModelError(file, key, "must be a text")
    return value
