"""Diagnostics as text for people: message, location, source line with carets, hint."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import SHOWS_A_SECRET
from arazzo_runner.base.settings import as_options
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.escaping import is_plain, one_line
from arazzo_runner.report.terminal.console import count, paint

WIDEST_LINE = 160
NEAR = 20_000
_USERINFO = pattern(r"(?<=://)[^/\s?#@'\"]+(?=@)")
_COLORS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}


def render_diagnostics(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Return Diagnostics as text with empty lines between them and a summary at the end; empty if there are none.

    One Diagnostic looks like this::

        error[unknown-expression]: "$statusCod" is not a runtime expression
          --> specs/arazzo/rotate.yml:41:18
        41 |     - condition: $statusCod == 200
           |                  ^^^^^^^^^^
           = help: did you mean $statusCode?
    """
    found = list(diagnostics)
    if not found:
        return ""
    shown = [render_diagnostic(each, color=color) for each in found]
    return "\n\n".join(shown) + "\n\n" + summary(found) + "\n"


def render_diagnostic(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return one Diagnostic as text, without a newline at its end."""
    style = _COLORS[diagnostic.severity]
    head = paint(f"{diagnostic.severity.value}[{diagnostic.code}]", style, color=color)
    lines = [f"{head}: {paint(one_line(diagnostic.message), 'bold', color=color)}"]
    hint = None if diagnostic.hint is None else f"help: {one_line(as_options(diagnostic.hint))}"
    hidden = diagnostic.code in SHOWS_A_SECRET
    lines += excerpt(diagnostic.at, note=hint, color=color, style=style, hidden=hidden)
    for place in diagnostic.related:
        lines += excerpt(place, arrow="see", color=color, style="blue")
    return "\n".join(lines)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`."""
    found = list(diagnostics)
    counts = (
        (sum(each.severity is severity for each in found), noun)
        for severity, noun in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
    )
    return ", ".join(count(number, noun) for number, noun in counts if number) or "no problems"


def place_text(at: Location) -> str:
    """Return a location as `file:line:column`, or as `file#pointer` if there is no source text."""
    return _place_text(at, *at.start)


def _place_text(at: Location, line: int | None, column: int | None) -> str:
    if line is not None:
        return one_line(f"{at.uri}:{line}:{column}")
    return one_line(f"{at.uri}#{at.pointer}" if at.pointer else at.uri)


def excerpt(
    at: Location,
    *,
    note: str | None = None,
    arrow: str = "-->",
    color: bool = False,
    style: str = "bold red",
    hidden: bool = False,
) -> list[str]:
    """Return the lines that show a location: its name, its source line, carets and, on a line of its own, a note.

    Userinfo of URLs is replaced by asterisks; so is the marked text if `hidden`.
    """
    if not at.uri:
        return _note(note, 1, color=color)
    line, column = at.start
    source = None if line is None or at.positions is None else at.positions.line_text(line)
    if source is None or line is None or column is None or not source or source.isspace():
        place = f"  {paint(arrow, 'blue', color=color)} {_place_text(at, line, column)}"
        return [place, *_note(note, 1, color=color)]
    end = at.end_after(line, column) or column + 1
    gutter = len(str(line))
    place = _place_text(at, line, column)
    source, column, end = _near(source, column, end)
    if hidden:
        source = source[: column - 1] + "*" * (end - column) + source[end - 1 :]
    if "://" in source and "@" in source:
        source = _USERINFO.sub(lambda found: "*" * len(found.group()), source)
    window = _window(source, column, end)
    bar = paint("|", "blue", color=color)
    carets = paint(window.carets, style, color=color)
    return [
        f"{' ' * gutter}{paint(arrow, 'blue', color=color)} {place}",
        f"{paint(str(line), 'blue', color=color)} {bar} {window.text}".rstrip(),
        f"{' ' * gutter} {bar} {' ' * window.indent}{carets}",
        *_note(note, gutter, color=color),
    ]


def _note(note: str | None, gutter: int, *, color: bool) -> list[str]:
    return [] if note is None else [f"{' ' * gutter} {paint('=', 'blue', color=color)} {note}"]


class _Window(Record):
    """The shown part of a source line: its text, and the indent and text of the carets below it."""

    text: str
    indent: int
    carets: str


def _near(source: str, column: int, end: int) -> tuple[str, int, int]:
    """Return the part of a long line around the marked text, and the marked columns in it.

    Lines can have megabytes and thousands of findings; what is left is longer than any URL with a password.
    """
    if len(source) <= 2 * NEAR:
        return source, column, end
    first = max(0, column - 1 - NEAR)
    last = max(column, min(end, column + NEAR)) + NEAR
    return source[first:last], column - first, min(end, last) - first


def _window(source: str, column: int, end_column: int) -> _Window:
    """Cut a long line around the marked text (minified JSON is one line)."""
    start, end = max(0, column - 1), max(column, end_column - 1)
    first, last = 0, len(source)
    if last <= WIDEST_LINE and is_plain(source):  # nearly every line
        return _Window(source, min(start, last), "^" * max(1, min(end, last) - start))
    if last > WIDEST_LINE:
        first = max(0, start - WIDEST_LINE // 3)
        last = min(len(source), first + WIDEST_LINE)
    before = ("…" if first else "") + _shown(source[first:start])
    marked = _shown(source[start : min(end, last)])
    after = _shown(source[min(end, last) : last]) + ("…" if last < len(source) else "")
    return _Window(before + marked + after, _columns(before), "^" * max(1, _columns(marked)))


def _shown(text: str) -> str:
    return one_line(text.replace("\t", " "))


def _columns(text: str) -> int:
    """Return how many terminal columns a text takes: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
