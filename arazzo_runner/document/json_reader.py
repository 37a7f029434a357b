"""JSON text → value, by the standard library, and the positions in such a text."""

from __future__ import annotations

import json
import json.decoder
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import Entry, IndexBuilder, IndexedPositions, OpenCollection, TextPositions
from arazzo_runner.document.reading import MOST_REPEATS, Reading, Unreadable, too_deep
from arazzo_runner.errors import Span

_KEY_ENDS: Final = pattern(r'"[ \t\r\n]*:')
_SPACED_END: Final = pattern(r'"[ \t\r\n]+:')
_STRUCTURES: Final = frozenset((dict, list))
_SYNTAX_HINTS: Final = (
    ("Expecting ',' delimiter", "put a comma between two members and between two items"),
    ("Expecting ':' delimiter", "put a colon after the name"),
    ("Expecting property name", "put the name in double quotes; no comma may come before }"),
    ("Illegal trailing comma", "remove the comma after the last one"),
    ("Expecting value", "write a value, texts in double quotes; no comma may come before ]"),
    ("Unterminated string", "close the double quotes"),
    ("Invalid control character", "write a line break in a text as \\n, a tab as \\t"),
    ("escape", "write a backslash as \\\\"),
    ("Extra data", "remove what follows the value"),
)


class NotJsonText(Unreadable):
    """The text is not JSON; it may be YAML in flow style."""


def read_json(reading: Reading) -> JsonValue:
    """Return the value of a JSON text (RFC 8259); raises NotJsonText if it is invalid, Unreadable if refused."""
    value = _loaded(reading)
    keys = count_keys(value, reading.limits.max_depth)
    if keys is None:
        raise _too_deep(reading)
    if "\\ud" in reading.text or "\\uD" in reading.text:
        _refuse_half_pairs(value)
    # Each key has a quote before its colon: if there are no more of these than keys, none is repeated.
    if _key_ends(reading.text) != keys:
        _report_repeats(reading)
    return value


def _key_ends(text: str) -> int:
    # Blanks before a colon are rare; counting `":"` is much faster than a regular expression that allows them.
    return len(_KEY_ENDS.findall(text)) if _SPACED_END.search(text) else text.count('":')


def _loaded(reading: Reading) -> JsonValue:
    text = reading.text
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_float)
    except RecursionError:
        raise _too_deep(reading) from None
    except json.JSONDecodeError as problem:
        place = (problem.lineno, problem.colno)
        hint = next((hint for part, hint in _SYNTAX_HINTS if part in problem.msg), None)
        raise NotJsonText("json-syntax", f"this is not JSON: {problem.msg}", place, hint) from None
    except _NotJsonNumber as problem:
        number = problem.number
        message = f"{number if len(number) < 40 else number[:40] + '…'} is not a JSON number"
        raise _refused(text, message, lambda token, _: token == number) from None
    except ValueError:  # Python's limit of 4300 digits
        raise _refused(text, "a number is too long", lambda token, _: len(token) > 4300 and token[0] != '"') from None


class _NotJsonNumber(Exception):
    """A number that is not JSON or does not fit into a double."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


def _refused(text: str, message: str, is_wanted: Callable[[str, int], bool]) -> Unreadable:
    return Unreadable("not-json", message, _place(text, is_wanted), "write it as text, in quotes")


def _too_deep(reading: Reading) -> Unreadable:
    limit = reading.limits.max_depth
    return too_deep(reading.limits, _place(reading.text, lambda _, depth: depth > limit))


def _place(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    # The standard library gives positions of syntax errors only, hence a second pass over the tokens.
    return token_position(text, is_wanted)


def _report_repeats(reading: Reading) -> None:
    # Repeated keys are rare; a second pass finds their positions.
    for key, pointer, first, second in json_index(reading.text, most_repeats=MOST_REPEATS).repeats:
        reading.repeated_key(key, pointer, (first.line, first.column), (second.line, second.column))
        if isinstance(reading.positions, JsonPositions):
            reading.positions.has_repeated_keys = True


def _refuse_half_pairs(value: JsonValue) -> None:
    """Refuse texts with half of a surrogate pair (RFC 8259 §8.2), which no output can encode."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        message = "a text has an unpaired surrogate"
        raise Unreadable("not-json", message, None, "write both halves, as \\ud83d\\ude00") from None


def _constant(name: str) -> JsonValue:
    raise _NotJsonNumber(name)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:  # infinite
        raise _NotJsonNumber(text)
    return value


def count_keys(value: JsonValue, limit: int) -> int | None:
    """Return the number of members of all objects in a value; None when it is nested deeper than `limit`."""
    found = 0
    level: list[Any] = [value] if type(value) in _STRUCTURES else []
    for _ in range(limit + 1):
        inside = []
        for each in level:
            if type(each) is dict:
                found += len(each)
                each = each.values()
            for item in each:
                if type(item) in _STRUCTURES:
                    inside.append(item)
        if not inside:
            return found
        level = inside
    return None


# ---- Positions in a JSON text: found one by one by reading no further than needed, or all at once.


class JsonPositions(IndexedPositions):
    """Positions in a JSON text: found one by one on demand, until `entries` asks for all."""

    has_repeated_keys = False
    _places: JsonEntries | None = None

    def _entry(self, pointer: str) -> Entry | None:
        if self._index is not None:
            return self._index.get(pointer)
        if self._places is None:
            self._places = JsonEntries(self.text, self.line_starts(), repeated=self.has_repeated_keys)
        return self._places.entry(pointer)

    def _indexed(self) -> Mapping[str, Entry]:
        return json_index(self.text).index


# ------------------------------------------------------------------ one by one

_BLANKS: Final[Any] = pattern(r"[ \t\r\n]*")
_COMMA: Final[Any] = pattern(r"[ \t\r\n]*,?[ \t\r\n]*")
_NEXT_KEY: Final = pattern(r'[ \t\r\n]*,?[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_COLON: Final[Any] = pattern(r"[ \t\r\n]*:[ \t\r\n]*")
_DECODER: Final[Any] = json.decoder  # scan_once is public, but missing in the type stubs
_SKIP: Final = _DECODER.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False).scan_once

_SKIPPED: Final = 2
"""Values at this depth and below are skipped without noting their members."""

_Member: TypeAlias = tuple[int, int]
"""Where a member's key (-1 for an item of an array) and its value begin."""


class _Structure:
    """An object or array, read as far as its members were asked for; `depth` is the depth of its members."""

    __slots__ = ("depth", "end", "is_object", "is_whole", "last", "members")

    def __init__(self, end: int, depth: int, *, is_object: bool) -> None:
        self.end = end  # where the part read so far ends, if `last` is -1
        self.depth = depth
        self.is_object = is_object
        self.is_whole = False
        self.last = -1  # where the last value read begins, while its end is unknown
        self.members: dict[str, _Member] = {}


class JsonEntries:
    """The positions of one valid JSON text; `starts` are the offsets of its lines.

    A text is read only up to the pointers asked for; one with `repeated` keys, of which the last
    counts, is read to the end of each object.
    """

    def __init__(self, text: str, starts: Sequence[int], *, repeated: bool = False) -> None:
        self._text = text
        self._starts = starts
        self._repeated = repeated
        self._structures: dict[int, _Structure | None] = {}
        self._members: dict[str, _Member | None] = {"": (-1, _BLANKS.match(text).end())}
        self._entries: dict[str, Entry | None] = {}

    def entry(self, pointer: str) -> Entry | None:
        """Return the entry of a JSON Pointer; None when it points nowhere."""
        if pointer not in self._entries:
            self._entries[pointer] = self._entry(pointer)
        return self._entries[pointer]

    def _entry(self, pointer: str) -> Entry | None:
        found = self._member(pointer)
        if found is None:
            return None
        key_start, start = found
        value, end = _SKIP(self._text, start)
        key = None if key_start < 0 else self._span(key_start, _SKIP(self._text, key_start)[1])
        text = value if isinstance(value, str) and self._text[start] == '"' else None
        return Entry(key, self._span(start, end), start, end, text)

    def _member(self, pointer: str) -> _Member | None:
        if pointer not in self._members:
            above, _, token = pointer.rpartition("/")
            parent = self._member(above)
            structure = None if parent is None else self._structure(parent[1], pointer.count("/"))
            if structure is not None and (self._repeated or token not in structure.members):
                self._read_to(structure, token)
            self._members[pointer] = None if structure is None else structure.members.get(token)
        return self._members[pointer]

    def _structure(self, start: int, depth: int) -> _Structure | None:
        """Return the object or array that begins at `start`; None for other values."""
        if start not in self._structures:
            kind = self._text[start]
            self._structures[start] = _Structure(start + 1, depth, is_object=kind == "{") if kind in "{[" else None
        return self._structures[start]

    def _read_to(self, structure: _Structure, token: str | None) -> None:
        """Read keys or items up to `token`, or to the end if that is None or keys are repeated."""
        text, members, last = self._text, structure.members, structure.last
        while not structure.is_whole:
            if last >= 0:
                structure.end = self._end_of(last, structure.depth)
            if structure.is_object and (found := _NEXT_KEY.match(text, structure.end)) is not None:
                name, start, last = escaped(found[1]), found.start(1) - 1, found.end()
            else:
                start = _COMMA.match(text, structure.end).end()
                if text[start] in "}]":
                    structure.is_whole, structure.end, last = True, start + 1, -1
                    break
                name, start, last = _odd_key(text, start) if structure.is_object else (str(len(members)), -1, start)
            members[name] = start, last
            if name == token and not self._repeated:
                break
        structure.last = last

    def _end_of(self, start: int, depth: int) -> int:
        """Return where a value ends; near the root its members are noted, since they are often asked for next."""
        if depth < _SKIPPED and (structure := self._structure(start, depth + 1)) is not None:
            self._read_to(structure, None)
            return structure.end
        end: int = _SKIP(self._text, start)[1]
        return end

    def _span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self._starts, start), bisect_right(self._starts, end - 1)
        return Span(line, start - self._starts[line - 1] + 1, end_line, end - self._starts[end_line - 1] + 1)


def _odd_key(text: str, start: int) -> tuple[str, int, int]:
    """Return a key with escapes, where it begins and where its value begins."""
    key, end = _SKIP(text, start)
    return escaped(key), start, _COLON.match(text, end).end()


# ------------------------------------------------------------------ all at once

_TOKEN: Final = pattern(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def json_index(text: str, *, most_repeats: int | None = None) -> IndexBuilder:
    """Index a valid JSON text; stop after `most_repeats` repeated keys."""
    walk = _TokenIndexBuilder(text)
    for match in _TOKEN.finditer(text):
        walk.take(match[0], match.start(), match.end())
        if most_repeats is not None and len(walk.repeats) >= most_repeats:
            break
    return walk


def token_position(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    """Return line and column of the first JSON token that `is_wanted`, given the token and its depth."""
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in ("{", "[")) - (match[0] in ("}", "]"))
        if is_wanted(match[0], depth):
            starts = TextPositions(text).line_starts()
            line = bisect_right(starts, match.start())
            return line, match.start() - starts[line - 1] + 1
    return None


class _TokenIndexBuilder(IndexBuilder):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.starts = TextPositions(text).line_starts()

    def take(self, token: str, start: int, end: int) -> None:
        if token in ("{", "["):
            pointer, key = self.child()
            self.stack.append(OpenCollection(pointer, key, token == "{", start, None))
        elif token in ("}", "]"):
            closed = self.stack.pop()
            self.index[closed.pointer] = Entry(closed.own_key, self.span(closed.start, end), closed.start, end, None)
        elif token not in (",", ":"):
            self._scalar(token, start, end)

    def _scalar(self, token: str, start: int, end: int) -> None:
        text = json.loads(token) if token[0] == '"' else None
        span = self.span(start, end)
        if self.top is not None and self.top.wants_key:
            self.add_key(self.top, text or "", span)
            return
        pointer, key = self.child()
        self.index[pointer] = Entry(key, span, start, end, text)

    def span(self, start: int, end: int) -> Span:
        line, end_line = bisect_right(self.starts, start), bisect_right(self.starts, end - 1)
        column, end_column = start - self.starts[line - 1] + 1, end - self.starts[end_line - 1] + 1
        return Span(line, column, end_line, end_column)
