"""Wrong inputs about messages: one clear diagnostic, before anything is sent; golden files hold the exact text."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Arazzo
from tests.e2e.golden import assert_golden, settled
from tests.hostile.battery import changed

API = {
    "openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": "http://{here}"}],
    "paths": {"/orders": {"post": {"operationId": "submit", "responses": {"202": {"description": "later"}}}}},
}  # fmt: skip
EVENTS = """\
asyncapi: 3.0.0
info: {title: Orders, version: '1'}
defaultContentType: application/json
servers:
  broker: {host: '{here}', protocol: mqtt}
channels:
  orders:
    address: orders/{region}/place
    parameters: {region: {enum: [eu, us]}}
    messages: {Order: &order {correlationId: {location: $message.payload#/id}, payload: {type: object}}}
  confirmed: {address: orders/confirmed, messages: {Confirmed: *order}}
  plain: {address: plain, messages: {Plain: {payload: {type: object}}}}
  nowhere: {address: null, messages: {Plain: {payload: {type: object}}}}
operations:
  placeOrder: {action: receive, channel: {$ref: '#/channels/orders'}}
  orderConfirmed: {action: send, channel: {$ref: '#/channels/confirmed'}}
  sendPlain: {action: receive, channel: {$ref: '#/channels/plain'}}
  readPlain: {action: send, channel: {$ref: '#/channels/plain'}}
"""
WORKFLOW = """\
arazzo: 1.1.0
info: {title: Orders, version: '1'}
sourceDescriptions:
  - {name: api, url: api.json, type: openapi}
  - {name: events, url: events.json, type: asyncapi}
workflows:
  - workflowId: order
    inputs: {type: object, properties: {region: {type: string, default: eu}}}
    steps:
      - {stepId: submit, operationId: $sourceDescriptions.api.submit}
      - stepId: place
        operationId: $sourceDescriptions.events.placeOrder
        action: send
        parameters: [{name: region, in: path, value: $inputs.region}]
        requestBody: {payload: {id: '7'}}
      - stepId: confirm
        operationId: $sourceDescriptions.events.orderConfirmed
        action: receive
        correlationId: '7'
        timeout: 2000
"""
PLACE, CONFIRM = "/workflows/0/steps/1", "/workflows/0/steps/2"


def step(pointer: str, **members: Any) -> dict[str, Any]:
    """Return changes that set members of a step, and remove those that are None."""
    return {f"{pointer}/{name}": "~delete" if value is None else value for name, value in members.items()}


ALONE = {"/workflows/0/steps/0": "~delete"}
"""Without the request over HTTP."""
ALONE_PLACED = {CONFIRM: "~delete", **ALONE}
"""The step alone that sends a message."""

CASES: dict[str, dict[str, Any]] = {
    # ---------------------------------------------------------------- what the document names
    "unknown-channel": {"flow": step(PLACE, operationId=None, channelPath="{$sourceDescriptions.events.url}#/channels/order")},
    "unknown-operation": {"flow": step(PLACE, operationId="$sourceDescriptions.events.placeOrders")},
    "channel-path-to-an-api": {"flow": step(PLACE, operationId=None, channelPath="{$sourceDescriptions.api.url}#/paths/~1orders/post")},
    "action-on-an-http-operation": {"flow": step("/workflows/0/steps/0", action="send")},
    "an-unknown-action": {"flow": step(PLACE, action="publish")},
    "address-parameter-missing": {"flow": step(PLACE, parameters=None)},
    "address-parameter-misspelt": {"flow": step(PLACE, parameters=[{"name": "regio", "in": "path", "value": "eu"}])},
    "channel-without-an-address": {"flow": step(PLACE, operationId=None, parameters=None, channelPath="{$sourceDescriptions.events.url}#/channels/nowhere")},
    "constant-outside-of-the-enum": {"flow": step(PLACE, parameters=[{"name": "region", "in": "path", "value": "mars"}])},
    "constant-with-a-wildcard": {"flow": step(PLACE, parameters=[{"name": "region", "in": "path", "value": "#"}]), "events": {"/channels/orders/parameters": {}}},
    "correlation-without-a-place": {"flow": step(CONFIRM, operationId="$sourceDescriptions.events.readPlain"), "events": {"/servers/broker/protocolVersion": "3.1.1"}},
    "correlation-perhaps-without-a-place": {"flow": {**step(CONFIRM, operationId="$sourceDescriptions.events.readPlain"), **ALONE}, "ends": 1},
    "receive-with-a-request-body": {"flow": {**step(CONFIRM, requestBody={"payload": {}}), **ALONE}, "ends": 1},
    "send-with-a-correlation-id": {"flow": step(PLACE, correlationId="7")},
    "negative-timeout": {"flow": step(CONFIRM, timeout=-1)},
    "timeout-as-a-text": {"flow": step(CONFIRM, timeout="2s")},
    "cookie-parameter": {"flow": step(PLACE, parameters=[{"name": "region", "in": "path", "value": "eu"}, {"name": "a", "in": "cookie", "value": "1"}])},
    "query-parameter": {"flow": step(PLACE, parameters=[{"name": "region", "in": "path", "value": "eu"}, {"name": "a", "in": "query", "value": "1"}])},
    "depends-on-an-unknown-step": {"flow": step(CONFIRM, dependsOn=["palce"])},
    # ---------------------------------------------------------------- descriptions
    "asyncapi-1": {"events": {"/asyncapi": "1.2.0"}},
    "asyncapi-4": {"events": {"/asyncapi": "4.0.0"}},
    "asyncapi-as-a-number": {"events": {"/asyncapi": 3}},
    "description-is-a-list": {"text": "- asyncapi: 3.0.0\n"},
    "description-is-openapi": {"text": json.dumps(API)},
    "description-is-empty": {"text": ""},
    "api-is-asyncapi": {"flow": {"/sourceDescriptions/0/url": "events.json"}},
    "description-without-servers": {"events": {"/servers": "~delete"}},
    "server-without-a-protocol": {"events": {"/servers/broker/protocol": "~delete"}},
    "server-without-a-host": {"events": {"/servers/broker/host": "~delete"}},
    "server-with-a-port-of-0": {"events": {"/servers/broker/host": "broker.test:0"}},
    "server-with-a-port-of-99999": {"events": {"/servers/broker/host": "broker.test:99999"}},
    "server-with-a-port-of-letters": {"events": {"/servers/broker/host": "broker.test:mqtt"}},
    "server-variable-without-a-value": {"events": {"/servers/broker/host": "{zone}.broker.test:1883"}},
    "protocol-not-supported": {"events": {"/servers/broker/protocol": "jms"}},
    "protocol-misspelt": {"events": {"/servers/broker/protocol": "mqqt"}},
    # ---------------------------------------------------------------- the command line
    "server-of-a-misspelt-protocol": {"line": ["--server", "events=mqqt://127.0.0.1:1883"]},
    "server-without-a-scheme": {"line": ["--server", "events=127.0.0.1:1883"]},
    "broker-for-an-api": {"line": ["--server", "api=mqtt://127.0.0.1:1883"]},
    "http-for-a-broker": {"line": ["--server", "events=http://127.0.0.1:1883"]},
    "server-port-of-0": {"line": ["--server", "events=mqtt://127.0.0.1:0"]},
    "server-port-of-99999": {"line": ["--server", "events=mqtt://127.0.0.1:99999"]},
    "server-port-of-letters": {"line": ["--server", "events=mqtt://127.0.0.1:mqtt"]},
    "server-without-a-host-given": {"line": ["--server", "events=mqtt://"]},
    "server-of-an-unknown-source": {"line": ["--server", "event=mqtt://127.0.0.1:1883"]},
    "unknown-server-variable": {"line": ["--server-var", "zone=eu"]},
    "unknown-channel-address": {"line": ["--channel-address", "order=a/b"]},
    "empty-channel-address": {"line": ["--channel-address", "orders="]},
    "wildcard-in-a-send-address": {"line": ["--channel-address", "orders=orders/#"], "flow": step(PLACE, parameters=None)},
    "control-character-in-an-address": {"line": ["--channel-address", "orders=orders/\n::error::x"], "flow": step(PLACE, parameters=None)},
    "no-such-place-to-listen": {"line": ["--webhook-listen", "everywhere"]},
    "no-url-for-webhooks": {"line": ["--webhook-url", "ftp://me.test/"]},
    "no-messages-allowed": {"line": ["--max-messages", "0"]},
    # ---------------------------------------------------------------- inputs
    "input-outside-of-the-enum": {"line": ["-i", "region=mars"], "flow": ALONE_PLACED, "ends": 1},
    "input-with-a-wildcard": {"line": ["-i", "region=+"], "flow": ALONE_PLACED, "ends": 1, "events": {"/channels/orders/parameters": {}}},
    "input-with-a-level": {"line": ["-i", "region=eu/../us"], "flow": ALONE_PLACED, "ends": 1, "events": {"/channels/orders/parameters": {}}},
    "input-that-is-empty": {"line": ["-i", "region="], "flow": ALONE_PLACED, "ends": 1, "events": {"/channels/orders/parameters": {}}},
}  # fmt: skip


@pytest.fixture
def here() -> Iterator[socket.socket]:
    """Listen, so that whatever is sent is seen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def connections(listener: socket.socket) -> int:
    """Return how many connections were made."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("name", CASES)
def test_wrong_inputs(name: str, here: socket.socket, folder: Path, arazzo: Arazzo) -> None:
    case = CASES[name]
    place = f"127.0.0.1:{here.getsockname()[1]}"
    described = json.dumps(changed(yaml.safe_load(EVENTS), case.get("events", {})))
    (folder / "events.json").write_text(case.get("text", described).replace("{here}", place))
    (folder / "api.json").write_text(json.dumps(API).replace("{here}", place))
    (folder / "workflow.yml").write_text(
        yaml.safe_dump(changed(yaml.safe_load(WORKFLOW), case.get("flow", {})), sort_keys=False)
    )
    ended = arazzo("run", "workflow.yml", "--timeout", "1", *case.get("line", ()))
    made = connections(here)
    assert "Traceback" not in ended.err
    assert ended.code == case.get("ends", 2)
    assert made == 0 or "correlation" in name or "receive" in name
    assert_golden(
        f"wrong-messages/{name}", settled(f"exit code {ended.code}, {made} connections\n{ended.out}{ended.err}")
    )
