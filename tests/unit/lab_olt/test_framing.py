"""NETCONF framing: however bytes are cut, the same messages come out; what is no framing is said so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.lab.netconf.framing import END_OF_MESSAGE, Deframer, FramingError, frame

messages = st.lists(st.binary(min_size=1, max_size=200), max_size=5)
unmarked = st.lists(st.binary(max_size=200).filter(lambda text: not _could_hold_marker(text)), max_size=5)


def _could_hold_marker(text: bytes) -> bool:
    return END_OF_MESSAGE in text + END_OF_MESSAGE[:-1]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted(cut % (len(data) + 1) for cut in cuts)
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def received(deframer: Deframer, parts: list[bytes]) -> list[bytes]:
    found: list[bytes] = []
    for part in parts:
        deframer.feed(part)
        while (message := deframer.next_message()) is not None:
            found.append(message)
    return found


@given(messages, st.lists(st.integers(0, 2000), max_size=20), st.integers(1, 64))
def test_chunked_messages_arrive_however_they_are_cut(sent: list[bytes], cuts: list[int], chunk_bytes: int) -> None:
    wire = b"".join(frame(message, chunk_bytes=chunk_bytes) for message in sent)
    deframer = Deframer()
    deframer.use_chunks()

    assert received(deframer, pieces(wire, cuts)) == sent


@given(unmarked, st.lists(st.integers(0, 2000), max_size=20))
def test_marked_messages_arrive_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(frame(message, chunk_bytes=None) for message in sent)

    assert received(Deframer(), pieces(wire, cuts)) == sent


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=100))
def test_the_framing_changes_after_the_hello(hello: bytes, rpc: bytes) -> None:
    deframer = Deframer()
    deframer.feed(frame(hello.replace(b"]", b""), chunk_bytes=None) + frame(rpc, chunk_bytes=7))

    first = deframer.next_message()
    deframer.use_chunks()

    assert (first, deframer.next_message()) == (hello.replace(b"]", b""), rpc)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_give_messages_or_a_named_error(data: bytes, cuts: list[int]) -> None:
    deframer = Deframer(max_message_bytes=100)
    deframer.use_chunks()
    try:
        found = received(deframer, pieces(data, cuts))
    except FramingError:
        return
    assert all(len(message) <= 100 for message in found)


@pytest.mark.parametrize("data", [b"<rpc/>", b"\n#0\n", b"\n#01\nx", b"\n##\n", b"\n#x", b"\n#12345678901\n"])
def test_what_is_no_chunk_is_refused_at_once(data: bytes) -> None:
    deframer = Deframer()
    deframer.use_chunks()
    deframer.feed(data)

    with pytest.raises(FramingError):
        deframer.next_message()


def test_a_message_that_is_too_large_is_refused_before_it_is_held() -> None:
    chunked, marked = Deframer(max_message_bytes=10), Deframer(max_message_bytes=10)
    chunked.use_chunks()
    chunked.feed(b"\n#11\n")
    marked.feed(b"x" * 11)

    for deframer in (chunked, marked):
        with pytest.raises(FramingError, match="more than 10 bytes"):
            deframer.next_message()
