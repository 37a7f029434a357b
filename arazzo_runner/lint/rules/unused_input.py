"""An input that nothing in its workflow reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "unused-input"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True

WHOLE: Final = ""
_READ: Final = pattern(r"\$inputs(?:\.([\w.\-]+)|)")
_PLAIN: Final = pattern(r"[\w.\-]+")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Each property of `inputs` is read in its workflow or a component; schemas behind a `$ref` are left alone."""
    shared = _read_names(program.texts.by_part.get("/components", ()))
    from_outside = program.texts.holding("$workflows.")
    for workflow in program.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        if not isinstance(properties, dict):
            continue
        texts = program.texts.by_part.get(workflow.at.pointer, ())
        read = shared | _read_names(texts)
        for name in properties:
            if name in read or WHOLE in read or _is_read_oddly(name, texts, from_outside):
                continue
            message = f'input "{name}" of workflow "{workflow.workflow_id}" is never read'
            at = workflow.at.child("inputs").child("properties").child(name).at_key()
            hint = f"remove it, or read it with $inputs.{name}"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _read_names(texts: Iterable[str]) -> frozenset[str]:
    """Return every name that may be meant after `$inputs.`: `a.b` may be the input a.b, or b of the input a."""
    found = set(_READ.findall("\n".join(texts)))
    for written in [name for name in found if "." in name]:
        while "." in written:
            written = written.rpartition(".")[0]
            found.add(written)
    return frozenset(found)


def _is_read_oddly(name: str, texts: Iterable[str], from_outside: Iterable[str]) -> bool:
    """Names with blanks and the like, and `$workflows.W.inputs.name`."""
    if not _PLAIN.fullmatch(name) and any(f"$inputs.{name}" in text for text in texts):
        return True
    return any(f".inputs.{name}" in text for text in from_outside)
