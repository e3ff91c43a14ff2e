"""What devices do wrong, by name: each row of ``quirks.toml`` is a few switches of ``Misbehaviour``. Pure."""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from ztpd.lab.cpe.settings import CookieStyle, DownloadEnd, Misbehaviour


@dataclass(frozen=True, slots=True)
class Quirk:
    """One row: what the device does, of which row of the interoperability list, and how a session with ztpd ends."""

    name: str
    does: str
    row: str
    ends: str = "well"
    why: str = ""
    switches: Mapping[str, Any] = field(default_factory=dict, repr=False)


@functools.cache
def quirks() -> Mapping[str, Quirk]:
    """All there are, by name."""
    said = tomllib.loads((resources.files(__package__) / "quirks.toml").read_text("utf-8"))
    return {name: _quirk(name, row) for name, row in said.items()}


def _quirk(name: str, row: Mapping[str, Any]) -> Quirk:
    words = {key: row[key] for key in ("does", "row", "ends", "why") if key in row}
    return Quirk(name, **words, switches={key: value for key, value in row.items() if key not in words})


def misbehaviour(names: Sequence[str]) -> Misbehaviour:
    """What a device with these quirks does wrong.

    Raises ``LookupError`` for a name there is not, ``ValueError`` for two quirks that no device can have together.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name not in quirks():
            raise LookupError(f"there is no quirk {name!r}")
        for key, value in quirks()[name].switches.items():
            if key in merged and not isinstance(value, list | dict) and merged[key] != value:
                raise ValueError(f"no device can have both {origin[key]} and {name}")
            merged[key] = _joined(merged.get(key), value)
            origin[key] = name
    return Misbehaviour(**{key: _AS.get(key, _as_it_is)(value) for key, value in merged.items()})


def _joined(before: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [*(before or []), *value]
    return {**(before or {}), **value} if isinstance(value, dict) else value


def _as_it_is(value: Any) -> Any:
    return value


_AS: Mapping[str, Any] = {
    "cookies": lambda said: CookieStyle[said.upper()],
    "download_end": DownloadEnd,
    "forget": frozenset,
    "unsupported": frozenset,
    "calls": tuple,
    "rewrites": lambda said: tuple((pattern, text) for pattern, text in said),
}
"""How a switch is written in the file, where that is not as the program has it."""
