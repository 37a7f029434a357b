"""The files of a new project beside its workflow: arazzo.toml, and what runs in continuous integration."""

from __future__ import annotations

import json
from typing import Final

CI_FILES: Final = {"github": ".github/workflows/arazzo.yml", "gitlab": ".gitlab-ci.yml"}

_SETTINGS: Final = """\
# Settings of this project; options of the command line override them.

[validate]
include = [{workflow}]   # what `arazzo validate` checks when it is given no document
preset = "recommended"            # or tolerant, strict, minimal

# Where runs send their requests: arazzo run --env local
[environments.local]
servers = {{ {source} = "http://localhost:8080" }}
# inputs = {{ name = "value" }}
"""
_GITHUB: Final = """\
# Checks the workflows, and runs them against a mock of the API.
name: arazzo
on: [push, pull_request]
permissions: {{contents: read}}
jobs:
  arazzo:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{python-version: "3.13"}}
      - run: pip install "git+https://git.example.com/arazzo"   # where arazzo is
      - run: arazzo validate {workflow} --strict --format github
      - run: arazzo run {workflow} -w '*' --mock --sample-inputs --report github
"""
_GITLAB: Final = """\
# Checks the workflows, and runs them against a mock of the API.
arazzo:
  image: python:3.13-slim
  script:
    - pip install "git+https://git.example.com/arazzo"   # where arazzo is
    - arazzo validate {workflow} --strict --format gitlab --output gl-code-quality-report.json
    - arazzo run {workflow} -w '*' --mock --sample-inputs --report junit=arazzo.xml
  artifacts:
    when: always
    reports: {{codequality: gl-code-quality-report.json, junit: arazzo.xml}}
"""


def settings_text(workflow: str, source: str) -> str:
    """Return an arazzo.toml for a workflow and the source that it calls."""
    quoted = json.dumps(workflow, ensure_ascii=False).replace("\x7f", "\\u007f")
    return _SETTINGS.format(workflow=quoted, source=source)


def ci_text(kind: str, workflow: str) -> str:
    """Return the file for a CI service; `workflow` is quoted for its shell."""
    return {"github": _GITHUB, "gitlab": _GITLAB}[kind].format(workflow=workflow)
