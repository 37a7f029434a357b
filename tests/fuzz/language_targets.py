"""The targets for the query languages one by one: what they select, not only that they end."""

from __future__ import annotations

import json
from collections.abc import Callable

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.expressions.queries.query import GOESSNER, compile_query, select
from arazzo_runner.expressions.queries.regex import compile_regex, translate
from arazzo_runner.sources.schema.check import schema_errors
from tests.fuzz.syntax import Syntax

BODY: JsonValue = {
    "a": 1, "name": "Rex", "items": [{"id": 1, "tags": ["x", "y"]}, {"id": "2", "tags": []}], "nested": {"b": None, "c": True},
    "": [[], {}, 0.5, "\ud800", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"],
}  # fmt: skip
SUBJECT = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! ab\n😀\u2028-1"


def jsonpath(data: bytes) -> None:
    """A JSONPath, in RFC 9535 and in Goessner's draft: the selected nodes are in the value."""
    text = (
        data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
        if _decodes(data)
        else data.decode("latin-1")
    )
    for version in (None, GOESSNER):
        with Syntax(text):
            query = compile_query(text, "jsonpath", version)
            selection = select(query, BODY, timeout=0.2)
            known = _parts(BODY)
            assert selection.type == "boolean" or all(id(value) in known for value in selection.values)
            assert selection.values == select(query, BODY, timeout=0.2).values


def regex(data: bytes) -> None:
    """A pattern and, after its first line, a subject: the match is in it, and both engines agree."""
    pattern, _, given = data.decode("utf-8", "replace").partition("\n")
    for subject in (given, SUBJECT):
        with Syntax(pattern):
            compiled = compile_regex(pattern)
            found = compile_query(pattern, "regex").compiled
            assert compiled == found
            selection = select(compile_query(pattern, "regex"), subject, timeout=0.2)
            assert all(value in subject for value in selection.values)
            if not pattern.startswith("/"):
                translate(pattern)


def pattern(data: bytes) -> None:
    """A pattern of a JSON Schema: the same verdict as a pattern and as a name of patternProperties."""
    text, _, subject = data.decode("utf-8", "replace").partition("\n")
    is_misfit = bool(schema_errors(subject, {"pattern": text}))
    named = schema_errors({subject: 1}, {"patternProperties": {text: False}})
    if not any(error.is_about_schema for error in named):
        assert bool(named) is not is_misfit, (text, subject)
    for error in schema_errors(subject, {"pattern": text, "maxLength": 3, "enum": ["a"]}):
        assert error.message
        json.dumps(error.message)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _parts(value: JsonValue) -> set[int]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {id(value)}.union(*map(_parts, inner))


LANGUAGES: dict[str, Callable[[bytes], None]] = {"jsonpath": jsonpath, "regex": regex, "pattern": pattern}
