"""The top of the command line: help and version cost next to nothing; every command explains itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import arazzo_runner
from arazzo_runner.cli.commands import COMMANDS, help_text
from arazzo_runner.cli.group import group
from arazzo_runner.cli.main import run

HEAVY = ("click", "yaml", "httpx", "rich", "jsonschema", "asyncio", "dataclasses", "inspect", "re")

PROBE = """
import sys
before = set(sys.modules)
from arazzo_runner.cli.main import run
code = run(sys.argv[1:])
print(sorted(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_help_imports_nothing_heavy(argument: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, argument], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.strip("[]\n").replace("'", "").split(", "))
    assert loaded - {"__future__"} == {
        "arazzo_runner",
        "arazzo_runner.cli",
        "arazzo_runner.cli.commands",
        "arazzo_runner.cli.main",
        "arazzo_runner.base",
        "arazzo_runner.base.version",
        "gc",
    }
    assert not loaded & set(HEAVY)


OWN_PARTS = (
    "arazzo_runner.report.runs.records", "arazzo_runner.report.runs.html", "arazzo_runner.report.runs.formats", "arazzo_runner.report.terminal.many",
    "arazzo_runner.report.graph.model", "arazzo_runner.report.findings.formats", "arazzo_runner.report.findings.model", "arazzo_runner.cli.run.many",
    "arazzo_runner.cli.run.plan", "arazzo_runner.cli.run.watch", "arazzo_runner.cli.environments",
    "arazzo_runner.cli.run.reporting", "arazzo_runner.cli.run.concurrent", "arazzo_runner.config.reading", "arazzo_runner.runtime.rate",
    "arazzo_runner.runtime.cassette.world", "arazzo_runner.lint.pipeline",
    "csv", "statistics", "html", "tomllib", "asyncio",
    *(() if sys.version_info >= (3, 13) else ("glob",)),  # since 3.13 pathlib imports it by itself
)  # fmt: skip

NOT_FOR_CHECKS = ("click", "dataclasses", "httpx", "rich", "jsonschema", "asyncio")


def test_a_plain_run_imports_nothing_that_only_others_need(tmp_path: Path) -> None:
    seed = Path(__file__).parents[2] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"
    arguments = ["run", str(seed), "-i", "refreshToken=demo-refresh-token-1", "-q", "--server"]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments, "prismaticGraphqlApi=http://127.0.0.1:9"],
        capture_output=True, text=True, check=False, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    loaded = done.stderr.strip().splitlines()[-1].strip("[]").replace("'", "").split(", ")
    assert "arazzo_runner.engine.interpreter" in loaded
    assert [name for name in loaded if name.startswith(OWN_PARTS)] == []


def test_a_plain_check_imports_neither_click_nor_dataclasses(tmp_path: Path) -> None:
    seed = Path(__file__).parents[2] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "validate", str(seed), "--no-cache", "--format", "json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = done.stderr.strip().splitlines()[-1].strip("[]").replace("'", "").split(", ")
    assert "arazzo_runner.cli.lint_session" in loaded
    assert [name for name in loaded if name.split(".")[0] in NOT_FOR_CHECKS] == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out == help_text()


def test_help_through_click_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    group.main(["--help"], standalone_mode=False)
    assert capsys.readouterr().out == help_text()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"arazzo {arazzo_runner.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_summary_and_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert COMMANDS[name] in out
    assert "Examples:" in out
    assert f"  arazzo {name}" in out
    assert "\b" not in out


def every_command() -> Iterator[list[str]]:
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        yield [name]
        yield from ([name, own] for own in getattr(command, "commands", ()))


@pytest.mark.parametrize("words", [[], *every_command()], ids=" ".join)
def test_help_fits_a_terminal_of_80_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["help", *words]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("words", [["run"], ["validate"], ["runs", "show"], ["eval", "--help"]], ids=" ".join)
def test_help_of_a_command_is_what_its_option_prints(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", *words]) == 0
    helped = capsys.readouterr().out
    assert run([*(word for word in words if word != "--help"), "--help"]) == 0
    assert helped == capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["help"], ["help", "help"], ["help", "-h"]], ids=" ".join)
def test_help_alone_lists_the_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out == help_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["help", "rum"], 'there is no command "rum"; did you mean "run"'),
        (["hlep"], 'there is no command "hlep"; did you mean "help"'),
        (["rum"], 'there is no command "rum"; did you mean "run"'),
        (["frobnicate"], 'there is no command "frobnicate"; available: run, '),
        (["run"], "missing argument 'SPEC...'"),
        (["run", "x", "--mock", "--dry-run"], "--mock and --dry-run exclude each other"),
        (["run", "x", "--scenario", "s.yml"], "--scenario needs --mock"),
        (["run", "x", "--switch", "s"], "--switch needs --mock"),
        (["run", "x", "--mock-lenient"], "--mock-lenient needs --mock"),
        (["run", "x", "--mock=kept"], "invalid value for '--mock': 'kept' is not one of 'examples', 'stateful'"),
        (["run", "x", "-v", "-q"], "-v and -q exclude each other"),
        (["run", "x", "--output", "-"], "--output needs a file"),
        (
            ["run", "x", "--server", "http://h"],
            '--server expects NAME=URL, found "http://h": NAME is that of a source description',
        ),
        (["run", "x", "--timeout", "0"], "invalid value for '--timeout': 0.0 is not in the range x>0"),
    ],
)
def test_usage_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "help: see arazzo" in captured.err


def test_a_bug_of_ours_is_shown_as_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("secret-0123456789")

    monkeypatch.setattr("arazzo_runner.lint.checker.Checker.check", broken)
    monkeypatch.delenv("ARAZZO_DEBUG", raising=False)
    assert run(["validate", "x"]) == 70
    captured = capsys.readouterr()
    assert captured.err.startswith("error[internal-error]: this is a bug in arazzo: ZeroDivisionError\n")
    assert "secret-0123456789" not in captured.err
    monkeypatch.setenv("ARAZZO_DEBUG", "1")
    assert run(["validate", "x"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_before_anything_was_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arazzo_runner.api.load_named", interrupted)
    assert run(["run", "x"]) == 130
    assert "interrupted before anything was sent" in capsys.readouterr().err


def test_python_m(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arazzo_runner", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"arazzo {arazzo_runner.__version__}\n"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="nothing waits"),
        pytest.param("import atexit; atexit.register(print, 'handled')", id="a handler is called"),
        pytest.param("import threading; threading.Thread(target=print, args=('handled',)).start()", id="a thread"),
        pytest.param("import sys; sys.setprofile(lambda *_: None)", id="a profiler"),
    ],
)
def test_the_process_ends_in_order_with_its_output_and_code(before: str, tmp_path: Path) -> None:
    document = tmp_path / "doc.yml"
    document.write_text("arazzo: 1.0.1\ninfo: 1\n", "utf-8")
    script = f"{before}\nimport sys; sys.argv = ['arazzo', 'validate', '--no-cache', {str(document)!r}]\n"
    script += "from arazzo_runner.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "3 errors" in done.stdout
    assert ("handled" in done.stdout) == ("handled" in before)
    assert done.stderr == ""
