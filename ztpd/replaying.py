"""``ztpd replay``: a recorded capture through the path of live DHCP, into the running daemon."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from ztpd import parts
from ztpd.config import Configuration
from ztpd.discovery.circuit_id import printable
from ztpd.discovery.handing_over import hand_over
from ztpd.discovery.replay import ReplayError, replay
from ztpd.domain.sighting import Sighting


@dataclass(slots=True)
class Replayed:
    """What became of a capture so far; ``damage`` is where it could not be read any further."""

    frames: int = 0
    refused_frames: int = 0
    sightings: int = 0
    refused_sightings: int = 0
    damage: ReplayError | None = None

    def __str__(self) -> str:
        return f"{self.frames} frames, {self.refused_frames} refused, {self.sightings} sightings"


def replay_file(configuration: Configuration, capture: Path, *, dry_run: bool) -> Replayed:
    """Decode frame by frame, say which are refused, and hand the sightings over or only show them.

    What was decoded before a damaged place in the file is handed over all the same, then ``ReplayError`` is raised.
    Raises ``ConfigError``, and ``IntakeError`` when the daemon does not take them.
    """
    replayed = Replayed()
    sightings = _sightings(configuration, capture, replayed)
    if dry_run:
        for sighting in sightings:
            typer.echo(_in_a_line(sighting))
        typer.echo(str(replayed))
    else:
        _hand_over(configuration, sightings, replayed)
    if replayed.damage is not None:
        raise replayed.damage
    return replayed


def _sightings(configuration: Configuration, capture: Path, replayed: Replayed) -> Iterator[Sighting]:
    """The sightings of a capture one by one, counted; ends where the file is damaged."""
    trusts = parts.trust(configuration.settings.discovery.dhcp, None)
    try:
        for frame in replay(capture, parts.circuit_ids(configuration), trusts):
            replayed.frames += 1
            if frame.refusal is not None:
                replayed.refused_frames += 1
                typer.echo(f"frame {frame.number} refused: {frame.refusal}", err=True)
            if frame.sighting is not None:
                replayed.sightings += 1
                yield frame.sighting
    except ReplayError as error:
        replayed.damage = error


def _hand_over(configuration: Configuration, sightings: Iterator[Sighting], replayed: Replayed) -> None:
    door = configuration.settings.discovery.intake
    if door is None:
        raise configuration.problem("discovery.intake", "is not set", "Name a socket there and restart the daemon.")
    handed = asyncio.run(hand_over(configuration.path(door), sightings))
    replayed.refused_sightings = len(handed.refused)
    for refused in handed.refused:
        typer.echo(f"sighting of {refused.sighting.mac} refused: {refused.reason}", err=True)
    typer.echo(f"{replayed}, {handed.accepted} kept by the daemon")


def _in_a_line(sighting: Sighting) -> str:
    place = f"{sighting.element or '?'} {sighting.port or '?'}"
    trust = "trusted" if sighting.trusted else "untrusted"
    kind = sighting.details.get("message-type", "")
    shown = printable(bytes.fromhex(sighting.circuit_id or ""))
    who = f"mac {sighting.mac} ip {sighting.ip or '-'}"
    return f"{sighting.heard_at.isoformat()} {kind} {who} at {place} [{shown}] {trust}"
