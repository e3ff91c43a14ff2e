"""The OLT without words: its ports and fibres, what is configured and what is saved, and what may go wrong with it.

Configuration is kept as plain values: ``running[kind][key]`` is a dict of what a vendor's module puts there. It may
name its kinds as it likes; only the kind ``onu`` is looked at here: its entries have ``port``, ``serial`` and
``enabled``, and say which ONUs the OLT lets work.
"""

import copy
import json
from collections import Counter
from dataclasses import dataclass, field, replace

from pon.serial import normalise
from ztpd.lab.cuts import Cuts

Entry = dict[str, object]
Configuration = dict[str, dict[str, Entry]]

DARK_BELOW_DBM = -32.0


class Refused(Exception):
    """The OLT will not; the message is why, in the vendor's words where the vendor's module raised it."""


class Busy(Exception):
    """The OLT cannot now."""


class NoSuchPort(ValueError):
    """The lab has no port of that name."""


class NoSuchOnu(ValueError):
    """No ONU of that serial is plugged in there."""


@dataclass(frozen=True, slots=True)
class PluggedOnu:
    """One ONU on one port's fibre, and the light at both ends in dBm."""

    serial: str
    port: str
    onu_rx_dbm: float
    olt_rx_dbm: float

    @property
    def is_dark(self) -> bool:
        """Whether either end receives too little to know of the other."""
        return min(self.onu_rx_dbm, self.olt_rx_dbm) < DARK_BELOW_DBM


@dataclass(slots=True)
class Faults(Cuts):
    """The faults that wait to happen.

    ``cut_at`` is the command, counted from now, at which its connection breaks; ``hang_after`` commands are still
    answered. Writes are refused while ``refusals`` are left, once ``accepted`` more have been taken, and whenever they
    name a barred serial; they find the OLT busy while it is ``locked``. ``slots`` is how many may be logged in.
    ``chatter`` is printed behind every prompt, and the prompt again behind it, as messages are that nobody asked for.
    """

    hang_after: int | None = None
    refusals: int = 0
    accepted: int = 0
    locked: bool = False
    barred_serials: set[str] = field(default_factory=set)
    slots: int = 16
    chatter: str = ""

    def hangs(self) -> bool:
        """Whether the command that just came is never answered."""
        if self.hang_after is None:
            return False
        self.hang_after -= 1
        return self.hang_after < 0


class Shelf:
    """One OLT. ``commands`` counts what was typed by its first word; ``writes`` what changed or tried to change."""

    def __init__(self, ports: tuple[str, ...], factory: Configuration | None = None) -> None:
        self.ports = ports
        self._factory: Configuration = factory or {}
        self.reset()

    def reset(self) -> None:
        """As it comes: nothing plugged in, nothing configured, no faults, counters at zero."""
        self.running = copy.deepcopy(self._factory)
        self.saved = copy.deepcopy(self._factory)
        self.plugged: dict[tuple[str, str], PluggedOnu] = {}
        self.faults = Faults()
        self.commands: Counter[str] = Counter()
        self.writes = 0
        self.saves = 0
        self.restarted: list[str] = []

    def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        self.faults = Faults()

    def objects(self, kind: str) -> dict[str, Entry]:
        """What is configured of a kind, by key."""
        return self.running.setdefault(kind, {})

    def begin_write(self, *serials: str) -> None:
        """Count a command that is about to change something for these ONUs; raises ``Refused`` or ``Busy``."""
        self.writes += 1
        if self.faults.locked:
            raise Busy
        if self.faults.refusals and not self.faults.accepted:
            self.faults.refusals -= 1
            raise Refused("refused by the operator of the lab")
        self.faults.accepted = max(self.faults.accepted - 1, 0)
        for serial in serials:
            if serial in self.faults.barred_serials:
                raise Refused(f"no licence for {serial}")

    def save(self) -> None:
        """What runs now survives a restart."""
        self.saves += 1
        self.saved = copy.deepcopy(self.running)

    def restart(self) -> None:
        """Power off and on: what was not saved is gone."""
        self.running = copy.deepcopy(self.saved)

    def configuration(self) -> bytes:
        """What runs, comparable byte for byte; kinds without an entry do not count."""
        filled = {kind: entries for kind, entries in self.running.items() if entries}
        return json.dumps(filled, sort_keys=True).encode()

    def plug(self, onu: PluggedOnu) -> None:
        """Put an ONU on a fibre; raises ``NoSuchPort`` or ``SerialError``."""
        if onu.port not in self.ports:
            raise NoSuchPort(f"no port {onu.port!r}; there are {', '.join(self.ports)}")
        named = replace(onu, serial=normalise(onu.serial))
        self.plugged[named.port, named.serial] = named

    def unplug(self, serial: str, port: str | None = None) -> None:
        """Take an ONU off one port, or off every port it is on; raises ``NoSuchOnu``."""
        places = [place for place in self.plugged if place[1] == normalise(serial) and port in (None, place[0])]
        if not places:
            raise NoSuchOnu(f"no ONU {serial} is plugged in")
        for place in places:
            del self.plugged[place]

    def set_light(self, serial: str, onu_rx_dbm: float, olt_rx_dbm: float) -> None:
        """Change the light at both ends, on every port that the ONU is on; raises ``NoSuchOnu``."""
        places = [place for place in self.plugged if place[1] == normalise(serial)]
        if not places:
            raise NoSuchOnu(f"no ONU {serial} is plugged in")
        for place in places:
            self.plugged[place] = replace(self.plugged[place], onu_rx_dbm=onu_rx_dbm, olt_rx_dbm=olt_rx_dbm)

    def onu_at(self, port: str, serial: str) -> PluggedOnu | None:
        """The ONU that is on a port's fibre and not dark."""
        onu = self.plugged.get((port, normalise(serial)))
        return None if onu is None or onu.is_dark else onu

    def is_online(self, port: str, serial: str) -> bool:
        """Whether an ONU works: configured and enabled on the port that it is on."""
        configured = self.onu_of(serial)
        return (
            configured is not None
            and configured["port"] == port
            and bool(configured["enabled"])
            and self.onu_at(port, serial) is not None
        )

    def onu_of(self, serial: str) -> Entry | None:
        """What is configured for a serial."""
        wanted = normalise(serial)
        return next((each for each in self.objects("onu").values() if each.get("serial") == wanted), None)

    def unknown(self) -> list[PluggedOnu]:
        """The ONUs that are seen on a port on which they are not configured."""
        seen = [onu for onu in self.plugged.values() if not onu.is_dark]
        return [onu for onu in seen if (self.onu_of(onu.serial) or {"port": None})["port"] != onu.port]
