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


# ------------------------------------------------------------------ a big description

_OPERATION = """\
    {method}:
      operationId: {verb}Resource{number}
      summary: {title} a resource of kind {number}
      description: >-
        {title}s one resource of kind {number}. The caller needs the scope `resources.{number}`; a resource that is
        locked by another session answers 409 until its lock is given back, at most an hour later. What is returned is
        the state after the call, whatever other sessions have done in the meantime; use the header X-Trace to find the
        call again in the log of the service.
      tags: [kind{group}]
      parameters:
      - $ref: '#/components/parameters/Trace'
      - name: fields
        in: query
        description: The members to return, all of them when it is left out.
        style: form
        explode: false
        schema:
          type: array
          items: {{type: string, enum: [id, name, size, owner, created, changed]}}
      - name: wait
        in: query
        description: How many seconds to wait for a lock; without it a locked resource answers at once.
        schema: {{type: integer, minimum: 0, maximum: 60, default: 0}}
"""
_BODY = """\
      requestBody:
        required: true
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/Resource{number}'
            example:
              name: example {number}
              size: {number}
              tags: [first, second]
"""
_RESPONSES = """\
      responses:
        '200':
          description: The resource as it is now.
          headers:
            X-Rate-Limit: {{description: Requests left., schema: {{type: integer, minimum: 0}}}}
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Resource{number}'
              example:
                id: {number}
                name: example {number}
                size: 12.5
                owner: {{id: 7, name: Ada Lovelace, mail: ada@example.com}}
                state: active
                changed: null
                created: 2024-01-01T10:00:00Z
                tags: [first, second]
        '404':
          $ref: '#/components/responses/Missing'
        '409':
          $ref: '#/components/responses/Locked'
        default:
          description: Something else went wrong, which the body tells about.
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Problem'
"""
_SCHEMA = """\
    Resource{number}:
      type: object
      description: A resource of kind {number}, as it is stored.
      required: [name, size]
      properties:
        id: {{type: integer, format: int64, readOnly: true, description: Given by the server.}}
        name: {{type: string, minLength: 1, maxLength: 200, description: What people call it.}}
        size: {{type: number, minimum: 0, description: 'In units of the kind, see its documentation.'}}
        state:
          type: string
          enum: [new, active, locked, archived]
          default: new
        owner:
          $ref: '#/components/schemas/Owner'
        created: {{type: string, format: date-time, readOnly: true}}
        changed: {{type: [string, 'null'], format: date-time, readOnly: true}}
        tags:
          type: array
          maxItems: 20
          items: {{type: string, pattern: '^[a-z][a-z0-9-]*$'}}
        parent:
          anyOf:
          - $ref: '#/components/schemas/Resource{number}'
          - type: 'null'
"""
_COMPONENTS = """\
    Owner:
      type: object
      required: [id]
      properties: {id: {type: integer}, name: {type: string}, mail: {type: string, format: email}}
    Problem:
      type: object
      properties: {title: {type: string}, detail: {type: string}, status: {type: integer}}
  parameters:
    Trace: {name: X-Trace, in: header, schema: {type: string}}
  responses:
    Missing:
      description: There is none.
      content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}
    Locked:
      description: It is locked.
      content: {application/json: {schema: {$ref: '#/components/schemas/Problem'}}}
"""
_METHODS = (("get", "read", "Read"), ("put", "replace", "Replace"), ("patch", "change", "Change"),
            ("delete", "remove", "Remove"))  # fmt: skip
_THING = """\
  /things:
    post:
      operationId: addThing
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
"""


def big_description(folder: Path, operations: int = 2000) -> Path:
    """Write an OpenAPI 3.1 description of some 2.5 KB an operation (2,000: 5 MB of YAML); return its path."""
    written = [
        "openapi: 3.1.0\n",
        "info: {title: Everything, version: 1.0.0}\n",
        "servers: [{url: 'http://127.0.0.1'}]\n",
    ]
    written += ["paths:\n", _THING]
    kinds = operations // len(_METHODS)
    for number in range(kinds):
        identifier = "{name: id, in: path, required: true, schema: {type: integer}}"
        written.append(f"  /kinds/{number}/resources/{{id}}:\n    parameters:\n    - {identifier}\n")
        for method, verb, title in _METHODS:
            names = {"method": method, "verb": verb, "title": title, "number": number, "group": number // 20}
            written.append(_OPERATION.format(**names))
            written.append(_BODY.format(**names) if method in ("put", "patch") else "")
            written.append(_RESPONSES.format(**names))
    written.append("components:\n  schemas:\n")
    written += [_SCHEMA.format(number=number) for number in range(kinds)]
    written.append(_COMPONENTS)
    path = folder / "everything.openapi.yml"
    path.write_text("".join(written), encoding="utf-8")
    return path


def big_workflow(folder: Path, description: Path) -> Path:
    """Write a workflow of one step that calls one operation of a big description; return its path."""
    lines = [
        "arazzo: 1.0.1",
        "info: {title: One of many, version: 1.0.0}",
        f"sourceDescriptions: [{{name: things, url: ./{description.name}, type: openapi}}]",
        "workflows:",
        "- workflowId: one",
        "  steps:",
        "  - stepId: add",
        "    operationId: addThing",
        "    requestBody: {contentType: application/json, payload: {number: 1}}",
        "    successCriteria: [{condition: $statusCode == 200}]",
        "    outputs: {id: $response.body#/id}",
        "  outputs: {id: $steps.add.outputs.id}",
    ]
    path = folder / "one-of-many.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
