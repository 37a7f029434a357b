"""The seed against a server that refuses, and a variant that is patient: how each run ends, and the messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = "specs/arazzo/prismatic-rotate-refresh-token-workflow.yml"
PATIENT = "fixtures/variants/rotate-with-retry.arazzo.yml"


def arazzo(tmp_path, document, *arguments):
    command = [sys.executable, "-m", "arazzo_runner", "run", document, "-i", "refreshToken=demo-refresh-token-1", "--mock",
               "--scenario", "fixtures/scenarios/prismatic-tokens.yml", *arguments]  # fmt: skip
    environment = {"XDG_STATE_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("document", "switch", "code", "said"),
    [
        pytest.param(SEED, "refresh-401", 1, ["refreshToken", "$statusCode == 200", "401"], id="refresh is refused"),
        pytest.param(SEED, "validate-401", 1, ["validateToken", "$statusCode == 200", "401"], id="the new token is refused"),
        pytest.param(SEED, "lost-answer", 3, ["refreshToken", "in doubt"], id="the response of the refresh is lost"),
        pytest.param(PATIENT, "graphql-errors", 1, ["query", "$response.body#/errors == null", "permission"], id="GraphQL errors with status 200"),
        pytest.param(PATIENT, "refresh-503-twice", 0, ["refresh", "recovered"], id="503 twice, then retried with success"),
        pytest.param(PATIENT, "rate-limited-429", 1, ["query", "429"], id="a status that no action is for"),
    ],
)  # fmt: skip
def test_a_run_ends_as_specified_with_a_reason(tmp_path, document, switch, code, said):
    done = arazzo(tmp_path, document, "--switch", switch)
    assert done.returncode == code, done.stderr
    for text in said:
        assert text in done.stderr
    assert "demo-access-token" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_json_report_agrees(tmp_path):
    done = arazzo(tmp_path, PATIENT, "--switch", "refresh-503-twice", "--format", "json")
    report = json.loads(done.stdout)
    assert report["status"] == "succeeded"
    assert [(step["stepId"], step["status"], len(step["attempts"])) for step in report["steps"]] == [
        ("refresh", "recovered", 3),
        ("query", "passed", 1),
    ]
    attempt = report["steps"][0]["attempts"][0]
    assert {"request", "response", "criteria", "duration_ms"} <= set(attempt)
    assert attempt["response"]["status"] == 503
