"""Bad input: one clear diagnostic and the documented exit code; golden files hold the exact text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Arazzo
from tests.e2e.golden import assert_golden
from tests.e2e.server import Answer, conversation

API = """\
openapi: 3.1.0
info: {title: Pets, version: 1.0.0}
servers: [{url: http://127.0.0.1:9}]
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
      responses: {'200': {description: ok}}
"""

GOOD = """\
arazzo: 1.0.1
info:
  title: Pets
  version: 1.0.0
sourceDescriptions:
  - name: pets
    url: pets.yml
    type: openapi
workflows:
  - workflowId: look
    inputs:
      type: object
      required: [petId]
      properties:
        petId: {type: integer}
    steps:
      - stepId: get
        operationId: getPet
        parameters:
          - name: petId
            in: path
            value: $inputs.petId
        successCriteria:
          - condition: $statusCode == 200
          - condition: $response.body#/name == 'Rex'
        outputs:
          name: $response.body#/name
    outputs:
      name: $steps.get.outputs.name
"""

BROKEN: dict[str, str | bytes | None] = {
    "empty-file": "",
    "binary-file": b"\x7fELF\x02\x01\x01\x00\x00\xff\xfe\x80\x81",
    "yaml-syntax-error": GOOD.replace("  title: Pets", "  title: [Pets"),
    "tab-indentation": GOOD.replace("  title: Pets", "\ttitle: Pets"),
    "wrong-root-type": "- arazzo: 1.0.1\n- info\n",
    "missing-source-file": GOOD.replace("url: pets.yml", "url: ../openapi/nowhere.yml"),
    "unknown-operation": GOOD.replace("operationId: getPet", "operationId: getPets"),
    "malformed-expression": GOOD.replace("$response.body#/name == 'Rex'", "$statusCod == 200"),
}


@pytest.fixture
def pets(folder: Path) -> Path:
    (folder / "pets.yml").write_text(API)
    (folder / "workflow.yml").write_text(GOOD)
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_broken_document(name: str, pets: Path, arazzo: Arazzo) -> None:
    text = BROKEN[name]
    assert text is not None
    (pets / "workflow.yml").write_bytes(text.encode() if isinstance(text, str) else text)
    validated = arazzo("validate", "workflow.yml")
    ran = arazzo("run", "workflow.yml", "-i", "petId=7")
    assert validated.code == 1
    assert ran.code == 2
    assert_golden(f"bad-input/{name}", validated.transcript() + "\n" + ran.transcript())


@pytest.mark.parametrize(
    ("name", "spec"), [("missing-file", "nowhere.yml"), ("directory", "."), ("nul-in-name", "work\0flow.yml")]
)
def test_file_that_cannot_be_opened(name: str, spec: str, pets: Path, arazzo: Arazzo) -> None:
    runs = [arazzo(command, spec) for command in ("validate", "run", "list", "show")]
    # A folder is searched for documents by `validate`; the others want one document.
    assert [each.code for each in runs] == [0 if name == "directory" else 2, 2, 2, 2]
    assert_golden(f"bad-input/{name}", "\n".join(each.transcript() for each in runs[:2]).replace("\0", "\\0"))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unknown-workflow", ["-w", "lok", "-i", "petId=7"]),
        ("missing-input", []),
        ("wrong-input-type", ["-i", "petId=seven"]),
        ("unreachable-server", ["-i", "petId=7"]),
        ("input-without-value", ["-i", "petId"]),
        ("input-file-missing", ["-i", "petId=@nowhere.txt"]),
        ("unknown-option", ["--serve", "x"]),
    ],
)
def test_run_that_cannot_be(name: str, arguments: list[str], pets: Path, arazzo: Arazzo) -> None:
    ran = arazzo("run", "workflow.yml", *arguments)
    assert ran.code == (1 if name == "unreachable-server" else 2)
    assert ran.out == ""
    assert_golden(f"bad-input/{name}", ran.transcript())


def test_answer_that_is_no_json(pets: Path, arazzo: Arazzo) -> None:
    page = b"<html>\n<body>Service\x1b[31m unavailable\n::error::no\n"
    with conversation({"GET /pets/7": [Answer(200, page)]}) as server:
        ran = arazzo("run", "workflow.yml", "-i", "petId=7", "--server", f"pets={server.url}")
    assert ran.code == 1
    assert "\x1b" not in ran.err
    assert_golden("bad-input/non-json-answer", ran.transcript())


def test_several_workflows_and_none_chosen(pets: Path, arazzo: Arazzo) -> None:
    second = GOOD[GOOD.index("  - workflowId") :].replace("workflowId: look", "workflowId: look-twice")
    (pets / "workflow.yml").write_text(GOOD + second)
    ran = arazzo("run", "workflow.yml", "-i", "petId=7")
    assert ran.code == 2
    assert_golden("bad-input/which-workflow", ran.transcript())
