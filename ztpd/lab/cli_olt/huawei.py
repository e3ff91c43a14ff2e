"""The command line of a Huawei SmartAX, as far as configuring ONTs takes it.

Layouts and sentences are from networktocode/ntc-templates (huawei_smartax_*), and from operators' scripts and recorded
answers for MA5608T, MA5683T and MA5800. Rates are rounded up to steps of 64 kbit/s, RX and TX of a service port are
crossed against inbound and outbound, long lines of a configuration are broken at column 80, and most commands ask for
an empty line first (``undo smart`` ends that).
"""

import re
from collections.abc import Callable
from itertools import count

from pon.serial import normalise
from ztpd.lab.cli_olt import huawei_screens as screens
from ztpd.lab.cli_olt.language import Answer, Ask, Dialect, Door, Pager
from ztpd.lab.cli_olt.shelf import Entry, Refused, Shelf

PORTS = tuple(f"0/{slot}/{pon}" for slot in (1, 2) for pon in range(4))
PROFILES = frozenset({"10", "20"})

_STEP_KBPS = 64
_HIGHEST_ONT = 127
_DIALECT = Dialect(
    door=Door(
        username="\n>>User name:",
        password=">>User password:",  # noqa: S106 # a question
        refused="  Username or password invalid.",
        full="  Reenter times have reached the upper limit.",
        banner="\n  Huawei Integrated Access Software (MA5800).\n\n",
    ),
    pager=Pager("---- More ( Press 'Q' to break ) ----", "\x1b[37D" + " " * 37 + "\x1b[37D"),
    busy="  Failure: System is busy, please retry after a while",
    refused="  Failure: {reason}",
)
_MODES = {"user": "MA5800-X2>", "enable": "MA5800-X2#", "config": "MA5800-X2(config)#"}


class HuaweiCli:
    """One session."""

    dialect = _DIALECT

    def __init__(self, shelf: Shelf) -> None:
        self.closed = False
        self.paging = True
        self._shelf = shelf
        self._mode = "user"
        self._card = ""
        self._smart = True

    def prompt(self) -> str:
        """The element's name and the view."""
        return _MODES.get(self._mode) or f"MA5800-X2(config-if-gpon-{self._card})#"

    def run(self, line: str) -> Answer:
        """The answer to a command."""
        command = " ".join(line.split())
        for modes, pattern, handler in _COMMANDS:
            match = pattern.fullmatch(command)
            if match is not None and self._mode in modes:
                if self._smart and command.startswith(("display", "service-port", "ont add", "save", "traffic table")):
                    yield from self._complete(command)
                yield from handler(self, match)
                return
        yield "            ^\n  % Unknown command, the error locates at '^'\n"

    def _complete(self, command: str) -> Answer:
        yield Ask("{ <cr>|<K> }:")
        yield f"\n  Command:\n          {command}\n"

    # --- views -----------------------------------------------------------------------------------------------------

    def _enter(self, match: re.Match[str]) -> Answer:
        self._mode = {"enable": "enable", "config": "config"}[match[0]]
        yield "\n"

    def _interface(self, match: re.Match[str]) -> Answer:
        if not any(port.startswith(f"{match[1]}/") for port in self._shelf.ports):
            yield "  % Parameter error, the error locates at '^'\n"
            return
        self._mode, self._card = "gpon", match[1]
        yield "\n"

    def _leave(self, match: re.Match[str]) -> Answer:
        if self._mode == "user":
            sure = yield Ask("  Are you sure to log out? (y/n)[n]:")
            self.closed = sure.strip().lower() == "y"
            return
        self._mode = {"gpon": "config", "config": "enable", "enable": "user"}[self._mode]
        yield "\n"

    def _settle(self, match: re.Match[str]) -> Answer:
        if match[0] == "undo smart":
            self._smart = False
        elif match[0].startswith("scroll"):
            self.paging = False
        yield ""

    # --- what is there ---------------------------------------------------------------------------------------------

    def _boards(self, match: re.Match[str]) -> Answer:
        yield from screens.boards(sorted({port.split("/")[1] for port in self._shelf.ports}))

    def _port_states(self, match: re.Match[str]) -> Answer:
        yield from screens.port_states(port for port in self._shelf.ports if port.startswith(f"{self._card}/"))

    def _autofind(self, match: re.Match[str]) -> Answer:
        found = self._shelf.unknown()
        if not found:
            yield "  Failure: The automatically found ONTs do not exist\n"
            return
        yield from screens.autofind(found)

    def _ont_by_serial(self, match: re.Match[str]) -> Answer:
        onu = self._shelf.onu_of(normalise(match[1]))
        if onu is None:
            yield "  The required ONT does not exist\n"
        else:
            yield from screens.ont_in_full(self._shelf, onu)

    def _onts_by_description(self, match: re.Match[str]) -> Answer:
        """One whose description begins so in full, many as a table."""
        onus = [onu for onu in self._shelf.objects("onu").values() if str(onu["description"]).startswith(match[1])]
        if not onus:
            yield "  The required ONT does not exist\n"
        elif len(onus) == 1:
            yield from screens.ont_in_full(self._shelf, onus[0])
        else:
            yield from screens.descriptions_table(onus)

    def _onts(self, match: re.Match[str]) -> Answer:
        """All of a frame, or of a port."""
        port = "/".join(match.group("frame", "slot", "pon")) if match["pon"] is not None else None
        chosen = [onu for _, onu in sorted(self._shelf.objects("onu").items()) if port in (None, onu["port"])]
        if not chosen:
            yield "  The required ONT does not exist\n"
            return
        yield from screens.onts_table(self._shelf, chosen)

    def _optics(self, match: re.Match[str]) -> Answer:
        onu = self._ont(match[1], match[2])
        serial = str(onu["serial"])
        light = self._shelf.onu_at(str(onu["port"]), serial)
        if light is None or not self._shelf.is_online(str(onu["port"]), serial):
            yield "  Failure: The ONT is not online\n"
            return
        yield from screens.optics(light)

    # --- the configuration as commands -----------------------------------------------------------------------------

    def _configuration(self, match: re.Match[str]) -> Answer:
        if match[1] == "section gpon":
            yield from screens.section_gpon(self._shelf.objects("onu").values())
        elif match[1] == "section bbs-config":
            yield from screens.section_flows(self._shelf.objects("service-port").items())
        else:
            port, ont = match[2], match[3]
            onu = self._shelf.objects("onu").get(f"{port}:{ont}")
            if onu is None:
                yield "  Failure: The ONT does not exist\n"
                return
            yield from screens.section_gpon([onu])
            flows = self._shelf.objects("service-port").items()
            yield from screens.section_flows([(n, f) for n, f in flows if (f["port"], f["ont"]) == (port, ont)])
        yield "return\n"

    # --- traffic tables --------------------------------------------------------------------------------------------

    def _tables(self, match: re.Match[str]) -> Answer:
        tables = self._shelf.objects("traffic-table")
        if match["index"] is not None:
            chosen = [match["index"]] if match["index"] in tables else []
        elif match["name"] is not None:
            chosen = [index for index, table in tables.items() if table["name"] == match["name"].strip('"')]
        else:
            chosen = sorted(tables, key=int)
        if not chosen:
            yield "  Failure: The traffic table does not exist\n"
            return
        flows = self._shelf.objects("service-port").values()
        used = {str(flow[way]) for flow in flows for way in ("inbound", "outbound")}
        for index in chosen:
            yield screens.RULE + screens.table_text(index, tables[index])
            yield f"  Referenced Status            : {'used' if index in used else 'not used'}\n"
        yield screens.RULE

    def _add_table(self, match: re.Match[str]) -> Answer:
        self._shelf.begin_write()
        tables = self._shelf.objects("traffic-table")
        if any(table["name"] == match["name"] for table in tables.values()):
            raise Refused("The traffic table name has existed already")
        index = next(str(n) for n in count(7) if str(n) not in tables)
        cir, pir = (str(-(-int(match[rate]) // _STEP_KBPS) * _STEP_KBPS) for rate in ("cir", "pir"))
        tables[index] = {"name": match["name"], "cir": cir, "pir": pir, "priority": match["priority"]}
        yield "  Create traffic descriptor record successfully\n"
        yield screens.RULE + screens.table_text(index, tables[index]) + screens.RULE

    def _delete_table(self, match: re.Match[str]) -> Answer:
        self._shelf.begin_write()
        tables = self._shelf.objects("traffic-table")
        if match[1] not in tables:
            raise Refused("The traffic table does not exist")
        flows = self._shelf.objects("service-port").values()
        if any(match[1] in (flow["inbound"], flow["outbound"]) for flow in flows):
            raise Refused("The traffic table is used, can not be deleted")
        del tables[match[1]]
        yield ""

    def _table_index(self, named: str) -> str:
        """The index behind ``index N`` or ``name X``; raises ``Refused``."""
        how, _, which = named.partition(" ")
        for index, table in self._shelf.objects("traffic-table").items():
            if which == (index if how == "index" else table["name"]):
                return index
        raise Refused("The traffic table does not exist")

    # --- ONTs ------------------------------------------------------------------------------------------------------

    def _ont(self, pon: str, ont: str) -> Entry:
        """An ONT of the card; raises ``Refused``."""
        onu = self._shelf.objects("onu").get(f"{self._card}/{pon}:{ont}")
        if onu is None:
            raise Refused("The ONT does not exist")
        return onu

    def _add_ont(self, match: re.Match[str]) -> Answer:
        serial, port = normalise(match["serial"]), f"{self._card}/{match['pon']}"
        self._shelf.begin_write(serial)
        onus = self._shelf.objects("onu")
        if port not in self._shelf.ports or int(match["ont"]) > _HIGHEST_ONT:
            yield "  % Parameter error, the error locates at '^'\n"
            return
        if self._shelf.onu_of(serial) is not None:
            raise Refused("SN already exists")
        if f"{port}:{match['ont']}" in onus:
            raise Refused("The ONT ID has already existed")
        if not {match["line"], match["service"]} <= PROFILES:
            raise Refused("The line profile does not exist")
        onus[f"{port}:{match['ont']}"] = {
            "port": port,
            "id": match["ont"],
            "serial": serial,
            "enabled": True,
            "line_profile": match["line"],
            "service_profile": match["service"],
            "description": match["description"] or "ONT_NO_DESCRIPTION",
        }
        yield "  Number of ONTs that can be added: 1, success: 1\n"
        yield f"  PortID :{match['pon']}, ONTID :{match['ont']}\n"

    def _modify_ont(self, match: re.Match[str]) -> Answer:
        onu = self._ont(match[1], match[2])
        self._shelf.begin_write(str(onu["serial"]))
        onu["description"] = match[3]
        yield ""

    def _admin(self, match: re.Match[str]) -> Answer:
        onu = self._ont(match[2], match[3])
        self._shelf.begin_write(str(onu["serial"]))
        onu["enabled"] = match[1] == "activate"
        yield ""

    def _delete_ont(self, match: re.Match[str]) -> Answer:
        onu = self._ont(match[1], match[2])
        self._shelf.begin_write(str(onu["serial"]))
        flows = self._shelf.objects("service-port").values()
        if any((flow["port"], flow["ont"]) == (onu["port"], onu["id"]) for flow in flows):
            raise Refused("This configured object has some service virtual ports")
        del self._shelf.objects("onu")[f"{onu['port']}:{onu['id']}"]
        yield "  Number of ONTs that can be deleted: 1, success: 1\n"

    def _reset_ont(self, match: re.Match[str]) -> Answer:
        onu = self._ont(match[1], match[2])
        sure = yield Ask("  Are you sure to reset the ONT(s)? (y/n)[n]:")
        if sure.strip() == "y":
            self._shelf.restarted.append(str(onu["serial"]))

    # --- service ports ---------------------------------------------------------------------------------------------

    def _next_flow(self, match: re.Match[str]) -> Answer:
        flows = self._shelf.objects("service-port")
        free = next(n for n in count() if str(n) not in flows)
        yield f"  Next valid free service virtual port ID: {free}\n"

    def _add_flow(self, match: re.Match[str]) -> Answer:
        onu = self._shelf.objects("onu").get(f"{match['port']}:{match['ont']}")
        self._shelf.begin_write(*([str(onu["serial"])] if onu else []))
        flows = self._shelf.objects("service-port")
        if onu is None:
            raise Refused("The ONT does not exist")
        if match["flow"] in flows:
            raise Refused("The service virtual port has existed already")
        flows[match["flow"]] = {
            "vlan": match["vlan"],
            "port": match["port"],
            "ont": match["ont"],
            "gemport": match["gemport"],
            "user_vlan": match["user"],
            "tag": match["tag"],
            "inner": match["inner"] or "",
            "inbound": self._table_index(match["inbound"]),
            "outbound": self._table_index(match["outbound"]),
        }
        yield ""

    def _change_flow(self, match: re.Match[str]) -> Answer:
        flow = self._shelf.objects("service-port").get(match[1])
        self._shelf.begin_write(*self._serials_of(flow))
        if flow is None:
            raise Refused("The service virtual port does not exist")
        flow[match[2]] = self._table_index(match[3])
        yield ""

    def _delete_flow(self, match: re.Match[str]) -> Answer:
        sure = yield Ask("  Are you sure to release service virtual port(s)? (y/n)[n]:")
        if sure.strip() != "y":
            return
        flows = self._shelf.objects("service-port")
        self._shelf.begin_write(*self._serials_of(flows.get(match[1])))
        if flows.pop(match[1], None) is None:
            raise Refused("The service virtual port does not exist")

    def _serials_of(self, flow: Entry | None) -> list[str]:
        """The serial of the ONT that a service port is for."""
        onu = None if flow is None else self._shelf.objects("onu").get(f"{flow['port']}:{flow['ont']}")
        return [] if onu is None else [str(onu["serial"])]

    def _save(self, match: re.Match[str]) -> Answer:
        self._shelf.save()
        yield "  It will take several minutes to save configuration file, please wait...\n"


_Handler = Callable[[HuaweiCli, re.Match[str]], Answer]
_Command = tuple[frozenset[str], re.Pattern[str], _Handler]
_ANY = frozenset({"user", "enable", "config", "gpon"})
_ENABLED = frozenset({"enable", "config", "gpon"})
_CONFIG, _GPON = frozenset({"config"}), frozenset({"gpon"})


def _command(modes: frozenset[str], pattern: str, handler: _Handler) -> _Command:
    return modes, re.compile(pattern), handler


_TABLE = r"((?:index|name) \S+)"
_COMMANDS = (
    _command(frozenset({"user"}), r"enable", HuaweiCli._enter),
    _command(frozenset({"enable"}), r"config", HuaweiCli._enter),
    _command(_CONFIG, r"interface gpon (\d+/\d+)", HuaweiCli._interface),
    _command(_ANY, r"quit", HuaweiCli._leave),
    _command(_ENABLED, r"undo (?:smart|interactive|terminal monitor|alarm output all)|scroll \d+", HuaweiCli._settle),
    _command(_ENABLED, r"display board 0", HuaweiCli._boards),
    _command(_GPON, r"display port state all", HuaweiCli._port_states),
    _command(_ENABLED, r"display ont autofind all", HuaweiCli._autofind),
    _command(_ENABLED, r"display ont info by-sn ([0-9A-F]{16})", HuaweiCli._ont_by_serial),
    _command(_ENABLED, r"display ont info (?P<frame>\d+)(?: (?P<slot>\d+) (?P<pon>\d+))? all", HuaweiCli._onts),
    _command(_ENABLED, r"display ont info by-desc (\S+)", HuaweiCli._onts_by_description),
    _command(_GPON, r"display ont optical-info (\d+) (\d+)", HuaweiCli._optics),
    _command(
        _ENABLED,
        r"display current-configuration (section gpon|section bbs-config|ont (\d+/\d+/\d+) (\d+))",
        HuaweiCli._configuration,
    ),
    _command(
        _ENABLED,
        r"display traffic table ip (?:index (?P<index>\d+)|name (?P<name>\S+)|from-index 0 to-index \d+ detail)",
        HuaweiCli._tables,
    ),
    _command(
        _CONFIG,
        r"traffic table ip name (?P<name>\S{1,32}) cir (?P<cir>\d+) pir (?P<pir>\d+) priority (?P<priority>[0-7]) "
        r"priority-policy local-setting",
        HuaweiCli._add_table,
    ),
    _command(_CONFIG, r"undo traffic table ip index (\d+)", HuaweiCli._delete_table),
    _command(
        _GPON,
        r'ont add (?P<pon>\d+) (?P<ont>\d+) sn-auth "?(?P<serial>[0-9A-F]{16})"? omci ont-lineprofile-id (?P<line>\d+) '
        r'ont-srvprofile-id (?P<service>\d+)(?: desc "(?P<description>[^"]{1,64})")?',
        HuaweiCli._add_ont,
    ),
    _command(_GPON, r'ont modify (\d+) (\d+) desc "([^"]{1,64})"', HuaweiCli._modify_ont),
    _command(_GPON, r"ont (activate|deactivate) (\d+) (\d+)", HuaweiCli._admin),
    _command(_GPON, r"ont delete (\d+) (\d+)", HuaweiCli._delete_ont),
    _command(_GPON, r"ont reset (\d+) (\d+)", HuaweiCli._reset_ont),
    _command(_ENABLED, r"display service-port next-free-index", HuaweiCli._next_flow),
    _command(
        _CONFIG,
        r"service-port (?P<flow>\d+) vlan (?P<vlan>\d+) gpon (?P<port>\d+/\d+/\d+) ont (?P<ont>\d+) "
        r"gemport (?P<gemport>\d+) multi-service user-vlan (?P<user>\S+) "
        r"tag-transform (?P<tag>translate-and-add|translate|transparent)(?: inner-vlan (?P<inner>\d+))?"
        r" inbound traffic-table (?P<inbound>(?:index|name) \S+)"
        r" outbound traffic-table (?P<outbound>(?:index|name) \S+)",
        HuaweiCli._add_flow,
    ),
    _command(_CONFIG, rf"service-port (\d+) (inbound|outbound) traffic-table {_TABLE}", HuaweiCli._change_flow),
    _command(_CONFIG, r"undo service-port (\d+)", HuaweiCli._delete_flow),
    _command(_CONFIG, r"save", HuaweiCli._save),
)
