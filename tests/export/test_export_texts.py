"""What is exported as people read it: clean for linters, with a comment and a warning for what is left out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from arazzo_runner import load
from arazzo_runner.export.planning import make_plan
from arazzo_runner.export.targets import TARGETS, Exported, export
from tests.e2e.conftest import Arazzo, arazzo, folder

SPECS = Path(__file__).parents[2] / "specs" / "arazzo"
OURS = ("curl", "python", "pytest")
__all__ = ["arazzo", "folder"]  # fixtures


def exported(path: Path, target: str) -> Exported:
    return export(make_plan(load(path)), target)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every example for every target."""
    made = tmp_path_factory.mktemp("exported")
    for path in SPECS.glob("*.yml"):
        plan = make_plan(load(path))
        for target in OURS:
            text = next(iter(export(plan, target).files.values()))
            name = f"{'test_' if target == 'pytest' else ''}{path.stem.replace('-', '_')}{TARGETS[target].suffix}"
            (made / name).write_text(text, encoding="utf-8")
    return made


def test_exported_python_is_clean_for_ruff(everything: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E4,E7,E9,F,W,I,UP,B,SIM,RET,PIE"]
    ran = subprocess.run([*command, str(everything)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
def test_exported_bash_is_clean_for_shellcheck(everything: Path) -> None:
    scripts = sorted(map(str, everything.glob("*.sh")))
    ran = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_bash_itself_reads_every_script(everything: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    for script in everything.glob("*.sh"):
        subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("target", OURS)
@pytest.mark.parametrize("name", ["confirm-by-message", "wait-for-a-webhook", "talk-over-a-websocket"])
def test_a_step_with_a_message_is_a_comment_and_a_warning(name: str, target: str) -> None:
    made = exported(SPECS / f"{name}.yml", target)
    text = " ".join(next(iter(made.files.values())).replace("#", " ").split())
    assert made.warnings
    for warning in made.warnings:
        assert warning.code == "not-exported"
        assert warning.at.line is not None
        sentence = warning.message.removeprefix(f"{target}: ")
        assert f"not exported: {sentence}" in text


def test_an_xpath_is_exported_to_python_but_not_to_jq() -> None:
    path = SPECS / "read-xml-with-xpath.yml"
    assert not exported(path, "python").warnings
    assert [each.at.line for each in exported(path, "curl").warnings] == [31, 36, 40, 44]


@pytest.mark.parametrize("target", OURS)
def test_a_secret_default_is_not_in_the_text(target: str, tmp_path: Path) -> None:
    document = yaml.safe_load((SPECS / "two-apis.yml").read_text(encoding="utf-8"))
    document["workflows"][0]["inputs"]["properties"]["apiKey"]["default"] = "default-key-0123"
    shutil.copytree(SPECS.parent / "openapi", tmp_path / "openapi")
    (tmp_path / "arazzo").mkdir()
    path = tmp_path / "arazzo" / "flow.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert "default-key-0123" not in "".join(exported(path, target).files.values())


@pytest.mark.parametrize(("target", "program"), [("python", sys.executable), ("curl", "bash")])
def test_a_script_says_which_inputs_are_missing(target: str, program: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip("needs bash")
    script = tmp_path / "script"
    script.write_text(next(iter(exported(SPECS / "two-apis.yml", target).files.values())), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARAZZO_")}
    ran = subprocess.run([program, str(script)], env=kept, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "ARAZZO_INPUT_SKU" in ran.stderr
    assert "ARAZZO_INPUT_API_KEY" in ran.stderr


def test_a_file_is_executable_and_never_overwritten_silently(arazzo: Arazzo, folder: Path) -> None:
    line = ["export", str(SPECS / "two-apis.yml"), "--to", "curl", "-o", "."]
    assert arazzo(*line).code == 0
    if os.name != "nt":
        assert (folder / "restock.sh").stat().st_mode & stat.S_IXUSR
    again = arazzo(*line)
    assert again.code == 2
    assert "it exists" in again.err
    assert "--force" in again.err
    assert arazzo(*line, "--force").code == 0


def test_a_server_of_no_source_is_refused_and_one_of_a_source_is_in_the_text(arazzo: Arazzo, folder: Path) -> None:
    line = ["export", str(SPECS / "poll-until-done.yml"), "--to", "python", "--server"]
    refused = arazzo(*line, "nope=https://staging.test")
    assert (refused.code, refused.out) == (2, "")
    assert 'error[unknown-source]: there is no source "nope"' in refused.err
    assert "--server nope=URL names it" in refused.err
    source = refused.err.partition("available: ")[2].split()[0]
    assert "https://staging.test" in arazzo(*line, f"{source}=https://staging.test").out


def test_the_same_document_gives_the_same_text() -> None:
    for target in OURS:
        path = SPECS / "undo-when-it-fails.yml"
        assert exported(path, target) == exported(path, target)
