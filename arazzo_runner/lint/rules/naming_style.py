"""An id that is written otherwise than its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "naming-style"
SEVERITY = Severity.WARNING
GROUP = "style"
DEFAULT = False

_STYLES: Final = (
    ("camelCase", re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")),
    ("PascalCase", re.compile(r"(?:[A-Z][a-z0-9]+){2,}")),
    ("kebab-case", re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")),
    ("snake_case", re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")),
)


def check(program: Inspection) -> Iterator[Diagnostic]:
    """At least three ids have a recognisable style, and most of them the same one."""
    workflows = [(each.workflow_id, each.at.child("workflowId")) for each in program.description.workflows]
    steps = [(step.step_id, step.at.child("stepId")) for _, step in program.steps]
    for kind, named in (("workflowId", workflows), ("stepId", steps)):
        styles = Counter(style for name, _ in named if (style := _style(name)))
        if sum(styles.values()) < 3:
            continue
        most, number = styles.most_common(1)[0]
        for name, at in named if number * 2 > sum(styles.values()) else ():
            if _style(name) not in (None, most):
                message = f'{kind} "{name}" is written in {_style(name)}, most others in {most}'
                hint = f"write it in {most}"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _style(name: str) -> str | None:
    """Return the style of a name of several words, None for single words and mixtures."""
    return next((style for style, pattern in _STYLES if pattern.fullmatch(name)), None)
