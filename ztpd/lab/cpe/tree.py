"""The parameters of one CPE: its model's, what was set since, and instances added and deleted. Pure.

The model is shared by all devices of its kind; a tree keeps only what differs, so that thousands fit in a process.
"""

from collections.abc import Iterator, Mapping

from ztpd.lab.cpe.faults import CwmpFault
from ztpd.lab.cpe.model import Model, Parameter

_MOST_INSTANCES = 32


class Tree:
    """Parameters by full path; ``extra`` adds parameters to the model or replaces its values."""

    def __init__(self, model: Model, extra: Mapping[str, str] | None = None) -> None:
        self.model = model
        self.root = model.root
        self._extra = dict(extra or {})
        self.reset()

    def reset(self) -> None:
        """As it left the factory."""
        more = {path: Parameter() for path in self._extra if path not in self.model.parameters}
        self._parameters: Mapping[str, Parameter] = {**self.model.parameters, **more} if more else self.model.parameters
        self._texts = dict(self._extra)
        self._last: dict[str, int] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._parameters

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def parameter(self, path: str) -> Parameter:
        """What this parameter is; raises ``CwmpFault`` 9005."""
        if path not in self._parameters:
            raise CwmpFault(9005, "Invalid parameter name")
        return self._parameters[path]

    def text(self, path: str) -> str:
        """The value of a full path as it really is, hidden or not; raises ``CwmpFault`` 9005."""
        return self._texts[path] if path in self._texts else self.parameter(path).value

    def get(self, path: str, default: str = "") -> str:
        """The value of a full path, or the default where there is no such parameter."""
        return self.text(path) if path in self._parameters else default

    def give(self, path: str, text: str) -> None:
        """Give a parameter a value, allowed or not; raises ``CwmpFault`` 9005."""
        if self.parameter(path).value == text:
            self._texts.pop(path, None)
        else:
            self._texts[path] = text

    def put(self, path: str, text: str) -> None:
        """Give a parameter a value if this device has it."""
        if path in self._parameters:
            self.give(path, text)

    def below(self, asked: str) -> list[str]:
        """The parameters at or below a path; raises ``CwmpFault`` 9005 where there is nothing."""
        if asked in self._parameters:
            return [asked]
        if asked and not asked.endswith("."):
            raise CwmpFault(9005, "Invalid parameter name")
        found = [path for path in self._parameters if path.startswith(asked)]
        if not found and not self._is_empty_table(asked):
            raise CwmpFault(9005, "Invalid parameter name")
        return found

    def names(self, asked: str, *, next_level: bool) -> dict[str, bool]:
        """Whether what is there can be written: the path and all below it, or its children (A.3.2.3)."""
        if asked in self._parameters:
            if next_level:
                raise CwmpFault(9003, "Invalid arguments")
            return {asked: self._parameters[asked].writable}
        self.below(asked)
        named = {path: self._writable_object(path) for path in self._objects() if path.startswith(asked)}
        named |= {path: self._parameters[path].writable for path in self._parameters if path.startswith(asked)}
        if next_level:
            return {path: writable for path, writable in named.items() if _is_child(asked, path)}
        return dict(sorted(named.items()))

    def add(self, path: str) -> int:
        """Make an instance of a table and return its number, which none had before (A.3.2.6)."""
        table = self.model.table_of(path)
        if table is None or not table.addable or not self._has_parent(path):
            raise CwmpFault(9005, "Invalid parameter name")
        there = self.instances(path)
        if len(there) >= _MOST_INSTANCES:
            raise CwmpFault(9004, "Resources exceeded")
        number = max([*there, self._last.get(path, 0)]) + 1
        self._last[path] = number
        self._parameters = {**self._parameters} | {
            f"{path}{number}.{rest}": parameter for rest, parameter in table.template.items()
        }
        self.put(f"{path}{number}.Alias", f"cpe-{number}")
        self._count(path)
        return number

    def delete(self, path: str) -> None:
        """Delete an instance and all below it (A.3.2.7)."""
        table_path, number = _split(path)
        table = self.model.table_of(table_path)
        if table is None or not table.addable or number not in self.instances(table_path):
            raise CwmpFault(9005, "Invalid parameter name")
        self._last[table_path] = max([*self.instances(table_path), self._last.get(table_path, 0)])
        self._parameters = {kept: each for kept, each in self._parameters.items() if not kept.startswith(path)}
        self._texts = {kept: text for kept, text in self._texts.items() if not kept.startswith(path)}
        self._count(table_path)

    def instances(self, table: str) -> list[int]:
        """The instance numbers of a table."""
        heads = {path[len(table) :].partition(".")[0] for path in self._parameters if path.startswith(table)}
        return sorted(int(head) for head in heads if head.isdigit())

    def paths_of(self, pattern: str) -> list[str]:
        """The instances there are of a table whose path has ``{i}`` for numbers."""
        found = [""]
        *outer, last = pattern.split("{i}.")
        for part in outer:
            found = [f"{path}{part}{number}." for path in found for number in self.instances(path + part)]
        return [f"{path}{last}{number}." for path in found for number in self.instances(path + last)]

    def _count(self, table: str) -> None:
        self.put(f"{table.removesuffix('.')}NumberOfEntries", str(len(self.instances(table))))

    def _objects(self) -> set[str]:
        """Every object there is, tables without instances included."""
        objects = {path[: at + 1] for path in self._parameters for at in _dots(path)}
        for table in self.model.tables:
            outer, dot, last = table.path.rpartition("{i}.")
            if not dot:
                objects.add(table.path)
                continue
            objects |= {f"{parent}{last}" for parent in self.paths_of(outer)}
        return objects

    def _is_empty_table(self, path: str) -> bool:
        return self.model.table_of(path) is not None and self._has_parent(path)

    def _has_parent(self, table: str) -> bool:
        """Whether the instance that a table is within is there."""
        parts = table.split(".")
        numbers = [at for at, part in enumerate(parts) if part.isdigit()]
        if not numbers:
            return True
        parent = ".".join(parts[: numbers[-1] + 1]) + "."
        return any(path.startswith(parent) for path in self._parameters)

    def _writable_object(self, path: str) -> bool:
        """A table can be added to; an instance of such a table can be deleted."""
        table_path, number = _split(path)
        table = self.model.table_of(path if number is None else table_path)
        return table is not None and table.addable


def _split(path: str) -> tuple[str, int | None]:
    """``A.B.3.`` is instance 3 of ``A.B.``; what ends in no number has none."""
    outer, _, last = path.removesuffix(".").rpartition(".")
    return (f"{outer}.", int(last)) if last.isdigit() else (path, None)


def _dots(path: str) -> Iterator[int]:
    return (at for at, letter in enumerate(path) if letter == ".")


def _is_child(parent: str, path: str) -> bool:
    rest = path.removeprefix(parent).removesuffix(".")
    return rest != "" and "." not in rest
