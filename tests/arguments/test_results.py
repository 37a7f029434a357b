"""Functions of results and programs that are given something else: a TypeError or an ArazzoError says what they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import UnknownWorkflow
from tests.arguments.place import place

result: Any = arazzo_runner.run(
    "specs/arazzo/prismatic-rotate-refresh-token-workflow.yml", inputs={"refreshToken": "t-0123456789"}, mock=True
)
CASES: list[tuple[Any, str]] = [
    (lambda: arazzo_runner.to_dict(None), "to_dict takes a result, a part of one or a Diagnostic, not None"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.to_dict([result]), "not list"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.to_dict(result.steps[0], ["x"]), "result.secrets, not list"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.inputs_schema("flow.yml"), "inputs_schema takes a Program, which load returns, not str"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.render_report("html", None), "runs is a RunResult, or a mapping of names to them, not None"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.render_report("html", result, program="x"), "program is the Program that was run, not str"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.File("text", "a.txt"), "the content of a File is bytes, not str: encode it: text.encode()"),  # type: ignore[arg-type]
    (lambda: arazzo_runner.File(3, "a.txt"), "not int: read it, or give a pathlib.Path instead"),  # type: ignore[arg-type]
    (lambda: result.step(None), "a step is found by its stepId and the number of a visit, not by None"),
    (lambda: result.step(0), "not by int"),
    (lambda: result.step("refreshToken", "1"), "not by str"),
]


@pytest.mark.parametrize(("call", "message"), CASES, ids=[message for _, message in CASES])
def test_what_is_no_result_is_a_type_error(call: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        call()
    assert message in str(raised.value)


def test_a_program_of_several_workflows_has_no_chosen_one(tmp_path: Path) -> None:
    with place(tmp_path) as made:
        program = arazzo_runner.load(made.document)
    for use in (lambda: program.workflow, lambda: arazzo_runner.inputs_schema(program)):
        with pytest.raises(UnknownWorkflow, match=r"say which one to run \(hint: available: "):
            use()
