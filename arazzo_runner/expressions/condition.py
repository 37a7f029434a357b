"""Simple conditions: text → nodes (Arazzo 1.1.0 §Criterion Object, Literals and Operators).

or         = and *( "||" and )
and        = comparison *( "&&" comparison )
comparison = unary [ ( "==" / "!=" / "<" / "<=" / ">" / ">=" ) unary ]
             ; tolerated on the right of == and !=: text without quotes, up to && || ) or the end
unary      = "!" unary / primary *( "." name / "[" index "]" )
primary    = literal / runtime-expression / "(" or ")"
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NoReturn

from arazzo_runner.base.json_values import LONGEST_NUMBER
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.names import NOTHING_DECLARED, Declared, memoised
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    Condition,
    Constant,
    Expression,
    ExpressionSyntaxError,
    Keyword,
    Not,
    Or,
    Reference,
    SourceReference,
    ToleratedSyntax,
    operands_of,
)
from arazzo_runner.expressions.parser import MAX_LENGTH, ROOTS, parse_expression, with_dollar

MAX_NESTING = 64
_OPERATORS = (
    "===",
    "!==",
    "==",
    "!=",
    "<=",
    ">=",
    "<>",
    "&&",
    "||",
    "<",
    ">",
    "=",
    "!",
    "(",
    ")",
    "[",
    "]",
    ".",
    "{",
    "}",
    "&",
    "|",
    ",",
)
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_SPELLING = {"===": "==", "!==": "!=", "=": "==", "<>": "!=", "&": "&&", "|": "||"}
_WORDS = {"and": "write &&", "or": "write ||", "not": "write !", "in": "compare with == and ||",
          "contains": "use type: regex with a context", "matches": "use type: regex with a context",
          "is": "write ==", "equals": "write =="}  # fmt: skip
_XPATH: Final = pattern(r"\(\s*/|/@|::")
"""A path of XPath in a text that is none of the simple conditions: `count(/a)`, `name(//@id)`."""
_MEANT: Final = {"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null", "undefined": "null"}
_UNQUOTED: Final = pattern(r"\s*((?:[^\W_]|/)[^$'\"(){}\[\]<>=!&|]*(?:;\s*[\w-]+=[\w.-]+\s*)*)(?=&&|\|\||\)|\Z)")
"""A text without quotes: a media type with its parameters, or words."""
_STATUS_RANGE: Final = pattern(r"[1-5][Xx]{2}")
_SYMBOLS = {"and": "&&", "or": "||", "is": "==", "equals": "=="}


class ParsedCondition(Record):
    """A condition, what was tolerated in it, and the expressions it contains."""

    node: Condition
    tolerated: tuple[ToleratedSyntax, ...] = ()
    references: tuple[Expression, ...] = ()


class _Token(Record):
    kind: str  # "operator", "reference", "literal", "word", "end"
    text: str
    offset: int
    value: object = None


def parse_condition(text: str, declared: Declared = NOTHING_DECLARED) -> ParsedCondition:
    """Parse a simple condition.

    Raises ExpressionSyntaxError with the offset of the first character that does not fit.

    >>> str(parse_condition("$statusCode==200&&$response.body#/ok").node)
    '$statusCode == 200 && $response.body#/ok'
    """
    return _parse(text, declared)


@memoised
def _parse(text: str, declared: Declared) -> ParsedCondition:
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the condition is longer than {MAX_LENGTH} characters")
    parser = _ConditionParser(text, declared)
    node = parser.disjunction(0)
    parser.end()
    return ParsedCondition(node, tuple(parser.tolerated), tuple(_references(node)))


def _references(condition: Condition) -> Iterator[Expression]:
    if isinstance(condition, Reference):
        yield condition.expression
    for operand in operands_of(condition):
        yield from _references(operand)


class _ConditionParser:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, text: str, declared: Declared) -> None:
        self.text = text
        self.declared = declared
        self.tolerated: list[ToleratedSyntax] = []
        self.position = 0
        self.token = self._next()

    # ------------------------------------------------------------------ grammar

    def disjunction(self, depth: int) -> Condition:
        if depth > MAX_NESTING:
            self.fail(f"the condition is nested deeper than {MAX_NESTING}", self.token.offset)
        operands = [self._conjunction(depth)]
        while self._take("||"):
            operands.append(self._conjunction(depth))
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _conjunction(self, depth: int) -> Condition:
        operands = [self._comparison(depth)]
        while self._take("&&"):
            operands.append(self._comparison(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _comparison(self, depth: int) -> Condition:
        start = self.token.offset
        left = self._unary(depth)
        token = self.token
        if token.kind != "operator" or token.text not in COMPARISONS:
            return left
        unquoted = self._unquoted() if token.text in ("==", "!=") else None
        if unquoted is not None:
            return self._compared_with_text(left, token.text, start, unquoted)
        self._advance()
        right = self._unary(depth)
        if self.token.kind == "operator" and self.token.text in COMPARISONS:
            hint = "join two comparisons with &&"
            self.fail("a comparison has two sides", self.token.offset, len(self.token.text), hint)
        return Comparison(left, token.text, right)  # type: ignore[arg-type]

    def _unquoted(self) -> tuple[str, int] | None:
        """Return the text without quotes that follows, and its offset; None for a value, or for what is no text."""
        found = _UNQUOTED.match(self.text, self.position)
        if found is None:
            return None
        text, offset = found.group(1).rstrip(), found.start(1)
        first = text.split()[0]
        if text.lower() in _MEANT or self._number_end(offset) == offset + len(first):
            return None  # a value, perhaps with something behind it
        if text.partition(".")[0] in ROOTS or not _WORDS.keys().isdisjoint(text.lower().split()):
            return None  # `$`, or an operator, is meant
        return text, offset

    def _compared_with_text(self, left: Condition, operator: str, start: int, right: tuple[str, int]) -> Condition:
        """Return the comparison with a text without quotes, and tolerate it (semantics §4)."""
        text, offset = right
        node: Condition = Comparison(left, operator, Constant(text))  # type: ignore[arg-type]
        message, canonical, span = "text must be in single quotes", str(Constant(text)), (offset, len(text))
        if left == Reference(Keyword("statusCode")):
            if not _STATUS_RANGE.fullmatch(text):
                self.fail("a status is a number", offset, len(text), "write one, such as 200")
            node = _status_range(int(text[0]) * 100, is_inside=operator == "==")
            message, canonical = f"{text} is not a value; a range is two comparisons", _range_text(node)
            span = (start, offset + len(text) - start)
        self.tolerated.append(ToleratedSyntax("condition-syntax", message, offset, len(text), canonical, span))
        self.position = offset + len(text)
        self._advance()
        return node

    def _unary(self, depth: int) -> Condition:
        count = 0
        while self._take("!"):
            count += 1
            if count > MAX_NESTING:
                self.fail("too many !", self.token.offset)
        node = self._postfix(self._primary(depth))
        for _ in range(count):
            node = Not(node)
        return node

    def _postfix(self, node: Condition) -> Condition:
        count = 0
        while self.token.kind == "operator" and self.token.text in (".", "["):
            count += 1
            if count > MAX_NESTING:
                self.fail(f"more than {MAX_NESTING} property steps", self.token.offset)
            node = self._index(node) if self.token.text == "[" else self._property(node)
        return node

    def _index(self, node: Condition) -> Condition:
        self._advance()
        token = self.token
        if token.kind != "literal" or isinstance(token.value, bool) or not isinstance(token.value, (int, str)):
            self.fail("an index such as [0] is expected", token.offset, max(1, len(token.text)))
        if isinstance(token.value, int) and token.value < 0:
            self.fail("an index counts from 0", token.offset, len(token.text))
        self._advance()
        if not self._take("]"):
            self.fail("] is missing", self.token.offset)
        return Access(node, token.value)

    def _property(self, node: Condition) -> Condition:
        self._advance()
        token = self.token
        if token.kind not in ("word", "literal") or not token.text.replace("_", "a").replace("-", "a").isalnum():
            self.fail("a property name is expected after the full stop", token.offset, max(1, len(token.text)))
        self._advance()
        if token.text == "length":
            self._tolerate_length(token.offset)
        return Access(node, token.text)

    def _tolerate_length(self, offset: int) -> None:
        message = ".length is not in the Specification"
        self.tolerated.append(ToleratedSyntax("length-property", message, offset, len("length")))

    def _primary(self, depth: int) -> Condition:
        token = self.token
        if token.kind == "operator" and token.text == "(":
            self._advance()
            node = self.disjunction(depth + 1)
            if not self._take(")"):
                self.fail("( is never closed", token.offset, hint="add )")
            return node
        if token.kind == "operator" and token.text == "{":
            return self._braced(token)
        if token.kind == "reference":
            return self._reference(token)
        if token.kind == "literal":
            self._advance()
            return Constant(token.value)
        return self._unexpected(token)

    def _reference(self, token: _Token) -> Condition:
        try:
            node, tolerated = parse_expression(token.text, self.declared)
        except ExpressionSyntaxError as problem:
            self.fail(problem.message, token.offset + problem.offset, problem.length, problem.hint)
        for each in tolerated:
            if each.code != "property-step":  # `.` and `[]` are operators of conditions
                self.tolerated.append(each.moved(token.offset))
        if token.text.endswith(".length") and not isinstance(node, SourceReference):
            self._tolerate_length(token.offset + len(token.text) - 6)
        self._advance()
        return Reference(node)

    def _braced(self, token: _Token) -> Condition:
        self._advance()
        if self.token.kind != "reference":
            self.fail("{ does not belong in a simple condition", token.offset)
        node = self._reference(self.token)
        span = (token.offset, self.token.offset + 1 - token.offset)
        if not self._take("}"):
            self.fail("{ is never closed", token.offset, hint="add }")
        message = "braces around an expression are for texts, not for simple conditions"
        self.tolerated.append(ToleratedSyntax("braced-expression", message, token.offset, 1, str(node), span))
        return node

    def _unexpected(self, token: _Token) -> NoReturn:
        if token.kind == "end":
            what = "the condition is empty" if not self.text.strip() else "a value is missing at the end"
            self.fail(what, token.offset)
        if token.kind == "word":
            self._unexpected_word(token)
        self._operator_fault(token)

    def _unexpected_word(self, token: _Token) -> NoReturn:
        offset, length, word = token.offset, len(token.text), token.text.lower()
        whole = _whole_word(self.text, offset)
        if self.text[offset + length :].lstrip().startswith("("):
            self.fail("simple conditions have no functions", offset, length, _query_hint(self.text))
        if word in _WORDS:
            self.fail(f"{token.text} is not a value", offset, length, _WORDS[word])
        if word in _MEANT:
            hint = f"write {_MEANT[word]}{whole[length:]}"
            raise ExpressionSyntaxError(f"{token.text} is not a value", offset, length, hint, _MEANT[word])
        self._missing_dollar(offset)
        quoted = str(Constant(whole))
        message, hint = "text must be in single quotes", f"write {quoted}"
        raise ExpressionSyntaxError(message, offset, len(whole), hint, quoted)

    def _missing_dollar(self, offset: int) -> None:
        """Fail if an expression without its `$` begins here."""
        written = self.text[offset : self._reference_end(offset)]
        meant = with_dollar(written)
        if meant is None:
            return
        message, hint = f"{written} is not a value; a runtime expression begins with $", f"did you mean {meant}?"
        is_right = self.text[:offset].rstrip().endswith(tuple(COMPARISONS))
        if is_right and written.isalpha() and meant != "$statusCode":  # `$inputs.field == method`
            text = str(Constant(written))
            self.fail(f"{written} is not a value", offset, len(written), f"did you mean {meant}, or the text {text}?")
        raise ExpressionSyntaxError(message, offset, len(written), hint, meant)

    def _operator_fault(self, token: _Token) -> NoReturn:
        spelling = _SPELLING.get(token.text)
        hint = None if spelling is None else f"write {spelling}"
        what = f"{token.text} is not an operator" if spelling else f"{token.text} does not belong here"
        raise ExpressionSyntaxError(what, token.offset, len(token.text), hint, spelling)

    def end(self) -> None:
        """Fail if any text is left."""
        token = self.token
        if token.kind == "end":
            return
        if token.kind == "word" and token.text.lower() in _WORDS:
            word, what = token.text.lower(), f"{token.text} is not an operator"
            raise ExpressionSyntaxError(what, token.offset, len(word), _WORDS[word], _SYMBOLS.get(word))
        if token.kind == "operator":
            self._operator_fault(token)
        self.fail("an operator is expected here", token.offset, max(1, len(token.text)))

    # ------------------------------------------------------------------ tokens

    def _take(self, text: str) -> bool:
        if self.token.kind == "operator" and self.token.text == text:
            self._advance()
            return True
        return False

    def _advance(self) -> None:
        self.token = self._next()

    def _next(self) -> _Token:
        text, length = self.text, len(self.text)
        start = self.position
        while start < length and text[start].isspace():
            start += 1
        if start >= length:
            self.position = length
            return _Token("end", "", length)
        character = text[start]
        if character == "$":
            return self._read_reference(start)
        if character in "'\"":
            return self._read_string(start, character)
        number = self._number_end(start)
        if number > start:
            return self._read_number(start, number)
        for operator in _OPERATORS:
            if text.startswith(operator, start):
                self.position = start + len(operator)
                return _Token("operator", operator, start)
        return self._read_word(start)

    def _read_reference(self, start: int) -> _Token:
        self.position = self._reference_end(start)
        return _Token("reference", self.text[start : self.position], start)

    def _reference_end(self, start: int) -> int:
        """Return where an expression ends: before white space, `)`, `]`, `}` or an operator (semantics §4)."""
        end, text = start + 1, self.text
        while end < len(text):
            character = text[end]
            if character == "[":
                close = text.find("]", end)
                if close < 0:
                    break
                end = close + 1
                continue
            if character.isspace() or character in ")]}<>=,":
                break
            if text.startswith(("!=", "&&", "||"), end):
                break
            end += 1
        return end

    def _read_string(self, start: int, quote: str) -> _Token:
        end, parts = start + 1, list[str]()
        while True:
            close = self.text.find(quote, end)
            if close < 0:
                self.fail("the string is never closed", start, len(self.text) - start, f"add {quote}")
            parts.append(self.text[end:close])
            if self.text[close + 1 : close + 2] != quote:
                break
            parts.append(quote)
            end = close + 2
        value = "".join(parts)
        self.position = close + 1
        if quote == '"':
            message = "a string in a condition needs single quotes"
            canonical = str(Constant(value))
            self.tolerated.append(ToleratedSyntax("double-quotes", message, start, close + 1 - start, canonical))
        return _Token("literal", self.text[start : close + 1], start, value)

    def _number_end(self, start: int) -> int:
        """Return the end of the JSON number at `start`, `start` itself if there is none."""
        text = self.text
        end = start + (text[start] == "-")
        digits = _digits_end(text, end)
        if digits == end:
            return start
        end = digits
        if text[end : end + 1] == "." and _digits_end(text, end + 1) > end + 1:
            end = _digits_end(text, end + 1)
        if text[end : end + 1] in ("e", "E"):
            sign = end + 1 + (text[end + 1 : end + 2] in ("+", "-") and text[end + 1 : end + 2] != "")
            if _digits_end(text, sign) > sign:
                end = _digits_end(text, sign)
        follows = text[end : end + 1]
        return start if follows.isalnum() or follows == "_" else end

    def _read_number(self, start: int, end: int) -> _Token:
        self.position = end
        lexeme = self.text[start:end]
        if len(lexeme) > LONGEST_NUMBER:
            self.fail("the number has too many digits", start, len(lexeme))
        value = int(lexeme) if lexeme.lstrip("-").isdigit() else float(lexeme)
        if isinstance(value, float) and math.isinf(value):
            self.fail("the number is too large", start, len(lexeme))
        return _Token("literal", lexeme, start, value)

    def _read_word(self, start: int) -> _Token:
        end = start
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "_-"):
            end += 1
        if end == start:
            self.fail(f"{self.text[start]!r} does not belong in a condition", start)
        self.position = end
        word = self.text[start:end]
        if word in ("true", "false", "null"):
            return _Token("literal", word, start, {"true": True, "false": False, "null": None}[word])
        return _Token("word", word, start)

    def fail(self, message: str, offset: int, length: int = 1, hint: str | None = None) -> NoReturn:
        raise ExpressionSyntaxError(message, offset, length, hint)


def _status_range(first: int, *, is_inside: bool) -> Condition:
    """Return `$statusCode >= 200 && $statusCode < 300`, or the contrary."""
    status = Reference(Keyword("statusCode"))
    if is_inside:
        return And((Comparison(status, ">=", Constant(first)), Comparison(status, "<", Constant(first + 100))))
    return Or((Comparison(status, "<", Constant(first)), Comparison(status, ">=", Constant(first + 100))))


def _range_text(condition: Condition) -> str:
    return f"({condition})" if isinstance(condition, Or) else str(condition)


def _whole_word(text: str, start: int) -> str:
    """Return the word at `start` up to white space, a closing bracket or an operator, for messages."""
    end = start
    while end < len(text) and not text[end].isspace() and text[end] not in ")]}&|=<>!":
        end += 1
    return text[start:end]


def _digits_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return end


def _query_hint(text: str) -> str:
    """Return which type of criterion has functions: a text with the paths of XPath is one of that."""
    return "add type: xpath" if _XPATH.search(text) is not None else "use type: jsonpath"
