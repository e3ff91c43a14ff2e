"""Whatever happens in whatever order: what is billed was confirmed, what is contradicted stops, nothing is lost."""

import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from billing_hooks.contract import Attempt, Delivery, Verdict
from drivers.access import Levels
from tests.integration.store.world import LEASE, OLT, OUI, World, location, observed, order, routes
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import TransitionRefused
from ztpd.domain.model import AllocatedDevice, InstalledDevice, LocationBody, VisitBody, Window
from ztpd.domain.profile import Profile
from ztpd.store import attempts, completion, deliveries, orders
from ztpd.store.attempts import CpeResult, Work
from ztpd.store.engine import open_engine
from ztpd.store.transaction import Refused, Superseded, Unknown

NUMBERS = st.sampled_from([1, 2, 3])
PORTS = ("1/1/1", "1/1/2")
SERIALS = ("HWTC00000001", "HWTC00000002")
HEX = {"HWTC00000001": "4857544300000001", "HWTC00000002": "4857544300000002"}
MACS = ("00:11:22:33:44:01", "00:11:22:33:44:02")
HEARD = st.tuples(st.sampled_from(SERIALS), st.sampled_from(PORTS))

ONTS = st.sampled_from(SERIALS).map(lambda serial: AllocatedDevice(role="ont", serial=serial))
ROUTERS = st.sampled_from(
    [
        *(AllocatedDevice(role="cpe", oui=OUI, serial=HEX[serial]) for serial in SERIALS),
        *(AllocatedDevice(role="cpe", mac=mac) for mac in MACS),
        AllocatedDevice(role="cpe", oui=OUI, serial="ROUTER-1", mac=MACS[0]),
    ]
)
DEVICES = st.tuples(st.none() | ONTS, st.none() | ROUTERS)

AT_WORK = ("discovered", "applying", "verifying", "awaiting-completion")


class Store(RuleBasedStateMachine):
    """Rules are what the world does; the only model is where each ONT is plugged in."""

    template: ClassVar[Path]
    profile: ClassVar[Profile]

    works = Bundle("works")
    posts = Bundle("posts")

    def __init__(self) -> None:
        super().__init__()
        connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        connection.row_factory = sqlite3.Row
        with sqlite3.connect(self.template) as template:
            template.backup(connection)
        template.close()
        engine = open_engine(f"sqlite:///{self.template}")
        self.world = World(engine, connection, {self.profile.name: self.profile})
        self.plugged: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.world.connection.close()

    def attempt(self, intention: Any, *arguments: Any) -> Any:
        """What an intention answers, or None where it is refused in a way that callers know."""
        self.world.later(seconds=1)
        try:
            return self.world.do(intention, *arguments)
        except (Refused, Unknown, TransitionRefused, Superseded):
            return None

    @rule(number=NUMBERS, port=st.sampled_from(PORTS), shared=st.booleans())
    def place_is_described(self, number: int, port: str, shared: bool) -> None:
        circuit_id = "shared" if shared else f"circuit-{number}"
        self.attempt(orders.put_location, f"LOC-{number}", location(port=port, circuit_id=circuit_id))

    @rule(number=NUMBERS, serviceable=st.booleans())
    def place_loses_its_port(self, number: int, serviceable: bool) -> None:
        self.attempt(orders.put_location, f"LOC-{number}", LocationBody(address="-", serviceable=serviceable))

    @rule(number=NUMBERS, devices=DEVICES, hours=st.sampled_from([None, 1, 48]))
    def job_is_ordered(self, number: int, devices: tuple[AllocatedDevice | None, ...], hours: int | None) -> None:
        window = None if hours is None else Window(start=self.world.now, end=self.world.now + timedelta(hours=hours))
        allocated = [device for device in devices if device is not None]
        body = order(*allocated, service=f"SVC-{number}", place=f"LOC-{number}", window=window)
        self.attempt(orders.put_job, f"J-{number}", body)

    @rule(number=NUMBERS, ont=ONTS, port=st.sampled_from(PORTS))
    def everything_goes_well_until_the_claim(self, number: int, ont: AllocatedDevice, port: str) -> None:
        self.place_is_described(number, port, False)
        self.job_is_ordered(number, (ont,), None)
        assert ont.serial is not None
        self.is_announced((ont.serial, port), False)

    @rule(heard=HEARD, gone=st.booleans())
    def is_announced(self, heard: tuple[str, str], gone: bool) -> None:
        (self.plugged.discard if gone else self.plugged.add)(heard)
        self.world.later(seconds=1)
        self.world.announce(heard[1], heard[0], gone=gone)

    @rule(present=st.sets(HEARD, max_size=3))
    def is_listed(self, present: set[tuple[str, str]]) -> None:
        self.plugged = set(present)
        self.world.later(seconds=1)
        self.world.list_onus(*sorted(present))

    @rule(
        mac=st.sampled_from(MACS), ip=st.sampled_from(["10.0.0.1", "10.0.0.2"]), number=NUMBERS, trusted=st.booleans()
    )
    def asks_for_an_address(self, mac: str, ip: str, number: int, trusted: bool) -> None:
        self.world.dhcp(mac, ip, f"circuit-{number}".encode().hex(), trusted=trusted)

    @rule(serial=st.sampled_from([*HEX.values(), "ROUTER-1"]), ip=st.sampled_from(["10.0.0.1", "10.0.0.2"]))
    def informs(self, serial: str, ip: str) -> None:
        wanted = self.world.inform(serial, ip)
        assert wanted is None or self.world.job(wanted.id).state in {"applying", "verifying"}

    @rule(target=works)
    def jobs_are_claimed(self) -> Any:
        claimed = self.attempt(attempts.claim_jobs, OLT, LEASE, 2)
        for work in claimed:
            job = self.world.job(work.job)
            place = self.world.reader.location(job.body.location)
            ont = job.body.device("ont")
            assert place is not None
            assert place["serviceable"]
            assert place["access"]["port"] == work.wanted.port
            assert ont is not None
            assert ont.serial == work.wanted.device
            assert job.network_confirmed_at is None
        return multiple(*claimed)

    @rule(target=works)
    def attempts_go_well(self) -> Any:
        claimed = self.attempt(attempts.claim_jobs, OLT, LEASE, 2)
        for work in claimed:
            self.is_applied(work)
            self.network_is_confirmed(work)
            self.attempt(attempts.record_cpe, work.job, CpeResult(True, {}))
        return multiple(*claimed)

    @rule()
    def whatever_is_owed_is_reported(self) -> None:
        for row in self.world.rows("SELECT id FROM job WHERE state = 'awaiting-completion'"):
            self._report(row["id"])

    @rule(work=works)
    def is_applied(self, work: Work) -> None:
        self.attempt(attempts.record_applied, work, LEASE, ["onu"])

    @rule(work=works)
    def network_is_confirmed(self, work: Work) -> None:
        self.attempt(attempts.confirm_network, work, LEASE, observed(work.wanted), Levels(-20.0, -20.0))

    @rule(work=works, code=st.sampled_from([Code.LOW_LIGHT, Code.ELEMENT_REJECTED]), again=st.booleans())
    def attempt_fails(self, work: Work, code: Code, again: bool) -> None:
        retry_at = self.world.now + timedelta(seconds=30) if again else None
        self.attempt(attempts.fail_attempt, work, LEASE, Failure(code, "found"), retry_at)

    @rule(number=NUMBERS, ok=st.sampled_from([True, True, False]))
    def cpe_is_configured(self, number: int, ok: bool) -> None:
        self.attempt(attempts.record_cpe, f"J-{number}", CpeResult(ok, {}, "" if ok else "9007"))

    @rule(number=NUMBERS)
    def job_is_reported(self, number: int) -> None:
        if self.world.reader.job(f"J-{number}") is not None:
            self._report(f"J-{number}")

    def _report(self, job: str) -> None:
        devices = tuple(
            InstalledDevice(role=device.role, serial=device.serial)
            for device in self.world.job(job).body.devices
            if device.serial is not None
        )
        self.attempt(completion.accept_completion, job, self.world.report(devices=devices))

    @rule(number=NUMBERS)
    def job_is_reported_badly(self, number: int) -> None:
        answer = self.attempt(completion.accept_completion, f"J-{number}", self.world.report(photos=()))
        assert answer is None or answer.problems

    @rule(number=NUMBERS)
    def technician_comes_again(self, number: int) -> None:
        job = self.world.reader.job(f"J-{number}")
        self.attempt(orders.open_visit, f"J-{number}", 2 if job is None else job["visit"] + 1, VisitBody())

    @rule(number=NUMBERS)
    def retry_is_asked(self, number: int) -> None:
        self.attempt(orders.ask_retry, f"J-{number}")

    @rule(minutes=st.sampled_from([1, 20, 120]))
    def time_passes(self, minutes: int) -> None:
        self.world.later(minutes=minutes)
        self.attempt(attempts.close_overdue, 10)

    @rule()
    def daemon_is_started_anew(self) -> None:
        self.attempt(attempts.release_claims, LEASE.owner)
        self.attempt(orders.settle_held)

    @rule(target=posts, endpoint=st.sampled_from(["dispatch", "billing"]))
    def deliveries_are_claimed(self, endpoint: str) -> Any:
        claimed = self.attempt(deliveries.claim_deliveries, endpoint, LEASE, "ztpd", 2)
        assert len({delivery.service for delivery in claimed}) == len(claimed)
        return multiple(*((endpoint, delivery) for delivery in claimed))

    @rule(post=posts, verdict=st.sampled_from([Verdict.DELIVERED, Verdict.RETRY, Verdict.DEAD]))
    def is_answered(self, post: tuple[str, Delivery], verdict: Verdict) -> None:
        endpoint, delivery = post
        retry_at = self.world.now + timedelta(seconds=5) if verdict is Verdict.RETRY else None
        made = Attempt(delivery.id, delivery.attempt, self.world.now, 200, 1.0, None, "", verdict, retry_at)
        self.attempt(deliveries.record_attempts, endpoint, [made])

    @invariant()
    def active_means_confirmed_and_told_once(self) -> None:
        told = Counter(
            row["service"] for row in self.world.rows("SELECT service FROM event WHERE type = 'service.activated'")
        )
        active = {row["id"] for row in self.world.rows("SELECT id FROM service WHERE state = 'active'")}
        assert told == Counter(active)
        for service in active:
            evidence = self.world.rows(f"SELECT kind FROM evidence WHERE service = '{service}'")
            assert {"network", "completion"} <= {row["kind"] for row in evidence}
            (job,) = self.world.rows(f"SELECT * FROM job WHERE service = '{service}'")
            assert (job["state"], job["network_confirmed_at"] is None) == ("completed", False)

    @invariant()
    def nothing_goes_on_while_its_device_is_elsewhere(self) -> None:
        serials: list[str] = []
        for row in self.world.rows("SELECT id, state FROM job"):
            if row["state"] in AT_WORK:
                body = self.world.job(row["id"]).body
                place = self.world.reader.location(body.location)
                ont = body.device("ont")
                assert ont is not None
                assert ont.serial is not None
                serials.append(ont.serial)
                ports = {port for serial, port in self.plugged if serial == ont.serial}
                if place is not None and place["access"] is not None:
                    assert ports <= {place["access"]["port"]}, row["id"]
        assert len(set(serials)) == len(serials), "two jobs are at work on one device"

    @invariant()
    def a_device_is_one_thing_in_one_service(self) -> None:
        names = self.world.rows("SELECT device, kind FROM device_name WHERE kind <> 'mac'")
        assert max(Counter((row["device"], row["kind"]) for row in names).values(), default=1) == 1
        for job in self.world.rows("SELECT id, service FROM job WHERE state = 'completed'"):
            ont = self.world.job(job["id"]).body.device("ont")
            assert ont is not None
            assert ont.serial is not None
            assert self.world.device(ont.serial)["service"] == job["service"]

    @invariant()
    def the_events_of_a_service_have_no_gap(self) -> None:
        found: dict[str, list[int]] = {}
        for row in self.world.rows("SELECT service, sequence FROM event ORDER BY id"):
            found.setdefault(row["service"], []).append(row["sequence"])
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in found.values())

    @invariant()
    def each_event_goes_to_each_endpoint_once_and_in_order(self) -> None:
        wanted = {
            (row["id"], endpoint)
            for row in self.world.rows("SELECT id, type FROM event")
            for endpoint in routes(row["type"])
        }
        found = self.world.rows("SELECT event, endpoint, service, state, due_at FROM delivery ORDER BY id")
        assert Counter((row["event"], row["endpoint"]) for row in found) == Counter(wanted)
        first_in_line: set[tuple[str, str]] = set()
        for row in found:
            if row["state"] == "pending":
                line = (row["endpoint"], row["service"])
                assert (row["due_at"] is not None) == (line not in first_in_line)
                first_in_line.add(line)


def test_every_order_of_events_keeps_what_must_hold(
    migrated_sqlite: Path, residential: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "template", migrated_sqlite, raising=False)
    monkeypatch.setattr(Store, "profile", residential, raising=False)
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
