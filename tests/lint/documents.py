"""Small documents to lint."""

from __future__ import annotations

import textwrap
from pathlib import Path

CLEAN = """\
arazzo: 1.0.1
info: {title: Pets, version: 1.0.0}
sourceDescriptions:
  - {name: pets, url: ./pets.yml, type: openapi}
workflows:
  - workflowId: look
    steps:
      - stepId: find
        operationId: getPet
        parameters: [{name: petId, in: path, value: 1}]
        successCriteria:
          - condition: $statusCode == 200
"""
PETS = """\
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: https://pets.example}]
paths:
  /pets/{petId}:
    get:
      operationId: getPet
      parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
      responses:
        "200": {description: A pet.}
"""


def project(folder: Path, **files: str) -> Path:
    """Write files (`a__yml="…"` is a.yml) beside a description of pets; return the folder."""
    for name, text in {"pets__yml": PETS, **files}.items():
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def with_criterion(line: str, above: str = "") -> str:
    """Return the clean document with another criterion, and perhaps a line above it."""
    criterion = f"          - condition: {line}\n"
    return CLEAN.replace("          - condition: $statusCode == 200\n", above + criterion)
