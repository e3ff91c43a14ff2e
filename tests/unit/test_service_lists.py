"""Lists of services as files: every line that cannot be used is named by its number, and nothing is guessed."""

from pathlib import Path

import pytest

from ztpd.domain.profile import Profile
from ztpd.service_lists import BadList, read_list

HEADER = "service,account,location,profile,serial,port,state,address,parameters.c_vlan,parameters.wifi_ssid\n"
LINE = 'SVC-1,ACC-1,LOC-1,residential-1g,HWTC:1a2b3c4d,1/1/3,active,"12 High Street, 2nd",301,home\n'


def written(folder: Path, text: str | bytes, name: str = "services.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def problems(file: Path, *profiles: Profile) -> str:
    with pytest.raises(BadList) as caught:
        read_list(file, {profile.name: profile for profile in profiles})
    return str(caught.value)


def test_csv_gives_services_with_parameters_of_the_profiles_types(tmp_path: Path, residential: Profile) -> None:
    ((row),) = read_list(written(tmp_path, HEADER + LINE), {residential.name: residential})
    assert row.line == 2
    assert (row.service.serial, row.service.port, row.service.state) == ("HWTC1A2B3C4D", "1/1/3", "active")
    assert row.service.address == "12 High Street, 2nd"
    assert row.service.parameters == {"c_vlan": 301, "wifi_ssid": "home"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_what_separates_is_read_off_the_header_and_a_mark_of_order_is_no_letter(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeff" + HEADER.replace(",", delimiter) + "SVC-1,A,L,P,HWTC1A2B3C4D,,,,,\n\n".replace(",", delimiter)
    (row,) = read_list(written(tmp_path, text), {})
    assert (row.service.service, row.service.port, row.service.parameters) == ("SVC-1", None, {})


@pytest.mark.parametrize(
    ("text", "serial", "mac"),
    [("ALCL:00000001", "ALCL00000001", None), ("00-25-9E-1A-2B-3C", None, "00:25:9e:1a:2b:3c")],
)
def test_one_column_may_hold_serials_and_macs(tmp_path: Path, text: str, serial: str | None, mac: str | None) -> None:
    file = written(tmp_path, f"service,account,location,profile,device\nS,A,L,P,{text}\n")
    (row,) = read_list(file, {})
    assert (row.service.serial, row.service.mac) == (serial, mac)


def test_ndjson_is_told_by_its_first_letter(tmp_path: Path) -> None:
    line = '{"service":"S","account":"A","location":"L","profile":"P","mac":"00259e1a2b3c","parameters":{"vlan":7}}'
    rows = read_list(written(tmp_path, f"\n{line}\n\n", "list.txt"), {})
    assert [(row.line, row.service.mac, row.service.parameters) for row in rows] == [
        (2, "00:25:9e:1a:2b:3c", {"vlan": 7})
    ]


def test_every_wrong_line_is_told_at_once_by_its_number(tmp_path: Path, residential: Profile) -> None:
    text = (
        HEADER
        + LINE
        + LINE.replace("HWTC:1a2b3c4d", "12")
        + LINE.replace("active", "cut")
        + LINE.replace("SVC-1", "S 1")
    )
    said = problems(written(tmp_path, text), residential)
    assert [line.partition(": ")[2].partition(": ")[0] for line in said.splitlines()] == ["line 3", "line 4", "line 5"]
    assert "line 3: serial: '12' is no PON serial" in said
    assert "line 4: state:" in said
    assert "line 5: service:" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: column service is missing"),
        ("service,account,location,profile,serail\n", "column 'serail' is not known; did you mean serial?"),
        ("service,account,location,profile,port,port\n", "column port is there twice"),
        (HEADER, "has no service"),
        (HEADER + "S,A,L,P,HWTC1A2B3C4D,,,,,,,\n", "line 2: has 12 values, the header 10 columns"),
        (HEADER + 'S,A,L,P,"HWTC\n', "is no CSV"),
        (HEADER + "S,A,L,P,,,,,,\n", "line 2: give a serial, a mac or a port"),
        ('{"service": 1\n', "line 1: is no JSON"),
        ("{}\n[]\n", "line 2: is no JSON object"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, text: str | bytes, said: str) -> None:
    file = written(tmp_path, text)
    found = problems(file)
    assert said in found
    assert all(line.startswith(f"{file}: ") for line in found.splitlines())


def test_a_flood_of_problems_is_cut_and_counted(tmp_path: Path) -> None:
    said = problems(written(tmp_path, HEADER + "S,A,L,P,x,,,,,\n" * 200)).splitlines()
    assert len(said) == 51
    assert said[-1].endswith("and 150 more")
