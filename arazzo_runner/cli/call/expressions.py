"""Texts of the command line that are expressions of a workflow."""

from __future__ import annotations

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.program.values import is_selector


def holds_expression(text: str) -> bool:
    """Return whether a document that has this text as a value means an expression, or a wrong one.

    >>> holds_expression("$steps.create.outputs.id"), holds_expression("$5.00"), holds_expression("/{$inputs.id}")
    (True, False, True)
    """
    if "$" not in text:
        return False
    try:
        return not isinstance(parse_template(text).node, str)
    except ExpressionSyntaxError:
        return True


def means_expressions(value: JsonValue) -> bool:
    """Return whether a document that has this value means an expression anywhere in it."""
    if isinstance(value, str):
        return holds_expression(value)
    if isinstance(value, dict):
        return is_selector(value) or any(map(means_expressions, value.values()))
    return isinstance(value, list) and any(map(means_expressions, value))
