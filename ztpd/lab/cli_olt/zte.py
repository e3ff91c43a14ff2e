"""The command line of ZTE's GPON OLTs: C300 and C320 (``ZteC300Cli``) and the TITAN family (``ZteC600Cli``).

What is typed and printed is drawn from public third-party scripts, notes and recorded answers, named in
``drivers/cli/platforms/zte-c300.toml`` and ``zte-c600.toml``, not from a device. Sentences that no source shows are
said to be so in ``zte_words``.
"""

import re
from collections.abc import Iterable

from ztpd.lab.cli_olt import zte_screens as screens
from ztpd.lab.cli_olt import zte_words as words
from ztpd.lab.cli_olt.language import Answer, Ask, Dialect
from ztpd.lab.cli_olt.shelf import Entry, Shelf
from ztpd.lab.cli_olt.zte_commands import COMMANDS
from ztpd.lab.cli_olt.zte_words import C300, C600, Words

C300_PORTS = ("gpon-olt_1/1/1", "gpon-olt_1/1/2", "gpon-olt_1/2/1")
C600_PORTS = ("gpon_olt-1/1/1", "gpon_olt-1/1/2", "gpon_olt-1/2/1")
ONU_TYPES = ("ALL", "F601", "ZTE-F660V5.2-LONG")
FIRST_ID, LAST_ID = 1, 128


class Said(Exception):
    """The OLT refuses; the message is a sentence of ``zte_words``."""


class Unclear(Exception):
    """The line is no command here."""


class ZteCli:
    """One session; that of a user with few rights does not begin ``enabled``.

    ``_mode`` is where it is; ``_port`` and ``_key`` name the port or ONU that the mode is about.
    """

    words: Words
    dialect: Dialect

    def __init__(self, shelf: Shelf, *, enabled: bool = True) -> None:
        self.closed = False
        self.paging = True
        self._shelf = shelf
        self._mode = "exec" if enabled else "user"
        self._port = ""
        self._key = ""
        self._trail: list[tuple[str, str, str]] = []

    def prompt(self) -> str:
        """``ZXAN#`` and what the mode adds."""
        where = {"port": self.words.location(self._port), "onu": self._key}
        if self._mode == "vport":
            where["onu"] = self._key.replace(":", ".")
        return self.words.prompts[self._mode].format(**where)

    def run(self, line: str) -> Answer:
        """The answer to a line."""
        try:
            yield from self._found(line)
        except Said as said:
            yield f"{self.words.said(str(said))}\n"
        except Unclear:
            yield f"{' ' * len(self.prompt())}^\n{self.words.invalid}\n"

    def _found(self, line: str) -> Answer:
        for command in COMMANDS:
            if self.words.family in command.families and command.modes & {"*", self._mode}:
                match = command.pattern.fullmatch(line)
                if match is not None:
                    answer: Answer = getattr(self, f"_{command.does}")(**match.groupdict())
                    return answer
        raise Unclear

    def _enter(self, mode: str, port: str = "", key: str = "") -> None:
        self._trail.append((self._mode, self._port, self._key))
        self._mode, self._port, self._key = mode, port, key

    def _enable(self) -> Answer:
        typed = yield Ask("Password:", secret=True)
        if typed != words.ENABLE_PASSWORD:
            raise Said(words.NOT_ENABLED)
        self._enter("exec")

    def _configure(self) -> Answer:
        self._enter("config")
        yield "%Info 20272: Enter configuration commands, one per line. End with CTRL/Z.\n"

    def _interface_olt(self, port: str) -> Answer:
        self._known_port(port)
        self._from_config("olt", port)
        yield from ()

    def _interface_onu(self, key: str) -> Answer:
        self._onu(key)
        self._from_config("onu", key=key)
        yield from ()

    def _interface_vport(self, port: str, number: str) -> Answer:
        key = f"{port}:{number}"
        if not screens.parts(self._onu(key), "gemport"):
            raise Said(words.NOT_EXISTED)
        self._from_config("vport", key=key)
        yield from ()

    def _manage(self, key: str) -> Answer:
        self._onu(key)
        self._from_config("mng", key=key)
        yield from ()

    def _gpon(self) -> Answer:
        self._from_config("gpon")
        yield from ()

    def _from_config(self, mode: str, port: str = "", key: str = "") -> None:
        """A view can be entered from another one, which is left."""
        while self._mode != "config":
            self._mode, self._port, self._key = self._trail.pop()
        self._enter(mode, port, key)

    def _exit(self) -> Answer:
        if self._mode not in ("user", "exec"):
            self._mode, self._port, self._key = self._trail.pop()
        else:
            self.closed = True
        yield from ()

    def _end(self) -> Answer:
        while self._mode != "exec":
            self._mode, self._port, self._key = self._trail.pop()
        yield from ()

    def _pages(self, length: str) -> Answer:
        self.paging = length != "0"
        yield from ()

    def _show_uncfg(self, which: str) -> Answer:
        if not self._shelf.unknown():
            raise Said(words.NOTHING)
        yield screens.wrapped(screens.uncfg(self.words, self._shelf, which == "pon"))

    def _show_state(self, port: str | None, number: str | None) -> Answer:
        ports = self._shelf.ports if port is None else (self._known_port(port),)
        only = None if number is None else int(number)
        if not any(only in (None, each[0]) for port in ports for each in screens.onus_on(self._shelf, port)):
            raise Said(words.NOTHING)
        yield screens.wrapped(screens.onu_state(self.words, self._shelf, ports, only))

    def _show_baseinfo(self, port: str) -> Answer:
        if not screens.onus_on(self._shelf, self._known_port(port)):
            raise Said(words.NOTHING)
        yield screens.wrapped(screens.baseinfo(self.words, self._shelf, port))

    def _show_by_sn(self, serial: str) -> Answer:
        keys = [key for key, onu in self._shelf.objects("onu").items() if onu["serial"] == serial.upper()]
        if not keys:
            raise Said(words.NOTHING)
        yield screens.wrapped(screens.found(self.words, keys[0]))

    def _show_power(self, key: str) -> Answer:
        yield screens.wrapped(screens.attenuation(self._shelf, self._onu(key)))

    def _show_tcont(self, name: str | None) -> Answer:
        yield screens.wrapped(screens.tcont_profiles(self._profiles("tcont_profile", name)))

    def _show_traffic(self, name: str | None) -> Answer:
        yield screens.wrapped(screens.traffic_profiles(self._profiles("traffic_profile", name)))

    def _show_running(self, only: str | None) -> Answer:
        lines: Iterable[str] = screens.xpon(self.words, self._shelf)
        if only is not None:
            lines = (line for line in lines if only in line)
        yield "Building configuration...\n" if only is None else ""
        yield screens.wrapped(lines)
        yield "end\n" if only is None else ""

    def _show_interface(self, port: str | None, key: str | None) -> Answer:
        if key is not None:
            block = screens.onu_block(self.words, key, self._onu(key))
        else:
            block = screens.olt_block(self.words, self._shelf, self._known_port(port or ""))
        yield "Building configuration...\n"
        yield screens.wrapped(block)
        yield "end\n"

    def _show_omci(self, key: str) -> Answer:
        yield screens.wrapped(screens.mng_block(self.words, key, self._onu(key)))

    def _show_section(self, section: str, only: str | None) -> Answer:
        block = (screens.xpon if section == "xpon" else screens.msan)(self.words, self._shelf)
        name = "xpon" if section == "xpon" else "MSAN"
        if only is not None:
            yield screens.wrapped(line for line in block if only in line)
            return
        yield from (f"!<{name}>\n", screens.wrapped(block), f"!</{name}>\n")

    def _show_titan_interface(self, port: str | None, key: str | None, vport: str | None) -> Answer:
        if vport is not None:
            key = vport.replace(".", ":")
            yield "!<MSAN>\n" + screens.wrapped(screens.vport_block(self.words, key, self._onu(key))) + "!</MSAN>\n"
            return
        if key is not None:
            onu = self._onu(key)
            block = [*screens.onu_block(self.words, key, onu), *screens.mng_block(self.words, key, onu)]
        else:
            block = list(screens.olt_block(self.words, self._shelf, self._known_port(port or "")))
        yield "!<xpon>\n" + screens.wrapped(block) + "!</xpon>\n"

    def _make_tcont_profile(
        self, name: str, kind: str, fixed: str | None, assured: str | None, maximum: str | None
    ) -> Answer:
        given = tuple(rate is not None for rate in (fixed, assured, maximum))
        if given != words.RATES_OF_TYPE[kind]:
            raise Unclear
        self._shelf.begin_write()
        rates = {"fixed": int(fixed or 0), "assured": int(assured or 0), "maximum": int(maximum or 0)}
        self._make("tcont_profile", name, {"type": int(kind), **rates})
        yield "[Successful]\n"

    def _make_traffic_profile(self, name: str, sir: str, pir: str) -> Answer:
        self._shelf.begin_write()
        self._make("traffic_profile", name, {"sir": int(sir), "pir": int(pir)})
        yield "[Successful]\n"

    def _delete_profile(self, kind: str, name: str) -> Answer:
        self._shelf.begin_write()
        profiles = self._shelf.objects(f"{kind}_profile")
        if name not in profiles:
            raise Said(words.NO_PROFILE)
        if any(name in screens.profiles_of(onu) for onu in self._shelf.objects("onu").values()):
            raise Said(words.IN_USE)
        del profiles[name]
        yield "[Successful]\n"

    def _make(self, kind: str, name: str, profile: Entry) -> None:
        profiles = self._shelf.objects(kind)
        if profiles.get(name, profile) != profile and any(
            name in screens.profiles_of(o) for o in self._shelf.objects("onu").values()
        ):
            raise Said(words.IN_USE)
        profiles[name] = profile

    def _register(self, number: str, kind: str, serial: str) -> Answer:
        serial = serial.upper()
        self._shelf.begin_write(serial)
        key = f"{self.words.location(self._port)}:{number}"
        if kind not in ONU_TYPES or not FIRST_ID <= int(number) <= LAST_ID:
            raise Unclear
        if key in self._shelf.objects("onu"):
            raise Said(words.EXISTED)
        if self._shelf.onu_of(serial) is not None:
            raise Said(words.SN_ELSEWHERE)
        self._shelf.objects("onu")[key] = {"port": self._port, "serial": serial, "enabled": True, "type": kind}
        yield ".[Successful]\n"

    def _unregister(self, number: str) -> Answer:
        key = f"{self.words.location(self._port)}:{number}"
        onu = self._shelf.objects("onu").get(key)
        self._shelf.begin_write(*([str(onu["serial"])] if onu else []))
        if onu is None:
            raise Said(words.NOT_EXISTED)
        del self._shelf.objects("onu")[key]
        yield ".[Successful]\n"

    def _label(self, label: str, text: str) -> Answer:
        self._writing()[label] = text
        yield from ()

    def _admin(self, disabled: str) -> Answer:
        self._writing()["enabled"] = disabled not in ("shutdown", "disable")
        yield from ()

    def _tcont(self, number: str, name: str | None, profile: str) -> Answer:
        onu = self._writing()
        self._profiles("tcont_profile", profile)
        screens.parts(onu, "tcont")[number] = {"name": name or "", "profile": profile}
        yield from ()

    def _gemport(self, number: str, name: str | None, tcont: str) -> Answer:
        onu = self._writing()
        if tcont not in screens.parts(onu, "tcont"):
            raise Said(words.NOT_EXISTED)
        gem = screens.parts(onu, "gemport").setdefault(number, {})
        gem |= {"name": name or gem.get("name", ""), "tcont": tcont}
        yield from ()

    def _limit(self, number: str, profile: str) -> Answer:
        onu = self._writing()
        self._profiles("traffic_profile", profile)
        _part(onu, "gemport", number)["limit"] = profile
        yield from ()

    def _service_port(self, number: str, vlans: str, vport: str | None = None, egress: str | None = None) -> Answer:
        onu = self._writing()
        if egress is not None:
            self._profiles("traffic_profile", egress)
        bound = any(service["gemport"] == (vport or "1") for service in screens.parts(onu, "service").values())
        if vport is not None and not bound:
            raise Said(words.NOT_EXISTED)  # a service makes the vport
        match = re.fullmatch(r"user-vlan (\d+|untagged) vlan (\d+)(?: svlan (\d+))?", vlans)
        if match is None:
            raise Unclear
        if number in screens.parts(onu, "service-port"):
            raise Said(words.CONFLICTED)
        made = {"vport": vport or "1", "user": match[1], "vlan": match[2], "svlan": match[3], "egress": egress}
        screens.parts(onu, "service-port")[number] = made
        yield from ()

    def _service(self, name: str, gemport: str, vlan: str) -> Answer:
        onu = self._writing()
        _part(onu, "gemport", gemport)
        screens.parts(onu, "service")[name] = {"gemport": gemport, "vlan": vlan}
        yield from ()

    def _uni(self, uni: str, vlan: str) -> Answer:
        screens.parts(self._writing(), "uni")[uni] = {"vlan": vlan}
        yield from ()

    def _without(self, kind: str, number: str) -> Answer:
        onu = self._writing()
        _part(onu, kind, number)
        users = {"tcont": ("gemport", "tcont"), "gemport": ("service", "gemport")}.get(kind)
        if users is not None and any(each[users[1]] == number for each in screens.parts(onu, users[0]).values()):
            raise Said(words.IN_USE)
        del screens.parts(onu, kind)[number]
        yield from ()

    def _reboot(self) -> Answer:
        serial = str(self._onu(self._key)["serial"])
        answer = yield Ask("Confirm to reboot? [yes/no]:")
        if answer not in ("y", "yes"):
            return
        if not self._shelf.is_online(str(self._onu(self._key)["port"]), serial):
            raise Said(words.OFFLINE)
        self._shelf.restarted.append(serial)

    def _write(self) -> Answer:
        yield "Building configuration...\n"
        self._shelf.save()
        yield ".[OK]\n"

    def _known_port(self, port: str) -> str:
        if port not in self._shelf.ports:
            raise Unclear
        return port

    def _onu(self, key: str) -> Entry:
        onu = self._shelf.objects("onu").get(key)
        if onu is None:
            raise Said(words.NO_ONU)
        return onu

    def _writing(self) -> Entry:
        """The ONU that the mode is about, which is about to be changed."""
        onu = self._onu(self._key)
        self._shelf.begin_write(str(onu["serial"]))
        return onu

    def _profiles(self, kind: str, name: str | None) -> dict[str, Entry]:
        profiles = words.BUILT_IN[kind] | self._shelf.objects(kind)
        if name is None:
            return profiles
        if name not in profiles:
            raise Said(words.NO_PROFILE)
        return {name: profiles[name]}


class ZteC300Cli(ZteCli):
    """A C300 or C320."""

    words = C300
    dialect = C300.dialect


class ZteC600Cli(ZteCli):
    """A C600, C620 or C650."""

    words = C600
    dialect = C600.dialect


def _part(onu: Entry, kind: str, number: str) -> Entry:
    part = screens.parts(onu, kind).get(number)
    if part is None:
        raise Said(words.NOT_EXISTED)
    return part
