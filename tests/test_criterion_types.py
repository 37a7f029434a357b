"""Whoever adds a type of criteria finds here what else must know it (CONTRIBUTING.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arazzo_runner.cli.commands.eval import KINDS
from arazzo_runner.document import parts
from arazzo_runner.expressions.queries import query
from arazzo_runner.lint.pages import known_codes
from arazzo_runner.lint.rules.catalogue import checks

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
LANGUAGES = [kind for kind in parts.CRITERION_TYPES if kind != "simple"]


def test_documents_and_queries_know_the_same_versions():
    assert set(query.VERSIONS) == {*LANGUAGES, *parts.SELECTOR_TYPES}
    named = {kind: versions for kind, versions in parts.VERSIONS.items() if versions}
    assert named == {kind: query.VERSIONS[kind] for kind in named}


@pytest.mark.parametrize("kind", LANGUAGES)
def test_syntax_errors_have_a_code_and_a_page(kind):
    assert f"{kind}-syntax" in {each.code for each in checks()}
    assert f"{kind}-syntax" in known_codes()


@pytest.mark.parametrize("kind", LANGUAGES)
def test_eval_takes_it(kind):
    assert kind in KINDS


@pytest.mark.parametrize("name", ["run.schema.json", "report.schema.json"])
def test_reports_may_name_it(name):
    def types(schema):
        if isinstance(schema, dict):
            if "simple" in schema.get("enum", ()):
                yield set(schema["enum"])
            for each in schema.values():
                yield from types(each)
        elif isinstance(schema, list):
            for each in schema:
                yield from types(each)

    found = list(types(json.loads((SCHEMAS / name).read_text(encoding="utf-8"))))
    assert found == [{*parts.CRITERION_TYPES, "check"}]
