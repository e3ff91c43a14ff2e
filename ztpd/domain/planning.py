"""An order, its place and its profile become what each device must be; and which leg is missing when they cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from drivers.access import WantedAccess
from pon import serial as pon_serial
from ztpd.domain.diagnostics import CpeTest, WantedTest
from ztpd.domain.failures import Code, Failure
from ztpd.domain.kinds import Act
from ztpd.domain.model import Access, JobBody, LocationBody
from ztpd.domain.profile import Profile, Value, parameter_problems, resolve

MBIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the network and the other orders say about a job before its visit.

    ``taken`` tells of each allocated device that another open job or service holds; ``port_holder`` is the service
    that holds the port, where a port serves one only; ``claims`` tells whether a registration id may stand for the
    serial.
    """

    location: LocationBody | None
    profile: Profile | None
    taken: Sequence[str] = ()
    port_holder: str | None = None
    claims: bool = False


def missing_legs(body: JobBody, around: Surroundings) -> list[Failure]:
    """Every leg that is missing before the work can begin; empty when the job is ready."""
    return [*_place_legs(body, around), *_profile_legs(body, around), *_device_legs(body, around)]


def _place_legs(body: JobBody, around: Surroundings) -> list[Failure]:
    location = around.location
    if location is None:
        return [Failure(Code.ADDRESS_UNKNOWN, f"location {body.location} is not known")]
    # What is there can be suspended and taken away, whatever has become of the address.
    if not location.serviceable and body.does.act is Act.PROVISION:
        return [Failure(Code.NOT_SERVICEABLE, location.reason or f"location {body.location} is not serviceable")]
    if location.access is None:
        return [Failure(Code.NOT_SERVICEABLE, f"location {body.location} has no access port")]
    if around.port_holder is not None:
        where = f"{location.access.element} {location.access.port}"
        return [Failure(Code.PORT_OCCUPIED, f"{where} is held by service {around.port_holder}")]
    return []


def _profile_legs(body: JobBody, around: Surroundings) -> list[Failure]:
    profile = around.profile
    if profile is None:
        return [Failure(Code.PROFILE_MISSING, f"profile {body.profile} is not known")]
    problems = [each for each in parameter_problems(profile, body.parameters) if _is_needed(each.name, body, profile)]
    if problems:
        return [Failure(Code.PROFILE_MISSING, "; ".join(map(str, problems)))]
    untestable = _untestable(body, profile)
    if untestable:
        return [Failure(Code.PROFILE_MISSING, untestable)]
    access = around.location.access if around.location else None
    if access is not None and access.technology not in profile.technologies:
        return [Failure(Code.PROFILE_MISSING, f"profile {profile.name} is not made for {access.technology}")]
    return []


def _untestable(body: JobBody, profile: Profile) -> str | None:
    """Why a test cannot be done with what the job gives; None when each can."""
    for wanted in _tests(body, profile):
        try:
            _told(body, profile, wanted)
        except ValueError as error:
            names = ", ".join(sorted(wanted.references))
            return f"parameters.{names}: does not fit the diagnostics' {wanted.test}: {_first_line(error)}"
    return None


def _first_line(error: ValueError) -> str:
    """What is wrong, without what was given."""
    errors = error.errors(include_url=False, include_input=False) if isinstance(error, ValidationError) else []
    return str(errors[0]["msg"]).removeprefix("Value error, ") if errors else str(error)


def _is_needed(parameter: str, body: JobBody, profile: Profile) -> bool:
    """Whether a parameter must be right. A new service gives all of them.

    On one that is there already, what only a CPE is told matters only where one is told something: services that were
    taken over from another tool come without the Wi-Fi password.
    """
    if body.kind == "install" or parameter in body.parameters or parameter not in profile.told_to_cpe_only:
        return True
    return body.device("cpe") is not None and body.does.act is Act.PROVISION


def _device_legs(body: JobBody, around: Surroundings) -> list[Failure]:
    if around.taken:
        return [Failure(Code.DEVICE_MISSING, "; ".join(around.taken))]
    access = around.location.access if around.location else None
    technology = "pon" if access is None else access.technology
    needed = role_of(technology)
    device = body.device(needed)
    if device is None and technology == "ethernet" and not body.does.awaits_device:
        return []  # a line of a switch is known by its port
    if device is None or (needed == "ont" and device.serial is None and device.registration_id is None):
        return [Failure(Code.DEVICE_MISSING, f"no {needed} with a serial is allocated")]
    if needed == "ont" and device.serial is None and not around.claims:
        detail = "the ont has a registration id only, which discovery.registration_ids does not allow to be claimed"
        return [Failure(Code.DEVICE_MISSING, detail)]
    if technology == "wireless" and device.mac is None:
        return [Failure(Code.DEVICE_MISSING, "the cpe has no mac, by which an access point knows it")]
    return _tester_legs(body, around.profile)


def _tester_legs(body: JobBody, profile: Profile | None) -> list[Failure]:
    """Work that somebody comes for does not begin without the CPE whose tests it cannot end without."""
    wanted = [] if profile is None else [test.test for test in profile.diagnostics if test.required]
    if not wanted or body.device("cpe") is not None or not body.does.awaits_device:
        return []
    return [Failure(Code.DEVICE_MISSING, f"no cpe is allocated, and the profile wants its {', '.join(wanted)}")]


def role_of(technology: str) -> str:
    """The role of the device that a line of this technology ends in."""
    return "ont" if technology == "pon" else "cpe"


def device_key(body: JobBody, access: Access) -> str:
    """The name by which the element knows what the job works on (``drivers.access``); raises ``ValueError``."""
    if access.technology == "ethernet":
        return access.port
    device = body.device(role_of(access.technology))
    name = None if device is None else device.serial if access.technology == "pon" else device.mac
    if name is None:
        raise ValueError("a job with a missing leg has no plan")
    return pon_serial.normalise(name) if access.technology == "pon" else name


def wanted_access(body: JobBody, location: LocationBody, profile: Profile, *, enabled: bool = True) -> WantedAccess:
    """What the ordered service needs of its element; the job must have no missing leg (``missing_legs``)."""
    access = location.access
    if access is None:
        raise ValueError("a job with a missing leg has no plan")
    vlan, wan = profile.vlan, profile.wan
    return WantedAccess(
        service=body.service,
        port=access.port,
        device=device_key(body, access),
        s_vlan=_vlan(profile, body, None if vlan is None else vlan.s_vlan) or 0,
        c_vlan=_vlan(profile, body, None if vlan is None else vlan.c_vlan),
        downstream_bps=profile.speed.downstream_mbps * MBIT,
        upstream_bps=profile.speed.upstream_mbps * MBIT,
        assured_upstream_bps=profile.speed.assured_upstream_mbps * MBIT,
        fixed_upstream_bps=profile.quality.fixed_upstream_mbps * MBIT,
        priority=profile.quality.priority,
        enabled=enabled,
        address=_text(profile, body, wan.address),
        ppp_user=_text(profile, body, wan.ppp_user),
        ppp_password=_text(profile, body, wan.ppp_password),
        description=f"service {body.service}",
    )


def _text(profile: Profile, body: JobBody, value: Value | None) -> str | None:
    return None if value is None else str(resolve(profile, body.parameters, value))


def _vlan(profile: Profile, body: JobBody, value: Value | None) -> int | None:
    return None if value is None else int(resolve(profile, body.parameters, value))


def wanted_cpe(body: JobBody, profile: Profile) -> dict[str, Value]:
    """What the CPE must be told, by intent; empty when no CPE is allocated or the profile asks nothing of it."""
    if body.device("cpe") is None:
        return {}
    return {intent: resolve(profile, body.parameters, value) for intent, value in profile.cpe.items()}


def wanted_tests(body: JobBody, profile: Profile) -> list[tuple[WantedTest, CpeTest]]:
    """The tests that the profile wants of the job's CPE, as it is asked for them; raises ``ValueError``."""
    return [(wanted, _told(body, profile, wanted)) for wanted in _tests(body, profile)]


def _tests(body: JobBody, profile: Profile) -> tuple[WantedTest, ...]:
    return profile.diagnostics if body.does.act is Act.PROVISION and body.device("cpe") is not None else ()


def _told(body: JobBody, profile: Profile, wanted: WantedTest) -> CpeTest:
    return wanted.told({name: resolve(profile, body.parameters, f"${name}") for name in wanted.references})
