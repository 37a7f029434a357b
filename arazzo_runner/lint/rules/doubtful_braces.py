"""Braces that look like an embedded expression of another language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity, replacing
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection

CODE = "doubtful-braces"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_ROOT: Final = r"(?P<root>inputs|steps|workflows|outputs)\.(?P<rest>(?P<name>[\w\-]+)[\w.\-#/]*)"
_BRACES: Final = pattern(
    rf"(?:(?P<double>\{{\{{)|(?P<shell>\$\{{)|\{{)\s*(?P<dollar>\$)?{_ROOT}\s*(?(double)\}}\}}|\}})"
)


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Only texts that are values are looked at, and only names that the document declares are taken for meant."""
    doubtful = [text for text in program.texts.distinct if "{" in text and _BRACES.search(text)]
    for text, pointer, is_key in program.texts.placed(doubtful):
        if is_key or not is_value_place(pointer):
            continue
        for found in _BRACES.finditer(text):
            expression = f"{{${found['root']}.{found['rest']}}}"
            is_meant = found["dollar"] or program.is_declared(pointer, found["root"], found["name"])
            is_price = found["shell"] and found["dollar"]  # `${$inputs.amount}`: a dollar sign and an expression
            if found.group() == expression or not is_meant or is_price:
                continue
            message = f"{found.group()} is no embedded expression; it is sent with these braces"
            at = program.at(pointer).within(found.start(), len(found.group()))
            hint = f"write {expression}"
            fix = replacing(at, expression, is_safe=False)
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, fix=fix)
