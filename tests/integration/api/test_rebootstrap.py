"""A CPE that lost its own secret is let in again by hand, over HTTP."""

from tests.integration.api.world import CPE, START, World
from ztpd.api.tokens import Scope
from ztpd.domain.cpe import CpeFacts, Proof
from ztpd.domain.sighting import Sighting, Source
from ztpd.store import cpes
from ztpd.store.cpes import HeardCpe


async def inform(world: World, proof: Proof) -> None:
    heard = Sighting(Source.CWMP, START, oui=CPE["oui"], cwmp_serial=CPE["serial"], ip="10.0.0.5")
    facts = CpeFacts("Acme", CPE["oui"], "ONT", CPE["serial"], root="Device.")
    await world.store.commit(cpes.hear_inform, heard, HeardCpe(facts, proof, "session"))


async def test_an_operator_sees_how_a_cpe_is_known_and_lets_it_in_again(world: World) -> None:
    await world.order()
    await inform(world, Proof.DEVICE)
    await inform(world, Proof.BOOTSTRAP)
    [heard] = [each for each in (await world.get("/v1/sightings")).json["items"] if each["source"] == "cwmp"][-1:]
    assert heard["verdict"].startswith("bootstrap-spent: ")
    device = heard["device"]
    shown = (await world.get(f"/v1/devices/{device}")).json["identity"]
    assert (shown["proof"], shown["secret"]) == ("device", "proven")

    path = f"/v1/devices/{device}/rebootstrap"
    assert (await world.send("POST", path, {"reason": "was reset"}, scope=Scope.READ)).status == 403
    reply = await world.send("POST", path, {"reason": "was reset"}, scope=Scope.DISPATCH)
    assert (reply.status, reply.json["identity"]["secret"]) == (200, "")
    [entry] = (await world.get(f"/v1/audit?subject=device/{device}")).json["items"]
    assert (entry["actor"], entry["action"], entry["detail"]) == (
        "dispatch",
        "device.rebootstrap",
        {"reason": "was reset"},
    )
    await inform(world, Proof.BOOTSTRAP)
    assert (await world.get(f"/v1/devices/{device}")).json["identity"]["proof"] == "bootstrap"


async def test_leave_that_nobody_needs_is_refused_with_a_remedy(world: World) -> None:
    assert (await world.send("POST", "/v1/devices/99/rebootstrap", {"reason": "x"})).status == 404
    await world.order()
    await inform(world, Proof.BOOTSTRAP)
    [device] = [each["id"] for each in (await world.get("/v1/devices")).json["items"] if each["identity"]]
    reply = await world.send("POST", f"/v1/devices/{device}/rebootstrap", {"reason": "x"})
    assert reply.status == 409
    assert "has not shown a secret of its own" in str(reply.json)
