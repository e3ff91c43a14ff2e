"""The envelope of an event: CloudEvents 1.0.2, JSON event format, structured mode. Pure.

Sources: CloudEvents core specification §3 (context attributes, type system), JSON event format §3, the documented
extensions ``sequence`` and ``correlation``; Standard Webhooks 1.0.0 for the form of the id and the size.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from billing_hooks.errors import EnvelopeTooLarge, InvalidAttribute

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MAX_BYTES = 20_000
SEQUENCE_DIGITS = 20

_TEXT = (
    re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]{1,255}"),
    "1 to 255 characters without control characters",
)
_RULES: Mapping[str, tuple[re.Pattern[str], str]] = {
    # The id is signed as "id.timestamp.body": a full stop in it would make the parts ambiguous.
    "id": (re.compile(r"[!-\-/-~]{1,128}"), "1 to 128 visible ASCII characters without a full stop"),
    "type": (
        re.compile(r"(?=.{1,128}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"),
        "words of letters, digits, '_' and '-' joined by full stops, up to 128 characters",
    ),
    "source": (
        re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){1,255}"),
        "a URI reference (RFC 3986) of up to 255 characters",
    ),
    "subject": _TEXT,
    "service": _TEXT,
    "correlationid": _TEXT,
}


def cloud_event(
    *,
    event_id: str,
    event_type: str,
    source: str,
    subject: str,
    time: datetime,
    service: str | None,
    sequence: int,
    correlation: str | None,
    data: Mapping[str, object],
) -> bytes:
    """The event as UTF-8 JSON of less than ``MAX_BYTES``, the same bytes for the same arguments.

    ``sequence`` counts within ``service`` and is written with leading zeros, so that it sorts as text; ``correlation``
    (the job) becomes ``correlationid``; ``service`` and ``correlation`` are left out when None. ``time`` must be aware
    and is written in UTC (RFC 3339). Raises ``InvalidAttribute`` or ``EnvelopeTooLarge``.
    """
    texts = {"id": event_id, "type": event_type, "source": source, "subject": subject}
    extensions = {"service": service, "correlationid": correlation}
    texts |= {name: value for name, value in extensions.items() if value is not None}
    for name, value in texts.items():
        _check_text(event_id, name, value)
    envelope = {
        "specversion": "1.0",
        **texts,
        "time": _rfc3339(event_id, time),
        "sequence": _sequence(event_id, sequence),
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    return _encode(event_id, envelope)


def _check_text(event_id: str, name: str, value: str) -> None:
    pattern, rule = _RULES[name]
    if pattern.fullmatch(value) is None:
        raise InvalidAttribute(event_id, name, value, rule)


def _rfc3339(event_id: str, time: datetime) -> str:
    if time.utcoffset() is None:
        raise InvalidAttribute(event_id, "time", time.isoformat(), "a time with an offset from UTC")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sequence(event_id: str, sequence: int) -> str:
    if not 0 <= sequence < 10**SEQUENCE_DIGITS:
        rule = f"a number of up to {SEQUENCE_DIGITS} digits, not negative"
        raise InvalidAttribute(event_id, "sequence", str(sequence), rule)
    return f"{sequence:0{SEQUENCE_DIGITS}d}"


def _encode(event_id: str, envelope: Mapping[str, object]) -> bytes:
    try:
        body = orjson.dumps(envelope)
    except TypeError as fault:
        raise InvalidAttribute(event_id, "data", str(fault), "values that JSON can hold") from fault
    if len(body) >= MAX_BYTES:
        raise EnvelopeTooLarge(event_id, len(body), MAX_BYTES - 1)
    return body
