"""Target pytest: a test that runs the workflow, whose criteria are assertions."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan, Workflow
from arazzo_runner.export.python_layout import Code, Names, call, constant, flat, lay, mapping, quoted
from arazzo_runner.export.python_library import NAMES, library
from arazzo_runner.export.python_script import assembled, docstring_of, functions_of, servers_of
from arazzo_runner.export.python_steps import Steps
from arazzo_runner.export.python_values import Values


def write(plan: Plan, notes: Notes) -> dict[str, str]:
    """Return the module of the test."""
    values = Values(plan=plan, notes=notes)
    names = Names(*NAMES, "json", "httpx", "pytest", "os", "re", "time", f"test_{plan.workflow.workflow_id}")
    catches = any(each.on_failure for workflow in plan.workflows for each in workflow.steps)
    steps = Steps(plan=plan, values=values, names=names, asserts=not catches)
    functions = functions_of(plan, steps)
    values.used |= {"import httpx", "import pytest", "import json"}
    fixtures = [_client(), _inputs(plan.workflow, values.used)]
    test = _test(plan, steps)
    found = library(values.used, base="AssertionError", leave="pytest.fail")
    head = docstring_of(plan, found.packages, [])
    servers = servers_of(plan, steps)
    return {"test_workflow.py": assembled(head, found.imports, servers, found.helpers, [*functions, *fixtures, test])}


def _client() -> list[str]:
    return [
        "@pytest.fixture",
        "def client():",
        '    """Return a client, which keeps cookies during the test."""',
        "    with httpx.Client(timeout=30) as client:",
        "        yield client",
    ]


def _inputs(workflow: Workflow, used: set[str]) -> list[str]:
    lines = ["@pytest.fixture", "def inputs():", '    """Return the inputs, from the environment."""']
    if not workflow.inputs:
        return [*lines, "    return {}"]
    used.add("import os")
    items = mapping((quoted(each.name), quoted(each.variable)) for each in workflow.inputs)
    lines += lay(items, 4, "variables = ")
    defaults = [each for each in workflow.inputs if each.default is not MISSING]
    lines += lay(mapping((quoted(each.name), constant(each.default)) for each in defaults), 4, "inputs = ")
    lines += [
        "    for name, variable in variables.items():",
        "        if variable in os.environ:",
        "            inputs[name] = os.environ[variable]",
    ]
    required = [each.name for each in workflow.inputs if each.required]
    if required:
        lines += lay(constant(required), 4, "required = ")
        lines += [
            "    missing = [variables[name] for name in required if name not in inputs]",
            "    if missing:",
            "        pytest.fail(f\"set {', '.join(missing)}\")",
        ]
    for each in workflow.inputs:
        lines += _converted(each)
    return [*lines, "    return inputs"]


def _converted(given: Input) -> Iterator[str]:
    if given.type in ("string", "any"):
        return
    name = quoted(given.name)
    yield f"    if isinstance(inputs.get({name}), str):"
    yield from lay(call("json.loads", f"inputs[{name}]"), 8, f"inputs[{name}] = ")


def _test(plan: Plan, steps: Steps) -> list[str]:
    workflow = plan.workflow
    name = steps.workflow_name(workflow.key)
    lines = [
        f"def test_{name}(client, inputs):",
        f"    outputs = {name}(client, inputs)",
    ]
    secret = [each for each, _ in workflow.outputs if each in workflow.secret_outputs]
    shown: Code = "outputs"
    if secret:
        hidden = flat(mapping((quoted(each), '"***"') for each in secret))
        lines += [f"    shown = outputs | {hidden}"]
        shown = "shown"
    return [*lines, *lay(call("json.dumps", shown, indent="2", ensure_ascii="False"), 4, "print(", ")")]
