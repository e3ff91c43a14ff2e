"""The command line: everything an operator does by hand.

Exit codes: 0 done, 1 the daemon or a peer failed, 2 the call or the configuration is wrong.
"""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ztpd import __version__
from ztpd.config import ConfigError, Configuration, load
from ztpd.device_actions import Action, CampaignAction
from ztpd.domain.comparing import Verdict
from ztpd.hook_commands import hook_app
from ztpd.lab.cli import lab_app

FAILED = 1
MISUSED = 2

STOP_LIMIT_S = 4.0
"""How long the daemon may take to stop, whatever hangs: a service manager, and who waits, may count on 5 s."""

app = typer.Typer(
    help="Zero-touch provisioning for internet operators: an order becomes a confirmed, reported service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="ZTPD_CONFIG", help="The configuration, a TOML file.")
]
DEFAULT_CONFIG = Path("/etc/ztpd/ztpd.toml")


def main() -> None:
    """Every command but a hook's fast path (``ztpd.entry``)."""
    app()


Errors = tuple[type[Exception], ...]


@contextlib.contextmanager
def _plain_errors(*, misused: Errors = (), failed: Errors = ()) -> Iterator[None]:
    """Turn what an operator can mend into one plain message and an exit code; never a traceback.

    ``misused`` and ``failed`` are the errors of one command beside those of all.
    """
    all_misused: Errors = (ConfigError, *misused)
    try:
        yield
    except all_misused as error:
        _refuse(str(error), MISUSED)
    except failed as error:
        _refuse(str(error), FAILED)
    except OSError as error:
        _refuse(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", FAILED)


def _refuse(message: str, code: int) -> NoReturn:
    for line in message.splitlines():
        typer.echo(f"ztpd: {line}", err=True)
    raise typer.Exit(code)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ztpd {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take what is common to all commands."""


@app.command()
def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the daemon until SIGTERM or SIGINT."""
    from ztpd import crash, logs
    from ztpd.listening import CannotListen
    from ztpd.services import ServiceEnded
    from ztpd.store.engine import StoreUnavailable
    from ztpd.store.schema import SchemaTooNew

    misused, failed = (crash.UnknownCrashPoint, SchemaTooNew), (CannotListen, ServiceEnded, StoreUnavailable)
    with _plain_errors(misused=misused, failed=failed):
        configuration = load(config)
        pass_point = crash.from_environment(os.environ)
        logs.configure(configuration.settings.log.level, configuration.settings.log.format)
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run_until_signal(configuration, pass_point))


async def _run_until_signal(configuration: Configuration, pass_point: Callable[[str], None]) -> None:
    import structlog

    from ztpd import daemon
    from ztpd.notify import notify

    log = structlog.get_logger()
    stop = asyncio.Event()

    def begin_to_stop() -> None:
        if stop.is_set():
            _give_up(0)
        stop.set()
        _give_up_later(0)
        notify("STOPPING=1", os.environ)

    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, begin_to_stop)

    def ready() -> None:
        log.info("ready", config=str(configuration.file))
        notify("READY=1", os.environ)
        # What was made on the way here stays: looking through all of it for garbage held everybody up for 0.1 s.
        gc.collect()
        gc.freeze()

    def stopping() -> None:
        log.info("stopping")
        if not stop.is_set():
            _give_up_later(FAILED)

    await daemon.run(configuration, stop, daemon.Tell(ready, stopping), pass_point)
    log.info("stopped")


def _give_up_later(code: int) -> None:
    """End the process with this code if it still lives after ``STOP_LIMIT_S``, though its event loop be blocked."""
    backstop = threading.Timer(STOP_LIMIT_S, _give_up, (code,))
    backstop.daemon = True
    backstop.start()


def _give_up(code: int) -> None:
    """End at once: nothing durable is lost, what was under way is repeated at the next start."""
    import structlog

    structlog.get_logger().warning("stopped before all had ended")
    os._exit(code)


@app.command()
def capture(
    config: ConfigOption = DEFAULT_CONFIG,
    interface: Annotated[
        list[str] | None, typer.Option("--interface", "-i", help="Hear this one, in the place of those configured.")
    ] = None,
) -> None:
    """Hear DHCP in a process of its own until SIGTERM or SIGINT, and hand what devices say to the running daemon.

    The only command that needs CAP_NET_RAW. SIGUSR1 logs what was heard so far.
    """
    from ztpd.capture.start import plan_of, start
    from ztpd.discovery.capture import CaptureNotPermitted

    with _plain_errors(failed=(CaptureNotPermitted,)):
        start(plan_of(load(config), interface or ()))


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    offline: Annotated[bool, typer.Option("--offline", help="Check the files only; reach nothing.")] = False,
) -> None:
    """Check configuration, secrets, store and elements, and say what to do about each problem.

    Ends with 2 when the configuration is wrong, with 1 when only what it names cannot be reached.
    """
    from ztpd import checking

    with _plain_errors():
        findings = asyncio.run(checking.check(load(config), offline=offline))
    checking.show(findings)
    if any(finding.verdict is checking.Verdict.WRONG for finding in findings):
        raise typer.Exit(MISUSED)
    if any(finding.verdict is checking.Verdict.DOWN for finding in findings):
        raise typer.Exit(FAILED)


@app.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show how the running daemon is: elements, jobs by state, deliveries, and the jobs that need somebody."""
    from ztpd import asking

    with _plain_errors(failed=(asking.DaemonSilent,)):
        answer = asyncio.run(asking.status(load(config)))
    asking.show(answer, as_json=as_json)


@app.command()
def explain(
    circuit_id: Annotated[str, typer.Argument(help="A circuit-id, as text or as 0x and hex.")],
    remote_id: Annotated[str | None, typer.Option(help="The remote-id beside it, the same way.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what a circuit-id says: the pattern that fits, its groups, the port, and the location that is meant.

    Ends with 1 when neither a pattern nor a location knows it.
    """
    from ztpd import explaining

    with _plain_errors(misused=(explaining.NoOctets,)):
        found = asyncio.run(explaining.explain(load(config), circuit_id, remote_id))
    explaining.show(found, as_json=as_json)
    if not found.known:
        raise typer.Exit(FAILED)


@app.command()
def replay(
    capture: Annotated[
        Path, typer.Argument(help="A pcap or pcapng file with DHCP.", exists=True, dir_okay=False, readable=True)
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the sightings; hand nothing to the daemon.")] = False,
) -> None:
    """Feed a recorded capture through the path of live DHCP, into the running daemon.

    What was recorded before a damaged place in the file counts all the same.
    """
    from ztpd import replaying
    from ztpd.discovery.handing_over import IntakeError
    from ztpd.discovery.replay import ReplayError

    with _plain_errors(misused=(ReplayError,), failed=(IntakeError,)):
        replayed = replaying.replay_file(load(config), capture, dry_run=dry_run)
    if replayed.refused_sightings:
        raise typer.Exit(FAILED)


@app.command()
def decisions(
    element: Annotated[str, typer.Argument(help="An element whose mode is shadow.")],
    verdict: Annotated[
        Verdict | None, typer.Option("--verdict", help="Only what came to this: pending, agreed or differed.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what would have been done on an element that another tool configures, and what that tool did."""
    from ztpd import asking, deciding

    with _plain_errors(failed=(asking.DaemonSilent,)):
        found = asyncio.run(deciding.decisions(load(config), element, verdict))
    deciding.show(found, as_json=as_json)


@app.command()
def adopt(
    element: Annotated[str, typer.Argument(help="The element that another tool configured.")],
    services: Annotated[
        Path,
        typer.Option(
            "--services", help="The services on it, CSV or NDJSON.", exists=True, dir_okay=False, readable=True
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the report of every line here, NDJSON.", dir_okay=False)
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take over services that another tool configured, without writing on the element.

    Ends with 1 when a listed service was not taken over, with 2 when the list has lines that cannot be used.
    """
    from ztpd import adopting, asking, service_lists

    failed = (asking.DaemonSilent, adopting.AdoptionFailed)
    with _plain_errors(misused=(service_lists.BadList,), failed=failed):
        report = asyncio.run(adopting.adopt(load(config), element, services, output, dry_run=dry_run))
    adopting.show(report)
    if not report.is_whole:
        raise typer.Exit(FAILED)


@app.command()
def device(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of a device: GET /v1/devices lists them.")],
    action: Annotated[Action, typer.Argument(help="What to ask of it.")] = Action.SHOW,
    words: Annotated[list[str] | None, typer.Argument(help="What the action takes: see below.")] = None,
    host: Annotated[str | None, typer.Option(help="Of ping and traceroute: whom to reach.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Of download and upload: the file. Of handover: the other ACS.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Of upload: how many bytes.")] = None,
    duration: Annotated[int | None, typer.Option(help="Of download and upload: seconds, instead of a size.")] = None,
    connections: Annotated[int | None, typer.Option(help="Of download and upload: how many at once.")] = None,
    count: Annotated[int | None, typer.Option(help="Of ping and traceroute: how often.")] = None,
    dscp: Annotated[int | None, typer.Option(help="The code point that the test's packets bear.")] = None,
    interface: Annotated[str | None, typer.Option(help="The path of the interface to test over.")] = None,
    username: Annotated[str | None, typer.Option(help="Of handover: its user at the other ACS.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="Of handover: what [acs.handover.secrets] calls its password by.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Ask, and do not wait for the result.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Of upload: write what the device sent here.", dir_okay=False)
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what is known of a device, or have it test its line, show values, restart, fetch or send a file.

    diagnose takes a test, read takes paths, cancel the number of a task, upload "configuration" or "log", download a
    file of [acs.files] or a URL and its type; handover has it go to another ACS. A device does what it is asked when it
    informs next. Ends with 1 when it failed.
    """
    from ztpd import asking, calling, tasking

    arguments = {"host": host, "url": url, "size_bytes": size, "duration_s": duration, "connections": connections}
    arguments |= {"count": count, "dscp": dscp, "interface": interface, "username": username, "secret": secret}
    asked = tasking.Asked(number, action, tuple(words or ()), arguments, wait=not no_wait)
    with _plain_errors(misused=(tasking.BadCall,), failed=(asking.DaemonSilent, calling.CallRefused)):
        found = asyncio.run(tasking.ask(load(config), asked))
        if output is not None and found.get("kind") == "upload" and found["state"] == "done":
            tasking.save(asyncio.run(tasking.sent_file(load(config), found)), output)
    tasking.show(asked, found, as_json=as_json)
    if found.get("state") == "failed":
        raise typer.Exit(FAILED)


@app.command()
def firmware(
    name: Annotated[str | None, typer.Argument(help="A campaign; all unless given.")] = None,
    action: Annotated[CampaignAction, typer.Argument(help="What to do with it.")] = CampaignAction.SHOW,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show which firmware profiles want and how that stands; stop a campaign, or have it go on."""
    from ztpd import asking, calling, campaigning

    with _plain_errors(failed=(asking.DaemonSilent, calling.CallRefused)):
        configuration = load(config)
        if name is None or action is CampaignAction.SHOW:
            found = asyncio.run(campaigning.campaigns(configuration, name))
        else:
            found = asyncio.run(campaigning.change(configuration, name, action))
    campaigning.show(found, as_json=as_json)


import_app = typer.Typer(help="Take in devices that another ACS knows.", no_args_is_help=True)


@import_app.command("genieacs")
def import_genieacs(
    file: Annotated[
        Path, typer.Argument(help="What GET /devices/ of its NBI gave, or mongoexport. - reads standard input.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken in; change nothing.")] = False,
    no_credentials: Annotated[
        bool, typer.Option("--no-credentials", help="Leave out users and passwords of connection requests.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the report of every device here, NDJSON.", dir_okay=False)
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take in the devices of a GenieACS with their tags; no device is touched. The same again changes nothing more.

    Ends with 1 when a device was refused, with 2 when the file has none.
    """
    from ztpd import asking, importing

    wanted = importing.Wanted(file, dry_run=dry_run, credentials=not no_credentials, output=output)
    with _plain_errors(misused=(importing.NoDevices,), failed=(asking.DaemonSilent, importing.ImportFailed)):
        report = asyncio.run(importing.import_genieacs(load(config), wanted))
    importing.show(report)
    if not report.is_whole:
        raise typer.Exit(FAILED)


app.add_typer(hook_app, name="hook")
app.add_typer(import_app, name="import")
app.add_typer(lab_app, name="lab")
