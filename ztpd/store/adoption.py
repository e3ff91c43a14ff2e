"""Intentions of an adoption: services that others made become ours, and their elements are not touched."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from drivers.access import ObservedAccess
from pon.onu import Presence
from pon.serial import is_canonical
from ztpd.domain import takeover
from ztpd.domain.adoption import Finding, Pair, unlisted
from ztpd.domain.identity import Kind, Name, names_of_allocation
from ztpd.domain.lifecycle import JOB, SERVICE, DeviceState, JobEvent, ServiceEvent, ServiceState, advance, allows
from ztpd.domain.model import normalise_mac
from ztpd.domain.profile import Profile
from ztpd.domain.takeover import Known
from ztpd.store import allocations, devices, orders, quarantine
from ztpd.store.rows import Job, device_state_of, location_of
from ztpd.store.transaction import Refused, Row, Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Where:
    """The element that is looked at and what it serves; ``actor`` asked for it."""

    element: str
    technology: str
    actor: str


def take_over(tx: Transaction, where: Where, pairs: Sequence[Pair], *, dry_run: bool) -> list[Finding]:
    """Make each pair's service ours, each apart from the others; what was done, or refused, in order.

    A dry run does the same and undoes it, so it says what would be done. What is ours already is not written again.
    """
    return [_apart(tx, where, each, dry_run) for each in pairs]


def _apart(tx: Transaction, where: Where, each: Pair, dry_run: bool) -> Finding:
    match tx.apart(lambda: _take_over(tx, where, each), dry_run=dry_run):
        case Finding() as finding:
            return finding
        case Refused(problem=problem, remedy=remedy):
            return takeover.refused(each, problem, remedy)
        case ValidationError():
            problem = f"{each.observed.port!r} cannot be the port of a location"
            return takeover.refused(each, problem, "give the port another name on the element")
        case error:
            log.error("a service cannot be taken over", service=each.listed.service, exc_info=error)
            return takeover.refused(
                each, f"unforeseen {type(error).__name__}: the log has it", "tell whoever runs ztpd"
            )


def tell_unlisted(tx: Transaction, where: Where, found: Sequence[ObservedAccess]) -> list[Finding]:
    """What is said of devices that no line names: ours, or nobody's."""
    return [unlisted(each, _service_with(tx, where.element, each)) for each in found]


def _service_with(tx: Transaction, element: str, observed: ObservedAccess) -> str | None:
    """The service of ours that has what is provisioned, if any."""
    adopted = tx.one("adopted_by", element=element, device=observed.device)
    if adopted is not None:
        return str(adopted["service"])
    named = [tx.device_named(name) for name in _names(observed.device)]
    services = [devices.row_of(tx, id_)["service"] for id_ in named if id_ is not None]
    return next((service for service in services if service is not None), None)


def _names(device: str) -> list[Name]:
    """The names that what an element calls a device may be; none for a port."""
    if is_canonical(device):
        return [Name(Kind.PON, device)]
    try:
        return [Name(Kind.MAC, device)] if normalise_mac(device) == device else []
    except ValueError:
        return []


def _take_over(tx: Transaction, where: Where, each: Pair) -> Finding:
    known = _known(tx, where, each)
    obstacle = takeover.obstacle(each, where.element, where.technology, known)
    if obstacle is not None:
        return obstacle
    profile = _present(known.profile)
    whole = takeover.completed(each, profile)
    finding = takeover.held_against(whole, profile)
    place = takeover.described(whole, where.element, where.technology, known.place)
    if place != known.place:
        orders.put_location(tx, whole.listed.location, place)
    _end_installs(tx, whole)
    state = _activate(tx, where, whole)
    _bind(tx, where, whole)
    _tell(tx, where, whole, finding, state, profile)
    return finding


def _present(profile: Profile | None) -> Profile:
    if profile is None:
        raise LookupError("a pair without an obstacle lacks its profile")
    return profile


def _known(tx: Transaction, where: Where, each: Pair) -> Known:
    listed = each.listed
    place = tx.one("get_location", id=listed.location)
    service = tx.one("get_service", id=listed.service)
    names = _names(each.observed.device)
    known = [devices.row_of(tx, id_) for id_ in map(tx.device_named, names) if id_ is not None]
    return Known(
        profile=tx.profiles.get(listed.profile),
        place=None if place is None else location_of(place),
        state=None if service is None else service["state"],
        account=None if service is None else service["account"],
        at=None if service is None else service["location"],
        sold=None if service is None else service["profile"],
        has=_devices_of(tx, listed.service),
        holder=_holder(tx, where, each, known, names),
        held_for=next(map(_held_for, filter(_is_contradicted, known)), None),
    )


def _devices_of(tx: Transaction, service: str) -> tuple[str, ...]:
    """Whatever names the devices of a service, here or on its element."""
    rows = tx.all("devices_of_service", service=service)
    named = [name.value for row in rows for name in sorted(devices.names_of(tx, row["id"]))]
    adopted = [row["device"] for row in tx.all("adopted_of_service", service=service)]
    return tuple(dict.fromkeys([*named, *adopted]))


def _holder(tx: Transaction, where: Where, each: Pair, known: Sequence[Row], names: Sequence[Name]) -> str | None:
    """Whose the device is, where it is not this service's."""
    adopted = tx.one("adopted_by", element=where.element, device=each.observed.device)
    services = [row["service"] for row in (*known, *([adopted] if adopted is not None else []))]
    other = next((service for service in services if service not in {None, each.listed.service}), None)
    if other is not None:
        return f"service {other}"
    jobs = [row for row in allocations.asking(tx, names) if row["service"] != each.listed.service]
    return f"job {jobs[0]['id']}" if jobs else None


def _is_contradicted(row: Row) -> bool:
    return device_state_of(row) is DeviceState.QUARANTINED and row["reason"] != devices.UNKNOWN


def _held_for(row: Row) -> str:
    return f"{row['reason']}: {row['detail']}" if row["detail"] else str(row["reason"])


def _end_installs(tx: Transaction, each: Pair) -> None:
    """Cancel the work that was ordered for what is there already; raises ``Refused`` when it is under way."""
    for job in map(Job, tx.all("open_jobs_of_service", service=each.listed.service)):
        if not allows(JOB, job.state, JobEvent.CANCEL_ASKED):
            raise Refused(f"job {job.id} of the service is {job.state}", "let it end, then import again")
        tx.move_job(job, JobEvent.CANCEL_ASKED, adopted=each.observed.device)


def _activate(tx: Transaction, where: Where, each: Pair) -> ServiceState:
    """The service as the element shows it: active, or suspended where it is disabled."""
    listed, observed = each.listed, each.observed
    if tx.one("get_service", id=listed.service) is None:
        named = {name: getattr(listed, name) for name in ("account", "location", "profile")}
        tx.run("add_service", id=listed.service, state=ServiceState.RESERVED, now=tx.now_text, **named)
    if where.technology != "pon":
        _require_port(tx, where, each)
    state = advance(SERVICE, ServiceState.RESERVED, ServiceEvent.ACTIVATED)
    if not observed.enabled:
        state = advance(SERVICE, state, ServiceEvent.SUSPENDED)
    tx.run(
        "move_service",
        id=listed.service,
        state=state,
        location=listed.location,
        profile=listed.profile,
        standing=takeover.order_of(each, where.technology).model_dump_json(),
        confirmed_at=tx.now_text if observed.presence is Presence.INTENDED else None,
        activated_at=tx.now_text,
        now=tx.now_text,
    )
    return state


def _require_port(tx: Transaction, where: Where, each: Pair) -> None:
    """Raise ``Refused`` when another service has a port that serves one only."""
    port = each.observed.port
    holder = tx.one("port_holder", element=where.element, port=port, service=each.listed.service)
    if where.technology == "ethernet" and holder is not None:
        raise Refused(f"{where.element} {port} is held by service {holder['service']}", "correct one of the two")


def _bind(tx: Transaction, where: Where, each: Pair) -> None:
    for allocated in takeover.devices_of(each, where.technology):
        found = devices.recognise(tx, names_of_allocation(allocated), "adoption", DeviceState.EXPECTED)
        devices.bind(tx, devices.row_of(tx, found.device), each.listed.service)
    tx.run(
        "add_adopted", element=where.element, device=each.observed.device, service=each.listed.service, now=tx.now_text
    )


def _tell(tx: Transaction, where: Where, each: Pair, finding: Finding, state: ServiceState, profile: Profile) -> None:
    listed, observed = each.listed, each.observed
    facts = {
        "account": listed.account,
        "location": listed.location,
        "profile": profile.name,
        "profile_version": profile.version,
        "state": state.value,
        "element": where.element,
        "port": observed.port,
        "device": observed.device,
        "differences": [str(difference) for difference in finding.differences],
        "unread": list(finding.unread),
    }
    shown = {name: value for name, value in listed.parameters.items() if name not in profile.secrets}
    tx.run(
        "add_evidence",
        service=listed.service,
        job="",
        visit=0,
        kind="adopted",
        body=json.dumps({**facts, "parameters": shown}, ensure_ascii=False),
        author=where.actor,
        captured_at=tx.now_text,
        now=tx.now_text,
    )
    tx.tell_of_service(listed.service, "service.adopted", **facts)
    subject = f"service/{listed.service}"
    quarantine.audit(tx, where.actor, "service.adopt", subject, element=where.element, device=observed.device)
