"""Cases with messages: fixtures/cases/messages/*.yaml, in virtual time and with a broker in the process."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.cases import cases_of
from tests.conformance.message_flows import check, run_async, run_blocking, run_virtual

CASES: tuple[dict[str, Any], ...] = cases_of("messages")
REAL = [case for case in CASES if not case.get("virtual")]
"""Those that do not need long to wait, nor failures of the broker."""


def ids(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in cases]


@pytest.mark.parametrize("case", ids(list(CASES)))
def test_case_has_the_specified_result(case):
    check(case, *run_virtual(case))


@pytest.mark.parametrize("case", ids(REAL))
def test_a_broker_in_the_process_gives_the_same_result(case):
    check(case, *run_blocking(case), "waited")


@pytest.mark.parametrize("case", ids(REAL))
def test_an_event_loop_gives_the_same_result(case):
    check(case, *run_async(case), "waited")


@pytest.mark.parametrize("case", ids([case for case in CASES if case.get("parallel", True)]))
def test_parallel_run_in_virtual_time_gives_the_result_of_the_sequential_run(case):
    check(case, *run_virtual(case, parallel=8), "waited", "asked")


@pytest.mark.parametrize("run", [run_blocking, run_async])
@pytest.mark.parametrize("case", ids([case for case in REAL if case.get("parallel", True)]))
def test_parallel_run_gives_the_result_of_the_sequential_run(case, run):
    check(case, *run(case, parallel=8), "waited", "asked")
