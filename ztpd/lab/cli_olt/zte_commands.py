"""The commands of ZTE's OLTs: in which family and mode each is known, and what it does."""

import re
from dataclasses import dataclass

_PORT = r"(?P<port>gpon[-_]olt[-_]\d+/\d+/\d+)"
_ONU = r"gpon[-_]onu[-_](?P<key>\d+/\d+/\d+:\d+)"
_NAME = r"[\w.:-]{1,32}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: ``does`` names what ``zte.ZteCli`` does with the groups of ``pattern``."""

    families: frozenset[str]
    modes: frozenset[str]
    pattern: re.Pattern[str]
    does: str


_BOTH, _OLD, _NEW = frozenset({"c300", "c600"}), frozenset({"c300"}), frozenset({"c600"})
_CONFIG = frozenset({"config", "olt", "onu", "vport", "gpon", "mng"})
_ANY = frozenset({"*"})

COMMANDS = tuple(
    Command(families, frozenset(modes), re.compile(pattern), does)
    for families, modes, pattern, does in (
        (_BOTH, {"user"}, r"enable", "enable"),
        (_BOTH, {"exec"}, r"conf(?:igure)? t(?:erminal)?", "configure"),
        (_BOTH, _CONFIG, rf"interface {_PORT}", "interface_olt"),
        (_BOTH, _CONFIG, rf"interface {_ONU}", "interface_onu"),
        (_NEW, _CONFIG, r"interface vport-(?P<port>\d+/\d+/\d+)\.(?P<number>\d+):1", "interface_vport"),
        (_BOTH, _CONFIG, rf"pon-onu-mng {_ONU}", "manage"),
        (_BOTH, _CONFIG, r"gpon", "gpon"),
        (_BOTH, _ANY, r"exit", "exit"),
        (_BOTH, _CONFIG, r"end", "end"),
        (_BOTH, {"exec"}, r"terminal length (?P<length>\d+)", "pages"),
        (_OLD, _ANY, r"show (?P<which>gpon|pon) onu uncfg", "show_uncfg"),
        (_NEW, _ANY, r"show (?P<which>pon) onu uncfg", "show_uncfg"),
        (_BOTH, _ANY, rf"show gpon onu state(?: {_PORT}(?: (?P<number>\d+))?)?", "show_state"),
        (_BOTH, _ANY, rf"show gpon onu baseinfo {_PORT}", "show_baseinfo"),
        (_BOTH, _ANY, r"show gpon onu by sn (?P<serial>\w{12})", "show_by_sn"),
        (_BOTH, _ANY, rf"show pon power attenuation {_ONU}", "show_power"),
        (_BOTH, _ANY, r"show gpon profile tcont(?: (?P<name>\S+))?", "show_tcont"),
        (_OLD, _ANY, r"show gpon profile traffic(?: (?P<name>\S+))?", "show_traffic"),
        (_OLD, _ANY, r"show running-config(?: \| include (?P<only>.+))?", "show_running"),
        (_OLD, _ANY, rf"show running-config interface (?:{_PORT}|{_ONU})", "show_interface"),
        (_OLD, _ANY, rf"show onu running config {_ONU}", "show_omci"),
        (
            _NEW,
            _ANY,
            r"show running-config (?P<section>xpon|msan)(?: \| include (?P<only>.+))?",
            "show_section",
        ),
        (
            _NEW,
            _ANY,
            rf"show running-config-interface (?:{_PORT}|{_ONU}|vport-(?P<vport>\d+/\d+/\d+\.\d+):1)",
            "show_titan_interface",
        ),
        (
            _BOTH,
            {"gpon"},
            rf"profile tcont (?P<name>{_NAME}) type (?P<kind>[1-5])(?: fixed (?P<fixed>\d+))?"
            r"(?: assured (?P<assured>\d+))?(?: maximum (?P<maximum>\d+))?",
            "make_tcont_profile",
        ),
        (
            _OLD,
            {"gpon"},
            rf"profile traffic (?P<name>{_NAME}) sir (?P<sir>\d+) pir (?P<pir>\d+)",
            "make_traffic_profile",
        ),
        (
            _NEW,
            {"config"},
            rf"traffic-profile (?P<name>{_NAME}) cir (?P<sir>\d+) cbs \d+ pir (?P<pir>\d+) pbs \d+",
            "make_traffic_profile",
        ),
        (_BOTH, {"gpon"}, rf"no profile (?P<kind>tcont) (?P<name>{_NAME})", "delete_profile"),
        (_OLD, {"gpon"}, rf"no profile (?P<kind>traffic) (?P<name>{_NAME})", "delete_profile"),
        (_NEW, {"config"}, rf"no (?P<kind>traffic)-profile (?P<name>{_NAME})", "delete_profile"),
        (_BOTH, {"olt"}, r"onu (?P<number>\d+) type (?P<kind>\S+) sn (?P<serial>\w{12})", "register"),
        (_BOTH, {"olt"}, r"no onu (?P<number>\d+)", "unregister"),
        (_BOTH, {"onu"}, r"(?P<label>name|description) (?P<text>.{1,64})", "label"),
        (_OLD, {"onu"}, r"(?P<disabled>(?:no )?shutdown)", "admin"),
        (_NEW, {"onu"}, r"admin (?P<disabled>enable|disable)", "admin"),
        (_BOTH, {"onu"}, rf"tcont (?P<number>\d)(?: name (?P<name>{_NAME}))? profile (?P<profile>\S+)", "tcont"),
        (_BOTH, {"onu"}, rf"gemport (?P<number>\d)(?: name (?P<name>{_NAME}))? tcont (?P<tcont>\d)", "gemport"),
        (_OLD, {"onu"}, r"gemport (?P<number>\d) traffic-limit downstream (?P<profile>\S+)", "limit"),
        (
            _OLD,
            {"onu"},
            r"service-port (?P<number>\d) vport (?P<vport>\d) (?P<vlans>user-vlan .+)",
            "service_port",
        ),
        (
            _NEW,
            {"vport"},
            r"service-port (?P<number>\d) (?P<vlans>user-vlan .+?)(?: egress (?P<egress>\S+))?",
            "service_port",
        ),
        (_BOTH, {"onu", "vport"}, r"no (?P<kind>tcont|gemport|service-port) (?P<number>\d)", "without"),
        (_BOTH, {"mng"}, rf"no (?P<kind>service) (?P<number>{_NAME})", "without"),
        (
            _BOTH,
            {"mng"},
            rf"service (?P<name>{_NAME}) gemport (?P<gemport>\d) vlan (?P<vlan>\d+)",
            "service",
        ),
        (_BOTH, {"mng"}, r"vlan port (?P<uni>\w+_\d/\d|veip_\d) mode tag vlan (?P<vlan>\d+)", "uni"),
        (_BOTH, {"mng"}, r"reboot", "reboot"),
        (_BOTH, {"exec"}, r"write", "write"),
    )
)
