"""A Scope from plain JSON: what `arazzo eval --context` and the conformance cases write down.

    {"inputs": {…}, "outputs": {…}, "steps": {"<stepId>": {"<output>": …}},
     "workflows": {"<workflowId>": {"inputs": {…}, "outputs": {…}}}, "sources": {"<name>": {"url": …}},
     "components": {"parameters": {…}}, "self": "…", "url": "…", "method": "…", "statusCode": 200,
     "request": {"header": {…}, "query": {…}, "path": {…}, "body": …}, "response": {"header": {…}, "body": …}}

Every member may be left out. A header's value may be a list: it was sent several times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.expressions.names import Declared
from arazzo_runner.expressions.scope import Message, Scope, WorkflowScope

FIELDS = frozenset(
    ("inputs", "outputs", "steps", "workflows", "sources", "components", "self", "url", "method", "statusCode",
     "request", "response", "message")
)  # fmt: skip


def scope_of(context: Mapping[str, JsonValue]) -> Scope:
    """Return the Scope a context describes; what is not there is empty."""
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
    """Return the names a context gives, as the names a text may refer to."""
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
