"""docs/rules.md is complete: every rule of every peer has a counterpart or a reason, and the page is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from arazzo_runner.lint.rules.catalogue import checks
from tests.rules.table import PAGE, page, peers

NOTES = Path(__file__).parents[3] / "shared" / "design" / "rules.md"
CODES = {each.code for each in checks()}
RULES = [pytest.param(ours, id=f"{tool}: {rule}") for tool, rules in peers().items() for rule, ours in rules.items()]
# How the notes name the tools, and the form their rules have there.
NOTED = {
    "Redocly CLI 2.77": ("### Redocly", r"\b[a-z]+[A-Za-z]*(?:-[A-Za-z]+)+\b"),
    "Spectral spectral:arazzo": ("### Spectral", r"\barazzo-[a-z]+(?:-?[A-Za-z]+)*(?:-[A-Za-z]+)*\b"),
    "php-arazzo": ("### php-arazzo", r"\b(?:[A-Z][a-z]+){2,}[A-Za-z0-9]*\b"),
    "arazzo-cli": ("### arazzo-cli", r"\b(?:Missing|Duplicate|Invalid|Unsupported|Dependency)[A-Za-z]+\b"),
}
NO_RULES = {"redocly-cli", "per-version", "on-lines", "follow-on", "step-x", "no-such"}


@pytest.mark.parametrize("ours", RULES)
def test_every_rule_of_a_peer_has_a_counterpart_or_a_reason(ours):
    if ours.startswith("-"):
        assert len(ours) > 20
    else:
        assert ours.split()
        assert set(ours.split()) <= CODES


@pytest.mark.skipif(not NOTES.exists(), reason="the notes on other tools are not here")
@pytest.mark.parametrize("tool", NOTED)
def test_no_rule_of_a_peer_is_left_out(tool):
    heading, form = NOTED[tool]
    text = NOTES.read_text(encoding="utf-8").partition(heading)[2].partition("\n")[2].partition("\n### ")[0]
    text = re.sub(r"\b(\w+)\{([^}]*)\}", lambda match: _spread(match.group(1), match.group(2)), text)
    named = set(re.findall(form, text))
    known = " ".join(peers()[tool])
    assert {name for name in named if name not in known} - NO_RULES == set()


def _spread(stem, endings):
    return " ".join(stem + ending.strip() for ending in endings.split(","))


def test_the_page_lists_the_rules():
    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/rules"
