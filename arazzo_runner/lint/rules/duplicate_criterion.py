"""The same criterion twice in one list."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import preview
from arazzo_runner.document.model import Criterion
from arazzo_runner.errors import Diagnostic, Severity, removing
from arazzo_runner.lint.inspection import Inspection

CODE = "duplicate-criterion"
SEVERITY = Severity.WARNING
GROUP = "names"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Criteria are equal when context, condition and type are."""
    for criteria in program.criteria_lists:
        if len(criteria) < 2:
            continue
        seen: dict[tuple[str | None, str, str], Criterion] = {}
        for each in criteria:
            kind = "simple" if each.type is None else f"{each.type.type} {each.type.version}"
            first = seen.setdefault((each.context, " ".join(each.condition.split()), kind), each)
            if first is not each:
                hint = "remove one, or correct what it tests"
                message = f"this criterion is in the list already: {preview(each.condition, 60)}"
                yield Diagnostic(
                    code=CODE,
                    severity=SEVERITY,
                    message=message,
                    at=each.at,
                    hint=hint,
                    related=(first.at,),
                    fix=removing(each.at, is_safe=False),
                )
