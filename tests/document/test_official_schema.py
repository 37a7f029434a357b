"""The official JSON Schemas as an oracle: our verdict differs only in the cases of a table, each with its reason."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from arazzo_runner.document.build import build
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value, read
from tests.document.test_build import GOOD

SHARED = Path(__file__).parents[2].parent / "shared"
SPEC = SHARED / "spec"
CORPUS = SHARED / "corpus"
SCHEMAS = {"1.0": "arazzo-schema-1.0-dev.json", "1.1": "arazzo-schema-1.1.json"}

# Where we accept what the schema refuses: place, reason.
LENIENT = {
    r"/info/version": "a number is a warning (semantics §1)",
    r".*/steps/\d+/dependsOn(/0)?": "no dependency is no harm; an unknown name is found when linking",
    r".*/parameters/\w+/in": "whether it is needed is known when linking",
    r".*/parameters/\w+/value": "the text says: any value",
    r".*/replacements/0/value": "the text says: any value",
    r".*/successCriteria/1/condition": "a constant compared with the context (semantics §4)",
    r".*/criteria(/0)?": "no criteria: the action always applies",
    r".*/inputs(/i)?/type": "input schemas are checked as JSON Schemas when they are compiled",
}
# Where we refuse what the schema accepts.
STRICT = {
    r".*/(title|version|url|name|workflowId|stepId|reference|context|condition)": "an empty name names nothing",
    r".*/timeout": "a negative time has no meaning",
    r".*/correlationId": "the text says: a string",
}
# Documents of the corpus that the schema accepts and we refuse.
STRICT_DOCUMENTS = {
    "gambitcomm.local~mimic": "a stepId must be unique (Arazzo §Step Object); no schema can say so",
}
VALUES: tuple[object, ...] = (..., None, 7, -1, "text", "", [], {"x-a": 1}, {"name": "a"}, True)


def validator(minor):
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator(json.loads((SPEC / SCHEMAS[minor]).read_text(encoding="utf-8")))


def newest():
    document = copy.deepcopy(GOOD)
    step = document["workflows"][0]["steps"][0]
    step |= {"action": "receive", "correlationId": "$inputs.id"}
    step["requestBody"]["replacements"][0]["value"] = "text"
    del step["parameters"][1]["extra"]
    return document


def oldest():
    document = newest()
    document["arazzo"] = "1.0.1"
    del document["$self"]
    step = document["workflows"][0]["steps"][0]
    for name in ("timeout", "dependsOn", "action", "correlationId"):
        del step[name]
    del step["outputs"]["p"], step["requestBody"]["replacements"][0]["targetSelectorType"]
    step["successCriteria"][1]["type"] = "jsonpath"
    return document


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(document, path, value):
    document = copy.deepcopy(document)
    node = document
    for token in path[:-1]:
        node = node[token]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


def accepts(value):
    problems = Problems()
    build(from_value(value, "doc"), problems)
    return not problems.has_errors


@pytest.mark.skipif(not SPEC.exists(), reason="the official schemas are not here")
@pytest.mark.parametrize(("minor", "document"), [("1.0", oldest()), ("1.1", newest())], ids=["1.0", "1.1"])
def test_verdicts_on_changed_documents_differ_only_for_a_reason(minor, document):
    official = validator(minor)
    assert official.is_valid(document)
    changes = [(path, value) for path in places(document) if path for value in VALUES]
    for path, value in changes[:: STEP[minor]]:
        mutant = changed(document, path, value)
        ours, theirs = accepts(mutant), official.is_valid(mutant)
        table = LENIENT if ours else STRICT
        pointer = "".join(f"/{token}" for token in path)
        assert ours == theirs or any(re.fullmatch(place, pointer) for place in table), (pointer, value, ours)


STEP = {"1.0": 11, "1.1": 7}  # every n-th change: each place and each value has its turn


def index():
    file = CORPUS / "INDEX.json"
    return json.loads(file.read_text(encoding="utf-8"))["documents"] if file.exists() else []


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_documents_in_use_are_read_without_surprise():
    """None raises, and what the official schema accepts has no error."""
    refused = set()
    for entry in index():
        problems = Problems()
        document = read((CORPUS / entry["path"]).read_bytes(), entry["path"], problems)
        if document is not None:
            build(document, problems)
        assert all(str(found) for found in problems)
        errors = entry["schema_errors"]  # None: unreadable; the schema 1.0 as published refuses valid retry actions
        valid = errors is not None and not any(count for name, count in errors.items() if name != "1.0")
        if problems.has_errors and valid:
            refused.add(entry["path"])
    assert [path for path in refused if not any(name in path for name in STRICT_DOCUMENTS)] == []
