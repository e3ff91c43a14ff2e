"""What an OLT's CLI prints about ONUs that are present but not configured, read into values.

Here belong the answers' layouts (one entry a platform in ``platforms``) and their reading; who sends the command and
what is made of the ONUs does not. Pure: text in, values out. An empty list, a refused command and a list are told
apart; an entry that cannot be read is counted and shown, never guessed at.

The layouts come from public third-party code and pages, named beside each, not from the vendors or from devices.
"""

from pon.autofind.answer import (
    AnswerTooLong,
    Autofind,
    AutofindError,
    CommandRefused,
    FoundOnu,
    UnknownAnswer,
    UnknownPlatform,
    Unread,
)
from pon.autofind.platforms import PLATFORMS
from pon.autofind.reading import LONGEST, parse

__all__ = [
    "LONGEST",
    "PLATFORMS",
    "AnswerTooLong",
    "Autofind",
    "AutofindError",
    "CommandRefused",
    "FoundOnu",
    "UnknownAnswer",
    "UnknownPlatform",
    "Unread",
    "parse",
]
