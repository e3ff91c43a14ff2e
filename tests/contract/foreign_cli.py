"""What another management system types for an ONU at each command line: the same service, under names of its own.

``number`` is added to the lowest ONU id (and service port) of a port. Each makes a profile more than it needs, which is
nobody's business.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from drivers.access import WantedAccess
from pon.serial import to_hex

Lines = list[str]
REFUSED = re.compile(r"(?m)^\s*(?:%(?!Info)|Error|Failure|Aborted|invalid|syntax error|command is not)")
"""What no line of an answer begins with when the command was understood and done."""


def _kbps(bps: int) -> int:
    return bps // 1000


def _huawei(wanted: WantedAccess, number: int) -> Lines:
    card, _, pon = wanted.port.rpartition("/")
    up, down = (-(-_kbps(bps) // 64) * 64 for bps in (wanted.upstream_bps, wanted.downstream_bps))
    return [
        "enable",
        "undo smart",
        "config",
        f"traffic table ip name gold-up-{number} cir {up} pir {up} priority 0 priority-policy local-setting",
        f"traffic table ip name gold-down-{number} cir {down} pir {down} priority 0 priority-policy local-setting",
        f"traffic table ip name staff-{number} cir 10240 pir 10240 priority 0 priority-policy local-setting",
        f"interface gpon {card}",
        f'ont add {pon} {number} sn-auth "{to_hex(wanted.device)}" omci ont-lineprofile-id 20 ont-srvprofile-id 20 '
        f'desc "Smith_{number}"',
        "quit",
        f"service-port {number} vlan {wanted.s_vlan} gpon {wanted.port} ont {number} gemport 2 multi-service "
        f"user-vlan 35 tag-transform translate-and-add inner-vlan {wanted.c_vlan} "
        f"inbound traffic-table name gold-up-{number} outbound traffic-table name gold-down-{number}",
    ]


def _zte_profiles(wanted: WantedAccess, number: int) -> Lines:
    up, assured = _kbps(wanted.upstream_bps), _kbps(wanted.assured_upstream_bps)
    return [
        "configure terminal",
        "gpon",
        f"profile tcont gold-{number} type 3 assured {assured} maximum {up}",
        f"profile tcont staff-{number} type 4 maximum 10240",
    ]


def _zte_c300(wanted: WantedAccess, number: int) -> Lines:
    onu = f"{wanted.port.removeprefix('gpon-olt_')}:{1 + number}"
    down = _kbps(wanted.downstream_bps)
    return [
        *_zte_profiles(wanted, number),
        f"profile traffic gold-{number} sir {down} pir {down}",
        f"interface {wanted.port}",
        f"onu {1 + number} type F601 sn {wanted.device}",
        f"interface gpon-onu_{onu}",
        f"name Smith-{number}",
        f"tcont 1 name data profile gold-{number}",
        "gemport 1 name data tcont 1",
        f"gemport 1 traffic-limit downstream gold-{number}",
        f"pon-onu-mng gpon-onu_{onu}",
        f"service inet gemport 1 vlan {wanted.c_vlan}",
        f"vlan port eth_0/1 mode tag vlan {wanted.c_vlan}",
        f"interface gpon-onu_{onu}",
        f"service-port 1 vport 1 user-vlan {wanted.c_vlan} vlan {wanted.c_vlan} svlan {wanted.s_vlan}",
    ]


def _zte_c600(wanted: WantedAccess, number: int) -> Lines:
    location = wanted.port.removeprefix("gpon_olt-")
    onu, down = f"{location}:{1 + number}", _kbps(wanted.downstream_bps)
    return [
        *_zte_profiles(wanted, number),
        "exit",
        f"traffic-profile gold-{number} cir {down} cbs 4096 pir {down} pbs 4096",
        f"interface {wanted.port}",
        f"onu {1 + number} type F601 sn {wanted.device}",
        f"interface gpon_onu-{onu}",
        f"tcont 1 name data profile gold-{number}",
        f"gemport 1 name Smith-{number} tcont 1",
        f"pon-onu-mng gpon_onu-{onu}",
        f"service inet gemport 1 vlan {wanted.c_vlan}",
        f"vlan port eth_0/1 mode tag vlan {wanted.c_vlan}",
        f"interface vport-{location}.{1 + number}:1",
        f"service-port 1 user-vlan {wanted.c_vlan} vlan {wanted.c_vlan} svlan {wanted.s_vlan} egress gold-{number}",
    ]


def _vsol(wanted: WantedAccess, number: int) -> Lines:
    onu = f"onu {1 + number}"
    up, assured = _kbps(wanted.upstream_bps), _kbps(wanted.assured_upstream_bps)
    return [
        "enable",
        "configure terminal",
        f"profile dba id {20 + number} name gold-{number}",
        f"type 3 assured {assured} maximum {up}",
        "commit",
        "exit",
        f"profile dba id {40 + number} name staff-{number}",
        "type 4 maximum 10240",
        "commit",
        "exit",
        f"profile traffic id {20 + number} name gold-{number}",
        f"sir 0 pir {_kbps(wanted.downstream_bps)}",
        "commit",
        "exit",
        f"interface gpon {wanted.port.removeprefix('GPON')}",
        f"onu add {1 + number} profile default sn {wanted.device}",
        f"{onu} desc Smith-{number}",
        f"{onu} tcont 1 name data dba gold-{number}",
        f"{onu} gemport 1 tcont 1 gemport_name data",
        f"{onu} gemport 1 traffic-limit downstream gold-{number}",
        f"{onu} service inet gemport 1 vlan {wanted.c_vlan}",
        f"{onu} portvlan eth 1 mode tag vlan {wanted.c_vlan}",
        f"{onu} service-port 1 gemport 1 uservlan {wanted.c_vlan} vlan {wanted.c_vlan} svlan {wanted.s_vlan} new_cos 0",
    ]


def _axos(wanted: WantedAccess, number: int) -> Lines:
    vendor, specific = wanted.device[:4], wanted.device[4:].lstrip("0")
    return [
        "configure",
        "class-map ethernet house",
        "flow 1",
        "rule 1 match any",
        "top",
        f"policy-map gold-{number}",
        "class-map-ethernet house",
        "ingress meter-mef",
        f"eir {_kbps(wanted.upstream_bps)}",
        "exit",
        "egress shaper",
        f"maximum {_kbps(wanted.downstream_bps)}",
        "exit",
        "flow 1",
        "set-stag-pcp 0",
        "top",
        f"policy-map staff-{number}",
        "class-map-ethernet house",
        "top",
        f"ont {1 + number} profile-id 812G vendor-id {vendor} serial-number {specific} provisioned-pon {wanted.port} "
        f"subscriber-id Smith-{number}",
        "top",
        f"interface ont-ethernet {1 + number}/x1",
        "role uni",
        "no shutdown",
        f"vlan {wanted.s_vlan}",
        f"c-vlan {wanted.c_vlan}",
        f"policy-map gold-{number}",
    ]


def _isam(wanted: WantedAccess, number: int) -> Lines:
    ont = f"{wanted.port}/{1 + number}"
    uni = f"{ont}/14/1"
    up, assured = _kbps(wanted.upstream_bps), _kbps(wanted.assured_upstream_bps)
    forward = f"stacked:{wanted.s_vlan}:{wanted.c_vlan}"
    return [
        f"configure qos profiles bandwidth gold-{number} committed-info-rate 0 assured-info-rate {assured} "
        f"excessive-info-rate {up}",
        f"configure qos profiles bandwidth staff-{number} committed-info-rate 0 assured-info-rate 0 "
        "excessive-info-rate 10240",
        f"configure qos profiles shaper gold-{number} committed-info-rate 0 committed-burst-size 0 "
        f"excess-info-rate {_kbps(wanted.downstream_bps)} type singletokenbucketgpon",
        f"configure equipment ont interface {ont} sw-ver-pland disabled sernum {wanted.device[:4]}:{wanted.device[4:]} "
        f'subslocid WILDCARD sw-dnload-version disabled desc1 "Smith-{number}"',
        f"configure equipment ont interface {ont} admin-state up",
        f"configure equipment ont slot {ont}/14 planned-card-type veip plndnumdataports 1 plndnumvoiceports 0 "
        "admin-state up",
        f"configure interface port uni:{uni} admin-up",
        f"configure qos interface {uni} upstream-queue 0 bandwidth-profile name:gold-{number}",
        f"configure qos interface {uni} queue 0 shaper-profile name:gold-{number}",
        f"configure bridge port {uni} max-unicast-mac 8",
        f"configure bridge port {uni} vlan-id 100 tag single-tagged l2fwder-vlan {forward} vlan-scope local "
        "qos priority:0",
    ]


COMMANDS: Mapping[str, Callable[[WantedAccess, int], Lines]] = MappingProxyType(
    {
        "huawei-smartax": _huawei,
        "zte-c300": _zte_c300,
        "zte-c600": _zte_c600,
        "v-sol": _vsol,
        "calix-axos": _axos,
        "nokia-isam": _isam,
    }
)
"""By the name of the platform: the lines for a service and a number."""
