"""What operators read of elements: every example is a table that is understood, and every list is whole."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping

import pytest
from pydantic import TypeAdapter

from drivers import cli
from drivers.linux_edge import reading as edge_reading
from drivers.netconf_bbf import reading as bbf_reading
from drivers.netconf_switch import ietf, openconfig
from drivers.netconf_switch.port import Free
from drivers.routeros import reading as routeros_reading
from drivers.uisp import reading as uisp_reading
from tests.conftest import ROOT
from ztpd.element_settings import DRIVERS, AnyElement, ElementSection

GUIDE = (ROOT / "docs/elements.md").read_text()
EXAMPLE = (ROOT / "config/ztpd.toml").read_text()
SECTION: TypeAdapter[AnyElement] = TypeAdapter(ElementSection)


def _in_guide() -> Iterator[str]:
    for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL):
        yield block
        # What is commented out may be said too.
        yield re.sub(r"^# (?=[a-z_]+ = )", "", block, flags=re.MULTILINE)


def _in_example() -> Iterator[str]:
    for block in re.findall(r"(?:^# .*\n)+", EXAMPLE, re.MULTILINE):
        _, table, rest = block.partition("# [[elements]]\n")
        if table:
            yield (table + rest).replace("# ", "").replace('"…"', f'"{"ab" * 32}"')


def _elements(blocks: Iterable[str]) -> list[AnyElement]:
    return [SECTION.validate_python(each) for block in blocks for each in tomllib.loads(block)["elements"]]


def test_every_driver_has_an_example_that_is_understood() -> None:
    assert set(map(type, _elements(_in_guide()))) == set(DRIVERS.values())
    shipped = tomllib.loads(EXAMPLE)["elements"]
    assert {type(each) for each in [*_elements(_in_example()), *map(SECTION.validate_python, shipped)]} == set(
        DRIVERS.values()
    )


def _rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a header row that begins so, by their first cell."""
    lines = GUIDE.partition(heading)[2].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in _until_blank(lines)]
    return {row[0]: row[1:] for row in cells}


def _until_blank(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not line:
            return
        yield line


def test_every_platform_is_listed_with_what_it_leaves_to_the_operator() -> None:
    rows = _rows("| `platform` | for |")
    assert set(rows) == {f"`{name}`" for name in cli.names()}
    for name in cli.names():
        needed, others = rows[f"`{name}`"][1:3]
        defaults = cli.load(name).defaults
        assert set(re.findall(r"`(\w+)`", needed)) == {each for each, value in defaults.items() if not value}
        assert re.findall(r"`(\w+)` ([\w./-]+)", others) == [pair for pair in defaults.items() if pair[1]]


FREE = Free(None, True)
UNMODELLED: Mapping[str, Iterable[str]] = {
    "netconf-bbf": bbf_reading.UNMODELLED,
    **{f"cli {name}": cli.load(name).unmodelled for name in cli.names()},
    "netconf-switch, OpenConfig": openconfig.OpenConfig(rates=True, free=FREE).unmodelled,
    "netconf-switch, IETF and IEEE": ietf.Ietf(provider=False, free=FREE).unmodelled,
    "linux-edge": edge_reading.UNMODELLED,
    "routeros": routeros_reading.UNMODELLED,
    "uisp": uisp_reading.UNMODELLED,
}


@pytest.mark.parametrize("name", UNMODELLED)
def test_what_it_has_no_word_for_is_listed_of(name: str) -> None:
    rows = {}
    for named, (words, *_) in _rows("| | no word for |").items():
        # Platforms of one row have the same.
        for each in re.sub(r", (?=[a-z0-9]+-)", "\ncli ", named).splitlines():
            rows[each] = words
    assert set(re.findall(r"`(\w+)`", rows[name])) == set(UNMODELLED[name])
