"""Broken descriptions: an error where a step needs what is broken, a warning elsewhere; one finding for one mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner.program.library import LoadOptions

OK = {"200": {"description": "ok"}}


def operation(**fields):
    return {"operationId": "op", "responses": OK, **fields}


def whole(paths, **fields):
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://x.test"}],
            "paths": paths, **fields}  # fmt: skip


def api(root=None, **fields):
    return whole({"/a": {"get": operation(**fields)}}, **(root or {}))


def swagger(root=None, **fields):
    paths = {"/a": {"get": operation(**fields)}}
    return {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "x.test", "paths": paths, **(root or {})}


def findings(folder, description, step=None, *, preset=False, **options):
    steps = step if isinstance(step, list) else [{"operationId": "op"} if step is None else step]
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": f"s{n}", **each} for n, each in enumerate(steps)]}],
    }
    (folder / "api.json").write_text(json.dumps(description))
    (folder / "doc.json").write_text(json.dumps(document))
    load_options = LoadOptions(root=str(folder), **options)
    return arazzo_runner.validate(folder / "doc.json", rules=(), load_options=load_options)


def seen(*arguments, **options):
    return [(each.severity.value, each.code, each.at.pointer) for each in findings(*arguments, **options)]


GET = "/paths/~1a/get"
GONE = {"$ref": "#/components/x/Gone"}
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
PAGE = {"name": "limit", "in": "query", "schema": {"type": "string"}, "style": "pipeDelimited"}
JSON_BODY = {"content": {"application/json": {"schema": GONE}}}
KEY: dict[str, Any] = {"security": [{"key": []}]}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        pytest.param(api(parameters=[GONE]), [("error", "broken-reference", f"{GET}/parameters/0")], id="a $ref of a parameter"),
        pytest.param(api(requestBody=GONE), [("error", "broken-reference", f"{GET}/requestBody")], id="a $ref of a body"),
        pytest.param(api(requestBody=JSON_BODY), [("error", "broken-reference", f"{GET}/requestBody/content/application~1json/schema")], id="a $ref of a body's schema"),
        pytest.param(api(responses={"200": GONE}), [("warning", "broken-reference", f"{GET}/responses/200")], id="a $ref of a response is a warning"),
        pytest.param(api(parameters=[{**LIMIT, "schema": GONE}]), [("warning", "broken-reference", f"{GET}/parameters/0/schema")], id="a $ref of a parameter's schema is a warning"),
        pytest.param(api({"components": {"securitySchemes": {"key": GONE}}}, **KEY), [("error", "broken-reference", "/components/securitySchemes/key")], id="a $ref of a security scheme"),
        pytest.param(api({"components": {"securitySchemes": {"key": GONE}}}), [], id="a security scheme that is not needed"),
        pytest.param(api({"components": []}, **KEY), [("error", "broken-description", "/components")], id="components as a list, with security"),
        pytest.param(api({"components": []}), [("warning", "broken-description", "/components")], id="components as a list, not needed"),
        pytest.param(api({"components": []}, parameters=[GONE]), [("error", "broken-description", "/components")], id="components as a list, which a $ref needs"),
        pytest.param(api({"components": {"securitySchemes": []}}, **KEY), [("error", "broken-description", "/components/securitySchemes")], id="security schemes as a list"),
        pytest.param(api(parameters={"limit": {}}), [("error", "broken-description", f"{GET}/parameters")], id="parameters as a mapping"),
        pytest.param(api({"servers": "http://x.test"}), [("error", "broken-description", "/servers")], id="servers as a text"),
        pytest.param(api({"servers": [{"$ref": "#/x"}]}), [("error", "broken-description", "/servers/0")], id="a server as a $ref"),
        pytest.param(api({"servers": [{"url": "http://x.test/{v}", "variables": [1]}]}), [("error", "broken-description", "/servers/0/variables")], id="server variables as a list"),
        pytest.param(api(security={"key": []}), [("error", "broken-description", f"{GET}/security")], id="security as a mapping"),
        pytest.param(api(parameters=[LIMIT, LIMIT]), [("warning", "broken-description", f"{GET}/parameters/1")], id="the same parameter twice"),
        pytest.param(api(parameters=[LIMIT, PAGE]), [("warning", "broken-description", f"{GET}/parameters/1")], id="two parameters of one name that is not given"),
        pytest.param(whole([]), [("error", "broken-description", "/paths")], id="paths as a list"),
        pytest.param(whole(None), [("error", "broken-description", "/paths")], id="paths without a value"),
        pytest.param(whole({"/a": [1], "/b": {"get": operation()}}), [("warning", "broken-description", "/paths/~1a")], id="a path item as a list"),
        pytest.param(whole({"/a": {"get": [1]}, "/b": {"get": operation()}}), [("warning", "broken-description", GET)], id="an operation as a list"),
        pytest.param(whole({"/a": {"get": {"operationId": 7}}, "/b": {"get": operation()}}), [("warning", "broken-description", f"{GET}/operationId")], id="an operationId as a number"),
        pytest.param(whole({"/a": {**GONE, "get": operation()}}), [("error", "broken-reference", "/paths/~1a")], id="a $ref of a path item"),
        pytest.param(whole({"/a": {"get": operation()}, "/b": {"get": {"operationId": "x"}, "put": {"operationId": "x"}}}), [("warning", "duplicate-operation-id", "/paths/~1b/put/operationId")], id="an operationId twice that no step names"),
        pytest.param(whole({"/a": {"get": operation()}, "/b": {"get": operation()}}), [("error", "duplicate-operation-id", "/workflows/0/steps/0/operationId")], id="an operationId twice that a step names"),
        pytest.param(swagger(parameters=[GONE]), [("error", "broken-reference", GET)], id="2.0: a $ref of a parameter"),
        pytest.param(swagger(parameters={"limit": {}}), [("error", "broken-description", f"{GET}/parameters")], id="2.0: parameters as a mapping"),
        pytest.param(swagger(responses={"200": GONE}), [("warning", "broken-reference", GET)], id="2.0: a $ref of a response is a warning"),
        pytest.param(swagger({"securityDefinitions": []}, **KEY), [("error", "broken-description", "/securityDefinitions")], id="2.0: security definitions as a list"),
        pytest.param(swagger({"definitions": []}), [("warning", "broken-description", "/definitions")], id="2.0: definitions as a list"),
        pytest.param(swagger({"schemes": "https"}), [("warning", "broken-description", "/schemes")], id="2.0: schemes as a text"),
    ],
)  # fmt: skip
def test_what_is_broken_is_one_finding(tmp_path, description, expected):
    assert seen(tmp_path, description) == expected


def test_of_two_parameters_that_differ_the_one_given_is_an_error(tmp_path):
    step = {"operationId": "op", "parameters": [{"name": "limit", "in": "query", "value": 1}]}
    assert seen(tmp_path, api(parameters=[LIMIT, PAGE]), step) == [
        ("error", "broken-description", f"{GET}/parameters/1")
    ]


def test_both_places_of_an_operation_id_are_named(tmp_path):
    [found] = findings(tmp_path, whole({"/a": {"delete": operation()}, "/b": {"get": operation()}}))
    assert found.message == 'operationId "op" is defined twice in source "api": DELETE /a and GET /b'
    assert [each.pointer for each in found.related] == ["/paths/~1a/delete/operationId", "/paths/~1b/get/operationId"]
    assert "'{$sourceDescriptions.api.url}#/paths/~1b/get'" in found.hint


def test_an_operation_named_by_its_path_may_have_the_id_of_another(tmp_path):
    step = {"operationPath": "{$sourceDescriptions.api.url}#/paths/~1b/get"}
    paths = {"/a": {"delete": operation()}, "/b": {"get": operation()}}
    assert [severity for severity, *_ in seen(tmp_path, whole(paths), step)] in ([], ["warning"])


def test_paths_that_differ_in_the_names_of_their_variables_are_a_warning(tmp_path):
    step = {"operationId": "op", "parameters": [{"name": "id", "in": "path", "value": 1}]}
    paths = {"/a/{id}": {"get": operation()}, "/a/{name}": {"put": {"operationId": "other"}}, "/b/{id}": {}}
    [found] = findings(tmp_path, whole(paths), step)
    assert (found.severity.value, found.code, found.at.pointer) == (
        "warning",
        "broken-description",
        "/paths/~1a~1{name}",
    )


def test_servers_of_a_wrong_type_are_no_error_where_another_is_named(tmp_path):
    found = seen(tmp_path, api({"servers": "http://x.test"}), servers={"api": "http://localhost:1"})
    assert found == [("warning", "broken-description", "/servers")]


def test_a_missing_document_that_many_references_name_is_one_finding(tmp_path):
    responses = {str(status): {"$ref": f"gone.yaml#/r{status}"} for status in range(400, 460)}
    [found] = findings(tmp_path, api(responses={**OK, **responses}))
    assert found.severity.value == "warning"
    assert found.message.endswith("gone.yaml does not exist (60 $refs name it)")
    assert found.at.pointer == f"{GET}/responses/400"


@pytest.mark.parametrize(
    "target", [{"operationId": "op"}, {"operationPath": "{$sourceDescriptions.api.url}#/paths/~1a/get"}]
)
@pytest.mark.parametrize("is_read", [True, False], ids=["source read", "source not read"])
def test_a_parameter_without_in_is_an_error(tmp_path, target, is_read):
    step = {**target, "parameters": [{"name": "limit", "value": 1}]}
    sources = {} if is_read else {"sources": {"api": "https://api.test/api.json"}, "offline": True, "unchecked": True}
    found = seen(tmp_path, api(parameters=[LIMIT]), step, **sources)
    assert ("error", "missing-field", "/workflows/0/steps/0/parameters/0") in found
    assert [code for severity, code, _ in found if severity == "error"] == ["missing-field"]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        pytest.param("{$sourceDescriptions.apy.url}#/paths/~1a/get", 'operationPath: there is no source "apy"; did you mean "api"?', "write '{$sourceDescriptions.api.url}#/paths/~1a/get'", id="a misspelt source"),
        pytest.param("{$sourceDescriptions.api.url}#/paths/~1b/get", 'source "api" has nothing callable at /paths/~1b/get', "did you mean '{$sourceDescriptions.api.url}#/paths/~1a/get'?", id="a misspelt pointer"),
        pytest.param("GET /b", 'operationPath "GET /b" is in no source', "did you mean '{$sourceDescriptions.api.url}#/paths/~1a/get'?", id="a misspelt path"),
        pytest.param("GET /a", "operationPath must be a source's url in braces and a JSON Pointer", "write '{$sourceDescriptions.api.url}#/paths/~1a/get' or operationId: op", id="method and path"),
    ],
)  # fmt: skip
def test_the_hint_about_an_operation_path_is_the_right_path(tmp_path, path, message, hint):
    [found] = findings(tmp_path, api(), {"operationPath": path})
    assert (found.severity.value, found.message, found.hint) == ("error", message, hint)


def test_a_path_cannot_be_looked_up_in_a_source_that_was_not_read(tmp_path):
    options = {"sources": {"api": "https://api.test/api.json"}, "offline": True, "unchecked": True}
    found = findings(tmp_path, api(), {"operationPath": "GET /a"}, **options)
    assert 'operationPath "GET /a" cannot be looked up, "api" was not read' in [each.message for each in found]
    assert "write '{$sourceDescriptions.api.url}#/paths/~1a/get'" in [each.hint for each in found]


def test_an_operation_without_parameters_says_so(tmp_path):
    step = {"operationId": "op", "parameters": [{"name": "limit", "in": "query", "value": 1}]}
    [found] = findings(tmp_path, api(), step)
    assert (found.severity.value, found.hint) == ("warning", None)
    assert found.message == 'operation op declares no parameters; "limit" is sent anyway'


@pytest.mark.parametrize(
    ("source", "step", "expected"),
    [
        pytest.param({"url": "./gone.json"}, "api.op", ("source-not-found", False, "warning"), id="not found and not needed"),
        pytest.param({"url": "./gone.json"}, "more.op", ("source-not-found", False, "error"), id="not found and needed"),
        pytest.param({"url": "./api.json", "type": "arazzo"}, "api.op", ("source-kind", True, "error"), id="of another type and not needed"),
        pytest.param({"url": "./api.json", "type": "arazzo"}, "more.op", ("source-kind", False, "error"), id="of another type and needed"),
    ],
)  # fmt: skip
def test_a_source_matters_where_a_step_needs_it(tmp_path, source, step, expected):
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json"}, {"name": "more", **source}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": f"$sourceDescriptions.{step}"}]}],
    }
    (tmp_path / "api.json").write_text(json.dumps(api()))
    (tmp_path / "doc.json").write_text(json.dumps(document))
    found = arazzo_runner.validate(tmp_path / "doc.json", rules=(), load_options=LoadOptions(root=str(tmp_path)))
    assert [(each.code, each.is_tolerated, each.severity.value) for each in found] == [expected]


@pytest.mark.parametrize(
    ("target", "code", "hint"),
    [
        pytest.param(
            "pay", "unknown-workflow", "write $sourceDescriptions.kid.pay", id="a workflow of another document"
        ),
        pytest.param(
            "kid.pay", "unknown-workflow", "write $sourceDescriptions.kid.pay", id="with the name of its source"
        ),
        pytest.param("$sourceDescriptions.kit.pay", "unknown-source", 'did you mean "kid"?', id="a misspelt source"),
    ],
)
def test_a_workflow_of_another_document_is_named_by_an_expression(tmp_path, target, code, hint):
    def document(url, kind, name, steps):
        return {"arazzo": "1.0.1", "info": {"title": "t", "version": "1"},
                "sourceDescriptions": [{"name": name, "url": url, "type": kind}],
                "workflows": [{"workflowId": "pay", "steps": steps}]}  # fmt: skip

    (tmp_path / "api.json").write_text(json.dumps(api()))
    kid = document("./api.json", "openapi", "api", [{"stepId": "s", "operationId": "op"}])
    (tmp_path / "kid.json").write_text(json.dumps(kid))
    value = document("./kid.json", "arazzo", "kid", [{"stepId": "s", "workflowId": target}])
    value["workflows"][0]["workflowId"] = "w"
    (tmp_path / "doc.json").write_text(json.dumps(value))
    [found] = arazzo_runner.validate(tmp_path / "doc.json", rules=(), load_options=LoadOptions(root=str(tmp_path)))
    assert (found.severity.value, found.code, found.hint) == ("error", code, hint)


def test_a_source_that_moved_is_named_by_its_path_from_the_document(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "api.json").write_text(json.dumps(api()))
    document = {"arazzo": "1.0.1", "info": {"title": "t", "version": "1"},
                "sourceDescriptions": [{"name": "api", "url": "./apis/api.json"}],
                "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": "op"}]}]}  # fmt: skip
    path = tmp_path / "deep" / "doc.json"
    path.write_text(json.dumps(document))
    [found] = arazzo_runner.validate(path, rules=(), load_options=LoadOptions(root=str(tmp_path)))
    assert (found.severity.value, found.code) == ("warning", "source-moved")
    assert found.hint == 'write url: ../apis/api.json, or name a file with LoadOptions(sources={"api": PATH})'
