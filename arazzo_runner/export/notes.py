"""What a target cannot say: each time a comment at its place, and a warning."""

from __future__ import annotations

from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.errors import Diagnostic, Location, Severity

CODE = "not-exported"


class Notes(MutableRecord):
    """Collects the warnings of one export; `target` is named in them."""

    target: str
    warnings: list[Diagnostic] = field(default_factory=list)

    def cannot(self, at: Location, sentence: str, hint: str | None = None) -> str:
        """Add a warning about a place of the document, once, and return the sentence for the comment.

        >>> Notes("curl").cannot(Location("flow.yml"), "an XPath is not evaluated")
        'not exported: an XPath is not evaluated'
        """
        message = f"{self.target}: {sentence}"
        warning = Diagnostic(code=CODE, severity=Severity.WARNING, message=message, at=at, hint=hint)
        if warning not in self.warnings:
            self.warnings.append(warning)
        return f"not exported: {sentence}"
