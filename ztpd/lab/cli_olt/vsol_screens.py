"""What V-SOL's OLTs print. Cells of a table are placed by the cursor."""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from ztpd.lab.cli_olt.shelf import Entry, PluggedOnu, Shelf


def parts(onu: Entry, kind: str) -> dict[str, Entry]:
    """The T-CONTs, GEM ports, services or service ports of an ONU, by number or name."""
    return cast("dict[str, Entry]", onu.setdefault(kind, {}))


def onus_on(shelf: Shelf, port: str) -> list[tuple[int, Entry]]:
    """Number and entry of each ONU that is configured on a port, in their order."""
    found = [(int(key.partition(":")[2]), onu) for key, onu in shelf.objects("onu").items() if onu["port"] == port]
    return sorted(found, key=lambda each: each[0])


def placed(first: str, cells: Iterable[tuple[int, str]]) -> str:
    """A row: each cell is written at its column, from the line's start."""
    return first + "".join(f"\r\x1b[{column}C{cell}" for column, cell in cells) + "\n"


def auto_find(unknown: Iterable[PluggedOnu]) -> Iterator[str]:
    """The unknown ONUs of a port; every one is listed as number 1."""
    yield "OnuIndex                 Sn                       State\n"
    yield "-" * 57 + "\n"
    for onu in unknown:
        yield placed(f"{onu.port}:1", ((25, onu.serial), (50, "unknow")))


def info(shelf: Shelf, port: str) -> Iterator[str]:
    """Model, profile and serial of each ONU of a port."""
    yield "Onuindex   Model                Profile                Mode    AuthInfo                      \n"
    yield "-" * 93 + "\n"
    for number, onu in onus_on(shelf, port):
        cells = ((11, "unknown"), (32, str(onu["profile"])), (55, "sn"), (63, str(onu["serial"])))
        yield placed(f"{port}:{number}", cells) + "\n"


def state(shelf: Shelf, port: str) -> Iterator[str]:
    """Who is enabled and working, and how many are."""
    yield "OnuIndex    Admin State    OMCC State    Phase State    Serial Number\n"
    yield "-" * 63 + "\n"
    rows = onus_on(shelf, port)
    working = 0
    for number, onu in rows:
        online = shelf.is_online(port, str(onu["serial"]))
        working += online
        admin = "enable" if onu["enabled"] else "disable"
        omcc, phase = ("enable", "working") if online else ("disable", "offline")
        yield placed(f"{port}:{number}", ((12, admin), (27, omcc), (41, phase), (56, str(onu["serial"]))))
    yield f"pon: {port.rpartition('/')[2]} total: {len(rows)} working: {working}\n"


def optical(shelf: Shelf, onu: Entry) -> Iterator[str]:
    """The light at both ends of one ONU's fibre, as firmware prints it that knows both."""
    plugged = _working(shelf, onu)
    if plugged is None:
        yield "Error: onu is offline.\n"  # no source shows this sentence
        return
    yield "Alarm                      : enable\n"
    yield "Piggyback DBA rpt mode     : mode 0 only\n"
    yield f"Rx optical level(ONU)      : {plugged.onu_rx_dbm:.2f}\n"
    yield f"Rx optical level(OLT)      : {plugged.olt_rx_dbm:.2f}\n"
    yield "Lower rx optical threshold : ont internal policy\n"
    yield "Upper rx optical threshold : ont internal policy\n"
    yield "Tx optical level           : 2.54\n"
    yield "Power feed voltage         : 3.26(V)\n"
    yield "Laser bias current         : 11.290(mA)\n"
    yield "Temperature                : 54.500(C)\n"


def rx_power(shelf: Shelf, port: str) -> Iterator[str]:
    """The light that each ONU of a port receives."""
    yield "Onu         ONU_Rx\n"
    yield "-" * 36 + "\n"
    for number, onu in onus_on(shelf, port):
        plugged = _working(shelf, onu)
        yield f"{number:<12}{'N/A' if plugged is None else f'{plugged.onu_rx_dbm:.2f}'}\n"


def brief(shelf: Shelf) -> Iterator[str]:
    """The ports, PON and others."""
    yield "Port         Description         Status    Duplex  Speed     Type\n"
    yield "---          -----------         -----     ------  -----     ---\n"
    yield "GE0/1                            up        Full    1000M     1000Base-T\n"
    for port in shelf.ports:
        yield f"{port:<33}{'up':<28}GPON\n"
    for port in shelf.ports:
        for number, onu in onus_on(shelf, port):
            up = "up" if shelf.is_online(port, str(onu["serial"])) else "down"
            yield f"{f'{port}:{number}':<13}{onu.get('desc', '')!s:<20}{up:<28}GPON-ONUID\n"


def dba_profiles(profiles: Mapping[str, Entry]) -> Iterator[str]:
    """DBA profiles in detail."""
    yield "###############DBA PROFILE###########\n"
    for name, profile in profiles.items():
        yield f"*****************************\n              Id: {profile['id']}\n            name: {name}\n"
        yield f"            type: {profile['type']}\n"
        for rate in ("fixed", "assured", "maximum"):
            if profile[rate]:
                yield f"{rate:>16}: {profile[rate]} Kbps\n"
        yield "\n"


def traffic_profiles(profiles: Mapping[str, Entry]) -> Iterator[str]:
    """Traffic profiles in detail."""
    yield "###############TRAFFIC PROFILE###########\n"
    for name, profile in profiles.items():
        yield f"*****************************\nId:   {profile['id']}\nName: {name}\n"
        yield f"sir:  {profile['sir']} Kbps\npir:  {profile['pir']} Kbps\n\n"


def onu_config(number: str, onu: Entry) -> Iterator[str]:
    """The lines that make one ONU, in the order in which they are saved."""
    yield f"onu add {number} profile {onu['profile']} sn {onu['serial']}"
    if "desc" in onu:
        yield f"onu {number} desc {onu['desc']}"
    if not onu["enabled"]:
        yield f"onu {number} deactivate"
    for tcont, made in parts(onu, "tcont").items():
        yield f"onu {number} tcont {tcont} name {made['name']} dba {made['dba']}"
    for gem, made in parts(onu, "gemport").items():
        yield f"onu {number} gemport {gem} tcont {made['tcont']} gemport_name {made['name']} portid {made['portid']}"
        if made.get("down"):
            up = f" upstream {made['up']}" if made.get("up") else ""
            yield f"onu {number} gemport {gem} traffic-limit{up} downstream {made['down']}"
    for name, made in parts(onu, "service").items():
        yield f"onu {number} service {name} gemport {made['gemport']} vlan {made['vlan']}"
    for service, made in parts(onu, "service-port").items():
        svlan = f" svlan {made['svlan']}" if made["svlan"] else ""
        vlans = f"uservlan {made['user']} vlan {made['vlan']}{svlan}"
        yield f"onu {number} service-port {service} gemport {made['gemport']} {vlans} new_cos {made['cos']}"
    for uni, made in parts(onu, "portvlan").items():
        yield f"onu {number} portvlan {uni} mode {made['how']}"


def running_config(shelf: Shelf, profiles: Mapping[str, Mapping[str, Entry]]) -> Iterator[str]:
    """All of it."""
    yield "!Software Version: V1.4.8R"
    yield "hostname gpon-olt"
    yield "!"
    for name, profile in profiles["dba"].items():
        rates = [f"{rate} {profile[rate]}" for rate in ("fixed", "assured", "maximum") if profile[rate]]
        yield f"profile dba id {profile['id']} name {name}"
        yield f"  type {profile['type']} {' '.join(rates)}"
        yield from ("commit", "exit", "!")
    for name, profile in profiles["traffic"].items():
        yield f"profile traffic id {profile['id']} name {name}"
        yield f"  sir {profile['sir']} pir {profile['pir']}"
        yield from ("commit", "exit", "!")
    for port in shelf.ports:
        yield f"interface gpon {port.removeprefix('GPON')}"
        yield "no onu auto-learn"
        for number, onu in onus_on(shelf, port):
            yield from onu_config(str(number), onu)
        yield from ("exit", "!")


def _working(shelf: Shelf, onu: Entry) -> PluggedOnu | None:
    port, serial = str(onu["port"]), str(onu["serial"])
    return shelf.onu_at(port, serial) if shelf.is_online(port, serial) else None
