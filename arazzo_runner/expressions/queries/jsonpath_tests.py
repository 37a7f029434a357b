"""The text of tests (`@.a > 1 && !$.b`) → nodes: tolerated comparisons and Goessner's filters share it.

test       = and *( "||" and )
and        = unary *( "&&" unary )
unary      = "!" unary / "(" test ")" / comparison
comparison = operand [ operator operand ]
operand    = path [ ".length" ] / number / string / "true" / "false" / "null"
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import cast

from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Not,
    Operand,
    Operator,
    Path,
    ScriptLength,
    Test,
    ValueOf,
)

MAX_DEPTH = 50
_OPERATOR = re.compile(r"===?|!==?|<=?|>=?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,4})?")
_WORD = re.compile(r"[A-Za-z_$#/][^\s()&|=!<>]*")
_BLANK = re.compile(r"\s*")
_WORDS = {"and ": "&&", "or ": "||", "= ": "==", "=": "=="}
_CONSTANTS = {"true": True, "false": False, "null": None}
_RUNTIME = re.compile(r"\$(?:inputs|steps|outputs|workflows|response|request|statusCode)\b")


class Dialect(Record):
    """What differs between the users of this grammar."""

    roots: str
    """The characters a path may begin with: `$`, or `$@`."""
    parse_path: Callable[[str, int], Path]
    """`parse_path(text, offset)`: parse a path; `offset` is its place, for errors."""
    operand: Callable[[Path], Operand]
    """A path as an operand."""
    length: Callable[[Path], Operand]
    """`path.length` as an operand."""
    bare: Callable[[Operand], Test]
    """An operand that is not compared."""
    compare: Callable[[Operand, Operator, Operand], Compare]


class TestParser:
    """Recursive descent over one text; `offset` is where that text stands in the whole query."""

    def __init__(self, text: str, offset: int, dialect: Dialect) -> None:
        self.text = text
        self.offset = offset
        self.dialect = dialect
        self.place = 0
        self.depth = 0
        self.compared = False

    def parse(self) -> Test:
        """Parse the whole text."""
        test = self._any()
        self._blank()
        if self.place < len(self.text):
            rest = self.text[self.place :]
            self.compared = self.compared or rest.startswith("=")
            hint = next((f"write {sign}" for word, sign in _WORDS.items() if rest.startswith(word)), None)
            raise self.error(f'"{rest[:20]}" does not belong here', hint)
        return test

    def error(self, message: str, hint: str | None = None) -> ExpressionSyntaxError:
        """Return the error for the place reached."""
        return ExpressionSyntaxError(message, self.offset + self.place, hint=hint)

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))

    def _all(self) -> Test:
        tests = [self._unary()]
        while self._accept("&&"):
            tests.append(self._unary())
        return tests[0] if len(tests) == 1 else AllOf(tuple(tests))

    def _unary(self) -> Test:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error("the tests are nested too deeply")
        test = self._not_or_group()
        self.depth -= 1
        return test

    def _not_or_group(self) -> Test:
        if self._accept("!"):
            return Not(self._unary())
        if self._accept("("):
            test = self._any()
            if not self._accept(")"):
                raise self.error("a parenthesis is never closed", "add )")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        left = self._operand()
        self._blank()
        found = _OPERATOR.match(self.text, self.place)
        if found is None or found.group() == "!":
            if isinstance(left, Constant):
                raise self.error("a literal must be compared with something")
            return self.dialect.bare(left)
        self.place = found.end()
        self.compared = True
        operator = {"===": "==", "!==": "!="}.get(found.group(), found.group())
        return self.dialect.compare(left, cast(Operator, operator), self._operand())

    def _operand(self) -> Operand:
        self._blank()
        character = self.text[self.place : self.place + 1]
        if character and character in self.dialect.roots:
            return self._path()
        if character and character in "'\"":
            return Constant(self._string(character))
        number = _NUMBER.match(self.text, self.place)
        if number is not None:
            value = json.loads(number.group())
            if math.isinf(value):
                raise self.error("this number is too large")
            self.place = number.end()
            return Constant(value)
        word = _WORD.match(self.text, self.place)
        if word is not None and word.group() in _CONSTANTS:
            self.place = word.end()
            return Constant(_CONSTANTS[word.group()])
        if word is not None:
            raise self.error(f'"{word.group()}" is neither a path nor a value', f"write '{word.group()}' for a text")
        raise self.error("expected a path or a value")

    def _path(self) -> Operand:
        runtime = _RUNTIME.match(self.text, self.place)
        end = path_end(self.text, self.place)
        text = self.text[self.place : end]
        if runtime is not None:
            raise self.error(f'the runtime expression "{text}" stands bare in a JSONPath', f"write {{{text}}}")
        bare = text.removesuffix(".length")
        path = self.dialect.parse_path(bare, self.offset + self.place)
        operand = self.dialect.length(path) if bare != text else self.dialect.operand(path)
        self.place = end
        return operand

    def _string(self, quote: str) -> str:
        start = self.place
        end = string_end(self.text, start)
        if end is None:
            raise self.error("the string is never closed", f"add {quote}")
        body = self.text[start + 1 : end - 1]
        self.place = end
        if quote == "'":
            body = body.replace("\\'", "'").replace('"', '\\"')
        try:
            return str(json.loads(f'"{body}"', strict=False))
        except ValueError:
            raise ExpressionSyntaxError("this string has a wrong escape", self.offset + start, end - start) from None

    def _accept(self, token: str) -> bool:
        self._blank()
        if not self.text.startswith(token, self.place) or (token == "!" and self.text.startswith("!=", self.place)):
            return False
        self.place += len(token)
        return True

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.place)
        assert found is not None  # it matches the empty text too
        self.place = found.end()


def path_end(text: str, start: int) -> int:
    """Return where the path that begins at `start` ends: a blank, operator or `)` outside its brackets."""
    place, brackets = start + 1, 0
    while place < len(text):
        character = text[place]
        if brackets and character in "'\"":
            place = string_end(text, place) or len(text)
            continue
        if character == "[":
            brackets += 1
        elif character == "]":
            brackets -= 1
        elif not brackets and (character.isspace() or character in "=!<>&|(),+"):
            return place
        place += 1
    return len(text)


def string_end(text: str, start: int) -> int | None:
    """Return where the quoted string that begins at `start` ends, None when it does not."""
    place = start + 1
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == text[start]:
            return place + 1
        place += 1
    return None


def script_length(path: Path) -> Operand:
    """`path.length` where `path` selects one node at most."""
    return ScriptLength(path)


def value_of(path: Path) -> Operand:
    """A path as the value it selects."""
    return ValueOf(path)
