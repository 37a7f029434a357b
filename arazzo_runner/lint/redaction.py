"""Redact the credentials of a document from the messages and source lines of its findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from arazzo_runner.base.json_values import resolve_pointer
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import MASK, SHOWS_A_SECRET, Secrets
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Location, Positions, Span


def without_credentials(findings: Iterable[Diagnostic], document: Document) -> tuple[Diagnostic, ...]:
    """Return the findings with every credential redacted that the rules for credentials found."""
    found = tuple(findings)
    places = [each.at for each in found if each.code in SHOWS_A_SECRET and each.at.uri == document.uri]
    if not places:
        return found
    texts = [text for at in places if (text := _credential(at, document))]
    lines = _RedactedPositions(document.positions, _spans(places), texts)
    secrets = Secrets(texts)
    return tuple(_redacted(each, document, lines, secrets) for each in found)


def _credential(at: Location, document: Document) -> str:
    value = resolve_pointer(document.value, at.pointer)
    if not isinstance(value, str):
        return ""
    return value if at.offset is None else value[at.offset : at.offset + at.length]


def _spans(places: Iterable[Location]) -> dict[int, list[tuple[int, int]]]:
    """Return the first and last column of each credential, by line."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for at in places:
        line, column = at.start
        if line is not None and column is not None:
            spans.setdefault(line, []).append((column, at.end_after(line, column) or column + 1))
    return spans


def _redacted(found: Diagnostic, document: Document, lines: _RedactedPositions, secrets: Secrets) -> Diagnostic:
    def placed(at: Location) -> Location:
        return replace(at, positions=lines) if at.positions is document.positions else at

    return replace(
        found,
        message=lines.redact(secrets.mask(found.message)),
        hint=None if found.hint is None else lines.redact(secrets.mask(found.hint)),
        at=placed(found.at),
        related=tuple(map(placed, found.related)),
    )


class _RedactedPositions(Record):
    """The positions of a document; its lines have asterisks in place of credentials."""

    positions: Positions
    spans: Mapping[int, Sequence[tuple[int, int]]]
    texts: Sequence[str]

    def key(self, pointer: str) -> Span | None:
        return self.positions.key(pointer)

    def value(self, pointer: str) -> Span | None:
        return self.positions.value(pointer)

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        return self.positions.scalar_column(pointer, offset)

    def line_text(self, line: int) -> str:
        shown = self.positions.line_text(line)
        for start, end in self.spans.get(line, ()):
            shown = shown[: start - 1] + "*" * (end - start) + shown[end - 1 :]
        for text in self.texts:
            shown = shown.replace(text, "*" * len(text))
        return shown

    def redact(self, message: str) -> str:
        """Return a message without the short credentials that it quotes; long ones are masked everywhere."""
        for text in self.texts:
            message = message.replace(f'"{text}"', f'"{MASK}"')
        return message
