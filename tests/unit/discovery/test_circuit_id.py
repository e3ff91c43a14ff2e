"""Circuit-ids by the shipped table, tables that an operator wrote, and what is said of a wrong one."""

import csv
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from ztpd.discovery.circuit_id import CircuitIdTable, CircuitIdTableError


@pytest.fixture(scope="module")
def shipped() -> CircuitIdTable:
    return CircuitIdTable.from_toml(tomllib.loads((ROOT / "config/circuit-ids.toml").read_text()))


def table(*rows: dict[str, object]) -> CircuitIdTable:
    return CircuitIdTable.from_toml({"pattern": list(rows)})


ROW: dict[str, object] = {"name": "row", "example": "sw1:7", "pattern": r"(?P<node>\w+):(?P<port>\d+)"}


@pytest.mark.parametrize(
    ("raw", "pattern", "element", "port"),
    [
        (b"OLT-9 xpon 0/1/0/4:16.3.70", "gpon-xpon", "OLT-9", "0/1/4"),
        (b"VD_9217-69VEV-OLT1:1381 xpon 0/2/0/14:8.1.69", "gpon-xpon", "VD_9217-69VEV-OLT1:1381", "0/2/14"),
        (b"dslam-1 eth 2/7", "tr101-eth", "dslam-1", "2/7"),
        (b"dslam-1 eth 2/7:835", "tr101-eth", "dslam-1", "2/7"),
        (b"My Mikrotik eth 0/2", "tr101-eth", "My Mikrotik", "0/2"),
        (b"msan-4 eth 1/1/2/7", "tr101-eth-rack", "msan-4", "1/1/2/7"),
        (b"msan-4 eth 1/2/7:835", "tr101-eth-frame", "msan-4", "1/2/7"),
        (b"dslam-1 atm 2/7:8.35", "tr101-atm", "dslam-1", "2/7"),
        (b"GigabitEthernet0/0/12:339.0 K364/0/0/0/0/0", "huawei-switch", "K364", "0/0/12"),
        (b"eth 0/0/5:30.3611 0/0/0/0/0/0", "zte-bng", None, None),
        (b"ge-1/0/1.0:43", "juniper", None, None),
        (b"xe-0/1/0:100-20", "juniper", None, None),
        (b"Vlan325+Ethernet1/0/13", "dcn", None, None),
        (b"0.0.0.0/0.0.0.0 eth 0:1", "rtbrick-blaster", None, None),
        (b"pe-7|3001|1/1/3:100.20", "nokia-ascii-tuple", "pe-7", "1/1/3"),
        (b"pe-7|3001|to-homes", "nokia-ascii-tuple", "pe-7", "to-homes"),
        (b"lag-3:102", "nokia-sap-id", None, None),
        (b"\x00\x00\x00\x43", "nokia-ifindex", None, None),
        (b"ltp8x-2 3 12 ELTX5C00A1B2", "olt-template-serial", "ltp8x-2", "3"),
        (b"ps426:62-1102", "node-svlan-cvlan", None, None),
        (bytes.fromhex("000400640001"), "vlan-module-port", None, None),
        (b"\x01\x0acustomer-7", "typed-text", None, None),
        (bytes.fromhex("500300010001"), "relay-mac", None, None),
    ],
    ids=repr,
)
def test_the_shipped_table_knows_every_encoding_of_the_field(
    shipped: CircuitIdTable, raw: bytes, pattern: str, element: str | None, port: str | None
) -> None:
    match = shipped.explain(raw)

    assert match is not None
    assert (match.pattern, match.element, match.port) == (pattern, element, port)


@pytest.mark.parametrize(
    ("raw", "groups"),
    [
        (
            b"OLT-9 xpon 0/1/0/4:16.3.70",
            {"node": "OLT-9", "frame": "0", "slot": "1", "subslot": "0", "port": "4", "onu": "16", "cvlan": "70"},
        ),
        (
            b"eth 0/0/5:30.3611 0/0/0/0/0/0",
            {"slot": "0", "subslot": "0", "port": "5", "svlan": "30", "cvlan": "3611"},
        ),
        (bytes.fromhex("000400640001"), {"svlan": "100", "slot": "0", "port": "1"}),
        (bytes.fromhex("500300010001"), {"mac": "50:03:00:01:00:01"}),
        (b"ltp8x-2 3 12 ELTX5C00A1B2", {"node": "ltp8x-2", "port": "3", "onu": "12", "serial": "ELTX5C00A1B2"}),
        (b"dslam-1 eth 2/7", {"node": "dslam-1", "slot": "2", "port": "7"}),
        (
            b"msan-4 eth 1/0/2/7:835",
            {"node": "msan-4", "rack": "1", "frame": "0", "slot": "2", "port": "7", "cvlan": "835"},
        ),
    ],
    ids=repr,
)
def test_groups_hold_what_the_encoding_tells(shipped: CircuitIdTable, raw: bytes, groups: dict[str, str]) -> None:
    match = shipped.explain(raw)

    assert match is not None
    assert match.groups == groups


def test_the_shipped_table_fits_its_own_examples_in_their_own_rows(shipped: CircuitIdTable) -> None:
    rows = tomllib.loads((ROOT / "config/circuit-ids.toml").read_text())["pattern"]

    for row in rows:
        example = row["example"]
        raw = bytes.fromhex(example) if "binary" in row else example.encode("latin-1")
        match = shipped.explain(raw)
        assert match is not None
        assert match.pattern == row["name"], f"{row['name']} is shadowed"


# What each circuit-id of ``circuit_ids_seen.tsv`` means: the row that explains it, the element and the port.
SEEN = {
    "OLT-9 xpon 0/1/0/4:16.3.70": ("gpon-xpon", "OLT-9", "0/1/4"),
    "OLT-9 xpon 0/1/0/12:5.3.70": ("gpon-xpon", "OLT-9", "0/1/12"),
    "VD_9217-69VEV-OLT1:1381 xpon 0/2/0/14:8.1.69": ("gpon-xpon", "VD_9217-69VEV-OLT1:1381", "0/2/14"),
    "MA5600T-style: <node> xpon 0/7/0/4:2.3.200": ("gpon-xpon", "MA5600T-style: <node>", "0/7/4"),
    "GigabitEthernet0/0/12:339.0 K364/0/0/0/0/0": ("huawei-switch", "K364", "0/0/12"),
    "Vlan325+Ethernet1/0/13": ("dcn", None, None),
    "Smer9 eth 0/4": ("tr101-eth", "Smer9", "0/4"),
    "4d79204d696b726f74696b2065746820302f32": ("tr101-eth", "My Mikrotik", "0/2"),
    "500300010001": ("relay-mac", None, None),
    "000400640001": ("vlan-module-port", None, None),
    "ge-1/0/1.0:43": ("juniper", None, None),
    "eth 0/0/5:30.3611 0/0/0/0/0/0": ("zte-bng", None, None),
    "0.0.0.0/0.0.0.0 eth 0:1": ("rtbrick-blaster", None, None),
    "ps426:62-1102": ("node-svlan-cvlan", None, None),
}


@pytest.mark.parametrize("value", SEEN)
def test_the_shipped_table_explains_what_was_seen_in_the_field(shipped: CircuitIdTable, value: str) -> None:
    match = shipped.explain(_raw(value))

    assert match is not None
    assert (match.pattern, match.element, match.port) == SEEN[value]


def test_nothing_that_was_seen_in_the_field_is_left_out(data_folder: Path) -> None:
    with (data_folder / "dhcp/circuit_ids_seen.tsv").open() as file:
        seen = [row[0] for row in csv.reader(file, delimiter="\t") if not row[0].startswith("#")]

    assert set(seen) == set(SEEN)


def _raw(value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.encode()


@pytest.mark.parametrize("raw", [b"", b"nobody knows", b"\xff\xfe", b"OLT-9 xpon 0/1/0/4", b"x" * 255])
def test_what_no_row_knows_stays_unexplained(shipped: CircuitIdTable, raw: bytes) -> None:
    assert shipped.explain(raw) is None


def test_more_than_a_sub_option_can_hold_is_not_tried() -> None:
    everything = table({"name": "all", "example": "x", "pattern": "(?s:.*)"})

    assert everything.explain(b"x" * 255) is not None
    assert everything.explain(b"x" * 256) is None


def test_the_first_row_that_fits_wins() -> None:
    own = {**ROW, "name": "own", "port": "own-{port}"}

    match = table(own, ROW).explain(b"sw1:7")

    assert match is not None
    assert (match.pattern, match.port) == ("own", "own-7")


def test_a_template_whose_group_took_no_part_gives_nothing() -> None:
    row = {**ROW, "pattern": r"(?P<node>\w+)(?::(?P<port>\d+))?", "element": "{node}", "port": "{node}/{port}"}

    match = table(row).explain(b"sw1")

    assert match is not None
    assert (match.element, match.port) == ("sw1", None)


def test_control_characters_reach_no_group() -> None:
    anything = table({"name": "all", "example": "x", "pattern": "(?P<node>(?s:.+))", "element": "{node}"})

    assert anything.explain(b"olt\x1b[31m") is None
    assert anything.explain(b"olt\n1") is None
    assert anything.explain(b"olt") is not None


def test_a_binary_serial_is_kept_as_its_bytes() -> None:
    row: dict[str, object] = {"name": "b", "example": "02 48575443 1a2b3c4d", "binary": ["02", "serial:8"]}

    match = table(row).explain(bytes.fromhex("02485754431a2b3c4d"))

    assert match is not None
    assert match.groups == {"serial": "485754431A2B3C4D"}


@pytest.mark.parametrize(
    ("change", "row", "key", "remedy"),
    [
        ({"pattern": "("}, "row", "pattern", "correct the regular expression"),
        ({"pattern": r"(?P<node>\w+):(?P<prot>\d+)"}, "row", "pattern", "port"),
        ({"pattern": r"(\w+:)+(?P<port>\d+)"}, "row", "pattern", "write the parts out"),
        ({"pattern": r"(?:\w|:){1,200}"}, "row", "pattern", "write the parts out"),
        ({"pattern": "x" * 1001}, "row", "pattern", "split it"),
        ({"pattern": ""}, "row", "pattern", 'pattern = "..."'),
        ({"pattern": 7}, "row", "pattern", 'pattern = "..."'),
        ({"pattern": "other"}, "row", "example", "correct one of the two"),
        ({"example": "sw1:7\u20ac"}, "row", "example", "one byte a character"),
        ({"example": None}, "row", "example", 'example = "..."'),
        ({"name": ""}, "number 1", "name", 'name = "..."'),
        ({"ports": "{port}"}, "row", "ports", "binary, element, example"),
        ({"port": "{slot}"}, "row", "port", "{node}, {port}"),
        ({"port": "{port!r}"}, "row", "port", "{node}, {port}"),
        ({"port": "{port:>9999999}"}, "row", "port", "{node}, {port}"),
        ({"port": "{port.__class__}"}, "row", "port", "{node}, {port}"),
        ({"port": "{port"}, "row", "port", "{node}, {port}"),
        ({"binary": ["00"]}, "row", "pattern", "exactly one"),
    ],
    ids=repr,
)
def test_a_wrong_row_is_refused_with_row_key_and_remedy(
    change: dict[str, object], row: str, key: str, remedy: str
) -> None:
    with pytest.raises(CircuitIdTableError) as refused:
        table({**ROW, **change})

    assert (refused.value.row, refused.value.key) == (row, key)
    assert remedy in refused.value.remedy
    assert all(part in str(refused.value) for part in (row, key, remedy))


@pytest.mark.parametrize(
    ("binary", "remedy"),
    [
        ("00 04", "write ["),
        ([], "write ["),
        ([4], "write ["),
        (["0"], "hex"),
        (["port:0"], "group:bytes"),
        (["port:9"], "group:bytes"),
        (["port:two"], "group:bytes"),
        (["gem:2"], "port"),
        (["port:1", "port:1"], "once"),
    ],
    ids=repr,
)
def test_a_wrong_layout_is_refused(binary: object, remedy: str) -> None:
    with pytest.raises(CircuitIdTableError, match="row, binary") as refused:
        table({"name": "row", "example": "00", "binary": binary})

    assert remedy in refused.value.remedy


def test_an_example_of_a_binary_row_is_hex() -> None:
    with pytest.raises(CircuitIdTableError, match="row, example"):
        table({"name": "row", "example": "port one", "binary": ["port:1"]})


def test_a_row_with_neither_form_is_refused() -> None:
    with pytest.raises(CircuitIdTableError, match="so is binary"):
        table({"name": "row", "example": "x"})


@pytest.mark.parametrize(
    ("document", "key"),
    [({"patterns": []}, "patterns"), ({"pattern": {}}, "pattern"), ({"pattern": ["x"]}, "pattern")],
    ids=repr,
)
def test_a_wrong_document_is_refused(document: dict[str, object], key: str) -> None:
    with pytest.raises(CircuitIdTableError) as refused:
        CircuitIdTable.from_toml(document)

    assert refused.value.key == key


def test_names_are_unique() -> None:
    with pytest.raises(CircuitIdTableError, match="used twice"):
        table(ROW, ROW)


def test_an_empty_table_explains_nothing() -> None:
    assert CircuitIdTable.from_toml({}).explain(b"sw1:7") is None


def test_a_pattern_may_use_every_group_of_the_field() -> None:
    groups = ("node", "rack", "frame", "slot", "port", "onu", "svlan", "cvlan", "mac", "serial")
    example = " ".join(f"{name}1" for name in groups)
    row: dict[str, object] = {
        "name": "all",
        "example": example,
        "pattern": " ".join(rf"(?P<{name}>\w+)" for name in groups),
        "element": "{node}",
        "port": "/".join(f"{{{name}}}" for name in groups),
    }
    match = table(row).explain(example.encode())

    assert match is not None
    assert match.groups == {name: f"{name}1" for name in groups}
    assert match.port == "/".join(f"{name}1" for name in groups)
