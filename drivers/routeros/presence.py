"""Which devices a router hears now, where, and how loud."""

import math
from dataclasses import dataclass

from drivers.access import PresentDevice
from drivers.routeros.holdings import Register
from drivers.routeros.tables import Lease, Session
from pon.onu import Presence


@dataclass(frozen=True, slots=True, order=True)
class Heard:
    """One device at one port, the better evidence first; ``word`` is the router's own for what it saw."""

    rank: int
    age_s: float
    port: str
    word: str


class Presences:
    """Who is there, by device: a PPP session or DHCP client tells more than a registration on the radio.

    Of several leases the one that was heard of last counts: one that was left behind stays bound until it expires.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._heard: dict[str, list[Heard]] = {}
        self._configured: dict[str, str | None] = {}
        for registration in register.snapshot.registrations:
            self._hear(registration.device, Heard(2, 0.0, registration.interface, "registered"))
        for session in register.snapshot.sessions:
            self._hear_session(session)
        for lease in register.snapshot.leases:
            self._hear_lease(lease)

    def place(self, device: str, port: str | None) -> None:
        """Tell where a device is configured."""
        self._configured[device] = port

    def of(self, device: str) -> Presence:
        """Where a configured device stands, by the ports that it was told to be at."""
        heard = self._heard.get(device, [])
        if not heard:
            return Presence.ABSENT
        at = self._configured.get(device)
        return Presence.INTENDED if at is None or self._best(device).port == at else Presence.MISPLACED

    def present(self) -> list[PresentDevice]:
        """Every device that is heard; those that were not placed are unknown."""
        return [self._present(device) for device in sorted(self._heard)]

    def _present(self, device: str) -> PresentDevice:
        best = self._best(device)
        presence = self.of(device) if device in self._configured else Presence.UNKNOWN
        return PresentDevice(best.port, device, presence, raw_state=best.word)

    def _best(self, device: str) -> Heard:
        return min(self._heard[device])

    def _hear(self, device: str | None, heard: Heard) -> None:
        if device is not None and heard.port:
            self._heard.setdefault(device, []).append(heard)

    def _hear_session(self, session: Session) -> None:
        snapshot = self._register.snapshot
        service = snapshot.pppoe_services.get(session.name, "")
        self._hear(session.caller, Heard(0, 0.0, snapshot.pppoe_servers.get(service, ""), "active"))

    def _hear_lease(self, lease: Lease) -> None:
        limit = self._register.settings.silent_after_s
        age_s = math.inf if lease.last_seen_s is None else lease.last_seen_s
        if lease.status != "bound" or (limit is not None and age_s > limit):
            return
        interface = self._register.interface_of(lease) or ""
        behind = self._register.settings.circuit_ids.get(lease.circuit_id)
        port = lease.circuit_id if behind is not None and behind == interface else interface
        self._hear(lease.holder, Heard(1, age_s, port, lease.status))
