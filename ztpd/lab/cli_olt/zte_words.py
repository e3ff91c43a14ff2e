"""In which words the two families of ZTE's OLTs differ."""

import re
from dataclasses import dataclass

from ztpd.lab.cli_olt.language import Dialect, Door, Pager
from ztpd.lab.cli_olt.shelf import Entry


@dataclass(frozen=True, slots=True)
class Words:
    """How a family spells interfaces, errors and modes.

    ``olt``, ``onu`` and ``vport`` are templates of interface names; ``end_of_block`` closes a block of configuration.
    ``codes`` are the numbers in front of the sentences; a family's have the same last digits as the other's
    (``62391``, ``222391``).
    """

    family: str
    olt: str
    onu: str
    end_of_block: str
    invalid: str
    incomplete: str
    code: str
    codes: dict[str, str]
    prompts: dict[str, str]
    masks_names: bool
    dialect: Dialect

    def port(self, location: str) -> str:
        """The name of a PON port, as of ``1/1/1``."""
        return self.olt.format(location)

    def location(self, port: str) -> str:
        """The ``1/1/1`` of a PON port's name."""
        return re.split(r"[-_]", port)[-1]

    def onu_name(self, key: str) -> str:
        """The name of an ONU's interface, as of ``1/1/1:5``."""
        return self.onu.format(key)

    def said(self, sentence: str) -> str:
        """A sentence with its number in front."""
        if sentence == NOT_ENABLED:
            return self.dialect.door.refused
        return self.code.format(self.codes[sentence], sentence)


NOTHING = "No related information to show."
EXISTED = "The entry is existed. This is a re-create operation."
NOT_EXISTED = "The entry is not existed."
NO_PROFILE = "Profile does not exist."
CONFLICTED = "Port service para conflicted."
IN_USE = "The profile is being used."  # no source shows this sentence
NO_ONU = "The ONU does not exist."
SN_ELSEWHERE = "The SN is already registered."  # no source shows this sentence
NOT_ENABLED = "Bad password!"
ENABLE_PASSWORD = "zxr10"  # noqa: S105 - the lab's own
OFFLINE = "ONU is not online."  # no source shows this sentence

_ERASE = "\b" * 10
_PAGER = Pager(" --More-- ", _ERASE + " " * 10 + _ERASE)


def _door(refused: str, full: str) -> Door:
    return Door("Username:", "Password:", refused, full, banner="\n")


C300 = Words(
    family="c300",
    olt="gpon-olt_{}",
    onu="gpon-onu_{}",
    end_of_block="!",
    invalid="%Error 20200: Invalid input detected at '^' marker. Invalid command",
    incomplete="%Error 20203: Incomplete command.",
    code="%Code {}-GPONSRV : {}",
    codes={
        NOTHING: "62310",
        EXISTED: "62391",
        NOT_EXISTED: "62397",
        NO_PROFILE: "63981",
        CONFLICTED: "66669",
        IN_USE: "62355",
        NO_ONU: "62310",
        SN_ELSEWHERE: "62356",
        OFFLINE: "62357",
    },
    prompts={
        "user": "ZXAN>",
        "exec": "ZXAN#",
        "config": "ZXAN(config)#",
        "olt": "ZXAN(config-if)#",
        "onu": "ZXAN(config-if)#",
        "gpon": "ZXAN(config-gpon)#",
        "mng": "ZXAN(gpon-onu-mng {onu})#",
    },
    masks_names=False,
    dialect=Dialect(
        # No source shows the sentences of too many users and of a busy system.
        _door("%Error 20209: Bad password!", "%Error 20211: The number of users has reached the maximum."),
        _PAGER,
        busy="%Code 62399-GPONSRV : The system is busy, please try later.",
        refused="%Code 62330-GPONSRV : Parameter exceeds range ({reason}).",
    ),
)

C600 = Words(
    family="c600",
    olt="gpon_olt-{}",
    onu="gpon_onu-{}",
    end_of_block="$",
    invalid="%Error 140303: Invalid input detected at '^' marker.",
    incomplete="%Error 140305: Incomplete command.",
    code="%Error {}: {}",
    codes={
        NOTHING: "222310",
        EXISTED: "222391",
        NOT_EXISTED: "222397",
        NO_PROFILE: "223981",
        CONFLICTED: "226669",
        IN_USE: "222355",
        NO_ONU: "222310",
        SN_ELSEWHERE: "222356",
        OFFLINE: "222357",
    },
    prompts={
        "user": "ZXAN>",
        "exec": "ZXAN#",
        "config": "ZXAN(config)#",
        "olt": "ZXAN(config-if-gpon_olt-{port})#",
        "onu": "ZXAN(config-if-gpon_onu-{onu})#",
        "vport": "ZXAN(config-if-vport-{onu}:1)#",
        "gpon": "ZXAN(config-gpon)#",
        "mng": "ZXAN(config-gpon-onu-mng)#",
    },
    masks_names=True,
    dialect=Dialect(
        _door("%Error 140209: Bad password!", "%Error 140211: The number of users has reached the maximum."),
        _PAGER,
        busy="%Error 222399: The system is busy, please try later.",
        refused="%Error 222330: Parameter exceeds range ({reason}).",
    ),
)

RATES_OF_TYPE = {  # which of fixed, assured and maximum a T-CONT type has (G.984.3 §7.4)
    "1": (True, False, False),
    "2": (False, True, False),
    "3": (False, True, True),
    "4": (False, False, True),
    "5": (True, True, True),
}
BUILT_IN: dict[str, dict[str, Entry]] = {
    "tcont_profile": {"default": {"type": 1, "fixed": 10000, "assured": 0, "maximum": 0}},
    "traffic_profile": {"default": {"sir": 9953280, "pir": 9953280}},
}
