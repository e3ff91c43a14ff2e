"""Whatever an OLT prints: an answer that adds up, or an error that names the platform; and in linear work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pon.autofind import PLATFORMS, Autofind, AutofindError, parse
from pon.onu import Presence
from pon.serial import is_canonical
from tests.unit.pon import answers

platforms = st.sampled_from(sorted(PLATFORMS))
samples = st.sampled_from([(platform, text) for platform, texts in answers.ALL.items() for text in texts])
PIECES = [
    *sorted({word for texts in answers.ALL.values() for text in texts for word in text.split()}),
    *[
        "\n",
        "\r",
        "\t",
        " ",
        "    ",
        ",",
        "|",
        ":",
        "(",
        "<",
        "</",
        ">",
        "&",
        '"',
        "#",
        "\b",
        "\x00",
        "\ud800",
        "\u2028",
    ],
    *[
        "\x1b[",
        "\x1b[9999C",
        "\x1b[9999D",
        "\x1b[500G",
        "\x1b[K",
        "\x1b[1K",
        "\x1b[2K",
        "\x1b]",
        "--More--",
        "---- More (",
    ],
    *["<!DOCTYPE x>", "<instance>", '<info name="sernum">', "<![CDATA[", "unprovision-onu count : 999999", "%Error"],
]
REPEATED = [
    *["\n", " ", "\b", "a ", "a,", "GPON0/", "1/1/1/", "HWTC1A2B3C4D ", "CXNK 1 ", "show ", "x" * 79 + "#", "%Error\n"],
    *["OnuIndex Sn\n", "SERIAL\nNUMBER\n", "gpon-index\n", "Number : 1\n", "Ont SN : 1\n", "discovered-ont CXNK 1\n"],
    *[
        "\x1b[512Cx\r\x1b[K",
        "\x1b]",
        "\x1b[",
        "-",
        "---- More ( ",
        "[37D ",
        "<a ",
        "<a>",
        "<instance>",
        "&a;",
        "number of ",
    ],
]
mixtures = st.lists(st.sampled_from(PIECES), max_size=60).flatmap(
    lambda pieces: st.sampled_from(["", " ", "\n"]).map(lambda between: between.join(pieces))
)


def must_be_answered(platform: str, text: str) -> Autofind | None:
    """Read it, and hold what was read to what every list promises; None where there is no list."""
    try:
        read = parse(platform, text)
    except AutofindError as refused:
        must_say_what_and_where(platform, refused)
        return None
    lines = text.count("\n") + text.count("\r") + 1
    for found in read.onus:
        assert is_canonical(found.onu.serial)
        assert found.onu.port
        assert found.onu.presence is Presence.UNKNOWN
        assert found.onu.onu_id is None
    for unread in read.unread:
        assert 1 <= unread.number <= lines
        assert unread.reason
        assert len(unread.line) <= 160
    return read


def must_say_what_and_where(platform: str, error: AutofindError) -> None:
    assert error.platform == platform
    assert error.problem
    assert error.remedy
    assert len(error.line) <= 160
    assert not error.line or repr(error.line) in str(error)


@given(platforms, st.text(max_size=400))
def test_any_text_is_answered(platform: str, text: str) -> None:
    must_be_answered(platform, text)


@given(platforms, mixtures)
def test_any_mixture_of_what_elements_print_is_answered(platform: str, text: str) -> None:
    must_be_answered(platform, text)


@given(
    samples,
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 30), st.sampled_from(PIECES)), min_size=1, max_size=6),
)
def test_any_damage_to_an_answer_is_answered(sample: tuple[str, str], cuts: list[tuple[int, int, str]]) -> None:
    platform, text = sample
    for position, length, piece in cuts:
        text = text[:position] + piece + text[position + length :]
    must_be_answered(platform, text)


@given(samples, st.integers(0, 1500))
def test_an_answer_that_breaks_off_holds_no_onu_that_the_whole_does_not(sample: tuple[str, str], length: int) -> None:
    platform, text = sample
    whole = parse(platform, text)
    read = must_be_answered(platform, text[:length])
    if read is not None and platform != "calix-axos":  # its serials have no length of their own
        serials = {(found.onu.port, found.onu.serial) for found in whole.onus}
        assert {(found.onu.port, found.onu.serial) for found in read.onus} <= serials


@given(
    st.lists(
        st.tuples(st.integers(1, 16), st.from_regex(r"[A-Z]{4}[0-9A-F]{8}", fullmatch=True)), min_size=1, max_size=20
    )
)
def test_every_row_of_a_list_is_read(rows: list[tuple[int, str]]) -> None:
    header = "OnuIndex                 Sn                  State\n" + answers.RULE + "\n"
    printed = [f"gpon-onu_1/1/{port}:1".ljust(25) + serial.ljust(20) + "unknown\n" for port, serial in rows]

    read = must_be_answered("zte", header + "".join(printed))

    assert read is not None
    assert [(found.onu.port, found.onu.serial) for found in read.onus] == [
        (f"gpon-olt_1/1/{port}", serial) for port, serial in rows
    ]
    assert read.unread == ()


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
@pytest.mark.parametrize("piece", REPEATED)
def test_a_piece_repeated_without_end_is_answered(platform: str, piece: str) -> None:
    """A step whose work grows with the square of the answer takes minutes here."""
    must_be_answered(platform, piece * (64 * 1024 // len(piece)))
