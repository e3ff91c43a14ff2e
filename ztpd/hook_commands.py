"""``ztpd hook …`` as a command that explains itself; a server's call is answered before this is loaded (``entry``)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ztpd.discovery.hooks import client

hook_app = typer.Typer(
    help="What a DHCP server calls for each event, where ztpd is to capture nothing.", no_args_is_help=True
)

Intake = Annotated[Path, typer.Option("--socket", help="The daemon's socket for local helpers.")]
Limit = Annotated[
    float, typer.Option("--timeout", min=0.001, max=client.LONGEST_LIMIT_S, help="Seconds until the event is given up.")
]
Strict = Annotated[bool, typer.Option("--strict", help="End with 1 when the daemon does not take it.")]


@hook_app.command()
def kea(
    event: Annotated[str, typer.Argument(help="What Kea's run_script passes: leases4_committed …")],
    intake: Intake = Path(client.INTAKE),
    limit: Limit = client.LIMIT_S,
    strict: Strict = False,
) -> None:
    """Tell the daemon of an event of Kea's run_script hook; the rest is read from the environment."""
    _hand_over("kea", [event], intake, limit, strict)


@hook_app.command()
def dnsmasq(
    event: Annotated[list[str], typer.Argument(help="What dnsmasq passes: add|old|del MAC IP [HOSTNAME].")],
    intake: Intake = Path(client.INTAKE),
    limit: Limit = client.LIMIT_S,
    strict: Strict = False,
) -> None:
    """Tell the daemon of a call of dnsmasq's dhcp-script; the rest is read from the environment."""
    _hand_over("dnsmasq", event, intake, limit, strict)


def _hand_over(tool: str, event: Sequence[str], intake: Path, limit_s: float, strict: bool) -> None:
    call = client.Call(tool, tuple(event), str(intake), limit_s, strict)
    raise typer.Exit(client.hand_over(call, {name.decode("latin-1"): value for name, value in os.environb.items()}))
