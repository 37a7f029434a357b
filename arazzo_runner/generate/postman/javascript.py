"""The part of JavaScript in which scripts of collections are usually written: tokens, statements, expressions.

What is not understood is no error: `expression` returns None, and the statement is reported as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from arazzo_runner.base.records import Record


class Token(Record):
    """A token with the number of its line; `kind` is name, number, text, template or sign."""

    kind: str
    text: str
    line: int
    end_line: int


class Literal(Record):
    """A text, a number, true, false or null."""

    value: str | int | float | bool | None


class Name(Record):
    """A variable."""

    name: str


class Member(Record):
    """`of.name`, `of["name"]` or `of[0]`."""

    of: Node
    name: str | int


class Call(Record):
    """`of(arguments)`."""

    of: Node
    arguments: tuple[Node, ...]


class Function(Record):
    """A function without a name; its body is the tokens of its statements."""

    body: tuple[Token, ...]


class Joined(Record):
    """A template, or texts joined by `+`."""

    parts: tuple[Node, ...]


class Comparison(Record):
    """`left == right`, with the sign as JavaScript writes it."""

    sign: str
    left: Node
    right: Node


class Items(Record):
    """A list."""

    items: tuple[Node, ...]


Node: TypeAlias = Literal | Name | Member | Call | Function | Joined | Comparison | Items

_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\f\v\u00a0\ufeff]+)"
    r"|(?P<newline>\n)"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<template>`(?:[^`\\]|\\.)*`)"
    r"|(?P<sign>===|!==|==|!=|<=|>=|=>|\?\.|&&|\|\||\+\+|--|\+=|.)",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]*)\}")
_OPEN: Final = {"(": ")", "[": "]", "{": "}"}
_COMPARISONS: Final = frozenset({"===", "!==", "==", "!=", "<", ">", "<=", ">="})
_GOES_ON: Final = frozenset({".", "?.", ",", "=", "+", "-", "*", "/", "%", "?", ":", "=>", "&&", "||", *_COMPARISONS})
_GOES_ON_AFTER: Final = frozenset({"else", "catch", "finally", *_GOES_ON, ")", "]", "}", "{", "("})
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_DEEPEST: Final = 60


def tokens_of(script: str) -> list[Token] | None:
    """Return the tokens of a script, None when its brackets do not match."""
    found: list[Token] = []
    expected: list[str] = []
    line = 1
    for match in _TOKEN.finditer(script):
        kind, text = str(match.lastgroup), match.group()
        end = line + text.count("\n")
        if kind not in ("space", "newline", "comment"):
            found.append(Token(kind, text, line, end))
        line = end
        if kind == "sign" and text in _OPEN:
            expected.append(_OPEN[text])
        elif kind == "sign" and text in ")]}" and (not expected or expected.pop() != text):
            return None
    return None if expected or any(each.text in "\"'`" for each in found) else found


def statements(tokens: tuple[Token, ...] | list[Token]) -> Iterator[tuple[Token, ...]]:
    """Yield the statements: they end at `;`, or at the end of a line after which nothing goes on."""
    begin, depth = 0, 0
    for number, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _OPEN:
            depth += 1
        elif token.kind == "sign" and token.text in ")]}":
            depth -= 1
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if depth:
            continue
        is_end = token.text == ";" or following is None
        if is_end or (following is not None and _ends_line(token, following)):
            end = number if token.text == ";" else number + 1
            if end > begin:
                yield tuple(tokens[begin:end])
            begin = number + 1


def expression(tokens: tuple[Token, ...] | list[Token]) -> Node | None:
    """Return the expression that the tokens are, None when it is not understood."""
    parser = _Parser(tuple(tokens))
    found = parser.comparison(0)
    return found if parser.at_end else None


def closing(tokens: tuple[Token, ...], begin: int) -> int:
    """Return the index of the bracket that closes the one at `begin`."""
    depth = 0
    for number in range(begin, len(tokens)):
        if tokens[number].kind == "sign" and tokens[number].text in _OPEN:
            depth += 1
        elif tokens[number].kind == "sign" and tokens[number].text in ")]}":
            depth -= 1
            if not depth:
                return number
    return len(tokens) - 1


def _ends_line(token: Token, following: Token) -> bool:
    if following.line == token.end_line:
        return False
    goes_on = token.kind == "sign" and token.text in _GOES_ON
    return not goes_on and following.text not in _GOES_ON_AFTER


class _Parser:
    """Reads one expression; every method returns None for what it does not understand."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def at_end(self) -> bool:
        """Whether every token is read."""
        return self._next >= len(self._tokens)

    def comparison(self, depth: int) -> Node | None:
        """Read `a == b`, or what is no comparison."""
        left = self._sum(depth)
        if left is None or self._sign() not in _COMPARISONS:
            return left
        sign = self._take().text
        right = self._sum(depth)
        return None if right is None else Comparison(sign, left, right)

    def _sum(self, depth: int) -> Node | None:
        parts = [self._chain(depth)]
        while self._sign() == "+":
            self._next += 1
            parts.append(self._chain(depth))
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            return None
        return known[0] if len(known) == 1 else Joined(known)

    def _chain(self, depth: int) -> Node | None:
        if depth > _DEEPEST:
            return None
        found = self._primary(depth)
        links = 0
        while found is not None and self._sign() in (".", "?.", "[", "("):
            found = self._link(found, depth) if links < _DEEPEST else None
            links += 1
        return found

    def _link(self, of: Node, depth: int) -> Node | None:
        sign = self._take().text
        if sign == "?." and self._sign() in ("[", "("):
            sign = self._take().text
        if sign == "(":
            arguments = self._list(")", depth)
            return None if arguments is None else Call(of, arguments)
        if sign == "[":
            index = self.comparison(depth + 1)
            if not isinstance(index, Literal) or not isinstance(index.value, (str, int)) or self._sign() != "]":
                return None
            self._next += 1
            return Member(of, index.value)
        if self.at_end or self._tokens[self._next].kind != "name":
            return None
        return Member(of, self._take().text)

    def _primary(self, depth: int) -> Node | None:
        if self.at_end:
            return None
        function = self._function()
        if function is not None:
            return function
        token = self._take()
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else _integer(token.text))
        if token.kind == "text":
            return Literal(_unescaped(token.text[1:-1]))
        if token.kind == "template":
            return _template(token.text[1:-1])
        if token.kind == "name":
            return Literal(_CONSTANTS[token.text]) if token.text in _CONSTANTS else Name(token.text)
        if token.text == "(":
            inner = self.comparison(depth + 1)
            closed = self._sign() == ")"
            self._next += 1
            return inner if closed else None
        if token.text == "[":
            items = self._list("]", depth)
            return None if items is None else Items(items)
        return None

    def _list(self, end: str, depth: int) -> tuple[Node, ...] | None:
        items: list[Node] = []
        while self._sign() != end:
            item = self.comparison(depth + 1)
            if item is None or self._sign() not in (",", end):
                return None
            items.append(item)
            if self._sign() == ",":
                self._next += 1
        self._next += 1
        return tuple(items)

    def _function(self) -> Function | None:
        """Read `function (…) {…}`, `(…) => {…}` or `(…) => expression`, which ends at a comma or bracket."""
        at = self._next + (self._text(self._next) == "async")
        is_arrow = False
        if self._text(at) == "function":
            at += 1 + (at + 1 < len(self._tokens) and self._tokens[at + 1].kind == "name")
        elif self._text(at) != "(":
            is_arrow = self._text(at + 1) == "=>"
            if not is_arrow:
                return None
        begin = at + 1 if is_arrow else closing(self._tokens, at) + 1
        if self._text(begin) == "=>":
            begin += 1
        elif self._text(at - 1) != "function" and self._text(at - 2) != "function":
            return None
        if self._text(begin) == "{":
            end = closing(self._tokens, begin)
            self._next = end + 1
            return Function(self._tokens[begin + 1 : end])
        return self._short_function(begin)

    def _short_function(self, begin: int) -> Function:
        end = begin
        while end < len(self._tokens) and self._tokens[end].text not in (",", ")", "]", "}"):
            end = closing(self._tokens, end) + 1 if self._tokens[end].text in _OPEN else end + 1
        self._next = end
        return Function(self._tokens[begin:end])

    def _text(self, index: int) -> str:
        return self._tokens[index].text if 0 <= index < len(self._tokens) else ""

    def _sign(self) -> str:
        token = None if self.at_end else self._tokens[self._next]
        return token.text if token is not None and token.kind == "sign" else ""

    def _take(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 20 else float(text)


def _template(text: str) -> Node | None:
    parts: list[Node] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        inner = expression(tokens_of(match.group(1)) or [])
        if inner is None:
            return None
        parts += [Literal(_unescaped(text[end : match.start()])), inner]
        end = match.end()
    return Joined((*parts, Literal(_unescaped(text[end:]))))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    code = match.group(1)
    if len(code) > 1:
        number = int(code.strip("ux{}"), 16)
        is_character = number < 0x110000 and not 0xD800 <= number < 0xE000
        return chr(number) if is_character else "\ufffd"
    return _ESCAPES.get(code, code)
