"""What an OLT prints of ONUs that no configuration claims is read, told from silence and refusal, or shown."""

from pathlib import Path

import pytest

from pon.autofind import (
    LONGEST,
    PLATFORMS,
    AnswerTooLong,
    Autofind,
    CommandRefused,
    FoundOnu,
    UnknownAnswer,
    UnknownPlatform,
    parse,
)
from pon.onu import Presence, PresentOnu
from tests.unit.pon import answers


def onu(port: str, serial: str, state: str = "", registration_id: str | None = None) -> PresentOnu:
    return PresentOnu(port, serial, Presence.UNKNOWN, state, registration_id=registration_id)


LISTS = [
    (
        "huawei",
        answers.HUAWEI,
        [
            FoundOnu(onu("0/2/11", "HWTC1A2B3C4D", "", "3132333435"), "HG8145V5", "alice-01", "12345"),
            FoundOnu(onu("0/3/0", "ZTEG00000A0B")),
        ],
    ),
    (
        "zte",
        answers.ZTE_STATE,
        [
            FoundOnu(onu("gpon-olt_1/1/2", "HWTC1A2B3C4D", "unknown")),
            FoundOnu(onu("gpon-olt_1/1/2", "ZTEG00000A0B", "unknown")),
        ],
    ),
    (
        "zte",
        answers.ZTE_PASSWORD,
        [
            FoundOnu(onu("gpon_olt-1/3/16", "ZTEGD0000001", "", "474430303030303031"), "F670LV9.0", None, "GD0000001"),
            FoundOnu(onu("gpon_olt-1/3/16", "HWTC1A2B3C4D")),
        ],
    ),
    ("zte", answers.ZTE_TYPE, [FoundOnu(onu("gpon_olt-1/1/1", "ZTEG00000A0B", "unknown"))]),
    ("zte", answers.ZTE_MAC, [FoundOnu(onu("gpon-olt_1/9/7", "ZTEGC0FFEE00"), "F612V6.0")]),
    (
        "nokia-isam",
        answers.NOKIA,
        [
            FoundOnu(onu("1/1/1/16", "ALCL1A2B3C4D")),
            FoundOnu(onu("1/1/2/1", "ALCLFD000001", "", "31323334353637383930"), None, None, "1234567890"),
        ],
    ),
    ("nokia-isam", answers.NOKIA_XML, [FoundOnu(onu("1/1/1/12", "ALCL1A2B3C4D"), None, "alice&bob")]),
    ("calix-axos", answers.AXOS_TABLE, [FoundOnu(onu("1/2/xp1", "CXNK0009A3F1"), "844GE")]),
    (
        "calix-axos",
        answers.AXOS_CSV,
        [FoundOnu(onu("1/1/xp1", "CXNK0009A3F1", "", "3132333435"), "844GE, black", None, "12345")],
    ),
    (
        "calix-axos",
        answers.AXOS_BLOCKS,
        [
            FoundOnu(
                onu("2/1/xp2", "CXNK0009A3F1", "", "30303131323233334141424243434444"),
                "844GE",
                None,
                "00112233AABBCCDD",
            )
        ],
    ),
    (
        "v-sol",
        answers.VSOL,
        [
            FoundOnu(onu("GPON0/1", "GPON00AAAA01", "unknow")),
            FoundOnu(onu("GPON0/1", "VSOL0000AA02", "unknow")),
        ],
    ),
]


@pytest.mark.parametrize(("platform", "text", "expected"), LISTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r\r\n", "\n\r"])
def test_each_layout_is_read(platform: str, text: str, expected: list[FoundOnu], line_end: str) -> None:
    read = parse(platform, text.replace("\r\n", "\n").replace("\n", line_end))

    assert read.onus == tuple(expected)
    assert read.unread == ()


def test_an_onu_that_the_element_lists_as_configured_is_counted_and_no_unknown_one() -> None:
    assert parse("calix-axos", answers.AXOS_TABLE).configured == 1
    assert parse("calix-axos", answers.AXOS_BLOCKS).configured == 1
    assert parse("calix-axos", answers.AXOS_CSV).configured == 0


def test_the_index_beside_an_unknown_onu_is_no_onu_id() -> None:
    assert {found.onu.onu_id for found in parse("zte", answers.ZTE_STATE).onus} == {None}


@pytest.mark.parametrize(
    ("platform", "row", "expected"),
    [
        ("zte", "pon-onu_1/1/1:1    ZTEG00000A0B   auto-find", onu("pon-olt_1/1/1", "ZTEG00000A0B", "auto-find")),
        ("zte", "gpon_olt-1/1/1  F660  ZTEG00000A0B  N/A", onu("gpon_olt-1/1/1", "ZTEG00000A0B")),
        ("nokia-isam", "176        1/1/1/11   ALCL00000A0B DEFAULT ", onu("1/1/1/11", "ALCL00000A0B")),
        ("v-sol", "GPON0/4:2  VSOL00000A0B  unknow", onu("GPON0/4", "VSOL00000A0B", "unknow")),
    ],
)
def test_rows_without_their_header_are_read_where_their_words_leave_no_doubt(
    platform: str, row: str, expected: PresentOnu
) -> None:
    assert [found.onu for found in parse(platform, row).onus] == [expected]


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        ("huawei", "display ont autofind all\n  Failure: The automatically found ONTs do not exist\n"),
        ("huawei", "   The number of GPON autofind ONT is 0\n"),
        ("zte", answers.ZTE_EMPTY),
        ("zte", "C600#show pon onu uncfg\r\n%Code 62310-PONSRV : No related information to show.\r\nC600#"),
        ("nokia-isam", answers.NOKIA_EMPTY),
        ("nokia-isam", answers.NOKIA_XML_EMPTY),
        ("calix-axos", answers.AXOS_EMPTY),
        ("v-sol", "OnuIndex                 Sn                       State\r\n------------\r\n"),
        ("v-sol", "Error:\r\n"),
    ],
)
def test_an_empty_answer_is_an_empty_list(platform: str, text: str) -> None:
    assert parse(platform, text) == Autofind()


REFUSALS = [
    ("huawei", "% Unknown command, the error locates at '^'"),
    ("huawei", "Failure: System is busy, please retry after a while"),
    ("huawei", ">>User name:"),
    ("huawei", ">>User password:"),
    ("zte", "%Error 20200: Invalid input detected at '^' marker."),
    ("zte", "%Code 20203: Incomplete command."),
    ("zte", "%Error 30121: gpon-olt_1/1/9 does not exist"),
    ("nokia-isam", "Error : invalid token"),
    ("nokia-isam", "login:"),
    ("calix-axos", "syntax error: unknown command"),
    ("calix-axos", "Error: access denied"),
    ("v-sol", "% Unknown command."),
    ("v-sol", "Error: the port is not enabled"),
    ("v-sol", "Password: "),
]


@pytest.mark.parametrize(("platform", "line"), REFUSALS)
def test_a_refused_command_is_no_empty_list(platform: str, line: str) -> None:
    with pytest.raises(CommandRefused, match="refused") as caught:
        parse(platform, f"\r\nolt#some command\r\n      ^\r\n{line}\r\nolt#")

    assert caught.value.platform == platform
    assert caught.value.line == line.strip()


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
@pytest.mark.parametrize(("text", "line"), [("", ""), ("olt#\r\n", ""), ("\x00\x1b[2J", ""), ("good day", "good day")])
def test_what_is_no_answer_is_no_empty_list(platform: str, text: str, line: str) -> None:
    with pytest.raises(UnknownAnswer) as caught:
        parse(platform, text)

    assert (caught.value.platform, caught.value.line) == (platform, line)


def test_a_list_that_ends_before_its_count_is_no_empty_list() -> None:
    with pytest.raises(UnknownAnswer, match="ends before its first entry"):
        parse("nokia-isam", answers.NOKIA_EMPTY.replace("unprovision-onu count : 0", ""))


def test_an_unknown_platform_is_told_which_there_are() -> None:
    with pytest.raises(UnknownPlatform, match="use one of calix-axos, huawei, nokia-isam, v-sol, zte"):
        parse("acme", "")


@pytest.mark.parametrize("text", ["\n" * (LONGEST + 1), "\x1b[200Cx\n" * (LONGEST // 200)])
def test_an_answer_that_is_too_long_or_would_become_so_is_not_read(text: str) -> None:
    with pytest.raises(AnswerTooLong, match=str(LONGEST)):
        parse("zte", text)


PAGERS = {
    "huawei": [
        "---- More ( Press 'Q' to break ) ----\x1b[37D" + " " * 37 + "\x1b[37D",
        "---- More ( Press 'Q' to break ) ----[37D" + " " * 37 + "[37D",
        "---- More ( Press 'Q' to break ) ----",
    ],
    "zte": [" --More--" + "\b" * 9 + " " * 9 + "\b" * 9, "--More--\r        \r", "\x1b[7m--More--\x1b[m\r\x1b[K"],
    "nokia-isam": ["\x1b[1D\\\x1b[1D|\x1b[1D/\x1b[1D-\x1b[1D ", "-\b\\\b|\b"],
    "calix-axos": ["--More--\r\x1b[K", "\x1b[7m--More--\x1b[27m\r        \r"],
    "v-sol": [
        "--More--\x1b[8D\x1b[K",
        "-- more --\b\b\b\b\b\b\b\b\b\b          \r",
        "Press any key to continue\r\x1b[2K",
    ],
}


@pytest.mark.parametrize(("platform", "text", "expected"), LISTS)
def test_a_pager_before_any_line_changes_nothing(platform: str, text: str, expected: list[FoundOnu]) -> None:
    lines = text.split("\n")
    for residue in PAGERS[platform]:
        for place in range(len(lines)):
            paged = "\n".join([*lines[:place], residue + lines[place], *lines[place + 1 :]])
            assert parse(platform, paged).onus == tuple(expected), (residue, place)


@pytest.mark.parametrize(
    ("platform", "text", "damage", "line", "reason"),
    [
        ("huawei", answers.HUAWEI, ("   F/S/P               : 0/3/0\n", ""), "Number              : 2", "no port"),
        ("huawei", answers.HUAWEI, ("5A54454700000A0B", "5A5445470000"), "Number              : 2", "no vendor id"),
        ("huawei", answers.HUAWEI, ("5A54454700000A0B", "5A544547"), "Number              : 2", "no whole serial"),
        (
            "huawei",
            answers.HUAWEI,
            ("5A54454700000A0B", "5A54454700000A0B (ZTEG-00000A0C)"),
            "Number              : 2",
            "two serials",
        ),
        ("zte", answers.ZTE_STATE, ("ZTEG00000A0B", "ZTEG00000A"), "gpon-onu_1/1/2:1", "no whole serial"),
        (
            "zte",
            answers.ZTE_STATE,
            ("gpon-onu_1/1/2:1         ZTEG", "gpon-o ZTEG"),
            "gpon-o ZTEG0000",
            "no port's name",
        ),
        (
            "zte",
            answers.ZTE_PASSWORD,
            ("N/A                  HWTC1A2B3C4D", "HWTC1A2B3C4D    "),
            "gpon_olt-1/3",
            "serial",
        ),
        ("nokia-isam", answers.NOKIA, ("ALCLFD000001", "ALCLFD0000  "), "23        x-pon", "no whole serial"),
        ("nokia-isam", answers.NOKIA_XML, ("x-pon:1/1/1/12", "x-pon:1/1"), "port=x-pon:1/1", "no port's name"),
        ("calix-axos", answers.AXOS_TABLE, ("2     xp1 ", "2     ??? "), "CXNK    9A3F1", "no port's name"),
        ("calix-axos", answers.AXOS_CSV, ("xp1,-", "???,-"), "CXNK,9A3F1", "no port's name"),
        (
            "calix-axos",
            answers.AXOS_BLOCKS,
            ("   slot-id      1\n   port         xp2\n   reg", "   reg"),
            "discovered-ont CX",
            "no",
        ),
        ("v-sol", answers.VSOL, ("GPON00AAAA01", "GPON00AA??01"), "GPON0/1:1", "no PON serial"),
    ],
)
def test_a_damaged_entry_harms_only_itself(
    platform: str, text: str, damage: tuple[str, str], line: str, reason: str
) -> None:
    before = parse(platform, text)
    assert text.count(damage[0]) == 1

    after = parse(platform, text.replace(*damage))

    assert len(after.onus) == len(before.onus) - 1
    assert set(after.onus) < set(before.onus)
    [unread] = after.unread
    assert unread.line.startswith(line)
    assert reason in unread.reason
    if not line.startswith("port="):  # of XML the fields are shown, not the line
        assert line in text.replace(*damage).split("\n")[unread.number - 1]


@pytest.mark.parametrize(
    ("platform", "text", "lost"),
    [
        ("huawei", answers.HUAWEI, slice(14, 20)),
        ("nokia-isam", answers.NOKIA, slice(7, 8)),
    ],
)
def test_an_entry_that_was_lost_is_missed_by_the_elements_own_count(platform: str, text: str, lost: slice) -> None:
    lines = text.split("\n")
    del lines[lost]

    read = parse(platform, "\n".join(lines))

    assert len(read.onus) == 1
    [unread] = read.unread
    assert unread.reason == "the element counts more than the 1 that were printed"


def test_an_error_within_a_list_is_shown_beside_it() -> None:
    text = answers.ZTE_STATE.replace("OLT-C320#show", "%Error 20200: Invalid input detected.\nOLT-C320#show", 1)

    read = parse("zte", text)

    assert len(read.onus) == 2
    assert [(each.number, "error" in each.reason) for each in read.unread] == [(1, True)]


def test_a_line_too_long_to_be_one_is_shown_cut() -> None:
    read = parse("zte", answers.ZTE_STATE + "\n" + "x" * 5000)

    assert len(read.onus) == 2
    [unread] = read.unread
    assert "longer than 1024" in unread.reason
    assert len(unread.line) == 160


def test_a_document_that_breaks_off_keeps_what_came_before() -> None:
    cut = answers.NOKIA_XML.index("</instance>") + len("</instance>")

    read = parse("nokia-isam", answers.NOKIA_XML[:cut])

    assert len(read.onus) == 1
    [unread] = read.unread
    assert "not whole" in unread.reason


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "a DOCTYPE is not accepted"),
        ('<hierarchy name="unprovision-onu">' + "<a>" * 40, "deeper than 32"),
        ('<hierarchy name="unprovision-onu">' + "<a/>" * 200_001, "more than 200000 elements"),
        ('<hierarchy name="unprovision-onu"><instance>', "the XML is not whole"),
        ("<other> <unprovision/></other>", "neither a list of ONUs nor"),
    ],
)
def test_a_document_that_is_refused_is_no_empty_list(document: str, problem: str) -> None:
    with pytest.raises(UnknownAnswer, match=problem):
        parse("nokia-isam", document)


def test_a_password_is_not_shown_as_text_by_accident() -> None:
    [_, second] = parse("nokia-isam", answers.NOKIA).onus

    assert second.password == "1234567890"
    assert "1234567890" not in repr(second)


def test_a_prompt_that_follows_a_row_without_a_line_end_is_no_password() -> None:
    [_, second] = parse("zte", answers.ZTE_PASSWORD.replace("N/A\n", "N/A  C600#")).onus

    assert second.password is None


def test_a_recorded_list_of_zte_is_read(data_folder: Path) -> None:
    text = (data_folder / "pon/zte_show_gpon_onu_uncfg.raw").read_text()

    assert parse("zte", text) == Autofind((FoundOnu(onu("gpon-olt_1/1/2", "HWTC12930F9D", "unknown")),))


def test_a_recorded_empty_answer_of_zte_is_an_empty_list(data_folder: Path) -> None:
    assert parse("zte", (data_folder / "pon/show_gpon_onu_uncfg_empty.raw").read_text()) == Autofind()


def test_a_recorded_list_of_huawei_is_read_but_for_the_serial_that_was_made_unrecognisable(data_folder: Path) -> None:
    text = (data_folder / "pon/huawei_smartax/huawei_smartax_display_ont_autofind.raw").read_text()

    assert [(each.number, each.reason) for each in parse("huawei", text).unread] == [
        (2, "'12345678A12BC3AB' is no PON serial")
    ]
    [found] = parse("huawei", text.replace("12345678A12BC3AB", "41424344A12BC3DE")).onus
    assert found == FoundOnu(onu("0/0/0", "ABCDA12BC3DE"), "EG8145X6-10")
