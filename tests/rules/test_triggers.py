"""Triggers have no false negatives: rules find the same with triggers and without."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

from arazzo_runner.base.json_values import escaped
from arazzo_runner.errors import InvalidDescription, Judge, Severity
from arazzo_runner.lint.analysis.text_index import TextIndex
from arazzo_runner.lint.checker import open_document
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.catalogue import select_rules
from arazzo_runner.lint.rules.rule import Finding, rule, run_rules
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.load import compile_program
from tests.rules.test_totality import CODES, DOCUMENTS, mutated

FIXTURES = Path(__file__).parents[2] / "fixtures"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def inspected(document, root):
    """Return what rules see of a document, None when it cannot be read."""
    try:
        library, entry = open_document(
            document, LoadOptions(root=str(root), offline=True, unchecked=True, any_server=True)
        )
    except InvalidDescription:
        return None
    program = compile_program(entry, library)
    return Inspection(program, {name: library.source(entry, name) for name in entry.sources})


def overlooked(document, root):
    """Return what the rules find in a document without triggers, but not with them."""
    inspection = inspected(document, root)
    if inspection is None:
        return []
    found = set(run_rules(inspection, select_rules(CODES)))
    return [str(each) for each in run_rules(inspection, select_rules(CODES), use_triggers=False) if each not in found]


@pytest.mark.parametrize("name", ["wrong", "right"])
@pytest.mark.parametrize("folder", sorted(FIXTURES.glob("documents/*")), ids=lambda path: path.name)
def test_triggers_hide_nothing_in_the_documents_of_a_code(folder, name):
    [path] = folder.glob(f"{name}.*")
    assert overlooked(path, FIXTURES) == []


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("seed", range(20))
def test_triggers_hide_nothing_in_documents_with_odd_parts(name, seed):
    chance = random.Random(f"lazy {name} {seed}")
    document = mutated(yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8")), chance)
    assert overlooked(document, FIXTURES) == []


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_triggers_hide_nothing_in_the_corpus():
    documents = json.loads((CORPUS / "INDEX.json").read_text(encoding="utf-8"))["documents"]
    paths = random.Random("corpus").sample([str(each["path"]) for each in documents], 250)
    missed = {path: overlooked(CORPUS / path, CORPUS / path.split("/")[0]) for path in paths}
    assert {path: found for path, found in missed.items() if found} == {}


def test_texts_are_found_at_all_their_places():
    document = yaml.safe_load(DOCUMENTS["planted"].read_text(encoding="utf-8"))
    document["components"]["z"] = ["deep"]
    document |= {
        "x/y~": [["deep", {"$ref": "deep", "a": 1}], None],
    }
    texts = TextIndex(document)
    assert texts.placed(texts.distinct) == list(walked(document, ""))
    assert {text for part in texts.by_part.values() for text in part} == texts.distinct
    assert [word for word in ("a", "deep", "x", "x/y~") if texts.has_any_word((word,))] == ["a", "deep", "x/y~"]


def walked(value, pointer):
    """Yield every text with its place, and every key with a `$` in it."""
    if isinstance(value, str):
        yield value, pointer, False
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        place = f"{pointer}/{escaped(str(key))}"
        if "$" in str(key):
            yield key, place, True
        yield from walked(item, place)


@pytest.mark.parametrize("strict", [False, True])
def test_a_rule_without_trigger_always_runs(strict):
    always = rule("always", "style")(lambda inspection: [Finding("always", inspection.description.at)])
    inspection = inspected({"arazzo": "1.0.1", "workflows": []}, FIXTURES)
    [found] = run_rules(inspection, [*select_rules(), always], judge=Judge.STRICT if strict else Judge.VALIDATE)
    assert (found.code, found.severity) == ("always", Severity.ERROR if strict else Severity.WARNING)
