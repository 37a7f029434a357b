"""Path templates with expressions of RFC 6570, which OpenAPI does not have but descriptions use: `{+name}`, `{/path*}`.

Read as the OpenAPI parameters that send the same; the template is then a plain one, with `{name}` only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record, replace
from arazzo_runner.sources.operation import Expansion, Operation, OperationParameter

# `{proxy+}` (AWS) and `{name=projects/*}` (gRPC transcoding) mean `{+proxy}` and `{+name}`.
_EXPRESSION: Final = pattern(r"\{([^{}]*)\}")
_VARIABLE: Final = pattern(r"([^{}*+=:,?&#;/]+)(=[^{},]*)?(\*|\+|:\d{1,4})?")
_LOOKS_LIKE_ONE: Final = pattern(r"\{[+#./;?&]|[*+]\}|:\d{1,4}\}|\{[^{}]*[,=]")
_OPERATORS: Final = "+#./;?&"


class Template(Record):
    """A plain path template, and by name the expansions of variables that were written otherwise."""

    path: str
    expansions: Mapping[str, Expansion]
    expressions: tuple[str, ...]


def plain_template(path: str, declared: Collection[str]) -> Template:
    """Return a path template without expressions of RFC 6570; `declared` are the names of its parameters.

    >>> plain_template("/v1/{+name}{?fields}", ["name"]).path
    '/v1/{name}'
    """
    expansions: dict[str, Expansion] = {}
    expressions: list[str] = []
    written, end = [], 0
    for found in _EXPRESSION.finditer(path) if "{" in path else ():
        text = found.group(1)
        variables = None if text in declared else _variables(text, declared)
        if variables is None:
            continue
        written += [path[end : found.start()], _plain(variables)]
        end = found.end()
        expansions.update(variables)
        expressions.append(found.group())
    return Template("".join([*written, path[end:]]) if expressions else path, expansions, tuple(expressions))


def _variables(text: str, declared: Collection[str]) -> dict[str, Expansion] | None:
    """Return the variables of an expression, None for a plain variable or what is no expression."""
    operator = text[:1] if text[:1] in _OPERATORS else ""
    variables: dict[str, Expansion] = {}
    for part in text[len(operator) :].split(","):
        found = _VARIABLE.fullmatch(part)
        if found is None:
            return None
        name, shape, modifier = found.group(1), found.group(2), found.group(3) or ""
        if shape and name not in declared:
            return None
        own = "+" if shape or modifier == "+" else operator
        length = int(modifier[1:]) if modifier.startswith(":") else None
        variables[name] = Expansion(own, modifier == "*", length)
    return None if variables == {text: Expansion("")} else variables


def _plain(variables: Mapping[str, Expansion]) -> str:
    """Return what is left of an expression in the plain template; what it puts before values is part of the values."""
    of_path = {name: each for name, each in variables.items() if each.is_sent and not each.is_of_query}
    separator = "," if any(each.operator in ("", "+") for each in of_path.values()) else ""
    return separator.join(f"{{{name}}}" for name in of_path)


def has_expressions(path: str) -> bool:
    """Return whether a path template may have expressions of RFC 6570; nearly none has."""
    return "{" in path and _LOOKS_LIKE_ONE.search(path) is not None


def expanded_parameters(
    parameters: tuple[OperationParameter, ...], template: Template
) -> tuple[OperationParameter, ...]:
    """Return the parameters of an operation with those that its path's expressions name, declared or not."""
    written = dict(template.expansions)
    found = [_expanded(each, written.pop(each.name)) if each.location in ("path", "query") and each.name in written
             else each for each in parameters]  # fmt: skip
    for name, expansion in written.items():
        plain = OperationParameter(name=name, location="path", required=True, style="simple", explode=False)
        found.append(_expanded(plain, expansion))
    return tuple(found)


def _expanded(declared: OperationParameter, expansion: Expansion) -> OperationParameter:
    if expansion.is_of_query:
        if declared.location == "query":
            return declared
        place: Literal["query"] = "query"
        return replace(declared, location=place, required=False, style="form", explode=expansion.explode,
                       expansion=expansion)  # fmt: skip
    if declared.location == "query":
        return declared
    return replace(
        declared,
        required=expansion.is_sent,
        style=expansion.style if expansion.operator else declared.style,
        explode=expansion.explode or (declared.explode and not expansion.operator),
        expansion=expansion,
    )


def variable_pattern(name: str, operation: Operation) -> str:
    """Return the pattern of a path variable in requests: one segment, several for `{+name}` and `{/name}`.

    A group of a regular expression.
    """
    operator = _operator(operation.parameter(name, "path"))
    return {"+": "(.+)", "/": "(/.+)"}.get(operator, "([^/]+)")


def has_long_variables(operation: Operation) -> bool:
    """Return whether a variable of the path may be several segments."""
    return any(_operator(each) in ("+", "/") for each in operation.parameters)


def _operator(parameter: OperationParameter | None) -> str:
    return "" if parameter is None or parameter.expansion is None else parameter.expansion.operator
