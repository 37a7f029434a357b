"""Rules never raise: the planted document with parts replaced, removed and exchanged."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import pytest
import yaml

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.errors import Diagnostic
from arazzo_runner.lint.rules.catalogue import RULES

FOLDER = Path(__file__).parents[2] / "fixtures"
DOCUMENTS = {
    "planted": FOLDER / "planted" / "shop.arazzo.yml",
    "flows": FOLDER / "documents" / "unknown-workflow-input" / "right.yml",
    "messages": FOLDER / "sources" / "orders.arazzo.yml",
    "components": FOLDER / "documents" / "duplicate-reference" / "wrong.yml",
}
ODD: list[object] = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "$", "$inputs", "$inputs.", "$steps.a.outputs", "$response.body#/~",
    "{$inputs.x", "{{$inputs.x}}", "a" * 5000, "\ud800", [], {}, [[]], [None], {"": {}}, {"$ref": "#"}, {"$ref": 3},
    {"$ref": "#/components/inputs/loop"}, {"type": []}, {"type": [None]}, {"properties": []}, {"enum": {}}, {"allOf": [3]},
    {"reference": "$components.parameters."}, {"condition": "(" * 50}, {"x-security": [{"scheme": {"type": []}}]},
]  # fmt: skip
CODES = {rule.code for rule in RULES}


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def parent_of(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def mutated(document, chance):
    """Return a copy with one to three places made odd, removed, renamed or exchanged for another part."""
    changed = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        paths = [path for path in places(changed) if path]
        path, other = chance.choice(paths), chance.choice(paths)
        parent = parent_of(changed, path)
        way = chance.randint(0, 3)
        if way == 0:
            parent[path[-1]] = copy.deepcopy(chance.choice(ODD))
        elif way == 1:
            del parent[path[-1]]
        elif way == 2:
            parent[path[-1]] = copy.deepcopy(parent_of(changed, other)[other[-1]])
        elif isinstance(parent, dict):
            parent[chance.choice(["$ref", "reference", "type", "in", "x-y", "$inputs.x", "/"])] = parent[path[-1]]
    return changed


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("seed", range(20))
def test_rules_never_raise(name, seed):
    chance = random.Random(f"{name} {seed}")
    document = yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8"))
    document["sourceDescriptions"] = [
        {"name": "shop", "url": "./planted/shop.openapi.yml", "type": "openapi"},
        {"name": "pets", "url": "./sources/pets.yml", "type": "openapi"},
        {"name": "events", "url": "./sources/events.yml", "type": "asyncapi"},
    ]
    for _ in range(3):
        found = arazzo_runner.validate(
            mutated(document, chance), load_options=LoadOptions(root=str(FOLDER)), rules=CODES
        )
        assert all(isinstance(each, Diagnostic) and each.message for each in found)
        json.dumps([str(each) for each in found])


CALLERS = (
    "payload-mismatch",
    "parameter-mismatch",
    "unknown-response-member",
    "impossible-comparison",
    "missing-credential",
)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("code", CALLERS)
def test_rules_never_raise_whatever_a_description_holds(tmp_path, code, seed):
    chance = random.Random(f"{code} {seed}")
    document = yaml.safe_load((FOLDER / "documents" / code / "wrong.yml").read_text(encoding="utf-8"))
    for name in ("shop", "pets"):
        described = yaml.safe_load((FOLDER / "sources" / f"{name}.yml").read_text(encoding="utf-8"))
        text = json.dumps(mutated(mutated(described, chance), chance))
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    for source in document["sourceDescriptions"]:
        source["url"] = source["url"].rpartition("/")[2]
    (tmp_path / "document.yml").write_text(json.dumps(document), encoding="utf-8")
    found = arazzo_runner.validate(tmp_path / "document.yml", load_options=LoadOptions(root=str(tmp_path)), rules=CODES)
    assert all(isinstance(each, Diagnostic) and each.message for each in found)


@pytest.mark.parametrize("seed", range(60))
def test_rules_never_raise_whatever_an_asyncapi_description_holds(tmp_path, seed):
    chance = random.Random(f"events {seed}")
    described = yaml.safe_load((FOLDER / "sources" / "events.yml").read_text(encoding="utf-8"))
    text = json.dumps(mutated(mutated(described, chance), chance))
    (tmp_path / "events.yml").write_text(text, encoding="utf-8")
    document = yaml.safe_load(DOCUMENTS["messages"].read_text(encoding="utf-8"))
    (tmp_path / "document.yml").write_text(json.dumps(document), encoding="utf-8")
    found = arazzo_runner.validate(tmp_path / "document.yml", load_options=LoadOptions(root=str(tmp_path)), rules=CODES)
    assert all(isinstance(each, Diagnostic) and each.message for each in found)
