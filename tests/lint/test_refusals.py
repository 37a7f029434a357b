"""Two judges, one table: `validate` by the Specification, a run by what it can do; what is an error for a run refuses it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

import arazzo_runner
from arazzo_runner import InvalidDescription, InvalidUsage, Judge, LoadOptions
from arazzo_runner.lint.rules.catalogue import checks

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "fixtures" / "documents"
OPTIONS = LoadOptions(root=str(ROOT / "fixtures"), offline=True, any_server=True, unchecked=True)
FOLDERS = sorted(path.name for path in DOCUMENTS.iterdir())
KNOWN = {each.code: each for each in checks()}


def verdict(document, options=OPTIONS):
    """Return the errors that refuse a run of a document, and the warnings before it, as codes."""
    try:
        found = arazzo_runner.load(document, load_options=options).diagnostics
    except InvalidDescription as problem:
        found = problem.diagnostics
    return tuple({each.code for each in found if each.severity.value == severity} for severity in ("error", "warning"))


def errors(document, judge):
    found = arazzo_runner.validate(document, load_options=OPTIONS, judge=judge)
    return {each.code for each in found if each.severity.value == "error"}


@pytest.mark.parametrize("name", ["wrong", "right"])
@pytest.mark.parametrize("code", FOLDERS)
def test_a_run_is_refused_for_what_the_preset_tolerant_calls_an_error(code, name):
    path = DOCUMENTS / code / f"{name}.yml"
    try:
        refused, _ = verdict(path)
    except InvalidUsage:
        pytest.skip("it cannot be opened")
    tolerant = errors(path, Judge.RUN)
    assert bool(refused) == bool(tolerant)
    assert refused <= tolerant


@pytest.mark.parametrize("code", [each for each in FOLDERS if each in KNOWN and each != "document-too-large"])
def test_the_table_says_what_both_judges_do(code):
    known, path = KNOWN[code], DOCUMENTS / code / "wrong.yml"
    found = {each.severity.value for each in arazzo_runner.validate(path, load_options=OPTIONS) if each.code == code}
    if known.is_default:
        assert known.severity.value in found
    if known.in_a_run in ("error", "warning"):
        refused, warned = verdict(path)
        assert code in (refused if known.in_a_run == "error" else warned)


API = {
    "openapi": "3.1.0",
    "info": {"title": "a", "version": "1"},
    "paths": {"/a": {"post": {"operationId": "send", "responses": {"200": {"description": "it"}}}}},
}
EARLY = {"stepId": "s", "operationId": "send", "requestBody": {"payload": "{$statusCode}"}}


def document(*workflows):
    return {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yml", "type": "openapi"}],
        "workflows": [{"workflowId": f"w{index}", "steps": steps} for index, steps in enumerate(workflows)],
    }


@pytest.fixture
def load(tmp_path):
    (tmp_path / "api.yml").write_text(yaml.safe_dump(API), encoding="utf-8")

    def loaded(value, workflow_id=None, **others):
        for name, other in {"main": value, **others}.items():
            text = other if isinstance(other, str) else yaml.safe_dump(other)
            (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
        options = LoadOptions(root=str(tmp_path), any_server=True)
        return arazzo_runner.load(tmp_path / "main.yml", workflow_id, load_options=options)

    return loaded


def test_an_error_that_a_rule_finds_refuses_a_run(load):
    with pytest.raises(InvalidDescription, match="response-too-early"):
        load(document([EARLY]))


def test_an_error_of_a_workflow_that_is_not_reached_does_not(load):
    good = {"stepId": "s", "operationId": "send"}
    assert load(document([good], [EARLY]), "w0").workflow.workflow_id == "w0"
    with pytest.raises(InvalidDescription, match="response-too-early"):
        load(document([good], [EARLY]), "w1")


def test_an_error_of_a_called_document_does(load):
    caller = copy.deepcopy(document([{"stepId": "c", "workflowId": "$sourceDescriptions.other.w0"}]))
    caller["sourceDescriptions"] += [{"name": "other", "url": "other.yml", "type": "arazzo"}]
    with pytest.raises(InvalidDescription, match=r"other\.yml.*value yet"):
        load(caller, other=document([EARLY]))


def test_a_comment_that_suppresses_it_for_validate_suppresses_it_for_a_run(load):
    text = yaml.safe_dump(document([EARLY]))
    with pytest.raises(InvalidDescription):
        load(text)
    assert load("# arazzo-ignore-file: response-too-early -- the server wants it\n" + text).workflow.steps
