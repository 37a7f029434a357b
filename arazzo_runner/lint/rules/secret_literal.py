"""A credential that is written into the document."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.secret_forms import MINIMUM, is_placeholder, signs_in, suspects
from arazzo_runner.lint.inspection import Inspection

CODE = "secret-literal"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Only forms that nothing but a credential has: prefixes of well-known issuers, private keys, userinfo in URLs."""
    long = [text for text in program.texts.distinct if len(text) >= MINIMUM]
    signs = signs_in("\n".join(long))
    forms = suspects(signs)
    signed = {text for sign in signs for text in long if sign in text}
    doubtful = [text for text in signed if any(form.search(text) for _, form in forms)]
    for text, pointer, _ in program.texts.placed(doubtful):
        for what, pattern in forms:
            found = pattern.search(text)
            if found is not None and not is_placeholder(found.group(found.lastindex or 0)):
                message = f"this text holds {what}"
                at = program.at(pointer).within(found.start(), len(found.group()))
                hint = "make it an input with format: password, and revoke the one that was written here"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
                break
