"""Properties of the language: printing and parsing are inverse, only our own error is raised."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    ComponentReference,
    Constant,
    ExpressionSyntaxError,
    InputReference,
    Keyword,
    MessageReference,
    Not,
    Or,
    OutputReference,
    Reference,
    SourceReference,
    StepReference,
    Template,
    WorkflowReference,
)
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.expressions.template import parse_template

QUICK = settings(max_examples=150, deadline=None)

strict_names = st.text("abcXYZ019-_", min_size=1, max_size=8)
names = st.text("abcXYZ019-_.", min_size=1, max_size=8).filter(lambda name: name.strip(".") and not name.endswith("."))
tokens = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8)
free_names = st.text(st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters='{}"\\'), max_size=8)
pointer_token = st.text(st.characters(codec="utf-8", exclude_characters="{}~/")).map(str) | st.sampled_from(
    ["~0", "~1", ""]
)
pointers = st.none() | st.lists(pointer_token, max_size=3).map(lambda parts: "".join("/" + part for part in parts))

expressions = st.one_of(
    st.builds(Keyword, st.sampled_from(["url", "method", "statusCode", "self"])),
    st.builds(MessageReference, st.sampled_from(["request", "response", "message"]), st.just("header"), tokens),
    st.builds(
        MessageReference, st.sampled_from(["request", "response"]), st.sampled_from(["query", "path"]), free_names
    ),
    st.builds(
        MessageReference,
        st.sampled_from(["request", "response", "message"]),
        st.sampled_from(["body", "payload"]),
        st.none(),
        pointers,
    ),
    st.builds(InputReference, names, pointers),
    st.builds(OutputReference, names, pointers),
    st.builds(StepReference, strict_names, names, pointers),
    st.builds(WorkflowReference, strict_names, st.sampled_from(["inputs", "outputs"]), names, pointers),
    st.builds(SourceReference, strict_names, free_names.filter(bool)),
    st.builds(ComponentReference, st.sampled_from(["parameters", "successActions", "failureActions"]), names),
)
plain_pointers = st.none() | st.lists(st.text("abc019_-", min_size=1, max_size=4), max_size=3).map(
    lambda parts: "".join("/" + part for part in parts)
)
operands = st.one_of(
    st.builds(Keyword, st.just("statusCode")),
    st.builds(InputReference, strict_names, plain_pointers),
    st.builds(StepReference, strict_names, strict_names, plain_pointers),
    st.builds(MessageReference, st.just("response"), st.just("body"), st.none(), plain_pointers),
)
constants = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(st.characters(codec="utf-8"))
)


def compound(inner):
    flat_and = st.lists(inner.filter(lambda node: not isinstance(node, And)), min_size=2, max_size=3).map(
        lambda parts: And(tuple(parts))
    )
    flat_or = st.lists(inner.filter(lambda node: not isinstance(node, Or)), min_size=2, max_size=3).map(
        lambda parts: Or(tuple(parts))
    )
    compared = st.builds(Comparison, inner, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner)
    stepped = st.builds(Access, inner, st.integers(0, 99) | st.text("abcxyz", min_size=1, max_size=5))
    return st.one_of(flat_and, flat_or, compared, st.builds(Not, inner), stepped)


conditions = st.recursive(st.builds(Constant, constants) | st.builds(Reference, operands), compound, max_leaves=8)
json_values = st.recursive(
    constants,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
odd_text = st.text() | st.text("$.{}[]#/~' \"=!&|()<>abcinputsresponsebodystepsoutputs0123456789", max_size=60)


@QUICK
@given(expressions)
def test_printed_expressions_are_parsed_back(node):
    assert parse_expression(str(node), strict=True) == (node, ())
    assert parse_expression(str(node), embedded=True) == (node, ())


@QUICK
@given(st.lists(st.text("abc :,/?", min_size=1, max_size=5) | expressions, min_size=1, max_size=5))
def test_a_template_is_parsed_back(parts):
    joined = [
        part
        for index, part in enumerate(parts)
        if not (isinstance(part, str) and index and isinstance(parts[index - 1], str))
    ]
    if len(joined) == 1 or not any(not isinstance(part, str) for part in joined):
        return
    assert parse_template(str(Template(tuple(joined)))).node == Template(tuple(joined))


@QUICK
@given(conditions)
def test_a_condition_is_parsed_back(node):
    assert parse_condition(str(node)).node == node


@settings(max_examples=400, deadline=None)
@given(odd_text)
def test_no_text_raises_anything_but_our_error(text):
    offsets: list[int] = []
    for parse in (parse_expression, parse_template, parse_condition):
        try:
            parse(text)
        except ExpressionSyntaxError as problem:
            offsets.append(problem.offset)
    assert all(0 <= offset <= len(text) for offset in offsets)


@QUICK
@given(expressions, conditions, json_values, json_values)
def test_evaluation_never_raises(node, condition, body, inputs):
    named = inputs if isinstance(inputs, dict) else {"a": inputs}
    scope = Scope(inputs=named, steps={"a": named}, response=Message(body=body), request=Message(body=inputs))
    evaluate(node, scope)
    judgement = holds(condition, scope)
    assert judgement.passed or judgement.reason
    with contextlib.suppress(MissingValue):
        render(Template(("x", node)), scope)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "keys", "items", "__len__"])
def test_evaluation_never_touches_python_attributes(name):
    scope = Scope(inputs={"a": {"b": 1}}, response=Message(body={"x": []}))
    for text in (f"$inputs.a.{name}", f"$response.body.x.{name}", f"$response.body#/{name}"):
        assert not holds(parse_condition(f"{text} != null").node, scope).passed
