"""Every conformance case of fixtures/cases; flows and queries have their own runners."""

from __future__ import annotations

import pytest

from tests.conformance.cases import cases_of
from tests.conformance.runner import check_condition, check_criteria, check_document, check_expression, check_template

CHECKS = {
    "expressions": check_expression,
    "templates": check_template,
    "conditions": check_condition,
    "criteria": check_criteria,
    "documents": check_document,
}
# id of a case → why the engine does not support it yet; keep it empty.
XFAIL: dict[str, str] = {}
CASES = [(group, case) for group in CHECKS for case in cases_of(group)]


@pytest.mark.parametrize(("group", "case"), [pytest.param(*each, id=f"{each[0]}: {each[1]['id']}") for each in CASES])
def test_case(group, case, tmp_path, request):
    if case["id"] in XFAIL:
        request.applymarker(pytest.mark.xfail(reason=XFAIL[case["id"]], strict=True))
    CHECKS[group](case, tmp_path)
