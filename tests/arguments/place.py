"""A folder with documents, and servers that answer for them: what an argument changes is seen in what they receive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arazzo_runner
from arazzo_runner import ArazzoError, RunResult
from tests.loopback import Loopback, Reply, Request, json_reply, serving

PET = {"id": 7, "tag": "shown", "born": "yesterday", "more": True}
SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "tag": {"type": "string"}, "born": {"type": "string", "format": "date"}},
}
FLOW = """\
arazzo: 1.0.1
info: {title: Pets, version: "1"}
sourceDescriptions:
- {name: pets, url: api.json, type: openapi}
- {name: shop, url: shop.json, type: openapi}
workflows:
- workflowId: look
  inputs: {type: object, required: [id], properties: {id: {type: integer, example: 5}, key: {type: string}}}
  steps:
  - stepId: find
    operationId: $sourceDescriptions.pets.getPet
    parameters: [{name: id, in: path, value: $inputs.id}]
    successCriteria:
    - condition: $statusCode == 200
    - {context: $response.body, condition: $.tag, type: jsonpath}
    outputs: {tag: $response.body#/tag, more: $response.body#/more}
  - stepId: keep
    operationId: $sourceDescriptions.pets.keepPet
    requestBody: {contentType: application/json, payload: {tag: $steps.find.outputs.tag}}
    onFailure: [{name: again, type: retry, retryAfter: 0, retryLimit: 1, criteria: [{condition: $statusCode == 503}]}]
    outputs: {id: $response.body#/id}
  outputs: {tag: $steps.find.outputs.tag, id: $steps.keep.outputs.id}
- workflowId: nested
  inputs: {type: object, properties: {id: {type: integer}}}
  steps:
  - {stepId: call, workflowId: look, parameters: [{name: id, value: 9}]}
- workflowId: poll
  steps:
  - stepId: ask
    operationId: $sourceDescriptions.pets.getPet
    parameters: [{name: id, in: path, value: 1}]
    onSuccess: [{name: again, type: goto, stepId: ask, criteria: [{condition: $response.body#/id != 3}]}]
"""
JSON_BODY = {"content": {"application/json": {"schema": SCHEMA}}}


def api(server: str, **root: Any) -> dict[str, Any]:
    """Return the description of the pets, called at a server."""
    response = {
        "200": {
            "description": "ok",
            **JSON_BODY,
            "headers": {"X-Rate": {"required": True, "schema": {"type": "integer"}}},
        }
    }
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "maximum": 100}}
    get = {"operationId": "getPet", "parameters": [path], "security": [{"key": []}, {}], "responses": response}
    post = {
        "operationId": "keepPet",
        "requestBody": JSON_BODY,
        "responses": {"201": {"description": "made", **JSON_BODY}},
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": f"{server}/{{region}}", "variables": {"region": {"default": "eu"}}}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
        "paths": {"/pets/{id}": {"get": get}, "/pets": {"post": post}},
        **root,
    }  # fmt: skip


def answer(request: Request) -> Reply:
    """Answer as the API does, with a few deviations from its description."""
    if request.method == "POST":
        return json_reply({"id": 1}, 201)
    return json_reply(PET, 200, ("X-Rate", "many"), ("Set-Cookie", "seen=1; Path=/"))


MESSAGES = """\
arazzo: 1.1.0
info: {title: Messages, version: "1"}
sourceDescriptions: [{name: events, url: events.yml, type: asyncapi}]
workflows:
  - workflowId: tell
    steps:
      - {stepId: tell, operationId: tell, action: send, requestBody: {payload: {id: 7}}}
"""
EVENTS = """\
asyncapi: 3.0.0
info: {title: Events, version: "1"}
servers: {broker: {host: "127.0.0.1:9", protocol: mqtt}}
channels: {orders: {address: null, messages: {Told: {payload: {type: object}}}}}
operations: {tell: {action: send, channel: {$ref: "#/channels/orders"}}}
"""
"""A channel whose address is left open."""


@dataclass
class Place:
    """The folder of the documents, the usual server and another one."""

    folder: Path
    usual: Loopback
    other: Loopback

    @property
    def document(self) -> Path:
        """The document that is run."""
        return self.folder / "flow.yml"

    def write(self, name: str, content: Any) -> str:
        """Write a file, JSON unless it is a text, and return its path."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def requests(self) -> list[str]:
        """Return what the servers received since the last call, as text."""
        found = []
        for name, server in (("usual", self.usual), ("other", self.other)):
            for each in server.received:
                headers = sorted((key.lower(), value) for key, value in each.headers.items() if key.lower() != "host")
                found.append(f"{name} {each.method} {each.target} {headers} {each.body!r}")
            server.received.clear()
        return found


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Write the documents and serve what they describe."""
    (folder / ".git").mkdir()
    with serving(answer) as usual, serving(answer) as other:
        made = Place(folder, usual, other)
        made.write("flow.yml", FLOW)
        made.write("api.json", api(usual.url))
        made.write("messages.yml", MESSAGES)
        made.write("events.yml", EVENTS)
        made.write("shop.json", api(usual.url))
        yield made


def outcome_of(result: RunResult) -> dict[str, Any]:
    """Return what a caller sees of a result, times and ports aside."""
    attempts = [each for step in result.steps for each in step.attempts]
    return {
        "workflow": result.workflow_id,
        "status": result.status,
        "reason": result.reason,
        "outputs": dict(result.outputs),
        "steps": [(step.step_id, step.status, step.reason) for step in result.steps],
        "urls": [each.request.url for each in attempts if each.request is not None],
        "headers": [each.request.headers for each in attempts if each.request is not None],
        "found": [str(each) for attempt in attempts for each in attempt.diagnostics],
        "diagnostics": [str(each) for each in result.diagnostics],
    }


def observed(made: Place, function: Any, *arguments: Any, **options: Any) -> Any:
    """Return everything that a call does, with what it sends; of a refusal its messages."""
    made.requests()
    events: list[str] = []
    if options.pop("listens", False):
        options["on_event"] = lambda event, secrets: events.append(type(event).__name__)
    try:
        result = function(*arguments, **options)
        if asyncio.iscoroutine(result):
            result = asyncio.run(result)
    except ArazzoError as problem:
        return ("refused", [f"{each.message} {each.hint}" for each in problem.diagnostics], made.requests())
    shown: Any = outcome_of(result) if isinstance(result, RunResult) else result
    return ("done", shown, made.requests(), events)


def program_of(made: Place, **options: Any) -> arazzo_runner.Program:
    """Return the loaded program."""
    return arazzo_runner.load(made.document, "look", **options)


Options = Mapping[str, Any]
