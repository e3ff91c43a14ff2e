"""Dumps of GenieACS: whole or cut off, as its NBI, mongoexport and people make them, are read device by device."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.genieacs import LAYOUTS, PASSWORD, from_nbi, leaf, tr098, tr181
from ztpd.domain.imports import ConnectionRequest, ImportedDevice
from ztpd.genieacs_dumps import BadDocument, Document, Splitter, device_of, known_by

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)


def documents(data: bytes, step: int = 1 << 20, longest: int = 1 << 20) -> list[Document]:
    splitter = Splitter(longest)
    found = [each for at in range(0, len(data), step) for each in splitter.feed(data[at : at + step])]
    return [*found, *splitter.end()]


def read(document: dict[str, Any]) -> ImportedDevice:
    return device_of(json.dumps(document).encode())


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_devices(layout: str, step: int) -> None:
    found = documents(LAYOUTS[layout](tr098("S1"), tr181(), tr098("S2", tags=[])), step)
    assert [each.problem for each in found] == ["", "", ""]
    assert [device_of(each.data) for each in found] == [read(tr098("S1")), read(tr181()), read(tr098("S2", tags=[]))]


def test_a_gateway_of_tr098_is_known_by_its_identity_and_its_wan() -> None:
    assert read(tr098()) == ImportedDevice(
        source="genieacs",
        oui="202BC1",
        product_class="BM632w",
        serial="S1",
        manufacturer="Huawei",
        macs=("20:2b:c1:e0:06:65",),
        software_version="V100R001",
        hardware_version="A1",
        connection_request=ConnectionRequest(url="http://192.0.2.10:7547/cr", username="cr-user", password=PASSWORD),
        registered_at=datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        informed_at=MOMENT,
        tags=("residential", "north"),
    )


def test_a_device_of_tr181_is_known_by_what_lies_towards_the_network() -> None:
    device = read(tr181())
    assert (device.serial, device.macs) == ("T-1", ("00:1d:0f:00:00:02", "00:1d:0f:00:00:03"))
    assert (device.software_version, device.tags, device.registered_at) == ("1.2.3", (), None)


@pytest.mark.parametrize(
    ("id_", "named"),
    [
        ("202BC1-BM632w-000000", ("202BC1", "BM632w", "000000")),
        ("202bc1-000000", ("202BC1", "", "000000")),
        ("001D0F-TP%2DLink%20X-A%2DB%2FC", ("001D0F", "TP-Link X", "A-B/C")),
    ],
)
def test_an_id_alone_names_the_device(id_: str, named: tuple[str, str, str]) -> None:
    device = read({"_id": id_, "_tags": ["a"]})
    assert (device.oui, device.product_class, device.serial) == named


@pytest.mark.parametrize(
    "date",
    [
        "2026-02-03T04:05:06.789Z",
        "2026-02-03T05:05:06.789+01:00",
        {"$date": "2026-02-03T04:05:06.789Z"},
        {"$date": {"$numberLong": "1770091506789"}},
        {"$date": 1770091506789},
        1770091506789,
    ],
)
def test_a_date_is_read_in_every_spelling(date: object) -> None:
    assert read({**tr098(), "_lastInform": date}).informed_at == MOMENT


@pytest.mark.parametrize("date", ["yesterday", True, [], {"$date": {"$numberLong": "9" * 40}}, 10**30, {"$date": None}])
def test_a_date_that_is_none_is_left_out(date: object) -> None:
    assert read({**tr098(), "_lastInform": date}).informed_at is None


@pytest.mark.parametrize("mac", ["", "00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:00:5e:00:00:01", "none", "1-2-3"])
def test_an_address_of_no_single_device_is_left_out(mac: str) -> None:
    assert read(tr098(mac=mac)).macs == ()


def test_what_only_people_read_is_put_on_one_line() -> None:
    named = {**tr098()["_deviceId"], "_Manufacturer": "OpenWrt\nhttp://openwrt.org/" + "x" * 100}
    manufacturer = read({**tr098(), "_deviceId": named}).manufacturer
    assert manufacturer.startswith("OpenWrt http://openwrt.org/xxx")
    assert len(manufacturer) == 64


def test_credentials_that_the_device_hides_are_none() -> None:
    document = tr098()
    document["InternetGatewayDevice"]["ManagementServer"]["ConnectionRequestPassword"] = leaf("")
    assert read(document).connection_request == ConnectionRequest(url="http://192.0.2.10:7547/cr")


def test_tags_are_told_once_each() -> None:
    assert read(tr098(tags=["vip", " vip ", "", "a b", "é/ü"])).tags == ("vip", "a b", "é/ü")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"_id": "202BC1-BM632w-S2"}, "_id '202BC1-BM632w-S2' and _deviceId '202BC1-BM632w-S1' are two devices"),
        ({"_id": 5, "_deviceId": None}, "has neither _id nor _deviceId"),
        ({"_id": "a-b-c-d", "_deviceId": None}, "_id 'a-b-c-d' is not OUI-ProductClass-SerialNumber"),
        ({"_id": "DISCOVERYSERVICE-X-1", "_deviceId": None}, "'DISCOVERYSERVICE' is no OUI of six hexadecimal digits"),
        ({"_id": "202BC1-BM632w", "_deviceId": {"_OUI": "202BC1", "_ProductClass": "BM632w"}}, "has no serial number"),
        ({"_tags": "vip"}, "_tags is no list of texts"),
        ({"_tags": ["vip", 7]}, "_tags is no list of texts"),
        ({"_tags": [str(number) for number in range(65)]}, "tags: Tuple should have at most 64 items"),
        ({"_tags": ["x" * 101]}, "tags.0: String should have at most 100 characters"),
        ({"_id": None, "_deviceId": {"_OUI": "202BC1", "_SerialNumber": "a\nb"}}, "serial: has control characters"),
    ],
)
def test_what_is_no_device_says_why(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadDocument) as caught:
        read({**tr098(), **changes})
    assert problem in str(caught.value)
    assert caught.value.remedy
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a": NaN}', b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"_id": "\xff"}'])
def test_what_is_no_json_object_says_so(data: bytes) -> None:
    with pytest.raises(BadDocument, match="is no JSON"):
        device_of(data)


def test_a_broken_line_harms_no_other() -> None:
    lines = [json.dumps(tr098(serial)).encode() for serial in ("S1", "S2", "S3", "S4")]
    lines[1] = lines[1][:-40]
    lines[2] = lines[2].replace(b'"S3"', b'"S3', 1)
    found = documents(b"[\n" + b",\n".join(lines) + b"\n]")
    assert [(each.number, each.problem) for each in found] == [(1, ""), (2, "is cut off"), (3, ""), (4, "")]
    with pytest.raises(BadDocument, match="is no JSON"):
        device_of(found[2].data)
    assert [device_of(found[index].data).serial for index in (0, 3)] == ["S1", "S4"]


def test_a_dump_that_was_cut_off_is_told_from_a_whole_one() -> None:
    whole = from_nbi(tr098("S1"), tr098("S2"))
    assert [each.problem for each in documents(whole)] == ["", ""]
    assert [each.problem for each in documents(whole[:-2])] == [
        "",
        "",
        "is missing: the dump has no end, so it was cut off",
    ]
    assert [each.problem for each in documents(whole[:-9])] == ["", "is cut off, and the dump with it"]


@pytest.mark.parametrize("step", [100, 1 << 20])
def test_one_that_is_too_long_is_passed_over_in_bounded_memory(step: int) -> None:
    large = {**tr098("S2"), "filler": [{"deep": "}]{[" * 10} for _ in range(200)]}
    splitter = Splitter(4000)
    data = from_nbi(tr098("S1"), large, tr098("S3"))
    found = []
    for at in range(0, len(data), step):
        found += list(splitter.feed(data[at : at + step]))
        assert len(splitter._buffer) <= 4000 + 2 * step
    found += list(splitter.end())
    assert [(each.number, each.problem) for each in found] == [(1, ""), (2, "is longer than 4000 bytes"), (3, "")]


def test_a_string_without_an_end_is_not_waited_for() -> None:
    splitter = Splitter(4000)
    found = []
    for _ in range(100):
        found += list(splitter.feed(b'{"a":"' + b"x" * 1000))
        assert len(splitter._buffer) < 10_000
    assert not found


def test_nothing_is_no_device() -> None:
    for data in (b"", b"[\n\n]", b"[]", b"not at all", b"\xef\xbb\xbf"):
        assert documents(data) == []


def test_a_broken_document_is_known_by_its_id() -> None:
    assert known_by(b'{"_id": "202BC1-BM632w-S1", "_tags": [') == "202BC1-BM632w-S1"
    assert known_by(b'{"a": 1') == ""
