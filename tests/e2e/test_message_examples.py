"""The examples of specs/ that send and receive messages: each runs against the mock as docs/examples.md shows."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.e2e.conftest import Arazzo

ROOT = Path(__file__).parents[2]
WATER = "-i bed=tomatoes -i litres=40"
RENT = "-i booking=b-1 -i model=trekking"
BID = "-i lot=12 -i bidder=ada -i amount=200"

# Document, arguments, exit code, outputs, messages: what was sent, and what each step got or why not.
MESSAGES = [
    pytest.param(
        "confirm-by-message", WATER, 0, {"job": "j-31", "litres": 40}, ["receive beds/tomatoes/watered j-31"],
        id="a confirmation by message, as described",
    ),
    pytest.param(
        "confirm-by-message", f"{WATER} --scenario specs/scenarios/confirm-by-message.yml", 0,
        {"job": "j-101", "litres": 40}, ["receive beds/tomatoes/watered j-101, 1 passed over"],
        id="somebody else's confirmation first",
    ),
    pytest.param(
        "confirm-by-message", f"{WATER} --scenario specs/scenarios/confirm-by-message.yml --switch stuck", 1, None,
        ["receive beds/tomatoes/watered j-99"], id="a confirmation that tells of a failure",
    ),
    pytest.param(
        "ask-and-get-a-reply", "-i from=Basel -i to=Lugano -i kilograms=120", 0, {"quote": "q-12", "price": 180.5},
        ["send freight.quotes", "receive answers-1"], id="a reply to an address of the run",
    ),
    pytest.param(
        "join-two-messages", RENT, 0, {"bicycle": "red-14", "paid": 96},
        ["send rental.bookings", "receive rental.payments b-1", "receive rental.bicycles b-1", "send rental.handovers"],
        id="two messages are joined",
    ),
    pytest.param(
        "join-two-messages", f"{RENT} --scenario specs/scenarios/join-two-messages.yml", 0,
        {"bicycle": "blue-3", "paid": 64},
        ["send rental.bookings", "receive rental.payments b-1, 1 passed over", "receive rental.bicycles b-1",
         "send rental.handovers"],
        id="two messages in the other order",
    ),
    pytest.param(
        "join-two-messages", f"{RENT} --scenario specs/scenarios/join-two-messages.yml --parallel", 0,
        {"bicycle": "blue-3", "paid": 64},
        ["send rental.bookings", "receive rental.payments b-1, 1 passed over", "receive rental.bicycles b-1",
         "send rental.handovers"],
        id="two messages that are waited for at the same time",
    ),
    pytest.param(
        "join-two-messages", f"{RENT} --scenario specs/scenarios/join-two-messages.yml --switch no-payment", 1, None,
        ["send rental.bookings", "timeout on rental.payments"], id="one of two messages does not come",
    ),
    pytest.param(
        "talk-over-a-websocket", f"{BID} --scenario specs/scenarios/talk-over-a-websocket.yml", 0,
        {"price": 180, "accepted": True}, ["receive /lots/12", "send /lots/12", "receive /lots/12, 1 passed over"],
        id="a conversation",
    ),
    pytest.param(
        "wait-for-a-webhook", "-i reference=r-1 -i text='Good day'", 0, {"text": "Guten Tag"},
        ["send /orders", "receive deliveries-1 r-1"], id="a webhook",
    ),
    pytest.param(
        "listen-to-an-exchange", "-i number=p-5 -i postcode=8001", 0, {"lane": 8},
        ["send parcel.scanned", "receive parcel.p-5.sorted p-5"], id="a command and its event",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "code", "outputs", "messages"), MESSAGES)
def test_an_example_shows_its_idea(
    name: str,
    arguments: str,
    code: int,
    outputs: dict[str, Any] | None,
    messages: list[str],
    arazzo: Arazzo,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    ran = arazzo("run", f"specs/arazzo/{name}.yml", "--mock", "--format", "json", *shlex.split(arguments))
    report = json.loads(ran.out)
    assert ran.code == code, ran.out + ran.err
    assert outputs is None or report["outputs"] == outputs
    attempts = [attempt for step in report["steps"] for attempt in step["attempts"]]
    assert [line_of(each["message"]) for each in attempts if "message" in each] == messages


def line_of(found: dict[str, Any]) -> str:
    """Return what happened to a message in a line."""
    what = found["action"] if found["error"] is None else f"{found['error']['reason']} on"
    passed_over = f", {found['passedOver']} passed over" if found["passedOver"] else ""
    wanted = f" {found['correlationId']}" if found["correlationId"] and found["error"] is None else ""
    return f"{what} {found['address']}{wanted}{passed_over}"


DESCRIPTIONS = sorted((ROOT / "specs" / "asyncapi").iterdir())


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_the_examples_of_a_description_match_their_schemas(path: Path) -> None:
    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    messages = described["components"]["messages"].values()
    examples = [(message, example) for message in messages for example in message.get("examples", ())]
    assert examples
    for message, example in examples:
        jsonschema.Draft202012Validator(message["payload"]).validate(example["payload"])


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_every_description_is_used(path: Path) -> None:
    documents = "".join((ROOT / "specs" / "arazzo" / f"{row.values[0]}.yml").read_text("utf-8") for row in MESSAGES)
    assert f"../asyncapi/{path.name}" in documents
