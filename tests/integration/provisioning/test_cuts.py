"""After any cut a job ends applied and verified, as if nothing had been; for every kind of job on real elements.

What failed because an element did not answer is due again only when the element is back (``OnlyWhenBack``): nothing
here waits for a job's own pause.
"""

import json
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from tests.contract.harnesses import HARNESSES
from tests.integration.provisioning.network import Network, at_work, happens
from tests.integration.provisioning.playing import INSTALL, KINDS, End, Kind, Olt, OnlyWhenBack, Stage, set_up
from ztpd.domain.lifecycle import JobState
from ztpd.store.transaction import Refused

SEED = int(os.environ.get("ZTPD_CUTS_SEED", "20260301"))
SAMPLE = int(os.environ.get("ZTPD_CUTS", "4"))
"""How many moments of a kind of job are cut; those of the short ones all are. ``ZTPD_CUTS=1000`` cuts everything."""

SHORT = frozenset({"suspend", "terminate"})
OTHERS = ("routeros-ppp", "cli-huawei-smartax", "netconf-switch-openconfig")


class Cut(NamedTuple):
    """The n-th request that an element, by its number, gets for a job: with its effect, or without."""

    element: int
    request: int
    after: bool


def cuts(requests: list[int], kind: str, sample: int) -> list[Cut]:
    """The moments at which a job is cut, the same each time for one seed."""
    every = [
        Cut(element, request, after)
        for element, count in enumerate(requests)
        for request in range(1, count + 1)
        for after in (False, True)
    ]
    return every if len(every) <= sample else sorted(Random(f"{SEED} {kind}").sample(every, sample))


def of_services(end: End) -> End:
    """The end without what a SmartAX shares among all services of one speed.

    Its tables outlast the cut that kept them from being taken away with the last of these services; the next one of
    that speed works by them.
    """
    if not end.configurations[0].startswith(b"{"):
        return end
    return replace(end, configurations=({**json.loads(end.configurations[0]), "traffic-table": None},))


async def check_cuts(stage: Stage, kind: Kind, sample: int) -> None:
    """Play a job again and again, cut each time at another moment, and compare how it ends."""
    undisturbed, requests = await stage.undisturbed(kind)
    for cut in cuts(requests, kind.name, sample):
        async with stage.played(kind) as net:
            stage.elements[cut.element].cut_at_request(cut.request, after_its_effect=cut.after)
            async with at_work(stage.provisioner(net, policy=OnlyWhenBack()).run):
                end = await stage.ends(net)
            assert of_services(end) == of_services(undisturbed), f"{kind.name}, {cut} of {requests}, seed {SEED}"
            assert len(await net.put_off("element-unreachable", "J")) <= 1, f"{cut}: one cut puts it off once"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_job_that_is_cut_anywhere_ends_as_if_it_had_not_been(stage: Stage, kind: str) -> None:
    await check_cuts(stage, KINDS[kind], 1000 if kind in SHORT else SAMPLE)


@pytest.mark.parametrize("kind", ["change", "suspend", "resume", "terminate"])
@pytest.mark.parametrize("name", OTHERS)
async def test_elements_that_have_no_transaction_end_right_all_the_same(
    name: str, kind: str, empty_database: Path, tmp_path: Path
) -> None:
    async with AsyncExitStack() as power:
        element = await power.enter_async_context(HARNESSES[name]())
        made = await set_up([element], empty_database, tmp_path)
        power.push_async_callback(made.close)
        await check_cuts(made, KINDS[kind], max(2, SAMPLE - 2))


class Away:
    """What is said of an element's being away."""

    def __init__(self, element: str) -> None:
        self.element = element
        self.told: list[bool] = []

    def __call__(self, element: str, away: bool) -> None:
        if element == self.element:
            self.told.append(away)


@pytest.mark.parametrize("kind", ["install", "suspend", "swap", "move-element", "terminate"])
async def test_a_job_goes_on_as_soon_as_an_element_that_hung_answers_again(stage: Stage, kind: str) -> None:
    undisturbed, requests = await stage.undisturbed(KINDS[kind])
    impatient = [element.driver(rpc_timeout_s=0.3) for element in stage.elements]
    for cut in cuts(requests, f"{kind} hangs", 3):
        async with stage.played(KINDS[kind]) as net:
            hung = stage.elements[cut.element]
            assert isinstance(hung, Olt)
            for driver in impatient:
                await driver.capabilities()
            hung.hang_at(cut.request)
            away = Away(hung.name)
            worker = stage.provisioner(net, *impatient, policy=OnlyWhenBack(), report_away=away)
            async with at_work(worker.run):
                await happens(lambda away=away: True in away.told, f"{cut}: it is said to be away")  # type: ignore[misc]
                hung.recover()
                end = await stage.ends(net)
            assert end == undisturbed, f"{kind}, {cut} of {requests}, seed {SEED}"
            assert away.told[-1] is False
    for driver in impatient:
        await driver.close()


async def test_jobs_of_two_services_that_are_cut_together_both_end_right(stage: Stage) -> None:
    """One is installed and one suspended, by one provisioner on one element."""
    kind = KINDS["suspend"]
    undisturbed: tuple[str, bytes] | None = None
    for cut in (None, *cuts([24], "two services", 8)):
        async with stage.played(kind) as net:
            await _second_customer(stage, net)
            if cut is not None:
                stage.elements[0].cut_at_request(cut.request, after_its_effect=cut.after)
            async with at_work(stage.provisioner(net, policy=OnlyWhenBack()).run):
                ends = [await stage.ends(net), await stage.ends(net, "J-2")]
            assert [(end.state, end.confirmed, end.completed) for end in ends] == [(JobState.COMPLETED, 1, 1)] * 2
            found = ("".join(ends[0].told + ends[1].told), stage.elements[0].configuration())
            undisturbed = undisturbed or found
            assert found == undisturbed, f"{cut}, seed {SEED}"


async def _second_customer(stage: Stage, net: Network) -> None:
    order = {**INSTALL.order, "service": "SVC-2", "location": "LOC-3", "parameters": {"c_vlan": 399}}
    await stage.order(net, "J-2", order, 2)
    stage.plug(2, 0, 1)
    await stage.heard(net, 2, 0, 1)


async def test_work_on_a_service_waits_for_the_end_of_what_was_cut(stage: Stage) -> None:
    async with stage.played(KINDS["change"]) as net:
        stage.elements[0].cut_at_request(6, after_its_effect=True)
        with pytest.raises(Refused, match="still open"):
            await stage.order(net, "S", {"kind": "suspend"}, None)
        async with at_work(stage.provisioner(net, policy=OnlyWhenBack()).run):
            assert (await stage.ends(net)).state == JobState.COMPLETED
            await stage.order(net, "S", {"kind": "suspend"}, None)
            end = await stage.ends(net, "S")
    assert (end.service["state"], end.told) == ("suspended", ("service.suspended",))
