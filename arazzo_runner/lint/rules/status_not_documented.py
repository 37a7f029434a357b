"""A step that passes only with a status which its operation is not described to answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.conditions import STATUS, atoms_of
from arazzo_runner.lint.inspection import Inspection

CODE = "status-not-documented"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Compare the statuses with which a step passes with the documented responses."""
    for workflow, step in program.compiled_steps:
        answers = program.forecast.answers(workflow, step)
        if answers is None or not answers.operation.responses or answers.passed_keys or not answers.can_pass:
            continue
        operation = answers.operation
        if all(key[:1] in ("4", "5") for key in operation.responses):
            continue  # the description only tells of failures
        answers_with = f"{operation.method} {operation.path} is described to answer {', '.join(operation.responses)}"
        atom = next((each for each in atoms_of(step.criteria) if STATUS in each.subjects), None)
        if atom is not None:
            message = f'"{atom.text}" never holds as documented: {answers_with}'
            at = atom.at
        else:
            message = f"{answers_with}: no 2xx, which this step needs to pass"
            at = step.at.child("stepId")
        hint = f"write a criterion for a documented status, such as $statusCode == {_likely(operation.responses)}"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _likely(statuses: Iterable[str]) -> str:
    """Return the documented status that is most likely meant: the first of 2xx, else the first."""
    known = [status for status in statuses if status.isdigit()]
    return next((status for status in known if status.startswith("2")), known[0] if known else "200")
