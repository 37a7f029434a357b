"""The scripts of a request in a .http file: it has no flow of its own, each request follows the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from arazzo_runner.export.flat import Frame
from arazzo_runner.export.flat_scripts import FlatScripts
from arazzo_runner.export.flat_values import Scripts
from arazzo_runner.export.js_text import comment, indented, key, literal
from arazzo_runner.export.pieces import Piece
from arazzo_runner.export.plan import Step
from arazzo_runner.program.model import CompiledAction

_STATE: Final = """\
const run = JSON.parse(client.global.get("arazzo_run") || "{}");
"""
_SAVE: Final = 'client.global.set("arazzo_run", JSON.stringify(run));'
_GIVEN: Final = """\
// The value of an input, from the environment; one that is empty is not given.
function given(variable, isText, byDefault) {
  const value = request.environment.get(variable) || client.global.get(variable);
  if (value === undefined || value === null || value === "") return byDefault;
  return isText || typeof value !== "string" ? value : parsed(value);
}
"""
_REQUIRED: Final = """\
function required(variable) {
  if (given(variable) === undefined) throw new Error("give the variable " + variable + " a value in the environment");
}
"""
_RESPONSE: Final = """\
function answered(given) {
  const body = given.body === "" || given.body === null ? undefined : given.body;
  return { status: given.status, header: (name) => given.headers.valuesOf(name).join(", ") || undefined, body };
}
"""
_REPORT: Final = """\
function report(verdicts) {
  for (const [name, passed] of verdicts) client.test(name, () => client.assert(passed, name));
}
"""
_FAIL: Final = """\
// The workflow has failed: later requests are not sent.
function fail(verdicts) {
  report(verdicts);
  run.ended = "a step has failed before";
}
"""


class HttpScripts(FlatScripts):
    """Writes the two scripts of one request."""

    state = _STATE
    save = _SAVE
    response = ""
    response_helpers: ClassVar[frozenset[str]] = frozenset()
    request_parts = ("request.method", "request.url()", "(name) => undefined")
    functions: ClassVar[Mapping[str, str]] = {
        "answered": _RESPONSE,
        "required": _REQUIRED,
        "given": _GIVEN,
        "fail": _FAIL,
        "report": _REPORT,
    }

    def guarded(self, lines: list[str]) -> list[str]:
        """Return the script before a request."""
        is_first = self.steps[0] is self.flat
        stop = [] if is_first else ["if (run.ended) throw new Error(run.ended);"]
        server = self.flat.request.server
        name = literal(self.variables.of(server.variable))
        default = f"request.environment.get({name}) || {literal(server.url)}"
        return [*self.state.splitlines(), *stop, self.set_variable(self.variables.of(server.variable), default), *lines]

    def set_variable(self, name: str, text: str) -> str:
        """Return the statement that gives a variable of the request its text."""
        return f"request.variables.set({literal(name)}, {text});"

    def without_header(self, piece: Piece) -> str:
        """Return the statement for a header without a value, which cannot be left out."""
        return f'request.variables.set({literal(piece.name)}, ""); // not exported: the header is sent empty'

    def following(self, judged: list[str], lines: list[str]) -> list[str]:
        """Return the statements that judge the response, and keep the state."""
        return ["(function follow(response) {", *indented([*judged, *lines]), "})(answered(response));", self.save]

    def finished(self, *, is_end: bool) -> list[str]:
        """Return the statements that hand over the outputs of the workflow."""
        lines = ['client.global.set("outputs", JSON.stringify(outputs));']
        secret = sorted(self.plan.workflow.secret_outputs)
        masks = ", ".join(f'{key(each)}: "***"' for each in secret)
        shown = f"Object.assign({{}}, outputs, {{ {masks} }})" if secret else "outputs"
        lines.append(f'client.log("outputs: " + JSON.stringify({shown}));')
        if is_end:
            lines.append('run.ended = "the workflow has ended before this request";')
        return lines

    def counts(self) -> bool:
        """Return False: requests are not repeated."""
        return False

    def uses_jumps(self) -> bool:
        """Return False: there is no going to another request."""
        return False

    def repairs(self, frame: Frame, step: Step) -> bool:
        """Return False: requests are not repeated."""
        return False

    def actions(self, values: Scripts, frame: Frame, step: Step, *, passed: bool) -> Iterator[str]:
        """Yield the actions: ending works, all others are comments."""
        for action in step.on_success if passed else step.on_failure:
            conditions = " and ".join(each.text.strip() for each in action.criteria)
            does = {"goto": f"go to {_target(action)}", "retry": "try again", "end": "end"}[action.type]
            if action.type == "end" and frame.parent is None:
                written = [values.criterion(each) for each in action.criteria]
                if None not in written:
                    yield from comment(action.name)
                    taken = (
                        [*self.leave(values, frame, is_end=True), "return;"] if passed else ["return fail(verdicts);"]
                    )
                    condition = " && ".join(each if "||" not in each else f"({each})" for each in written if each)
                    yield from [f"if ({condition or 'true'}) {{", *indented(taken), "}"]
                    continue
            sentence = f'action "{action.name}" is not carried out ({does})'
            yield from comment(self.notes.cannot(action.at, sentence))
            if conditions:
                yield from comment(f"  when {conditions}")


def _target(action: CompiledAction) -> str:
    return action.step_id or (action.workflow.workflow_id if action.workflow is not None else "")
