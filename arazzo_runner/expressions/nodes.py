"""The nodes of the expression language; `str(node)` gives the canonical text.

Grammar: Arazzo 1.1.0 §Runtime Expressions (ABNF) and §Criterion Object (simple conditions).
"""

from __future__ import annotations

from typing import Literal as OneOf, TypeAlias, assert_never

from arazzo_runner.base.json_values import JsonValue, to_json
from arazzo_runner.base.records import Record, replace

Path: TypeAlias = tuple[str | int, ...]
"""Property steps that follow a reference though the ABNF lacks them: `.count`, `[0]` (semantics §3)."""


class ExpressionSyntaxError(ValueError):
    """A text that is not in the grammar.

    `offset` and `length` are the characters at fault, `hint` says what to write instead, `spelling`
    is the replacement for these characters, if it is known.
    """

    def __init__(
        self, message: str, offset: int = 0, length: int = 1, hint: str | None = None, spelling: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.hint = hint
        self.spelling = spelling


class ToleratedSyntax(Record):
    """A deviation from the grammar that is tolerated, at `offset`, and its `canonical` spelling.

    `span` (offset, length) is the part of the text that `canonical` replaces, by default the
    deviation itself. It is empty where there is no other spelling. `is_checked` is set for a name
    that is checked where it is defined too: one finding is enough.
    """

    code: str
    message: str
    offset: int
    length: int
    canonical: str | None = None
    span: tuple[int, int] | None = None
    is_checked: bool = False

    def moved(self, offset: int) -> ToleratedSyntax:
        """Return the same for a text that begins `offset` characters into a longer one."""
        span = None if self.span is None else (self.span[0] + offset, self.span[1])
        return replace(self, offset=self.offset + offset, span=span)


def _path_text(path: Path) -> str:
    return "".join(map(_step_text, path))


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = all(character.isascii() and (character.isalnum() or character in "_-$@:") for character in step)
    if plain and step:
        return f".{step}"
    quote = "'" if '"' in step else '"'
    # A name with both quotes or a bracket has no spelling that could be parsed again.
    return f".{step}" if quote in step or "]" in step else f"[{quote}{step}{quote}]"


def _pointer_text(pointer: str | None) -> str:
    return "" if pointer is None else f"#{pointer}"


class Keyword(Record):
    """`$url`, `$method`, `$statusCode` or `$self`."""

    name: OneOf["url", "method", "statusCode", "self"]

    def __str__(self) -> str:
        return f"${self.name}"


class MessageReference(Record):
    """`$request.`, `$response.` or `$message.` followed by a source.

    `name` is the header, query or path parameter; `pointer` a JSON Pointer into body or
    payload, still encoded (`/a~1b/0`), None when there is no `#`.
    """

    message: OneOf["request", "response", "message"]
    part: OneOf["header", "query", "path", "body", "payload"]
    name: str | None = None
    pointer: str | None = None
    path: Path = ()

    def __str__(self) -> str:
        name = f".{self.name}" if self.name is not None else ""
        return f"${self.message}.{self.part}{name}{_pointer_text(self.pointer)}{_path_text(self.path)}"


class InputReference(Record):
    """`$inputs.name#/pointer`; the whole inputs object (tolerated) has name None."""

    name: str | None
    pointer: str | None = None
    path: Path = ()

    def __str__(self) -> str:
        return (
            "$inputs"
            + (f".{self.name}" if self.name is not None else "")
            + _pointer_text(self.pointer)
            + _path_text(self.path)
        )


class OutputReference(Record):
    """`$outputs.name#/pointer`."""

    name: str
    pointer: str | None = None
    path: Path = ()

    def __str__(self) -> str:
        return f"$outputs.{self.name}{_pointer_text(self.pointer)}{_path_text(self.path)}"


class StepReference(Record):
    """`$steps.stepId.outputs.name#/pointer`; all outputs of the step (tolerated) has output None."""

    step_id: str
    output: str | None
    pointer: str | None = None
    path: Path = ()

    def __str__(self) -> str:
        output = f".{self.output}" if self.output is not None else ""
        return f"$steps.{self.step_id}.outputs{output}{_pointer_text(self.pointer)}{_path_text(self.path)}"


class WorkflowReference(Record):
    """`$workflows.workflowId.inputs.name` or `….outputs.name`, with an optional `#/pointer`."""

    workflow_id: str
    field: OneOf["inputs", "outputs"]
    name: str
    pointer: str | None = None
    path: Path = ()

    def __str__(self) -> str:
        name = f"$workflows.{self.workflow_id}.{self.field}.{self.name}"
        return f"{name}{_pointer_text(self.pointer)}{_path_text(self.path)}"


class SourceReference(Record):
    """`$sourceDescriptions.name.reference`: an operationId, a workflowId or a field of the source."""

    source: str
    reference: str

    def __str__(self) -> str:
        return f"$sourceDescriptions.{self.source}.{self.reference}"


class ComponentReference(Record):
    """`$components.parameters.name`, `.successActions.` or `.failureActions.`."""

    type: OneOf["parameters", "successActions", "failureActions", "inputs"]
    name: str

    def __str__(self) -> str:
        return f"$components.{self.type}.{self.name}"


Expression: TypeAlias = (
    Keyword
    | MessageReference
    | InputReference
    | OutputReference
    | StepReference
    | WorkflowReference
    | SourceReference
    | ComponentReference
)


TextLanguage: TypeAlias = OneOf["text", "json", "form", "xml", "jsonpath", "jsonpointer", "xpath-10", "xpath"]
"""The language of a template: `form` is that of query strings too, `xpath` is XPath 2.0 and later, `text` has no rules.

A pattern (type: regex) is `text`: in the Specification's own example the value is a part of a pattern.
"""


class Template(Record):
    """A text with embedded expressions: literal texts and expressions in turn.

    `str` writes every expression in braces, the Specification's spelling.
    """

    parts: tuple[str | Expression, ...]

    @property
    def is_whole(self) -> bool:
        """Whether it is nothing but one expression, blanks around it aside."""
        texts = [part for part in self.parts if isinstance(part, str)]
        return len(self.parts) == len(texts) + 1 and not "".join(texts).strip()

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else f"{{{part}}}" for part in self.parts)


# ------------------------------------------------------------------ simple conditions


class Constant(Record):
    """A literal of a simple condition: boolean, null, number or 'string'."""

    value: JsonValue

    def __str__(self) -> str:
        if isinstance(self.value, str):
            return "'" + self.value.replace("'", "''") + "'"
        return to_json(self.value)


class Reference(Record):
    """A runtime expression as an operand."""

    expression: Expression

    def __str__(self) -> str:
        return str(self.expression)


class Access(Record):
    """Property de-reference `.name` or index `[0]` on an operand (Arazzo §Operators)."""

    operand: Condition
    step: str | int

    def __str__(self) -> str:
        # In parentheses: otherwise the step would be parsed as part of a reference's name, of a number or of a word.
        is_text = isinstance(self.operand, Constant) and isinstance(self.operand.value, str)
        bare = is_text or isinstance(self.operand, Access)
        inner = str(self.operand) if bare else f"({self.operand})"
        return inner + (f"[{self.step}]" if isinstance(self.step, int) else f".{self.step}")


class Not(Record):
    """`!operand`."""

    operand: Condition

    def __str__(self) -> str:
        return f"!{_wrapped(self.operand, (Reference, Constant, Access, Not))}"


class Comparison(Record):
    """`left op right` with one of `== != < <= > >=`."""

    left: Condition
    operator: OneOf["==", "!=", "<", "<=", ">", ">="]
    right: Condition

    def __str__(self) -> str:
        operands = (Reference, Constant, Access, Not)
        return f"{_wrapped(self.left, operands)} {self.operator} {_wrapped(self.right, operands)}"


class And(Record):
    """`a && b && …`, left to right, short circuit."""

    operands: tuple[Condition, ...]

    def __str__(self) -> str:
        operands = (Reference, Constant, Access, Not, Comparison)
        return " && ".join(_wrapped(operand, operands) for operand in self.operands)


class Or(Record):
    """`a || b || …`, left to right, short circuit."""

    operands: tuple[Condition, ...]

    def __str__(self) -> str:
        operands = (Reference, Constant, Access, Not, Comparison, And)
        return " || ".join(_wrapped(operand, operands) for operand in self.operands)


Condition: TypeAlias = Constant | Reference | Access | Not | Comparison | And | Or


def operands_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the direct operands of a condition, in their order."""
    match condition:
        case Constant() | Reference():
            return ()
        case Access() | Not():
            return (condition.operand,)
        case Comparison():
            return condition.left, condition.right
        case And() | Or():
            return condition.operands
        case _:
            assert_never(condition)


def _wrapped(node: Condition, bare: tuple[type, ...]) -> str:
    return str(node) if isinstance(node, bare) else f"({node})"
