"""Texts of a document stay data in whatever is exported: quotes, `$(…)`, backticks, braces, line breaks."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner import load
from arazzo_runner.export.bash_steps import program
from arazzo_runner.export.jq_values import quoted as jq_quoted
from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.python_layout import constant, flat, quoted
from arazzo_runner.export.python_values import joined
from arazzo_runner.export.targets import export

PIECES = ["'", '"', "`", "$(touch canary)", "${HOME}", "\\", "\n", "*/", "{{", "}}", "{x}", '"""', "\\(1)", "#", "é", " ", "a",
          "\u2028", "\x07", "%s", ";", "&", "<", "-", "'; touch canary; '", '"; touch canary; "', "\\u0027"]  # fmt: skip
NASTY = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
VALUES = st.recursive(NASTY | st.integers(-(2**53), 2**53) | st.booleans() | st.none(), lambda each: st.lists(each) | st.dictionaries(NASTY, each), max_leaves=6)  # fmt: skip
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")


@given(VALUES)
def test_a_value_is_the_same_in_python(value: Any) -> None:
    assert ast.literal_eval(flat(constant(value))) == value


@given(NASTY, NASTY, NASTY)
def test_a_text_with_values_is_the_same_in_python(before: str, name: str, after: str) -> None:
    code = flat(joined([quoted(before), f"inputs[{quoted(name)}]", quoted(after)]))
    assert eval(code, {"inputs": {name: "VALUE"}}) == f"{before}VALUE{after}"


@needs_jq
@settings(max_examples=25, deadline=None)
@given(st.lists(VALUES, min_size=5, max_size=10))
def test_a_value_is_the_same_in_jq_in_a_shell(value: Any) -> None:
    command = f"jq -n -c {program(jq_quoted(value))}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(ran.stdout) == value


def document(text: str, folder: Path) -> Path:
    """Write a document that has a text wherever a text may be, and its description."""
    api = {
        "openapi": "3.1.0",
        "info": {"title": "API", "version": "1"},
        "servers": [{"url": "http://127.0.0.1:9"}],
        "paths": {"/things/{id}": {"post": {"operationId": "make", "responses": {"200": {"description": text}}}}},
    }
    step = {
        "stepId": "make",
        "description": text,
        "operationId": "make",
        "parameters": [
            {"name": "id", "in": "path", "value": f"x{text}"},
            {"name": f"q{text}", "in": "query", "value": text},
            {"name": "X-One", "in": "header", "value": f"one {{$inputs.n}} {' '.join(text.split())}"},
        ],
        "requestBody": {"contentType": "application/json", "payload": {f"k{text}": text, "n": "$inputs.n"}},
        "successCriteria": [
            {"condition": f"$response.body#/a == '{text.replace(chr(39), chr(39) * 2)}'"},
            {"context": "$response.body", "condition": "^" + "".join(f"[{c}]" for c in text if c.isalpha()), "type": "regex"},
        ],
        "onFailure": [{"name": f"again {text}", "type": "retry", "retryLimit": 1}],
        "outputs": {"out": "$response.body"},
    }  # fmt: skip
    workflow = {
        "workflowId": "flow",
        "summary": text,
        "inputs": {
            "type": "object",
            "properties": {
                "n": {"type": "string", "default": text, "description": text},
                f"m{text}": {"type": "integer"},
            },
        },
        "steps": [step],
        "outputs": {"out": "$steps.make.outputs.out"},
    }
    flow = {
        "arazzo": "1.0.1",
        "info": {"title": text if text.strip() else "x", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yaml", "type": "openapi"}],
        "workflows": [workflow],
    }
    (folder / "api.yaml").write_text(yaml.safe_dump(api), encoding="utf-8")
    (folder / "flow.yaml").write_text(yaml.safe_dump(flow), encoding="utf-8")
    return folder / "flow.yaml"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=NASTY.filter(lambda text: not {"\x07"} & set(text)))
def test_exported_texts_run_nothing_of_the_document(text: str, tmp_path: Path) -> None:
    plan = make_plan(load(document(text, tmp_path)))
    for target in ("python", "pytest"):
        tree = ast.parse(next(iter(export(plan, target).files.values())))
        called = {
            each.func.id for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
        }
        assert not called & {"eval", "exec", "touch", "canary"}
    script = tmp_path / "script.sh"
    script.write_text(next(iter(export(plan, "curl").files.values())), encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=30)
    if shutil.which("jq") and shutil.which("curl"):
        ran = subprocess.run(
            ["bash", str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode in (1, 2, 5)
        assert "syntax error" not in ran.stderr
        assert "command not found" not in ran.stderr
    assert not list(tmp_path.glob("**/canary*"))
