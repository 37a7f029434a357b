"""Documents about messages from outside: the examples of the Specification, and those of one of its editors.

They are read where they lie; what is mended in them, and why, is listed here.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.lint.rules.catalogue import checks

SHARED = Path(__file__).parents[3] / "shared"
SPECIFICATION = SHARED / "spec" / "arazzo-1.1.0.md"
PETS = SHARED / "cases" / "messages" / "pet-asyncapi.yaml"
EXAMPLES = SHARED / "corpus" / "frankkilcommins__arazzo-examples" / "v1.1.0-prep" / "async-api-examples"
PETSTORE = """\
openapi: 3.0.4
info: {title: Pet store, version: "1"}
servers: [{url: "https://pets.test"}]
paths:
  /user/login:
    get:
      operationId: loginUser
      parameters:
        - {name: username, in: query, schema: {type: string}}
        - {name: password, in: query, schema: {type: string}}
      responses:
        "200":
          description: in
          headers: {X-Rate-Limit: {schema: {type: integer}}, X-Expires-After: {schema: {type: string}}}
          content: {application/json: {schema: {type: string}}}
  /pet/findByStatus:
    get:
      operationId: findPetsByStatus
      parameters: [{name: status, in: query, schema: {type: string}}]
      responses:
        "200":
          description: pets
          content: {application/json: {schema: {type: array, items: {type: object, properties: {id: {type: integer}}}}}}
"""
ORDERS = """\
asyncapi: 3.0.0
info: {title: Orders, version: "1"}
servers: {broker: {host: broker.test, protocol: amqps}}
channels:
  place:
    address: orders
    messages:
      Order:
        correlationId: {location: $message.header#/requestId}
        headers: {type: object, required: [requestId], properties: {requestId: {type: string}}}
        payload: {type: object, required: [productId], properties: {productId: {type: integer}, quantity: {type: integer}}}
  confirm:
    address: confirmed
    messages:
      Confirmed:
        correlationId: {location: $message.header#/requestId}
        payload: {type: object, properties: {orderId: {type: integer}}}
operations:
  placeOrder: {action: receive, channel: {$ref: '#/channels/place'}}
  confirmOrder: {action: send, channel: {$ref: '#/channels/confirm'}}
"""
FRAME = """\
arazzo: 1.1.0
info: {title: The example of a step, version: "1"}
sourceDescriptions: [{name: asyncOrderApi, url: ./orders.yml, type: asyncapi}]
workflows:
- workflowId: order
  inputs:
    type: object
    properties:
      correlationId: {type: string}
      productDetails: {type: object, properties: {productId: {type: integer}, quantity: {type: integer}}}
  steps:
"""

# What is wrong in the example of the whole document.
SPELLING = ("$sourceDescriptions.petstoreDescription", "$sourceDescriptions.petStoreDescription")
"""Names of sources are case-sensitive, and the source is called petStoreDescription."""
REPLY = (
    "operationPath: $sourceDescriptions.asyncOrderApiDescription.confirmOrder",
    "operationId: $sourceDescriptions.asyncOrderApiDescription.placeOrder",
)
"""The description has no operation confirmOrder: the channel has the replies of placeOrder."""
FORM = (
    "operationPath: $sourceDescriptions.asyncOrderApiDescription.placeOrder",
    "operationId: $sourceDescriptions.asyncOrderApiDescription.placeOrder",
)
"""The JSON Schema knows no operationPath beside an action."""
HEADER = ("- name: orderCorrelationId\n      in: header", "- name: orderRequestId\n      in: header")
"""The header that the description requires, and that the reply is found by, is orderRequestId."""
POINTER = ("$message.payload.orderId", "$message.payload#/orderId")
"""The grammar has no dots after payload."""
INPUTS = [(f"productDetails.{name}", f"productDetails#/{name}") for name in ("productId", "quantity")]
"""Nor has it dots after the name of an input."""

here = pytest.mark.skipif(not SPECIFICATION.is_file() or not PETS.is_file(), reason="the Specification is not here")


def example(first_line):
    """Return the longest example of the Specification that begins with a line."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", SPECIFICATION.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return max((block for block in blocks if block.startswith(first_line)), key=len)


def findings(folder, text, **options):
    path = folder / "example.arazzo.yml"
    path.write_text(text, encoding="utf-8")
    found = arazzo_runner.validate(path, load_options=LoadOptions(root=str(folder), **options))
    return sorted(f"{each.severity.value} {each.code}" for each in found)


@here
@pytest.mark.parametrize(
    ("mended", "expected"),
    [
        pytest.param(
            [],
            ["error unknown-message-operation", "error unknown-source", "error unknown-source", "warning message-operation-path",
             "warning missing-message-header", "warning property-step", "warning unused-source"],
            id="as it stands",
        ),
        pytest.param(
            [SPELLING, REPLY],
            ["warning message-operation-path", "warning missing-message-header", "warning property-step"],
            id="with names that exist it has no error: an operationPath is understood",
        ),
        pytest.param([SPELLING, REPLY, FORM, HEADER, POINTER], [], id="with the header and forms of the Schema and the grammar"),
    ],
)  # fmt: skip
def test_the_example_of_a_document(tmp_path, mended, expected):
    text = example("arazzo: 1.1.0\n")
    for wrong, right in mended:
        assert wrong in text
        text = text.replace(wrong, right)
    (tmp_path / "pets.yml").write_text(PETSTORE, encoding="utf-8")
    (tmp_path / "events.yml").write_bytes(PETS.read_bytes())
    sources = {
        "petStoreDescription": str(tmp_path / "pets.yml"),
        "asyncOrderApiDescription": str(tmp_path / "events.yml"),
    }
    assert findings(tmp_path, text, sources=sources) == expected


@here
@pytest.mark.parametrize(
    ("mended", "expected"),
    [
        pytest.param([], ["warning property-step"] * 3, id="as it stands"),
        pytest.param([POINTER, *INPUTS], [], id="with a pointer as the grammar has it"),
    ],
)
def test_the_example_of_steps(tmp_path, mended, expected):
    (tmp_path / "orders.yml").write_text(ORDERS, encoding="utf-8")
    steps = example("- stepId: placeOrder\n")
    for wrong, right in mended:
        steps = steps.replace(wrong, right)
    text = FRAME + "".join(f"  {line}\n" for line in steps.splitlines())
    assert findings(tmp_path, text) == expected


# Findings about messages, each read by hand: no message says where its correlation id is; an event stream and a
# webhook are described with OpenAPI; the address of the events of a build has a variable that nothing gives a value.
KNOWN = {
    "amqp/support-ticket-workflow.amqp1.arazzo.yaml": ["no-correlation-place"] * 2,
    "amqp/support-ticket-workflow.arazzo.yaml": ["no-correlation-place"] * 2,
    "http-webhooks/document-asyncapi-webhook.arazzo.yaml": [],
    "http-webhooks/document-openapi-webhook.arazzo.yaml": ["message-source-kind", "no-correlation-place"],
    "mqtt/device-configure-mqtt.arazzo.yaml": ["no-correlation-place"],
    "mqtt/device-configure-mqtt5.arazzo.yaml": ["no-correlation-place"],
    "sse/build-notify-workflow.arazzo.yaml": ["no-correlation-place", "open-address-parameter"],
    "sse/build-sse-openapi.arazzo.yaml": ["message-source-kind"],
}


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize("name", KNOWN)
def test_what_is_found_about_messages_in_the_examples_of_an_editor_is_true(name):
    about_messages = {each.code for each in checks() if each.group == "asyncapi"} - {"unknown-message-operation"}
    path = EXAMPLES / name
    found = arazzo_runner.validate(path, load_options=LoadOptions(root=str(EXAMPLES)))
    assert Counter(each.code for each in found if each.code in about_messages) == Counter(KNOWN[name])
