"""Where the keys of a TOML text stand: tomllib does not tell, and only mistakes ask."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.errors import Location

Path: TypeAlias = tuple["str | int", ...]

_HEADER: Final = pattern(r"\s*\[(?P<list>\[)?(?P<name>[^\]]*)\]")
_PART: Final = pattern(r'\s*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|\'(?P<literal>[^\']*)\'|(?P<bare>[\w-]+))\s*')
_STRING: Final = pattern(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')


class TomlPlaces:
    """The line and column of every key that begins a line, by its path: `("validate", "preset")`."""

    def __init__(self, text: str, uri: str) -> None:
        self._lines = TextPositions(text)
        self._uri = uri
        self._found: dict[Path, tuple[int, int, int]] = {}
        self._scan(text.splitlines())

    def at(self, path: Path) -> Location:
        """Return the place of a key, or of the nearest one above it (the members of an inline table)."""
        for length in range(len(path), 0, -1):
            place = self._found.get(path[:length])
            if place is not None:
                return self.place(*place)
        return Location(self._uri)

    def place(self, line: int, column: int, length: int = 1) -> Location:
        """Return a place known by line and column."""
        return Location(self._uri, "", FixedPositions(self._lines, line, column, length))

    def _scan(self, lines: list[str]) -> None:
        table: Path = ()
        counts: dict[Path, int] = {}
        open_until: str | None = None  # the end of a text of several lines
        depth = 0  # open brackets of a list of several lines
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
    """Read a dotted key at the beginning of a text; return its names and where it ends."""
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
    """Return how many brackets a line leaves open, and the quotes of a long text that it begins."""
    for quotes in ('"""', "'''"):
        if line.count(quotes) % 2:
            return depth, quotes
    bare = _STRING.sub("", line).partition("#")[0]
    return max(0, depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))), None
