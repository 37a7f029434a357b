"""YAML text → value: its scalars, and a builder over libyaml's events that counts depth and nodes as it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml

from arazzo_runner.base.json_values import JsonValue, escaped, preview
from arazzo_runner.document.reading import Reading, Unreadable, too_deep, too_many_nodes

# ---- Values of YAML scalars: the YAML 1.2 core schema, as far as JSON has such values (semantics §1).

_CONSTANTS: Final[dict[str, JsonValue]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_START: Final = frozenset("0123456789+-.")
_NUMBER: Final = frozenset("0123456789+-.eE")
_NOT_FINITE: Final = frozenset({".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})
_BASES: Final = {"0o": (8, frozenset("01234567")), "0x": (16, frozenset("0123456789abcdefABCDEF"))}
_YAML_TAGS: Final = "tag:yaml.org,2002:"
_MAX_DIGITS: Final = 4300


class NotJson(ValueError):
    """A scalar with a value that JSON does not have; `hint` is what to write."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def plain_value(text: str) -> JsonValue:
    """Return the value of an unquoted scalar: null, a boolean, a number or a text (YAML 1.2.2 §10.3.2).

    `yes`, `on`, `12:30`, `2024-01-01` and `1_000` are texts; `017` is seventeen.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_START:
        return text
    digits = text[1:] if text[0] in "+-" else text
    if digits.isascii() and digits.isdigit():
        return _integer(text, 10)
    if _NUMBER.issuperset(text):
        return _float_or_text(text)
    base = _BASES.get(text[:2])
    if base is not None and len(text) > 2 and base[1].issuperset(text[2:]):
        return _integer(text[2:], base[0])
    if digits in _NOT_FINITE:
        raise NotJson("not-json", f"{text} is not a JSON number", "write it as text, in quotes")
    return text


def tagged_value(tag: str, text: str) -> JsonValue:
    """Return the value of a scalar with an explicit tag, which must be one of JSON's types."""
    name = tag.removeprefix(_YAML_TAGS)
    if name == "str":
        return text
    if name in ("null", "bool", "int", "float"):
        value = plain_value(text)
        kinds: dict[str, Any] = {"null": type(None), "bool": bool, "int": int, "float": (int, float)}
        if isinstance(value, kinds[name]) and not (name in ("int", "float") and isinstance(value, bool)):
            return float(value) if name == "float" else value
        raise NotJson(
            "unsupported-tag", f"{preview(text)} is no {name}", f"write a value of that type, or remove !!{name}"
        )
    raise NotJson(
        "unsupported-tag",
        f"the tag {short_tag(tag)} is not supported",
        "use plain texts, numbers, true, false and null; a text that begins with ! needs quotes",
    )


def short_tag(tag: str) -> str:
    """Return a tag as authors write it: `!!binary`."""
    short = "!!" + tag.removeprefix(_YAML_TAGS) if tag.startswith(_YAML_TAGS) else tag
    return short if len(short) <= 60 else short[:59] + "…"


def _integer(text: str, base: int) -> int:
    # Python cannot write integers of more than 4300 decimal digits.
    if len(text) > (_MAX_DIGITS if base == 10 else _MAX_DIGITS * 5 // 6):
        raise NotJson("not-json", f"a number of {len(text)} digits is too long", "write it as text, in quotes")
    return int(text, base)


def _float_or_text(text: str) -> float | str:
    # For texts of these characters, Python's float syntax is that of YAML.
    try:
        value = float(text)
    except ValueError:
        return text
    if value in (float("inf"), float("-inf")):
        raise NotJson("not-json", f"{preview(text)[1:-1]} is too large for a number", "write it as text, in quotes")
    return value


# ---- YAML text → value.

_COLLECTION_TAGS: Final = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


def read_yaml(reading: Reading) -> JsonValue:
    """Return the value of the first YAML 1.2 document of a text; raises Unreadable."""
    try:
        return read_events(reading, event_parser(reading.text))
    except yaml.MarkedYAMLError as problem:
        from arazzo_runner.document.yaml_mistakes import syntax_error  # lazily: most documents have no mistakes

        raise syntax_error(problem, reading) from None
    except yaml.YAMLError as problem:
        raise Unreadable("yaml-syntax", f"this is not YAML: {' '.join(str(problem).split())}") from None
    except RecursionError:  # within the limits, but called from almost as many nested functions as Python allows
        message = "the document is nested too deep for a reader that is called this deep itself"
        raise Unreadable("document-too-deep", message, None, "call it from fewer nested functions") from None


def event_parser(text: str, *, pure: bool = False) -> Any:
    """Return libyaml's event parser, or the one in Python if `pure` or if libyaml is not installed.

    The one in Python refuses a tab after `key:`, which libyaml accepts.
    """
    if not pure:
        try:
            from yaml._yaml import CParser
        except ImportError:
            return yaml.SafeLoader(text)
        return CParser(text)
    return yaml.SafeLoader(text)


def read_events(reading: Reading, parser: Any) -> JsonValue:
    """Build the value of the first document from an event parser."""
    builder = _Builder(reading, parser.get_event)
    root: JsonValue = None
    documents = 0
    while True:
        event = parser.get_event()
        kind = type(event)
        if kind is yaml.StreamEndEvent:
            break
        if kind is yaml.DocumentStartEvent:
            documents += 1
            if documents == 2:
                reading.second_document(reading.place(*_place(event)))
                break
        elif kind is not yaml.StreamStartEvent and kind is not yaml.DocumentEndEvent:
            root = builder.root(event)
    if builder.braces:  # only now: behind a syntax error, quotes are missing around more
        from arazzo_runner.document.yaml_mistakes import report_braces  # lazily: most documents have no mistakes

        for text, start, end in builder.braces:
            report_braces(text, start, end, reading)
    if not documents:
        hint = "an Arazzo document begins with arazzo: 1.0.1"
        raise Unreadable("empty-document", "the document is empty", None, hint)
    return root


class _Anchored:
    """An anchored value with its number of nodes and nested levels; `nodes` is 0 while it is still open."""

    __slots__ = ("height", "nodes", "value")

    def __init__(self, value: JsonValue, nodes: int, height: int) -> None:
        self.value = value
        self.nodes = nodes
        self.height = height


class _Builder:
    """Builds the value from events by recursive descent: MOST_DEPTH is far below Python's limit of nested calls.

    Mappings and lists count their children; `height` is the number of nested levels of the value that `_node` returned
    last, and `path` holds the keys and indexes of the open collections. `braces` are the texts `{$inputs.x}` without
    quotes, with where they begin and end.
    """

    def __init__(self, reading: Reading, next_event: Callable[[], Any]) -> None:
        self.reading = reading
        self.next_event = next_event
        self.max_nodes = reading.limits.max_nodes
        self.nodes = 0
        self.height = 0
        self.path: list[str | int] = []
        self.anchors: dict[str, _Anchored] = {}
        self.aliases = False
        self.braces: list[tuple[str, Any, Any]] = []

    def root(self, event: Any) -> JsonValue:
        """Return the value that begins with an event."""
        self._count(1, event)
        return self._node(event, "")

    def _node(self, event: Any, token: str | int) -> JsonValue:
        """Return the value that begins with an event, at the key or index `token` of the collection around it."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self.height = 0
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            return self._alias(event).value
        self._check_start(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(None, 0, 0)
        before = self.nodes
        self.path.append(token)
        value = self._mapping(event) if kind is yaml.MappingStartEvent else self._list()
        self.path.pop()
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, self.nodes - before + 1, self.height)
        return value

    def _mapping(self, start: Any) -> JsonValue:
        value: dict[str, JsonValue] = {}
        marks: dict[str, Any] = {}
        height = 0
        next_event = self.next_event
        event = next_event()
        while type(event) is not yaml.MappingEndEvent:
            self._count(2, event)
            key = self._key(event)
            if key in marks:
                place = (marks[key].line + 1, marks[key].column + 1)
                self.reading.repeated_key(key, self._pointer(key), place, _place(event))
            else:
                marks[key] = event.start_mark
            event = next_event()
            if type(event) is yaml.ScalarEvent:
                value[key] = self._scalar(event)
            else:
                value[key] = self._node(event, key)
                height = max(height, self.height)
            event = next_event()
        self.height = height + 1
        if start.flow_style and len(value) == 1 and key[:1] == "$" and value[key] is None and self.reading.is_strict:
            text = f"{{{key}}}"
            self.braces.append((text, start.start_mark, event.end_mark))
            return text
        return value

    def _list(self) -> JsonValue:
        value: list[JsonValue] = []
        height = 0
        event = self.next_event()
        while type(event) is not yaml.SequenceEndEvent:
            self._count(1, event)
            value.append(self._node(event, len(value)))
            height = max(height, self.height)
            event = self.next_event()
        self.height = height + 1
        return value

    def _scalar(self, event: Any) -> JsonValue:
        try:
            if event.tag is None or event.tag == "!":
                value = plain_value(event.value) if event.implicit[0] else event.value
            else:
                value = tagged_value(event.tag, event.value)
        except NotJson as problem:
            raise Unreadable(problem.code, str(problem), _place(event), problem.hint) from None
        if event.anchor is not None:
            if value is None and not event.value and self.reading.is_strict:
                from arazzo_runner.document.yaml_mistakes import empty_anchor  # lazily, as above

                raise empty_anchor(event.anchor, _place(event))
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        return value

    def _key(self, event: Any) -> str:
        """Return the key of an event, always a string: an unquoted `200:` is "200" (semantics §1)."""
        if type(event) is not yaml.ScalarEvent:
            return self._unusual_key(event)
        key: str = event.value
        if event.tag is not None and event.tag != "!":
            try:
                tagged_value(event.tag, key)
            except NotJson as problem:
                raise Unreadable(problem.code, str(problem), _place(event), problem.hint) from None
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(key, 1, 0)
        if key == "<<" and event.implicit[0]:
            message = "YAML 1.2 has no merge keys; << is a key like any other"
            at = self.reading.place(*_place(event), self._pointer(key), 2)
            self.reading.problems.warn("merge-key", message, at, hint="write the keys out")
        return key

    def _unusual_key(self, event: Any) -> str:
        """Return the text of a key that is an alias."""
        if type(event) is not yaml.AliasEvent:
            self._check_start(event)
            hint = 'put a text that begins with { or [ in quotes, as "{…}"'
            raise Unreadable("unusable-key", "a mapping or list cannot be a key", _place(event), hint)
        known = self._alias(event)
        if not isinstance(known.value, str):
            message = "an alias of a value other than a text cannot be a key"
            raise Unreadable("unusable-key", message, _place(event), "write the key out, as text")
        return known.value

    def _check_start(self, event: Any) -> None:
        """Raise Unreadable if a mapping or list may not begin here."""
        if len(self.path) >= self.reading.limits.max_depth:
            raise too_deep(self.reading.limits, _place(event))
        if event.tag not in _COLLECTION_TAGS:
            message = f"the tag {short_tag(event.tag)} is not supported"
            raise Unreadable("unsupported-tag", message, _place(event), "leave the tag out")

    def _alias(self, event: Any) -> _Anchored:
        """Return the anchored value of an alias; all its nodes and levels count, because readers will walk them."""
        known = self.anchors.get(event.anchor)
        if known is None:
            anchor = event.anchor[:60]
            hint = f'write &{anchor} before the value it means; a text that begins with * needs quotes: "*{anchor}"'
            raise Unreadable("yaml-syntax", f"the alias *{event.anchor[:60]} has no anchor", _place(event), hint)
        if not known.nodes:
            message = f"the alias *{event.anchor[:60]} is inside its own anchor"
            raise Unreadable("alias-expansion", message, _place(event), "write the value out")
        self.aliases = True
        self._count(known.nodes - 1, event)  # the collection around it has counted one
        if len(self.path) + known.height > self.reading.limits.max_depth:
            raise too_deep(self.reading.limits, _place(event))
        self.height = known.height
        return known

    def _count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > self.max_nodes:
            raise too_many_nodes(self.reading.limits, _place(event), aliases=self.aliases)

    def _pointer(self, key: str) -> str:
        """Return the JSON Pointer of a key of the innermost collection."""
        return "".join("/" + escaped(str(token)) for token in [*self.path[1:], key])


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
