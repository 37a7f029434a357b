"""The second pass: the place of every key and value of a text. Loaded when the first Diagnostic asks."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import Entry, TextPositions, YamlPositions
from arazzo_runner.document.yaml_reader import event_parser
from arazzo_runner.errors import Span


class _Open:
    """A mapping or list whose end has not come; `count` numbers the items of a list."""

    __slots__ = ("count", "first", "is_mapping", "key", "key_span", "keys", "name", "own_key", "pointer", "start")

    def __init__(self, pointer: str, own_key: Span | None, is_mapping: bool, start: int, first: Any) -> None:
        self.pointer = pointer
        self.own_key = own_key
        self.is_mapping = is_mapping
        self.start = start
        self.first = first
        self.count = 0
        self.name: str | None = None
        self.key_span: Span | None = None
        self.keys: dict[str, Span] = {}

    @property
    def wants_key(self) -> bool:
        return self.is_mapping and self.name is None


class _Walk:
    """Follows the nodes of a text and notes the span of every key and value."""

    def __init__(self) -> None:
        self.index: dict[str, Entry] = {}
        self.repeats: list[tuple[str, str, Span, Span]] = []
        self.stack: list[_Open] = []

    @property
    def top(self) -> _Open | None:
        return self.stack[-1] if self.stack else None

    def child(self) -> tuple[str, Span | None]:
        """Return pointer and key span of the value that comes next."""
        top = self.top
        if top is None:
            return "", None
        if not top.is_mapping:
            top.count += 1
            return f"{top.pointer}/{top.count - 1}", None
        token, top.name = (top.name or "").replace("~", "~0").replace("/", "~1"), None
        return f"{top.pointer}/{token}", top.key_span

    def note_key(self, top: _Open, name: str, span: Span) -> None:
        """Note a key; one that was there before is a repeat."""
        top.name, top.key_span = name, span
        first = top.keys.setdefault(name, span)
        if first is not span:
            token = name.replace("~", "~0").replace("/", "~1")
            self.repeats.append((name, f"{top.pointer}/{token}", first, span))


# ------------------------------------------------------------------ YAML


def yaml_index(text: str) -> Mapping[str, Entry]:
    """Return the places in the first YAML document of a text, as far as it can be read."""
    walk = _EventWalk(text)
    try:
        parser = event_parser(text)
        while not walk.done:
            walk.take(parser.get_event())
    except yaml.YAMLError:
        pass  # reading has reported it; what was seen so far has its places
    return walk.index


class _EventWalk(_Walk):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.done = False
        self.anchored: dict[str, str] = {}

    def take(self, event: Any) -> None:
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            pointer, key = self.child()
            start: Any = event.start_mark
            self.stack.append(_Open(pointer, key, isinstance(event, yaml.MappingStartEvent), start.index, start))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            closed = self.stack.pop()
            end: Any = event.end_mark
            self.index[closed.pointer] = Entry(closed.own_key, _span(closed.first, end), closed.start, end.index, None)
            self.done = not self.stack
        elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            self._scalar(event)
        else:
            self.done = isinstance(event, yaml.StreamEndEvent)

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        text = event.value if isinstance(event, yaml.ScalarEvent) else None
        if event.anchor is not None and text is not None:
            self.anchored[event.anchor] = text
        top = self.top
        if top is not None and top.wants_key:
            self.note_key(top, self.anchored.get(event.anchor, "") if text is None else text, _span(start, end))
            return
        pointer, key = self.child()
        # Of a value that is left out at the end of the text, libyaml says that it is in the next line.
        span = _span(start, end) if start.index < len(self.text) else _end_of(self.text)
        self.index[pointer] = Entry(key, span, start.index, end.index, text)
        self.done = not self.stack


def _end_of(text: str) -> Span:
    starts = YamlPositions(text).line_starts()
    column = len(text) - starts[-1] + 1
    return Span(len(starts), column, len(starts), column)


def _span(start: Any, end: Any) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


# ------------------------------------------------------------------ JSON

_TOKEN: Final = pattern(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def json_places(text: str, *, most_repeats: int | None = None) -> _Walk:
    """Return the places in a JSON text that json.loads has taken, with its repeated keys (up to so many)."""
    walk = _TokenWalk(text)
    for match in _TOKEN.finditer(text):
        walk.take(match[0], match.start(), match.end())
        if most_repeats is not None and len(walk.repeats) >= most_repeats:
            break
    return walk


def token_place(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    """Return line and column of the first JSON token that is wanted, judged by itself and its depth."""
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in ("{", "[")) - (match[0] in ("}", "]"))
        if is_wanted(match[0], depth):
            starts = TextPositions(text).line_starts()
            line = bisect_right(starts, match.start())
            return line, match.start() - starts[line - 1] + 1
    return None


class _TokenWalk(_Walk):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.starts = TextPositions(text).line_starts()

    def take(self, token: str, start: int, end: int) -> None:
        if token in ("{", "["):
            pointer, key = self.child()
            self.stack.append(_Open(pointer, key, token == "{", start, None))
        elif token in ("}", "]"):
            closed = self.stack.pop()
            self.index[closed.pointer] = Entry(closed.own_key, self.span(closed.start, end), closed.start, end, None)
        elif token not in (",", ":"):
            self._scalar(token, start, end)

    def _scalar(self, token: str, start: int, end: int) -> None:
        text = json.loads(token) if token[0] == '"' else None
        span = self.span(start, end)
        if self.top is not None and self.top.wants_key:
            self.note_key(self.top, text or "", span)
            return
        pointer, key = self.child()
        self.index[pointer] = Entry(key, span, start, end, text)

    def span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self.starts, start), bisect_right(self.starts, end - 1)
        column, end_column = start - self.starts[line - 1] + 1, end - self.starts[end_line - 1] + 1
        return Span(line, column, end_line, end_column)
