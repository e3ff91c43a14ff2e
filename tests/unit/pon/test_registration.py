"""Registration ids in the forms that operators write and OLTs report."""

import pytest

from pon.registration import RegistrationError, fingerprint, from_hex, normalise


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        ("LOID0001", "4C4F494430303031"),
        ("LOID0001", "4c4f494430303031" + "00" * 28),
        ("0x4C4F494430303031", "4c4f494430303031"),
        ("0x31323334353637383930", "31323334353637383930"),  # a PLOAM password of 10 bytes
        ("1234567890", "31323334353637383930"),
    ],
)
def test_what_is_written_and_what_is_reported_are_the_same(written: str, reported: str) -> None:
    assert normalise(written) == from_hex(reported)
    assert fingerprint(normalise(written)) == fingerprint(from_hex(reported))


@pytest.mark.parametrize("text", ["", "0x", "0x00", "0xZZ", "0x123", "é", "a\n", "x" * 37, "0x" + "41" * 37])
def test_what_is_none_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(RegistrationError) as refused:
        normalise(text)
    assert not text or text not in str(refused.value).replace("0x and hex", "")


def test_a_fingerprint_tells_ids_apart_and_not_what_they_are() -> None:
    assert fingerprint(normalise("LOID0001")) != fingerprint(normalise("LOID0002"))
    assert normalise("LOID0001") not in fingerprint(normalise("LOID0001"))
