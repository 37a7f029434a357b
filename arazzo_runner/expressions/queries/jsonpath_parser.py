"""JSONPath: text → nodes, by RFC 9535 or, with `goessner`, by draft-goessner-dispatch-jsonpath-00.

query      = "$" *segment
segment    = "." name / "." "*" / ".." ( name / "*" / bracket ) / bracket
bracket    = "[" selector *( "," selector ) "]"
selector   = string / "*" / integer / slice / "?" test
test       = all *( "||" all )
all        = unary *( "&&" unary )
unary      = [ "!" ] ( "(" test ")" / path / function / comparison )
comparison = operand operator operand
operand    = path / function / number / string / "true" / "false" / "null"
path       = ( "$" / "@" ) *segment
function   = name "(" [ operand *( "," operand ) ] ")"

The draft leaves `?()` and `()` to "the underlying script engine". There is none here: filters
are in parentheses and compare as ECMAScript does, `.length` is a length, and of script
expressions `(@.length-1)` is read. Names need no quotes. The draft has no functions.
"""

from __future__ import annotations

from typing import Final, Literal as OneOf, NoReturn, cast

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.errors import did_you_mean
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Count,
    Exists,
    Filter,
    Index,
    Length,
    Matches,
    Name,
    Not,
    Operand,
    Operator,
    Path,
    Rules,
    ScriptLength,
    Segment,
    Selector,
    Slice,
    Test,
    Truthy,
    ValueOf,
    Wildcard,
)
from arazzo_runner.expressions.queries.jsonpath_reader import Reader

MAX_DEPTH: Final = 50
_OPERATOR: Final = pattern(r"===?|!==?|<=?|>=?")
_WORD: Final = pattern(r"[A-Za-z_$#/][^\s()&|=!<>,\]]*")
_FUNCTION: Final = pattern(r"([a-z][a-z_0-9]*)\(")
_PARAMETERS: Final = {"length": 1, "count": 1, "value": 1, "match": 2, "search": 2}
_LAST: Final = pattern(r"\(\s*@\.length\s*-\s*([0-9]{1,15})\s*\)")
_SPELLING: Final = {"and ": "&&", "or ": "||", "= ": "==", "=": "==", "& ": "&&", "| ": "||"}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_RUNTIME: Final = pattern(r"\$(?:inputs|steps|outputs|workflows|response|request|statusCode)\b[^\s()&|=!<>,\]]*")


def parse_jsonpath(text: str, *, goessner: bool = False) -> Path:
    """Parse a query; raises ExpressionSyntaxError with the offset of the first character that does not fit."""
    try:
        return JsonPathParser(text, goessner=goessner).query()
    except ExpressionSyntaxError as problem:
        if goessner:
            raise
        message = f"not an RFC 9535 JSONPath: {problem.message}"
        raise ExpressionSyntaxError(message, problem.offset, problem.length, problem.hint) from None


class _Part(Record):
    """One side of a comparison, or a whole test, and where it begins."""

    node: Operand | Test
    kind: OneOf["literal", "path", "value", "logical"]
    """`value`: what a function or `.length` returns; `logical`: true or false, by a function."""
    start: int


class JsonPathParser(Reader):
    """Recursive descent over one text.

    `rules` says how the tests being read compare: those of RFC 9535, of a script, or, for the
    comparisons tolerated outside of filters, `absent-is-null`.
    """

    def __init__(self, text: str, *, goessner: bool = False, rules: Rules = "rfc") -> None:
        super().__init__(text, goessner=goessner)
        self.rules: Rules = rules
        self.compared = False
        self.texts: dict[Path, str] = {}
        """The paths of a tolerated comparison, as written."""
        self._depth = 0

    def query(self) -> Path:
        """Parse the whole text as a query."""
        self._refuse_runtime_expression()
        if not self.accept("$"):
            self.fail("a JSONPath begins with $")
        path = Path(self._segments())
        if self.place < len(self.text):
            self._refuse_rest()
        return path

    def test(self) -> Test:
        """Parse the whole text as a test."""
        test = self._any()
        self.blank()
        if self.place < len(self.text):
            self.compared = self.compared or self.at("=")
            self._refuse_rest()
        return test

    # -------------------------------------------------------------- paths

    def _segments(self) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        while True:
            start = self.place
            if not self.goessner:
                self.blank()
            if not self.at(".", "["):
                self.place = start
                return tuple(segments)
            segments.append(self._segment())

    def _segment(self) -> Segment:
        descendant = self.accept("..")
        if self.at("["):
            return Segment(self._bracket(), descendant)
        if not descendant:
            self.accept(".")
        if self.accept("*"):
            return Segment((Wildcard(),), descendant)
        return Segment((Name(self.name(in_filter=self._depth > 0)),), descendant)

    def _bracket(self) -> tuple[Selector, ...]:
        self.accept("[")
        selectors = [self._selector()]
        while self._accept_after_blank(","):
            selectors.append(self._selector())
        if not self._accept_after_blank("]"):
            self._refuse_end()
            self.fail("expected , or ] after a selector", hint=self._spelling())
        return tuple(selectors)

    def _selector(self) -> Selector:
        self.blank()
        if self.accept("*"):
            return Wildcard()
        if self.accept("?"):
            return Filter(self._filter())
        if self.at("'", '"'):
            return Name(self.string())
        if self.goessner and self.at("("):
            return self._script()
        return self._index_or_slice()

    def _script(self) -> Index:
        last = _LAST.match(self.text, self.place)
        if last is None or int(last[1]) == 0:
            self.fail("of script expressions only (@.length-1) is known")
        self.place = last.end()
        return Index(-int(last[1]))

    def _index_or_slice(self) -> Selector:
        start = self.integer()
        if self._accept_after_blank(":"):
            self.blank()
            stop = self.integer()
            if not self._accept_after_blank(":"):
                return Slice(start, stop, None)
            self.blank()
            return Slice(start, stop, self.integer())
        if start is not None:
            return Index(start)
        self._refuse_end()
        if self.goessner:
            return Name(self.name(in_filter=self._depth > 0))
        word = _WORD.match(self.text, self.place)
        hint = f"write '{word.group()}' for a name" if word is not None else None
        self.fail("expected a name in quotes, an index, a slice, * or a filter", hint=hint)

    def _filter(self) -> Test:
        outside, self.rules = self.rules, "script" if self.goessner else "rfc"
        if not self.goessner:
            test = self._any()
        elif self.at("("):
            test = self._group()
        else:
            self.fail("a filter of this version is written in parentheses", hint="write ?(…)")
        self.rules = outside
        return test

    # -------------------------------------------------------------- tests

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept_after_blank("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))

    def _all(self) -> Test:
        tests = [self._unary()]
        while self._accept_after_blank("&&"):
            tests.append(self._unary())
        return tests[0] if len(tests) == 1 else AllOf(tuple(tests))

    def _unary(self) -> Test:
        self._go_deeper()
        self.blank()
        if self.at("!") and not self.at("!="):
            self.place += 1
            test: Test = Not(self._negated())
        else:
            test = self._group() if self.at("(") else self._comparison()
        self._depth -= 1
        return test

    def _negated(self) -> Test:
        if self.rules != "rfc":
            return self._unary()
        self.blank()
        if self.at("("):
            return self._group()
        start = self.place
        test = self._comparison()
        if isinstance(test, Compare):
            self.fail("! before a comparison needs parentheses around it", start, hint="write !(…)")
        return test

    def _group(self) -> Test:
        self.accept("(")
        test = self._any()
        if not self._accept_after_blank(")"):
            self._refuse_end()
            self._refuse_rest()
        return test

    def _comparison(self) -> Test:
        left = self._operand()
        self.blank()
        found = _OPERATOR.match(self.text, self.place)
        if found is None:
            return self._bare(left)
        operator = {"===": "==", "!==": "!="}.get(found.group(), found.group())
        if self.rules == "rfc" and operator != found.group():
            self.fail(f"{found.group()} is not an operator", length=3, hint=f"write {operator}")
        self.compared = self.compared or self.rules == "absent-is-null"
        self.place = found.end()
        right = self._operand()
        return Compare(self._value(left), cast(Operator, operator), self._value(right), self.rules)

    def _bare(self, part: _Part) -> Test:
        """Return the test that is an operand by itself."""
        if part.kind == "logical":
            return cast(Test, part.node)
        operand = cast(Operand, part.node)
        if part.kind == "literal":
            self.fail("a literal must be compared with something", part.start)
        if self.rules == "script":
            return Truthy(operand)
        if isinstance(operand, ValueOf) and part.kind == "path":
            return Exists(operand.path)
        if self.rules == "rfc":
            self.fail("this function returns a value, which must be compared with something", part.start)
        return Compare(operand, "!=", Constant(0), "absent-is-null")

    def _value(self, part: _Part) -> Operand:
        """Return an operand that is compared; outside of scripts it has one value at most (§2.4.3)."""
        if part.kind == "logical":
            self.fail("this function returns true or false, which does not compare", part.start)
        operand = cast(Operand, part.node)
        if part.kind == "path" and isinstance(operand, ValueOf) and self.rules != "script":
            self._refuse_several_values(operand.path, part.start)
        return operand

    def _refuse_several_values(self, path: Path, start: int) -> None:
        if path.singular:
            return
        if self.rules == "rfc":
            self.fail("a path that may select several values does not compare", start)
        message = f'"{self.texts[path]}" may select several values, which do not compare'
        hint = "write $.items[?@.status == 'x'] to ask for items, or add .length to count them"
        self.fail(message, start, hint=hint)

    # -------------------------------------------------------------- operands

    def _operand(self) -> _Part:
        self.blank()
        start = self.place
        if self.at("$") or (self.at("@") and self.rules != "absent-is-null"):
            return self._path()
        if self.at("'", '"'):
            return _Part(Constant(self.string()), "literal", start)
        number = self.number()
        if number is not None:
            return _Part(Constant(number), "literal", start)
        function = _FUNCTION.match(self.text, start) if self.rules == "rfc" else None
        if function is not None:
            return self._function(function[1])
        word = _WORD.match(self.text, start)
        if word is None:
            self._refuse_end()
            self.fail("expected a path or a value")
        if word.group() not in _CONSTANTS:
            message = f'"{word.group()}" is neither a path nor a value'
            self.fail(message, start, len(word.group()), f"write '{word.group()}' for a text")
        self.place = word.end()
        return _Part(Constant(_CONSTANTS[word.group()]), "literal", start)

    def _path(self) -> _Part:
        self._refuse_runtime_expression()
        start, absolute = self.place, self.at("$")
        self.place += 1
        path = Path(self._segments(), absolute)
        text = self.text[start : self.place]
        is_length = self.rules != "rfc" and text.endswith(".length") and not text.endswith("..length")
        if is_length:
            path, text = Path(path.segments[:-1], absolute), text.removesuffix(".length")
        if self.rules == "absent-is-null":
            self.texts.setdefault(path, text)
        if not is_length:
            return _Part(ValueOf(path), "path", start)
        counted = self.rules == "absent-is-null" and not path.singular
        return _Part(Count(path) if counted else ScriptLength(path), "value", start)

    def _function(self, name: str) -> _Part:
        start = self.place
        if name not in _PARAMETERS:
            self.fail(f"there is no function {name}()", length=len(name), hint=did_you_mean(name, _PARAMETERS))
        self.place += len(name) + 1
        self._go_deeper()
        arguments = [self._argument(name)]
        while self._accept_after_blank(","):
            arguments.append(self._argument(name))
        if not self._accept_after_blank(")"):
            self._refuse_end()
            self.fail(f"expected , or ) after an argument of {name}()")
        self._depth -= 1
        if len(arguments) != _PARAMETERS[name]:
            self.fail(f"{name}() takes {('one argument', 'two arguments')[_PARAMETERS[name] - 1]}", start, len(name))
        if name in ("match", "search"):
            return _Part(Matches(arguments[0], arguments[1], name == "match"), "logical", start)
        if name == "length":
            return _Part(Length(arguments[0]), "value", start)
        nodes = cast(ValueOf, arguments[0])
        return _Part(Count(nodes.path) if name == "count" else nodes, "value", start)

    def _argument(self, function: str) -> Operand:
        """Read an argument of the type the function takes: nodes, or one value (§2.4.3)."""
        part = self._operand()
        if function not in ("count", "value"):
            return self._value(part)
        if part.kind != "path":
            self.fail(f"{function}() takes a path", part.start)
        return cast(ValueOf, part.node)

    # -------------------------------------------------------------- common

    def _accept_after_blank(self, token: str) -> bool:
        start = self.place
        self.blank()
        if self.accept(token):
            return True
        self.place = start
        return False

    def _go_deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.fail(f"the query is nested deeper than {MAX_DEPTH}")

    def _refuse_end(self) -> None:
        self.blank()
        if self.place >= len(self.text):
            self.fail("a value is missing at the end" if self.rules == "absent-is-null" else "unbalanced brackets")

    def _refuse_rest(self) -> NoReturn:
        self.fail(f'"{self.text[self.place :][:20]}" does not belong here', hint=self._spelling())

    def _spelling(self) -> str | None:
        """Return the hint for an operator of another language that comes next."""
        rest = self.text[self.place :]
        if rest.startswith("=~"):
            return None if self.goessner else "write search(@.name, 'pattern')"
        return next((f"write {sign}" for word, sign in _SPELLING.items() if rest.startswith(word)), None)

    def _refuse_runtime_expression(self) -> None:
        found = _RUNTIME.match(self.text, self.place)
        if found is not None:
            message = f'the runtime expression "{found.group()}" needs braces in a JSONPath'
            self.fail(message, length=len(found.group()), hint=f"write {{{found.group()}}}")
