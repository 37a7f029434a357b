"""Collections at random, of texts and scripts that are easily misunderstood."""

from __future__ import annotations

import json
from random import Random
from typing import Any

SECRETS = ("s3cr3t-of-a-variable", "hunter2-of-a-script")
_TEXTS = [
    *["plain", "", "yes", "12", "é", "a\nb", "'x'", '"q"', "#c", "<b>x</b>", "a/b", "%7B", "..", "{id}", "http://x"],
    *["$", "$$", "{$", "$5.00", "${x}", "a$b", "$inputs", "$inputs.foo", " $inputs.a", "{$steps.x.outputs.y}"],
    *["$statusCode", "$response.body#/x", "$message.payload", "$url == 1", "{$inputs.zz", "$self", "$inputs.a.b"],
    *["$workflows.a.outputs.b", "$components.parameters.x", "$sourceDescriptions.x.url"],
    *["{{a}}", "{{ a b }}", "x {{a}} y", "{{{a}}}", "{{a}}{{n}}", "{{nope}}", "{{n}}", "{{password}}"],
    *["{{$guid}}", "{{$timestamp}}"],
]
_NAMES = ["a", "id", "X-Key", "token", "password", "a b", "é", "$set", "$inputs.a", "q[]", "{{a}}", "path", "filename"]
_BASES = ["https://a.example.com", "{{baseUrl}}", "http://{{host}}/x", "{{nope}}", "a.example.com:80", "{{a}}"]
_SEGMENTS = ["users", ":id", "{{a}}", "x-{{n}}.json", ":id", "{{nope}}", "", " sp ace", "a{b}", "$x", ":user-id"]
_BODIES = ['{"a": {{n}}, "b": "{{a}}"}', "{broken {{a}}", "[{{n}}]", "{{n}}", '"{{a}}"', "<x a='{{a}}'>{{n}}</x>"]
_QUERIES = ["query($id: ID!) { u(id: $id) { id } }", '{ a(x: "{{a}}") { b } }', *_TEXTS]
_SCRIPTS = [
    'pm.environment.set("a", pm.response.json().x.y);',
    'pm.environment.set("token", pm.response.json().token);',
    'pm.globals.set("n", pm.response.json().items[1].id)',
    'pm.environment.set("h", pm.response.headers.get("X-H"))',
    'pm.environment.set("a", pm.response.text())',
    'pm.environment.set("a", `x ${pm.response.json().id} y`)',
    'pm.variables.set("a", "literal $inputs.q")',
    f'pm.environment.set("password", "{SECRETS[1]}")',
    'pm.test("x", () => { pm.response.to.have.status(201) })',
    'pm.test("x", () => { pm.expect(pm.response.json().b).to.eql("y") })',
    "pm.response.to.be.success",
    "pm.response.to.have.status(404)",
    "pm.expect(pm.response.json().x).to.be.above(3)",
    'pm.expect(pm.response.json().a).to.eql(pm.environment.get("n"))',
    "pm.expect(pm.response.json().b.c[0]).to.equal(1)",
    'pm.expect(pm.response.json()["a b"]).to.eql(null)',
    "pm.expect(pm.response.json().x).to.be.true",
    "foo()",
    f'signIn("{SECRETS[1]}")',
]


def collection(seed: int) -> dict[str, Any]:
    """Return a collection, the same for the same seed."""
    random = Random(seed)
    return {
        "info": {"name": random.choice(_TEXTS)},
        "item": [_item(random) for _ in range(random.randint(1, 5))]
        + [{"name": "Last", "request": "https://b.example.com"}],
        "variable": [
            {"key": "a", "value": random.choice(_TEXTS)},
            {"key": "n", "value": random.choice(["5", 5, True, "x", "{{a}}", ""])},
            {"key": "baseUrl", "value": random.choice(["https://api.example.com", "", "http://x.example.com/v1/"])},
            {"key": "password", "value": SECRETS[0]},
        ],
        "auth": _auth(random) if random.random() < 0.5 else None,
        "event": _events(random),
    }


def _item(random: Random, depth: int = 0) -> dict[str, Any]:
    name = random.choice([*_TEXTS, "Create user", "Get user"])
    if depth < 3 and random.random() < 0.25:
        items = [_item(random, depth + 1) for _ in range(random.randint(0, 4))]
        return {"name": name, "item": items, "event": _events(random)}
    request = {
        "method": random.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "PURGE"]),
        "url": _url(random),
        "header": _pairs(random, [*_NAMES, "Content-Type", "Accept", "Authorization", "Cookie"]),
        "body": _body(random) if random.random() < 0.6 else None,
        "auth": _auth(random) if random.random() < 0.4 else None,
    }
    answer = {
        "code": random.choice([200, 201, 404]),
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "body": random.choice(['{"a": 1, "b": {"c": [1]}}', "[]", "x", ""]),
    }
    return {
        "name": name,
        "description": random.choice(_TEXTS),
        "event": _events(random),
        "request": request,
        "response": [answer] if random.random() < 0.5 else [],
    }


def _url(random: Random) -> dict[str, Any]:
    path = "/".join(random.choice(_SEGMENTS) for _ in range(random.randint(0, 4)))
    return {
        "raw": f"{random.choice(_BASES)}/{path}",
        "query": _pairs(random, _NAMES),
        "variable": [{"key": "id", "value": random.choice(_TEXTS)}],
    }


def _pairs(random: Random, names: list[str]) -> list[dict[str, Any]]:
    return [
        {"key": random.choice(names), "value": random.choice(_TEXTS), "disabled": random.random() < 0.2}
        for _ in range(random.randint(0, 3))
    ]


def _body(random: Random) -> dict[str, Any]:
    mode = random.choice(["raw", "raw", "urlencoded", "formdata", "graphql", "file"])
    if mode == "raw":
        members = {random.choice(_NAMES): random.choice(_TEXTS), "l": [random.choice(_TEXTS), 1, None]}
        text = random.choice([json.dumps(members), *_BODIES, random.choice(_TEXTS)])
        return {"mode": mode, "raw": text, "options": {"raw": {"language": random.choice(["json", "xml", "text"])}}}
    if mode in ("urlencoded", "formdata"):
        fields = [
            {**each, "type": random.choice(["text", "file"]), "src": "/x/y.png"} for each in _pairs(random, _NAMES)
        ]
        return {"mode": mode, mode: fields}
    variables = random.choice(["", '{"id": "{{a}}"}', '{"id": {{n}}}'])
    return {"mode": mode, "graphql": {"query": random.choice(_QUERIES), "variables": variables}}


def _auth(random: Random) -> dict[str, Any]:
    kind = random.choice(["bearer", "basic", "apikey", "oauth2", "noauth", "hawk", "digest"])
    text = random.choice(_TEXTS)
    fields: dict[str, dict[str, str]] = {
        "bearer": {"token": text},
        "basic": {"username": "me", "password": text},
        "apikey": {"key": random.choice(_NAMES), "value": text, "in": random.choice(["header", "query"])},
        "oauth2": {"accessTokenUrl": "https://a.example.com/t", "grant_type": "client_credentials"},
    }
    return {"type": kind, kind: [{"key": name, "value": value} for name, value in fields.get(kind, {}).items()]}


def _events(random: Random) -> list[dict[str, Any]]:
    return [
        {
            "listen": random.choice(["test", "test", "prerequest"]),
            "script": {"exec": random.sample(_SCRIPTS, random.randint(0, 3))},
        }
        for _ in range(random.randint(0, 2))
    ]
