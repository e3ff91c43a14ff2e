"""What another tool made and ztpd took over is worked on as if ztpd had made it, in shadow as well."""

from typing import Any

from drivers.access import WantedAccess
from drivers.netconf_bbf import NetconfBbfDriver
from drivers.read_only import ReadOnly
from tests.integration.provisioning.network import PORT, SERIAL, Element, Network, at_work, until
from tests.integration.provisioning.test_shadow import decided, lane, verdicts
from ztpd.domain.adoption import Finding, ListedService, Outcome
from ztpd.domain.model import JobBody
from ztpd.provisioning.adoption import Adopter
from ztpd.store import orders

MADE = WantedAccess("OLD-1", PORT, SERIAL, 201, 301, 1_000_000_000, 500_000_000, 50_000_000)
LISTED = ListedService(
    service="SVC-1",
    account="ACC-1",
    location="LOC-1",
    profile="residential-1g",
    serial=SERIAL,
    address="1 High Street",
)


async def made_by_another(net: Network, olt: Element) -> None:
    olt.plug()
    tool = await net.driver(olt)
    (outcome,) = await tool.apply(await tool.plan([MADE]))
    assert outcome.error is None


async def adopted(net: Network, driver: NetconfBbfDriver | ReadOnly) -> list[Finding]:
    adopter = Adopter(net.store, {"olt-1": driver}, lambda _: frozenset({"pon"}))
    return [each async for each in await adopter.adopt("olt-1", [LISTED], "office", dry_run=False)]


async def ordered(net: Network, kind: str) -> None:
    body = JobBody.model_validate({"kind": kind, "service": "SVC-1", "account": "ACC-1"})
    await net.store.commit(orders.put_job, "J-9", body)


async def service(net: Network) -> dict[str, Any]:
    found = await net.store.read(lambda reader: reader.service("SVC-1"))
    assert found is not None
    return found


async def test_a_service_that_was_taken_over_is_suspended_and_resumed_without_its_wifi_password(net: Network) -> None:
    olt = await net.olt()
    await made_by_another(net, olt)
    (found,) = await adopted(net, await net.driver(olt))
    assert found.outcome in {Outcome.ADOPTED, Outcome.ADOPTED_DIFFERENT}
    assert "wifi_passphrase" in found.problem
    # Another daemon: what was adopted is remembered.
    driver = await net.driver(olt)
    await Adopter(net.store, {"olt-1": driver}, lambda _: frozenset({"pon"})).restore()
    async with at_work(net.provisioner(driver).run):
        await ordered(net, "suspend")
        await until(lambda: service(net), lambda each: each["state"] == "suspended", "the suspension")
    assert not (await driver.read([SERIAL]))[SERIAL].enabled


async def test_in_shadow_a_suspension_is_agreed_once_the_other_tool_has_done_it(net: Network) -> None:
    olt = await net.olt()
    await made_by_another(net, olt)
    driver = await net.driver(olt)
    await adopted(net, ReadOnly(driver, "its mode is shadow"))
    writes = olt.writes
    async with at_work(lane(net, driver).run):
        await ordered(net, "suspend")
        (found,) = await decided(net, lambda rows: len(rows) == 1, "the decision")
        assert found["changes"] == ["enabled: True → False"]
        await decided(net, lambda rows: len(rows[0]["differences"]) == 1, "that nobody has acted")
        assert olt.writes == writes
        tool = await net.driver(olt)
        tool.adopt([SERIAL])
        await tool.set_admin([SERIAL], enabled=False)
        await decided(net, lambda rows: verdicts(rows) == ["agreed"], "that it agrees")
    assert (await service(net))["state"] == "active", "what we would have done is not what was done by us"
