"""`arazzo eval`: parse an expression, template, condition or query, and evaluate it in a context."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

import click

from arazzo_runner.base.json_values import MISSING, JsonValue, preview
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.user_files import UnusableFile, json_of, text_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.options import Seconds, arazzo_command, color_option, format_option
from arazzo_runner.cli.run.inputs import read_bytes
from arazzo_runner.cli.run_reports import context_of, is_report, run_of
from arazzo_runner.engine.absent import absence_of
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, Span
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    Condition,
    Constant,
    Expression,
    ExpressionSyntaxError,
    Not,
    Or,
    Reference,
    Template,
    ToleratedSyntax,
)
from arazzo_runner.expressions.parser import canonical_form, parse_expression
from arazzo_runner.expressions.queries.query import Query, compile_query, select
from arazzo_runner.expressions.scope import FIELDS, Scope, declared_by, scope_of
from arazzo_runner.expressions.template import check_expression_string, parse_template
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console

KINDS = ("expression", "template", "condition", "jsonpath", "xpath", "regex", "pointer")

_HELP = """\
Prints the canonical spelling and, with --context, the value or the result. An
error points at its character.

\b
Examples:
  arazzo eval '$response.body#/items/0/id'
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --report r.json
  arazzo eval '$statusCode == 201' --as condition --context r.json
  arazzo eval 'of {$steps.look.outputs.supplier}' --context r.json
  arazzo eval '$[?@.count > 1]' --as jsonpath --context r.json --step look

\b
The context is what arazzo run --format json (or --report FILE.json) writes:
the outputs of its steps, and the last request and response or message, or
those of --step; it has no inputs. Or it is a JSON object such as
  {"inputs": {"id": 7}, "statusCode": 200,
   "response": {"header": {}, "body": {"ok": true}},
   "message": {"header": {}, "payload": {"ok": true}}}
Queries (jsonpath, xpath, regex, pointer) are applied to the response's body,
or to the payload of the message where there is no response.

\b
Exit codes: 0 parsed, and the condition or query passes; 1 an error, or it
does not pass.
"""


class Parsed(Record):
    """The parsed text, and the deviations that were tolerated in it."""

    node: str | Expression | Template | Condition | Query
    tolerated: tuple[ToleratedSyntax, ...] = ()


@arazzo_command("eval", _HELP)
@click.argument("text")
@click.option("--as", "kind", type=click.Choice(KINDS), help="What TEXT is (default: expression, else template).")
@click.option(
    "--context",
    metavar="FILE",
    help="A JSON file of values: a context, or the output of arazzo run --format json; - is standard input.",
)
@click.option("--run", metavar="NAME", help="The run whose values the context has, when it is a report of several.")
@click.option(
    "--step", metavar="ID", help="The step whose request and response, or message, the context has (default: the last)."
)
@click.option("--version", "version", metavar="V", help="The version of jsonpath or xpath, such as xpath-10.")
@click.option("--parse-only", is_flag=True, help="Only check the syntax: exit code 0 or 1, no output when it is right.")
@click.option("--strict", is_flag=True, help="Only the grammar of the Specification: tolerated deviations are errors.")
@click.option(
    "--criterion-timeout",
    "seconds",
    type=Seconds(min_open=True),
    default=1.0,
    metavar="S",
    help="Seconds for a query or condition (default 1).",
)
@format_option
@color_option
def command(
    text: str,
    kind: str | None,
    context: str | None,
    run: str | None,
    step: str | None,
    version: str | None,
    parse_only: bool,
    strict: bool,
    seconds: float,
    format_: str,
    no_color: bool,
) -> int:
    """Parse, evaluate and print."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    given = {} if context is None else _read_context(context, run, step)
    chosen = kind or _kind_of(text)
    if version is not None and chosen not in ("jsonpath", "xpath"):
        raise click.UsageError("--version needs --as jsonpath or --as xpath", click.get_current_context())
    try:
        parsed = _parse(text, chosen, given, version, strict=strict)
    except ExpressionSyntaxError as problem:
        mistake = _at(text, "error", problem.message, problem.offset, problem.length, problem.hint, f"{chosen}-syntax")
        return _refuse(console, [mistake], format_)
    tolerated = [
        _at(text, "warning", each.message, each.offset, each.length, each.canonical, each.code)
        for each in parsed.tolerated
    ]
    if strict and tolerated:
        return _refuse(console, [_as_error(each) for each in tolerated], format_)
    if parse_only:
        return 0
    outcome: dict[str, JsonValue] = {"kind": chosen, "canonical": _canonical(parsed.node)}
    passed = True
    if context is not None:
        passed = _evaluate(parsed.node, replace(scope_of(given), query_timeout=seconds), outcome)
    _print(console, outcome, tolerated, format_)
    return 0 if passed else 1


def evaluated(
    text: str, kind: str | None, context: Mapping[str, JsonValue] | None, seconds: float
) -> dict[str, JsonValue]:
    """Return what `--format json` prints about a text, evaluated in a context if there is one."""
    given, chosen = context or {}, kind or _kind_of(text)
    try:
        parsed = _parse(text, chosen, given, None, strict=False)
    except ExpressionSyntaxError as problem:
        mistake = _at(text, "error", problem.message, problem.offset, problem.length, problem.hint, f"{chosen}-syntax")
        return {"mistakes": [_plain(mistake)]}
    found: dict[str, JsonValue] = {"kind": chosen, "canonical": _canonical(parsed.node)}
    if context is not None:
        _evaluate(parsed.node, replace(scope_of(given), query_timeout=seconds), found)
    return found


def _kind_of(text: str) -> str:
    return "expression" if text.startswith("$") and " " not in text else "template"


def _parse(text: str, kind: str, given: Mapping[str, JsonValue], version: str | None, *, strict: bool) -> Parsed:
    declared = declared_by(given)
    if kind == "expression":
        if strict:
            return Parsed(*parse_expression(text, strict=True))
        return Parsed(*parse_expression(text, declared))
    if kind == "template":
        if strict:
            check_expression_string(text)
        parsed = parse_template(text, declared)
        return Parsed(parsed.node, parsed.tolerated)
    if kind == "condition":
        condition = parse_condition(text, declared)
        return Parsed(condition.node, condition.tolerated)
    query = compile_query(text, "jsonpointer" if kind == "pointer" else kind, version)
    return Parsed(query, query.tolerated)


def _canonical(node: str | Expression | Template | Condition | Query) -> str:
    plain = (str, Template, Query, Constant, Reference, Access, Not, Comparison, And, Or)
    return str(node) if isinstance(node, plain) else str(canonical_form(node))


def _evaluate(
    node: str | Expression | Template | Condition | Query, scope: Scope, outcome: dict[str, JsonValue]
) -> bool:
    """Add the value or the result to `outcome`; returns False when a condition or query does not pass."""
    if isinstance(node, Query):
        return _query(node, scope, outcome)
    if isinstance(node, str):
        outcome["value"] = node
        return True
    if isinstance(node, Template):
        try:
            outcome["value"] = render(node, scope)
        except MissingValue as missing:
            outcome["missing"] = str(missing.expression)
            outcome["reason"] = missing.reason or absence_of(missing.expression, scope).reason
        return "missing" not in outcome
    if outcome["kind"] == "condition":
        judgement = holds(node, scope, scope.query_timeout)  # type: ignore[arg-type]
        outcome.update(
            passed=judgement.passed,
            reason=judgement.reason,
            seen={name: _shown(value) for name, value in judgement.seen},
        )
        return judgement.passed
    value = evaluate(node, scope)  # type: ignore[arg-type]
    if value is MISSING:
        outcome["missing"] = str(node)
        outcome["reason"] = absence_of(node, scope).reason  # type: ignore[arg-type]
        return False
    outcome["value"] = value
    return True


def _query(query: Query, scope: Scope, outcome: dict[str, JsonValue]) -> bool:
    answer = scope.message if scope.response is None else scope.response
    body = MISSING if answer is None else answer.body
    selection = select(query, body, timeout=scope.query_timeout)
    outcome.update(passed=selection.passed, reason=selection.reason, selected=list(selection.values))
    return selection.passed


def _shown(value: JsonValue) -> JsonValue:
    return None if value is MISSING else value


def _read_context(name: str, run: str | None, step: str | None) -> dict[str, JsonValue]:
    """Return the context in a file, or the one at the end of a run whose report it is."""
    try:
        raw = json_of(text_of(read_bytes(name)))
    except UnusableFile as problem:
        message = f"the context {name} cannot be used: {problem}"
        raise InvalidUsage([usage_error(message, code="json-syntax", file=name)]) from None
    if is_report(raw):
        return context_of(run_of(raw, run), step)
    if run is not None or step is not None:
        hint = "write one with arazzo run --format json"
        raise InvalidUsage([usage_error("--run and --step choose from the report of a run", hint=hint)])
    unknown = sorted(set(raw) - FIELDS) if isinstance(raw, dict) else ["a value that is not an object"]
    if unknown:
        hint = f"available: {', '.join(sorted(FIELDS))}"
        raise InvalidUsage([usage_error(f"a context has no {unknown[0]}", hint=hint)])
    found: dict[str, JsonValue] = raw
    return found


# ------------------------------------------------------------------ printing


class _Argument:
    """The positions of the text, which is a document of its own, so that a caret can point into it."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")

    def key(self, pointer: str) -> Span | None:
        """There are no keys."""
        return None

    def value(self, pointer: str) -> Span | None:
        """Return the whole first line."""
        return Span(1, 1, 1, len(self._lines[0]) + 1)

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return the line and column of a character."""
        for number, line in enumerate(self._lines, 1):
            if offset <= len(line):
                return number, offset + 1
            offset -= len(line) + 1
        return len(self._lines), len(self._lines[-1]) + 1

    def line_text(self, line: int) -> str:
        """Return a line."""
        return self._lines[line - 1]


def _at(text: str, severity: str, message: str, offset: int, length: int, hint: str | None, code: str) -> Diagnostic:
    place = Location("TEXT", "", _Argument(text)).within(offset, length)
    written = (
        f"write {hint}" if severity == "warning" and hint and hint != text else hint if severity == "error" else None
    )
    return Diagnostic(code=code, severity=Severity(severity), message=message, at=place, hint=written)


def _as_error(found: Diagnostic) -> Diagnostic:
    return Diagnostic(code=found.code, severity=Severity.ERROR, message=found.message, at=found.at, hint=found.hint)


def _refuse(console: Console, mistakes: list[Diagnostic], format_: str) -> int:
    if format_ == "json":
        console.out(json.dumps({"mistakes": [_plain(each) for each in mistakes]}, indent=2) + "\n")
    else:
        print_diagnostics(console, mistakes)
    return 1


def _print(console: Console, outcome: Mapping[str, JsonValue], tolerated: Iterable[Diagnostic], format_: str) -> None:
    if format_ == "json":
        found = {**outcome, "deviations": [_plain(each) for each in tolerated]}
        console.out(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return
    tolerated = list(tolerated)
    if tolerated:
        print_diagnostics(console, tolerated)
    width = max(map(len, outcome))
    lines = [
        f"{name:<{width}}  {one_line(str(value)) if name in ('kind', 'canonical') else preview(value, 2000)}\n"
        for name, value in outcome.items()
    ]
    console.out("".join(lines))


def _plain(found: Diagnostic) -> dict[str, JsonValue]:
    offset = None if found.at.column is None else found.at.column - 1
    return {"code": found.code, "message": found.message, "offset": offset, "hint": found.hint}
