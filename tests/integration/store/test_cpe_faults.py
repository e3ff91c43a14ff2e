"""Faults of CPEs: tried again where time may mend them, told in words, forgotten when their cause is gone."""

from datetime import timedelta

import pytest

from tests.integration.store.world import HEX, SECRET, World
from ztpd.domain.cpe import Cause, CpeFault, CpeOutcome, CpeWork, FaultKind
from ztpd.domain.cpe_faults import BROKEN_TALKS, pause
from ztpd.domain.cpe_tasks import Reboot
from ztpd.domain.failures import Code, Failure
from ztpd.domain.lifecycle import JobState
from ztpd.store import attempts, cpe_asking, cpes

BUSY = CpeFault(9002, "Internal error")
REFUSED = CpeFault(9007, "Invalid value for the Wi-Fi channel")
KEPT = CpeOutcome(ok=True, applied={"Device.WiFi.SSID.1.SSID": "home"})


def failed(fault: CpeFault) -> CpeOutcome:
    return CpeOutcome(ok=False, fault=fault)


def waiting(here: World) -> CpeWork:
    """What a CPE is told whose network works."""
    here.confirm(here.at_work())
    work = here.inform()
    assert work is not None
    return work


def faults(here: World) -> list[tuple[str, str, int]]:
    rows = here.rows("SELECT * FROM cpe_fault ORDER BY cause")
    return [(row["cause"], row["message"], row["times"]) for row in rows]


def test_a_fault_that_may_pass_is_tried_again_with_a_growing_pause(here: World) -> None:
    work = waiting(here)
    assert here.do(cpes.record_outcome, work, failed(BUSY)) is None
    assert here.job().state is JobState.VERIFYING
    assert here.inform() is None
    here.later(seconds=31)
    again = here.inform()
    assert again == work
    here.do(cpes.record_outcome, work, failed(BUSY))
    here.later(seconds=31)
    assert here.inform() is None
    here.later(seconds=30)
    assert here.inform() == work
    assert faults(here) == [("job", "9002 Internal error", 2)]
    assert here.events().count("job.cpe-faulted") == 2


def test_what_is_asked_of_a_cpe_does_not_wait_for_its_jobs_fault_to_pass(here: World) -> None:
    work = waiting(here)
    here.do(cpe_asking.ask, work.device, Reboot(), "ada")
    following = here.do(cpes.record_outcome, work, failed(BUSY))
    assert following is not None
    assert following.task == Reboot()


def test_a_fault_is_forgotten_when_the_cpe_did_it(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, failed(BUSY))
    here.later(minutes=1)
    assert here.inform() is not None
    here.do(cpes.record_outcome, work, KEPT)
    assert faults(here) == []
    assert here.job().state is JobState.AWAITING_COMPLETION


def test_a_fault_is_forgotten_when_nobody_wants_the_work_any_more(here: World) -> None:
    here.at_work()
    work = here.inform()
    assert work is not None
    here.do(cpes.record_outcome, work, failed(REFUSED))
    assert faults(here) == [("job", "9007 Invalid value for the Wi-Fi channel", 1)]
    here.inform()
    assert faults(here) == []


def test_what_is_refused_for_good_fails_the_job_at_once(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, failed(REFUSED))
    assert here.job().failures == (Failure(Code.CPE_FAULT, "9007 Invalid value for the Wi-Fi channel"),)


def test_a_cpe_that_cannot_be_understood_is_given_up_after_a_few_times(here: World) -> None:
    work = waiting(here)
    for _ in range(BROKEN_TALKS):
        assert here.job().state is JobState.VERIFYING
        here.do(cpes.record_outcome, work, failed(CpeFault(None, "out of turn", kind=FaultKind.PROTOCOL)))
        here.later(minutes=3)
    assert here.job().state is JobState.FAILED


def test_a_cpe_that_kept_failing_is_not_called_silent(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, failed(BUSY))
    here.later(hours=1)
    here.do(attempts.close_overdue, 10)
    assert here.job().failures == (Failure(Code.CPE_FAULT, "9002 Internal error (tried 1 times)"),)


def test_a_secret_that_a_cpe_quotes_is_shown_nowhere(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, failed(CpeFault(9002, f"cannot take {SECRET!r}")))
    assert SECRET not in repr(here.rows("SELECT * FROM cpe_fault"))
    assert SECRET not in repr(here.rows("SELECT data FROM event"))


def test_what_a_cpe_did_for_a_job_that_went_on_without_it_counts_no_more(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, KEPT)
    assert here.do(cpes.record_outcome, work, KEPT) is None
    assert here.do(cpes.record_outcome, work, failed(REFUSED)) is None
    assert here.job().state is JobState.AWAITING_COMPLETION


@pytest.mark.parametrize("cause", list(Cause))
def test_pauses_double_up_to_a_day(cause: Cause) -> None:
    pauses = [pause(cause, times) for times in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[1] == 2 * pauses[0]
    assert pauses[-1] == timedelta(days=1)


def test_another_device_of_the_same_name_bears_no_fault(here: World) -> None:
    work = waiting(here)
    here.do(cpes.record_outcome, work, failed(BUSY))
    assert here.inform(serial=HEX[:-1] + "E") is None
    assert len(faults(here)) == 1
