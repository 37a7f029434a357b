"""Writes the benchmarks' documents: a workflow of N steps and the description it calls."""

from __future__ import annotations

from pathlib import Path

DESCRIPTION = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
servers: [{url: 'http://127.0.0.1'}]
paths:
  /things:
    post:
      operationId: addThing
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
"""


def steps_document(folder: Path, steps: int, *, jsonpath: bool = False) -> Path:
    """Write a workflow of `steps` posts, each reading the answer; return its path."""
    (folder / "things.openapi.yml").write_text(DESCRIPTION, encoding="utf-8")
    lines = [
        "arazzo: 1.0.1",
        "info: {title: Benchmark, version: 1.0.0}",
        "sourceDescriptions: [{name: things, url: ./things.openapi.yml, type: openapi}]",
        "workflows:",
        "- workflowId: many",
        "  steps:",
    ]
    for number in range(steps):
        lines += [
            f"  - stepId: step{number}",
            "    operationId: addThing",
            "    requestBody:",
            "      contentType: application/json",
            "      payload:",
            f"        number: {number if number == 0 else f'$steps.step{number - 1}.outputs.id'}",
            "    successCriteria:",
            "    - condition: $statusCode == 200",
        ]
        if jsonpath:
            lines += ["    - context: $response.body", "      type: jsonpath", "      condition: $.items[?@.price > 4]"]
        lines += ["    outputs:", "      id: $response.body#/id"]
    lines += ["  outputs:", f"    last: $steps.step{steps - 1}.outputs.id"]
    path = folder / f"steps-{steps}{'-jsonpath' if jsonpath else ''}.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
