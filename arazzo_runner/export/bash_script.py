"""Target curl: a bash script with curl and jq, whose inputs are variables of the environment."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.bash_library import JQ, functions
from arazzo_runner.export.bash_steps import BashSteps, program
from arazzo_runner.export.jq_values import Here, JqValues, quoted
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan, Request, Step, Workflow
from arazzo_runner.export.python_layout import Names, comment
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import CompiledAction, ExpressionValue, Value, WorkflowKey

_LONGEST = 1000
_POLL = 1


def write(plan: Plan, notes: Notes) -> dict[str, str]:
    """Return the script."""
    values = JqValues(plan=plan, notes=notes)
    steps = BashSteps(plan=plan, values=values, names=Names())
    made: list[list[str]] = []
    for workflow in plan.workflows:
        for credential in steps.tokens_of(workflow):
            token = steps.token_function(credential)
            made += [token] if token not in made else []
        made += BashFlow(plan, workflow, steps).functions()
    lines = [*_head(plan), *_servers(plan), *_inputs(plan.workflow), "jq_library='", JQ.strip("\n"), "'", ""]
    text = "\n".join([*lines, functions(steps.used)])
    text += "\n" + "\n".join("\n".join(each) + "\n" for each in made)
    return {"script.sh": f"{text}\n{steps.workflow_name(plan.workflow.key)} '.inputs' | jq . || exit 1\n"}


def _head(plan: Plan) -> Iterator[str]:
    workflow = plan.workflow
    yield "#!/usr/bin/env bash"
    yield from comment(workflow.summary or f"The workflow {workflow.workflow_id}.")
    yield "#"
    yield from comment(f"Exported from {plan.document}, workflow {workflow.workflow_id}, by arazzo.")
    yield from comment("Needs bash, curl and jq 1.6 or newer.")
    for each in workflow.inputs:
        facts = "required" if each.required else "optional"
        yield from comment(f"Input {each.variable}: {each.type}, {facts}. {each.description}".rstrip(". ") + ".")
    for key in plan.credentials:
        yield from comment(f"Credential {key.source}.{key.scheme}: {', '.join(key.variables.values())}.")
    yield "#"
    yield "# shellcheck disable=SC2016  # jq programs have a $ of their own"
    yield "set -u -o pipefail"
    yield ""
    yield "work=$(mktemp -d) || exit 1"
    yield "trap 'rm -rf \"$work\"' EXIT"
    yield ""


def _servers(plan: Plan) -> Iterator[str]:
    for each in plan.servers:
        name = each.variable.removeprefix("ARAZZO_SERVER_").lower() + "_url"
        yield f"{name}=${{{each.variable}:-{shlex.quote(each.url.partition('?')[0])}}}"
    yield ""


def _inputs(workflow: Workflow) -> Iterator[str]:
    required = [each.variable for each in workflow.inputs if each.required]
    if required:
        yield "missing=''"
        for name in required:
            yield f"[[ -n ${{{name}+given}} ]] || missing+=' {name}'"
        yield "if [[ -n $missing ]]; then"
        yield "  printf 'missing input: set%s\\n' \"$missing\" >&2"
        yield "  exit 2"
        yield "fi"
    members = ",\n    ".join(f"{quoted(each.name)}: {_input(each)}" for each in workflow.inputs)
    body = f"{{\n    {members}\n  }} | with_entries(select(.value != null))" if members else "{}"
    yield f"if ! state=$(jq -n -c '{{steps: {{}}, tokens: {{}}, inputs: ({body})}}' 2>/dev/null); then"
    yield "  printf 'an input is not the JSON that it should be\\n' >&2"
    yield "  exit 2"
    yield "fi"
    yield ""


def _input(given: Input) -> str:
    value = f"$ENV.{given.variable}"
    default = "null" if given.default is MISSING else quoted(given.default)
    if given.type in ("string", "any"):
        return value if default == "null" else f"({value} // {default})"
    return f"(if {value} then ({value} | fromjson) else {default} end)"


class BashFlow:
    """Writes the functions of one workflow: its steps, those that try again, and the workflow itself."""

    def __init__(self, plan: Plan, workflow: Workflow, steps: BashSteps) -> None:
        self.plan = plan
        self.workflow = workflow
        self.steps = steps
        self.values = steps.values
        self.used = steps.used

    def functions(self) -> list[list[str]]:
        """Return all functions."""
        made = []
        for step in self.workflow.steps:
            made.append(self.steps.function(self.workflow, step))
            if _retries(step):
                made.append(self._retrying(step))
        made.append(self._function())
        return made

    def _function(self) -> list[str]:
        self.used.add("value")
        body = [line for key in self.workflow.before for line in self._before(key)]
        body += self._straight() if self.workflow.is_straight else self._loop()
        notes, self.values.comments = self.values.comments, []
        head = [line for each in dict.fromkeys(notes) for line in comment(each)]
        head += comment("Print the outputs of the workflow; its inputs are a jq program.")
        start = [
            "local inputs state=$state",
            'inputs=$(value "$1 | tojson") || return',
            """state=$(jq -c '{steps: {}, tokens: {}, inputs: .}' <<<"$inputs")""",
        ]
        name = self.steps.workflow_name(self.workflow.key)
        return [*head, f"{name}() {{", *(f"  {line}" for line in [*start, *body]), "}"]

    def _before(self, key: WorkflowKey) -> list[str]:
        return [f"{self.steps.workflow_name(key)} {program(self._inherited(key))} >/dev/null || return"]

    def _result(self) -> str:
        made = self.values.members(self.workflow.outputs, Here(workflow=self.workflow))
        return f"value {program(f'{made} | tojson')}"

    def _straight(self) -> list[str]:
        lines: list[str] = []
        for step in self.workflow.steps:
            lines += self._visit(step, None)
        return [*lines, self._result()]

    def _loop(self) -> list[str]:
        steps = self.workflow.steps
        lines = [f"local step={in_quotes(steps[0].step_id)} visits=0", "while true; do"]
        lines += [
            f"  if ((visits++ >= {_LONGEST})); then",
            f"    say 'not ended after {_LONGEST} steps'",
            "    return 1",
        ]
        lines += ["  fi", "  case $step in"]
        for index, step in enumerate(steps):
            following = steps[index + 1].step_id if index + 1 < len(steps) else ""
            lines.append(f"    {in_quotes(step.step_id)})")
            lines += [f"      {line}" for line in self._visit(step, following)]
            lines.append("      ;;")
        return [*lines, "  esac", "done", self._result()]

    # -------------------------------------------------------------- one visit

    def _visit(self, step: Step, following: str | None) -> list[str]:
        """Return the call of a step and what follows; `following` is the next step of a loop, "" for its end."""
        name = self.steps.name_of(self.workflow, step)
        name = f"{name}_with_retries" if _retries(step) else name
        default = [] if following is None else _next(following)
        after = self._branches(step, step.on_success, default, passed=True)
        failures = tuple(each for each in step.on_failure if each.type != "retry")
        if not any(each.type == "goto" for each in failures):
            return [f"{name} || return", *after]
        failed = self._branches(step, failures, ["return 1"], passed=False)
        return [f"if {name}; then", *_indented(after or [":"]), "else", *_indented(failed), "fi"]

    def _branches(
        self, step: Step, actions: tuple[CompiledAction, ...], default: list[str], *, passed: bool
    ) -> list[str]:
        self.used.add("holds")
        lines: list[str] = []
        for action in actions:
            body = [*comment(action.name), *self._action(step, action, passed=passed)]
            if not action.criteria:
                default = body
                break
            criteria = self.values.all_of(action.criteria, self._here(step))
            lines += [f"{'elif' if lines else 'if'} holds {program(criteria)}; then", *_indented(body)]
        if not lines:
            return default
        return [*lines, *(["else", *_indented(default)] if default else []), "fi"]

    def _action(self, step: Step, action: CompiledAction, *, passed: bool) -> list[str]:
        if action.type == "end":
            if not passed:
                return ["return 1"]
            return [self._result(), "return"] if self.workflow.is_straight else ["break"]
        if action.workflow is not None:
            return [f"{self.steps.workflow_name(action.workflow)} {program(self._transferred(action, step))}", "return"]
        if action.step_id == step.step_id:
            self.used.add("pause")
            return [f"pause {_POLL}", *_next(action.step_id)]
        return _next(action.step_id or "")

    def _here(self, step: Step) -> Here:
        return Here(workflow=self.workflow, request=step.does if isinstance(step.does, Request) else None)

    def _transferred(self, action: CompiledAction, step: Step) -> str:
        assert action.workflow is not None
        if not action.parameters:
            return self._inherited(action.workflow)
        given: list[tuple[str, Value]] = [(each.name, each.value) for each in action.parameters]
        return self.steps.called(given, action.workflow, self._here(step))

    def _inherited(self, key: WorkflowKey) -> str:
        """Return the inputs of another workflow that are named like those of this one."""
        own = {each.name for each in self.workflow.inputs}
        given: list[tuple[str, Value]] = [
            (each.name, ExpressionValue(InputReference(each.name), self.workflow.at))
            for each in self.plan.find(key).inputs
            if each.name in own
        ]
        return self.steps.called(given, key, Here(workflow=self.workflow))

    # -------------------------------------------------------------- retries

    def _retrying(self, step: Step) -> list[str]:
        """Return the function that tries a step again as its failure actions say."""
        self.used |= {"pause", "holds"}
        name = self.steps.name_of(self.workflow, step)
        last = max(index for index, each in enumerate(step.on_failure) if each.type == "retry")
        counters = [f"tries_{index}" for index, each in enumerate(step.on_failure) if each.type == "retry"]
        lines = [f"local {' '.join(f'{each}=0' for each in counters)}", f"until {name}; do"]
        branches: list[str] = []
        if isinstance(step.does, Request) and not step.does.is_idempotent:
            branches += ["if ! holds '.response != null'; then", *_indented(["return 1 # it may have been done"])]
        for index, action in enumerate(step.on_failure[: last + 1]):
            criteria = program(self.values.all_of(action.criteria, self._here(step)))
            word = "elif" if branches else "if"
            if action.type != "retry":
                branches += [f"{word} holds {criteria}; then", *_indented(["return 1"])]
                continue
            holds = f" && holds {criteria}" if action.criteria else ""
            branches += [f"{word} ((tries_{index} < {action.retry_limit})){holds}; then"]
            body = [*comment(action.name), f"tries_{index}=$((tries_{index} + 1))", f"pause {action.retry_after:g}"]
            branches += _indented([*body, *self._repair(step, action)])
        branches += ["else", *_indented(["return 1"]), "fi"]
        lines += [*_indented(branches), "done"]
        return [f"{name}_with_retries() {{", *_indented(lines), "}"]

    def _repair(self, step: Step, action: CompiledAction) -> list[str]:
        if action.workflow is not None:
            call = f"{self.steps.workflow_name(action.workflow)} {program(self._transferred(action, step))}"
            return [f"{call} >/dev/null || return 1"]
        if action.step_id is None or action.step_id == step.step_id:
            return []
        target = next(each for each in self.workflow.steps if each.step_id == action.step_id)
        return [f"{self.steps.name_of(self.workflow, target)} || return 1"]


def _retries(step: Step) -> bool:
    return any(each.type == "retry" for each in step.on_failure)


def _next(step_id: str) -> list[str]:
    return [f"step={in_quotes(step_id)}"] if step_id else ["break"]


def in_quotes(text: str) -> str:
    """Return a text in single quotes, also where a shell needs none: a word of its own may look like a command."""
    found = shlex.quote(text)
    return found if found.startswith("'") else f"'{found}'"


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
