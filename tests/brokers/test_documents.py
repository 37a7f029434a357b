"""One document on every broker, through the command line and from Python: sent, then received by correlation.

What comes for somebody else is first, the right message second, a duplicate last.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import RunOptions
from tests.brokers.documents import (
    AMQP,
    EVENTS,
    FLOW,
    JETSTREAM,
    KAFKA,
    KINDS,
    MQTT3,
    MQTT5,
    SECURED,
    STREAM,
    WEBSOCKET,
    kinds,
)
from tests.brokers.servers import PASSWORD, USER
from tests.e2e.golden import assert_golden

REPORTS = ("junit", "json", "html", "har", "sarif", "markdown")


@kinds(*KINDS, *SECURED)
def test_run_by_the_command_line(stage, arazzo, kind):
    scene = stage(kind)
    ran = arazzo("run", *scene.arguments)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == scene.outputs
    assert len(scene.shop.seen) == 1


@kinds()
def test_steps_in_parallel(stage, arazzo, kind):
    scene = stage(kind)
    ran = arazzo("run", *scene.arguments, "--parallel", "4")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == scene.outputs


@kinds()
def test_runs_at_the_same_time_on_an_event_loop(stage, kind):
    scene = stage(kind)
    orders = [f"B-{number}" for number in range(4)]

    async def several() -> list[Any]:
        return await asyncio.gather(
            *(run_of(scene, order, parallel=parallel) for order, parallel in zip(orders, (1, 1, 4, 4), strict=True))
        )

    results = asyncio.run(several())
    assert [(result.status, result.reason) for result in results] == [("succeeded", None)] * 4
    assert [result.outputs for result in results] == [scene.outputs] * 4
    assert sorted(json.loads(each.payload)["order"] for each in scene.shop.seen) == orders


def run_of(scene: Any, order: str, **options: Any) -> Any:
    return arazzo_runner.arun(
        scene.document,
        inputs={"orderId": order},
        servers={"shop": scene.url},
        options=RunOptions(**options),
    )


@kinds()
def test_a_recorded_run_is_replayed_without_the_broker(stage, arazzo, kind):
    scene = stage(kind)
    ran = arazzo("run", *scene.arguments, "--record", "cassette.yml")
    assert ran.code == 0, ran.err
    scene.shop.close()
    replayed = arazzo("replay", "cassette.yml")
    assert (replayed.code, json.loads(replayed.out)) == (0, scene.outputs), replayed.err
    changed = arazzo("replay", "cassette.yml", "-i", "orderId=A-8")
    assert changed.code == 1
    assert "A-8" in changed.err
    assert len(scene.shop.seen) == 1


@kinds(MQTT5, MQTT3, JETSTREAM, STREAM, AMQP, KAFKA, WEBSOCKET, EVENTS)
def test_what_is_printed(stage, arazzo, kind):
    scene = stage(kind)
    ran = arazzo("run", *scene.arguments, "-v")
    text = ran.transcript()
    for place, name in zip(scene.places, ("PLACE", "CONFIRMED"), strict=True):
        text = text.replace(place, name)
    assert_golden(f"brokers/{re.sub('[^a-z0-9]+', '-', kind.name.lower())}", text)


@kinds(*SECURED)
@pytest.mark.parametrize("is_in_url", [False, True], ids=["in the environment", "in the URL"])
def test_no_report_has_the_password(stage, arazzo, folder, monkeypatch, kind, is_in_url):
    scene = stage(kind)
    words = scene.arguments
    if is_in_url:
        for name in scene.environment:
            monkeypatch.delenv(name)
        words = [word.replace("://", f"://{USER}:{PASSWORD}@") if word.startswith("shop=") else word for word in words]
    for name in REPORTS:
        words += ["--report", f"{name}={name}.txt"]
    ran = arazzo("run", *words, "-vv", "--record", "cassette.txt")
    assert ran.code == 0, ran.err
    shown = {"out": ran.out, "err": ran.err}
    shown |= {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    assert shown.keys() == {"out", "err", "cassette.txt", *(f"{name}.txt" for name in REPORTS)}
    assert [name for name, text in shown.items() if PASSWORD in text] == []
    for name in ("err", "json.txt", "html.txt"):
        assert scene.places[1] in shown[name]


@pytest.mark.broker
def test_a_document_named_by_an_environment_has_its_broker_there(stage, arazzo, folder):
    scene = stage(MQTT5)
    text = f'[environments.test]\nservers = {{shop = "{scene.url}"}}\ninputs = {{orderId = "A-7"}}\n'
    (folder / "arazzo.toml").write_text(text, encoding="utf-8")
    ran = arazzo("run", FLOW, "--env", "test")
    assert (ran.code, json.loads(ran.out)) == (0, scene.outputs), ran.err
