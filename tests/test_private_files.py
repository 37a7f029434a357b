"""Files that hold secrets, and the console."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from arazzo_runner.base.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.report.runs.formats import ReportFile
from arazzo_runner.report.runs.records import RunsReport
from arazzo_runner.report.terminal.console import Console

posix = pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")


@posix
@pytest.mark.parametrize("before", [None, "old"])
def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path, before: str | None) -> None:
    path = tmp_path / "out.json"
    if before is not None:
        path.write_text(before)
        path.chmod(0o644)
    file = PrivateFile.prepare(str(path))
    assert path.read_text() == (before or "")
    file.write("new\ud800")
    assert path.read_text() == "new\\ud800"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["out.json"]


@pytest.mark.parametrize(("before", "left"), [(None, []), ("old", ["out.json"])])
def test_discarding_removes_only_what_was_created(tmp_path: Path, before: str | None, left: list[str]) -> None:
    path = tmp_path / "out.json"
    if before is not None:
        path.write_text(before)
    PrivateFile.prepare(str(path)).discard()
    assert os.listdir(tmp_path) == left


def test_a_file_that_cannot_be_written_is_detected_before(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        PrivateFile.prepare(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        PrivateFile.prepare(str(tmp_path / "no" / "out.json"))


@posix
def test_a_device_is_written_not_replaced() -> None:
    PrivateFile.prepare("/dev/null").write("x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@posix
def test_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert state_folder() == str(tmp_path / "state" / "arazzo")
    make_private_folder(state_folder())
    assert stat.S_IMODE(os.stat(state_folder()).st_mode) == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder() == str(tmp_path / ".local" / "state" / "arazzo")


def test_a_closed_pipe_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:
        console = Console(stream, io.StringIO())
        assert console.deliver("x\n") is False
        assert console.deliver("y\n") is False
    console.out("more\n")  # a reader who has read enough


def test_any_encoding_takes_any_text() -> None:
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())
    console.out('"ü ✓ \U0001f600"')
    assert json.loads(raw.getvalue()) == "ü ✓ \U0001f600"


def test_stderr_is_masked_by_value() -> None:
    stream = io.StringIO()
    console = Console(io.StringIO(), stream)
    console.secrets = Secrets(["secret-value"])
    console.err("a secret-value")
    assert stream.getvalue() == "a ***"


@pytest.mark.parametrize(
    ("environment", "color"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_follow_the_customs(environment: dict[str, str], color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Console(io.StringIO(), io.StringIO()).color is color


TEXT = "outputs\n"


def write_outputs(path: str, proved: threading.Event) -> None:
    file = PrivateFile.prepare(path)
    proved.wait(20)
    file.write(TEXT)


def write_report(path: str, proved: threading.Event) -> None:
    file = ReportFile("json", path)
    file.prepare()
    proved.wait(20)
    file.write(RunsReport(runs=(), started=0.0))


@posix
@pytest.mark.parametrize("write", [write_outputs, write_report])
def test_a_named_pipe_is_open_from_the_proof_to_the_end(
    write: Callable[[str, threading.Event], None], tmp_path: Path
) -> None:
    """A pipe that was opened as a check must stay open until it is written: closing is the end to its reader."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    proved = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write, path, proved)
        with open(path) as pipe:
            proved.set()
            text = pipe.read()
        writing.result(20)
    assert len(text) >= len(TEXT)


@posix
def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    PrivateFile.prepare(str(path)).write(TEXT)
    PrivateFile.prepare(str(path)).write("new")
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
