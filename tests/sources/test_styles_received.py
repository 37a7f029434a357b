"""The style cases once more, over the wire: a real server on loopback must receive exactly what was written."""

from __future__ import annotations

import pytest

from arazzo_runner.engine.effects import HttpRequest, HttpResponse, SendRequest
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.http import BlockingWorld
from arazzo_runner.sources.http_media.styles import UnusableValue, build_url
from tests.loopback import Reply, serving
from tests.sources.test_styles import cases, written


@pytest.fixture(scope="module")
def server():
    with serving(lambda request: Reply(204)) as running:
        yield running


@pytest.fixture(scope="module")
def world():
    with BlockingWorld() as open_world:
        yield open_world


def sent(case, origin):
    """Return (URL, headers, what the server must see) of a case."""
    text = written(case)
    if case["in"] == "path":
        return build_url(origin, "/x{color}/y", {"color": text}, []), (), (f"/x{text}/y", None, None)
    if case["in"] in ("query", "querystring"):
        query = f"?{text}" if text else ""
        return build_url(origin, "/x", {}, [], text), (), (f"/x{query}", None, None)
    if case["in"] == "header":
        return f"{origin}/x", (("X-Color", text),), ("/x", text, None)
    return f"{origin}/x", (("Cookie", text),), ("/x", None, text)


@pytest.mark.parametrize("case", [case for case in cases() if "error" not in case.values[0]])
def test_server_receives_the_encoded_values(case, server, world):
    url, headers, expected = sent(case, server.url)
    request = HttpRequest("GET", url, headers, None)
    answer = drive(world.perform(SendRequest(key="k#1", safe=True, request=request, timeout=5.0)))
    assert isinstance(answer, HttpResponse)
    seen = server.received[-1]
    assert (seen.target, seen.headers["X-Color"], seen.headers["Cookie"]) == expected


def test_nothing_is_sent_for_refused_values():
    for case in cases():
        if "error" in case.values[0]:
            with pytest.raises(UnusableValue):
                sent(case.values[0], "http://127.0.0.1:1")
