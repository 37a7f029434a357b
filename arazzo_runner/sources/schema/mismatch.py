"""The result of a schema check, a SchemaError with its sentence, and the bounded work of checks (Follower)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, pointer_tokens, preview, to_json, type_name
from arazzo_runner.base.records import PartlyComparedRecord
from arazzo_runner.base.secrets import is_secret_name
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.budget import TooMuchWork
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.context import SchemaContext

BROKEN_SCHEMA: Final = ("$schema", "$ref", "$work")
"""The keywords of a SchemaError about the schema instead of the value."""
PATTERN_SECONDS: Final = 1.0
ALL_PATTERNS_SECONDS: Final = 2.0
FIRST_STEPS: Final = 10_000
STEPS_A_MEMBER: Final = 40
MAX_STEPS: Final = 400_000
MAX_MEMBERS: Final = 1_000_000


class SchemaError(PartlyComparedRecord):
    """A mismatch between value and schema: its JSON Pointer in the value, a sentence and the keyword.

    An unusable schema gives one error whose keyword is in BROKEN_SCHEMA: `$schema` (invalid), `$ref`
    (cannot be followed), `$work` (the check would take too long).
    """

    _hidden_in_repr = ("text",)
    _ignored_in_eq = ("text",)

    pointer: str
    text: str | Callable[[], str]
    keyword: str

    @property
    def message(self) -> str:
        """The sentence; it is made on demand, since most mismatches belong to branches of anyOf not taken."""
        return self.text if isinstance(self.text, str) else self.text()

    @property
    def asks_for_text(self) -> bool:
        """Whether the value has another type than text, which the schema asks for: a file could be meant."""
        return self.keyword == "type" and "string" in self.message.rpartition(" must be ")[2].partition(",")[0]

    @property
    def is_about_schema(self) -> bool:
        """Whether the schema is invalid, so that the value was not checked."""
        return self.keyword in BROKEN_SCHEMA


class UnusableSchema(Exception):
    """A check cannot continue: the schema is invalid, a reference cannot be followed, or it takes too long."""

    def __init__(self, keyword: str, message: str) -> None:
        super().__init__(message)
        self.error = SchemaError("", message, keyword)


class Follower:
    """Follows the `$ref`s of one check within a budget of work, since schemas may be recursive."""

    def __init__(self, context: SchemaContext) -> None:
        self._resolve = context.resolve
        self._left = FIRST_STEPS
        self._unearned = MAX_STEPS
        self._members = MAX_MEMBERS
        self._seconds = ALL_PATTERNS_SECONDS
        self._followed: dict[tuple[str, str], tuple[JsonValue, str]] = {}

    def step(self, count: int = 1) -> None:
        """Count steps; raises UnusableSchema when there are too many."""
        self._left -= count
        if self._left < 0:
            raise UnusableSchema("$work", "the schema refers to itself too often to be checked")

    def finds(self, pattern: str, text: str) -> bool:
        """Return whether a pattern matches in a text; an invalid one never does.

        Raises UnusableSchema when the patterns of the check take too long.
        """
        started = time.thread_time()
        found = pattern_found(pattern, text, min(PATTERN_SECONDS, self._seconds))
        self._seconds -= time.thread_time() - started
        if self._seconds < 0:
            raise UnusableSchema("$work", "the schema's patterns take too long to be searched for")
        return found

    def enter(self, members: int) -> None:
        """Count the members of a structure being checked; raises UnusableSchema when there are too many.

        Each member adds to the budget of steps, so that long lists can be checked.
        """
        self._members -= members
        earned = min(STEPS_A_MEMBER * members, self._unearned)
        self._unearned -= earned
        self._left += earned
        if self._members < 0:
            raise UnusableSchema("$work", "the value has too many members to be checked")

    def follow(self, reference: str, base: str) -> tuple[JsonValue, str]:
        """Return (schema, base) of a `$ref` with this base URI."""
        self.step()
        known = self._followed.get((reference, base))
        if known is None:
            known = self._followed[reference, base] = self._target(reference, base)
        return known

    def _target(self, reference: str, base: str) -> tuple[JsonValue, str]:
        if self._resolve is None:
            raise UnusableSchema("$ref", f"the schema's $ref {reference} points to nothing")
        try:
            found, base = self._resolve({"$ref": reference}, base)
        except ReferenceFailure as failure:
            raise UnusableSchema("$ref", f"the schema's {failure.message}") from None
        if not isinstance(found, (dict, bool)):
            raise UnusableSchema("$ref", f"the schema's $ref {reference} leads to no schema")
        return found, base


class FormatWatch:
    """The formats met in one check of a value: `asserts` makes a wrong one a mismatch.

    `has_failed` says whether any was wrong, in whatever branch of the schema, `unknown` which are not known.
    """

    def __init__(self, *, asserts: bool) -> None:
        self.asserts = asserts
        self.has_failed = False
        self.unknown: set[str] = set()

    def rejects(self, name: JsonValue, value: JsonValue) -> bool:
        """Return whether a value is a mismatch because of its format."""
        if not isinstance(name, str) or value is None or isinstance(value, bool):
            return False
        from arazzo_runner.sources.schema.formats import FORMATS  # lazily: few schemas have formats

        known = FORMATS.get(name)
        if known is None:
            self.unknown.add(name)
            return False
        if not isinstance(value, known.kinds) or known.fits(value):
            return False
        self.has_failed = True
        return self.asserts


def is_marked(schema: JsonValue, keyword: str, follower: Follower, base: str, depth: int = 0) -> bool:
    """Return whether a property's schema has readOnly or writeOnly: itself, in its `$ref` or in its allOf."""
    if not isinstance(schema, dict) or depth > 8:
        return False
    if schema.get(keyword) is True:
        return True
    if isinstance(schema.get("$ref"), str):
        target, place = follower.follow(schema["$ref"], base)
        if is_marked(target, keyword, follower, place, depth + 1):
            return True
    parts = schema.get("allOf")
    return isinstance(parts, list) and any(is_marked(part, keyword, follower, base, depth + 1) for part in parts)


# ------------------------------------------------------------------ patterns


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    from arazzo_runner.expressions.queries.regex import compile_regex  # lazily: few schemas have patterns

    try:
        return compile_regex(pattern)
    except ExpressionSyntaxError:
        return None


def pattern_found(pattern: str, text: str, seconds: float = PATTERN_SECONDS) -> bool:
    """Return whether a pattern is found in a text within some seconds; an invalid one never is."""
    compiled = _compiled(pattern)
    try:
        return compiled is not None and compiled.search(text, seconds) is not None
    except TooMuchWork:
        return False


def is_multiple(value: int | float, divisor: int | float) -> bool:
    """Return whether a number is a multiple of another, in decimal arithmetic.

    >>> is_multiple(0.3, 0.1), is_multiple(7, 2)
    (True, False)
    """
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    from fractions import Fraction  # lazily: few schemas need it

    try:
        one, other = (Fraction(each if isinstance(each, int) else str(each)) for each in (value, divisor))
    except ValueError:  # infinity or NaN, which YAML and Python have
        return False
    return (one / other).denominator == 1


# ------------------------------------------------------------------ sentences


def named(pointer: str) -> str:
    """Return the name of the value at a pointer for messages."""
    return '"' + ".".join(pointer_tokens(pointer)) + '"' if pointer else "the value"


def shown(value: JsonValue, pointer: str) -> str:
    """Return a value for messages: its type, and the value itself if it is short and not secret."""
    kind = type_name(value)
    is_secret = any(is_secret_name(token) for token in pointer_tokens(pointer))
    if is_secret or isinstance(value, (dict, list)) or value is None:
        return kind
    # Texts are shown whole or not at all: part of a secret would not be recognised and masked.
    text = to_json(value)
    return f"{kind} {text}" if len(text) <= 60 else f"{kind} of {len(text)} characters"


def listed(values: Any) -> str:
    """Return the first dozen values for messages."""
    return ", ".join(preview(each, 40) for each in values[:12])


def mismatch(keyword: str, limit: Any, value: JsonValue, pointer: str) -> SchemaError:
    """Return the SchemaError of a keyword that a value does not satisfy."""
    return SchemaError(pointer, lambda: f"{named(pointer)} {_sentence(keyword, limit, value, pointer)}", keyword)


_LENGTHS: Final = {
    "minLength": "at least {} characters", "maxLength": "at most {} characters",
    "minItems": "at least {} items", "maxItems": "at most {} items",
    "minProperties": "at least {} members", "maxProperties": "at most {} members",
}  # fmt: skip
_LIMITS: Final = {"minimum": "at least", "maximum": "at most",
                  "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}  # fmt: skip


def _sentence(keyword: str, limit: Any, value: JsonValue, pointer: str) -> str:
    found = f"found {shown(value, pointer)}"
    if keyword == "type":
        return f"must be {' or '.join(map(str, limit)) if isinstance(limit, list) else limit}, {found}"
    if keyword == "enum":
        return f"must be one of {listed(limit)}, {found}"
    if keyword == "const":
        return f"must be {preview(limit, 40)}, {found}"
    if keyword == "required":
        return f'lacks "{limit}", which is required'
    if keyword == "additionalProperties":
        return f'must not have "{limit}"'
    if keyword in _LENGTHS:
        return f"must have {_LENGTHS[keyword].format(limit)}, found {len(value)}"
    if keyword in _LIMITS:
        return f"must be {_LIMITS[keyword]} {preview(limit)}, {found}"
    if keyword == "format":
        from arazzo_runner.sources.schema.formats import described  # lazily: few schemas have formats

        return f"must be {described(limit)}, {found}"
    if keyword == "pattern":
        return f"must match {limit}, {found}"
    if keyword == "multipleOf":
        return f"must be a multiple of {preview(limit)}, {found}"
    return _SENTENCES.get(keyword) or f"does not fit {keyword} {preview(limit, 60)}, {found}"


_SENTENCES: Final = {
    "false": "is not allowed",
    "not": "must not fit what `not` forbids",
    "uniqueItems": "must not have an item twice",
    "readOnly": "is readOnly: only answers have it",
    "writeOnly": "is writeOnly: only requests have it",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "must fit exactly one of the allowed forms",
}
