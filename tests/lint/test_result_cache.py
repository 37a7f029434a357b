"""Cached results are reused while no input has changed, and never after that."""

from __future__ import annotations

import json
import os

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.document.cache import DiskCache
from arazzo_runner.lint.levels import Choices
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.findings.text import render_diagnostics

DOCUMENT = """\
arazzo: 1.0.1
info: {title: Pets, version: 1.0.0}
sourceDescriptions:
  - {name: pets, url: ./pets.yml, type: openapi}
workflows:
  - workflowId: first
    inputs: {type: object, properties: {unread: {type: string}}}
    steps:
      - stepId: find
        operationId: findPet
        parameters:
          - {name: color, in: header, value: red}
        successCriteria:
          - condition: $statusCode == 201
"""
PETS = """\
openapi: 3.1.0
info: {title: pets, version: '1'}
servers: [{url: 'https://{where}.pets.test', variables: {where: {default: api}}}]
paths:
  /pets:
    get: {$ref: './paths.yml#/find'}
"""
PETS = PETS.replace("    get: {$ref: './paths.yml#/find'}", "    $ref: './paths.yml#/pets'")
PATHS = """\
pets:
  get:
    operationId: findPet
    parameters: [{$ref: '#/parameters/gone'}]
    responses: {'200': {description: fine}}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "project" / ".git").mkdir(parents=True)
    project = tmp_path / "project"
    (project / "first.yml").write_text(DOCUMENT)
    (project / "pets.yml").write_text(PETS)
    (project / "paths.yml").write_text(PATHS)
    monkeypatch.chdir(project)
    return project


def options(place, **more):
    environment = {"ARAZZO_CACHE_DIR": str(place.parent / "cache"), **more.pop("environment", {})}
    reading = LoadOptions(offline=True, unchecked=True, any_server=True, environment=environment)
    return LintOptions(reading=replace(reading, **more.pop("reading", {})), use_cache=True, **more)


def lint(place, names=("first.yml",), **more):
    """Return (text of all findings, names that had to be linted)."""
    linter = Linter(names, options(place, **more))
    anew = [name for name in names if not linter.is_cached(name)]
    linted = [linter.lint(name) for name in names]
    linter.finish()
    return render_diagnostics([found for each in linted for found in each.findings]), anew


def entries(place):
    return sorted((place.parent / "cache").glob("*.json"))


def test_cached_results_are_reported_without_linting(place):
    first, anew = lint(place)
    assert anew == ["first.yml"]
    for word in ("unused-input", "status-not-documented", "broken-reference", "paths.yml:4:"):
        assert word in first
    assert lint(place) == (first, [])


def rewrite(name, old, new):
    def change(place):
        text = (place / name).read_text()
        assert old in text
        (place / name).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "more"),
    [
        pytest.param(rewrite("first.yml", "== 201", "== 200"), {}, id="the document"),
        pytest.param(rewrite("pets.yml", "default: api", "default: www"), {}, id="a description"),
        pytest.param(rewrite("paths.yml", "'200'", "'201'"), {}, id="what a description refers to"),
        pytest.param(lambda place: (place / "pets.yml").unlink(), {}, id="a description that is gone"),
        pytest.param(
            lambda place: (place / "arazzo.toml").write_text("[validate]\nrules = {unused-input = 'error'}\n"),
            {},
            id="a configuration that came",
        ),
        pytest.param(lambda place: (place / ".git").rmdir(), {}, id="the bounds of the repository"),
        pytest.param(lambda place: None, {"choices": Choices(preset="strict")}, id="the options"),
        pytest.param(lambda place: None, {"reading": {"any_server": False}}, id="how documents are read"),
        pytest.param(lambda place: None, {"environment": {"ARAZZO_SERVER_VAR_WHERE": "www"}}, id="a server variable"),
    ],
)
def test_a_change_of_any_dependency_invalidates_the_result(place, change, more):
    before, _ = lint(place)
    change(place)
    after, anew = lint(place, **more)
    assert anew == ["first.yml"]
    assert lint(place, **more) == (after, [])
    linted = Linter(["first.yml"], replace(options(place, **more), use_cache=False)).lint("first.yml")
    assert after == render_diagnostics(linted.findings)
    assert before


def test_a_description_that_comes_into_being_is_noticed(place):
    (place / "pets.yml").rename(place / "elsewhere.yml")
    missing, _ = lint(place)
    assert "source-not-found" in missing
    (place / "elsewhere.yml").rename(place / "pets.yml")
    found, anew = lint(place)
    assert anew == ["first.yml"]
    assert "source-not-found" not in found


def test_another_document_that_is_given_with_it_is_noticed(place):
    identity = "https://example.test/second"
    (place / "first.yml").write_text(DOCUMENT.replace("./pets.yml, type: openapi", f"{identity}, type: arazzo"))
    second = DOCUMENT.replace("arazzo: 1.0.1", f"arazzo: 1.1.0\n$self: {identity}")
    (place / "second.yml").write_text(second)
    both = ("first.yml", "second.yml")
    lint(place, both)
    assert lint(place, both)[1] == []
    assert lint(place, ("first.yml",))[1] == ["first.yml"]
    lint(place, both)
    (place / "second.yml").write_text(second.replace("$self: https://example.test/second", "$self: urn:x"))
    assert lint(place, both)[1] == list(both)


def test_unrelated_documents_do_not_disturb_each_other(place):
    (place / "second.yml").write_text(DOCUMENT)
    lint(place)
    text, anew = lint(place, ("first.yml", "second.yml"))
    assert anew == ["second.yml"]
    assert text.count("broken-reference") == 1  # of the shared description it is told once
    assert lint(place, ("first.yml", "second.yml")) == (text, [])


def test_suppressing_comments_are_part_of_the_document(place):
    rewrite("first.yml", "    inputs:", "    # arazzo-ignore: unused-input -- later\n    inputs:")(place)
    linter = Linter(["first.yml"], options(place))
    assert linter.lint("first.yml").ignored == 1
    linter.finish()
    again = Linter(["first.yml"], options(place))
    assert again.is_cached("first.yml")
    assert again.lint("first.yml").ignored == 1


def test_no_line_of_the_document_is_cached(place):
    lint(place)
    kept = "".join(path.read_text() for path in entries(place))
    assert "unused-input" in kept
    assert "operationId: findPet" not in kept


@pytest.mark.parametrize(
    "parameter",
    [
        "{name: color, in: header, value: ghp_0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f}",
        "{name: apiKey, in: header, value: hunter22}",
    ],
    ids=["a token", "a password"],
)
def test_nothing_is_cached_for_a_document_with_a_credential(place, parameter):
    lint(place)
    rewrite("first.yml", "{name: color, in: header, value: red}", parameter)(place)
    text, anew = lint(place)
    assert (anew, "[secret-literal]" in text or "[hard-coded-password]" in text) == (["first.yml"], True)
    assert lint(place) == (text, ["first.yml"])
    kept = "".join(path.read_text() for path in entries(place))
    assert "first.yml" not in kept


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: None,
        lambda entry: [],
        lambda entry: {},
        lambda entry: {**entry, "read": {}, "findings": [[1, 2]]},
        lambda entry: {**entry, "missing": 3},
        lambda entry: {**entry, "findings": [[*entry["findings"][0][:4], ["a"], [], None]]},
    ],
    ids=["nothing", "a list", "no fields", "odd findings", "odd places", "half a place"],
)
def test_an_entry_of_another_form_is_no_result(place, damage):
    first, _ = lint(place)
    [path] = entries(place)
    cache = DiskCache(str(path.parent))
    results = cache.value(path.stem)
    cache.keep(path.stem, {location: damage(entry) for location, entry in results.items()})
    assert lint(place) == (first, ["first.yml"])


def test_a_damaged_file_is_no_result(place):
    first, _ = lint(place)
    [path] = entries(place)
    path.write_text(path.read_text()[:-9])
    assert lint(place) == (first, ["first.yml"])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no modes")
def test_files_that_others_may_write_are_not_used(place):
    first, _ = lint(place)
    entries(place)[0].chmod(0o666)
    assert lint(place) == (first, ["first.yml"])


@pytest.mark.parametrize(
    "more",
    [{"reading": {"cache": False}}, {"environment": {"ARAZZO_NO_CACHE": "1"}}, {"contents": {"first.yml": b"x: 1"}}],
    ids=["--no-cache", "ARAZZO_NO_CACHE", "a text from standard input"],
)
def test_nothing_is_written_when_the_cache_is_off(place, more):
    lint(place, **more)
    assert entries(place) == []


def test_results_of_documents_that_are_gone_are_dropped(place):
    (place / "second.yml").write_text(DOCUMENT)
    lint(place, ("first.yml", "second.yml"))
    (place / "second.yml").unlink()
    rewrite("first.yml", "== 201", "== 200")(place)
    lint(place)
    [path] = entries(place)
    assert len(json.loads(path.read_text().partition("\n")[2])) == 1
