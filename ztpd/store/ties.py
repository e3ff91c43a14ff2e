"""Devices that a sighting means though it does not name them: ``ztpd.domain.joining`` over what is kept."""

from collections.abc import Callable, Iterable, Mapping

from ztpd.domain import identity, joining
from ztpd.domain.joining import Tie
from ztpd.domain.lifecycle import DeviceState
from ztpd.domain.sighting import Sighting
from ztpd.store import devices
from ztpd.store.devices import Bearers
from ztpd.store.rows import Job, device_state_of
from ztpd.store.transaction import Transaction

_ON_A_LINE = 8
"""How many devices of one line are looked at: the ones heard last."""


def tied(tx: Transaction, sighting: Sighting, bearers: Bearers) -> dict[Tie, list[int]]:
    """The devices that each rule for the sighting's source ties it to; ``bearers`` are those that it names."""
    rules = joining.TIES.get(sighting.source, ())
    applying = (rule for rule in rules if sighting.trusted or rule not in joining.BY_PLACE)
    return {rule: _FIND[rule](tx, sighting, bearers) for rule in applying}


def _lessee(tx: Transaction, sighting: Sighting, bearers: Bearers) -> list[int]:
    if sighting.ip is None:
        return []
    known = [id_ for id_, row in bearers.items() if row["ip"] == sighting.ip]
    if known:  # no two devices have one address
        return known
    row = tx.one("device_with_ip", ip=sighting.ip)
    return [] if row is None else [int(row["id"])]


def _awaited_on_line(tx: Transaction, sighting: Sighting, bearers: Bearers) -> list[int]:
    """The one device that open jobs expect on the line; none where several are, or the heard one has a job."""
    owned = any(device_state_of(row) is not DeviceState.QUARANTINED for row in bearers.values())
    found = [] if owned else _expected_on_line(tx, sighting)
    return found if len(found) == 1 else []


def _near_on_line(tx: Transaction, sighting: Sighting, bearers: Bearers) -> list[int]:
    """The devices of the line, heard there or expected there, that have a MAC next to the one heard."""
    if sighting.mac is None or sighting.circuit_id is None or bearers:
        return []
    rows = tx.all("devices_on_line", circuit_id=sighting.circuit_id, limit=_ON_A_LINE)
    candidates = dict.fromkeys([*(int(row["id"]) for row in rows), *_expected_on_line(tx, sighting)])
    return [device for device in candidates if joining.is_near(sighting.mac, devices.names_of(tx, device))]


def _expected_on_line(tx: Transaction, sighting: Sighting) -> list[int]:
    """What open jobs expect where the circuit-id leads: each job's CPE where it has one, else its ONT."""
    place = None if sighting.circuit_id is None else tx.one("place_of_circuit_id", circuit_id=sighting.circuit_id)
    if place is None:
        return []
    bodies = [Job(row).body for row in tx.all("open_jobs_at", location=place["location"])]
    expected = [device for body in bodies if (device := body.device("cpe") or body.device("ont")) is not None]
    return _known(tx, (name for device in expected for name in identity.names_of_allocation(device)))


def _known(tx: Transaction, names: Iterable[identity.Name]) -> list[int]:
    return sorted({device for device in map(tx.device_named, names) if device is not None})


_FIND: Mapping[Tie, Callable[[Transaction, Sighting, Bearers], list[int]]] = {
    Tie.LEASE: _lessee,
    Tie.LINE: _awaited_on_line,
    Tie.NEAR_MAC: _near_on_line,
}
