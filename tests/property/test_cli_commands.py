"""No value can add a line or a second command to what is sent, on any platform."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.access import WantedAccess
from drivers.cli.access import NotRepresentable, facts_of
from drivers.cli.commands import NotAllowed, command
from drivers.cli.facts import Facts, Values
from drivers.cli.planning import admin_change, changes, removals, typed
from drivers.cli.platform import Platform, load, names

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# A line's end, a blank, and what separates, quotes or asks for help on some command line.
_DANGEROUS = re.compile(r"[\s\x00-\x20\x7f;|?\"'`$&<>(){}\\!#]|[^\x00-\x7f]")

texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab1 \n\r\t;|?\"'\\\x00\x03\x1a\x1b​١", max_size=20),
    st.sampled_from(["SVC-1\nont delete 0 all", "x;reboot", 'a" desc "b', "1\r\n2", "?", "١", "\x03", "a|b"]),
)


def values_of(platform: Platform) -> Values:
    return {name: value or {"uni": "x1"}.get(name, "10") for name, value in platform.defaults.items()}


def templates(platform: Platform) -> list[str]:
    """Every command that the platform's file has."""
    steps = [
        step.command
        for each in platform.objects
        for steps in (each.create, each.delete, *each.change.values())
        for step in steps
    ]
    queries = [*platform.read, *platform.read_all, *platform.discovered, *platform.ports]
    queries += [query for number in platform.numbers.values() for query in (number.taken, number.free) if query]
    modes = [mode.enter for mode in platform.dialogue.modes.values()]
    return [*steps, *modes, *(query.command for query in queries), *(step.command for step in platform.reboot)]


@pytest.mark.parametrize("name", names())
@given(value=texts)
def test_a_value_goes_into_no_command_unless_it_is_one_harmless_word(name: str, value: str) -> None:
    platform = load(name)

    for fact, pattern in platform.fields.items():
        if value.isascii() and value.isprintable() and pattern.fullmatch(value):
            assert not _DANGEROUS.search(value), f"fields.{fact} takes {value!r}"


@pytest.mark.parametrize("name", names())
@given(data=st.data())
def test_what_a_field_takes_is_always_harmless(name: str, data: st.DataObject) -> None:
    platform = load(name)
    fact = data.draw(st.sampled_from(sorted(platform.fields)))

    value = data.draw(st.from_regex(platform.fields[fact], fullmatch=True))
    try:
        made = command(platform, f"<{{{fact}}}>", {fact: value})
    except NotAllowed:
        return

    assert not _DANGEROUS.search(made[1:-1]), f"fields.{fact} takes {value!r}"


@pytest.mark.parametrize("name", names())
@given(values=st.dictionaries(st.sampled_from(["service", "port", "serial_hex", "onu_id", "card", "pon"]), texts))
def test_a_command_has_as_many_words_as_its_template_or_is_refused(name: str, values: Values) -> None:
    platform = load(name)

    for template in templates(platform):
        try:
            made = command(platform, template, values)
        except NotAllowed:
            continue
        assert made.isprintable()
        assert len(made.split(" ")) == len(template.split(" "))


@pytest.mark.parametrize("name", names())
@given(
    service=texts,
    port=texts,
    device=st.one_of(texts, st.just("HWTC1A2B3C4D")),
    vlans=st.tuples(st.integers(), st.none() | st.integers()),
    priority=st.integers(),
    rate=st.integers(),
    found=st.dictionaries(st.sampled_from(["port", "onu_id", "description", "flow", "card", "serial"]), texts),
)
def test_nothing_that_is_wanted_or_read_makes_a_command_of_another_shape(
    name: str,
    service: str,
    port: str,
    device: str,
    vlans: tuple[int, int | None],
    priority: int,
    rate: int,
    found: Values,
) -> None:
    platform = load(name)
    allowed = [
        re.compile(_PLACEHOLDER.sub(r'[^\\s"]+', re.escape(each).replace(r"\{", "{").replace(r"\}", "}")))
        for each in templates(platform)
    ]
    access = WantedAccess(service, port, device, *vlans, rate, rate, priority=priority)
    try:
        wanted = facts_of(platform, values_of(platform), access)
        actions = changes(platform, found, {**wanted, **dict.fromkeys(platform.numbers, "1")})
        actions += removals(platform, Facts(found))
        actions.append(admin_change(platform, found, enabled=False))
    except (NotRepresentable, NotAllowed, ValueError):
        return

    for action in actions:
        for step in (*action.do, *(action.undo or ())):
            for text in filter(None, (step.command, step.enter)):
                assert text.isprintable()
                assert any(pattern.fullmatch(text) for pattern in allowed), text


_PORTS = {
    "nokia-isam": "1/1/1/1",
    "calix-axos": "1/1/xp1",
    "huawei-smartax": "0/1/0",
    "zte-c300": "gpon-olt_1/1/1",
    "zte-c600": "gpon_olt-1/1/1",
    "v-sol": "GPON0/1",
}


@pytest.mark.parametrize("name", names())
def test_an_ordinary_service_is_taken(name: str) -> None:
    """What the tests above refuse is not everything."""
    platform = load(name)
    port = _PORTS.get(name)
    if port is None:
        pytest.skip("its ports are named in its own tests")
    access = WantedAccess("SVC-1", port, "HWTC1A2B3C4D", 201, 301, 1_000_000_000, 500_000_000)

    wanted = facts_of(platform, values_of(platform), access)
    made = changes(platform, {}, {**wanted, **dict.fromkeys(platform.numbers, "1")})

    assert [step.command for action in made for step in action.do]
    assert typed(platform, platform.read[0], wanted).command
