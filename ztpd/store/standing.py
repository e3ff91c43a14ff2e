"""Where a device stands once it was heard: in its place, contradicted, cleared again or moved; and who is told."""

import orjson

from ztpd.domain import contradiction
from ztpd.domain.contradiction import Stay
from ztpd.domain.failures import Code, Failure
from ztpd.domain.identity import Kind
from ztpd.domain.lifecycle import DeviceState
from ztpd.domain.matching import Conflict, Match, Verdict
from ztpd.domain.sighting import LISTED, Place, Presence, Sighting, Source
from ztpd.store import allocations, devices
from ztpd.store.times import from_text
from ztpd.store.transaction import Row, Transaction

_REMEMBERED = 8
"""How many of its last DHCP sightings a device's whereabouts are told from."""


def follow(tx: Transaction, sighting: Sighting, before: Row, verdict: Verdict) -> None:
    """Move a device by a sighting that is kept already; ``before`` is its row from before the sighting."""
    telling = sighting.trusted and sighting.source in LISTED | {Source.DHCP}
    failure = _contradiction(tx, before) if telling else None
    if failure is not None:
        _contradict(tx, before, failure)
        return
    if isinstance(verdict, Match | Conflict):
        devices.judged(tx, before, verdict)
    if telling and before["reason"] in contradiction.CODES:
        _clear(tx, before)
    if sighting.source in LISTED:
        _tell_of_move(tx, before)


def _contradiction(tx: Transaction, before: Row) -> Failure | None:
    device = before["id"]
    present = tx.all("places_of_device", device=device)
    if len(present) > 1:
        places = [Place(row["element"], row["port"]) for row in present]
        if any(name.kind is Kind.PON for name in devices.names_of(tx, device)):
            return contradiction.cloned(*places)
        # The operator's own switches are neighbours on many ports: they contradict nothing that anybody expects.
        nobodys = before["reason"] == devices.UNKNOWN
        return None if nobodys else contradiction.cloned(*places, by=Code.DUPLICATE_MAC)
    stays = [Stay(row["element"], from_text(row["since"]), tx.now) for row in present]
    return contradiction.two_homes([*stays, *_heard_behind(tx, device)], tx.now)


def _heard_behind(tx: Transaction, device: int) -> list[Stay]:
    """The elements of ours through whose relays the device asked for an address, unless it gave it back since."""
    stays: list[Stay] = []
    for row in tx.all("heard_by_dhcp", device=device, limit=_REMEMBERED):  # the oldest first
        body = orjson.loads(row["body"])
        if body["trusted"] and body["presence"] == Presence.ABSENT:
            stays = [stay for stay in stays if stay.element != row["element"]]
        elif body["trusted"]:
            stays.append(Stay(row["element"], from_text(row["heard_at"]), from_text(row["last_heard_at"])))
    return stays


def _contradict(tx: Transaction, before: Row, failure: Failure) -> None:
    devices.contradict(tx, before, failure)
    if (before["state"], before["reason"]) != (DeviceState.QUARANTINED, failure.code):
        tx.tell_of_device(before, "device.quarantined", **failure.describe())


def _clear(tx: Transaction, before: Row) -> None:
    """Nothing contradicts the device any more: it is what it was before, for whoever has it or expects it."""
    row = devices.row_of(tx, before["id"])
    if row["state"] == DeviceState.QUARANTINED and row["reason"] in contradiction.CODES:
        if row["service"] is not None:
            devices.bind(tx, row, row["service"])
        elif allocations.asking(tx, devices.names_of(tx, row["id"])):
            devices.expect(tx, row["id"])
        else:
            devices.forget_reason(tx, row)
    tx.tell_of_device(before, "device.cleared", code=before["reason"])


def _tell_of_move(tx: Transaction, before: Row) -> None:
    """Tell where a device that is in service is now, when its old place is dark."""
    if before["service"] is None or before["element"] is None:
        return
    now = devices.row_of(tx, before["id"])
    was, is_ = (f"{row['element']} {row['port']}" for row in (before, now))
    if was != is_:
        tx.tell_of_device(before, "device.moved", previous=was, place=is_)
