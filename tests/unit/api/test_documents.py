"""Bodies and queries: what is read, what is refused, and how the refusal names it."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.api.documents import MAX_ITEMS, parse, read_document, read_strings
from ztpd.api.inputs import EventsQuery, JobsQuery, SightingsQuery
from ztpd.api.problems import Invalid, Malformed, Problem
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import CompletionBody, JobBody, LocationBody

JOB: dict[str, Any] = {"kind": "install", "service": "S", "account": "A", "location": "L", "profile": "P"}


def outcome_of(model: type[LocationBody] | type[JobBody], body: bytes) -> object:
    """What a body becomes: its model, or the problem it is refused with."""
    try:
        return read_document(model, body)
    except Problem as problem:
        return problem


def items_of(model: type[LocationBody] | type[JobBody] | type[CompletionBody], body: object) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as refused:
        read_document(model, orjson.dumps(body))
    return list(refused.value.errors)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"address": "x"} {}', "Extra data"),
        (b'{"address": "x"},', "Extra data"),
        (b'{"address": "x",}', "line 1"),
        (b"{'address': 'x'}", "line 1"),
        (b'{"address": "x", "address": "y"}', "'address' is there twice"),
        (b'{"address": "x", "access": {"port": 1, "port": 1}}', "'port' is there twice"),
        (b'{"address": NaN}', "NaN is no JSON number"),
        (b'{"address": -Infinity}', "-Infinity is no JSON number"),
        (b'{"address": 1e999}', "out of range"),
        (b'{"address": 9007199254740992}', "beyond 2^53"),
        (b'{"address": ' + b"9" * 100_000 + b"}", "beyond 2^53"),
        (b'\xef\xbb\xbf{"address": "x"}', "BOM"),
        (b'{"address": "\xff"}', "not UTF-8 at byte 13"),
        ('{"address": "x"}'.encode("utf-16"), "not UTF-8"),
        (b'{"address": "\\ud800"}', "no character"),
        (b'{"address": "a\nb"}', "line 1"),
        (b"[" * 150 + b"]" * 150, "LIST"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 30_000, "nested too deeply"),
    ],
)
def test_what_is_no_interoperable_json_is_refused(body: bytes, said: str) -> None:
    with pytest.raises((Malformed, Invalid)) as refused:
        read_document(LocationBody, body)
    if said == "LIST":  # shallow enough to be read: then it is just no object
        assert isinstance(refused.value, Invalid)
    else:
        assert isinstance(refused.value, Malformed)
        assert said in refused.value.detail


def test_many_repeated_members_are_refused_in_time() -> None:
    body = ("{" + ",".join(f'"{number}":0' for number in range(30_000)) + ',"0":0}').encode()
    with pytest.raises(Malformed, match="'0' is there twice"):
        parse(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert isinstance(outcome_of(LocationBody, body), LocationBody | Malformed | Invalid)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*JobBody.model_fields, "other"]), JSON, max_size=9))
def test_any_value_is_read_or_refused_item_by_item(document: dict[str, Any]) -> None:
    outcome = outcome_of(JobBody, json.dumps(document).encode())
    if isinstance(outcome, Invalid):
        assert outcome.errors
        assert all(item["field"] and item["problem"] for item in outcome.errors)
        assert orjson.dumps(outcome.errors)


def test_every_wrong_item_is_named_with_its_value() -> None:
    body = {"address": "", "serviceable": "yes", "access": {"technology": "dsl", "element": "e 1", "port": "1"}, "x": 1}
    items = {item["field"]: item for item in items_of(LocationBody, body)}
    assert set(items) == {"address", "serviceable", "access.technology", "access.element", "x"}
    assert items["serviceable"]["value"] == "yes"
    assert items["access.technology"]["value"] == "dsl"
    assert items["x"] == {"field": "x", "problem": "is not known here", "remedy": "remove it, or correct its spelling"}


def test_a_member_of_a_list_is_named_by_its_place() -> None:
    devices = [{"role": "ont", "serial": "HWTC1A2B3C4D"}, {"role": "cpe", "mac": "zz"}, {"serial": "x"}]
    fields = [item["field"] for item in items_of(JobBody, {**JOB, "devices": devices})]
    assert fields == ["devices.1.mac", "devices.2.role"]


def test_a_missing_member_is_named() -> None:
    assert [item["field"] for item in items_of(JobBody, {"kind": "install"})] == [
        "service",
        "account",
        "location",
        "profile",
    ]


def test_types_are_not_guessed() -> None:
    window = {"start": 1700000000, "end": "2026-01-01T00:00:00Z"}
    assert [item["field"] for item in items_of(JobBody, {**JOB, "window": window})] == ["window.start"]
    measurement = {"name": "onu_rx_power", "value": "-20", "unit": "dBm"}
    report = {"technician": "T", "completed_at": "2026-01-01T00:00:00Z", "measurements": [measurement]}
    assert [item["field"] for item in items_of(CompletionBody, report)] == ["measurements.0.value"]


def test_times_need_an_offset() -> None:
    report = {"technician": "T", "completed_at": "2026-01-01T00:00:00"}
    assert [item["field"] for item in items_of(CompletionBody, report)] == ["completed_at"]


def test_a_wrong_parameter_is_one_item_without_its_value() -> None:
    [item] = items_of(JobBody, {**JOB, "parameters": {"wifi_passphrase": 1.25}})
    assert item["field"] == "parameters.wifi_passphrase"
    assert "string" in item["problem"]
    assert "value" not in item


@pytest.mark.parametrize(
    "body",
    [
        {**JOB, "wifi_passphrase": "S3NT1NEL"},
        {**JOB, "parameters": {"wifi_passphrase": ["S3NT1NEL"]}},
        {**JOB, "kind": "instal", "parameters": {"wifi_passphrase": "S3NT1NEL"}},
        {**JOB, "parameters": "S3NT1NEL"},
    ],
)
def test_a_refusal_repeats_no_secret(body: dict[str, Any]) -> None:
    assert "S3NT1NEL" not in str(items_of(JobBody, body))


def test_what_is_listed_is_bounded() -> None:
    items = items_of(LocationBody, {str(number): number for number in range(5000)})
    assert len(items) == MAX_ITEMS
    [item] = [each for each in items_of(LocationBody, {"address": "x" * 100_000}) if each["field"] == "address"]
    assert len(item["value"]) == 100


def test_a_query_is_read_with_its_defaults() -> None:
    assert read_strings(JobsQuery, []) == JobsQuery(limit=100, after="", state=None, service=None)
    assert read_strings(JobsQuery, [("state", "held"), ("limit", "5")]).state is JobState.HELD
    assert read_strings(SightingsQuery, [("unmatched", "true"), ("device", "7")]).device == 7


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([("limit", "501")], "limit"),
        ([("limit", "0")], "limit"),
        ([("limit", "many")], "limit"),
        ([("after", "-1")], "after"),
        ([("after", str(2**63))], "after"),
        ([("wait", "31")], "wait"),
        ([("wait", "nan")], "wait"),
        ([("sort", "id")], "sort"),
        ([("limit", "1"), ("limit", "2")], "limit"),
    ],
)
def test_a_wrong_query_is_refused_by_name(pairs: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_strings(EventsQuery, pairs)
    assert [item["field"] for item in refused.value.errors] == [field]
