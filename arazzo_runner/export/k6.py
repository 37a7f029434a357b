"""k6: a script whose default function runs the workflow once for each iteration; criteria are checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.js_helpers import sources_of
from arazzo_runner.export.js_steps import StepWriter, described
from arazzo_runner.export.js_text import camel, comment, enclosed, indented, key, literal
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.k6_bodies import InitFiles
from arazzo_runner.export.k6_credentials import credential_lines
from arazzo_runner.export.names import distinct
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan, Workflow
from arazzo_runner.export.targets import Files, file_name

_RUNTIME: Final = """\
function send(step, request, sent, timeout) {
  const headers = {};
  for (const name of Object.keys(request.headers)) {
    if (request.headers[name] !== undefined) headers[name] = request.headers[name];
  }
  // Redirects are not followed, as in a run of the workflow.
  const params = { headers, redirects: 0, timeout: timeout || "30s", tags: { name: step } };
  const answer = http.request(request.method, request.url, sent === undefined ? null : sent, params);
  if (answer.error_code && !answer.status) throw new Error(step + ": no response: " + answer.error);
  const header = (name) => {
    const found = Object.keys(answer.headers).find((each) => each.toLowerCase() === name.toLowerCase());
    return found === undefined ? undefined : answer.headers[found];
  };
  return { status: answer.status, header, body: content(answer.body, header("Content-Type")) };
}

function passes(verdicts) {
  return verdicts.every((verdict) => verdict[1]);
}

// Criteria are checks of k6, reported once it is known that no action follows.
function report(step, verdicts) {
  for (const verdict of verdicts) check(null, { [step + ": " + verdict[0]]: () => verdict[1] });
}

function failure(step, verdicts) {
  report(step, verdicts);
  const failed = verdicts.find((verdict) => !verdict[1]);
  return new Error("step " + step + " failed: " + (failed ? failed[0] : "no action leads on"));
}

// Runs steps in their order; each returns the name of the one that follows, null at the end of the workflow, a
// function that runs the workflow that takes over, or nothing.
function walk(steps) {
  let [place, visits] = [0, 0];
  while (place < steps.length) {
    if (++visits > 1000) throw new Error("the workflow goes round " + steps[place][0]);
    const follows = steps[place][1]();
    if (typeof follows === "function") return follows;
    if (follows === null) return undefined;
    place = follows === undefined ? place + 1 : steps.findIndex((step) => step[0] === follows);
  }
  return undefined;
}

function query(...parts) {
  const written = parts.filter((part) => part !== "").join("&");
  return written === "" ? "" : "?" + written;
}
"""
_READING: Final = """\
function given(variable) {
  if (!__ENV[variable]) throw new Error("give a value with -e " + variable + "=… or in the environment");
  return __ENV[variable];
}
"""


def write(plan: Plan, notes: Notes) -> Files:
    """Return the script."""
    return {file_name(plan, "k6"): "\n".join(_K6(plan, notes).lines()) + "\n"}


class _K6:
    """Writes one script."""

    def __init__(self, plan: Plan, notes: Notes) -> None:
        self.plan = plan
        self.notes = notes
        self.helpers: set[str] = {"content", "parsed", "present"}
        self.names = distinct((each.key for each in plan.workflows), lambda each: camel(each.workflow_id))
        self.servers = {each.variable: each.variable.removeprefix("ARAZZO_") for each in plan.servers}
        self.files = InitFiles(plan)
        self.reads_workflows = any(each.startswith("$workflows.") for each in described(plan))

    def lines(self) -> Iterator[str]:
        workflows = [line for each in self.plan.workflows for line in self._workflow(each)]
        credentials = list(credential_lines(self.plan, self.notes, self.helpers))
        yield from self._head(uses_encoding=any("encoding." in line for line in credentials))
        yield from self._default()
        yield from workflows
        yield from credentials
        yield from (_READING + "\n" + _RUNTIME).splitlines()
        for source in sources_of(self.helpers):
            yield ""
            yield from source.splitlines()

    # ---- the beginning

    def _head(self, *, uses_encoding: bool) -> Iterator[str]:
        workflow = self.plan.workflow
        summary = f": {workflow.summary}" if workflow.summary else ""
        yield from comment(f"Workflow {workflow.workflow_id} of {self.plan.document}{summary}")
        yield from comment(f"Written by arazzo export --to k6. Run it with: k6 run {file_name(self.plan, 'k6')}")
        for each in workflow.inputs:
            yield from comment(f"  {each.variable}{_explained(each)}")
        for credential in self.plan.credentials:
            for variable in credential.variables.values():
                yield from comment(f"  {variable}  credential {credential.scheme} of {credential.source}")
        yield 'import http from "k6/http";'
        if uses_encoding:
            yield 'import encoding from "k6/encoding";'
        yield 'import { check, sleep } from "k6";'
        yield ""
        for server in self.plan.servers:
            name = self.servers[server.variable]
            yield f'const {name} = (__ENV.{server.variable} || {literal(server.url)}).replace(/\\/$/, "");'
        yield from self.files.lines()
        if self.reads_workflows:
            yield "const workflows = {};"
        yield ""
        yield 'export const options = { vus: 1, iterations: 1, thresholds: { checks: ["rate == 1"] } };'
        yield ""

    def _default(self) -> Iterator[str]:
        name = self.names[self.plan.workflow.key]
        yield "export default function () {"
        yield "  try {"
        for key_ in self.plan.workflow.before:
            yield f"    {self.names[key_]}(readInputs());"
        yield f"    const outputs = {name}(readInputs());"
        secret = sorted(self.plan.workflow.secret_outputs)
        shown = "outputs"
        if secret:
            yield "    // Secret outputs are not printed."
            masks = ", ".join(f'{key(each)}: "***"' for each in secret)
            shown = f"Object.assign({{}}, outputs, {{ {masks} }})"
        yield f'    console.log("outputs: " + JSON.stringify({shown}));'
        yield "  } catch (problem) {"
        yield f"    check(null, {{ {literal(f'workflow {self.plan.workflow.workflow_id} succeeds')}: () => false }});"
        yield "    throw problem;"
        yield "  }"
        yield "}"
        yield ""
        yield "function readInputs() {"
        members = [f"{key(each.name)}: {self._read(each)}" for each in self.plan.workflow.inputs]
        yield from indented(f"return {enclosed('{', members, '}')};".split("\n"))
        yield "}"
        yield ""

    def _read(self, each: Input) -> str:
        variable = f"__ENV.{each.variable}"
        read = (lambda text: text) if each.type == "string" else (lambda text: f"parsed({text})")
        if each.required:
            return read(f"given({literal(each.variable)})")
        default = "undefined" if _lacks_default(each) else literal(each.default)
        return f"{variable} ? {read(variable)} : {default}"

    # ---- workflows

    def _workflow(self, workflow: Workflow) -> Iterator[str]:
        writer = JsWriter(
            plan=self.plan,
            inputs=[each.name for each in workflow.inputs],
            certain=[each.name for each in workflow.inputs if each.required or not _lacks_default(each)],
            outputs={step.step_id: [name for name, _ in step.outputs] for step in workflow.steps},
            helpers=self.helpers,
        )
        steps = StepWriter(self.plan, workflow, writer, self.notes, self.names, self.servers, self.files)
        if workflow.summary:
            yield from comment(workflow.summary)
        yield f"function {self.names[workflow.key]}(inputs) {{"
        yield from indented(self._defaults(workflow))
        yield f"  const steps = {{ {', '.join(f'{key(each.step_id)}: {{}}' for each in workflow.steps)} }};"
        for step in workflow.steps:
            yield ""
            yield from indented(steps.lines(step))
        yield ""
        names = [f"[{literal(each.step_id)}, {steps.names[each.step_id]}]" for each in workflow.steps]
        yield from indented(f"const instead = walk({enclosed('[', names, ']')});".split("\n"))
        yield "  if (instead) return instead();"
        yield from indented(steps.outputs(keep=self.reads_workflows))
        yield "}"
        yield ""

    def _defaults(self, workflow: Workflow) -> Iterator[str]:
        if workflow.key == self.plan.workflow.key:
            return
        members = [f"{key(each.name)}: {literal(each.default)}" for each in workflow.inputs if not _lacks_default(each)]
        if members:
            yield from f"inputs = Object.assign({enclosed('{', members, '}')}, present(inputs));".split("\n")


def _lacks_default(each: Input) -> bool:
    return each.default is MISSING


def _explained(each: Input) -> str:
    facts = ["secret"] if each.is_secret else []
    if each.required:
        facts.append("required")
    elif not _lacks_default(each):
        facts.append(f"default {literal(each.default)}")
    text = f"  input {each.name}" + (f" ({', '.join(facts)})" if facts else "")
    return f"{text}: {each.description}" if each.description else text
