"""Examples exported for Postman and run with newman: the same requests and outputs; the form of a collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import export
from tests.e2e.test_examples import EXAMPLES, SPECS
from tests.e2e.test_message_examples import MESSAGES
from tests.export.runners import Example, module, run_itself, run_postman, same

needs_newman = pytest.mark.skipif(module("newman/bin/newman.js") is None, reason="newman is not installed")
# Each run of newman takes seconds of CPU: those rows that show what no other does. All rows pass.
SHOWN = {
    "a refresh token is rotated",
    "the session cookie is sent back until it is over",
    "every page is read and archived",
    "a busy server is asked again",
    "an expired token is renewed and the request sent again",
    "a step is a workflow of another document",
    "credentials that the document does not mention",
    "a form, then a picture",
    "selected here, replaced there",
    "the seat is given back when there is no room",
}
RUNS = [pytest.param(*row.values[:2], id=row.id) for row in EXAMPLES if row.id in SHOWN]


@needs_newman
@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_an_example_does_the_same(name: str, arguments: str, tmp_path: Path) -> None:
    example = Example.of(name, arguments)
    same(example, run_itself(example), run_postman(example, tmp_path))


def test_the_rows_exist() -> None:
    assert {row.id for row in RUNS} == SHOWN


_MESSAGES = {row.values[0] for row in MESSAGES}
OVER_HTTP = sorted(path.stem for path in (SPECS / "arazzo").iterdir() if path.stem not in _MESSAGES)


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_collection_has_the_form_of_version_2_1(name: str) -> None:
    plan = make_plan(Example(name=name, inputs={}).program)
    collection = json.loads(next(iter(export(plan, "postman").files.values())))
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    assert set(collection) == {"info", "item", "variable"}
    for item in collection["item"]:
        check_item(item)
    variables = [each["key"] for each in collection["variable"]]
    assert len(set(variables)) == len(variables)
    assert all("value" not in each for each in collection["variable"] if each["type"] == "secret")


def check_item(item: dict[str, Any]) -> None:
    assert set(item) == {"name", "event", "protocolProfileBehavior", "request", "response"}
    assert [event["listen"] for event in item["event"]] == ["prerequest", "test"]
    assert all(
        isinstance(line, str) and "\n" not in line for event in item["event"] for line in event["script"]["exec"]
    )
    request = item["request"]
    assert {"method", "url"} <= set(request) <= {"method", "url", "header", "body", "auth", "description"}
    assert all(isinstance(header[field], str) for header in request.get("header", []) for field in ("key", "value"))
    auth = request.get("auth", {"type": "noauth"})
    assert auth["type"] in ("noauth", "apikey", "basic", "bearer", "digest")
    assert auth["type"] == "noauth" or all({"key", "value"} <= set(each) for each in auth[auth["type"]])
    body = request.get("body", {"mode": "raw", "raw": ""})
    assert body["mode"] in ("raw", "formdata")
    assert body["mode"] in body
