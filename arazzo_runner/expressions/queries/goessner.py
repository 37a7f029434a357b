"""Goessner's JSONPath (draft-goessner-dispatch-jsonpath-00), asked for by an Expression Type Object.

The draft leaves `?()` and `()` to "the underlying script engine". There is none here, only a
grammar: filters compare as ECMAScript (the language of its examples) does, and of script
expressions the one the draft shows, `(@.length-1)`, is read.

path   = "$" *step
step   = "." name / "." "*" / ".." ( name / "*" / bracket ) / bracket
bracket = "[" item *( "," item ) "]"
item   = "*" / quoted / integer / slice / "?(" test ")" / "(@.length" "-" integer ")" / name
"""

from __future__ import annotations

import re

from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    Compare,
    Filter,
    Index,
    Name,
    Operand,
    Operator,
    Path,
    Segment,
    Selector,
    Slice,
    Test,
    Truthy,
    Wildcard,
)
from arazzo_runner.expressions.queries.jsonpath_tests import Dialect, TestParser, script_length, string_end, value_of

MAX_DEPTH = 20
_NAME = re.compile(r"[^\s.\[\]()'\",*?=!<>&|]+")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_SLICE = re.compile(r"\s*(-?[0-9]{1,15})?\s*:\s*(-?[0-9]{1,15})?\s*(?::\s*(-?[0-9]{1,15})?\s*)?(?=[,\]])")
_LAST = re.compile(r"\(\s*@\.length\s*-\s*([0-9]{1,15})\s*\)")
_BLANK = re.compile(r"\s*")


def parse_goessner(text: str, offset: int = 0, depth: int = 0) -> Path:
    """Parse a path of the draft; `offset` is added to the place of an error.

    Raises ExpressionSyntaxError.
    """
    return _PathParser(text, offset, depth).parse()


class _PathParser:
    def __init__(self, text: str, offset: int, depth: int) -> None:
        self.text = text
        self.offset = offset
        self.depth = depth
        self.place = 0

    def parse(self) -> Path:
        if self.text[:1] not in ("$", "@") or (self.text[:1] == "@" and not self.depth):
            raise self._error("a JSONPath begins with $")
        if self.depth > MAX_DEPTH:
            raise self._error("the filters are nested too deeply")
        self.place = 1
        segments: list[Segment] = []
        while self.place < len(self.text):
            segments.append(self._step())
        return Path(tuple(segments), self.text[0] == "$")

    def _step(self) -> Segment:
        descendant = self._accept("..")
        if not descendant and not self._accept("."):
            return Segment(self._bracket())
        if self.text.startswith("[", self.place):
            return Segment(self._bracket(), descendant)
        if self._accept("*"):
            return Segment((Wildcard(),), descendant)
        return Segment((Name(self._name()),), descendant)

    def _name(self) -> str:
        found = _NAME.match(self.text, self.place)
        if found is None:
            raise self._error("expected a name, * or [")
        self.place = found.end()
        return found.group()

    def _bracket(self) -> tuple[Selector, ...]:
        if not self._accept("["):
            raise self._error("expected ., .. or [")
        items = [self._item()]
        while self._accept(",", blank=True):
            items.append(self._item())
        if not self._accept("]", blank=True):
            raise self._error("the bracket is never closed", "add ]")
        return tuple(items)

    def _item(self) -> Selector:
        self._blank()
        if self._accept("*"):
            return Wildcard()
        if self._accept("?"):
            return Filter(self._filter())
        last = _LAST.match(self.text, self.place)
        if last is not None and int(last.group(1)) > 0:
            self.place = last.end()
            return Index(-int(last.group(1)))
        if self.text.startswith("(", self.place):
            raise self._error("of script expressions only (@.length-1) is known")
        if self.text[self.place : self.place + 1] in ("'", '"'):
            return Name(self._quoted())
        return self._slice_or_index()

    def _slice_or_index(self) -> Selector:
        found = _SLICE.match(self.text, self.place)
        if found is not None:
            self.place = found.end()
            start, stop, step = (None if number is None else int(number) for number in found.groups())
            return Slice(start, stop, step)
        integer = _INTEGER.match(self.text, self.place)
        if integer is not None and self.text[integer.end() : integer.end() + 1] in (",", "]", " "):
            self.place = integer.end()
            return Index(int(integer.group()))
        return Name(self._name())

    def _quoted(self) -> str:
        start = self.place
        end = string_end(self.text, start)
        if end is None:
            raise self._error("the string is never closed")
        self.place = end
        return re.sub(r"\\(.)", r"\1", self.text[start + 1 : end - 1], flags=re.DOTALL)

    # -------------------------------------------------------------- filters

    def _filter(self) -> Test:
        if not self.text.startswith("(", self.place):
            raise self._error("a filter of this version stands in parentheses", "write ?(…)")
        start = self.place + 1
        end = self._closing(start)
        test = TestParser(self.text[start:end], self.offset + start, self._dialect()).parse()
        self.place = end + 1
        return test

    def _closing(self, start: int) -> int:
        place, open_ones = start, 1
        while place < len(self.text):
            character = self.text[place]
            if character in "'\"":
                place = string_end(self.text, place) or len(self.text)
                continue
            open_ones += {"(": 1, ")": -1}.get(character, 0)
            if not open_ones:
                return place
            place += 1
        raise self._error("the filter is never closed", "add )]")

    def _dialect(self) -> Dialect:
        def path(text: str, offset: int) -> Path:
            return parse_goessner(text, offset, self.depth + 1)

        return Dialect("$@", path, value_of, script_length, _truthy, _compare)

    # -------------------------------------------------------------- characters

    def _accept(self, token: str, *, blank: bool = False) -> bool:
        if blank:
            self._blank()
        if not self.text.startswith(token, self.place):
            return False
        self.place += len(token)
        return True

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.place)
        assert found is not None  # it matches the empty text too
        self.place = found.end()

    def _error(self, message: str, hint: str | None = None) -> ExpressionSyntaxError:
        return ExpressionSyntaxError(message, self.offset + self.place, hint=hint)


def _truthy(operand: Operand) -> Test:
    return Truthy(operand)


def _compare(left: Operand, operator: Operator, right: Operand) -> Compare:
    return Compare(left, operator, right, "script")
