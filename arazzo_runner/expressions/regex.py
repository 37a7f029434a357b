"""Regular expressions of documents: ECMA-262 as far as a linear-time engine goes, never Python's `re`.

google-re2 first; what it lacks (lookaround, backreferences) through `regex` with a timeout.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from arazzo_runner.expressions.nodes import ExpressionSyntaxError

FALLBACK_TIMEOUT: Final = 1.0
_UNICODE: Final = re.compile(r"\\(\\|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|c([A-Za-z])|/|.)", re.DOTALL)


class RegexTimeout(Exception):
    """A pattern with lookaround or backreferences took too long on this text."""


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """Compile a pattern; raises ExpressionSyntaxError when neither engine takes it."""
    translated = _translated(pattern)
    try:
        import re2
    except ImportError:  # no wheel for this platform: `regex` alone, with its timeout
        return _fallback(translated, pattern)
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(translated, options)
    except re2.error:
        return _fallback(translated, pattern)


def search_pattern(pattern: str, text: str, timeout: float = FALLBACK_TIMEOUT) -> bool:
    """Tell whether a pattern is found in a text (not anchored); an unusable pattern is found nowhere.

    Raises RegexTimeout when the fallback engine takes longer than `timeout` seconds.
    """
    try:
        compiled = compile_pattern(pattern)
    except ExpressionSyntaxError:
        return False
    return search(compiled, text, timeout)


def search(compiled: Any, text: str, timeout: float = FALLBACK_TIMEOUT) -> bool:
    """Search with a compiled pattern; raises RegexTimeout."""
    if type(compiled).__module__.startswith("re2"):
        return compiled.search(text.encode("utf-8", "replace").decode()) is not None
    try:
        return compiled.search(text, timeout=timeout) is not None
    except TimeoutError:
        raise RegexTimeout(f"the pattern took longer than {timeout:g} s") from None


def _fallback(translated: str, pattern: str) -> Any:
    import regex

    try:
        return regex.compile(translated, regex.VERSION0)
    except regex.error as problem:
        offset = problem.pos if isinstance(problem.pos, int) else 0
        message = f"this is no regular expression: {problem.msg}"
        raise ExpressionSyntaxError(message, min(offset, len(pattern)), 1) from None
    except (RecursionError, OverflowError, MemoryError):
        raise ExpressionSyntaxError("the regular expression is too large") from None


def _translated(pattern: str) -> str:
    """Write ECMA-262's own escapes the way the engines read them."""

    def spelled(match: re.Match[str]) -> str:
        braced, four, control = match[2], match[3], match[4]
        if braced or four:
            code = int(braced or four, 16)
            return re.escape(chr(code)) if code <= 0x10FFFF else match[0]
        if control:
            return re.escape(chr(ord(control.upper()) % 32))
        return "/" if match[1] == "/" else match[0]

    text = _UNICODE.sub(spelled, pattern)
    return re.sub(r"\(\?<([A-Za-z_][A-Za-z0-9_]*)>", r"(?P<\1>", text)
