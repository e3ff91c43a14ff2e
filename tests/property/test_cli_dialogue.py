"""How a wire cuts a conversation into pieces does not matter, and no output breaks the dialogue."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cli.dialogue import Credentials, Dialogue, DoorShut, Lost, Said
from drivers.cli.platform import load, names

SCRIPT = load("huawei-smartax").dialogue
LONGEST = 5_000

lines = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "  F/S/P                   : 0/ 1/3",
            "---- More ( Press 'Q' to break ) ----",
            "  Are you sure? (y/n)[n]:",
            "{ <cr>||<K> }:",
            "MA5800-X2(config)",
            "OTHER(config)#",
            "MA5800-X2(config)#display",
            "  Failure: SN already exists",
            "\x1b[37D     \x1b[37D",
            "\b\b\b   ",
            "-----------------------",
        ]
    ),
)
outputs = st.lists(lines, max_size=12).map("\r\n".join)


def begun() -> Dialogue:
    made = Dialogue(SCRIPT, Credentials("ztpd", "secret"), typed_login=False, longest=LONGEST)
    assert made.feed("\r\nMA5800-X2>").said is not None
    made.ask("display ont info 0 all")
    return made


def conversation(pieces: list[str]) -> tuple[str, Said | None, str | None]:
    """The keys that were pressed up to the answer, the answer, and how it was lost."""
    talk = begun()
    keys = ""
    for piece in pieces:
        try:
            turn = talk.feed(piece)
        except (Lost, DoorShut) as error:
            return keys, None, type(error).__name__
        keys += turn.keys
        if turn.said is not None:
            return keys, turn.said, None
    return keys, None, None


@given(output=outputs, cuts=st.lists(st.integers(0, 400), max_size=20))
def test_an_answer_is_the_same_however_it_is_cut(output: str, cuts: list[int]) -> None:
    text = f"display ont info 0 all\r\n{output}\r\nMA5800-X2(config)#"
    places = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]

    in_bytes = conversation(list(text))
    in_pieces = conversation(pieces)

    if len(text) <= LONGEST:
        assert in_pieces == in_bytes
        assert in_bytes[1] is not None or in_bytes[2] is not None


@given(output=st.text(max_size=300))
def test_whatever_comes_a_command_ends_at_the_next_prompt_or_is_lost(output: str) -> None:
    text = f"display ont info 0 all\r\n{output}\nMA5800-X2(config)#"

    _, said, lost = conversation([text])

    assert said is not None or lost is not None


@pytest.mark.parametrize("name", names())
@given(command=st.text(max_size=60))
def test_only_one_line_of_printable_text_is_ever_typed(name: str, command: str) -> None:
    talk = Dialogue(load(name).dialogue, Credentials("ztpd", "secret"), typed_login=False, longest=LONGEST)
    try:
        keys = talk.ask(command)
    except ValueError:
        assert not (command.isascii() and command.isprintable())
        return

    assert keys == command + load(name).dialogue.newline
    assert "\n" not in command
    assert "\r" not in command
