"""Whatever the bytes: a message or one named refusal, the same lines however a stream is cut, a header or a refusal."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from ztpd.discovery.line_patterns import DEFAULTS, LinePatterns
from ztpd.discovery.snmp_header import HeaderRefused, read_header
from ztpd.discovery.syslog import LONGEST_LINE, LineRefused, Lines, StreamBroken, SyslogMessage, parse

SHIPPED = LinePatterns(DEFAULTS)
REASONS = {"empty", "neither a priority nor text", "priority over 191"}

fragments = st.sampled_from(
    [
        b"<13>",
        b"<191>1 ",
        b"Oct 11 22:14:15 ",
        b"2003-10-11T22:14:15Z ",
        b"- ",
        b'[a b="',
        b'\\"',
        b"]",
        b"host ",
        b"tag[1]: ",
    ]
)
syslog_like = st.lists(fragments | st.binary(max_size=12), max_size=30).map(b"".join)
streams = st.lists(
    st.sampled_from([b"\n", b"\0", b"5 <1>", b"12 <13>", b"2100 <1>", b"99999 ", b"<13>", b"x" * 700, b"0"])
    | st.binary(max_size=20),
    max_size=30,
).map(b"".join)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)


@given(st.binary(max_size=3000) | syslog_like)
def test_any_bytes_are_a_message_or_a_refusal(line: bytes) -> None:
    try:
        message = parse(line)
    except LineRefused as error:
        refused = str(error)
    else:
        check(message)
        return
    assert refused in REASONS


def check(message: SyslogMessage) -> None:
    assert 0 <= message.facility < 24
    assert 0 <= message.severity < 8
    assert len(message.said) <= LONGEST_LINE
    assert message.text in message.said
    assert not any(ord(each) < 0x20 for each in message.said)
    SHIPPED.fit(message.said)


@given(
    st.integers(0, 191),
    printable,
    printable,
    printable,
    st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
)
def test_a_message_of_rfc_5424_is_read_as_it_was_meant(
    priority: int, host: str, app: str, message_id: str, text: str
) -> None:
    line = f"<{priority}>1 2003-10-11T22:14:15.003Z {host} {app} - {message_id} - {text}"
    read = parse(line.encode()[:LONGEST_LINE])
    assert (read.facility * 8 + read.severity, read.hostname, read.app) == (
        priority,
        None if host == "-" else host,
        None if app == "-" else app,
    )
    assert read.text == text.rstrip(" ")


def lines_of(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bool]:
    """The lines of a stream fed in pieces, and whether it broke."""
    lines, found, at = Lines(), list[bytes](), 0
    try:
        for cut in [*sorted(cuts), len(stream)]:
            found += lines.feed(stream[at:cut])
            at = max(at, cut)
    except StreamBroken:
        return found, True
    return [*found, *lines.end()], False


@given(streams, st.lists(st.integers(0, 4000), max_size=8))
def test_a_stream_has_the_same_lines_however_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    whole = lines_of(stream, [])
    assert lines_of(stream, cuts) == whole
    assert all(len(line) <= LONGEST_LINE for line in whole[0])


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"\x30\x82\x01\x00\x02\x01\x03\x30" + tail))
def test_any_bytes_are_an_snmp_header_or_a_refusal(message: bytes) -> None:
    with suppress(HeaderRefused):
        read_header(message)
