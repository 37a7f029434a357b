"""Upgrade a document to the newest version of Arazzo: edits of its text that leave its Program as it is."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.document.positions import FixedPositions
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Fix, Location, Severity, replacing
from arazzo_runner.lint.fixes import fix_document
from arazzo_runner.lint.pipeline import Linted, Linter
from arazzo_runner.program.equivalence import difference, unlinked_steps
from arazzo_runner.program.model import Program

NEWEST: Final = "1.1.0"
_SCHEMA: Final = "https://spec.openapis.org/arazzo/1.1/schema/2026-04-15"
"""The JSON Schema of Arazzo 1.1, as published."""
_OLD_SCHEMA: Final = re.compile(r"https?://spec\.openapis\.org/arazzo/1\.0/schema/[\w.-]+")
_FIRST_COMMENTS: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*|---[ \t]*)?(?:\r\n|[\r\n]))*")
_MODELINE: Final = re.compile(rf"#[^\r\n]*\$schema[ \t]*[=:][ \t]*(?P<url>{_OLD_SCHEMA.pattern})")
_OWN: Final = "not-upgraded"
_MOST_ROUNDS: Final = 20  # fixing one mistake of a text may uncover another
_UNREAD: Final = frozenset({"source-not-found", "source-not-readable"})
"""What a document is not to blame for: its steps are compared as they are written."""


class Upgrade(Record):
    """What became of one document: its text before and after.

    `version` is the one it had, None if it has none that is known; `slips` are the findings that were fixed. With
    `refused`, which say why, the text is left as it was. `unread` is the number of steps whose descriptions could
    not be read: only their texts were compared. `is_open` is false if the document could not be opened.
    """

    _hidden_in_repr = ("before", "after")

    name: str
    version: str | None = None
    before: str = ""
    after: str = ""
    slips: tuple[Diagnostic, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    unread: int = 0
    is_open: bool = True

    @property
    def is_changed(self) -> bool:
        """Whether the text is another one."""
        return self.after != self.before


def upgrade(linter: Linter, name: str) -> Upgrade:
    """Return a document upgraded to Arazzo 1.1, and remember its new text in the linter; nothing is written."""
    linted = linter.lint(name)
    document = linted.document
    if document is None:
        return Upgrade(name, refused=_errors(linted.findings), is_open=linted.is_open)
    version = _version(document)
    old = Upgrade(name, version, document.text, document.text)
    if _is_of(version, "1.1"):
        return old
    linter.change(name, _encoded(document.text))  # read once: what is compared is what was read
    before = linter.program(name)
    errors = _blamed(before, document)
    if before is None or errors:
        return _refused(old, _reported(errors, linted, document))
    obstacle = _obstacle(version, document)
    if obstacle is not None:
        return _refused(old, [obstacle])
    document, slips = _fixed(linter, linted, document)
    after = linter.program(name)
    problem = _problem(before, after, document)
    if problem is not None:
        linter.change(name, _encoded(old.before))
        return _refused(old, [problem])
    return Upgrade(name, version, old.before, document.text, slips, unread=len(list(unlinked_steps(before))))


def _refused(old: Upgrade, why: Iterable[Diagnostic]) -> Upgrade:
    return Upgrade(old.name, old.version, old.before, old.before, refused=tuple(why))


def _version(document: Document) -> str | None:
    """Return the version that a document states, which may be a number; None if it states none."""
    value = document.value.get("arazzo") if isinstance(document.value, dict) else None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, str) else None


def _is_of(version: str | None, minor: str) -> bool:
    return version is not None and ".".join(version.split(".")[:2]) == minor


def _obstacle(version: str | None, document: Document) -> Diagnostic | None:
    """Return why the version of a document cannot be changed, None if it can be."""
    at = document.at("/arazzo")
    if not _is_of(version, "1.0"):
        message = f"Arazzo {version} is newer than {NEWEST}, the newest version known"
        return _own(message, at, hint="leave it as it is")
    if fix_document(document, [_older_version(document)]).fixed:
        return None
    hint = f"write arazzo: {NEWEST} as a plain value, without an anchor or alias"
    return _own("the version cannot be changed in its place", at, hint=hint)


def _errors(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(each for each in findings if each.severity is Severity.ERROR)


def _blamed(program: Program | None, document: Document) -> list[Diagnostic]:
    """Return the errors of a document itself, not those of its descriptions."""
    found = () if program is None else _errors(program.diagnostics)
    return [each for each in found if each.at.uri == document.uri and each.code not in _UNREAD]


def unread_sources(linted: Linted, names: Collection[str]) -> list[Diagnostic]:
    """Return the findings about source descriptions of some names that cannot be read."""
    document = linted.document
    value = None if document is None else document.value
    sources = value.get("sourceDescriptions") if isinstance(value, dict) else None
    items = enumerate(sources if isinstance(sources, list) else ())
    wanted = {f"/sourceDescriptions/{index}/url" for index, each in items if _name(each) in [*names]}
    return [each for each in linted.findings if each.code in _UNREAD and each.at.pointer in wanted]


def _name(source: JsonValue) -> JsonValue:
    return source.get("name") if isinstance(source, dict) else None


def _reported(errors: Iterable[Diagnostic], linted: Linted, document: Document) -> list[Diagnostic]:
    """Return errors as `validate` reports them, which quote no credentials; one that names them if it reports none."""
    errors = list(errors)
    places = {(each.code, each.at) for each in errors}
    found = [each for each in linted.findings if (each.code, each.at) in places]
    hint = f"arazzo explain {errors[0].code if errors else _OWN}"
    return found or [_own(f"the document has errors that are not reported: {_codes(errors)}", document.at(), hint=hint)]


def _codes(findings: Iterable[Diagnostic]) -> str:
    return ", ".join(dict.fromkeys(each.code for each in findings))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------ edits


def _fixed(linter: Linter, linted: Linted, document: Document) -> tuple[Document, tuple[Diagnostic, ...]]:
    """Apply the edits of the upgrade and all safe fixes until none are left; return the document and the fixes."""
    fixed: list[Diagnostic] = []
    for _ in range(_MOST_ROUNDS):
        result = fix_document(document, [*_newer(document), *linted.findings])
        if result.text == document.text:
            break
        linter.change(linted.name, _encoded(result.text))
        changed = linter.lint(linted.name)
        if changed.document is None:
            break
        linted, document = changed, changed.document
        fixed += [each for each in result.fixed if each.code != _OWN]
    return document, tuple(fixed)


def _newer(document: Document) -> Iterator[Diagnostic]:
    """Yield the edits that state the newer version: of the field `arazzo`, of the JSON Schema for editors."""
    if not _is_of(_version(document), "1.1"):
        yield _older_version(document)
    schema = document.value.get("$schema") if isinstance(document.value, dict) else None
    if isinstance(schema, str) and _OLD_SCHEMA.fullmatch(schema):
        at = document.at("/$schema")
        yield _own("$schema is that of Arazzo 1.0", at, fix=replacing(at, _SCHEMA))
    first = _FIRST_COMMENTS.match(document.text)
    for match in _MODELINE.finditer(document.text, 0, first.end() if first else 0):
        at = _characters(document, match.start("url"), match.end("url"))
        yield _own("the comment names the JSON Schema of Arazzo 1.0", at, fix=replacing(at, _SCHEMA))


def _older_version(document: Document) -> Diagnostic:
    at = document.at("/arazzo")
    return _own("arazzo says an older version", at, fix=replacing(at, NEWEST))


def _own(message: str, at: Location, *, hint: str | None = None, fix: Fix | None = None) -> Diagnostic:
    return Diagnostic(code=_OWN, severity=Severity.ERROR, message=message, at=at, hint=hint, fix=fix)


def _characters(document: Document, start: int, end: int) -> Location:
    """Return the location of characters of a line, which are in no value."""
    positions = document.positions
    starts = positions.line_starts()
    line = bisect_right(starts, start)
    return Location(document.uri, "", FixedPositions(positions, line, start - starts[line - 1] + 1, end - start))


# ------------------------------------------------------------------ the check


def _problem(before: Program, after: Program | None, document: Document) -> Diagnostic | None:
    """Return why a new text is not to be written, None if it does what the old one does."""
    hint = "this is a bug in arazzo, please report it; nothing was changed"
    errors = _blamed(after, document)
    if after is None or errors:
        return _own(f"the upgraded document would have errors ({_codes(errors)})", document.at(), hint=hint)
    found = difference(before, after)
    if found is None:
        return None
    return _own(f"the upgraded document would do something else: {found}", document.at(), hint=hint)
