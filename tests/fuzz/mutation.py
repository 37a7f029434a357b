"""Mutations of seeds as a hypothesis strategy: what fails is made small before it is shown."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

Keys = tuple[str | int, ...]
CORPUS = Path(__file__).parents[2] / "fixtures" / "fuzz"

TOKENS = [
    b"$", b"{", b"}", b"[", b"]", b"(", b")", b"&a ", b"*a", b"<<: ", b"!!", b"!!python/object ", b"|\n", b">\n", b"? ", b": ", b"- ",
    b"\n", b"\r", b"\t", b"\0", b"\x7f", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xed\xa0\x80", b"%", b"#", b"#/",
    b"~0", b"~1", b"~2", b"/", b"//", b"..", b"?", b"@", b"'", b'"', b"\\", b"\\u0000", b"\\ud800", b"==", b"!=", b"&&", b"||", b"!",
    b"<", b">", b"$ref", b"$inputs.a", b"$response.body#/a", b"$steps.a.outputs.b", b"$statusCode", b"{$inputs.a}", b"$url", b"null",
    b"~", b"true", b"yes", b"on", b"0", b"-1", b"1e999", b"-0", b"0x1F", b"0o7", b"1_000", b"99999999999999999999", b"1.5", b"NaN",
    b".inf", b".nan", b"2001-01-01", b"{}", b"[]", b'""', b"<!DOCTYPE x>", b"&x;", b"<a>", b"</a>", b"(?=a)", b"(a+)+$", b"\\1", b"[[:",
    b"..*", b"[?", b"@.a", b"count(", b"length(", b"match(", b"x-a: b\n", b"type: ", b"retryAfter: ", b"{{", b"}}",
    "é".encode(), "İ".encode(), "²".encode(), "\U0001f600".encode(), "\u2028".encode(), "\u200b".encode(),
]  # fmt: skip

_PLACES = st.integers(0, 2**16)
_CHANGES = st.one_of(
    st.tuples(st.just("insert"), _PLACES, st.sampled_from(TOKENS) | st.binary(max_size=4)),
    st.tuples(st.just("replace"), _PLACES, st.sampled_from(TOKENS) | st.binary(min_size=1, max_size=2)),
    st.tuples(st.just("delete"), _PLACES, st.integers(1, 40)),
    st.tuples(st.just("double"), _PLACES, st.integers(1, 60)),
    st.tuples(st.just("repeat"), _PLACES, st.integers(2, 400)),
    st.tuples(st.just("cut"), _PLACES, st.none()),
)


ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "\0", "a\n::error::b", "$", "$inputs.a", "$steps.get.outputs.name", "{$url}",
    "$response.body#/a/b", "$sourceDescriptions.pets.url", "#/", "#/components/schemas/Pet", "pets.yml#/paths", "../../../etc/passwd",
    "http://127.0.0.1:9/x.yml", "application/json", "retry", "goto", "end", "get", "look", "s", "x" * 300, "\u202e", "\ud800", [], {},
    [[]], [None], [{}], {"": 1}, {"$ref": "#"}, {"$ref": "#/a~2"}, {"reference": "$components.parameters.limit"}, {"type": "object"},
    {"type": ["integer", "null"]}, {"a": {"b": [1, {"c": None}]}},
]  # fmt: skip
NAMES = ["$ref", "x-a", "", "type", "value", "in", "context", "condition", "criteria", "stepId", "workflowId", "operationId",
         "operationPath", "dependsOn", "reference", "payload", "target", "selector", "timeout", "retryAfter", "parameters",
         "$self", "servers", "security", "allOf", "get", "trace", "style", "content", "examples", "default", "enum", "a/b~c"]  # fmt: skip
_TREE_CHANGES = st.one_of(
    st.tuples(st.just("set"), _PLACES, st.sampled_from(ODD)),
    st.tuples(st.just("delete"), _PLACES, st.none()),
    st.tuples(st.just("add"), _PLACES, st.sampled_from(NAMES)),
    st.tuples(st.just("graft"), _PLACES, _PLACES),
)


def seeds(target: str) -> list[bytes]:
    """Return the seed corpus of a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def mutations(target: str, most: int = 6) -> st.SearchStrategy[bytes]:
    """Return a strategy for mutated seeds of a target: of its text and, for documents, of its values."""
    texts = st.builds(_mutated, st.sampled_from(seeds(target)), st.lists(_CHANGES, max_size=most))
    if target not in ("document", "openapi", "cassette"):
        return texts
    values = [yaml.safe_load(data) for data in seeds(target)]
    trees = st.builds(_changed, st.sampled_from(values), st.lists(_TREE_CHANGES, min_size=1, max_size=4))
    return st.one_of(trees, trees, texts)


def places(value: Any, path: Keys = ()) -> list[Keys]:
    """Return the path of every member and item of a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, item in items for each in ((*path, key), *places(item, (*path, key)))]


def _changed(value: Any, changes: list[tuple[str, int, Any]]) -> bytes:
    value = copy.deepcopy(value)
    for kind, place, what in changes:
        paths = places(value)
        if not paths:
            break
        *above, key = paths[place % len(paths)]
        holder = functools.reduce(lambda found, step: found[step], above, value)
        if kind == "set":
            holder[key] = copy.deepcopy(what)
        elif kind == "delete":
            del holder[key]
        elif kind == "add":
            if isinstance(holder, dict):
                holder[what] = copy.deepcopy(holder[key])
        else:
            other = paths[what % len(paths)]
            holder[key] = copy.deepcopy(functools.reduce(lambda found, step: found[step], other, value))
    return json.dumps(value).encode()


def _mutated(data: bytes, changes: list[tuple[str, int, object]]) -> bytes:
    for kind, place, what in changes:
        at = place % (len(data) + 1)
        if kind == "cut":
            data = data[:at]
        elif kind == "delete":
            data = data[:at] + data[at + int(str(what)) :]
        elif kind == "double":
            data = data[:at] + data[at : at + int(str(what))] * 2 + data[at + int(str(what)) :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + 1] * int(str(what)) + data[at:]
        else:
            assert isinstance(what, bytes)
            data = data[:at] + what + data[at + (len(what) if kind == "replace" else 0) :]
    return data
