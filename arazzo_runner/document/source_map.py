"""Text → value, once: YAML 1.2 (core schema) or JSON, limits counted as events come, places on demand.

YAML goes through libyaml's event stream and a builder of our own, because the ready-made
loaders know neither YAML 1.2 typing, repeated keys, limits nor places, and crash on deep
nesting. Places (line and column of every JSON Pointer) are found by a second pass, which only
runs when the first Diagnostic asks.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import yaml

from arazzo_runner.diagnostics import Diagnostic, Location, Problems, Severity
from arazzo_runner.document.positions import JsonPositions, TextPositions, YamlPositions
from arazzo_runner.document.scalars import NotJson, plain_value, tagged_value
from arazzo_runner.records import record
from arazzo_runner.values import JsonValue


@record(frozen=True, slots=True)
class Limits:
    """What a document may cost: bytes of text, nesting depth, nodes after alias expansion."""

    max_bytes: int = 20_000_000
    max_depth: int = 100
    max_nodes: int = 1_000_000


@record(frozen=True, slots=True)
class Document:
    """A document that was read: `value` is plain JSON data, `positions` finds places in its text."""

    uri: str
    value: JsonValue
    positions: TextPositions

    def at(self, pointer: str = "") -> Location:
        """Return the place of a JSON Pointer in this document."""
        return Location(self.uri, pointer, self.positions)


def read(
    data: bytes,
    uri: str,
    problems: Problems,
    *,
    limits: Limits | None = None,
    duplicates: Severity = Severity.ERROR,
) -> Document | None:
    """Read a YAML or JSON document; None when it is unreadable (an error is then in `problems`).

    `uri` is what messages call the document. `duplicates` is how much a repeated key matters.
    """
    limits = limits or Limits()
    if len(data) > limits.max_bytes:
        message = f"the document has {len(data):,} bytes, more than {limits.max_bytes:,}"
        problems.error("document-too-large", message, Location(uri), hint="raise --max-document-size if you trust it")
        return None
    text = _decoded(data, uri, problems)
    if text is None:
        return None
    reader = _Reader(text, uri, problems, limits, duplicates)
    with _no_garbage_collection():
        return reader.json() if text.lstrip()[:1] in ("{", "[") else reader.yaml()


def from_value(value: JsonValue, uri: str) -> Document:
    """Make a Document of data that has no text: its places have pointers, but no lines."""
    plain = json.loads(json.dumps(value))
    return Document(uri, plain, TextPositions(""))


class _Stop(Exception):
    """Ends reading; the Diagnostic says why."""

    def __init__(self, code: str, message: str, offset: tuple[int, int] | None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint


class _Reader:
    """One text being read."""

    def __init__(self, text: str, uri: str, problems: Problems, limits: Limits, duplicates: Severity) -> None:
        self.text = text
        self.uri = uri
        self.problems = problems
        self.limits = limits
        self.duplicates = duplicates

    # ------------------------------------------------------------------ JSON

    def json(self) -> Document | None:
        """Read JSON; text that is none may still be YAML in flow style."""
        repeated: list[str] = []

        def members(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
            found = dict(pairs)
            if len(found) != len(pairs):
                names = [name for name, _ in pairs]
                repeated.extend(name for name in found if names.count(name) > 1)
            return found

        try:
            value = json.loads(self.text, object_pairs_hook=members, parse_constant=_refuse_constant)
        except _Stop as stop:
            return self._stopped(stop)
        except RecursionError:
            return self._stopped(_too_deep(self.limits, None))
        except ValueError as problem:
            return self._yaml_or_json_error(problem)
        positions = JsonPositions(self.text)
        document = Document(self.uri, value, positions)
        if _depth_exceeds(value, self.limits.max_depth):
            return self._stopped(_too_deep(self.limits, None))
        for name in repeated:
            self._repeated_key(name, positions.repeated(name))
        return document

    def _yaml_or_json_error(self, problem: ValueError) -> Document | None:
        before = self.problems
        self.problems = Problems()
        document = self.yaml()
        found, self.problems = self.problems, before
        if document is not None:
            self.problems.extend(found)
            return document
        if isinstance(problem, json.JSONDecodeError) and found.diagnostics[0].code == "yaml-syntax":
            return self._stopped(
                _Stop("json-syntax", f"this is no JSON: {problem.msg}", (problem.lineno, problem.colno))
            )
        self.problems.extend(found)
        return None

    # ------------------------------------------------------------------ YAML

    def yaml(self) -> Document | None:
        """Read YAML 1.2 from the event stream."""
        try:
            value = self._from_events()
        except _Stop as stop:
            return self._stopped(stop)
        except yaml.MarkedYAMLError as problem:
            return self._stopped(_syntax_stop(problem, self.text))
        except yaml.YAMLError as problem:
            return self._stopped(_Stop("yaml-syntax", f"this is no YAML: {_one_line(str(problem))}", None))
        return Document(self.uri, value, YamlPositions(self.text))

    def _from_events(self) -> JsonValue:
        parser = yaml_parser(self.text)
        builder = _Builder(self)
        next_event = parser.get_event
        documents = 0
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                break
            if kind is yaml.DocumentStartEvent:
                documents += 1
                if documents == 2:
                    at = self._mark(event.start_mark)
                    self.problems.warn("second-document", "only the first YAML document of a file is read", at)
                    break
            elif kind is not yaml.StreamStartEvent and kind is not yaml.DocumentEndEvent:
                builder.take(event, kind)
        if not documents:
            raise _Stop("empty-document", "the document is empty", None, "an Arazzo document begins with arazzo: 1.0.1")
        return builder.root

    # ------------------------------------------------------------------ reporting

    def _stopped(self, stop: _Stop) -> Document | None:
        at = Location(self.uri)
        if stop.offset is not None:
            at = _fixed(self.uri, self.text, *stop.offset)
        self.problems.error(stop.code, stop.message, at, hint=stop.hint)
        return None

    def _mark(self, mark: Any) -> Location:
        return _fixed(self.uri, self.text, mark.line + 1, mark.column + 1)

    def repeated_key(self, key: str, first: Any, second: Any) -> None:
        """Report a key that stands twice in one mapping, naming both lines (semantics §1)."""
        places = [(mark.line + 1, mark.column + 1) for mark in (first, second)]
        self._repeated_key(key, places)

    def _repeated_key(self, key: str, places: list[tuple[int, int]]) -> None:
        lines = " and ".join(str(line) for line, _ in places[:2])
        message = f'the key "{key}" stands twice in one mapping (lines {lines}); the last one counts'
        at = _fixed(self.uri, self.text, *places[-1]) if places else Location(self.uri)
        related = (_fixed(self.uri, self.text, *places[0]),) if len(places) > 1 else ()
        diagnostic = Diagnostic(
            code="duplicate-key", severity=self.duplicates, message=message, at=at, hint="remove one", related=related
        )
        if self.duplicates is Severity.WARNING:
            self.problems.warn("duplicate-key", message, at, hint="remove one", related=related)
        else:
            self.problems.add(diagnostic)


class _Builder:
    """Builds the value from events with a stack of open collections; counts depth and nodes."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.root: JsonValue = None
        self.nodes = 0
        self.stack: list[list[Any]] = []  # [value, pending key or None, anchor, nodes before, key marks]
        self.anchors: dict[str, tuple[JsonValue, int, bool]] = {}

    def take(self, event: Any, kind: type) -> None:
        """Take in one node event."""
        self.nodes += 1
        if self.nodes > self.reader.limits.max_nodes:
            raise _too_many(self.reader.limits, event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._open([], event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        else:
            self._close()

    def _scalar(self, event: Any) -> None:
        if self.stack and self.stack[-1][1] is None and type(self.stack[-1][0]) is dict:
            self._key(event)
            return
        try:
            if event.tag is None or event.tag == "!":
                value = plain_value(event.value) if event.implicit[0] else event.value
            else:
                value = tagged_value(event.tag, event.value)
        except NotJson as problem:
            mark = event.start_mark
            raise _Stop(problem.code, str(problem), (mark.line + 1, mark.column + 1), problem.hint) from None
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1, True)
        self._put(value)

    def _key(self, event: Any) -> None:
        """Every key is a string: an unquoted `200:` is "200" (semantics §1)."""
        top = self.stack[-1]
        key = event.value
        if key in top[0]:
            self.reader.repeated_key(key, top[4][key], event.start_mark)
        top[4][key] = event.start_mark
        top[1] = key
        if key == "<<" and event.implicit[0]:
            message = "YAML 1.2 has no merge keys; << is a key like any other"
            self.reader.problems.warn(
                "merge-key", message, self.reader._mark(event.start_mark), hint="write the keys out"
            )

    def _open(self, value: JsonValue, event: Any) -> None:
        mark = event.start_mark
        if len(self.stack) >= self.reader.limits.max_depth:
            raise _too_deep(self.reader.limits, (mark.line + 1, mark.column + 1))
        if self.stack and self.stack[-1][1] is None and type(self.stack[-1][0]) is dict:
            place = (mark.line + 1, mark.column + 1)
            raise _Stop("unusable-key", "a mapping or list cannot be a key", place, "keys are texts")
        if event.tag is not None and event.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "!"):
            raise _Stop("unsupported-tag", f"the tag {event.tag} is not supported", (mark.line + 1, mark.column + 1))
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 0, False)
        self._put(value)
        self.stack.append([value, None, event.anchor, self.nodes, {}])

    def _close(self) -> None:
        self.nodes -= 1
        value, _, anchor, before, _ = self.stack.pop()
        if anchor is not None:
            self.anchors[anchor] = (value, self.nodes - before + 1, True)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        place = (mark.line + 1, mark.column + 1)
        known = self.anchors.get(event.anchor)
        if known is None:
            raise _Stop("yaml-syntax", f"the alias *{event.anchor} has no anchor", place)
        value, size, complete = known
        if not complete:
            raise _Stop("alias-expansion", f"the alias *{event.anchor} stands inside its own anchor", place)
        self.nodes += size
        if self.nodes > self.reader.limits.max_nodes:
            raise _too_many(self.reader.limits, event)
        if self.stack and self.stack[-1][1] is None and type(self.stack[-1][0]) is dict:
            if not isinstance(value, str):
                raise _Stop("unusable-key", "an alias that is no text cannot be a key", place)
            self.stack[-1][1] = value
            return
        self._put(value)

    def _put(self, value: JsonValue) -> None:
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if type(top[0]) is dict:
            top[0][top[1]] = value
            top[1] = None
        else:
            top[0].append(value)


def yaml_parser(text: str) -> Any:
    """Return libyaml's event parser, or the pure-Python one where the C part is missing."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)


# ------------------------------------------------------------------ text


_CONTROLS: Final = bytes([*range(9), 11, 12, *range(14, 32), 127])


def _decoded(data: bytes, uri: str, problems: Problems) -> str | None:
    """Decode UTF-8 (a BOM is accepted); anything else is one clear error."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        problems.error("not-utf8", "the document is UTF-16", Location(uri), hint="save it as UTF-8")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8", "replace")
        line = before.count("\n") + 1
        message = f"the document is not UTF-8: byte {data[problem.start]:#04x} in line {line}"
        problems.error("not-utf8", message, Location(uri), hint="save it as UTF-8")
        return None
    if len(data.translate(None, _CONTROLS)) != len(data):
        place = min(data.index(control) for control in _CONTROLS if control in data)
        line = data.count(b"\n", 0, place) + 1
        message = f"the document has a control character U+{data[place]:04X} in line {line}; is it a text file?"
        problems.error("not-text", message, Location(uri))
        return None
    if not text.strip():
        hint = "an Arazzo document begins with arazzo: 1.0.1"
        problems.error("empty-document", "the document is empty", Location(uri), hint=hint)
        return None
    return text


def _fixed(uri: str, text: str, line: int, column: int) -> Location:
    return Location(uri, "", TextPositions(text, (line, column)))


def _syntax_stop(problem: yaml.MarkedYAMLError, text: str) -> _Stop:
    mark = problem.problem_mark or problem.context_mark
    place = None if mark is None else (mark.line + 1, mark.column + 1)
    what = _one_line(problem.problem or "it cannot be read")
    if problem.context:
        what = f"{_one_line(problem.context)}, {what}"
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    hint = None
    if line.lstrip(" ").startswith("\t") or "'\\t'" in what:
        hint = "indent with spaces; YAML allows no tabs there"
    elif "mapping values are not allowed" in what:
        hint = 'put a text that holds ": " in quotes'
    elif "found character" in what and "start any token" in what:
        hint = "put the text in quotes"
    return _Stop("yaml-syntax", f"this is no YAML: {what}", place, hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _too_deep(limits: Limits, place: tuple[int, int] | None) -> _Stop:
    message = f"the document is nested deeper than {limits.max_depth}"
    return _Stop("document-too-deep", message, place, "raise --max-document-depth if you trust it")


def _too_many(limits: Limits, event: Any) -> _Stop:
    mark = event.start_mark
    message = f"the document has more than {limits.max_nodes:,} nodes once its aliases are expanded"
    return _Stop("alias-expansion", message, (mark.line + 1, mark.column + 1))


def _depth_exceeds(value: JsonValue, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [item for each in level for item in _children(each)]
        if not level:
            return False
    return True


def _children(value: JsonValue) -> Iterator[JsonValue]:
    items: Any = value.values() if type(value) is dict else value if type(value) is list else ()
    return (item for item in items if type(item) is dict or type(item) is list)


def _refuse_constant(name: str) -> JsonValue:
    raise _Stop("not-json", f"{name} is no JSON number", None, "JSON has no NaN or Infinity")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Building a large document makes no garbage, only work for the collector (a third of the time)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
