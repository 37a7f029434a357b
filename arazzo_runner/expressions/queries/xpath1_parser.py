"""Parser of XPath 1.0 (§2, §3): text → nodes."""

from __future__ import annotations

from typing import Final, TypeAlias

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import ExpressionSyntaxError


class Literal(Record):
    """A number or a text."""

    value: float | str


class Call(Record):
    """A function call."""

    name: str
    operands: tuple[Expression, ...]


class Negative(Record):
    """The number of an operand with its sign changed."""

    operand: Expression


class Chain(Record):
    """Operators of one precedence, from left to right."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


class Union(Record):
    """The nodes that any of several expressions selects."""

    parts: tuple[Expression, ...]


class NodeTest(Record):
    """The node test of a step: a `kind` (`name`: the principal kind of the axis) and a name, None for any."""

    kind: str
    prefix: str | None = None
    name: str | None = None


class Step(Record):
    """A step of a path."""

    axis: str
    test: NodeTest
    predicates: tuple[Expression, ...] = ()


class Path(Record):
    """Steps from what `start` selects, from the document if `absolute`, else from the context node."""

    start: Expression | None
    absolute: bool
    steps: tuple[Step, ...]


class Filtered(Record):
    """The nodes of `subject` for which all predicates are true."""

    subject: Expression
    predicates: tuple[Expression, ...]


Expression: TypeAlias = "Literal | Call | Negative | Chain | Union | Path | Filtered"


AXIS_NAMES: Final = frozenset(
    {
        *("ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self", "following"),
        *("following-sibling", "namespace", "parent", "preceding", "preceding-sibling", "self"),
    }
)
NODE_TYPES: Final = frozenset({"node", "text", "comment", "processing-instruction"})
ARITIES: Final[dict[str, tuple[int, int | None]]] = {
    **dict.fromkeys(("last", "position", "true", "false"), (0, 0)),
    **dict.fromkeys(("string", "string-length", "normalize-space", "number"), (0, 1)),
    **dict.fromkeys(("local-name", "name", "namespace-uri"), (0, 1)),
    **dict.fromkeys(("boolean", "ceiling", "count", "floor", "id", "lang", "not", "round", "sum"), (1, 1)),
    **dict.fromkeys(("contains", "starts-with", "substring-after", "substring-before"), (2, 2)),
    "concat": (2, None),
    "substring": (2, 3),
    "translate": (3, 3),
}
"""The functions (§4) with their least and most operands, None for any number."""

_LEVELS: Final = (("or",), ("and",), ("=", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "div", "mod"))
_WORDS: Final = frozenset({"and", "or", "div", "mod"})
_NAME = r"[^\W\d][\w.\-\u00b7]*"
_TOKEN: Final = pattern(
    rf"""[ \t\r\n]*(?:(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)|(?P<text>"[^"]*"|'[^']*')"""
    rf"""|(?P<name>{_NAME}(?::(?:{_NAME}|\*))?)|(?P<symbol>//|::|\.\.|!=|<=|>=|[/.()\[\]@,|+\-=<>*$]))"""
)
_SPACE: Final = pattern(r"[ \t\r\n]*\Z")


_BELOW = Step("descendant-or-self", NodeTest("node"))


class _Token(Record):
    kind: str
    text: str
    start: int


def parse_xpath1(text: str) -> Expression:
    """Parse an expression of XPath 1.0; raises ExpressionSyntaxError."""
    parser = _Parser(text)
    found = parser.expression()
    parser.expect("", "the end")
    return found


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while _SPACE.match(text, place) is None:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            start = place + len(text[place:]) - len(text[place:].lstrip(" \t\r\n"))
            what = "a text without its closing quote" if text[start] in "\"'" else f"unexpected {text[start]!r}"
            raise ExpressionSyntaxError(what, start, 1)
        found.append(
            _disambiguated(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)), found)
        )
        place = match.end()
    return [*found, _Token("end", "", len(text))]


def _disambiguated(token: _Token, before: list[_Token]) -> _Token:
    """XPath 1.0 §3.7: after an operand, `*` multiplies and a name is an operator."""
    last = before[-1] if before else None
    after_operand = last is not None and (
        last.kind in ("number", "text", "name", "wildcard") or last.text in (")", "]", ".", "..")
    )
    if token.text == "*":
        return _Token("symbol" if after_operand else "wildcard", "*", token.start)
    if after_operand and token.kind == "name":
        return _Token("symbol" if token.text in _WORDS else "name", token.text, token.start)
    return token


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, *symbols: str) -> str | None:
        """Read and return the next symbol if it is one of these."""
        token = self._next
        if token.kind == "symbol" and token.text in symbols:
            return self._take().text
        return None

    def expect(self, symbol: str, what: str | None = None) -> None:
        """Read a symbol; raises ExpressionSyntaxError for anything else."""
        token = self._next
        if (token.text != symbol) if symbol else (token.kind != "end"):
            raise self._unexpected(f"{what or repr(symbol)} must come here")
        self._at += 1

    def _unexpected(self, message: str) -> ExpressionSyntaxError:
        token = self._next
        shown = f"not {token.text!r}" if token.kind != "end" else "not the end"
        return ExpressionSyntaxError(f"{message}, {shown}", token.start, max(1, len(token.text)) if token.text else 0)

    def expression(self, level: int = 0) -> Expression:
        """Parse operators of this and higher precedence."""
        if level == len(_LEVELS):
            return self._signed()
        first = self.expression(level + 1)
        rest: list[tuple[str, Expression]] = []
        while (operator := self._takes(*_LEVELS[level])) is not None:
            rest.append((operator, self.expression(level + 1)))
        return Chain(first, tuple(rest)) if rest else first

    def _signed(self) -> Expression:
        signs = 0
        while self._takes("-"):
            signs += 1
        operand = self._union()
        if signs:  # two signs cancel out, but convert to a number
            operand = Negative(operand) if signs % 2 else Negative(Negative(operand))
        return operand

    def _union(self) -> Expression:
        parts = [self._path()]
        while self._takes("|"):
            parts.append(self._path())
        return Union(tuple(parts)) if len(parts) > 1 else parts[0]

    def _path(self) -> Expression:
        start = self._primary()
        if start is not None:
            predicates = self._predicates()
            subject = Filtered(start, predicates) if predicates else start
            steps = self._more_steps()
            return Path(subject, absolute=False, steps=steps) if steps else subject
        slash = self._takes("/", "//")
        if slash is None:
            return Path(None, absolute=False, steps=(self._step(), *self._more_steps()))
        if slash == "/" and not self._starts_step():
            return Path(None, absolute=True, steps=())
        before = (_BELOW,) if slash == "//" else ()
        return Path(None, absolute=True, steps=(*before, self._step(), *self._more_steps()))

    def _primary(self) -> Expression | None:
        """Parse a primary expression (§3.1); None if a path comes next."""
        token = self._next
        if token.kind == "number":
            return Literal(float(self._take().text))
        if token.kind == "text":
            return Literal(self._take().text[1:-1])
        if token.text == "$":
            raise ExpressionSyntaxError("there are no variables here", token.start, 1)
        if self._takes("("):
            found = self.expression()
            self.expect(")")
            return found
        called = token.kind == "name" and self._tokens[self._at + 1].text == "("
        return self._call() if called and token.text not in NODE_TYPES else None

    def _call(self) -> Expression:
        name = self._take()
        self.expect("(")
        operands: list[Expression] = []
        while self._next.text != ")" or self._next.kind == "text":
            operands.append(self.expression())
            if not self._takes(","):
                break
        self.expect(")")
        if name.text not in ARITIES:
            hint = f"its functions are {', '.join(sorted(ARITIES))}"
            raise ExpressionSyntaxError(f"XPath 1.0 has no function {name.text}", name.start, len(name.text), hint)
        least, most = ARITIES[name.text]
        if len(operands) < least or (most is not None and len(operands) > most):
            message = f"{name.text} takes {_counted(least, most)}, not {len(operands)}"
            raise ExpressionSyntaxError(message, name.start, len(name.text))
        return Call(name.text, tuple(operands))

    def _starts_step(self) -> bool:
        token = self._next
        return token.kind in ("name", "wildcard") or (token.kind == "symbol" and token.text in (".", "..", "@"))

    def _more_steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while (slash := self._takes("/", "//")) is not None:
            steps += (_BELOW, self._step()) if slash == "//" else (self._step(),)
        return tuple(steps)

    def _step(self) -> Step:
        if self._takes("."):
            return Step("self", NodeTest("node"))
        if self._takes(".."):
            return Step("parent", NodeTest("node"))
        axis = "attribute" if self._takes("@") else "child"
        if axis == "child" and self._next.kind == "name" and self._tokens[self._at + 1].text == "::":
            axis = self._next.text
            if axis not in AXIS_NAMES:
                raise self._unexpected(f"an axis must come here ({', '.join(sorted(AXIS_NAMES))})")
            self._at += 2
        return Step(axis, self._test(), self._predicates())

    def _test(self) -> NodeTest:
        token = self._next
        if token.kind not in ("name", "wildcard"):
            raise self._unexpected("a step of a path must come here")
        self._at += 1
        if token.kind == "wildcard":
            return NodeTest("name")
        if token.text in NODE_TYPES and self._takes("("):
            target = self._take().text[1:-1] if self._next.kind == "text" and token.text[0] == "p" else None
            self.expect(")")
            return NodeTest(token.text, name=target)
        prefix, colon, local = token.text.rpartition(":")
        return NodeTest("name", prefix if colon else None, None if local == "*" else local)

    def _predicates(self) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while self._takes("["):
            found.append(self.expression())
            self.expect("]")
        return tuple(found)


def _counted(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} operands or more"
    return f"{least} operand{'s' * (least != 1)}" if least == most else f"{least} to {most} operands"
