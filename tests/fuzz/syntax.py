"""Helpers shared by the targets of languages."""

from __future__ import annotations

import contextlib

from arazzo_runner.expressions.nodes import ExpressionSyntaxError


class Syntax(contextlib.AbstractContextManager[None]):
    """Lets our syntax error pass, provided that its offset is in the text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        if not isinstance(error, ExpressionSyntaxError):
            return False
        assert 0 <= error.offset <= len(self._text), f"offset {error.offset} of {len(self._text)}"
        return True
