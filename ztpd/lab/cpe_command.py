"""``ztpd lab cpe``: one CPE or a fleet of them, what they have done told while they live and at the end."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from ztpd.lab.cpe.fleet import Figures, Fleet

_LINE_EVERY_S = 10
"""How often a line of progress is written where nobody watches a terminal."""


def _list_quirks(wanted: bool) -> None:
    """The table of quirks on a terminal, one line each."""
    if not wanted:
        return
    from ztpd.lab.cpe.quirks import quirks

    width = max(map(len, quirks()))
    for name, quirk in quirks().items():
        typer.echo(f"{name.ljust(width)}  {quirk.does}" + (f" [{quirk.ends}: {quirk.why}]" if quirk.why else ""))
    raise typer.Exit()


def cpe(
    url: Annotated[str, typer.Option("--url", "--acs-url", help="Where the ACS is.")],
    password_file: Annotated[
        Path, typer.Option(help="A file with the CWMP password.", exists=True, dir_okay=False, readable=True)
    ],
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many CPEs.")] = 1,
    serial: Annotated[str, typer.Option(help="The CWMP serial number; of several, what 000001 … follows.")] = "LAB",
    oui: Annotated[str, typer.Option(help="The manufacturer's OUI.")] = "00259E",
    username: Annotated[str, typer.Option(help="The CWMP user; {oui} and {serial} stand for each CPE's own.")] = "cpe",
    model: Annotated[Literal["tr181", "tr098"], typer.Option("--model", "--root", help="The data model.")] = "tr181",
    quirk: Annotated[list[str] | None, typer.Option(help="What they do wrong; may be given again.")] = None,
    list_quirks: Annotated[
        bool, typer.Option("--list-quirks", help="Show every quirk and end.", is_eager=True, callback=_list_quirks)
    ] = False,
    nat: Annotated[bool, typer.Option("--nat", help="Each is behind a NAT of its own.")] = False,
    stun: Annotated[
        str | None, typer.Option(help="The STUN server (HOST:PORT) that they use from the factory on.")
    ] = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            help="Who may have what: a TOML file, tables pppoe and voice, users with passwords.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    source_ip: Annotated[str | None, typer.Option(help="The address to call from (127.x.x.x).")] = None,
    listen: Annotated[str, typer.Option(help="The address to hear connection requests at.")] = "127.0.0.1",
    concurrency: Annotated[int, typer.Option(min=1, max=10_000, help="Sessions under way at a time.")] = 64,
    over: Annotated[float, typer.Option(min=0.0, help="Switch them on within this many seconds.")] = 0.0,
    reboot_every: Annotated[
        float | None, typer.Option(min=0.1, help="Restart each about every so many seconds.")
    ] = None,
    boot: Annotated[float, typer.Option(min=0.0, help="How many seconds a restart takes.")] = 30.0,
    time_factor: Annotated[
        float, typer.Option(min=0.0001, help="Stretches intervals, restarts too: 0.01 is a hundred times faster.")
    ] = 1.0,
    seconds: Annotated[float | None, typer.Option(min=0.0, help="End after so many seconds.")] = None,
    seed: Annotated[int, typer.Option(help="What everything that is drawn comes from.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Say at the end in JSON what they did.")] = False,
) -> None:
    """Run CPEs that inform an ACS when they start, periodically and when they are asked to.

    SIGINT and SIGTERM end them; then they say what they did.
    """
    from ztpd.lab.cpe.fleet import Fleet, FleetSettings, TooMany
    from ztpd.lab.cpe.settings import CpeSettings, Reach, Root

    first = CpeSettings(
        acs_url=url,
        username=username,
        password=password_file.read_text().strip(),
        serial=serial,
        oui=oui,
        root=Root[model.upper()],
        source_ip=source_ip,
        time_factor=time_factor,
        boot_seconds=boot,
        reach=Reach.NAT if nat else Reach.OPEN,
        **_read(quirk or [], stun, accounts),
    )
    fleet = Fleet(
        FleetSettings(
            first=first,
            count=count,
            concurrency=concurrency,
            over_seconds=over,
            reboot_every_seconds=reboot_every,
            seed=seed,
            seconds=seconds,
            listen_host=source_ip if source_ip and listen == "127.0.0.1" else listen,
        )
    )
    try:
        figures = asyncio.run(_until_stopped(fleet))
    except TooMany as error:
        typer.echo(f"ztpd lab: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"ztpd lab: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(_as_json(figures)) if as_json else _summary(figures))


def _read(quirks: list[str], stun: str | None, accounts: Path | None) -> dict[str, Any]:
    """What names and files stand for; raises ``BadParameter``."""
    from ztpd.lab.cpe.accounts import Accounts, read_accounts
    from ztpd.lab.cpe.quirks import misbehaviour

    try:
        wrong = misbehaviour(quirks)
    except LookupError as error:
        raise typer.BadParameter(f"{error.args[0]}; --list-quirks shows them", param_hint="--quirk") from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--quirk") from None
    try:
        known = Accounts() if accounts is None else read_accounts(accounts.read_text("utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{accounts}: {error}", param_hint="--accounts") from None
    return {"misbehaviour": wrong, "accounts": known, "factory": {} if stun is None else _stun(stun)}


def _stun(text: str) -> dict[str, str]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port or 3478
    except ValueError:
        host, port = "", 0
    if not host:
        raise typer.BadParameter("must be a host, or host:port", param_hint="--stun")
    name = "ManagementServer.STUN"
    return {f"{name}Enable": "1", f"{name}ServerAddress": host, f"{name}ServerPort": str(port)}


async def _until_stopped(fleet: "Fleet") -> "Figures":
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    count = len(fleet.cpes)
    typer.echo(json.dumps({"ready": "cpe", "serial": fleet.cpes[0].settings.serial, "count": count}))
    sys.stdout.flush()
    progress = _Progress(sys.stderr.isatty(), alone=count == 1)
    try:
        return await fleet.run(stop, progress.show)
    finally:
        progress.end()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class _Progress:
    """One line that is written over on a terminal; elsewhere, and not of one CPE alone, a line now and then."""

    def __init__(self, terminal: bool, *, alone: bool) -> None:
        self._terminal = terminal
        self._alone = alone
        self._last = 0.0

    def show(self, figures: "Figures") -> None:
        """What they have done so far."""
        if self._terminal:
            typer.echo(f"\r\x1b[K{_progress(figures)}", nl=False, err=True)
        elif not self._alone and figures.seconds - self._last >= _LINE_EVERY_S:
            self._last = figures.seconds
            typer.echo(_progress(figures), err=True)

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            typer.echo(err=True)


def _progress(figures: "Figures") -> str:
    failed = sum(figures.failures.values())
    return (
        f"{figures.seconds:.0f} s: {figures.informed:,} of {figures.cpes:,} CPEs informed; "
        f"{figures.sessions:,} sessions, {figures.under_way} under way, {failed:,} failed; {_times(figures)}"
    )


def _summary(figures: "Figures") -> str:
    failed = sum(figures.failures.values())
    rate = figures.sessions / figures.seconds if figures.seconds else 0.0
    lines = [
        f"{figures.informed:,} of {figures.cpes:,} CPEs informed in {figures.seconds:.1f} s",
        f"sessions: {figures.sessions:,} ({rate:,.1f}/s), {_times(figures)}",
        f"failed sessions: {failed:,}{_listed(figures.failures)}",
        f"requests refused by CPEs: {figures.faults.total():,}{_listed(figures.faults)}",
        f"restarts: {figures.reboots:,}; connection requests followed: {figures.asked:,}",
    ]
    return "\n".join(lines)


def _times(figures: "Figures") -> str:
    return f"p50 {_ms(figures.p50_seconds)}, p99 {_ms(figures.p99_seconds)}"


def _listed(counted: Any) -> str:
    said = ", ".join(f"{what}: {count:,}" for what, count in counted.most_common(8))
    return f" ({said})" if said else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def _as_json(figures: "Figures") -> dict[str, Any]:
    return {
        "cpes": figures.cpes,
        "informed": figures.informed,
        "seconds": round(figures.seconds, 3),
        "sessions": figures.sessions,
        "failures": dict(figures.failures),
        "faults": {str(code): count for code, count in figures.faults.items()},
        "reboots": figures.reboots,
        "asked": figures.asked,
        "p50_ms": round(figures.p50_seconds * 1000, 3),
        "p99_ms": round(figures.p99_seconds * 1000, 3),
    }
