"""Comments that forgive findings: `# arazzo-ignore: code -- reason` at a line or above it, or for a whole file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.document.positions import FixedPositions, YamlPositions
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Location, Severity, did_you_mean, removing
from arazzo_runner.lint.levels import IGNORE, UNREADABLE, Policy

_COMMENT: Final = pattern(
    r"(?<![^\s])\#\s*arazzo-ignore(?P<file>-file)?(?![\w-])[ \t]*:?[ \t]*(?P<codes>.*?)"
    r"(?:[ \t]*(?<![^\s:])--[ \t]*(?P<reason>[^\r\n]*))?[ \t]*$",
    re.MULTILINE,
)


class Ignore(MutableRecord):
    """One comment: its codes, the lines that it holds for (None: all of the file), where it stands."""

    codes: tuple[str, ...]
    lines: frozenset[int] | None
    reason: str
    at: Location
    used: set[str] = field(default_factory=set)

    def forgives(self, found: Diagnostic, lines: Collection[int]) -> bool:
        """Tell, and remember, whether a finding on these lines is meant."""
        if found.code not in self.codes or not (self.lines is None or self.lines.intersection(lines)):
            return False
        self.used.add(found.code)
        return True


def read_ignores(document: Document) -> tuple[Ignore, ...]:
    """Return the ignores of a YAML document; what looks like one inside a text is none."""
    if IGNORE not in document.text or not isinstance(document.positions, YamlPositions):
        return ()
    texts = [(entry.start, entry.end) for entry in document.positions.entries().values() if entry.text is not None]
    texts.sort()
    return tuple(
        _ignore(match, document) for match in _COMMENT.finditer(document.text) if not _is_inside(match.start(), texts)
    )


def _is_inside(offset: int, spans: list[tuple[int, int]]) -> bool:
    index = bisect_right(spans, offset, key=lambda span: span[0]) - 1
    return index >= 0 and offset < spans[index][1]


def _ignore(match: re.Match[str], document: Document) -> Ignore:
    positions = document.positions
    starts = positions.line_starts()
    line = bisect_right(starts, match.start())
    column = match.start() - starts[line - 1] + 1
    at = Location(document.uri, "", FixedPositions(positions, line, column, match.end() - match.start()))
    codes = tuple(code for code in re.split(r"[,\s]+", match["codes"]) if code)
    lines = None if match["file"] else frozenset({line, _line_below(line, column, document)})
    return Ignore(codes, lines, (match["reason"] or "").strip(), at)


def _line_below(line: int, column: int, document: Document) -> int:
    """Return the line that a comment of its own line is about: the next that is no comment and not empty."""
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


def without_ignored(findings: Iterable[Diagnostic], ignores: tuple[Ignore, ...], uri: str) -> list[Diagnostic]:
    """Return the findings that no comment forgives; only those in the document at `uri` can be."""
    if not ignores:
        return list(findings)
    return [each for each in findings if not (each.at.uri == uri and _is_forgiven(each, ignores))]


def _is_forgiven(found: Diagnostic, ignores: tuple[Ignore, ...]) -> bool:
    if found.code in UNREADABLE:
        return False
    lines = _lines_of(found.at)
    return sum(ignore.forgives(found, lines) for ignore in ignores) > 0  # each that means it counts as used


def _lines_of(at: Location) -> set[int]:
    """Return the line of a place, and where it is inside a text of several lines, the one of its key."""
    lines = {at.line}
    if at.positions is not None:
        key = at.positions.key(at.pointer)
        value = at.positions.value(at.pointer)
        lines |= {key.line if key else None, value.line if value else None}
    return {line for line in lines if line is not None}


def doubtful_ignores(ignores: Iterable[Ignore], policy: Policy, codes: Collection[str]) -> Iterator[Diagnostic]:
    """Report ignores that forgive nothing, and those that do not say why."""
    for ignore in ignores:
        yield from _with_fix(ignore, list(_unused(ignore, policy, codes)))
        if not ignore.reason and ignore.codes:
            message = "this ignore does not say why"
            hint = f"write # arazzo-ignore: {', '.join(ignore.codes)} -- and the reason"
            yield Diagnostic(
                code="ignore-without-reason", severity=Severity.INFO, message=message, at=ignore.at, hint=hint
            )


def _unused(ignore: Ignore, policy: Policy, codes: Collection[str]) -> Iterator[Diagnostic]:
    if not ignore.codes:
        yield _unused_code(ignore, "this ignore names no code", "write # arazzo-ignore: CODE -- and the reason")
    for code in ignore.codes:
        if code in codes:
            if code not in ignore.used and not policy.is_off(code):
                place = "in this file" if ignore.lines is None else "here"
                yield _unused_code(ignore, f"there is no finding of {code} {place} to be ignored", "remove the comment")
            continue
        hint = did_you_mean(code, codes) or "arazzo explain lists all codes"
        yield _unused_code(ignore, f'there is no code "{code}" to be ignored', hint)


def _with_fix(ignore: Ignore, unused: list[Diagnostic]) -> list[Diagnostic]:
    """A comment of which nothing is of use can go."""
    if len(unused) < max(1, len(ignore.codes)) or any(each.hint != "remove the comment" for each in unused):
        return unused
    return [replace(each, fix=removing(ignore.at)) for each in unused]


def _unused_code(ignore: Ignore, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="unused-ignore", severity=Severity.WARNING, message=message, at=ignore.at, hint=hint)
