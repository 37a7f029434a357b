"""Levels: presets, arazzo.toml with its overrides, the command line, each with precedence over the one before."""

from __future__ import annotations

import pytest

from arazzo_runner.config.reading import read_settings
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Diagnostic, Judge, Location, Severity
from arazzo_runner.lint.levels import Choices, policy_for


def level(code, severity, config="", path="w.yml", **choices):
    settings = read_settings(f"[validate]\n{config}", "arazzo.toml", Problems()).validate
    found = Diagnostic(code=code, severity=Severity(severity), message="m", at=Location("w.yml"))
    judged = policy_for(settings, path, Choices(**choices)).leveled(found)
    return None if judged is None else judged.severity.value


@pytest.mark.parametrize(
    ("code", "severity", "options", "expected"),
    [
        pytest.param("a-b", "info", {}, "info", id="the default leaves levels alone"),
        pytest.param("a-b", "warning", {"preset": "minimal"}, None, id="minimal shows no warnings"),
        pytest.param("a-b", "error", {"preset": "minimal"}, "error", id="minimal shows errors"),
        pytest.param("a-b", "warning", {"preset": "minimal", "levels": {"a-b": "warning"}}, "warning", id="minimal, and what was asked for"),
        pytest.param("a-b", "warning", {"config": 'rules = {a-b = "error"}'}, "error", id="the file raises a level"),
        pytest.param("a-b", "warning", {"config": 'rules = {a-b = "off"}'}, None, id="the file turns a code off"),
        pytest.param("a-b", "warning", {"config": 'rules = {a-b = "off"}', "levels": {"a-b": "info"}}, "info", id="the command line is above the file"),
        pytest.param("a-b", "info", {"least": "warning"}, None, id="below the least level"),
        pytest.param("a-b", "warning", {"least": "error", "levels": {"a-b": "error"}}, "error", id="raised above the least level"),
        pytest.param("a-b", "warning", {"least": "error", "levels": {"a-b": "warning"}}, None, id="the least level holds for named codes too"),
        pytest.param("a-b", "error", {"select": ("c-*",)}, None, id="not selected"),
        pytest.param("c-b", "error", {"select": ("c-*",)}, "error", id="selected by a glob"),
        pytest.param("c-b", "error", {"select": ("c-*",), "ignore": ("c-b",)}, None, id="ignored though selected"),
        pytest.param("yaml-syntax", "error", {"ignore": ("yaml-syntax",), "levels": {"yaml-syntax": "off"}}, "error", id="what is unreadable cannot be turned off"),
        pytest.param("a-b", "error", {"config": 'overrides = [{paths = ["old/**"], rules = {a-b = "off"}}]', "path": "old/x/w.yml"}, None, id="an override that matches"),
        pytest.param("a-b", "error", {"config": 'overrides = [{paths = ["old/**"], rules = {a-b = "off"}}]', "path": "new/w.yml"}, "error", id="an override that does not"),
        pytest.param("a-b", "error", {"config": 'overrides = [{paths = ["old/**"], rules = {a-b = "off"}}, {paths = ["w.yml"], rules = {a-b = "info"}}]', "path": "old/w.yml"}, "info", id="the last override that matches wins"),
    ],
)  # fmt: skip
def test_the_level_of_a_finding(code, severity, options, expected):
    assert level(code, severity, **options) == expected


def test_which_rules_run():
    settings = read_settings("[validate]\nrules = {unused-input = 'off'}", "arazzo.toml", Problems()).validate
    assert "unused-input" not in policy_for(settings, "w.yml", Choices()).checks().rules
    default = read_settings("", "arazzo.toml", Problems()).validate
    assert "unused-input" in policy_for(default, "w.yml", Choices()).checks().rules
    assert "unused-input" not in policy_for(default, "w.yml", Choices(select=("later-step",))).checks().rules
    assert policy_for(default, "w.yml", Choices(preset="strict")).checks().judge is Judge.STRICT


def test_options_of_a_rule_are_merged():
    text = '[validate.rules]\na-b = {level = "info", most = 1, least = 2}\n[[validate.overrides]]\npaths = ["w.yml"]\nrules = {a-b = {most = 3}}\n'
    settings = read_settings(text, "arazzo.toml", Problems()).validate
    policy = policy_for(settings, "w.yml", Choices(levels={"a-b": "error"}))
    assert policy.checks().rule_options == {"a-b": {"most": 3, "least": 2}}
    assert policy.rules["a-b"].level == "error"
