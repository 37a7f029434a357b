"""A value that is an expression but for its `$`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity, replacing
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection

CODE = "missing-dollar"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_ROOTS: Final = ("inputs.", "steps.", "workflows.")
_BARE: Final = pattern(r"(?P<root>inputs|steps|workflows)\.(?P<name>[\w\-]+)[\w.\-#/]*")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`inputs.pet` with a declared input, `steps.find.outputs.id` with a known step: nobody sends such texts."""
    bare = [text for text in program.texts.distinct if text.startswith(_ROOTS)]
    for text, pointer, is_key in program.texts.placed(bare):
        found = _BARE.fullmatch(text) if not is_key else None
        if found is None or not program.is_declared(pointer, found["root"], found["name"]):
            continue
        if not is_value_place(pointer):
            continue
        message = f"{preview(text, 60)} is sent as this text; an expression begins with $"
        hint = f"write ${text}"
        at = program.at(pointer)
        fix = replacing(at, f"${text}", is_safe=False)
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, fix=fix)
