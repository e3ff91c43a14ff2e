"""Identity holds in whatever order names are heard."""

from collections.abc import Iterable, Sequence
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from pon import serial
from ztpd.domain.identity import Kind, Name, names_of_allocation, resolve
from ztpd.domain.model import AllocatedDevice

SERIALS = st.builds(
    lambda vendor, specific: f"{vendor}{specific:08X}",
    st.from_regex(r"[A-Z][A-Z0-9]{3}", fullmatch=True),
    st.integers(0, 0xFFFFFFFF),
)


class Devices:
    """What a keeper of devices does with what ``resolve`` says, in a dictionary."""

    def __init__(self) -> None:
        self.known: dict[int, frozenset[Name]] = {}
        self._ids = count()

    def hear(self, names: frozenset[Name], tied: Iterable[int] = (), near: Iterable[int] = ()) -> None:
        found = resolve(names, self.known, tied, near=near)
        device = next(self._ids) if found.device is None else found.device
        had = frozenset().union(*(self.known.pop(id_, frozenset()) for id_ in (device, *found.joined)))
        elsewhere = frozenset().union(*self.known.values())
        self.known[device] = had | (names - elsewhere)

    @property
    def partition(self) -> frozenset[frozenset[Name]]:
        return frozenset(self.known.values())


def _true_device(number: int) -> st.SearchStrategy[frozenset[Name]]:
    own = [
        Name(Kind.PON, f"HWTC{number:08X}"),
        Name(Kind.CWMP, f"00259E-R{number}"),
        *(Name(Kind.MAC, f"00:00:00:00:{number:02x}:{each:02x}") for each in range(2)),
    ]
    return st.frozensets(st.sampled_from(own), min_size=1, max_size=3)


HEARD = st.lists(st.integers(0, 3).flatmap(_true_device), max_size=12)


@given(HEARD, st.randoms(use_true_random=False))
def test_the_same_sightings_in_any_order_end_in_the_same_devices(heard: list[frozenset[Name]], random) -> None:  # type: ignore[no-untyped-def]
    partitions = set()
    for _ in range(3):
        devices = Devices()
        for names in heard:
            devices.hear(names)
        partitions.add(devices.partition)
        random.shuffle(heard)
    assert len(partitions) == 1


def _any_names() -> st.SearchStrategy[Sequence[frozenset[Name]]]:
    """Names that contradict each other in every way."""
    pon = st.sampled_from([Name(Kind.PON, f"HWTC{n:08X}") for n in range(3)])
    cwmp = st.sampled_from([Name(Kind.CWMP, f"00259E-R{n}") for n in range(3)])
    mac = st.sampled_from([Name(Kind.MAC, f"00:00:00:00:00:0{n}") for n in range(3)])
    one = st.tuples(st.none() | pon, st.none() | cwmp, st.none() | mac)
    return st.lists(one.map(lambda names: frozenset(name for name in names if name is not None)), max_size=15)


@given(_any_names(), st.lists(st.integers(0, 5), max_size=15), st.booleans())
def test_a_device_never_has_two_serials_of_one_kind(
    heard: Sequence[frozenset[Name]], ties: list[int], by_mac: bool
) -> None:
    devices = Devices()
    for names, tie in zip(heard, [*ties, *range(len(heard))], strict=False):
        known = [tie] if tie in devices.known else []
        devices.hear(names, [] if by_mac else known, known if by_mac else [])
        for kind in (Kind.PON, Kind.CWMP):
            assert all(sum(name.kind is kind for name in has) <= 1 for has in devices.known.values())


@given(_any_names())
def test_every_name_means_at_most_one_device_and_none_is_lost(heard: Sequence[frozenset[Name]]) -> None:
    devices = Devices()
    for names in heard:
        devices.hear(names)
    held = [name for has in devices.known.values() for name in has]
    assert len(set(held)) == len(held)
    assert set(held) == frozenset().union(*heard)


@given(SERIALS)
def test_a_pon_serial_and_the_hex_that_a_cpe_reports_meet_in_one_device(pon: str) -> None:
    hexed = serial.to_hex(pon)
    assert serial.from_hex(hexed) == pon
    assert serial.normalise(hexed) == pon
    ont = AllocatedDevice(role="ont", serial=pon)
    cpe = AllocatedDevice(role="cpe", oui="00259E", serial=hexed)
    assert names_of_allocation(ont) <= names_of_allocation(cpe)
    assert resolve(names_of_allocation(cpe), {7: names_of_allocation(ont)}).device == 7
