"""Outputs of steps, handed from one run to another: printed by `--until` and `--step`, read by `--outputs-from`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import MASK
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import read_mapping
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.model import Program
from arazzo_runner.report.masking import masked_outputs

StepOutputs = dict[str, dict[str, JsonValue]]


def read_step_outputs(path: str) -> StepOutputs:
    """Read outputs by stepId and name from a YAML or JSON file; raises InvalidUsage.

    The file is one that `--until` or `--step` wrote with `--output`, a file of secret outputs, the
    report of `--format json`, or a mapping of stepIds to mappings of outputs.
    """
    value = read_mapping(path, "the file of outputs", hint="write stepId: {output: value}, one step a line")
    found: StepOutputs = {}
    for name, outputs in _steps(value.get("steps", value)):
        if not isinstance(name, str) or not isinstance(outputs, dict):
            message = f"{path}: the outputs of a step are a mapping of names to values"
            raise InvalidUsage([usage_error(message, code="wrong-type", file=path)])
        for output, worth in outputs.items():
            if _is_masked(worth):
                message = f'{path}: output "{output}" of step "{name}" is masked'
                hint = "write the file with --output FILE, which holds secrets in clear"
                raise InvalidUsage([usage_error(message, code="masked-output", hint=hint, file=path)])
        if outputs:
            found[name] = outputs
    return found


def _steps(value: JsonValue) -> Iterator[tuple[JsonValue, JsonValue]]:
    if isinstance(value, dict):
        yield from value.items()
        return
    for step in value if isinstance(value, list) else [value]:
        yield (step.get("stepId"), step.get("outputs") or {}) if isinstance(step, dict) else (None, None)


def _is_masked(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_is_masked, value.values()))
    if isinstance(value, list):
        return any(map(_is_masked, value))
    return isinstance(value, str) and MASK in value


def step_outputs(
    program: Program, result: RunResult, given: Mapping[str, Mapping[str, JsonValue]], *, show_secrets: bool
) -> dict[str, JsonValue]:
    """Return `{"steps": {stepId: outputs}}` of the steps given and those that ran, in their order."""
    found: dict[str, Mapping[str, JsonValue]] = dict(given)
    found.update((step.step_id, step.outputs) for step in result.steps if step.outputs)
    secret = {step.step_id: step.secret_outputs for step in program.workflow.steps}
    shown: dict[str, JsonValue] = {}
    for name, outputs in found.items():
        plain = dict(outputs)
        shown[name] = plain if show_secrets else masked_outputs(plain, secret.get(name, ()), result.secrets)
    return {"steps": shown}
