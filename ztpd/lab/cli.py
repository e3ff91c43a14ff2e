"""``ztpd lab …``: simulated peers, each a process of its own that says on standard output when it is ready.

The ready line is one JSON object (``{"ready": "olt", …}``) with the ports that were bound.
"""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ztpd.lab.cpe_command import cpe

lab_app = typer.Typer(
    help="Simulated elements, CPE and webhook receiver on real protocols: try everything without hardware.",
    no_args_is_help=True,
)

Host = Annotated[str, typer.Option(help="The address to listen on.")]


def _readable(text: str) -> Any:
    """An option that names a file which must be there."""
    return typer.Option(help=text, exists=True, dir_okay=False, readable=True)


def _serve(peer: Coroutine[Any, Any, None]) -> None:
    """Run a peer until it is ended; an address that is taken is said in a line."""
    try:
        asyncio.run(peer)
    except OSError as error:
        typer.echo(f"ztpd lab: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None


def _ready(what: str, **facts: Any) -> None:
    typer.echo(json.dumps({"ready": what, **facts}))


@lab_app.command()
def olt(
    password_file: Annotated[Path, _readable("A file with the password of the NETCONF user.")],
    host_key: Annotated[Path, typer.Option(help="The SSH host key; made if it does not exist.")],
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="NETCONF over SSH; 0 for any.")] = 8830,
    control: Annotated[int, typer.Option(help="HTTP to plug ONUs in and out; 0 for any.")] = 8831,
    username: Annotated[str, typer.Option(help="The NETCONF user.")] = "ztpd",
    ports: Annotated[int, typer.Option(help="How many PON ports, 1/1/1 to 1/1/N.")] = 4,
    commit_seconds: Annotated[float, typer.Option(help="How long each commit takes.")] = 0.0,
    commit_seconds_per_onu: Annotated[float, typer.Option(help="And each ONU in it.")] = 0.0,
    dialect: Annotated[Literal["i1", "i3"], typer.Option(help="The issue of TR-385: of 2019 or of 2024.")] = "i3",
) -> None:
    """Run an OLT that speaks NETCONF (BBF TR-385)."""
    from ztpd.lab.olt import LabOltPorts, LabOltSettings, run

    settings = LabOltSettings(
        host=host,
        netconf_port=port,
        control_port=control,
        username=username,
        password=password_file.read_text().strip(),
        host_key_file=host_key,
        ports=ports,
        commit_seconds=commit_seconds,
        commit_seconds_per_onu=commit_seconds_per_onu,
        dialect=dialect,
    )

    def ready(bound: LabOltPorts) -> None:
        _ready("olt", netconf=bound.netconf_port, control=bound.control_port, host_key=bound.host_public_key)

    _serve(run(settings, ready))


@lab_app.command()
def switch(
    password_file: Annotated[Path, _readable("A file with the password of the NETCONF user.")],
    host_key: Annotated[Path, typer.Option(help="The SSH host key; made if it does not exist.")],
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="NETCONF over SSH; 0 for any.")] = 8840,
    control: Annotated[int, typer.Option(help="HTTP to plug neighbours in and out; 0 for any.")] = 8841,
    username: Annotated[str, typer.Option(help="The NETCONF user.")] = "ztpd",
    ports: Annotated[int, typer.Option(help="How many access ports, Ethernet1 to EthernetN.")] = 8,
    models: Annotated[
        Literal["openconfig", "ietf", "provider"],
        typer.Option(
            help="The modules: OpenConfig's, or the IETF's and IEEE's as a bridge of C-VLANs or a provider's."
        ),
    ] = "openconfig",
    writable: Annotated[
        Literal["candidate", "running"], typer.Option(help="Configured by its candidate, or on what runs and saved.")
    ] = "candidate",
) -> None:
    """Run an access switch that is configured, and lists its LLDP neighbours, by NETCONF."""
    from ztpd.lab.switch import LabSwitchPorts, LabSwitchSettings, run

    settings = LabSwitchSettings(
        host=host,
        netconf_port=port,
        control_port=control,
        username=username,
        password=password_file.read_text().strip(),
        host_key_file=host_key,
        ports=ports,
        models=models,
        writable=writable,
    )

    def ready(bound: LabSwitchPorts) -> None:
        _ready("switch", netconf=bound.netconf_port, control=bound.control_port, host_key=bound.host_public_key)

    _serve(run(settings, ready))


@lab_app.command("cli-olt")
def cli_olt(
    password_file: Annotated[Path, _readable("A file with the password of the user.")],
    host_key: Annotated[Path, typer.Option(help="The SSH host key; made if it does not exist.")],
    platform: Annotated[str, typer.Option(help="As which platform's it speaks; `ztpd check` lists them.")],
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="SSH; 0 for any.")] = 8850,
    telnet: Annotated[int, typer.Option(help="Telnet; 0 for any.")] = 8852,
    control: Annotated[int, typer.Option(help="HTTP to plug ONUs in and out; 0 for any.")] = 8851,
    username: Annotated[str, typer.Option(help="The user.")] = "ztpd",
    legacy: Annotated[bool, typer.Option("--legacy", help="Offer the SSH algorithms of the 2000s only.")] = False,
) -> None:
    """Run an OLT that is configured by its command line."""
    from ztpd.lab.cli_olt.lab import VENDORS, LabCliOltSettings, run
    from ztpd.lab.cli_olt.server import CliServer

    if platform not in VENDORS:
        raise typer.BadParameter(f"there are {', '.join(sorted(VENDORS))}", param_hint="--platform")
    settings = LabCliOltSettings(
        vendor=platform,
        host=host,
        ssh_port=port,
        telnet_port=telnet,
        username=username,
        password=password_file.read_text().strip(),
        legacy=legacy,
        host_key_file=host_key,
    )

    def ready(bound: CliServer, control_port: int) -> None:
        asks = VENDORS[platform].enable_password
        more = {} if asks is None else {"enable_password": asks}
        _ready(
            "cli-olt",
            platform=platform,
            ssh=bound.ssh_port,
            telnet=bound.telnet_port,
            control=control_port,
            host_key=bound.host_public_key,
            ports=bound.shelf.ports,
            **more,
        )

    _serve(run(settings, control, ready))


@lab_app.command()
def routeros(
    password_file: Annotated[Path, _readable("A file with the password of the user.")],
    certificate: Annotated[
        Path | None, typer.Option(help="The certificate with its key; made if it does not exist, anew without it.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="HTTPS; 0 for any.")] = 8860,
    control: Annotated[int, typer.Option(help="HTTP to connect and disconnect subscribers; 0 for any.")] = 8861,
    username: Annotated[str, typer.Option(help="The user.")] = "ztpd",
    ports: Annotated[int, typer.Option(help="How many radios, wlan1 to wlanN.")] = 2,
) -> None:
    """Run a RouterOS router whose radios each have a DHCP and a PPPoE server."""
    from ztpd.lab.routeros import LabRouter, LabRouterSettings, run

    settings = LabRouterSettings(
        host=host,
        port=port,
        ports=tuple(f"wlan{number}" for number in range(1, ports + 1)),
        username=username,
        password=password_file.read_text().strip(),
        certificate_file=certificate,
    )

    def ready(bound: LabRouter, control_port: int) -> None:
        server = bound.server
        _ready("routeros", url=server.url, control=control_port, certificate_sha256=server.certificate.sha256)

    _serve(run(settings, control, ready))


@lab_app.command()
def uisp(
    password_file: Annotated[Path, _readable("A file with the token.")],
    certificate: Annotated[
        Path | None, typer.Option(help="The certificate with its key; made if it does not exist, anew without it.")
    ] = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="HTTPS; 0 for any.")] = 8870,
    control: Annotated[int, typer.Option(help="HTTP to connect and disconnect radios; 0 for any.")] = 8871,
) -> None:
    """Run a UISP with two access points and sixteen radios in stock."""
    from ztpd.lab.uisp import LabUisp, LabUispSettings, run

    token = password_file.read_text().strip()
    settings = LabUispSettings(host=host, port=port, token=token, certificate_file=certificate)

    def ready(bound: LabUisp, control_port: int) -> None:
        server = bound.server
        _ready(
            "uisp",
            url=server.url,
            control=control_port,
            certificate_sha256=server.certificate.sha256,
            ports=bound.ports,
            stock=bound.controller.stock,
        )

    _serve(run(settings, control, ready))


lab_app.command("cpe")(cpe)


@lab_app.command()
def dhcp(
    mac: Annotated[str, typer.Option(help="The client's MAC address.")],
    circuit_id: Annotated[str, typer.Option(help="Option 82, sub-option 1, as text.")],
    address: Annotated[str, typer.Option(help="The address it is given.")],
    relay: Annotated[str, typer.Option(help="The relay's address (giaddr).")] = "127.0.0.1",
    remote_id: Annotated[str, typer.Option(help="Option 82, sub-option 2, as text.")] = "",
    pcap: Annotated[Path | None, typer.Option(help="Write a capture instead of sending to 127.0.0.1:67.")] = None,
) -> None:
    """Send what a relay forwards while a CPE gets its address: DISCOVER and REQUEST with option 82."""
    import time

    from ztpd.lab import dhcp as wire

    client = wire.LabClient(mac=mac, circuit_id=circuit_id.encode(), remote_id=remote_id.encode() or None, giaddr=relay)
    messages = [wire.discover(client), wire.request(client, address, relay)]
    if pcap is None:
        sent = wire.send_udp(messages)
    else:
        sent = wire.write_pcap(
            pcap, ((time.time(), wire.frame(message, source=relay, destination=relay)) for message in messages)
        )
    typer.echo(f"{sent} messages")


@lab_app.command()
def receiver(
    secret_file: Annotated[list[Path], _readable("A file with a whsec_ secret; may be given twice.")],
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any.")] = 9101,
    ndjson: Annotated[Path | None, typer.Option(help="Append every event to this file.")] = None,
) -> None:
    """Run a webhook receiver that verifies signatures and remembers what came."""
    from ztpd.lab.receiver import ReceiverSettings, run

    secrets = tuple(file.read_text().strip() for file in secret_file)
    settings = ReceiverSettings(secrets=secrets, host=host, port=port, ndjson=ndjson)
    _serve(run(settings, lambda url: _ready("receiver", url=url)))


@lab_app.command()
def demo(
    config: Annotated[
        Path, typer.Option(help="The folder of the example configuration.", exists=True, file_okay=False)
    ] = Path("config"),
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("build/demo/report.json"),
    replay_dhcp: Annotated[
        bool, typer.Option("--replay-dhcp", help="Hand DHCP in as a capture, as is done without root.")
    ] = False,
) -> None:
    """Play one installation from order to bill, with the real daemon and the lab's peers as processes.

    Ends with 1 when a step is missing.
    """
    from ztpd.lab.demo import play
    from ztpd.lab.stage import may_capture

    raise typer.Exit(asyncio.run(play(config, report, captures=may_capture() and not replay_dhcp)))
