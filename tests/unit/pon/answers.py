"""Answers to the autofind commands, written from the layouts of ``pon.autofind.platforms``; no device printed them."""

RULE = "-" * 70

HUAWEI = f"""\
MA5800-X7(config)#display ont autofind all
   {RULE}
   Number              : 1
   F/S/P               : 0/2/11
   Ont SN              : 485754431A2B3C4D (HWTC-1A2B3C4D)
   Password            : 0x31323334350000000000
   Loid                : alice-01
   Checkcode           : 777
   VendorID            : HWTC
   Ont Version         : 11B3.A
   Ont SoftwareVersion : V5R020C10S001
   Ont EquipmentID     : HG8145V5
   Ont autofind time   : 2026-01-02 03:04:05+00:00
   {RULE}
   Number              : 2
   F/S/P               : 0/3/0
   Ont SN              : 5A54454700000A0B
   Password            : 0x00000000000000000000
   Loid                :
   Ont EquipmentID     : -
   {RULE}
   The number of GPON autofind ONT is 2

MA5800-X7(config)#"""

ZTE_STATE = f"""\
OLT-C320#show gpon onu uncfg
OnuIndex                 Sn                  State
{RULE}
gpon-onu_1/1/2:1         HWTC1A2B3C4D        unknown
gpon-onu_1/1/2:1         ZTEG00000A0B        unknown
OLT-C320#"""

ZTE_PASSWORD = f"""\
show pon onu uncfg
OltIndex            Model                SN                 PW
{RULE}
gpon_olt-1/3/16     F670LV9.0            ZTEGD0000001       GD0000001
gpon_olt-1/3/16     N/A                  HWTC1A2B3C4D       N/A
"""

ZTE_TYPE = f"""\
{RULE}
OnuIndex                       OnuType     OnuSn           State
{RULE}
gpon_olt-1/1/1                 N/A         ZTEG00000A0B    unknown
"""

ZTE_MAC = f"""\
OltIndex            Model              MAC               SN
{RULE}
gpon-olt_1/9/7      F612V6.0           N/A               ZTEGC0FFEE00
"""

ZTE_EMPTY = "%Code 32310-GPONSRV : No related information to show.\n"

NOKIA = """\
typ:isadmin>#show pon unprovision-onu
=======================================================================================
unprovision-onu table
=======================================================================================
         |                 |              |                |              |actual
alarm-idx|gpon-index       |sernum        |subscriber-locid|logical-authid|us-rate
---------+-----------------+--------------+----------------+--------------+-------
 5        1/1/1/16          ALCL:1A2B3C4D  DEFAULT                         1.25g
23        x-pon:1/1/2/1     ALCLFD000001   1234567890                      10g
---------------------------------------------------------------------------------------
unprovision-onu count : 2
=======================================================================================
typ:isadmin>#"""

NOKIA_EMPTY = """\
unprovision-onu table
alarm-idx|gpon-index       |sernum        |subscriber-locid|logical-authid|us-rate
---------+-----------------+--------------+----------------+--------------+-------
unprovision-onu count : 0
"""

_NOKIA_XML = """\
typ:isadmin># show pon unprovision-onu xml
<?xml version="1.0" encoding="UTF-8"?>
<runtime-data display-level="normal">
<hierarchy name="show" type="static"><hierarchy name="pon" type="static">
<hierarchy name="unprovision-onu" type="static">
{}</hierarchy></hierarchy></hierarchy>
</runtime-data>
typ:isadmin>#"""

NOKIA_XML = _NOKIA_XML.format("""\
<instance>
  <res-id name="alarm-idx" short-name="alarm-idx" type="Alarm::genAlarmIndex">69</res-id>
  <info name="gpon-index" short-name="gpon-index" type="Gpon::PonId">x-pon:1/1/1/12</info>
  <info name="sernum" short-name="sernum" type="Gpon::SerNum1">ALCL1A2B3C4D</info>
  <info name="subscriber-locid" type="Gpon::SubsLocId">&quot;&quot;</info>
  <info name="logical-authid" type="Gpon::LogAuthId">alice&amp;bob</info>
</instance>
""")
NOKIA_XML_EMPTY = _NOKIA_XML.format("")

AXOS_TABLE = """\
E7-2# show discovered-onts
VENDOR  SERIAL  SHELF  SLOT        ONT     REG         CURR
ID      NUMBER  ID     ID    PORT  ID      ID   MODEL  VERSION
---------------------------------------------------------------
CXNK    9A3F1   1      2     xp1   -       -    844GE  21.4.0
CXNK    11000   1      2     xp16  alice7  -    801XG  21.4.0
E7-2#"""

AXOS_CSV = """\
VENDOR ID,SERIAL NUMBER,SHELF ID,SLOT ID,PORT,ONT ID,REG ID,MODEL,CURR VERSION
CXNK,9A3F1,1,1,xp1,-,12345,"844GE, black",21.4.0
"""

AXOS_BLOCKS = """\
show interface pon 2/1/xp2 discovered-onts | notab
 discovered-onts
  discovered-ont CXNK 9A3F1
   shelf-id     2
   slot-id      1
   port         xp2
   reg-id       00112233AABBCCDD
   model        844GE
  discovered-ont CXNK 11000001
   shelf-id     2
   slot-id      1
   port         xp2
   ont-id       alice7
"""

AXOS_EMPTY = "% No entries found.\n"

VSOL = """\
gpon-olt(config-pon-0/1)# show onu auto-find\r
OnuIndex                 Sn                       State\r
---------------------------------------------------------\r
GPON0/1:1\r\x1b[25CGPON00AAAA01\r\x1b[50Cunknow\r
GPON0/1:2\x1b[16CVSOL0000aa02\x1b[13Cunknow\r
gpon-olt(config-pon-0/1)# """

ALL = {
    "huawei": (HUAWEI, "  Failure: The automatically found ONTs do not exist\n"),
    "zte": (ZTE_STATE, ZTE_PASSWORD, ZTE_TYPE, ZTE_MAC, ZTE_EMPTY),
    "nokia-isam": (NOKIA, NOKIA_XML, NOKIA_EMPTY, NOKIA_XML_EMPTY),
    "calix-axos": (AXOS_TABLE, AXOS_CSV, AXOS_BLOCKS, AXOS_EMPTY),
    "v-sol": (VSOL, "Error:\r\n"),
}
"""Every layout of every platform, lists and empty answers."""
