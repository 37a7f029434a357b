"""Turn edits of values into changes of the text: how a value is written in JSON and in the five styles of YAML."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.document.json_reader import JsonPositions
from arazzo_runner.document.positions import Entry, IndexedPositions, raw_offset
from arazzo_runner.document.source_map import Document
from arazzo_runner.document.yaml_reader import NotJson, plain_value
from arazzo_runner.errors import Change, Edit, Span

_PROPERTIES: Final = pattern(r"(?:[&!]\S*\s+)*")
_DOUBTFUL_COLON: Final = pattern(r":(?![\w/.])")
_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@`")
_UNPRINTABLE: Final = pattern("[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class TextEdit(Record):
    """Replace characters `start` to `end` of a text by `text`."""

    start: int
    end: int
    text: str


def text_edit(edit: Edit, document: Document) -> TextEdit | None:
    """Return the change of the document's text for an edit; None if it cannot be made reliably."""
    positions = document.positions
    if not isinstance(positions, IndexedPositions):
        return None
    if edit.at.positions is not positions:
        return _at_characters(edit, document)
    entry = positions.entries().get(edit.at.pointer)
    if entry is None:  # inside a value that an alias repeats
        return None
    if edit.change is Change.REMOVE:
        return removal(edit.at.pointer, entry, positions)
    if edit.change is Change.QUOTE:
        return _quoted(entry, positions)
    if edit.change is Change.NEST:
        return _nested(edit, entry, positions)
    if edit.at.on_key:
        return _key(edit, entry, positions)
    return _scalar(edit, entry, positions)


def _at_characters(edit: Edit, document: Document) -> TextEdit | None:
    """Return the change for a location known by line and column only: a comment; an empty line is removed too."""
    at, starts = edit.at, document.positions.line_starts()
    if at.pointer or at.line is None or at.column is None or at.end_column is None or at.uri != document.uri:
        return None
    start, end = starts[at.line - 1] + at.column - 1, starts[at.line - 1] + at.end_column - 1
    if edit.change is Change.REPLACE:
        return TextEdit(start, end, edit.text)
    line = document.text[starts[at.line - 1] : start]
    if not line.strip():
        start, end = starts[at.line - 1], starts[at.line] if at.line < len(starts) else len(document.text)
    else:
        start -= len(line) - len(line.rstrip())
    return TextEdit(start, end, "")


# ------------------------------------------------------------------ scalars


def _scalar(edit: Edit, entry: Entry, positions: IndexedPositions) -> TextEdit | None:
    raw = positions.text[entry.start : entry.end]
    is_json = isinstance(positions, JsonPositions)
    if entry.text is None:
        is_literal = is_json and raw[:1] not in ("{", "[")
        return TextEdit(entry.start, entry.end, json.dumps(edit.text)) if is_literal else None
    offset = edit.at.offset
    if offset is None:
        offset, length = 0, len(entry.text)
    else:
        length = edit.at.length
    if offset + length > len(entry.text):
        return None
    value = entry.text[:offset] + edit.text + entry.text[offset + length :]
    skipped = _skipped(raw)
    style = raw[skipped : skipped + 1]
    is_block = style in ("|", ">") and _is_block(raw[skipped:])
    if is_block and not is_json and length == len(entry.text):
        return TextEdit(entry.start + skipped, entry.start + len(raw.rstrip()), yaml_scalar(value))
    if is_json or style in ('"', "'") or is_block:
        return _spliced(edit.text, entry, raw, offset, length, style, is_json=is_json)
    return _plain(value, entry, raw, skipped, positions.text)


def _skipped(raw: str) -> int:
    found = _PROPERTIES.match(raw)
    return found.end() if found else 0


def _is_block(raw: str) -> bool:
    return re.match(r"[|>][-+0-9]*[ \t]*(?:#[^\r\n]*)?[\r\n]", raw) is not None


def _spliced(
    text: str, entry: Entry, raw: str, offset: int, length: int, style: str, *, is_json: bool
) -> TextEdit | None:
    """Return the change of some characters inside quotes or a block."""
    assert entry.text is not None
    if length == len(entry.text) and style not in ("|", ">"):
        skipped = _skipped(raw) if style in ("'", '"') else 0
        start, end = skipped + 1, len(raw) - 1
    else:
        start = raw_offset(raw, entry.text, offset)
        end = raw_offset(raw, entry.text, offset + length - 1) + 1 if length else start
        if length and style in ('"', "'"):
            end = raw_offset(raw, entry.text, offset + length)
    written = json.dumps(text, ensure_ascii=False)[1:-1] if is_json else _escaped(text, style)
    if written is None or "\n" in raw[start:end] or not 0 <= start <= end <= len(raw):
        return None
    return TextEdit(entry.start + start, entry.start + end, written)


def _escaped(text: str, style: str) -> str | None:
    """Return a text as written in a scalar of a style; None if it cannot be."""
    if style == '"':
        return _double_quoted(text)[1:-1]
    if "\n" in text or "\r" in text or _UNPRINTABLE.search(text):
        return None
    return text.replace("'", "''") if style == "'" else text


def _plain(value: str, entry: Entry, raw: str, skipped: int, text: str) -> TextEdit | None:
    """Return the change of a plain scalar: plain again if that has the same value, else quoted."""
    if "\n" in raw:
        return None
    in_flow = _is_in_flow(entry, text)
    return TextEdit(entry.start + skipped, entry.end, yaml_scalar(value, in_flow=in_flow))


def _is_in_flow(entry: Entry, text: str) -> bool:
    # Any line with brackets is taken for flow style: at worst the value gets quotes it does not need.
    line_start = max(text.rfind("\n", 0, entry.start), 0)
    line_end = text.find("\n", entry.end)
    around = text[line_start : entry.start] + text[entry.end : line_end if line_end >= 0 else len(text)]
    return any(mark in around for mark in "{}[],")


def yaml_scalar(value: str, *, in_flow: bool = False) -> str:
    """Return a text as a YAML scalar on one line: plain if possible, else in single, else in double quotes.

    >>> yaml_scalar("pets"), yaml_scalar("{$inputs.a}"), yaml_scalar("1.0"), yaml_scalar("it's: so")
    ('pets', "'{$inputs.a}'", "'1.0'", "'it''s: so'")
    """
    if _is_plain(value, in_flow):
        return value
    if "\n" in value or "\r" in value or _UNPRINTABLE.search(value):
        return _double_quoted(value)
    return "'" + value.replace("'", "''") + "'"


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _double_quoted(value: str) -> str:
    """Return a text in YAML's double quotes, with escapes for characters that cannot be printed."""
    return '"' + "".join(_ESCAPES.get(each) or _printable(each) for each in value) + '"'


def _printable(character: str) -> str:
    if not _UNPRINTABLE.match(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(value: str, in_flow: bool) -> bool:
    if not value or value != value.strip() or _UNPRINTABLE.search(value) or "\t" in value:
        return False
    if value[0] in _INDICATORS and not (value[0] in "-?:" and value[1:2] not in ("", " ") and not in_flow):
        return False
    if ": " in value or " #" in value or value.endswith(":") or value.startswith(("---", "...")) or value == "<<":
        return False
    if in_flow and (any(mark in value for mark in "{}[],") or _DOUBTFUL_COLON.search(value)):
        return False
    try:
        return isinstance(plain_value(value), str)
    except NotJson:
        return False


def _quoted(entry: Entry, positions: IndexedPositions) -> TextEdit | None:
    raw = positions.text[entry.start : entry.end]
    skipped = _skipped(raw)
    bare = raw[skipped:]
    return TextEdit(entry.start + skipped, entry.end, f'"{bare}"') if re.fullmatch(r"[\w.+-]+", bare) else None


def _nested(edit: Edit, entry: Entry, positions: IndexedPositions) -> TextEdit | None:
    """Return the change of a scalar on one line to a mapping, in flow style."""
    raw = positions.text[entry.start : entry.end]
    if entry.text is None or "\n" in raw or "\r" in raw or _skipped(raw):
        return None
    mapping = json.loads(edit.text)
    if isinstance(positions, JsonPositions):
        return TextEdit(entry.start, entry.end, json.dumps(mapping, ensure_ascii=False))
    texts = {yaml_scalar(key, in_flow=True): yaml_scalar(value, in_flow=True) for key, value in mapping.items()}
    return TextEdit(entry.start, entry.end, f"{{{', '.join(f'{key}: {value}' for key, value in texts.items())}}}")


def _key(edit: Edit, entry: Entry, positions: IndexedPositions) -> TextEdit | None:
    if entry.key is None or entry.key.line != entry.key.end_line or edit.at.offset is not None:
        return None
    start, end = _offset(entry.key, positions), _end(entry.key, positions)
    raw = positions.text[start:end]
    if raw[:1] == '"':
        is_json = isinstance(positions, JsonPositions)
        return TextEdit(start, end, json.dumps(edit.text, ensure_ascii=False) if is_json else _double_quoted(edit.text))
    return (
        TextEdit(start, end, yaml_scalar(edit.text, in_flow=True)) if raw[:1] not in ("'", "*", "&", "!", "?") else None
    )


def _offset(span: Span, positions: IndexedPositions) -> int:
    return positions.line_starts()[span.line - 1] + span.column - 1


def _end(span: Span, positions: IndexedPositions) -> int:
    return positions.line_starts()[span.end_line - 1] + span.end_column - 1


# ------------------------------------------------------------------ removal


def removal(pointer: str, entry: Entry, positions: IndexedPositions) -> TextEdit | None:
    """Return the change that removes a member of a mapping or an item of a list, with its line or comma."""
    text = positions.text
    start = _offset(entry.key, positions) if entry.key is not None else _dash(entry, text)
    siblings = _siblings(pointer, positions.entries())
    if start is None or siblings < 2:  # no mapping or list may become empty
        return None
    end = entry.end
    while end > start and text[end - 1] in " \t\r\n":  # the entry of a block scalar includes the line breaks after it
        end -= 1
    flow = _flow_removal(text, start, end)
    if flow is not None:
        return flow
    return None if isinstance(positions, JsonPositions) else _line_removal(text, start, end, positions)


def _siblings(pointer: str, entries: Mapping[str, Entry]) -> int:
    parent = pointer.rpartition("/")[0] + "/"
    return sum(1 for each in entries if each.startswith(parent) and "/" not in each[len(parent) :])


def _dash(entry: Entry, text: str) -> int | None:
    """Return the start of a list item: its dash; in flow style, the item itself."""
    before = text[: entry.start].rstrip(" \t")
    if before.endswith("-") and before[:-1].rpartition("\n")[2].strip(" \t-") == "":
        return len(before) - 1
    return entry.start if before.rstrip()[-1:] in ("[", ",") else None


def _flow_removal(text: str, start: int, end: int) -> TextEdit | None:
    after = re.compile(r"[ \t]*,[ \t]*").match(text, end)
    before = re.compile(r"[\[{,]\s*$").search(text[max(0, start - 2000) : start])
    if before is None:
        return None
    opening = start - len(before.group())
    if text[opening] == ",":  # not the first one: remove the comma before it
        return TextEdit(opening, end, "")
    if after is None:
        return None
    rest = re.compile(r"[\r\n]+[ \t]*").match(text, after.end())
    return TextEdit(start, rest.end() if rest else after.end(), "")


def _line_removal(text: str, start: int, end: int, positions: IndexedPositions) -> TextEdit | None:
    """Return the removal of whole lines in block style; for the first member of a list item, up to the next one."""
    starts = positions.line_starts()
    first = starts[bisect_right(starts, start) - 1]
    last = bisect_right(starts, end - 1)
    following = starts[last] if last < len(starts) else len(text)
    rest = text[end:following].strip()
    if rest and not rest.startswith("#"):
        return None
    before = text[first:start]
    if not before.strip():
        return TextEdit(first, following, "")
    if before.strip(" \t-") or following >= len(text):
        return None
    indented = len(text[following:]) - len(text[following:].lstrip(" "))
    return TextEdit(start, following + indented, "") if indented == len(before) else None
