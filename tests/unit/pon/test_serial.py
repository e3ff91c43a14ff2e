"""PON serial numbers are one thing, however an OLT, a label or an ONT prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pon.serial import SerialError, from_hex, is_canonical, normalise, to_hex

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
vendors = st.text(UPPER + "0123456789", min_size=4, max_size=4)
letter_vendors = st.builds(str.__add__, st.sampled_from(UPPER), st.text(UPPER + "0123456789", min_size=3, max_size=3))
numbers = st.integers(0, 0xFFFFFFFF)


@pytest.mark.parametrize(
    "printed",
    [
        "HWTC1A2B3C4D",
        "hwtc1a2b3c4d",
        "  HWTC1A2B3C4D\n",
        "HWTC:1A2B3C4D",
        "HWTC-1A2B3C4D",
        "485754431A2B3C4D",
        "485754431a2b3c4d",
        "485754431A2B3C4D (HWTC-1A2B3C4D)",
        "HWTC1A2B3C4D (online)",
    ],
)
def test_every_way_to_print_it_is_the_same_serial(printed: str) -> None:
    assert normalise(printed) == "HWTC1A2B3C4D"


def test_leading_zeros_that_were_dropped_come_back() -> None:
    assert normalise("CXNK1F") == "CXNK0000001F"


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "HWTC",
        "HWTC123456789",
        "HWTCGGGGGGGG",
        "HW:1A2B3C4D",
        "00000000DEADBEEF",
        "HWTC\x001A2B3C4D",
        "ÄWTC00000001",
    ],
)
def test_what_is_none_is_said_with_the_forms_that_are(printed: str) -> None:
    with pytest.raises(SerialError, match="no PON serial") as caught:
        normalise(printed)

    assert caught.value.text == printed


@given(vendors, numbers, st.sampled_from(["", ":", "-"]), st.booleans(), st.booleans())
def test_case_separator_and_zeros_do_not_matter(
    vendor: str, number: int, separator: str, lower: bool, padded: bool
) -> None:
    specific = f"{number:08X}" if padded else f"{number:X}"
    printed = f"{vendor}{separator}{specific}"

    assert normalise(printed.lower() if lower else printed) == f"{vendor}{number:08X}"


@given(letter_vendors, numbers)
def test_the_hex_form_of_a_serial_spells_it(vendor: str, number: int) -> None:
    serial = f"{vendor}{number:08X}"

    assert from_hex(to_hex(serial)) == serial
    assert from_hex(to_hex(serial).lower()) == serial
    assert normalise(to_hex(serial)) == serial


@given(st.text(max_size=40))
def test_any_text_gives_a_canonical_serial_or_a_named_error(text: str) -> None:
    try:
        serial = normalise(text)
    except SerialError:
        assert not is_canonical(text)
        return
    assert is_canonical(serial)
    assert normalise(serial) == serial
    assert is_canonical(text) == (text == serial)


@given(st.from_regex(r"[ -~]{4}[0-9a-fA-F]{8}", fullmatch=True))
def test_canonical_is_what_normalising_does_not_change(text: str) -> None:
    try:
        unchanged = normalise(text) == text
    except SerialError:
        unchanged = False

    assert is_canonical(text) == unchanged


@pytest.mark.parametrize(
    "text", ["", "485754431A2B3C4", "ZZ5754431A2B3C4D", "0A0B0C0D1A2B3C4D", "315754431A2B3C4D", "FFFFFFFF1A2B3C4D"]
)
def test_hex_that_spells_no_vendor_is_none(text: str) -> None:
    assert from_hex(text) is None
