"""How a Nokia ISAM prints: tables, and its configuration as the commands that make it (``info configure … flat``).

The layouts are those of the recorded answers in jahknem/nokia.isam, tests/fixtures (R6.2.04): what is as it comes is
left out, an ONT's ``admin-state`` and each VLAN stand in lines of their own.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from ztpd.lab.cli_olt.language import Dialect, Door, Pager
from ztpd.lab.cli_olt.shelf import Entry

WHEEL = "".join(f"{spoke}\x1b[1D" for spoke in "/-\\|/-\\|")
"""What turns while the element thinks."""

DIALECT = Dialect(
    door=Door(
        username="login: ",
        password="password: ",  # noqa: S106 # a question
        refused="Login incorrect",
        full="Max. Sessions Reached.",
        banner="\nWelcome to ISAM\n\n",
    ),
    pager=Pager(
        "Press <space>(page)/<enter>(line)/q(quit) to continue...", "\r" + " " * 57 + "\r", lines=24, quit_key="q"
    ),
    busy="Error : resource temporarily unavailable",
    refused="Error : {reason}",
)
"""What is asked and said at the door, and how an answer is shown in pages."""


def table(name: str, header: str, rows: Sequence[str]) -> str:
    """A table as every ``show`` prints it."""
    rule = "=" * 103 + "\n"
    ruler = re.sub(r"[^|]", "-", header).replace("|", "+")
    body = "".join(f"{row}\n" for row in rows)
    return f"{rule}{name} table\n{rule}{header}\n{ruler}\n{body}{'-' * 103}\n{name} count : {len(rows)}\n{rule}"


def printed(serial: str) -> str:
    """A serial as the element prints it."""
    return f"{serial[:4]}:{serial[4:]}"


def _ont_lines(key: str, onu: Entry) -> Iterator[str]:
    described = "".join(f' {name} "{onu[name]}"' for name in ("desc1", "desc2") if onu[name])
    yield (
        f"configure equipment ont interface {key} sw-ver-pland {onu['sw']}{described} "
        f"sernum {printed(str(onu['serial']))} subslocid WILDCARD fec-up disable sw-dnload-version disabled "
        "planned-us-rate nominal-line-rate"
    )
    if onu["enabled"]:
        yield f"configure equipment ont interface {key} admin-state up"


def _card_lines(key: str, card: Entry) -> Iterator[str]:
    up = " admin-state up" if card["enabled"] else ""
    yield (
        f"configure equipment ont slot {key} planned-card-type {card['type']} plndnumdataports {card['data']} "
        f"plndnumvoiceports {card['voice']}{up}"
    )


def _queue_lines(port: str, queues: Entry) -> Iterator[str]:
    yield f"configure qos interface {port} scheduler-node name:NGLT_Default us-num-queue not-applicable oper-weight 50"
    shaper = f"name:{queues['down']}" if "down" in queues else "none"
    yield f"configure qos interface {port} queue 0 priority 6 weight 34 oper-weight 34 shaper-profile {shaper}"
    yield f"configure qos interface {port} queue 1 priority 6 weight 66 oper-weight 66 shaper-profile none"
    if "up" in queues:
        yield (
            f"configure qos interface {port} upstream-queue 0 bandwidth-profile name:{queues['up']} "
            "bandwidth-sharing uni-sharing"
        )


def _bridge_lines(port: str, bridge: Entry) -> Iterator[str]:
    yield f"configure bridge port {port} max-unicast-mac {bridge['macs']}"
    assert isinstance(bridge["vlans"], dict)
    for vlan, each in bridge["vlans"].items():
        priority = f" qos priority:{each['priority']}" if each["priority"] else ""
        tagged = f"tag single-tagged l2fwder-vlan {each['forward']} vlan-scope local"
        yield f"configure bridge port {port} vlan-id {vlan} {tagged}{priority}"


def _profile_line(kind: str, name: str, profile: Entry) -> str:
    if kind == "bandwidth":
        rates = f"assured-info-rate {profile['assured']} excessive-info-rate {profile['excess']} delay-tolerance 32"
    else:
        rates = f"committed-burst-size 0 excess-info-rate {profile['excess']} type singletokenbucketgpon"
    return f"configure qos profiles {kind} {name} committed-info-rate 0 {rates}"


LINES: dict[str, Callable[[str, Entry], Iterator[str]]] = {
    "onu": _ont_lines,
    "card": _card_lines,
    "uni": lambda port, _: iter([f"configure interface port uni:{port} admin-up"]),
    "queues": _queue_lines,
    "bridge": _bridge_lines,
    "bandwidth": lambda name, profile: iter([_profile_line("bandwidth", name, profile)]),
    "shaper": lambda name, profile: iter([_profile_line("shaper", name, profile)]),
}
"""By kind of object: the lines of one of them, of its key and what it holds."""
