"""An output of a step that nothing reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "unused-output"
SEVERITY = Severity.INFO
GROUP = "names"
DEFAULT = False

_READ: Final = pattern(r"\$steps\.([\w\-]+)\.outputs(?:\.([\w.\-]+)|)")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """An output is read when any text of its workflow names it; outputs of a called workflow are not its own."""
    for workflow in program.description.workflows:
        read = _read(program.texts.by_part.get(workflow.at.pointer, ()))
        for step in workflow.steps:
            for name in step.outputs:
                if (step.step_id, name) in read or (step.step_id, "") in read:
                    continue
                message = f'output "{name}" of step "{step.step_id}" is read nowhere'
                hint = f"remove it, or read it with $steps.{step.step_id}.outputs.{name}"
                at = step.at.child("outputs").child(name).at_key()
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _read(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Return (step, output) for every name that may be meant; output "" for all outputs of a step."""
    found = set[tuple[str, str]]()
    for text in texts:
        for step_id, written in _READ.findall(text) if "$steps." in text else ():
            parts = written.split(".")
            found.update((step_id, ".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return found
