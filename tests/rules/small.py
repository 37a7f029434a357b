"""Small documents for tests of rules: one description, few steps."""

from __future__ import annotations

import json

import arazzo_runner
from arazzo_runner import LoadOptions


def description(operations, **components):
    """Return an OpenAPI 3.1 description; `operations` maps `"get /pets"` to an Operation Object."""
    paths: dict[str, dict[str, object]] = {}
    for name, operation in operations.items():
        method, _, path = name.partition(" ")
        paths.setdefault(path, {})[method] = {"responses": {"200": {"description": "fine"}}, **operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "api", "version": "1"},
        "servers": [{"url": "https://api.test"}],
        "paths": paths,
        "components": components,
    }


def answer(schema, **more):
    """Return a Response Object with a JSON body."""
    return {"description": "an answer", "content": {"application/json": {"schema": schema}}, **more}


def codes(folder, api, workflows, *, group):
    """Return [(code, severity, pointer)] of the findings of one group."""
    from arazzo_runner.lint.rules.catalogue import RULES

    (folder / "api.json").write_text(json.dumps(api))
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "./api.json", "type": "openapi"}],
        "workflows": workflows,
    }
    (folder / "document.json").write_text(json.dumps(document))
    chosen = {rule.code for rule in RULES if group == rule.group or rule.code == "contradicting-criteria"}
    found = arazzo_runner.validate(folder / "document.json", load_options=LoadOptions(root=str(folder)), rules=chosen)
    return [(each.code, each.severity.value, each.at.pointer) for each in found if each.code in chosen]
