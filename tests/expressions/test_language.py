"""The expression language: grammar, tolerated syntax, templates, conditions, evaluation (Arazzo 1.1.0, semantics §3 and §4)."""

from __future__ import annotations

import pytest

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.names import Declared
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Template
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.expressions.scope import Message, Scope, WorkflowScope
from arazzo_runner.expressions.template import parse_template

DECLARED = Declared(
    inputs=frozenset({"a", "a.b", "token", "user name", "$odd"}),
    steps={
        "login": frozenset({"token", "pet", "pet.id"}),
        "other-step": frozenset({"x"}),
        "dotted.step": frozenset({"y"}),
    },
    workflows={"w": frozenset({"out"})},
)
BODY = {"items": [{"id": 1}, {"id": 2}], "a/b": {"~": 3}, "count": 2, "empty": [], "null": None}
SCOPE = Scope(
    inputs={"a": {"b": "member", "list": [1, {"k": "v"}]}, "a.b": "dotted", "n": 5, "s": "Text", "t": True, "z": None, "num": "10", "x": "$inputs.n"},
    outputs={"o": [1, 2]},
    steps={"login": {"token": "abc", "pet": {"id": 7}}},
    workflows={"w": WorkflowScope(inputs={"i": 1}, outputs={"out": {"k": 2}})},
    sources={"pets": {"url": "./pets.yaml", "type": "openapi"}},
    components={"parameters": {"p": {"name": "p"}}},
    self_uri="https://self.test/a.yaml",
    url="http://h/p",
    method="GET",
    status_code=200,
    request=Message(headers=(("X-A", "1"),), query={"q": "v"}, path={"id": 7}, body={"r": 1}),
    response=Message(headers=(("Content-Type", "application/json"), ("X-B", "1"), ("x-b", "2"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
                     body=BODY),
)  # fmt: skip


# ------------------------------------------------------------------ expressions

EXPRESSIONS = [
    ("$url", "http://h/p"), ("$method", "GET"), ("$statusCode", 200), ("$self", "https://self.test/a.yaml"),
    ("$request.header.x-a", "1"), ("$request.query.q", "v"), ("$request.path.id", 7), ("$request.body#/r", 1),
    ("$response.header.content-type", "application/json"), ("$response.header.X-B", "1, 2"), ("$response.header.Set-Cookie", ["a=1", "b=2"]),
    ("$response.body", BODY), ("$response.body#/items/1/id", 2), ("$response.body#/a~1b/~0", 3), ("$response.body#/null", None),
    ("$response.body#/gone", MISSING), ("$response.body#/items/9", MISSING), ("$response.body#/items/01", MISSING), ("$response.header.Gone", MISSING),
    ("$inputs.a.b", "dotted"), ("$inputs.a.list", [1, {"k": "v"}]), ("$inputs.a#/list/1/k", "v"), ("$inputs.n", 5), ("$inputs.gone", MISSING),
    ("$outputs.o#/1", 2), ("$steps.login.outputs.token", "abc"), ("$steps.login.outputs.pet#/id", 7), ("$steps.never.outputs.x", MISSING),
    ("$workflows.w.inputs.i", 1), ("$workflows.w.outputs.out#/k", 2), ("$workflows.z.outputs.q", MISSING),
    ("$sourceDescriptions.pets.url", "./pets.yaml"), ("$sourceDescriptions.pets.getPet", MISSING), ("$components.parameters.p", {"name": "p"}),
    ("$message.header.a", MISSING), ("$message.payload#/x", MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_every_form_of_the_grammar_is_parsed_printed_and_evaluated(text, expected):
    node, _ = parse_expression(text, strict=True)
    assert str(node) == text
    assert parse_expression(text) == (node, ())
    assert evaluate(node, SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "offset", "hint"),
    [
        ("statusCode", 0, "write $statusCode"), ("$", 0, None), ("$statusCod", 0, "did you mean $statusCode?"), ("$statusCode.x", 11, None),
        ("$workflow.w", 0, "did you mean $workflows?"), ("$env.X", 0, "did you mean $inputs?"), ("$body.x", 0, "did you mean $response.body?"),
        ("$response", 9, "write $response.<name>"), ("$response.status", 10, "write $statusCode"), ("$response.bodi", 10, 'did you mean "body"?'),
        ("$response.headers.X", 10, 'did you mean "header"?'), ("$response.header.", 17, None), ("$response.body#a", 15, "write #/a"),
        ("$response.body#/a~2", 17, "write ~0 for ~ and ~1 for /"), ("$response.body.a", 14, None), ("$inputs", 7, "write $inputs.<name>"), ("$inputs.", 8, None),
        ("$inputs.a b", 9, None), ("$steps.s.x", 8, "write $steps.s.outputs.x"), ("$steps.s.outputs", 16, "write $steps.s.outputs.<name>"), ("$steps..outputs.x", 7, None),
        ("$workflows.w.steps.s", 13, "write $workflows.w.outputs.<name>"), ("$sourceDescriptions.a.", 22, None), ("$components.schemas.x", 12, "write parameters, successActions or failureActions"),
        ("$request.query.a{b", 16, None), ('$request.query.a"', 16, None), ("$request.query.a\\x", 16, None), ("$inputs.a#/{x}", 11, None),
    ],
)  # fmt: skip
def test_a_syntax_error_is_reported_at_its_character(text, offset, hint):
    with pytest.raises(ExpressionSyntaxError) as problem:
        parse_expression(text, strict=True)
    assert (problem.value.offset, problem.value.hint) == (offset, hint)


@pytest.mark.parametrize("text", ["$request.query.a\\n\\u0041", "$request.path.", "$sourceDescriptions.a.b c/d?e"])
def test_names_of_parameters_and_operations_are_free(text):
    assert str(parse_expression(text, strict=True)[0]) == text


@pytest.mark.parametrize(
    ("text", "code", "canonical"),
    [
        ("$response.headers.X", "headers-plural", "$response.header.X"), ("$response.body#id", "pointer-slash", "$response.body#/id"),
        ("$response.body[0]", "property-step", "$response.body#/0"), ("$response.body.a.b[1]", "property-step", "$response.body#/a/b/1"),
        ("$response.body['a/b']", "property-step", "$response.body#/a~1b"), ("$inputs", "whole-inputs", "$inputs"),
        ("$steps.login.outputs", "whole-outputs", "$steps.login.outputs"), ("$inputs.user name", "unusual-name", "$inputs.user name"),
        ("$inputs.$odd", "unusual-name", "$inputs.$odd"), ("$steps.login.outputs.pet.name", "property-step", "$steps.login.outputs.pet#/name"),
        ("$steps.login.outputs.pet[0]", "property-step", "$steps.login.outputs.pet#/0"), ("$inputs.token.x", "property-step", "$inputs.token#/x"),
        ("$workflows.w.outputs.out.k", "property-step", "$workflows.w.outputs.out#/k"),
    ],
)  # fmt: skip
def test_tolerated_syntax_is_reported(text, code, canonical):
    _, slips = parse_expression(text, DECLARED)
    assert [slip.code for slip in slips][:1] == [code]
    assert slips[0].canonical == canonical


@pytest.mark.parametrize(
    "text",
    [
        "$response.body[*]",
        "$response.body[?x]",
        "$response.body#/a is the identifier of it",
        "$inputs.a..b",
        "$steps.login.name",
        "$inputs.x.",
    ],
)
def test_an_ambiguous_expression_is_refused(text):
    with pytest.raises(ExpressionSyntaxError):
        parse_expression(text, DECLARED)


def test_the_longest_declared_name_wins():
    assert evaluate(parse_expression("$inputs.a.b", DECLARED)[0], SCOPE) == "dotted"
    assert evaluate(parse_expression("$inputs.a.list[1].k", DECLARED)[0], SCOPE) == "v"
    assert evaluate(parse_expression("$steps.login.outputs.pet.id")[0], SCOPE) == 7
    assert str(parse_expression("$steps.dotted.step.outputs.y", DECLARED)[0]) == "$steps.dotted.step.outputs.y"


# ------------------------------------------------------------------ templates


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("a {$inputs.n} b", "a 5 b"), ("{$inputs.t}{$inputs.z}", "truenull"), ("{$steps.login.outputs.pet}", '{"id":7}'), ("x{$response.body#/items/0}", 'x{"id":1}'),
        ("Bearer $inputs.token", "Bearer secret"), ("see $inputs.token.", "see secret."), ("$inputs.token, $inputs.token", "secret, secret"),
    ],
)  # fmt: skip
def test_a_template_embeds_its_expressions_as_text(text, rendered):
    node = parse_template(text, DECLARED).node
    assert isinstance(node, Template)
    scope = Scope(inputs={**SCOPE.inputs, "token": "secret"}, steps=SCOPE.steps, response=SCOPE.response)
    assert render(node, scope) == rendered
    assert parse_template(str(node), DECLARED).node == node


@pytest.mark.parametrize(
    "text",
    ["plain", "$5.00", "$.items[0]", "$filter", "$word and more", "query { customers { id } }", "{id}", "mutation($name: String!) { a(n: $name) }",
     "price: $inputs", "$inputs.unknown later", "{$name}", "US$ 5", "$url of the page", "$self-service"],
)  # fmt: skip
def test_text_that_is_not_ours_stays_text(text):
    assert parse_template(text, DECLARED).node == text


@pytest.mark.parametrize("text", ["$steps.login.outputs.token[*].id", "x $steps.login.outputs.token[?(@.a)].id"])
def test_a_query_behind_a_bare_expression_has_no_single_meaning(text):
    with pytest.raises(ExpressionSyntaxError, match="only an index or a quoted name") as caught:
        parse_template(text, DECLARED)
    assert text[caught.value.offset] == "["


def test_a_bare_expression_is_reported_with_its_braces():
    parsed = parse_template("Bearer $steps.login.outputs.token", DECLARED)
    assert [(slip.code, slip.offset, slip.canonical) for slip in parsed.tolerated] == [
        ("bare-expression", 7, "{$steps.login.outputs.token}")
    ]
    assert (
        parse_template("Bearer $steps.login.outputs.token", DECLARED, bare=False).node
        == "Bearer $steps.login.outputs.token"
    )


@pytest.mark.parametrize(
    ("text", "offset"),
    [("a {$inputs.} b", 11), ("{$response.bodi}", 11), ("x {$inputs.a", 2), ("$response.bodi", 10), ("$workflow.x", 0)],
)
def test_a_malformed_expression_is_refused_at_its_character(text, offset):
    with pytest.raises(ExpressionSyntaxError) as problem:
        parse_template(text, DECLARED)
    assert problem.value.offset == offset


def test_a_whole_expression_keeps_its_type_and_data_is_never_evaluated_twice():
    assert evaluate(parse_template("$inputs.x", DECLARED).node, SCOPE) == "$inputs.n"
    with pytest.raises(MissingValue, match=r"\$inputs\.gone has no value"):
        render(parse_template("a{$inputs.gone}").node, SCOPE)


# ------------------------------------------------------------------ conditions

CONDITIONS = [
    ("$statusCode == 200", True), ("$statusCode==200&&$method=='get'", True), ("$statusCode != 200", False), ("$statusCode < 300", True),
    ("$statusCode >= 200 && $statusCode <= 299", True), ("$statusCode > 200 || $inputs.n == 5", True), ("!($statusCode == 200)", False), ("!!$inputs.t", True),
    ("'TEXT' == $inputs.s", True), ("$inputs.s == 'text'", True), ("$inputs.s != 'TEXT'", False), ("'b' > 'A'", True), ("'it''s' == 'IT''S'", True),
    ("$inputs.num == 10", True), ("'9' < '10'", True), ("$inputs.num > 9.5", True), ("$inputs.t == true", True), ("$inputs.t == 1", False), ("$inputs.t == 'true'", False),
    ("null == null", True), ("$inputs.z == null", True), ("$inputs.gone == null", True), ("$inputs.n != null", True), ("$inputs.z < 1", False), ("$inputs.z >= null", False),
    ("$inputs.n", True), ("$inputs.z", False), ("$inputs.gone", False), ("0", False), ("''", False), ("false", False), ("$response.body", True), ("-1", True),
    ("$response.body.count == 2", True), ("$response.body.items[1].id == 2", True), ("($response.body).items[0].id == 1", True), ("$response.body#/items/0/id == 1", True),
    ("$response.body.items.length > 1", True), ("$response.body.items == $response.body.items", True), ("$response.body < 5", False), ("1e2 == 100.0", True),
    ("{$statusCode} == 200", True), ('$inputs.s == "text"', True), ("$response.header.X-B == '1, 2'", True), ("true && (false || true)", True), ("false || false && true", False),
    ("$inputs.gone.deep == null", True), ("$response.body.items[0]['id'] == 1", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CONDITIONS, ids=[text for text, _ in CONDITIONS])
def test_condition_result_is_that_of_the_specification(text, expected):
    node = parse_condition(text).node
    judgement = holds(node, SCOPE)
    assert judgement.passed is expected
    assert (judgement.reason is None) is expected
    assert parse_condition(str(node)).node == node


@pytest.mark.parametrize(
    ("text", "offset", "hint"),
    [
        ("", 0, None), ("$statusCode ==", 14, None), ("$statusCode = 200", 12, "write =="), ("$statusCode === 200", 12, "write =="), ("1 <> 2", 2, "write !="),
        ("$a == 1", 0, None), ("1 and 2", 2, "write &&"), ("1 or 2", 2, "write ||"), ("not 1", 0, "write !"), ("$inputs.s contains 'x'", 10, "use type: regex with a context"),
        ("$inputs.s < text", 12, "write 'text'"), ("application/json == $inputs.s", 0, "write 'application/json'"), ("$inputs.s == None", 13, "write null"), ("$inputs.s == steps.a.outputs.b", 13, "did you mean $steps.a.outputs.b?"),
            ("statusCode == 200", 0, "did you mean $statusCode?"), ("status_code==200", 0, "did you mean $statusCode?"), ("response.code == 200", 0, "did you mean $statusCode?"), ("200 == statusCode", 7, "did you mean $statusCode?"),
            ("body.items[0].id == 1", 0, "did you mean $response.body#/items/0/id?"), ("headers.ETag == 'a'", 0, "did you mean $response.header.ETag?"), ("request.query.a == 1", 0, "did you mean $request.query.a?"), ("(url == 'a')", 1, "did you mean $url?"),
            ("'GET' == method", 9, "did you mean $method, or the text 'method'?"), ("bodyguard == 'a'", 0, "write 'bodyguard'"),
        ("$statusCode == OK", 15, "write one, such as 200"),
        ("size($inputs.s) > 1", 0, "use type: jsonpath"), ("1 == 1 == 1", 7, "join two comparisons with &&"), ("(1", 0, None), ("1)", 1, None), ("'a", 0, "add '"),
        ("1 & 2", 2, "write &&"), ("$inputs.a[", 10, None), ("(1)[x]", 4, None), ("(1)[-1]", 4, None), ("(1).", 4, None), ("1 2", 2, None), ("{1}", 0, None), ("{$statusCode == 1", 0, None), ("@", 0, None), ("[1]", 0, None),
    ],
)  # fmt: skip
def test_malformed_condition_is_refused_at_its_character(text, offset, hint):
    with pytest.raises(ExpressionSyntaxError) as problem:
        parse_condition(text)
    assert problem.value.offset == offset
    if hint is not None:
        assert problem.value.hint == hint


@pytest.mark.parametrize(("text", "code"), [('$inputs.s == "x"', "double-quotes"), ("$inputs.a.length > 1", "length-property"), ("($inputs.a).length > 1", "length-property"),
                                            ("{$statusCode} == 1", "braced-expression"), ("$response.headers.X == 1", "headers-plural"), ("$inputs.s == application/json", "condition-syntax")])  # fmt: skip
def test_tolerated_syntax_of_conditions_is_reported(text, code):
    assert [slip.code for slip in parse_condition(text).tolerated] == [code]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$statusCode == 201", "$statusCode is 200, expected == 201"), ("$inputs.n > $inputs.num", '$inputs.n is 5, expected > "10" ($inputs.num)'),
        ("$response.body < 5", "cannot compare object < integer"), ("201 == $statusCode", "$statusCode is 200, expected 201 == it"), ("$inputs.z", "$inputs.z is null"),
        ("true && $inputs.z", "$inputs.z is null"), ("$inputs.z || false", "none of $inputs.z || false holds"), ("!$inputs.n", "$inputs.n holds"),
    ],
)  # fmt: skip
def test_reasons_of_failed_conditions(text, reason):
    assert reason in holds(parse_condition(text).node, SCOPE).reason


def test_compared_values_are_recorded_and_evaluation_short_circuits():
    judgement = holds(parse_condition("$statusCode == 500 && $inputs.n == 5").node, SCOPE)
    assert judgement.seen == (("$statusCode", 200),)


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "1" + ")" * 5000, "!" * 5000 + "1", "(1)" + ".a" * 5000, "1" * 70_000, "9" * 500]
)
def test_hostile_conditions_end_with_our_error(text):
    with pytest.raises(ExpressionSyntaxError):
        parse_condition(text)
