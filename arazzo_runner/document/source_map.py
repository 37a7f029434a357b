"""Text → value: YAML 1.2 (core schema) or JSON, within limits, with positions on demand.

YAML is read from libyaml's events by a builder of our own: ready-made loaders have no YAML 1.2
types, repeated keys, limits or positions, and crash on deep nesting. Positions (line and column
of each JSON Pointer) are found by a second pass when the first Diagnostic asks.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.settings import DOCUMENT_SIZE
from arazzo_runner.document.json_reader import JsonPositions, NotJsonText, count_keys, read_json
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.reading import MOST_DEPTH, Limits, Reading, Unreadable, too_deep
from arazzo_runner.document.yaml_positions import YamlPositions
from arazzo_runner.errors import Location, Severity

__all__ = ["Document", "Limits", "from_value", "read", "read_value"]


class Document(Record):
    """A document: `value` is plain JSON data, `positions` locates it in the text."""

    uri: str
    value: JsonValue
    positions: TextPositions

    @property
    def text(self) -> str:
        """The text without its byte order mark; "" for data without a text."""
        return self.positions.text

    def at(self, pointer: str = "") -> Location:
        """Return the location of a JSON Pointer in this document."""
        return Location(self.uri, pointer, self.positions)


def read(
    data: bytes,
    uri: str,
    problems: Problems,
    *,
    limits: Limits | None = None,
    duplicates: Severity = Severity.ERROR,
) -> Document | None:
    """Read a YAML or JSON document; None, with an error in `problems`, when it is unreadable.

    `uri` is the document's name in messages. `duplicates` is the severity of a repeated key: an
    error in an Arazzo document, a warning in a description (semantics §1).

    >>> read(b"on: [yes, 0o17]", "x.yml", Problems()).value
    {'on': ['yes', 15]}
    """
    limits = _bounded(limits)
    if len(data) > limits.max_bytes:
        message = f"the document has {len(data):,} bytes, more than {limits.max_bytes:,}"
        problems.error("document-too-large", message, Location(uri), hint=f"raise {DOCUMENT_SIZE} if you trust it")
        return None
    text = _decoded(data, uri, problems)
    if text is None:
        return None
    with _no_garbage_collection():
        return _read_text(text, uri, problems, limits, duplicates)


def from_value(value: JsonValue, uri: str) -> Document:
    """Return a Document of data without a text: its locations have pointers but no lines."""
    plain = json.loads(json.dumps(value))
    return Document(uri, plain, TextPositions(""))


def read_value(value: JsonValue, uri: str, problems: Problems, *, limits: Limits | None = None) -> Document | None:
    """Return a Document of a caller's data; None, with an error in `problems`, when it is not JSON."""
    limits = _bounded(limits)
    try:
        plain = json.loads(json.dumps(value, allow_nan=False))
        if count_keys(plain, limits.max_depth) is None:
            raise RecursionError
        return Document(uri, plain, TextPositions(""))
    except RecursionError:
        problem = too_deep(limits, None)
        problems.error(problem.code, problem.message, Location(uri), hint=problem.hint)
    except (TypeError, ValueError) as reason:
        message = f"the mapping is not JSON: {str(reason)[:1].lower()}{str(reason)[1:]}"
        problems.error(
            "not-json", message, Location(uri), hint="give it texts, numbers, booleans, None, lists and dicts"
        )
    return None


def _bounded(limits: Limits | None) -> Limits:
    if limits is None:
        return Limits()
    return limits if limits.max_depth <= MOST_DEPTH else replace(limits, max_depth=MOST_DEPTH)


def _read_text(text: str, uri: str, problems: Problems, limits: Limits, duplicates: Severity) -> Document | None:
    """Read a text that begins like JSON as JSON, any other as YAML; its name does not matter.

    Text in braces that is not JSON may be YAML in flow style; if it is neither, the JSON error is
    reported.
    """
    failed: Unreadable | None = None
    if text[:200].lstrip()[:1] in ("{", "["):
        reading = Reading(text, uri, problems, limits, duplicates, JsonPositions(text))
        try:
            return Document(uri, read_json(reading), reading.positions)
        except NotJsonText as problem:
            failed = problem
        except Unreadable as problem:
            reading.refuse(problem)
            return None
    from arazzo_runner.document.yaml_reader import read_yaml  # lazily: JSON needs no YAML

    reading = Reading(text, uri, problems, limits, duplicates, YamlPositions(text))
    try:
        return Document(uri, read_yaml(reading), reading.positions)
    except Unreadable as problem:
        reading.refuse(failed if failed is not None and problem.code == "yaml-syntax" else problem)
        return None


_BOM: Final = b"\xef\xbb\xbf"
_CONTROLS: Final = bytes([*range(9), 11, 12, *range(14, 32), 127])


def _decoded(data: bytes, uri: str, problems: Problems) -> str | None:
    """Decode UTF-8, with or without a BOM; None, reported, for anything else."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        problems.error("not-utf8", "the document is UTF-16", Location(uri), hint="save it as UTF-8")
        return None
    data = data.removeprefix(_BOM)
    try:
        text = data.decode()
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        message = f"the document is not UTF-8: byte {data[problem.start]:#04x} in line {line}"
        problems.error("not-utf8", message, Location(uri), hint="save it as UTF-8")
        return None
    if len(data.translate(None, _CONTROLS)) != len(data):
        place = min(text.index(chr(control)) for control in _CONTROLS if control in data)
        line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
        message = f"the document has a control character U+{ord(text[place]):04X} in line {line}; is it a text file?"
        hint = "save it as UTF-8" if data.count(0) > len(data) // 4 else "remove it, or write it as an escape"
        at = Location(uri, "", FixedPositions(TextPositions(text), line, column))
        problems.error("not-text", message, at, hint=hint)
        return None
    if not text or text.isspace():
        hint = "an Arazzo document begins with arazzo: 1.0.1"
        problems.error("empty-document", "the document is empty", Location(uri), hint=hint)
        return None
    return text


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Pause garbage collection: a document being built has no garbage, and looking for it takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
