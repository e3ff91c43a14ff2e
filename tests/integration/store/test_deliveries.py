"""Out: one delivery for each event and endpoint, in order per service, and no service or endpoint waits for another."""

import json
from datetime import timedelta

import pytest

from billing_hooks.contract import Attempt, Delivery, Verdict
from tests.integration.store.world import LEASE, ONT, World, location, order
from ztpd.store import attempts, completion, deliveries, orders
from ztpd.store.attempts import Lease

OTHER_NODE = Lease("node-2", timedelta(seconds=60))


def _claim(here: World, endpoint: str = "dispatch", lease: Lease = LEASE, limit: int = 10) -> list[Delivery]:
    return here.do(deliveries.claim_deliveries, endpoint, lease, "ztpd/node-1", limit)


def _answer(here: World, delivery: Delivery, verdict: Verdict, retry_s: float | None = None, number: int = 0) -> int:
    retry_at = None if retry_s is None else here.now + timedelta(seconds=retry_s)
    status, error = (204, None) if verdict is Verdict.DELIVERED else (500, "500 Internal Server Error")
    attempt = Attempt(delivery.id, number or delivery.attempt, here.now, status, 12.5, error, "", verdict, retry_at)
    return here.do(deliveries.record_attempts, "dispatch", [attempt])


def _type(delivery: Delivery) -> str:
    return str(json.loads(delivery.body)["type"])


def _orders(here: World, count: int = 1) -> None:
    for number in range(1, count + 1):
        here.do(orders.put_job, f"J-{number}", order(ONT, service=f"SVC-{number}", place=f"LOC-{number}"))


def test_every_event_has_one_delivery_for_each_endpoint_that_wants_it(here: World) -> None:
    _orders(here, 2)
    events = here.rows("SELECT id FROM event")
    found = here.rows("SELECT event, endpoint FROM delivery")
    assert sorted(row["event"] for row in found) == sorted(row["id"] for row in events)
    assert {row["endpoint"] for row in found} == {"dispatch"}


def test_a_service_has_one_delivery_under_way_and_the_others_wait_in_order(here: World) -> None:
    _orders(here, 2)
    first = _claim(here)
    assert [(each.service, _type(each)) for each in first] == [("SVC-1", "job.ordered"), ("SVC-2", "job.ordered")]
    assert _claim(here) == [], "the next of a service waits for the one before it"
    assert _answer(here, first[0], Verdict.DELIVERED) == 0
    (second,) = _claim(here)
    assert (second.service, _type(second)) == ("SVC-1", "job.held")


def test_a_delivery_that_failed_waits_for_its_time_and_holds_up_only_its_service(here: World) -> None:
    _orders(here, 2)
    one, other = _claim(here)
    _answer(here, one, Verdict.RETRY, retry_s=300)
    _answer(here, other, Verdict.DELIVERED)
    (following,) = _claim(here)
    assert following.service == "SVC-2"
    _answer(here, following, Verdict.DELIVERED)
    here.later(seconds=299)
    assert _claim(here) == []
    here.later(seconds=1)
    (again,) = _claim(here)
    assert (again.id, again.event_id, again.body, again.attempt) == (one.id, one.event_id, one.body, 2)


def test_a_dead_delivery_lets_the_next_one_go(here: World) -> None:
    _orders(here)
    (first,) = _claim(here)
    _answer(here, first, Verdict.DEAD)
    (second,) = _claim(here)
    assert second.id > first.id
    (dead,) = here.reader.deliveries(0, 10, "dispatch", "dead")
    assert (dead["id"], dead["tries"][0]["status"]) == (first.id, 500)


def test_an_endpoint_that_wants_nothing_more_is_left_alone_until_it_is_switched_on(here: World) -> None:
    _orders(here, 2)
    first, _ = _claim(here)
    _answer(here, first, Verdict.DISABLED)
    here.later(minutes=5)
    assert _claim(here) == []
    (disabled,) = here.reader.disabled_endpoints()
    assert disabled["name"] == "dispatch"
    here.do(deliveries.enable_endpoint, "dispatch")
    assert next(each.id for each in _claim(here)) == first.id, "nothing was lost meanwhile"
    assert here.reader.disabled_endpoints() == []


def test_an_endpoint_that_is_slow_holds_up_no_other(here: World) -> None:
    here.confirmed()
    here.do(attempts.release_claims, "nobody")
    here.do(completion.accept_completion, "J-1", here.report())
    assert [_type(each) for each in _claim(here)] == ["job.ordered"]
    assert [_type(each) for each in _claim(here, "billing")] == ["service.activated"]


def test_a_claimed_delivery_comes_back_when_its_lease_ends_or_its_node_is_started_anew(here: World) -> None:
    _orders(here)
    (first,) = _claim(here)
    here.later(seconds=59)
    assert _claim(here, lease=OTHER_NODE) == []
    here.later(seconds=1)
    (again,) = _claim(here, lease=OTHER_NODE)
    assert (again.id, again.attempt) == (first.id, 1)
    here.do(attempts.release_claims, "node-2")
    assert [each.id for each in _claim(here)] == [first.id]


@pytest.mark.parametrize("late", [Verdict.RETRY, Verdict.DEAD, Verdict.DELIVERED])
def test_an_answer_that_comes_after_the_delivery_was_settled_does_not_open_it_again(here: World, late: Verdict) -> None:
    _orders(here)
    (slow,) = _claim(here)
    here.later(seconds=60)
    (quick,) = _claim(here, lease=OTHER_NODE)
    _answer(here, quick, Verdict.DELIVERED)
    assert _answer(here, slow, late, retry_s=5) == 1
    (delivery,) = here.reader.deliveries(0, 1, "dispatch", None)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    (following,) = _claim(here)
    assert following.id != slow.id


def test_an_answer_for_an_unknown_delivery_is_counted_and_leaves_nothing(here: World) -> None:
    unknown = Delivery(4711, "event-0", "SVC-1", 1, b"", here.now)
    assert _answer(here, unknown, Verdict.DELIVERED) == 1
    assert here.rows("SELECT * FROM delivery_attempt") == []


def test_the_same_answer_again_is_kept_once(here: World) -> None:
    _orders(here)
    (first,) = _claim(here)
    for _ in range(2):
        _answer(here, first, Verdict.RETRY, retry_s=5)
    assert len(here.rows("SELECT * FROM delivery_attempt")) == 1
    assert here.rows("SELECT attempts FROM delivery ORDER BY id")[0]["attempts"] == 1


def test_the_events_of_a_service_are_numbered_without_a_gap(here: World) -> None:
    _orders(here, 2)
    here.do(orders.put_location, "LOC-2", location())
    for service in ("SVC-1", "SVC-2"):
        rows = here.rows("SELECT sequence FROM event WHERE service = '" + service + "' ORDER BY id")
        assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_claim_reads_no_delivery_that_waits_behind_another(here: World) -> None:
    """However long the line of an endpoint that does not answer is, asking what is due costs nothing."""
    _orders(here, 2)
    waiting = here.rows("SELECT due_at FROM delivery ORDER BY id")
    assert [row["due_at"] is None for row in waiting] == [False, True, False, True]
