"""How the daemon logs: structured, one line an event, control characters escaped, no more than is worth reading."""

import logging
import re
import sys
from collections import Counter
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LINES_A_MINUTE = 30
"""How many lines one library may write in a minute; what is more is counted in its next line."""

# C0, DEL and C1 controls, and the two separators that some programs take for the end of a line (UAX #14, BK).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_QUOTED = "\n\n"


def configure(level: str, style: Literal["console", "json"]) -> None:
    """Send every log line to standard error in the given style; libraries are heard from warnings on.

    A traceback never shows the values of local variables, for a secret may be among them.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendering(style)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # One write a line: a line of a library's handler cannot come between a line and its end.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Sparing())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _count_left_out, _without_the_servers_trace],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(style)],
        )
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler], force=True)
    # Both tell at length of every broken session; the drivers say the same once, as an error with the element's name.
    for talkative in ("ncclient", "paramiko"):
        logging.getLogger(talkative).setLevel(logging.CRITICAL + 1)


def _rendering(style: Literal["console", "json"]) -> list[Processor]:
    if style == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    return [structlog.processors.format_exc_info, _escape_controls, console]


def _escape_controls(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Write control characters as JSON would; a traceback keeps its lines, set in so that none looks like an event."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = _CONTROL.sub(_escaped, value)
    if "exception" in event:
        lines = event["exception"].split("\n")
        event["exception"] = "\n".join(f"  {_CONTROL.sub(_escaped, line)}" for line in lines)
    return event


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()


class _Sparing(logging.Filter):
    """Lets each library write so many lines a minute, so that a peer that talks nonsense fills no disk."""

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0
        self._written: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(record.created // 60)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
        if self._written[record.name] >= LINES_A_MINUTE:
            self._left_out[record.name] += 1
            return False
        self._written[record.name] += 1
        record.left_out = self._left_out.pop(record.name, 0)
        return True


def _count_left_out(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    left_out = getattr(event["_record"], "left_out", 0)
    if left_out:
        event["left_out"] = left_out
    return event


def _without_the_servers_trace(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Name what the HTTP server met in a peer's bytes; our own handlers log what fails in them.

    The bytes themselves are left out, which aiohttp quotes after an empty line: they may be an Authorization header.
    """
    if event["_record"].name == "aiohttp.server" and event.get("exc_info"):
        _, error, _ = event.pop("exc_info")
        event["reason"] = f"{type(error).__name__}: {str(error).partition(_QUOTED)[0]}"
    return event


class Trouble:
    """One trouble that may come again and again: what of it is worth a line.

    Each reason is said at its 1st, 2nd, 4th … time and from the 64th on at every 64th; ``times`` is how often there
    was trouble since it was last over.
    """

    REASONS = 16

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()

    @property
    def times(self) -> int:
        """How often there was trouble since it was last over."""
        return self._reasons.total()

    def is_news(self, reason: str) -> bool:
        """Count the reason; whether it is to be said."""
        known = reason if reason in self._reasons or len(self._reasons) < self.REASONS else "others"
        self._reasons[known] += 1
        times = self._reasons[known]
        return times % 64 == 0 if times > 64 else times & (times - 1) == 0

    def over(self) -> int:
        """Forget it; how often it was."""
        times = self.times
        self._reasons.clear()
        return times
