"""What is told of a device beside its own words: its tags, and what another ACS knew of it. Nothing writes."""

from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Shown = dict[str, Any]


def shown_import(device: int, everything: Callable[..., list[Row]], one: Callable[..., Row | None]) -> Shown:
    """The tags of a device and what was imported of it; ``everything`` and ``one`` answer a statement by name."""
    row = one("cpe_import", device=device)
    imported = None
    if row is not None:
        imported = {name: value for name, value in dict(row).items() if name not in {"device", "username", "password"}}
        imported["has_credentials"] = bool(row["password"])
    return {"tags": sorted(each["tag"] for each in everything("tags_of_device", device=device)), "imported": imported}
