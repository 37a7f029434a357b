"""What users write in a JSONPath condition and RFC 9535 reads differently, or not at all (semantics §4).

Comparisons outside a filter, such as `$.records.length > 0`, are tolerated; a filter that passes
any object, `$[?@.x != null]`, gets a warning.
"""

from __future__ import annotations

import json
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, ToleratedSyntax
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Count,
    Exists,
    Not,
    Operand,
    Path,
    ScriptLength,
    Test,
    ValueOf,
    operand_path,
    root_filter,
)
from arazzo_runner.expressions.queries.jsonpath_parser import JsonPathParser


def parse_comparison(text: str, *, goessner: bool = False) -> tuple[Test, ToleratedSyntax] | None:
    """Parse `PATH op VALUE` joined by `&&` and `||`; None when the text compares nothing.

    A value that is missing compares as null. Raises ExpressionSyntaxError for a text that
    compares but is not in the grammar.
    """
    if not any(sign in text for sign in "=<>"):
        return None
    parser = JsonPathParser(text, goessner=goessner, rules="absent-is-null")
    try:
        test = parser.test()
    except ExpressionSyntaxError:
        if parser.compared:
            raise
        return None
    if not parser.compared:
        return None
    message = "a bare comparison is not an RFC 9535 query"
    canonical = _canonical(test, parser.texts)
    if canonical is None:
        message += ", which cannot test the root itself"
    return test, ToleratedSyntax("jsonpath-comparison", message, 0, len(text), canonical)


def passes_anything(path: Path) -> ToleratedSyntax | None:
    """Return the warning for `$[?@.x != null]`, which passes for any object that has members.

    The filter looks at the members of the object, and the `x` of a member that has none is not null
    but Nothing, which differs from null (RFC 9535 §2.3.5.2.2).
    """
    test = root_filter(path)
    parts = test.tests if isinstance(test, AllOf) else (test,)
    present = [part.path for part in parts if isinstance(part, Exists)]
    for part in parts:
        if not isinstance(part, Compare) or part.operator != "!=":
            continue
        for one, other in ((part.left, part.right), (part.right, part.left)):
            tested = operand_path(one)
            if tested is None or tested.absolute or tested in present:
                continue
            if other == Constant(None) and isinstance(one, ValueOf):
                message = "a value that is absent differs from null, so this filter passes any object"
                return ToleratedSyntax("filter-passes-anything", f"{message}; test first that it exists", 0, 1)
    return None


_LENGTH: Final = pattern(r"([@$](?:\.[\w-]+|\[\d+\]|\['[^']*'\])+)\.length(?![\w.(\[-])")


def length_members(text: str) -> tuple[ToleratedSyntax, ...]:
    """Return a warning for each `@.tags.length` of a filter, and for `$.items.length`: RFC 9535 has length()."""
    found = []
    for match in _LENGTH.finditer(text) if ".length" in text else ():
        path = match.group(1)
        is_in_filter = "?" in text[: match.start()]
        if is_in_filter or path.endswith("s"):  # outside of filters, `$.film.length` is a member
            message = f'{match.group()} is the member "length" in RFC 9535, not how many there are'
            before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
            is_compared = before.endswith(("=", "<", ">")) or after.startswith(("=", "!=", "<", ">"))
            counted = f"length({path})" if is_compared else f"length({path}) > 0"
            canonical = counted if is_in_filter else None
            found.append(ToleratedSyntax("length-property", message, match.start(), len(match.group()), canonical))
    return tuple(found)


# ------------------------------------------------------------------ the spelling of RFC 9535


def _canonical(test: Test, texts: dict[Path, str]) -> str | None:
    """Return the equivalent query; None if the root itself is tested, as filters test children."""
    if any(not path.segments for path in texts):
        return None
    written = _written(test, texts)
    return f"$[?{written}]"


def _written(test: Test, texts: dict[Path, str]) -> str:
    if isinstance(test, AllOf):
        return " && ".join(_grouped(part, texts, (AnyOf,)) for part in test.tests)
    if isinstance(test, AnyOf):
        return " || ".join(_written(part, texts) for part in test.tests)
    if isinstance(test, Not):
        return "!" + _grouped(test.test, texts, (AnyOf, AllOf, Compare))
    if isinstance(test, Exists):
        return texts[test.path]
    assert isinstance(test, Compare)
    return _comparison(test, texts)


def _grouped(test: Test, texts: dict[Path, str], loose: tuple[type, ...]) -> str:
    written = _written(test, texts)
    return f"({written})" if isinstance(test, loose) or (" || " in written and isinstance(test, Compare)) else written


def _comparison(test: Compare, texts: dict[Path, str]) -> str:
    left, right = _operand_text(test.left, texts), _operand_text(test.right, texts)
    plain = f"{left} {test.operator} {right}"
    if test.right == Constant(None) and isinstance(test.left, ValueOf):
        # In RFC 9535 a missing value is Nothing, which is not null.
        if test.operator == "!=":
            return f"{left} && {plain}"
        if test.operator == "==":
            return f"!{left} || {plain}"
    return plain


def _operand_text(operand: Operand, texts: dict[Path, str]) -> str:
    if isinstance(operand, Constant):
        return json.dumps(operand.value, ensure_ascii=False) if not isinstance(operand.value, str) else _quoted(operand)
    if isinstance(operand, Count):
        return f"count({texts[operand.path]})"
    assert isinstance(operand, (ScriptLength, ValueOf))
    text = texts[operand.path]
    return f"length({text})" if isinstance(operand, ScriptLength) else text


def _quoted(constant: Constant) -> str:
    written = json.dumps(constant.value, ensure_ascii=False)
    return "'" + written[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
