"""Data-model files: TOML to ``Model``, and an operator's own read over the shipped ones.

Pure. A table ``[repeat.NAME]`` says what ``<NAME>`` and ``<NAME.word>`` stand for: whatever has that in its key is
there once for each row.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ztpd.acs.datamodel import NAMED, Check, Dialect, Instance, Model, Override, Quirks, Target
from ztpd.acs.lexical import TYPES, Literals

_DEVICE_KEYS = ("manufacturer", "oui", "product_class")
_MODEL_KEYS = {"name", "root", "repeat", "intents", "instances", "checks", "override"}
_OVERRIDE_KEYS = {*_DEVICE_KEYS, "intents", "instances", "numbers", "checks", "quirks"}
_TARGET_KEYS = {"paths", "type", "hidden", "said", "values", "check", "count"}
_INSTANCE_KEYS = {"table", "said", "number", "where", "nth", "unless", "named_by", "mark", "make", "blank", "exact"}
_CHECK_KEYS = {"said", "status", "settled", "error", "failed"}
_QUIRK_KEYS = {"read_batch", "set_batch", "discover", "whole_tables", "true", "false", "time"}

Table = dict[str, Any]


class ModelError(ValueError):
    """A data-model file is wrong: names the file, the key and what is expected."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        self.file = file
        self.key = key
        self.problem = problem
        super().__init__(f"{file}: {key}: {problem}")


def parse_models(files: Iterable[tuple[str, str]]) -> tuple[Model, ...]:
    """The models that files (name and text) describe; a later file with a name adds to it and overrides it.

    Raises ``ModelError``.
    """
    models: dict[str, Model] = {}
    for file, text in files:
        model = _parsed(text, file, models)
        models[model.name] = model
    return tuple(models.values())


def parse_model(text: str, file: str) -> Model:
    """The model that one file describes; raises ``ModelError``."""
    return _parsed(text, file, {})


def _parsed(text: str, file: str, known: Mapping[str, Model]) -> Model:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(file, "TOML", str(error)) from None
    _only(data, _MODEL_KEYS, file, "", "a model")
    name = _text(data, "name", file, "")
    base = known.get(name)
    root = base.root if base is not None and "root" not in data else _text(data, "root", file, "")
    if not root.endswith("."):
        raise ModelError(file, "root", "must end with a dot, like Device.")
    for rows in _table(data, "repeat", file, "").items():
        data = _repeated(data, *rows, file)
    reader = _Reader(file, root)
    overrides = tuple(reversed([reader.override(each) for each in _list(data, "override", file)]))
    model = Model(name, root, *reader.knowledge(data, ""), overrides)
    whole = model if base is None else _over(base, model)
    _check_references(whole, file)
    return whole


def _over(base: Model, added: Model) -> Model:
    return replace(
        base,
        root=added.root,
        targets={**base.targets, **added.targets},
        instances={**base.instances, **added.instances},
        checks={**base.checks, **added.checks},
        overrides=(*added.overrides, *base.overrides),
    )


def _repeated(data: Any, name: str, rows: Any, file: str) -> Any:
    """The data with every table's entries that have ``<name>`` in their key once for each row."""
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise ModelError(file, f"repeat.{name}", "must have a table for each row")

    return _walked(data, name, rows)


def _walked(value: Any, name: str, rows: Mapping[str, Table]) -> Any:
    if isinstance(value, list):
        return [_walked(each, name, rows) for each in value]
    if not isinstance(value, dict):
        return value
    made: Table = {}
    for own, each in value.items():
        if f"<{name}>" in own:
            made |= {_filled(own, name, key, row): _filled(each, name, key, row) for key, row in rows.items()}
        else:
            made[own] = _walked(each, name, rows)
    return made


def _filled(value: Any, name: str, key: str, row: Table) -> Any:
    match value:
        case str():
            for word, text in (("", key), *((f".{word}", text) for word, text in row.items())):
                if value == f"<{name}{word}>":
                    return text  # a number stays one
                value = value.replace(f"<{name}{word}>", str(text))
            return value
        case list():
            return [_filled(each, name, key, row) for each in value]
        case dict():
            return {_filled(own, name, key, row): _filled(each, name, key, row) for own, each in value.items()}
    return value


class _Reader:
    """Reads the tables of one file."""

    def __init__(self, file: str, root: str) -> None:
        self._file = file
        self._root = root

    def knowledge(self, data: Table, at: str) -> tuple[dict[str, Target], dict[str, Instance], dict[str, Check]]:
        """The intents, instances and checks of a table."""
        return (
            self._each(data, "intents", at, self._target),
            self._each(data, "instances", at, self._instance),
            self._each(data, "checks", at, self._check),
        )

    def override(self, data: Table) -> Override:
        """One ``[[override]]``."""
        device = {key: data[key].casefold() for key in _DEVICE_KEYS if isinstance(data.get(key), str)}
        unknown = sorted(set(data) - _OVERRIDE_KEYS) + sorted(set(data) & set(_DEVICE_KEYS) - set(device))
        if unknown or not device:
            said = f"an override has texts for some of {', '.join(_DEVICE_KEYS)}, and what is true of these"
            raise ModelError(self._file, unknown[0] if unknown else "override", said)
        numbers = _table(data, "numbers", self._file, "override.")
        for name, number in numbers.items():
            if type(number) is not int or number < 1:
                raise ModelError(self._file, f"override.numbers.{name}", "must be an instance number")
        targets, instances, checks = self.knowledge(data, "override.")
        quirks = self._quirks(data["quirks"]) if "quirks" in data else None
        return Override(device, targets, instances, numbers, checks, quirks)

    def _each(self, data: Table, kind: str, at: str, read: Callable[[str, Table, str], Any]) -> dict[str, Any]:
        entries = _table(data, kind, self._file, at)
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                raise ModelError(self._file, name, "must be a table")
        return {name: read(name, entry, at) for name, entry in entries.items()}

    def _target(self, intent: str, data: Table, at: str) -> Target:
        _only(data, _TARGET_KEYS, self._file, intent, "an intent")
        paths = data.get("paths", [])
        below = isinstance(paths, list) and all(isinstance(path, str) and path.startswith(self._root) for path in paths)
        if not below or bool(paths) is ("count" in data):
            raise ModelError(self._file, f"{intent}.paths", f"must list one or more paths below {self._root}")
        type_ = data.get("type", "string")
        if type_ not in TYPES:
            raise ModelError(self._file, f"{intent}.type", f"must be one of {', '.join(sorted(TYPES))}")
        values = {
            word: tuple(texts) if isinstance(texts, list) else (texts,)
            for word, texts in _table(data, "values", self._file, f"{intent}.").items()
        }
        for word, texts in values.items():
            if len(texts) != len(paths) or not all(isinstance(text, str) for text in texts):
                raise ModelError(self._file, f"{intent}.values.{word}", "must be one text for each path")
        hidden = data.get("hidden", False)
        if type(hidden) is not bool:
            raise ModelError(self._file, f"{intent}.hidden", "must be true or false")
        said, check, count = (_optional(data, key, self._file, intent) for key in ("said", "check", "count"))
        return Target(tuple(paths), type_, hidden, said or "", values, check, count)

    def _instance(self, name: str, data: Table, at: str) -> Instance:
        _only(data, _INSTANCE_KEYS, self._file, f"instances.{name}", "an instance")
        table = _text(data, "table", self._file, f"instances.{name}.")
        if not table.startswith(self._root) or not table.endswith("."):
            raise ModelError(self._file, f"instances.{name}.table", f"must be an object below {self._root}, with a dot")
        where = data.get("where", [])
        criteria = [where] if isinstance(where, dict) else where
        for each in [*criteria, data.get("unless", {}), data.get("blank", {})]:
            if not isinstance(each, dict) or not all(isinstance(text, str) for text in each.values()):
                raise ModelError(self._file, f"instances.{name}.where", "must map parameters to patterns")
        for key in ("number", "nth"):
            if key in data and (type(data[key]) is not int or data[key] < 1):
                raise ModelError(self._file, f"instances.{name}.{key}", "must be a number from 1")
        said, named_by, mark = (_optional(data, key, self._file, name) for key in ("said", "named_by", "mark"))
        return Instance(
            name=name,
            table=table,
            said=said or name,
            number=data.get("number"),
            where=tuple(criteria),
            nth=data.get("nth", 1),
            unless=data.get("unless", {}),
            named_by=named_by,
            mark=mark,
            make=_table(data, "make", self._file, f"instances.{name}.") if "make" in data else None,
            blank=data.get("blank", {}),
            exact=bool(data.get("exact", False)),
        )

    def _check(self, name: str, data: Table, at: str) -> Check:
        _only(data, _CHECK_KEYS, self._file, f"checks.{name}", "a check")
        said, status, settled = (
            _text(data, key, self._file, f"checks.{name}.") for key in ("said", "status", "settled")
        )
        error = _optional(data, "error", self._file, f"checks.{name}")
        return Check(said, status, settled, error, _table(data, "failed", self._file, f"checks.{name}."))

    def _quirks(self, data: Any) -> Quirks:
        if not isinstance(data, dict):
            raise ModelError(self._file, "override.quirks", "must be a table")
        _only(data, _QUIRK_KEYS, self._file, "override.quirks", "quirks")
        kinds: dict[str, type] = {"read_batch": int, "set_batch": int, "discover": bool, "whole_tables": bool}
        for key, value in data.items():
            if type(value) is not kinds.get(key, str) or (type(value) is int and value < 1):
                raise ModelError(self._file, f"override.quirks.{key}", f"must be {_KIND_WORDS[kinds.get(key, str)]}")
        literals = Literals(data.get("true", "true"), data.get("false", "false"), data.get("time"))
        rest = {key: value for key, value in data.items() if key in kinds}
        return Quirks(**rest, literals=literals)


_KIND_WORDS = {int: "a number from 1", bool: "true or false", str: "a text"}


def _check_references(model: Model, file: str) -> None:
    """Every instance and check that is named is there, and none is found by itself; raises ``ModelError``."""
    for override in (None, *model.overrides):
        dialect = Dialect(model, () if override is None else (override,))
        own = model if override is None else override
        for intent, target in own.targets.items():
            for text in (*target.paths, *(text for texts in target.values.values() for text in texts)):
                _follow(dialect, NAMED.findall(text), file, f"{intent}.paths")
            if target.check is not None and not _has_check(dialect, target.check):
                raise ModelError(file, f"{intent}.check", f"there is no [checks.{target.check}]")
            if target.count is not None:
                _follow(dialect, [target.count], file, f"{intent}.count")
        for name, check in own.checks.items():
            for path in check.paths:
                _follow(dialect, NAMED.findall(path), file, f"checks.{name}")
        for name in (*own.instances, *(() if override is None else override.numbers)):
            _follow(dialect, [name], file, f"instances.{name}")


def _has_check(dialect: Dialect, name: str) -> bool:
    return name in dialect.model.checks or any(name in override.checks for override in dialect.overrides)


def _follow(dialect: Dialect, names: Iterable[str], file: str, key: str, above: tuple[str, ...] = ()) -> None:
    for name in names:
        if name in above:
            raise ModelError(file, key, f"the instance {name} is found by itself")
        try:
            instance = dialect.instance(name)
        except KeyError:
            raise ModelError(file, key, f"there is no [instances.{name}]") from None
        _follow(dialect, instance.references, file, key, (*above, name))


def _only(data: Table, known: set[str], file: str, at: str, what: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        key = f"{at}.{unknown[0]}" if at else unknown[0]
        raise ModelError(file, key, f"is not a key of {what}; remove it")


def _table(data: Table, key: str, file: str, at: str) -> Table:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise ModelError(file, f"{at}{key}", "must be a table")
    return value


def _list(data: Table, key: str, file: str) -> list[Table]:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise ModelError(file, key, "must be a list of tables: write [[override]]")
    return value


def _text(data: Table, key: str, file: str, at: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise ModelError(file, f"{at}{key}", "must be a text")
    return value


def _optional(data: Table, key: str, file: str, at: str) -> str | None:
    return _text(data, key, file, f"{at}.") if key in data else None
