"""Positions in a YAML text, indexed by a second pass over its events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arazzo_runner.document.positions import Entry, IndexBuilder, IndexedPositions, OpenCollection
from arazzo_runner.errors import Span


class YamlPositions(IndexedPositions):
    """Positions in a YAML text."""

    def _indexed(self) -> Mapping[str, Entry]:
        return yaml_index(self.text)

    def _breaks(self) -> list[int]:
        # libyaml still takes the line breaks of YAML 1.1, and its marks count them.
        return [match.end() for match in re.finditer("\r\n|[\r\n\x85\u2028\u2029]", self.text)]


def yaml_index(text: str) -> Mapping[str, Entry]:
    """Return the positions in the first YAML document of a text, up to a syntax error."""
    import yaml  # lazily, with what imports it: documents in JSON or from the cache do not need it

    from arazzo_runner.document.yaml_reader import event_parser

    builder = _EventIndexBuilder(text)
    try:
        parser = event_parser(text)
        while not builder.done:
            builder.take(parser.get_event())
    except yaml.YAMLError:
        pass  # already reported when the text was read
    return builder.index


class _EventIndexBuilder(IndexBuilder):
    """Indexes the events of the YAML library, distinguished by the names of their classes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.done = False
        self.anchored: dict[str, str] = {}

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        match kind:
            case "ScalarEvent":
                self._scalar(event, event.value)
            case "AliasEvent":
                self._scalar(event, None)
            case "MappingStartEvent" | "SequenceStartEvent":
                pointer, key = self.child()
                start = event.start_mark
                self.stack.append(OpenCollection(pointer, key, kind == "MappingStartEvent", start.index, start))
            case "MappingEndEvent" | "SequenceEndEvent":
                closed, end = self.stack.pop(), event.end_mark
                span = _span(closed.first, end)
                self.index[closed.pointer] = Entry(closed.own_key, span, closed.start, end.index, None)
                self.done = not self.stack
            case _:
                self.done = kind == "StreamEndEvent"

    def _scalar(self, event: Any, text: str | None) -> None:
        start, end = event.start_mark, event.end_mark
        if event.anchor is not None and text is not None:
            self.anchored[event.anchor] = text
        top = self.top
        if top is not None and top.wants_key:
            self.add_key(top, self.anchored.get(event.anchor, "") if text is None else text, _span(start, end))
            return
        pointer, key = self.child()
        # libyaml reports a missing value at the end of the text as being in the next line.
        span = _span(start, end) if start.index < len(self.text) else _end_of(self.text)
        self.index[pointer] = Entry(key, span, start.index, end.index, text)
        self.done = not self.stack


def _end_of(text: str) -> Span:
    starts = YamlPositions(text).line_starts()
    column = len(text) - starts[-1] + 1
    return Span(len(starts), column, len(starts), column)


def _span(start: Any, end: Any) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
