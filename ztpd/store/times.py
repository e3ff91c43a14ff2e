"""Times as the database keeps them: UTC, fixed width, sorting as text."""

from datetime import UTC, datetime


def to_text(moment: datetime) -> str:
    """``2026-01-31T23:59:59.123456Z``; the moment must be aware."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "Z"


def from_text(text: str) -> datetime:
    """The aware UTC moment that ``to_text`` wrote."""
    return datetime.fromisoformat(text)


def optional_text(moment: datetime | None) -> str | None:
    """``to_text`` of a moment that may be missing."""
    return None if moment is None else to_text(moment)


def optional_moment(text: str | None) -> datetime | None:
    """``from_text`` of a text that may be missing."""
    return None if text is None else from_text(text)
