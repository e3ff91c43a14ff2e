"""What is told of a device beside its own words: its tags, what another ACS knew of it, or has of it now."""

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Shown = dict[str, Any]


def shown_coexistence(device: int, everything: Callable[..., list[Row]], one: Callable[..., Row | None]) -> Shown:
    """The tags of a device, what was imported of it, its hand-over; two functions that answer a statement by name."""
    imported, handover = one("cpe_import", device=device), one("cpe_handover", device=device)
    return {
        "tags": sorted(each["tag"] for each in everything("tags_of_device", device=device)),
        "imported": None if imported is None else _without_credentials(imported),
        "handover": None if handover is None else dict(handover),
    }


def _without_credentials(row: Row) -> Shown:
    shown = {name: value for name, value in dict(row).items() if name not in {"device", "username", "password"}}
    return {**shown, "has_credentials": bool(row["password"])}
