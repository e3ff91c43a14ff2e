"""Lists of services, as files and as bodies: any bytes are services or a named error."""

import asyncio
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ztpd.api.lines import LinesOf, read_lines
from ztpd.api.problems import Invalid, Malformed
from ztpd.domain.adoption import ListedService
from ztpd.service_lists import BadList, read_list

HEADER = b"service,account,location,profile,serial,parameters.c_vlan\n"
ROW = {"service": "S", "account": "A", "location": "L", "profile": "P", "serial": "HWTC1A2B3C4D"}
LINES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from([orjson.dumps(ROW), b"", b"[]", b"{", b'{"service":"S"}', b"S,A,L,P,HWTC1A2B3C4D,7", b'"']),
    max_size=6,
)
BYTES = st.builds(lambda head, lines: head + b"\n".join(lines), st.sampled_from([b"", HEADER, b"\xef\xbb\xbf"]), LINES)


@given(data=BYTES)
def test_any_body_is_lines_or_a_problem(data: bytes) -> None:
    try:
        body = asyncio.run(read_lines(LinesOf[ListedService], data))
    except (Malformed, Invalid):
        return
    assert isinstance(body, LinesOf)
    assert all(isinstance(each, ListedService) for each in body.items)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "services"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES)
def test_any_file_is_services_or_a_list_of_problems(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        rows = read_list(file, {})
    except BadList:
        return
    assert rows
    assert all(1 <= row.line <= data.count(b"\n") + data.count(b"\r") + 1 for row in rows)
