"""What is asked of the daemon and shown on a terminal."""

from io import StringIO

from rich.console import Console

from ztpd.asking import table_of


def test_what_devices_say_moves_no_cursor_and_is_no_markup() -> None:
    shown = StringIO()
    rows = [("Device.X", "\x1b[2Jgone\x07 [red]loud[/red]\r"), ("\x1b]0;title\x07", "first\nsecond")]
    Console(file=shown, force_terminal=True, width=80, color_system=None).print(table_of("values", rows))
    text = shown.getvalue()
    assert not {"\x07", "\r"} & set(text)
    assert "?[2Jgone? [red]loud[/red]?" in text
    assert "?]0;title?" in text
