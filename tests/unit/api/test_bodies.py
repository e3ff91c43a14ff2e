"""Content codings: what is inflated, and what is refused before it grows."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ztpd.api.bodies import inflate
from ztpd.api.problems import Malformed, TooLarge, UnsupportedMedia

LIMIT = 1000


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("", b"{}"),
        ("identity", b"{}"),
        ("gzip", gzip.compress(b"{}", mtime=0)),
        (" X-GZIP ", gzip.compress(b"{}", mtime=0)),
        ("deflate", zlib.compress(b"{}")),
    ],
)
def test_a_body_is_inflated(coding: str, data: bytes) -> None:
    assert inflate(data, coding, LIMIT) == b"{}"


def test_a_body_that_inflates_beyond_the_limit_is_refused() -> None:
    assert len(inflate(gzip.compress(bytes(LIMIT)), "gzip", LIMIT)) == LIMIT
    with pytest.raises(TooLarge):
        inflate(gzip.compress(bytes(LIMIT + 1)), "gzip", LIMIT)
    with pytest.raises(TooLarge):
        inflate(gzip.compress(bytes(100_000_000)), "gzip", LIMIT)


@pytest.mark.parametrize(
    "data", [b"", b"{}", gzip.compress(b"{}", mtime=0)[:-1], gzip.compress(b"{}", mtime=0) + b"x", zlib.compress(b"{}")]
)
def test_a_broken_body_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        inflate(data, "gzip", LIMIT)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_an_unknown_coding_is_refused(coding: str) -> None:
    with pytest.raises(UnsupportedMedia):
        inflate(b"{}", coding, LIMIT)


@given(st.binary(max_size=100), st.sampled_from(["gzip", "deflate", "", "br"]))
def test_any_bytes_are_inflated_within_the_limit_or_refused(data: bytes, coding: str) -> None:
    with suppress(Malformed, TooLarge, UnsupportedMedia):
        assert len(inflate(data, coding, LIMIT)) <= LIMIT
