"""The scripts around a request: values before it, verdict and outputs after it, and which request follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.export.flat import FlatStep, Frame, called
from arazzo_runner.export.flat_frame import ScriptFrame
from arazzo_runner.export.flat_values import Scripts, request_object, step_outputs
from arazzo_runner.export.js_request import reads_request, references_of
from arazzo_runner.export.js_text import comment, enclosed, indented, key, literal
from arazzo_runner.export.pieces import Piece
from arazzo_runner.export.plan import Call, Step
from arazzo_runner.program.model import CompiledAction


class FlatScripts(ScriptFrame):
    """Writes the two scripts of one request; a dialect is a subclass with its texts."""

    # ---- before the request

    def before(self, pieces: Iterable[Piece], refusal: str | None) -> list[str]:
        """Return the script that gives the variables of the request their values."""
        inner: list[str] = []
        if self.counts():
            name = literal(self.flat.name)
            inner += [f"if (run.again !== {name}) run.used[{name}] = {{}};"]
        if self.counts() or self.uses_jumps():
            inner += ["delete run.again;", "delete run.jump;"]
        for piece in pieces:
            inner += self._set(piece)
        if refusal is not None:
            inner += [*comment(refusal), f"throw new Error({literal(refusal)});"]
        for reason in reversed(self.flat.skipped):
            inner = [*comment(reason), f"throw new Error({literal(reason)});", *inner]
        enters = list(self._enters())
        body = [*enters, *self._scope(self.flat.frame, self.values, inner), *inner]
        lines = self.guarded([*body, self.save])
        return [*lines, *self._functions(lines, self.values.writer.helpers)]

    def guarded(self, lines: list[str]) -> list[str]:
        """Return the script before a request, in which a missing value keeps the request from being sent."""
        raise NotImplementedError

    def set_variable(self, name: str, text: str) -> str:
        """Return the statement that gives a variable of the request its text."""
        raise NotImplementedError

    def _set(self, piece: Piece) -> list[str]:
        if piece.header is None:
            return self.set_variable(piece.name, piece.script).split("\n")
        text = f"{self.values.writer.use('plain')}({piece.name})"
        return [
            *f"const {piece.name} = {piece.script};".split("\n"),
            f"if ({piece.name} === undefined) {self.without_header(piece)}",
            f"else {self.set_variable(piece.name, text)}",
        ]

    def without_header(self, piece: Piece) -> str:
        """Return the statement that leaves out the header of a piece."""
        raise NotImplementedError

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
            if self.uses_jumps():
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

    def _inputs_of_call(self, frame: Frame) -> str:
        call = called(frame)
        assert call is not None
        assert frame.parent is not None
        scripts = Scripts(self.plan, frame.parent, self.notes, self.values.writer.helpers)
        written = scripts.call_inputs(call.inputs, frame.workflow.inputs)
        self.used |= scripts.writer.used_inputs
        return written

    # ---- after the response

    def after(self) -> list[str]:
        """Return the script that judges the response, keeps outputs and says which request follows."""
        helpers = set(self.response_helpers)
        values = Scripts(self.plan, self.flat.frame, self.notes, helpers, self.flat.step.later)
        self.values, self.used = values, set()
        step = self.flat.step
        inner = list(values.verdicts(step))
        follow = [
            "if (!verdicts.every((verdict) => verdict[1])) {",
            *indented(self.actions(values, self.flat.frame, step, passed=False)),
            "  return fail(verdicts);",
            "}",
            "report(verdicts);",
            *self._passed(values, self.flat.frame, step),
        ]
        if reads_request(step, "header", "query", "path", "body") or self._reads_url(step):
            inner = [*request_object(self.flat, values, *self.request_parts), *inner]
        body = self.following(inner, follow)
        lines = [*self.state.splitlines(), *self.response.splitlines()]
        lines += [*self._scope(self.flat.frame, values, [*inner, *follow]), *body]
        return [*lines, *self._functions(lines, helpers)]

    def following(self, judged: list[str], lines: list[str]) -> list[str]:
        """Return the statements that judge the response and go on, and keep the state."""
        raise NotImplementedError

    def _reads_url(self, step: Step) -> bool:
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
        if self.repairs(frame, step):
            frame_name = literal(frame.name)
            lines += [f"if (run.back.length > 0) return jump(run.back.pop(), {frame_name}, true);"]
        actions = list(self.actions(values, frame, step, passed=True))
        lines += actions
        if not actions or not actions[-1].startswith("return "):
            lines += self._on(values, frame, step)
        return lines

    def repairs(self, frame: Frame, step: Step) -> bool:
        """Return whether a retry of another step begins with this one."""
        return any(
            action.type == "retry" and action.step_id == step.step_id and each.step_id != step.step_id
            for each in frame.workflow.steps
            for action in each.actions
        )

    def _on(self, values: Scripts, frame: Frame, step: Step) -> list[str]:
        """Return what is done behind a step: nothing where the next request follows."""
        is_last = frame.workflow.steps[-1].step_id == step.step_id or bool(self.flat.trailing)
        return self.leave(values, frame, is_end=False) if is_last else []

    def leave(self, values: Scripts, frame: Frame, *, is_end: bool) -> list[str]:
        """Return the end of a workflow, by its last step or by an action."""
        if self.flat.trailing and not is_end and frame.name == self.flat.frame.name:
            failed = "".join(f"[{literal(reason)}, false], " for reason in self.flat.trailing).removesuffix(", ")
            return [*(line for each in self.flat.trailing for line in comment(each)), f"return fail([{failed}]);"]
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
        return [*lines, *self.finished(is_end=is_end)]

    def finished(self, *, is_end: bool) -> list[str]:
        """Return the statements that hand over the outputs of the workflow; `is_end`: before its last request."""
        raise NotImplementedError

    def _returned(self, outer: Scripts, frame: Frame, caller: Step, *, is_end: bool) -> list[str]:
        """Return what is done when a called workflow has ended: its caller is judged, and goes on."""
        lines: list[str] = []
        if caller.criteria:
            lines += [
                *outer.verdicts(caller),
                "report(verdicts);",
                "if (!verdicts.every((verdict) => verdict[1])) {",
                *indented(self.actions(outer, frame, caller, passed=False)),
                "  return fail(verdicts);",
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
            return self.finished(is_end=True)
        outer = target.enters[0].parent if target.enters else target.frame
        frame = "undefined" if outer is None else literal(outer.name)
        return [f"return jump({literal(target.name)}, {frame});"]

    # ---- actions

    def actions(self, values: Scripts, frame: Frame, step: Step, *, passed: bool) -> Iterator[str]:
        for action in step.on_success if passed else step.on_failure:
            yield from comment(action.name)
            written = [values.criterion(each) for each in action.criteria]
            if None in written:
                yield "// not exported: this action"
                continue
            condition = " && ".join(f"({each})" if each and "||" in each else str(each) for each in written)
            taken = list(self.taken(values, frame, step, action, passed=passed))
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

    def taken(
        self, values: Scripts, frame: Frame, step: Step, action: CompiledAction, *, passed: bool
    ) -> Iterator[str]:
        if action.type == "end":
            yield from self.leave(values, frame, is_end=True) if passed else ["return fail(verdicts);"]
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


def called_by(frame: Frame, step: Step) -> bool:
    """Return whether a step of a frame calls a workflow."""
    return isinstance(step.does, Call)
