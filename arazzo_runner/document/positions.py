"""Where in a text a JSON Pointer stands: found in one pass over the text, when the first Diagnostic asks."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from arazzo_runner.diagnostics import Span


class TextPositions:
    """The lines of a text; without an index every place is `fixed`, or unknown."""

    def __init__(self, text: str, fixed: tuple[int, int] | None = None) -> None:
        self.text = text
        self._fixed = fixed
        self._lines: list[str] | None = None
        self._index: dict[str, tuple[Span | None, Span]] | None = None

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in."""
        found = self._entry(pointer)
        return None if found is None else found[0]

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`, or of the nearest place above it."""
        if self._fixed is not None:
            line, column = self._fixed
            return Span(line, column, line, column + 1)
        while True:
            found = self._entry(pointer)
            if found is not None:
                return found[1]
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the scalar at `pointer`; None when unsure."""
        found = self._entry(pointer)
        if found is None:
            return None
        span = found[1]
        if span.line != span.end_line:
            return self._inside_block(span, offset)
        line = self.line_text(span.line)
        raw = line[span.column - 1 : span.end_column - 1]
        if raw[:1] in ("'", '"'):
            return span.line, span.column + 1 + _raw_offset(raw[1:-1], offset, raw[0])
        return span.line, span.column + offset

    def line_text(self, line: int) -> str:
        """Return line number `line` (1-based) without its line break."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines[line - 1].rstrip("\r") if 0 < line <= len(self._lines) else ""

    def _inside_block(self, span: Span, offset: int) -> tuple[int, int] | None:
        """Count through the lines of a block or folded scalar: each line break is one character."""
        head = self.line_text(span.line)[span.column - 1 :]
        if head[:1] not in ("|", ">"):
            return None
        left = offset
        number = span.line + 1
        first = self.line_text(number)
        indent = len(first) - len(first.lstrip(" "))
        while number <= span.end_line:
            content = self.line_text(number)[indent:]
            if left <= len(content):
                return number, indent + 1 + left
            left -= len(content) + 1
            number += 1
        return None

    def _entry(self, pointer: str) -> tuple[Span | None, Span] | None:
        if self._index is None:
            self._index = self._build()
        return self._index.get(pointer)

    def _build(self) -> dict[str, tuple[Span | None, Span]]:
        return {}


class YamlPositions(TextPositions):
    """Places in a YAML text."""

    def _build(self) -> dict[str, tuple[Span | None, Span]]:
        from arazzo_runner.document.source_map import yaml_parser  # the two know each other

        walk = _EventWalk()
        parser = yaml_parser(self.text)
        try:
            while not walk.done:
                walk.take(parser.get_event())
        except yaml.YAMLError:
            pass  # reading has reported it; what was seen so far has its places
        return walk.index


class _EventWalk:
    """Follows the event stream and notes the span of every key and value."""

    def __init__(self) -> None:
        self.index: dict[str, tuple[Span | None, Span]] = {}
        self.done = False
        self._stack: list[list[Any]] = []  # [pointer, next index or None for mappings, key span, pending key, start]

    def take(self, event: Any) -> None:
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            pointer, key_span = self._child()
            start = event.start_mark
            is_list = isinstance(event, yaml.SequenceStartEvent)
            self._stack.append([pointer, 0 if is_list else None, None, None, (start, key_span)])
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            pointer, _, _, _, (start, key_span) = self._stack.pop()
            self.index[pointer] = (key_span, _span(start, event.end_mark))
            self.done = not self._stack
        elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            self._scalar(event)
        elif isinstance(event, yaml.StreamEndEvent):
            self.done = True

    def _scalar(self, event: Any) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and top[1] is None and top[3] is None:
            top[3] = event.value if isinstance(event, yaml.ScalarEvent) else f"*{event.anchor}"
            top[2] = _span(event.start_mark, event.end_mark)
            return
        pointer, key_span = self._child()
        self.index[pointer] = (key_span, _span(event.start_mark, event.end_mark))
        self.done = not self._stack

    def _child(self) -> tuple[str, Span | None]:
        if not self._stack:
            return "", None
        top = self._stack[-1]
        if top[1] is not None:
            token, key_span = str(top[1]), None
            top[1] += 1
        else:
            token, key_span = str(top[3]).replace("~", "~0").replace("/", "~1"), top[2]
            top[3] = None
        return f"{top[0]}/{token}", key_span


def _span(start: Any, end: Any) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


# ------------------------------------------------------------------ JSON

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class JsonPositions(TextPositions):
    """Places in a JSON text."""

    def repeated(self, name: str) -> list[tuple[int, int]]:
        """Return the places of the keys of that name, in a mapping that has it twice."""
        self._entry("")
        return next((places for key, places in self._repeats if key == name), [])

    def _build(self) -> dict[str, tuple[Span | None, Span]]:
        walk = _TokenWalk(self.text)
        walk.run()
        self._repeats = walk.repeats
        return walk.index


class _TokenWalk:
    """Follows the tokens of a JSON text and notes the span of every key and value."""

    def __init__(self, text: str) -> None:
        self.index: dict[str, tuple[Span | None, Span]] = {}
        self.repeats: list[tuple[str, list[tuple[int, int]]]] = []
        self._text = text
        self._line = 1
        self._line_start = 0
        self._seen_to = 0
        self._stack: list[list[Any]] = []  # [pointer, index or None, key, key span, start, own key span, keys]

    def run(self) -> None:
        expects_key = False
        for match in _TOKEN.finditer(self._text):
            token = match[0]
            span = self._span(match.start(), match.end())
            if token in "{[":
                pointer, key_span = self._child()
                self._stack.append([pointer, None if token == "{" else 0, None, None, span, key_span, {}])
                expects_key = token == "{"
            elif token in "}]":
                self._close(span)
                expects_key = False
            elif token == ",":
                expects_key = bool(self._stack) and self._stack[-1][1] is None
            elif token == ":":
                expects_key = False
            elif expects_key:
                self._key(token, span)
            else:
                pointer, key_span = self._child()
                self.index[pointer] = (key_span, span)

    def _key(self, token: str, span: Span) -> None:
        import json

        top = self._stack[-1]
        name = json.loads(token)
        top[2], top[3] = name, span
        if name in top[6]:
            self.repeats.append((name, [top[6][name], (span.line, span.column)]))
        top[6][name] = (span.line, span.column)

    def _close(self, span: Span) -> None:
        if self._stack:
            pointer, _, _, _, start, key_span, _ = self._stack.pop()
            self.index[pointer] = (key_span, Span(start.line, start.column, span.end_line, span.end_column))

    def _child(self) -> tuple[str, Span | None]:
        if not self._stack:
            return "", None
        top = self._stack[-1]
        if top[1] is not None:
            token, key_span = str(top[1]), None
            top[1] += 1
        else:
            token, key_span = str(top[2]).replace("~", "~0").replace("/", "~1"), top[3]
        return f"{top[0]}/{token}", key_span

    def _span(self, start: int, end: int) -> Span:
        breaks = self._text.count("\n", self._seen_to, start)
        if breaks:
            self._line += breaks
            self._line_start = self._text.rfind("\n", 0, start) + 1
        self._seen_to = start
        column = start - self._line_start + 1
        return Span(self._line, column, self._line, column + end - start)


def _raw_offset(raw: str, offset: int, quote: str) -> int:
    """Return how far into the raw text of a quoted scalar its character `offset` stands."""
    position = 0
    for _ in range(offset):
        if position >= len(raw):
            break
        if quote == "'" and raw.startswith("''", position):
            position += 2
        elif quote == '"' and raw[position] == "\\":
            position += 6 if raw[position + 1 : position + 2] == "u" else 2
        else:
            position += 1
    return position
