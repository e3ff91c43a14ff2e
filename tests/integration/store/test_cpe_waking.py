"""Which CPEs are asked to inform, when, and what is kept of it: on both engines."""

from typing import Any

from tests.integration.store.world import GOOD_LIGHT, HEX, LEASE, World, observed, told
from ztpd.domain.cpe import Cause, CpeFacts, CpeFault, CpeOutcome, CpeWork, Proof
from ztpd.domain.cpe_tasks import Reboot
from ztpd.domain.failures import Code
from ztpd.domain.sighting import Sighting, Source
from ztpd.domain.waking import WakingPace
from ztpd.store import attempts, cpe_asking, cpe_waking, cpes
from ztpd.store.attempts import Work
from ztpd.store.cpe_waking import TOPIC, Asking
from ztpd.store.transaction import Transaction

PACE = WakingPace(5.0, 300.0)
URL = "http://10.0.0.5:7547/cr"


def informs(here: World, serial: str = HEX, ip: str = "10.0.0.5", proof: Proof = Proof.BOOTSTRAP) -> CpeWork | None:
    heard = Sighting(Source.CWMP, here.now, oui="00259E", cwmp_serial=serial, ip=ip)
    return here.do(cpes.hear_inform, heard, told(serial, proof, connection_request_url=URL))


def claim(here: World, limit: int = 10, **others: Any) -> list[Asking]:
    return here.do(cpe_waking.claim_cpes_to_wake, PACE, limit, **others)


def device_of(here: World, serial: str = HEX) -> int:
    (row,) = [row for row in here.rows("SELECT * FROM cpe") if row["serial"] == serial]
    return int(row["device"])


def add_task(here: World, serial: str = HEX) -> int:
    """The id of a task that somebody asks of the CPE."""
    return int(here.do(cpe_asking.ask, device_of(here, serial), Reboot(), "office")["id"])


def shown(here: World) -> Any:
    device = here.reader.device(device_of(here))
    assert device is not None
    return device["waking"]


def test_a_cpe_is_asked_as_soon_as_the_network_works_and_not_before(here: World) -> None:
    work = here.at_work()
    informs(here)
    assert claim(here) == []
    here.later(seconds=60)
    touched = here.do(lambda tx: _confirmed(here, tx, work))
    assert TOPIC in touched

    (asking,) = claim(here)
    cpe = asking.cpe
    assert (cpe.device, cpe.ip, cpe.facts.connection_request_url, cpe.why, cpe.tries) == (
        device_of(here),
        "10.0.0.5",
        URL,
        "job J-1",
        1,
    )


def _confirmed(here: World, tx: Transaction, work: Work) -> set[str]:
    attempts.record_applied(tx, work, LEASE, ["onu"])
    attempts.confirm_network(tx, work, LEASE, observed(work.wanted), GOOD_LIGHT)
    return set(tx.touched)


def test_it_is_asked_again_with_growing_pauses_until_it_is_configured(here: World) -> None:
    work = here.at_work()
    informs(here)
    here.confirm(work)
    asked_at = []
    for second in range(200):
        if claim(here):
            asked_at.append(second)
        here.later(seconds=1)
    assert asked_at == [0, 5, 15, 35, 75, 155]

    given = informs(here)
    assert given is not None
    here.do(cpes.record_outcome, given, CpeOutcome(ok=True))
    here.later(seconds=1000)
    assert claim(here) == []


def test_another_reason_starts_anew_but_no_sooner_than_the_pause(here: World) -> None:
    work = here.at_work()
    informs(here)
    here.confirm(work)
    claim(here)
    here.later(seconds=5)
    claim(here)
    given = informs(here)
    assert given is not None
    here.do(cpes.record_outcome, given, CpeOutcome(ok=True))
    task = add_task(here)
    assert claim(here) == []
    here.later(seconds=10)
    (asking,) = claim(here)
    assert (asking.cpe.why, asking.cpe.tries) == (f"task {task}", 1)


def test_work_that_is_held_back_after_a_fault_wakes_nobody_before_its_time(here: World) -> None:
    informs(here)
    task = add_task(here)
    work = CpeWork(device_of(here), Cause.ASKED, str(task), Reboot())
    here.do(cpes.record_outcome, work, CpeOutcome(ok=False, fault=CpeFault(9002, "Internal error")))
    here.later(seconds=5)
    assert claim(here) == []
    here.later(seconds=296)
    assert [asking.cpe.why for asking in claim(here)] == [f"task {task}"]


def test_a_cpe_in_a_session_is_left_alone_and_looked_at_soon_after(here: World) -> None:
    informs(here)
    add_task(here)

    def talks(facts: CpeFacts) -> bool:
        return facts.serial == HEX

    assert claim(here, talks=talks) == []
    assert shown(here) is None
    here.later(seconds=1)
    assert len(claim(here)) == 1


def test_those_that_were_never_asked_come_first_and_no_more_than_the_limit(here: World) -> None:
    for number in range(5):
        informs(here, f"S{number}", f"10.0.0.{number}")
        add_task(here, f"S{number}")
    first = [asking.cpe.facts.serial for asking in claim(here, 2)]
    here.later(seconds=5)
    second = [asking.cpe.facts.serial for asking in claim(here, 10)]
    assert (first, second) == (["S0", "S1"], ["S2", "S3", "S4", "S0", "S1"])


def test_a_cpe_that_has_not_proven_itself_is_never_asked(here: World) -> None:
    work = here.at_work()
    informs(here, proof=Proof.NONE)
    here.confirm(work)
    assert claim(here) == []


def test_a_record_that_cannot_be_read_harms_only_itself(here: World) -> None:
    for serial in ("S1", "S2"):
        informs(here, serial, f"10.0.0.{serial[1]}")
    broken, _ = add_task(here, "S1"), add_task(here, "S2")
    here.do(lambda tx: tx.connection.execute(f"UPDATE cpe_task SET body = '{{' WHERE id = {broken}"))
    assert [asking.cpe.facts.serial for asking in claim(here)] == ["S2"]
    assert [asking.cpe.facts.serial for asking in claim(here)] == []


def test_what_became_of_the_last_request_is_shown_with_the_device(here: World) -> None:
    informs(here)
    assert shown(here) is None
    task = add_task(here)
    here.later(seconds=1)
    (first,) = claim(here)
    here.do(cpe_waking.tell_wakings, [(first, "does not answer: timed out after 5 s")])
    assert shown(here) == {
        "why": f"task {task}",
        "tries": 1,
        "asked_at": "2026-03-01T08:00:01.000000Z",
        "next_at": "2026-03-01T08:00:06.000000Z",
        "said": "does not answer: timed out after 5 s",
        "informed_at": None,
    }
    here.later(seconds=5)
    (second,) = claim(here)
    here.do(cpe_waking.tell_wakings, [(first, "late news"), (second, "asked to inform: HTTP 200")])
    here.later(seconds=1)
    informs(here)
    assert (shown(here)["said"], shown(here)["tries"], shown(here)["informed_at"]) == (
        "asked to inform: HTTP 200",
        2,
        "2026-03-01T08:00:07.000000Z",
    )


def test_a_job_whose_cpe_stayed_silent_tells_how_it_was_asked(here: World) -> None:
    work = here.at_work()
    informs(here)
    here.confirm(work)
    for said in ("does not answer: timed out after 5 s", "cannot be connected to: No route to host"):
        (asking,) = claim(here)
        here.do(cpe_waking.tell_wakings, [(asking, said)])
        here.later(seconds=5)
    here.later(hours=1)
    here.do(attempts.close_overdue, 10)
    (failure,) = here.job().failures
    assert (failure.code, failure.detail) == (
        Code.CPE_SILENT,
        "the network works, no Inform came in time; asked to inform 2 times, "
        "last: cannot be connected to: No route to host",
    )


def test_a_device_that_proves_to_be_another_leaves_no_request_behind(here: World) -> None:
    informs(here)
    add_task(here)
    claim(here)
    before = device_of(here)
    here.dhcp("02:00:00:00:00:01", "10.0.0.9")
    informs(here, ip="10.0.0.9")  # the address ties both names to one device
    rows = here.rows("SELECT device FROM cpe_waking")
    assert [row for row in rows if row["device"] != device_of(here)] == []
    assert before == device_of(here) or rows == []
