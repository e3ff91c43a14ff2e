"""The conversation with a command line: logins, questions, messages that come unasked, and the ways between views."""

import re
from dataclasses import replace

import pytest

from drivers.cli.dialogue import Credentials, Dialogue, DoorShut, Lost, Said, mode_of
from drivers.cli.modes import Place, moves, path_to
from drivers.cli.platform import Dialogue as Script
from drivers.cli.platform import Kind, load

SCRIPT = load("huawei-smartax").dialogue
WITH_ENABLE_PASSWORD = SCRIPT.model_copy(
    update={
        "modes": {
            **SCRIPT.modes,
            "enable": SCRIPT.modes["enable"].model_copy(update={"password": re.compile(r"Enable password:\s*$")}),
        }
    }
)


def at_prompt(script: Script = SCRIPT, longest: int = 10_000) -> Dialogue:
    talk = Dialogue(script, Credentials("ztpd", "secret", "deeper"), typed_login=False, longest=longest)
    assert talk.feed("\r\n  Banner of the operator > with # signs\r\n\r\nOLT-7>").said is not None
    return talk


def at_door() -> Dialogue:
    return Dialogue(SCRIPT, Credentials("ztpd", "secret"), typed_login=True, longest=10_000)


def answer_to(talk: Dialogue, command: str, text: str, *, confirm: bool = False) -> Said:
    talk.ask(command, confirm=confirm)
    said = talk.feed(f"{command}\r\n{text}").said
    assert said is not None
    return said


# --- the door --------------------------------------------------------------------------------------------------------


def test_name_and_password_are_typed_when_they_are_asked_for() -> None:
    talk = at_door()

    assert talk.feed("\r\nWarning: be good\r\n>>User na").keys == ""
    assert talk.feed("me:").keys == "ztpd\n"
    assert talk.feed("ztpd\r\n>>User password:").keys == "secret\n"
    said = talk.feed("\r\n\r\n  Huawei Integrated Access Software (MA5800).\r\n\r\nOLT-7>").said

    assert said is not None
    assert said.prompt == "OLT-7>"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("\r\n  Username or password invalid.\r\n\r\n>>User name:", False),
        ("\r\n  Reenter times have reached the upper limit.\r\n>>User name:", True),
        ("\r\n>>User name:", False),
    ],
)
def test_who_is_not_let_in_is_told_why(text: str, full: bool) -> None:
    talk = at_door()
    talk.feed(">>User name:")
    talk.feed("ztpd\r\n>>User password:")

    with pytest.raises(DoorShut) as shut:
        talk.feed(text)

    assert shut.value.full is full
    assert "secret" not in str(shut.value)


def test_an_element_that_hangs_up_says_why_if_it_did() -> None:
    full, silent = at_door(), at_door()
    full.feed("\r\n  Reenter times have reached the upper limit.\r\n")

    with pytest.raises(DoorShut):
        full.end()
    with pytest.raises(Lost, match="ended the session"):
        silent.end()


def test_what_looks_like_a_login_inside_an_answer_is_not_answered() -> None:
    talk = Dialogue(SCRIPT, Credentials("ztpd", "secret"), typed_login=True, longest=10_000)
    talk.feed(">>User name:")
    talk.feed(">>User password:")
    talk.feed("\r\nOLT-7>")
    talk.ask("display log")

    turn = talk.feed("display log\r\n >>User password:\r\n >>User name:\r\nOLT-7>")

    assert turn.keys == ""
    assert turn.said is not None


# --- prompts ---------------------------------------------------------------------------------------------------------


def test_a_prompt_is_that_of_the_element_that_was_logged_in_to() -> None:
    talk = at_prompt()
    talk.ask("display version")

    assert talk.feed("display version\r\nOTHER-9#").said is None
    said = talk.feed("\r\nOLT-7#").said

    assert said is not None
    assert said.lines[0] == "OTHER-9#"


def test_a_message_that_comes_unasked_does_not_end_an_answer() -> None:
    talk = at_prompt()
    talk.ask("display version")

    assert talk.feed("\r\n! FAULT MINOR 2026-01-02 ALARM NAME :the dying-gasp\r\n\r\nOLT-7>").said is None
    said = talk.feed("display version\r\n  VERSION : 1\r\nOLT-7>").said

    assert said is not None
    assert any("VERSION" in line for line in said.lines)


def test_an_echo_that_a_narrow_terminal_broke_is_known() -> None:
    command = 'ont add 0 2 sn-auth "485754431A2B3C4D" omci ont-lineprofile-id 10 ont-srvprofile-id 10'
    talk = at_prompt()
    talk.ask(command)

    said = talk.feed(f"{command[:60]}\r\n{command[60:]} \b\r\n  Failure: SN already exists\r\nOLT-7>").said

    assert said is not None
    assert said.refusal == (Kind.CONFLICT, "Failure: SN already exists")


def test_the_enable_password_is_typed_where_the_view_asks_for_it() -> None:
    talk = at_prompt(WITH_ENABLE_PASSWORD)

    talk.ask("enable", password=WITH_ENABLE_PASSWORD.modes["enable"].password)
    turn = talk.feed("enable\r\nEnable password:")
    said = talk.feed("\r\nOLT-7#").said

    assert turn.keys == "deeper\n"
    assert said is not None
    assert mode_of(WITH_ENABLE_PASSWORD, said.prompt) == "enable"


# --- questions and bounds --------------------------------------------------------------------------------------------


def test_nothing_is_confirmed_that_was_not_expected_to_ask() -> None:
    talk = at_prompt()
    talk.ask("ont delete 0 all")
    turn = talk.feed("ont delete 0 all\r\n  Are you sure to delete all? (y/n)[n]:")

    assert turn.keys == "n\n"
    said = talk.feed("n\r\nOLT-7>").said
    assert said is not None
    assert said.refusal is not None
    assert said.refusal[0] is Kind.REJECTED
    assert "Are you sure" in said.refusal[1]


def test_pages_are_turned_and_leave_no_trace() -> None:
    talk = at_prompt()
    talk.ask("display x")

    first = talk.feed("display x\r\n  one\r\n---- More ( Press 'Q' to break ) ----")
    last = talk.feed("\x1b[37D" + " " * 37 + "\x1b[37D  two\r\nOLT-7>").said

    assert first.keys == " "
    assert last is not None
    assert [line.rstrip() for line in last.lines if line.strip()] == ["  one", "  two"]


def test_an_answer_that_never_ends_is_given_up() -> None:
    talk = at_prompt(longest=1_000)
    talk.ask("display x")

    talk.feed("x" * 1_000)
    with pytest.raises(Lost, match="longer than the 1000 characters"):
        talk.feed("x")


def test_an_element_that_asks_for_ever_is_given_up() -> None:
    talk = at_prompt()
    talk.ask("undo service-port 1", confirm=True)
    questions = "undo service-port 1\r\n" + "  Sure? (y/n)[n]:\r\n" * 20

    with pytest.raises(Lost, match="asks again and again"):
        talk.feed(questions)


@pytest.mark.parametrize("command", ["two\nlines", "a\rb", "tab\there", "ünïcode", "nul\0"])
def test_what_is_no_single_line_is_never_typed(command: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        at_prompt().ask(command)


def test_a_refusal_is_of_the_first_kind_that_says_so() -> None:
    talk = at_prompt()

    busy = answer_to(talk, "a", "  Failure: System is busy, please retry after a while\r\nOLT-7>")
    other = answer_to(talk, "b", "  Failure: something else\r\nOLT-7>")
    fine = answer_to(talk, "c", "  Description : Failure: System is busy\r\nOLT-7>")

    assert [said.refusal and said.refusal[0] for said in (busy, other, fine)] == [Kind.BUSY, Kind.REJECTED, None]


def test_what_is_shown_of_an_answer_is_bounded() -> None:
    said = answer_to(at_prompt(), "a", "  word\r\n" * 500 + "OLT-7>")

    assert len(said.text) <= 400
    assert replace(said, lines=()).text == "no answer"


# --- views -----------------------------------------------------------------------------------------------------------


def test_the_way_from_one_card_to_another_leads_over_what_both_have() -> None:
    here = path_to(SCRIPT, "gpon", "interface gpon 0/1")
    there = path_to(SCRIPT, "gpon", "interface gpon 0/2")

    steps = moves(SCRIPT, here, there)

    assert [step.command for step in steps] == ["quit", "interface gpon 0/2"]
    assert [step.to[-1].mode for step in steps] == ["config", "gpon"]


def test_the_way_from_the_login_leads_through_every_view() -> None:
    steps = moves(SCRIPT, path_to(SCRIPT, "user", ""), path_to(SCRIPT, "gpon", "interface gpon 0/1"))

    assert [step.command for step in steps] == ["enable", "config", "interface gpon 0/1"]
    assert steps[-1].to == path_to(SCRIPT, "gpon", "interface gpon 0/1")


def test_who_is_there_already_does_not_move() -> None:
    here = path_to(SCRIPT, "config", "config")

    assert moves(SCRIPT, here, here) == []
    assert here == (Place("user"), Place("enable", "enable"), Place("config", "config"))
