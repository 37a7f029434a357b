"""The scripts of a request in Postman: values before it, verdict and outputs after it, and which request follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.flat import FlatStep, Frame, called
from arazzo_runner.export.flat_values import Scripts, Variables, request_object, step_outputs, used_inputs
from arazzo_runner.export.js_helpers import sources_of
from arazzo_runner.export.js_request import reads_request
from arazzo_runner.export.js_text import comment, enclosed, indented, key, literal
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.pieces import Piece
from arazzo_runner.export.plan import Input, Plan, Step
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.program.model import CompiledAction

_STATE: Final = """\
// What the scripts of this run know: the outputs of steps, and where the run goes.
const run = JSON.parse(pm.collectionVariables.get("arazzo_run") || "{}");
"""
_SAVE: Final = 'pm.collectionVariables.set("arazzo_run", JSON.stringify(run));'
_GIVEN: Final = """\
// The value of an input: that of a variable; one that is empty is not given.
function given(variable, isText, byDefault) {
  const value = pm.variables.get(variable);
  if (value === undefined || value === null || value === "") return byDefault;
  return isText || typeof value !== "string" ? value : parsed(value);
}
"""
_REQUIRED: Final = """\
function required(variable) {
  const value = pm.variables.get(variable);
  if (value === undefined || value === null || value === "") throw new Error("give the variable " + variable + " a value");
}
"""
_RESPONSE: Final = """\
function headerOf(headers) {
  return (name) => {
    const found = headers.filter((each) => each.key.toLowerCase() === name.toLowerCase()).map((each) => each.value);
    return found.length === 0 ? undefined : found.join(", ");
  };
}
const response = { status: pm.response.code, header: headerOf(pm.response.headers) };
response.body = content(pm.response.text(), response.header("Content-Type"));
"""
_FLOW: Final = """\
function report() {
  for (const [name, passed] of verdicts) pm.test(name, () => pm.expect(passed, name).to.equal(true));
}
"""
_FAIL: Final = """\
function fail() {
  report();
  pm.collectionVariables.unset("arazzo_run");
  pm.execution.setNextRequest(null);
}
"""
_JUMP: Final = """\
// Goes to a request of a workflow; `again`: to repeat it.
function jump(name, frame, again) {
  run.jump = frame;
  if (again) run.again = name;
  pm.execution.setNextRequest(name);
}
"""


class PostmanScripts:
    """Writes the two scripts of one request."""

    def __init__(
        self, plan: Plan, flat: FlatStep, steps: Sequence[FlatStep], notes: Notes, variables: Variables
    ) -> None:
        self.plan = plan
        self.flat = flat
        self.steps = steps
        self.notes = notes
        self.variables = variables
        self.values = Scripts(plan, flat.frame, notes, set(), flat.step.later)
        self.used: set[str] = set()

    # ---- before the request

    def before(self, pieces: Iterable[Piece], refusal: str | None) -> list[str]:
        """Return the script that gives the variables of the request their values."""
        inner: list[str] = []
        if self._counts():
            name = literal(self.flat.name)
            inner += [f"if (run.again !== {name}) run.used[{name}] = {{}};"]
        if self._counts() or self._uses_jumps():
            inner += ["delete run.again;", "delete run.jump;"]
        for piece in pieces:
            inner += self._set(piece)
        if refusal is not None:
            inner += [*comment(refusal), f"throw new Error({literal(refusal)});"]
        enters = list(self._enters())
        body = [*enters, *self._scope(self.flat.frame, self.values, inner), *inner]
        lines = [*_STATE.splitlines(), "try {", *indented(body), f"  {_SAVE}"]
        lines += [
            "} catch (problem) {",
            f"  pm.test({literal(self.flat.name + ': ')} + problem.message, () => {{ throw problem; }});",
            "  pm.execution.setNextRequest(null);",
            "  pm.execution.skipRequest();",
            "}",
        ]
        return [*lines, *self._functions(lines, self.values.writer.helpers)]

    def _set(self, piece: Piece) -> list[str]:
        if piece.header is None:
            return f"pm.variables.set({literal(piece.name)}, {piece.script});".split("\n")
        return [
            *f"const {piece.name} = {piece.script};".split("\n"),
            f"if ({piece.name} === undefined) pm.request.headers.remove({literal(piece.header)});",
            f"else pm.variables.set({literal(piece.name)}, {self.values.writer.use('plain')}({piece.name}));",
        ]

    def _counts(self) -> bool:
        return any(each.type == "retry" for each in self.flat.step.actions)

    def _uses_jumps(self) -> bool:
        return any(
            each.type == "retry" or each.step_id is not None for flat in self.steps for each in flat.step.actions
        )

    def _enters(self) -> Iterator[str]:
        """Yield the beginnings of the workflows whose first request this is."""
        for frame in self.flat.enters:
            name = literal(frame.name)
            if frame.parent is None:
                begins = list(self._begins(frame))
            else:
                begins = [f"run.frames[{name}] = {{ inputs: {self._inputs_of_call(frame)}, steps: {{}} }};"]
                begins = self._in_scope(frame.parent, begins)
            froms = ", ".join(literal(each.name) for each in frame.outer)
            condition = "run.jump === undefined" + (f" || [{froms}].includes(run.jump)" if froms else "")
            if self._uses_jumps():
                yield f"if ({condition}) {{"
                yield from indented(begins)
                yield "}"
            elif frame.parent is None:
                yield from begins
            else:
                yield from ["{", *indented(begins), "}"]

    def _begins(self, frame: Frame) -> Iterator[str]:
        if self.steps[0] is self.flat:
            yield "Object.assign(run, { frames: {}, used: {}, back: [], workflows: {}, again: undefined });"
        steps = ", ".join(f"{key(each.step_id)}: {{}}" for each in frame.workflow.steps)
        yield f"run.frames[{literal(frame.name)}] = {{ steps: {{ {steps} }} }};"
        for each in frame.workflow.inputs:
            if each.required:
                yield f"required({literal(self._variable(each))});"

    def _variable(self, each: Input) -> str:
        known = {own.name for own in self.plan.workflow.inputs}
        return self.variables.input(each.name) if each.name in known else each.name

    def _inputs_of_call(self, frame: Frame) -> str:
        call = called(frame)
        assert call is not None and frame.parent is not None
        scripts = Scripts(self.plan, frame.parent, self.notes, self.values.writer.helpers)
        written = scripts.call_inputs(call.inputs, frame.workflow.inputs)
        self.used |= scripts.writer.used_inputs
        return written

    # ---- after the response

    def after(self) -> list[str]:
        """Return the script that judges the response, keeps outputs and says which request follows."""
        helpers = {"content"}
        values = Scripts(self.plan, self.flat.frame, self.notes, helpers, self.flat.step.later)
        self.values, self.used = values, set()
        step = self.flat.step
        inner = list(values.verdicts(step))
        follow = [
            "if (!verdicts.every((verdict) => verdict[1])) {",
            *indented(self._actions(values, self.flat.frame, step, passed=False)),
            "  return fail();",
            "}",
            "report();",
            *self._passed(values, self.flat.frame, step),
        ]
        if reads_request(step, "header", "query", "path", "body") or self._reads_url(step):
            url = "pm.request.url.toString()"
            inner = [
                *request_object(self.flat, values, "pm.request.method", url, "headerOf(pm.request.headers)"),
                *inner,
            ]
        body = [*inner, "(function follow() {", *indented(follow), "})();"]
        lines = [*_STATE.splitlines(), *_RESPONSE.splitlines()]
        lines += [*self._scope(self.flat.frame, values, [*inner, *follow]), *body]
        lines += [f"if (pm.collectionVariables.has(\"arazzo_run\")) {_SAVE}", *_FLOW.splitlines()]
        return [*lines, *self._functions([*lines, "fail("], helpers)]

    def _reads_url(self, step: Step) -> bool:
        from arazzo_runner.export.js_request import references_of

        return any(str(each) in ("$url", "$method") for each in references_of(step))

    def _passed(self, values: Scripts, frame: Frame, step: Step) -> list[str]:
        members, comments = values.members(step.outputs)
        lines = list(comments)
        start = "outputs" if called_by(frame, step) else ""
        made = enclosed("{", members, "}")
        if start:
            lines += f"{step_outputs(step)} = Object.assign({{}}, outputs, {values.present(made)});".split("\n")
        elif members:
            lines += f"{step_outputs(step)} = {values.present(made)};".split("\n")
        if self._repairs(frame, step):
            frame_name = literal(frame.name)
            lines += [f"if (run.back.length > 0) return jump(run.back.pop(), {frame_name}, true);"]
        actions = list(self._actions(values, frame, step, passed=True))
        lines += actions
        if not actions or not actions[-1].startswith("return "):
            lines += self._on(values, frame, step)
        return lines

    def _repairs(self, frame: Frame, step: Step) -> bool:
        """Return whether a retry of another step begins with this one."""
        return any(
            action.type == "retry" and action.step_id == step.step_id and each.step_id != step.step_id
            for each in frame.workflow.steps
            for action in each.actions
        )

    def _on(self, values: Scripts, frame: Frame, step: Step) -> list[str]:
        """Return what is done behind a step: nothing where the next request follows."""
        is_last = frame.workflow.steps[-1].step_id == step.step_id
        return self._leave(values, frame, is_end=False) if is_last else []

    def _leave(self, values: Scripts, frame: Frame, *, is_end: bool) -> list[str]:
        """Return the end of a workflow, by its last step or by an action."""
        members, comments = values.members(frame.workflow.outputs)
        lines = [*comments, *f"const outputs = {values.present(enclosed('{', members, '}'))};".split("\n")]
        if any("workflows" in line for line in self._all_references()):
            lines.append(f"run.workflows[{literal(frame.workflow.workflow_id)}] = {{ outputs }};")
        if frame.caller is not None and frame.parent is not None:
            outer = Scripts(self.plan, frame.parent, self.notes, values.writer.helpers)
            inner = self._returned(outer, frame.parent, frame.caller, is_end=is_end)
            return [*lines, "{", *indented([*self._scope(frame.parent, outer, inner), *inner]), "}"]
        if frame.path:  # a workflow that the exported one depends on
            return [*lines, *(self._goto(self._behind(frame)) if is_end else [])]
        lines += [
            'pm.environment.set("outputs", JSON.stringify(outputs));',
            'pm.collectionVariables.unset("arazzo_run");',
        ]
        return [*lines, "return pm.execution.setNextRequest(null);"]

    def _returned(self, outer: Scripts, frame: Frame, caller: Step, *, is_end: bool) -> list[str]:
        """Return what is done when a called workflow has ended: its caller is judged, and goes on."""
        lines: list[str] = []
        if caller.criteria:
            lines += [
                *outer.verdicts(caller),
                "for (const [name, passed] of verdicts) pm.test(name, () => pm.expect(passed, name).to.equal(true));",
                "if (!verdicts.every((verdict) => verdict[1])) {",
                *indented(self._actions(outer, frame, caller, passed=False)),
                "  return fail();",
                "}",
            ]
        elif caller.on_failure:
            self.notes.cannot(caller.at, "actions for the failure of a called workflow are not carried out")
            lines += comment("not exported: actions for the failure of the called workflow")
        lines += self._passed(outer, frame, caller)
        if is_end and not (lines and lines[-1].startswith(("return ", "}"))):
            lines += self._goto(self._behind(Frame((*frame.path, caller.step_id), frame.workflow, caller, frame)))
        return lines

    def _behind(self, frame: Frame) -> FlatStep | None:
        """Return the request that follows the last one of a frame."""
        places = [index for index, each in enumerate(self.steps) if each.frame.path[: len(frame.path)] == frame.path]
        return self.steps[places[-1] + 1] if places and places[-1] + 1 < len(self.steps) else None

    def _goto(self, target: FlatStep | None) -> list[str]:
        if target is None:
            return ["return pm.execution.setNextRequest(null);"]
        outer = target.enters[0].parent if target.enters else target.frame
        frame = "undefined" if outer is None else literal(outer.name)
        return [f"return jump({literal(target.name)}, {frame});"]

    # ---- actions

    def _actions(self, values: Scripts, frame: Frame, step: Step, *, passed: bool) -> Iterator[str]:
        for action in step.on_success if passed else step.on_failure:
            yield from comment(action.name)
            written = [values.criterion(each) for each in action.criteria]
            if None in written:
                yield "// not exported: this action"
                continue
            condition = " && ".join(f"({each})" if each and "||" in each else str(each) for each in written)
            taken = list(self._taken(values, frame, step, action, passed=passed))
            if not taken:
                yield "// not exported: this action"
                continue
            if action.type == "retry":
                limit = f"{self._count(action)} < {action.retry_limit}"
                condition = f"{limit} && {condition}" if condition else limit
            if not condition:
                yield from taken
                return
            yield f"if ({condition}) {{"
            yield from indented(taken)
            yield "}"

    def _count(self, action: CompiledAction) -> str:
        return f"(run.used[{literal(self.flat.name)}][{literal(action.name)}] || 0)"

    def _taken(
        self, values: Scripts, frame: Frame, step: Step, action: CompiledAction, *, passed: bool
    ) -> Iterator[str]:
        if action.type == "end":
            yield from self._leave(values, frame, is_end=True) if passed else ["return fail();"]
            return
        if action.workflow is not None:
            self.notes.cannot(action.at, f'action "{action.name}" runs another workflow, which is not carried out')
            return
        if action.type == "retry" and called_by(frame, step):
            self.notes.cannot(action.at, "a called workflow is not repeated")
            return
        frame_name = literal(frame.name)
        if action.type == "goto":
            target = self._first_of(frame, action.step_id or "")
            if target is None:
                self.notes.cannot(action.at, f'step "{action.step_id}" is not exported')
                return
            if action.step_id == step.step_id:
                yield f"setTimeout(() => {{}}, 1000 * {values.writer.use('wait')}(response, 1));"
            yield f"return jump({literal(target.name)}, {frame_name});"
            return
        yield f"run.used[{literal(self.flat.name)}][{literal(action.name)}] = {self._count(action)} + 1;"
        yield f"setTimeout(() => {{}}, 1000 * {values.writer.use('wait')}(response, {action.retry_after:g}));"
        repair = None if action.step_id in (None, step.step_id) else self._first_of(frame, action.step_id or "")
        if repair is not None:
            yield f"run.back.push({literal(self.flat.name)});"
            yield f"return jump({literal(repair.name)}, {frame_name});"
        else:
            yield f"return jump({literal(self.flat.name)}, {frame_name}, true);"

    def _first_of(self, frame: Frame, step_id: str) -> FlatStep | None:
        path = (*frame.path, step_id)
        return next(
            (each for each in self.steps if (*each.frame.path, each.step.step_id)[: len(path)] == path), None
        )

    # ---- what a script begins and ends with

    def _in_scope(self, frame: Frame, lines: list[str]) -> list[str]:
        return [*self._scope(frame, None, lines), *lines]

    def _scope(self, frame: Frame, values: Scripts | None, lines: list[str]) -> list[str]:
        """Return the variables `inputs` and `steps` of a frame, where lines use them."""
        used = self.used if values is None else values.writer.used_inputs
        text = "\n".join(lines)
        found: list[str] = []
        if "inputs" in text and frame.parent is None:
            members = [f"{key(each.name)}: {self._given(each)}" for each in used_inputs(frame, used)]
            found += f"const inputs = {enclosed('{', members, '}')};".split("\n")
        elif "inputs" in text:
            found.append(f"const inputs = run.frames[{literal(frame.name)}].inputs;")
        if "steps." in text or "steps[" in text:
            found.append(f"const steps = run.frames[{literal(frame.name)}].steps;")
        if "workflows." in text or "(workflows" in text:
            found.append("const workflows = run.workflows;")
        return found

    def _given(self, each: Input) -> str:
        default = [] if each.default is MISSING else [literal(each.default)]
        arguments = [literal(self._variable(each)), literal(each.type == "string"), *default]
        return f"given({', '.join(arguments)})"

    def _all_references(self) -> list[str]:
        from arazzo_runner.export.js_steps import described

        return list(described(self.plan))

    def _functions(self, lines: list[str], helpers: set[str]) -> Iterator[str]:
        text = "\n".join(lines)
        for mark, source in (("given(", _GIVEN), ("required(", _REQUIRED), ("fail(", _FAIL), ("jump(", _JUMP)):
            if mark in text:
                yield from source.splitlines()
        wanted = helpers | ({"parsed"} if "given(" in text else set())
        for source in sources_of(wanted):
            yield from source.splitlines()


def called_by(frame: Frame, step: Step) -> bool:
    """Return whether a step of a frame calls a workflow."""
    from arazzo_runner.export.plan import Call

    return isinstance(step.does, Call)


__all__ = ["PostmanScripts", "Unsayable", "called_by"]
