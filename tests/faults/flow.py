"""A workflow with everything that can be cut short: retries, waits, a sub-workflow, branches; and its server.

Every answer to a POST carries a new token, which is a secret output: none that was answered may be lost.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.loopback import json_reply, serving

API = """\
openapi: 3.1.0
info: {title: Tokens, version: 1.0.0}
servers: [{url: http://127.0.0.1:9}]
paths:
  /rotate/{name}:
    parameters: [{name: name, in: path, required: true, schema: {type: string}}]
    post: {operationId: rotate, responses: {'200': {description: ok}}}
  /look: {get: {operationId: look, responses: {'200': {description: ok}}}}
"""
WORKFLOW = """\
arazzo: 1.1.0
info: {title: Tokens, version: 1.0.0}
sourceDescriptions: [{name: tokens, url: tokens.yml, type: openapi}]
workflows:
  - workflowId: main
    steps:
      - stepId: first
        operationId: rotate
        parameters: [{name: name, in: path, value: first}]
        outputs: {token: $response.body#/token}
      - stepId: again
        operationId: rotate
        parameters: [{name: name, in: path, value: again}]
        successCriteria: [{condition: $response.body#/count >= 2}]
        onFailure: [{name: retry, type: retry, retryAfter: 0.01, retryLimit: 5}]
        outputs: {token: $response.body#/token}
      - {stepId: nested, workflowId: inner}
      - stepId: left
        operationId: rotate
        parameters: [{name: name, in: path, value: left}]
        outputs: {token: $response.body#/token}
      - stepId: right
        operationId: rotate
        parameters: [{name: name, in: path, value: right}]
        successCriteria: [{condition: $response.body#/count >= 2}]
        onFailure: [{name: retry, type: retry, retryAfter: 0.01, retryLimit: 5}]
        outputs: {token: $response.body#/token}
      - {stepId: last, operationId: look, dependsOn: [left, right]}
    outputs: {token: $steps.right.outputs.token}
  - workflowId: inner
    steps:
      - stepId: deep
        operationId: rotate
        parameters: [{name: name, in: path, value: deep}]
        outputs: {token: $response.body#/token}
      - {stepId: quiet, operationId: look}
    outputs: {token: $steps.deep.outputs.token}
"""
PLACES = {"first": "first", "again": "again", "left": "left", "right": "right", "deep": "inner/deep"}


def write(folder: Path) -> Path:
    """Write the documents; return the workflow's path."""
    (folder / "tokens.yml").write_text(API)
    (folder / "flow.yml").write_text(WORKFLOW)
    return folder / "flow.yml"


class Tokens:
    """Gives `<name>-token-<n>` for every request; `sent` are the requests so far, `counts` how many of each name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.url = ""
        self.sent: list[str] = []
        self.counts: dict[str, int] = {}

    def forget(self) -> None:
        """Reset."""
        self.sent, self.counts = [], {}

    def answer(self, method: str, path: str) -> dict[str, object]:
        """Return the body of an answer."""
        with self._lock:
            self.sent.append(f"{method} {path}")
            name = path.rpartition("/")[2]
            self.counts[name] = self.counts.get(name, 0) + 1
            return {"count": self.counts[name], "token": f"{name}-token-{self.counts[name]}"}


@contextmanager
def token_server() -> Iterator[Tokens]:
    """Serve tokens over HTTP."""
    tokens = Tokens()
    with serving(lambda request: json_reply(tokens.answer(request.method, request.target))) as server:
        tokens.url = server.url
        yield tokens
