"""The targets: each takes bytes and lets nothing but our own errors end it, in bounded time.

A target raises only for bugs: an exception other than ArazzoError, a text that could control a
terminal, a broken guarantee of the parser.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine.actions import retry_after_seconds
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.effects import Answer, Effect, HttpResponse, Now, SendRequest
from arazzo_runner.engine.messages import (
    ChannelMessage,
    Correlation,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Subscribe,
    Subscribed,
)
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import ArazzoError, Diagnostic
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import Template
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.expressions.queries.query import compile_query, select
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.expressions.template import parse_template
from arazzo_runner.report.failure import render_failure
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.json import pretty, run_report
from arazzo_runner.runtime.brokers.correlation import Correlated
from arazzo_runner.runtime.mock.worlds import DryRunWorld
from arazzo_runner.sources.channel import Place
from tests.fuzz import settings
from tests.fuzz.file_targets import FILES
from tests.fuzz.language_targets import LANGUAGES
from tests.fuzz.syntax import Syntax

MOST_SECONDS = 5.0
MOST_MESSAGES = 50
QUICKLY = RunOptions(max_steps=30, max_depth=4, criterion_timeout=0.2)
_STEERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|^\s*::[a-z]", re.MULTILINE)
_FOLDER = Path(tempfile.mkdtemp(prefix="arazzo-fuzz-"))
_FIXED = Path(__file__).parents[2] / "fixtures" / "fuzz"

BODY = {"a": 1, "name": "Rex", "items": [{"id": 1, "tags": ["x", "y"]}, {"id": "2"}], "nested": {"b": None, "c": True}}
XML = '<pets xmlns:n="urn:n"><pet id="1"><name>Rex</name></pet><n:pet id="2"/></pets>'
SCOPE = Scope(
    inputs={"a": "text", "b": {"c": [1, 2]}},
    steps={"a": {"b": BODY}},
    request=Message(headers=(("X-A", "1"),), body="text", query={"q": "1"}, path={"p": 2}),
    response=Message(headers=(("X-A", "1"), ("X-A", "2")), body=BODY),
    status_code=200,
    url="http://x.test/",
    method="GET",
)


class Answering:
    """A World that gives every request the same answer; its clock advances when the run waits."""

    def __init__(self, answer: HttpResponse, message: ChannelMessage | None = None) -> None:
        self._answer = answer
        self._message = message or ChannelMessage(address="a", payload=answer.body)
        self._given_messages = 0
        self._now = 1_700_000_000.0

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        return cast(Answer, self._given(effect))

    def _given(self, effect: Effect[Any]) -> object:
        self._now += 1
        if isinstance(effect, SendRequest):
            return self._answer
        if isinstance(effect, Subscribe):
            return Subscribed(address=effect.address)
        if isinstance(effect, Publish):
            return Published()
        if isinstance(effect, Receive):
            self._given_messages += 1
            if self._given_messages > MOST_MESSAGES:
                return NoMessage(reason="timeout", message="no message came")
            return Received(message=self._message, token=str(self._given_messages), index=self._given_messages)
        return self._now if isinstance(effect, Now) else None


def document(data: bytes) -> None:
    """An Arazzo document: read, validated with its descriptions, run in a World that answers everything."""
    path = _written("workflow.yml", data)
    _written("pets.yml", (_FIXED / "openapi" / "pets.yml").read_bytes())
    _checked(path)


def openapi(data: bytes) -> None:
    """A description, named by a sound Arazzo document."""
    path = _written("workflow.yml", (_FIXED / "document" / "pets.arazzo.yml").read_bytes())
    _written("pets.yml", data)
    _checked(path)


ORDERS = """\
arazzo: 1.1.0
info: {title: Orders, version: "1"}
sourceDescriptions: [{name: events, url: events.yml, type: asyncapi}]
workflows:
  - workflowId: order
    inputs: {type: object, properties: {id: {type: string}}}
    steps:
      - stepId: place
        operationId: placeOrder
        action: send
        parameters: [{name: region, in: path, value: eu}, {name: requestId, in: header, value: $inputs.id}]
        requestBody: {payload: {item: tea, quantity: 1}}
      - {stepId: answer, operationId: placeOrder, action: receive, correlationId: $inputs.id, timeout: 5}
      - {stepId: changes, operationId: $sourceDescriptions.events.orderChanged, action: receive, timeout: 5}
      - stepId: places
        channelPath: '{$sourceDescriptions.events.url}#/channels/changes'
        action: receive
        dependsOn: [answer]
        outputs: {item: $message.payload#/item}
"""
"""An Arazzo document that uses an AsyncAPI description."""


def asyncapi(data: bytes) -> None:
    """An AsyncAPI description, named by a sound Arazzo document."""
    path = _written("workflow.yml", ORDERS.encode())
    _written("events.yml", data)
    _checked(path, dry=False)


def message(data: bytes) -> None:
    """A message (head, empty line, payload): correlated, decoded, judged, checked, and everything reported."""
    head, _, payload = data.partition(b"\n\n")
    pairs = [line.partition(b":") for line in head.split(b"\n")]
    headers = tuple((name.decode("latin-1"), value.strip().decode("utf-8", "replace")) for name, _, value in pairs)
    kind = next((value for name, value in headers if name.lower() == "content-type"), None)
    came = ChannelMessage(address="orders", payload=payload, headers=headers, content_type=kind)
    places = [Place(part="payload", pointer=("request", "id"), text=""), Place(part="header", pointer=("id",), text="")]
    Correlated(came).fits(Correlation(places=tuple(places), value="7", native=True))
    path = _written("workflow.yml", ORDERS.encode())
    _written("events.yml", (_FIXED / "asyncapi" / "orders3.yml").read_bytes())
    program = arazzo_runner.load(path, load_options=LoadOptions(root=str(_FOLDER)))
    world = Answering(HttpResponse(200), came)
    _reported(arazzo_runner.run(program, inputs={"id": "7"}, world=world, options=QUICKLY))


def _checked(path: str, *, dry: bool = True) -> None:
    _shown(arazzo_runner.validate(path, load_options=LoadOptions(root=str(_FOLDER))))
    with contextlib.suppress(ArazzoError):
        program = arazzo_runner.load(path, load_options=LoadOptions(root=str(_FOLDER)))
        for workflow in program.description.workflows[:3]:
            with contextlib.suppress(ArazzoError):
                body = HttpResponse(200, (("Content-Type", "application/json"),), json.dumps(BODY).encode())
                for world in (Answering(body), DryRunWorld(program)) if dry else (Answering(body),):
                    _reported(
                        arazzo_runner.run(
                            program,
                            workflow.workflow_id,
                            {"petId": 7, "token": "long-secret-text"},
                            world=world,
                            options=QUICKLY,
                        )
                    )


def expression(data: bytes) -> None:
    """A runtime expression or a template: parsed with its offsets, then evaluated."""
    text = data.decode("utf-8", "replace")
    with Syntax(text):
        evaluate(parse_expression(text, strict=True)[0], SCOPE)
    with Syntax(text):
        evaluate(parse_expression(text)[0], SCOPE)
    with Syntax(text):
        node = parse_template(text).node
        with contextlib.suppress(MissingValue):
            if isinstance(node, Template):
                render(node, SCOPE)


def condition(data: bytes) -> None:
    """A simple condition: parsed and evaluated; its text form is parsed back."""
    text = data.decode("utf-8", "replace")
    with Syntax(text):
        node = parse_condition(text).node
        judgement = holds(node, SCOPE)
        assert judgement.passed or judgement.reason
        assert parse_condition(str(node)).node == node


def query(data: bytes) -> None:
    """A query (its first line names the kind and version): compiled and applied within its deadline."""
    head, _, text = data.decode("utf-8", "replace").partition("\n")
    kind, _, version = head.partition(" ")
    if kind not in ("jsonpath", "xpath", "regex", "jsonpointer"):
        return
    value = XML if kind == "xpath" else "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" if kind == "regex" else BODY
    with Syntax(text):
        compiled = compile_query(text, kind, version or None)
        selection = select(compiled, value, timeout=0.2)
        assert isinstance(selection.values, tuple)


def xpath(data: bytes) -> None:
    """An XPath (its first line names the version, the second is the expression) and the XML it is for."""
    head, _, rest = data.decode("utf-8", "replace").partition("\n")
    text, _, document = rest.partition("\n")
    if head not in ("xpath-10", "xpath-20", "xpath-30", "xpath-31"):
        return
    with Syntax(text):
        selection = select(compile_query(text, "xpath", head), document, timeout=0.2)
        assert json.dumps(selection.values)
        assert selection.reason is None or "Traceback" not in selection.reason


def response(data: bytes) -> None:
    """A response (head, empty line, body): criteria and outputs evaluated, cookies stored, everything reported."""
    head, _, body = data.partition(b"\n\n")
    pairs = [line.partition(b":") for line in head.split(b"\n")]
    headers = tuple((name.decode("latin-1"), value.strip().decode("utf-8", "replace")) for name, _, value in pairs)
    status = 200 + sum(body[:3]) % 300
    answer = HttpResponse(status, headers, body)
    path = _written("workflow.yml", (_FIXED / "document" / "pets.arazzo.yml").read_bytes())
    _written("pets.yml", (_FIXED / "openapi" / "pets.yml").read_bytes())
    Jar().after_response("http://x.test/a/b", headers, 1.7e9, mode="domain").header_for("http://x.test/a/c", 1.7e9)
    retry_after_seconds(answer, 1.7e9)
    program = arazzo_runner.load(path, "look", load_options=LoadOptions(root=str(_FOLDER)))
    _reported(
        arazzo_runner.run(
            program, "look", {"petId": 7, "token": "long-secret-text"}, world=Answering(answer), options=QUICKLY
        )
    )


def store(data: bytes) -> None:
    """A row of a durable store (first line: table, column, run and label; then the text): listed, shown, resumed."""
    from tests.fuzz import store_rows  # lazily: DBOS takes a second

    store_rows.tried(data, _FOLDER)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "document": document,
    "openapi": openapi,
    "asyncapi": asyncapi,
    "message": message,
    "expression": expression,
    "condition": condition,
    "query": query,
    "xpath": xpath,
    "response": response,
    **LANGUAGES,
    **FILES,
    **settings.TARGETS,
}
if find_spec("dbos") is not None and find_spec("cryptography") is not None:
    TARGETS["store"] = store


def tried(target: str, data: bytes) -> None:
    """Run a target on an input, and hold it to its time."""
    started = time.process_time()
    TARGETS[target](data)
    took = time.process_time() - started
    assert took < MOST_SECONDS, f"{target} takes {took:.1f} s of CPU"


def _written(name: str, data: bytes) -> str:
    path = _FOLDER / f"{os.getpid()}-{name}" if name == "workflow.yml" else _FOLDER / name
    path.write_bytes(data)
    return str(path)


def _shown(found: tuple[Diagnostic, ...]) -> None:
    text = render_diagnostics(found)
    steering = _STEERS.search(text)
    assert steering is None, f"{steering.group()!r} reaches the terminal"


def _reported(result: RunResult) -> None:
    for text in (render_failure(result), pretty(run_report(result))):
        steering = _STEERS.search(text)
        assert steering is None, f"{steering.group()!r} reaches the terminal"
        assert "long-secret-text" not in text
