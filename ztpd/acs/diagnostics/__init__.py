"""Where the tests are on a CPE: one TOML file for each data model, as values.

A file says below which object a test lies, what its arguments and results are called there, and in which order the
places of the optical levels are looked at. What the results mean is in ``ztpd.acs.measuring``.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from ztpd.domain.diagnostics import TestName
from ztpd.domain.model import Strict

Object = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*\.$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")]
Scale = Literal["dbm", "dbm/1000", "dbm|0.1uw", "celsius"]


class Argument(Strict):
    """The parameter that an argument is set by; ``words`` are what its values are called there.

    ``rest`` is what it stands at when nobody gives it: an earlier test may have left another value.
    """

    name: Name
    type: Literal["string", "unsignedInt", "boolean"] = "string"
    words: dict[str, str] = Field(default_factory=dict)
    rest: str | None = None


class Place(Strict):
    """One test on one data model: names are below ``object``, those of ``columns`` below each row of ``table``.

    ``listed`` tables are too long to be read with their object.
    """

    object: Object
    arguments: dict[str, Argument] = Field(default_factory=dict)
    results: dict[str, Name] = Field(default_factory=dict)
    table: Object | None = None
    listed: bool = False
    columns: dict[str, Name] = Field(default_factory=dict)

    @property
    def state(self) -> str:
        """The parameter that a test is begun by, and that shows where it stands."""
        return f"{self.object}DiagnosticsState"


class Level(Strict):
    """A level and how its text is to be read."""

    name: Name
    scale: Scale


class OpticalPlace(Strict):
    """Where some makes show the levels of the line: ``manufacturer`` patterns, any when empty.

    ``upstream`` is the parameter that tells the line's interface among several instances.
    """

    object: Object
    manufacturer: tuple[str, ...] = ()
    upstream: Name | None = None
    results: dict[str, Level]


class Places(Strict):
    """Every test of one data model; optical places in the order in which they are looked at."""

    root: Object
    tests: dict[TestName, Place]
    optics: tuple[OpticalPlace, ...] = ()


@cache
def shipped() -> Mapping[str, Places]:
    """The files of this package by their root object; raises ``ValueError`` when one is wrong."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    read = [Places.model_validate(tomllib.loads(file.read_text("utf-8"))) for file in files]
    return {places.root: places for places in read}
