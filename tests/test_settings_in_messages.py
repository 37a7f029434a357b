"""Messages name settings as Python callers give them; the command line prints its options in their place."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import Limits, LoadOptions, RunOptions, TransportOptions, api, durable_runs
from arazzo_runner.base import settings
from arazzo_runner.base.records import field_names
from arazzo_runner.base.settings import as_options
from arazzo_runner.durable.queues import Queues
from arazzo_runner.errors import ArazzoError
from arazzo_runner.report.findings.text import render_diagnostics

PACKAGE = Path(arazzo_runner.__file__).parent
FRONT_ENDS = ("cli/", "pytest_plugin.py", "base/settings.py")
OTHERS = {
    "report/curl.py": "options of curl",
    "report/graph/drawing.py": "properties of CSS",
    "report/findings/json.py": "a note of `arazzo validate`, which it renames",
    "lint/baseline.py": "baselines are read by `arazzo validate` only",
    "runtime/cassette/file.py": "a comment in the file of --record",
    "export/bash_library.py": "options of curl and jq",
    "export/bash_steps.py": "options of curl and jq",
    "export/http_file.py": "a comment in the file that `arazzo export` writes",
    "export/k6.py": "a comment in the file that `arazzo export` writes",
    "export/postman.py": "the description in the collection that `arazzo export` writes",
    "export/python_script.py": "an option of the exported script",
}
_OPTION = re.compile(r"(?<![\w-])(?:--[a-z]{2}|-[a-z] \w+=)")


def library_modules():
    names = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return [name for name in names if not name.startswith(FRONT_ENDS) and name not in OTHERS]


def texts_of(tree):
    """Yield the texts of a module that are no docstrings."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node


@pytest.mark.parametrize("name", library_modules())
def test_no_text_of_the_library_names_an_option_of_the_command_line(name):
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    assert [(node.lineno, node.value) for node in texts_of(tree) if _OPTION.search(node.value)] == []


SETTINGS = {name: each for name, each in vars(settings).items() if isinstance(each, settings.Setting)}
OWNERS = {
    "LoadOptions": field_names(LoadOptions),
    "RunOptions": field_names(RunOptions),
    "TransportOptions": field_names(TransportOptions),
    "Limits": field_names(Limits),
    "run": {*inspect.signature(api.run).parameters, *inspect.signature(durable_runs.run).parameters},
    "opened": inspect.signature(durable_runs.opened).parameters,
    "worker": inspect.signature(durable_runs.worker).parameters,
    "queue_limits": inspect.signature(durable_runs.queue_limits).parameters,
    "adopt": inspect.signature(Queues.adopt).parameters,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_exists_in_python(name):
    found = re.search(r"(\w+)\((\w+)=", SETTINGS[name].python)
    if name in ("SERVER", "INPUT", "INPUT_FILE"):
        assert f"{name.partition('_')[0].lower()}s" in inspect.signature(api.run).parameters
    elif name != "DECISIONS":  # methods of the opened store take them
        assert found is not None
        assert found[2] in OWNERS[found[1]]


@pytest.fixture(scope="module")
def options():
    page = (PACKAGE.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    return set(re.findall(r"--[a-z][a-z0-9-]*", page))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_an_option_of_the_command_line(name, options):
    assert set(re.findall(r"--[a-z-]+", SETTINGS[name].option)) <= options | {"-i"}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_command_line_is_shown_the_option_in_place_of_the_setting(name):
    setting = SETTINGS[name]
    assert as_options(f"use {setting}, or that") == f"use {setting.option.format('NAME')}, or that"


def test_a_name_is_quoted_for_the_shell_only_where_it_must_be():
    assert as_options(settings.SERVER.of("pets")) == "--server pets=URL"
    assert as_options(settings.SOURCE.of("my pets")) == "--source 'my pets'=PATH"


WORKFLOW = {"workflowId": "w", "steps": [{"stepId": "s", "operationId": "get"}]}
API = "openapi: 3.0.3\ninfo: {title: A, version: '1'}\npaths: {/a: {get: {operationId: get, responses: {}}}}\n"


def document(url):
    source = {"name": "api", "url": url, "type": "openapi"}
    return {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [source],
        "workflows": [WORKFLOW],
    }


@pytest.mark.parametrize(
    ("url", "load_options", "setting", "option"),
    [
        ("{above}/api.yml", {"root": "inner"}, "load_options=LoadOptions(root=FOLDER)", "--root DIR"),
        ("api.yml", {}, 'servers={"api": URL}', "--server api=URL"),
        ("api.yml", {"limits": Limits(max_nodes=3)}, "Limits(max_nodes=N)", "--max-document-nodes"),
        ("https://api.test/a.yml", {"offline": True}, 'LoadOptions(sources={"api": PATH})', "--source api=PATH"),
    ],
    ids=["a file outside of the root", "no server", "too many nodes", "a remote description"],
)
def test_a_caller_is_told_the_setting_and_a_terminal_the_option(tmp_path, url, load_options, setting, option):
    (tmp_path / "inner").mkdir()
    folder = tmp_path / "inner"
    (folder / "api.yml").write_text(API, encoding="utf-8")
    (tmp_path / "api.yml").write_text(API, encoding="utf-8")
    path = folder / "w.yml"
    path.write_text(json.dumps(document(url.replace("{above}", tmp_path.as_posix()))), encoding="utf-8")
    given = {**load_options, **({"root": str(folder)} if "root" in load_options else {})}
    with pytest.raises(ArazzoError) as refused:
        arazzo_runner.load(str(path), load_options=LoadOptions(**given))
    assert setting in str(refused.value)
    assert not _OPTION.search(str(refused.value))
    assert option in render_diagnostics(refused.value.diagnostics)
