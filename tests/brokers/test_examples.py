"""The examples of specs/ that send and receive messages, each on a real broker or server, with somebody who answers."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner.cli.main import run
from tests.brokers.applications import (
    auction_room,
    freight_office,
    greenhouse,
    rental,
    sorting_centre,
    translation_office,
)
from tests.brokers.servers import PASSWORD, USER

SPECS = Path(__file__).parents[2] / "specs" / "arazzo"
ANSWERED = [
    pytest.param(
        "confirm-by-message", "mosquitto", greenhouse, {"bed": "tomatoes", "litres": 40}, {"job": "j-2", "litres": 40},
        id="a confirmation over MQTT",
    ),
    pytest.param(
        "ask-and-get-a-reply", "nats_server", freight_office, {"from": "Basel", "to": "Lugano", "kilograms": 120},
        {"quote": "q-1", "price": 240}, id="request and reply over NATS",
    ),
    pytest.param(
        "talk-over-a-websocket", None, auction_room, {"lot": "12", "bidder": "ada", "amount": 200},
        {"price": 150, "accepted": True}, id="a conversation over a WebSocket",
    ),
    pytest.param(
        "wait-for-a-webhook", None, translation_office, {"reference": "r-1", "text": "Good day"}, {"text": "GOOD DAY"},
        id="a webhook",
    ),
    pytest.param(
        "listen-to-an-exchange", "rabbitmq", sorting_centre, {"number": "p-5", "postcode": "8001"}, {"lane": 8},
        id="a command and its event over AMQP",
    ),
]  # fmt: skip


def outputs_of(
    name: str, inputs: dict[str, Any], answering: AbstractContextManager[dict[str, str]], capsys: Any
) -> Any:
    """Return the outputs of an example while an application answers."""
    words = [f"{SPECS / name}.yml", "--format", "json"]
    for key, value in inputs.items():
        words += ["-i", f"{key}={value}"]
    with answering as servers:
        for key, url in servers.items():
            words += ["--server", f"{key}={url}"]
        code = run(["run", *words])
    captured = capsys.readouterr()
    assert code == 0, captured.out + captured.err
    report = json.loads(captured.out)
    assert report["diagnostics"] == []
    return report["outputs"]


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The login that the broker of AMQP wants, and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("ARAZZO_AUTH_SORTING_LOGIN_USER", USER)
    monkeypatch.setenv("ARAZZO_AUTH_SORTING_LOGIN_PASSWORD", PASSWORD)


@pytest.mark.parametrize(("name", "broker", "application", "inputs", "outputs"), ANSWERED)
@pytest.mark.broker
def test_an_example_is_answered(name, broker, application, inputs, outputs, request, capsys):
    server = None if broker is None else request.getfixturevalue(broker)
    assert outputs_of(name, inputs, application(server), capsys) == outputs


def test_two_messages_are_joined_over_kafka(kafka_server, capsys):
    found: dict[str, Any] = {}
    inputs = {"booking": "b-1", "model": "trekking"}
    outputs = outputs_of("join-two-messages", inputs, rental(kafka_server, found), capsys)
    assert outputs == {"bicycle": "red-14", "paid": 64}
    assert found["rental.bookings"].key == b"b-1"
