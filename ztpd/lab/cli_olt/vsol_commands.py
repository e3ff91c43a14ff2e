"""The commands of V-SOL's OLTs: in which mode each is known, and what it does."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command: ``does`` names what ``vsol.VsolCli`` does with the groups of ``pattern``."""

    modes: frozenset[str]
    pattern: re.Pattern[str]
    does: str


_NAME = r"[\w.:/-]{1,32}"
_ENABLED = ("enable", "config", "pon")
_BELOW = ("config", "pon", "profile")
_ONU = r"onu (?P<number>\d{1,3})"

COMMANDS = tuple(
    Command(frozenset(modes), re.compile(pattern), does)
    for modes, pattern, does in (
        (("user",), r"enable", "enable"),
        (("enable",), r"config(?:ure)?(?: terminal)?", "configure"),
        (("config",), r"interface gpon (?P<pon>\d+/\d+)", "interface"),
        (("user", *_ENABLED, "profile"), r"exit", "exit"),
        (_BELOW, r"end", "end"),
        (_ENABLED, r"terminal length (?P<length>\d+)", "pages"),
        (("enable", "config"), r"write", "write"),
        (("config",), r"show interface brief", "show_brief"),
        (("enable", "config"), r"show running-config", "show_running"),
        (("config", "pon"), r"show profile (?P<kind>dba|traffic)", "show_profile"),
        (("pon",), r"show onu auto-find", "show_auto_find"),
        (("pon",), r"show onu info", "show_info"),
        (("pon",), r"show onu state", "show_state"),
        (("pon",), r"show onu (?P<number>\d{1,3}) optical_info", "show_optical"),
        (("pon",), r"show pon onu all rx-power", "show_rx_power"),
        (("pon",), r"show running-config onu (?P<number>\d{1,3})", "show_onu_config"),
        (("config",), rf"profile (?P<kind>dba|traffic) id (?P<number>\d{{1,3}}) name (?P<name>{_NAME})", "profile"),
        (
            ("profile",),
            r"type (?P<kind>[1-5])(?: fixed (?P<fixed>\d+))?(?: assured (?P<assured>\d+))?"
            r"(?: maximum (?P<maximum>\d+))?",
            "dba_type",
        ),
        (("profile",), r"sir (?P<sir>\d+) pir (?P<pir>\d+)", "rates"),
        (("profile",), r"commit", "commit"),
        (("config",), r"no profile (?P<kind>dba|traffic) id (?P<number>\d{1,3})", "no_profile"),
        (("pon",), rf"onu add (?P<number>\d{{1,3}}) profile (?P<profile>{_NAME}) sn (?P<serial>\w{{12}})", "add"),
        (("pon",), r"no onu (?P<number>\d{1,3})", "no_onu"),
        (("pon",), rf"{_ONU} desc (?P<text>{_NAME})", "describe"),
        (("pon",), rf"{_ONU} (?P<verb>activate|deactivate)", "admin"),
        (("pon",), rf"{_ONU} reboot", "reboot"),
        (("pon",), rf"{_ONU} tcont (?P<tcont>\d)(?: name (?P<name>{_NAME}))? dba (?P<dba>{_NAME})", "tcont"),
        (
            ("pon",),
            rf"{_ONU} gemport (?P<gem>\d) tcont (?P<tcont>\d)(?: gemport_name (?P<name>{_NAME}))?",
            "gemport",
        ),
        (
            ("pon",),
            rf"{_ONU} gemport (?P<gem>\d) traffic-limit(?: upstream (?P<up>{_NAME}))? downstream (?P<down>{_NAME})",
            "limit",
        ),
        (("pon",), rf"{_ONU} service (?P<name>{_NAME}) gemport (?P<gem>\d) vlan (?P<vlan>\d+)", "service"),
        (
            ("pon",),
            rf"{_ONU} service-port (?P<service>\d) gemport (?P<gem>\d) uservlan (?P<user>\d+|untag)"
            r" vlan (?P<vlan>\d+)(?: svlan (?P<svlan>\d+))?(?: new_cos (?P<cos>[0-7]))?",
            "service_port",
        ),
        (
            ("pon",),
            rf"{_ONU} portvlan (?P<uni>(?:eth|veip) \d) mode (?P<how>transparent|tag vlan \d+)",
            "portvlan",
        ),
        (
            ("pon",),
            rf"no {_ONU} (?P<kind>tcont|gemport|service-port|service|portvlan) (?P<name>{_NAME}(?: \d)?)",
            "without",
        ),
    )
)
