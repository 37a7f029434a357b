"""The official JSON Schemas as an oracle: what they reject, `validate` calls an error; each exception has its reason."""

from __future__ import annotations

import copy
import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import arazzo_runner
from arazzo_runner import Judge, LoadOptions
from arazzo_runner.document.build import build
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read

ROOT = Path(__file__).parents[2]
SPEC = ROOT.parent / "shared" / "spec"
CORPUS = ROOT.parent / "shared" / "corpus"
OFFICIAL = ROOT / "fixtures" / "official"
SCHEMAS = {"1.0": "arazzo-schema-1.0-dev.json", "1.1": "arazzo-schema-1.1.json"}

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the official schemas are not here")

# Where the schemas reject what the text allows: place, reason. The text wins.
TEXT_WINS = {
    r".*/replacements/\d+(/value)?": "§Payload Replacement Object: the value is Any",
    r".*/(parameters/\d+|parameters/\w+)/value": "§Parameter Object: the value is Any, also an object",
    r".*/(parameters|onSuccess|onFailure)/1(/.*)?": "§Reusable Object: any properties added MUST be ignored",
    r".*/successCriteria/\d+": "§Criterion Object: the type may be an Expression Type Object (the schema of 1.0 forbids it)",
}
# Documents of the corpus that the schema accepts and we refuse for their shape.
STRICT_DOCUMENTS = {
    "gambitcomm.local~mimic": "a stepId must be unique (Arazzo §Step Object); no schema can say so",
}
CHANGES: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "a negative number": -1,
    "a text": "text",
    "a text with a blank": "te xt",
    "an empty text": "",
    "an empty list": [],
    "an empty mapping": {},
    "an extension only": {"x-a": 1},
    "a name only": {"name": "a"},
    "true": True,
}
EVERY = 13  # of the changes, each 13th: places and changes take turns, since neither number is a multiple of it


@functools.cache
def validator(minor):
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator(json.loads((SPEC / SCHEMAS[minor]).read_text(encoding="utf-8")))


def places(value, path=()):
    """Yield the path of every member and item."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def mutants(document):
    """Yield (path, what is changed, document) for each change of each place."""
    for path in places(document):
        for what in ("removed", "repeated", "a field more", "renamed", *CHANGES):
            mutant = changed(document, path, what)
            if mutant is not None:
                yield path, what, mutant


def changed(document, path, what):
    """Return a copy with one change, None where it does not apply."""
    document = copy.deepcopy(document)
    node = document
    for token in path[:-1]:
        node = node[token]
    last = path[-1]
    if what == "removed":
        del node[last]
    elif what == "repeated" and isinstance(node, list):
        node.append(copy.deepcopy(node[last]))
    elif what == "a field more" and isinstance(node[last], dict):
        node[last]["colour"] = 1
    elif what == "renamed" and isinstance(node, dict):
        node["a b"] = node.pop(last)
    elif what in CHANGES:
        node[last] = CHANGES[what]
    else:
        return None
    return document


def is_rejected(document, minor):
    # A root $schema names the schema for editors; it is accepted, though no version of Arazzo has it.
    return not validator(minor).is_valid({key: value for key, value in document.items() if key != "$schema"})


def has_error(document, **options):
    found = arazzo_runner.validate(document, load_options=LoadOptions(**options))
    return any(each.severity.value == "error" for each in found)


def is_excepted(path):
    pointer = "".join(f"/{token}" for token in path)
    return any(re.fullmatch(place, pointer) for place in TEXT_WINS)


@pytest.mark.parametrize("minor", SCHEMAS)
def test_a_document_with_every_field_is_accepted_by_both(minor):
    document = yaml.safe_load((OFFICIAL / f"{minor}.yml").read_text(encoding="utf-8"))
    assert not is_rejected(document, minor)
    assert not has_error(OFFICIAL / f"{minor}.yml", root=str(OFFICIAL))


@pytest.mark.parametrize("minor", SCHEMAS)
def test_what_the_schema_rejects_is_an_error(minor, monkeypatch):
    monkeypatch.chdir(OFFICIAL)  # where the source of the documents is
    document = yaml.safe_load((OFFICIAL / f"{minor}.yml").read_text(encoding="utf-8"))
    silent = [
        (path, what)
        for path, what, mutant in list(mutants(document))[::EVERY]
        if is_rejected(mutant, minor) and not is_excepted(path) and not has_error(mutant)
    ]
    assert silent == []


def index():
    file = CORPUS / "INDEX.json"
    return json.loads(file.read_text(encoding="utf-8"))["documents"] if file.exists() else []


def fixtures():
    return sorted({*ROOT.glob("fixtures/documents/*/*.yml"), *ROOT.glob("specs/arazzo/*.yml")})


def test_fixtures_that_the_schema_rejects_have_an_error():
    silent = []
    for path in fixtures():
        document = read(path.read_bytes(), path.name, Problems())
        value = document.value if document is not None else None
        if isinstance(value, dict) and str(value.get("arazzo"))[:3] in SCHEMAS:
            minor = str(value["arazzo"])[:3]
            if is_rejected(value, minor) and not has_error(path, root=str(ROOT)):
                silent += [str(path.relative_to(ROOT))]
    assert [each for each in silent if each not in SILENT_FIXTURES] == []


# Fixtures that the schema rejects and that have no error, and why.
SILENT_FIXTURES = {
    "fixtures/documents/jsonpath-version/right.yml": "§Criterion Object: the type may be an Expression Type Object",
    "fixtures/documents/jsonpath-version/wrong.yml": "§Criterion Object: the type may be an Expression Type Object",
    "fixtures/documents/message-operation-path/wrong.yml": "the Specification's own example at its beginning is like this",
    "fixtures/documents/mixed-querystring/right.yml": "§Parameter Object: the value is Any, also an object",
}


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_documents_in_use_are_read_without_surprise():
    """None raises, and what the official schema accepts has no error of shape that a run does not tolerate."""
    refused = set()
    for entry in index():
        problems = Problems(Judge.RUN)
        document = read((CORPUS / entry["path"]).read_bytes(), entry["path"], problems)
        if document is not None:
            build(document, problems)
        assert all(str(found) for found in problems)
        errors = entry["schema_errors"]  # None: unreadable; the schema 1.0 as published refuses valid retry actions
        valid = errors is not None and not any(count for name, count in errors.items() if name != "1.0")
        if problems.has_errors and valid:
            refused.add(entry["path"])
    assert [path for path in refused if not any(name in path for name in STRICT_DOCUMENTS)] == []
