"""Suites of runs: workflows by tag, shards, what failed before, and what the terminal shows of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, conversation
from tests.e2e.test_many_runs import API, TWO, answers, lines

TAGGED = TWO.replace("  - workflowId: get-one\n", "  - workflowId: get-one\n    x-tags: [smoke, slow]\n").replace(
    "  - workflowId: get-list\n", "  - workflowId: get-list\n    x-tags: [smoke]\n"
)
MORE = (
    TWO.replace("get-one", "more")
    .replace("get-list", "rest")
    .replace("- workflowId: rest\n", "- workflowId: rest\n    x-tags: [nightly]\n")
)
SCENARIO = "rules: [{operation: getPet, answer: {status: 404}}]\n"
ROWS = [("--data", "rows.csv"), ("--repeat", "7", "-i", "id=1")]


@pytest.fixture
def suite(folder: Path) -> Path:
    """Two documents of two workflows, and four rows."""
    (folder / "pets.yml").write_text(TAGGED)
    (folder / "more.yml").write_text(MORE)
    (folder / "api.yml").write_text(API)
    (folder / "rows.csv").write_text("_name,id\nfirst,1\n,2\n,3\nlast,4\n")
    return folder


def ran_names(out: str) -> list[str]:
    return [name for name, _ in lines(out)]


# ------------------------------------------------------------------ tags


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--tag", "slow"], ["pets.yml get-one"], id="one tag"),
        pytest.param(["--tag", "smoke"], ["pets.yml get-one", "pets.yml get-list"], id="of two workflows"),
        pytest.param(
            ["--tag", "slow", "--tag", "nightly"], ["pets.yml get-one", "more.yml rest"], id="one of two tags"
        ),
        pytest.param(["--tag", "smoke", "-w", "*-list"], ["pets.yml get-list"], id="with a name"),
    ],
)
def test_tags_choose_workflows(suite: Path, arazzo: Arazzo, arguments: list[str], expected: list[str]) -> None:
    ran = arazzo("run", "pets.yml", "more.yml", *arguments, "-i", "id=1", "--mock")
    assert ran.code == 0
    names = [name if " " in name else f"pets.yml {name}" for name in ran_names(ran.out)]
    assert names == expected


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        pytest.param(("", ""), ["--tag", "smoek"], 'no workflow has the tag "smoek"\n  = help: did you mean "smoke"?', id="an unknown tag"),
        pytest.param(("", ""), ["--tag", "smoke", "--tag", "x"], "= help: available: smoke, slow", id="one of two tags is unknown"),
        pytest.param(("[smoke, slow]", "smoke"), ["--tag", "smoke"], "x-tags must be a list of strings\n --> pets.yml:6:13", id="no list"),
        pytest.param(("", ""), ["--tag", "slow", "-w", "*-list"], "no workflow that -w names has the tag slow", id="no workflow is left"),
    ],
)  # fmt: skip
def test_tags_that_choose_nothing_are_refused(
    suite: Path, arazzo: Arazzo, change: tuple[str, str], arguments: list[str], message: str
) -> None:
    (suite / "pets.yml").write_text(TAGGED.replace(*change))
    ran = arazzo("run", "pets.yml", *arguments, "-i", "id=1", "--mock")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


# ------------------------------------------------------------------ shards


@pytest.mark.parametrize("total", [1, 2, 3, 5])
@pytest.mark.parametrize("several", ROWS, ids=["rows", "repetitions"])
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_shards_are_disjoint_and_together_everything(
    suite: Path, arazzo: Arazzo, total: int, several: tuple[str, ...], jobs: str
) -> None:
    command = ("run", "pets.yml", "more.yml", "-w", "*", *several, "--mock", "-j", jobs)
    whole = ran_names(arazzo(*command).out)
    parts = [ran_names(arazzo(*command, "--shard", f"{index + 1}/{total}").out) for index in range(total)]
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts == [[name for name in whole if name in part] for part in parts], "in the order planned"


def test_a_shard_does_not_depend_on_the_order_of_documents(suite: Path, arazzo: Arazzo) -> None:
    found = [
        sorted(ran_names(arazzo("run", *specs, "-w", "*", "-i", "id=1", "--mock", "--shard", "2/3").out))
        for specs in (("pets.yml", "more.yml"), ("more.yml", "pets.yml"), ("*[se].yml",))
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_shard_without_runs_succeeds(suite: Path, arazzo: Arazzo) -> None:
    command = ("run", "pets.yml", "-w", "get-one", "-i", "id=1", "--mock", "--shard", "3/3")
    ran = arazzo(*command)
    assert (ran.code, ran.out, ran.err) == (0, "", "shard 3/3: 0 of 1 run\n0 runs\n")
    report = json.loads(arazzo(*command, "--format", "json", "--report", "report.xml").out)
    assert (report["status"], report["summary"]["runs"], report["runs"]) == ("succeeded", 0, [])
    assert "<testsuites" in (suite / "report.xml").read_text()


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_a_wrong_shard_is_refused(suite: Path, arazzo: Arazzo, text: str) -> None:
    ran = arazzo("run", "pets.yml", "-w", "get-list", "--mock", "--shard", text)
    assert ran.code == 2
    assert f'expected a part and the number of parts, such as 1/4, found "{text}"' in ran.err


# ------------------------------------------------------------------ what failed before


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_what_failed_is_run_again_across_documents_and_rows(suite: Path, arazzo: Arazzo, jobs: str) -> None:
    command = ("run", "pets.yml", "more.yml", "-w", "*", "--data", "rows.csv", "-j", jobs, "--report", "json=last.json")
    with conversation(answers(2, 4)) as server:
        first = arazzo(*command, "--server", f"pets={server.url}")
    failed = [name for name, status in lines(first.out) if status == "failed"]
    assert failed == [f"{name} [{row}]" for name in ("pets.yml get-one", "more.yml more") for row in ("2", "last")]
    with conversation(answers(4)) as server:
        second = arazzo(*command, "--rerun-failed", "last.json", "--server", f"pets={server.url}")
        third = arazzo(*command, "--rerun-failed", "last.json", "--server", f"pets={server.url}")
    assert (second.code, ran_names(second.out)) == (1, failed)
    assert "4 runs of 16 to be repeated" in second.err
    assert ran_names(third.out) == [failed[1], failed[3]], "the report has only what was run again"


def test_a_scenario_and_shards_go_with_it(suite: Path, arazzo: Arazzo) -> None:
    (suite / "fails.yml").write_text(SCENARIO)
    command = ("run", "pets.yml", "-w", "*", "--data", "rows.csv", "--mock")
    reports = []
    for index in ("1", "2"):
        ran = arazzo(*command, "--scenario", "fails.yml", "--shard", f"{index}/2", "--report", f"json={index}.json")
        assert ran.code == 1
        reports += ["--rerun-failed", f"{index}.json"]
    again = arazzo(*command, *reports)
    assert (again.code, ran_names(again.out)) == (0, [f"get-one [{row}]" for row in ("first", "2", "3", "last")])
    half = [ran_names(arazzo(*command, *reports, "--shard", f"{index}/2").out) for index in (1, 2)]
    assert sorted(half[0] + half[1]) == sorted(ran_names(again.out))


@pytest.mark.parametrize("own_report_only", [True, False], ids=["its own report", "the reports of all"])
def test_every_machine_repeats_all_that_failed_in_its_part(suite: Path, arazzo: Arazzo, own_report_only: bool) -> None:
    (suite / "fails.yml").write_text(SCENARIO)
    command = ("run", "pets.yml", "more.yml", "-w", "*", "--data", "rows.csv", "--mock", "--scenario", "fails.yml")
    parts = [("--shard", f"{index}/3") for index in (1, 2, 3)]
    failed = []
    for part in parts:
        ran = arazzo(*command, *part, "--report", f"json={part[1][0]}.json")
        failed.append([name for name, status in lines(ran.out) if status == "failed"])
    assert sum(map(len, failed)) == 8
    for part, names in zip(parts, failed, strict=True):
        reports = [part] if own_report_only else parts
        again = arazzo(
            *command, *part, *(text for each in reports for text in ("--rerun-failed", f"{each[1][0]}.json"))
        )
        assert ran_names(again.out) == names, part
        assert (" more in other parts" in again.err) == (not own_report_only)


@pytest.mark.parametrize(
    "wrong", [("--env", "none"), ("-i", "id=x"), ("-w", "none")], ids=["an environment", "an input", "a workflow"]
)
def test_a_refused_attempt_keeps_the_list_of_what_failed(suite: Path, arazzo: Arazzo, wrong: tuple[str, str]) -> None:
    (suite / "fails.yml").write_text(SCENARIO)
    (suite / "arazzo.toml").write_text("")
    command = (
        "run",
        "pets.yml",
        "-w",
        "get-one",
        "-i",
        "id=1",
        "--mock",
        "--repeat",
        "2",
        "--report",
        "json=last.json",
    )
    assert arazzo(*command, "--scenario", "fails.yml").code == 1
    before = (suite / "last.json").read_text()
    refused = arazzo(*command, "--rerun-failed", "./last.json", *wrong)
    assert (refused.code, (suite / "last.json").read_text()) == (2, before)
    assert "nothing was run, so last.json is kept as it was\n" in refused.err
    assert ran_names(arazzo(*command, "--rerun-failed", "last.json").out) == ["get-one #1", "get-one #2"]


def test_after_a_refused_attempt_everything_is_run(suite: Path, arazzo: Arazzo) -> None:
    command = ("run", "pets.yml", "-w", "*", "-i", "id=1", "--mock")
    (suite / "arazzo.toml").write_text("[environments.a]\n")
    assert arazzo(*command, "--env", "b", "--report", "json=last.json").code == 2
    assert "1970" not in (suite / "last.json").read_text()
    again = arazzo(*command, "--rerun-failed", "last.json")
    assert (again.code, ran_names(again.out)) == (0, ["get-one", "get-list"])


def test_a_document_is_the_same_however_it_is_named(suite: Path, arazzo: Arazzo) -> None:
    (suite / "fails.yml").write_text(SCENARIO)
    names = ("pets.yml", "./pets.yml", str(suite / "pets.yml"), "p*s.yml")
    command = ("-w", "*", "-i", "id=1", "--mock")
    first = arazzo("run", *names, *command, "--scenario", "fails.yml", "--report", "json=last.json")
    assert ran_names(first.out) == ["get-one", "get-list"]
    for name in names:
        assert ran_names(arazzo("run", name, *command, "--rerun-failed", "last.json").out) == ["get-one"]


def test_a_single_run_is_repeated_too_and_nothing_else_is(suite: Path, arazzo: Arazzo) -> None:
    single = ("run", "pets.yml", "-w", "get-one", "-i", "id=1", "--mock")
    (suite / "fails.yml").write_text(SCENARIO)
    assert arazzo(*single, "--scenario", "fails.yml", "--report", "json=last.json").code == 1
    assert ran_names(arazzo(*single, "--rerun-failed", "last.json", "--report", "json=last.json").out) == ["get-one"]
    again = arazzo(*single, "--rerun-failed", "last.json")
    assert (again.code, again.out, again.err) == (0, "", "0 runs of 1 to be repeated\n0 runs\n")


def report_of(**statuses: str) -> str:
    return json.dumps({"runs": [
        {"document": "pets.yml", "name": name.replace("_", "-"), "status": status} for name, status in statuses.items()
    ]})  # fmt: skip


def test_what_is_in_doubt_is_repeated_only_on_request(suite: Path, arazzo: Arazzo) -> None:
    (suite / "last.json").write_text(report_of(get_one="in_doubt", get_list="not_run"))
    command = ("run", "pets.yml", "-w", "*", "-i", "id=1", "--mock", "--rerun-failed", "last.json")
    ran = arazzo(*command, "-q")
    assert (ran.code, ran_names(ran.out)) == (3, ["get-list"])
    assert ran.err == "still in doubt, so not repeated: get-one; --resend-unknown repeats what is in doubt\n"
    ran = arazzo(*command, "--resend-unknown")
    assert (ran.code, ran_names(ran.out)) == (0, ["get-one", "get-list"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "--rerun-failed last.json: no such file or directory", id="a missing file"),
        pytest.param("", "it is not JSON", id="an empty file"),
        pytest.param("[]", "it is not a JSON report of runs\n  = help: a report is written by --report json=FILE", id="a list"),
        pytest.param('{"runs": [{"name": "x"}]}', "it is not a JSON report of runs", id="half a run"),
        pytest.param(report_of(get_lits="failed"), '"get-lits" of pets.yml did not succeed, and is none of these runs\n  = help: did you mean "get-list"?', id="a run that is not planned"),
    ],
)  # fmt: skip
def test_reports_that_do_not_fit_are_refused(suite: Path, arazzo: Arazzo, text: str | None, message: str) -> None:
    if text is not None:
        (suite / "last.json").write_text(text)
    ran = arazzo("run", "pets.yml", "-w", "*", "-i", "id=1", "--mock", "--rerun-failed", "last.json")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


# ------------------------------------------------------------------ on the terminal


def table(err: str) -> list[str]:
    lines_ = err.splitlines()
    start = next(number for number, line in enumerate(lines_) if line.startswith(("run  ", "workflow  ")))
    return [re.sub(r"\d+\.\d{3}", "N.NNN", line) for line in lines_[start:-1]]


def test_a_table_names_every_run_its_status_and_seconds(suite: Path, arazzo: Arazzo) -> None:
    with conversation(answers(2)) as server:
        ran = arazzo("run", "pets.yml", "-w", "get-one", "--data", "rows.csv", "--server", f"pets={server.url}")
    head, *rows = table(ran.err)
    assert head == "run              status        time"
    assert [row.split("  ← ")[0] for row in rows] == [
        "get-one [first]  succeeded  N.NNN s",
        "get-one [2]      FAILED     N.NNN s",
        "get-one [3]      succeeded  N.NNN s",
        "get-one [last]   succeeded  N.NNN s",
    ]
    spent = re.findall(r"(\d\.\d{3}) s(  ← slowest)?$", ran.err, re.MULTILINE)
    assert [time for time, mark in spent if mark] == [max(time for time, _ in spent)]


def test_the_table_fits_80_columns(suite: Path, arazzo: Arazzo) -> None:
    (suite / "rows.csv").write_text(f"_name,id\n{'a-very-long-name-of-a-row-' * 5}end,1\nshort,2\n")
    ran = arazzo("run", "pets.yml", "-w", "get-one", "--data", "rows.csv", "--mock")
    rows = table(ran.err)
    assert len(rows) == 3
    assert max(map(len, rows)) <= 80
    assert rows[1].split("  ")[0].endswith("-end]")


def test_a_table_of_many_runs_has_a_row_for_each_workflow(suite: Path, arazzo: Arazzo) -> None:
    ran = arazzo("run", "pets.yml", "-w", "*", "--repeat", "21", "-i", "id=1", "--mock", "-j", "4")
    rows = [re.sub(r" +", " ", re.sub(r"\b[\d.]+ m?s\b", "N s", line)) for line in table(ran.err)]
    assert rows[:3] == ["workflow runs succeeded median longest", "get-one 21 21 N s N s", "get-list 21 21 N s N s"]
    assert re.fullmatch(r"slowest: get-\w+ #\d+ \(N s\)", rows[3])


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_warnings_of_checks_are_shown_once(suite: Path, arazzo: Arazzo, jobs: str) -> None:
    (suite / "api.yml").write_text(
        API.replace('responses: {"200": {description: ok}}}\n', 'responses: {"201": {description: ok}}}\n')
    )
    command = ("run", "pets.yml", "-w", "*", "--data", "rows.csv", "-j", jobs)
    with conversation(answers()) as server:
        ran = arazzo(*command, "--server", f"pets={server.url}")
        quiet = arazzo(*command, "--server", f"pets={server.url}", "-q")
        detailed = arazzo(*command, "--server", f"pets={server.url}", "-v")
    assert ran.code == 0
    assert ran.err.count("    warning[undocumented-status]: ") == 2, "one for each operation"
    assert quiet.err == ""
    assert detailed.err.count("warning[undocumented-status]: ") == 8


def test_an_output_without_a_value_is_shown(suite: Path, arazzo: Arazzo) -> None:
    with conversation({**answers(), "GET /pets/1": [Answer(200, {})]}) as server:
        ran = arazzo("run", "pets.yml", "-w", "*", "-i", "id=1", "--server", f"pets={server.url}")
    assert '    warning[missing-output]: output "name" of workflow "get-one" has no value' in ran.err


# ------------------------------------------------------------------ files that are read and written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--output", "./pets.yml"], "--output would overwrite ./pets.yml, which the command reads", id="a document"),
        pytest.param(["--report", "html=pets.yml"], "--report would overwrite pets.yml, which the command reads", id="a report over a document"),
        pytest.param(["--data", "rows.csv", "--report", "json=rows.csv"], "--report would overwrite rows.csv, which the command reads", id="rows"),
        pytest.param(["-i", "id=@id.json", "--report", "id.json"], "--report would overwrite id.json, which the command reads", id="the file of an input"),
        pytest.param(["--report", "a.json", "--output", "a.json"], "--output and --report name the same file", id="outputs and a report"),
        pytest.param(["--record", "a.json", "--output", "./a.json"], "--output and --record name the same file", id="outputs and a record"),
    ],
)  # fmt: skip
def test_no_file_is_overwritten_that_is_needed(suite: Path, arazzo: Arazzo, arguments: list[str], message: str) -> None:
    (suite / "id.json").write_text("1")
    before = {path: path.read_bytes() for path in suite.iterdir() if path.is_file()}
    ran = arazzo("run", "pets.yml", "-w", "get-one", "-i", "id=1", "--mock", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert {path: path.read_bytes() for path in suite.iterdir() if path.is_file()} == before


def test_outputs_may_replace_the_inputs_that_they_continue(suite: Path, arazzo: Arazzo) -> None:
    (suite / "state.json").write_text('{"id": 1}')
    ran = arazzo(
        "run", "pets.yml", "-w", "get-one", "--input-file", "state.json", "--mock", "--output", "state.json",
        "--report", "json=/dev/null",
    )  # fmt: skip
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_secret_of_one_run_is_hidden_in_the_failures_of_all(suite: Path, arazzo: Arazzo, jobs: str) -> None:
    flow = TWO.replace("id: {type: integer}", "id: {type: integer}, password: {type: string, format: password}")
    assert flow != TWO
    (suite / "pets.yml").write_text(flow)
    (suite / "rows.jsonl").write_text('{"id": 1, "password": "the-secret-of-one"}\n{"id": 2}\n')
    (suite / "fails.yml").write_text(
        "rules: [{operation: getPet, answer: {status: 404, body: {debug: the-secret-of-one}}}]\n"
    )
    command = (
        "run",
        "pets.yml",
        "-w",
        "get-one",
        "--data",
        "rows.jsonl",
        "--mock",
        "--scenario",
        "fails.yml",
        "-j",
        jobs,
    )
    for options in ((), ("--format", "json"), ("-vv",)):
        ran = arazzo(*command, *options)
        assert ran.code == 1
        assert "debug" in ran.err
        assert "the-secret-of-one" not in ran.err + ran.out
