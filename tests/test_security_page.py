"""docs/security.md is true: every row names tests that exist and options that commands have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.cli.group import group
from arazzo_runner.document.reading import Limits
from arazzo_runner.engine.options import MAX_REDIRECTS, RunOptions
from arazzo_runner.sources.policy import MAX_DESCRIPTION_BYTES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.partition("## Files that are written")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| threat")
]


def functions(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


def options():
    commands = [group.get_command(click.Context(group), name) for name in COMMANDS]
    return {name for command in commands for parameter in command.params for name in parameter.opts}


def test_there_are_rows_for_every_category_of_hostile_cases():
    categories = {path.name for path in (ROOT / "fixtures" / "hostile").glob("*.yml")} - {"base.yml", "pets.yml"}
    assert {name for name in categories if f"`fixtures/hostile/{name}`" not in PAGE} == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_has_a_policy_and_names_tests_that_exist(row):
    assert len(row) == 4
    named = re.findall(r"`((?:tests|fixtures)/[^`]+)`", row[3])
    assert named
    for name in named:
        file, _, function = name.partition("::")
        assert (ROOT / file).exists(), name
        assert not function or function in functions(ROOT / file), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_option_of_a_row_exists(row):
    assert [name for name in re.findall(r"`(--[a-z-]+)", row[2]) if name not in options()] == []


def test_the_defaults_are_those_of_the_page():
    run, limits = RunOptions(), Limits()
    assert (run.timeout, run.run_timeout, run.max_retry_wait, run.criterion_timeout) == (30, 600, 300, 1)
    assert (run.max_depth, run.max_response_size, run.resend_unknown, MAX_REDIRECTS) == (32, 10 * 2**20, False, 10)
    assert (limits.max_bytes, limits.max_depth, limits.max_nodes) == (20_000_000, 100, 1_000_000)
    assert MAX_DESCRIPTION_BYTES == 50_000_000
