"""The command line of V-SOL's GPON OLTs (V1600G family).

What is typed and printed is drawn from public third-party drivers, captures and notes named in
``drivers/cli/platforms/v-sol.toml``, not from a device. Sentences that no source shows are said to be so below. Cells
are placed by the cursor, as a V1600G0-B does: a carriage return, ``ESC[nC`` and the cell.
"""

from collections.abc import Iterator
from typing import Any

from ztpd.lab.cli_olt.language import Answer, Ask, Dialect, Door, Pager
from ztpd.lab.cli_olt.shelf import Entry, Shelf
from ztpd.lab.cli_olt.vsol_commands import COMMANDS
from ztpd.lab.cli_olt.vsol_screens import (
    auto_find,
    brief,
    dba_profiles,
    info,
    onu_config,
    optical,
    parts,
    running_config,
    rx_power,
    state,
    traffic_profiles,
)

PORTS = ("GPON0/1", "GPON0/2")
ENABLE_PASSWORD = "enable-ztpd"  # noqa: S105 - the lab's own
FIRST_ID, LAST_ID = 1, 128

_UNKNOWN = "% Unknown command."
_BUILT_IN: dict[str, dict[str, Entry]] = {
    "dba": {"default1": {"id": 511, "type": 4, "fixed": 0, "assured": 0, "maximum": 1024000}},
    "traffic": {"default": {"id": 1, "sir": 0, "pir": 1024000}},
}
# Which of fixed, assured and maximum a DBA type has (G.984.3 §7.4).
_RATES = {"1": "f", "2": "a", "3": "am", "4": "m", "5": "fam"}


class Said(Exception):
    """The OLT refuses; the message is what it prints."""


class VsolCli:
    """One session. ``_where`` are the modes down to the one it is in, ``_draft`` the profile that is not committed."""

    dialect: Dialect = Dialect(
        # No source shows the sentences of too many users and of a busy system.
        door=Door("Login: ", "Password: ", "Bad user name or password", "Error: too many users", banner="\n"),
        pager=Pager(" --More-- ", "\r" + " " * 10 + "\r"),
        busy="Error: system is busy",
        refused="Error: {reason}",
    )

    def __init__(self, shelf: Shelf) -> None:
        self.closed = False
        self.paging = True
        self._shelf = shelf
        self._where = ["user"]
        self._pon = ""
        self._draft: tuple[str, str, Entry] | None = None

    def prompt(self) -> str:
        """``gpon-olt`` and the mode."""
        match self._where[-1]:
            case "user":
                return "gpon-olt> "
            case "enable":
                return "gpon-olt# "
            case "config":
                return "gpon-olt(config)# "
            case "pon":
                return f"gpon-olt(config-pon-{self._pon})# "
        assert self._draft is not None
        return f"gpon-olt(profile-{self._draft[0]}:{self._draft[2]['id']})# "

    def run(self, line: str) -> Answer:
        """The answer to a line."""
        try:
            yield from self._found(line)
        except Said as said:
            yield f"{said}\n"

    def _found(self, line: str) -> Answer:
        for command in COMMANDS:
            if self._where[-1] in command.modes:
                match = command.pattern.fullmatch(line)
                if match is not None:
                    answer: Answer = getattr(self, f"_{command.does}")(**match.groupdict())
                    return answer
        raise Said(_UNKNOWN)

    def _enable(self) -> Answer:
        typed = yield Ask("Password: ", secret=True)
        if typed.strip() != ENABLE_PASSWORD:
            raise Said("% Bad passwords")
        self._where.append("enable")

    def _configure(self) -> Answer:
        self._where.append("config")
        yield from ()

    def _interface(self, pon: str) -> Answer:
        if f"GPON{pon}" not in self._shelf.ports:
            raise Said(_UNKNOWN)
        self._pon = pon
        self._where.append("pon")
        yield from ()

    def _exit(self) -> Answer:
        self._where.pop()
        self._draft = None
        self.closed = not self._where
        self._where = self._where or ["user"]
        yield from ()

    def _end(self) -> Answer:
        self._where = ["user", "enable"]
        self._draft = None
        yield from ()

    def _pages(self, length: str) -> Answer:
        self.paging = length != "0"
        yield from ()

    def _write(self) -> Answer:
        self._shelf.save()
        yield "Building configuration...\n[OK]\n"

    def _show_auto_find(self) -> Answer:
        unknown = [onu for onu in self._shelf.unknown() if onu.port == self._port]
        if not unknown:
            raise Said("No related information to show.")
        yield "".join(auto_find(unknown))

    def _show_info(self) -> Answer:
        yield "".join(info(self._shelf, self._port))

    def _show_state(self) -> Answer:
        yield "".join(state(self._shelf, self._port))

    def _show_optical(self, number: str) -> Answer:
        yield "".join(optical(self._shelf, self._onu(number)))

    def _show_rx_power(self) -> Answer:
        yield "".join(rx_power(self._shelf, self._port))

    def _show_onu_config(self, number: str) -> Answer:
        yield f"----------onu {number} running-config----------\n"
        yield "".join(f"{line}\n" for line in onu_config(number, self._onu(number)))

    def _show_running(self) -> Answer:
        profiles = {kind: self._profiles(kind) for kind in _BUILT_IN}
        yield "".join(f"{line}\n" for line in running_config(self._shelf, profiles))

    def _show_brief(self) -> Answer:
        yield "".join(brief(self._shelf))

    def _show_profile(self, kind: str) -> Answer:
        yield "".join((dba_profiles if kind == "dba" else traffic_profiles)(self._profiles(kind)))

    def _profile(self, kind: str, number: str, name: str) -> Answer:
        profiles = self._profiles(kind)
        if any((name == each) != (int(number) == profile["id"]) for each, profile in profiles.items()):
            raise Said("Error: profile already exists.")  # no source shows this sentence
        self._draft = (kind, name, {"id": int(number)})
        self._where.append("profile")
        yield from ()

    def _dba_type(self, kind: str, fixed: str | None, assured: str | None, maximum: str | None) -> Answer:
        given = "".join(rate for rate, value in zip("fam", (fixed, assured, maximum), strict=True) if value is not None)
        if given != _RATES[kind]:
            raise Said("% Command incomplete.")
        self._drafted("dba").update(
            type=int(kind), fixed=int(fixed or 0), assured=int(assured or 0), maximum=int(maximum or 0)
        )
        yield from ()

    def _rates(self, sir: str, pir: str) -> Answer:
        self._drafted("traffic").update(sir=int(sir), pir=int(pir))
        yield from ()

    def _commit(self) -> Answer:
        assert self._draft is not None
        kind, name, profile = self._draft
        if len(profile) == 1:
            raise Said("% Command incomplete.")
        self._shelf.begin_write()
        self._shelf.objects(kind)[name] = dict(profile)
        yield from ()

    def _no_profile(self, kind: str, number: str) -> Answer:
        self._shelf.begin_write()
        name = next((name for name, each in self._profiles(kind).items() if each["id"] == int(number)), None)
        if name is None:
            raise Said("Error: profile does not exist.")
        if any(name in _uses(onu) for onu in self._shelf.objects("onu").values()):
            raise Said("Error: profile is in use.")
        self._shelf.objects(kind).pop(name, None)
        yield from ()

    def _drafted(self, kind: str) -> Entry:
        if self._draft is None or self._draft[0] != kind:
            raise Said(_UNKNOWN)
        return self._draft[2]

    def _add(self, number: str, profile: str, serial: str) -> Answer:
        serial = serial.upper()
        self._shelf.begin_write(serial)
        if not FIRST_ID <= int(number) <= LAST_ID:
            raise Said(_UNKNOWN)
        if self._key(number) in self._shelf.objects("onu"):
            raise Said(f"Error: onu {number} already exists.")  # no source shows this sentence
        if self._shelf.onu_of(serial) is not None:
            raise Said(f"Error: sn {serial} already exists.")  # no source shows this sentence
        self._shelf.objects("onu")[self._key(number)] = {
            "port": self._port,
            "serial": serial,
            "enabled": True,
            "profile": profile,
        }
        yield from ()

    def _no_onu(self, number: str) -> Answer:
        self._shelf.begin_write(str(self._onu(number)["serial"]))
        del self._shelf.objects("onu")[self._key(number)]
        yield from ()

    def _describe(self, number: str, text: str) -> Answer:
        self._writing(number)["desc"] = text
        yield from ()

    def _admin(self, number: str, verb: str) -> Answer:
        self._writing(number)["enabled"] = verb == "activate"
        yield from ()

    def _reboot(self, number: str) -> Answer:
        serial = str(self._onu(number)["serial"])
        if not self._shelf.is_online(self._port, serial):
            raise Said(f"Error: onu {number} is offline.")  # no source shows this sentence
        self._shelf.restarted.append(serial)
        yield from ()

    def _tcont(self, number: str, tcont: str, name: str | None, dba: str) -> Answer:
        onu = self._writing(number)
        self._known("dba", dba)
        parts(onu, "tcont")[tcont] = {"name": name or f"tcont_{tcont}", "dba": dba}
        yield from ()

    def _gemport(self, number: str, gem: str, tcont: str, name: str | None) -> Answer:
        onu = self._writing(number)
        self._part(onu, "tcont", tcont)
        made = parts(onu, "gemport").setdefault(gem, {"portid": 128 + int(number)})
        made |= {"tcont": tcont, "name": name or f"gemport_{gem}"}
        yield from ()

    def _limit(self, number: str, gem: str, up: str | None, down: str) -> Answer:
        onu = self._writing(number)
        for profile in (up, down):
            self._known("traffic", profile or "default")
        self._part(onu, "gemport", gem).update(up=up, down=down)
        yield from ()

    def _service(self, number: str, name: str, gem: str, vlan: str) -> Answer:
        onu = self._writing(number)
        self._part(onu, "gemport", gem)
        parts(onu, "service")[name] = {"gemport": gem, "vlan": vlan}
        yield from ()

    def _service_port(
        self, number: str, service: str, gem: str, user: str, vlan: str, svlan: str | None, cos: str | None
    ) -> Answer:
        onu = self._writing(number)
        self._part(onu, "gemport", gem)
        if service in parts(onu, "service-port"):
            raise Said(f"Error: service-port {service} already exists.")  # no source shows this sentence
        made: Entry = {"gemport": gem, "user": user, "vlan": vlan, "svlan": svlan, "cos": cos or "0"}
        parts(onu, "service-port")[service] = made
        yield from ()

    def _portvlan(self, number: str, uni: str, how: str) -> Answer:
        parts(self._writing(number), "portvlan")[uni] = {"how": how}
        yield from ()

    def _without(self, number: str, kind: str, name: str) -> Answer:
        onu = self._writing(number)
        self._part(onu, kind, name)
        if kind == "gemport" and any(
            each["gemport"] == name for used in ("service", "service-port") for each in parts(onu, used).values()
        ):
            raise Said(f"Error: gemport {name} is in use.")  # no source shows this sentence
        del parts(onu, kind)[name]
        yield from ()

    @property
    def _port(self) -> str:
        return f"GPON{self._pon}"

    def _key(self, number: str) -> str:
        return f"{self._port}:{int(number)}"

    def _onu(self, number: str) -> Entry:
        onu = self._shelf.objects("onu").get(self._key(number))
        if onu is None:
            raise Said(f"Error: onu {number} doesn't exist.")
        return onu

    def _writing(self, number: str) -> Entry:
        onu = self._onu(number)
        self._shelf.begin_write(str(onu["serial"]))
        return onu

    def _part(self, onu: Entry, kind: str, name: str) -> Entry:
        part = parts(onu, kind).get(name)
        if part is None:
            raise Said(f"Error: {kind} {name} doesn't exist.")
        return part

    def _profiles(self, kind: str) -> dict[str, Entry]:
        return _BUILT_IN[kind] | self._shelf.objects(kind)

    def _known(self, kind: str, name: str) -> None:
        if name not in self._profiles(kind):
            raise Said("Error: profile does not exist.")


def _uses(onu: Entry) -> Iterator[Any]:
    yield from (tcont["dba"] for tcont in parts(onu, "tcont").values())
    for gem in parts(onu, "gemport").values():
        yield from (gem.get("up"), gem.get("down"))
