"""What an element shows, read by a platform's rules into facts: flat sets of names and texts, one for each ONU."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from drivers.cli.platform import Derived, Platform, Query, Rule
from pon.serial import SerialError, normalise, to_hex

Values = dict[str, str]

NO_PORT = ""
"""The port of an ONU of which the element tells none: it may be on any."""

_BLANKS_IN_PORTS = re.compile(r"\s+")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TEMPLATE = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class Facts:
    """What is known of one ONU; ``more`` holds objects beyond the first of their kind, each with its own facts."""

    values: Values = field(default_factory=dict)
    more: dict[str, list[Values]] = field(default_factory=dict)

    def learn(self, found: Mapping[str, str], each: str | None) -> None:
        """Add what a rule found: what is known already stays; another object of a kind goes to ``more``."""
        if each is None or each not in self.values:
            self.values = {**found, **self.values}
        elif found.get(each) != self.values[each] and found not in self.more.get(each, []):
            self.more.setdefault(each, []).append(dict(found))


@dataclass(frozen=True, slots=True)
class Row:
    """What one line told, with what lines before it carried; ``each`` as in its rule."""

    values: Values
    each: str | None


def rows(query: Query, lines: Iterable[str], given: Mapping[str, str] = _NOTHING) -> list[Row]:
    """What the lines of an answer tell; ``given`` as in ``Query``."""
    carried: Values = {}
    found: list[Row] = []
    for line in lines:
        for rule in query.rules:
            match = rule.pattern.search(line)
            if match is None:
                continue
            told = _told(rule, match, query.prefix)
            if rule.ends:
                carried = {}
            if rule.carry:
                carried = {**carried, **told}
            told = {**carried, **told}
            if told and all(told[name] == given[name] for name in query.given if name in told and name in given):
                found.append(Row(told, rule.each))
            break
    return found


def read_one(
    platform: Platform, query: Query, lines: Iterable[str], facts: Facts, given: Mapping[str, str] = _NOTHING
) -> None:
    """Add what an answer about one ONU tells."""
    for row in rows(query, lines, given):
        if all(facts.values.get(name, row.values.get(name)) == row.values.get(name) for name in query.join):
            facts.learn(row.values, row.each)
    complete(platform, facts.values)


def read_many(
    platform: Platform,
    query: Query,
    lines: Iterable[str],
    onus: dict[tuple[str, str], Facts],
    given: Mapping[str, str] = _NOTHING,
) -> None:
    """Add what an answer about all ONUs tells; ``onus`` is by port (none where ids are the element's) and ONU id."""
    if query.join:
        _join(platform, query, lines, onus)
        return
    for row in rows(query, lines, given):
        complete(platform, row.values)
        if all(name in row.values for name in platform.identity):
            port = row.values["port"] if "port" in platform.identity else ""
            facts = onus.setdefault((port, row.values["onu_id"]), Facts())
            facts.learn(row.values, row.each)
            complete(platform, facts.values)


def _join(platform: Platform, query: Query, lines: Iterable[str], onus: Mapping[tuple[str, str], Facts]) -> None:
    told: dict[tuple[str | None, ...], Values] = {}
    for row in rows(query, lines):
        key = tuple(row.values.get(name) for name in query.join)
        told[key] = {**row.values, **told.get(key, {})}
    for facts in onus.values():
        key = tuple(facts.values.get(name) for name in query.join)
        if None not in key:
            facts.learn(told.get(key, {}), None)
            complete(platform, facts.values)


def _told(rule: Rule, match: re.Match[str], prefix: str) -> Values:
    told = {prefix + name: value for name, value in match.groupdict().items() if value is not None}
    for name, template in rule.also.items():
        told[prefix + name] = fill(template, told)
    return told


def complete(platform: Platform, values: Values) -> None:
    """Put a port and a serial into their usual form, and add the parts and what is derived from them."""
    for name in ("port", "serial"):
        if name not in values:
            _derive(platform.derived.get(name, ()), name, values)
    if "port" in values:
        values["port"] = _BLANKS_IN_PORTS.sub("", values["port"])
    if "serial" in values:
        try:
            values["serial"] = normalise(values["serial"])
        except SerialError:
            del values["serial"]
    for name, pattern in platform.split.items():
        match = pattern.fullmatch(values.get(name, ""))
        if match is not None:
            values.update({part: value for part, value in match.groupdict().items() if value is not None})


def wanted(platform: Platform, values: Values) -> Values:
    """What is wanted with everything that follows from it: parts, forms of the serial, and derived facts."""
    made = dict(values)
    complete(platform, made)
    if "serial" in made:
        serial = made["serial"]
        made |= {"serial_hex": to_hex(serial), "serial_vendor": serial[:4], "serial_specific": serial[4:]}
    for name, ways in platform.derived.items():
        if name not in made:
            _derive(ways, name, made)
    complete(platform, made)
    return made


def _derive(ways: Sequence[Derived], name: str, values: Values) -> None:
    for way in ways:
        names = _TEMPLATE.findall(way.value)
        if applies(way.when, values) and all(each in values for each in names):
            values[name] = fill(way.value, values)
            return


def applies(when: Iterable[str], values: Mapping[str, str]) -> bool:
    """Whether every fact that is named is there, and none that is named with ``!``."""
    return all((name.removeprefix("!") in values) != name.startswith("!") for name in when)


def placeholders(template: str) -> set[str]:
    """The facts that a template needs."""
    return set(_TEMPLATE.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its facts; raises ``KeyError``. What goes to an element is filled in by ``commands``."""
    return _TEMPLATE.sub(lambda match: values[match[1]], template)
