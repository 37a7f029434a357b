"""Goessner's JSONPath draft (draft-goessner-dispatch-jsonpath-00), on request: a small evaluator, no eval.

Where it differs from RFC 9535: filters are written `?(…)`, `(@.length-1)` computes an index, a
path inside a filter that selects nothing is false, and names may be quoted either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import holds
from arazzo_runner.expressions.nodes import Condition, ExpressionSyntaxError
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.values import MISSING, JsonValue, Missing

MAX_NODES = 1_000_000


@dataclass(frozen=True, slots=True)
class Name:
    """`.name`, `['name']` or an index."""

    key: str | int


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*`."""


@dataclass(frozen=True, slots=True)
class Descend:
    """`..`: the node and everything below it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """`start:end:step`."""

    start: int | None
    end: int | None
    step: int


@dataclass(frozen=True, slots=True)
class FromEnd:
    """`(@.length-n)`."""

    back: int


@dataclass(frozen=True, slots=True)
class Filter:
    """`?(condition)`: paths beginning with @ or $ are inputs of a simple condition."""

    condition: Condition
    paths: tuple[tuple[str, str, GoessnerPath], ...]


Part = Name | Wildcard | Slice | FromEnd | Filter


@dataclass(frozen=True, slots=True)
class GoessnerPath:
    """A parsed query: steps, each a Descend or a union of parts."""

    steps: tuple[Descend | tuple[Part, ...], ...]

    def select(self, root: JsonValue, current: JsonValue | Missing = MISSING) -> list[JsonValue]:
        """Return the values the query finds in `root`, in document order."""
        nodes = [root if current is MISSING else current]
        for step in self.steps:
            if isinstance(step, Descend):
                nodes = [found for node in nodes for found in _below(node)]
            else:
                nodes = [found for node in nodes for part in step for found in _children(node, part, root)]
            if len(nodes) > MAX_NODES:
                return nodes[:MAX_NODES]
        return nodes


def parse_goessner(text: str) -> GoessnerPath:
    """Parse a query; raises ExpressionSyntaxError."""
    parser = _Parser(text)
    if not text.startswith("$"):
        parser.fail("a JSONPath begins with $")
    parser.at = 1
    return parser.path()


def _below(node: JsonValue) -> Iterator[JsonValue]:
    waiting = [node]
    count = 0
    while waiting and count < MAX_NODES:
        each = waiting.pop()
        count += 1
        yield each
        if isinstance(each, dict):
            waiting.extend(reversed(list(each.values())))
        elif isinstance(each, list):
            waiting.extend(reversed(each))


def _children(node: JsonValue, part: Part, root: JsonValue) -> Iterator[JsonValue]:
    if isinstance(part, Name):
        if isinstance(node, dict) and str(part.key) in node:
            yield node[str(part.key)]
        elif isinstance(node, list) and isinstance(part.key, int) and -len(node) <= part.key < len(node):
            yield node[part.key]
        elif isinstance(node, (list, str)) and part.key == "length":
            yield len(node)
    elif isinstance(part, Wildcard):
        yield from _items(node)
    elif isinstance(part, Slice) and isinstance(node, list):
        yield from node[part.start : part.end : part.step]
    elif isinstance(part, FromEnd) and isinstance(node, list) and 0 < part.back <= len(node):
        yield node[len(node) - part.back]
    elif isinstance(part, Filter):
        yield from (item for item in _items(node) if _keeps(part, item, root))


def _items(node: JsonValue) -> Iterator[JsonValue]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _keeps(part: Filter, item: JsonValue, root: JsonValue) -> bool:
    inputs: dict[str, JsonValue] = {}
    for name, start, path in part.paths:
        found = path.select(root, item if start == "@" else MISSING)
        if found:
            # A bare path asks whether something is there: a value that is false or 0 still is.
            inputs[name] = found[0] if len(found) == 1 else found
            inputs[f"{name}x"] = True
    return holds(part.condition, Scope(inputs=inputs)).passed


class _Parser:
    """One query being read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def path(self) -> GoessnerPath:
        steps: list[Descend | tuple[Part, ...]] = []
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if self.text.startswith("..", self.at):
                steps.append(Descend())
                self.at += 2
                if self.text[self.at : self.at + 1] != "[":
                    steps.append((self._dotted(),))
            elif self.text[self.at] == ".":
                self.at += 1
                steps.append((self._dotted(),))
            else:
                steps.append(self._bracket())
        if self.at < len(self.text):
            self.fail(f"{self.text[self.at]!r} does not belong here")
        return GoessnerPath(tuple(steps))

    def _dotted(self) -> Part:
        if self.text[self.at : self.at + 1] == "*":
            self.at += 1
            return Wildcard()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ".[]() =!<>&|,'\"":
            self.at += 1
        if self.at == start:
            self.fail("a name or * is expected")
        return Name(self.text[start : self.at])

    def _bracket(self) -> tuple[Part, ...]:
        end = self._closing()
        inner = self.text[self.at + 1 : end]
        offset = self.at + 1
        self.at = end + 1
        parts = tuple(self._part(text.strip(), offset) for text in _split(inner, ","))
        return parts

    def _part(self, text: str, offset: int) -> Part:
        if text == "*":
            return Wildcard()
        if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
            return Name(text[1:-1].replace(f"\\{text[0]}", text[0]))
        if text.startswith("?(") and text.endswith(")"):
            return self._filter(text[2:-1], offset + 2)
        compact = text.replace(" ", "")
        if compact.startswith("(@.length-") and compact.endswith(")") and compact[10:-1].isdigit():
            return FromEnd(int(compact[10:-1]))
        numbers = compact.split(":")
        if len(numbers) <= 3 and all(not each or each.lstrip("-").isdigit() for each in numbers) and compact:
            if len(numbers) == 1:
                return Name(int(numbers[0]))
            start, end, step = ([int(each) if each else None for each in numbers] + [None])[:3]
            return Slice(start, end, step if step else 1)
        raise ExpressionSyntaxError(f'"{text}" is no part of this JSONPath draft', offset, max(1, len(text)))

    def _filter(self, text: str, offset: int) -> Filter:
        paths: list[tuple[str, str, GoessnerPath]] = []
        written: list[str] = []
        position = 0
        while position < len(text):
            character = text[position]
            if character in "'\"":
                close = text.find(character, position + 1)
                if close < 0:
                    raise ExpressionSyntaxError("the string is never closed", offset + position)
                written.append("'" + text[position + 1 : close].replace("'", "''") + "'")
                position = close + 1
            elif character in "@$":
                end = _path_end(text, position)
                inner = _Parser(text[position + 1 : end])
                name = f"p{len(paths)}"
                paths.append((name, character, inner.path()))
                alone = _stands_alone(text, position, end)
                written.append(f"$inputs.{name}{'x' if alone else ''}")
                position = end
            else:
                written.append(character)
                position += 1
        try:
            condition = parse_condition("".join(written)).node
        except ExpressionSyntaxError as problem:
            raise ExpressionSyntaxError(problem.message, offset, max(1, len(text)), problem.hint) from None
        return Filter(condition, tuple(paths))

    def _closing(self) -> int:
        depth, quote, position = 0, "", self.at
        while position < len(self.text):
            character = self.text[position]
            if quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif character == "[":
                depth += 1
            elif character == "]":
                depth -= 1
                if depth == 0:
                    return position
            position += 1
        self.fail("[ is never closed")

    def fail(self, message: str) -> NoReturn:
        raise ExpressionSyntaxError(message, min(self.at, len(self.text)))


def _split(text: str, separator: str) -> list[str]:
    """Split at commas that are outside of quotes and brackets."""
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _path_end(text: str, start: int) -> int:
    depth, end = 0, start + 1
    while end < len(text):
        character = text[end]
        if character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
        elif depth == 0 and (character.isspace() or character in ")=!<>&|+-*/,"):
            break
        end += 1
    return end


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a path is no side of a comparison: it then asks for existence."""
    before, after = text[:start].rstrip(), text[end:].lstrip()
    return not before.endswith(("=", "<", ">")) and not after.startswith(("=", "!", "<", ">"))
