"""The command line of a Nokia ISAM (7302, 7330, 7360 FX), as far as configuring ONTs takes it.

Layouts and sentences are from jahknem/nokia.isam (recorded answers of R6.2.04, the texts of its help), from
davama/napalm-nokia_olt, lgirdk/boardfarm-pon and operators' scripts. A command that configures leaves the user in the
node that it named, from which ``exit all`` leads back, and only there does it take ``show`` and ``info`` (no source has
them elsewhere). A wheel turns while the element thinks, until ``environment mode batch``. The sentences for a serial
that is used twice, for a profile in use and for an element that is busy were not found: those here are the lab's own.
"""

import re
from collections.abc import Callable

from pon.serial import normalise
from ztpd.lab.cli_olt.isam_lines import DIALECT, LINES, WHEEL, printed, table
from ztpd.lab.cli_olt.language import Answer
from ztpd.lab.cli_olt.shelf import Entry, Refused, Shelf

PORTS = ("1/1/1/1", "1/1/1/2", "1/1/2/1", "1/1/2/2")

_NOBODY = "ALCL00000000"
_MISSING = "instance does not exist"
_HIGHEST_ONT = 128
_NODES = {
    "equipment ont interface": "onu",
    "equipment ont slot": "card",
    "interface port": "uni",
    "qos interface": "queues",
    "bridge port": "bridge",
    "qos profiles bandwidth": "bandwidth",
    "qos profiles shaper": "shaper",
}
_INFO = re.compile(
    rf"info configure (?P<node>{'|'.join(_NODES)}|pon interface)(?: (?P<key>\S+?))? flat"
    r"(?: \| match exact:(?P<text>\S+))?"
)


class IsamCli:
    """One session."""

    dialect = DIALECT

    def __init__(self, shelf: Shelf) -> None:
        self.closed = False
        self.paging = True
        self._shelf = shelf
        self._node = ""
        self._wheel = True

    def prompt(self) -> str:
        """The element's name, the user's, and the node."""
        return f"typ:isadmin>{self._node}$" if self._node else "typ:isadmin>#"

    def run(self, line: str) -> Answer:
        """The answer to a command."""
        command = " ".join(line.split())
        if self._node and command.startswith(("show", "info")):
            yield "invalid token\n"
            return
        for pattern, handler in _COMMANDS:
            match = pattern.fullmatch(command)
            if match is not None:
                yield from handler(self, match)
                return
        if any(node.startswith(command) for node in ("configure", "show", "info", "admin", "environment")):
            yield "command is not complete\n"
            return
        yield " " * len(self.prompt()) + "^\ninvalid token\n"

    def _environment(self, match: re.Match[str]) -> Answer:
        if match[1] == "mode batch":
            self._wheel = False
        elif match[1] == "print no-more":
            self.paging = False
        yield ""

    def _exit(self, match: re.Match[str]) -> Answer:
        self._node = "" if match[1] else self._node.rpartition(">")[0]
        yield ""

    def _logout(self, match: re.Match[str]) -> Answer:
        self.closed = True
        yield ""

    def _table(self, name: str, header: str, rows: list[str]) -> Answer:
        if self._wheel:
            yield WHEEL
        yield table(name, header, rows)

    def _unknown(self, match: re.Match[str]) -> Answer:
        header = "alarm-idx|gpon-index       |sernum        |subscriber-locid|logical-authid|us-rate"
        found = [
            f" {number:<8} {onu.port:<17} {printed(normalise(onu.serial)):<14} DEFAULT                         1.25g"
            for number, onu in enumerate(self._shelf.unknown(), start=1)
        ]
        yield from self._table("unprovision-onu", header, found)

    def _index(self, match: re.Match[str]) -> Answer:
        header = "sernum                  |ont-idx        "
        wanted = normalise(match[1])
        found = [key for key, onu in self._shelf.objects("onu").items() if onu["serial"] == wanted]
        yield from self._table("index", header, [f"sn:{printed(wanted):<20} {key}" for key in found])

    def _status(self, match: re.Match[str]) -> Answer:
        header = (
            "pon      |ont          |sernum       |admin   |oper    |olt-rx-sig |ont-olt      |desc1|desc2|hostname "
        )
        rows = [
            self._status_row(key, onu)
            for key, onu in self._sorted("onu")
            if match["pon"] == "pon" and match["port"] in (None, onu["port"]) and match["ont"] in (None, key)
        ]
        yield from self._table(match["pon"], header, rows)

    def _status_row(self, key: str, onu: Entry) -> str:
        port, serial = str(onu["port"]), str(onu["serial"])
        light = self._shelf.onu_at(port, serial) if self._shelf.is_online(port, serial) else None
        admin, oper = ("up", "up" if light else "down") if onu["enabled"] else ("down", "not-appl")
        level = f"{light.olt_rx_dbm:.1f}" if light else "invalid"
        distance = "0.5" if light else "invalid"
        row = f"{port:<9} {key:<13} {printed(serial):<13} {admin:<8} {oper:<8} {level:<11} {distance:<13} "
        return f"{row}{onu['desc1']} {onu['desc2']} undefined"

    def _optics(self, match: re.Match[str]) -> Answer:
        onu = self._entry("onu", match[1])
        port, serial = str(onu["port"]), str(onu["serial"])
        light = self._shelf.onu_at(port, serial) if self._shelf.is_online(port, serial) else None
        header = (
            "ont-idx      |rx-signal-level|tx-signal-level|ont-temperature|ont-voltage|laser-bias-curr|olt-rx-sig-level"
        )
        values = ["unknown"] * 5 + ["invalid"]
        if light is not None:
            values = [f"{light.onu_rx_dbm:.3f}", "2.598", "41.160", "3.22", "19608.0", f"{light.olt_rx_dbm:.1f}"]
        yield from self._table("optics", header, [f"{match[1]:<13} " + " ".join(f"{value:<15}" for value in values)])

    def _info(self, match: re.Match[str]) -> Answer:
        if self._wheel:
            yield WHEEL
        node, key, text = match["node"], match["key"], match["text"]
        if node == "pon interface":
            lines = [f"configure pon interface {port} admin-state up" for port in self._shelf.ports]
        elif key is not None:
            kind = _NODES[node]
            lines = list(LINES[kind](key.removeprefix("uni:"), self._entry(kind, key.removeprefix("uni:"))))
        else:
            lines = [line for name, each in self._sorted(_NODES[node]) for line in LINES[_NODES[node]](name, each)]
        yield "".join(f"{line}\n" for line in lines if text is None or text in line)
        yield "#" + "-" * 99 + "\n"

    def _sorted(self, kind: str) -> list[tuple[str, Entry]]:
        return sorted(self._shelf.objects(kind).items())

    def _entry(self, kind: str, key: str) -> Entry:
        """What is configured; raises ``Refused``."""
        entry = self._shelf.objects(kind).get(key)
        if entry is None:
            raise Refused(_MISSING)
        return entry

    def _begin(self, place: str) -> None:
        """Before a command about an ONT or something of its own; raises ``Refused`` and ``Busy``."""
        onu = self._shelf.objects("onu").get("/".join(place.split("/")[:5]))
        self._shelf.begin_write(*([str(onu["serial"])] if onu else []))

    def _ont(self, match: re.Match[str]) -> Answer:
        key = match[1]
        port, _, number = key.rpartition("/")
        asked = dict(re.findall(r'(sw-ver-pland|sernum|desc1|desc2|subslocid) ("[^"]*"|\S+)', match[2]))
        serial = normalise(asked["sernum"]) if "sernum" in asked else None
        self._shelf.begin_write(*([serial] if serial else []))
        onus = self._shelf.objects("onu")
        if port not in self._shelf.ports or not 0 < int(number) <= _HIGHEST_ONT:
            raise Refused("LT board is not planned")
        if key not in onus and "sw-ver-pland" not in asked:
            yield "command is not complete\n"
            return
        if serial is not None:
            self._check_serial(key, serial)
        fresh: Entry = {"port": port, "serial": _NOBODY, "enabled": False, "desc1": "", "desc2": "", "sw": "disabled"}
        onu = onus.setdefault(key, fresh)
        if serial is not None:
            onu["serial"] = serial
        for name in ("desc1", "desc2"):
            onu[name] = asked.get(name, f'"{onu[name]}"').strip('"')
        onu["sw"] = asked.get("sw-ver-pland", onu["sw"])
        self._node = f"configure>equipment>ont>interface>{key}"
        yield ""

    def _check_serial(self, key: str, serial: str) -> None:
        onu = self._shelf.objects("onu").get(key)
        if onu is not None and onu["enabled"] and onu["serial"] != serial:
            raise Refused("sernum can only be changed when the admin-state of the ONT is down")
        other = self._shelf.onu_of(serial)
        if other is not None and other is not onu:
            raise Refused("serial number already provisioned")

    def _admin(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        onu = self._entry("onu", match[1])
        if match[2] == "up" and onu["serial"] == _NOBODY:
            raise Refused("sernum must be set before the ONT is put in service")
        onu["enabled"] = match[2] == "up"
        self._node = f"configure>equipment>ont>interface>{match[1]}"
        yield ""

    def _delete_ont(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        if self._entry("onu", match[1])["enabled"]:
            raise Refused("ONT must be admin-state down")
        for kind in ("card", "uni", "queues", "bridge", "onu"):
            entries = self._shelf.objects(kind)
            for key in [key for key in entries if f"{key}/".startswith(f"{match[1]}/")]:
                del entries[key]
        self._node = "configure>equipment>ont"
        yield ""

    def _card(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        ont, _, _ = match[1].rpartition("/")
        self._entry("onu", ont)
        planned = {"type": match[2], "data": match[3], "voice": match[4], "enabled": match[5] is not None}
        self._shelf.objects("card")[match[1]] = planned
        self._node = f"configure>equipment>ont>slot>{match[1]}"
        yield ""

    def _card_admin(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        self._entry("card", match[1])["enabled"] = match[2] == "up"
        yield ""

    def _delete_card(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        if self._entry("card", match[1])["enabled"]:
            raise Refused("slot must be admin-state down")
        del self._shelf.objects("card")[match[1]]
        yield ""

    def _own_port(self, port: str) -> None:
        """Refuse what is no port of a planned card."""
        self._begin(port)
        card = self._entry("card", port.rpartition("/")[0])
        if int(port.rpartition("/")[2]) > int(str(card["data"])):
            raise Refused(_MISSING)

    def _uni(self, match: re.Match[str]) -> Answer:
        self._own_port(match[1])
        if match[2]:
            self._shelf.objects("uni").pop(match[1], None)
        else:
            self._shelf.objects("uni")[match[1]] = {}
        yield ""

    def _queue(self, match: re.Match[str]) -> Answer:
        self._own_port(match["port"])
        way = "up" if match["way"] == "upstream-queue" else "down"
        kind = "bandwidth" if way == "up" else "shaper"
        queues = self._shelf.objects("queues").setdefault(match["port"], {})
        if match["name"] is None:
            queues.pop(way, None)
        else:
            self._entry(kind, match["name"])
            queues[way] = match["name"]
        if not queues:
            del self._shelf.objects("queues")[match["port"]]
        yield ""

    def _bridge(self, match: re.Match[str]) -> Answer:
        self._own_port(match[1])
        self._shelf.objects("bridge").setdefault(match[1], {"vlans": {}})["macs"] = match[2]
        self._node = f"configure>bridge>port>{match[1]}"
        yield ""

    def _delete_bridge(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        self._entry("bridge", match[1])
        del self._shelf.objects("bridge")[match[1]]
        yield ""

    def _vlan(self, match: re.Match[str]) -> Answer:
        self._begin(match["port"])
        vlans = self._entry("bridge", match["port"])["vlans"]
        assert isinstance(vlans, dict)
        if match["forward"] is not None:
            vlans[match["vlan"]] = {"forward": match["forward"], "priority": match["priority"] or ""}
        elif match["vlan"] not in vlans:
            raise Refused(_MISSING)
        else:
            vlans[match["vlan"]]["priority"] = match["priority"]
        self._node = f"configure>bridge>port>{match['port']}>vlan-id>{match['vlan']}"
        yield ""

    def _delete_vlan(self, match: re.Match[str]) -> Answer:
        self._begin(match[1])
        vlans = self._entry("bridge", match[1])["vlans"]
        assert isinstance(vlans, dict)
        if vlans.pop(match[2], None) is None:
            raise Refused(_MISSING)
        yield ""

    def _profile(self, match: re.Match[str]) -> Answer:
        self._shelf.begin_write()
        kind = "bandwidth" if match["assured"] is not None else "shaper"
        name = match["name"]
        if name in self._shelf.objects(kind):
            raise Refused("a profile of that name exists already")
        self._shelf.objects(kind)[name] = {"assured": match["assured"], "excess": match["excess"]}
        self._node = f"configure>qos>profiles>{kind}>{name}"
        yield ""

    def _delete_profile(self, match: re.Match[str]) -> Answer:
        self._shelf.begin_write()
        self._entry(match[1], match[2])
        if any(match[2] in queues.values() for queues in self._shelf.objects("queues").values()):
            raise Refused("the profile is used")
        del self._shelf.objects(match[1])[match[2]]
        yield ""

    def _reboot(self, match: re.Match[str]) -> Answer:
        onu = self._entry("onu", match[1])
        self._shelf.restarted.append(str(onu["serial"]))
        yield ""

    def _save(self, match: re.Match[str]) -> Answer:
        self._shelf.save()
        yield ""


_Handler = Callable[[IsamCli, re.Match[str]], Answer]
_PORT, _ONT = r"\d+/\d+/\d+/\d+", r"\d+/\d+/\d+/\d+/\d+"
_SLOT, _UNI = rf"{_ONT}/\d+", rf"{_ONT}/\d+/\d+"
_HOW_VLAN = r"tag single-tagged (?:l2fwder|network)-vlan (?P<forward>\d+|stacked:\d+:\d+) vlan-scope local"
_COMMANDS: tuple[tuple[re.Pattern[str], _Handler], ...] = tuple(
    (re.compile(pattern), handler)
    for pattern, handler in (
        (r"environment (inhibit-alarms|mode batch|print no-more|no terminal-timeout)", IsamCli._environment),
        (r"exit( all)?", IsamCli._exit),
        (r"logout", IsamCli._logout),
        (r"show pon unprovision-onu", IsamCli._unknown),
        (r"show equipment ont index sn:([A-Z0-9]{4}:[0-9A-F]{8})", IsamCli._index),
        (
            rf"show equipment ont status (?P<pon>pon|x-pon)(?: (?P<port>{_PORT}))?(?: ont (?P<ont>{_ONT}))?",
            IsamCli._status,
        ),
        (rf"show equipment ont optics ({_ONT})", IsamCli._optics),
        (_INFO.pattern, IsamCli._info),
        (rf"configure equipment ont interface ({_ONT}) admin-state (up|down)", IsamCli._admin),
        (
            rf'configure equipment ont interface ({_ONT})((?: [a-z0-9-]+ (?:"[^"]{{0,64}}"|[^\s"]{{1,64}}))+)',
            IsamCli._ont,
        ),
        (rf"configure equipment ont no interface ({_ONT})", IsamCli._delete_ont),
        (
            rf"configure equipment ont slot ({_SLOT}) planned-card-type (\S+) plndnumdataports (\d+) "
            r"plndnumvoiceports (\d+)( admin-state up)?",
            IsamCli._card,
        ),
        (rf"configure equipment ont slot ({_SLOT}) admin-state (up|down)", IsamCli._card_admin),
        (rf"configure equipment ont no slot ({_SLOT})", IsamCli._delete_card),
        (rf"configure interface port uni:({_UNI}) (no )?admin-up", IsamCli._uni),
        (
            rf"configure qos interface (?P<port>{_UNI}) (?P<way>upstream-queue|queue) 0 "
            r"(?:(?:bandwidth|shaper)-profile name:(?P<name>\S+)|no bandwidth-profile|shaper-profile none)",
            IsamCli._queue,
        ),
        (rf"configure bridge port ({_UNI}) max-unicast-mac (\d+)", IsamCli._bridge),
        (rf"configure bridge no port ({_UNI})", IsamCli._delete_bridge),
        (
            rf"configure bridge port (?P<port>{_UNI}) vlan-id (?P<vlan>\d+)(?: {_HOW_VLAN})?"
            r"(?: qos priority:(?P<priority>[0-7]))?",
            IsamCli._vlan,
        ),
        (rf"configure bridge port ({_UNI}) no vlan-id (\d+)", IsamCli._delete_vlan),
        (
            r"configure qos profiles (?:bandwidth|shaper) (?P<name>\S{1,32}) committed-info-rate 0 "
            r"(?:assured-info-rate (?P<assured>\d+) excessive-info-rate"
            r"|committed-burst-size 0 excess-info-rate) (?P<excess>\d+)(?: type singletokenbucketgpon)?",
            IsamCli._profile,
        ),
        (r"configure qos profiles no (bandwidth|shaper) (\S+)", IsamCli._delete_profile),
        (rf"admin equipment ont interface ({_ONT}) reboot with-active-image", IsamCli._reboot),
        (r"admin (?:save|software-mngt [is]hub database save(?:-protected)?)", IsamCli._save),
    )
)
