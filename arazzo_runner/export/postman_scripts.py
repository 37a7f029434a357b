"""The scripts of a request in Postman."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from arazzo_runner.export.flat_scripts import FlatScripts
from arazzo_runner.export.js_text import indented, literal
from arazzo_runner.export.pieces import Piece

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
  if (given(variable) === undefined) throw new Error("give the variable " + variable + " a value");
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
_REPORT: Final = """\
function report(verdicts) {
  for (const [name, passed] of verdicts) pm.test(name, () => pm.expect(passed, name).to.equal(true));
}
"""
_FAIL: Final = """\
function fail(verdicts) {
  report(verdicts);
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


class PostmanScripts(FlatScripts):
    """Writes the two scripts of one request."""

    state = _STATE
    save = _SAVE
    response = _RESPONSE
    response_helpers = frozenset({"content"})
    request_parts = ("pm.request.method", "pm.request.url.toString()", "headerOf(pm.request.headers)")
    functions: ClassVar[Mapping[str, str]] = {
        "required": _REQUIRED,
        "given": _GIVEN,
        "fail": _FAIL,
        "report": _REPORT,
        "jump": _JUMP,
    }

    def guarded(self, lines: list[str]) -> list[str]:
        """Return the script before a request."""
        return [
            *self.state.splitlines(),
            "try {",
            *indented(lines),
            "} catch (problem) {",
            f"  pm.test({literal(self.flat.name + ': ')} + problem.message, () => {{ throw problem; }});",
            "  pm.execution.setNextRequest(null);",
            "  pm.execution.skipRequest();",
            "}",
        ]

    def set_variable(self, name: str, text: str) -> str:
        """Return the statement that gives a variable of the request its text."""
        return f"pm.variables.set({literal(name)}, {text});"

    def without_header(self, piece: Piece) -> str:
        """Return the statement that leaves out a header."""
        return f"pm.request.headers.remove({literal(piece.header)});"

    def following(self, judged: list[str], lines: list[str]) -> list[str]:
        """Return the statements that judge the response and go on."""
        saved = f'if (pm.collectionVariables.has("arazzo_run")) {self.save}'
        return [*judged, "(function follow() {", *indented(lines), "})();", saved]

    def finished(self, *, is_end: bool) -> list[str]:
        """Return the statements that hand over the outputs of the workflow."""
        return [
            'pm.environment.set("outputs", JSON.stringify(outputs));',
            'pm.collectionVariables.unset("arazzo_run");',
            "return pm.execution.setNextRequest(null);",
        ]
