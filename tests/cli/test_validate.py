"""`arazzo validate` as a person and as CI use it: many documents, settings, reports, exit codes."""

from __future__ import annotations

import io
import json
import os
import sys
import threading

import pytest

from arazzo_runner.cli.main import run
from tests.lint.documents import CLEAN, PETS, project, with_criterion

BAD = with_criterion("$statusCode = 200")
DOUBTFUL = with_criterion("$response.body#id == 200")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project(tmp_path, clean__yml=CLEAN, bad__yml=BAD, sub_in_doubtful__yml=DOUBTFUL.replace("./pets", "../pets"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*arguments, capsys):
    code = run(["validate", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        pytest.param(["clean.yml"], 0, "it is valid: no problems", id="clean"),
        pytest.param(["bad.yml"], 1, "1 error", id="an error"),
        pytest.param(["sub/doubtful.yml"], 0, "1 warning (1 fixable with --fix)", id="a warning"),
        pytest.param(["sub/doubtful.yml", "--max-warnings", "0"], 1, "1 warning (1 fixable with --fix)", id="too many warnings"),
        pytest.param(["sub/doubtful.yml", "--max-warnings", "1"], 0, "1 warning (1 fixable with --fix)", id="as many as allowed"),
        pytest.param(["sub/doubtful.yml", "--strict"], 1, "1 error (1 fixable with --fix)", id="strict"),
        pytest.param(["sub/doubtful.yml", "--preset", "strict", "--select", "pointer-slash"], 1, "1 error (1 fixable with --fix)", id="the strict preset"),
        pytest.param(["sub/doubtful.yml", "--preset", "minimal"], 0, "it is valid: no problems", id="the minimal preset"),
        pytest.param(["sub/doubtful.yml", "--level", "error"], 0, "it is valid: no problems", id="errors only"),
        pytest.param(["sub/doubtful.yml", "--level", "pointer-slash=error"], 1, "1 error (1 fixable with --fix)", id="a level of one code"),
        pytest.param(["sub/doubtful.yml", "--level", "pointer-*, unknown-step=error"], 1, "1 error (1 fixable with --fix)", id="a level of several codes"),
        pytest.param(["bad.yml", "--ignore", "condition-*"], 0, "it is valid: no problems", id="an ignored code"),
        pytest.param(["bad.yml", "--select", "pointer-slash, later-step"], 0, "it is valid: no problems", id="selected codes only"),
        pytest.param([], 1, "1 error, 1 warning in 2 of 3 documents (1 fixable with --fix)", id="this folder when nothing is named"),
        pytest.param(["*.yml", "--exclude", "pets.yml"], 1, "1 error in 1 of 2 documents", id="a glob"),
        pytest.param([".", "--exclude", "bad.yml"], 0, "1 warning in 1 of 2 documents (1 fixable with --fix)", id="a folder without a file"),
        pytest.param(["clean.yml", "gone.yml"], 2, "1 error in 1 of 2 documents", id="one that cannot be opened, the others are checked"),
    ],
)  # fmt: skip
def test_exit_codes_and_summaries(folder, capsys, arguments, code, last):
    ended, out, _ = validate(*arguments, capsys=capsys)
    assert (ended, out.splitlines()[-1]) == (code, last)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["clean.yml", "--select", "unknown-stp"], '--select: there is no code "unknown-stp"; did you mean "unknown-step"', id="a code there is not"),
        pytest.param(["clean.yml", "--level", "=info"], '--level: "=info" is not a level', id="a level of no code"),
        pytest.param(["clean.yml", "--level", "loud"], '--level: "loud" is not a level', id="a level there is not"),
        pytest.param(["clean.yml", "--level", "unknown-stp=off"], 'there is no code "unknown-stp"', id="a level of a code there is not"),
        pytest.param(["clean.yml", "--config", "gone.toml"], "the configuration gone.toml cannot be read", id="a configuration there is not"),
        pytest.param(["empty", "clean.yml"], "there is no Arazzo document in empty", id="a folder that holds none beside a file"),
        pytest.param(["x*.yml"], "there is no Arazzo document in x*.yml", id="a glob that matches nothing"),
        pytest.param(["clean.yml", "--format", "sarif", "--output", "bad.yml/x.sarif"], "the report cannot be written to bad.yml/x.sarif", id="a report that cannot be written"),
        pytest.param(["clean.yml", "--url-map", "clean.yml"], "--url-map cannot be used", id="a map that is none"),
    ],
)  # fmt: skip
def test_wrong_options_are_one_clear_error(folder, capsys, arguments, message):
    (folder / "empty").mkdir()
    code, out, err = validate(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert message in err


def test_the_nearest_configuration_holds_for_each_document(folder, capsys):
    (folder / "arazzo.toml").write_text('[validate.rules]\ncondition-syntax = "warning"\n', encoding="utf-8")
    (folder / "sub" / "arazzo.toml").write_text('[validate.rules]\npointer-slash = "off"\n', encoding="utf-8")
    code, out, _ = validate(".", capsys=capsys)
    assert (code, out.splitlines()[-1]) == (0, "1 warning in 1 of 3 documents")
    assert validate(".", "--no-config", capsys=capsys)[0] == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_configuration_is_read_once_so_it_may_be_a_pipe(folder, capsys, jobs):
    os.mkfifo(folder / "pipe")
    text = '[validate.rules]\ncondition-syntax = "off"\n'
    writer = threading.Thread(target=(folder / "pipe").write_text, args=(text, "utf-8"))
    writer.start()
    assert validate("bad.yml", "clean.yml", "--config", "pipe", "--jobs", jobs, capsys=capsys)[0] == 0
    writer.join()


def test_include_of_the_configuration_works_from_every_folder(folder, capsys, monkeypatch):
    text = '[validate]\ninclude = ["sub"]\nmax-warnings = 0\n[sources]\npets = "pets.yml"\n'
    (folder / "arazzo.toml").write_text(text, encoding="utf-8")
    assert validate(capsys=capsys) == (1, *_shown("sub/doubtful.yml"))
    monkeypatch.chdir(folder / "sub")
    assert validate(capsys=capsys)[:2] == (1, _shown("doubtful.yml")[0])


def _shown(name):
    text = (
        f"warning[pointer-slash]: a JSON Pointer begins with /\n  --> {name}:12:39\n"
        "12 |           - condition: $response.body#id == 200\n"
        "   |                                       ^^\n   = help: write $response.body#/id\n\n1 warning (1 fixable with --fix)\n"
    )
    return text, "1 warning, more than the 0 allowed\n"


def test_a_mistake_in_the_configuration_stops_everything(folder, capsys):
    (folder / "arazzo.toml").write_text('[validate.rules]\ndouble-quote = "off"\n', encoding="utf-8")
    code, out, err = validate(".", capsys=capsys)
    assert (code, out) == (2, "")
    assert "arazzo.toml:2:1" in err
    assert 'did you mean "double-quotes"?' in err


def test_standard_input_is_a_document_with_a_name(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    code, out, _ = validate("-", "--stdin-filename", "sub/../typed.yml", "--format", "github", capsys=capsys)
    assert code == 1
    assert out.startswith("::error file=typed.yml,line=12,")


def test_a_report_goes_to_a_file_and_the_text_to_stdout(folder, capsys):
    code, out, _ = validate("bad.yml", "--format", "sarif", "--output", "out.sarif", capsys=capsys)
    assert code == 1
    assert out.startswith("error[condition-syntax]")
    log = json.loads((folder / "out.sarif").read_text(encoding="utf-8"))
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["condition-syntax"]


def test_remote_descriptions_are_read_from_a_map_of_urls(folder, capsys):
    remote = CLEAN.replace("./pets.yml", "https://api.example/v1/pets.yml")
    broken = remote.replace("operationId: getPet", "operationId: getPetz")
    (folder / "remote.yml").write_text(broken, encoding="utf-8")
    assert "not-checked" in validate("remote.yml", capsys=capsys)[1]
    for key in ("https://api.example/v1/pets.yml", "https://api.example/"):
        place = "pets.yml" if key.endswith("yml") else "mirror"
        (folder / "map.json").write_text(json.dumps({key: place}), encoding="utf-8")
        (folder / "mirror" / "v1").mkdir(parents=True, exist_ok=True)
        (folder / "mirror" / "v1" / "pets.yml").write_text(PETS, encoding="utf-8")
        code, out, _ = validate("remote.yml", "--url-map", "map.json", capsys=capsys)
        assert code == 1, out
        assert "error[unknown-operation]" in out
        assert "not-checked" not in out


def test_documents_given_together_find_each_other_by_self(folder, capsys):
    callee = CLEAN.replace("arazzo: 1.0.1", "arazzo: 1.1.0\n$self: https://flows.example/callee")
    caller = (
        "arazzo: 1.1.0\ninfo: {title: A, version: 1.0.0}\n"
        "sourceDescriptions: [{name: other, url: https://flows.example/callee, type: arazzo}]\n"
        "workflows:\n  - workflowId: a\n    steps:\n"
        "      - {stepId: s, workflowId: $sourceDescriptions.other.lok}\n"
    )
    (folder / "callee.yml").write_text(callee, encoding="utf-8")
    (folder / "caller.yml").write_text(caller, encoding="utf-8")
    assert "not-checked" in validate("caller.yml", capsys=capsys)[1]
    code, out, _ = validate("caller.yml", "callee.yml", capsys=capsys)
    assert code == 1
    assert 'did you mean "look"?' in out


def test_findings_come_in_the_order_of_the_lines(folder, capsys):
    text = BAD + "          - condition: $statusCode = 201\n" + "x-a: 1\nfoo: 2\n"
    (folder / "bad.yml").write_text(text, encoding="utf-8")
    code, out, _ = validate("bad.yml", "--format", "json", capsys=capsys)
    lines = [each["line"] for each in json.loads(out)["diagnostics"]]
    assert code == 1
    assert lines == sorted(lines)
    assert len(lines) >= 3


@pytest.mark.parametrize("name", ["clean.yml", "./clean.yml", "b.json", "arazzo.toml"])
def test_a_report_overwrites_nothing_that_is_read(folder, capsys, name):
    (folder / "b.json").write_text('{"version": 1, "findings": []}', encoding="utf-8")
    (folder / "arazzo.toml").write_text('[validate]\nbaseline = "b.json"\n', encoding="utf-8")
    before = (folder / name).read_bytes()
    code, out, err = validate("clean.yml", "--format", "json", "--output", name, capsys=capsys)
    assert (code, f"--output would overwrite {name}, which the command reads" in out + err) == (2, True)
    assert (folder / name).read_bytes() == before


def test_the_folder_of_a_report_is_made(folder, capsys):
    assert validate("clean.yml", "--format", "junit", "--output", "out/new/a.xml", capsys=capsys)[0] == 0
    assert (folder / "out/new/a.xml").exists()


# ------------------------------------------------------------------ below the folder of a repository


def test_services_get_the_same_report_from_every_folder_of_a_repository(folder, capsys, monkeypatch):
    (folder / ".git").mkdir()
    formats = ("gitlab", "github", "sarif")
    from_above = [validate("sub", "--format", each, capsys=capsys)[1] for each in formats]
    monkeypatch.chdir(folder / "sub")
    assert [validate(".", "--format", each, capsys=capsys)[1] for each in formats] == from_above
    assert [each["location"]["path"] for each in json.loads(from_above[0])] == ["sub/doubtful.yml"]
