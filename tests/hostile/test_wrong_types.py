"""Every field of every Arazzo and OpenAPI object with every wrong type: reported with its position, never an exception."""

from __future__ import annotations

import contextlib
import copy
import functools
import json

import pytest
import yaml

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.runtime.mock.worlds import DryRunWorld
from tests.fuzz.mutation import CORPUS, places
from tests.fuzz.targets import ORDERS
from tests.hostile.battery import CASES

WRONG = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "float": 1.5,
    "text": "text",
    "empty text": "",
    "list": [1],
    "empty list": [],
    "mapping": {"a": 1},
    "empty mapping": {},
}
# Where the Specification allows any value: what is below one of these names, or is its own.
ANY_VALUE = ("payload", "value", "x-a", "inputs", "default")


@functools.cache
def complete():
    return yaml.safe_load((CASES / "complete" / "workflow.yml").read_text(encoding="utf-8"))


@functools.cache
def events():
    return {
        version: yaml.safe_load((CORPUS / "asyncapi" / f"orders{version}.yml").read_text(encoding="utf-8"))
        for version in (2, 3)
    }


@functools.cache
def descriptions():
    api = yaml.safe_load((CASES / "complete" / "pets.yml").read_text(encoding="utf-8"))
    return {"OpenAPI 3.1": api, "Swagger 2.0": json.loads((CORPUS / "openapi" / "swagger.json").read_text())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types")
    (folder / "pets.yml").write_bytes((CASES / "complete" / "pets.yml").read_bytes())
    return folder


def with_value(document, path, value):
    document = copy.deepcopy(document)
    *above, key = path
    functools.reduce(lambda found, step: found[step], above, document)[key] = value
    return document


def findings(folder, name, document):
    (folder / name).write_text(json.dumps(document))
    found = arazzo_runner.validate(folder / "workflow.json", load_options=LoadOptions(root=str(folder)))
    render_diagnostics(found)
    return found


def group_of(path):
    return "/".join(str(key) for key in path[:3] if not isinstance(key, int))


ARAZZO = sorted({group_of(path) for path in places(complete())})


def test_the_complete_document_is_valid(folder):
    assert [each for each in findings(folder, "workflow.json", complete()) if each.severity.value == "error"] == []


@pytest.mark.parametrize("group", ARAZZO)
def test_every_field_of_the_arazzo_document(folder, group):
    told = 0
    for path in (path for path in places(complete()) if group_of(path) == group):
        original = functools.reduce(lambda found, step: found[step], path, complete())
        for wrong in WRONG.values():
            found = findings(folder, "workflow.json", with_value(complete(), path, wrong))
            if isinstance(wrong, type(original)) or any(str(key) in ANY_VALUE for key in path):
                continue
            pointer = "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in path)
            here = [each for each in found if each.at.pointer == pointer or each.at.pointer.startswith(pointer + "/")]
            here = here or [each for each in found if pointer.startswith(each.at.pointer + "/")]
            assert here or str(path[-1]) in MEANT_OTHERWISE, (pointer, wrong)
            told += len(here)
    assert told or any(name in group.split("/") for name in (*ANY_VALUE, "$self"))


# Fields that take several types, or that nothing in this document depends on.
MEANT_OTHERWISE = {
    "type",
    "timeout",
    "retryAfter",
    "retryLimit",
    "outputs",
    "version",
    "title",
    "summary",
    "description",
}


@pytest.mark.parametrize("kind", ["OpenAPI 3.1", "Swagger 2.0"])
def test_every_field_of_a_description(folder, kind):
    (folder / "workflow.json").write_bytes((CORPUS / "document" / "pets.arazzo.yml").read_bytes())
    api = descriptions()[kind]
    for path in places(api):
        for wrong in ("null", "integer", "text", "list", "mapping"):
            (folder / "pets.yml").write_text(json.dumps(with_value(api, path, WRONG[wrong])))
            try:
                program = arazzo_runner.load(
                    folder / "workflow.json", "look", load_options=LoadOptions(root=str(folder), any_server=True)
                )
            except ArazzoError:
                continue
            arazzo_runner.run(program, inputs={"petId": 7}, world=DryRunWorld(program))
    (folder / "pets.yml").write_bytes((CASES / "complete" / "pets.yml").read_bytes())


@pytest.mark.parametrize("version", [2, 3])
def test_every_field_of_an_asyncapi_description(tmp_path, version):
    """Errors have a place and a text, and what is sound is loaded; nothing raises anything else."""
    (tmp_path / "workflow.yml").write_text(ORDERS, encoding="utf-8")
    options = LoadOptions(root=str(tmp_path))
    for path in places(events()[version]):
        for wrong in ("null", "integer", "text", "list", "mapping"):
            (tmp_path / "events.yml").write_text(json.dumps(with_value(events()[version], path, WRONG[wrong])))
            render_diagnostics(arazzo_runner.validate(tmp_path / "workflow.yml", load_options=options))
            with contextlib.suppress(ArazzoError):
                program = arazzo_runner.load(tmp_path / "workflow.yml", load_options=options)
                assert [call.url for _, _, call in program.message_steps()]
