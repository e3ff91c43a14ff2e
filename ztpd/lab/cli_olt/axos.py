"""The command line of a Calix AXOS system (E7-2, E9-2), as far as configuring ONTs takes it.

It is a CLI made with ConfD: a tree of nodes, each line of which holds at once. Layouts and sentences are from
guppychen/BRAS (Calix' AXOS test suites with recorded sessions), mingcaizhang/labpatrol and operators' tools: serials
are printed without their leading zeros, ONT ids are of the whole system, the list of discovered ONTs holds the
configured ones too, and what is referred to cannot be deleted. The sentence for a serial that is used twice was not
found: the one here is the lab's own.
"""

import re
from collections.abc import Callable

from pon.serial import SerialError, normalise
from ztpd.lab.cli_olt.axos_lines import LINES, STATUS, block
from ztpd.lab.cli_olt.language import Answer, Dialect, Door, Pager
from ztpd.lab.cli_olt.shelf import Entry, Refused, Shelf

PORTS = ("1/1/xp1", "1/1/xp2", "1/2/xp1", "1/2/xp2")
PROFILES = frozenset({"844GE", "812G"})

_NOTHING = "% No entries found.\n"
_CSV = (
    "VENDOR ID,SERIAL NUMBER,SHELF ID,SLOT ID,PORT,ONT ID,REG ID,MODEL,CURR VERSION,ONU MAC ADDR,CLEI,ALT VERSION,"
    "CURR COMMITTED,MTA MAC ADDR,PRODUCT CODE\n"
)
_KINDS = {
    "ont": "onu",
    "interface ont-ethernet": "port",
    "policy-map": "policy",
    "class-map ethernet": "class",
}
_LEAVES = "profile-id|vendor-id|serial-number|provisioned-pon|subscriber-id"
_FRESH: Entry = {
    "port": "",
    "serial": "",
    "enabled": True,
    "vendor": "CXNK",
    "digits": "",
    "profile": "",
    "mark": "",
}
_DIALECT = Dialect(
    door=Door(
        username="E7-2 login: ",
        password="Password: ",  # noqa: S106 # a question
        refused="Login incorrect",
        full="Too many sessions",
        banner="\n**** ACTIVE CARD ****\nWelcome to CLI\nztpd connected from 127.0.0.1 using ssh on E7-2\n",
    ),
    pager=Pager("--More--", "\r" + " " * 8 + "\r"),
    busy="Aborted: the configuration database is locked",
    refused="Aborted: {reason}",
)


class AxosCli:
    """One session. ``path`` are the nodes of the configuration that it stands in: each a kind and a key."""

    dialect = _DIALECT

    def __init__(self, shelf: Shelf) -> None:
        self.closed = False
        self.paging = True
        self._shelf = shelf
        self._configuring = False
        self._path: list[tuple[str, str]] = []

    def prompt(self) -> str:
        """The system's name and the innermost node."""
        node = "-".join(self._path[-1]).replace(" ", "-") if self._path else ""
        place = f"(config-{node})" if node else "(config)" if self._configuring else ""
        return f"\x1b[?7hE7-2{place}# "

    def run(self, line: str) -> Answer:
        """The answer to a command."""
        command = " ".join(line.split())
        commands = _NODES.get(self._path[-1][0], ()) if self._path else _CONFIG if self._configuring else _EXEC
        for pattern, handler in (*commands, *_ANYWHERE):
            match = pattern.fullmatch(command)
            if match is not None:
                yield from handler(self, match)
                return
        yield "-" * len(self.prompt()) + "^\nsyntax error: unknown argument\n"

    def _configure(self, match: re.Match[str]) -> Answer:
        self._configuring = True
        yield "Enter configuration commands, one per line. End with CNTL/Z.\n"

    def _leave(self, match: re.Match[str]) -> Answer:
        if match[0] == "exit" and self._path:
            self._path.pop()
        elif match[0] == "top":
            self._path.clear()
        elif self._configuring:
            self._configuring = False
            self._path.clear()
        else:
            self.closed = True
        yield ""

    def _settle(self, match: re.Match[str]) -> Answer:
        if match[0] == "paginate false":
            self.paging = False
        yield ""

    def _discovered(self, match: re.Match[str]) -> Answer:
        seen = [onu for onu in self._shelf.plugged.values() if not onu.is_dark]
        if not seen:
            yield _NOTHING
            return
        yield _CSV
        unknown = self._shelf.unknown()
        for onu in seen:
            serial = normalise(onu.serial)
            number = "-" if onu in unknown else self._number_of(serial)
            place = ",".join(onu.port.split("/"))
            yield f"{serial[:4]},{serial[4:].lstrip('0')},{place},{number},-,844GE,21.4.0,-,-,-,-,-,-\n"

    def _number_of(self, serial: str) -> str:
        return next(key for key, onu in self._shelf.objects("onu").items() if onu["serial"] == serial)

    def _pons(self, match: re.Match[str]) -> Answer:
        for port in self._shelf.ports:
            yield block(f"interface pon {port}", " no shutdown")

    def _running(self, match: re.Match[str]) -> Answer:
        """All of a kind, one of it, or those with a leaf, of which then only that is printed."""
        kind, leaf, value = _KINDS[match["kind"]], match["leaf"], match["value"]
        entries = sorted(self._shelf.objects(kind).items(), key=lambda each: (len(each[0]), each[0]))
        told = [LINES[kind](key, entry) for key, entry in entries if match["key"] in (None, key)]
        if leaf is not None:
            line = f" {leaf} {value}\n"
            told = [f"{each.splitlines()[0]}\n{line}!\n" for each in told if line in each]
        yield "".join(told) or _NOTHING

    def _status(self, match: re.Match[str]) -> Answer:
        found = ""
        for key, onu in self._shelf.objects("onu").items():
            if match["key"] in (None, key):
                port, serial = str(onu["port"]), str(onu["serial"])
                light = self._shelf.onu_at(port, serial) if serial and port else None
                if light is not None or match["what"] == "status":
                    found += STATUS[match["what"]](key, onu, light)
        yield found or _NOTHING

    def _begin(self) -> None:
        """Before a line that changes something where the session stands; raises ``Refused`` and ``Busy``."""
        self._shelf.begin_write(*self._serials())

    def _serials(self) -> list[str]:
        """The serial of the ONT that the session stands in, if it does."""
        kind, key = self._path[0] if self._path else ("", "")
        onu = self._shelf.objects("onu").get(key.partition("/")[0]) if kind in ("ont", "ont-ethernet") else None
        return [str(onu["serial"])] if onu and onu["serial"] else []

    def _ont(self, match: re.Match[str]) -> Answer:
        asked = dict(re.findall(rf"({_LEAVES}) (\S+)", match[2]))
        onus = self._shelf.objects("onu")
        onu = {**_FRESH, **onus.get(match[1], {})}
        names = {"profile-id": "profile", "vendor-id": "vendor", "serial-number": "digits", "provisioned-pon": "port"}
        onu.update({names.get(leaf, "mark"): value for leaf, value in asked.items()})
        if asked:
            self._shelf.begin_write(*self._with_serial(onu))
            self._check(match[1], onu)
        elif match[1] not in onus:
            self._shelf.begin_write()
        onus[match[1]] = onu
        self._path = [("ont", match[1])]
        yield ""

    def _with_serial(self, onu: Entry) -> list[str]:
        """Put the serial of an ONT together; the serial, if it has one."""
        try:
            onu["serial"] = normalise(f"{onu['vendor']}{onu['digits']}") if onu["digits"] else ""
        except SerialError:
            raise Refused("invalid value for serial-number") from None
        return [str(onu["serial"])] if onu["serial"] else []

    def _check(self, number: str, onu: Entry) -> None:
        if onu["profile"] and onu["profile"] not in PROFILES:
            raise Refused(f"illegal reference 'ont {number} profile-id {onu['profile']}'")
        if onu["port"] and onu["port"] not in self._shelf.ports:
            raise Refused(f"illegal reference 'ont {number} provisioned-pon {onu['port']}'")
        others = [each for key, each in self._shelf.objects("onu").items() if key != number]
        if onu["serial"] and any(each["serial"] == onu["serial"] for each in others):
            raise Refused(f"serial-number {onu['digits']} is already in use")

    def _delete_ont(self, match: re.Match[str]) -> Answer:
        onus, ports = self._shelf.objects("onu"), self._shelf.objects("port")
        onu = onus.get(match[1])
        self._shelf.begin_write(*([str(onu["serial"])] if onu and onu["serial"] else []))
        if onu is None:
            yield "syntax error: element does not exist\n"
            return
        own = [key for key in ports if key.startswith(f"{match[1]}/")]
        if any(ports[key]["vlans"] for key in own):
            yield "Error: ERR: ont-profile could not be removed\n"
            return
        for key in own:
            del ports[key]
        del onus[match[1]]
        yield ""

    def _port(self, match: re.Match[str]) -> Answer:
        if match[1].partition("/")[0] not in self._shelf.objects("onu"):
            yield "syntax error: element does not exist\n"
            return
        self._path = [("ont-ethernet", match[1])]
        yield ""

    def _here(self) -> Entry:
        """The port that the session stands in."""
        fresh: Entry = {"role": "", "shutdown": False, "vlans": {}}
        return self._shelf.objects("port").setdefault(self._path[0][1], fresh)

    def _port_leaf(self, match: re.Match[str]) -> Answer:
        self._begin()
        port = self._here()
        if match["role"] is not None:
            port["role"] = match["role"]
        elif match[0] == "no role":
            port["role"] = ""
        else:
            port["shutdown"] = match[0] == "shutdown"
        if port == {"role": "", "shutdown": False, "vlans": {}}:
            del self._shelf.objects("port")[self._path[0][1]]
        yield ""

    def _service(self, match: re.Match[str]) -> Answer:
        self._begin()
        port = self._here()
        vlans = port["vlans"]
        assert isinstance(vlans, dict)
        if match["no"] is None:
            vlans.setdefault(match["vlan"], {"c_vlan": "", "policy": ""})
            self._path.append(("vlan", match["vlan"]))
        elif vlans.pop(match["vlan"], None) is None:
            yield "syntax error: element does not exist\n"
            return
        yield ""

    def _service_leaf(self, match: re.Match[str]) -> Answer:
        self._begin()
        vlans = self._here()["vlans"]
        assert isinstance(vlans, dict)
        service = vlans[self._path[1][1]]
        if match[1] == "policy-map" and match[2] not in self._shelf.objects("policy"):
            raise Refused(f"illegal reference 'interface ont-ethernet {self._path[0][1]} policy-map {match[2]}'")
        service["c_vlan" if match[1] == "c-vlan" else "policy"] = match[2]
        self._path.append((match[1], match[2]))
        yield ""

    def _map(self, match: re.Match[str]) -> Answer:
        kind = "policy" if match[1] == "policy-map" else "class"
        if match[2] not in self._shelf.objects(kind):
            self._shelf.begin_write()
            self._shelf.objects(kind)[match[2]] = {}
        self._path = [(match[1], match[2])]
        yield ""

    def _map_node(self, match: re.Match[str]) -> Answer:
        self._path.append((match[1], match[2]))
        if match[1] == "class-map-ethernet":
            if match[2] not in self._shelf.objects("class"):
                self._path.pop()
                raise Refused(f"illegal reference 'policy-map {self._path[0][1]} class-map-ethernet {match[2]}'")
            self._set("class", match[2])
        yield ""

    def _map_leaf(self, match: re.Match[str]) -> Answer:
        self._set(match[1], match[2])
        yield ""

    def _set(self, leaf: str, value: str) -> None:
        self._shelf.begin_write()
        kind, name = self._path[0]
        self._shelf.objects("policy" if kind == "policy-map" else "class")[name][leaf] = value

    def _delete_map(self, match: re.Match[str]) -> Answer:
        self._shelf.begin_write()
        kind, name = ("policy" if match[1] == "policy-map" else "class"), match[2]
        if name not in self._shelf.objects(kind):
            yield "syntax error: element does not exist\n"
            return
        user = self._user_of(kind, name)
        if user is not None:
            yield f"Aborted: illegal reference '{user}'\nError: failed to apply modifications\n"
            return
        del self._shelf.objects(kind)[name]
        yield ""

    def _user_of(self, kind: str, name: str) -> str | None:
        if kind == "class":
            policies = self._shelf.objects("policy").items()
            return next((f"policy-map {key} {name}" for key, each in policies if each.get("class") == name), None)
        for key, port in self._shelf.objects("port").items():
            assert isinstance(port["vlans"], dict)
            if any(service["policy"] == name for service in port["vlans"].values()):
                return f"policy-map {name} used by {key}"
        return None

    def _reset(self, match: re.Match[str]) -> Answer:
        onu = self._shelf.objects("onu").get(match[1])
        if onu is None:
            yield "Error: ont does not exist\n"
            return
        self._shelf.restarted.append(str(onu["serial"]))
        yield "status Success.\n"

    def _save(self, match: re.Match[str]) -> Answer:
        if match[0].startswith("copy"):
            self._shelf.save()
            yield "Copy completed.\n"
        yield ""


_Handler = Callable[[AxosCli, re.Match[str]], Answer]
_Commands = tuple[tuple[re.Pattern[str], _Handler], ...]


def _commands(*commands: tuple[str, _Handler]) -> _Commands:
    return tuple((re.compile(pattern), handler) for pattern, handler in commands)


_SHOWN = "|".join(_KINDS)
_ANYWHERE = _commands((r"exit|end|top", AxosCli._leave))
_EXEC = _commands(
    (r"configure", AxosCli._configure),
    (r"paginate false|idle-timeout 0", AxosCli._settle),
    (r"show discovered-onts \| csv", AxosCli._discovered),
    (r"show running-config interface pon", AxosCli._pons),
    (
        rf"show running-config (?P<kind>{_SHOWN})(?: (?P<leaf>{_LEAVES}) (?P<value>\S+)| (?P<key>\S+))?",
        AxosCli._running,
    ),
    (r"show ont (?:(?P<key>\d+) )?(?P<what>status|detail)(?: \| notab)?", AxosCli._status),
    (r"perform ont reset ont-id (\d+)", AxosCli._reset),
    (r"accept running-config|copy running-config startup-config", AxosCli._save),
)
_CONFIG = _commands(
    (rf"ont (\d+)((?: (?:{_LEAVES}) \S+)*)", AxosCli._ont),
    (r"no ont (\d+)", AxosCli._delete_ont),
    (r"interface ont-ethernet (\d+/[a-z]\d+)", AxosCli._port),
    (r"(policy-map|class-map ethernet) (\S{1,64})", AxosCli._map),
    (r"no (policy-map|class-map ethernet) (\S+)", AxosCli._delete_map),
)
_SERVICE = _commands((r"(c-vlan|policy-map) (\S+)", AxosCli._service_leaf))
_NODES: dict[str, _Commands] = {
    "ont-ethernet": _commands(
        (r"role (?P<role>\S+)|no role|(?:no )?shutdown", AxosCli._port_leaf),
        (r"(?P<no>no )?vlan (?P<vlan>\d+)", AxosCli._service),
    ),
    "vlan": _SERVICE,
    "c-vlan": _SERVICE,
    "class-map ethernet": _commands((r"(flow) (\d+)", AxosCli._map_node)),
    "policy-map": _commands((r"(class-map-ethernet) (\S+)", AxosCli._map_node)),
    "class-map-ethernet": _commands(
        (r"(ingress|egress|flow) (meter-mef|shaper|\d+)", AxosCli._map_node),
    ),
    "ingress": _commands((r"(eir|cir) (\d+)", AxosCli._map_leaf)),
    "egress": _commands((r"(maximum|minimum) (\d+)", AxosCli._map_leaf)),
    "flow": _commands((r"(set-stag-pcp) ([0-7])", AxosCli._map_leaf), (r"(rule 1) match (any)", AxosCli._map_leaf)),
}
