"""Flow cases: fixtures/cases/flows/*.yaml, each a scripted conversation and its expected result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.cases import cases_of
from tests.conformance.flows import check_flow, run_flow

CASES: tuple[dict[str, Any], ...] = cases_of("flows")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_flow_has_the_specified_result(case):
    check_flow(case)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["id"]) for case in CASES if "invalid" not in case["expect"]]
)
def test_parallel_run_gives_the_result_of_the_sequential_run(case):
    if "invalid" in case["expect"]:
        return
    sequential, _ = run_flow(case)
    parallel, _ = run_flow(case, parallel=8)
    assert parallel.status == sequential.status
    assert parallel.outputs == sequential.outputs
    assert [(step.step_id, step.status) for step in parallel.steps] == [
        (step.step_id, step.status) for step in sequential.steps
    ]
