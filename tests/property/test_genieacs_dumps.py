"""Dumps of GenieACS with anything in them: told apart alike however they arrive, read or refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.genieacs import LAYOUTS, PASSWORD, tr098, tr181
from ztpd.domain.imports import ImportedDevice
from ztpd.genieacs_dumps import BadDocument, Document, Splitter, device_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
PATHS = [
    ("_id",),
    ("_deviceId",),
    ("_deviceId", "_SerialNumber"),
    ("_tags",),
    ("_lastInform",),
    ("InternetGatewayDevice",),
    ("InternetGatewayDevice", "DeviceInfo", "SoftwareVersion", "_value"),
    ("InternetGatewayDevice", "ManagementServer"),
    ("InternetGatewayDevice", "ManagementServer", "ConnectionRequestUsername", "_value"),
    ("InternetGatewayDevice", "WANDevice"),
    ("InternetGatewayDevice", "WANDevice", "1"),
]


def read(data: bytes) -> ImportedDevice | str:
    """The device, or why it is none."""
    try:
        return device_of(data)
    except BadDocument as error:
        return f"{error}; {error.remedy}"


def split(data: bytes, cuts: list[int], longest: int = 1 << 20) -> list[Document]:
    splitter = Splitter(longest)
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {len(data)})
    found: list[Document] = []
    before = 0
    for end in ends:
        found += splitter.feed(data[before:end])
        before = end
    return [*found, *splitter.end()]


@given(st.lists(OBJECTS, max_size=4), st.sampled_from(sorted(LAYOUTS)), st.lists(st.integers(0), max_size=6))
def test_every_layout_and_every_cut_gives_the_same_documents(
    objects: list[dict[str, Any]], layout: str, cuts: list[int]
) -> None:
    found = split(LAYOUTS[layout](*objects), cuts)
    assert [each.problem for each in found] == [""] * len(objects)
    plain = [each if "mongo" not in layout else None for each in objects]
    assert [json.loads(each.data) if "mongo" not in layout else None for each in found] == plain


@given(st.binary(max_size=400), st.lists(st.integers(0), max_size=6))
def test_any_bytes_are_split_alike_however_they_arrive(data: bytes, cuts: list[int]) -> None:
    assert split(data, cuts) == split(data, [])


@given(st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"\\", b"\n", b",", b"x", b'{"a":1}']), max_size=60))
def test_marks_in_any_order_are_split_alike_and_bounded(marks: list[bytes]) -> None:
    data = b"".join(marks)
    whole, each = split(data, [], 8), split(data, list(range(len(data))), 8)
    assert [found.data for found in whole] == [found.data for found in each]
    assert all(len(found.data) <= 8 for found in whole)


@given(st.sampled_from(PATHS), JSON)
def test_a_document_with_anything_anywhere_is_a_device_or_refused(path: tuple[str, ...], value: Any) -> None:
    document: Any = tr098()
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    found = read(json.dumps(document).encode())
    if isinstance(found, ImportedDevice):
        assert ImportedDevice.model_validate_json(found.model_dump_json()) == found
    assert PASSWORD not in repr(found)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_device_or_refused(data: bytes) -> None:
    assert read(data)


@given(st.integers(0, 10_000))
def test_a_dump_that_was_cut_off_is_never_taken_for_whole(cut: int) -> None:
    data = LAYOUTS["nbi"](tr098("S1"), tr181(), tr098("S2"))
    at = 2 + cut % (len(data) - 2)
    if at == len(data):
        pytest.fail("nothing was cut off")
    assert any(each.problem for each in split(data[:at], []))
