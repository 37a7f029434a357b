"""Scripts of a collection: which variables they set from a response, and what they expect of it.

Everything else is in `untranslated`, statement by statement: nothing of a script is dropped silently.
"""

from __future__ import annotations

from typing import Final, Literal as OneOf

from arazzo_runner.generate.postman.assertions import (
    CLASSES,
    EQUAL,
    OPPOSITE,
    SIGNS,
    STATUSES,
    WORDS,
    Link,
    dotted,
    links_of,
    meant,
    status_of,
)
from arazzo_runner.generate.postman.javascript import (
    Call,
    Comparison,
    Function,
    Items,
    Joined,
    Literal,
    Member,
    Name,
    Node,
    Token,
    closing,
    expression,
    statements,
    tokens_of,
)
from arazzo_runner.generate.postman.script_effects import (
    Expectation,
    FromBody,
    FromHeader,
    FromStatus,
    FromText,
    FromVariable,
    Part,
    Scalar,
    Script,
    Setting,
)


def read_script(lines: list[str], *, has_response: bool) -> Script:
    """Return what a script says; one that runs before the request has no response."""
    tokens = tokens_of("\n".join(lines))
    script = Script()
    if tokens is None:
        script.untranslated = [number for number, line in enumerate(lines, 1) if line.strip()]
        return script
    _Reader(script, has_response=has_response).block(tuple(tokens))
    script.untranslated = sorted({each for each in script.untranslated if lines[each - 1].strip()})
    return script


_SETTERS: Final = frozenset(
    {
        *(f"pm.{scope}.set" for scope in ("environment", "collectionVariables", "globals", "variables")),
        "postman.setEnvironmentVariable",
        "postman.setGlobalVariable",
    }
)
_GETTERS: Final = frozenset(
    {
        *(f"pm.{scope}.get" for scope in ("environment", "collectionVariables", "globals", "variables")),
        "pm.iterationData.get",
        "postman.getEnvironmentVariable",
        "postman.getGlobalVariable",
    }
)
_HEADERS: Final = frozenset({"pm.response.headers.get", "postman.getResponseHeader"})
_STATUS: Final = frozenset({"pm.response.code", "responseCode.code"})
_BODY: Final = frozenset({"pm.response.text", "responseBody"})


class _Reader:
    """Reads the statements of one script; `_known` are its own variables."""

    def __init__(self, script: Script, *, has_response: bool) -> None:
        self._script = script
        self._has_response = has_response
        self._known: dict[str, tuple[Part, ...]] = {}

    def block(self, tokens: tuple[Token, ...], depth: int = 0) -> None:
        """Read statements, and those of tests within them."""
        for statement in statements(tokens):
            if not self._is_read(statement, depth):
                first, last = statement[0].line, statement[-1].end_line
                self._script.untranslated += range(first, last + 1)

    def _is_read(self, tokens: tuple[Token, ...], depth: int) -> bool:
        if depth > 20:
            return False
        if tokens[0].text in ("const", "let", "var"):
            return self._declares(tokens[1:])
        if tokens[0].text == "if":
            return self._sets_if_it_passed(tokens)
        if len(tokens) > 2 and tokens[0].kind == "name" and tokens[1].text == "=":
            return self._declares(tokens)
        test = self._legacy_test(tokens)
        if test is not None:
            return self._compares(test, tokens[0].line)
        node = expression(tokens)
        if isinstance(node, Call) and dotted(node.of) == "pm.test":
            return self._tests(node, depth)
        return node is not None and (self._sets(node, tokens[0].line) or self._expects(node, tokens[0].line))

    # ------------------------------------------------------------------ variables

    def _declares(self, tokens: tuple[Token, ...]) -> bool:
        equal = next((number for number, token in enumerate(tokens) if token.text == "="), 0)
        value = self._value(expression(tokens[equal + 1 :])) if equal else None
        if value is None:
            return False
        if equal == 1 and tokens[0].kind == "name":
            self._known[tokens[0].text] = value
            return True
        return self._takes_apart(tokens[:equal], value)

    def _takes_apart(self, tokens: tuple[Token, ...], value: tuple[Part, ...]) -> bool:
        """Read `{a, b: c} = …`, which declares members of a body."""
        body = value[0] if len(value) == 1 else None
        if not isinstance(body, FromBody) or tokens[0].text != "{" or tokens[-1].text != "}":
            return False
        names: dict[str, str] = {}
        texts = [token.text for token in tokens[1:-1]]
        for entry in " ".join(texts).split(" , "):
            member, _, name = entry.partition(" : ")
            if not member.isidentifier() or (name and not name.isidentifier()):
                return False
            names[name or member] = member
        self._known.update({name: (FromBody((*body.path, member)),) for name, member in names.items()})
        return True

    def _sets(self, node: Node, line: int) -> bool:
        if not isinstance(node, Call) or dotted(node.of) not in _SETTERS or len(node.arguments) != 2:
            return False
        name, value = node.arguments
        parts = self._value(value)
        if not isinstance(name, Literal) or not isinstance(name.value, str) or parts is None:
            return False
        self._script.settings.append(Setting(name.value, parts, line))
        return True

    def _sets_if_it_passed(self, tokens: tuple[Token, ...]) -> bool:
        """Read `if (the response is good) { set variables }`: nothing is read from a response that is not good."""
        if len(tokens) < 4 or tokens[1].text != "(":
            return False
        end = closing(tokens, 1)
        condition = expression(tokens[2:end])
        if not self._is_of_success(condition) or end + 1 >= len(tokens) or tokens[end + 1].text != "{":
            return False
        if closing(tokens, end + 1) != len(tokens) - 1:
            return False  # an else follows
        inner = Script()
        reader = _Reader(inner, has_response=self._has_response)
        reader._known = dict(self._known)
        reader.block(tokens[end + 2 : -1], 1)
        if inner.expectations:
            return False
        self._script.settings += inner.settings
        self._script.untranslated += inner.untranslated
        return True

    def _is_of_success(self, node: Node | None) -> bool:
        if not isinstance(node, Comparison) or node.sign not in ("==", "==="):
            return False
        value = node.right.value if isinstance(node.right, Literal) else None
        return self._value(node.left) == (FromStatus(),) and isinstance(value, int) and 200 <= value < 300

    # ------------------------------------------------------------------ values

    def _value(self, node: Node | None) -> tuple[Part, ...] | None:
        """Return what an expression is made of, None when that is not known."""
        match node:
            case Literal(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                return (str(value),)
            case Joined(parts):
                values = [self._value(part) for part in parts]
                known = [value for value in values if value is not None]
                return tuple(part for value in known for part in value) if len(known) == len(values) else None
            case Name(name) if name in self._known:
                return self._known[name]
            case Member(of, name):
                inner = self._value(of)
                body = inner[0] if inner is not None and len(inner) == 1 else None
                if isinstance(body, FromBody) and name != "length":
                    return (FromBody((*body.path, name)),)
            case Call(of, arguments):
                found = self._called(of, arguments)
                if found is not None:
                    return found
            case _:
                pass
        return self._of_response(dotted(node)) if isinstance(node, (Name, Member)) else None

    def _of_response(self, name: str) -> tuple[Part, ...] | None:
        if not self._has_response:
            return None
        return (FromStatus(),) if name in _STATUS else (FromText(),) if name in _BODY else None

    def _called(self, of: Node, arguments: tuple[Node, ...]) -> tuple[Part, ...] | None:
        name = dotted(of)
        first = arguments[0] if len(arguments) == 1 else None
        text = first.value if isinstance(first, Literal) and isinstance(first.value, str) else None
        if name in _GETTERS and text is not None:
            return (FromVariable(text),)
        if name == "String" and first is not None:
            return self._value(first)
        if isinstance(of, Member) and of.name == "toString" and not arguments:
            return self._value(of.of)
        if not self._has_response:
            return None
        if name == "pm.response.json" and not arguments:
            return (FromBody(),)
        if name == "pm.response.text" and not arguments:
            return (FromText(),)
        if name in _HEADERS and text is not None:
            return (FromHeader(text),)
        is_body = name == "JSON.parse" and first is not None and self._value(first) == (FromText(),)
        return (FromBody(),) if is_body else None

    # ------------------------------------------------------------------ tests

    def _tests(self, node: Call, depth: int) -> bool:
        body = node.arguments[1] if len(node.arguments) == 2 else None
        if not isinstance(body, Function):
            return False
        before = dict(self._known)
        self.block(body.body, depth + 1)
        self._known = before
        return True

    def _legacy_test(self, tokens: tuple[Token, ...]) -> Node | None:
        """Return what `tests["name"] = …` says."""
        if tokens[0].text != "tests" or len(tokens) < 6 or tokens[1].text != "[":
            return None
        end = closing(tokens, 1) + 1
        return expression(tokens[end + 1 :]) if end < len(tokens) and tokens[end].text == "=" else None

    def _compares(self, node: Node, line: int) -> bool:
        if not isinstance(node, Comparison) or not isinstance(node.right, Literal):
            return False
        sign = {"===": "==", "!==": "!="}.get(node.sign, node.sign)
        of = self._single(node.left)
        if not isinstance(of, (FromBody, FromHeader, FromStatus)) or sign not in OPPOSITE:
            return False
        self._expect(of, OPPOSITE[OPPOSITE[sign]], (node.right.value,), line)
        return True

    def _expects(self, node: Node, line: int) -> bool:
        root, links = links_of(node)
        if not self._has_response or not isinstance(root, Name) or root.name != "pm":
            return False
        names = [name for name, _ in links]
        if names[:1] == ["response"]:
            return self._expects_of_response(links[1:], line)
        if names[:1] != ["expect"] or links[0][1] is None or not links[0][1]:
            return False
        of = self._single(links[0][1][0])
        return isinstance(of, (FromBody, FromHeader, FromStatus)) and self._expects_of_value(of, links[1:], line)

    def _expects_of_response(self, links: list[Link], line: int) -> bool:
        is_not, rest = meant(links)
        if len(rest) != 1:
            return False
        name, arguments = rest[0]
        if name == "header" and arguments is not None and len(arguments) == 2:
            header, value = (each.value if isinstance(each, Literal) else None for each in arguments)
            if isinstance(header, str) and isinstance(value, str):
                self._expect(FromHeader(header), "!=" if is_not else "==", (value,), line)
                return True
        if name in CLASSES and arguments is None and not is_not:
            self._expect(FromStatus(), ">=", (CLASSES[name],), line)
            self._expect(FromStatus(), "<", (CLASSES[name] + 100,), line)
            return True
        status = STATUSES.get(name) if arguments is None else status_of(name, arguments)
        if status is None:
            return False
        self._expect(FromStatus(), "!=" if is_not else "==", (status,), line)
        return True

    def _expects_of_value(self, of: FromBody | FromHeader | FromStatus, links: list[Link], line: int) -> bool:
        is_not, rest = meant(links)
        if len(rest) != 1:
            return False
        name, arguments = rest[0]
        if arguments is None:
            values: tuple[Scalar | FromVariable, ...] | None = (WORDS[name],) if name in WORDS else None
            sign: OneOf["==", "!=", "<", "<=", ">", ">="] = "=="
        else:
            values = self._compared(name, arguments)
            sign = SIGNS.get(name, "==")
        if values is None or (sign != "==" and not all(isinstance(each, (int, float)) for each in values)):
            return False
        if is_not and len(values) > 1:
            return False
        self._expect(of, OPPOSITE[sign] if is_not else sign, values, line)
        return True

    def _compared(self, name: str, arguments: tuple[Node, ...]) -> tuple[Scalar | FromVariable, ...] | None:
        """Return the values with which an assertion compares."""
        first = arguments[0] if arguments else None
        if name == "oneOf" and isinstance(first, Items):
            values = tuple(each.value for each in first.items if isinstance(each, Literal))
            return values if values and len(values) == len(first.items) else None
        if name not in EQUAL and name not in SIGNS:
            return None
        if isinstance(first, Literal):
            return (first.value,)
        other = self._single(first)
        return (other,) if isinstance(other, (str, FromVariable)) else None

    def _single(self, node: Node | None) -> Part | None:
        parts = self._value(node)
        return parts[0] if parts is not None and len(parts) == 1 else None

    def _expect(
        self,
        of: FromBody | FromHeader | FromStatus,
        sign: OneOf["==", "!=", "<", "<=", ">", ">="],
        values: tuple[Scalar | FromVariable, ...],
        line: int,
    ) -> None:
        self._script.expectations.append(Expectation(of, sign, values, line))
