"""Whether a listed service and what is provisioned for it may become ours, and how the two differ.

Asked with what the store knows; nothing on the element is made right by taking it over.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from drivers.access import ObservedAccess, WantedAccess
from ztpd.domain.adoption import Finding, ListedService, Outcome, Pair
from ztpd.domain.comparing import compare
from ztpd.domain.model import Access, AllocatedDevice, JobBody, LocationBody, normalise_mac
from ztpd.domain.planning import MBIT
from ztpd.domain.profile import ParameterProblem, Profile, Value, parameter_problems, resolve


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows around a pair.

    ``place`` is the location; ``state``, ``account``, ``at`` and ``sold`` are the service's state, account, location
    and profile, None where it is not known; ``has`` are the devices that it has, ``holder`` the service or job that
    has the device, ``held_for`` why the device is in quarantine beyond being unknown.
    """

    profile: Profile | None
    place: LocationBody | None
    state: str | None = None
    account: str | None = None
    at: str | None = None
    sold: str | None = None
    has: tuple[str, ...] = ()
    holder: str | None = None
    held_for: str | None = None


def obstacle(each: Pair, element: str, technology: str, known: Known) -> Finding | None:
    """Why a pair cannot be taken over, or that it is ours already; None when it can."""
    listed, observed = each.listed, each.observed
    if known.state in {"active", "suspended"} and observed.device in known.has and _is_same(listed, known):
        return Finding(Outcome.OURS, each.line, listed.service, observed.device, observed.port)
    problems = (
        *_service_problems(listed, known),
        *_device_problems(observed, known),
        *_profile_problems(listed, technology, known),
        *_place_problems(listed, observed, element, technology, known),
    )
    return refused(each, *problems[0]) if problems else None


def refused(each: Pair, problem: str, remedy: str) -> Finding:
    """A pair that is left as it is."""
    listed, observed = each.listed, each.observed
    return Finding(
        Outcome.REFUSED, each.line, listed.service, observed.device, observed.port, problem=problem, remedy=remedy
    )


def _is_same(listed: ListedService, known: Known) -> bool:
    return (known.account, known.at, known.sold) == (listed.account, listed.location, listed.profile)


Problem = tuple[str, str]


def _service_problems(listed: ListedService, known: Known) -> Iterator[Problem]:
    if known.state is None:
        return
    service = listed.service
    if known.account != listed.account:
        yield f"service {service} belongs to another account", "correct the account or the service"
    if known.state == "terminated":
        yield f"service {service} is terminated", "list it under a new service id"
    if known.at != listed.location or known.sold != listed.profile:
        found = f"service {service} is known at location {known.at} with profile {known.sold}"
        yield found, "correct the list, or order a change"
    if known.state in {"active", "suspended"}:
        has = ", ".join(known.has) or "no device"
        yield f"service {service} is {known.state} with {has}", "order a swap, or correct the list"


def _device_problems(observed: ObservedAccess, known: Known) -> Iterator[Problem]:
    if observed.port is None:
        yield "the element does not tell on which port it is", "look at its configuration"
    if known.holder is not None:
        yield f"{observed.device} belongs to {known.holder}", "correct the list, or release the device there"
    if known.held_for is not None:
        yield f"{observed.device} is in quarantine: {known.held_for}", "see GET /v1/quarantine, then import again"


def _profile_problems(listed: ListedService, technology: str, known: Known) -> Iterator[Problem]:
    profile = known.profile
    if profile is None:
        yield f"profile {listed.profile} is not known", "add it to the profiles folder, or correct the list"
        return
    if technology not in profile.technologies:
        yield f"profile {profile.name} is not made for {technology}", "correct the profile in the list"
    wrong = [each for each in parameter_problems(profile, listed.parameters) if each.name in listed.parameters]
    if wrong:
        yield "; ".join(map(str, wrong)), "correct the parameters in the list"


def _place_problems(
    listed: ListedService, observed: ObservedAccess, element: str, technology: str, known: Known
) -> Iterator[Problem]:
    here = f"{element} {observed.port}"
    place = known.place
    if place is None:
        if listed.address is None:
            remedy = f"PUT /v1/locations/{listed.location}, or give its address in the list"
            yield f"location {listed.location} is not known", remedy
        return
    access = place.access
    if access is not None and (access.element, access.port) != (element, observed.port):
        problem = f"location {listed.location} is served by {access.element} {access.port}, the device is on {here}"
        yield problem, "correct the location, or the list"
    elif access is not None and access.technology != technology:
        yield f"location {listed.location} is served by {access.technology}, not {technology}", "correct the location"


def access_of(each: Pair, element: str, technology: str) -> Access:
    """Where the service is, in the words of a location; raises ``ValidationError``."""
    return Access.model_validate({"technology": technology, "element": element, "port": each.observed.port})


def described(each: Pair, element: str, technology: str, place: LocationBody | None) -> LocationBody:
    """The location with what the element shows of it; raises ``ValidationError`` where that is no port's name."""
    access = access_of(each, element, technology)
    if place is None:
        return LocationBody(address=each.listed.address or "", access=access)
    return place if place.access is not None else place.model_copy(update={"access": access})


def devices_of(each: Pair, technology: str) -> tuple[AllocatedDevice, ...]:
    """The device as an order would name it; none where the element knows ports only and the list no MAC."""
    if technology == "pon":
        return (AllocatedDevice(role="ont", serial=each.observed.device),)
    mac = each.observed.device if _is_mac(each.observed.device) else each.listed.mac
    return () if mac is None else (AllocatedDevice(role="cpe", mac=mac),)


def _is_mac(text: str) -> bool:
    try:
        return normalise_mac(text) == text
    except ValueError:
        return False


def completed(each: Pair, profile: Profile) -> Pair:
    """The pair with what the profile leaves to parameters and the list does not give, as the element has it.

    A parameter that neither tells stays out; what is asked of the CPE only is not needed to take a service over.
    """
    given = {
        name: value
        for field, reference in _references(profile)
        if (name := reference.removeprefix("$")) != reference
        and name not in each.listed.parameters
        and profile.parameters[name].default is None
        and (value := getattr(each.observed, field)) is not None
        and not any(problem.name == name for problem in parameter_problems(profile, {name: value}))
    }
    parameters = {**each.listed.parameters, **given}
    return replace(each, listed=each.listed.model_copy(update={"parameters": parameters})) if given else each


def _references(profile: Profile) -> Iterator[tuple[str, str]]:
    """The properties that an element may show and the profile gives as text, with that text."""
    vlan, wan = profile.vlan, profile.wan
    values = {
        "s_vlan": None if vlan is None else vlan.s_vlan,
        "c_vlan": None if vlan is None else vlan.c_vlan,
        "address": wan.address,
        "ppp_user": wan.ppp_user,
    }
    for field, value in values.items():
        if isinstance(value, str):
            yield field, value


def order_of(each: Pair, technology: str) -> JobBody:
    """The order that would have made the service what it is: what later work on it begins with."""
    listed = each.listed
    return JobBody(
        kind="install",
        service=listed.service,
        account=listed.account,
        location=listed.location,
        profile=listed.profile,
        parameters=listed.parameters,
        devices=devices_of(each, technology),
    )


def owed(each: Pair, profile: Profile) -> tuple[str, ...]:
    """The parameters that the profile needs and neither the list nor the element tells: a later order has to."""
    return tuple(problem.name for problem in parameter_problems(profile, each.listed.parameters))


def held_against(each: Pair, profile: Profile) -> Finding:
    """What is taken over, with every difference between the list's word and the element's; nothing is made right."""
    wanted, unread = _wanted(each, profile)
    found = compare(wanted, each.observed)
    differences = tuple(difference for difference in found.differences if difference.name not in unread)
    outcome = Outcome.ADOPTED_DIFFERENT if differences else Outcome.ADOPTED
    names = tuple(dict.fromkeys([*unread, *found.unread]))
    missing = owed(each, profile)
    problem = f"the list lacks parameters: {', '.join(missing)}" if missing else ""
    remedy = "give them with the next order of the service" if missing else ""
    listed, observed = each.listed, each.observed
    return Finding(
        outcome, each.line, listed.service, observed.device, observed.port, differences, names, problem, remedy
    )


def _wanted(each: Pair, profile: Profile) -> tuple[WantedAccess, tuple[str, ...]]:
    """What the list and the profile say the service needs, and the properties that neither of them tells."""
    listed, observed = each.listed, each.observed
    vlan, wan = profile.vlan, profile.wan
    asked: dict[str, Value | None] = {
        "s_vlan": 0 if vlan is None else vlan.s_vlan,
        "c_vlan": None if vlan is None else vlan.c_vlan,
        "address": wan.address,
        "ppp_user": wan.ppp_user,
    }
    told: dict[str, Value | None] = {}
    for name, value in asked.items():
        with contextlib.suppress(ParameterProblem):
            told[name] = None if value is None else resolve(profile, listed.parameters, value)
    untold = tuple(name for name in asked if name not in told)
    # What nobody tells cannot differ.
    given: dict[str, Any] = {name: told.get(name, getattr(observed, name)) for name in asked}
    wanted = WantedAccess(
        service=listed.service,
        port=observed.port or "",
        device=observed.device,
        downstream_bps=profile.speed.downstream_mbps * MBIT,
        upstream_bps=profile.speed.upstream_mbps * MBIT,
        assured_upstream_bps=profile.speed.assured_upstream_mbps * MBIT,
        fixed_upstream_bps=profile.quality.fixed_upstream_mbps * MBIT,
        priority=profile.quality.priority,
        enabled=observed.enabled if listed.state is None else listed.state == "active",
        **given,
    )
    return wanted, untold
