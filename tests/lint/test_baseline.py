"""Baselines: old findings are suppressed even if lines move, new ones are not."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.cli.main import run
from tests.lint.documents import CLEAN, PETS, project, with_criterion

BAD = with_criterion("$statusCode = 200")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project(tmp_path, w__yml=BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*arguments, capsys):
    code = run(["validate", "--select", "condition-syntax", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_findings_of_the_baseline_are_suppressed_wherever_they_move(folder, capsys):
    assert validate("w.yml", "--write-baseline", "b.json", capsys=capsys) == (0, "", "1 finding written to b.json\n")
    moved = "# a comment\n\n" + BAD
    (folder / "w.yml").write_text(moved, encoding="utf-8")
    assert validate("w.yml", "--baseline", "b.json", capsys=capsys) == (
        0,
        "it is valid: no problems (1 in the baseline)\n",
        "",
    )
    two = moved + moved.splitlines()[-1] + "\n"
    (folder / "w.yml").write_text(two, encoding="utf-8")
    code, out, _ = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert code == 1
    assert out.endswith("1 error (1 in the baseline)\n")


def test_a_baseline_holds_from_every_folder(folder, capsys, monkeypatch):
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    capsys.readouterr()
    assert validate("../w.yml", "--baseline", "../b.json", capsys=capsys)[0] == 0


def test_stale_entries_are_reported(folder, capsys):
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (folder / "w.yml").write_text(CLEAN, encoding="utf-8")
    capsys.readouterr()
    code, out, err = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert (code, out) == (0, "it is valid: no problems\n")
    assert err == "1 baseline entry is stale; update the file with --write-baseline\n"


def test_the_configuration_may_name_a_baseline_and_equal_findings_are_counted(folder, capsys):
    (folder / "w.yml").write_text(BAD + BAD.splitlines()[-1] + "\n", encoding="utf-8")
    (folder / "arazzo.toml").write_text('[validate]\nbaseline = "b.json"\n', encoding="utf-8")
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (entry,) = json.loads((folder / "b.json").read_text(encoding="utf-8"))["findings"]
    assert (entry["file"], entry["code"], entry["count"]) == ("w.yml", "condition-syntax", 2)
    capsys.readouterr()
    assert validate("w.yml", capsys=capsys)[0] == 0
    assert validate("w.yml", "--no-config", capsys=capsys)[0] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}', '{"version": 1, "findings": [{"fingerprint": "x", "count": "2"}]}'])  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(folder, capsys, text):
    (folder / "b.json").write_text(text, encoding="utf-8")
    code, out, err = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert (code, out) == (2, "")
    assert "error[unusable-baseline]: the baseline b.json cannot be used" in err


# ------------------------------------------------------------------ what was looked at

DOUBTFUL = with_criterion("$response.headers.ETag == 'a'")


def entries(folder, name="b.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))["findings"]


def files(folder):
    return [entry["file"] for entry in entries(folder)]


def check(*arguments, capsys):
    code = run(["validate", "--no-config", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def three(tmp_path, monkeypatch, capsys):
    """Three documents with a finding each, and a baseline of all."""
    project(
        tmp_path, w_in_a__yml=BAD.replace("./pets", "../pets"), w_in_b__yml=BAD.replace("./pets", "../pets"), c__yml=BAD
    )
    monkeypatch.chdir(tmp_path)
    assert check(".", "--write-baseline", "b.json", capsys=capsys) == (0, "", "3 findings written to b.json\n")
    return tmp_path


def test_checking_one_file_keeps_the_entries_of_the_others(three, capsys):
    assert check("w/a.yml", "--baseline", "b.json", capsys=capsys)[::2] == (0, "")
    written = check("w/a.yml", "--write-baseline", "b.json", capsys=capsys)
    assert written == (0, "", "1 finding written to b.json; kept: 2 entries of other files\n")
    assert files(three) == ["c.yml", "w/a.yml", "w/b.yml"]


def test_only_entries_of_checked_files_are_stale(three, capsys):
    (three / "c.yml").write_text(CLEAN, encoding="utf-8")
    stale = "1 baseline entry is stale; update the file with --write-baseline (2 entries of other files)\n"
    assert check("c.yml", "--baseline", "b.json", capsys=capsys)[::2] == (0, stale)
    assert check("c.yml", "--write-baseline", "b.json", capsys=capsys)[0] == 0
    assert files(three) == ["w/a.yml", "w/b.yml"]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--select", "unused-source"], id="codes that are selected"),
        pytest.param(["--ignore", "condition-*"], id="codes that are ignored"),
        pytest.param(["--level", "condition-syntax=off"], id="codes that are off"),
        pytest.param([], id="every code"),
    ],
)
def test_entries_of_codes_that_are_not_reported_are_neither_stale_nor_removed(three, arguments, capsys):
    assert check(".", *arguments, "--baseline", "b.json", capsys=capsys)[::2] == (0, "")
    check(".", *arguments, "--write-baseline", "b.json", capsys=capsys)
    assert files(three) == ["c.yml", "w/a.yml", "w/b.yml"]


def test_warnings_of_the_baseline_are_not_stale_when_only_errors_are_shown(folder, capsys):
    (folder / "w.yml").write_text(DOUBTFUL, encoding="utf-8")
    check("w.yml", "--preset", "tolerant", "--write-baseline", "b.json", capsys=capsys)
    assert [entry["severity"] for entry in entries(folder)] == ["warning"]
    assert check("w.yml", "--preset", "tolerant", "--level", "error", "--baseline", "b.json", capsys=capsys)[2] == ""


@pytest.mark.parametrize("spec", ["w", "w/*.yml", ".", "**/*.yml"])
def test_a_file_that_is_gone_is_stale_if_its_folder_or_glob_was_checked(three, spec, capsys):
    (three / "w" / "b.yml").unlink()
    assert "1 baseline entry is stale" in check(spec, "--baseline", "b.json", capsys=capsys)[2]
    check(spec, "--write-baseline", "b.json", capsys=capsys)
    assert files(three) == ["c.yml", "w/a.yml"]


def test_a_file_that_is_gone_belongs_to_other_files_if_another_one_was_checked(three, capsys):
    (three / "w" / "b.yml").unlink()
    assert check("w/a.yml", "--write-baseline", "b.json", capsys=capsys)[0] == 0
    assert files(three) == ["c.yml", "w/a.yml", "w/b.yml"]


def test_a_renamed_file_has_new_findings_and_its_old_entries_are_stale(three, capsys):
    (three / "w" / "b.yml").rename(three / "w" / "new.yml")
    code, out, err = check(".", "--baseline", "b.json", capsys=capsys)
    assert (code, out.splitlines()[1].strip()) == (1, "--> w/new.yml:12:36")
    assert err == "1 baseline entry is stale; update the file with --write-baseline\n"
    check(".", "--write-baseline", "b.json", capsys=capsys)
    assert files(three) == ["c.yml", "w/a.yml", "w/new.yml"]


# ------------------------------------------------------------------ unreadable documents

UNREADABLE = {
    "yaml that is broken": ({"w.yml": "arazzo: 1.0.1\n  x: [\n"}, 1),
    "an empty file": ({"w.yml": ""}, 1),
    "a list": ({"w.yml": "[1]\n"}, 1),
    "a mapping of something else": ({"w.yml": "foo: bar\n"}, 1),
    "an OpenAPI description": ({"w.yml": PETS}, 1),
    "a missing file": ({"w.yml": None}, 2),
    "a description that is missing": ({"pets.yml": None}, 1),
    "a description that is broken": ({"pets.yml": "openapi: [\n"}, 1),
    "a description of nothing known": ({"pets.yml": "foo: bar\n"}, 1),
}


@pytest.mark.parametrize(("changes", "exit_code"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_document_is_never_forgiven(three, changes, exit_code, capsys):
    (three / "w.yml").write_text(BAD, encoding="utf-8")
    check("w.yml", "--write-baseline", "b.json", capsys=capsys)
    before = entries(three)
    for name, text in changes.items():
        if text is None:
            (three / name).unlink()
        else:
            (three / name).write_text(text, encoding="utf-8")
    code, _, err = check("w.yml", "--write-baseline", "b.json", capsys=capsys)
    assert code == exit_code
    assert "1 error\n" in err
    assert [entry for entry in entries(three) if entry in before] == before
    assert {entry["code"] for entry in entries(three)} <= {"condition-syntax", "unused-source"}
    code, out, err = check("w.yml", "--baseline", "b.json", capsys=capsys)
    assert code == exit_code
    assert "stale" not in err
    assert "1 error" in out


def test_an_entry_that_was_written_for_an_unreadable_document_hides_nothing(folder, capsys):
    (folder / "w.yml").write_text("foo: bar\n", encoding="utf-8")
    code, report, _ = check("w.yml", "--format", "gitlab", capsys=capsys)
    [found] = json.loads(report)
    entry = {"file": "w.yml", "code": found["check_name"], "message": found["description"]}
    entry["fingerprint"] = found["fingerprint"]
    (folder / "b.json").write_text(json.dumps({"version": 1, "findings": [entry]}), encoding="utf-8")
    assert check("w.yml", "--baseline", "b.json", capsys=capsys)[0] == code == 1


# ------------------------------------------------------------------ how files are named


@pytest.mark.parametrize(
    ("folder_name", "specs", "baseline"),
    [
        pytest.param(".", ["w/a.yml", "w/b.yml", "c.yml"], "b.json", id="by their names"),
        pytest.param(".", ["."], "b.json", id="a folder"),
        pytest.param(".", ["w/*.yml", "./c.yml"], "./b.json", id="a glob, and a dot"),
        pytest.param("w", ["a.yml", "b.yml", "../c.yml"], "../b.json", id="from a folder below"),
        pytest.param("w", [".", "../c.yml"], "../b.json", id="the folder itself"),
        pytest.param("w", ["{root}/w", "{root}/c.yml"], "{root}/b.json", id="absolute paths"),
        pytest.param(".", ["{link}"], "b.json", id="through a link"),
        pytest.param("{link}", ["{root}"], "b.json", id="from behind a link"),
    ],
)
def test_a_baseline_holds_however_files_are_named(
    three, folder_name, specs, baseline, capsys, monkeypatch, tmp_path_factory
):
    link = tmp_path_factory.mktemp("links") / "link"
    try:
        link.symlink_to(three, target_is_directory=True)
    except OSError:
        pytest.skip("links need a privilege here")
    monkeypatch.chdir(three / folder_name.format(link=link))
    specs = [spec.format(root=three, link=link) for spec in specs]
    baseline = baseline.format(root=three)
    before = entries(three)
    assert check(*specs, "--baseline", baseline, capsys=capsys)[::2] == (0, "")
    check(*specs, "--write-baseline", baseline, capsys=capsys)
    assert entries(three) == before


def test_a_baseline_holds_for_other_line_breaks(three, capsys):
    for name in files(three):
        text = (three / name).read_bytes()
        (three / name).write_bytes(text.replace(b"\n", b"\r\n"))
    assert check(".", "--baseline", "b.json", capsys=capsys)[::2] == (0, "")


def test_entries_name_files_with_slashes_and_what_was_checked(three, capsys):
    (three / "pets.yml").write_text(PETS.replace("openapi: 3.0.3", "openapi: 3.0.3\nopenapi: 3.0.3"), encoding="utf-8")
    check(".", "--write-baseline", "b.json", capsys=capsys)
    [entry] = [each for each in entries(three) if each["file"] == "pets.yml"]
    assert (entry["document"], entry["code"]) == ("c.yml", "duplicate-key")
    assert "\\" not in json.dumps(files(three))
    (three / "pets.yml").write_text(PETS, encoding="utf-8")
    assert check("w", "--baseline", "b.json", capsys=capsys)[2] == ""
    assert "1 baseline entry is stale" in check("c.yml", "--baseline", "b.json", capsys=capsys)[2]


@pytest.mark.parametrize("text", ["", "{\n", "[]"])
def test_a_file_that_is_no_baseline_is_not_overwritten(folder, text, capsys):
    (folder / "b.json").write_text(text, encoding="utf-8")
    code, _, err = check("w.yml", "--write-baseline", "b.json", capsys=capsys)
    assert (code, "delete it, and --write-baseline makes a new one" in err) == (2, True)
    assert (folder / "b.json").read_text(encoding="utf-8") == text


def test_a_merge_conflict_in_a_baseline_is_named(folder, capsys):
    validate("w.yml", "--write-baseline", "b.json", capsys=capsys)
    text = (folder / "b.json").read_text(encoding="utf-8")
    lines = text.replace("    {\n", "<<<<<<< HEAD\n    {\n", 1).replace("    }\n", "    }\n=======\n>>>>>>> other\n", 1)
    (folder / "b.json").write_text(lines, encoding="utf-8")
    for option in ("--baseline", "--write-baseline"):
        code, _, err = validate("w.yml", option, "b.json", capsys=capsys)
        assert code == 2
        assert "the baseline b.json cannot be used: it has the marks of a merge conflict in line 4\n" in err
        assert "keep the entries of both sides" in err
    assert (folder / "b.json").read_text(encoding="utf-8") == lines


def test_a_finding_about_a_parameter_survives_an_edit_of_its_value(folder, capsys):
    def document(value):
        own = f"value: 1}}, {{name: X-Trace, in: header, value: '{value}'}}]"
        return CLEAN.replace("value: 1}]", own)

    select = ("--select", "undeclared-parameter")
    (folder / "w.yml").write_text(document("a $inputs.b"), encoding="utf-8")
    run(["validate", *select, "w.yml", "--write-baseline", "b.json"])
    assert capsys.readouterr().err == "1 finding written to b.json\n"
    (folder / "w.yml").write_text(document("a {$inputs.b}"), encoding="utf-8")
    assert run(["validate", *select, "w.yml", "--baseline", "b.json"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("it is valid: no problems (1 in the baseline)\n", "")
