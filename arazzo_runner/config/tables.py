"""Reading one table of a configuration: every wrong type and unknown key becomes a Diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import Final, TypeVar

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, type_name
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.config.positions import Path, TomlPlaces
from arazzo_runner.errors import Problems, did_you_mean

Item = TypeVar("Item")
MOST_TOLD: Final = 50
"""Unknown keys of one table: a file that has more is another program's, and guessing what each means takes long."""


class Table(MutableRecord):
    """The keys of one table while it is read; `path` leads to it from the file's root."""

    raw: Mapping[str, JsonValue]
    path: Path
    places: TomlPlaces
    problems: Problems
    taken: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """Return a text; None when it is absent or none."""
        value = self._take(name)
        if value is MISSING:
            return None
        if isinstance(value, str) and value:
            return value
        self.wrong(name, "a text", value, f'write it in quotes: {name} = "…"')
        return None

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """Return one of a few words."""
        value = self.text(name)
        if value is None or value in allowed:
            return value
        hint = did_you_mean(value, allowed) or f"write {' or '.join(allowed)}"
        self.refuse(name, f"{self._full(name)} is {preview(value)}, expected {', '.join(allowed)}", hint)
        return None

    def number(self, name: str) -> int | None:
        """Return a whole number, zero or more."""
        value = self._take(name)
        if value is MISSING:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self.wrong(name, "a whole number, 0 or more", value, f"write {name} = 0")
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._take(name)
        if value is MISSING:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.wrong(name, "a list of texts", value, f'write {name} = ["…"]')
        return ()

    def text_map(self, name: str) -> dict[str, str]:
        """Return a table of texts; whatever else stands in it is reported and left out."""
        table = self.table(name)
        pairs = {key: table.text(key) for key in table.raw}
        return {key: value for key, value in pairs.items() if value is not None}

    def value_map(self, name: str) -> dict[str, JsonValue]:
        """Return a table of values of any type (dates, which JSON lacks, become texts)."""
        return {key: _json(value) for key, value in self.table(name).raw.items()}

    def table(self, name: str) -> Table:
        """Return a table inside this one, an empty one when it is absent or none."""
        value = self._take(name)
        if value is MISSING:
            value = {}
        if not isinstance(value, dict):
            self.wrong(name, "a table", value, f"write [{self._full(name)}] above its keys")
            value = {}
        return Table(value, (*self.path, name), self.places, self.problems)

    def tables(self, name: str, read: Callable[[Table], Item]) -> tuple[Item, ...]:
        """Return a list of tables, each one read."""
        value = self._take(name)
        if value is MISSING:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.wrong(name, "a list of tables", value, f"write [[{self._full(name)}]] above each")
            return ()
        own = (*self.path, name)
        return tuple(read(Table(item, (*own, index), self.places, self.problems)) for index, item in enumerate(value))

    def named(self, read: Callable[[Table], Item]) -> dict[str, Item]:
        """Return every member of this table, which must be tables, read."""
        return {name: read(self.table(name)) for name in self.raw}

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        for name in islice((name for name in self.raw if name not in self.taken), MOST_TOLD):
            hint = did_you_mean(name, self.taken) or f"there are: {', '.join(sorted(self.taken))}"
            what = f"{self._full(name)} is no setting"
            self.problems.error("unknown-setting", what, self.places.at((*self.path, name)), hint=hint)

    def refuse(self, name: str, message: str, hint: str | None = None) -> None:
        """Report a value that makes no sense."""
        self.problems.error("invalid-setting", message, self.places.at((*self.path, name)), hint=hint)

    def wrong(self, name: str, expected: str, value: JsonValue, hint: str | None = None) -> None:
        """Report a value of the wrong type."""
        is_plain = isinstance(value, (str, int, float))
        found = f"{type_name(value)} {preview(value, 40)}" if is_plain else type_name(_json(value))
        self.refuse(name, f"{self._full(name)} must be {expected}, found {found}", hint)

    def _full(self, name: str) -> str:
        return ".".join(str(part) for part in (*self.path, name) if isinstance(part, str))

    def _take(self, name: str) -> JsonValue:
        self.taken.add(name)
        return self.raw.get(name, MISSING)


def _json(value: JsonValue) -> JsonValue:
    """Return a TOML value as JSON: dates and times as ISO texts."""
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else str(value)
