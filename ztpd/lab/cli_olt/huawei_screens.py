"""What a Huawei SmartAX prints about ONTs, service ports and traffic tables; ``huawei`` says where it was seen."""

from collections.abc import Iterable, Iterator

from pon.serial import to_hex
from ztpd.lab.cli_olt.shelf import Entry, PluggedOnu, Shelf

RULE = "  " + "-" * 77 + "\n"
_WIDTH = 80


def boards(slots: Iterable[str]) -> Iterator[str]:
    """The boards of the frame, by the slots that have a line card."""
    yield RULE + "  SlotID  BoardName  Status          SubType0 SubType1    Online/Offline\n" + RULE
    for slot in slots:
        yield f"  {slot:<8}H901GPHF   Normal\n"
    yield "  8       H901MPLA   Active_normal\n" + RULE


def port_states(ports: Iterable[str]) -> Iterator[str]:
    """The PON ports of a card."""
    for port in ports:
        yield RULE + f"  F/S/P                        {port}\n"
        yield "  Optical Module status        Online\n  Port state                   Online\n"
    yield RULE


def autofind(found: Iterable[PluggedOnu]) -> Iterator[str]:
    """ONTs that nobody has configured."""
    count = 0
    for count, onu in enumerate(found, start=1):  # it is printed at the end
        yield RULE
        yield f"   Number              : {count}\n   F/S/P               : {onu.port}\n"
        yield f"   Ont SN              : {to_hex(onu.serial)} ({onu.serial[:4]}-{onu.serial[4:]})\n"
        yield "   Password            : 0x00000000000000000000\n   Loid                :\n"
        yield f"   VendorID            : {onu.serial[:4]}\n   Ont EquipmentID     : EG8145V5\n"
        yield "   Ont autofind time   : 2026-01-02 03:04:05+00:00\n"
    yield RULE + f"   The number of GPON autofind ONT is {count}\n"


def ont_in_full(shelf: Shelf, onu: Entry) -> Iterator[str]:
    """One ONT."""
    serial = str(onu["serial"])
    frame, slot, pon = str(onu["port"]).split("/")
    online = shelf.is_online(str(onu["port"]), serial)
    yield RULE + f"  F/S/P                   : {frame}/{slot}/{pon}\n  ONT-ID                  : {onu['id']}\n"
    yield f"  Control flag            : {'active' if onu['enabled'] else 'deactivated'}\n"
    yield f"  Run state               : {'online' if online else 'offline'}\n"
    yield f"  Config state            : {'normal' if online else 'initial'}\n"
    yield f"  Match state             : {'match' if online else 'initial'}\n"
    yield f"  Authentic type          : SN-auth\n  SN                      : {to_hex(serial)} "
    yield f"({serial[:4]}-{serial[4:]})\n  Management mode         : OMCI\n"
    description = str(onu["description"])
    yield f"  Description             : {description[:32]}\n"
    for place in range(32, len(description), 32):
        yield f"                            {description[place : place + 32]}\n"
    yield RULE + f"  Line profile ID      : {onu['line_profile']}\n  Service profile ID   : "
    yield f"{onu['service_profile']}\n" + RULE


def onts_table(shelf: Shelf, onus: Iterable[Entry]) -> Iterator[str]:
    """ONTs with their states."""
    yield RULE + "  F/S/P   ONT         SN         Control     Run      Config   Match    Protect\n"
    yield "          ID                     flag        state    state    state    side\n" + RULE
    for onu in onus:
        yield _ont_row(shelf, onu)
    yield RULE


def descriptions_table(onus: Iterable[Entry]) -> Iterator[str]:
    """ONTs with their descriptions."""
    yield RULE + "  F/S/P       ONT  Description\n              ID\n" + RULE
    for onu in onus:
        frame, slot, pon = str(onu["port"]).split("/")
        yield f"  {frame}/ {slot}/{pon} {onu['id']:>7}   {onu['description']}\n"
    yield RULE


def optics(light: PluggedOnu) -> Iterator[str]:
    """The light at both ends."""
    yield RULE + "  ONU NNI port ID                        : 0\n"
    yield f"  Rx optical power(dBm)                  : {light.onu_rx_dbm:.2f}\n"
    yield "  Tx optical power(dBm)                  : 2.31\n"
    yield f"  OLT Rx ONT optical power(dBm)          : {light.olt_rx_dbm:.2f}\n" + RULE


def _ont_row(shelf: Shelf, onu: Entry) -> str:
    frame, slot, pon = str(onu["port"]).split("/")
    online = shelf.is_online(str(onu["port"]), str(onu["serial"]))
    flag = "active" if onu["enabled"] else "deactivated"
    state = "online   normal   match  " if online else "offline  initial  initial"
    return f"  {frame}/ {slot}/{pon} {onu['id']:>4}  {to_hex(str(onu['serial']))}  {flag:<11} {state}  no\n"


def section_gpon(onus: Iterable[Entry]) -> Iterator[str]:
    """ONTs as commands."""
    yield "#\n[gpon]\n"
    by_card: dict[str, list[Entry]] = {}
    for onu in onus:
        by_card.setdefault(str(onu["port"]).rpartition("/")[0], []).append(onu)
    for card, those in sorted(by_card.items()):
        yield f"  <gpon-{card}>\n interface gpon {card}\n"
        for onu in those:
            pon = str(onu["port"]).rpartition("/")[2]
            yield _wrapped(
                f' ont add {pon} {onu["id"]} sn-auth "{to_hex(str(onu["serial"]))}" omci ont-lineprofile-id '
                f'{onu["line_profile"]} ont-srvprofile-id {onu["service_profile"]} desc "{onu["description"]}"'
            )
            if not onu["enabled"]:
                yield f" ont deactivate {pon} {onu['id']}\n"


def section_flows(flows: Iterable[tuple[str, Entry]]) -> Iterator[str]:
    """Service ports as commands."""
    yield "#\n[bbs-config]\n  <bbs-config>\n"
    for number, flow in sorted(flows, key=lambda each: int(each[0])):
        inner = f" inner-vlan {flow['inner']}" if flow["inner"] else ""
        yield _wrapped(
            f" service-port {number} vlan {flow['vlan']} gpon {flow['port']} ont {flow['ont']} gemport "
            f"{flow['gemport']} multi-service user-vlan {flow['user_vlan']} tag-transform {flow['tag']}{inner} "
            f"inbound traffic-table index {flow['inbound']} outbound traffic-table index {flow['outbound']}"
        )
    yield "#\n"


def table_text(index: str, table: Entry) -> str:
    """One traffic table in detail."""
    return (
        f"  Traffic Table Index          : {index}\n  Traffic Table Name           : {table['name']}\n"
        f"  Priority Policy              : local-pri\n  Specified Outer-Priority     : {table['priority']}\n"
        f"  CIR                          : {table['cir']} kbps\n  PIR                          : {table['pir']} kbps\n"
    )


def _wrapped(line: str) -> str:
    """A line of a configuration as the element breaks it: at a blank, and the rest without one in front."""
    lines: list[str] = []
    while len(line) > _WIDTH and (place := line.rfind(" ", 1, _WIDTH)) > 0:
        lines.append(line[:place])
        line = line[place + 1 :]
    return "\n".join([*lines, line]) + "\n"
