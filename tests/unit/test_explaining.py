"""How a pattern's port and the locations of a circuit-id go together."""

from typing import Any

import pytest

from ztpd.explaining import Locations, verdict

NONE = Locations([])


def place(port: str | None) -> dict[str, Any]:
    access = None if port is None else {"technology": "pon", "element": "olt-1", "port": port}
    return {"id": "LOC-1", "address": "Main Street 1", "access": access}


def on(*ports: str | None) -> Locations:
    return Locations([place(port) for port in ports])


@pytest.mark.parametrize(
    ("element", "port", "by_circuit_id", "by_port", "said"),
    [
        ("olt-1", "1/1/3", on("1/1/3"), on("1/1/3"), "both agree"),
        ("olt-1", "1/1/3", on("1/1/3", "1/1/3"), on("1/1/3", "1/1/3"), "both agree"),
        ("olt-1", "1/1/3", on("1/1/4"), on("1/1/3"), "they contradict each other: the pattern's port counts"),
        ("olt-1", "1/1/3", on("1/1/3", "1/1/4"), on("1/1/3"), "they contradict each other"),
        ("olt-1", "1/1/3", on(None), NONE, "they contradict each other"),
        ("olt-2", "1/1/3", on("1/1/3"), NONE, "they contradict each other"),
        ("olt-1", "1/1/3", NONE, on("1/1/3"), "the pattern's port counts, and what lies on it is meant"),
        ("olt-1", "1/1/3", NONE, NONE, "the pattern's port counts, and no location lies on it"),
        ("olt-1", None, on("1/1/3"), None, "no port of it: no place counts"),
        (None, None, on("1/1/3"), None, "the location's port counts"),
        (None, None, on("1/1/3", "1/1/3"), None, "the location's port counts"),
        (None, None, on("1/1/3", "1/1/4"), None, "no place counts"),
        (None, None, on("1/1/3", None), None, "no place counts"),
        (None, None, NONE, None, "no place is known"),
    ],
)
def test_the_verdict_says_what_counts(
    element: str | None, port: str | None, by_circuit_id: Locations, by_port: Locations | None, said: str
) -> None:
    assert said in verdict(element, port, by_circuit_id, by_port)
