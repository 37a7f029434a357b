"""What show, trace and graph say about steps that send and receive messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.golden import assert_golden

ORDERS = str(Path(__file__).parents[2] / "fixtures" / "sources" / "orders.arazzo.yml")


def test_show_says_where_messages_go_and_which_are_awaited(arazzo):
    ran = arazzo("show", ORDERS)
    assert ran.code == 0
    assert_golden("show/messages", ran.out)


def test_show_as_json_has_the_channel_and_what_causes_the_message(arazzo):
    [workflow] = json.loads(arazzo("show", ORDERS, "--format", "json").out)["workflows"]
    place, confirm, _ = workflow["steps"]
    assert (place["calls"], place["action"], place["address"], place["messages"]) == (
        "channel", "send", "orders/place", ["PlaceOrder"],
    )  # fmt: skip
    assert (confirm["address"], confirm["channel"], confirm["operationId"]) == (
        "orders/eu/confirmed", "confirmations", "orderConfirmed",
    )  # fmt: skip
    assert {name: confirm[name] for name in ("correlationId", "correlationPlaces", "timeout", "waitsFrom")} == {
        "correlationId": "$inputs.requestId",
        "correlationPlaces": ["$message.header#/requestId"],
        "timeout": 6,
        "waitsFrom": None,
    }
    assert confirm["comesAfter"] == [{"stepId": "place", "because": "reply"}]


def test_trace_follows_the_correlation_id_and_names_the_step_that_causes_a_message(arazzo):
    ran = arazzo("trace", ORDERS)
    assert ran.code == 0
    assert_golden("trace/messages", ran.out)


@pytest.mark.parametrize("format_", ["text", "mermaid", "dot"])
def test_graph_draws_which_message_causes_which(arazzo, format_):
    ran = arazzo("graph", ORDERS, "--format", format_)
    assert ran.code == 0
    assert_golden(f"graph/messages-{format_}", ran.out)


def test_the_drawing_has_an_edge_from_a_request_to_its_reply(arazzo):
    ran = arazzo("graph", ORDERS, "--format", "svg")
    assert "place → confirm reply" in ran.out
    assert 'class="edge message"' in ran.out


def test_a_password_in_the_url_of_a_broker_is_not_shown(arazzo, folder):
    orders = Path(ORDERS)
    secret = (
        orders.with_name("events.yml")
        .read_text(encoding="utf-8")
        .replace("broker.example", "ada:hunter2hunter2@broker.example")
    )
    (folder / "events.yml").write_text(secret, encoding="utf-8")
    (folder / "flow.yml").write_text(orders.read_text(encoding="utf-8"), encoding="utf-8")
    for command in (("show", "flow.yml"), ("trace", "flow.yml"), ("graph", "flow.yml"), ("validate", "flow.yml")):
        ran = arazzo(*command)
        assert "hunter2" not in ran.out + ran.err
