"""What a mock answers when it knows the workflow: what steps expect is preferred among what is documented."""

from __future__ import annotations

import json
import sys

import pytest

import arazzo_runner
from arazzo_runner import CheckOptions, RunOptions
from arazzo_runner.runtime.cassette.world import Recorder


def response(schema=None, **more):
    """Return a Response Object with a JSON body."""
    media = {**({} if schema is None else {"schema": schema}), **more}
    return {"description": "d", "content": {"application/json": media}}


def members(**properties):
    return {"type": "object", "properties": properties}


def operation(responses, path="/a", method="get", **more):
    """Return the paths of a description of one operation, `op`."""
    return {path: {method: {"operationId": "op", "responses": responses, **more}}}


@pytest.fixture
def run(tmp_path):
    """Run a workflow of steps (`op` unless they name another operation) against a description of these paths."""

    def performed(paths, *steps, mock=True, options=None, inputs=None, schema=None, **more):
        api = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
        api["components"] = more.pop("components", {})
        (tmp_path / "api.json").write_text(json.dumps(api))
        workflow = {
            "workflowId": "w",
            "steps": [{"stepId": f"s{n}", "operationId": "op", **s} for n, s in enumerate(steps)],
        }
        workflow |= {"inputs": schema} if schema is not None else {}
        document = {
            "arazzo": "1.0.1",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
            "workflows": [workflow],
        }
        (tmp_path / "flow.json").write_text(json.dumps(document))
        options = options or RunOptions(poll_interval=0, max_steps=30)
        return arazzo_runner.run(tmp_path / "flow.json", inputs=inputs, mock=mock, options=options, **more)

    return performed


def test_a_mock_knows_long_workflows_in_linear_time(run):
    def calls(size):
        count = 0

        def counted(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        reads = [{"outputs": {"id": "$response.body#/id"}} for _ in range(size)]
        for number in range(1, size):
            reads[number]["parameters"] = [{"name": "id", "in": "query", "value": f"$steps.s{number - 1}.outputs.id"}]
        schema = members(id={"type": "string"})
        paths = operation({"200": response(schema)}, parameters=[{"name": "id", "in": "query", "schema": schema}])
        sys.setprofile(counted)
        try:
            run(paths, *reads, options=RunOptions(max_steps=1_000))
        finally:
            sys.setprofile(None)
        return count

    calls(1)  # imports what a mock needs
    assert calls(300) < 3.15 * calls(100)


def answered(result, step=0):
    """Return (status, body) of the last attempt at a step."""
    answer = result.steps[step].attempts[-1].response
    return answer.status, json.loads(answer.body) if answer.body else None


def when(*conditions):
    return [{"condition": each} for each in conditions]


# ------------------------------------------------------------------ what is documented


@pytest.mark.parametrize(
    ("documented", "expected"),
    [
        pytest.param(
            response(members(id={"type": "string"}), example='{"id": "7"}'),
            {"id": "7"},
            id="JSON in a string example is JSON",
        ),
        pytest.param(
            response(example='{"id": "7"}'), {"id": "7"}, id="JSON in a string example without a schema is JSON"
        ),
        pytest.param(
            response({"type": "string"}, example='{"a": 1}'), '{"a": 1}', id="a text that is to be one stays one"
        ),
        pytest.param(
            response(members(n={"type": "integer"}), examples={"a": {"value": {"n": "x"}}, "b": {"value": {"n": 3}}}),
            {"n": 3},
            id="the first example that fits",
        ),
        pytest.param(
            response(
                members(l={"type": "array", "items": {"type": "integer"}}),
                examples={"none": {"value": {"l": []}}, "some": {"value": {"l": [4]}}},
            ),
            {"l": [4]},
            id="an example that holds something",
        ),
        pytest.param(
            response(members(id={"type": "string", "default": ""})),
            {"id": "example"},
            id="an id is not empty by default",
        ),
        pytest.param(
            response(members(n={"type": "integer", "example": "12"})), {"n": 12}, id="a number written as text is one"
        ),
        pytest.param(
            response(
                {"type": "object", "required": ["a"], "allOf": [members(a={"type": "integer"}), {"required": ["a"]}]}
            ),
            {"a": 1},
            id="a required member is described by another part of allOf",
        ),
        pytest.param(
            response({"allOf": [{"required": ["a"]}, members(a={"type": "integer"})]}),
            {"a": 1},
            id="allOf with a bare required",
        ),
        pytest.param(
            response(
                {**members(k={"const": "b"}), "oneOf": [members(k={"const": "a"}), {**members(x={"type": "boolean"})}]}
            ),
            {"k": "b", "x": True},
            id="a branch of oneOf that fits what is beside it",
        ),
    ],
)
def test_the_body_is_what_the_description_means(run, documented, expected):
    assert answered(run(operation({"200": documented}), {}))[1] == expected


def test_an_example_of_another_type_than_json_is_sent_as_it_is(run):
    media = {"schema": members(id={"type": "integer"}), "example": "<pet><id>3</id></pet>"}
    result = run(operation({"200": {"description": "d", "content": {"application/xml": media}}}), {})
    assert result.steps[0].attempts[-1].response.body == b"<pet><id>3</id></pet>"


def test_headers_that_belong_to_the_connection_are_not_sent(run):
    headers = {
        name: {"schema": {"type": "string"}}
        for name in ("Transfer-Encoding", "Connection", "Keep-Alive", "Content-Encoding", "Content-Length", "X-Id")
    }
    result = run(operation({"200": {**response(members(id={"type": "string"})), "headers": headers}}), {})
    sent = {name.lower(): value for name, value in result.steps[0].attempts[-1].response.headers}
    assert answered(result) == (200, {"id": "example"})
    assert sent["x-id"] == "example"
    assert not {"transfer-encoding", "keep-alive", "content-encoding"} & set(sent)


# ------------------------------------------------------------------ what is expected

PET = members(
    status={"type": "string", "enum": ["queued", "done"]},
    count={"type": "integer", "maximum": 50},
    tags={"type": "array", "items": members(name={"type": "string"})},
    note={"type": ["string", "null"]},
)


@pytest.mark.parametrize(
    "condition",
    [
        "$response.body#/status == 'done'",
        "$response.body#/status != 'queued'",
        "$response.body#/count > 40",
        "12 >= $response.body#/count && $response.body#/count > 10",
        "$response.body#/count == $inputs.count",
        "$response.body#/tags/2/name == 'red'",
        "$response.body#/tags.length >= 3",
        "$response.body#/note == null",
        "!($response.body#/status == 'queued')",
        "$response.body#/status == 'lost' || $response.body#/status == 'done'",
    ],
)
def test_a_documented_value_that_a_criterion_expects_is_answered(run, condition):
    schema = members(count={"type": "integer"})
    result = run(
        operation({"200": response(PET)}), {"successCriteria": when(condition)}, schema=schema, inputs={"count": 23}
    )
    assert result.status == "succeeded", result.reason


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("jsonpath", "$[?@.status == 'done']"),
        ("jsonpath", "$.tags[?@.name == 'red']"),
        ("jsonpath", "$[?count(@.tags) > 2]"),
        ("jsonpath", "$.status == 'done'"),
        ("jsonpath", "$.tags.length > 2"),
        ("jsonpath", "$.note"),
        ("regex", 'one"?,.*'),
    ],
)
def test_a_query_is_given_what_it_selects(run, kind, condition):
    criterion = {"context": "$response.body", "condition": condition, "type": kind}
    if kind == "regex":
        criterion = {"context": "$response.body#/status", "condition": "^do", "type": kind}
    assert run(operation({"200": response(PET)}), {"successCriteria": [criterion]}).status == "succeeded"


@pytest.mark.parametrize(
    "condition",
    [
        "$response.body#/status == 'lost'",
        "$response.body#/count == 51",
        "$response.body#/count == 'many'",
        "$response.body#/state == 'done'",
        "$response.body#/tags/name == 'red'",
        "$statusCode == 201",
    ],
)
def test_what_the_description_does_not_allow_is_not_answered(run, condition):
    assert run(operation({"200": response(PET)}), {"successCriteria": when(condition)}).status == "failed"


@pytest.mark.parametrize(
    ("documented", "condition", "status"),
    [
        (["200", "201"], "$statusCode == 201", 201),
        (["200", "404"], "$statusCode == 404", 404),
        (["200", "404"], "$statusCode >= 400", 404),
        (["2XX"], "$statusCode == 202", 202),
        (["200", "default"], "$statusCode == 409", 409),
        (["404", "204"], "$statusCode < 300", 204),
    ],
)
def test_a_documented_status_that_a_criterion_expects_is_answered(run, documented, condition, status):
    result = run(operation({each: {"description": "d"} for each in documented}), {"successCriteria": when(condition)})
    assert (result.status, answered(result)[0]) == ("succeeded", status)


def test_an_undocumented_status_is_answered_only_when_that_is_allowed(run):
    step = {"successCriteria": when("$statusCode == 202")}
    paths = operation({"200": {"description": "d"}})
    assert answered(run(paths, step))[0] == 200
    assert answered(run(paths, step, mock_lenient=True))[0] == 202


def test_members_that_outputs_and_later_steps_read_are_in_the_body(run):
    shop = members(owner=members(name={"type": "string"}, age={"type": "integer"}), id={"type": "string"})
    paths = operation({"200": response(shop, example={"id": "s1"})})
    paths["/b/{n}"] = {"get": {"operationId": "other", "responses": {"200": {"description": "d"}}}}
    result = run(
        paths,
        {"outputs": {"id": "$response.body#/id", "owner": "$response.body#/owner"}},
        {"operationId": "other", "parameters": [{"name": "n", "in": "path", "value": "$steps.s0.outputs.owner#/age"}]},
    )
    assert result.steps[0].outputs == {"id": "s1", "owner": {"name": "example", "age": 1}}
    assert result.status == "succeeded"


def test_a_member_that_no_schema_names_stays_missing(run):
    result = run(operation({"200": response(PET)}), {"outputs": {"state": "$response.body#/state"}})
    assert "state" not in result.steps[0].outputs


def test_a_body_of_which_nothing_is_said_has_what_is_read(run):
    result = run(operation({"200": {"description": "d"}}), {"outputs": {"id": "$response.body#/pet/id"}})
    assert result.steps[0].outputs == {"id": "example"}
    assert (
        run(operation({"204": {"description": "d"}}), {"outputs": {"id": "$response.body#/id"}}).steps[0].outputs == {}
    )


def test_each_step_gets_what_it_expects_of_the_same_operation(run):
    result = run(
        operation({"200": response(PET), "404": {"description": "d"}}),
        {"successCriteria": when("$statusCode == 404")},
        {"successCriteria": when("$response.body#/status == 'done'")},
        {"successCriteria": when("$response.body#/status == 'queued'")},
    )
    assert [answered(result, step)[0] for step in range(3)] == [404, 200, 200]
    assert result.status == "succeeded"


def test_a_loop_goes_round_and_ends(run):
    """The first two answers are as documented, then one comes that ends the loop."""
    actions = [
        {"name": "again", "type": "goto", "stepId": "s0", "criteria": when("$response.body#/status != 'done'")},
        {"name": "done", "type": "end", "criteria": when("$response.body#/status == 'done'")},
    ]
    for given in (actions, actions[:1], actions[::-1]):
        result = run(operation({"200": response(PET)}), {"onSuccess": given})
        assert (result.status, len(result.steps)) == ("succeeded", 3)


def test_pages_come_to_an_end(run):
    page = members(items={"type": "array", "items": {"type": "integer"}}, next={"type": "string"})
    more = {"name": "more", "type": "goto", "stepId": "s0", "criteria": when("$response.body#/next != null")}
    result = run(
        operation({"200": response(page)}), {"onSuccess": [more], "outputs": {"items": "$response.body#/items"}}
    )
    assert (result.status, len(result.steps), answered(result, 2)[1]) == ("succeeded", 3, {"items": [1]})


BACK = {"name": "back", "type": "goto", "stepId": "s0"}
ITEMS = {"type": "array", "items": {"type": "integer"}}
PAGE = members(items=ITEMS, next={"type": "string"}, more={"type": "boolean"}, left={"type": "integer"})
LINKED = {"200": {**response(PAGE), "headers": {"Link": {"schema": {"type": "string"}}}}}


def one_step(condition, **more):
    return [{"onSuccess": [{**BACK, "criteria": when(condition)}], **more}]


def two_steps(condition, outputs):
    return [{"outputs": outputs}, {"onSuccess": [{**BACK, "criteria": when(condition)}]}]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(one_step("$response.body#/next != null"), id="a cursor"),
        pytest.param(one_step("$response.body#/more == true"), id="a flag"),
        pytest.param(one_step("$response.body#/left > 0"), id="a number"),
        pytest.param(one_step("$response.body#/items.length > 0"), id="a list that has items"),
        pytest.param(one_step("$response.header.Link"), id="a header"),
        pytest.param(
            two_steps("$steps.s0.outputs.next != null", {"next": "$response.body#/next"}), id="of another step"
        ),
        pytest.param(two_steps("$steps.s0.outputs.all#/more == true", {"all": "$response.body"}), id="in an output"),
        pytest.param(
            two_steps("$steps.s0.outputs.items.length > 0", {"items": "$response.body#/items"}),
            id="the length of an output",
        ),
        pytest.param(two_steps("$steps.s0.outputs.link", {"link": "$response.header.Link"}), id="a header of another"),
        pytest.param(
            [
                {
                    "outputs": {"next": "$response.body#/next"},
                    "onSuccess": [{"name": "done", "type": "end", "criteria": when("$response.body#/more == false")}],
                },
                {"onSuccess": [BACK]},
            ],
            id="a way out at the first step, an unconditional way back at the last",
        ),
        pytest.param(
            [
                {"outputs": {"next": "$response.body#/next"}},
                {},
                {"onSuccess": [{**BACK, "criteria": when("$steps.s0.outputs.next")}]},
            ],
            id="a loop of three steps",
        ),
        pytest.param(
            [
                {"outputs": {"next": "$response.body#/next", "more": "$response.body#/more"}},
                {"onSuccess": [{**BACK, "criteria": when("$steps.s0.outputs.more && $steps.s0.outputs.next != ''")}]},
            ],
            id="two conditions in one",
        ),
    ],
)
@pytest.mark.parametrize("mock", [True, "stateful"])
def test_a_loop_that_follows_pages_ends_after_the_second_page(run, steps, mock):
    result = run(operation(LINKED), *steps, mock=mock)
    visits = [each.step_id for each in result.steps].count("s0")
    assert (result.status, visits) == ("succeeded", 3)


def test_a_loop_whose_pages_a_called_workflow_reads_ends(tmp_path):
    api = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": operation({"200": response(PAGE)})}
    (tmp_path / "api.json").write_text(json.dumps(api))
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": "w",
                "steps": [
                    {"stepId": "s0", "workflowId": "page"},
                    {
                        "stepId": "s1",
                        "operationId": "op",
                        "onSuccess": [{**BACK, "criteria": when("$steps.s0.outputs.cursor != null")}],
                    },
                ],
            },
            {
                "workflowId": "page",
                "steps": [{"stepId": "read", "operationId": "op", "outputs": {"next": "$response.body#/next"}}],
                "outputs": {"cursor": "$steps.read.outputs.next"},
            },
        ],
    }
    (tmp_path / "flow.json").write_text(json.dumps(document))
    result = arazzo_runner.run(tmp_path / "flow.json", "w", mock=True, options=RunOptions(max_steps=30))
    assert (result.status, len(result.steps)) == ("succeeded", 6)


def test_what_the_description_does_not_allow_is_not_answered_to_end_a_loop(run):
    endless = {"type": "object", "required": ["next"], "properties": {"next": {"type": "string", "minLength": 1}}}
    result = run(operation({"200": response(endless)}), *one_step("$response.body#/next != null"))
    assert "max-steps" in result.reason


def test_which_step_sends_a_request_is_neither_reported_nor_recorded(run):
    recorders = []

    def recorder(world):
        recorders.append(Recorder(world))
        return recorders[-1]

    result = run(operation({"200": response(PET)}), {}, around=recorder)
    assert "arazzo-mock-step" not in repr(result).lower()
    assert "arazzo-mock-step" not in repr(recorders[0].interactions).lower()


def test_equal_runs_get_equal_answers(run):
    step = {"successCriteria": when("$response.body#/count > 40"), "outputs": {"all": "$response.body"}}
    assert run(operation({"200": response(PET)}), step).outputs == run(operation({"200": response(PET)}), step).outputs


# ------------------------------------------------------------------ paths and forms


@pytest.mark.parametrize(
    ("path", "parameters", "sent"),
    [
        ("/?Action=List", [], "/?Action=List"),
        ("/?Action=List", [("Action", "List")], "/?Action=List"),
        ("/q?acl", [("max", 3)], "/q?acl&max=3"),
        ("/q?part={part}&id=a%20b", [("part", 3)], "/q?id=a%20b&part=3"),
    ],
)
def test_the_query_of_a_path_is_sent_once_and_tells_operations_apart(run, path, parameters, sent):
    other = {"get": {"operationId": "other", "responses": {"200": {"description": "d"}}}}
    paths = {path.partition("?")[0]: other, f"{path.partition('?')[0]}?Action=Drop": other}
    paths |= operation({"202": {"description": "d"}}, path)
    given = [{"name": name, "in": "query", "value": value} for name, value in parameters]
    result = run(paths, {"parameters": given, "successCriteria": when("$statusCode == 202")})
    assert result.status == "succeeded", result.reason
    assert result.steps[0].attempts[0].request.url.endswith(sent)


def test_a_field_in_the_query_of_a_path_counts_as_given(run, tmp_path):
    parameter = {"name": "Action", "in": "query", "required": True, "schema": {"type": "string"}}
    paths = operation({"200": {"description": "d"}}, "/?Action=List", parameters=[parameter])
    options = RunOptions(checks=CheckOptions(requests="error"))
    assert run(paths, {}, options=options).status == "succeeded"
    assert "missing-parameter" not in [each.code for each in arazzo_runner.validate(tmp_path / "flow.json")]


def test_an_empty_form_is_sent_as_one_empty_part(run):
    body = {"content": {"multipart/form-data": {"schema": members(file={"type": "string", "format": "binary"})}}}
    result = run(
        operation({"200": {"description": "d"}}, method="post", requestBody=body),
        {"requestBody": {"contentType": "multipart/form-data", "payload": {}}},
    )
    assert result.status == "succeeded", result.reason
    first, *between, last = result.steps[0].attempts[0].request.body.removesuffix(b"\r\n").split(b"\r\n")
    assert (first.startswith(b"--"), between, last) == (True, [b"", b""], first + b"--")
