"""Intentions that come from discovery: a device was heard, an element's list was read, a CPE asks what to do."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

import orjson
import structlog

from drivers.access import PresentDevice
from drivers.base import Neighbour
from pon.onu import Presence as OnuPresence
from ztpd.domain import identity, matching
from ztpd.domain.identity import Kind
from ztpd.domain.lifecycle import DeviceState, JobState
from ztpd.domain.matching import Conflict, Match, Unmatched, Verdict
from ztpd.domain.model import Access
from ztpd.domain.sighting import INTERFACE, LISTED, Place, Presence, Sighting, Source
from ztpd.store import allocations, cpe_doubts, devices, neighbours, registration, settling, standing, ties
from ztpd.store.rows import SIGHTING, Job
from ztpd.store.times import to_text
from ztpd.store.transaction import Row, Transaction

log = structlog.get_logger()

EXCHANGE = 4
"""How many messages one exchange has that come again and again (DHCP: DISCOVER, OFFER, REQUEST, ACK)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a sighting: the device it means, the job it belongs to, and why it advances none."""

    device: int
    job: str | None
    verdict: str


def record_sighting(tx: Transaction, sighting: Sighting) -> Recorded:
    """Keep a sighting, find its device, match it, and advance the job that expects it."""
    located = _located(tx, sighting)
    names = identity.names_of_sighting(located)
    bearers = devices.bearing(tx, names)
    tied = ties.tied(tx, located, bearers)
    found = devices.recognise(tx, names, located.source, DeviceState.QUARANTINED, bearers, tied)
    before = found.row
    verdict, job = _judge(tx, located, found)
    recorded = Recorded(found.device, None if job is None else job.id, _in_words(verdict, found))
    _write(tx, located, recorded)
    _update_device(tx, located, before, verdict)
    if job is not None:
        came_back = located.source in LISTED and before["presence"] == Presence.ABSENT
        settling.follow_announcement(tx, job, verdict, came_back=came_back)
        left = located.source in LISTED and located.presence is Presence.ABSENT
        if left and job.state is JobState.HELD and devices.places_of(tx, found.device):
            settling.settle(tx, job)  # its clone went away
    return recorded


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One device whose listing is not what is believed of it; those that are gone come first, so that a move is one.

    ``name`` is its PON serial or its MAC address.
    """

    present: bool
    name: str
    port: str


def record_listing(
    tx: Transaction,
    element: str,
    listed: Sequence[PresentDevice],
    read_at: datetime,
    after: Difference | None = None,
    limit: int | None = None,
) -> list[Difference]:
    """Hold an element's list of present ONUs against what is believed, and record each difference; which.

    An ONU that was believed present when the list was read and is not on it is gone. One that a job waits for counts
    as heard again. At most ``limit`` differences behind ``after`` are recorded, so that a list of thousands holds up
    nobody else's intentions: call again with the last one until fewer come back.
    """
    onus = {(onu.device, onu.port): onu for onu in listed}
    registrations = registration.awaited(tx)
    claiming = {key for key, onu in onus.items() if registrations and registration.fingerprint_of(onu) in registrations}
    states = {key: onu.raw_state for key, onu in onus.items()}

    def record(each: Difference) -> Recorded:
        absent = PresentDevice(each.port, each.name, OnuPresence.ABSENT)
        return record_announcement(tx, element, onus[each.name, each.port] if each.present else absent, read_at)

    found = _differences(tx, element, Kind.PON, states, read_at, claiming)
    return _record_each(tx, element, _part_of(found, after, limit), record)


def record_neighbours(
    tx: Transaction,
    element: str,
    listed: Sequence[Neighbour],
    read_at: datetime,
    after: Difference | None = None,
    limit: int | None = None,
) -> list[Difference]:
    """Hold an element's list of LLDP neighbours against what is believed, as ``record_listing`` does.

    A neighbour is known by a MAC address; one that names none cannot be known, and is passed over.
    """
    heard = {(mac, each.port): each for each in listed if (mac := neighbours.mac_of(tx, each)) is not None}
    states = {key: neighbours.state_of(each) for key, each in heard.items()}

    def record(each: Difference) -> Recorded:
        neighbour = heard[each.name, each.port] if each.present else None
        return record_sighting(tx, neighbours.sighting_of(element, each.port, each.name, neighbour, read_at))

    found = _differences(tx, element, Kind.MAC, states, read_at)
    return _record_each(tx, element, _part_of(found, after, limit), record)


def _differences(
    tx: Transaction,
    element: str,
    kind: Kind,
    states: Mapping[tuple[str, str], str],
    read_at: datetime,
    claiming: Collection[tuple[str, str]] = (),
) -> Iterator[Difference]:
    """What is listed (``states`` by name and port) and not believed so, claims or is waited for; and what is gone.

    Gone is what was believed present when the list was read and is not on it by any of its names.
    """
    # By the least of its names, however often the list is held against what is believed.
    believed = sorted(tx.all("present_on_element", element=element, kind=kind), key=itemgetter("name"), reverse=True)
    there = {(row["device"], row["port"]) for row in believed if (row["name"], row["port"]) in states}
    moment = to_text(read_at)
    gone = {
        (row["device"], row["port"]): row["name"]
        for row in believed
        if row["since"] <= moment and (row["device"], row["port"]) not in there
    }
    for (_, port), name in gone.items():
        yield Difference(False, name, port)
    settled = {(row["name"], row["port"]): row["raw_state"] for row in believed if not row["awaited"]}
    for (name, port), state in states.items():
        if settled.get((name, port)) != state or (name, port) in claiming:
            yield Difference(True, name, port)


def _part_of(found: Iterable[Difference], after: Difference | None, limit: int | None) -> list[Difference]:
    return sorted(each for each in found if after is None or each > after)[:limit]


def _record_each(
    tx: Transaction, element: str, differences: list[Difference], record: Callable[[Difference], Recorded]
) -> list[Difference]:
    """Record each apart from the others, so that one that cannot be kept harms only itself."""
    for each in differences:
        kept = tx.apart(lambda each=each: record(each))  # type: ignore[misc]
        if isinstance(kept, Exception):
            log.error("a device cannot be kept", element=element, name=each.name, exc_info=kept)
    return differences


def keep_elements(tx: Transaction, elements: Collection[str]) -> list[str]:
    """Forget who was present on elements that ztpd no longer watches, for nobody would say that they left; which."""
    forgotten = [row["element"] for row in tx.all("elements_with_presence") if row["element"] not in elements]
    for element in forgotten:
        record_listing(tx, element, [], tx.now)
        record_neighbours(tx, element, [], tx.now)
    return forgotten


def record_announcement(tx: Transaction, element: str, onu: PresentDevice, heard_at: datetime) -> Recorded:
    """Keep what an element announced of one ONU, which may claim a job by its registration id."""
    absent = onu.presence is OnuPresence.ABSENT
    claimed = None if absent else registration.claim(tx, element, onu, heard_at)
    # The registration id itself is left out: where ONUs log in by it, it is a credential.
    details = {"state": onu.raw_state, "registration-id": claimed}
    sighting = Sighting(
        Source.PON,
        heard_at,
        Presence.ABSENT if absent else Presence.PRESENT,
        element,
        onu.port,
        serial=onu.device,
        details={name: value for name, value in details.items() if value is not None},
    )
    return record_sighting(tx, sighting)


def _located(tx: Transaction, sighting: Sighting) -> Sighting:
    """The sighting with its place filled in from the circuit-id, where the source names none.

    Behind an interface of this machine it is the place with most of the frame's VLANs that a location has.
    """
    if sighting.source is Source.DHCP and INTERFACE in sighting.details and sighting.port is not None:
        return replace(sighting, port=_of_location(tx, sighting.element, sighting.port))
    if sighting.element is not None or sighting.circuit_id is None:
        return sighting
    row = tx.one("place_of_circuit_id", circuit_id=sighting.circuit_id)
    return sighting if row is None else replace(sighting, element=row["element"], port=row["port"])


def _of_location(tx: Transaction, element: str | None, port: str) -> str:
    interface, *vlans = port.split(".")
    ports = (".".join((interface, *vlans[:kept])) for kept in range(len(vlans), -1, -1))
    found = (each for each in ports if tx.one("has_location", element=element, port=each) is not None)
    return next(found, port)


def _judge(tx: Transaction, sighting: Sighting, found: devices.Recognised) -> tuple[Verdict, Job | None]:
    """What the sighting means, and the job it concerns (the one that holds the device, in whatever role)."""
    held = allocations.holder_of(tx, found.device)
    concerned = held[0][1] if held else None
    if sighting.presence is Presence.ABSENT:
        return Unmatched("the device went away"), concerned
    expectations = [] if concerned is None else [settling.expectation(tx, concerned)]
    if expectations and not any(_decides(sighting, role, expectations[0].access) for role, _ in held):
        return Unmatched("heard; the job follows its ONT"), concerned
    place = None if sighting.element is None or sighting.port is None else Place(sighting.element, sighting.port)
    elsewhere = _alive_elsewhere(tx, sighting, found.device, place)
    return matching.match(place, elsewhere, expectations, sighting.trusted, sighting.heard_at), concerned


def _decides(sighting: Sighting, role: str, access: Access | None) -> bool:
    """Whether the sighting says where the job's device is: on a PON only the OLT knows, and only of the ONT."""
    if access is None or access.technology == "pon":
        return role == "ont" and sighting.source is Source.PON
    return role == "cpe"


def _alive_elsewhere(tx: Transaction, sighting: Sighting, device: int, place: Place | None) -> Place | None:
    if sighting.source not in LISTED:
        return None
    return next((other for other in devices.places_of(tx, device) if other != place), None)


def _update_device(tx: Transaction, sighting: Sighting, row: Row, verdict: Verdict) -> None:
    # An address ties an Inform to the device that has it: what anybody may have published ties nothing.
    told = replace(sighting, ip=None, circuit_id=None) if sighting.source is Source.MQTT else sighting
    devices.touch(tx, row, told, to_text(sighting.heard_at))
    if sighting.trusted and row["reason"] in cpe_doubts.REASONS:
        devices.forget_reason(tx, row)  # it is really there, whoever spoke of it before
    if sighting.source in LISTED and sighting.element is not None and sighting.port is not None:
        devices.place(tx, sighting, row)
    standing.follow(tx, sighting, row, verdict)


def _in_words(verdict: Verdict, found: devices.Recognised) -> str:
    others = "".join(f"; one of its names belongs to device {other}" for other in found.contradiction)
    match verdict:
        case Match(job=job):
            return f"matches job {job}{others}"
        case Conflict(failure=failure):
            return f"{failure.code}: {failure.detail}{others}"
        case Unmatched(reason=reason):
            return f"{reason}{others}"


def _write(tx: Transaction, sighting: Sighting, recorded: Recorded) -> None:
    """Keep the sighting; one that says the same as the last of its source, or of its exchange, is counted instead."""
    body = SIGHTING.dump_python(sighting, mode="json", exclude_none=True, exclude={"heard_at"})
    text = orjson.dumps(body).decode()
    heard_at = to_text(sighting.heard_at)
    same = tx.one(
        "repeat_sighting",
        device=recorded.device,
        source=sighting.source,
        depth=1 if sighting.source in LISTED else EXCHANGE,
        body=text,
        verdict=recorded.verdict,
        heard_at=heard_at,
    )
    if same is not None:
        return
    tx.run(
        "add_sighting",
        device=recorded.device,
        job=recorded.job,
        source=sighting.source,
        element=sighting.element,
        port=sighting.port,
        body=text,
        verdict=recorded.verdict,
        heard_at=heard_at,
    )
