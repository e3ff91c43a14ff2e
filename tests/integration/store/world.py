"""A small operator for tests of the store: a place, an order, an OLT port, and a clock that only the test moves."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from drivers.access import Levels, ObservedAccess, PresentDevice, WantedAccess
from pon.onu import Presence
from tests.accesses import as_wanted
from ztpd.domain.cpe import CpeFacts, CpeWork, Proof
from ztpd.domain.handover import NO_HANDOVER, HandoverTerms
from ztpd.domain.lifecycle import JobState
from ztpd.domain.model import (
    Access,
    AllocatedDevice,
    CompletionBody,
    InstalledDevice,
    JobBody,
    LocationBody,
    Measurement,
    Photo,
)
from ztpd.domain.profile import Profile
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import attempts, cpes, orders, schema, sightings
from ztpd.store.attempts import Lease, Work
from ztpd.store.cpes import HeardCpe
from ztpd.store.engine import Engine, open_engine
from ztpd.store.reading import Reader
from ztpd.store.rows import Job
from ztpd.store.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
OLT, PORT, OTHER_PORT = "olt-1", "1/1/3", "1/1/4"
SERIAL, HEX = "HWTC1A2B3C4D", "485754431A2B3C4D"
OTHER_SERIAL = "ALCL00000001"
OUI = "00259E"
SECRET = "correct horse battery"
GOOD_LIGHT = Levels(-20.0, -22.0)
LEASE = Lease("node-1", timedelta(seconds=60))

ONT = AllocatedDevice(role="ont", serial=SERIAL)
CPE = AllocatedDevice(role="cpe", oui=OUI, serial=HEX)


def told(serial: str = HEX, proof: Proof = Proof.BOOTSTRAP, **others: Any) -> HeardCpe:
    """What a CPE tells of itself by an Inform."""
    return HeardCpe(CpeFacts("Acme", OUI, "ONT", serial, root="Device.", **others), proof, f"session of {serial}")


def location(element: str = OLT, port: str = PORT, **others: Any) -> LocationBody:
    """A place served by a PON port."""
    return LocationBody(address="1 High Street", access=Access(technology="pon", element=element, port=port), **others)


def order(*devices: AllocatedDevice, service: str = "SVC-1", place: str = "LOC-1", **others: Any) -> JobBody:
    """An installation of the example profile."""
    parameters = {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": SECRET}
    return JobBody(
        **{
            "kind": "install",
            "service": service,
            "account": "ACC-1",
            "location": place,
            "profile": "residential-1g",
            "parameters": parameters,
            "devices": devices,
            **others,
        }
    )


def observed(wanted: WantedAccess, presence: Presence = Presence.INTENDED) -> ObservedAccess:
    """The ONU as an OLT shows it that did everything it was told."""
    return as_wanted(wanted, presence)


def routes(event_type: str) -> tuple[str, ...]:
    """Billing hears of services, dispatch of everything."""
    return ("billing", "dispatch") if event_type.startswith("service.") else ("dispatch",)


@dataclass
class World:
    """One database, driven intention by intention, each in a transaction of its own."""

    engine: Engine
    connection: Any
    profiles: dict[str, Profile]
    now: datetime = START
    ids: Iterator[int] = field(default_factory=itertools.count)
    claims_registration_ids: bool = False
    handover: HandoverTerms = NO_HANDOVER
    sessions: Iterator[int] = field(default_factory=itertools.count)

    def do(self, intention: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run an intention and commit it; undo it when it raises."""
        self.connection.execute(self.engine.begin)
        try:
            answer = intention(self.transaction(), *arguments, **named)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return answer

    def transaction(self) -> Transaction:
        return Transaction(
            self.connection,
            self.engine.queries,
            self.now,
            self.profiles,
            routes,
            lambda: f"event-{next(self.ids)}",
            claims_registration_ids=self.claims_registration_ids,
            handover=self.handover,
        )

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    @property
    def reader(self) -> Reader:
        return Reader(self.connection, self.engine.queries)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.connection.execute(statement).fetchall()]

    def job(self, id_: str = "J-1") -> Job:
        return self.transaction().job(id_)

    def codes(self, id_: str = "J-1") -> list[str]:
        return [failure.code.value for failure in self.job(id_).failures]

    def events(self, service: str = "SVC-1") -> list[str]:
        return [row["type"] for row in self.rows("SELECT * FROM event ORDER BY id") if row["service"] == service]

    def device(self, serial: str = SERIAL) -> dict[str, Any]:
        """The device of a PON serial."""
        rows = self.rows("SELECT d.*, n.value FROM device d JOIN device_name n ON n.device = d.id")
        return next(row for row in rows if row["value"] == serial)

    def written(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that would tell that something happened."""
        tables = ("job", "visit", "allocation", "service", "event", "delivery", "evidence", "location", "device_name")
        return {table: sorted(self.rows(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def announce(self, port: str = PORT, serial: str = SERIAL, element: str = OLT, *, gone: bool = False) -> str:
        """What an OLT says of one ONU; the verdict."""
        onu = PresentDevice(port, serial, Presence.ABSENT if gone else Presence.UNKNOWN, "gone" if gone else "present")
        return self.do(sightings.record_announcement, element, onu, self.now).verdict

    def list_onus(self, *present: tuple[str, str], element: str = OLT) -> int:
        """What an OLT lists: pairs of serial and port."""
        onus = [PresentDevice(port, serial, Presence.UNKNOWN, "present") for serial, port in present]
        return len(self.do(sightings.record_listing, element, onus, self.now))

    def inform(self, serial: str = HEX, ip: str = "10.0.0.5") -> CpeWork | None:
        """A CPE opens a session of its own."""
        heard = Sighting(Source.CWMP, self.now, oui=OUI, cwmp_serial=serial, ip=ip)
        return self.do(cpes.hear_inform, heard, replace(told(serial), session=f"session {next(self.sessions)}"))

    def dhcp(self, mac: str, ip: str | None = "10.0.0.5", circuit_id: str | None = None, **others: Any) -> str:
        heard = Sighting(Source.DHCP, self.now, mac=mac, ip=ip, circuit_id=circuit_id, **others)
        return self.do(sightings.record_sighting, heard).verdict

    def ready(self, *devices: AllocatedDevice) -> None:
        """A place and an order with every leg."""
        self.do(orders.put_location, "LOC-1", location())
        self.do(orders.put_job, "J-1", order(*(devices or (ONT, CPE))))

    def claimed(self) -> Work:
        (work,) = self.do(attempts.claim_jobs, OLT, LEASE, 10)
        return work

    def at_work(self, *devices: AllocatedDevice) -> Work:
        """An attempt that has just been claimed."""
        self.ready(*devices)
        self.announce()
        return self.claimed()

    def confirm(self, work: Work, optics: Levels = GOOD_LIGHT) -> JobState:
        self.do(attempts.record_applied, work, LEASE, ["onu"])
        return self.do(attempts.confirm_network, work, LEASE, observed(work.wanted), optics)

    def confirmed(self) -> None:
        """The network and the CPE are confirmed; the report is owed."""
        self.confirm(self.at_work())
        self.do(attempts.record_cpe, "J-1", attempts.CpeResult(True, {"ssid": "home"}))

    def report(self, **others: Any) -> CompletionBody:
        """A report with everything that the profile asks for."""
        whole = {
            "technician": "T-9",
            "completed_at": self.now,
            "devices": (InstalledDevice(role="ont", serial=SERIAL), InstalledDevice(role="cpe", serial=HEX)),
            "measurements": (
                Measurement(name="onu_rx_power", value=-20.4, unit="dBm"),
                Measurement(name="download_speed", value=940, unit="Mbit/s"),
            ),
            "photos": (Photo(name="ont", sha256="a" * 64),),
        }
        return CompletionBody(**{**whole, **others})


@contextmanager
def world(url: str, profile: Profile) -> Iterator[World]:
    """A world on an empty database."""
    engine = open_engine(url)
    schema.migrate(engine)
    connection = engine.connect()
    try:
        yield World(engine, connection, {profile.name: profile})
    finally:
        connection.close()
