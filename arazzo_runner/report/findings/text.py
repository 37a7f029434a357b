"""Diagnostics as text for people: message, location, source line with carets, hint."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import SHOWS_A_SECRET
from arazzo_runner.base.settings import as_options
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.escaping import is_plain, one_line
from arazzo_runner.report.terminal.console import Console, count, paint
from arazzo_runner.report.terminal.wrapping import columns, wrapped

WIDEST_LINE, _NARROWEST_LINE = 160, 20
NEAR = 20_000
_USERINFO = pattern(r"(?<=://)[^/\s?#@'\"]+(?=@)")
_COLORS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}


def print_diagnostics(console: Console, diagnostics: Iterable[Diagnostic], end: str = "") -> None:
    """Print Diagnostics to stderr, masked before their lines are wrapped, as they are rendered."""
    found = list(diagnostics)
    if console.secrets:
        from arazzo_runner.report.masking import masked_diagnostic  # lazily: most findings come before any secret

        found = [masked_diagnostic(each, console.secrets) for each in found]
    console.err(render_diagnostics(found, color=console.color, width=console.text_width) + end)


_HIDDEN = SHOWS_A_SECRET | {"not-translated"}
"""Codes of findings whose source text is not shown: scripts may have credentials in any text."""


def render_diagnostics(diagnostics: Iterable[Diagnostic], *, color: bool = False, width: int | None = None) -> str:
    """Return Diagnostics as text with empty lines between them and a summary at the end; empty if there are none.

    With `width` messages and hints are wrapped between words, and source lines are cut.

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
    shown = [render_diagnostic(each, color=color, width=width) for each in found]
    return "\n\n".join(shown) + "\n\n" + summary(found) + "\n"


_HIDDEN = SHOWS_A_SECRET | {"not-translated"}
"""Codes of findings whose source text is not shown: scripts may have credentials in any text."""


def render_diagnostic(diagnostic: Diagnostic, *, color: bool = False, width: int | None = None) -> str:
    """Return one Diagnostic as text, without a newline at its end."""
    style = _COLORS[diagnostic.severity]
    head = paint(f"{diagnostic.severity.value}[{diagnostic.code}]", style, color=color)
    message = paint(one_line(diagnostic.message), "bold", color=color)
    lines = wrapped(message, width, first=f"{head}: ", rest="    ")
    hint = None if diagnostic.hint is None else one_line(as_options(diagnostic.hint))
    hidden = diagnostic.code in _HIDDEN
    lines += excerpt(diagnostic.at, hint=hint, color=color, style=style, hidden=hidden, width=width)
    for place in diagnostic.related:
        lines += excerpt(place, arrow="see", color=color, style="blue", width=width)
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
    hint: str | None = None,
    arrow: str = "-->",
    color: bool = False,
    style: str = "bold red",
    hidden: bool = False,
    width: int | None = None,
) -> list[str]:
    """Return the lines that show a location: its name, its source line, carets and, on lines of its own, a hint.

    Userinfo of URLs is replaced by asterisks; so is the marked text if `hidden`.
    """
    if not at.uri:
        return _help(hint, 1, color=color, width=width)
    line, column = at.start
    source = None if line is None or at.positions is None else at.positions.line_text(line)
    if source is None or line is None or column is None or not source or source.isspace():
        place = f"  {paint(arrow, 'blue', color=color)} {_place_text(at, line, column)}"
        return [place, *_help(hint, 1, color=color, width=width)]
    end = at.end_after(line, column) or column + 1
    gutter = len(str(line))
    place = _place_text(at, line, column)
    source, column, end = _near(source, column, end)
    if hidden:
        source = source[: column - 1] + "*" * (end - column) + source[end - 1 :]
    if "://" in source and "@" in source:
        source = _USERINFO.sub(lambda found: "*" * len(found.group()), source)
    room = WIDEST_LINE if width is None else max(_NARROWEST_LINE, min(WIDEST_LINE, width - gutter - 3))
    window = _window(source, column, end, room)
    bar = paint("|", "blue", color=color)
    carets = paint(window.carets, style, color=color)
    return [
        f"{' ' * gutter}{paint(arrow, 'blue', color=color)} {place}",
        f"{paint(str(line), 'blue', color=color)} {bar} {window.text}".rstrip(),
        f"{' ' * gutter} {bar} {' ' * window.indent}{carets}",
        *_help(hint, gutter, color=color, width=width),
    ]


def _help(hint: str | None, gutter: int, *, color: bool, width: int | None) -> list[str]:
    if hint is None:
        return []
    first = f"{' ' * gutter} {paint('=', 'blue', color=color)} help: "
    return wrapped(hint, width, first=first, rest=" " * columns(first))


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


def _window(source: str, column: int, end_column: int, limit: int) -> _Window:
    """Cut a long line around the marked text (minified JSON is one line) so that it takes at most `limit` columns."""
    start, end = max(0, column - 1), max(column, end_column - 1)
    first, last = 0, len(source)
    if last <= limit and is_plain(source):  # nearly every line
        return _Window(source, min(start, last), "^" * max(1, min(end, last) - start))
    if columns(_shown(source)) > limit:
        first = start - _fitting(reversed(source[:start]), limit // 3)
        last = first + _fitting(source[first:], limit - 2)  # … before and behind
    before = ("…" if first else "") + _shown(source[first:start])
    marked = _shown(source[start : min(end, last)])
    after = _shown(source[min(end, last) : last]) + ("…" if last < len(source) else "")
    return _Window(before + marked + after, columns(before), "^" * max(1, columns(marked)))


def _fitting(characters: Iterable[str], room: int) -> int:
    """Return how many characters, shown one after the other, fit."""
    number = 0
    for character in characters:
        room -= columns(_shown(character))
        if room < 0:
            break
        number += 1
    return number


def _shown(text: str) -> str:
    return one_line(text.replace("\t", " "))
