"""A value that does not fit is shown with the form that is wanted, at the place where it was given."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from arazzo_runner import InvalidInputs, dry_run
from arazzo_runner.cli.main import run

PROPERTIES = {
    "limit": {"type": "integer", "minimum": 1},
    "most": {"type": "integer", "maximum": 3},
    "least": {"type": "integer", "minimum": 20},
    "ratio": {"type": "number"},
    "flag": {"type": "boolean"},
    "names": {"type": "array", "items": {"type": "string"}},
    "sizes": {"type": "array", "items": {"type": "integer"}},
    "filter": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    "kind": {"type": "string", "enum": ["cat", "big dog"]},
    "level": {"enum": [1, 2]},
    "one": {"const": 5},
    "day": {"type": "string", "format": "date"},
    "nothing": {"type": "null"},
    "both": {"type": ["integer", "boolean"]},
    "any": {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
    "referred": {"$ref": "#/components/inputs/limit"},
    "code": {"type": "string", "pattern": "^[A-Z]+$"},
    "token": {"type": "string", "format": "password", "minLength": 12},
}
API = "openapi: 3.0.3\ninfo: {title: A, version: '1'}\nservers: [{url: 'https://a.test'}]\npaths: {/a: {get: {operationId: get, responses: {'200': {description: ok}}}}}\n"


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "api.yml").write_text(API, encoding="utf-8")
    steps = [{"stepId": "s", "operationId": "get"}]
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yml", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "inputs": {"type": "object", "properties": PROPERTIES}, "steps": steps}],
        "components": {"inputs": {"limit": {"type": "integer"}}},
    }
    (tmp_path / "w.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return "w.json"


ON_THE_COMMAND_LINE = {
    "limit=abc": "write limit=10",
    "limit=0": "write limit=10",
    "limit=": "write limit=10",
    "most=9": "write most=3",
    "least=1": "write least=20",
    "ratio=x": "write ratio=10",
    "flag=maybe": "write flag=true or flag=false",
    "names=a,b": """write names='["a","b"]'""",
    "sizes=1,2": "write sizes='[10]'",
    "filter=abc": """write filter='{"a":10}'""",
    "filter={}": """write filter='{"a":10}'""",
    "kind=bird": "write kind=cat or kind='big dog'",
    "level=3": "write level=1 or level=2",
    "one=4": "write one=5",
    "day=tomorrow": "write day=2026-01-31",
    "nothing=x": "write nothing=null",
    "both=x": "write both=10 or both=true or both=false",
    "any=x": "write any=10 or any=true",
    "referred=x": "write referred=10",
}


@pytest.mark.parametrize("given", ON_THE_COMMAND_LINE)
def test_a_text_of_the_command_line(spec, capsys, given):
    assert run(["run", spec, "-i", given, "--dry-run", "--checks", "formats=error"]) == 2
    printed = capsys.readouterr().err
    assert f"help: {ON_THE_COMMAND_LINE[given]}\n" in printed
    for form in ON_THE_COMMAND_LINE[given].removeprefix("write ").split(" or "):
        (argument,) = shlex.split(form)
        assert run(["run", spec, "-i", argument, "--dry-run", "--checks", "formats=error"]) == 0


@pytest.mark.parametrize("given", ["code=abc", "token=abc"])
def test_a_text_whose_form_is_not_known_gets_no_hint(spec, capsys, given):
    assert run(["run", spec, "-i", given, "--dry-run"]) == 2
    assert "help:" not in capsys.readouterr().err


IN_PYTHON = {
    "limit": ("abc", "write limit: 10"),
    "flag": ("x", "write flag: true or flag: false"),
    "names": ("a,b", 'write names: ["a","b"]'),
    "kind": ("bird", 'write kind: "cat" or kind: "big dog"'),
}


@pytest.mark.parametrize("name", IN_PYTHON)
def test_a_value_of_python(spec, name):
    value, hint = IN_PYTHON[name]
    with pytest.raises(InvalidInputs) as refused:
        dry_run(spec, inputs={name: value})
    (found,) = refused.value.diagnostics
    assert found.hint == hint
    assert found.at.pointer == f"/workflows/0/inputs/properties/{name}"


FILES = {
    "rows.csv": ('limit,kind\n1,cat\n"2",bird\n', [("3:5", "kind")]),
    "rows.tsv": ("limit\tkind\nx\tcat\n", [("2:1", "limit")]),
    "quoted.csv": ('code,limit\n"A,\nB",1\nC,x\n', [("2:1", "code"), ("4:3", "limit")]),
    "rows.jsonl": ('{"limit": 1}\n\n{"kind": "cat", "limit": "x"}\n', [("3:26", "limit")]),
    "rows.json": ('[{"limit": 1},\n {"limit": "x"}]', [("2:12", "limit")]),
    "rows.yml": ("- limit: 1\n- {kind: cat, limit: x}\n", [("2:22", "limit")]),
}


@pytest.mark.parametrize("name", FILES)
def test_a_value_of_a_row_is_shown_in_its_file(spec, capsys, name):
    text, places = FILES[name]
    Path(name).write_text(text, encoding="utf-8", newline="")
    assert run(["run", spec, "--data", name, "--dry-run"]) == 2
    printed = capsys.readouterr().err
    assert [line.strip() for line in printed.splitlines() if "-->" in line] == [f"--> {name}:{at}" for at, _ in places]
    assert all(f'input "{field}"' in printed for _, field in places)


def test_a_value_of_an_input_file_is_shown_in_it(spec, capsys):
    Path("in.yml").write_text("kind: cat\nlimit: x\n", encoding="utf-8")
    assert run(["run", spec, "--input-file", "in.yml", "--dry-run"]) == 2
    assert "--> in.yml:2:8\n" in capsys.readouterr().err


UNKNOWN = {
    "rows.csv": ("limit,knd\n1,cat\n2,cat\n", "1:7"),
    "rows.jsonl": ('{"limit": 1}\n{"knd": "cat"}\n', "2:2"),
    "rows.json": ('[{"limit": 1, "knd": "cat"}]', "1:15"),
    "rows.yml": ("- limit: 1\n- knd: cat\n", "2:3"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_column_that_is_no_input_is_an_error_unless_it_is_allowed(spec, capsys, name):
    text, place = UNKNOWN[name]
    Path(name).write_text(text, encoding="utf-8")
    assert run(["run", spec, "--data", name, "--dry-run"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("error[unknown-column]") == 1
    assert f"--> {name}:{place}\n" in printed
    assert 'did you mean "kind"? (--allow-unknown-columns ignores it)' in printed
    assert run(["run", spec, "--data", name, "--allow-unknown-columns", "--dry-run"]) == 0
    assert "knd" not in capsys.readouterr().err


@pytest.mark.parametrize("first", ["limit;kind", "_name;limit;kind"])
def test_a_table_with_semicolons_is_recognised(spec, capsys, first):
    Path("rows.csv").write_text(f"{first}\n1;cat\n", encoding="utf-8")
    assert run(["run", spec, "--data", "rows.csv", "--dry-run"]) == 2
    assert "help: separate the columns with commas, or with tabs in a file that ends in .tsv" in capsys.readouterr().err


def test_a_secret_of_a_row_is_not_shown(spec, capsys):
    Path("rows.csv").write_text("token,limit\nhunter2,x\n", encoding="utf-8")
    assert run(["run", spec, "--data", "rows.csv", "--dry-run"]) == 2
    printed = capsys.readouterr().err
    assert "rows.csv:2:1" in printed
    assert "hunter2" not in printed
