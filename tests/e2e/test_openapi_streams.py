"""Steps that receive from an OpenAPI description: its event streams and its webhooks."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

API = """\
openapi: 3.1.0
info: {title: Builds, version: "1"}
servers: [{url: "http://127.0.0.1:PORT"}]
paths:
  /builds/{buildId}/events:
    get:
      operationId: buildEvents
      parameters: [{name: buildId, in: path, required: true, schema: {type: string}}]
      responses:
        "200":
          description: events
          content: {text/event-stream: {schema: {$ref: "#/components/schemas/Event"}}}
webhooks:
  finished:
    post:
      operationId: buildFinished
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Event"}}}}
      responses: {"204": {description: taken}}
components:
  schemas:
    Event: {type: object, properties: {build: {type: integer}, status: {enum: [queued, success, failure]}}}
"""
FLOW = """\
arazzo: 1.1.0
info: {title: Builds, version: "1"}
sourceDescriptions: [{name: builds, url: ./api.yml, type: openapi}]
workflows:
- workflowId: wait
  steps:
  - stepId: wait
    TARGET
    action: receive
    timeout: 20000
    successCriteria: [{condition: $message.payload#/status == 'success'}]
    outputs: {build: $message.payload#/MEMBER}
  outputs: {build: $steps.wait.outputs.build}
"""
EVENTS = "operationId: buildEvents\n    parameters: [{name: buildId, in: path, value: '7'}]"
BY_PATH = EVENTS.replace(
    "operationId: buildEvents",
    "operationPath: '{$sourceDescriptions.builds.url}#/paths/~1builds~1{buildId}~1events/get'",
)
WEBHOOK = "operationId: $sourceDescriptions.builds.buildFinished"


class Builds(BaseHTTPRequestHandler):
    """Sends two events on every stream, and keeps it open until the client goes."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        build = int(self.path.split("/")[2])
        for status in ("queued", "success"):
            self.wfile.write(f"data: {json.dumps({'build': build, 'status': status})}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def port():
    with ThreadingHTTPServer(("127.0.0.1", 0), Builds) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def flow(folder):
    def written(target, *, member="build", port=1):
        (folder / "api.yml").write_text(API.replace("PORT", str(port)), encoding="utf-8")
        text = FLOW.replace("TARGET", target).replace("MEMBER", member)
        (folder / "flow.yml").write_text(text, encoding="utf-8")
        return "flow.yml"

    return written


@pytest.mark.parametrize(
    "target", [pytest.param(EVENTS, id="by operationId"), pytest.param(BY_PATH, id="by operationPath")]
)
def test_a_stream_of_events_is_received_from(arazzo, flow, port, target):
    ran = arazzo("run", flow(target, port=port))
    assert (ran.code, json.loads(ran.out)) == (0, {"build": 7}), ran.err


@pytest.mark.parametrize("target", [pytest.param(EVENTS, id="a stream"), pytest.param(WEBHOOK, id="a webhook")])
def test_the_mock_sends_what_is_described(arazzo, flow, target):
    ran = arazzo("run", flow(target), "--mock", "--format", "json")
    [step] = json.loads(ran.out)["steps"]
    assert (ran.code, step["status"]) == (0, "passed")


@pytest.mark.parametrize(
    ("target", "kind"),
    [pytest.param(EVENTS, "event stream", id="a stream"), pytest.param(WEBHOOK, "webhook", id="a webhook")],
)
def test_other_tools_may_refuse_it_and_its_messages_are_checked(arazzo, flow, target, kind):
    ran = arazzo("validate", flow(target, member="built"), "--format", "json")
    found = json.loads(ran.out)["diagnostics"]
    assert sorted((each["code"], each["severity"]) for each in found) == [
        ("message-source-kind", "warning"),
        ("unknown-message-member", "warning"),
    ]
    assert kind in next(each["message"] for each in found if each["code"] == "message-source-kind")
