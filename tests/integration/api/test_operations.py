"""Work on a service that is installed, and what a person asks of its element at once."""

import pytest

from drivers.errors import Busy, Rejected, Unreachable
from tests.integration.api.world import LEASE, REPORT, World
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
