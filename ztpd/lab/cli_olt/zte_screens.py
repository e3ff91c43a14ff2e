"""What ZTE's OLTs print: tables, profiles, and the running configuration."""

from collections.abc import Iterable, Iterator
from typing import cast

from ztpd.lab.cli_olt.shelf import Entry, Shelf
from ztpd.lab.cli_olt.zte_words import Words

WIDTH = 80
_MASKED = "********"


def parts(onu: Entry, kind: str) -> dict[str, Entry]:
    """The T-CONTs, GEM ports, service ports, services or UNIs of an ONU, by number or name."""
    return cast("dict[str, Entry]", onu.setdefault(kind, {}))


def profiles_of(onu: Entry) -> Iterator[object]:
    """The names of the profiles that an ONU uses."""
    yield from (tcont["profile"] for tcont in parts(onu, "tcont").values())
    yield from (gem.get("limit") for gem in parts(onu, "gemport").values())
    yield from (port.get("egress") for port in parts(onu, "service-port").values())


def onus_on(shelf: Shelf, port: str) -> list[tuple[int, str, Entry]]:
    """Number, key and entry of each ONU that is configured on a port, in their order."""
    found = [(int(key.partition(":")[2]), key, onu) for key, onu in shelf.objects("onu").items() if onu["port"] == port]
    return sorted(found, key=lambda each: each[0])


def wrapped(lines: Iterable[str]) -> str:
    """The lines as a terminal of 80 columns breaks them."""
    return "".join(f"{line[start : start + WIDTH]}\n" for line in lines for start in range(0, len(line) or 1, WIDTH))


def uncfg(words: Words, shelf: Shelf, with_model: bool) -> Iterator[str]:
    """The unknown ONUs; every one is listed as number 1."""
    if with_model:
        yield "OltIndex            Model                SN                 PW"
        yield "-" * 73
        for onu in shelf.unknown():
            yield f"{onu.port:<20}{'F601':<21}{onu.serial:<19}N/A"
        return
    yield "OnuIndex                 Sn                  State"
    yield "-" * 69
    for onu in shelf.unknown():
        name = words.onu_name(f"{words.location(onu.port)}:1")
        yield f"{name:<25}{onu.serial:<20}unknown"


def onu_state(words: Words, shelf: Shelf, ports: Iterable[str], only: int | None) -> Iterator[str]:
    """Who is enabled and working, and how many are."""
    last = "Channel" if words.family == "c300" else "Speed mode"
    yield f"OnuIndex   Admin State  OMCC State  Phase State  {last}"
    yield "-" * 62
    working = total = 0
    for port in ports:
        for number, key, onu in onus_on(shelf, port):
            if only not in (None, number):
                continue
            online = shelf.is_online(port, str(onu["serial"]))
            working, total = working + online, total + 1
            admin = "enable" if onu["enabled"] else "disable"
            phase = "working" if online else "OffLine"
            channel = "1(GPON)" if words.family == "c300" else "GPON"
            yield f"{key:<11}{admin:<13}{'enable' if online else 'disable':<13}{phase:<13}{channel}"
    yield f"ONU Number: {working}/{total}"


def baseinfo(words: Words, shelf: Shelf, port: str) -> Iterator[str]:
    """Type and serial of each ONU of a port; long types are broken in their column."""
    yield "OnuIndex            Type        Mode    AuthInfo                State"
    yield "-" * 79
    for _, key, onu in onus_on(shelf, port):
        kind = str(onu["type"])
        yield f"{words.onu_name(key):<20}{kind[:11]:<12}sn      SN:{onu['serial']:<21}ready"
        if kind[11:]:
            yield f"{'':<20}{kind[11:]}"


def found(words: Words, key: str) -> Iterator[str]:
    """The answer to a search by serial."""
    yield "Search result" if words.family == "c300" else "SearchResult"
    yield "-" * 19
    yield words.onu_name(key)


def attenuation(shelf: Shelf, onu: Entry) -> Iterator[str]:
    """The light in both directions; the OLT's transmitter is at 4.2 dBm, the ONU's at 2.5 dBm."""
    serial, port = str(onu["serial"]), str(onu["port"])
    plugged = shelf.onu_at(port, serial) if onu["enabled"] else None
    yield "           OLT                  ONU              Attenuation"
    yield "-" * 74
    if plugged is None:
        yield " up      Rx :no signal         Tx:N/A               N/A"
        yield ""
        yield " down    Tx :4.200(dbm)        Rx:N/A               N/A"
        return
    up, down = plugged.olt_rx_dbm, plugged.onu_rx_dbm
    yield f" up      Rx :{up:.3f}(dbm)      Tx:2.500(dbm)        {2.5 - up:.3f}(dB)"
    yield ""
    yield f" down    Tx :4.200(dbm)        Rx:{down:.3f}(dbm)      {4.2 - down:.3f}(dB)"


def tcont_profiles(profiles: dict[str, Entry]) -> Iterator[str]:
    """T-CONT profiles in detail."""
    for name, profile in profiles.items():
        yield f"Profile name :{name}  "
        yield " Type           FBW(kbps)   ABW(kbps)   MBW(kbps)   PRIORITY   WEIGHT    "
        rates = "".join(f"{profile[rate]:<12}" for rate in ("fixed", "assured", "maximum"))
        yield f" {profile['type']:<15}{rates}N/A         N/A         "
        yield " "


def traffic_profiles(profiles: dict[str, Entry]) -> Iterator[str]:
    """Traffic profiles of the C300 in detail."""
    for name, profile in profiles.items():
        yield f"Profile name  :{name}          "
        yield "  SIR(kbps)           PIR(kbps)           CBS(kbytes)         PBS(kbytes)          "
        yield f" {profile['sir']:<20}{profile['pir']:<20}default             default             "
        yield " "


def tcont_line(name: str, profile: Entry) -> str:
    """The line that makes a T-CONT profile."""
    rates = {"1": ("fixed",), "2": ("assured",), "3": ("assured", "maximum"), "4": ("maximum",)}
    names = rates.get(str(profile["type"]), ("fixed", "assured", "maximum"))
    return f"  profile tcont {name} type {profile['type']} " + " ".join(f"{rate} {profile[rate]}" for rate in names)


def olt_block(words: Words, shelf: Shelf, port: str) -> Iterator[str]:
    """The configuration of a PON port: its ONUs."""
    yield f"interface {port}"
    yield "  no shutdown"
    if words.family == "c300":
        yield "  linktrap disable"
    for number, _, onu in onus_on(shelf, port):
        yield f"  onu {number} type {onu['type']} sn {onu['serial']}"
    yield words.end_of_block


def onu_block(words: Words, key: str, onu: Entry) -> Iterator[str]:
    """The configuration of an ONU's interface."""
    yield f"interface {words.onu_name(key)}"
    for label in ("name", "description"):
        if label in onu:
            yield f"  {label} {_MASKED if words.masks_names else onu[label]}"
    if words.family == "c600" and not onu["enabled"]:
        yield "  admin disable"
    if words.family == "c300" and not onu["enabled"]:
        yield "  shutdown"
    for number, tcont in parts(onu, "tcont").items():
        yield f"  tcont {number}{_named(tcont)} profile {tcont['profile']}"
    for number, gem in parts(onu, "gemport").items():
        yield f"  gemport {number}{_named(gem)} tcont {gem['tcont']}"
        if "limit" in gem:
            yield f"  gemport {number} traffic-limit downstream {gem['limit']}"
    if words.family == "c300":
        yield from service_ports(onu, " vport {vport}")
    yield words.end_of_block


def vport_block(words: Words, key: str, onu: Entry) -> Iterator[str]:
    """The configuration of an ONU's first vport, which the C600 has."""
    yield f"interface vport-{key.replace(':', '.')}:1"
    yield from service_ports(onu, "")
    yield words.end_of_block


def service_ports(onu: Entry, vport: str) -> Iterator[str]:
    """The service ports of an ONU."""
    for number, port in parts(onu, "service-port").items():
        line = f"  service-port {number}{vport.format(**port)} user-vlan {port['user']} vlan {port['vlan']}"
        line += f" svlan {port['svlan']}" if port.get("svlan") else ""
        yield line + (f" egress {port['egress']}" if port.get("egress") else "")


def mng_block(words: Words, key: str, onu: Entry) -> Iterator[str]:
    """What is configured by OMCI."""
    yield f"pon-onu-mng {words.onu_name(key)}"
    for name, service in parts(onu, "service").items():
        yield f"  service {name} gemport {service['gemport']} vlan {service['vlan']}"
    for uni, vlan in parts(onu, "uni").items():
        yield f"  vlan port {uni} mode tag vlan {vlan['vlan']}"
    yield words.end_of_block


def profiles_block(words: Words, shelf: Shelf) -> Iterator[str]:
    """The profiles of the ``gpon`` mode."""
    yield "gpon"
    for name, profile in shelf.objects("tcont_profile").items():
        yield tcont_line(name, profile)
    if words.family == "c300":
        for name, profile in shelf.objects("traffic_profile").items():
            yield f"  profile traffic {name} sir {profile['sir']} pir {profile['pir']}"
    yield words.end_of_block


def xpon(words: Words, shelf: Shelf) -> Iterator[str]:
    """All that has to do with PONs, in the order in which it is saved."""
    for port in shelf.ports:
        yield from olt_block(words, shelf, port)
    for key, onu in shelf.objects("onu").items():
        yield from onu_block(words, key, onu)
    yield from profiles_block(words, shelf)
    for key, onu in shelf.objects("onu").items():
        yield from mng_block(words, key, onu)


def msan(words: Words, shelf: Shelf) -> Iterator[str]:
    """The C600's vports and traffic profiles."""
    for key, onu in shelf.objects("onu").items():
        yield from vport_block(words, key, onu)
    for name, profile in shelf.objects("traffic_profile").items():
        yield (
            f"traffic-profile {name} cir {profile['sir']} cbs 65535 pir {profile['pir']} pbs 65535 "
            "color-mode blind policer-type enhanced_mef coupling-flag enable"
        )


def _named(part: Entry) -> str:
    return f" name {part['name']}" if part.get("name") else ""
