"""A call that runs: prepared, performed and reported as any run, except that standard output has the response."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from http import HTTPStatus
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import print_errors, usage_error
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.cli.run.prepare import Prepared
from arazzo_runner.cli.run.session import ReportWriter, Session
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.results import Attempt, AttemptFinished, Event, RunResult
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location
from arazzo_runner.lint.checker import location_of
from arazzo_runner.report.escaping import lines, one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.masking import masked_body, masked_headers
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.sources.http_media.media import decode_body, essence
from arazzo_runner.sources.http_media.media_types import is_json

_MASKED: Final = "secrets of the response are shown as ***; --show-secrets prints them, -o FILE writes the body"
Save = Callable[[RunResult, HttpResponse | None], str]
"""Saves the step of a call that succeeded; returns a line about it. Raises InvalidUsage."""


class CallOutput(Record, kw_only=True):
    """What is done with the response: `include` prints its head too, `save` saves the step.

    `at` is the location of the operation, for what is reported about the step, which no file has;
    `captures` are the outputs that were asked for.
    """

    at: Location
    captures: Collection[str] = ()
    include: bool = False
    is_terminal: bool = False
    save: Save | None = None

    def placed(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Yield findings; those about the document of the call are at the operation.

        Outputs that nobody asked for may have no value.
        """
        here = location_of({})
        for each in diagnostics:
            name = each.at.pointer.rpartition("/")[2]
            if each.at.uri != here:
                yield each
            elif each.code != "missing-output" or name in self.captures:
                yield replace(each, at=self.at)


class CallSession(Session):
    """The run of a call."""

    def __init__(
        self,
        given: RunArguments,
        ready: Prepared,
        console: Console,
        reports: ReportWriter | None,
        output: CallOutput,
    ) -> None:
        super().__init__(given, ready, console, None, reports)
        self._how = output

    def _perform(self) -> RunResult:
        result = super()._perform()
        steps = tuple(
            replace(
                step,
                at=self._how.at,
                attempts=tuple(map(self._placed, step.attempts)),
                findings=tuple(self._how.placed(step.findings)),
            )
            for step in result.steps
        )
        return replace(result, steps=steps, diagnostics=tuple(self._how.placed(result.diagnostics)))

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        if isinstance(event, AttemptFinished):
            event = replace(event, attempt=self._placed(event.attempt))
        super()._on_event(event, secrets)

    def _placed(self, attempt: Attempt) -> Attempt:
        """Return an attempt with findings about the step at its operation."""
        verdicts = tuple(replace(each, at=self._how.at) for each in attempt.verdicts)
        return replace(attempt, verdicts=verdicts, diagnostics=tuple(self._how.placed(attempt.diagnostics)))

    def _print(self, result: RunResult) -> bool:
        response = response_of(result)
        if self._given.as_json or self._given.dry_run or response is None:
            return super()._print(result) if self._given.as_json or self._given.dry_run else True
        content = b""
        if self._how.include:
            content += self._head(result, response).encode("utf-8", "backslashreplace")
        if self._given.output is None:
            content += self._body(result, response)
        return self._console.deliver(content) if content else True

    def _head(self, result: RunResult, response: HttpResponse) -> str:
        headers = response.headers
        if not self._given.show_secrets:
            headers = masked_headers(headers, result.secrets)
        head = [f"HTTP {response.status} {reason_phrase(response.status)}".rstrip()]
        return "\n".join([*head, *(one_line(f"{name}: {value}") for name, value in headers), "", ""])

    def _body(self, result: RunResult, response: HttpResponse) -> bytes:
        """Return the body to be printed: as it came, unless it has secrets or goes to a terminal."""
        content_type = response.header("content-type")
        value = body_value(response.body, content_type)
        if value is MISSING:
            return self._binary(result, response)
        shown = value if self._given.show_secrets else masked_body(value, result.secrets)
        if shown != value:
            self._note(_MASKED)
        if self._how.is_terminal:
            return _for_terminal(shown) if response.body else b""
        if shown == value:
            return response.body
        if isinstance(shown, str):
            return shown.encode("utf-8", "surrogatepass")
        is_spread = b"\n" in response.body.strip()
        return json.dumps(shown, ensure_ascii=False, indent=2 if is_spread else None).encode("utf-8", "surrogatepass")

    def _binary(self, result: RunResult, response: HttpResponse) -> bytes:
        """Return a body that is no text; none is printed on a terminal, or with a secret in it."""
        if self._how.is_terminal:
            kind = essence(response.header("content-type")) or "no text"
            self._note(f"the body is {kind}, {len(response.body):,} bytes; write it with -o FILE")
            return b""
        text = response.body.decode("utf-8", "surrogateescape")
        if not self._given.show_secrets and result.secrets.mask(text) != text:
            self._note("the body has a secret in it, and is not printed; --show-secrets does it, -o FILE writes it")
            return b""
        return response.body

    def _note(self, text: str) -> None:
        if not self._given.quiet:
            self._printer.note(text)

    def _deliver_file(self, result: RunResult) -> bool:
        response = response_of(result)
        if self._output is None:
            return True
        if response is None:
            self._output.discard()
            return True
        path = self._given.output or ""
        try:
            failed = self._output.write_somewhere(response.body)
        except OSError as problem:
            failed = problem
        if failed is not None:
            where = f"; it is in {one_line(self._output.path)}" if self._output.path != path else ""
            reason = failed.strerror or failed
            self._console.err(f"the response could not be written to {one_line(path)}: {reason}{where}\n")
        return failed is None

    def _finish(self, result: RunResult) -> bool:
        if self._how.save is None:
            return True
        if result.status != "succeeded":
            self._console.err("the step is not saved, because the call did not succeed\n")
            return True
        try:
            line = self._how.save(result, response_of(result))
        except InvalidUsage as problem:
            print_errors(self._console, problem.diagnostics, "call", as_json=False)
            return False
        if not self._given.quiet:
            self._console.err(f"{line}\n")
        return True


def response_of(result: RunResult) -> HttpResponse | None:
    """Return the last response of a run, None when none came."""
    attempts = [attempt for step in result.steps for attempt in step.attempts]
    responses = [each.response for each in attempts if isinstance(each.response, HttpResponse)]
    return responses[-1] if responses else None


def reason_phrase(status: int) -> str:
    """Return the usual words for a status, "" when it has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def check_output(path: str | None, *, force: bool) -> None:
    """Raise InvalidUsage for a file of -o that exists, unless it is to be replaced."""
    if path is None or force or not os.path.isfile(path):
        return
    message = f"{path} exists already"
    raise InvalidUsage([usage_error(message, code="cannot-write-output", hint="replace it with --force", file=path)])


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


def body_value(body: bytes, content_type: str | None) -> JsonValue:
    """Return a body as JSON or as text, MISSING if it is neither."""
    found: JsonValue = decode_body(body, content_type)[0] if body else ""
    if is_json(content_type) or (isinstance(found, str) and essence(content_type).startswith("text/")):
        return found
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return MISSING
    return MISSING if "\0" in text else text


def _for_terminal(shown: JsonValue) -> bytes:
    text = "\n".join(lines(shown.removesuffix("\n"))) + "\n" if isinstance(shown, str) else pretty(shown)
    return text.encode("utf-8", "backslashreplace")
