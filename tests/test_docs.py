"""The documentation is correct: commands, options and codes are documented, links exist, examples run."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import click
import jsonschema
import pytest

from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.cli.group import group
from arazzo_runner.lint.pages import pages as explanations
from tests import cli_page
from tests.e2e.golden import settled

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SEED = "specs/arazzo/prismatic-rotate-refresh-token-workflow.yml"
SCENARIO = ["--mock", "--scenario", "fixtures/scenarios/prismatic-tokens.yml"]
STATE = "~/.local/state"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.partition(f"## arazzo {name}\n")[2].partition("\n## ")[0]
    command = group.get_command(click.Context(group), name)
    options = [each for parameter in command.params if isinstance(parameter, click.Option) for each in parameter.opts]
    assert section
    assert [each for each in options if each not in section] == []


def test_the_page_of_the_command_line_is_up_to_date():
    assert cli_page.PAGE.read_text(encoding="utf-8") == cli_page.page(), "run scripts/cli-docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_exist(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def blocks(language):
    found = []
    for page in PAGES:
        for number, block in enumerate(
            re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        ):
            found.append(pytest.param(block, id=f"{page.name}-{number}"))
    return found


def arazzo(tmp_path, *arguments, together=False):
    """Run a command line; `together` puts stderr into stdout, as a terminal shows them."""
    environment = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}
    command = [sys.executable, "-m", "arazzo_runner", *arguments]
    errors = subprocess.STDOUT if together else subprocess.PIPE
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8",
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("block", "code"),
    [
        pytest.param(*block.values, code, id=f"{block.id}-exit-{code}")
        for language, code in (("console run", 0), ("console exit 1", 1))
        for block in blocks(language)
    ],
)
def test_console_examples_print_the_output_below_them(tmp_path, block, code):
    for command, printed in re.findall(r"^\$ arazzo ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        done = arazzo(tmp_path, *shlex.split(command.replace("\\\n", "")), together=True)
        assert done.returncode == code, done.stdout
        assert not printed or comparable(done.stdout, (str(tmp_path), STATE)) == comparable(printed), command


def comparable(text, *replacements):
    text = re.sub(r"-\d{8}T\d{6}-\d+\.json", "-TIME.json", settled(text, *replacements))
    return re.sub(r"arazzo/\d[\w.]*", "arazzo/VERSION", text)


EXAMPLES = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8").split("\n## ")[1:]


@pytest.mark.parametrize("section", EXAMPLES, ids=lambda section: section.partition("\n")[0])
def test_snippets_of_yaml_are_in_the_example(section):
    example = re.search(r"\(\.\./(specs/arazzo/.*?)\)", section).group(1)
    text = (ROOT / example).read_text(encoding="utf-8")
    snippets = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert snippets
    for snippet in snippets:
        assert any(textwrap.indent(snippet, " " * depth) in text for depth in range(20)), snippet


@pytest.mark.parametrize("block", blocks("python(?: run)?"))
def test_python_examples_run(tmp_path, block):
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ("run", ["run", SEED, "-i", "refreshToken=demo-refresh-token-1", *SCENARIO]),
        ("run", ["run", SEED, "-i", "refreshToken=demo-refresh-token-1", *SCENARIO, "--switch", "validate-401"]),
        ("run", ["run", SEED, "-i", "refreshToken=demo-refresh-token-1", *SCENARIO, "--switch", "lost-answer"]),
        ("run", ["run", SEED]),
        ("run", ["run", "gone.yml"]),
        ("run", ["run", SEED, "--no-such-option"]),
        ("validate", ["validate", SEED]),
        ("validate", ["validate", "gone.yml"]),
        ("validate", ["validate", "README.md"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[1:2] + value[-2:]),
)
def test_machine_output_keeps_its_contract(tmp_path, schema, arguments):
    done = arazzo(tmp_path, *arguments, "--format", "json")
    contract = json.loads((ROOT / "docs" / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(contract)
    jsonschema.Draft202012Validator(contract).validate(json.loads(done.stdout))


# ------------------------------------------------------------------ installation

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
ADVICE = re.compile(r"""pip install ([^`#)\n]*)""")


def advice():
    """Return what pages, messages and scripts say to install from an index, package by package."""
    files = [*PAGES, ROOT / "action.yml", *(ROOT / "scripts").iterdir(), *(ROOT / "benchmarks").glob("*.py")]
    files += [path for path in (ROOT / "arazzo_runner").rglob("*") if path.suffix in (".py", ".md")]
    for path in files:
        for found in ADVICE.findall(path.read_text(encoding="utf-8")):
            yield from (word for word in re.sub("[\"']", " ", found).split() if word[:1].isalpha())


def test_nobody_is_told_to_install_arazzo_from_an_index():
    assert [each for each in advice() if re.match(r"arazzo\b", each)] == []


def test_libraries_are_named_with_the_versions_of_their_extra():
    named = {each for each in advice() if re.match(r"[\w-]+[<>=]", each)}
    assert named <= {each.partition(";")[0] for extra in EXTRAS.values() for each in extra}


# ------------------------------------------------------------------ codes

REPORTERS = {
    "error",
    "warn",
    "info",
    "because",
    "syntax_error",
    "_tolerate",
    "InputProblem",
    "ToleratedSyntax",
    "_Stop",
    "_Refusal",
    "usage_error",
    "NotJson",
    "Unreadable",
}
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+$")


def codes_in_the_package():
    """Every text that looks like a code where a code is reported: `code=` anywhere, or an argument of a reporter."""
    found = set()
    for path in (ROOT / "arazzo_runner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            values += node.args[:1] if name in REPORTERS else []
            found |= {
                each.value
                for each in values
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and CODE.match(each.value)
            }
    return found


def test_every_code_has_a_page():
    assert sorted(codes_in_the_package() - set(explanations())) == []


@pytest.mark.parametrize("code", explanations())
def test_every_page_of_a_code_has_content(code):
    text = explanations()[code].read_text(encoding="utf-8")
    assert len(text.splitlines()) >= 5
    assert text.strip()
