"""The tools of `arazzo mcp --authoring`, with which an agent writes workflows: what the commands say about a text.

The texts are hostile until proven otherwise. They may name the documents that the server has read, and nothing else:
no other file of this machine is opened, nothing is fetched, nothing is sent, and no variable of the environment, no
credential and no secret input is read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import as_options
from arazzo_runner.cli.commands.eval import KINDS, evaluated
from arazzo_runner.cli.commands.show import workflow_records
from arazzo_runner.document.source_map import Limits
from arazzo_runner.engine.effects import Effect, NoFile, ReadFile
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage, Judge, Severity, did_you_mean
from arazzo_runner.lint.pages import pages as explanations
from arazzo_runner.mcp.tools import Tool, object_of
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.model import Program
from arazzo_runner.report.dry_run import render_requests
from arazzo_runner.report.failure import failure_findings
from arazzo_runner.report.json import plain
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.runtime.mock.worlds import DryRunWorld
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote, path_of, uri_of_path

_NAME: Final = "text.arazzo.yml"
_LONGEST: Final = 500_000
_MOST_FINDINGS: Final = 100
_MOST_CHARACTERS: Final = 100_000
_SECONDS: Final = 1.0
_AT_ONCE: Final = 2
_LIMITS: Final = Limits(max_bytes=4 * _LONGEST, max_depth=100, max_nodes=100_000)

_TEXT = {"type": "string", "maxLength": _LONGEST, "description": "An Arazzo document, YAML or JSON."}
_WORKFLOW = {"type": "string", "description": "The workflowId (needed when there are several)."}
_NO_FILE = "was not read when the run began"


def authoring_tools(snapshots: Sequence[DocumentSnapshot]) -> tuple[Tool, ...]:
    """Return the tools; texts may refer to the documents of the snapshots, as if they were beside the first."""
    author = _Author(snapshots)
    sources = ", ".join(author.names) or "none"
    beside = f"Its source descriptions can be these, by their url: {sources}."
    return (
        author.tool(
            "validate_text",
            "Check an Arazzo document",
            f"Return the findings of arazzo validate about a text. {beside}",
            object_of(("text",), text=_TEXT),
            author.validate,
        ),
        author.tool(
            "show",
            "Show what a workflow does",
            f"Return the steps of the workflows of a text: what they send, what must hold, what follows. {beside}",
            object_of(("text",), text=_TEXT, workflowId=_WORKFLOW),
            author.show,
        ),
        author.tool(
            "explain",
            "Explain a finding",
            "Return the page about the code of a finding.",
            object_of(("code",), code={"type": "string", "maxLength": 100}),
            author.explain,
        ),
        author.tool(
            "eval",
            "Evaluate an expression",
            "Parse an expression, template, condition or query, and evaluate it in a context such as "
            '{"inputs": {}, "response": {"status": 200, "body": {}}}.',
            object_of(
                ("text",),
                text={"type": "string", "maxLength": 10_000},
                kind={"type": "string", "enum": list(KINDS)},
                context={"type": "object"},
            ),
            author.evaluate,
        ),
        author.tool(
            "dry_run",
            "See the requests of a workflow",
            f"Return the requests that a workflow of a text would send; nothing is sent. {beside} Inputs that are not "
            "given are made up.",
            object_of(("text",), text=_TEXT, workflowId=_WORKFLOW, inputs={"type": "object"}),
            author.dry_run,
        ),
    )


Work = Callable[[Mapping[str, Any]], dict[str, Any]]


class _Author:
    """Answers questions about texts, in threads, a few at a time."""

    def __init__(self, snapshots: Sequence[DocumentSnapshot]) -> None:
        self._documents = {uri: data for each in snapshots for uri, data in each.documents.items()}
        first = next((each.entry for each in snapshots if not is_remote(each.entry)), None)
        self._folder = os.getcwd() if first is None else os.path.dirname(path_of(first))
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @property
    def names(self) -> list[str]:
        """The documents that texts may refer to, as they write them."""
        found = (uri if is_remote(uri) else os.path.relpath(path_of(uri), self._folder) for uri in self._documents)
        return [name.replace(os.sep, "/") for name in found]

    def tool(self, name: str, title: str, description: str, schema: dict[str, Any], work: Work) -> Tool:
        """Return a tool that does the work in a thread."""

        async def call(arguments: Mapping[str, Any]) -> dict[str, Any]:
            async with self._turn:
                return await asyncio.to_thread(_unless_refused, work, arguments)

        return Tool(name=name, title=title, description=description, schema=schema, call=call)

    # ------------------------------------------------------------------ the tools

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the findings about a text."""
        path, options = self._opened(arguments["text"])
        found = api.validate(path, load_options=options, judge=Judge.VALIDATE)
        errors = [each for each in found if each.severity is Severity.ERROR]
        return {"valid": not errors, "findings": _findings(found), "descriptions": self.names}

    def show(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the workflows of a text do."""
        program = self._program(arguments)
        records = list(workflow_records(program, arguments.get("workflowId")))
        return {"workflows": plain(records), "findings": _findings(program.diagnostics)}

    def explain(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the page of a code."""
        pages, code = explanations(), str(arguments["code"]).strip("[]").lower()
        if code not in pages:
            guess = did_you_mean(code, pages)
            return {"isError": True, "reason": f"there is no such code{f'; {guess}' if guess else ''}"}
        return {"code": code, "page": pages[code].read_text(encoding="utf-8")}

    def evaluate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of an expression."""
        found = evaluated(arguments["text"], arguments.get("kind"), arguments.get("context"), _SECONDS)
        return {name: plain(value) for name, value in found.items()} | (
            {"isError": True} if "mistakes" in found else {}
        )

    def dry_run(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the requests that a workflow would send."""
        program = api.choose_workflow(self._program(arguments), arguments.get("workflowId"))
        inputs = api.with_samples(program, arguments.get("inputs") or {})
        result = api.rehearse(program, inputs, _rehearsal, reads_files=False)
        text = render_requests(result)
        found: dict[str, Any] = {"status": result.status, "requests": text[:_MOST_CHARACTERS]}
        if len(text) > _MOST_CHARACTERS:
            found["notes"] = [f"{len(text) - _MOST_CHARACTERS:,} more characters are left out"]
        if result.status != "succeeded":
            found["reason"] = result.secrets.mask(result.reason or "")
            found["findings"] = _findings(failure_findings(result))
        return found

    # ------------------------------------------------------------------ texts

    def _program(self, arguments: Mapping[str, Any]) -> Program:
        path, options = self._opened(arguments["text"])
        return api.open_program(path, arguments.get("workflowId"), load_options=replace(options, any_server=True))

    def _opened(self, text: str) -> tuple[str, LoadOptions]:
        """Return a path and options with which a text is loaded: the path is no file, a closed snapshot has it."""
        path = os.path.join(self._folder, _NAME)
        uri = uri_of_path(path)
        documents = {**self._documents, uri: text.encode("utf-8", "replace")}
        snapshot = DocumentSnapshot(documents=documents, entry=uri, folder=self._folder, closed=True)
        return path, LoadOptions(snapshot=snapshot, allow_remote=True, limits=_LIMITS, cache=False, any_server=True)


class _NoFiles:
    """A World that reads no file, around one that sends nothing."""

    def __init__(self, program: Program, inputs: Mapping[str, JsonValue]) -> None:
        self._world = DryRunWorld(program, inputs)

    async def perform(self, effect: Effect[Any], /) -> Any:
        """Perform an effect; a file cannot be read."""
        if isinstance(effect, ReadFile):
            return NoFile("files are not read here")
        return await self._world.perform(effect)


def _rehearsal(program: Program, inputs: Mapping[str, JsonValue]) -> Any:
    return _NoFiles(program, inputs)


def _unless_refused(work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return work(arguments)
    except (ArazzoError, InvalidUsage) as problem:
        return {"isError": True, "findings": _findings(problem.diagnostics)}


def _findings(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    shown = [_finding(masked_diagnostic(each, Secrets())) for each in found[:_MOST_FINDINGS]]
    left = len(found) - len(shown)
    return [*shown, {"message": f"{left} more findings"}] if left else shown


def _finding(found: Diagnostic) -> dict[str, Any]:
    message = found.message.replace(_NO_FILE, "is none of the documents that this server has read")
    shown: dict[str, Any] = {"code": found.code, "severity": found.severity.value, "message": message}
    hint = "" if found.hint is None else as_options(found.hint)
    if hint and "--" not in hint:  # an option is for the person who runs the server
        shown["hint"] = hint
    if os.path.basename(found.at.uri or "") == _NAME and found.at.line is not None:
        shown.update(line=found.at.line, column=found.at.column, pointer=found.at.pointer)
    elif found.at.uri:
        shown["file"] = os.path.basename(found.at.uri)
    return shown
