"""Work on a service that is installed, and what a person asks of its element at once."""

import pytest

from drivers.errors import Busy, Rejected, Unreachable
from tests.integration.api.world import JOB, LEASE, REPORT, World
from ztpd.domain.failures import Code, Failure
from ztpd.store import attempts


async def installed(world: World) -> None:
    """SVC-1 is active."""
    await world.order()
    await world.bring_up()
    assert (await world.send("POST", "/v1/jobs/J-1/completion", REPORT)).status == 200


async def test_an_order_on_an_installed_service_gives_only_what_it_changes(stored_world: World) -> None:
    await installed(stored_world)
    order = {"kind": "suspend", "service": "SVC-1", "account": "ACC-1"}

    new = await stored_world.send("PUT", "/v1/jobs/S-1", order)
    again = await stored_world.send("PUT", "/v1/jobs/S-1", order)

    assert (new.status, again.status) == (201, 200)
    assert (new.json["kind"], new.json["state"]) == ("suspend", "discovered")
    assert (new.json["location"], new.json["profile"]) == ("LOC-1", "residential-1g")
    assert again.json == new.json


@pytest.mark.parametrize(
    ("order", "missing"),
    [
        ({"kind": "change"}, "profile"),
        ({"kind": "move"}, "location"),
        ({"kind": "swap"}, "devices"),
    ],
)
async def test_what_a_kind_needs_is_asked_for_by_name(world: World, order: dict[str, str], missing: str) -> None:
    reply = await world.send("PUT", "/v1/jobs/X-1", {"service": "SVC-1", "account": "ACC-1", **order})
    assert reply.status == 422
    assert [item["field"] for item in reply.json["errors"]] == [missing]


async def test_work_on_a_service_that_is_not_installed_says_why_not(world: World) -> None:
    order = {"kind": "suspend", "service": "SVC-1", "account": "ACC-1"}
    unknown = await world.send("PUT", "/v1/jobs/S-1", order)
    await world.order()
    reserved = await world.send("PUT", "/v1/jobs/S-1", order)

    assert (unknown.status, reserved.status) == (409, 409)
    assert unknown.json["detail"] == "service SVC-1 is not known"
    assert reserved.json["detail"] == "service SVC-1 is reserved"
    assert reserved.json["remedy"] == "a suspend is possible while it is active"


async def test_a_service_is_measured_and_its_device_restarted_at_once(world: World) -> None:
    await installed(world)
    measured = await world.send("POST", "/v1/services/SVC-1/measure")
    restarted = await world.send("POST", "/v1/services/SVC-1/reboot")

    assert measured.status == 200
    assert measured.json["levels"]["olt_rx_dbm"] == -22.0
    assert measured.json["configured"]["presence"] == "intended"
    assert restarted.status == 202
    assert world.hands.rebooted == [("SVC-1", "admin")]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Unreachable("olt-1", "get", "no answer within 30 s"), 504, "olt-1, get: no answer within 30 s"),
        (Busy("olt-1", "lock", "held by another"), 503, "olt-1, lock: held by another"),
        (Rejected("olt-1", "reboot", "no such operation"), 409, "olt-1, reboot: no such operation"),
    ],
)
async def test_an_element_that_does_not_do_it_is_told_in_its_own_words(
    world: World, error: Exception, status: int, said: str
) -> None:
    world.hands.error = error

    for path in ("measure", "reboot"):
        reply = await world.send("POST", f"/v1/services/SVC-1/{path}")
        assert (reply.status, reply.json["detail"]) == (status, said)


async def test_a_person_vouches_for_what_an_element_cannot_show_and_the_job_is_tried_again(
    stored_world: World,
) -> None:
    world = stored_world
    await world.order()
    await world.hear_ont()
    failure = Failure(Code.NOT_VERIFIABLE, "the element does not show: downstream_bps")
    await world.store.commit(attempts.fail_attempt, await world.start_attempt(), LEASE, failure, None)

    vouch = {"names": ["downstream_bps"], "reason": "measured at the customer"}
    reply = await world.send("POST", "/v1/jobs/J-1/vouch", vouch)
    work = await world.start_attempt()
    audit = (await world.get("/v1/audit")).json["items"]

    assert reply.status == 200
    assert work.vouched == {"downstream_bps"}
    assert [(each["action"], each["subject"], each["detail"]["reason"]) for each in audit] == [
        ("job.vouch", "job/J-1", "measured at the customer")
    ]


async def test_what_nobody_can_vouch_for_is_refused(world: World) -> None:
    await world.order()

    for body in ({"names": ["enabled"], "reason": "x"}, {"names": [], "reason": "x"}, {"names": ["priority"]}):
        assert (await world.send("POST", "/v1/jobs/J-1/vouch", body)).status == 422


GIVE_UP = {"reason": "the customer changed his mind"}


async def test_a_job_that_was_not_at_work_is_cancelled_and_its_devices_are_free(stored_world: World) -> None:
    world = stored_world
    await world.order()
    waiting = {**JOB, "service": "SVC-2"}
    held = await world.send("PUT", "/v1/jobs/J-2", waiting)

    first = await world.send("POST", "/v1/jobs/J-1/cancel", GIVE_UP)
    again = await world.send("POST", "/v1/jobs/J-1/cancel", GIVE_UP)
    other = (await world.get("/v1/jobs/J-2")).json
    audit = (await world.get("/v1/audit")).json["items"]

    assert (held.json["state"], other["state"]) == ("held", "ready")
    assert (first.status, first.json["state"], again.json["state"]) == (200, "cancelled", "cancelled")
    assert [(each["action"], each["subject"]) for each in audit] == [("job.cancel", "job/J-1")]


async def test_a_change_that_failed_and_is_cancelled_leaves_its_service_to_other_work(world: World) -> None:
    await installed(world)
    order = {"service": "SVC-1", "account": "ACC-1"}
    await world.send("PUT", "/v1/jobs/C-1", {**order, "kind": "repair"})
    failure = Failure(Code.ELEMENT_REJECTED, "no such profile")
    await world.store.commit(attempts.fail_attempt, await world.start_attempt(), LEASE, failure, None)
    refused = await world.send("PUT", "/v1/jobs/S-1", {**order, "kind": "suspend"})

    await world.send("POST", "/v1/jobs/C-1/cancel", GIVE_UP)
    accepted = await world.send("PUT", "/v1/jobs/S-1", {**order, "kind": "suspend"})

    assert (refused.status, accepted.status) == (409, 201)
    assert (await world.get("/v1/services/SVC-1")).json["state"] == "active"


async def test_an_installation_that_an_element_was_at_work_on_is_not_given_up(world: World) -> None:
    await world.order()
    await world.hear_ont()
    work = await world.start_attempt()
    at_work = await world.send("POST", "/v1/jobs/J-1/cancel", GIVE_UP)
    await world.store.commit(attempts.fail_attempt, work, LEASE, Failure(Code.LOW_LIGHT, "dark"), None)
    failed = await world.send("POST", "/v1/jobs/J-1/cancel", GIVE_UP)

    assert (at_work.status, failed.status) == (409, 409)
    assert failed.json["detail"] == "job J-1 was at work on the element already"
    assert (await world.get("/v1/jobs/J-1")).json["state"] == "failed"
