"""Messages of channels in every report: what was sent, what came, why not; no secret in any of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from arazzo_runner.engine.messages import ChannelMessage, NoMessage
from arazzo_runner.engine.results import Attempt, MessageExchange, PassedOver, StepResult
from arazzo_runner.report.dry_run import render_requests
from arazzo_runner.report.failure import explained
from arazzo_runner.report.json import run_report
from arazzo_runner.report.messages import message_lines, step_call, step_outcome
from arazzo_runner.report.runs.formats import KINDS, render
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from tests.report.records import TOKEN, place, result

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "run.schema.json").read_text(encoding="utf-8"))
ORDER = ChannelMessage(
    address="orders/place",
    payload=json.dumps({"productId": "p1", "password": "pw1", "was": TOKEN}).encode(),
    headers=(("requestId", "r1"), ("Authorization", f"Bearer {TOKEN}")),
    content_type="application/json",
    key=b"p1",
    native={"qos": 1},
)
EMPTY = ChannelMessage(address="orders/place")
BINARY = ChannelMessage(address="orders/place", payload=b"\xff\x00", key=b"\xff")
LATE = NoMessage(reason="timeout", message="no message came within 6 s", passed_over=3)
REFUSED = NoMessage(reason="refused", message="the broker refused the connection", sent=False)


def exchange(**changes: Any) -> MessageExchange:
    values: dict[str, Any] = {
        "action": "send",
        "source": "orders",
        "protocol": "mqtt",
        "url": f"mqtt://user:{TOKEN}@127.0.0.1:1883",
        "address": "orders/place",
        "message": ORDER,
    }
    return MessageExchange(**{**values, **changes})


def attempt(**changes: Any) -> Attempt:
    return Attempt(number=1, started=1.7e9, duration_ms=31.0, message=exchange(**changes))


LINES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a message that one receiver got": (
        {"receivers": 1},
        ["> send orders/place, mqtt://***@127.0.0.1:1883, application/json, 69 bytes", "< sent, 31 ms, 1 receiver"],
    ),
    "a message of a protocol that does not count": (
        {"message": EMPTY},
        ["> send orders/place, mqtt://***@127.0.0.1:1883", "< sent, 31 ms"],
    ),
    "a message that was refused": (
        {"message": EMPTY, "failure": REFUSED},
        [
            "> send orders/place, mqtt://***@127.0.0.1:1883",
            "< not sent: the broker refused the connection (nothing was sent)",
        ],
    ),
    "a message that came after others": (
        {"action": "receive", "passed_over": 2, "message": BINARY},
        ["< receive orders/place, mqtt://***@127.0.0.1:1883, after 31 ms, 2 bytes, 2 passed over"],
    ),
    "no message in time": (
        {"action": "receive", "message": None, "failure": LATE, "passed_over": 3},
        ["< nothing received from orders/place, mqtt://***@127.0.0.1:1883, after 31 ms, 3 passed over"],
    ),
    "messages that do not meet the criteria": (
        {
            "action": "receive",
            "message": None,
            "failure": LATE,
            "passed_over": 1,
            "retained": 2,
            "looked_at": (PassedOver(message=ORDER, reason=f"$message.payload#/was is {TOKEN}"),),
        },
        ["< nothing received from orders/place, mqtt://***@127.0.0.1:1883, after 31 ms, 1 passed over"],
    ),
    "an address that would write lines of its own": (
        {"action": "receive", "message": None, "failure": LATE, "address": "a\nb\x1b[2J"},
        ["< nothing received from a\\nb\\e[2J, mqtt://***@127.0.0.1:1883, after 31 ms"],
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_a_line_says_what_a_step_did(case: str) -> None:
    changes, expected = LINES[case]
    found = [f"{sign} {line}" for sign, line, _ in message_lines(attempt(**changes), result().secrets)]
    assert found == expected


def test_details_have_key_headers_and_payload_masked() -> None:
    ((_, _, details), _) = message_lines(attempt(), result().secrets)
    assert details == [
        "key: p1", "requestId: r1", "Authorization: Bearer ***", "",
        "{", '  "productId": "p1",', '  "password": "***",', '  "was": "***"', "}",
    ]  # fmt: skip


def ran(**changes: Any) -> StepResult:
    one = attempt(**changes)
    failed = one.message is not None and one.message.failure is not None
    return StepResult(
        step_id="confirm", status="failed" if failed else "passed", attempts=(one,), at=place("/steps/0"),
        reason="no message came within 6 s" if failed else None,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("case", LINES)
def test_every_report_tells_of_it_and_of_no_secret(kind: str, case: str) -> None:
    found = result(steps=(ran(**LINES[case][0]),))
    record = RunRecord(name="rotate", document="flow.yml", workflow_id="rotate", result=found, started=1.7e9)
    text = render(kind, RunsReport(runs=(record,), started=1.7e9, duration_ms=1.0))
    assert TOKEN not in text
    assert "pw1" not in text
    if kind in ("json", "junit", "html"):
        assert "orders/place" in text or "a" in LINES[case][0].get("address", "")


@pytest.mark.parametrize("case", LINES)
def test_json_has_the_documented_shape(case: str) -> None:
    record = run_report(result(steps=(ran(**LINES[case][0]),)))
    jsonschema.validate(json.loads(json.dumps(record)), SCHEMA)
    message = record["steps"][0]["attempts"][0]["message"]
    assert message["server"] == "mqtt://***@127.0.0.1:1883"
    assert (message["error"] is None) == ("failure" not in LINES[case][0])


def test_json_counts_the_messages_that_a_step_left_to_others_and_shows_none() -> None:
    record = run_report(result(steps=(ran(**LINES["messages that do not meet the criteria"][0]),)))
    message = record["steps"][0]["attempts"][0]["message"]
    assert (message["retained"], message["passedOver"], message["message"]) == (2, 1, None)
    assert "productId" not in json.dumps(record)


def test_a_har_file_says_how_many_messages_it_leaves_out() -> None:
    record = RunRecord(
        name="rotate", document="flow.yml", workflow_id="rotate", result=result(steps=(ran(), ran())), started=1.7e9
    )
    log = json.loads(render("har", RunsReport(runs=(record,), started=1.7e9, duration_ms=1.0)))["log"]
    assert log["entries"] == []
    assert log["comment"] == "2 messages of channels left out: HAR is about HTTP"


def test_a_failure_shows_what_came() -> None:
    text = "\n".join(
        explained(ran(action="receive", message=None, failure=LATE, passed_over=3), result().secrets, color=False)
    )
    assert 'error[no-message]: step "confirm" received no message: no message came within 6 s' in text
    assert "< nothing received from orders/place, mqtt://***@127.0.0.1:1883, after 31 ms, 3 passed over" in text


REHEARSED: dict[str, tuple[dict[str, Any], str]] = {
    "a message that would be sent": (
        {"message": ChannelMessage(address="orders/place", payload=b'{"a":1}', headers=(("requestId", "r1"),))},
        '# confirm\nsend orders/place, mqtt://***@127.0.0.1:1883, 7 bytes\n  requestId: r1\n\n  {\n    "a": 1\n  }\n\n',
    ),
    "a message that would be waited for": (
        {"action": "receive", "message": None, "correlation": "r1"},
        "# confirm\nreceive orders/place, mqtt://***@127.0.0.1:1883, correlationId r1\n\n",
    ),
}


@pytest.mark.parametrize("case", REHEARSED)
def test_a_dry_run_shows(case: str) -> None:
    changes, expected = REHEARSED[case]
    assert render_requests(result(steps=(ran(**changes),))) == expected


def test_columns_name_action_and_outcome() -> None:
    secrets = result().secrets
    assert step_call(exchange(), secrets) == "send orders/place"
    assert [step_outcome(exchange(**changes)) for changes, _ in LINES.values()] == [
        "sent", "sent", "refused", "received", "timeout", "timeout", "timeout",
    ]  # fmt: skip
