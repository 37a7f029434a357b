"""`arazzo trace`: every value of a step, followed back to where it comes from."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import SPECS, Arazzo
from tests.e2e.golden import assert_golden


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("prismatic-rotate-refresh-token-workflow", id="inputs, outputs and secrets"),
        pytest.param("follow-the-pages", id="a step that reads its own output of the round before"),
        pytest.param("call-another-document", id="outputs of a sub-workflow in another document"),
        pytest.param("select-and-replace", id="selectors, constants and replacements"),
    ],
)
def test_values_are_followed_back(arazzo: Arazzo, name):
    ran = arazzo("trace", str(SPECS / "arazzo" / f"{name}.yml"))
    assert ran.code == 0
    assert_golden(f"trace/{name}", ran.out)


def test_one_step_as_json(arazzo, seed):
    report = json.loads(arazzo("trace", seed, "--step", "revokeOldToken", "--format", "json").out)
    [step] = report["steps"]
    assert (report["workflowId"], step["calls"]) == ("rotate-refresh-token", "POST /auth/revoke")
    assert step["values"][0] == {
        "place": "body /refresh_token",
        "value": "$inputs.refreshToken",
        "origins": [{"expression": "$inputs.refreshToken", "is": "input (string, required, secret)", "origins": []}],
    }


def test_a_constant_under_a_secret_name_is_not_shown(arazzo, folder):
    (folder / "api.yml").write_text(
        "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {/in: {post: {operationId: signIn, responses: {'200': {}}}}}\n",
        encoding="utf-8",
    )
    (folder / "flow.yml").write_text(
        "arazzo: 1.0.1\ninfo: {title: a, version: '1'}\nsourceDescriptions: [{name: api, url: api.yml, type: openapi}]\n"
        "workflows:\n- workflowId: w\n  steps:\n  - stepId: s\n    operationId: signIn\n"
        "    requestBody: {contentType: application/json, payload: {user: ada, password: correct-horse}}\n",
        encoding="utf-8",
    )
    ran = arazzo("trace", "flow.yml")
    assert 'body /user = "ada"\n  body /password = ***\n' in ran.out


def test_an_unknown_step_is_reported_with_the_nearest(arazzo, seed):
    ran = arazzo("trace", seed, "--step", "revokeToken")
    assert (ran.code, ran.out) == (2, "")
    assert 'there is no step "revokeToken"' in ran.err
    assert 'did you mean "revokeOldToken"' in ran.err
