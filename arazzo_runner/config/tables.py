"""The tables of a TOML file while they are read: values by type, and the position of each key for Diagnostics."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, type_name
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location, did_you_mean, similar_or_all

Path: TypeAlias = tuple["str | int", ...]
Item = TypeVar("Item")
MAX_REPORTED: Final = 50
"""The unknown keys of a table that are reported: suggesting a name for each of thousands would take too long."""

_HEADER: Final = pattern(r"\s*\[(?P<list>\[)?(?P<name>[^\]]*)\]")
_PART: Final = pattern(r'\s*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|\'(?P<literal>[^\']*)\'|(?P<bare>[\w-]+))\s*')
_STRING: Final = pattern(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')


# ------------------------------------------------------------------ tables


class Table(MutableRecord):
    """A table, which reports values of a wrong type and, at the end, keys that nobody read; `path` is where it is."""

    raw: Mapping[str, JsonValue]
    path: Path
    positions: TomlPositions
    problems: Problems
    used: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """Return a text; None when it is absent or has another type."""
        value = self._value(name)
        if value is MISSING:
            return None
        if isinstance(value, str) and value:
            return value
        self.wrong_type(name, "a string", value, f'write it in quotes: {name} = "…"')
        return None

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """Return one of the allowed words; None when it is absent or another."""
        value = self.text(name)
        if value is None or value in allowed:
            return value
        hint = did_you_mean(value, allowed) or f"write {' or '.join(allowed)}"
        self.invalid(name, f"{self._full(name)} is {preview(value)}, expected {', '.join(allowed)}", hint)
        return None

    def number(self, name: str) -> int | None:
        """Return a non-negative integer; None when it is absent or has another type."""
        value = self._value(name)
        if value is MISSING:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.wrong_type(name, "a whole number, 0 or more", value, f"write {name} = 0")
        return None

    def flag(self, name: str) -> bool | None:
        """Return true or false; None when it is absent or has another type."""
        value = self._value(name)
        if value is MISSING:
            return None
        if isinstance(value, bool):
            return value
        self.wrong_type(name, "true or false", value, f"write {name} = true")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, an empty one when it is absent or has another type."""
        value = self._value(name)
        if value is MISSING:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.wrong_type(name, "a list of strings", value, f'write {name} = ["…"]')
        return ()

    def text_map(self, name: str) -> dict[str, str]:
        """Return a table of texts; values of other types are reported and left out."""
        table = self.table(name)
        pairs = {key: table.text(key) for key in table.raw}
        return {key: value for key, value in pairs.items() if value is not None}

    def value_map(self, name: str) -> dict[str, JsonValue]:
        """Return a table of values of any type; dates, which JSON lacks, become texts."""
        return {key: _json(value) for key, value in self.table(name).raw.items()}

    def table(self, name: str) -> Table:
        """Return a table inside this one, an empty one when it is absent or has another type."""
        value = self._value(name)
        if value is MISSING:
            value = {}
        if not isinstance(value, dict):
            self.wrong_type(name, "a table", value, f"write [{self._full(name)}] above its keys")
            value = {}
        return Table(value, (*self.path, name), self.positions, self.problems)

    def tables(self, name: str, read: Callable[[Table], Item]) -> tuple[Item, ...]:
        """Return the results of `read` for a list of tables."""
        value = self._value(name)
        if value is MISSING:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong_type(name, "a list of tables", value, f"write [[{self._full(name)}]] above each")
            return ()
        own = (*self.path, name)
        return tuple(
            read(Table(item, (*own, index), self.positions, self.problems)) for index, item in enumerate(value)
        )

    def tables_by_name(self, read: Callable[[Table], Item]) -> dict[str, Item]:
        """Return the results of `read` for every member of this table; each must be a table."""
        return {name: read(self.table(name)) for name in self.raw}

    def report_unused(self) -> None:
        """Report the keys that were not read."""
        for name in islice((name for name in self.raw if name not in self.used), MAX_REPORTED):
            hint = similar_or_all(name, sorted(self.used))
            what = f"{self._full(name)} is not a setting"
            self.problems.error("unknown-setting", what, self.positions.at((*self.path, name)), hint=hint)

    def invalid(self, name: str, message: str, hint: str | None = None) -> None:
        """Report an invalid value."""
        self.problems.error("invalid-setting", message, self.positions.at((*self.path, name)), hint=hint)

    def wrong_type(self, name: str, expected: str, value: JsonValue, hint: str | None = None) -> None:
        """Report a value of the wrong type."""
        is_plain = isinstance(value, (str, int, float))
        found = f"{type_name(value)} {preview(value, 40)}" if is_plain else type_name(_json(value))
        self.invalid(name, f"{self._full(name)} must be {expected}, found {found}", hint)

    def _full(self, name: str) -> str:
        return ".".join(str(part) for part in (*self.path, name) if isinstance(part, str))

    def _value(self, name: str) -> JsonValue:
        self.used.add(name)
        return self.raw.get(name, MISSING)


def _json(value: JsonValue) -> JsonValue:
    """Return a TOML value as JSON: dates and times as ISO texts."""
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)


# ------------------------------------------------------------------ positions


class TomlPositions:
    """Line and column of each key by its path, such as `("validate", "preset")`; tomllib does not report them.

    Keys that do not begin a line, such as the members of inline tables, are left out.
    """

    def __init__(self, text: str, uri: str) -> None:
        self._lines = TextPositions(text)
        self._uri = uri
        self._found: dict[Path, tuple[int, int, int]] = {}
        self._scan(text.splitlines())

    def at(self, path: Path) -> Location:
        """Return the location of a key, or of the nearest known key above it."""
        for length in range(len(path), 0, -1):
            found = self._found.get(path[:length])
            if found is not None:
                return self.location(*found)
        return Location(self._uri)

    def location(self, line: int, column: int, length: int = 1) -> Location:
        """Return the location of a line and column."""
        return Location(self._uri, "", FixedPositions(self._lines, line, column, length))

    def _scan(self, lines: list[str]) -> None:
        table: Path = ()
        counts: dict[Path, int] = {}
        open_until: str | None = None  # the closing quotes of a multi-line text
        depth = 0  # open brackets of a multi-line list
        for number, line in enumerate(lines, 1):
            if open_until is not None:
                open_until = None if open_until in line else open_until
                continue
            if depth == 0:
                header = _HEADER.match(line)
                if header:
                    table = self._table(header, counts)
                    self._note(table, number, line, header.start("name"))
                    continue
                names, end = _key(line)
                if not names or line[end : end + 1] != "=":
                    continue
                self._note((*table, *names), number, line, len(line) - len(line.lstrip()), end)
                line = line[end + 1 :]
            depth, open_until = _left_open(line, depth)

    def _table(self, header: re.Match[str], counts: dict[Path, int]) -> Path:
        names, _ = _key(header["name"])
        path: Path = ()
        for index, name in enumerate(names):
            path = (*path, name)
            is_new = bool(header["list"]) and index == len(names) - 1
            if is_new:
                counts[path] = counts.get(path, -1) + 1
            if path in counts:
                path = (*path, counts[path])
        return path

    def _note(self, path: Path, number: int, line: str, start: int, end: int | None = None) -> None:
        stop = len(line[:end].rstrip()) if end is not None else line.find("]", start)
        self._found.setdefault(path, (number, start + 1, max(1, stop - start)))


def _key(text: str) -> tuple[list[str], int]:
    """Return the names of a dotted key at the beginning of a text, and its length."""
    names: list[str] = []
    end = 0
    while True:
        part = _PART.match(text, end)
        if part is None:
            return names, end
        names.append(next(each for each in (part["basic"], part["literal"], part["bare"]) if each is not None))
        end = part.end()
        if text[end : end + 1] != ".":
            return names, end
        end += 1


def _left_open(line: str, depth: int) -> tuple[int, str | None]:
    """Return how many brackets are open after a line, and the quotes of a multi-line text that it begins."""
    for quotes in ('"""', "'''"):
        if line.count(quotes) % 2:
            return depth, quotes
    bare = _STRING.sub("", line).partition("#")[0]
    return max(0, depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))), None
