"""What elements print, read through the dialogue and the rules of their platforms."""

import re
from pathlib import Path

import pytest

from drivers.cli.dialogue import Credentials, Dialogue, Said
from drivers.cli.facts import Facts, complete, read_one, rows
from drivers.cli.platform import Platform, Query, load, names
from pon.autofind import parse
from tests.unit.drivers.transcripts import Exchange, exchanges

EXCHANGES = list(exchanges())
_FILLED = re.compile(r"\\\{(\w+)\\\}")


def dialogue(platform: Platform) -> Dialogue:
    return Dialogue(platform.dialogue, Credentials("ztpd", "secret", "secret"), typed_login=False, longest=1_000_000)


def prompt_of(exchange: Exchange) -> str:
    return exchange.pieces[-1].split("\n")[-1]


def answered(exchange: Exchange, size: int) -> tuple[Said | None, list[str]]:
    """The dialogue's answer, and the keys that it pressed, when the text comes in pieces of a size."""
    talk = dialogue(load(exchange.platform))
    assert talk.feed(f"\r\n{prompt_of(exchange)}").said is not None
    talk.ask(exchange.command, confirm=exchange.confirm)
    said: Said | None = None
    pressed: list[str] = []
    pieces = exchange.pieces
    pieces[0] = f"{exchange.command}\r\n{pieces[0]}"
    for piece in pieces:
        keys = ""
        for place in range(0, len(piece), size):
            turn = talk.feed(piece[place : place + size])
            keys += turn.keys
            said = turn.said or said
        pressed.append(keys)
    return said, pressed[:-1] if pressed[-1] == "" else pressed


def query_for(platform: Platform, command: str) -> Query | None:
    """The query that a command was typed for."""
    numbers = [query for number in platform.numbers.values() for query in (number.taken, number.free) if query]
    exists = [each.exists for each in platform.objects if each.exists is not None]
    measure = platform.measure.queries if platform.measure is not None else ()
    find = [platform.find_service] if platform.find_service is not None else []
    everything = [*platform.read, *platform.read_all, *platform.ports, *numbers, *measure, *find, *exists]
    for query in everything:
        pattern = _FILLED.sub(lambda match: platform.fields[match[1]].pattern, re.escape(query.command))
        if re.fullmatch(pattern.replace("\\ ", " "), command):
            return query
    return None


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: f"{exchange.platform}/{exchange.where}")
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_answer_is_whole_however_it_is_cut(exchange: Exchange, size: int) -> None:
    said, pressed = answered(exchange, size)

    assert said is not None
    assert said.prompt == prompt_of(exchange).rstrip()
    assert pressed == exchange.keys
    refusal = said.refusal[0].value if said.refusal is not None else None
    if not exchange.found:
        assert refusal == exchange.refusal


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: f"{exchange.platform}/{exchange.where}")
def test_the_rules_tell_what_the_answer_says(exchange: Exchange) -> None:
    platform = load(exchange.platform)
    said, _ = answered(exchange, 100_000)
    assert said is not None

    if exchange.found:
        found = parse(platform.autofind, "\n".join(said.lines))
        assert [(each.onu.port, each.onu.serial) for each in found.onus] == exchange.found
        assert found.unread == ()
    elif exchange.told:
        query = query_for(platform, exchange.command)
        assert query is not None, f"no query of the platform is typed so: {exchange.command}"
        assert told_by(platform, query, said) == exchange.told


def told_by(platform: Platform, query: Query, said: Said) -> list[dict[str, str]]:
    if query in platform.read or (platform.measure is not None and query in platform.measure.queries):
        facts = Facts()
        read_one(platform, query, said.lines, facts)
        return [facts.values]
    found = [row.values for row in rows(query, said.lines)]
    for values in found:
        complete(platform, values)
    return found


def test_every_platform_has_transcripts() -> None:
    assert {exchange.platform for exchange in EXCHANGES} == set(names())


# --- what others have recorded (networktocode/ntc-templates; serials and names are made up) ---------------------------


def recorded(data_folder: Path, name: str) -> list[str]:
    path = data_folder / "pon/huawei_smartax" / f"huawei_smartax_{name}.raw"
    if not path.is_file():
        pytest.skip(f"no recording {path}")
    return path.read_text().splitlines()


def test_a_recorded_ont_is_read(data_folder: Path) -> None:
    platform = load("huawei-smartax")
    facts = Facts()

    read_one(platform, platform.read[0], recorded(data_folder, "display_ont_info_1"), facts)

    told = {name: facts.values.get(name) for name in ("port", "onu_id", "admin", "state", "card")}
    assert told == {"port": "0/0/6", "onu_id": "2", "admin": "active", "state": "online", "card": "0/0"}


def test_every_ont_of_a_recorded_port_is_counted_once(data_folder: Path) -> None:
    platform = load("huawei-smartax")
    taken = platform.numbers["onu_id"].taken
    assert taken is not None

    found = rows(taken, recorded(data_folder, "display_ont_info_fsp"))

    assert [row.values["onu_id"] for row in found] == [str(n) for n in range(31)]


def test_a_recorded_list_of_profiles_or_flows_is_no_refusal(data_folder: Path) -> None:
    talk = dialogue(load("huawei-smartax"))
    talk.feed("\r\nMA5608T>")
    for name in ("display_ont-lineprofile_gpon_all", "display_service-port_all", "display_version", "ont_add"):
        talk.ask(name)
        said = talk.feed("\r\n".join([name, *recorded(data_folder, name), "MA5608T>"])).said

        assert said is not None, name
        assert said.refusal is None, name
