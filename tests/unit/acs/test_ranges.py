"""Which bytes a request for a file wants (RFC 9110 §14), by a table and for any header."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs import ranges
from ztpd.acs.ranges import Part

SHA = hashlib.sha256(b"firmware").hexdigest()
ETAG = ranges.etag_of(SHA)
WHOLE = Part(0, 100, 100)


@pytest.mark.parametrize(
    ("range_", "if_range", "wanted"),
    [
        (None, None, WHOLE),
        ("bytes=0-9", None, Part(0, 10, 100, partial=True)),
        ("bytes=90-", None, Part(90, 100, 100, partial=True)),
        ("bytes=90-200", None, Part(90, 100, 100, partial=True)),
        ("bytes=-10", None, Part(90, 100, 100, partial=True)),
        ("bytes=-200", None, Part(0, 100, 100, partial=True)),
        (" BYTES = 5 - 5 ", None, Part(5, 6, 100, partial=True)),
        ("bytes=100-", None, None),
        ("bytes=-0", None, None),
        ("bytes=9-5", None, WHOLE),
        ("bytes=0-1,5-6", None, WHOLE),
        ("lines=0-1", None, WHOLE),
        ("bytes=-", None, WHOLE),
        ("bytes=٣-٤", None, WHOLE),
        ("bytes=" + "9" * 400 + "-", None, WHOLE),
        ("bytes=0-9", ETAG, Part(0, 10, 100, partial=True)),
        ("bytes=0-9", '"another"', WHOLE),
        ("bytes=0-9", f"W/{ETAG}", WHOLE),
        ("bytes=0-9", "Wed, 21 Oct 2015 07:28:00 GMT", WHOLE),
    ],
)
def test_one_range_is_served_and_what_is_no_range_is_the_whole_file(
    range_: str | None, if_range: str | None, wanted: Part | None
) -> None:
    assert ranges.part_wanted(100, ETAG, range_, if_range) == wanted


@given(
    st.integers(min_value=1, max_value=10_000), st.text(max_size=40) | st.from_regex(r"bytes=\d*-\d*", fullmatch=True)
)
def test_whatever_is_asked_what_is_sent_lies_within_the_file(size: int, asked: str) -> None:
    part = ranges.part_wanted(size, ETAG, asked, None)
    assert part is None or 0 <= part.first < part.end <= size


def test_digests_are_written_as_rfc_9530_has_them() -> None:
    assert ranges.digest_of(hashlib.sha256(b"").hexdigest()) == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
