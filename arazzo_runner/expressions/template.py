"""Texts of a document → plain text, one whole expression, or a template (semantics §3)."""

from __future__ import annotations

import re
from functools import lru_cache

from arazzo_runner.base.records import Record
from arazzo_runner.expressions.names import NOTHING_DECLARED, Declared, memoised
from arazzo_runner.expressions.nodes import (
    Expression,
    ExpressionSyntaxError,
    InputReference,
    StepReference,
    Template,
    ToleratedSyntax,
    WorkflowReference,
)
from arazzo_runner.expressions.parser import KEYWORDS, ROOTS, SUGGESTED_ROOTS, canonical_form, parse_expression

BARE_ROOTS = ("$inputs.", "$steps.", "$workflows.")
_MANY = ("[*", "[?")
LONGEST_ROOT = 25
MOST_BARE_ENDS = 64
_CLOSING = re.compile(r"\s*\}\}?")
_MOST_BEFORE = 64
_ENDS = frozenset(" \t\r\n\"'`,;:!?()<>{}|&=%\\")


class ParsedText(Record):
    """A parsed text: plain text, an expression (its value keeps its type) or a Template."""

    node: str | Expression | Template
    tolerated: tuple[ToleratedSyntax, ...] = ()


def parse_template(text: str, declared: Declared = NOTHING_DECLARED, *, bare: bool = True) -> ParsedText:
    """Parse a text value: plain text, one whole expression, or text with embedded expressions.

    `bare` tolerates an expression without braces inside a text. Raises ExpressionSyntaxError for
    what was meant as an expression and is none.

    >>> str(parse_template("Bearer {$inputs.token}").node)
    'Bearer {$inputs.token}'
    """
    return _parse(text, declared, bare) if "$" in text else ParsedText(text)


@memoised
def _parse(text: str, declared: Declared, bare: bool) -> ParsedText:
    if _looks_whole(text):
        whole = _whole(text, declared)
        if whole is not None:
            return whole
    return _embedded(text, declared, bare=bare)


def _looks_whole(text: str) -> bool:
    """Return whether a text begins like a runtime expression, unlike `$5.00` or `$filter`."""
    if not text.startswith("$"):
        return False
    if text[1:].partition(".")[0] in ROOTS:
        return True
    return _is_root(text, 1)


def _is_root(text: str, start: int) -> bool:
    """Return whether the word at `start` is a root of expressions, or can only be a misspelling of one."""
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] in "_-"):
        end += 1
    root = text[start:end]
    return root in ROOTS or (text[end : end + 1] == "." and misspelled_root(root) is not None)


@lru_cache(maxsize=256)
def misspelled_root(root: str) -> str | None:
    """Return what a word can only be a misspelling of: `workflows` for `workflow`, `response` for `respons`."""
    if root in ("headers", "body"):
        return f"response.{root.removesuffix('s')}"
    if root in SUGGESTED_ROOTS and root != "status":
        return SUGGESTED_ROOTS[root]
    if not 4 <= len(root) <= LONGEST_ROOT:
        return None
    from difflib import get_close_matches  # lazily: only for texts that begin with an unknown $word.

    return next(iter(get_close_matches(root, [name for name in ROOTS if len(name) > 4], n=1, cutoff=0.84)), None)


def _whole(text: str, declared: Declared) -> ParsedText | None:
    """Parse a text as one expression; None if the expression does not span the whole text."""
    if text[1:] not in KEYWORDS and text[1:].split(".")[0].split("#")[0].split(" ")[0] in KEYWORDS:
        return None  # `$url of the page`, `$self-service`: data
    try:
        node, tolerated = parse_expression(text, declared)
    except ExpressionSyntaxError:
        if _bare_length(text, 0, declared) or any(character in text for character in " \n{"):
            return None
        raise
    return ParsedText(node, tolerated)


def check_expression_string(text: str) -> None:
    """Raise ExpressionSyntaxError unless a text is an `expression-string`: its braces hold expressions only.

    expression-string = *( literal-char / embedded-expression ), where no literal-char is a brace.
    """
    position = 0
    while position < len(text):
        if text[position] == "}":
            raise ExpressionSyntaxError(
                "no brace opens here", position, hint="an expression-string has no literal braces"
            )
        if text[position] == "{":
            close = text.find("}", position)
            if close < 0:
                raise ExpressionSyntaxError("this brace is never closed", position, hint="add }")
            _strict(text[position + 1 : close], position + 1)
            position = close
        position += 1


def _strict(text: str, offset: int) -> None:
    try:
        parse_expression(text, embedded=True, strict=True)
    except ExpressionSyntaxError as problem:
        raise ExpressionSyntaxError(problem.message, offset + problem.offset, problem.length, problem.hint) from None


# ------------------------------------------------------------------ embedding


def _embedded(text: str, declared: Declared, *, bare: bool) -> ParsedText:
    parts: list[str | Expression] = []
    tolerated: list[ToleratedSyntax] = []
    plain = position = 0
    while True:
        dollar = text.find("$", position)
        if dollar < 0:
            break
        start, end, node, found = _expression_at(text, dollar, declared, bare=bare, open_brace=dollar > plain)
        if node is None:
            position = dollar + 1
            continue
        if start > plain:
            parts.append(text[plain:start])
        parts.append(node)
        tolerated += found
        plain = position = end
    if not any(not isinstance(part, str) for part in parts):
        return ParsedText(text)
    if plain < len(text):
        parts.append(text[plain:])
    return ParsedText(Template(tuple(parts)), tuple(tolerated))


def _expression_at(
    text: str, dollar: int, declared: Declared, *, bare: bool, open_brace: bool
) -> tuple[int, int, Expression | None, list[ToleratedSyntax]]:
    """Parse from a `$` on: (start, end, node, what was tolerated); node is None for plain text."""
    # Braces around another language's variable, as in `{$name}`, are plain text.
    if open_brace and text[dollar - 1] == "{" and _is_root(text, dollar + 1):
        return _braced(text, dollar, declared)
    return _bare(text, dollar, declared) if bare else (dollar, dollar, None, [])


def _braced(text: str, dollar: int, declared: Declared) -> tuple[int, int, Expression, list[ToleratedSyntax]]:
    # embedded-expression = "{" expression "}"
    close = text.find("}", dollar)
    if close < 0:
        raise ExpressionSyntaxError("the brace before this expression is never closed", dollar - 1, hint="add }")
    try:
        node, tolerated = parse_expression(text[dollar:close], declared, embedded=True)
    except ExpressionSyntaxError as problem:
        raise ExpressionSyntaxError(problem.message, dollar + problem.offset, problem.length, problem.hint) from None
    return dollar - 1, close + 1, node, [each.moved(dollar) for each in tolerated]


def _bare(text: str, dollar: int, declared: Declared) -> tuple[int, int, Expression | None, list[ToleratedSyntax]]:
    """Parse an expression without braces: only if it names something declared."""
    length = _bare_length(text, dollar, declared)
    if not length:
        return dollar, dollar, None, []
    if text.startswith(_MANY, dollar + length):
        message = "brackets can hold only an index or a quoted name"
        hint = "select with a Selector Object of type jsonpath, or name one item such as [0]"
        raise ExpressionSyntaxError(message, dollar + length, 2, hint)
    node, _ = parse_expression(text[dollar : dollar + length], declared)
    return dollar, dollar + length, node, [_tolerated_bare(text, dollar, length, str(canonical_form(node)))]


def _tolerated_bare(text: str, dollar: int, length: int, expression: str) -> ToleratedSyntax:
    """Return what is said of an expression without braces of its own; those of another language may be around it."""
    start, after = _opening_before(text, dollar), _CLOSING.match(text, dollar + length)
    if start is None or after is None:
        message = f"{text[dollar : dollar + length]} is embedded in text without braces"
        return ToleratedSyntax("bare-expression", message, dollar, length, f"{{{expression}}}")
    end = after.end()
    message = f"{text[start:end]} is not an embedded expression; its braces are sent too"
    is_whole = end - start > len(text) // 2 and text[start:end] == text.strip()
    meant = expression if is_whole else f"{{{expression}}}"
    return ToleratedSyntax("doubtful-braces", message, start, end - start, meant)


def _opening_before(text: str, dollar: int) -> int | None:
    """Return where braces of another template language open before an expression, None without any.

    A single brace counts at the beginning of the text alone: further on it may be one of JSON.
    """
    before = text[max(0, dollar - _MOST_BEFORE) : dollar].rstrip()
    place = dollar - min(dollar, _MOST_BEFORE) + len(before)
    if before.endswith(("{{", "${")):
        return place - 2
    return place - 1 if dollar <= _MOST_BEFORE and before.lstrip() == "{" else None


def _bare_length(text: str, dollar: int, declared: Declared) -> int:
    """Return the length of the longest bare expression at `dollar`, 0 for none."""
    if not text.startswith(BARE_ROOTS, dollar):
        return 0
    names = {"i": declared.inputs, "s": declared.steps, "w": declared.workflows}[text[dollar + 1]]
    for stop in reversed(_bare_ends(text, dollar)) if names else ():
        try:
            node, _ = parse_expression(text[dollar:stop], declared)
        except ExpressionSyntaxError:
            continue
        if _is_declared(node, declared):
            return stop - dollar
    return 0


def _bare_ends(text: str, dollar: int) -> list[int]:
    """Return where a bare expression may end, the nearest first; limited, as each is tried."""
    found: list[int] = []
    for place in range(dollar + 1, len(text)):
        if text[place] in _ENDS or text[place] == "$":
            return [*found, place]
        # Not in the middle of a word: `$inputs.pets` does not mean the input "pet".
        if not (text[place - 1] in ".-_" or text[place].isalnum() or text[place] == "_"):
            found.append(place)
            if len(found) == MOST_BARE_ENDS:
                return found
    return [*found, len(text)]


def _is_declared(node: Expression, declared: Declared) -> bool:
    if isinstance(node, InputReference):
        return node.name is not None and declared.inputs is not None and node.name in declared.inputs
    if isinstance(node, StepReference):
        outputs = declared.steps.get(node.step_id)
        return outputs is not None and node.output in outputs
    if isinstance(node, WorkflowReference):
        known = declared.workflows.get(node.workflow_id)
        return known is not None and (node.field == "inputs" or node.name in known)
    return False
