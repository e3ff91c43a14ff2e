"""How a Calix AXOS system prints its configuration and its ONTs: blocks that are indented by one blank."""

from collections.abc import Callable

from ztpd.lab.cli_olt.shelf import Entry, PluggedOnu


def block(*lines: str) -> str:
    """A block of the configuration; lines that are empty are left out."""
    return "".join(f"{line}\n" for line in lines if line) + "!\n"


def _leaf(name: str, value: object) -> str:
    return f"{name} {value}" if value else ""


def _ont(key: str, onu: Entry) -> str:
    digits = str(onu["digits"]).lstrip("0")
    return block(
        f"ont {key}",
        _leaf(" profile-id", onu["profile"]),
        _leaf(" serial-number", digits),
        _leaf(" subscriber-id", onu["mark"]),
        _leaf(" vendor-id", onu["vendor"]),
        _leaf(" provisioned-pon", onu["port"]),
    )


def _port(key: str, port: Entry) -> str:
    lines = [f"interface ont-ethernet {key}", " shutdown" if port["shutdown"] else " no shutdown"]
    lines.append(_leaf(" role", port["role"]))
    assert isinstance(port["vlans"], dict)
    for vlan, service in port["vlans"].items():
        indent = "  "
        lines.append(f" vlan {vlan}")
        if service["c_vlan"]:
            lines.append(f"  c-vlan {service['c_vlan']}")
            indent = "   "
        if service["policy"]:
            lines += [f"{indent}policy-map {service['policy']}", f"{indent}!"]
        lines.append(" !")
    return block(*lines)


def _class(key: str, made: Entry) -> str:
    return block(f"class-map ethernet {key}", " flow 1", _leaf("  rule 1 match", made.get("rule 1")), "  !", " !")


def _policy(key: str, made: Entry) -> str:
    inner: list[str] = []
    if "set-stag-pcp" in made:
        inner += ["  flow 1", f"   set-stag-pcp {made['set-stag-pcp']}", "  !"]
    if "eir" in made:
        inner += ["  ingress meter-mef", f"   eir {made['eir']}", "  !"]
    if "maximum" in made:
        inner += ["  egress shaper", f"   maximum {made['maximum']}", "  !"]
    return block(f"policy-map {key}", _leaf(" class-map-ethernet", made.get("class")), *inner)


def _status(key: str, onu: Entry, light: PluggedOnu | None) -> str:
    lines = [f"ont {key}", " status", f"  oper-state {'present' if light else 'missing'}"]
    lines += [f"  serial-number {str(onu['digits']).lstrip('0')}"] + ([f"  linked-pon {light.port}"] if light else [])
    return "".join(f"{line}\n" for line in lines)


def _detail(key: str, onu: Entry, light: PluggedOnu | None) -> str:
    if light is None:
        return ""
    lines = [f"ont {key}", " detail", f"  opt-signal-level     {light.onu_rx_dbm:.1f}", "  tx-opt-level         2.5"]
    lines += [f"  ne-opt-signal-level  {light.olt_rx_dbm:.1f}", "  range-length         1200"]
    return "".join(f"{line}\n" for line in lines)


LINES: dict[str, Callable[[str, Entry], str]] = {"onu": _ont, "port": _port, "class": _class, "policy": _policy}
"""By kind of object: the block of one of them, of its key and what it holds."""

STATUS: dict[str, Callable[[str, Entry, PluggedOnu | None], str]] = {"status": _status, "detail": _detail}
"""By what is asked of an ONT: its block, of its id, what is configured, and the ONT itself if it is heard."""
