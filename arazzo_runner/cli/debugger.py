"""The dialogue of `arazzo debug`: show a request, message or answer, read a command, decide how the run continues."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from arazzo_runner.base.json_values import MISSING, JsonValue, preview
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import as_options
from arazzo_runner.cli.debug_messages import details_of_message, message_context, message_text
from arazzo_runner.cli.options import pair
from arazzo_runner.engine.absent import absence_of
from arazzo_runner.engine.effects import HttpResponse, NoResponse, SendRequest
from arazzo_runner.engine.messages import Receive, Received
from arazzo_runner.engine.results import Event, StepFinished
from arazzo_runner.errors import ArazzoError, Diagnostic, did_you_mean
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import ExpressionSyntaxError, StepReference
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.expressions.scope import declared_by, scope_of
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.excerpt import masked_preview
from arazzo_runner.report.exchange import request_details, request_line, response_details, response_line
from arazzo_runner.report.terminal.console import Console, paint
from arazzo_runner.runtime.debugger import After, Before, Choice, Restart
from arazzo_runner.sources.http_media.media import decode_body

HELP = """\
  n, Enter       next: send the request, wait for the message; then: continue
  c              continue to the next breakpoint
  s              skip: do not send or wait, answer from the description
  r              after a response: send the request again
  e NAME=VALUE   edit an input; requests that were sent are not sent again
  p EXPRESSION   print: $inputs.x, $steps.s.outputs.x, $response.body#/x,
                 $message.payload#/x
  v              show headers and body; curl shows a command line
  b [STEP]       set or remove a breakpoint, or list them
  q              quit; h shows this help
"""

ReadLine = Callable[[str], str]
Coerce = Callable[[Mapping[str, str]], tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]]


class Debugger:
    """Asks the user about each exchange of a run.

    `read` reads a line (EOFError ends the run); `coerce` converts texts to inputs by the workflow's
    schema, and returns warnings with them. With `breakpoints` the run stops only there until the user steps.
    """

    def __init__(
        self, console: Console, read: ReadLine, coerce: Coerce, steps: tuple[str, ...], breakpoints: set[str]
    ) -> None:
        self._console = console
        self._read = read
        self._coerce = coerce
        self._steps = steps
        self._breakpoints = breakpoints
        self._stepping = not breakpoints
        self._outputs: dict[str, JsonValue] = {}
        self.inputs: dict[str, JsonValue] = {}
        self.secrets = Secrets()

    def on_event(self, event: Event, secrets: Secrets) -> None:
        """Store the outputs of steps, for the command p."""
        self.secrets = secrets
        if isinstance(event, StepFinished):
            self._outputs[event.result.step_id] = dict(event.result.outputs)

    def ask(self, moment: Before | After) -> Choice:
        """Show the request or response and return what to do; raises Restart when an input was edited."""
        before = isinstance(moment, Before)
        if not (self._stepping or (before and moment.step_id in self._breakpoints)):
            return "send" if before else "go on"
        self._stepping = True
        self._show(moment)
        while True:
            line = self._line(moment)
            choice = "quit" if line is None else self._command(moment, line)
            if choice is not None:
                return choice

    def _line(self, moment: Before | After) -> str | None:
        try:
            asked = "continue?"
            if isinstance(moment, Before):
                asked = "wait?" if isinstance(moment.effect, Receive) else "send?"
            return self._read(f"[{one_line(moment.step_id)}] {asked} ")
        except EOFError:
            return None

    def _show(self, moment: Before | After) -> None:
        if not isinstance(moment.effect, SendRequest):
            text = message_text(moment, self.secrets)
        elif isinstance(moment, Before):
            text = f"> {request_line(moment.effect.request, self.secrets)}"
        else:
            assert isinstance(moment.answer, (HttpResponse, NoResponse))
            text = f"< {response_line(moment.answer, self.secrets)}"
        self._say(paint(text, "bold", color=self._console.color))

    def _command(self, moment: Before | After, line: str) -> Choice | None:
        """Execute a command; returns None when another one shall be read."""
        word, _, rest = line.strip().partition(" ")
        before = isinstance(moment, Before)
        if word in ("", "n", "next", "c", "continue"):
            self._stepping = word not in ("c", "continue")
            return "send" if before else "go on"
        if word in ("s", "skip") and before:
            return "skip"
        if word in ("r", "retry") and not before:
            return "again" if isinstance(moment, After) and self._may_repeat(moment) else None
        if word in ("q", "quit"):
            return "quit"
        self._answer(moment, word, rest.strip())
        return None

    def _answer(self, moment: Before | After, word: str, rest: str) -> None:
        if word in ("e", "edit"):
            self._edit(rest)
        elif word in ("p", "print"):
            self._print(moment, rest)
        elif word in ("v", "view"):
            self._view(moment)
        elif word == "curl" and isinstance(moment.effect, SendRequest):
            self._say(curl_line(moment.effect.request, self.secrets))
        elif word in ("b", "break"):
            self._break(rest)
        else:
            if word not in ("h", "help", "?"):
                self._say(f"there is no command {preview(word)} here")
            self._say(HELP.rstrip("\n"))

    def _may_repeat(self, moment: After) -> bool:
        # An unsafe request is never repeated without the decision of a person: the user (semantics §5).
        effect = moment.effect
        if isinstance(moment.answer, Received):
            self._say("the message has come; nothing is waited for again")
            return False
        if effect.safe:
            return True
        what = effect.request.method if isinstance(effect, SendRequest) else "the message"
        question = f"{what} was sent and may have been acted on; send it again? (yes/no) "
        try:
            return self._read(question).strip().lower() == "yes"
        except EOFError:
            return False

    def _edit(self, text: str) -> None:
        name, equals, _ = text.partition("=")
        if not equals or not name:
            self._say("write e NAME=VALUE")
            return
        try:
            changed, warnings = self._coerce(dict([pair(text, "e")]))
        except ArazzoError as problem:
            changed, warnings = {}, problem.diagnostics
        if not warnings:
            raise Restart(changed)
        for each in warnings:
            self._say(f"{each.message}{f' ({as_options(each.hint)})' if each.hint else ''}")

    def _print(self, moment: Before | After, text: str) -> None:
        context = self._context(moment)
        try:
            node, _ = parse_expression(text, declared_by(context))
        except ExpressionSyntaxError as problem:
            self._say(f"{problem.message}{f' ({problem.hint})' if problem.hint else ''}")
            return
        if isinstance(node, StepReference) and node.step_id not in self._steps:
            hint = did_you_mean(node.step_id, self._steps) or f"available: {', '.join(self._steps)}"
            self._say(f"there is no step {preview(node.step_id)} ({hint})")
            return
        scope = scope_of(context)
        value = evaluate(node, scope)
        if value is MISSING:
            why = absence_of(node, scope)
            self._say(self.secrets.mask(f"no value: {why.reason}{f' ({why.hint})' if why.hint else ''}"))
        else:
            self._say(masked_preview(value, self.secrets, 4000))

    def _context(self, moment: Before | After) -> dict[str, JsonValue]:
        context: dict[str, JsonValue] = {"inputs": self.inputs, "steps": self._outputs}
        if not isinstance(moment.effect, SendRequest):
            return context | message_context(moment)
        request = moment.effect.request
        context |= {"url": request.url, "method": request.method}
        body, _ = decode_body(request.body or b"", request.header("content-type"))
        context["request"] = {"header": dict(request.headers), **({} if body is MISSING else {"body": body})}
        if isinstance(moment, After) and isinstance(moment.answer, HttpResponse):
            answer = moment.answer
            body, _ = decode_body(answer.body, answer.header("content-type"))
            context["statusCode"] = answer.status
            context["response"] = {"header": dict(answer.headers), **({} if body is MISSING else {"body": body})}
        return context

    def _view(self, moment: Before | After) -> None:
        if not isinstance(moment.effect, SendRequest):
            details = details_of_message(moment, self.secrets)
        elif isinstance(moment, Before):
            details = request_details(moment.effect.request, self.secrets)
        else:
            assert isinstance(moment.answer, (HttpResponse, NoResponse))
            details = response_details(moment.answer, self.secrets)
        self._say("\n".join(f"  {line}".rstrip() for line in details))

    def _break(self, step_id: str) -> None:
        if step_id and step_id not in self._steps:
            self._say(f'there is no step "{one_line(step_id)}"; available: {", ".join(map(one_line, self._steps))}')
            return
        if step_id:
            self._breakpoints ^= {step_id}
        stops = ", ".join(one_line(each) for each in self._steps if each in self._breakpoints)
        self._say(f"breakpoints: {stops or 'none'}")

    def _say(self, text: str) -> None:
        self._console.err(self.secrets.mask(text) + "\n")
