"""The mark by which objects are known: what it may hold, and that nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.rest.marks import Mark, NotMarkable, canonical_mac, is_mac, read_mark

MARK = "ztpd svc=SVC-1 mac=aa:bb:cc:dd:ee:ff at=ether2 addr=host"
DEVICES = st.from_regex(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", fullmatch=True)
PLACES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}", fullmatch=True)
SERVICES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,62}", fullmatch=True)


def test_a_mark_is_read_back() -> None:
    assert read_mark(MARK) == Mark("SVC-1", "aa:bb:cc:dd:ee:ff", "ether2", "host")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "router of Smith",
        MARK.upper(),
        f" {MARK}",
        f"{MARK} paid",
        MARK.replace("addr=host", "addr=any"),
        MARK.replace("aa:bb", "AA:BB"),
        MARK.replace("SVC-1", "-x"),
        f"{MARK}\n",
    ],
)
def test_what_somebody_changed_is_no_longer_a_mark(text: str) -> None:
    assert read_mark(text) is None


@given(SERVICES, DEVICES, PLACES, st.sampled_from(["none", "host", "prefix"]))
def test_every_mark_that_can_be_written_is_read_back(service: str, device: str, place: str, address: str) -> None:
    mark = Mark(service, device, place, address)
    assert read_mark(str(mark)) == mark


@given(st.text(), st.text(), st.text())
def test_no_value_adds_anything_to_a_mark(service: str, device: str, place: str) -> None:
    try:
        text = str(Mark(service, device, place))
    except NotMarkable:
        return
    assert text.isascii()
    assert text.isprintable()
    assert text.count(" ") == 4


@given(st.text())
def test_any_text_is_a_mark_exactly_or_not_at_all(text: str) -> None:
    mark = read_mark(text)
    assert mark is None or str(mark) == text


@pytest.mark.parametrize("text", ["AA:BB:CC:DD:EE:FF", "aa-bb-cc-dd-ee-ff", "AABBCCDDEEFF"])
def test_a_mac_address_in_any_form_is_one_device(text: str) -> None:
    assert canonical_mac(text) == "aa:bb:cc:dd:ee:ff"


@pytest.mark.parametrize("text", ["", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:gg", "aa:bb:cc:dd:ee:ff:00"])
def test_what_is_no_mac_address_names_no_device(text: str) -> None:
    assert canonical_mac(text) is None
    assert not is_mac(text)
