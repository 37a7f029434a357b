"""Entries of the index of the corpus: tolerated deviations are warnings at their position, mistakes are errors."""

from __future__ import annotations

import json

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.base.json_values import MISSING, resolve_pointer
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import Diagnostic, Judge
from tests.corpus.test_corpus import CORPUS, INDEX

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

# Deviation of the index: the codes of which every document that has it gets one.
WARNED = {
    "source resolves only against the repository root": {"source-moved"},
    "expr: dotted name after inputs./outputs. (steps)": {"property-step"},
    "expr: dotted name after inputs./outputs. (inputs)": {"property-step"},
    "expr whole outside the 1.1 grammar: steps... with [i]": {"property-step", "unusual-name"},
    "expr whole outside the 1.1 grammar: inputs... with [i]": {"property-step", "unusual-name"},
    "expr whole outside the 1.1 grammar: response.body.dotted": {"property-step"},
    "expr whole outside the 1.1 grammar: response.body.dotted[i]": {"property-step"},
    "expr whole outside the 1.1 grammar: response.body[i]": {"property-step", "length-property"},
    "expr whole outside the 1.1 grammar: response.headers.X": {"headers-plural"},
    "expr whole outside the 1.1 grammar: $inputs alone": {"whole-inputs"},
    "jsonpath condition not RFC 9535: comparison outside a filter ($.x == y)": {
        "jsonpath-comparison",
        "bare-expression",
    },
    "jsonpath condition not RFC 9535: .length comparison outside a filter": {"jsonpath-comparison", "bare-expression"},
    "jsonpath condition not RFC 9535: filter then comparison ($[?..] == y)": {"jsonpath-comparison"},
    "operationPath form: name#/paths/...": {"operation-path-form"},
    "operationPath form: $sourceDescriptions.n[.url]#/paths/... (no braces)": {"operation-path-form"},
    "operationId unknown (source.op without $)": {"operation-reference"},
    "expr bare embedded in a string (parameter, with Bearer)": {"bare-expression"},
    "expr bare embedded in a string (parameter, in other text)": {"bare-expression"},
    "expr bare embedded in a string (parameter, in JSON text)": {"bare-expression"},
    "expr bare embedded in a string (payload, in other text)": {"bare-expression"},
    "expr bare embedded (starts the string)": {"bare-expression", "unusual-name"},
    "output name outside [A-Za-z0-9._-]+": {"unusual-name"},
    "workflowId outside [A-Za-z0-9_-]+": {"unusual-id"},
    "stepId outside [A-Za-z0-9_-]+": {"unusual-id"},
    "simple: double-quoted string": {"double-quotes"},
    "simple: .length/.size": {"length-property"},
    "openapi with duplicate operationIds": {"duplicate-operation-id"},
    "context without a type (or with simple)": {"ignored-field", "context-comparison"},
    "end with a target": {"ignored-field"},
}
REFUSED = {
    "source file not found": {"source-not-found"},
    "operationId unknown (differs by case/_-)": {"unknown-operation"},
    "operationId duplicated inside its source": {"duplicate-operation-id"},
    "operationId ambiguous across sources": {"ambiguous-operation"},
    "operationId: source name unknown": {"unknown-source", "wrong-type", "missing-field"},
    "$steps: unknown step": {"unknown-step"},
    "$steps: unknown output": {"unknown-output", "wrong-type"},
    "step workflowId unknown": {"unknown-workflow"},
    "action stepId unknown in this workflow": {"unknown-step"},
    "action workflowId unknown": {"unknown-workflow"},
    "workflowId unknown in the named source": {"unknown-workflow"},
    "path parameter not in the path template": {"unknown-path-parameter"},
    "path template variable without a value": {"missing-path-parameter", "unknown-path-parameter"},
    "step with several targets": {"exclusive-fields"},
    "step without target": {"missing-field"},
    "action without name": {"missing-field"},
    "workflow without steps": {"missing-field", "empty-list", "wrong-type"},
    "workflows missing/empty": {"missing-field", "empty-list"},
    "sourceDescriptions missing/empty": {"missing-field", "empty-list"},
    "action type unknown": {"invalid-value", "wrong-type"},
    "parameters not a list": {"wrong-type"},
    "actions not a list": {"wrong-type"},
    "output not a string": {"wrong-type"},
    "parameter not an object": {"wrong-type"},
    "criterion without condition": {"missing-field"},
    "info missing": {"missing-field"},
    "info.title missing": {"missing-field"},
    "info.version missing": {"missing-field"},
    "parameter without name": {"missing-field"},
    "step without stepId": {"missing-field"},
    "workflow without workflowId": {"missing-field"},
    "retryAfter not a non-negative number": {"invalid-value", "wrong-type"},
    "retryLimit not a non-negative number": {"invalid-value", "wrong-type"},
    "duplicate stepId in a workflow": {"duplicate-name"},
    "workflow dependsOn unknown": {"unknown-workflow", "wrong-type"},
    "goto with neither or both of stepId/workflowId": {"exclusive-fields", "missing-field"},
    "unparsable file": {"yaml-syntax"},
}
JENTIC = "jentic__jentic-public-apis/workflows"
# What the index marks and the language means otherwise, and why.
EXCEPTIONS = {
    "openapi with duplicate operationIds": (
        "a step names one of them, which is an error",
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("bigredcloud.com", "credas.co.uk~pi", "flickr.com")),
    ),
    "source file not found": (
        "no step needs it, which is a warning",
        "Redocly__redocly-cli/packages/respect-core/src/modules/__tests__/config-parser/auto.yaml",
        "Redocly__redocly-cli/tests/e2e/lint/arazzo-not-valid-test-description/museum.yaml",
        "Redocly__redocly-cli/tests/e2e/lint/spec-step-mutually-exclusive-fields/arazzo.yaml",
        "genelet__arazzo/generator/samples/sample.arazzo.yaml",
    ),
    "expr: dotted name after inputs./outputs. (steps)": (
        "an output of this name, dots and all, is declared",
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("canada-holidays.ca", "discourse.local")),
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("ebay.com~sell-feed", "hubapi.com~files")),
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("soundcloud.com", "spinbot.net")),
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("stream-io-api.com", "turbinelabs.io")),
    ),
    "expr: dotted name after inputs./outputs. (inputs)": (
        "an input of this name is declared, or it stands where the description decides",
        *(f"{JENTIC}/{name}/workflows.arazzo.json" for name in ("intellifi.nl", "slideroom.com")),
        "leidenheit__arazzo/application-integration-test/src/test/resources/another-arazzo.yaml",
        "leidenheit__arazzo/application-integration-test/src/test/resources/arazzo.yaml",
    ),
    "expr whole outside the 1.1 grammar: steps... with [i]": (
        "it has [*], which is an error",
        f"{JENTIC}/hubapi.com~communication-preferences/workflows.arazzo.json",
    ),
    "operationPath form: name#/paths/...": (
        "the source is not there, which is the error that is told",
        f"{JENTIC}/stackexchange.com/workflows.arazzo.json",
        f"{JENTIC}/vercel.com/workflows.arazzo.json",
    ),
    "expr bare embedded in a string (parameter, with Bearer)": (
        "what it names is not declared: it is text",
        "jentic__arazzo-engine/runner/tests/fixtures/sample_login_workflow/login_workflow.yaml",
    ),
    "expr bare embedded (starts the string)": (
        "it begins with $faker, what it names is not declared (it is text), or [*] follows (an error)",
        f"{JENTIC}/brandlovers.com/workflows.arazzo.json",
        "Redocly__redocly-cli/tests/e2e/respect/local-json-server/local-json-server.arazzo.yaml",
        "jentic__arazzo-engine/runner/tests/fixtures/train/train.arazzo.yaml",
    ),
    "$steps: unknown output": (
        "the name is declared with its blanks and brackets",
        f"{JENTIC}/signl4.com/workflows.arazzo.json",
    ),
    "path template variable without a value": (
        "the variables stand in the template's query, which has parameters of its own",
        "amazon-s3/arazzo/amazon-s3-abort-multipart-upload-workflow.yml",
        "amazon-s3/arazzo/amazon-s3-multipart-upload-workflow.yml",
    ),
}


def _validated() -> dict[str, tuple[Diagnostic, ...]]:
    found = {}
    for entry in json.loads(INDEX.read_text(encoding="utf-8"))["documents"]:
        path = entry["path"]
        if any(kind in WARNED or kind in REFUSED for kind in entry["deviations"]):
            try:
                options = LoadOptions(root=str(CORPUS / path.split("/")[0]))
                found[path] = arazzo_runner.validate(CORPUS / path, rules=(), load_options=options, judge=Judge.RUN)
            except arazzo_runner.InvalidUsage as problem:
                found[path] = problem.diagnostics
    return found


@pytest.fixture(scope="module")
def validated():
    return _validated()


@pytest.mark.parametrize("kind", [*WARNED, *REFUSED])
def test_every_marked_document_gets_its_finding(kind, validated):
    codes, severity = (WARNED[kind], "warning") if kind in WARNED else (REFUSED[kind], "error")
    documents = json.loads(INDEX.read_text(encoding="utf-8"))["documents"]
    exceptions = EXCEPTIONS.get(kind, ())
    marked = [entry["path"] for entry in documents if kind in entry["deviations"] and entry["path"] not in exceptions]
    assert marked
    silent = [
        path
        for path in marked
        if not any(each.code in codes and each.severity.value == severity for each in validated[path])
    ]
    assert silent == []


def test_findings_point_at_something_that_is_there(validated):
    """The pointer of every finding resolves to its position in the document, or to its parent if a value is missing."""
    for path, found in validated.items():
        document = read((CORPUS / path).read_bytes(), path, Problems())
        if document is None:
            continue
        for each in found:
            if each.at.uri.endswith(path.rpartition("/")[2]):
                pointers = (each.at.pointer, each.at.pointer.rpartition("/")[0])
                found_there = [resolve_pointer(document.value, pointer) is not MISSING for pointer in pointers]
                assert any(found_there), (path, each.code, each.at.pointer)
                assert each.at.line >= 1
