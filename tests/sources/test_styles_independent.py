"""The style tables once more, by an independent client (aiopenapi3) and an independent reader (openapi-core).

Every style × explode × shape of OpenAPI §Style Examples is sent by both clients to a real server, which must receive the same;
and read back by openapi-core from what ours wrote. Known errors of a library are in the table.
"""

from urllib.parse import unquote, unquote_plus

import httpx2
import pytest
from openapi_core import OpenAPI as Contract
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from arazzo_runner.engine.effects import HttpRequest, SendRequest
from arazzo_runner.engine.run import drive
from arazzo_runner.sources.bundle import HOST
from tests.sources.test_styles import written
from tests.sources.test_styles_received import sent, server, world

aiopenapi3 = pytest.importorskip("aiopenapi3")
__all__ = ["server", "world"]

STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
SHAPES = {
    "string": ({"type": "string"}, "blue"),
    "array": ({"type": "array", "items": {"type": "string"}}, ["blue", "black", "brown"]),
    "object": (
        {"type": "object", "properties": {name: {"type": "integer"} for name in "RGB"}},
        {"R": 100, "G": 200, "B": 150},
    ),
}
# §Style Examples has n/a there: nobody says what it should be.
UNDEFINED = {
    ("spaceDelimited", "string"), ("pipeDelimited", "string"), ("deepObject", "string"), ("deepObject", "array"),
    *((style, True, shape) for style in ("spaceDelimited", "pipeDelimited") for shape in SHAPES),
    ("deepObject", False, "object"),
}  # fmt: skip
# aiopenapi3 0.11 writes these otherwise: label by the table of OpenAPI 3.0.3 (dots, not the commas of RFC 6570), members
# without `=` where they are exploded, no deepObject, no cookies but plain ones.
AIOPENAPI3_DIFFERS = {
    "path label array", "path label object", "path matrix exploded object", "header simple exploded object", "cookie form exploded array", "cookie form exploded object",
}  # fmt: skip
# openapi-core 0.23 does not read label and matrix, nor what is exploded into names of its own.
OPENAPI_CORE_DIFFERS = {
    *(f"path {style} {explode}{shape}" for style in ("label", "matrix") for explode in ("", "exploded ") for shape in SHAPES),
    "query form exploded object", "query spaceDelimited array", "query spaceDelimited object", "cookie form exploded object",
}  # fmt: skip


def combinations():
    for place, styles in STYLES.items():
        for style in styles:
            for explode in (False, True):
                for shape in SHAPES:
                    if (style, shape) not in UNDEFINED and (style, explode, shape) not in UNDEFINED:
                        name = name_of(place, style, explode, shape)
                        yield pytest.param(place, style, explode, shape, id=name)


def name_of(place, style, explode, shape):
    return f"{place} {style} {'exploded ' if explode else ''}{shape}"


def test_only_where_both_are_wrong_there_is_no_witness():
    assert sorted(AIOPENAPI3_DIFFERS & OPENAPI_CORE_DIFFERS) == [
        "cookie form exploded object", "path label array", "path label object", "path matrix exploded object",
    ]  # fmt: skip


def case_of(place, style, explode, shape):
    return {"in": place, "style": style, "explode": explode, "value": SHAPES[shape][1]}


def description(origin, place, style, explode, shape):
    name = "X-Color" if place == "header" else "color"
    parameter = {
        "name": name,
        "in": place,
        "required": True,
        "style": style,
        "explode": explode,
        "schema": SHAPES[shape][0],
    }
    path = "/x{color}/y" if place == "path" else "/x"
    operation = {"operationId": "op", "parameters": [parameter], "responses": {"204": {"description": "ok"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": origin}],
        "paths": {path: {"get": operation}},
    }


@pytest.mark.parametrize(("place", "style", "explode", "shape"), list(combinations()))
def test_aiopenapi3_sends_the_same(place, style, explode, shape, server, world):
    origin = server.url
    url, headers, _ = sent(case_of(place, style, explode, shape), origin)
    drive(world.perform(SendRequest(key="k#1", safe=True, request=HttpRequest("GET", url, headers, None), timeout=5.0)))
    ours = decoded(server.received[-1])
    document = description(origin, place, style, explode, shape)
    client = aiopenapi3.OpenAPI(f"{origin}/openapi.json", document, session_factory=httpx2.Client)
    name = "X-Color" if place == "header" else "color"
    server.received.clear()
    try:
        client._.op(parameters={name: SHAPES[shape][1]})
        theirs = decoded(server.received[-1])
    except Exception as problem:  # whatever a library does where it is wrong
        theirs = repr(problem)
    assert (theirs == ours) == (name_of(place, style, explode, shape) not in AIOPENAPI3_DIFFERS), (ours, theirs)


def decoded(request):
    """Return what a server received without its encoding: `,` or `%2C`, `+` or `%20` are the same to it."""
    return unquote_plus(request.target), request.headers["X-Color"], request.headers["Cookie"]


def read_back(place, style, explode, shape):
    """Return what openapi-core reads from what we wrote."""
    text = written(case_of(place, style, explode, shape))
    pairs = [pair.partition("=")[::2] for pair in text.split("&")] if place == "query" else []
    parameters = RequestParameters(
        query=ImmutableMultiDict([(unquote(name), unquote(value)) for name, value in pairs]),
        header=Headers([("X-Color", text)] if place == "header" else []),
        cookie=ImmutableMultiDict([pair.partition("=")[::2] for pair in text.split("; ")] if place == "cookie" else []),
        path={"color": unquote(text)} if place == "path" else {},
    )
    document = description(HOST, place, style, explode, shape)
    path = next(iter(document["paths"]))

    class Request:
        host_url, method, content_type, body = HOST, "get", "", None

    Request.path = path.replace("{color}", text)
    Request.parameters = parameters
    found = Contract.from_dict(document).unmarshal_request(Request())
    if found.errors:
        return repr(found.errors[0])
    values = getattr(found.parameters, place)
    return values["X-Color" if place == "header" else "color"]


@pytest.mark.parametrize(("place", "style", "explode", "shape"), list(combinations()))
def test_openapi_core_reads_it_back(place, style, explode, shape):
    try:
        found = read_back(place, style, explode, shape)
    except Exception as problem:
        found = repr(problem)
    if not isinstance(found, (str, list, dict)):
        found = vars(found)
    same = found == SHAPES[shape][1]
    assert same == (name_of(place, style, explode, shape) not in OPENAPI_CORE_DIFFERS), found
