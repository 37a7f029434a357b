"""The mock of descriptions that are not plain: expressions of RFC 6570 in paths, and what is broken."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.errors import InvalidDescription
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.runtime.mock.api import MockApi, Served
from arazzo_runner.sources.openapi import load_openapi


def mock(paths):
    value = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    return MockApi(
        (Served(load_openapi(from_value(value, "api.json"), None, Problems(), base="http://x.test/api.json")),)
    )


def answering(name):
    content = {"application/json": {"example": name}}
    return {"get": {"operationId": name, "responses": {"200": {"description": "ok", "content": content}}}}


@pytest.mark.parametrize(
    ("path", "url", "found"),
    [
        pytest.param("/v1/{+name}/sets", "/v1/projects/p1/sets", True, id="several segments for +"),
        pytest.param("/v1/{+name}/sets", "/v1/sets", False, id="at least one segment for +"),
        pytest.param("/v1/{name}/sets", "/v1/projects/p1/sets", False, id="one segment for a plain variable"),
        pytest.param("/v1{/path*}", "/v1/a/b", True, id="several segments for /"),
        pytest.param("/v1/x{.ext}", "/v1/x.json", True, id="a full stop"),
        pytest.param("/v1/x{;p}", "/v1/x;p=1", True, id="a matrix parameter"),
        pytest.param("/v1/x{?q}", "/v1/x?q=1", True, id="a query"),
        pytest.param("/v1/x{?q}", "/v1/x", True, id="a query that is left out"),
        pytest.param("/v1/x{#part}", "/v1/x", True, id="a fragment, which is not sent"),
        pytest.param("/v1/{name:3}", "/v1/abc", True, id="a prefix"),
        pytest.param("/{proxy+}", "/a/b/c", True, id="a greedy variable"),
    ],
)
def test_the_mock_routes_expressions(path, url, found):
    answer = mock({path: answering("op")}).handle(HttpRequest("GET", url, ()))
    assert answer.status == (200 if found else 404)


def test_a_literal_path_wins_over_a_variable_of_several_segments():
    api = mock({"/v1/{+name}": answering("long"), "/v1/{name}/b": answering("short"), "/v1/a/b": answering("literal")})
    answers = [json.loads(api.handle(HttpRequest("GET", url, ())).body)
               for url in ("/v1/a/b", "/v1/c/b", "/v1/c/d/e")]  # fmt: skip
    assert answers == ["literal", "short", "long"]


BROKEN = {"/a": {"get": {"operationId": "broken", "parameters": [{"$ref": "#/gone"}], "responses": {}}},
          "/b": answering("sound")}  # fmt: skip


def test_the_mock_refuses_a_broken_operation_when_it_is_called():
    api = mock(BROKEN)
    broken = api.handle(HttpRequest("GET", "/a", ()))
    assert (broken.status, b'$ref \\"#/gone\\" points to nothing' in broken.body) == (500, True)
    assert api.handle(HttpRequest("GET", "/b", ())).status == 200


@pytest.mark.parametrize(("operation_id", "refused"), [("broken", True), ("sound", False)])
def test_a_run_against_a_mock_refuses_a_broken_operation_that_it_calls(tmp_path, operation_id, refused):
    (tmp_path / "api.json").write_text(
        json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": BROKEN})
    )
    document = {"arazzo": "1.0.1", "info": {"title": "t", "version": "1"},
                "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
                "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": operation_id}]}]}  # fmt: skip
    (tmp_path / "doc.json").write_text(json.dumps(document))
    options = LoadOptions(root=str(tmp_path), any_server=True)
    if refused:
        with pytest.raises(InvalidDescription, match="broken-reference"):
            arazzo_runner.load(tmp_path / "doc.json", load_options=options)
    else:
        assert arazzo_runner.load(tmp_path / "doc.json", load_options=options).workflow.workflow_id == "w"
