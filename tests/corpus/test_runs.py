"""Every workflow of the corpus whose sources are there is run to a defined end, nothing sent."""

from __future__ import annotations

from collections import Counter

import pytest

import arazzo_runner
from arazzo_runner.api import choose_workflow
from arazzo_runner.engine.schemas import flattened
from arazzo_runner.worlds.dry_run import DryRunWorld
from arazzo_runner.worlds.sampler import sample
from tests.corpus.test_corpus import CORPUS, INDEX, entries, folders

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

ENDS = {"succeeded", "failed"}


def sampled_inputs(program):
    """Return inputs made from the workflow's schema."""
    workflow = program.workflow
    if not workflow.inputs:
        return {}
    schema = flattened(workflow.inputs, workflow.document.raw)
    made = sample(schema, lambda part: flattened(part, workflow.document.raw))
    return made if isinstance(made, dict) else {}


def run_all(path, root):
    """Return how each workflow of a document ended: a status, or `refused`."""
    try:
        loaded = arazzo_runner.load(path, root=root, any_server=True)
    except arazzo_runner.ArazzoError:
        yield "refused", "the document has errors"
        return
    for workflow in loaded.description.workflows:
        program = choose_workflow(loaded, workflow.workflow_id)
        options = arazzo_runner.RunOptions(max_steps=200)
        try:
            inputs = sampled_inputs(program)
            result = arazzo_runner.run(program, inputs=inputs, world=DryRunWorld(program), options=options)
        except arazzo_runner.ArazzoError as problem:
            yield "refused", problem.diagnostics[0].message
            continue
        yield result.status, result.reason


@pytest.mark.parametrize("folder", folders())
def test_every_workflow_ends_and_says_why(folder):
    ends: Counter[str] = Counter()
    for entry in entries(folder):
        if not entry["all_sources_resolved"]:
            continue
        for status, reason in run_all(CORPUS / str(entry["path"]), str(CORPUS / folder)):
            ends[status] += 1
            assert status in ENDS or status == "refused", (entry["path"], status, reason)
            assert status == "succeeded" or reason, (entry["path"], status)
    assert set(ends) <= {*ENDS, "refused"}
