"""What compiling one workflow needs to know: its document, the names in scope, where to report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location, Problems, did_you_mean, replacing
from arazzo_runner.expressions.nodes import (
    ComponentReference,
    Expression,
    ExpressionSyntaxError,
    InputReference,
    Keyword,
    MessageReference,
    Slip,
    SourceReference,
    StepReference,
    WorkflowReference,
)
from arazzo_runner.expressions.template import Declared
from arazzo_runner.program.library import LoadedDocument

_HINTS: Final = {
    "condition-syntax": "write a comparison, such as $statusCode == 200",
    "expression-syntax": "write an expression, such as $response.body#/id",
    "filter-passes-anything": "test that it is there: $[?@.name && @.name != null]",
    "jsonpath-syntax": "write an RFC 9535 query, such as $.items[?@.id == 1]",
    "jsonpointer-syntax": "write a JSON Pointer, such as /items/0",
    "length-property": "test an item instead, as in $response.body#/items/0",
    "regex-syntax": "write an ECMA-262 pattern, such as ^[0-9]+$",
    "unusual-name": "give it a name of letters, digits, full stops, hyphens and underscores",
    "whole-inputs": "read one input, as in $inputs.<name>",
    "whole-outputs": "read one output, as in $steps.<stepId>.outputs.<name>",
    "xpath-syntax": "write an XPath, such as //item[@id = '1']",
}
"""What to write where the parser knows no better."""
_COMPONENTS: Final = {
    "parameters": "parameters",
    "successActions": "success_actions",
    "failureActions": "failure_actions",
    "inputs": "inputs",
}
_NAMED_ANEW: Final = ("unusual-name", "whole-inputs", "whole-outputs")
"""Slips whose canonical spelling is what was written: nothing but another name helps."""


class Context(Record):
    """The surroundings of every expression of one workflow."""

    document: LoadedDocument
    declared: Declared
    problems: Problems
    workflow_id: str

    def slips(self, slips: Iterable[Slip], at: Location) -> None:
        """Warn of every tolerated deviation, at its characters, with the canonical spelling."""
        for slip in slips:
            is_same = slip.code in _NAMED_ANEW
            hint = _HINTS.get(slip.code) if slip.canonical is None or is_same else f"write {slip.canonical}"
            offset, length = slip.span or (slip.offset, slip.length)
            fix = None
            if slip.canonical is not None and length and slip.code != "jsonpath-version":  # which is another field's
                fix = replacing(at.within(offset, length), slip.canonical)
            self.problems.warn(slip.code, slip.message, at.within(slip.offset, slip.length), hint=hint, fix=fix)

    def syntax_error(self, problem: ExpressionSyntaxError, at: Location, code: str = "expression-syntax") -> None:
        """Report a text that is not in the grammar, at its character."""
        place = at.within(problem.offset, problem.length)
        # What was meant is known, but the text had no meaning: taking it for that is for a person to confirm.
        fix = None if problem.spelling is None else replacing(place, problem.spelling, is_safe=False)
        self.problems.error(code, problem.message, place, hint=problem.hint or _HINTS.get(code), fix=fix)

    def check(self, expression: Expression, at: Location) -> None:
        """Report a reference to a name that the documents do not declare."""
        kind = type(expression)
        if kind is Keyword or kind is MessageReference:
            return
        if isinstance(expression, InputReference):
            known = self.declared.inputs
            if known is not None and expression.name not in known:
                self._input(expression, known, at)
        elif isinstance(expression, StepReference):
            outputs = self.declared.steps.get(expression.step_id)
            if outputs is None or expression.output not in outputs:
                self._step(expression, outputs, at)
        elif isinstance(expression, WorkflowReference):
            self._workflow(expression, at)
        elif isinstance(expression, SourceReference):
            self._known("unknown-source", "source", expression.source, self.document.sources, at)
        elif isinstance(expression, ComponentReference):
            names = component_names(self.document, expression.type)
            self._known("unknown-component", f"{expression.type} component", expression.name, names, at)

    def _step(self, reference: StepReference, outputs: frozenset[str] | None, at: Location) -> None:
        if not self._known("unknown-step", "step", reference.step_id, self.declared.steps, at):
            return
        if reference.output is None or outputs is None or declares(outputs, reference.output):
            return
        what = f'step "{reference.step_id}" has no output "{reference.output}"'
        self.problems.error("unknown-output", what, at, hint=names_hint(reference.output, outputs))

    def _input(self, reference: InputReference, known: frozenset[str], at: Location) -> None:
        if reference.name is None or declares(known, reference.name):
            return
        what = f'input "{reference.name}" is not declared in the workflow\'s inputs'
        self.problems.warn("undeclared-input", what, at, hint=names_hint(reference.name, known))

    def _workflow(self, reference: WorkflowReference, at: Location) -> None:
        if not self._known("unknown-workflow", "workflow", reference.workflow_id, self.document.workflows, at):
            return
        names = self.declared.workflows.get(reference.workflow_id)
        outputs = None if names is None or reference.field == "inputs" else names
        if outputs is not None and not declares(outputs, reference.name):
            what = f'workflow "{reference.workflow_id}" has no output "{reference.name}"'
            self.problems.error("unknown-output", what, at, hint=names_hint(reference.name, outputs))

    def _known(self, code: str, kind: str, name: str, known: Mapping[str, object], at: Location) -> bool:
        if name in known:
            return True
        self.problems.error(code, f'there is no {kind} "{name}"', at, hint=names_hint(name, known))
        return False


def declares(names: Iterable[str], name: str) -> bool:
    """Tell whether `name`, or a prefix of it that ends at a dot, is one of `names` (longest-name rule)."""
    known = names if isinstance(names, (frozenset, set, Mapping)) else set(names)
    if name in known:
        return True
    parts = name.split(".")
    return any(".".join(parts[:count]) in known for count in range(len(parts) - 1, 0, -1))


def names_hint(name: str, known: Iterable[str]) -> str | None:
    """Return a did-you-mean hint, or the list of what there is when nothing is near and the list is short."""
    names = sorted(filter(None, known))
    near = did_you_mean(name, names)
    if near is not None:
        return near
    if not names:
        return None
    shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    return f"there are: {shown}"


def component_names(document: LoadedDocument, kind: str) -> Mapping[str, object]:
    """Return the components of one kind (`parameters`, `successActions`, …) by name."""
    field = _COMPONENTS.get(kind)
    found: Mapping[str, object] = {} if field is None else getattr(document.description.components, field)
    return found
