"""The platforms whose answers are known, one entry each, with where its layouts were seen.

The sources are public repositories and pages, not vendors' manuals: the best that is available.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from pon.autofind.blocks import Blocks
from pon.autofind.columns import Table
from pon.autofind.markup import Markup
from pon.autofind.platform import Platform

HUAWEI = Platform(
    # ntc-templates huawei_smartax_display_ont_autofind; SecureCRT and telnetlib scripts of operators for the pager,
    # the count, `VenderID` and serials without parentheses; the empty answer is an error to the CLI.
    command=re.compile(r"\bdisplay ont autofind\b"),
    forms=(
        Blocks(
            start=re.compile(r"\s*Number\s{0,40}:\s*\d"),
            pair=re.compile(r"\s*([A-Za-z][A-Za-z/ ]{0,40}):(.*)"),
        ),
    ),
    fields={
        "fsp": "port",
        "ontsn": "serial",
        "sn": "serial",
        "password": "password",
        "ontpassword": "password",
        "loid": "loid",
        "ontloid": "loid",
        "ontequipmentid": "model",
        "equipmentid": "model",
    },
    port=re.compile(r"\d{1,3}/\d{1,3}/\d{1,3}"),
    mark=re.compile(r"\bF/S/P\b|\bOnt SN\b"),
    empty=re.compile(
        r"automatically found ONTs? do(?:es)? not exist|number of \w{0,12} ?autofind ONTs? is 0\b", re.IGNORECASE
    ),
    count=re.compile(r"number of \w{0,12} ?autofind ONTs? is (\d{1,6})\b", re.IGNORECASE),
)

ZTE = Platform(
    # Layouts: OnuIndex/Sn/State (C300 and C320, `show gpon onu uncfg`; recorded); OltIndex/Model/SN/PW,
    # also without PW or with MAC before SN (C300 V2.1, C600, `show pon onu uncfg`; operators' scripts); OnuIndex/
    # OnuType/OnuSn/State (C320 V2.1). Some firmware prints rows with no header (`pon-onu_1/1/1:1`).
    # The index behind the colon is 1 for every unknown ONU and is dropped; the port is named as `interface` takes it.
    command=re.compile(r"\bshow\s{1,3}(?:gpon|epon|pon)\s{1,3}onu\s{1,3}(?:uncfg|unconfigured)\b"),
    forms=(
        Table(
            header=re.compile(r"\b(?:Onu|Olt)Index\b", re.IGNORECASE),
            bare={
                2: ("port", "serial"),
                3: ("port", "serial", "state"),
                4: ("port", "model", "serial", ""),
            },
        ),
    ),
    fields={
        "onuindex": "port",
        "oltindex": "port",
        "sn": "serial",
        "onusn": "serial",
        "model": "model",
        "onutype": "model",
        "pw": "password",
        "password": "password",
        "loid": "loid",
        "state": "state",
    },
    port=re.compile(r"([a-z]{0,4}pon|xgs)([-_])(?:onu|olt)([-_])(\d{1,3}/\d{1,3}/\d{1,3})(?::\d{1,4})?"),
    port_name=r"\1\2olt\3\4",
    mark=re.compile(r"\b(?:[a-z]{0,4}pon|xgs)[-_](?:onu|olt)"),
    empty=re.compile(r"\bno related information to show\b", re.IGNORECASE),
)

NOKIA_ISAM = Platform(
    # Text: paulohortelan/onmt's FX16 test and operators' pexpect scripts (the wheel that turns).
    # XML (`show pon unprovision-onu xml`): davama/napalm-nokia_olt. `DEFAULT` is the location id of none. `x-pon:`
    # before a port tells that the ONU speaks XGS-PON; what is configured has its index on the port of the bare name.
    command=re.compile(r"\bshow pon unprovision-onu\b"),
    forms=(
        Markup(entry="instance", key="name", about="unprovision-onu"),
        Table(
            header=re.compile(r"\bgpon-index\b"),
            bare={
                3: ("", "port", "serial"),
                4: ("", "port", "serial", ""),
                5: ("", "port", "serial", "", ""),
            },
        ),
    ),
    fields={
        "gponindex": "port",
        "sernum": "serial",
        "subscriberlocid": "password",
        "logicalauthid": "loid",
    },
    port=re.compile(r"(?:[a-z0-9-]{1,12}:)?(\d{1,3}/\d{1,3}/\d{1,3}/\d{1,3})"),
    port_name=r"\1",
    mark=re.compile(r"\b\d{1,3}/\d{1,3}/\d{1,3}/\d"),
    empty=re.compile(r"\bunprovision-onu count\s{0,4}:\s{0,4}0\b"),
    count=re.compile(r"\bunprovision-onu count\s{0,4}:\s{0,4}(\d{1,6})\b"),
    absent=frozenset({"default"}),
)

CALIX_AXOS = Platform(
    # Calix's AXOS test suites and an operator's CLI tools: a table, the same `| csv` (names and their order), and
    # `| notab` blocks. The list holds configured ONTs too, with their ONT ID. That the table's
    # header is stacked was not seen: it is how CLIs made with ConfD print names of several words.
    command=re.compile(r"\bshow\s.{0,60}\bdiscovered-onts?\b"),
    forms=(
        Blocks(
            start=re.compile(
                r"\s*(?:[a-z][\w-]{0,30}\s{1,3}){0,4}discovered-ont\s{1,4}"
                r"(?P<vendor>[A-Za-z0-9]{4})\s{1,4}(?P<serial>\w{1,16})\b"
            ),
            pair=re.compile(r"\s*([a-z][a-z-]{0,30})\s{1,40}(\S.{0,120})"),
        ),
        Table(header=re.compile(r"\bNUMBER\b|\bserial-number\b")),
    ),
    fields={
        "vendorid": "vendor",
        "serialnumber": "serial",
        "shelfid": "shelf",
        "slotid": "slot",
        "port": "port",
        "ontid": "configured",
        "regid": "password",
        "model": "model",
    },
    port=re.compile(r"\d{1,3}/\d{1,3}/[a-z]{1,6}\d{1,3}"),
    port_from="{shelf}/{slot}/{port}",
    mark=re.compile(r"^\s*[A-Z]{4}(?:,|\s{1,20})[0-9A-Fa-f]{1,8}(?:,|\s|$)"),
    empty=re.compile(r"\bno entries found\b", re.IGNORECASE),
    short_serials=True,
)

V_SOL = Platform(
    # Operators' drivers for V1600G (`show onu auto-find` inside `interface gpon 0/N`). With none waiting some firmware
    # prints `Error:` and nothing behind it (one operator's finding), other the sentence of ZTE.
    command=re.compile(r"\bshow onu auto-find\b"),
    forms=(
        Table(
            header=re.compile(r"\bOnuIndex\b", re.IGNORECASE),
            bare={2: ("port", "serial"), 3: ("port", "serial", "state")},
        ),
    ),
    fields={"onuindex": "port", "sn": "serial", "state": "state", "model": "model"},
    port=re.compile(r"(GPON\d{1,3}/\d{1,3})(?::\d{1,4})?"),
    port_name=r"\1",
    mark=re.compile(r"\bGPON\d{1,3}/"),
    empty=re.compile(r"^\s*Error:\s*$|\bno related information to show\b", re.IGNORECASE),
)

PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "huawei": HUAWEI,
        "zte": ZTE,
        "nokia-isam": NOKIA_ISAM,
        "calix-axos": CALIX_AXOS,
        "v-sol": V_SOL,
    }
)
"""By the name that ``parse`` takes."""
