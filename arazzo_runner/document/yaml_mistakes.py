"""What is wrong with a YAML text, and what to write instead: most often a text needs quotes."""

from __future__ import annotations

from typing import Any, Final

import yaml

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.document.reading import Reading, Unreadable, too_deep
from arazzo_runner.errors import replacing

_SYNTAX_HINTS: Final = (
    ("'\\t'", "indent with spaces; YAML allows no tabs there"),
    (
        "mapping values are not allowed",
        'indent the line as its neighbours are, or put a text that holds ": " in quotes',
    ),
    ("block sequence entries are not allowed", 'begin a list in a line of its own; a text such as "- a" needs quotes'),
    ("cannot start any token", "put the text in quotes"),
    ("while scanning a quoted scalar", "close the quotes"),
    ("did not find expected '-' indicator", "indent the line as its neighbours are"),
    ("did not find expected key", "indent the line as its neighbours are, and close all quotes"),
    ("did not find expected ',' or", "close the bracket, separate its entries with commas, put other texts in quotes"),
    ("could not find expected ':'", "end the key with a colon, or indent the text below its key"),
    ("invalid Unicode character escape code", "write the character itself, or the whole code as \\U0001F600"),
    ("incompatible YAML document", "write %YAML 1.2, or leave the line out"),
)
_BEFORE_VALUE: Final = pattern(r"[ \t]*(?:- +)*(?P<key>[\w$.~/-]+:[ \t]+)?(?=\S)")
_COMMENT: Final = pattern(r"[ \t]#")
_FLOW_VALUE: Final = pattern(r"(?<=[:\[,{] )(?:\{\$[^{}]*\}(?:\{\$[^{}]*\}|[^\s,{}\]])+|\$[^\s,{}\[\]]+: [^,{}\[\]]+)")
"""In brackets: an expression in braces with more text behind it, or one with `: ` in it."""
_LONGEST: Final = 200
_INDICATORS: Final = "*&@%`,]}|>?"
"""What begins no text without quotes; `{`, `[`, `!`, quotes and `#` mean something."""


class _Unquoted(Record):
    """A text that needs quotes: where it begins in its line, and why it needs them."""

    start: int
    text: str
    reason: str


def syntax_error(problem: yaml.MarkedYAMLError, reading: Reading) -> Unreadable:
    """Return the error for what a YAML parser refuses, at its line and column."""
    mark = problem.problem_mark or problem.context_mark
    what = _one_line(problem.problem or "it cannot be read")
    if problem.context:
        what = f"{_one_line(problem.context)}, {what}"
    place = None if mark is None else (mark.line + 1, mark.column + 1)
    if "maximum nesting depth" in what:  # libyaml from 0.2.6 on has a limit of its own, reached first
        return too_deep(reading.limits, place)
    line = "" if mark is None else reading.positions.line_text(mark.line + 1)
    if line.lstrip(" ").startswith("\t"):
        return Unreadable("yaml-syntax", f"this is not YAML: {what}", place, _SYNTAX_HINTS[0][1])
    unquoted = None if mark is None else _unquoted(line.rstrip("\r\n"), mark.column)
    if unquoted is not None and mark is not None:
        hint = _quotes_hint(unquoted.text)
        start, length = (mark.line + 1, unquoted.start + 1), len(unquoted.text)
        return Unreadable("yaml-syntax", f"this is not YAML: {unquoted.reason}", start, hint, length)
    known = next((hint for part, hint in _SYNTAX_HINTS if part in what), None)
    return Unreadable("yaml-syntax", f"this is not YAML: {what}", place, known)


def report_braces(text: str, start: Any, end: Any, reading: Reading) -> None:
    """Report the text `{$inputs.x}` without quotes, which is a mapping to YAML."""
    length = end.column - start.column if start.line == end.line else 1
    at = reading.place(start.line + 1, start.column + 1, "", length)
    fix = replacing(at, text[1:-1], is_safe=False) if start.line == end.line else None
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    message = f"{shown} without quotes is a mapping with the key {shown[1:-1]} and no value"
    hint = f"{_quotes_hint(text)}; or write {shown[1:-1]}, which keeps the type of the value"
    reading.problems.error("unquoted-braces", message, at, hint=hint, fix=fix)


def empty_anchor(anchor: str, place: tuple[int, int]) -> Unreadable:
    """Return the error of an anchor without a value: a text that begins with `&` is more likely."""
    shown = f"&{anchor[:60]}"
    hint = f'put quotes around it: "{shown}"'
    return Unreadable("yaml-syntax", f"{shown} without quotes is an anchor, here without a value", place, hint)


def _one_line(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())


def _quotes_hint(text: str) -> str:
    return f"put quotes around it: {_quoted(text)}" if len(text) <= _LONGEST else "put quotes around it"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'


def _unquoted(line: str, column: int) -> _Unquoted | None:
    """Return the text that needs quotes in the line where a parser stopped at `column`; None for another mistake."""
    for found in _FLOW_VALUE.finditer(line):
        if found.start() < column <= found.end():
            return _Unquoted(found.start(), found.group(), _reason(found.group()))
    before = _BEFORE_VALUE.match(line)
    if before is None or column < before.end():
        return None
    start, comment = before.end(), _COMMENT.search(line, before.end() + 1)
    text = line[start : len(line) if comment is None else comment.start()].rstrip(" \t")
    if not _is_plain_mistake(text, column - start, has_key=before["key"] is not None):
        return None
    return _Unquoted(start, text, _reason(text))


def _is_plain_mistake(text: str, inside: int, *, has_key: bool) -> bool:
    """Return whether quotes around the value of a line correct what a parser found at its character `inside`."""
    first = text[0]
    if first in _INDICATORS:
        return inside <= 1
    if first in "{[":
        before = text[:inside]
        return inside < len(text) and before.count("{") + before.count("[") == before.count("}") + before.count("]") > 0
    if first in "'\"":
        return 1 < inside < len(text) and text[:inside].rstrip().endswith(first)
    return has_key and inside > 0 and text[inside : inside + 1] == ":"


def _reason(text: str) -> str:
    if text[0] in _INDICATORS or text[0] in "{[":
        return f"a text that begins with {text[0]} needs quotes"
    return (
        "a text that holds quotes at its beginning needs others around it"
        if text[0] in "'\""
        else ('a text that holds ": " needs quotes')
    )
