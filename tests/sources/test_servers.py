"""Which server a request goes to: operation, path item, description; variables; relative URLs."""

from __future__ import annotations

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.operation import NoServer, server_url

BASE = "https://api.test/specs/api.yaml"
FILE = "file:///specs/api.yaml"


def one(servers, *, item=None, base=BASE, **root):
    """Return the operation of a description with these servers at its root."""
    paths = {"/a": {**(item or {}), "get": {"operationId": "a", **(item or {}).get("get", {})}}}
    value = {"openapi": "3.2.0", "paths": paths, "servers": servers, **root}
    return load_openapi(from_value(value, "api.yaml"), None, Problems(), base=base).operation("a")


REGION = {
    "url": "https://{region}.test/{v}",
    "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}, "v": {"default": "v1"}},
}


@pytest.mark.parametrize(
    ("servers", "variables", "environment", "override", "expected"),
    [
        pytest.param([{"url": "https://a.test/v1/"}], {}, {}, None, "https://a.test/v1", id="absolute"),
        pytest.param([{"url": "/v1"}], {}, {}, None, "https://api.test/v1", id="relative to the description"),
        pytest.param([{"url": "v1"}], {}, {}, None, "https://api.test/specs/v1", id="relative to its folder"),
        pytest.param([{"url": "//b.test/v1"}], {}, {}, None, "https://b.test/v1", id="relative to its scheme"),
        pytest.param([REGION], {}, {}, None, "https://eu.test/v1", id="defaults of variables"),
        pytest.param([REGION], {"region": "us"}, {}, None, "https://us.test/v1", id="a run option"),
        pytest.param([REGION], {}, {"ARAZZO_SERVER_VAR_V": "v9"}, None, "https://eu.test/v9", id="the environment"),
        pytest.param([REGION], {"v": "v2"}, {"ARAZZO_SERVER_VAR_V": "v9"}, None, "https://eu.test/v2", id="the option before the environment"),
        pytest.param([REGION], {}, {}, "http://127.0.0.1:8/x/", "http://127.0.0.1:8/x", id="the override wins"),
        pytest.param([{"url": "ws://a.test"}, {"url": "https://b.test"}], {}, {}, None, "https://b.test", id="the first usable one"),
    ],
)  # fmt: skip
def test_server_is_chosen(servers, variables, environment, override, expected):
    assert server_url(one(servers), variables, environment, override) == expected


@pytest.mark.parametrize(
    ("operation", "variables", "override", "message"),
    [
        pytest.param(one([REGION]), {"region": "mars"}, None, 'is "mars", expected one of eu, us', id="outside the enum"),
        pytest.param(one([{"url": "https://{x}.test"}]), {}, None, 'variable "x" has no default', id="no default"),
        pytest.param(one([REGION]), {}, "ftp://x", "not an http", id="an override that is not an http URL"),
        pytest.param(one([REGION]), {}, "https://", "not an http", id="an override without host"),
        pytest.param(one([]), {}, None, "does not name a server", id="no server at all"),
        pytest.param(one([{"url": "/v1"}], base=FILE), {}, None, "relative and the description was read from a file", id="relative to a file"),
        pytest.param(one([{"url": "ws://a.test"}]), {}, None, r"is not http\(s\)", id="another scheme"),
        pytest.param(one([{"url": "https:///v1"}]), {}, None, "has no host", id="no host"),
    ],
)  # fmt: skip
def test_no_usable_server_is_reported(operation, variables, override, message):
    with pytest.raises(NoServer, match=message):
        server_url(operation, variables, {}, override)


def test_passwords_are_not_in_messages():
    with pytest.raises(NoServer) as caught:
        server_url(one([REGION]), {}, {}, "ftp://me:hush@x.test")
    assert "hush" not in caught.value.message


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param({}, "https://root.test", id="the description's"),
        pytest.param({"servers": [{"url": "https://item.test"}]}, "https://item.test", id="the path item's before it"),
        pytest.param({"servers": [{"url": "https://item.test"}], "get": {"servers": [{"url": "https://own.test"}]}}, "https://own.test", id="the operation's before all"),
        pytest.param({"get": {"servers": []}}, "https://root.test", id="an empty list is none"),
    ],
)  # fmt: skip
def test_nearest_servers_count(item, expected):
    assert server_url(one([{"url": "https://root.test"}], item=item), {}, {}, None) == expected


def test_relative_server_is_resolved_against_the_location_of_the_description_not_its_self():
    operation = one([{"url": "/v1"}], **{"$self": "https://elsewhere.test/api"})
    assert server_url(operation, {}, {}, None) == "https://api.test/v1"
