"""Markup in a description that runs in the browser of whoever reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection

CODE = "unsafe-markdown"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True

_UNSAFE: Final = pattern(
    r"<\s{0,9}(?:script|iframe|object|embed|applet|meta|base|link|style|form)\b[^>]{0,200}>?"
    r"|<[a-zA-Z][^>`]{0,400}?\son[a-z]{3,20}\s{0,9}="
    r"|\]\(\s{0,9}(?:javascript|vbscript|data:text/html)[^)]{0,100}"
    r"|(?:href|src)\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:javascript|vbscript):"
    r"|\beval\s{0,9}\(",
    re.IGNORECASE,
)


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Descriptions and summaries are Markdown (CommonMark), which lets HTML through."""
    marked = [text for text in program.texts.distinct if "<" in text or ":" in text]
    unsafe = [text for text in marked if _may_be_unsafe(text) and _UNSAFE.search(text)]
    for text, pointer, is_key in program.texts.placed(unsafe):
        if is_key or not pointer.endswith(("/description", "/summary", "/title")):
            continue
        found = _UNSAFE.search(text)
        if found is not None:
            message = f"{preview(' '.join(found.group().split()), 40)} runs in the browser of whoever reads this"
            at = program.at(pointer).within(found.start(), len(found.group()))
            hint = "say it in Markdown without markup, or show it as code in backticks"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _may_be_unsafe(text: str) -> bool:
    """Tell by a quick look; `i`, which has several forms, is not in what is looked for."""
    if "<" in text:
        return True
    is_odd = ":" in text and ("(" in text or "=" in text)
    return is_odd and any(map(text.casefold().__contains__, ("javascr", "vbscr", "data:text", "eval")))
