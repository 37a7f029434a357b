"""Every workflow of the corpus whose sources are there is run to a defined end, nothing sent."""

from __future__ import annotations

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.api import choose_workflow
from arazzo_runner.runtime.mock.worlds import DryRunWorld
from tests.corpus.sample_requests import outcome
from tests.corpus.test_corpus import CORPUS, INDEX, entries, folders

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

# 2,116 operations; of these the sampler makes nothing that fits (or openapi-core fails itself), by its own schema.
EXCEPTIONS = {
    ("cloudflare", "GET /zones/{zone_identifier}/firewall/rules"): "no fitting sample",
    ("cloudflare", "GET /zones/{zone_id}/ssl/verification"): "no fitting sample",
    ("github", "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /api/auths"): "no fitting sample",
    ("jentic__jentic-public-apis", "PUT /api/auths/{id}"): "no fitting sample",
    ("jentic__jentic-public-apis", "GET /search/{source_lang}"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /admin/changePassword"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /listener"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /{tenantID}/users"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /AssetTypes"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /Folders"): "no fitting sample",
    ("jentic__jentic-public-apis", "PUT /Files/{FileId}"): "no fitting sample",
    ("jentic__jentic-public-apis", "POST /shared_rules"): "library failed",
    ("jentic__jentic-public-apis", "GET /forms"): "library failed",
}
ENDS = {"succeeded", "failed"}


@pytest.fixture(scope="module", params=folders())
def loaded(request):
    """The resolvable documents of a folder: (entry, program or None when it has errors); read once for all tests."""
    folder = request.param
    found = []
    for entry in entries(folder):
        if not entry["all_sources_resolved"]:
            continue
        try:
            program = arazzo_runner.load(
                CORPUS / str(entry["path"]), load_options=LoadOptions(root=str(CORPUS / folder), any_server=True)
            )
        except arazzo_runner.ArazzoError:
            program = None
        found.append((entry, program))
    return folder, found


def run_all(program):
    """Return how each workflow of a document ended: a status, or `refused`."""
    for workflow in program.description.workflows:
        chosen = choose_workflow(program, workflow.workflow_id)
        options = arazzo_runner.RunOptions(max_steps=200)
        try:
            result = arazzo_runner.run(chosen, sample_inputs=True, world=DryRunWorld(chosen), options=options)
        except arazzo_runner.ArazzoError as problem:
            yield "refused", problem.diagnostics[0].message
            continue
        yield result.status, result.reason


def test_every_workflow_ends_with_a_reason(loaded):
    for entry, program in loaded[1]:
        for status, reason in run_all(program) if program is not None else ():
            assert status in ENDS or status == "refused", (entry["path"], status, reason)
            assert status == "succeeded" or reason, (entry["path"], status)


def test_every_operation_gets_a_request_that_openapi_core_accepts(loaded, record_property):
    """Counted by folder (in the JUnit report); exceptions are listed below, with the reason."""
    folder, documents = loaded
    operations = {}
    for _, program in documents:
        for source, operation, description in program.operations() if program is not None else ():
            operations[description.base, operation.pointer] = (program, source, operation, description)
    found = {}
    for program, source, operation, description in operations.values():
        kind, why = outcome(program, source, operation, description)
        if kind != "accepted":
            found[f"{operation.method} {operation.path}"] = (kind, why)
    record_property("operations", len(operations))
    record_property("accepted", len(operations) - len(found))
    unexpected = {name: seen for name, seen in found.items() if EXCEPTIONS.get((folder, name)) != seen[0]}
    assert unexpected == {}
    assert not any(kind == "not buildable" for kind, _ in found.values())
