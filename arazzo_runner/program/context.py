"""The context in which one workflow is compiled: its document, the names in scope, the list of problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer
from arazzo_runner.base.records import Record, replace
from arazzo_runner.document.model import Parameter, ReusableObject
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location, did_you_mean, replacing
from arazzo_runner.expressions.names import Declared
from arazzo_runner.expressions.nodes import (
    ComponentReference,
    Expression,
    ExpressionSyntaxError,
    InputReference,
    Keyword,
    MessageReference,
    OutputReference,
    SourceReference,
    StepReference,
    ToleratedSyntax,
    WorkflowReference,
)
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.schemas import accepts_any_name

_HINTS: Final = {
    "condition-syntax": "write a comparison, such as $statusCode == 200",
    "expression-syntax": "write an expression, such as $response.body#/id",
    "filter-passes-anything": "test that it is there: $[?@.name && @.name != null]",
    "jsonpath-comparison": "use a simple condition, without context and type",
    "jsonpath-syntax": "write an RFC 9535 query, such as $.items[?@.id == 1]",
    "jsonpointer-syntax": "write a JSON Pointer, such as /items/0",
    "length-property": "test an item instead, as in $response.body#/items/0",
    "property-step": "read the list or text itself: a JSON Pointer, as in $response.body#/items, has no length",
    "regex-syntax": "write an ECMA-262 pattern, such as ^[0-9]+$",
    "unusual-name": 'rename it, with letters, digits, ".", "-" and "_" only',
    "whole-inputs": "read one input, as in $inputs.<name>",
    "whole-outputs": "read one output, as in $steps.<stepId>.outputs.<name>",
    "xpath-syntax": "write an XPath, such as //item[@id = '1']",
}
"""The hint of a code when the parser gives none."""
_FORBIDDEN: Final = ("braced-expression", "condition-syntax", "double-quotes", "jsonpath-comparison")
"""Codes of deviations where the Specification says MUST; the others are where it allows any text."""
_UNSAFE: Final = ("doubtful-braces", "length-property")
"""Codes whose fix a person must confirm: the braces, or a member named "length", may be meant."""
_COMPONENTS: Final = {
    "parameters": "parameters",
    "successActions": "success_actions",
    "failureActions": "failure_actions",
    "inputs": "inputs",
}
_WITHOUT_SPELLING: Final = ("unusual-name", "whole-inputs", "whole-outputs")
"""Codes whose canonical spelling is what was written: only another name helps."""


class Context(Record):
    """The document and the declared names that expressions of one workflow may refer to."""

    document: LoadedDocument
    declared: Declared
    problems: Problems
    workflow_id: str

    def report_tolerated(self, tolerated: Iterable[ToleratedSyntax], at: Location) -> None:
        """Report each tolerated deviation from the grammar, with its canonical spelling as the fix."""
        for each in tolerated:
            if each.is_checked:
                continue
            is_same = each.code in _WITHOUT_SPELLING
            hint = _HINTS.get(each.code) if each.canonical is None or is_same else f"write {each.canonical}"
            offset, length = each.span or (each.offset, each.length)
            fix = None
            # jsonpath-version concerns another field, so it cannot be fixed here.
            if each.canonical is not None and length and each.code != "jsonpath-version":
                is_safe = each.code not in _UNSAFE
                fix = replacing(at.within(offset, length), each.canonical, is_safe=is_safe)
            report = self.problems.tolerate if each.code in _FORBIDDEN else self.problems.warn
            report(each.code, each.message, at.within(each.offset, each.length), hint=hint, fix=fix)

    def syntax_error(self, problem: ExpressionSyntaxError, at: Location, code: str = "expression-syntax") -> None:
        """Report a syntax error at its character."""
        place = at.within(problem.offset, problem.length)
        # An unsafe fix: the text had no meaning before, so a person must confirm the guess.
        fix = None if problem.spelling is None else replacing(place, problem.spelling, is_safe=False)
        self.problems.error(code, problem.message, place, hint=problem.hint or _HINTS.get(code), fix=fix)

    def check(self, expression: Expression, at: Location) -> None:
        """Report a reference to an undeclared name, at its characters in the text at `at`."""
        match expression:
            case Keyword() | MessageReference() | OutputReference():
                pass  # these refer to nothing that a document declares
            case InputReference():
                self._input(expression, at)
            case StepReference():
                self._step(expression, at)
            case WorkflowReference():
                self._workflow(expression, at)
            case SourceReference():
                self._known("unknown-source", "source", expression.source, self.document.sources, expression, at)
            case ComponentReference():
                names = component_names(self.document, expression.type)
                self._known("unknown-component", f"{expression.type} component", expression.name, names, expression, at)
            case _:
                assert_never(expression)

    def _step(self, reference: StepReference, at: Location) -> None:
        outputs = self.declared.steps.get(reference.step_id)
        if not self._known("unknown-step", "step", reference.step_id, self.declared.steps, reference, at):
            return
        if reference.output is None or outputs is None or declares(outputs, reference.output):
            return
        what = f'step "{reference.step_id}" has no output "{reference.output}"'
        hint = names_hint(reference.output, outputs)
        self.problems.error("unknown-output", what, self._place(reference, at), hint=hint)

    def _input(self, reference: InputReference, at: Location) -> None:
        known = self.declared.inputs
        if known is None or reference.name is None or declares(known, reference.name):
            return
        what = f'input "{reference.name}" is not declared in the workflow\'s inputs'
        hint = names_hint(reference.name, known) or "declare it in inputs, under properties"
        workflow = self.document.workflows.get(self.workflow_id)
        is_open = workflow is not None and accepts_any_name(workflow.inputs, self.document.description.raw)
        report = self.problems.warn if is_open else self.problems.tolerate
        report("undeclared-input", what, self._place(reference, at), hint=hint)

    def _workflow(self, reference: WorkflowReference, at: Location) -> None:
        workflows = self.document.workflows
        if not self._known("unknown-workflow", "workflow", reference.workflow_id, workflows, reference, at):
            return
        names = self.declared.workflows.get(reference.workflow_id)
        outputs = None if names is None or reference.field == "inputs" else names
        if outputs is not None and not declares(outputs, reference.name):
            what = f'workflow "{reference.workflow_id}" has no output "{reference.name}"'
            hint = names_hint(reference.name, outputs)
            self.problems.error("unknown-output", what, self._place(reference, at), hint=hint)

    def _known(
        self, code: str, kind: str, name: str, known: Mapping[str, object], expression: Expression, at: Location
    ) -> bool:
        if name in known:
            return True
        message = f'there is no {kind} "{name}"'
        self.problems.error(code, message, self._place(expression, at), hint=names_hint(name, known))
        return False

    def _place(self, expression: Expression, at: Location) -> Location:
        return pinpoint(expression, at, self.document.description.raw)


def declares(names: Iterable[str], name: str) -> bool:
    """Return whether `name`, or a prefix of it that ends at a full stop, is one of `names`."""
    known = names if isinstance(names, (frozenset, set, Mapping)) else set(names)
    if name in known:
        return True
    parts = name.split(".")
    return any(".".join(parts[:count]) in known for count in range(len(parts) - 1, 0, -1))


def names_hint(name: str, known: Iterable[str]) -> str | None:
    """Return a did-you-mean hint, or the first known names when none is near."""
    if name.startswith("sourceDescriptions."):
        return f"did you mean ${name}?"
    names = sorted(filter(None, known))
    near = did_you_mean(name, names)
    if near is not None:
        return near
    if not names:
        return None
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    return f"available: {shown}"


def component_names(document: LoadedDocument, kind: str) -> Mapping[str, object]:
    """Return the components of one kind (`parameters`, `successActions`, …) by name."""
    field = _COMPONENTS.get(kind)
    found: Mapping[str, object] = {} if field is None else getattr(document.description.components, field)
    return found


def pinpoint(expression: Expression, at: Location, root: JsonValue) -> Location:
    """Return the location of an expression inside the text at a location; `root` is the document's value."""
    text = resolve_pointer(root, at.pointer)
    canonical = str(expression)
    offset = text.find(canonical) if isinstance(text, str) else -1
    return at if offset < 0 else at.within(offset, len(canonical))


# ------------------------------------------------------------------ Reusable Objects


def reused_parameter(item: ReusableObject, context: Context) -> Parameter | None:
    """Return the component that a Reusable Object refers to, with its value overridden by the object's."""
    found = component(item, "parameters", context)
    if not isinstance(found, Parameter):
        return None
    return found if item.value is MISSING else replace(found, value=item.value, at=_overridden(item, found))


def component(item: ReusableObject, kind: str, context: Context) -> object | None:
    """Return the component of `$components.<kind>.<name>`; None, reported, when there is none."""
    prefix = f"$components.{kind}."
    known = component_names(context.document, kind)
    name = item.reference.removeprefix(prefix)
    if name in known and name is not item.reference:
        return known[name]
    at = item.at.child("reference")
    if not item.reference:
        return None  # already reported when the document was read
    if not item.reference.startswith(prefix):
        message = f'"{item.reference}" is not a reference to a component of the right kind'
        suggested = _component_name(item.reference, known)
        fix = None if suggested is None else replacing(at, prefix + suggested, is_safe=False)
        hint = f"write {prefix}{suggested or '<name>'}"
        context.problems.error("unknown-component", message, at, hint=hint, fix=fix)
        return None
    message = f'there is no component "{name}" in components/{kind}'
    hint = names_hint(name, known) or f"add it to components, under {kind}:"
    context.problems.error("unknown-component", message, at, hint=hint)
    return None


def _component_name(reference: str, known: Iterable[str]) -> str | None:
    """Return the name in a reference of another form: `#/components/parameters/page`, `page`."""
    names = [name for name in known if reference.endswith((f"/{name}", f".{name}")) or reference == name]
    return max(names, key=len, default=None)


def _overridden(item: ReusableObject, found: Parameter) -> Location:
    return item.at if item.at.positions is not None else found.at
