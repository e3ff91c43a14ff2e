"""Syslog: both RFCs' own examples, what elements make of them, and lines out of a stream."""

import pytest

from ztpd.discovery.syslog import LONGEST_DROPPED, LONGEST_LINE, LineRefused, Lines, StreamBroken, parse

# The examples of RFC 3164 §5.4, of RFC 5424 §6.5, and forms that elements use: a year (Huawei), Cisco's counter and
# colon, no host, no tag, a second line in the same datagram. Names and numbers in the latter are made up.
LINES = [
    (
        b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        (4, 2, "mymachine", "su", "'su root' failed for lonvick on /dev/pts/8"),
    ),
    (b"Use the BFG!", (1, 5, None, None, "Use the BFG!")),
    (
        b"<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.  %%",
        (20, 5, "CST", None, "1987 mymachine myproc[10]: %% It's time to make the do-nuts.  %%"),
    ),
    (
        b"<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
        (0, 0, None, None, "1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!"),
    ),
    (
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed",
        (4, 2, "mymachine.example.com", "su", "'su root' failed"),
    ),
    (
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        (20, 5, "192.0.2.1", "myproc", "%% It's time to make the do-nuts."),
    ),
    (
        b'<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" '
        b'eventSource="App]\\"lication" eventID="1011"][examplePriority@32473 class="high"] An entry',
        (20, 5, "mymachine.example.com", "evntslog", "An entry"),
    ),
    (b"<13>1 - - - - - -", (1, 5, None, None, "")),
    (
        b"<187>Jul 23 2024 10:24:08+08:00 MA5800 GPON: The dying-gasp of GPON ONTi (DGi) is generated\r\n FrameID: 0",
        (23, 3, "MA5800", "GPON", "The dying-gasp of GPON ONTi (DGi) is generated  FrameID: 0"),
    ),
    (
        b"<189>29: *Mar  1 18:48:50.483 UTC: %GPON-5-ONU: onu 1 up",
        (23, 5, None, "%GPON-5-ONU", "onu 1 up"),
    ),
    (b"<190>Mar  1 18:48:50 10.0.0.5 ONU online gpon 0/1", (23, 6, "10.0.0.5", None, "ONU online gpon 0/1")),
    (b"<190>2024-03-01 18:48:50 olt-7 onu[12]: auto-find", (23, 6, "olt-7", "onu", "auto-find")),
    (b"<190>onu 0/1:3 dying gasp\n", (23, 6, None, None, "onu 0/1:3 dying gasp")),
    (b"<190>\xcf\xc0 ONU", (23, 6, None, None, "\ufffd\ufffd ONU")),
]


@pytest.mark.parametrize(("line", "parts"), LINES, ids=range(len(LINES)))
def test_a_line_is_taken_apart_as_far_as_it_has_parts(
    line: bytes, parts: tuple[int, int, str | None, str | None, str]
) -> None:
    message = parse(line)
    assert (message.facility, message.severity, message.hostname, message.app, message.text) == parts


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"<34>Oct 11 22:14:15 mymachine autofind: 0/1", "autofind: 0/1"),
        (b'<34>1 - olt ponmgr - ONTUP [x ont="3"] port 1', 'ponmgr - ONTUP [x ont="3"] port 1'),
    ],
)
def test_tags_and_structured_data_belong_to_what_is_said(line: bytes, said: str) -> None:
    assert parse(line).said == said


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty"),
        (b"\r\n\0", "empty"),
        (b"<192>x", "priority over 191"),
        (b"\x30\x82\x01\x02", "neither a priority nor text"),
        (b"\xff\xfe", "neither a priority nor text"),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(line: bytes, reason: str) -> None:
    with pytest.raises(LineRefused, match=reason):
        parse(line)


def test_a_long_line_is_cut_and_control_characters_become_spaces() -> None:
    message = parse(b"<13>a\x1b[31m" + b"x" * 10_000)
    assert len(message.text) < LONGEST_LINE
    assert message.text.startswith("a [31mxxx")


STREAMS = [
    (b"<1>one\n<2>two\r\n\n<3>three\0<4>four", [b"<1>one", b"<2>two\r", b"<3>three", b"<4>four"]),
    (b"6 <1>one8 <2>two\n 5 <3>x\n", [b"<1>one", b"<2>two\n ", b"<3>x\n"]),
    (b"<1>one\n6 <2>two<3>three\n", [b"<1>one", b"<2>two", b"<3>three"]),
    (b"6 <1>one\n6 <2>two\n", [b"<1>one", b"<2>two"]),
    (b"12 monkeys\n2024 x\n", [b"12 monkeys", b"2024 x"]),
    (b"<1>" + b"x" * 5000 + b"\n<2>two\n", [(b"<1>" + b"x" * 5000)[:LONGEST_LINE], b"<2>two"]),
    (b"5000 <1>" + b"x" * 4997 + b"6 <2>two", [(b"<1>" + b"x" * 5000)[:LONGEST_LINE], b"<2>two"]),
    (b"<1>" + b"x" * (LONGEST_LINE - 3) + b"\n<2>two\n", [b"<1>" + b"x" * (LONGEST_LINE - 3), b"<2>two"]),
    (b"99 <1>cut short", []),
    (b"", []),
]


@pytest.mark.parametrize("pieces", [1, 2, 7, 4096])
@pytest.mark.parametrize(("stream", "expected"), STREAMS, ids=range(len(STREAMS)))
def test_lines_are_found_however_the_stream_is_cut(stream: bytes, expected: list[bytes], pieces: int) -> None:
    lines = Lines()
    found = [line for at in range(0, len(stream), pieces) for line in lines.feed(stream[at : at + pieces])]
    assert [*found, *lines.end()] == expected


def test_a_line_that_never_ends_breaks_the_stream() -> None:
    lines = Lines()
    assert lines.feed(b"x" * 5000) == [b"x" * LONGEST_LINE]
    lines.feed(b"x" * (LONGEST_DROPPED - 10_000))
    with pytest.raises(StreamBroken, match="does not end"):
        lines.feed(b"x" * 10_000)


def test_a_stream_knows_whether_it_is_inside_a_line() -> None:
    lines = Lines()
    for piece, inside in [(b"<1>o", True), (b"ne\n", False), (b"9", True), (b"000 <1>x", True), (b"x" * 8996, False)]:
        lines.feed(piece)
        assert lines.inside is inside, piece
