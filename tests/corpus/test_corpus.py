"""Real documents by others: every one is validated to an end, the clean ones can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.errors import Judge

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
INDEX = CORPUS / "INDEX.json"

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

# Clean by the index, but with a mistake that only a closer look finds: what it is.
MISTAKEN = {
    "usearazzo__arazzo-toolkit/packages/parser/test/fixtures/source-descriptions/arazzo-with-arazzo.json": "unknown-source",
    "usearazzo__arazzo-toolkit/packages/runner/test/fixtures/petstore-order-workflow-2-0.arazzo.yaml": "missing-path-parameter",
    **{f"zendesk/arazzo/zendesk-{name}-workflow.yml": "broken-reference" for name in (
        "add-comment-to-ticket", "apply-macro-to-ticket", "create-macro-and-preview", "create-organization-and-user",
        "create-user-and-ticket", "escalate-ticket", "onboard-customer", "tag-and-prioritize-ticket")},
}  # fmt: skip


def folders() -> list[str]:
    if not INDEX.exists():
        return []
    documents = json.loads(INDEX.read_text(encoding="utf-8"))["documents"]
    return sorted({entry["path"].split("/")[0] for entry in documents})


def entries(folder: str) -> list[dict[str, object]]:
    documents = json.loads(INDEX.read_text(encoding="utf-8"))["documents"]
    return [entry for entry in documents if entry["path"].split("/")[0] == folder]


@pytest.mark.parametrize("folder", folders())
def test_every_document_is_validated_and_the_clean_ones_have_no_errors(folder):
    for entry in entries(folder):
        path = str(entry["path"])
        try:
            options = LoadOptions(root=str(CORPUS / folder))
            found = arazzo_runner.validate(CORPUS / path, load_options=options, judge=Judge.RUN)
        except arazzo_runner.InvalidUsage as problem:
            found = problem.diagnostics
        errors = sorted({each.code for each in found if each.severity.value == "error"})
        if entry["all_sources_resolved"] and not entry["deviations"]:
            assert errors == ([MISTAKEN[path]] if path in MISTAKEN else []), path


# Clean by the index, which does not look into descriptions: what openapi-spec-validator rightly finds there.
NOT_OPENAPI = {
    "stripe/arazzo/stripe-calculate-and-settle-tax-workflow.yml": "'null'] is not of type 'string'",
}  # fmt: skip


@pytest.mark.parametrize("folder", folders())
def test_no_clean_document_is_accused_by_the_strict_preset_of_what_openapi_allows(folder):
    for entry in entries(folder):
        path = str(entry["path"])
        if entry["all_sources_resolved"] and not entry["deviations"]:
            options = LoadOptions(root=str(CORPUS / folder))
            found = arazzo_runner.validate(CORPUS / path, rules=["description-contract"], load_options=options)
            problems = [each.message for each in found if each.code == "description-contract"]
            assert bool(problems) is (path in NOT_OPENAPI), problems
            assert NOT_OPENAPI.get(path, "") in "".join(problems)
