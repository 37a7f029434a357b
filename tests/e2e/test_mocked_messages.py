"""Runs with --mock of workflows that send and receive messages: what answers, in which order, and that nothing waits."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import RunOptions
from tests.e2e.conftest import Arazzo

SHOP = Path(__file__).parents[2] / "fixtures" / "mocked-messages"
FLOWS, SCENARIO = str(SHOP / "flows.arazzo.yml"), str(SHOP / "scenario.yml")


def case(workflow: str, expected: Any, *switches: str, scenario: bool = True, id: str, **inputs: str) -> Any:
    return pytest.param(workflow, inputs, (scenario, switches), expected, id=id)


NOT_CONFIRMED = "no message with the correlation id came on orders/eu/confirmed within 2 s"
NOT_SHIPPED = "no message with the correlation id came on orders/shipped within 2 s"
CASES = [
    case("order", {"order": 41, "id": "c-1", "source": "shop"}, scenario=False,
         id="an example, made to meet the criteria, with the correlation id in a header"),
    case("shipment", {"id": 77, "weight": 4}, scenario=False,
         id="a sample with the correlation id in the payload, as a number"),
    case("lost", {"reason": "theft"}, scenario=False, id="the message type that meets the criteria"),
    case("twice", {"first": 41, "second": 41}, scenario=False, id="two receives of one channel get a message each"),
    case("price", {"price": 9.5, "question": "q-7"}, scenario=False,
         id="the described reply, the id copied from the payload to a header"),
    case("price", "no message with the correlation id came on quotes/answers within 2 s; 1 with other ids did", scenario=False, awaited="other",
         id="a reply to another question is not the one, and nothing is made up beside it"),
    case("chat", {"line": "welcome"}, scenario=False, id="what is sent over a WebSocket does not come back"),
    case("mixed", {"ticket": "T-1", "order": 41}, scenario=False, id="an HTTP response, then a message"),
    case("anySensor", {"celsius": 18}, scenario=False, id="a variable of the address that is left open"),
    case("onlySend", {"product": "lamp"}, scenario=False, id="a message that nobody answers"),
    case("order", {"order": 101, "id": "c-1", "source": "scenario"},
         id="a rule for an address as described, with a condition, a counter and headers"),
    case("order", '$message.payload#/status is "refused", expected == "confirmed"', id="a rule for an id in a set", order="bad-1"),
    case("order", {"order": 2, "id": "c-1", "source": "shop"}, "foreign",
         id="several answers: a foreign one first; the id is that of the request where the rule names none"),
    case("order", {"order": 5, "id": "c-1", "source": "shop"}, "slow", id="an answer in time"),
    case("order", NOT_CONFIRMED, "too-slow", id="an answer too late"),
    case("order", NOT_CONFIRMED, "nobody", id="no answer, so that nothing is made up"),
    case("order", "the broker closed the connection", "broken", id="a broker that closes the connection"),
    case("shipment", NOT_SHIPPED, "silence", id="a rule for who waits: nothing comes"),
    case("shipment", {"id": 77, "weight": 30}, "heavy", id="a rule for who waits: a message"),
    case("mixed", {"ticket": "X-m-1", "order": 901}, "by-message", id="a request that is answered by messages too"),
    case("twice", {"first": 41, "second": 41}, id="no rule fits, so the description answers"),
]  # fmt: skip
TABLE = pytest.mark.parametrize(("workflow", "inputs", "script", "expected"), CASES)


def check(outputs: Any, reason: str | None, expected: Any) -> None:
    if isinstance(expected, str):
        assert reason == expected
    else:
        assert (outputs, reason) == (expected, None)


@TABLE
def test_the_command_line(arazzo: Arazzo, workflow, inputs, script, expected):
    scenario, switches = script
    words = [word for name, value in inputs.items() for word in ("-i", f"{name}={value}")]
    words += ["--scenario", SCENARIO] if scenario else []
    words += [word for each in switches for word in ("--switch", each)]
    ran = arazzo("run", FLOWS, "-w", workflow, "--mock", "--format", "json", *words)
    report = json.loads(ran.out)
    failed = next((step["reason"] for step in report["steps"] if step["status"] == "failed"), None)
    check(report["outputs"], failed, expected)
    assert report["duration_ms"] < 1500  # no one waited for the 2 s of a step: its clock is that of the mock


def result_of(workflow: str, inputs: Any, script: Any, **options: Any) -> Any:
    scenario, switches = script
    return {
        "document": FLOWS,
        "workflow_id": workflow,
        "inputs": inputs,
        "mock": True,
        "scenario": SCENARIO if scenario else None,
        "switches": switches,
        "options": RunOptions(**options),
    }


def judge(result: Any, expected: Any) -> None:
    failed = next((step.reason for step in result.steps if step.status == "failed"), None)
    check(result.outputs, failed, expected)


@TABLE
def test_on_an_event_loop(workflow, inputs, script, expected):
    judge(asyncio.run(arazzo_runner.arun(**result_of(workflow, inputs, script))), expected)


@TABLE
def test_steps_in_parallel(workflow, inputs, script, expected):
    judge(arazzo_runner.run(**result_of(workflow, inputs, script, parallel=4)), expected)


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "on an event loop"])
def test_a_step_that_waits_beside_the_one_that_causes_its_message(is_async):
    given = result_of("beside", {}, (True, ["by-message"]), parallel=2)
    result = asyncio.run(arazzo_runner.arun(**given)) if is_async else arazzo_runner.run(**given)
    judge(result, {"order": 901})


def test_a_message_is_made_up_for_a_step_that_waits_no_time(tmp_path: Path):
    shutil.copytree(SHOP, tmp_path / "shop")
    flows = tmp_path / "shop" / "flows.arazzo.yml"
    text = flows.read_text(encoding="utf-8")
    assert "timeout: 2000" in text
    flows.write_text(text.replace("timeout: 2000", "timeout: 0"), encoding="utf-8")
    result = arazzo_runner.run(flows, "twice", mock=True, sample_inputs=True)
    assert result.outputs == {"first": 41, "second": 41}, result.reason


def test_equal_runs_get_equal_messages():
    results = [arazzo_runner.run(FLOWS, "price", mock=True) for _ in range(3)]
    seen = [[attempt.message.message for step in each.steps for attempt in step.attempts] for each in results]
    assert seen[0] == seen[1] == seen[2]


def test_inputs_are_made_up_too(arazzo: Arazzo):
    ran = arazzo("run", FLOWS, "-w", "price", "--mock", "--sample-inputs")
    assert ran.code == 0
    assert json.loads(ran.out)["price"] == 9.5


def test_inputs_are_made_up_for_the_message_that_has_them(arazzo: Arazzo):
    ran = arazzo("run", FLOWS, "-w", "open", "--mock", "--sample-inputs")
    assert "warning" not in ran.err
    found = json.loads(ran.out)
    assert (type(found["sent"]["quantity"]), type(found["sent"]["product"]), found["region"]) == (int, str, "eu")


def test_the_resources_of_http_are_remembered_beside_messages(arazzo: Arazzo):
    ran = arazzo("run", FLOWS, "-w", "mixed", "--mock=stateful")
    assert (ran.code, json.loads(ran.out)["order"]) == (0, 41)


# ------------------------------------------------------------------ dry runs


def test_a_dry_run_shows_what_would_be_sent_and_waited_for(arazzo: Arazzo):
    ran = arazzo("run", FLOWS, "-w", "order", "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "# place",
        "send orders/eu/place, mqtt://127.0.0.1:1, application/json, 31 bytes",
        "  requestId: c-1",
        "",
        "  {",
        '    "product": "lamp",',
        '    "quantity": 2',
        "  }",
        "",
        "# confirm",
        "receive orders/eu/confirmed, mqtt://127.0.0.1:1, correlationId c-1",
        "",
    ]


def test_a_dry_run_needs_no_broker_and_no_library(arazzo: Arazzo, folder: Path):
    for file in SHOP.iterdir():
        shutil.copy(file, folder)
    api = folder / "shop.asyncapi.yml"
    text = api.read_text().replace("protocol: mqtt", "protocol: jms")
    api.write_text(text.replace("sensors/{sensor}/readings", "sensors/readings").replace("{sensor: {}}", "{}"))
    assert arazzo("run", "flows.arazzo.yml", "-w", "order", "--dry-run").code == 0
    assert arazzo("run", "flows.arazzo.yml", "-w", "order", "--mock").code == 0
    assert arazzo("validate", "flows.arazzo.yml").code == 0


# ------------------------------------------------------------------ mistakes in scenarios


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        pytest.param("{channel: confirmd, answer: []}", 'no description has the channel "confirmd"', "confirmed", id="a channel"),
        pytest.param("{channel: place, answer: {channel: orders/shiped}}", '"orders/shiped"', "orders/shipped", id="the address of an answer"),
        pytest.param("{operation: createOrder, publish: {channel: confirmd}}", '"confirmd"', "confirmed", id="the channel of a message beside a response"),
        pytest.param("{channel: place, answers: []}", 'a rule has no "answers"', "answer", id="a field of a rule"),
        pytest.param("{channel: place, publish: []}", 'a rule has no "publish"', "", id="a field of another kind of rule"),
        pytest.param("{channel: place, answer: {paylod: 1}}", 'a message has no "paylod"', "payload", id="a field of a message"),
        pytest.param("{channel: place, action: recieve}", 'the action "send" or "receive"', "receive", id="an action"),
        pytest.param("{channel: place, answer: 3}", "a message is a mapping", "", id="a message that is a number"),
        pytest.param("{channel: place, answer: {after: soon}}", "after is a number of seconds", "", id="a time that is a text"),
        pytest.param("{channel: place, answer: {after: -1}}", "after is a number of seconds", "", id="a time before"),
        pytest.param("{channel: place, answer: {headers: [1]}}", "are a mapping", "", id="headers that are a list"),
        pytest.param("{channel: place, answer: {payload: {a: '{$message.'}}}", "", "", id="an expression that is none"),
        pytest.param("{channel: place, operation: createOrder}", "not both", "", id="a rule about two things"),
        pytest.param("{operation: createOrder, publish: {payload: 1}}", "names the channel", "channel: NAME", id="a message to nowhere"),
        pytest.param("{channel: place, answer: {body: 1}}", 'a message has no "body"', "write payload:", id="a body of a message"),
        pytest.param("{channel: place, answer: {status: 200}}", 'a message has no "status"', "payload:", id="a status of a message"),
        pytest.param("{channel: place, when: $message.payload#/a == 1}", "when is a list", "when: [...]", id="a condition without its list"),
        pytest.param("{channel: place, when: [$request.body#/a == 1]}", "has no $request", "read $message.payload", id="a request in a rule about messages"),
        pytest.param("{operation: placeOrder, answer: {status: 200}}", "sends or receives messages", "write channel: place", id="a rule about requests for an operation with messages"),
        pytest.param("{answer: []}", "an operation or a channel", "", id="a rule about nothing"),
        pytest.param("{channel: place, when: ['$message.payload#/a ==']}", "", "", id="a condition that is none"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_is_one_clear_error(arazzo: Arazzo, folder: Path, rule, message, hint):
    (folder / "rules.yml").write_text(f"rules:\n  - {rule}\n")
    ran = arazzo("run", FLOWS, "-w", "order", "--mock", "--scenario", "rules.yml")
    assert ran.code == 2
    assert ran.err.count("error[invalid-scenario]") == 1
    assert message in ran.err
    assert hint in ran.err
    assert "rules.yml:2:" in ran.err


def test_rules_about_channels_of_other_documents_are_left_alone(arazzo: Arazzo, folder: Path):
    (folder / "rules.yml").write_text("rules:\n  - {channel: payments/settled, answer: []}\n")
    assert arazzo("run", FLOWS, "-w", "order", "--mock", "--scenario", "rules.yml").code == 0


# ------------------------------------------------------------------ what a rule leaves out

LOCKERS = """\
asyncapi: 3.0.0
info: {title: Lockers, version: "1"}
servers: {site: {host: broker.test, protocol: mqtt}}
channels:
  events: {address: "parcels/{parcelId}/events", parameters: {parcelId: {}}, messages: {M: {$ref: "#/components/messages/M"}}}
  commands: {address: commands, messages: {M: {$ref: "#/components/messages/M"}}}
  replies: {address: replies, messages: {M: {$ref: "#/components/messages/M"}}}
operations:
  open: {action: receive, channel: {$ref: "#/channels/commands"}, reply: {channel: {$ref: "#/channels/replies"}}}
components:
  messages:
    M:
      correlationId: {location: $message.payload#/command/id}
      payload: {type: object, properties: {command: {type: object, properties: {id: {type: string}}}, door: {type: integer}}}
"""
PARCELS = """\
openapi: 3.1.0
info: {title: Parcels, version: "1"}
servers: [{url: "http://api.test"}]
paths:
  /parcels:
    post:
      operationId: create
      responses:
        "201": {description: made, content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}
"""
DEPOSIT = """\
arazzo: 1.1.0
info: {title: Parcels, version: "1"}
sourceDescriptions:
  - {name: lockers, url: lockers.yml, type: asyncapi}
  - {name: parcels, url: parcels.yml, type: openapi}
workflows:
  - workflowId: deposit
    steps:
      - {stepId: create, operationId: $sourceDescriptions.parcels.create, outputs: {id: $response.body#/id}}
      - stepId: stored
        channelPath: "{$sourceDescriptions.lockers.url}#/channels/events"
        action: receive
        dependsOn: [create]
        parameters: [{name: parcelId, in: path, value: $steps.create.outputs.id}]
        outputs: {door: $message.payload#/door}
    outputs: {door: $steps.stored.outputs.door}
  - workflowId: open
    steps:
      - stepId: open
        operationId: $sourceDescriptions.lockers.open
        action: send
        requestBody: {payload: {command: {id: c-1}, door: 3}}
      - {stepId: opened, operationId: $sourceDescriptions.lockers.open, action: receive, correlationId: c-1,
         outputs: {door: $message.payload#/door}}
    outputs: {door: $steps.opened.outputs.door}
"""


def write_lockers(folder: Path, document: str, rule: str) -> None:
    for name, text in (("lockers", LOCKERS), ("parcels", PARCELS), ("w", document), ("rules", f"rules:\n  - {rule}\n")):
        (folder / f"{name}.yml").write_text(text)


@pytest.mark.parametrize(
    ("workflow", "rule"),
    [
        pytest.param("deposit", "{operation: create, answer: {status: 201, body: {id: P9}}, publish: {channel: events, payload: {door: 9}}}",
                     id="the value of a variable that only the response tells"),
        pytest.param("deposit", "{operation: create, answer: {status: 201, body: {id: P9}}, publish: {channel: parcels/P9/events, payload: {door: 9}}}",
                     id="an address to which nobody is subscribed yet"),
        pytest.param("deposit", "{operation: create, answer: {status: 201, body: {id: P9}}, publish: {channel: events, after: 2, payload: {door: 9}}}",
                     id="the same, later"),
        pytest.param("open", "{channel: commands, answer: {payload: {door: 9}}}", id="the correlation id within the payload"),
    ],
)  # fmt: skip
def test_what_a_rule_about_messages_leaves_out_is_made_to_fit(arazzo: Arazzo, folder: Path, workflow, rule):
    write_lockers(folder, DEPOSIT, rule)
    ran = arazzo("run", "w.yml", "-w", workflow, "--mock", "--scenario", "rules.yml")
    assert (ran.code, json.loads(ran.out)) == (0, {"door": 9})


@pytest.mark.parametrize(
    ("workflow", "rule", "timeout", "hint"),
    [
        pytest.param("deposit", "{channel: events, action: receive, answer: []}", 500,
                     'the address reads an output of "create": what was sent before that step ended was not heard; leave out',
                     id="a subscription that had to wait for its address"),
        pytest.param("open", "{channel: commands, answer: []}", 3, "timeout is in milliseconds: write 3000 for 3 s", id="seconds for milliseconds"),
        pytest.param("open", "{channel: commands, answer: []}", 500, "is its sender there, at the same broker and address?", id="silence"),
    ],
)  # fmt: skip
def test_what_to_look_at_when_no_message_came(arazzo: Arazzo, folder: Path, workflow, rule, timeout, hint):
    document = DEPOSIT.replace("action: receive,", f"action: receive, timeout: {timeout},")
    write_lockers(
        folder, document.replace("dependsOn: [create]", f"dependsOn: [create]\n        timeout: {timeout}"), rule
    )
    ran = arazzo("run", "w.yml", "-w", workflow, "--mock", "--scenario", "rules.yml")
    assert ran.code == 1
    assert f"help: {hint}" in ran.err


def test_what_to_look_at_when_something_else_listens_at_the_port(arazzo: Arazzo, folder: Path):
    write_lockers(folder, DEPOSIT, "")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mqtt://127.0.0.1:{silent.getsockname()[1]}"
        ran = arazzo("run", "w.yml", "-w", "open", "--server", f"lockers={url}", "--timeout", "0.5")
    assert ran.code == 1
    assert "help: is it a broker of MQTT that listens there?" in ran.err


def test_the_name_of_the_source_is_in_the_hint_where_no_broker_is(arazzo: Arazzo, folder: Path):
    write_lockers(folder, DEPOSIT, "")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ran = arazzo("run", "w.yml", "-w", "open", "--server", f"lockers=mqtt://127.0.0.1:{port}")
    assert ran.code == 1
    assert "help: is the server running? --server lockers=URL chooses another" in ran.err
