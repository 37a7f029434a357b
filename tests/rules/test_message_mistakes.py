"""Mistakes of people who write their first steps with messages: one finding each, where it is, with what to write."""

from __future__ import annotations

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions

LOCKERS = """\
asyncapi: 3.0.0
info: {title: Lockers, version: "1"}
servers: {site: {host: broker.test, protocol: mqtt}}
channels:
  commands:
    address: lockers/{lockerId}/commands
    parameters: {lockerId: {}}
    messages: {open: {$ref: "#/components/messages/Open"}}
  replies:
    address: lockers/{lockerId}/replies
    parameters: {lockerId: {}}
    messages: {opened: {$ref: "#/components/messages/Opened"}}
operations:
  open:
    action: receive
    channel: {$ref: "#/channels/commands"}
    reply: {channel: {$ref: "#/channels/replies"}}
components:
  messages:
    Open:
      correlationId: {location: $message.payload#/id}
      payload: {type: object, properties: {id: {type: string}, door: {type: integer}}}
    Opened:
      correlationId: {location: $message.payload#/id}
      payload: {type: object, properties: {id: {type: string}, state: {type: string}}}
"""
BILLING = """\
asyncapi: 2.6.0
info: {title: Billing, version: "1"}
servers: {broker: {url: broker.test, protocol: amqp}}
channels:
  requests: {subscribe: {operationId: ask, message: {$ref: "#/components/messages/M"}}}
  invoices: {publish: {operationId: invoice, message: {$ref: "#/components/messages/M"}}}
components:
  messages:
    M:
      correlationId: {location: $message.header#/requestId}
      headers: {type: object, properties: {requestId: {type: string}}}
      payload: {type: object, properties: {amount: {type: number}}}
"""
DOCUMENT = """\
arazzo: 1.1.0
info: {title: Parcels, version: "1"}
sourceDescriptions:
  - {name: lockers, url: lockers.yml, type: asyncapi}
  - {name: billing, url: billing.yml, type: asyncapi}
workflows:
  - workflowId: w
    inputs: {type: object, properties: {id: {type: string}, locker: {type: string}}}
    steps:
      - stepId: open
        operationId: $sourceDescriptions.lockers.open
        action: send
        parameters:
          - {name: lockerId, in: path, value: $inputs.locker}
        requestBody:
          payload: {id: $inputs.id, door: 7}
      - stepId: opened
        operationId: $sourceDescriptions.lockers.open
        action: receive
        correlationId: $inputs.id
        timeout: 3000
      - stepId: ask
        operationId: $sourceDescriptions.billing.ask
        action: send
        parameters: [{name: requestId, in: header, value: $inputs.id}]
        requestBody: {payload: {amount: 1}}
      - stepId: invoice
        operationId: $sourceDescriptions.billing.invoice
        action: receive
        correlationId: $inputs.id
"""
WRITE_THE_ID = "write the id that is expected, such as $inputs.id; its place"
IN_DOCUMENT = [
    pytest.param("action: send", "action: publish", "invalid-value", "publish", "write action: send", id="publish for send"),
    pytest.param("action: receive", "action: subscribe", "invalid-value", "subscribe", "write action: receive",
                 id="subscribe for receive, with a correlationId"),
    pytest.param("action: send", "action: Send", "invalid-value", "Send", "write action: send", id="an action in another case"),
    pytest.param("correlationId: $inputs.id", "correlationId: {location: $inputs.id}", "wrong-type", "{location",
                 f"{WRITE_THE_ID} in the message is in the AsyncAPI description", id="a correlationId as it is in descriptions"),
    pytest.param("correlationId: $inputs.id", "correlationId: $message.payload#/id", "response-too-early", "$message",
                 f"{WRITE_THE_ID} is in the AsyncAPI description", id="the place of the id as correlationId"),
    pytest.param("timeout: 3000", "timeout: 0.5", "wrong-type", "0.5", "write whole milliseconds, such as timeout: 500 for 0.5 s",
                 id="a timeout as a part of a second"),
    pytest.param("timeout: 3000", "timeout: PT3S", "wrong-type", "PT3S", "write the milliseconds without a unit: timeout: 3000",
                 id="a timeout as a duration of ISO 8601"),
    pytest.param("timeout: 3000", "timeout: $inputs.id", "wrong-type", "$inputs.id",
                 "write the number itself: an expression is not evaluated here", id="a timeout that is an expression"),
    pytest.param("{name: lockerId, in: path,", "{name: lockerId,", "missing-field", "{name", "write in: path",
                 id="a variable of the address without its place"),
    pytest.param("{name: lockerId, in: path,", "{name: lockerId, in: query,", "open-address-parameter", "query", "write in: path",
                 id="a variable of the address in the query"),
    pytest.param("{name: lockerId, in: path,", "{name: lockerId, in: header,", "open-address-parameter", "header", "write in: path",
                 id="a variable of the address in a header"),
    pytest.param("{name: requestId, in: header,", "{name: requestId, in: header, value: x}, {name: key, in: key,", "invalid-value", "key,",
                 "the key of a Kafka message is x-kafka-key: of the requestBody", id="the key of Kafka as a parameter"),
    pytest.param("{name: requestId, in: header,", "{name: requestid, in: header,", "missing-correlation-id", "ask",
                 'write name: requestId instead of "requestid"', id="the header of the id in another case"),
    pytest.param("operationId: $sourceDescriptions.billing.invoice", "channelPath: billing.yml#/channels/invoices", "channel-path-form",
                 "billing.yml", "write '{$sourceDescriptions.billing.url}#/channels/invoices'", id="the file of a source in a channelPath"),
    pytest.param("        action: receive\n        correlationId: $inputs.id\n        timeout: 3000\n",
                 "        action: receive\n        parameters: [{name: correlationId, in: header, value: $inputs.id}]\n", "header-not-carried", "{name",
                 "remove it; correlationId chooses the message", id="a correlationId as a header that is awaited"),
    pytest.param("payload: {amount: 1}", "amount: 1", "unknown-field", "amount", "put it below payload:", id="a payload one level too high"),
]  # fmt: skip
IN_DESCRIPTION = [
    pytest.param("asyncapi: 3.0.0", "asyncapi: 2.6.0", "write asyncapi: 3.0.0", id="operations of 3.0 in 2.6"),
    pytest.param('{$ref: "#/channels/commands"}', "commands", "write {$ref: '#/channels/commands'}", id="the bare name of a channel"),
    pytest.param("#/channels/commands", "#/channels/command", 'did you mean "#/channels/commands"?', id="a $ref that is misspelt"),
    pytest.param("components/messages/Open\"", "components/messages/open\"", 'did you mean "#/components/messages/Open" or "#/components/messages/Opened"?',
                 id="a $ref in another case"),
    pytest.param("action: receive", "action: subscribe",
                 "write action: send or action: receive, whichever the described application does", id="an action of 2.x"),
]  # fmt: skip


def _findings(folder, document=DOCUMENT, lockers=LOCKERS, billing=BILLING):
    (folder / "lockers.yml").write_text(lockers)
    (folder / "billing.yml").write_text(billing)
    path = folder / "w.yml"
    path.write_text(document)
    found = arazzo_runner.validate(path, load_options=LoadOptions(root=str(folder)))
    return [each for each in found if each.code not in ("unused-input", "missing-payload-member")]


def test_the_document_has_no_finding(tmp_path):
    assert _findings(tmp_path) == []


@pytest.mark.parametrize(("old", "new", "code", "marked", "hint"), IN_DOCUMENT)
def test_a_mistake_in_a_step_is_one_finding_with_what_to_write(old, new, code, marked, hint, tmp_path):
    assert old in DOCUMENT
    text = DOCUMENT.replace(old, new, 1)
    found = _findings(tmp_path, text)
    assert [(each.code, each.hint) for each in found] == [(code, hint)]
    line = text.splitlines()[found[0].at.line - 1]
    assert line[found[0].at.column - 1 :].startswith(marked)


@pytest.mark.parametrize(("old", "new", "hint"), IN_DESCRIPTION)
def test_a_mistake_in_a_description_is_one_finding_with_what_to_write(old, new, hint, tmp_path):
    assert old in LOCKERS
    found = _findings(tmp_path, lockers=LOCKERS.replace(old, new, 1))
    assert {(each.at.uri.rpartition("/")[2], each.hint) for each in found} == {("lockers.yml", hint)}


def test_operations_of_2_x_in_a_description_of_3_0_are_one_finding(tmp_path):
    found = _findings(tmp_path, billing=BILLING.replace("asyncapi: 2.6.0", "asyncapi: 3.0.0"))
    assert [(each.code, each.hint) for each in found] == [("broken-description", "write asyncapi: 2.6.0")]


def test_a_place_of_the_id_that_the_payload_does_not_have_is_reported_where_it_is_waited_for(tmp_path):
    before, _, after = LOCKERS.rpartition("$message.payload#/id")
    found = _findings(tmp_path, lockers=f"{before}$message.payload#/idd{after}")
    assert [each.code for each in found] == ["no-correlation-place"]
    assert found[0].hint == 'correct its location in the description: did you mean "id"?'


@pytest.mark.parametrize("name", ["message", "topic", "queue", "channel"])
def test_a_field_of_messages_that_steps_do_not_have_stops_a_run(name, tmp_path):
    found = _findings(tmp_path, DOCUMENT.replace("        timeout: 3000\n", f"        {name}: x\n"))
    assert [(each.code, each.severity.value) for each in found] == [("unknown-field", "error")]
    assert "write " in (found[0].hint or "")
