"""Runtime expressions: recursive descent over the ABNF of Arazzo 1.1.0 §Runtime Expressions.

`parse_expression` also accepts deviations that have one meaning (semantics §3) and returns each
with its canonical spelling. One function per production, the production quoted above it.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final, NoReturn

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.records import replace
from arazzo_runner.errors import did_you_mean
from arazzo_runner.expressions.names import (
    NOTHING_DECLARED,
    Declared,
    longest_name_at,
    longest_name_before,
    memoised,
)
from arazzo_runner.expressions.nodes import (
    ComponentReference,
    Expression,
    ExpressionSyntaxError,
    InputReference,
    Keyword,
    MessageReference,
    OutputReference,
    Path,
    SourceReference,
    StepReference,
    ToleratedSyntax,
    WorkflowReference,
)

_ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STRICT_IDENTIFIER: Final = _ALNUM + "-_"
_IDENTIFIER: Final = _STRICT_IDENTIFIER + "."
_PROPERTY: Final = _STRICT_IDENTIFIER + "$@:"
_STATUS: Final = ("status", "statusCode", "code", "status_code")
"""What other languages call the status code of a response."""
_TCHAR: Final = _ALNUM + "!#$%&'*+-.^_`|~"
_LOOKED_AT: Final = frozenset("{}~ ")
ROOTS: Final = (
    "url", "method", "statusCode", "self", "request", "response", "message",
    "inputs", "outputs", "steps", "workflows", "sourceDescriptions", "components",
)  # fmt: skip
KEYWORDS: Final = ("url", "method", "statusCode", "self")
MAX_LENGTH: Final = 65_536
SUGGESTED_ROOTS: Final = {
    "input": "inputs", "step": "steps", "workflow": "workflows", "output": "outputs", "component": "components",
    "source": "sourceDescriptions", "sources": "sourceDescriptions", "status": "statusCode", "env": "inputs",
}  # fmt: skip


def parse_expression(
    text: str, declared: Declared = NOTHING_DECLARED, *, embedded: bool = False, strict: bool = False
) -> tuple[Expression, tuple[ToleratedSyntax, ...]]:
    """Parse one runtime expression; also returns what was tolerated in it (semantics §3).

    `embedded`: the text is from within braces, where no prose can follow the expression.
    `strict` tolerates nothing. Raises ExpressionSyntaxError with the offset of the first character
    that does not fit.

    >>> str(parse_expression("$response.body#/items/0")[0])
    '$response.body#/items/0'
    """
    return _parse(text, declared, embedded, strict)


@memoised
def _parse(
    text: str, declared: Declared, embedded: bool, strict: bool
) -> tuple[Expression, tuple[ToleratedSyntax, ...]]:
    parser = _Parser(text, strict=strict, declared=declared, embedded=embedded)
    node = parser.parse()
    if not parser.tolerated:
        return node, ()
    canonical = None if _counts(node) else str(canonical_form(node))
    whole = (0, 0 if canonical in (None, text) else len(text))  # a name that the grammar lacks has no other spelling
    return node, tuple(replace(each, canonical=canonical, span=whole) for each in parser.tolerated)


def with_dollar(text: str) -> str | None:
    """Return the runtime expression that a text without its `$` can only mean, None if it means none.

    >>> with_dollar("response.body.id"), with_dollar("StatusCode"), with_dollar("status of pets")
    ('$response.body#/id', '$statusCode', None)
    """
    root, rest = text[: len(text) - len(text.lstrip(_STRICT_IDENTIFIER))], text.lstrip(_STRICT_IDENTIFIER)
    if not rest and root.casefold().replace("_", "") in ("statuscode", "status"):
        return "$statusCode"
    if root in ("request", "response") and rest.lstrip(".") in _STATUS:
        return "$statusCode"
    spelled = f"response.{root.removesuffix('s')}" if root in ("body", "headers", "header") else root
    spelled = SUGGESTED_ROOTS.get(spelled, spelled)
    if not rest and spelled not in (*KEYWORDS, "response.body"):
        return None
    try:
        return str(canonical_form(parse_expression(f"${spelled}{rest}")[0]))
    except ExpressionSyntaxError:
        return None


def canonical_form(node: Expression) -> Expression:
    """Return a node whose property steps are written as a JSON Pointer, where the grammar allows one."""
    path = getattr(node, "path", ())
    if not path or _counts(node):
        return node
    tokens = "".join("/" + escaped(str(step)) for step in path)
    pointer = (node.pointer or "") + tokens  # type: ignore[union-attr]
    if isinstance(node, MessageReference):
        return MessageReference(node.message, node.part, node.name, pointer)
    if isinstance(node, InputReference) and node.name is not None:
        return InputReference(node.name, pointer)
    if isinstance(node, OutputReference):
        return OutputReference(node.name, pointer)
    if isinstance(node, StepReference) and node.output is not None:
        return StepReference(node.step_id, node.output, pointer)
    if isinstance(node, WorkflowReference):
        return WorkflowReference(node.workflow_id, node.field, node.name, pointer)
    return node


def _counts(node: Expression) -> bool:
    """Return whether a node may give the length of a list or text, which no JSON Pointer does."""
    return getattr(node, "path", ())[-1:] == ("length",)


class _Parser:
    """One text and how far it is read; `tolerated` collects what was tolerated."""

    def __init__(self, text: str, *, strict: bool, declared: Declared, embedded: bool) -> None:
        self.text = text
        self.at = 0
        self.strict = strict
        self.embedded = embedded
        self.declared = declared
        self.tolerated: list[ToleratedSyntax] = []

    # expression = ( "$url" / "$method" / "$statusCode" / "$request." source / … / "$self" )
    def parse(self) -> Expression:
        if len(self.text) > MAX_LENGTH:
            self.fail(f"the expression is longer than {MAX_LENGTH} characters", 0)
        if not self.text.startswith("$"):
            self._no_dollar()
        self.at = 1
        root = self._word()
        if root in KEYWORDS:
            if self.at < len(self.text):
                self.fail(f"nothing may follow ${root}", self.at)
            return Keyword(root)  # type: ignore[arg-type]
        node = self._rooted(root)
        if self.at < len(self.text):
            self.fail(f'"{self.text[self.at :][:20]}" does not belong to the expression', self.at)
        return node

    def _no_dollar(self) -> NoReturn:
        meant = with_dollar(self.text)
        hint = f"write ${self.text}" if self.text[:1].isalpha() else None
        length = 1 if meant is None else len(self.text)
        hint = hint if meant is None else f"write {meant}"
        raise ExpressionSyntaxError("a runtime expression begins with $", 0, length, hint, meant)

    def _rooted(self, root: str) -> Expression:
        if root in ("request", "response", "message"):
            return self._source(root)
        if root == "inputs":
            return self._inputs()
        if root == "outputs":
            return self._outputs()
        if root == "steps":
            return self._steps()
        if root == "workflows":
            return self._workflows()
        if root == "sourceDescriptions":
            return self._source_description()
        if root == "components":
            return self._component()
        what = f'"${root}" is not a runtime expression' if root else "a name is expected after $"
        self.fail(what, 0, length=1 + len(root), hint=_root_hint(root))

    # source = ( header-reference / query-reference / path-reference / body-reference / payload-reference )
    def _source(self, message: str) -> Expression:
        parts = "header or payload" if message == "message" else "header, query, path or body"
        self._dot(f"${message}", parts)
        part = self._word()
        if part == "headers" and not self.strict:
            self._tolerate("headers-plural", f"${message}.headers must be ${message}.header", self.at - 7, 7)
            part = "header"
        if part == "header":
            self._dot(f"${message}.header", "a header name")
            return MessageReference(message, "header", self._token())  # type: ignore[arg-type]
        if part in ("query", "path"):
            self._dot(f"${message}.{part}", "a parameter name")
            return MessageReference(message, part, self._name())  # type: ignore[arg-type]
        if part in ("body", "payload"):
            pointer, path = self._tail()
            return MessageReference(message, part, None, pointer, path)  # type: ignore[arg-type]
        start = self.at - len(part)
        known = ("header", "payload") if message == "message" else ("header", "query", "path", "body", "payload")
        hint = did_you_mean(part, known) or f"write {parts}"
        if part in _STATUS and message != "message":
            hint = "write $statusCode"
        self.fail(f'"{part}" is not part of ${message}', start, length=max(1, len(part)), hint=hint)

    # inputs-reference = input-name [ "#" json-pointer ]
    def _inputs(self) -> Expression:
        if self.at == len(self.text) and not self.strict:
            self._tolerate("whole-inputs", "a runtime expression reads one input, not all of them", 0, self.at)
            return InputReference(None)
        if not self.strict and self.text[self.at] == "[":
            return InputReference(None, None, self._steps_of_path())
        self._dot("$inputs", "an input name")
        name, path = self._identifier(self.declared.inputs)
        pointer, more = self._tail()
        return InputReference(name, pointer, path + more)

    # outputs-reference = output-name [ "#" json-pointer ]
    def _outputs(self) -> Expression:
        self._dot("$outputs", "an output name")
        name, path = self._identifier(None)
        pointer, more = self._tail()
        return OutputReference(name, pointer, path + more)

    # steps-reference = step-id ".outputs." output-name [ "#" json-pointer ]
    def _steps(self) -> Expression:
        self._dot("$steps", "a stepId")
        step_id = self._strict_identifier(self.declared.steps, ".outputs")
        if not self.text.startswith(".outputs", self.at):
            rest = self.text[self.at :].lstrip(".")
            hint = f"write $steps.{step_id}.outputs.{rest}" if rest else f"write $steps.{step_id}.outputs.<name>"
            self.fail("only the outputs of a step can be read", self.at, length=len(self.text) - self.at, hint=hint)
        self.at += len(".outputs")
        if self.at == len(self.text) and not self.strict:
            self._tolerate("whole-outputs", "a runtime expression reads one output, not all of them", 0, self.at)
            return StepReference(step_id, None)
        if not self.strict and self.text[self.at : self.at + 1] == "[":
            return StepReference(step_id, None, None, self._steps_of_path())
        self._dot(f"$steps.{step_id}.outputs", "an output name")
        name, path = self._identifier(self.declared.steps.get(step_id), is_checked=True)
        pointer, more = self._tail()
        return StepReference(step_id, name, pointer, path + more)

    # workflows-reference = workflow-id "." workflow-field "." workflow-field-name [ "#" json-pointer ]
    def _workflows(self) -> Expression:
        self._dot("$workflows", "a workflowId")
        workflow_id = self._strict_identifier(self.declared.workflows, ".")
        self._dot(f"$workflows.{workflow_id}", "inputs or outputs")
        part = self._word()
        if part not in ("inputs", "outputs"):
            hint = f"write $workflows.{workflow_id}.outputs.<name>"
            self.fail("a workflow has inputs and outputs", self.at - len(part), length=max(1, len(part)), hint=hint)
        self._dot(f"$workflows.{workflow_id}.{part}", "a name")
        known = self.declared.workflows.get(workflow_id) if part == "outputs" else None
        name, path = self._identifier(known, is_checked=True)
        pointer, more = self._tail()
        return WorkflowReference(workflow_id, part, name, pointer, path + more)  # type: ignore[arg-type]

    # source-reference = source-name "." source-reference-id ; source-reference-id = 1*CHAR
    def _source_description(self) -> Expression:
        self._dot("$sourceDescriptions", "a source name")
        source = self._strict_identifier((), ".")
        self._dot(f"$sourceDescriptions.{source}", "an operationId, workflowId or field")
        return SourceReference(source, self._name(empty=False))

    # components-reference = component-type "." component-name
    def _component(self) -> Expression:
        self._dot("$components", "parameters, successActions or failureActions")
        kind = self._word()
        known = ("parameters", "successActions", "failureActions", "inputs")
        if kind not in known or (self.strict and kind == "inputs"):
            hint = did_you_mean(kind, known[:3]) or "write parameters, successActions or failureActions"
            self.fail(f'"{kind}" is not a kind of component', self.at - len(kind), length=max(1, len(kind)), hint=hint)
        self._dot(f"$components.{kind}", "a component name")
        name, _ = self._identifier(None)
        return ComponentReference(kind, name)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ names

    # identifier-strict = 1*( ALPHA / DIGIT / "-" / "_" )
    def _strict_identifier(self, known: Container[str], follow: str) -> str:
        start = self.at
        found = self._word()
        if not self.strict and known and not self.text.startswith(follow, self.at):
            # Not a plain name: an id with dots or blanks is found among the known ones.
            name = longest_name_before(follow, self.text, start, known)
            if name is not None:
                self.at = start + len(name)
                return name
        if self.at == start:
            self.fail("a name of letters, digits, - and _ is expected", start)
        return found

    # identifier = 1*( ALPHA / DIGIT / "." / "-" / "_" )
    def _identifier(self, known: frozenset[str] | None, *, is_checked: bool = False) -> tuple[str, Path]:
        start = self.at
        if not self.strict and known:
            exact = self._declared_name(known, is_checked)
            if exact is not None:
                return exact
        name = self._run(_IDENTIFIER)
        if not name.strip("."):
            self.fail("a name is expected here", start)
        if not self.strict and name.endswith("."):
            self.fail("a name does not end with a full stop", self.at - 1)
        return name, ()

    def _declared_name(self, known: frozenset[str], is_checked: bool) -> tuple[str, Path] | None:
        """The longest declared name wins (semantics §3); what follows it are property steps."""
        name = longest_name_at(self.text, self.at, known)
        if name is None:
            return None
        start = self.at
        self.at += len(name)
        if name.strip(_IDENTIFIER):
            message = f'the name "{name}" cannot be written in a runtime expression'
            self.tolerated.append(ToleratedSyntax("unusual-name", message, start, len(name), is_checked=is_checked))
        return name, self._steps_of_path() if self.text[self.at : self.at + 1] in (".", "[") else ()

    # header-reference = "header." token ; token = 1*tchar
    def _token(self) -> str:
        name = self._run(_TCHAR)
        if not name:
            self.fail("a header name is expected here", self.at)
        return name

    # name = *( CHAR ) ; CHAR excludes { and }, control characters, and " and \ unless escaped
    def _name(self, *, empty: bool = True) -> str:
        start = self.at
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\":
                self.at += self._escape_length()
            elif character in '{}"' or character < " ":
                self.fail(f"{character!r} is not allowed in a name", self.at)
            else:
                self.at += 1
        if self.at == start and not empty:
            self.fail("a name is expected here", start)
        return self.text[start : self.at]

    def _escape_length(self) -> int:
        follow = self.text[self.at + 1 : self.at + 2]
        if follow and follow in '"\\/bfnrt':
            return 2
        digits = self.text[self.at + 2 : self.at + 6]
        if follow == "u" and len(digits) == 4 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            return 6
        self.fail("a backslash must begin an escape such as \\n or \\u0041", self.at)

    # ------------------------------------------------------------------ what follows a name

    def _tail(self) -> tuple[str | None, Path]:
        """Read `#/pointer`, or the property steps that the grammar lacks."""
        if self.at < len(self.text) and self.text[self.at] == "#":
            self.at += 1
            return self._pointer(), ()
        if self.at < len(self.text) and self.text[self.at] in ".[" and not self.strict:
            return None, self._steps_of_path()
        return None, ()

    # json-pointer = *( "/" reference-token ) ; unescaped excludes / { } ~
    def _pointer(self) -> str:
        start = self.at
        pointer = self.text[start:]
        if pointer and not pointer.startswith("/"):
            if self.strict or not pointer[0].isalpha():
                self.fail("a JSON Pointer begins with /", start, hint=f"write #/{pointer}")
            self._tolerate("pointer-slash", "a JSON Pointer begins with /", start, len(pointer))
            pointer = "/" + pointer
        if not _LOOKED_AT.isdisjoint(pointer):
            self._check_tokens(start)
        self.at = len(self.text)
        return pointer

    def _check_tokens(self, start: int) -> None:
        for offset, character in enumerate(self.text[start:]):
            if character in "{}":
                self.fail(f"{character} is not allowed in a JSON Pointer here", start + offset)
            if character == "~" and self.text[start + offset + 1 : start + offset + 2] not in ("0", "1"):
                self.fail("~ in a JSON Pointer is written ~0", start + offset, hint="write ~0 for ~ and ~1 for /")
            if character == " " and not (self.strict or self.embedded) and _is_prose(self.text[start + offset :]):
                self.fail("text follows the expression", start + offset, hint="put the expression in braces: {$…}")

    def _steps_of_path(self) -> Path:
        """Read `.name`, `[0]` and `["name"]` (semantics §3: property steps)."""
        start, steps = self.at, list[str | int]()
        while self.at < len(self.text) and self.text[self.at] in ".[":
            steps.append(self._bracket() if self.text[self.at] == "[" else self._property())
        written = self.text[start : self.at]
        shown = written if len(written) <= 40 else f"{written[:39]}…"
        message = f"`{shown}` is not runtime expression syntax; it works here, but other tools may reject it"
        self._tolerate("property-step", message, start, len(written))
        if self.at < len(self.text) and self.text[self.at] == "#":
            self.at += 1
            pointer = self._pointer()
            steps += [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
        return tuple(steps)

    def _property(self) -> str:
        self.at += 1
        name = self._run(_PROPERTY)
        if not name:
            self.fail("a property name is expected after the full stop", self.at)
        return name

    def _bracket(self) -> str | int:
        start = self.at
        end = self.text.find("]", start)
        inner = self.text[start + 1 : end] if end > 0 else ""
        self.at = end + 1
        if inner.isascii() and inner.isdigit() and len(inner) < 10:
            return int(inner)
        if len(inner) >= 2 and inner[0] in "'\"" and inner[-1] == inner[0]:
            return inner[1:-1]
        self.at = start
        hint = "select with a Selector Object of type jsonpath, or name one item such as [0]"
        self.fail("brackets can hold only an index or a quoted name", start, length=max(1, len(inner) + 2), hint=hint)

    # ------------------------------------------------------------------ helpers

    def _word(self) -> str:
        return self._run(_STRICT_IDENTIFIER)

    def _run(self, characters: str) -> str:
        """Read as many of these characters as there are."""
        rest = self.text[self.at :]
        found = rest[: len(rest) - len(rest.lstrip(characters))]
        self.at += len(found)
        return found

    def _dot(self, after: str, expected: str) -> None:
        if self.text[self.at : self.at + 1] != ".":
            self.fail(f"{expected} must follow {after}", self.at, hint=f"write {after}.<name>")
        self.at += 1

    def _tolerate(self, code: str, message: str, offset: int, length: int) -> None:
        self.tolerated.append(ToleratedSyntax(code, message, offset, length))

    def fail(self, message: str, offset: int, *, length: int = 1, hint: str | None = None) -> NoReturn:
        raise ExpressionSyntaxError(message, offset, length, hint)


def _is_prose(rest: str) -> bool:
    # The grammar lets a pointer hold blanks (a member "first name"); a sentence has more of them.
    return len(rest.split()) >= 3


def _root_hint(root: str) -> str | None:
    if root in ("body", "headers"):
        return f"did you mean $response.{root.removesuffix('s')}?"
    if root in SUGGESTED_ROOTS:
        return f"did you mean ${SUGGESTED_ROOTS[root]}?"
    near = did_you_mean(root, ROOTS, prefix="did you mean $")
    return None if near is None else near.replace('"', "")
