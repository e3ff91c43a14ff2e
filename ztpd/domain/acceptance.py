"""What was measured and reported, held against the profile's limits."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.access import Levels, ObservedAccess, WantedAccess, differences
from pon.onu import Presence
from pon.serial import SerialError, normalise
from ztpd.domain.failures import Code, Failure
from ztpd.domain.model import CompletionBody, JobBody, Measurement
from ztpd.domain.profile import Profile, Range, WantedMeasurement

CLOCK_TOLERANCE = timedelta(minutes=5)


def access_failure(wanted: WantedAccess, observed: ObservedAccess | None) -> Failure | None:
    """Why what was read back is not what was wanted, or None when it is: configuration first, then operation.

    One that is to carry nothing need not be there.
    """
    found = differences(wanted, observed)
    if found or observed is None:
        return Failure(Code.WRONG_TIER, "; ".join(map(str, found)))
    if not wanted.enabled:
        return None
    if observed.presence is Presence.MISPLACED:
        return Failure(Code.WRONG_PORT, f"{wanted.device} is present on another port than {wanted.port}")
    if observed.presence is not Presence.INTENDED:
        return Failure(Code.NOT_SEEN, f"{wanted.device} is {observed.presence} on {wanted.port}")
    return None


def unknown_properties(wanted: WantedAccess, observed: ObservedAccess, vouched: Collection[str]) -> Failure | None:
    """What was asked for and the element cannot show, unless a person vouches for it; unknown is never a pass."""
    unknown = sorted(name for name in observed.unmodelled if getattr(wanted, name) and name not in vouched)
    if not unknown:
        return None
    return Failure(Code.NOT_VERIFIABLE, f"the element does not show: {', '.join(unknown)}")


_MEASURED = {
    "onu_rx_dbm": ("ONT receives", "dBm", 1, Code.LOW_LIGHT),
    "olt_rx_dbm": ("OLT receives", "dBm", 1, Code.LOW_LIGHT),
    "signal_dbm": ("access point receives", "dBm", 1, Code.LOW_SIGNAL),
    "link_bps": ("link runs at", "Mbit/s", 1_000_000, Code.WRONG_TIER),
}


def levels_failure(levels: Levels, limits: Mapping[str, Range], vouched: Collection[str] = ()) -> Failure | None:
    """Why what was measured is not good enough, or None when all is within limits; unknown never is.

    A level that cannot be read passes only where a person vouches for it.
    """
    found: list[tuple[Code, str]] = []
    for name, limit in limits.items():
        value: float | None = getattr(levels, name)
        if (value is None and name in vouched) or (value is not None and limit.holds(value)):
            continue
        who, unit, scale, code = _MEASURED[name]
        level = "an unknown level" if value is None else f"{value / scale:.1f} {unit}"
        allowed = f"{limit.minimum / scale:g} to {limit.maximum / scale:g} {unit}"
        found.append((code, f"{who} {level}, allowed is {allowed}"))
    return Failure(found[0][0], "; ".join(text for _, text in found)) if found else None


@dataclass(frozen=True, slots=True)
class EvidenceProblem:
    """One item of a completion that is missing or failed: where, what, and what to do."""

    field: str
    problem: str
    remedy: str

    def describe(self) -> dict[str, str]:
        """The problem as it appears in the answer to the technician."""
        return {"field": self.field, "problem": self.problem, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Installed:
    """What the network knows of the installation: its order, its light now, and the moments that bound the visit."""

    body: JobBody
    levels: Levels
    created_at: datetime
    now: datetime


def evidence_problems(completion: CompletionBody, profile: Profile, installed: Installed) -> list[EvidenceProblem]:
    """Every item that is missing or failed; empty when the completion is accepted."""
    return [
        *_time_problems(completion, installed),
        *_device_problems(completion, installed.body),
        *_measurement_problems(completion, profile, installed.levels),
        *_photo_problems(completion, profile.completion.photos),
    ]


def _time_problems(completion: CompletionBody, installed: Installed) -> Iterator[EvidenceProblem]:
    if completion.completed_at > installed.now + CLOCK_TOLERANCE:
        yield EvidenceProblem("completed_at", "lies in the future", "set the clock of the handset and send again")
    if completion.completed_at < installed.created_at - CLOCK_TOLERANCE:
        yield EvidenceProblem("completed_at", "lies before the order", "report the time of this visit")


def _device_problems(completion: CompletionBody, body: JobBody) -> Iterator[EvidenceProblem]:
    reported = {device.role: device.serial for device in completion.devices}
    for device in body.devices:
        field = f"devices.{device.role}"
        if device.serial is None:
            continue
        if device.role not in reported:
            yield EvidenceProblem(field, "is missing", f"scan the label of the {device.role}")
        elif _canonical(reported[device.role]) != _canonical(device.serial):
            yield EvidenceProblem(
                field,
                f"{reported[device.role]} is not the allocated {device.serial} ({Code.WRONG_SERIAL})",
                "scan the device that is installed, or have the job's allocation changed",
            )
    for role in reported.keys() - {device.role for device in body.devices}:
        yield EvidenceProblem(f"devices.{role}", "is not part of this job", "leave it out, or have it allocated")


def _canonical(serial: str) -> str:
    try:
        return normalise(serial)
    except SerialError:
        return serial.strip().upper()


def _measurement_problems(completion: CompletionBody, profile: Profile, levels: Levels) -> Iterator[EvidenceProblem]:
    reported = {measurement.name: measurement for measurement in completion.measurements}
    known = {"onu_rx_dbm": levels.onu_rx_dbm, "olt_rx_dbm": levels.olt_rx_dbm}
    for wanted in profile.completion.measurements:
        field = f"measurements.{wanted.name}"
        measured = reported.get(wanted.name)
        if measured is None:
            yield EvidenceProblem(field, "is missing", f"measure it and report it in {wanted.unit}")
            continue
        problem = _measurement_problem(measured, wanted, known)
        if problem is not None:
            yield EvidenceProblem(field, *problem)


def _measurement_problem(
    measured: Measurement, wanted: WantedMeasurement, levels: Mapping[str, float | None]
) -> tuple[str, str] | None:
    if measured.unit != wanted.unit:
        return f"is in {measured.unit}", f"report it in {wanted.unit}"
    if wanted.minimum is not None and measured.value < wanted.minimum:
        return f"{measured.value:g} {measured.unit} is below {wanted.minimum:g}", "mend the line and measure again"
    if wanted.maximum is not None and measured.value > wanted.maximum:
        return f"{measured.value:g} {measured.unit} is above {wanted.maximum:g}", "mend the line and measure again"
    return None if wanted.network is None else _disagreement(measured, wanted, levels[wanted.network])


def _disagreement(measured: Measurement, wanted: WantedMeasurement, level: float | None) -> tuple[str, str] | None:
    if level is None:
        return f"cannot be compared: the network knows no {wanted.network}", "have the office measure the line again"
    if abs(level - measured.value) <= wanted.tolerance:
        return None
    return (
        f"{measured.value:g} {measured.unit} differs from the {level:g} that the network measures",
        f"measure at the installed device again; the two may differ by {wanted.tolerance:g}",
    )


def _photo_problems(completion: CompletionBody, needed: int) -> Iterator[EvidenceProblem]:
    given = len({photo.sha256 for photo in completion.photos})
    if given < needed:
        yield EvidenceProblem(
            "photos", f"{given} of {needed} are there", "take the missing photos and send their hashes"
        )
