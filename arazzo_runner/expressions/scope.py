"""Scope: the values that expressions may refer to at one moment of a run, and how it is written as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import Record, field
from arazzo_runner.expressions.names import Declared


class Message(Record):
    """A request, response or message as expressions read it.

    `headers` keeps the order and repeats of the wire; `query` and `path` are the parameters
    of a request; `body` is the parsed body (text when it is not JSON), MISSING when there is
    none.
    """

    headers: tuple[tuple[str, str], ...] = ()
    query: Mapping[str, JsonValue] = field(default_factory=dict)
    path: Mapping[str, JsonValue] = field(default_factory=dict)
    body: JsonValue | Missing = MISSING

    def header(self, name: str) -> JsonValue | Missing:
        """Return a header's value, its name read without regard to case (RFC 9110 §5.1).

        Repeated headers are joined with ", "; Set-Cookie sent more than once is a list.
        """
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        if not values:
            return MISSING
        if len(values) > 1 and wanted == "set-cookie":
            return values
        return ", ".join(values)


class WorkflowScope(Record):
    """The inputs and outputs of a workflow that ran in this run (`$workflows.<id>`)."""

    inputs: Mapping[str, JsonValue]
    outputs: Mapping[str, JsonValue]


class Scope(Record):
    """Everything a runtime expression may refer to; fields are empty while there is no value.

    `steps` maps a stepId to its outputs, `workflows` a workflowId to its WorkflowScope,
    `sources` a source name to its fields (`url`, `type`, `name`), `components` a component
    type to its named objects. Outputs without a value are absent (MISSING). `not_yet` are steps
    that did not run yet, which a loop will run. `query_timeout` is the limit in seconds of one
    selector or replacement, `now` the time of XPath's current-dateTime(), in seconds since the epoch.
    """

    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    workflows: Mapping[str, WorkflowScope] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    self_uri: str | None = None
    url: str | Missing = MISSING
    method: str | Missing = MISSING
    status_code: int | Missing = MISSING
    request: Message | None = None
    response: Message | None = None
    message: Message | None = None
    not_yet: Collection[str] = ()
    query_timeout: float = 1.0
    now: float = 0.0


# ------------------------------------------------------------------ scopes as JSON (`arazzo eval --context`)

# {"inputs": {…}, "outputs": {…}, "steps": {"<stepId>": {"<output>": …}},
#  "workflows": {"<workflowId>": {"inputs": {…}, "outputs": {…}}}, "sources": {"<name>": {"url": …}},
#  "components": {"parameters": {…}}, "self": "…", "url": "…", "method": "…", "statusCode": 200,
#  "request": {"header": {…}, "query": {…}, "path": {…}, "body": …}, "response": {"header": {…}, "body": …},
#  "message": {"header": {…}, "payload": …}}
# Every member may be left out. A header's value may be a list: it was sent several times.
FIELDS = frozenset(
    ("inputs", "outputs", "steps", "workflows", "sources", "components", "self", "url", "method", "statusCode",
     "request", "response", "message")
)  # fmt: skip


def scope_of(context: Mapping[str, JsonValue]) -> Scope:
    """Return the Scope that a context in JSON describes; missing members are empty."""
    return Scope(
        inputs=_mapping(context, "inputs"),
        outputs=_mapping(context, "outputs"),
        steps={name: _plain(outputs) for name, outputs in _mapping(context, "steps").items()},
        workflows={
            name: WorkflowScope(inputs=_mapping(each, "inputs"), outputs=_mapping(each, "outputs"))
            for name, each in _mapping(context, "workflows").items()
            if isinstance(each, dict)
        },
        sources={name: _plain(fields) for name, fields in _mapping(context, "sources").items()},
        components={kind: _plain(named) for kind, named in _mapping(context, "components").items()},
        self_uri=context.get("self"),
        url=context.get("url", MISSING),
        method=context.get("method", MISSING),
        status_code=context.get("statusCode", MISSING),
        request=_message(context.get("request")),
        response=_message(context.get("response")),
        message=_message(context.get("message")),
    )


def declared_by(context: Mapping[str, JsonValue]) -> Declared:
    """Return the names in a context as the names that a text may refer to."""
    return Declared(
        inputs=frozenset(_mapping(context, "inputs")) if "inputs" in context else None,
        steps={name: frozenset(_plain(outputs)) for name, outputs in _mapping(context, "steps").items()},
        workflows={
            name: frozenset(_mapping(_plain(each), "outputs")) for name, each in _mapping(context, "workflows").items()
        },
    )


def _message(raw: JsonValue) -> Message | None:
    if not isinstance(raw, dict):
        return None
    headers: list[tuple[str, str]] = []
    for name, value in _mapping(raw, "header").items():
        headers += [(name, str(each)) for each in (value if isinstance(value, list) else [value])]
    body = raw.get("body", raw.get("payload", MISSING))
    return Message(headers=tuple(headers), query=_mapping(raw, "query"), path=_mapping(raw, "path"), body=body)


def _mapping(holder: Mapping[str, JsonValue], name: str) -> dict[str, Any]:
    return _plain(holder.get(name))


def _plain(value: JsonValue) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
