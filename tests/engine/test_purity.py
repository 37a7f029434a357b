"""The interpreter reaches outside only by `World.perform`: what watches it in these suites sees everything else.

The one clock that is left is `time.thread_time`, the CPU time of the own thread: it bounds regular
expressions that need a backtracking engine (some of XPath's, `pattern` in schemas), whose work
cannot be counted. Nothing but "it takes too long" follows from it.
"""

from __future__ import annotations

import datetime
import json
import os
import random
import socket
import time
import uuid
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.engine import interpreter
from arazzo_runner.runtime.scripted import START, ScriptedWorld
from tests.engine.test_files import API
from tests.purity import Outside, ReachedOutside, Stepped


def read_a_file():
    Path(__file__).read_bytes()


def look_for_a_file():
    return os.path.exists(__file__)


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(time.time, id="the time"),
        pytest.param(time.monotonic, id="a clock"),
        pytest.param(time.perf_counter, id="another clock"),
        pytest.param(lambda: time.sleep(0), id="waiting"),
        pytest.param(datetime.datetime.now, id="the time as a datetime"),
        pytest.param(lambda: datetime.datetime.now(datetime.UTC), id="the time in a zone"),
        pytest.param(read_a_file, id="reading a file"),
        pytest.param(lambda: open(os.devnull).close(), id="opening a file"),
        pytest.param(lambda: os.open(os.devnull, os.O_RDONLY), id="opening a descriptor"),
        pytest.param(look_for_a_file, id="looking for a file"),
        pytest.param(os.getcwd, id="the working directory"),
        pytest.param(lambda: os.environ.get("PATH"), id="the environment"),
        pytest.param(lambda: os.environ["PATH"], id="a variable"),
        pytest.param(socket.socket, id="a socket"),
        pytest.param(lambda: socket.getaddrinfo("localhost", 80), id="a name of a host"),
        pytest.param(random.random, id="chance"),
        pytest.param(uuid.uuid4, id="an identifier by chance"),
    ],
)
def test_whatever_reaches_outside_raises(reach):
    async def interpreter():
        reach()

    with pytest.raises(ReachedOutside):
        Stepped(interpreter(), watched=True).__await__().send(None)


def test_a_world_may_do_all_that():
    class Real:
        async def perform(self, effect):
            return time.time()

    async def interpreter():
        return await Outside(Real()).perform(None)

    with pytest.raises(StopIteration) as done:
        Stepped(interpreter(), watched=True).__await__().send(None)
    assert isinstance(done.value.value, float)


def run_one(tmp_path, step, answer, description=API, **files):
    for name, content in {"api": description, **files}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    document = {
        "arazzo": "1.1.0",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json"}],
        "workflows": [{"workflowId": "w", "steps": [{"stepId": "ask", "operationId": "ask", **step}]}],
    }
    program = arazzo_runner.load(document, load_options=LoadOptions(root=str(tmp_path)))
    return arazzo_runner.run(program, world=ScriptedWorld([{"request": "GET /ask", "times": 0, "body": answer}]))


def test_schemas_in_other_files_are_read_before_the_run(tmp_path):
    content = {"application/json": {"schema": {"$ref": "schemas.json#/Pet"}}}
    description = {
        **API,
        "paths": {
            "/ask": {"get": {"operationId": "ask", "responses": {"200": {"description": "", "content": content}}}}
        },
    }
    pet = {"type": "object", "properties": {"name": {"$ref": "names.json"}}}
    result = run_one(tmp_path, {}, {"name": 5}, description, schemas={"Pet": pet}, names={"type": "string"})
    assert [each.code for each in result.steps[0].attempts[0].diagnostics] == ["response-schema"]


def test_runs_of_this_suite_are_watched(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "WorkflowStarted", lambda *arguments: time.time())
    with pytest.raises(ReachedOutside):
        run_one(tmp_path, {}, {})


def test_xpath_gets_the_time_of_the_run(tmp_path):
    moment = datetime.datetime.fromtimestamp(START, datetime.UTC).isoformat()
    condition = f"current-dateTime() eq xs:dateTime('{moment}')"
    criterion = {
        "context": "$response.body",
        "condition": condition,
        "type": {"type": "xpath", "version": "xpath-31"},
    }
    result = run_one(tmp_path, {"successCriteria": [criterion]}, "<a/>")
    assert result.status == "succeeded", result.reason
