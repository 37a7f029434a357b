"""Criteria that cannot all hold."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.conditions import Atom, may_all_hold, never_all_hold
from arazzo_runner.lint.inspection import Inspection

CODE = "contradicting-criteria"
SEVERITY = Severity.ERROR
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """No value passes all: a step with such success criteria always fails, an action is never taken (a warning)."""
    if all(texts is not None and may_all_hold(texts) for texts in program.conditions):
        return
    own = {id(step.criteria) for _, step in program.compiled_steps}
    for criteria in program.compiled_criteria:
        culprits = never_all_hold(criteria)
        if culprits is not None and not _is_told_elsewhere(culprits):
            severity = SEVERITY if id(criteria) in own else Severity.WARNING
            yield _finding(culprits, severity)


def _is_told_elsewhere(culprits: tuple[Atom, ...]) -> bool:
    """A condition that never holds by itself is a constant, or an equality that no status meets."""
    return len(culprits) == 1 and (not culprits[0].subjects or "==" in culprits[0].text)


def _finding(culprits: tuple[Atom, ...], severity: Severity) -> Diagnostic:
    last = culprits[-1]
    if len(culprits) == 1:
        message, hint = f"{last.text} never holds", "compare with a value that it can have"
    else:
        texts = " and ".join(each.text for each in culprits[:4])
        message = f"{texts} never hold together, and all criteria must hold"
        hint = f"join them, if either will do: {' || '.join(each.text for each in culprits[:4])}"
    related = tuple(dict.fromkeys(each.at for each in culprits[:-1] if each.at != last.at))
    return Diagnostic(code=CODE, severity=severity, message=message, at=last.at, hint=hint, related=related)
