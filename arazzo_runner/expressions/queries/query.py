"""Compiling queries: what selectors.py stands in front of, imported when first needed, each language by itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from arazzo_runner.base.records import Record, replace
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.expressions.selectors import Query

if TYPE_CHECKING:
    from arazzo_runner.expressions.queries.jsonpath_nodes import Path, Test
    from arazzo_runner.expressions.queries.regex import Regex
    from arazzo_runner.expressions.queries.xpath import XPath

MAX_LENGTH = 65_536
GOESSNER = "draft-goessner-dispatch-jsonpath-00"
DEFAULT_VERSIONS = {"jsonpath": "rfc9535", "xpath": "xpath-31", "jsonpointer": "rfc6901", "regex": "ecma-262"}
KNOWN_VERSIONS = {
    "jsonpath": ("rfc9535", GOESSNER),
    "xpath": ("xpath-31", "xpath-30", "xpath-20", "xpath-10"),
    "jsonpointer": ("rfc6901",),
    "regex": ("ecma-262",),
}


class Pointer(Record):
    """A JSON Pointer (RFC 6901)."""

    pointer: str


Compiled: TypeAlias = "Path | Test | XPath | Regex | Pointer"


@functools.lru_cache(maxsize=1024)
def compile_query(text: str, kind: str, version: str | None = None) -> Query:
    """Compile a query of `kind` jsonpath, xpath, jsonpointer or regex.

    `version` is one of Arazzo 1.1 §Expression Type Object, None for the kind's default.
    Raises ExpressionSyntaxError with the offset of what does not fit.
    """
    if kind not in KNOWN_VERSIONS:
        raise ExpressionSyntaxError(f'"{kind}" is no query language', hint=f"use one of {', '.join(KNOWN_VERSIONS)}")
    version = DEFAULT_VERSIONS[kind] if version is None else version
    if version not in KNOWN_VERSIONS[kind]:
        hint = f"use one of {', '.join(KNOWN_VERSIONS[kind])}"
        raise ExpressionSyntaxError(f'"{version}" is no known version of {kind}', hint=hint)
    if len(text) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"the query is longer than {MAX_LENGTH} characters")
    try:
        compiled, slips = _compile(text, kind, version)
    except RecursionError:
        raise ExpressionSyntaxError("the query is nested too deeply") from None
    return Query(text, kind, version, compiled, slips)


def _compile(text: str, kind: str, version: str) -> tuple[Compiled, tuple[Slip, ...]]:
    if kind == "xpath":
        from arazzo_runner.expressions.queries.xpath import VERSIONS, compile_xpath

        return compile_xpath(text, VERSIONS[version]), ()
    if kind == "regex":
        from arazzo_runner.expressions.queries.regex import compile_regex

        compiled = compile_regex(text)
        return compiled, compiled.slips
    return _pointer(text) if kind == "jsonpointer" else _jsonpath(text, version)


def _jsonpath(text: str, version: str) -> tuple[Path | Test, tuple[Slip, ...]]:
    parse_path = _parser(version)
    try:
        path = parse_path(text)
    except ExpressionSyntaxError as problem:
        from arazzo_runner.expressions.queries.jsonpath_comparison import parse_comparison

        compared = parse_comparison(text, parse_path)
        if compared is not None:
            test, found = compared
            # Its canonical form is RFC 9535's; under Goessner's draft there is none to be written.
            return test, (found if version != GOESSNER else replace(found, span=(0, 0)),)
        if version == GOESSNER and (standard := _standard(text)) is not None:
            return standard
        if text.startswith("#/"):
            name = text[2:].split(" ")[0].replace("/", ".")
            raise ExpressionSyntaxError(problem.message, 0, 2, f"write $[?$.{name} == …]") from None
        raise
    if version == GOESSNER:
        return path, ()
    from arazzo_runner.expressions.queries.jsonpath import passes_anything

    slip = passes_anything(path)
    return path, () if slip is None else (slip,)


def _parser(version: str) -> Callable[[str], Path]:
    if version == GOESSNER:
        from arazzo_runner.expressions.queries.goessner import parse_goessner

        return parse_goessner
    from arazzo_runner.expressions.queries.jsonpath import parse_jsonpath

    return parse_jsonpath


def _standard(text: str) -> tuple[Path | Test, tuple[Slip, ...]] | None:
    """Read as RFC 9535 what was announced as Goessner's draft and is none; None when it is neither.

    The example of a well-known tool is written so.
    """
    try:
        path, slips = _jsonpath(text, DEFAULT_VERSIONS["jsonpath"])
    except ExpressionSyntaxError:
        return None
    message = f"this is RFC 9535, and no JSONPath of {GOESSNER}"
    return path, (Slip("jsonpath-version", message, 0, len(text), "type: jsonpath"), *slips)


def _pointer(text: str) -> tuple[Pointer, tuple[Slip, ...]]:
    pointer = text
    slips: tuple[Slip, ...] = ()
    if text.startswith("#"):
        from urllib.parse import unquote

        pointer = unquote(text[1:])
        message = "a JSON Pointer has no # (that is its form in a URI)"
        slips = (Slip("pointer-fragment", message, 0, 1, pointer, (0, len(text))),)
    if pointer and not pointer.startswith("/"):
        raise ExpressionSyntaxError("a JSON Pointer begins with /", hint=f"write /{text}")
    place = pointer.find("~")
    while place >= 0:
        if pointer[place + 1 : place + 2] not in ("0", "1"):
            raise ExpressionSyntaxError('"~" stands for nothing here', place, 1, "write ~0 for ~, ~1 for /")
        place = pointer.find("~", place + 1)
    return Pointer(pointer), slips
