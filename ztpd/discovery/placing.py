"""Where a DHCP sighting belongs, decided by the core for helpers that know neither the patterns nor the relays.

Pure. A hook of a DHCP server tells what the server received, raw; the table and the list of relays are the core's, so
that a helper starts without reading either, and all of them are held to the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ztpd.discovery.circuit_id import CircuitIdTable
from ztpd.discovery.claims import claimed_serial, match_details
from ztpd.discovery.dhcp import AMBIGUOUS, RELAY, SENDER
from ztpd.domain.sighting import Sighting, Source


def placed(sighting: Sighting, table: CircuitIdTable, ours: Callable[[Iterable[str]], bool]) -> Sighting:
    """The sighting with its place explained by ``table`` and believed if only a relay of ours can have told it.

    Only what DHCP says and names no element is changed. ``ours`` says whether every address is of a listed relay; asked
    are the relay and the sender of the packet, as the details have them (``giaddr``, ``source-ip``). What the helper
    believes already stays believed; an option 82 that contradicts itself is not believed from anywhere.
    """
    if sighting.source is not Source.DHCP or sighting.element is not None:
        return sighting
    if sighting.circuit_id is None and sighting.remote_id is None:
        return sighting
    match = None if sighting.circuit_id is None else table.explain(bytes.fromhex(sighting.circuit_id))
    believed = sighting.trusted or _from_relay(sighting, ours)
    remote_id = None if sighting.remote_id is None else bytes.fromhex(sighting.remote_id)
    return replace(
        sighting,
        element=match.element if match else None,
        port=match.port if match else sighting.port,
        serial=sighting.serial or (claimed_serial(match, remote_id) if believed else None),
        trusted=believed,
        details=sighting.details | match_details(match),
    )


def _from_relay(sighting: Sighting, ours: Callable[[Iterable[str]], bool]) -> bool:
    if AMBIGUOUS in sighting.details:
        return False
    return ours([sighting.details[name] for name in (RELAY, SENDER) if name in sighting.details])
