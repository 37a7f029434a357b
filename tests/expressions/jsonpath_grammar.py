"""JSONPath queries of RFC 9535 and values for them, drawn by hypothesis; and what the library jsonpath-rfc9535 makes of both."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st
from jsonpath_rfc9535 import JSONPathEnvironment
from jsonpath_rfc9535.exceptions import JSONPathError

LIBRARY = JSONPathEnvironment()
# Where the library is wrong: it accepts a negation of what is no test, two integers in a row and a comma after the last argument, and refuses 0e5. Where
# we are stricter: a number is not infinite.
DIFFERENT = re.compile(r"!\s*[!'\"0-9tfn-]|[=<>]\s*!|[0-9]\s+-?[0-9]|[0-9]-[0-9]|0[eE]|[eE]\+?[0-9]{3}|,\s*\)")


blanks = st.sampled_from(["", "", "", " ", "\n\t", "\r"])
names = st.sampled_from(["a", "b", "é", "_x1", "length", "😀"])
strings = st.tuples(
    st.sampled_from("'\""), st.lists(st.sampled_from(["a", " ", "\\n", "\\\\", "\\Q", "é", "\\u00e9", "\\ud83d\\ude00", "\\/"]))
).map(lambda drawn: drawn[0] + "".join(drawn[1]).replace("Q", drawn[0]) + drawn[0])  # fmt: skip
integers = st.sampled_from(["0", "1", "-1", "2", "-2", "9007199254740991", "-9007199254740991"])
numbers = st.sampled_from(["0", "-0", "1", "-1", "1.5", "1e2", "1E-2", "-1.5e+1", "0.0", "9007199254740993"])
literals = st.one_of(strings, numbers, st.sampled_from(["true", "false", "null"]))


def _spaced(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    """Join parts with blanks between them."""
    drawn: list[st.SearchStrategy[str]] = []
    for part in parts:
        drawn += [blanks, st.just(part) if isinstance(part, str) else part]
    return st.tuples(*drawn[1:]).map("".join)


def _bracket(*selectors: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*selectors), min_size=1, max_size=3).flatmap(
        lambda inner: _spaced("[", ", ".join(inner), "]")
    )


slices = st.tuples(
    st.one_of(st.just(""), integers), blanks, st.just(":"), blanks, st.one_of(st.just(""), integers),
    st.one_of(st.just(""), integers.map(" :{}".format), st.just(": ")),
).map("".join)  # fmt: skip
singular_segments = st.one_of(names.map(".{}".format), _spaced("[", st.one_of(strings, integers), "]"))
plain_segments = st.one_of(
    singular_segments, st.sampled_from([".*", "..*", "[*]"]), names.map("..{}".format), _bracket(slices)
)


def _path(roots: list[str], segments: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    steps = st.lists(st.tuples(blanks, segments).map("".join), min_size=least, max_size=3)
    return st.tuples(st.sampled_from(roots), steps.map("".join)).map("".join)


def _tests() -> st.SearchStrategy[str]:
    test: st.SearchStrategy[str] = st.deferred(lambda: tests)
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    # The library reads no second selector beside a filter inside of a filter, takes `@` alone for its value where it is
    # a test or nodes, and `$` in a filter inside of a filter for what that is applied to.
    inner = st.one_of(_path(["@"], plain_segments, 1), _spaced(_path(["@"], singular_segments), operators, literals))
    segments = st.one_of(plain_segments, plain_segments, _spaced("[", "?", inner, "]"))
    nodes = _path(["@", "$"], segments, 1)
    value: st.SearchStrategy[str] = st.deferred(lambda: values)
    values = st.one_of(
        literals,
        _path(["@", "@", "$"], singular_segments),
        _spaced("length(", value, ")"),
        _spaced("count(", nodes, ")"),
        _spaced("value(", nodes, ")"),
    )
    patterns = st.one_of(value, st.sampled_from(["'a.'", "'[ab]*'", "'\\\\p{L}'", "'('"]))
    call = _spaced(st.sampled_from(["match(", "search("]), value, ",", patterns, ")")
    compared = _spaced(value, operators, value)
    return st.one_of(
        nodes,
        compared,
        compared,
        call,
        _spaced("!", st.one_of(nodes, call)),
        _spaced("(", test, ")"),
        _spaced("!", "(", test, ")"),
        _spaced(test, st.sampled_from(["&&", "||"]), test),
    )


tests = _tests()
queries = _path(
    ["$"],
    st.one_of(
        plain_segments,
        _bracket(strings, integers, st.just("*"), slices, tests.map("?{}".format)),
        _bracket(strings, tests.map("? {}".format)).map("..{}".format),
    ),
)
FRAGMENTS = ("", "$", "@", ".", "..", "*", "[", "]", "(", ")", "?", "!", "==", "=", "<", "&&", "|", ",", ":", "-", "+", "01",
             "e5", "a", "length(", "count(", "match(", "value(", "'", '"', "'x'", "null", " ", "\\", "\\u00", "\\ud800", "\x01")  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a query with a few characters replaced."""
    text = draw(queries)
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(st.sampled_from(FRAGMENTS)) + text[start + draw(st.integers(0, 2)) :]
    return text


documents = st.recursive(
    st.sampled_from([None, True, False, 0, 1, -1, 1.5, 100, "", "a", "ab", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def library_accepts(text: str) -> bool:
    """Return whether the library takes a text for a query."""
    try:
        LIBRARY.compile(text)
    except JSONPathError:
        return False
    return True


def library_values(text: str, document: Any) -> list[object]:
    """Return the values that the library selects."""
    return list(LIBRARY.find(text, document).values())
