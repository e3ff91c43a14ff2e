"""What a CPE's fault codes mean, in words for a technician. Pure; the words are in ``faults.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class FaultWords:
    """The standard's text of a code, and what a technician is told."""

    name: str
    words: str


def _read() -> Mapping[int, FaultWords]:
    text = resources.files("ztpd.acs").joinpath("faults.toml").read_text("utf-8")
    return {int(code): FaultWords(**entry) for code, entry in tomllib.loads(text).items()}


FAULTS: Mapping[int, FaultWords] = _read()
"""Every fault code of a CPE (TR-069 Amendment 6, A.5.1)."""

_LONGEST = 200


def told(code: int, said_by_cpe: str, about: str = "") -> str:
    """A fault as a sentence: ``Invalid value for Wi-Fi channel (5 GHz)``; what the CPE says beyond its code is kept."""
    known = FAULTS.get(code)
    text = " ".join(said_by_cpe.split())[:_LONGEST]
    if known is None:
        return (text or "the CPE gave no reason") + (f" for {about}" if about else "")
    sentence = known.words + (f" for {about}" if about else "")
    return f"{sentence} (the device says: {text})" if _adds_to(known, text) else sentence


def _adds_to(known: FaultWords, text: str) -> bool:
    """Whether a CPE says more than the standard's text, with or without blanks and the word CWMP."""
    letters = "".join(filter(str.isalpha, text.casefold()))
    names = {"".join(filter(str.isalpha, each.name.casefold())) for each in FAULTS.values()}
    return bool(letters) and letters not in names and letters not in {"cwmpfault", "fault", "error"}
