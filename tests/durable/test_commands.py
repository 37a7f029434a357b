"""The commands of durable runs as a person uses them, over a loopback server."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from arazzo_runner.cli.group import run_command_line
from tests.durable.crash import SPEC, Zygote
from tests.durable.token_server import FIRST, Tokens, token_server


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs command lines in one state directory against one server."""

    def __init__(self, zygote: Zygote, folder: Path, tokens: Tokens) -> None:
        self._zygote = zygote
        self.folder = folder
        self.tokens = tokens
        self.env = {"XDG_STATE_HOME": str(folder / "state"), "ARAZZO_INPUT_refreshToken": FIRST}

    def __call__(self, *arguments: str, kill: dict[str, Any] | None = None, **env: str) -> Done:
        """Run a command line: in this process, or in another one that is killed."""
        if kill is None:
            return self._here(arguments, env)
        order = {"argv": list(arguments), "env": {**self.env, **env}, "kill": kill}
        out, err = self.folder / "out", self.folder / "err"
        self._zygote.start({**order, "out": str(out), "err": str(err)})
        code = self._zygote.wait()
        return Done(code, out.read_text(), err.read_text())

    def _here(self, arguments: Sequence[str], env: dict[str, str]) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, {**self.env, **env}), redirect_stdout(out), redirect_stderr(err):
            code = run_command_line([*arguments])
        return Done(code, out.getvalue(), err.getvalue())

    def run(self, *options: str, kill: dict[str, Any] | None = None, **env: str) -> Done:
        server = f"tokens={self.tokens.url}"
        return self("run", SPEC, "-w", "rotate", "--server", server, "--durable", *options, kill=kill, **env)


@pytest.fixture
def shell(zygote: Zygote, tmp_path: Path) -> Iterator[Shell]:
    with token_server() as tokens:
        tokens.busy.clear()
        yield Shell(zygote, tmp_path, tokens)


def test_the_life_of_a_run_that_is_killed_while_a_request_is_in_flight(shell: Shell) -> None:
    killed = shell.run("--run-id", "r1", kill={"point": "before-send", "number": 1})
    assert killed.code == -9

    # Who runs the document again is told, and not made to wait for it.
    note = shell(
        "run", SPEC, "-w", "use-token", "--server", f"tokens={shell.tokens.url}", "-i", "accessToken=abcdefghij"
    )
    assert "durable run r1 of this document is unfinished: arazzo resume r1 continues it" in note.err

    waiting = shell("resume", "r1")
    assert waiting.code == 3
    assert "in doubt: first: POST" in waiting.err
    assert "arazzo resume r1 --step first --as resend" in waiting.err

    listed = shell("runs", "list", "--format", "json").json["runs"][0]
    assert (listed["runId"], listed["state"], listed["doubts"][0]["step"]) == ("r1", "in_doubt", "first")

    wrong = shell("resume", "r1", "--step", "second", "--as", "resend")
    assert (wrong.code, "invalid-decision" in wrong.err) == (2, True)

    resumed = shell("resume", "r1", "--step", "first", "--as", "resend")
    assert (resumed.code, resumed.json) == (0, {"refreshToken": "***", "noteId": 1})
    assert shell.tokens.twice() == []

    again = shell("resume", "r1")
    assert (again.code, "run-ended" in again.err) == (2, True)

    shown = shell("runs", "show", "r1", "--show-secrets")
    assert shown.json["outputs"]["refreshToken"] in shell.tokens.live
    assert "unfinished" not in shell("run", SPEC, "-w", "use-token", "--server", f"tokens={shell.tokens.url}").err


def test_a_token_can_be_read_from_a_run_that_stopped_after_it(shell: Shell) -> None:
    assert shell.run("--run-id", "r1", kill={"point": "after-record", "number": 2}).code == -9
    shown = shell("runs", "show", "r1", "--show-secrets", "--format", "json").json
    assert shown["state"] == "interrupted"
    assert shown["steps"]["first"]["refreshToken"] in shell.tokens.live
    masked = shell("runs", "show", "r1")
    assert masked.json["steps"]["first"] == {"accessToken": "***", "refreshToken": "***"}
    exported = shell("runs", "export", "r1")
    assert "refresh-token-number-2" not in exported.out
    assert exported.json["documents"]
    assert "refresh-token-number-2" in shell("runs", "export", "r1", "--show-secrets").out


def test_the_store_is_private_and_has_no_secret_in_clear(shell: Shell) -> None:
    assert shell.run("--run-id", "r1", kill={"point": "after-record", "number": 7}).code == -9
    secrets = [FIRST, "refresh-token-number-2", "access-token-number-2", "Bearer"]
    found = [path for path in (shell.folder / "state").rglob("*") if path.is_file()]
    assert {path.suffix for path in found} >= {".db", ".key", ".lock", ".db-wal"}
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        data = path.read_bytes()
        assert [text for text in secrets if text.encode() in data] == [], path
    for path in [path for path in (shell.folder / "state").rglob("*") if path.is_dir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_resuming_reads_no_files(shell: Shell, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name in ("rotate.arazzo.yml", "tokens.openapi.yml"):
        (documents / name).write_bytes((Path(SPEC).parent / name).read_bytes())
    spec = str(documents / "rotate.arazzo.yml")
    options = ["-w", "rotate", "--server", f"tokens={shell.tokens.url}", "--durable", "--run-id", "r1"]
    assert shell("run", spec, *options, kill={"point": "after-record", "number": 2}).code == -9
    for path in documents.iterdir():
        path.write_text("arazzo: broken")
    (documents / "tokens.openapi.yml").unlink()
    assert shell("resume", "r1").code == 0


def test_cancelled_and_deleted(shell: Shell) -> None:
    assert shell.run("--run-id", "r1", kill={"point": "before-send", "number": 1}).code == -9
    cancelled = shell("runs", "cancel", "r1")
    assert "the outcome of POST" in cancelled.err
    assert shell("runs", "list", "--format", "json").json["runs"][0]["state"] == "cancelled"
    assert "run-ended" in shell("resume", "r1").err
    assert shell("runs", "delete", "r1").code == 0
    assert shell("runs", "list").out == "no runs\n"
    assert "unknown-run" in shell("runs", "show", "r1").err
    assert shell.run("--run-id", "r1", "-q").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--durable", "--mock"], "--durable excludes --mock"),
        (["--durable", "--dry-run"], "--durable excludes --dry-run"),
        (["--durable", "--until", "first"], "--durable excludes --step, --from and --until"),
        (["--run-id", "r1"], "--run-id needs --durable"),
        (["--durable", "--run-id", "../r1"], "invalid-run-id"),
        (["--durable", "--store", "mysql://db/x"], "invalid-store"),
        (["--durable", "--store", "/proc/nowhere/x.db"], "invalid-store"),
        (["--durable", "--store", "postgresql://127.0.0.1:1/none"], "invalid-store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_refused_before_anything_is_sent(shell: Shell, options: list[str], message: str) -> None:
    done = shell("run", SPEC, "-w", "rotate", "--server", f"tokens={shell.tokens.url}", *options)
    assert (done.code, shell.tokens.log) == (2, [])
    assert message in done.err
    assert "Traceback" not in done.err


def test_keys(shell: Shell) -> None:
    first, second = "A" * 43 + "=", "B" * 42 + "A="
    assert shell.run("--run-id", "r1", "-q", ARAZZO_JOURNAL_KEY=first).code == 0
    assert "journal-key" in shell("runs", "show", "r1", ARAZZO_JOURNAL_KEY=second).err
    assert shell("runs", "show", "r1", ARAZZO_JOURNAL_KEY=f"{second},{first}").code == 0
    assert "journal-key" in shell("runs", "list", ARAZZO_JOURNAL_KEY="too short").err
    assert not list((shell.folder / "state").rglob("*.key"))


def test_a_run_has_one_owner(shell: Shell) -> None:
    shell.tokens.busy["/me"] = 3
    server = f"tokens={shell.tokens.url}"
    command = ["run", SPEC, "-w", "rotate", "--server", server, "--durable", "--run-id", "r1", "-q"]
    process = subprocess.Popen(
        [sys.executable, "-m", "arazzo_runner", *command], env={**os.environ, **shell.env}, stdout=subprocess.PIPE
    )
    try:
        while not shell.tokens.log:
            assert process.poll() is None
        busy = shell("resume", "r1")
        assert (busy.code, "run-in-use" in busy.err) == (2, True)
        assert "run-in-use" in shell("runs", "delete", "r1").err
    finally:
        out, _ = process.communicate(timeout=30)
    assert json.loads(out)["noteId"] == 0
    assert shell.tokens.twice() == []


def test_without_the_extra_nothing_of_it_is_imported_and_the_error_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('dbos', 'cryptography', 'sqlalchemy', 'psycopg'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from arazzo_runner.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "print(code, sorted(m for m in sys.modules if m.startswith('arazzo_runner.durable')), file=sys.stderr)\n"
    )

    def arazzo(*arguments: str) -> str:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False).stderr

    options = ["run", SPEC, "-w", "use-token", "--server", "tokens=http://127.0.0.1:1"]
    assert arazzo(*options).splitlines()[-1] == "1 []"
    for command in (["run", SPEC, "-w", "use-token", "--durable"], ["runs", "list"], ["worker", "--name", "w1"]):
        refused = arazzo(*command, *(options[4:] if command[0] == "run" else []))
        assert "pip install 'dbos>=3.4,<4' 'cryptography>=42'" in refused
        assert refused.splitlines()[-1].startswith("2 ")
        assert "Traceback" not in refused
