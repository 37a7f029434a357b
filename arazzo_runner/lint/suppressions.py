"""Comments that suppress findings: `# arazzo-ignore: code -- reason` at a line or above it, or for a whole file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.document.positions import FixedPositions
from arazzo_runner.document.source_map import Document
from arazzo_runner.document.yaml_positions import YamlPositions
from arazzo_runner.errors import Diagnostic, Location, Severity, did_you_mean, removing
from arazzo_runner.lint.levels import IGNORE, UNREADABLE, Policy

_COMMENT: Final = pattern(
    r"(?<![^\s])\#\s*arazzo-ignore(?P<file>-file)?(?![\w-])[ \t]*:?[ \t]*(?P<codes>[^\r\n]*?)"
    r"(?:[ \t]*(?<![^\s:])--[ \t]*(?P<reason>[^\r\n]*))?[ \t]*(?=\r?$)",
    re.MULTILINE,
)


class Suppression(MutableRecord):
    """One comment: its codes, the lines that it applies to (None: the whole file), its location."""

    codes: tuple[str, ...]
    lines: frozenset[int] | None
    reason: str
    at: Location
    used: set[str] = field(default_factory=set)

    def suppresses(self, found: Diagnostic, lines: Collection[int]) -> bool:
        """Return whether a finding on these lines is suppressed; its code then counts as used."""
        if found.code not in self.codes or not (self.lines is None or self.lines.intersection(lines)):
            return False
        self.used.add(found.code)
        return True


def apply_suppressions(
    findings: Iterable[Diagnostic], document: Document, policy: Policy, codes: Collection[str]
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the findings that no comment suppresses, and those about the comments: unused, or without reason."""
    suppressions = _read(document)
    left = _unsuppressed(findings, document, suppressions)
    return left, list(_about(suppressions, policy, codes))


def unsuppressed(findings: Iterable[Diagnostic], document: Document) -> list[Diagnostic]:
    """Return the findings that no comment suppresses."""
    return _unsuppressed(findings, document, _read(document))


def _unsuppressed(
    findings: Iterable[Diagnostic], document: Document, suppressions: tuple[Suppression, ...]
) -> list[Diagnostic]:
    return [each for each in findings if each.at.uri != document.uri or not _is_suppressed(each, suppressions)]


def _read(document: Document) -> tuple[Suppression, ...]:
    """Return the suppressions of a YAML document; texts that look like one are not."""
    if IGNORE not in document.text or not isinstance(document.positions, YamlPositions):
        return ()
    texts = [(entry.start, entry.end) for entry in document.positions.entries().values() if entry.text is not None]
    texts.sort()
    return tuple(
        _suppression(match, document)
        for match in _COMMENT.finditer(document.text)
        if not _is_inside(match.start(), texts)
    )


def _is_inside(offset: int, spans: list[tuple[int, int]]) -> bool:
    index = bisect_right(spans, offset, key=lambda span: span[0]) - 1
    return index >= 0 and offset < spans[index][1]


def _suppression(match: re.Match[str], document: Document) -> Suppression:
    positions = document.positions
    starts = positions.line_starts()
    line = bisect_right(starts, match.start())
    column = match.start() - starts[line - 1] + 1
    at = Location(document.uri, "", FixedPositions(positions, line, column, match.end() - match.start()))
    codes = tuple(code for code in re.split(r"[,\s]+", match["codes"]) if code)
    lines = None if match["file"] else frozenset({line, _line_below(line, column, document)})
    return Suppression(codes, lines, (match["reason"] or "").strip(), at)


def _line_below(line: int, column: int, document: Document) -> int:
    """Return the line that a comment applies to: its own, or the next one with content if it is alone on its line."""
    positions = document.positions
    if positions.line_text(line)[: column - 1].strip():
        return line
    last = len(positions.line_starts())
    while line < last:
        line += 1
        text = positions.line_text(line).strip()
        if text and not text.startswith("#"):
            break
    return line


# ------------------------------------------------------------------ applying


def _is_suppressed(found: Diagnostic, suppressions: tuple[Suppression, ...]) -> bool:
    if found.code in UNREADABLE or not suppressions:
        return False
    lines = _lines_of(found.at)
    return sum(each.suppresses(found, lines) for each in suppressions) > 0  # all of them, so that each counts as used


def _lines_of(at: Location) -> set[int]:
    """Return the lines of a location, of its key and of its value: a text may have several lines."""
    lines = {at.line}
    if at.positions is not None:
        key = at.positions.key(at.pointer)
        value = at.positions.value(at.pointer)
        lines |= {key.line if key else None, value.line if value else None}
    return {line for line in lines if line is not None}


def _about(suppressions: Iterable[Suppression], policy: Policy, codes: Collection[str]) -> Iterator[Diagnostic]:
    for ignore in suppressions:
        yield from _with_fix(ignore, list(_unused(ignore, policy, codes)))
        if not ignore.reason and ignore.codes:
            message = "this ignore does not say why"
            hint = f"write # arazzo-ignore: {', '.join(ignore.codes)} -- and the reason"
            yield Diagnostic(
                code="ignore-without-reason", severity=Severity.INFO, message=message, at=ignore.at, hint=hint
            )


def _unused(ignore: Suppression, policy: Policy, codes: Collection[str]) -> Iterator[Diagnostic]:
    if not ignore.codes:
        yield _unused_code(ignore, "this ignore does not name a code", "write # arazzo-ignore: CODE -- and the reason")
    for code in ignore.codes:
        if code in codes:
            if code not in ignore.used and not policy.is_off(code):
                place = "in this file" if ignore.lines is None else "here"
                yield _unused_code(ignore, f"there is no finding of {code} {place} to be ignored", "remove the comment")
            continue
        hint = did_you_mean(code, codes) or "arazzo explain lists all codes"
        yield _unused_code(ignore, f'there is no code "{code}" to be ignored', hint)


def _with_fix(ignore: Suppression, unused: list[Diagnostic]) -> list[Diagnostic]:
    """Add a fix that removes the comment, if none of its codes is used."""
    if len(unused) < max(1, len(ignore.codes)) or any(each.hint != "remove the comment" for each in unused):
        return unused
    return [replace(each, fix=removing(ignore.at)) for each in unused]


def _unused_code(ignore: Suppression, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="unused-ignore", severity=Severity.WARNING, message=message, at=ignore.at, hint=hint)
