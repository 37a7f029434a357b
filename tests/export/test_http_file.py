"""Examples exported as .http files and run with httpyac: the same requests and outputs, or a warning that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import export
from tests.e2e.test_examples import EXAMPLES
from tests.export.runners import Example, module, run_http, run_itself, same

needs_httpyac = pytest.mark.skipif(module("httpyac/bin/httpyac.js") is None, reason="httpyac is not installed")
# Each run of httpyac takes seconds of CPU: those rows that show what no other does. All without actions pass.
SHOWN = {
    "a refresh token is rotated",
    "the session cookie is sent back until it is over",
    "a step is a workflow of another document",
    "credentials that the document does not mention",
    "a form, then a picture",
    "selected here, replaced there",
}
RUNS = [pytest.param(*row.values[:2], id=row.id) for row in EXAMPLES if row.id in SHOWN]


@needs_httpyac
@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_an_example_does_the_same(name: str, arguments: str, tmp_path: Path) -> None:
    example = Example.of(name, arguments)
    same(example, run_itself(example), run_http(example, tmp_path))


def test_the_rows_exist() -> None:
    assert {row.id for row in RUNS} == SHOWN


ACTIONS = [
    ("follow-the-pages", ['action "there is another page" is not carried out (go to readPage)']),
    ("poll-until-done", ['action "look again" is not carried out (go to wait)']),
    ("retry-with-back-off", ['action "try again" is not carried out (try again)']),
    ("renew-an-expired-token", ['action "renew the token" is not carried out (try again)']),
]


@pytest.mark.parametrize(("name", "sentences"), ACTIONS)
def test_an_action_is_a_comment_and_a_warning(name: str, sentences: list[str]) -> None:
    exported = export(make_plan(Example(name=name, inputs={}).program), "http")
    assert list(dict.fromkeys(each.message for each in exported.warnings)) == [f"http: {each}" for each in sentences]
    text = next(iter(exported.files.values()))
    assert all(f"// not exported: {each}" in text for each in sentences)


NOT_SAID = [
    ("confirm-by-message", 'step "confirm" receives a message over mqtt'),
    ("sign-in-with-a-cookie", "credential session of members (apiKey) is not added"),
    ("order-with-credentials", "the token of token is not requested: give one in auth_wholesale_token"),
    ("read-xml-with-xpath", "an XPath is not evaluated"),
]


@pytest.mark.parametrize("target", ["http", "postman"])
@pytest.mark.parametrize(("name", "sentence"), NOT_SAID)
def test_what_is_not_said_is_a_comment_and_a_warning(name: str, sentence: str, target: str) -> None:
    exported = export(make_plan(Example(name=name, inputs={}).program), target)
    assert f"{target}: {sentence}" in [each.message for each in exported.warnings]
    text = next(iter(exported.files.values())).replace('\\"', '"')
    assert f"not exported: {sentence}" in text
