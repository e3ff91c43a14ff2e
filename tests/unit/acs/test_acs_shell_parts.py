"""The parts of the shell that need no socket: sessions by cookie, bodies by coding, Informs as sightings."""

import gzip
import itertools
import zlib
from datetime import UTC, datetime

import pytest

from tests.unit.acs.envelopes import inform
from ztpd.acs import soap
from ztpd.acs.body import BodyError, inflate
from ztpd.acs.identity import Identity
from ztpd.acs.messages import DeviceId, Inform
from ztpd.acs.session import Session
from ztpd.acs.session_table import OpenSession, SessionTable, TableFull
from ztpd.acs.sighting import facts_of, sighting_of
from ztpd.domain.cpe import Proof
from ztpd.domain.sighting import Sighting, Source

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Table:
    """A session table with a clock and tokens of the test's own."""

    def __init__(self, capacity: int = 2) -> None:
        self.now = 0.0
        numbers = itertools.count(1)
        self.sessions = SessionTable(capacity, 60.0, lambda: self.now, lambda: f"{next(numbers):032x}")

    def open(self, serial: str, proof: Proof = Proof.DEVICE) -> OpenSession:
        return self.sessions.open(DeviceId("Acme", "00259E", "ONT", serial), Session(()), "192.0.2.1", Identity(proof))


class TestSessionTable:
    @pytest.mark.parametrize(
        "cookie",
        [
            "session={token}",
            'session="{token}"',
            "SESSION={TOKEN}",
            'theme=dark, session={token}, $Path="/"',
            '$Version="1"; session="{token}"; $Path="/"',
            "session=00000000000000000000000000000bad; session={token}",
            "a=b;session = {token};c=d",
        ],
    )
    def test_finds_a_session_by_its_cookie_as_devices_send_it(self, cookie: str) -> None:
        table = Table()
        opened = table.open("S1")
        sent = cookie.format(token=opened.token, TOKEN=opened.token.upper())
        assert table.sessions.find([sent]) is opened

    @pytest.mark.parametrize("cookie", ["", "session=", "session=1", "obsession={token}", "session={token}0"])
    def test_finds_none_by_anything_else(self, cookie: str) -> None:
        table = Table()
        opened = table.open("S1")
        assert table.sessions.find([cookie.format(token=opened.token)]) is None

    def test_never_takes_one_devices_session_for_anothers(self) -> None:
        table = Table()
        one, other = table.open("S1"), table.open("S2")
        assert table.sessions.find([f"session={one.token}"]) is one
        assert table.sessions.find([f"session={other.token}"]) is other

    def test_a_full_table_takes_no_more_until_one_is_closed(self) -> None:
        table = Table(capacity=2)
        first = table.open("S1")
        table.open("S2")
        with pytest.raises(TableFull):
            table.open("S3")
        table.sessions.close(first)
        table.sessions.close(first)
        assert table.open("S3").token

    def test_a_device_that_starts_anew_has_one_session(self) -> None:
        table = Table(capacity=1)
        stale = table.open("S1")
        fresh = table.open("S1")
        assert table.sessions.find([f"session={stale.token}"]) is None
        assert table.sessions.find([f"session={fresh.token}"]) is fresh
        table.sessions.close(stale)  # its last POST may still be under way
        assert table.sessions.find([f"session={fresh.token}"]) is fresh
        assert table.sessions.lost == 1

    def test_silent_sessions_expire_and_are_counted(self) -> None:
        table = Table(capacity=2)
        silent, alive = table.open("S1"), table.open("S2")
        table.now = 40.0
        assert table.sessions.find([f"session={alive.token}"]) is alive
        table.now = 61.0
        assert table.sessions.find([f"session={silent.token}"]) is None
        assert table.sessions.find([f"session={alive.token}"]) is alive
        assert (len(table.sessions), table.sessions.lost) == (1, 1)


RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = RAW.compress(b"hello") + RAW.flush()


class TestInflate:
    @pytest.mark.parametrize(
        ("coding", "data"),
        [
            ("", b"hello"),
            ("identity", b"hello"),
            ("gzip", gzip.compress(b"hello", mtime=0)),
            ("X-GZIP", gzip.compress(b"hello", mtime=0)),
            ("deflate", zlib.compress(b"hello")),
            ("deflate", RAW_DEFLATE),
        ],
    )
    def test_takes_the_codings_of_the_field(self, coding: str, data: bytes) -> None:
        assert inflate(data, coding, 100) == b"hello"

    @pytest.mark.parametrize(
        ("coding", "data", "status"),
        [
            ("br", b"hello", 415),
            ("gzip", b"hello", 400),
            ("gzip", gzip.compress(b"hello", mtime=0)[:-9], 400),
            ("gzip", gzip.compress(b"x" * 101, mtime=0), 413),
            ("deflate", zlib.compress(b"\0" * 100_000_000, 9), 413),
        ],
    )
    def test_refuses_what_is_unknown_broken_or_a_bomb(self, coding: str, data: bytes, status: int) -> None:
        with pytest.raises(BodyError) as refused:
            inflate(data, coding, 100)
        assert refused.value.status == status

    def test_takes_exactly_the_limit(self) -> None:
        assert len(inflate(gzip.compress(b"x" * 100, mtime=0), "gzip", 100)) == 100


def sighted(body: bytes) -> Sighting:
    message = soap.decode(body).message
    assert isinstance(message, Inform)
    return sighting_of(facts_of(message), "192.0.2.9", NOW)


class TestSighting:
    def test_names_the_device_by_all_it_says(self) -> None:
        seen = sighted(
            inform(
                {
                    "Device.DeviceInfo.SoftwareVersion": "1.0",
                    "Device.Ethernet.Interface.1.MACAddress": "00-25-9E-AA-BB-CC",
                }
            )
        )
        assert seen == Sighting(
            source=Source.CWMP,
            heard_at=NOW,
            serial="HWTCE204802C",
            oui="00259E",
            cwmp_serial="48575443E204802C",
            mac="00:25:9e:aa:bb:cc",
            ip="192.0.2.9",
            details={"manufacturer": "Acme", "product_class": "ONT", "software_version": "1.0", "events": "1 BOOT"},
        )

    def test_a_serial_that_is_no_hex_of_a_pon_serial_stays_a_cwmp_serial(self) -> None:
        seen = sighted(inform(serial="ZTEEQAWF5J00191"))
        assert (seen.serial, seen.cwmp_serial) == (None, "ZTEEQAWF5J00191")

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("InternetGatewayDevice.LANDevice.1.LANEthernetInterfaceConfig.1.MACAddress", "00:25:9e:aa:bb:cc"),
            ("Device.Hosts.Host.1.MACAddress", "00:25:9e:aa:bb:cc"),
            ("Device.WiFi.SSID.1.MACAddress", "00:25:9e:aa:bb:cc"),
            ("Device.Ethernet.Interface.1.MACAddress", "00:00:00:00:00:00"),
            ("Device.Ethernet.Interface.1.MACAddress", "unknown"),
        ],
    )
    def test_a_mac_that_does_not_name_the_uplink_is_not_taken(self, path: str, text: str) -> None:
        assert sighted(inform({path: text})).mac is None
