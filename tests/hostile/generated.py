"""Documents, descriptions and answers that are too large to write down, by the name that a case calls them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

Document = dict[str, Any]


def text_of(document: Document) -> str:
    """Return a document as YAML text."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _with(document: Document, pointer: str, value: Any) -> str:
    *above, last = pointer.split("/")[1:]
    found: Any = document
    for token in above:
        found = found[int(token) if isinstance(found, list) else token]
    found[int(last) if isinstance(found, list) else last] = value
    return text_of(document)


def _step(document: Document, **fields: Any) -> str:
    return _with(document, "/workflows/0/steps/0", {**document["workflows"][0]["steps"][0], **fields})


def _query(document: Document, yaml_text: str) -> str:
    """Return a document that sends a list, written in this very YAML, as a query parameter."""
    text = text_of(document)
    marker = "    - name: petId\n"
    assert marker in text, text
    return text.replace(marker, f"    - {{name: q, in: query, value: {yaml_text}}}\n{marker}", 1)


def _criterion(document: Document, condition: str, kind: Document | str | None = None) -> str:
    criterion = (
        {"condition": condition}
        if kind is None
        else {"context": "$response.body", "condition": condition, "type": kind}
    )
    return _step(document, successCriteria=[criterion])


def _laughs(first: str, each: Callable[[str], str]) -> str:
    lines = [f"x-l0: &l0 {first}"]
    lines += [f"x-l{n}: &l{n} {each(f'*l{n - 1}')}" for n in range(1, 12)]
    return "\n".join(lines) + "\n"


def _nested(depth: int, leaf: Any = 1) -> Any:
    value = leaf
    for _ in range(depth):
        value = {"a": value}
    return value


def _unique(document: Document) -> str:
    properties = document["workflows"][0]["inputs"]["properties"]
    properties["a"] = {"type": "array", "uniqueItems": True, "default": [{"n": n} for n in range(3000)]}
    return text_of(document)


def _allof(document: Document) -> str:
    schema: Any = {"type": "object"}
    for _ in range(90):
        schema = {"allOf": [schema]}
    return _with(document, "/workflows/0/inputs/properties/deep", schema)


def _steps(document: Document) -> str:
    steps = [
        {"stepId": f"s{n}", "operationId": "getPet", "parameters": [{"name": "petId", "in": "path", "value": n}]}
        for n in range(4000)
    ]
    document["workflows"][0].update(steps=steps, outputs={})
    return json.dumps(document)


def _mistakes(document: Document) -> str:
    document["workflows"][0].update(
        steps=[{"stepId": f"s{n}", "operationId": f"nope{n}"} for n in range(2000)], outputs={}
    )
    return text_of(document)


def _pattern(document: Document, pattern: str) -> str:
    criterion = {"context": "$response.body#/name", "condition": pattern, "type": "regex"}
    return _step(document, successCriteria=[criterion])


def _patterns(document: Document) -> str:
    criteria = [
        {"context": "$response.body#/name", "condition": f"\\p{{L}}{{1000}}{n}", "type": "regex"} for n in range(3000)
    ]
    return _step(document, successCriteria=criteria)


def _text(document: Document, text: str) -> str:
    document["workflows"][0]["inputs"]["properties"]["a"] = {"type": "string"}
    parameters = [*document["workflows"][0]["steps"][0]["parameters"], {"name": "q", "in": "query", "value": text}]
    return _step(document, parameters=parameters)


_COLLIDING = 2**61 - 1  # Python hashes its multiples alike


DOCUMENTS: dict[str, Callable[[Document], str]] = {
    "yaml-words": lambda document: _query(document, "[on, off, yes, no, y, n]"),
    "yaml-numbers": lambda document: _query(document, "['010', 10, '0x10', 0x10, '1_000', 1000, 12:30, '0o17', '1e3']"),
    "yaml-date": lambda document: _query(document, "2001-01-01"),
    "yaml-inf": lambda document: _query(document, "[.inf, .nan]"),
    "long-number": lambda document: text_of(document) + "x-n: " + "9" * 5000 + "\n",
    "huge-float": lambda document: text_of(document) + "x-n: 1e999999\n",
    "long-text": lambda document: text_of(document) + "x-a: " + "a" * 5_000_000,
    "long-key": lambda document: text_of(document) + "x-" + "a" * 1_000_000 + ": 1\n",
    "laughs": lambda document: text_of(document) + _laughs("[a, a, a, a, a, a, a, a, a]", lambda name: f"[{', '.join([name] * 9)}]"),
    "map-laughs": lambda document: text_of(document) + _laughs("{a: b}", lambda name: "{" + ", ".join(f"k{n}: {name}" for n in range(9)) + "}"),
    "self-alias": lambda document: text_of(document) + "x-a: &a [*a]\n",
    "brackets": lambda document: text_of(document) + "x-a: " + "[" * 100_000 + "\n",
    "json-brackets": lambda document: '{"a":' * 100_000,
    "indents": lambda document: text_of(document) + "".join(" " * n + "x-a:\n" for n in range(5000)),
    "payload-90": lambda document: _step(document, operationId="changePet", requestBody={"contentType": "application/json", "payload": _nested(85)}),
    "large": lambda document: text_of(document) + "x-a: |\n" + (" " + "a" * 99 + "\n") * 250_000,
    "anchors": lambda document: text_of(document) + "x-a:\n" + "".join(f"- &a{n} {n}\n" for n in range(200_000)),
    "many-steps": _steps,
    "many-mistakes": _mistakes,
    "long-line": lambda document: text_of(document) + "info: {title: '" + "a" * 2_000_000 + "'}\n",
    "many-keys": lambda document: text_of(document) + "x-a:\n" + "  k: 1\n" * 30_000,
    "allof": _allof,
    "unique": _unique,
    "regex-groups": lambda document: _step(document, successCriteria=[{"context": "$response.body#/name", "condition": "(" * 5000 + "a" + ")" * 5000, "type": "regex"}]),
    "jsonpath-deep": lambda document: _criterion(document, "$[?" + "(" * 2000 + "@.a" + ")" * 2000 + "]", "jsonpath"),
    "xpath-deep": lambda document: _criterion(document, "(" * 5000 + "1" + ")" * 5000, "xpath"),
    "xpath-digits": lambda document: _criterion(document, "9" * 5000 + " > 1", "xpath"),
    "xpath-fraction": lambda document: _criterion(document, "0." + "1" * 60_000 + " > 1", "xpath"),
    "xpath-combining": lambda document: _criterion(document, "normalize-unicode('" + "\u0301" * 20_000 + "\u0323" * 20_000 + "') = ''", "xpath"),
    "xpath1-deep": lambda document: _criterion(document, "(" * 5000 + "1" + ")" * 5000, {"type": "xpath", "version": "xpath-10"}),
    "condition-deep": lambda document: _criterion(document, "(" * 5000 + "true" + ")" * 5000),
    "condition-long": lambda document: _criterion(document, "'" + "a" * 70_000 + "' == 'a'"),
    "condition-wide": lambda document: _criterion(document, " && ".join(["$statusCode == 200"] * 2500)),
    "condition-nots": lambda document: _criterion(document, "!" * 60_000 + "true"),
    "wait-digits": lambda document: _step(document, onFailure=[{"name": "a", "type": "retry", "retryAfter": 10**400}]),
    "timeout-digits": lambda document: _step(document, timeout=10**400),
    "patterns-nested": lambda document: _pattern(document, "(" * 20_000 + "a" + ")" * 20_000),
    "patterns-named": lambda document: _pattern(document, "".join(f"(?<n{n}>x)?" for n in range(5_000))),
    "patterns-dots": lambda document: _pattern(document, "." * 65_000),
    "patterns-literal": lambda document: _pattern(document, "(?=a)" + "b" * 6_000),
    "patterns-caseless": lambda document: _pattern(document, "(?i:(?=a)" + "k" * 6_000 + ")"),
    "patterns-counted": lambda document: _pattern(document, "(?:\\p{L}{1,900}|\\d){1,900}" * 50),
    "patterns-many": _patterns,
    "patterns-empty-rounds": lambda document: _pattern(document, "(?:|" * 50 + "a" + ")+" * 50),
    "patterns-digits": lambda document: _pattern(document, "a{" + "9" * 60_000 + "}"),
    "condition-digits": lambda document: _criterion(document, "9" * 60_000 + " == 1"),
    "condition-comparisons": lambda document: _criterion(document, " && ".join(["$response.body#/a == $response.body#/b"] * 1_500)),
    "condition-long-texts": lambda document: _criterion(document, " || ".join(["$response.body#/s < $response.body#/t"] * 1_500)),
    "condition-numbers": lambda document: _criterion(document, " || ".join(["$response.body#/digits < 1"] * 2_000)),
    "text-brackets": lambda document: _text(document, "x $inputs.a" + "[0]" * 30_000 + "["),
    "text-roots": lambda document: _text(document, "{$" * 500_000),
    "text-names": lambda document: _text(document, "x " + "$inputs.a~/" * 30_000),
    "text-multiplies": lambda document: _with(document, "/workflows/0/steps/0/outputs/many", "{$response.body#/s}" * 50_000),
    "pointer-long": lambda document: _step(document, outputs={"name": "$response.body#" + "/a" * 100_000}),
}  # fmt: skip


def _api_laughs(api: Document) -> str:
    return text_of(api) + _laughs("[a, a, a, a, a, a, a, a, a]", lambda name: f"[{', '.join([name] * 9)}]")


def _ref_chain(api: Document) -> str:
    parameters: Document = {f"p{n}": {"$ref": f"#/components/parameters/p{n + 1}"} for n in range(10_000)}
    parameters["p10000"] = api["paths"]["/pets/{petId}"]["parameters"][0]
    api["paths"]["/pets/{petId}"]["parameters"][0] = {"$ref": "#/components/parameters/p0"}
    return json.dumps({**api, "components": {"parameters": parameters}})


APIS: dict[str, Callable[[Document], str]] = {
    "api-laughs": _api_laughs,
    "api-deep": lambda api: json.dumps(api)[:-1] + ', "x-a": ' + "[" * 5000 + "]" * 5000 + "}",
    "ref-chain": _ref_chain,
}


def _xml(body: str) -> Document:
    return {"headers": {"Content-Type": "application/xml"}, "body": body}


def random_text(size: int, seed: int = 0) -> str:
    """Return letters, digits and what base64 has besides, always the same."""
    return base64.b64encode(random.Random(seed).randbytes(size))[:size].decode()


ANSWERS: dict[str, Callable[[], Document]] = {
    "wide": lambda: {"body": [[[[n] * 8] * 8] * 8 for n in range(40)]},
    "xml-wide": lambda: _xml("<a>" + "<b><c><d/><d/></c><c><d/><d/></c></b>" * 300 + "</a>"),
    "xml-deep": lambda: _xml("<a>" * 100_000 + "</a>" * 100_000),
    "xml-laughs": lambda: _xml("<!DOCTYPE a [<!ENTITY l0 'lol'>" + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10)) + "]><a>&l9;</a>"),
    "json-deep": lambda: {"headers": {"Content-Type": "application/json"}, "body": "[" * 100_000 + "]" * 100_000},
    "json-number": lambda: {"headers": {"Content-Type": "application/json"}, "body": '{"name": ' + "9" * 10_000 + "}"},
    "cookies": lambda: {"headers": [("Set-Cookie", f"c{n}={'v' * 10}") for n in range(90)], "body": {"name": "Rex"}},
    "two-wide": lambda: {"body": {"a": list(range(60_000)), "b": list(range(60_000))}},
    "two-long": lambda: {"body": {"s": "\u00df" * 500_000, "t": "ss" * 500_000, "digits": "9" * 1_000_000}},
    "ambiguous": lambda: {"body": {"name": "ab" * 500_000 + "b" * 1_000}},
    "infinite": lambda: {"body": '{"name": 1e999}'},
    "colliding": lambda: {"body": {"name": "Rex", "tags": [n * _COLLIDING for n in range(30_000)]}},
    "empties": lambda: {"body": {"name": "Rex", "tags": [{} for _ in range(5_000)]}},
    "mappings": lambda: {"body": {"name": "Rex", "tags": [{"n": n} for n in range(20_000)]}},
    "backtracking-names": lambda: {"body": {"name": "Rex", "tags": {"a" * 40 + f"!{n}": 1 for n in range(100)}}},
    "large-object": lambda: {"body": {"name": "Rex", "tags": ["x" * 100] * 50_000}},
    "patterns": lambda: {"body": ["\\p{L}" * 400 + f"{{1,{n}}}" for n in range(400)]},
    "bytes": lambda: {"headers": {"Content-Type": "text/plain"}, "body": bytes(range(256)).decode("latin-1")},
    "slashes": lambda: {"body": {"token": "aaaa" + "/" * 300_000, "name": "aaaa" + "/" * 300_000}},
    "a token of megabytes": lambda: {"body": {"access_token": random_text(9_000_000)}},
    "two thousand tokens": lambda: {"body": [{"id": n, "apiToken": random_text(32, n)} for n in range(2000)]},
    "lines of base64": lambda: {"status": 500, "headers": {"Content-Type": "text/plain"}, "body": base64.encodebytes(b"canary-5ecret/token " * 40_000).decode()},
    "tokens that are alike": lambda: {"body": {"tokens": [{"apiToken": "a" * n} for n in range(300, 400)], "name": "a" * 1_000_000}},
    "escapes of every kind": lambda: {"status": 500, "headers": {"Content-Type": "text/plain"}, "body": "\\/%41&lt;\\u0041&#65;abc" * 90_000},
    "large": lambda: {"status": 500, "headers": {"Content-Type": "text/plain"}, "body": "a b " * 2_300_000},
}  # fmt: skip
