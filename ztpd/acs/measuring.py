"""What a CPE's results mean: texts as it shows them become readings with units. Pure.

Throughput by TR-143 §4.2 and §4.3; the others by the descriptions of their parameters in TR-181 and TR-098. What is
not shown, or cannot be true, is left out or raises ``Unmeasured``: it is never guessed.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ztpd.acs.lexical import moment_of
from ztpd.domain.diagnostics import KINDS, Reading, Report

Values = Mapping[str, str]
"""Texts by the names that the data files give them."""

SHOWN_TEXT = 64
COARSE_S = 10.0
"""Times in whole seconds are good for a speed from this duration on: one second more or less is a tenth then."""

_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,20}(?:\.[0-9]{1,12})?)")


class Unmeasured(Exception):
    """A test that is said to be complete shows no result; the text says why, for people."""


def report_of(test: str, values: Values, rows: Sequence[Values], counted: int | None = None) -> Report:
    """What a test showed; ``counted`` are its rows where only some of them were read. Raises ``Unmeasured``."""
    return _REPORTS[test](test, values, rows, len(rows) if counted is None else counted)


def _reading(test: str, name: str, value: float | int | str) -> Reading:
    rounded = round(value, 3) if isinstance(value, float) else value
    return Reading(name, rounded, KINDS[test].shows.get(name, ""))


def _speed(test: str, values: Values, rows: Sequence[Values], counted: int) -> Report:
    """All connections at once where the CPE shows that (TR-143 Amendment 1 §4.3), the whole transfer else."""
    full_bytes, full_us = _count(values, "full_bytes"), _count(values, "full_us")
    if full_bytes and full_us:
        return _throughput(test, full_bytes, full_us / 1e6)
    sent = _count(values, "bytes") or _count(values, "file_bytes")
    if not sent:
        raise Unmeasured("the CPE says that it is complete, and that no byte was transferred")
    return _throughput(test, sent, _seconds(values))


def _throughput(test: str, transferred: int, seconds: float) -> Report:
    speed = _reading(test, "speed_mbps", transferred * 8 / seconds / 1e6)
    return Report(
        (speed, _reading(test, "duration_s", float(seconds)), _reading(test, "transferred_bytes", transferred))
    )


def _seconds(values: Values) -> float:
    began, ended = _moment(values.get("began", "")), _moment(values.get("ended", ""))
    if began is None or ended is None:
        raise Unmeasured("the CPE does not show when the transfer began and ended")
    seconds = (ended - began).total_seconds()
    if seconds <= 0:
        raise Unmeasured("by the CPE's clock no time passed: the file is too small, or the clock was set meanwhile")
    if "." not in values["began"] + values["ended"] and seconds < COARSE_S:
        raise Unmeasured(f"the CPE's clock shows whole seconds and the test took {seconds:g}: use a larger file")
    return seconds


def _moment(text: str) -> datetime | None:
    """A dateTime that is known (TR-106 §3.2): unknown times begin with year 1."""
    moment = moment_of(text.strip())
    return None if moment is None or moment.year <= 1 else moment


def _ping(test: str, values: Values, rows: Sequence[Values], counted: int) -> Report:
    succeeded, failed = _count(values, "succeeded"), _count(values, "failed")
    if succeeded is None or failed is None or succeeded + failed == 0:
        raise Unmeasured("the CPE says that it is complete, and shows no ping")
    found = [
        Reading("answered", succeeded),
        Reading("sent", succeeded + failed),
        _reading(test, "loss_percent", 100.0 * failed / (succeeded + failed)),
    ]
    for name in ("average", "minimum", "maximum") if succeeded else ():
        fine, coarse = _count(values, f"{name}_us"), _count(values, f"{name}_ms")
        milliseconds = fine / 1000 if fine else coarse
        if milliseconds is not None:
            found.append(_reading(test, f"{name}_ms", float(milliseconds)))
    return Report(tuple(found))


def _traceroute(test: str, values: Values, rows: Sequence[Values], counted: int) -> Report:
    if not counted:
        raise Unmeasured("the CPE says that it is complete, and shows no hop")
    response = _count(values, "response_ms")
    found = [_reading(test, "hops", counted)]
    if response:
        found.append(_reading(test, "response_ms", float(response)))
    shown = [
        tuple(Reading(name, _text(row[name]), "ms" if name == "times_ms" else "") for name in row if row[name])
        for row in rows
    ]
    return Report(tuple(found), tuple(shown))


def _neighbours(test: str, values: Values, rows: Sequence[Values], counted: int) -> Report:
    shown = [tuple(_of_neighbour(row)) for row in rows]
    levels = [each.value for row in shown for each in row if each.name == "signal_dbm" and isinstance(each.value, int)]
    strongest = [_reading(test, "strongest_dbm", max(levels))] if levels else []
    return Report((_reading(test, "neighbours", counted), *strongest), tuple(shown))


def _of_neighbour(row: Values) -> list[Reading]:
    found = []
    for name, text in row.items():
        number = _number(text) if name in {"channel", "signal_dbm"} else None
        if name == "signal_dbm" and (number is None or not -200 <= number < 0):
            continue  # 0 is what a radio shows that did not measure
        value = _text(text) if number is None else int(number)
        found.append(Reading(name, value, "dBm" if name == "signal_dbm" else ""))
    return found


def _optics(test: str, values: Values, rows: Sequence[Values], counted: int) -> Report:
    """``values`` map a name and its scale (``rx_power_dbm dbm/1000``) to the text."""
    found = []
    for key, text in values.items():
        name, _, scale = key.partition(" ")
        level = level_of(scale, text)
        if level is not None:
            found.append(_reading(test, name, level))
    if not found:
        raise Unmeasured("the CPE shows no optical level")
    return Report(tuple(found))


def level_of(scale: str, text: str) -> float | None:
    """An optical level in dBm, or a temperature in °C; None when the text has no value that can be true.

    No ONT receives a milliwatt: what such a place shows as positive and large is power in 0.1 µW, as transceivers keep
    it (SFF-8472 §9.8). Thousandths that make less than a tenth are a CPE's that shows whole dBm there, or none: no
    telling which.
    """
    number = _number(text)
    if number is None:
        return None
    match scale:
        case "dbm/1000":
            return _dbm(number / 1000) if abs(number) >= 100 else None
        case "dbm":
            return _dbm(number)
        case "dbm|0.1uw":
            return _dbm(number) if number < 10 else _dbm(10 * math.log10(number / 10_000))
        case _:
            return number if -60 <= number <= 150 else None


def _dbm(level: float) -> float | None:
    """A level that an optical transceiver can have; 0 and the ends of the scale are what shows that there is none."""
    return level if -60 < level < 15 and level != 0 else None


def _number(text: str) -> float | None:
    match = _NUMBER.match(text)
    return None if match is None else float(match.group(1))


def _count(values: Values, name: str) -> int | None:
    number = _number(values.get(name, ""))
    return None if number is None or number < 0 else int(number)


def _text(text: str) -> str:
    """What a CPE or its neighbours chose to say, fit to be shown."""
    return "".join(each if each.isprintable() else "?" for each in text[:SHOWN_TEXT])


_REPORTS: Mapping[str, Callable[[str, Values, Sequence[Values], int], Report]] = {
    "download": _speed,
    "upload": _speed,
    "ping": _ping,
    "traceroute": _traceroute,
    "wifi-neighbours": _neighbours,
    "optics": _optics,
}
