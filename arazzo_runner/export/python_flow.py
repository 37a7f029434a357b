"""Workflows as Python functions: their steps in order, or a loop where actions go to other steps."""

from __future__ import annotations

from arazzo_runner.base.records import replace
from arazzo_runner.export.plan import Plan, Request, Step, Workflow
from arazzo_runner.export.python_layout import WIDTH, Code, call, comment, lay, quoted
from arazzo_runner.export.python_steps import Steps, call_inputs, docstring
from arazzo_runner.export.python_values import Around, Values
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import CompiledAction, ExpressionValue, WorkflowKey

_LONGEST = 1000
"""The most visits of steps, as in a run."""
_POLL = 1


class Flow:
    """Writes the functions of one workflow."""

    def __init__(self, plan: Plan, workflow: Workflow, steps: Steps) -> None:
        self.plan = plan
        self.workflow = workflow
        self.steps = steps
        self.values: Values = steps.values
        self.used = steps.used

    def functions(self) -> list[list[str]]:
        """Return the functions of the steps, those that try again, and that of the workflow."""
        made = []
        for step in self.workflow.steps:
            made.append(self.steps.function(self.workflow, step))
            if self._retries(step):
                made.append(self._retrying(step))
        made.append(self._function())
        return made

    def _function(self) -> list[str]:
        name = self.steps.workflow_name(self.workflow.key)
        lines = [f"def {name}(client, inputs):"]
        lines += docstring(self.workflow.summary or self.workflow.workflow_id, 4)
        body = ["    steps = {}", *self._before()]
        body += self._straight() if self.workflow.is_straight else self._loop()
        return [*lines, *self._comments(4), *body]

    def _comments(self, indent: int) -> list[str]:
        notes, self.values.comments = self.values.comments, []
        return [line for each in dict.fromkeys(notes) for line in comment(each, indent)]

    def _before(self) -> list[str]:
        around = Around(workflow=self.workflow)
        lines: list[str] = []
        for key in self.workflow.before:
            lines += lay(call(self.steps.workflow_name(key), "client", self._inherited(key, around)), 4)
        return lines

    def _result(self, indent: int) -> list[str]:
        around = Around(workflow=self.workflow)
        members = ((quoted(name), self.values.of(value, around, lenient=True)) for name, value in self.workflow.outputs)
        return lay(self.values.present(members) if self.workflow.outputs else "{}", indent, "return ")

    # -------------------------------------------------------------- one after the other

    def _straight(self) -> list[str]:
        lines: list[str] = []
        for step in self.workflow.steps:
            lines += self._visit(step, 4, following=None)
        return [*lines, *self._result(4)]

    # -------------------------------------------------------------- a loop

    def _loop(self) -> list[str]:
        self.used.add("StepFailed")
        steps = self.workflow.steps
        lines = [f"    step = {quoted(steps[0].step_id)}", f"    for _ in range({_LONGEST}):"]
        for index, step in enumerate(steps):
            word = "elif" if index else "if"
            following = steps[index + 1].step_id if index + 1 < len(steps) else ""
            lines.append(f"        {word} step == {quoted(step.step_id)}:")
            lines += self._visit(step, 12, following=following)
        lines += ["    else:"]
        lines += lay(
            call("StepFailed", "step", quoted(f"the workflow has not ended after {_LONGEST} steps")), 8, "raise "
        )
        return [*lines, *self._result(4)]

    def _visit(self, step: Step, indent: int, following: str | None) -> list[str]:
        """Return the call of a step and what follows; `following` is the next step of a loop, "" for its end."""
        margin = " " * indent
        name = self.steps.name_of(self.workflow, step)
        name = f"{name}_with_retries" if self._retries(step) else name
        called = f"{name}(client, inputs, steps)"
        failing = self._after_failure(step, indent)
        inner = indent + 4 if failing else indent
        after = self._after_success(step, inner, following)
        needs_response = any("response" in line for line in after)
        plain = [f"{margin}{'response = ' if needs_response else ''}{called}"]
        if not failing:
            return [*self._comments(indent), *plain, *after]
        lines = [f"{margin}try:", f"    {plain[0]}", *failing]
        if after:
            lines += [f"{margin}else:", *after]
        return [*self._comments(indent), *lines]

    def _next(self, step_id: str, indent: int) -> list[str]:
        margin = " " * indent
        return [f"{margin}step = {quoted(step_id)}" if step_id else f"{margin}break"]

    def _after_success(self, step: Step, indent: int, following: str | None) -> list[str]:
        around = self._around(step, "response")
        default = [] if following is None else self._next(following, indent + 4)
        branches = [(each, self._action(step, each, indent + 4, around, "response")) for each in step.on_success]
        return self._branches(branches, around, indent, default)

    def _after_failure(self, step: Step, indent: int) -> list[str]:
        """Return the handler of a failure; [] where the failure of the step is that of the workflow."""
        actions = [each for each in step.on_failure if each.type != "retry"]
        if not any(each.type == "goto" for each in actions):
            return []
        self.used.add("StepFailed")
        margin = " " * indent
        around = replace(self._around(step, "failure.response"), may_lack_response=True)
        branches = [(each, self._action(step, each, indent + 8, around, "failure.response")) for each in actions]
        lines = self._branches(branches, around, indent + 4, [f"{margin}        raise"])
        has_name = any("failure" in line for line in lines)
        return [f"{margin}except StepFailed{' as failure' if has_name else ''}:", *lines]

    def _branches(
        self, branches: list[tuple[CompiledAction, list[str]]], around: Around, indent: int, default: list[str]
    ) -> list[str]:
        """Return the first action whose criteria hold as if, elif, else."""
        margin = " " * indent
        lines: list[str] = []
        for action, body in branches:
            if not action.criteria:
                default = [*comment(action.name, indent + 4), *body]
                break
            criteria = self.values.all_of(action.criteria, around)
            word = "elif" if lines else "if"
            lines += _condition(f"{margin}{word} ", criteria)
            lines += [*comment(action.name, indent + 4), *body]
        if not default:
            return lines
        if not lines:
            return [line[4:] for line in default]
        return [*lines, f"{margin}else:", *default]

    def _action(self, step: Step, action: CompiledAction, indent: int, around: Around, response: str) -> list[str]:
        margin = " " * indent
        if action.type == "end":
            if response.startswith("failure"):
                return [f"{margin}raise"]
            return self._result(indent) if self.workflow.is_straight else [f"{margin}break"]
        if action.workflow is not None:
            given = self._transferred(action, around)
            return lay(call(self.steps.workflow_name(action.workflow), "client", given), indent, "return ")
        lines = []
        if self._polls(step, action):
            self.used.add("wait")
            lines.append(f"{margin}wait({response}, {_POLL})")
        return [*lines, *self._next(action.step_id or "", indent)]

    def _polls(self, step: Step, action: CompiledAction) -> bool:
        return action.type == "goto" and action.step_id == step.step_id

    def _transferred(self, action: CompiledAction, around: Around) -> Code:
        key = action.workflow
        assert key is not None
        if action.parameters:
            given = [(each.name, each.value) for each in action.parameters]
            return call_inputs(self.values, self.plan.find(key), given, around)
        return self._inherited(key, around)

    def _inherited(self, key: WorkflowKey, around: Around) -> Code:
        """Return the inputs of another workflow that are named like those of this one."""
        target, own = self.plan.find(key), {each.name for each in self.workflow.inputs}
        given = [
            (each.name, ExpressionValue(InputReference(each.name), self.workflow.at))
            for each in target.inputs
            if each.name in own
        ]
        return call_inputs(self.values, target, given, around)

    # -------------------------------------------------------------- retries

    def _retries(self, step: Step) -> bool:
        return any(each.type == "retry" for each in step.on_failure)

    def _around(self, step: Step, response: str) -> Around:
        request = step.does if isinstance(step.does, Request) else None
        return Around(workflow=self.workflow, request=request, response=response if request is not None else None)

    def _retrying(self, step: Step) -> list[str]:
        """Return the function that tries a step again as its failure actions say."""
        self.used |= {"StepFailed", "wait"}
        name = self.steps.name_of(self.workflow, step)
        around = replace(self._around(step, "failure.response"), may_lack_response=True)
        lines = [
            f"def {name}_with_retries(client, inputs, steps):",
            *docstring(f"Try {step.step_id} again after failures that may pass", 4),
            "    used = Counter()",
            "    while True:",
            "        try:",
            f"            return {name}(client, inputs, steps)",
            "        except StepFailed as failure:",
        ]
        self.used.add("from collections import Counter")
        branches = self._retry_branches(step, around)
        if isinstance(step.does, Request) and not step.does.is_idempotent:
            head = [
                "            if failure.response is None:",
                *comment("It may have been done: it is not sent again.", 16),
            ]
            branches[0] = branches[0].replace("            if ", "            elif ", 1)
            branches = [*head, "                raise", *branches]
        return [*lines, *self._comments(12), *branches, "            else:", "                raise"]

    def _retry_branches(self, step: Step, around: Around) -> list[str]:
        """Return a branch for each failure action up to the last retry."""
        last = max(index for index, each in enumerate(step.on_failure) if each.type == "retry")
        branches: list[str] = []
        for action in step.on_failure[: last + 1]:
            criteria = self.values.all_of(action.criteria, around)
            if action.type != "retry":
                branches += [
                    *_condition(f"            {'elif' if branches else 'if'} ", criteria),
                    "                raise",
                ]
                continue
            used = f"used[{quoted(action.name)}]"
            left = f"{used} < {action.retry_limit}"
            whole = [left, *(criteria if action.criteria else [])]
            branches += _condition(f"            {'elif' if branches else 'if'} ", whole)
            branches += [
                f"                {used} += 1",
                f"                wait(failure.response, {action.retry_after:g})",
            ]
            branches += self._repair(step, action, around)
        return branches

    def _repair(self, step: Step, action: CompiledAction, around: Around) -> list[str]:
        if action.workflow is not None:
            given = self._transferred(action, around)
            return lay(call(self.steps.workflow_name(action.workflow), "client", given), 16)
        if action.step_id is None or action.step_id == step.step_id:
            return []
        target = next(each for each in self.workflow.steps if each.step_id == action.step_id)
        name = self.steps.name_of(self.workflow, target)
        return [f"                {name}(client, inputs, steps)"]


def _condition(head: str, operands: list[str]) -> list[str]:
    """Return `if one and other:`, in brackets over several lines where it is long."""
    if len(operands) == 1 and operands[0].startswith("(") and operands[0].endswith(")"):
        operands = [operands[0][1:-1]]
    line = f"{head}{' and '.join(operands)}:"
    if len(line) <= WIDTH or len(operands) == 1:
        return [line]
    margin = " " * (len(head) - len(head.lstrip()))
    first, *others = operands
    return [f"{head}(", f"{margin}    {first}", *(f"{margin}    and {each}" for each in others), f"{margin}):"]
