"""Target python: a script with httpx, whose inputs are arguments or variables of the environment."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import MISSING, to_json
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan, Workflow
from arazzo_runner.export.planning import words
from arazzo_runner.export.python_flow import Flow
from arazzo_runner.export.python_layout import Code, Names, call, constant, flat, lay, mapping, plain_text, quoted
from arazzo_runner.export.python_library import NAMES, library
from arazzo_runner.export.python_steps import Steps
from arazzo_runner.export.python_values import Values

_TYPES = {"integer": "int", "string": ""}


def write(plan: Plan, notes: Notes) -> dict[str, str]:
    """Return the script."""
    values = Values(plan=plan, notes=notes)
    names = Names(*NAMES, "main", "arguments", "json", "httpx", "sys", "os", "argparse", "re", "time")
    steps = Steps(plan=plan, values=values, names=names)
    functions = functions_of(plan, steps)
    values.used |= {"StepFailed", "import json", "import sys", "import httpx"}
    reading = _arguments(plan.workflow, values.used)
    main = _main(steps.workflow_name(plan.workflow.key))
    found = library(values.used)
    head = docstring_of(plan, found.packages, _usage(plan))
    text = assembled(head, found.imports, servers_of(plan, steps), found.helpers, [*functions, reading, main])
    return {"script.py": f'#!/usr/bin/env python3\n{text}\n\nif __name__ == "__main__":\n    main()\n'}


def functions_of(plan: Plan, steps: Steps) -> list[list[str]]:
    """Return the functions of a plan: those that get tokens, then those of each workflow."""
    for workflow in plan.workflows:  # its functions get the plain names
        steps.workflow_name(workflow.key)
        for step in workflow.steps:
            steps.name_of(workflow, step)
    tokens = [each for each in plan.credentials if each.kind == "token" and each.grant and each.token_url]
    made = [steps.token_function(each) for each in tokens]
    for workflow in plan.workflows:
        made += Flow(plan, workflow, steps).functions()
    return made


def servers_of(plan: Plan, steps: Steps) -> list[str]:
    """Return the constants with the URLs of the servers, which the environment may replace."""
    lines: list[str] = []
    for server in plan.servers:
        name = steps.names.of(server.variable, server.variable.removeprefix("ARAZZO_SERVER_") + "_URL").upper()
        url = call("os.environ.get", quoted(server.variable), quoted(server.url.partition("?")[0]))
        lines += lay(url, 0, f"{name} = ")
    return lines


def docstring_of(plan: Plan, packages: tuple[str, ...], usage: list[str]) -> str:
    """Return what a file says about itself."""
    workflow = plan.workflow
    summary = plain_text(workflow.summary or f"The workflow {workflow.workflow_id}")
    lines = [
        summary if summary.endswith(".") else f"{summary}.",
        "",
        plain_text(f"Exported from {plan.document}, workflow {workflow.workflow_id}, by arazzo."),
        f"Needs Python 3.10 or newer and {', '.join(packages)}.",
        *usage,
    ]
    return '"""' + "\n".join(lines) + '\n"""'


def _usage(plan: Plan) -> list[str]:
    lines = []
    for each in plan.credentials:
        lines += [
            f"Credential {plain_text(each.source)}.{plain_text(each.scheme)}: {', '.join(each.variables.values())}"
        ]
    return ["", *lines] if lines else []


def assembled(
    head: str, imports: tuple[str, ...], constants: list[str], helpers: str, functions: list[list[str]]
) -> str:
    """Return a module."""
    first, _, others = helpers.strip("\n").partition("\n\n\n")
    if first.startswith("MISSING ="):  # a constant, not a function
        constants, helpers = [*constants, first], others
    blocks = [helpers.strip("\n")] if helpers.strip() else []
    blocks += ["\n".join(each) for each in functions]
    top = [head, "", *imports]
    if constants:
        top += ["", *constants]
    return "\n".join(top) + "\n\n\n" + "\n\n\n".join(blocks) + "\n"


# ------------------------------------------------------------------ inputs


def option_of(name: str) -> str:
    """Return the option of an input.

    >>> option_of("refreshToken")
    '--refresh-token'
    """
    return f"--{words(name).lower().replace('_', '-')}"


def _arguments(workflow: Workflow, used: set[str]) -> list[str]:
    used |= {"import argparse", "import os"} if workflow.inputs else {"import argparse"}
    lines = [
        "def arguments():",
        '    """Return the inputs: from arguments, else from the environment."""',
        "    parser = argparse.ArgumentParser()",
    ]
    taken: set[str] = {"--help"}
    for each in workflow.inputs:
        if not each.is_secret:
            lines += _argument(each, taken)
    lines += ["    given = vars(parser.parse_args())"]
    lines += [line for each in workflow.inputs if each.is_secret for line in _secret(each)]
    required = [each for each in workflow.inputs if each.required]
    if not required:
        return [*lines, f"    return {_PRESENT}"]
    lines += [f"    inputs = {_PRESENT}"]
    lines += lay(call_set(required), 4, "needed = ")
    lines += [
        "    missing = [how for name, how in needed.items() if name not in inputs]",
        "    if missing:",
        "        parser.error(f\"missing: {', '.join(missing)}\")",
    ]
    return [*lines, "    return inputs"]


_PRESENT = "{name: value for name, value in given.items() if value is not None}"


def call_set(required: list[Input]) -> Code:
    """Return a mapping of required inputs and how each is given."""
    return mapping((quoted(each.name), quoted(_how(each))) for each in required)


def _how(given: Input) -> str:
    return given.variable if given.is_secret else f"{option_of(given.name)} or {given.variable}"


def _argument(given: Input, taken: set[str]) -> Iterator[str]:
    option = option_of(given.name)
    while option in taken:
        option += "-"
    taken.add(option)
    environment: list[Code] = [quoted(given.variable)]
    named: dict[str, Code] = {"dest": quoted(given.name)}
    if given.type not in ("string", "any"):
        named["type"] = "int" if given.type == "integer" else "json.loads"
    if given.default is not MISSING:
        plain = constant(given.default) if given.type in ("string", "any") else quoted(to_json(given.default))
        environment.append(plain)
    named["default"] = call("os.environ.get", *environment)
    if given.description:
        named["help"] = quoted(" ".join(given.description.split()).replace("%", "%%"))
    yield from lay(call("parser.add_argument", quoted(option), **named), 4)


def _secret(given: Input) -> Iterator[str]:
    value = flat(call("os.environ.get", quoted(given.variable)))
    yield from lay(value, 4, f"given[{quoted(given.name)}] = ")
    if given.type not in ("string", "any"):
        name = quoted(given.name)
        yield f"    if given[{name}]:"
        yield from lay(call("json.loads", f"given[{name}]"), 8, f"given[{name}] = ")


def _main(name: str) -> list[str]:
    return [
        "def main():",
        '    """Run the workflow and print its outputs as JSON."""',
        "    inputs = arguments()",
        "    try:",
        "        with httpx.Client(timeout=30) as client:",
        f"            outputs = {name}(client, inputs)",
        "    except (StepFailed, httpx.HTTPError, ValueError) as problem:",
        '        sys.exit(f"failed: {problem}")',
        "    except LookupError as missing:",
        '        sys.exit(f"failed: {missing} has no value")',
        "    print(json.dumps(outputs, indent=2, ensure_ascii=False))",
    ]
