"""Expressions of RFC 6570 in paths: read as parameters, sent as the RFC says, routed by the mock."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.sources.path_template import plain_template


@pytest.mark.parametrize(
    ("path", "plain", "names"),
    [
        ("/v1/{name}", "/v1/{name}", []),
        ("/v1/{+name}", "/v1/{name}", ["name"]),
        ("/v1/{name}{?fields,key*}", "/v1/{name}", ["fields", "key"]),
        ("/v1/{name}/a{&more}", "/v1/{name}/a", ["more"]),
        ("/v1{/path*}", "/v1{path}", ["path"]),
        ("/v1{/a,b}", "/v1{a}{b}", ["a", "b"]),
        ("/v1/x{.ext}", "/v1/x{ext}", ["ext"]),
        ("/v1/x{;p,q}", "/v1/x{p}{q}", ["p", "q"]),
        ("/v1/{#part}", "/v1/", ["part"]),
        ("/v1/{name:3}", "/v1/{name}", ["name"]),
        ("/v1/{a,b}", "/v1/{a},{b}", ["a", "b"]),
        ("/{proxy+}", "/{proxy}", ["proxy"]),
        ("/v1/{name=projects/*}:run", "/v1/{name}:run", ["name"]),
        ("/v1/{other=projects/*}", "/v1/{other=projects/*}", []),
        ("/v1/{odd+name}", "/v1/{odd+name}", []),
        ("/v1/{", "/v1/{", []),
        ("/v1/{}", "/v1/{}", []),
        ("/v1/{+}", "/v1/{+}", []),
    ],
)
def test_an_expression_becomes_plain_variables(path, plain, names):
    template = plain_template(path, ["name", "odd+name"])
    assert (template.path, list(template.expansions)) == (plain, names)


def sent(folder, path, parameters, *, declared=()):
    described = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://x.test"}],
                 "paths": {path: {"get": {"operationId": "op", "parameters": list(declared),
                                          "responses": {"200": {"description": "ok"}}}}}}  # fmt: skip
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": "op", "parameters": [
            {"name": name, "in": "path", "value": value} for name, value in parameters.items()]}]}],
    }  # fmt: skip
    (folder / "api.json").write_text(json.dumps(described))
    (folder / "doc.json").write_text(json.dumps(document))
    program = arazzo_runner.load(folder / "doc.json", load_options=LoadOptions(root=str(folder), any_server=True))
    result = arazzo_runner.dry_run(program)
    [step] = result.steps
    return step.attempts[-1].request.url.partition("x.test")[2] if step.attempts and step.attempts[-1].request else None


@pytest.mark.parametrize(
    ("path", "values", "url"),
    [
        pytest.param("/v1/{+name}", {"name": "projects/p1/sets:x"}, "/v1/projects/p1/sets:x", id="+ keeps reserved characters"),
        pytest.param("/v1/{+name}", {"name": "a?b#c d"}, "/v1/a%3Fb%23c%20d", id="+ ends no path"),
        pytest.param("/v1/{+name}", {"name": "a/../../b"}, None, id="+ does not go up"),
        pytest.param("/v1/{+name}", {"name": "/a"}, None, id="+ makes no empty segment"),
        pytest.param("/v1/{name}", {"name": "a/b"}, "/v1/a%2Fb", id="a plain variable is one segment"),
        pytest.param("/v1{/path*}", {"path": ["a", "b/c"]}, "/v1/a/b%2Fc", id="/ with * is a segment for each item"),
        pytest.param("/v1{/path}", {"path": "a"}, "/v1/a", id="/ puts a slash before"),
        pytest.param("/v1{/path*}", {"path": ["a", ".."]}, None, id="/ does not go up"),
        pytest.param("/v1/x{.ext}", {"ext": "json"}, "/v1/x.json", id=". puts a full stop before"),
        pytest.param("/v1/x{;p}", {"p": 5}, "/v1/x;p=5", id="; puts the name before"),
        pytest.param("/v1/{name:3}", {"name": "abcdef"}, "/v1/abc", id="a prefix"),
        pytest.param("/v1/x{?q,r*}", {"q": [1, 2], "r": [3, 4]}, "/v1/x?q=1,2&r=3&r=4", id="? is the query"),
        pytest.param("/v1/x{#part}", {"part": "a"}, "/v1/x", id="# is not sent"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "not declared"])
def test_a_value_is_sent_as_the_expression_says(tmp_path, path, values, url, is_declared):
    declared = [{"name": name, "in": "path", "required": True, "schema": {}} for name in values] if is_declared else []
    assert sent(tmp_path, path, values, declared=declared) == url
