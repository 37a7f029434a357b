"""The steps of a workflow as functions in JavaScript: request, criteria, outputs, and the actions that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.export.js_helpers import helper_names
from arazzo_runner.export.js_request import (
    body_text,
    cookie_text,
    fixed_headers,
    header_text,
    path_text,
    query_parts,
    reads_request,
)
from arazzo_runner.export.js_text import camel, comment, enclosed, indented, key, literal, member
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.k6_bodies import BOUNDARY, InitFiles, multipart_lines
from arazzo_runner.export.k6_credentials import CredentialParts, credential_parts
from arazzo_runner.export.names import distinct
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Body, Call, Plan, Request, Step, Unsupported, Workflow
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.program.model import CompiledAction, CompiledCriterion, ExpressionValue, WorkflowKey
from arazzo_runner.program.values import criterion_references, value_references

_OWN: Final = """
open inputs steps outputs workflows request response body verdicts used instead http check sleep encoding send
passes report failure walk query given readInputs
"""
_TAKEN: Final = frozenset(_OWN.split())


def described(plan: Plan) -> Iterator[str]:
    """Yield the expressions of a plan's outputs, requests and criteria as text."""
    for workflow in plan.workflows:
        for _, value in workflow.outputs:
            yield from map(str, value_references(value))
        for step in workflow.steps:
            for criterion in (*step.criteria, *(each for action in step.actions for each in action.criteria)):
                yield from map(str, criterion_references(criterion))
            values = [value for _, value in step.outputs]
            if isinstance(step.does, Request):
                values += [each.value for each in step.does.parameters]
                body = step.does.body
                if body is not None:
                    values += [] if body.payload is None else [body.payload]
                    values += [each.value for each in body.replacements]
            elif isinstance(step.does, Call):
                values += [value for _, value in step.does.inputs]
            for value in values:
                yield from map(str, value_references(value))


class StepWriter:
    """Writes the steps of one workflow for k6."""

    def __init__(
        self,
        plan: Plan,
        workflow: Workflow,
        writer: JsWriter,
        notes: Notes,
        workflows: Mapping[WorkflowKey, str],
        servers: Mapping[str, str],
        files: InitFiles,
    ) -> None:
        self.plan = plan
        self.workflow = workflow
        self.writer = writer
        self.notes = notes
        self.workflows = workflows
        self.servers = servers
        self.files = files
        taken = {*_TAKEN, *helper_names(), *workflows.values(), *servers.values()}
        self.names = distinct((each.step_id for each in workflow.steps), camel, taken)

    def lines(self, step: Step) -> Iterator[str]:
        """Yield the function of a step."""
        self.writer.later = step.later
        if step.description:
            yield from comment(step.description)
        yield f"function {self.names[step.step_id]}() {{"
        inner = list(self._inner(step))
        yield from indented(inner)
        yield "}"

    def _inner(self, step: Step) -> Iterator[str]:
        if isinstance(step.does, Unsupported):
            yield from comment(self.notes.cannot(step.at, step.does.reason))
            yield f"throw new Error({literal(f'step {step.step_id} is not exported')});"
            return
        retries = [each for each in step.actions if each.type == "retry"]
        try:
            body = [*self._attempt(step), *self._judged(step)]
        except Unsayable as problem:
            yield from comment(self.notes.cannot(step.at, problem.sentence))
            yield f"throw new Error({literal(f'step {step.step_id}: {problem.sentence}')});"
            return
        if not retries:
            yield from body
            return
        members = ", ".join(f"{key(each.name)}: 0" for each in retries)
        yield f"const used = {{ {members} }};"
        yield "for (;;) {"
        yield from indented(body)
        yield "}"

    # ---- the attempt

    def _attempt(self, step: Step) -> Iterator[str]:
        if isinstance(step.does, Call):
            yield from self._call(step.does)
        elif isinstance(step.does, Request):
            yield from self._request(step, step.does)

    def _call(self, call: Call) -> Iterator[str]:
        members = [f"{key(name)}: {self.writer.value(value)}" for name, value in call.inputs]
        yield from f"const outputs = {self.workflows[call.workflow]}({enclosed('{', members, '}')});".split("\n")

    def _request(self, step: Step, request: Request) -> Iterator[str]:
        added = credential_parts(request.credentials, step.at, self.notes)
        yield from added.comments
        body = list(self._body(request.body, step))
        query = query_parts(request, self.writer, added.query)
        url = f"{self.servers[request.server.variable]} + {path_text(request, self.writer)}"
        if query:
            url += f" + query({', '.join(query)})"
        yield from body
        members = [f'method: "{request.method}"', f"url: {url}"]
        headers = self._headers(request, added, has_type=not (request.body and request.body.kind == "multipart"))
        members.append(f"headers: {enclosed('{', headers, '}')}")
        members += self._read_again(step, request)
        yield from f"const request = {enclosed('{', members, '}')};".split("\n")
        sent = self._sent
        timeout = f', "{step.timeout:g}s"' if step.timeout is not None else ""
        arguments = [literal(step.step_id), "request", *([sent] if sent or timeout else [])]
        yield f"const response = send({', '.join(each or 'undefined' for each in arguments)}{timeout});"

    def _headers(self, request: Request, added: CredentialParts, *, has_type: bool) -> list[str]:
        members = [f"{key(each.name)}: {header_text(each, self.writer)}" for each in request.headers]
        for name, text in fixed_headers(request):
            kind = text if has_type or name != "Content-Type" else f"multipart/form-data; boundary={BOUNDARY}"
            members.append(f"{key(name)}: {literal(kind)}")
        members += [f"{key(name)}: {value}" for name, value in added.headers]
        cookies = cookie_text(request, self.writer, added.cookies)
        return [*members, *([] if cookies is None else [f"Cookie: {cookies}"])]

    def _body(self, body: Body | None, step: Step) -> Iterator[str]:
        self._sent = ""
        if body is None:
            return
        if body.kind == "multipart":
            yield from multipart_lines(body, self.writer, self.files)
            self._sent = "body"
            return
        made = body_text(body, self.writer)
        if made is not None:
            yield from f"const body = {made.value};".split("\n")
            self._sent = made.text

    def _read_again(self, step: Step, request: Request) -> Iterator[str]:
        """Yield the members of the request that criteria or outputs of the step read."""
        if reads_request(step, "body") and self._sent:
            yield "body"
        if reads_request(step, "header"):
            yield "header(name) { return this.headers[name]; }"
        for place, parameters in (
            ("query", request.query),
            ("path", [part for part in request.path if not isinstance(part, str)]),
        ):
            if reads_request(step, place):
                members = [f"{key(each.name)}: {self.writer.value(each.value)}" for each in parameters]
                yield f"{place}: {enclosed('{', members, '}')}"

    # ---- the verdict, and what follows

    def _judged(self, step: Step) -> Iterator[str]:
        yield from self._verdicts(step)
        step_id = literal(step.step_id)
        yield "if (!passes(verdicts)) {"
        yield from indented(self._actions(step, step.on_failure, passed=False))
        yield f"  throw failure({step_id}, verdicts);"
        yield "}"
        yield f"report({step_id}, verdicts);"
        yield from self._outputs(step)
        yield from self._actions(step, step.on_success, passed=True)
        if any(each.type == "retry" for each in step.actions):
            yield "return undefined;"

    def _verdicts(self, step: Step) -> Iterator[str]:
        found: list[str] = []
        for criterion in step.criteria:
            try:
                written = self.writer.criterion(criterion)
            except Unsayable as problem:
                yield from comment(f"{self.notes.cannot(criterion.at, problem.sentence)}: {criterion.text}")
                continue
            found.append(f"[{literal(criterion.text.strip())}, {written}]")
        if not step.criteria and isinstance(step.does, Request):
            also = " || response.status === 304" if step.does.documents_304 else ""
            found.append(f'["the status is 2xx", (response.status >= 200 && response.status < 300){also}]')
        if len(found) == 1:
            yield f"const verdicts = [{found[0]}];"
        else:
            yield from f"const verdicts = {enclosed('[', found, ']')};".split("\n")

    def _outputs(self, step: Step) -> Iterator[str]:
        members, comments = self.members(step.outputs)
        yield from comments
        owner = member("steps", step.step_id)
        if isinstance(step.does, Call):
            yield from f"{owner} = Object.assign({{}}, outputs, present({enclosed('{', members, '}')}));".split("\n")
        elif members:
            yield from f"{owner} = present({enclosed('{', members, '}')});".split("\n")

    def members(self, outputs: tuple[tuple[str, object], ...]) -> tuple[list[str], list[str]]:
        """Return outputs as members of an object, and comments for those that cannot be said."""
        members: list[str] = []
        comments: list[str] = []
        for name, value in outputs:
            at = getattr(value, "at", self.workflow.at)
            try:
                # An output that has no value is left out, also where only a part of it is missing.
                written = self.writer.value(value)  # type: ignore[arg-type]
                is_plain = isinstance(value, ExpressionValue) or ("needed(" not in written and "text(" not in written)
                members.append(f"{key(name)}: {written if is_plain else self._optional(written)}")
            except Unsayable as problem:
                comments += comment(f'{self.notes.cannot(at, problem.sentence)}: output "{name}"')
        return members, comments

    def _optional(self, written: str) -> str:
        return f"{self.writer.use('optional')}(() => {written})"

    def outputs(self, *, keep: bool) -> Iterator[str]:
        """Yield the statements that return the outputs of the workflow, and `keep` them for other workflows."""
        self.writer.later = ()
        members, comments = self.members(self.workflow.outputs)
        yield from comments
        made = f"present({enclosed('{', members, '}')})"
        if not keep:
            yield from f"return {made};".split("\n")
            return
        yield from f"const outputs = {made};".split("\n")
        yield f"workflows[{literal(self.workflow.workflow_id)}] = {{ inputs, outputs }};"
        yield "return outputs;"

    def _actions(self, step: Step, actions: tuple[CompiledAction, ...], *, passed: bool) -> Iterator[str]:
        for action in actions:
            yield from comment(action.name)
            try:
                condition = self._condition(action)
            except Unsayable as problem:
                yield from comment(f"{self.notes.cannot(action.at, problem.sentence)}: this action")
                continue
            taken = list(self._taken(step, action, passed=passed))
            if action.type == "retry":
                limit = f"{member('used', action.name)} < {action.retry_limit}"
                condition = f"{limit} && {condition}" if condition else limit
            if not condition:
                yield from taken
                return
            if len(taken) == 1:
                yield f"if ({condition}) {taken[0]}"
                continue
            yield f"if ({condition}) {{"
            yield from indented(taken)
            yield "}"

    def _condition(self, action: CompiledAction) -> str:
        written = [self._and(each) for each in action.criteria]
        return " && ".join(written)

    def _and(self, criterion: CompiledCriterion) -> str:
        written = self.writer.criterion(criterion)
        return f"({written})" if "||" in written or "&&" in written else written

    def _taken(self, step: Step, action: CompiledAction, *, passed: bool) -> Iterator[str]:
        step_id = literal(step.step_id)
        if action.type == "end":
            yield "return null;" if passed else f"throw failure({step_id}, verdicts);"
        elif action.type == "goto" and action.workflow is not None:
            yield f"return () => {self._transfer(action)};"
        elif action.type == "goto":
            if action.step_id == step.step_id:
                yield "sleep(wait(response, 1));"
                self.writer.use("wait")
            yield f"return {literal(action.step_id)};"
        else:
            yield from self._retry(step, action)

    def _retry(self, step: Step, action: CompiledAction) -> Iterator[str]:
        used = member("used", action.name)
        yield f"{used} += 1;"
        answered = "response" if isinstance(step.does, Request) else "undefined"
        yield f"sleep({self.writer.use('wait')}({answered}, {action.retry_after:g}));"
        again = None
        if action.workflow is not None:
            again = self._transfer(action)
        elif action.step_id is not None and action.step_id != step.step_id:
            again = f"{self.names[action.step_id]}()"
        if again is None:
            yield "continue;"
            return
        yield "try {"
        yield f"  {again};"
        yield "  continue;"
        yield "} catch (problem) {"
        yield f"  {used} = {action.retry_limit};"
        yield "}"

    def _transfer(self, action: CompiledAction) -> str:
        assert action.workflow is not None
        target = self.plan.find(action.workflow)
        own = {each.name for each in self.workflow.inputs}
        shared = [f"{key(each.name)}: {member('inputs', each.name)}" for each in target.inputs if each.name in own]
        shared += [f"{key(each.name)}: {self.writer.value(each.value)}" for each in action.parameters]
        return f"{self.workflows[action.workflow]}({enclosed('{', shared, '}')})"
