"""What a platform's file says, and its checks: whatever is wrong with one is found when it is read.

Commands are templates: ``{name}`` is a fact (``facts``) and is filled in only if the whole value matches the pattern of
``fields.name``. Patterns are Python regular expressions; those of rules are searched for in one line of an answer, and
their named groups are facts.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.access import COMPARED
from pon.onu import Presence

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class PlatformError(ValueError):
    """The file is no platform's: it says what and where."""


class Kind(StrEnum):
    """What a refusal means, by which the driver decides."""

    BUSY = "busy"  # not now: raised as Busy
    CONFLICT = "conflict"  # somebody else has it: Conflict
    MISSING = "missing"  # there is no such object: nothing to read, nothing to delete
    ALREADY = "already"  # it is so already: as if it had been done
    IN_USE = "in-use"  # a shared object that others use: left where it is
    REJECTED = "rejected"  # anything else: Rejected


class Table(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Question(Table):
    """What the element asks in the middle of an answer, at the end of a line, and the keys that are pressed then.

    ``confirms`` is a question whether a command is meant: only a command that is expected to ask is confirmed by
    ``keys``, at any other ``otherwise`` is pressed and the question is a refusal.
    """

    pattern: re.Pattern[str]
    keys: str
    confirms: bool = False
    otherwise: str = "n\n"


class Failure(Table):
    """A line that says that a command was not done."""

    pattern: re.Pattern[str]
    kind: Kind


class Login(Table):
    """What is asked and said at the door of a telnet server, or in front of the shell of an SSH one.

    ``refused`` says that name or password are wrong, ``full`` that there are too many sessions. An SSH server may show
    ``full`` after it has let one in.
    """

    username: re.Pattern[str] | None = None
    password: re.Pattern[str] | None = None
    refused: re.Pattern[str]
    full: re.Pattern[str]


class Mode(Table):
    """A view of the CLI: how its prompt ends, and how one gets there and back.

    ``prompt`` is the pattern of what follows the element's name. ``password`` is what the ``enter`` command asks for
    in return, if it does, and is answered with the enable password.
    """

    prompt: str
    parent: str | None = None
    enter: str = ""
    leave: str = ""
    password: re.Pattern[str] | None = None


class Dialogue(Table):
    """How one speaks with the element. ``name`` is the pattern of the element's own name in front of the prompt.

    ``unwrap`` finds a line that continues the one before it. ``echoes``: a prompt counts only behind the echo of what
    was typed, for messages that come unasked are followed by prompts too.

    ``setup`` are commands sent in ``home``, the mode of most commands, after each login (no paging, no messages): they
    may be refused. ``logout`` are sent when a session is given up.
    """

    name: str = r"[\w.-]{1,64}"
    newline: str = "\n"
    start: str
    home: str
    modes: Mapping[str, Mode]
    questions: tuple[Question, ...] = ()
    failures: tuple[Failure, ...]
    login: Login
    setup: tuple[str, ...] = ()
    logout: tuple[str, ...] = ()
    most_pages: int = 100_000
    unwrap: re.Pattern[str] | None = None
    echoes: bool = True

    @model_validator(mode="after")
    def _modes_join(self) -> Self:
        for name in (self.start, self.home, *(mode.parent for mode in self.modes.values() if mode.parent)):
            if name not in self.modes:
                raise ValueError(f"there is no mode {name!r}")
        return self


class Rule(Table):
    """A line of an answer, and what it tells: its named groups, and ``also``.

    ``carry``: what it tells holds for the lines behind it, until it matches again or one that ``ends`` a block does.
    ``each``: every match is one more object of that name (see ``Object``), the first of which counts. Otherwise the
    first match for an ONU counts.
    """

    pattern: re.Pattern[str]
    also: Mapping[str, str] = {}
    carry: bool = False
    ends: bool = False
    each: str | None = None


class Query(Table):
    """A command that only reads. It is left out unless all of ``needs`` are known.

    ``absent`` is what it says when there is nothing, beside failures of the kind ``missing``. ``join`` names facts: of
    an answer about many, rows go to every ONU that has the same values of these (a traffic table by its index);
    otherwise to the ONU with the same ``port`` and ``onu_id``. ``given`` names facts of ``defaults``: rows that tell
    another value of one than the operator gave are about something else (another port of an ONU's) and passed over.
    """

    command: str
    mode: str | None = None
    rules: tuple[Rule, ...] = ()
    absent: re.Pattern[str] | None = None
    needs: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    prefix: str = ""  # put in front of the names of the groups that are not in ``join``


class Step(Table):
    """A command that writes; ``when`` names a fact that must be there (``!name``: must not).

    ``confirm``: it asks whether it is meant, and is. ``accepts``: what looks like a refusal and is none here.
    """

    command: str
    mode: str | None = None
    when: tuple[str, ...] = ()
    confirm: bool = False
    accepts: re.Pattern[str] | None = None


class Object(Table):
    """A thing that is made for an ONU, in the file's order, and taken away in the opposite order.

    It is there if the fact ``there`` is. ``facts`` are its properties that are compared: one that is not as wanted is
    changed by ``change.FACT`` or, where that is missing, by deleting and creating the object anew. The compensation of
    ``create`` is ``delete`` and the other way round, that of a change is the same change with the former value.

    One that ``goes_with`` another object is gone when that is deleted.

    ``shared`` objects are named by what they hold, so that many ONUs can use one: ``exists`` finds out whether it is
    there, ``create`` makes it, and ``delete`` is tried when an ONU leaves it; the element refuses while others use it.
    Their ``there`` is the fact of their name; only names that ``ours`` matches are deleted. ``numbers`` are chosen
    when one is made, where an element counts them besides naming them.
    """

    name: str
    there: str
    goes_with: str | None = None
    facts: tuple[str, ...] = ()
    create: tuple[Step, ...] = ()
    delete: tuple[Step, ...] = ()
    change: Mapping[str, tuple[Step, ...]] = {}
    shared: bool = False
    exists: Query | None = None
    ours: re.Pattern[str] | None = None
    numbers: Mapping[str, "Number"] = {}


class Number(Table):
    """A number that we choose: the lowest from ``low`` to ``high`` that ``taken`` does not list, or what ``free`` says.

    The queries' groups have the number's own name.
    """

    low: int = 0
    high: int
    taken: Query | None = None
    free: Query | None = None


class Derived(Table):
    """A fact made of others: ``value`` is a template; ``when`` as for steps. The first that applies counts."""

    value: str
    when: tuple[str, ...] = ()


class Rate(Table):
    """A rate in kbit/s that is read as ``measured`` from an object whose name, ``name``, ztpd may have given.

    ``meant`` finds in such a name (group ``kbps``) what was asked for, where the element has rounded it up.
    """

    measured: str
    name: str
    meant: re.Pattern[str]


class Admin(Table):
    """How an ONU's being allowed to carry traffic is told: the values of the fact ``admin``."""

    enabled: str
    disabled: str


class Measure(Table):
    """How light is read: groups ``onu_rx_dbm`` and ``olt_rx_dbm``."""

    queries: tuple[Query, ...]


Sources = Annotated[tuple[str, ...], Field(min_length=1)]


class Platform(Table):
    """One platform's file.

    ``autofind`` is the name under which ``pon.autofind`` knows the answer to ``discovered``. ``mark`` is the text by
    which an ONU that ztpd made is known (a template with ``{service}``). ``defaults`` are facts that an element's
    settings may give (``CliSettings.values``); an empty one they must. ``states`` maps what the element prints
    as ``state`` to a presence, ``unmodelled`` are the properties that it has no word for. Rates are facts in kbit/s;
    ``rate_step_kbps`` is what the element rounds them up to. Each query of ``ports`` is asked for every row of the one
    before it; the last one's rows hold, or with ``derived.port`` make, a port. ``ids`` says over what ONU ids are
    counted: over each port, or over the whole element, which then may tell the port of an ONU elsewhere or not at all.

    ``read_all``: a query about a port is asked for every port if it is the first, else for those that the ones before
    it named. ``find_service`` finds the description of a service; where it does not tell whose it is, or where there is
    none, ``read_all`` does. ``bare_without``: an ONU that has none of these facts is only registered; nobody has
    configured it.
    """

    title: str
    sources: Sources
    doubts: tuple[str, ...] = ()
    technologies: frozenset[str] = frozenset({"pon"})
    autofind: str
    mark: str = "ztpd_{service}"
    dialogue: Dialogue
    fields: Mapping[str, re.Pattern[str]]
    split: Mapping[str, re.Pattern[str]] = {}
    defaults: Mapping[str, str] = {}
    derived: Mapping[str, tuple[Derived, ...]] = {}
    numbers: Mapping[str, Number] = {}
    states: Mapping[str, Presence] = {}
    unmodelled: frozenset[str] = frozenset()
    rate_step_kbps: int = 1
    rates: Mapping[str, Rate] = {}
    admin: Admin
    ids: Literal["port", "element"] = "port"
    discovered: tuple[Query, ...]
    ports: Annotated[tuple[Query, ...], Field(min_length=1)]
    read: tuple[Query, ...]
    read_all: tuple[Query, ...]
    many: int = 32  # from how many ONUs on reading all is cheaper than reading each
    find_service: Query | None = None
    bare_without: tuple[str, ...] = ()
    objects: tuple[Object, ...]
    measure: Measure | None = None
    reboot: tuple[Step, ...] = ()
    save: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        unknown = self.unmodelled - set(COMPARED)
        if unknown:
            raise ValueError(f"unmodelled: no such properties: {', '.join(sorted(unknown))}")
        for where, step in self._templates():
            for fact in _PLACEHOLDER.findall(step.command):
                if fact not in self.fields:
                    raise ValueError(f"{where}: {step.command!r} has {{{fact}}}, but there is no fields.{fact}")
            if step.mode is not None and step.mode not in self.dialogue.modes:
                raise ValueError(f"{where}: there is no mode {step.mode!r}")
        for name, mode in self.dialogue.modes.items():
            for fact in _PLACEHOLDER.findall(mode.enter):
                if fact not in self.fields:
                    raise ValueError(f"mode {name} is entered with {{{fact}}}, but there is no fields.{fact}")
        return self

    @model_validator(mode="after")
    def _objects_are_known(self) -> Self:
        known = {None, *(each.name for each in self.objects)}
        for each in self.objects:
            if each.goes_with not in known:
                raise ValueError(f"object {each.name} goes with {each.goes_with!r}, which is no object")
        return self

    @property
    def identity(self) -> tuple[str, ...]:
        """The facts that tell one ONU from every other."""
        return ("onu_id",) if self.ids == "element" else ("port", "onu_id")

    def _templates(self) -> Iterator[tuple[str, Query | Step]]:
        for made in self.objects:
            steps = [*made.create, *made.delete, *(step for changes in made.change.values() for step in changes)]
            yield from ((f"object {made.name}", step) for step in steps)
            if made.exists is not None:
                yield f"object {made.name}", made.exists
        queries = [*self.discovered, *self.ports, *self.read, *self.read_all, *(self.measure or _NOTHING).queries]
        queries += [query for number in self.numbers.values() for query in (number.taken, number.free) if query]
        queries += [self.find_service] if self.find_service else []
        yield from (("query", query) for query in queries)
        yield from (("step", step) for step in (*self.reboot, *self.save))


_NOTHING = Measure(queries=())
_FOLDER = "platforms"


def names() -> tuple[str, ...]:
    """The platforms that there are."""
    folder = resources.files(__package__) / _FOLDER
    return tuple(sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml")))


@cache
def load(name: str) -> Platform:
    """The platform of that name; raises ``PlatformError``."""
    if name not in names():
        raise PlatformError(f"there is no platform {name!r}; there are {', '.join(names())}")
    return parse(name, (resources.files(__package__) / _FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Platform:
    """A platform's file; raises ``PlatformError``."""
    try:
        return Platform.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlatformError(f"{name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PlatformError(f"{name}: {where or 'file'}: {first['msg']}") from error
