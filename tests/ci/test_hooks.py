"""The pre-commit hooks and the script of the GitHub Action, run as users run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.lint.documents import CLEAN, PETS, project, with_criterion

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BAD = with_criterion("$statusCode = 200")
DOUBTFUL = with_criterion("$response.headers.ETag == 'a'")


def shell(folder, *command, **environment):
    told = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment}
    done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------------ pre-commit


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    pytest.importorskip("pre_commit")
    project(tmp_path)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    shell(tmp_path, "git", *identity, "init", "-q")
    return tmp_path


def hooks(repository, *, selected=("--all-files",)):
    """Run our hooks as a local repository: the same, but for the installation, which needs a network."""
    command = f"{sys.executable} -m arazzo_runner"
    local = [{**hook, "language": "system", "entry": hook["entry"].replace("arazzo", command, 1)} for hook in HOOKS]
    config = {"repos": [{"repo": "local", "hooks": local}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    shell(repository, "git", "add", "-A")
    return shell(
        repository, sys.executable, "-m", "pre_commit", "run", *selected, "--color", "never",
        PRE_COMMIT_HOME=str(repository / ".cache"),
    )  # fmt: skip


def test_a_clean_commit_passes_and_other_files_are_left_alone(repository):
    project(
        repository,
        flow__arazzo__yaml=CLEAN,
        sub_in_arazzo__yml=CLEAN.replace("./pets", "../pets"),
        other__yaml="arazzo_version: no\n",
    )
    code, out = hooks(repository)
    assert code == 0, out
    assert out.count("Passed") == 2


def test_a_commit_with_errors_is_stopped_with_their_lines(repository):
    project(repository, flow__arazzo__yaml=BAD)
    code, out = hooks(repository)
    assert code == 1
    assert "error[condition-syntax]" in out
    assert "flow.arazzo.yaml:12:36" in out


CALLED = CLEAN.replace("workflowId: look", "workflowId: called")
CALLER = CLEAN.replace(
    "sourceDescriptions:\n", "sourceDescriptions:\n  - {name: other, url: ./called.arazzo.yaml, type: arazzo}\n"
) + "      - {stepId: call, workflowId: $sourceDescriptions.other.called}\n"  # fmt: skip
CROSS = {
    "a called workflow is renamed": ("called.arazzo.yaml", CALLED.replace("workflowId: called", "workflowId: new")),
    "a called document is removed": ("called.arazzo.yaml", None),
    "an operation of a description is renamed": ("pets.yml", PETS.replace("getPet", "findPet")),
    "a description is removed": ("pets.yml", None),
}


@pytest.mark.parametrize(("name", "text"), CROSS.values(), ids=CROSS)
def test_a_commit_that_breaks_another_document_is_stopped(repository, name, text):
    project(repository, flow__arazzo__yaml=CALLER, called__arazzo__yaml=CALLED)
    assert hooks(repository)[0] == 0
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    shell(repository, "git", *identity, "commit", "-q", "-m", "both")
    if text is None:
        (repository / name).unlink()
    else:
        (repository / name).write_text(text, encoding="utf-8")
    code, out = hooks(repository, selected=())  # what is staged: the changed file alone, or none
    assert code == 1
    assert "--> flow.arazzo.yaml:" in out


def test_many_documents_are_checked_by_one_process(repository):
    """Two processes would find a mistake of a shared description twice, and write one baseline."""
    assert all(hook["require_serial"] for hook in HOOKS)
    documents = {f"flow{number}__arazzo__yaml": CLEAN for number in range(30)}
    twice = PETS.replace("openapi: 3.0.3", "openapi: 3.0.3\nopenapi: 3.0.3")
    project(repository, **{**documents, "flow0__arazzo__yaml": BAD}, pets__yml=twice)
    code, out = hooks(repository)
    assert code == 1
    assert out.count("warning[duplicate-key]") == 2  # once by each hook


def test_fixes_are_made_in_the_commit(repository):
    project(repository, flow__arazzo__yaml=DOUBTFUL)
    code, out = hooks(repository)
    assert code == 1
    assert "files were modified by this hook" in out
    assert (repository / "flow.arazzo.yaml").read_text(encoding="utf-8") == with_criterion(
        "$response.header.ETag == 'a'"
    )
    assert hooks(repository)[0] == 0


def test_the_published_hooks_are_valid_for_pre_commit(repository):
    code, out = shell(ROOT, sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml")
    assert code == 0, out


# ------------------------------------------------------------------ GitHub


@pytest.fixture
def runner(tmp_path):
    """Run the step of action.yml as GitHub would: its inputs by its own mapping, its files beside."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not here")
    project(
        tmp_path,
        workflows_in_bad__yml=BAD.replace("./pets", "../pets"),
        workflows_in_doubtful__yml=DOUBTFUL.replace("./pets", "../pets"),
    )
    (tmp_path / "temp").mkdir()

    def run(**inputs):
        given = {name: each["default"] for name, each in ACTION["inputs"].items()}
        given |= {"command": f"{sys.executable} -m arazzo_runner"} | {
            name.replace("_", "-"): value for name, value in inputs.items()
        }
        (step,) = ACTION["runs"]["steps"]
        values = {f"inputs.{name}": value for name, value in given.items()} | {"github.action_path": str(ROOT)}

        def filled(text):
            return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda match: values[match[1]], text)

        environment = {name: filled(text) for name, text in step["env"].items()}
        files = {
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "RUNNER_TEMP": str(tmp_path / "temp"),
        }
        folder = tmp_path / filled(step["working-directory"])
        code, out = shell(folder, "bash", "-eo", "pipefail", "-c", step["run"], **environment, **files)
        outputs = dict(
            line.partition("=")[::2] for line in (tmp_path / "output").read_text(encoding="utf-8").splitlines()
        )
        return code, out, outputs

    return run


def test_the_action_annotates_the_lines_and_fails(runner, tmp_path):
    code, out, outputs = runner(paths="workflows/*.yml", sarif_file="out.sarif")
    assert code == 1
    assert "::error file=workflows/bad.yml,line=12,col=36," in out
    assert "::warning file=workflows/doubtful.yml,line=12," in out
    assert outputs == {"exit-code": "1", "summary": "1 error, 1 warning in 2 of 2 documents"}
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines() == [
        "### arazzo validate",
        "",
        "1 error, 1 warning in 2 of 2 documents",
        "",
        "| | code | where | message |",
        "|---|---|---|---|",
        r"| ❌ error | `condition-syntax` | workflows\/bad\.yml\:12 | \= is not an operator |",
        r"| ⚠️ warning | `headers-plural` | workflows\/doubtful\.yml\:12 | \$response\.headers must be \$response\.header |",
    ]
    assert (tmp_path / "out.sarif").exists()


def test_the_summary_shows_the_first_findings_and_counts_the_others(runner, tmp_path):
    line = BAD.splitlines()[-1] + "\n"
    project(tmp_path, workflows_in_bad__yml=BAD.replace("./pets", "../pets") + line * 59)
    runner(paths="workflows/*.yml")
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert sum(each.startswith("| ❌ error") for each in lines) == 50
    assert lines[-1] == "… and 70 more"


def test_the_summary_says_that_nothing_was_checked(runner, tmp_path):
    code, _, _ = runner(args="--lebel error")
    assert code == 2
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == "### arazzo validate\n\nnothing was checked\n"


def test_a_second_use_of_the_action_says_nothing_of_the_first(runner):
    assert "::error file=workflows/bad.yml" in runner(paths="workflows/*.yml")[1]
    code, out, outputs = runner(args="--lebel error")
    assert (code, "workflows/bad.yml" in out) == (2, False)
    assert outputs["summary"].startswith("error[usage]: no such option '--lebel'")
    assert f"::error title=arazzo validate::{outputs['summary']}\n" in out


def test_the_summary_says_why_warnings_fail(runner, tmp_path):
    _, _, outputs = runner(paths="workflows/doubtful.yml", args="--max-warnings 0")
    assert outputs == {"exit-code": "1", "summary": "1 warning; 1 warning, more than the 0 allowed"}
    assert "1 warning; 1 warning, more than the 0 allowed\n" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_annotations_name_files_from_the_repository(runner, tmp_path):
    (tmp_path / ".git").mkdir()
    _, out, _ = runner(paths="bad.yml", working_directory="workflows", sarif_file="out.sarif")
    assert "::error file=workflows/bad.yml,line=12," in out
    assert r"| workflows\/bad\.yml\:12 |" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    (sarif,) = json.loads((tmp_path / "workflows/out.sarif").read_text(encoding="utf-8"))["runs"]
    place = sarif["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "workflows/bad.yml", "uriBaseId": "%SRCROOT%"}


def test_the_action_takes_several_paths_and_options(runner):
    code, out, outputs = runner(
        paths="workflows/doubtful.yml\nworkflows/doubtful.yml", args="--max-warnings 0 --ignore condition-*"
    )
    assert (code, outputs["exit-code"]) == (1, "1")
    assert "::error" not in out
    assert runner(paths="workflows/doubtful.yml")[0] == 0


def test_the_action_executes_no_code_from_its_inputs(runner, tmp_path):
    code, _, _ = runner(paths="$(touch$IFS/pwned) `touch pwned` ; touch pwned")
    assert code == 2
    assert not list(tmp_path.rglob("pwned"))


def test_the_action_works_below_a_folder(runner):
    code, out, _ = runner(working_directory="workflows")
    assert code == 1
    assert "::error file=bad.yml,line=12," in out


# ------------------------------------------------------------------ the page


def test_the_examples_of_the_page_are_read():
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    hook, github, suite, gitlab = map(yaml.safe_load, blocks)
    assert {4} == {len(suite["strategy"]["matrix"]["part"])}
    assert {each["id"] for each in hook["repos"][0]["hooks"]} <= {each["id"] for each in HOOKS}
    step = next(each for each in github["jobs"]["arazzo"]["steps"] if each.get("uses") == "./")
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert gitlab["arazzo"]["artifacts"]["reports"]["codequality"] in gitlab["arazzo"]["script"][1]
