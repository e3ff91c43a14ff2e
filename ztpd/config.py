"""Reading the configuration: one TOML file, checked as a whole, with errors that name file, key and remedy.

What may stand in it is in ``ztpd.settings``. Environment variables override single values (``ZTPD_STORE__URL``,
``ZTPD_API__PORT``). Secrets stand in files of their own, named relative to the configuration's folder.
"""

import difflib
import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError

from ztpd.domain.profile import Profile
from ztpd.element_settings import DRIVERS
from ztpd.settings import ENVIRONMENT_DELIMITER, ENVIRONMENT_PREFIX, Settings

T = TypeVar("T")

_LONGEST_SECRET_BYTES = 64 * 1024
_LONGEST_SECRETS_BYTES = 64 * 1024 * 1024
_LONGEST_SHOWN = 60

_MISTAKEN = {
    "model_type": ("must be a table", "Begin it with its name in brackets, such as [store]."),
    "tuple_type": ("must be a list", "Write it in brackets; a list of tables is written [[elements]], once each."),
    "path_type": ("must be a path", "Write it in quotes."),
}
"""What pydantic calls by Python's names, in TOML's: problem and remedy by pydantic's error type."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong: in which file (None: in the environment), at which key, what, and what to do."""

    file: Path | None
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file or 'environment'}: {self.key}" if self.key else str(self.file)
        return f"{where}: {self.problem}. {self.remedy}"


class ConfigError(Exception):
    """The configuration cannot be used; carries every problem found."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def all_of(makers: Iterable[Callable[[], T]]) -> list[T]:
    """What each maker makes; raises one ``ConfigError`` with the problems of all that cannot."""
    made: list[T] = []
    problems: list[ConfigProblem] = []
    for make in makers:
        try:
            made.append(make())
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return made


@dataclass(frozen=True, slots=True)
class Configuration:
    """The checked settings with the file they came from; paths in them are relative to its folder."""

    file: Path
    settings: Settings

    @property
    def profiles(self) -> dict[str, Profile]:
        """The profiles of the folder that it names, read anew; raises ``ConfigError``."""
        return load_profiles(self.path(self.settings.profiles))

    def path(self, named: Path) -> Path:
        """A path named in the file."""
        return self.file.parent / named

    def problem(self, key: str, problem: str, remedy: str) -> ConfigError:
        """The error of one key of this file."""
        return ConfigError([ConfigProblem(self.file, key, problem, remedy)])

    def secret(self, key: str, named: Path) -> str:
        """The text of a secret's file without surrounding space; refuses one that others can read (``ConfigError``)."""
        return self._secret(key, named, _LONGEST_SECRET_BYTES).strip()

    def _secret(self, key: str, named: Path, longest: int) -> str:
        path = self.path(named)
        try:
            mode = path.stat().st_mode
            with path.open("rb") as file:
                text = file.read(longest).decode()
        except OSError as error:
            problem = f"{path} cannot be read: {error.strerror}"
            raise self.problem(key, problem, "Create it with mode 0600, owned by the daemon's user.") from None
        except UnicodeDecodeError:
            raise self.problem(key, f"{path} is not UTF-8 text", "Write the secret into it as text.") from None
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            raise self.problem(key, f"{path} is open to everybody", f"Close it: chmod 600 {path}.")
        if not text.strip():
            raise self.problem(key, f"{path} is empty", "Write the secret into it.")
        return text

    def secret_lines(self, key: str, named: Path) -> list[str]:
        """The lines of a secret's file; refuses as ``secret`` does, but may be long (``ConfigError``)."""
        return self._secret(key, named, _LONGEST_SECRETS_BYTES).splitlines()

    def private_file(self, key: str, named: Path) -> Path:
        """The path of a secret's file, for what reads it itself; refuses as ``secret`` does (``ConfigError``)."""
        self.secret(key, named)
        return self.path(named)


def load(file: Path) -> Configuration:
    """Read and check the file, overridden by the environment; raises ``ConfigError`` with every problem.

    What it names (secrets, profiles, patterns) is read where it is used.
    """
    mapping = read_toml(file)
    problems = [
        *(_unknown(file, Settings, (key,)) for key in mapping if key not in Settings.model_fields),
        *_environment_problems(os.environ),
    ]
    if any(problem.file is None for problem in problems):
        raise ConfigError(problems)
    try:
        # A key that is no section must not get here: BaseSettings takes arguments of its own.
        settings = Settings(**{key: value for key, value in mapping.items() if key in Settings.model_fields})
    except ValidationError as error:
        problems += [_overridden(_problem_of(file, Settings, each)) for each in error.errors()]
        raise ConfigError(problems) from None
    problems += _repeated_names(file, settings)
    if problems:
        raise ConfigError(problems)
    return Configuration(file, settings)


def load_profiles(folder: Path) -> dict[str, Profile]:
    """Every ``*.toml`` of the folder as a profile, by its name; raises ``ConfigError`` with every problem."""
    if not folder.is_dir():
        raise ConfigError([ConfigProblem(folder, "", "is no folder", "Create it, or correct the key profiles.")])
    profiles = all_of([partial(_profile, file) for file in sorted(folder.glob("*.toml"))])
    return {profile.name: profile for profile in profiles}


def _profile(file: Path) -> Profile:
    try:
        profile = Profile.model_validate(read_toml(file))
    except ValidationError as error:
        raise ConfigError(_problem_of(file, Profile, each) for each in error.errors()) from None
    if profile.name != file.stem:
        remedy = f"Rename the file to {profile.name}.toml, or the profile."
        raise ConfigError([ConfigProblem(file, "name", f"is {profile.name!r}, the file is {file.name}", remedy)])
    return profile


def read_toml(file: Path) -> dict[str, Any]:
    """The file's content; raises ``ConfigError`` naming what is wrong with the file or its syntax."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        remedy = "Correct the syntax: https://toml.io tells how it is."
        raise ConfigError([ConfigProblem(file, "", _lowered(str(error)), remedy)]) from None
    except UnicodeDecodeError:
        raise ConfigError([ConfigProblem(file, "", "is not UTF-8 text", "Save it as UTF-8.")]) from None
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise ConfigError([ConfigProblem(file, "", problem, "Create it, or name another one.")]) from None


def _environment_problems(environment: Mapping[str, str]) -> list[ConfigProblem]:
    """What is wrong with the variables that mean a key: pydantic would not name them, or pass over them in silence."""
    problems: list[ConfigProblem] = []
    for name, value in environment.items():
        if not name.upper().startswith(ENVIRONMENT_PREFIX):
            continue
        alone = EnvSettingsSource(Settings)
        alone.env_vars = {name.lower(): value}
        try:
            means_a_key = bool(alone()) or ENVIRONMENT_DELIMITER not in name
        except SettingsError:
            remedy = """Write lists and tables as JSON, such as '["eth0"]'."""
            problems.append(ConfigProblem(None, name, f"is no JSON (found {value[:_LONGEST_SHOWN]!r})", remedy))
            continue
        if not means_a_key:
            section = name[len(ENVIRONMENT_PREFIX) :].partition(ENVIRONMENT_DELIMITER)[0].lower()
            problems.append(ConfigProblem(None, name, "means no key that ztpd knows", _nearest(Settings, (section,))))
    return problems


def _overridden(problem: ConfigProblem) -> ConfigProblem:
    """The problem, laid to the environment variable that its value came from if one did."""
    names = {name.upper(): name for name in os.environ}
    parts = problem.key.upper().split(".")
    for length in range(len(parts), 0, -1):
        name = names.get(ENVIRONMENT_PREFIX + ENVIRONMENT_DELIMITER.join(parts[:length]))
        if name is not None:
            return ConfigProblem(None, name, problem.problem, problem.remedy)
    return problem


def _problem_of(file: Path, model: type[BaseModel], error: ErrorDetails) -> ConfigProblem:
    key = _dotted(error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(file, model, error["loc"])
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return _of_no_kind(file, key, error)
    if error["type"] == "missing":
        return ConfigProblem(file, key, "is missing", "Add it.")
    if error["type"] in _MISTAKEN:
        return ConfigProblem(file, key, *_MISTAKEN[error["type"]])
    message = _lowered(error["msg"].removeprefix("Value error, "))
    return ConfigProblem(file, key, f"{message}{_shown(key, error['input'])}", "Correct the value.")


def _shown(key: str, value: object) -> str:
    """What was found, unless it may hold a secret (a store's URL may) or is not one value."""
    private = any(word in key for word in ("secret", "password", "token", "key", "url"))
    if private or not isinstance(value, str | int | float):
        return ""
    return f" (found {str(value)[:_LONGEST_SHOWN]!r})"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _of_no_kind(file: Path, key: str, error: ErrorDetails) -> ConfigProblem:
    """A table whose kind is told by one of its keys, which is missing or says none that is known."""
    context = error.get("ctx", {})
    discriminator = str(context["discriminator"]).strip("'")
    key = f"{key}.{discriminator}"
    if error["type"] == "union_tag_not_found":
        return ConfigProblem(file, key, "is missing", "Add it.")
    problem = f"{context['tag']!r} is none of {context['expected_tags']}"
    return ConfigProblem(file, key, problem, "Correct the value.")


def _dotted(location: tuple[int | str, ...]) -> str:
    """The key as the file has it; pydantic also names the kind of a table that may be of several."""
    return ".".join(str(part) for index, part in enumerate(location) if not _is_kind(location, index))


def _is_kind(location: tuple[int | str, ...], index: int) -> bool:
    return location[0] == "elements" and index == 2 and location[index] in DRIVERS  # elements.0.DRIVER.key


def _unknown(file: Path, model: type[BaseModel], location: tuple[int | str, ...]) -> ConfigProblem:
    return ConfigProblem(file, _dotted(location), "is not a key that ztpd knows", _nearest(model, location))


def _nearest(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    known = _keys_at(model, location[:-1])
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Remove it; known here are: {', '.join(known)}."


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a location: tables within tables and arrays of tables are followed."""
    current: type[BaseModel] = model
    for index, part in enumerate(location):
        if _is_kind(location, index):
            current = DRIVERS[str(part)]
        elif isinstance(part, str) and part in current.model_fields:
            current = next(iter(_models_in(current.model_fields[part].annotation)), current)
    return sorted(current.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def _repeated_names(file: Path, settings: Settings) -> list[ConfigProblem]:
    named = {
        "api.tokens": [token.name for token in settings.api.tokens],
        "elements": [element.name for element in settings.elements],
        "endpoints": [endpoint.name for endpoint in settings.endpoints],
        "discovery.snmp.users": [user.name for user in settings.discovery.snmp.users]
        if settings.discovery.snmp
        else [],
    }
    return [
        ConfigProblem(file, f"{key}.{index}.name", f"{name!r} is used twice", "Give each its own name.")
        for key, names in named.items()
        for index, name in enumerate(names)
        if name in names[:index]
    ]
