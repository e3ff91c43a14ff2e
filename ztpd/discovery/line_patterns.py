"""Which lines of syslog mean that a list may have changed: regular expressions that the operator edits.

Pure. The shipped ones go by the wording of alarms in public manuals and pages, not by recorded devices: a line that
none of them fits costs a hint, and the poll finds what it hinted at.
"""

import re
from collections.abc import Sequence

LONGEST_SEARCHED = 1024
"""How many characters of a line are searched."""

MOST_PATTERNS = 64
_LONGEST_PATTERN = 500
_MOST_STEPS = LONGEST_SEARCHED * LONGEST_SEARCHED

DEFAULTS = (
    r"auto[ -]?find",
    r"dying[ -]?gasp",
    r"\bLO[SFB]i?\b",
    r"\bloss of (?:signal|frame|gpon|phy)",
    r"optical signals? from (?:the )?ON[UT]",
    r"\bunauth|\buncfg|\bunprovision",
    r"\bON[UT]\b.{0,80}\b(?:on-?line|off-?line|up\b|down\b|de-?activat|activat|de-?regist|regist|discover|ranged|lost)",
    r"\b(?:new|discover|regist|de-?regist|activat|de-?activat)\w{0,4} .{0,40}\bON[UT]\b",
    r"\blink[ -]?(?:up|down)\b",
)
"""Huawei, ZTE, Nokia and V-SOL: an ONU found, lost, up or down; and the port it hangs on."""

_ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{)")
_REPEAT = re.compile(r"[*+]|\{(\d*)(,?)(\d*)\}")


class PatternRefused(ValueError):
    """A pattern cannot be used: ``index`` is its place, ``problem`` what is wrong, ``remedy`` what to do."""

    def __init__(self, index: int, problem: str, remedy: str) -> None:
        self.index = index
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"pattern {index}: {problem}; {remedy}")


class LinePatterns:
    """Patterns that are searched for in a line, upper and lower case alike; raises ``PatternRefused``.

    None can take long: its repeats multiplied, each with the most it may repeat, are at most ``LONGEST_SEARCHED``.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        if len(patterns) > MOST_PATTERNS:
            raise PatternRefused(MOST_PATTERNS, f"is one more than {MOST_PATTERNS}", "Join some with |.")
        self._compiled = [_compile(index, pattern) for index, pattern in enumerate(patterns)]

    def __len__(self) -> int:
        return len(self._compiled)

    def fit(self, text: str) -> bool:
        """Whether one of them is found in the text's first ``LONGEST_SEARCHED`` characters."""
        searched = text[:LONGEST_SEARCHED]
        return any(pattern.search(searched) for pattern in self._compiled)


def _compile(index: int, pattern: str) -> re.Pattern[str]:
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        raise PatternRefused(index, f"is not of 1 to {_LONGEST_PATTERN} characters", "Split it.")
    try:
        compiled = re.compile(pattern, re.ASCII | re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternRefused(index, str(error), "Correct the regular expression.") from None
    bare = _ESCAPE_OR_CLASS.sub("_", pattern)
    # Repeating a group is how a regular expression comes to take exponential time.
    if _REPEATED_GROUP.search(bare):
        raise PatternRefused(index, "repeats a group", r"Write the parts out, or a class: [\d/]+.")
    if _steps(bare) > _MOST_STEPS:
        remedy = "Keep one * or +, and bound the others: .{0,40}."
        raise PatternRefused(index, "repeats too much in one pattern", remedy)
    return compiled


def _steps(bare: str) -> int:
    """How many steps a search may take at most: a start at every character, times what each repeat may take."""
    steps = LONGEST_SEARCHED
    for repeat in _REPEAT.finditer(bare):
        least, comma, most = repeat.groups()
        bound = most if comma else least
        steps *= min(int(bound) + 1, LONGEST_SEARCHED) if bound else LONGEST_SEARCHED
    return steps
