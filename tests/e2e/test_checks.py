"""Checks as a person sees them: a real server whose answers differ from its description."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.golden import assert_golden
from tests.e2e.server import Answer, conversation
from tests.e2e.test_bad_input import API, GOOD

DESCRIBED = """\
      responses:
        '200':
          description: ok
          headers: {X-Rate: {required: true, schema: {type: integer}}}
          content:
            application/json:
              schema: {type: object, required: [name], properties: {name: {type: string}, age: {type: integer, maximum: 20}}}
"""
ANSWER = Answer(200, b'{"name":"Rex","age":"old","nick":"R"}')


@pytest.fixture
def pets(folder: Path) -> Path:
    (folder / "pets.yml").write_text(API.replace("      responses: {'200': {description: ok}}\n", DESCRIBED))
    (folder / "workflow.yml").write_text(GOOD)
    return folder


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        pytest.param("warned", [], 0, id="by default a misfit is a warning"),
        pytest.param("failed", ["--checks", "schema=error,headers=off"], 1, id="an error fails the step"),
        pytest.param(
            "undocumented", ["--checks", "off,undocumented=warn"], 0, id="undocumented members when asked for"
        ),
        pytest.param("deep", ["--checks", "off,deep=error"], 1, id="openapi-core"),
    ],
)
def test_a_response_is_checked_against_its_description(pets, arazzo, name, options, code):
    with conversation({"GET /pets/7": [ANSWER]}) as server:
        ran = arazzo("run", "workflow.yml", "-i", "petId=7", "--server", f"pets={server.url}", *options)
    assert ran.code == code
    assert_golden(f"checks/{name}", ran.transcript())


def test_a_request_that_does_not_match_is_not_sent(pets, arazzo):
    document = GOOD.replace("value: $inputs.petId", "value: cat")
    (pets / "workflow.yml").write_text(document)
    with conversation({}) as server:
        ran = arazzo(
            "run", "workflow.yml", "-i", "petId=7", "--server", f"pets={server.url}", "--check-requests", "error"
        )
    assert ran.code == 1
    assert_golden("checks/request-refused", ran.transcript())
