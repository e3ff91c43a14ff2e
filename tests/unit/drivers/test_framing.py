"""Messages come out of a byte stream whole, however it was cut, and what is no framing is a named error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.netconf.framing import Deframer, MalformedFraming

LIMIT = 1000


def chunked(message: bytes, size: int) -> bytes:
    chunks = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(b"\n#%d\n%s" % (len(chunk), chunk) for chunk in chunks) + b"\n##\n"


def fed(deframer: Deframer, data: bytes, cut: int) -> list[bytes]:
    messages: list[bytes] = []
    for start in range(0, len(data), cut):
        deframer.feed(data[start : start + cut])
        while (message := deframer.next_message()) is not None:
            messages.append(message)
    return messages


MESSAGES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5)


@given(MESSAGES, st.integers(1, 20), st.integers(1, 20))
def test_chunks_are_joined_however_the_stream_was_cut(messages: list[bytes], size: int, cut: int) -> None:
    deframer = Deframer(LIMIT)
    deframer.use_chunks()

    assert fed(deframer, b"".join(chunked(message, size) for message in messages), cut) == messages


@given(MESSAGES, st.integers(1, 20))
def test_marked_messages_come_whole_however_the_stream_was_cut(messages: list[bytes], cut: int) -> None:
    plain = [message.replace(b"]", b"") for message in messages]

    assert fed(Deframer(LIMIT), b"".join(message + b"]]>]]>" for message in plain), cut) == plain


def test_the_hello_is_marked_and_what_follows_is_chunked() -> None:
    deframer = Deframer(LIMIT)
    deframer.feed(b"<hello/>]]>]]>\n#3\n<a/\n#1\n>\n##\n")

    assert deframer.next_message() == b"<hello/>"
    deframer.use_chunks()
    assert deframer.next_message() == b"<a/>"
    assert deframer.next_message() is None


@pytest.mark.parametrize("data", [b"<a/>", b"\n#0\n", b"\n#x\n", b"\n#01\n", b"\n##\n", b"#1\n<"])
def test_what_is_no_chunk_is_a_named_error(data: bytes) -> None:
    deframer = Deframer(LIMIT)
    deframer.use_chunks()

    with pytest.raises(MalformedFraming):
        fed(deframer, data, 1)


@pytest.mark.parametrize("data", [b"x" * 2000, b"\n#2000\n", b"\n#600\n" + b"x" * 600 + b"\n#600\n"])
def test_a_message_without_end_is_given_up(data: bytes) -> None:
    deframer = Deframer(LIMIT)
    if data.startswith(b"\n"):
        deframer.use_chunks()

    with pytest.raises(MalformedFraming, match="more than 1000 bytes"):
        fed(deframer, data, 50)


@given(st.binary(max_size=200), st.booleans(), st.integers(1, 50))
def test_any_bytes_give_messages_or_the_named_error(data: bytes, chunks: bool, cut: int) -> None:
    deframer = Deframer(LIMIT)
    if chunks:
        deframer.use_chunks()
    try:
        fed(deframer, data, cut)
    except MalformedFraming:
        return
